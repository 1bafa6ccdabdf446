"""What the shelf of a study says of before: new, changed, the same; what was handed over."""

import json

import pytest

from cxlab.reporting.gallery import Entry
from cxlab.runs.history import History, compared, delivered, seen
from cxlab.runs.publish import shelf


@pytest.fixture
def opened(tmp_path):
    with shelf(tmp_path, "acme") as opened:
        yield opened


def publish(opened, entry, run, results, finished):
    files = {"report.html": run.encode(), "results.json": results}
    name = opened.publish(entry, run, files, {"entry": entry, "finished": finished})
    opened.show(entry, name, files["report.html"])


def told(opened, entry="drivers", history=None):
    history = history or History()
    history.read(opened.folder)
    card = history.told(Entry(name=entry), opened.current()[entry], opened.folder)
    return card.status, card.compared


def test_a_report_is_new_then_changed_or_the_same_by_what_it_found(opened):
    history = History()
    publish(opened, "drivers", "r1", b"1", "2026-01-01")
    publish(opened, "scorecard", "s1", b"9", "2026-01-09")
    assert told(opened, history=history) == ("new", "")
    publish(opened, "drivers", "r2", b"2", "2026-01-02")
    assert told(opened, history=history) == ("changed", "")
    publish(opened, "drivers", "r3", b"2", "2026-01-03")
    assert told(opened, history=history) == ("unchanged", "")
    assert told(opened, "scorecard", history) == ("new", "")


def test_data_that_go_back_publish_the_run_there_was_and_that_is_a_change(opened):
    publish(opened, "drivers", "r1", b"1", "2026-01-01")
    publish(opened, "drivers", "r2", b"2", "2026-01-02")
    publish(opened, "drivers", "r1", b"1", "2026-01-01")
    assert told(opened) == ("changed", "")


def test_the_page_of_what_changed_is_led_to_where_there_is_one(opened):
    publish(opened, "drivers", "r1", b"1", "2026-01-01")
    publish(opened, "drivers", "r2", b"2", "2026-01-02")
    before = seen(opened.folder)
    (opened.folder / "compared").mkdir()
    (opened.folder / compared("r1", "r2")).write_text("x")
    assert told(opened) == ("changed", "compared/r1--r2.html")
    assert seen(opened.folder) != before


def test_a_failure_stays_a_failure_and_a_page_without_its_run_says_nothing(opened):
    publish(opened, "drivers", "r1", b"1", "2026-01-01")
    history = History()
    history.read(opened.folder)
    failed = Entry(name="drivers", status="failed")
    assert history.told(failed, "r1", opened.folder) == failed
    assert history.told(Entry(name="drivers"), "gone", opened.folder).status == ""


def deliver(opened, runs, files=("x.pptx",)):
    folder = opened.folder / "deliveries/2026-11-26-1"
    folder.mkdir(parents=True, exist_ok=True)
    for name in files:
        (folder / name).write_bytes(b"x")
    (folder / "delivery.json").write_text(json.dumps({"version": "2026-11-26-1", "runs": runs}))
    links = {"deck": "deliveries/2026-11-26-1/x.pptx", "pdf": "deliveries/2026-11-26-1/x.pdf"}
    said = json.dumps({"version": "2026-11-26-1", "files": links})
    (opened.folder / "deliveries/current.json").write_text(said)


def test_a_delivery_is_told_as_far_as_it_is_there_and_by_which_runs_it_was_made(opened):
    assert delivered(opened.folder) is None
    publish(opened, "drivers", "r1", b"1", "2026-01-01")
    deliver(opened, {"drivers": "r1"})
    found = delivered(opened.folder)
    assert found.files == {"deck": "deliveries/2026-11-26-1/x.pptx"}
    assert (found.version, found.older) == ("2026-11-26-1", False)
    publish(opened, "scorecard", "s1", b"1", "2026-01-01")
    deliver(opened, {"drivers": "r1", "scorecard": "s1"})
    publish(opened, "drivers", "r2", b"2", "2026-01-02")
    assert delivered(opened.folder).older  # one report is enough


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"files": 3}', '{"files": {"deck": "gone.pptx"}}'])
def test_a_damaged_note_of_a_delivery_is_no_delivery(opened, content):
    (opened.folder / "deliveries").mkdir()
    (opened.folder / "deliveries/current.json").write_text(content)
    assert delivered(opened.folder) is None
