"""No report gives a small group away: estimates of every kind, protected with all that is shown beside them.

Each report is made of data in which some groups are small. What its tables tell (`rows_of`) must be what is
counted in the data; what they still tell once masked must pin no small base, as the attacker of
`analysis.disclosure` sees it; and what is not small, and gives nobody away, must be shown.
"""

import functools
import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from cxlab.analysis import benchmark, emitted, journey, metrics, survival, waves
from cxlab.analysis.disclosure import PROTECTION, Released, margins_of, possible
from cxlab.analysis.disclosure.attack import reached
from cxlab.analysis.disclosure.spoken import CLOCK, EVERYBODY, MAIN, rows_of
from cxlab.analysis.estimates import MINIMUM_CUSTOMERS, Result, flags, masked

CLOSE = 1e-6
TIMES = (12, 24)


def rows(*sizes):
    """A frame with so many rows of each combination: the last of each of `sizes` is how many."""
    return pd.DataFrame([row[:-1] for row in sizes for _ in range(row[-1])])


def customers():
    """Customers of five plans, of which one began with 7 and one is down to a few in the second year."""
    rng = np.random.default_rng(3)
    plan = np.repeat([*"abcde"], [420, 260, 90, 40, 7])
    pace = pd.Series(plan).map({"a": 60, "b": 60, "c": 60, "d": 14, "e": 60}).to_numpy()
    until = np.ceil(rng.exponential(pace))
    seen = rng.integers(13, 37, len(plan))
    table = pd.DataFrame(
        {"plan": plan, "months": np.minimum(until, seen), "left": (until <= seen).astype(int)}
    )
    table["channel"] = np.where(rng.random(len(plan)) < 0.02, "shop", rng.choice(["web", "call"], len(plan)))
    table["promise"] = np.where(table.index % 3 == 0, "kept", "broken")
    table["why"] = np.where(table["left"] == 1, rng.choice(["price", "moved"], len(plan)), None)
    return table


def staying():
    table = customers()
    asked = (table, "months", "left")
    yield table, survival.retention(*asked, by=["plan"], horizons=TIMES)
    yield table, survival.restricted_mean(*asked, by=["plan"], horizon=24, optional=True)
    yield table, survival.hazard_shape(*asked, by=["channel"])
    yield table, survival.incidence(*asked, cause="why", by=["plan"], horizons=TIMES)
    yield table, survival.retention(*asked, by=["channel"], horizons=TIMES, optional=True)
    yield table, survival.retention(*asked, by=["promise"], horizons=TIMES, optional=True)


def tracked():
    """Two waves; the south has 6 answers in the first and 40 in the second, the north 12 and 8."""
    sizes = [("W1", "centre", 120), ("W1", "south", 6), ("W1", "north", 12), ("W1", "coast", 60)]
    sizes += [("W2", "centre", 110), ("W2", "south", 40), ("W2", "north", 8), ("W2", "coast", 70)]
    table = rows(*sizes).set_axis(["wave", "region"], axis=1)
    table["mode"] = np.where(np.arange(len(table)) % 25 == 0, "phone", "web")
    table["recommend"] = np.arange(len(table)) * 7 % 11
    yield table, waves.contrast(table, "nps", wave="wave", mode="mode")
    yield table, waves.change(table, "nps", wave="wave", segment="region")
    yield table, metrics.score(table, "nps", by=["region"])


def mapped():
    """Three brands in two interactions by three channels; some cells of each are small."""
    sizes = []
    counts = {
        "us": [40, 60, 7, 80, 35, 12], "them": [50, 8, 45, 70, 36, 33], "third": [60, 40, 50, 31, 4, 90],
    }  # fmt: skip
    for brand, each in counts.items():
        cells = [(i, c) for i in ("buy", "complain") for c in ("app", "web", "shop")]
        sizes += [(brand, *cell, n) for cell, n in zip(cells, each, strict=True)]
    table = rows(*sizes).set_axis(["brand", "interaction", "channel"], axis=1)
    rng = np.random.default_rng(1)
    table["recommend"] = rng.integers(0, 11, len(table))
    asked = {"unit": "brand", "focal": "us"}
    by = ["interaction", "channel"]
    yield table, benchmark.league(table, "nps", **asked)
    yield table, benchmark.gaps(table, "nps", by=by, **asked)
    yield table, benchmark.pooled(table, "nps", by=by, **asked)
    yield table, benchmark.best_in_class(table, "nps", by=by, **asked)
    yield table, benchmark.funnel(table, "nps", **asked)
    yield table, benchmark.standardise(table, "nps", mix=["interaction"], **asked)


