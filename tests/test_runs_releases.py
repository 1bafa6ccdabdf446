"""No two pages of a study may differ by a handful of customers."""

from pathlib import Path

import pytest
from intake_clients import write_client

from cxlab.errors import RunError
from cxlab.intake import dataset
from cxlab.runs.entries import Entry
from cxlab.runs.publish import shelf
from cxlab.runs.releases import Release, Releases, in_turn, release_of
from cxlab.runs.study import Study

DECLARATION = """
name: Test
sources:
  - file: raw/survey.csv
    table: survey_responses
    scales: {recommend: [0, 10]}
"""
# 60 of RM (of them 4 in commune Z), 57 of V, 30 of X; each customer answers once, c0 to c3 twice.
PLACES = [("RM", "A")] * 56 + [("RM", "Z")] * 4 + [("V", "B")] * 57 + [("X", "C")] * 30
ROWS = "response_id,customer_id,recommend,region,segment\n" + "".join(
    f"r{n},c{n},{n % 11},{region},{commune}\n" for n, (region, commune) in enumerate(PLACES)
)
AGAIN = "".join(f"s{n},c{n},9,RM,W\n" for n in range(4))


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("CXLAB_ID_KEY", "a key for tests only")
    root = write_client(tmp_path, DECLARATION, {"survey.csv": ROWS + AGAIN})
    dataset.check(root, "acme")
    return root


def release(root: Path, entry: str, where: str = "", *, used: int = 1, client: str = "acme") -> Release:
    sha256 = dataset.open_dataset(root, "acme").entry("survey_responses").sha256
    read = {"table": "survey_responses", "sha256": sha256, "rows": 151, "used": used if where else 151}
    return release_of(entry, client, {"where": where}, [read])


def publish(opened, root: Path, entry: str, where: str = "", client: str = "acme") -> None:
    made = release(root, entry, where, client=client)
    sha256, _ = made.tables["survey_responses"]
    read = {"table": "survey_responses", "sha256": sha256, "rows": 151, "used": 1 if where else 151}
    manifest = {"client": client, "parameters": {"where": where}, "inputs": [read]}
    name = opened.publish(entry, f"run-{entry}", {"report.html": b"<p>"}, manifest)
    opened.show(entry, name, b"<p>")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("region == 'RM'", "region == 'RM' and segment != 'Z'"),  # 4 fewer
        ("region != 'V'", "region == 'X' or segment == 'A' or segment == 'W'"),  # 4 fewer, in other words
        ("segment != 'W'", "segment != 'W' and not segment == 'Z'"),
        ("region == 'RM' and segment != 'W'", "region == 'RM'"),  # four answers of four who are in both
    ],
)
def test_sets_that_differ_by_a_few_customers_are_refused(root, first, second):
    with shelf(root, "study") as opened:
        publish(opened, root, "one", first)
        with pytest.raises(RunError) as caught:
            Releases(root).check(release(root, "two", second), opened)
    said = str(caught.value)
    assert said.startswith(f"two (where: {second}) and one (where: {first}) leave sets of survey_responses")
    assert "under 10 customers" in said
    assert "one.html" in said
    assert "4" not in said.replace(str(root), "")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("", "region != 'V'"),
        ("region == 'RM'", "region == 'V'"),  # nearly as many, and none in common
        ("region == 'RM'", " region == 'RM' "),
        ("region == 'RM'", "not (region != 'RM')"),
        ("region == 'RM'", "region != 'V'"),  # 30 apart
    ],
)
def test_sets_that_are_the_same_or_far_apart_are_published(root, first, second):
    with shelf(root, "study") as opened:
        publish(opened, root, "one", first)
        Releases(root).check(release(root, "two", second), opened)


def test_only_pages_of_the_same_client_and_the_same_data_are_compared(root):
    close = release(root, "two", "region == 'RM' and segment != 'Z'")
    with shelf(root, "study") as opened:
        publish(opened, root, "one", "region == 'RM'", client="other")
        publish(opened, root, "two", "region == 'RM'")  # its own page, which it replaces
        Releases(root).check(close, opened)
        publish(opened, root, "three", "region == 'RM'")
        Releases(root).check(Release("two", "acme", {"survey_responses": ("another", "x")}), opened)
        with pytest.raises(RunError, match="three"):
            Releases(root).check(close, opened)
        (opened.folder / "three.html").unlink()  # as the message says
        Releases(root).check(close, opened)


