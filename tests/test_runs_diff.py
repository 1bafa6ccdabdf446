"""What moved between two runs and why: matched, judged, told; nobody is found by subtraction."""

import copy
import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intake_clients import write_client

from cxlab import cli
from cxlab.errors import ParameterError, RunError
from cxlab.intake import dataset
from cxlab.reporting.words import Words
from cxlab.runs.compared.diff import Difference, diff
from cxlab.runs.compared.diff_lines import lines
from cxlab.runs.outputs import as_json
from cxlab.runs.publish import shelf
from cxlab.runs.published import Run, named

COLUMNS = ["region", "metric", "estimate", "std_error", "conf_low", "conf_high", "n", "flag"]
NOWHERE = Path("/nowhere")


def row(region, estimate, half, n, metric="nps"):
    if n < 10:
        return [region, metric, None, None, None, None, None, "suppressed"]
    return [region, metric, estimate, half / 1.96, estimate - half, estimate + half, n, "ok"]


def claim(code="score.level", grade="D", sentence="", caveats=(), **fields):
    fields = {"metric": "nps", "estimate": 40.0, "n": 900, "unit": "points", **fields}
    return {
        "code": code,
        "fields": fields,
        "grade": grade,
        "caveats": list(caveats),
        "sentence": sentence or f"{code} {fields['n']}",
    }


def bundle(rows, claims=(), *, used=900, dropped=None, by=("region",), kind="Scores", **tables):
    return {
        "kind": kind, "estimate_column": "estimate", "keys": ["region", "metric"],
        "settings": {"level": 0.95, "by": list(by)}, "n_used": used, "n_dropped": dropped or {},
        "tables": {"main": {"columns": COLUMNS, "rows": rows}, **tables}, "claims": list(claims),
    }  # fmt: skip


def run(*results, name="a", where="", sha="11", rows=900, used=900, **manifest):
    read = {"table": "survey_responses", "sha256": sha, "rows": rows, "used": used}
    said = {
        "study": "s", "entry": name, "notebook": "scorecard.ipynb", "client": "acme", "language": "en",
        "parameters": {"where": where, "by": ["region"]}, "inputs": [read],
        "fingerprint": {"notebook": "n1", "sources": "s1", "client": "c1"},
        "versions": {"pandas": "2.3.3"}, "machine": {"system": "Linux"}, **manifest,
    }  # fmt: skip
    return Run(f"s/{name}", said, {"results": list(results)})


def compared(before, after) -> Difference:
    return diff(before, after, root=NOWHERE)


def text(found: Difference, language="en") -> str:
    return "\n".join(lines(found, Words(language))).replace("\N{NO-BREAK SPACE}", " ")


# --- numbers ----------------------------------------------------------------------------------------


def test_a_change_is_held_to_the_errors_of_both_sides():
    """By hand: 5 points apart, half-widths 3 and 4, error of both 5 at the same level."""
    for change, verdict in ((4.99, "within"), (5.01, "beyond")):
        before = run(bundle([row("V", 20.0, 3.0, 500)], used=500))
        after = run(bundle([row("V", 20.0 + change, 4.0, 700)], used=700), sha="22")
        (moved,) = compared(before, after).moved
        assert moved.verdict == verdict
        assert moved.errors == pytest.approx(change / 5)
        assert moved.change == pytest.approx(change)


def test_the_side_of_the_limits_that_faces_the_other_counts():
    def lopsided(estimate, low, high, n):
        return ["V", "nps", estimate, None, estimate - low, estimate + high, n, "ok"]

    before = run(bundle([lopsided(20.0, 90.0, 3.0, 500)], used=500))
    after = run(bundle([lopsided(26.0, 4.0, 90.0, 700)], used=700), sha="22")
    assert [m.errors for m in compared(before, after).moved] == [pytest.approx(6 / 5)]
    assert [m.errors for m in compared(after, before).moved] == [pytest.approx(-6 / 5)]


def test_other_levels_are_brought_to_the_wider_one():
    before = bundle([row("V", 20.0, 1.6448536, 500)], used=500)
    before["settings"]["level"] = 0.90
    after = bundle([row("V", 24.0, 1.9599640, 700)], used=700)
    (moved,) = compared(run(before), run(after, sha="22")).moved
    assert moved.errors == pytest.approx(4 / (1.9599640 * math.sqrt(2)), rel=1e-6)