def visited():
    """Visits to ten stores, one of them of five employees."""
    rng = np.random.default_rng(5)
    visits = pd.DataFrame({"visit_id": np.repeat(range(60), 2), "unit_id": np.repeat([*"ABCDEFGHIJ"], 12)})
    visits = visits.assign(standard_id=["greets", "solves"] * 60, critical=False, weight=0.5, part=0.5)
    visits = visits.assign(trials=1, met=rng.integers(0, 2, 120))
    units = pd.DataFrame({"unit_id": [*"ABCDEFGHIJ"], "employees_n": [5, *[20] * 9]})
    yield visits, emitted.compliance(visits, units=units)


def contacts():
    """A log in which few move from the web to the shop, and few ask of bills."""
    rng = np.random.default_rng(6)
    moves = [("web", "web", 300), ("web", "call", 120), ("web", "shop", 6), ("call", "web", 90)]
    moves += [("call", "call", 200), ("call", "shop", 50), ("shop", "web", 12), ("shop", "shop", 60)]
    pairs = rows(*moves)
    size = len(pairs)
    table = pd.DataFrame({"customer_id": np.repeat(range(size), 2), "channel": pairs.to_numpy().ravel()})
    kinds = rng.choice(["use", "fault"], size)
    kinds[rng.choice(size, 8, replace=False)] = "bill"
    table["interaction_type"] = np.repeat(kinds, 2)
    table["ts_start"] = pd.Timestamp("2025-01-01") + pd.to_timedelta(table.index % 2, unit="D")
    table["repeat_info"] = rng.integers(0, 2, len(table))
    table["rating"] = rng.integers(1, 8, len(table))
    return table


def walked():
    log = contacts()
    found = journey.episodes(log)
    held = found.contacts
    moved = held[held["place"] > 0].rename(columns={"channel": "to", "previous": "from"})
    moved = moved.assign(switched=np.where(moved["switch"], "yes", "no"))
    yield held[held["place"] == 0], found
    yield moved, journey.transitions(found)
    yield moved, journey.coherence(found, by=["interaction_type"])
    told = {"channel": "channel", "by": ["interaction_type"], "columns": "rating", "cluster": "customer_id"}
    yield held, journey.consistency(held, "csat_t2b_7", **told)


REPORTS = (staying, tracked, mapped, visited, walked)


def counted(table, question, cell):
    """How many rows of the data a base is of, at the time that its question names."""
    inside = np.ones(len(table), dtype=bool)
    for column, value in [*cell, *question]:
        if column in table.columns:
            inside &= (table[column].astype(str) == value).to_numpy()
    time = dict(question).get(CLOCK)
    if time:
        inside &= (table["months"] >= float(time)).to_numpy()
    return int(inside.sum())


def told_of(report):
    """What the rows of a report tell of each question: base, whether it is small, and whether it is shown."""
    released, found = Released(), {}
    for table, result in report():
        shown = masked(result, released)
        for name, whole in {MAIN: result.table, **result.tables}.items():
            kept = shown.table if name == MAIN else shown.tables[name]
            for row, record in zip(rows_of(result, name, whole), kept.to_dict("records"), strict=True):
                visible = record.get("flag") != "suppressed"
                for base in row.bases:
                    held = found.setdefault(base.question, {})
                    n, small, seen = held.get(base.cell, (base.n, base.small, False))
                    assert n == base.n, (name, base)
                    held[base.cell] = (n, small or base.small, seen or visible)
        yield table, result, shown, found


@functools.cache
def made_of(report):
    made = list(told_of(report))
    return made, made[-1][-1]


@pytest.fixture(params=REPORTS, ids=lambda report: report.__name__)
def report(request):
    return made_of(request.param)


def test_every_kind_of_report_has_small_bases_and_says_how_its_own_add_up(report):
    made, told = report
    assert all(result.parts for _, result, _, _ in made)
    assert any(small for bases in told.values() for _, small, _ in bases.values())


def test_the_bases_that_rows_tell_are_those_of_the_data(report):
    made, _ = report
    for table, result, _, _ in made:
        for name, whole in {MAIN: result.table, **result.tables}.items():
            for row in rows_of(result, name, whole):
                for base in row.bases:
                    assert base.n == counted(table, base.question, base.cell), (name, base)


