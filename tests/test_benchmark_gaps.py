"""The map of gaps to the best and the median: joint coverage, families of bases, T11 found."""

import os

import numpy as np
import pandas as pd
import pytest

from cxlab.analysis import benchmark
from cxlab.analysis.estimates import masked
from cxlab.demo import brands
from cxlab.errors import AnalysisError

REPLICATIONS = int(os.environ.get("CXLAB_REPLICATIONS", "200"))
ROW = [
    "best", "difference", "conf_low", "conf_high", "verdict", "to_median", "to_median_low", "to_median_high",
    "verdict_median", "score", "peers", "family", "n_focal", "n", "n_eff", "flag",
]  # fmt: skip


def answered(**counts):
    """Detractors, passives and promoters of "brand_cell" as rows."""
    parts = []
    for name, (d, p, pro) in counts.items():
        brand, cell = name.split("_")
        parts.append(
            pd.DataFrame({"brand": brand, "cell": cell, "recommend": [0] * d + [8] * p + [10] * pro})
        )
    return pd.concat(parts, ignore_index=True)


def gaps(table, **asked):
    return benchmark.gaps(table, "nps", **{"unit": "brand", "focal": "us", "by": "cell"} | asked)


def test_each_cell_has_its_best_its_median_and_its_bases():
    table = answered(
        us_a=(100, 100, 100), x_a=(20, 80, 200), y_a=(90, 100, 110), z_a=(50, 100, 150),
        us_b=(2, 5, 13), x_b=(3, 5, 12), us_c=(1, 2, 3), x_c=(10, 10, 10), us_d=(10, 10, 20), x_d=(1, 2, 3),
        y_d=(10, 10, 20), x_e=(10, 10, 10),
    )  # fmt: skip
    before = table.copy()
    result = gaps(table)
    assert list(result.table.columns) == ["cell", *ROW]
    rows = result.table.set_index("cell")
    assert rows.index.tolist() == ["a", "b", "c", "d"]
    assert rows.loc["a", ["best", "verdict", "family", "peers", "n"]].tolist() == [
        "x",
        "below",
        "drill-down",
        3,
        300,
    ]
    assert rows.loc["a", "difference"] == pytest.approx(-60)
    assert rows.loc["a", "to_median"] == pytest.approx(-100 / 3)
    assert rows.loc["a", "verdict_median"] == "below"
    # a peer of 6 is not held against a focal unit of 40 where another has 40
    assert rows.loc["d", ["best", "peers", "n"]].tolist() == ["y", 1, 40]
    assert rows.loc["b", ["family", "verdict", "flag"]].tolist() == [
        "low base",
        "not distinguishable",
        "low_base",
    ]
    assert rows.loc["b", "conf_low"] < rows.loc["b", "difference"] < rows.loc["b", "conf_high"]
    assert rows.loc["c", "flag"] == "suppressed"
    assert np.isnan(rows.loc["c", "difference"])
    assert masked(result).table.set_index("cell").loc["c", "score":"n_eff"].isna().all()
    assert result.n_dropped == {"nothing to compare with": 66}
    (claim,) = result.claims
    assert (claim.code, claim.fields["cell"], claim.fields["peer"]) == ("benchmark.behind_best", "a", "x")
    assert "best_of_several" in claim.caveats
    assert result.tables["tests"]["hypothesis"].tolist() == [
        "nps: us against the best of a", "nps: us against the best of d",
    ]  # fmt: skip
    pd.testing.assert_frame_equal(table, before)


def test_ahead_of_all_needs_all_of_them():
    result = gaps(answered(us_a=(5, 20, 175), x_a=(80, 60, 60), y_a=(90, 60, 50)))
    assert result.table["verdict"].tolist() == ["above"]
    assert [claim.code for claim in result.claims] == ["benchmark.ahead_of_all"]
    near = gaps(answered(us_a=(5, 20, 175), x_a=(6, 20, 174), y_a=(90, 60, 50)))
    assert near.table["verdict"].tolist() == ["not distinguishable"]
    assert [claim.code for claim in near.claims] == ["benchmark.gaps_alike"]
    few = gaps(answered(us_a=(5, 5, 10), x_a=(6, 5, 9)))
    assert [claim.code for claim in few.claims] == ["benchmark.gaps_few"]
    assert gaps(answered(us_a=(5, 5, 10), x_a=(6, 5, 9)), by=[]).table.empty