def test_a_hazard_is_judged_as_a_logarithm_and_told_as_a_ratio():
    columns = ["covariate", "estimate", "std_error", "hazard_ratio", "conf_low", "conf_high", "n", "flag"]

    def hazards(b, n):  # an error so wide that the ratio's limits hold the logarithm too
        rows = [["plan", b, 1.0, math.exp(b), math.exp(b - 1.96), math.exp(b + 1.96), n, "ok"]]
        made = {
            "kind": "Hazards",
            "keys": ["covariate"],
            "tables": {"main": {"columns": columns, "rows": rows}},
        }
        return {**bundle([], used=n), **made}

    (moved,) = compared(run(hazards(0.5, 500)), run(hazards(2.0, 800), sha="22")).moved
    assert (moved.column, moved.before, moved.unit) == ("hazard_ratio", math.exp(0.5), "ratio")
    assert moved.errors == pytest.approx(1.5 / (math.sqrt(2) * 1.959964), rel=1e-6)


def test_limits_that_moved_alone_are_told():
    found = compared(run(bundle([row("V", 20.0, 3.0, 500)])), run(bundle([row("V", 20.0, 4.0, 500)])))
    assert [(m.verdict, m.change) for m in found.moved] == [("computed", 0.0)]


def test_other_rows_or_other_targets_are_not_the_same_rows():
    made = bundle([row("V", 20.0, 3.0, 500)])
    assert not compared(run(made, used=500), run(made, where="plan == 'A'", used=300)).same_people
    whole = run(made)
    targets = [{"table": "population_targets", "sha256": each, "rows": 9, "used": 9} for each in "12"]
    one, other = (run(made, inputs=[*whole.manifest["inputs"], read]) for read in targets)
    assert not compared(one, other).same_people
    assert compared(one, whole).same_people  # what only one of them read is a cause, not other people


def test_on_the_same_rows_any_change_but_rounding_is_one_of_computation():
    before = run(bundle([row("V", 20.0, 3.0, 500), row("X", 0.1 + 0.2, 3.0, 400)]))
    after = run(bundle([row("V", 20.001, 3.0, 500), row("X", 0.3, 3.0, 400)]))
    found = compared(before, after)
    assert found.same_people
    assert [(dict(m.key)["region"], m.verdict, m.errors) for m in found.moved] == [("V", "computed", None)]
    assert found.unchanged == 1
    assert "both read the same rows" in text(found)


def test_without_an_error_a_change_is_told_and_not_judged():
    bare = ["V", "nps", 20.0, None, None, None, 500, "ok"]
    other = ["V", "nps", 60.0, None, None, None, 700, "ok"]
    found = compared(run(bundle([bare], used=500)), run(bundle([other], used=700), sha="22"))
    assert [m.verdict for m in found.moved] == ["unjudged"]


def test_rows_of_one_side_and_other_columns_are_told():
    extra = {"columns": ["region", "p_value"], "rows": [["V", 0.2]]}
    moved = {"columns": ["region", "p_value"], "rows": [["V", 0.3]]}
    before = run(bundle([row("V", 20.0, 3.0, 500), row("X", 1.0, 3.0, 400)], tests=extra))
    after = run(bundle([row("V", 20.0, 3.0, 500), row("Z", 1.0, 3.0, 400)], tests=moved))
    found = compared(before, after)
    assert {(dict(m.key)["region"], m.verdict, m.before) for m in found.moved} == {
        ("X", "gone", None),
        ("Z", "new", None),
    }
    assert [(o.table, o.columns, o.rows) for o in found.others] == [("tests", ("p_value",), 1)]


def test_a_result_shown_twice_is_told_once():
    """Shown again it has no claims, and so nothing that says its unit."""

    def twice(estimate, n):
        rows = [row("V", estimate, 3.0, n, metric="")]
        return [bundle(rows, [claim(metric="", unit="percent", n=n)]), bundle(rows)]

    found = compared(run(*twice(20.0, 500)), run(*twice(30.0, 700), sha="22"))
    assert [(m.before, m.after, m.unit) for m in found.moved] == [(20.0, 30.0, "percent")]