def attacked(margins, hidden):
    """Say which small bases the attacker pins: as in the tests of the tables themselves."""
    low, high = possible(margins, hidden, labelled=False)
    least, most = possible(margins, hidden)
    one = np.floor(most + CLOSE) - np.ceil(least - CLOSE) < 1
    return margins.small & (one | (high - low < PROTECTION - CLOSE) | (high < margins.minimum - CLOSE))


def test_no_small_base_follows_from_what_the_report_shows(report):
    _, told = report
    for question, bases in told.items():
        if dict(question).get(CLOCK):
            continue  # curves are attacked as a whole
        cells, n = [*bases], [base for base, _, _ in bases.values()]
        small, hidden = [s for _, s, _ in bases.values()], [not seen for _, _, seen in bases.values()]
        if EVERYBODY not in bases:
            kinds = {frozenset(column for column, _ in cell) for cell in cells}
            sums = [
                sum(k for c, k in zip(cells, n, strict=True) if {x for x, _ in c} == kind) for kind in kinds
            ]
            cells, n = [*cells, EVERYBODY], [*n, max(sums)]
            small, hidden = [*small, False], [*hidden, False]
        small = np.array(small)
        people = np.where(small, np.minimum(n, MINIMUM_CUSTOMERS - 1), np.maximum(n, MINIMUM_CUSTOMERS))
        margins = margins_of(cells, n, people)
        hidden = np.array(hidden)
        assert (hidden >= small)[np.array(n) > 0].all(), question
        lost = attacked(margins, hidden)
        assert not lost.any(), (question, [cells[k] for k in np.flatnonzero(lost)])


def test_what_is_not_small_is_mostly_shown(report):
    """Beside small bases few others are hidden, and totals never are."""
    _, told = report
    alone = [held for question, held in told.items() if not dict(question).get(CLOCK)]
    every = [base for bases in alone for base in bases.values()]
    small = sum(s for _, s, _ in every)
    besides = sum(not seen and not s for _, s, seen in every)
    assert besides <= max(2 * small, 2)
    assert all(bases[EVERYBODY][2] for bases in told.values() if EVERYBODY in bases)


def over_time(told):
    """The bases of all curves of a report and the sums that tie them: groups to totals, times to times.

    Between two times of a curve nobody leaves unseen: it stands at a time as it stands at its next one.
    """
    curves, cells, lines = {}, [], []
    for question, bases in told.items():
        said = dict(question)
        for cell, base in bases.items() if said.get(CLOCK) else ():
            curves.setdefault((said["asked"], cell), {})[float(said[CLOCK])] = base
    place = {}
    for (asked, cell), steps in curves.items():
        for time, base in sorted(steps.items()):
            place[asked, cell, time] = len(cells)
            cells.append(base)
        times = sorted(steps)
        for one, other in itertools.pairwise(times):
            lines.append((place[asked, cell, one], [place[asked, cell, other], len(cells)]))
            cells.append((steps[one][0] - steps[other][0], False, False))
    kinds = {(asked, frozenset(c for c, _ in cell)) for asked, cell in curves}
    for asked, time in sorted({(asked, time) for asked, _, time in place}):
        total = place.get((asked, EVERYBODY, time), len(cells))
        sums = []
        for own in (kind for who, kind in kinds if who == asked and kind):
            members = [c for who, c in curves if who == asked and {x for x, _ in c} == own]
            later = [min((t for t in curves[asked, c] if t >= time), default=None) for c in members]
            parts = [place[asked, c, t] for c, t in zip(members, later, strict=True) if t is not None]
            sums.append((total, parts))
        if sums and total == len(cells):
            cells.append((sum(cells[k][0] for k in sums[0][1]), False, False))
        lines += sums
    return cells, lines


