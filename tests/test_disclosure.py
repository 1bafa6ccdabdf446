"""Complementary suppression: an attacker who knows all that is shown pins no hidden base."""

import itertools
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxlab.analysis.disclosure import PROTECTION, margins_of, possible, protected
from cxlab.analysis.estimates import MINIMUM_CUSTOMERS, MINIMUM_EMPLOYEES

EVERYBODY = frozenset()
CLOSE = 1e-6
MOST_EXTRA = 0.25  # cells hidden besides the small ones, as a share of those
TABLES = min(1000, int(os.environ.get("CXLAB_REPLICATIONS", "200")))


def parts(column, count):
    return [frozenset({(column, k)}) for k in range(count)]


def crossed(counts, depths, *, empty):
    """Cells of a table of counts, with the margins of the depths asked for."""
    cells, n = [], []
    for depth in depths:
        for kept in itertools.combinations(range(counts.ndim), depth):
            sums = counts.sum(axis=tuple(k for k in range(counts.ndim) if k not in kept))
            for place, count in np.ndenumerate(sums):
                if count or empty:
                    cells.append(frozenset((f"column {k}", at) for k, at in zip(kept, place, strict=True)))
                    n.append(int(count))
    return cells, n


def random_table(seed):
    """A table of a survey: uneven categories, cells from none to a few hundred; every other one three-way.

    The usual cuts: two columns of 3 to 8 and 3 to 6 categories with both margins, or three with theirs and
    the total. Every second pair lists its empty cells.
    """
    rng = np.random.default_rng(seed)
    two = seed % 2 == 0
    shape = rng.integers([3, 3], [9, 7]) if two else rng.integers([2, 2, 2], [6, 5, 4])
    sizes = np.ones(shape)
    for axis, count in enumerate(shape):
        effect = np.exp(rng.normal(0, 0.6, count))
        sizes *= effect.reshape([-1 if k == axis else 1 for k in range(len(shape))])
    sizes *= np.exp(rng.normal(0, 0.5, shape))
    mean = np.exp(rng.uniform(np.log(5), np.log(25)))
    counts = rng.poisson(sizes / sizes.mean() * mean)
    return crossed(counts, (0, 1, 2) if two else (0, 1, 3), empty=seed % 4 < 2)


def attacked(cells, n, hidden, *, minimum=MINIMUM_CUSTOMERS):
    """Say which hidden cells the attacker pins.

    Pinned: a small base whose values, by arithmetic, span less than 3 or are all under the minimum; and any
    hidden base with one possible value, also for a reader who uses what the marks of hidden rows say.
    """
    margins = margins_of(cells, n, minimum=minimum)
    low, high = possible(margins, hidden, labelled=False)
    narrow, proved = high - low < PROTECTION - CLOSE, high < minimum - CLOSE
    least, most = possible(margins, hidden)
    one = np.floor(most + CLOSE) - np.ceil(least - CLOSE) < 1
    return hidden & (one | (margins.small & (narrow | proved)))


def test_a_small_part_takes_the_next_smallest_with_it():
    hidden = protected([EVERYBODY, *parts("a", 4)], [207, 100, 60, 40, 7])
    assert hidden.tolist() == [False, False, False, True, True]


def test_nothing_is_hidden_where_no_base_is_small_or_nothing_adds_up():
    assert not protected([EVERYBODY, *parts("a", 3)], [90, 30, 30, 30]).any()
    assert protected(parts("a", 3), [7, 30, 30]).tolist() == [True, False, False]


def test_what_the_marks_say_is_used_against_them():
    """One beside ten: together 11, and the mark of the ten says ten or more, so the one would be one."""
    cells = [EVERYBODY, *parts("a", 3)]
    margins = margins_of(cells, [71, 60, 10, 1])
    low, high = possible(margins, [False, False, True, True])
    assert (low[3], high[3]) == (1, 1)
    assert protected(cells, [71, 60, 10, 1]).tolist() == [False, True, False, True]


def test_two_of_nine_are_not_hidden_alone():
    """Both marked under ten and together 18: each is nine."""
    cells = [EVERYBODY, *parts("a", 3)]
    hidden = protected(cells, [58, 40, 9, 9])
    assert hidden.tolist() == [False, True, True, True]
    assert protected(cells, [58, 41, 9, 8]).tolist() == [False, False, True, True]


def test_hidden_parts_of_too_few_people_take_another():
    hidden = protected([EVERYBODY, *parts("a", 4)], [87, 50, 30, 4, 3])
    assert hidden.tolist() == [False, False, True, True, True]


def test_teams_under_a_unit():
    """Teams of 3 and 6 under 9, then 4 who report directly as well; the minimum there is 5."""
    two, three = [EVERYBODY, *parts("team", 2)], [EVERYBODY, *parts("team", 3)]
    assert protected(two, [9, 3, 6], minimum=5).tolist() == [False, True, True]
    assert protected(three, [13, 3, 6, 4], minimum=5).tolist() == [False, True, False, True]