def test_codebooks_and_tables_read_whole_are_not_filtered():
    whole = {"table": "customers", "sha256": "ab", "rows": 90, "used": 90}
    part = {**whole, "used": 60}
    targets = {"table": "population_targets", "sha256": "cd", "rows": 9, "used": 9}
    given = {"where": "region == 'V'"}
    assert release_of("a", "acme", given, [whole, targets]).tables == {"customers": ("ab", "")}
    for reads in ([whole, part], [part, whole]):
        assert release_of("a", "acme", given, reads).tables == {"customers": ("ab", "region == 'V'")}


def test_which_of_two_is_refused_does_not_depend_on_which_kernel_was_faster(tmp_path):
    filters = {"a": "x == 1", "b": "x == 1", "c": "x == 2", "d": "x == 1"}
    entries = tuple(Entry(name, tmp_path / "n.ipynb", {"where": said}) for name, said in filters.items())
    study = Study("s", tmp_path, "acme", "es", entries)

    def order(*ended: str) -> list[str]:
        by_name = {entry.id: entry for entry in entries}
        return [entry.id for entry, _ in in_turn(study, [(by_name[name], None) for name in ended])]

    assert order("d", "c", "b", "a") == ["b", "a", "c", "d"]
    assert order("c", "a", "d", "b") == ["a", "b", "c", "d"]
    assert order("a", "b", "c", "d") == ["a", "b", "c", "d"]


def told(asked, *groups):
    bases = [[list(cell.items()), n] for cell, n in groups]
    return {"asked": [["metric", asked]], "bases": bases}


CROSSED = told("nps", ({"region": "RM", "segment": "A"}, 56), ({"region": "V", "segment": "B"}, 57))
MARGINS = told("nps", ({"region": "RM"}, 60), ({"region": "V"}, 57), ({"region": "X"}, 30))


@pytest.mark.parametrize(
    ("first", "second", "refused"),
    [
        (MARGINS, CROSSED, True),  # 60 less 56: a crossing on one page, its margins on the other
        (told("nps", ({}, 150)), MARGINS, True),  # three without a region
        (told("pxi", ({}, 150)), MARGINS, False),  # another question has another base
        (told("nps", ({}, 160)), MARGINS, False),
        (told("nps", ({}, 150), ({"region": "RM"}, 61)), MARGINS, False),  # of other people
        (told("nps", ({}, 150), *[(dict(c), n) for c, n in MARGINS["bases"]]), MARGINS, False),  # alone
        (told("nps", ({"region": "X"}, 30), ({}, 100)), told("nps", ({"region": "V"}, 67)), True),
    ],
)
def test_what_two_pages_show_is_not_subtracted_to_a_few_people(root, first, second, refused):
    with shelf(root, "study") as opened:
        made = release(root, "one")
        read = {
            "table": "survey_responses",
            "sha256": made.tables["survey_responses"][0],
            "rows": 9,
            "used": 9,
        }
        manifest = {"client": "acme", "parameters": {}, "inputs": [read], "told": [first]}
        opened.show("one", opened.publish("one", "run-one", {"report.html": b"<p>"}, manifest), b"<p>")
        coming = release_of("two", "acme", {}, [read], [second])
        if not refused:
            Releases(root).check(coming, opened)
            return
        with pytest.raises(RunError) as caught:
            Releases(root).check(coming, opened)
        said = str(caught.value)
        assert said.startswith("two and one show the same base by different groups")
        assert "under 10 customers (region" in said
        assert "4" not in said.replace(str(root), "")
        # Of other data, or for itself, the page is published.
        other = release_of("two", "acme", {}, [{**read, "sha256": "another"}], [second])
        Releases(root).check(other, opened)
        Releases(root).check(release_of("one", "acme", {}, [read], [second]), opened)
        (opened.folder / "one.html").unlink()  # as the message says
        Releases(root).check(coming, opened)