def test_the_unit_is_that_of_the_index_that_was_asked_for():
    def league(estimate):
        made = bundle([row("V", estimate, 3.0, 500, metric="")])
        return {**made, "settings": {**made["settings"], "metric": "nps"}}

    assert [m.unit for m in compared(run(league(1.0)), run(league(2.0))).moved] == ["points"]


# --- nobody is found --------------------------------------------------------------------------------


def test_a_row_whose_base_moved_by_a_few_takes_another_with_it():
    """204 and 200 in V: the four are known by subtraction, also through the total and the others."""
    before = bundle([row("V", 20.0, 3.0, 204), row("X", 33.0, 3.0, 300), row("Z", 44.0, 3.0, 396)])
    after = bundle([row("V", 21.0, 3.0, 200), row("X", 34.0, 3.0, 150), row("Z", 45.0, 3.0, 296)], used=646)
    found = compared(run(before), run(after, sha="22"))
    assert {dict(m.key)["region"]: m.verdict for m in found.moved} == {
        "V": "hidden", "Z": "hidden", "X": "within"
    }  # fmt: skip
    said = text(found) + repr(found)
    assert not [number for number in ("20.0", "21.0", "44.0", "45.0", "204", "200") if number in said]
    assert "bases differ by under 10" in said


def test_units_and_categories_part_everybody_as_segments_do():
    def league(n, other, far):
        table = {
            "columns": ["shop", *COLUMNS[1:]],
            "rows": [row("V", 20.0, 3.0, n), row("X", 33.0, 3.0, other)],
        }
        table["rows"].append(row("Z", 44.0, 3.0, far))
        made = {"keys": ["shop", "metric"], "settings": {"unit": "shop"}, "tables": {"main": table}}
        return {**bundle([], used=n + other + far), **made}

    moved = compared(run(league(204, 300, 400)), run(league(200, 150, 370), sha="22")).moved
    assert [(dict(m.key)["shop"], m.verdict) for m in moved] == [("V", "hidden"), ("Z", "hidden")]


def test_categories_are_parts_whatever_the_settings_say():
    def bases(n, other):
        rows = [["V", *row("V", 20.0, 3.0, n)[1:]], ["X", *row("X", 33.0, 3.0, other)[1:]]]
        table = {"columns": ["category", *COLUMNS[1:]], "rows": rows}
        made = {"keys": ["category", "metric"], "settings": {}, "tables": {"main": table}}
        return {**bundle([], used=n + other), **made}

    moved = compared(run(bases(204, 300)), run(bases(200, 250), sha="22")).moved
    assert [m.verdict for m in moved] == ["hidden", "hidden"]


def test_a_suppressed_row_of_one_side_is_not_told_at_all():
    before, after = bundle([row("V", 0, 0, 5), row("X", 1.0, 3.0, 300)]), bundle([row("X", 1.0, 3.0, 300)])
    assert not compared(run(before), run(after)).moved
    assert not compared(run(after), run(before)).moved


def said_of(one: list, other: list, used=(900, 600)):
    sides = [bundle([], claims, used=n) for claims, n in zip((one, other), used, strict=True)]
    return {
        (c.how, c.hidden, c.before, c.after) for c in compared(run(sides[0]), run(sides[1], sha="22")).claims
    }


def test_sentences_on_bases_that_differ_by_a_few_are_not_laid_side_by_side():
    graded = [claim(n=204, sentence="A")], [claim(n=200, grade="C", sentence="B")]
    assert said_of(*graded) == {(("grade",), True, "", "")}
    lost = [claim(metric="nps", n=204, sentence="A"), claim(metric="pxi", n=800, sentence="C")]
    won = [claim(metric="insc", n=200, sentence="B")]
    assert said_of(lost, won) == {(("gone",), True, "", ""), (("new",), True, "", "")}
    baseless = [claim(n=None, sentence="A")], [claim(n=None, grade="C", sentence="B")]
    assert said_of(*baseless, used=(904, 900)) == {(("grade",), True, "", "")}
    assert said_of(*baseless) == {(("grade",), False, "A", "B")}