def test_curves_tell_no_small_base_over_time():
    _, told = made_of(staying)
    cells, lines = over_time(told)
    n = np.array([float(base) for base, _, _ in cells])
    signed = [
        (k, c, s) for k, (whole, own) in enumerate(lines) for c, s in [(whole, -1), *((c, 1) for c in own)]
    ]
    row, column, sign = zip(*signed, strict=True)
    matrix = sparse.csr_matrix((np.array(sign, float), (row, column)), shape=(len(lines), len(n)))
    assert np.abs(matrix @ n).max() == 0
    small, hidden = np.array([s for _, s, _ in cells]), np.array([not seen for _, _, seen in cells])
    margins = replace(
        margins_of([EVERYBODY], [1]), n=n, people=n, small=small, lines=lines, matrix=matrix,
        rest=np.zeros(len(lines)),
    )  # fmt: skip
    listed = {id(base) for bases in told.values() for base in bases.values()}
    few, closed = np.flatnonzero(small & (n > 0)), np.flatnonzero(hidden)
    assert len(few) > 10
    above, below = (reached(margins, closed, few, sign, labelled=False)[0] for sign in (1, -1))
    assert (above + below).min() >= PROTECTION - CLOSE
    assert (n[few] + above).min() >= MINIMUM_CUSTOMERS - CLOSE
    assert (n[few] - below).max() <= MINIMUM_CUSTOMERS - 2 + CLOSE  # marked "<10": two counts at least
    # The attacker does find them where the small ones alone are hidden.
    alone = np.flatnonzero(small | (hidden & np.array([base not in listed for base in map(id, cells)])))
    above, below = (reached(margins, alone, few, sign, labelled=False)[0] for sign in (1, -1))
    assert (above + below).min() < CLOSE


def test_large_groups_keep_their_curves():
    _, told = made_of(staying)
    for plan in "ab":
        cell = frozenset({("plan", plan)})
        own = [
            (float(dict(q)[CLOCK]), bases[cell])
            for q, bases in told.items()
            if dict(q).get(CLOCK) and cell in bases
        ]
        assert len(own) > 20
        assert all(seen for time, (_, _, seen) in own if time <= 24)


def test_what_pages_are_compared_by_holds_no_hidden_base(report):
    """Each display says which bases it shows, once: those of hidden rows are nowhere."""
    made, told = report
    again, said = Released(), []
    for _, _, shown, _ in made:
        said += again.newly_told(shown)
    assert not [each for _, _, shown, _ in made for each in again.newly_told(shown)]
    listed = {
        (frozenset(map(tuple, each["asked"])), frozenset(map(tuple, cell))): n
        for each in said
        for cell, n in each["bases"]
    }
    seen = {
        (question, cell): n
        for question, bases in told.items()
        if not dict(question).get(CLOCK)
        for cell, (n, _, visible) in bases.items()
        if visible
    }
    assert listed == seen


def at_risk(column, **groups):
    """A table of how many of each group are at risk at times 1, 2..."""
    table = pd.DataFrame(
        [(g, float(t), n) for g, each in groups.items() for t, n in enumerate(each, start=1)]
    )
    table = table.set_axis([column, "time", "at_risk"], axis=1)
    table["n"] = table.groupby(column)["at_risk"].transform("max") + 20
    return Result(
        table=table.assign(flag=flags(table["at_risk"])), keys=(column, "time"), parts={column: column}
    )


def test_what_all_change_by_is_not_told_where_it_is_what_a_hidden_group_does():
    """The plan of 11 loses 3, the small ones nobody: with the number of all at both times it is 8."""
    released = Released()
    plans = masked(at_risk("plan", a=(60, 50), c=(11, 8), d=(6, 6), e=(6, 6)), released).table
    assert plans.set_index(["plan", "time"])["at_risk"].notna().sum() == 3
    promised = masked(at_risk("promise", kept=(43, 36), broken=(40, 34)), released).table
    assert promised.groupby("time")["at_risk"].apply(lambda n: n.isna().sum()).tolist() == [1, 1]
    alone = masked(at_risk("promise", kept=(43, 36), broken=(40, 34)), Released()).table
    assert alone["at_risk"].notna().all()


def test_a_curve_with_late_entry_is_protected_at_each_time():
    released = Released()
    total = Result(
        table=pd.DataFrame({"time": [1.0, 2.0], "at_risk": [70, 107], "n": 150, "flag": "ok"}),
        keys=("time",), parts={"plan": "plan"},
    )  # fmt: skip
    masked(total, released)
    shown = masked(at_risk("plan", a=(40, 60), b=(30, 40), c=(0, 7)), released).table
    held = shown.set_index(["plan", "time"])["at_risk"]
    assert held.loc[("a", 1.0)] == 40
    assert held.loc[[("b", 2.0), ("c", 2.0)]].isna().all()
    assert held.loc[[("a", 2.0), ("b", 1.0)]].notna().all()