def test_employees_need_eight():
    cells = [EVERYBODY, *parts("unit", 3)]
    assert not protected(cells, [48, 20, 20, 8], minimum=MINIMUM_EMPLOYEES).any()
    assert protected(cells, [47, 20, 20, 7], minimum=MINIMUM_EMPLOYEES).tolist() == [False, True, False, True]


def test_a_total_that_its_parts_would_give_away_hides_one_of_them():
    cells, n = crossed(np.array([[7, 0], [31, 31]]), (0, 1, 2), empty=False)
    hidden = protected(cells, n)
    assert not attacked(cells, n, hidden).any()


def test_persons_decide_and_rows_add_up():
    hidden = protected([EVERYBODY, *parts("a", 3)], [100, 50, 30, 20], [80, 40, 30, 5])
    assert hidden.tolist() == [False, False, True, True]


def test_those_without_a_value_are_protected_where_estimates_are_shown():
    cells = [EVERYBODY, *parts("a", 3)]
    assert not protected(cells, [104, 50, 30, 20]).any()
    assert protected(cells, [104, 50, 30, 20], rest=True).tolist() == [False, False, False, True]
    assert not protected(cells, [120, 50, 30, 20], rest=True).any()


def test_what_another_table_hides_already_goes_first():
    cells = [EVERYBODY, *parts("a", 3)]
    again = protected(cells, [107, 60, 40, 7], hidden_elsewhere=[False, True, False, True])
    assert again.tolist() == [False, True, False, True]


def test_what_was_shown_is_known_and_what_was_hidden_stays_so():
    cells, n = [EVERYBODY, *parts("a", 4)], [137, 60, 40, 30, 7]
    assert protected(cells, n, shown=[True, False, False, True, False]).tolist() == [
        False, False, True, False, True,
    ]  # fmt: skip
    assert protected(cells, n, hidden=[False, True, False, False, False]).tolist() == [
        False, True, False, False, True,
    ]  # fmt: skip
    assert protected(cells, n, shown=[True] * 4 + [False]).tolist() == [False] * 4 + [True]


def test_where_hiding_all_is_not_enough_all_is_hidden():
    assert protected([EVERYBODY, *parts("a", 9)], [9, *[1] * 9]).all()
    assert protected([EVERYBODY, *parts("a", 2)], [11, 10, 1]).tolist() == [False, True, True]
    assert protected([EVERYBODY, *parts("a", 2)], [18, 9, 9]).tolist() == [False, True, True]


def test_the_attacker_undoes_what_hides_the_small_cells_only():
    pinned = small = 0
    for seed in range(8):
        cells, n = random_table(seed)
        few = margins_of(cells, n).small
        pinned += attacked(cells, n, few).sum()
        small += few.sum()
    assert pinned > 0.25 * small


def extra(seeds):
    """Attack the tables of `seeds`; return cells hidden besides the small ones, as a share of those."""
    added = small = 0
    for seed in seeds:
        cells, n = random_table(seed)
        hidden = protected(cells, n)
        assert not attacked(cells, n, hidden).any(), seed
        few = margins_of(cells, n).small
        assert (hidden >= few).all()
        added += int((hidden & ~few).sum())
        small += int(few.sum())
    return added / small


def test_a_sample_of_the_tables_resists():
    assert extra(range(8)) <= MOST_EXTRA + 0.1


@pytest.mark.simulation
def test_a_thousand_tables_resist_and_a_quarter_more_is_hidden_at_most():
    assert extra(range(TABLES)) <= MOST_EXTRA


def test_three_way_tables_with_every_margin_resist():
    for seed in range(2):
        rng = np.random.default_rng(seed)
        cells, n = crossed(rng.poisson(14, (3, 3, 2)), range(4), empty=True)
        assert not attacked(cells, n, protected(cells, n)).any(), seed


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 60), min_size=1, max_size=7))
def test_one_line_is_protected_and_hides_two_more_at_most(sizes):
    cells, n = [EVERYBODY, *parts("a", len(sizes))], [sum(sizes), *sizes]
    hidden, small = protected(cells, n), np.array(n) < MINIMUM_CUSTOMERS
    assert (hidden >= small).all()
    if not small.any():
        assert not hidden.any()
    assert (hidden & ~small).sum() <= 2
    if not small[0] and not hidden[1:].all():
        assert not attacked(cells, n, hidden).any()


def test_the_same_cells_in_another_order_hide_the_same():
    cells, n = random_table(4)
    order = np.random.default_rng(0).permutation(len(n))
    again = protected([cells[k] for k in order], np.array(n)[order])
    assert protected(cells, n)[order].tolist() == again.tolist()