def test_what_is_said_of_a_hidden_row_is_hidden_too():
    def of(n, grade, other):
        claims = [
            claim("score.segment", grade, "V says 20", region="V", column="region", segment="V", n=n),
            claim("score.segment", grade, "Z says 44", column="region", segment="Z", n=other),
        ]
        return bundle([row("V", 20.0, 3.0, n), row("Z", 44.0, 3.0, other)], claims, used=n + other)

    found = compared(run(of(204, "D", 400)), run(of(200, "C", 300), sha="22"))
    assert {(c.how, c.hidden, c.before, c.after) for c in found.claims} == {(("grade",), True, "", "")}
    assert "says" not in text(found)


def test_suppressed_on_one_side_is_told_without_a_number():
    before = bundle([row("V", 0, 3.0, 5), row("X", 33.0, 3.0, 300), row("Y", 0, 0, 5)])
    after = bundle([row("V", 77.0, 3.0, 60), row("X", 33.0, 3.0, 300), row("Y", 0, 0, 6)])
    for one, other, verdict in ((before, after, "suppressed_before"), (after, before, "suppressed_after")):
        found = compared(run(one), run(other, sha="22"))
        assert [(dict(m.key)["region"], m.verdict, m.before, m.after) for m in found.moved] == [
            ("V", verdict, None, None)
        ]
        assert "77" not in text(found)


def test_counts_that_differ_by_a_few_are_not_said():
    before = run(bundle([], used=897, dropped={"without NPS": 3, "late": 20}), rows=900)
    after = run(bundle([], used=850, dropped={"without NPS": 8, "late": 42}), sha="22", rows=905, used=905)
    counts = {(c.of, c.what): (c.before, c.after) for c in compared(before, after).counts}
    assert counts == {
        ("survey_responses", "rows"): (None, None),
        ("survey_responses", "used"): (None, None),
        ("Scores", "used"): (897, 850),
        ("Scores", "without NPS"): (None, None),
        ("Scores", "late"): (20, 42),
    }
    assert "survey responses, rows: they differ by under 10" in text(compared(before, after)).lower()


DECLARATION = """
name: Test
sources:
  - file: raw/survey.csv
    table: survey_responses
    scales: {recommend: [0, 10]}
"""
PLACES = [("RM", "A")] * 56 + [("RM", "Z")] * 4 + [("V", "B")] * 57 + [("X", "C")] * 30
ROWS = "response_id,customer_id,recommend,region,segment\n" + "".join(
    f"r{n},c{n},{n % 11},{region},{commune}\n" for n, (region, commune) in enumerate(PLACES)
)
# Four of the 150 customers answer three times: rows alone would not tell that they are four.
AGAIN = "".join(f"s{k}{n},c{n},9,W,W\n" for n in range(4) for k in range(3))


