"""The same bytes whatever is around a run; `make verify` takes every notebook through one thing at a time."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import same_bytes
from same_bytes import EVERYTHING, HOME
from test_runs_batch import write_notebook

from cxlab.runs.execute import execute

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


def test_in_everything_at_once_a_process_finds_all_of_it_changed(tmp_path):
    code = (
        "import datetime, json, os, tempfile, time\n"
        "now = [datetime.date.today().isoformat(), datetime.datetime.now().year,"
        " time.strftime('%Y'), int(time.time()) // 10**6, time.tzname, time.gmtime().tm_year, os.umask(0),"
        " tempfile.gettempdir(), os.path.expanduser('~'), hash('a'), os.environ.get('OMP_NUM_THREADS')]\n"
        "open('told.json', 'w').write(json.dumps(now))"
    )
    told = []
    for each in (HOME, EVERYTHING):
        base = tmp_path / each.name
        base.mkdir()
        same_bytes._run(["-c", code], each, base)
        told.append(json.loads((base / "told.json").read_text()))
    assert [one for one, other in zip(*told, strict=True) if one == other] == []


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


# --- a notebook of a user's own -------------------------------------------------------------------------

DRAWN = """\
# what nobody seeded
import random, numpy as np, pandas as pd
print(random.random(), np.random.normal(), np.random.default_rng().normal())
print(np.random.Generator(np.random.PCG64()).normal(), np.random.RandomState().normal())
print(pd.Series(range(100)).sample(3).tolist(), random.sample(range(100), 3))"""
NASTY = (
    DRAWN,
    "print({'a', 'b', 'c', 'ñ'}, hash('a'))\nprint(object(), lambda: 1, np.random.normal)\nobject()",
    "frame = pd.DataFrame({'a': ['x', 'y'] * 20, 'b': range(40)})\n"
    "display(frame.head(2).style.bar(), frame.head(1).style)",
    # An interval of seaborn is a bootstrap without a seed.
    "import seaborn as sns\nax = sns.barplot(frame, x='a', y='b')\nax.lines",
    "%config InlineBackend.figure_formats = ['svg']\nsns.pointplot(frame, x='a', y='b')",
    "from lifelines import CoxPHFitter\nframe['c'] = frame['b'] % 3\n"
    "CoxPHFitter().fit(frame[['b', 'c']] + 1, 'b').print_summary()",
    "from statsmodels.formula.api import ols\nfound = ols('b ~ a', frame).fit().summary()\n"
    "print(found)\nfound",
    "from tqdm.auto import tqdm\nfor _ in tqdm(range(3)):\n    pass",
    "import sys, warnings, logging\nwarnings.warn('careful')\n"
    "print('late', file=sys.stderr)\nlogging.warning('too')",
)


def cells_of(path, seed=1, **environment) -> list[dict]:
    ran = execute(path, {"seed": seed}, environment=environment)
    assert ran.status == "done", ran.message
    return json.loads(ran.content)["cells"]


def test_what_a_users_notebook_leaves_to_chance_is_settled_by_its_seed(tmp_path):
    """In other folders and another home; and the blanks of a comment move no number."""
    paths = [tmp_path / name / "nb.ipynb" for name in ("one", "two")]
    for path, first in zip(paths, (DRAWN, DRAWN.replace("# what nobody", "#   what  nobody")), strict=True):
        path.parent.mkdir()
        write_notebook(path, first, *NASTY[1:])
    (tmp_path / "un lugar").mkdir()
    nowhere = dict.fromkeys(same_bytes.HOMES, "/dev/null/home")
    cells = cells_of(paths[0]), cells_of(paths[1], TMPDIR=str(tmp_path / "un lugar"), **nowhere)
    for one, two in zip(*cells, strict=True):
        assert one.get("outputs") == two.get("outputs"), one["source"]
    assert cells[0] != cells[1]  # the comment
    said = json.dumps(cells[0])
    assert all(each in said for each in ("T_00001", "1980-01-01 00:00:00", "Tue, 01 Jan 1980", "careful"))


def test_another_seed_draws_others(tmp_path):
    draws = ("import random, numpy as np\nrandom.random()", "np.random.normal()", "np.random.default_rng()")
    write_notebook(tmp_path / "nb.ipynb", *draws[:2], f"{draws[2]}.normal()")
    one, two = (cells_of(tmp_path / "nb.ipynb", seed)[-3:] for seed in (1, 2))
    assert all(before["outputs"] != after["outputs"] for before, after in zip(one, two, strict=True))
