"""A study of many entries: what they have in common is read, filtered and made once, not for each of them."""

import json
from collections import Counter
from concurrent.futures import BrokenExecutor, Executor, Future
from datetime import UTC, datetime
from pathlib import Path

import pytest
from intake_clients import write_client
from test_runs_batch import write_notebook
from test_runs_jobs import DECLARATION

from cxlab.errors import WorkbenchError
from cxlab.intake import dataset, where
from cxlab.runs import making, pages, releases
from cxlab.runs.batch import run_study
from cxlab.runs.outcome import Outcome
from cxlab.runs.study import Study, read_study

ROWS = "response_id,customer_id,recommend,region\n" + "".join(
    f"r{n},c{n},{n % 11},g{n % 4}\n" for n in range(80)
)
FILTERS = [f"region != 'g{n}'" for n in range(4)]


@pytest.fixture
def study(tmp_path, monkeypatch) -> Study:
    monkeypatch.setenv("CXLAB_ID_KEY", "a key for tests only")
    root = write_client(tmp_path, DECLARATION, {"survey.csv": ROWS})
    dataset.check(root, "acme")
    (root / "reports").mkdir(exist_ok=True)
    (root / "notebooks").mkdir(exist_ok=True)
    write_notebook(root / "notebooks/good.ipynb", "x")
    points = ", ".join(f'{{x: {n}, where: "{FILTERS[n % 4]}"}}' for n in range(12))
    text = f"client: acme\nentries:\n  good: {{notebook: good, points: [{points}]}}\n"
    (root / "reports/acme.yaml").write_text(text, encoding="utf-8")
    return read_study(root / "reports/acme.yaml", root=root)


class Ended(Executor):
    """Gives back at once what a notebook would have left that read all answers but a filter's."""

    def __init__(self, root: Path, takes: int = 100) -> None:
        self.takes = takes
        self.read = {
            "table": "survey_responses",
            "sha256": dataset.open_dataset(root, "acme").entry("survey_responses").sha256,
            "rows": 80,
            "used": 60,
            "until": None,
        }

    def submit(self, _perform, /, job):
        future: Future = Future()
        self.takes -= 1
        if self.takes < 0:
            future.set_exception(BrokenExecutor("gone"))
            return future
        notebook = json.loads(job.notebook)
        for cell in notebook["cells"]:
            cell["id"] = "a"
        data = {"text/html": "<p>read</p>", "application/vnd.cxlab.read.v1+json": self.read}
        cell["outputs"] = [{"output_type": "display_data", "metadata": {}, "data": data}]
        now = datetime.now(UTC)
        future.set_result(Outcome("done", json.dumps(notebook).encode(), started=now, finished=now))
        return future


@pytest.fixture
def counted(monkeypatch) -> Counter[str]:
    """How often something that grows with tables or with what is published was done."""
    counts: Counter[str] = Counter()

    def count(owner, name):
        kept = getattr(owner, name)

        def counting(*given, **options):
            counts[name] += 1
            return kept(*given, **options)

        monkeypatch.setattr(owner, name, counting)

    count(dataset.Dataset, "read")
    count(where, "mask")
    count(releases, "manifest_of")
    count(pages.Gallery, "index")
    monkeypatch.setattr(making, "PAUSE", 3600.0)
    return counts


def listed(study: Study) -> set[str]:
    index = (study.root / "reports/built/acme/index.html").read_text(encoding="utf-8")
    return {entry.id for entry in study.entries if f'href="{entry.id}.html"' in index}


def test_what_entries_share_is_done_once(study, counted):
    done = run_study(study, executor=Ended(study.root))
    assert {report.status for report in done.reports} == {"done"}
    assert counted == {"read": 1, "mask": 4, "index": 2}
    assert listed(study) == {entry.id for entry in study.entries}
    counted.clear()
    run_study(study, executor=Ended(study.root), fresh=True)
    assert counted == {"read": 1, "mask": 4, "index": 2, "manifest_of": 12}


def test_the_gallery_shows_what_was_published_before_a_run_broke_off(study, counted):
    with pytest.raises(WorkbenchError, match="gone"):
        run_study(study, executor=Ended(study.root, takes=5))
    assert counted["index"] == 2
    assert listed(study) == {entry.id for entry in study.entries[:5]}


def test_of_two_alike_the_later_is_refused_also_when_the_first_came_in_the_same_run(study, monkeypatch):
    monkeypatch.setattr(where, "fewest", lambda _table: 100)  # no two filters are far enough apart
    done = run_study(study, executor=Ended(study.root))
    assert [report.status for report in done.reports] == ["done", "failed", "failed", "failed"] * 3
    assert "one page less the other would give them away" in done.reports[1].message