def test_filters_that_differ_by_a_few_customers_are_refused_by_the_customers_themselves(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("CXLAB_ID_KEY", "a key for tests only")
    root = write_client(tmp_path, DECLARATION, {"survey.csv": ROWS + AGAIN})
    dataset.check(root, "acme")
    sha = dataset.open_dataset(root, "acme").entry("survey_responses").sha256
    before = run(bundle([]), where="segment != 'B'", sha=sha, rows=159, used=102)
    after = run(bundle([]), name="b", where="segment != 'B' and segment != 'W'", sha=sha, rows=159, used=90)
    with pytest.raises(RunError) as caught:
        diff(before, after, root=root)
    assert "differ by under 10 customers" in str(caught.value)
    assert "s/a (where: segment != 'B')" in str(caught.value)
    far = run(bundle([]), name="b", where="region == 'V'", sha=sha, rows=159, used=57)
    assert not diff(before, far, root=root).empty
    # Twelve rows apart: without the data at hand, the rows decide.
    assert not compared(before, after).empty


def test_without_the_data_at_hand_the_rows_decide():
    before = run(bundle([]), where="a", used=700)
    with pytest.raises(RunError, match="differ by under 10 customers"):
        compared(before, run(bundle([]), where="b", used=697))
    assert compared(before, run(bundle([]), where="b", used=690)).causes


# --- conclusions ------------------------------------------------------------------------------------


def restated(one, other):
    return [
        (c.code, c.how, c.before, c.after)
        for c in compared(
            run(bundle([], [one] if one else [])), run(bundle([], [other] if other else []))
        ).claims
    ]


def test_what_changes_in_a_claim():
    base = claim(sentence="A")
    assert restated(base, claim(sentence="B", estimate=55.0)) == []  # a number, told among the numbers
    assert restated(base, None) == [("score.level", ("gone",), "A", "")]
    assert restated(None, base) == [("score.level", ("new",), "", "A")]
    assert restated(base, claim(grade="C", sentence="B")) == [("score.level", ("grade",), "A", "B")]
    assert restated(base, claim(estimate=-2.0, sentence="B")) == [("score.level", ("direction",), "A", "B")]
    assert restated(base, claim(metric="pxi", sentence="B")) == [("score.level", ("subject",), "A", "B")]
    assert restated(base, claim(caveats=["x"], sentence="B")) == [("score.level", ("caveats",), "A", "B")]
    stands = claim(standing=True, sentence="A")
    assert restated(stands, claim(standing=False, sentence="B")) == [("score.level", ("reading",), "A", "B")]
    ratio = {"unit": "ratio", "code": "hazards.effect"}
    assert restated(
        claim(estimate=1.2, sentence="A", **ratio), claim(estimate=0.8, sentence="B", **ratio)
    ) == [("hazards.effect", ("direction",), "A", "B")]


def test_several_of_one_code_are_not_paired_by_guess():
    before = run(bundle([], [claim(metric="nps", sentence="A"), claim(metric="pxi", sentence="B")]))
    after = run(bundle([], [claim(metric="insc", n=800)]))
    assert sorted(c.how for c in compared(before, after).claims) == [("gone",), ("gone",), ("new",)]


def test_a_verdict_that_is_another():
    columns = ["driver", "share", "quadrant", "n", "flag"]

    def priorities(quadrant, n=900):
        table = {"columns": columns, "rows": [["attr_billing", 0.3, quadrant, n, "ok"]]}
        own = {"kind": "Priorities", "estimate_column": "share", "keys": ["driver", "quadrant"]}
        return {**bundle([]), **own, "tables": {"main": table}}

    found = compared(run(priorities("concentrate")), run(priorities("low_priority")))
    ((judged,), moved) = found.judged, found.moved
    assert (judged.column, judged.before, judged.after) == ("quadrant", "concentrate", "low_priority")
    assert not moved
    assert "priorities, Billing: " in text(found)
    few = compared(run(priorities("concentrate")), run(priorities("low_priority", n=895)))
    assert (few.judged, [m.verdict for m in few.moved]) == ((), ["hidden"])


# --- why --------------------------------------------------------------------------------------------


def test_the_cause_is_split():
    before = run(bundle([]))
    print_of = before.manifest["fingerprint"]
    changes = {
        "parameters": {"parameters": {"where": "", "by": ["region", "plan"]}},
        "code": {"fingerprint": {**print_of, "sources": "s2"}},
        "client": {"fingerprint": {**print_of, "client": "c2"}},
        "versions": {"versions": {"pandas": "2.3.3", "scipy": "1.1"}},
        "machine": {"machine": {"system": "Darwin"}},
    }
    for kind, change in changes.items():
        found = compared(before, run(bundle([]), **change))
        assert {c.kind for c in found.causes} == {kind}
        assert "several kinds of cause" not in text(found)
    facts = [run(bundle([]), fingerprint={**print_of, "facts": facts}) for facts in ("f1", "f2")]
    (said,) = compared(*facts).causes
    assert (said.kind, said.what, said.before, said.after) == ("data", "tables.json", "f1", "f2")
    assert "tables.json: f1 → f2" in text(compared(*facts))
    assert not compared(before, facts[0]).causes  # an older manifest does not say
    more = {"machine": {"system": "Linux", "blas": {"name": "openblas"}}}
    assert not compared(before, run(bundle([]), **more)).causes
    data = compared(before, run(bundle([]), sha="22", fingerprint={**print_of, "facts": "f2"}))
    assert [(c.kind, c.what, c.before, c.after) for c in data.causes] == [
        ("data", "survey_responses", "11", "22")
    ]
    both = compared(before, run(bundle([]), sha="22", **changes["parameters"]))
    assert "several kinds of cause" in text(both)
    assert 'by: ["region"] → ["region", "plan"]' in text(both)
    unexplained = compared(run(bundle([row("V", 1.0, 1.0, 50)])), run(bundle([row("V", 2.0, 1.0, 50)])))
    assert "the notebook is not deterministic" in text(unexplained)


def test_runs_of_another_notebook_or_client_are_refused():
    with pytest.raises(ParameterError, match="not of the same notebook: scorecard.ipynb and drivers.ipynb"):
        compared(run(), run(notebook="drivers.ipynb"))
    with pytest.raises(ParameterError, match="not of the same client: acme and nada"):
        compared(run(), run(client="nada"))


# --- always -----------------------------------------------------------------------------------------

CELLS = st.tuples(
    st.sampled_from("VXZ"),
    st.floats(-90, 90),
    st.floats(0.1, 20),
    st.integers(0, 60),
    st.sampled_from(["nps", "pxi"]),
)
CLAIMS = st.builds(
    claim,
    code=st.sampled_from(["score.level", "score.segment"]),
    grade=st.sampled_from("CD"),
    estimate=st.floats(-9, 9),
    metric=st.sampled_from(["nps", "pxi"]),
    n=st.integers(10, 60),
    standing=st.booleans(),
)
RUNS = st.builds(
    lambda cells, claims, used, sha, version: run(
        bundle([row(*c[:4], metric=c[4]) for c in cells], claims, used=used),
        sha=sha, rows=used, used=used, versions={"pandas": version},
    ),
    st.lists(CELLS, max_size=6), st.lists(CLAIMS, max_size=4), st.integers(10, 60),
    st.sampled_from(["1", "2"]), st.sampled_from(["2", "3"]),
)  # fmt: skip
OPPOSITE = {
    "gone": "new", "new": "gone", "suppressed_before": "suppressed_after",
    "suppressed_after": "suppressed_before",
}  # fmt: skip


def turned(found: Difference) -> Difference:
    """The same difference, seen from the other side."""

    def swap(each, **more):
        return replace(each, before=each.after, after=each.before, **more)

    moved = {
        swap(
            m, verdict=OPPOSITE.get(m.verdict, m.verdict), interval_before=m.interval_after,
            interval_after=m.interval_before, errors=None if m.errors is None else -m.errors,
        )
        for m in found.moved
    }  # fmt: skip
    claims = {
        swap(c, how=tuple(OPPOSITE.get(h, h) for h in c.how), grades=c.grades[::-1]) for c in found.claims
    }
    return swap(
        found, causes=tuple(map(swap, found.causes)), counts=tuple(map(swap, found.counts)),
        judged=frozenset(map(swap, found.judged)), moved=frozenset(moved), claims=frozenset(claims),
    )  # fmt: skip


@given(RUNS)
def test_a_run_does_not_differ_from_itself(one):
    found = compared(one, copy.deepcopy(one))
    assert found.empty
    assert text(found).splitlines()[-1].startswith("nothing differs")


@given(RUNS, RUNS)
def test_the_other_way_round_is_the_mirror(one, other):
    there, back = turned(compared(one, other)), compared(other, one)
    assert there == replace(
        back, moved=frozenset(back.moved), judged=frozenset(back.judged), claims=frozenset(back.claims)
    )


@given(RUNS, RUNS)
def test_no_number_rests_on_bases_that_differ_by_a_few(one, other):
    def bases(side):
        table = side.results["results"][0]["tables"]["main"]
        rows = [dict(zip(table["columns"], each, strict=True)) for each in table["rows"]]
        found = {}
        for r in rows:
            if r["n"]:
                found.setdefault((r["region"], r["metric"], r["estimate"]), set()).add(r["n"])
        return found

    here, there = bases(one), bases(other)
    for moved in compared(one, other).moved:
        if moved.before is not None and moved.after is not None:
            key = dict(moved.key)
            pair = [
                s[key["region"], key["metric"], v] for s, v in ((here, moved.before), (there, moved.after))
            ]
            # Rows that are alike in all but their base cannot be told apart.
            assert any(not 0 < abs(before - after) < 10 for before in pair[0] for after in pair[1])


# --- by name ----------------------------------------------------------------------------------------


def publish(opened, entry, made, **manifest):
    files = {"report.html": b"<p>", "results.json": as_json(dict(made.results))}
    name = opened.publish(
        entry,
        f"{entry}0123456789",
        files,
        {**made.manifest, "entry": entry, "study": opened.folder.name, **manifest},
    )
    opened.show(entry, name, b"<p>")


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("CXLAB_LANGUAGE", "en")
    for folder in ("notebooks", "data", "reports"):
        (tmp_path / folder).mkdir()
    before = run(bundle([row("V", 20.0, 3.0, 500)], [claim(sentence="It was \x1b[31mso")], used=500))
    after = run(bundle([row("V", 40.0, 3.0, 700)], [], used=700), sha="22")
    with shelf(tmp_path, "old") as opened:
        publish(opened, "scores", before)
        publish(opened, "gone", before)
    with shelf(tmp_path, "new") as opened:
        publish(opened, "scores", after, language="es")
        publish(opened, "scores-b", before)
    return tmp_path


@pytest.mark.parametrize(
    "name",
    ["new/scores", "new/scores.html", "reports/built/new/runs/scores0123456789", "reports/built/new/scores"],
)
def test_a_run_by_its_names(root, name):
    assert [(e, r.manifest["study"]) for e, r in named(name, root).items()] == [("scores", "new")]


def test_names_that_stand_for_a_study_an_id_or_nothing(root):
    for name in ("new", "reports/new.yaml", "reports/built/new"):
        assert sorted(named(name, root)) == ["scores", "scores-b"]
    assert list(named("gone01", root)) == ["gone"]
    assert list(named("new/scores-", root)) == ["scores-b"]
    for name, said in (("new/s", "scores, scores-b"), ("nothing", "new, old"), ("old/x", "gone, scores")):
        with pytest.raises(ParameterError, match=said):
            named(name, root)


def test_a_run_that_was_changed_by_hand_is_refused(root):
    page = root / "reports/built/new/runs/scores0123456789/results.json"
    page.write_bytes(page.read_bytes() + b" ")
    with pytest.raises(RunError, match="is not as it was published"):
        named("new/scores", root)


def test_the_command_tells_in_the_language_of_the_report(root, capsys):
    assert cli.main(["diff", "old/scores", "new/scores", "--root", str(root)]) == 0
    said = capsys.readouterr().out
    assert "antes: old/scores" in said
    assert "más allá de su error: 1" in said
    assert "20,0 puntos (17,0 a 23,0) → 40,0 puntos (37,0 a 43,0)" in said.replace("\N{NO-BREAK SPACE}", " ")
    assert "- ya no se dice [D]: It was [31mso" in said
    assert "\x1b" not in said


def test_the_command_on_studies_and_as_json(root, capsys):
    assert cli.main(["diff", "old", "new", "--root", str(root)]) == 0
    said = capsys.readouterr().out
    assert "entries only before: gone" in said
    assert "entries only after: scores-b" in said
    assert cli.main(["diff", "old", "new", "--json", "--root", str(root)]) == 0
    content = json.loads(capsys.readouterr().out)
    assert (content["only_before"], content["only_after"], content["refused"]) == (["gone"], ["scores-b"], [])
    assert content["compared"][0]["moved"][0]["verdict"] == "beyond"
    assert not content["compared"][0]["empty"]


def test_the_command_refuses_with_one_sentence(root, capsys):
    assert cli.main(["diff", "old", "other", "--root", str(root)]) == 3
    assert "there is no published run or study" in capsys.readouterr().err
    with shelf(root, "few") as opened:
        publish(opened, "scores", run(where="a", used=700))
        publish(opened, "gone", run(where="a", used=700))
    with shelf(root, "less") as opened:
        publish(opened, "scores", run(where="b", used=697))
        publish(opened, "gone", run(where="b", used=300))
    assert cli.main(["diff", "few/scores", "less/scores", "--root", str(root)]) == 1
    assert cli.main(["diff", "few", "less", "--root", str(root)]) == 1  # the other entry is compared
    printed = capsys.readouterr()
    assert "differ by under 10 customers" in printed.err
    assert "few/gone" in printed.out
    assert "697" not in printed.out + printed.err
