"""The same bytes whatever is around a run; `make verify` takes every notebook through one thing at a time."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import same_bytes
from same_bytes import EVERYTHING, HOME

pytestmark = [pytest.mark.runs_notebooks, pytest.mark.xdist_group("same bytes")]
# Figures and weights; bootstraps; survival.
STUDY = {
    "client": "nada", "language": "es", "seed": 20261122,
    "entries": {
        "scorecard": {"parameters": {"by": ["segment"], "weighting": "raked"}},
        "drivers": {"parameters": {"resamples": 50}},
        "retention": {"parameters": {"by": ["plan"]}},
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """The demo client built at home and in everything at once."""
    bases = [tmp_path_factory.mktemp(name) for name in ("home", "elsewhere")]
    with ThreadPoolExecutor(2) as pool:
        return [*pool.map(same_bytes.built, ("nada",) * 2, (HOME, EVERYTHING), bases)]


def test_two_clean_builds_of_the_demo_give_the_same_tables(two):
    hashes = [same_bytes.table_hashes(data) for data in two]
    assert len(hashes[0]) > 5
    assert hashes[0] == hashes[1]


def test_date_zone_locale_seeds_folders_threads_and_company_move_no_byte(two, tmp_path):
    with ThreadPoolExecutor(2) as pool:
        runs = [
            pool.submit(same_bytes.made, STUDY, two[0], each, tmp_path / each.name)
            for each in (HOME, EVERYTHING)
        ]
        home, elsewhere = (run.result() for run in runs)
    assert set(home) == set(STUDY["entries"])
    assert all({"report.html", "results.json", "notebook.ipynb"} < set(files) for files in home.values())
    assert all(any(name.startswith("figures/") for name in files) for files in home.values())
    assert same_bytes.differences(home, elsewhere) == {}