def test_with_one_peer_and_one_cell_the_interval_is_that_of_the_comparison():
    table = answered(us_a=(40, 60, 100), x_a=(60, 60, 80))
    row = gaps(table).table.iloc[0]
    plain = benchmark.compare(table, "nps", unit="brand", focal="us").table.iloc[0]
    assert row["difference"] == plain["difference"]
    assert [row["conf_low"], row["conf_high"]] == pytest.approx(
        [plain["conf_low"], plain["conf_high"]], abs=0.6
    )
    assert row["to_median_low"] == row["conf_low"]
    again = gaps(table, seed=0).table.iloc[0]
    assert again["conf_low"] == row["conf_low"]


def test_the_intervals_are_wider_the_more_is_looked_at():
    one = answered(us_a=(40, 60, 100), x_a=(60, 60, 80))
    more = pd.concat([one.assign(cell=cell) for cell in "abcdef"], ignore_index=True)
    alone, among = gaps(one).table.iloc[0], gaps(more).table.iloc[0]
    assert among["conf_low"] < alone["conf_low"] < alone["conf_high"] < among["conf_high"]
    # six independent cells: the critical value is that of the largest of six normal values
    width = (among["conf_high"] - among["conf_low"]) / (alone["conf_high"] - alone["conf_low"])
    assert width == pytest.approx(2.6310 / 1.96, rel=0.02)


@pytest.mark.simulation
def test_the_true_distances_to_best_and_median_are_inside_in_all_cells():
    """Six cells, five brands that are all alike (where choosing the best flatters most) or differ."""
    truth, rounds = np.array([60.0, 40, 40, 20, 0]) / 200, max(REPLICATIONS // 5, 1)
    for levels in (np.full(5, 0.1), truth):
        rng = np.random.default_rng(20261127)
        inside = said = 0
        for _ in range(rounds):
            shape = (5, 6, 40)
            draw = rng.random(shape)
            p = 0.35 + levels[:, None, None] / 2
            answers = np.where(draw < p, 10, np.where(draw < p + 0.35 - levels[:, None, None] / 2, 0, 8))
            brand, cell, _ = np.indices(shape)
            table = pd.DataFrame({"brand": brand.ravel(), "cell": cell.ravel(), "recommend": answers.ravel()})
            rows = benchmark.gaps(table, "nps", unit="brand", focal=0, by="cell").table
            scores = 100 * levels
            best, median = scores[0] - scores[1:].max(), scores[0] - np.median(scores[1:])
            hold = rows["conf_low"].le(best) & rows["conf_high"].ge(best)
            hold &= rows["to_median_low"].le(median) & rows["to_median_high"].ge(median)
            inside += bool(hold.all())
            said += bool((rows["verdict"] != "not distinguishable").any())
        assert inside / rounds >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / rounds)
        if not np.ptp(levels):
            assert said / rounds <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / rounds)


def test_the_planted_cell_is_found_with_its_size():
    """T11: complaints by call centre, 18 points behind; three draws of the study."""
    found = []
    for seed in range(3):
        table = brands.draw_interviews(np.random.default_rng(seed), brands.BRANDS)
        result = benchmark.gaps(
            table, "pxi", unit="peer_id", focal=brands.FOCAL, by=["interaction_type", "channel"]
        )
        row = result.table.set_index(["interaction_type", "channel"]).loc[brands.CRITICAL]
        assert row["conf_low"] < -18 < row["conf_high"]
        assert set(result.table.loc[result.table["n"] < 30, "verdict"]) == {"not distinguishable"}
        found.append(row["verdict"])
    assert found.count("below") >= 2


def test_what_cannot_be_mapped_is_refused():
    table = answered(us_a=(40, 60, 100), x_a=(60, 60, 80))
    with pytest.raises(AnalysisError, match="by names brand; each column once"):
        gaps(table, by="brand")
    with pytest.raises(AnalysisError, match="seed is -1"):
        gaps(table, seed=-1)
    modes = table.assign(mode=np.where(table["brand"] == "us", "web", "phone"))
    with pytest.raises(AnalysisError, match="us has no answers with mode 'phone'"):
        gaps(modes)
    assert len(gaps(modes, force_mixed_mode=True).table) == 1
