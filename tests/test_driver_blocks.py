"""Drivers in blocks by their tags, and the heterotrait-monotrait ratio that tells blocks apart."""

import numpy as np
import pandas as pd
import pytest

from cxlab.analysis.drivers import blocks, importance
from cxlab.analysis.drivers.blocks import separation_of
from cxlab.analysis.drivers.ratings import rated
from cxlab.errors import AnalysisError
from cxlab.reporting.bundle import bundle
from cxlab.reporting.tables import readable
from cxlab.reporting.words import Words

ITEMS = pd.DataFrame(
    {
        "item_id": ["ease", "price", "kind", "overall"],
        "level": ["rational", "rational", "emotional", None],
        "stage": ["use", None, "help", None],
    }
)
TWO = {"one": ["a", "b"], "two": ["c", "d"]}


def answers(between, within=0.64, n=400, seed=0):
    """Four ratings whose correlations are exactly these: a, b of one block, c, d of the other."""
    target = np.full((4, 4), between)
    target[:2, :2] = target[2:, 2:] = within
    np.fill_diagonal(target, 1.0)
    drawn = np.random.default_rng(seed).normal(size=(n, 4))
    drawn -= drawn.mean(axis=0)
    white = drawn @ np.linalg.inv(np.linalg.cholesky(drawn.T @ drawn / n)).T
    table = pd.DataFrame(white @ np.linalg.cholesky(target).T, columns=list("abcd"))
    return table.assign(y=table.sum(axis=1) + np.random.default_rng(seed + 1).normal(size=n))


def separation(table, groups=TWO, resamples=0):
    drivers = [driver for members in groups.values() for driver in members]
    people = rated(table, "y", drivers, controls=(), weights=None, not_applicable="indicator", min_rated=5)
    return separation_of(people, groups, resamples, 0.95, 1)


def test_blocks_follow_the_order_of_the_drivers():
    assert blocks(ITEMS, ["kind", "ease", "price"], "level") == {
        "level: emotional": ["kind"],
        "level: rational": ["ease", "price"],
    }


def test_every_driver_without_a_tag_is_named_at_once():
    with pytest.raises(AnalysisError, match="cannot be grouped by 'stage'") as caught:
        blocks(ITEMS, ["ease", "price", "wait"], "stage")
    said = [(str(p.found), p.column, str(p.action)) for p in caught.value.problems]
    remedy = "complete the table items, or leave the driver out"
    assert said == [
        ("price has none", "stage", remedy),
        ("wait is not in the questionnaire", "stage", remedy),
    ]


def test_unknown_tag_and_repeated_question_are_refused():
    with pytest.raises(AnalysisError, match="no column touchpoint_id; it has item_id, level, stage"):
        blocks(ITEMS, ["ease"], "touchpoint_id")
    with pytest.raises(AnalysisError, match="cannot be grouped") as caught:
        blocks(pd.concat([ITEMS, ITEMS]), ["ease"], "level")
    assert str(caught.value.problems[0].found) == "ease stands in more than one row"


def test_ratio_by_hand():
    # Between 0.48; within 0.64 in both: 0.48 / sqrt(0.64 x 0.64) = 0.75.
    assert separation(answers(0.48))["htmt"].tolist() == pytest.approx([0.75])
    # Within 0.81 in one block of two, one driver alone in the other: 0.45 / sqrt(0.81 x 1) = 0.5.
    table = answers(0.45, within=0.81)
    assert separation(table, {"one": ["a", "b"], "two": ["c"]})["htmt"].tolist() == pytest.approx([0.5])


def test_those_who_did_not_rate_both_have_no_say():
    full = answers(0.48)
    other = answers(0.1, seed=5).assign(a=np.nan, d=np.nan)
    ratio = separation(pd.concat([full, other], ignore_index=True), {"one": ["a"], "two": ["d"]})
    assert ratio["htmt"].tolist() == pytest.approx([0.48])
    assert ratio["n"].tolist() == [400]


def test_blocks_that_do_not_separate_are_told_to_be_merged():
    groups = {"level: one": ["a", "b"], "level: two": ["c", "d"]}
    joint = importance(answers(0.62), "y", list("abcd"), groups=groups, resamples=200)
    row = joint.tables["separation"].iloc[0]
    assert row["separation"] == "merge"
    assert row["conf_low"] < row["htmt"] < row["conf_high"]
    merge = [claim for claim in joint.claims if claim.code == "drivers.blocks_merge"]
    assert [(c.fields["driver"], c.fields["over"]) for c in merge] == [("level: one", "level: two")]
    assert all("blocks_overlap" in c.caveats for c in joint.claims if c.code == "drivers.top")
    apart = importance(answers(0.2), "y", list("abcd"), groups=groups, resamples=200)
    assert apart.tables["separation"]["separation"].tolist() == ["apart"]
    assert not [c for c in apart.claims if "blocks_overlap" in c.caveats or c.code == "drivers.blocks_merge"]


def test_a_ratio_is_printed_as_one_not_as_a_share():
    groups = {"level: rational": ["a", "b"], "level: emotional": ["c", "d"]}
    joint = importance(answers(0.62), "y", list("abcd"), groups=groups, resamples=200)
    words = Words("en")
    shown = readable(bundle(joint, words, id="r"), "separation", words)
    row = joint.tables["separation"].iloc[0]
    cells = dict(zip((head.text for head in shown.heads), (c.text for c in shown.rows[0].cells), strict=True))
    assert cells["HTMT ratio"] == f"{row['htmt']:.2f}"
    interval = cells[next(head for head in cells if "interval" in head)].split()
    assert [float(interval[0]), float(interval[-1])] == pytest.approx(
        row[["conf_low", "conf_high"]], abs=0.006
    )
    assert {cells["Attribute"], cells["Over"]} == {"Level: Rational", "Level: Emotional"}


def test_a_ratio_that_may_be_either_stays_open():
    assert separation(answers(0.55, n=60), resamples=400)["separation"].tolist() == ["open"]


def test_a_block_at_odds_with_itself_has_no_ratio():
    table = answers(0.48)
    ratio = separation(table.assign(b=-table["b"]), resamples=50)
    assert ratio["htmt"].isna().all()
    assert ratio["separation"].tolist() == ["open"]


def test_few_who_rated_both_are_not_shown():
    table = answers(0.48, n=60)
    table.loc[7:, "c"] = np.nan
    ratio = separation(table, {"one": ["a"], "two": ["c"]})
    assert ratio["n"].tolist() == [7]
    assert ratio["flag"].tolist() == ["suppressed"]


def test_asking_for_separation_moves_no_share():
    table = answers(0.3)
    grouped = importance(table, "y", list("abcd"), groups={k: [k] for k in "abcd"}, resamples=50, seed=3)
    plain = importance(table, "y", list("abcd"), resamples=50, seed=3)
    pd.testing.assert_frame_equal(grouped.table, plain.table)
    assert plain.tables["separation"].empty
