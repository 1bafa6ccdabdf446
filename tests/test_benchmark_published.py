"""Published numbers carry their own error: against real respondents, by hand, and every refusal."""

import numpy as np
import pandas as pd
import pytest

from cxlab.analysis import benchmark, metrics
from cxlab.analysis.estimates import as_one_family, masked
from cxlab.errors import AnalysisError
from cxlab.reporting.claims import sentence
from cxlab.reporting.words import Words

COLUMNS = [
    "peer", "published", "estimate", "difference", "std_error", "conf_low", "conf_high", "p_value",
    "p_adjusted", "verdict", "se_basis", "sensitivity_low", "sensitivity_high", "n", "n_eff", "n_published",
    "date", "source", "population", "flag",
]  # fmt: skip
TESTED = ["difference", "conf_low", "conf_high", "p_value", "p_adjusted"]
KNOWN = {"date": "2025", "source": "Sector report"}


def people(detractors, passives, promoters):
    return pd.DataFrame({"recommend": [0] * detractors + [8] * passives + [10] * promoters})


@pytest.mark.parametrize(("us", "them"), [((40, 60, 100), (140, 80, 180)), ((9, 12, 15), (7, 6, 23))])
def test_a_number_whose_shares_are_known_is_the_comparison_with_its_respondents(us, them):
    n = sum(them)
    both = pd.concat([people(*us).assign(brand="us"), people(*them).assign(brand="them")])
    real = benchmark.compare(both, "nps", unit="brand", focal="us").table.iloc[0]
    shares = {"promoters": 100 * them[2] / n, "detractors": 100 * them[0] / n}
    net = shares["promoters"] - shares["detractors"]
    printed = benchmark.published(people(*us), "nps", value=net, n=n, **shares, **KNOWN).table.iloc[0]
    assert printed["se_basis"] == "shares"
    assert printed[TESTED].tolist() == pytest.approx(real[TESTED].tolist(), rel=1e-9)
    assert printed["verdict"] == real["verdict"]


def test_where_the_error_comes_from():
    table = people(40, 60, 100)
    cases = {
        "assumed passive share": ({"n": 400}, 1e4 * (0.7 - 0.01) / 400),
        "shares": ({"n": 400, "promoters": 45, "detractors": 35}, 1e4 * (0.8 - 0.01) / 400),
        "sd": ({"n": 400, "sd": 80}, 80**2 / 400),
        "margin of error": ({"margin_of_error": 7}, (7 / 1.959964) ** 2),
    }
    own = 1e4 * (0.7 - 0.09) / 199
    for basis, (given_of_it, variance) in cases.items():
        row = benchmark.published(table, "nps", value=10, **given_of_it, **KNOWN).table.iloc[0]
        assert row["se_basis"] == basis
        assert row["std_error"] == pytest.approx(np.sqrt(own + variance), rel=1e-6), basis
    share = benchmark.published(table, "top_2_of_0_10", value=40, n=400, columns="recommend", **KNOWN)
    assert share.table["se_basis"].item() == "value"
    assert share.table["std_error"].item() == pytest.approx(np.sqrt(2500 / 199 + 2400 / 400))
    mean = benchmark.published(table, "mean", value=7, n=400, columns="recommend", **KNOWN).table.iloc[0]
    spread = table["recommend"].var(ddof=0)
    assert mean["se_basis"] == "own spread"
    assert mean["std_error"] == pytest.approx(np.sqrt(spread / 199 + spread / 400))
    # nine in ten: there is no room for 30 % passives
    high = benchmark.published(table, "nps", value=90, n=400, **KNOWN).tables["sensitivity"]
    assert high["published_sd"].tolist() == pytest.approx([30.0, 30.0, 100 * np.sqrt(1 - 0.81)])


def test_the_least_and_the_largest_spread_bound_the_interval():
    result = benchmark.published(people(40, 60, 100), "nps", value=30, n=100, **KNOWN)
    rows = result.tables["sensitivity"].set_index("spread")
    assert (rows["published_sd"] ** 2 / 1e4).round(4).tolist() == [0.21, 0.61, 0.91]
    assert (np.diff(rows["std_error"]) > 0).all()
    assert result.table["sensitivity_high"].item() == rows.loc["largest", "conf_high"]
    assert "benchmark_spread_assumed" in result.claims[0].caveats


def test_a_pxi_is_bounded_by_what_the_mean_of_three_nets_can_be():
    rng = np.random.default_rng(4)
    table = pd.DataFrame({c: rng.integers(1, 8, 300) for c in ("effectiveness", "ease", "pleasantness")})
    result = benchmark.published(table, "pxi", value=50, n=300, **KNOWN)
    assert result.table["se_basis"].item() == "own spread"
    least, taken, largest = result.tables["sensitivity"]["published_sd"]
    # between one and two thirds of 100: half of a step to each side
    assert (least, largest) == (pytest.approx(100 / 6), pytest.approx(100 * np.sqrt(0.75)))
    assert least < taken < largest


@pytest.mark.parametrize(
    ("lacks", "caveat"),
    [("date", "benchmark_undated"), ("source", "benchmark_unsourced"), ("n", "benchmark_error_unknown")],
)
def test_without_date_source_or_base_nothing_is_tested(lacks, caveat):
    given_of_it = {"n": 400, **KNOWN}
    del given_of_it[lacks]
    result = benchmark.published(people(10, 20, 170), "nps", value=-20, **given_of_it)
    row = result.table.iloc[0]
    assert np.isnan(row["p_value"])
    assert row["verdict"] == "not tested"
    assert row["difference"] == pytest.approx(100.0)
    assert np.isnan(row["std_error"]) == (lacks == "n")
    assert (row["se_basis"] == "benchmark error unknown") == (lacks == "n")
    (claim,) = result.claims
    assert (claim.code, claim.headline) == ("benchmark.published_gap", False)
    assert caveat in claim.caveats
    assert "muy poco" in sentence(claim, Words("es"))
    assert as_one_family(result)[0].claims == result.claims


def test_taken_for_a_constant_it_would_be_told_apart():
    """Same size as ours: the error that is left out is as large as the one that is kept."""
    table = people(50, 60, 90)
    row = benchmark.published(table, "nps", value=5, n=200, **KNOWN).table.iloc[0]
    constant = (row["estimate"] - 5) / np.sqrt(1e4 * (0.7 - 0.04) / 199)
    assert constant > 1.96
    assert row["p_value"] > 0.05
    assert row["verdict"] == "not distinguishable"


def test_weights_strata_and_clusters_cost_precision_here_too():
    rng = np.random.default_rng(5)
    table = pd.DataFrame({
        "recommend": rng.choice([0, 8, 10], 400), "w": rng.lognormal(0, 0.8, 400),
        "region": np.repeat(["n", "s"], 200), "shop": np.repeat(np.arange(40), 10),
    })  # fmt: skip
    asked = {"value": 0, "n": 500, **KNOWN}
    plain = benchmark.published(table, "nps", **asked).table.iloc[0]
    weighted = benchmark.published(
        table, "nps", weights="w", strata="region", cluster="shop", **asked
    ).table.iloc[0]
    assert weighted["n_eff"] < 0.75 * plain["n_eff"]
    assert weighted["std_error"] > 1.1 * plain["std_error"]
    other = benchmark.published(table, "nps", weights="w", **{**asked, "value": 5}).table.iloc[0]
    own = metrics.score(table, "nps", weights="w").table.iloc[0]
    assert other["std_error"] == pytest.approx(
        np.hypot(own["std_error"], 100 * np.sqrt((0.7 - 0.0025) / 500))
    )


def scores(**changed):
    return pd.DataFrame({
        "peer_id": ["a", "b", "us", "c"], "metric": ["nps", "NPS", "nps", "pxi"],
        "value": [-20.0, 28.0, 31.0, 50.0], "n": [300, 300, 300, 300], "wave_id": "2025", "source": "Ranking",
    } | changed)  # fmt: skip


def test_a_table_of_published_numbers_is_one_family():
    table, before = people(40, 60, 100), scores()
    result = benchmark.published_scores(table, "nps", before, focal="us")
    assert list(result.table.columns) == COLUMNS
    assert result.table["peer"].tolist() == ["a", "b"]
    assert result.table["verdict"].tolist() == ["above", "not distinguishable"]
    assert result.table["p_adjusted"].iloc[0] == pytest.approx(2 * result.table["p_value"].iloc[0])
    assert result.settings["family"] == 2
    (claim,) = result.claims
    assert (claim.code, claim.fields["peer"], claim.fields["value"]) == ("benchmark.published", "a", -20.0)
    said = sentence(claim, Words("es")).replace("\N{NO-BREAK SPACE}", " ")
    assert said.startswith(
        "En el NPS, el resultado del cliente se observa 50 puntos por encima del publicado para «a» "
        "(−20 puntos; 2025)"
    )
    alike = benchmark.published_scores(table, "nps", scores(value=[29.0, 31.0, 0.0, 0.0]), focal="us").claims
    assert [c.code for c in alike] == ["benchmark.published_alike"]
    assert "ninguno de los 2 valores" in sentence(alike[0], Words("es"))
    pd.testing.assert_frame_equal(before, scores())


def test_a_number_of_a_cell_is_compared_with_the_respondents_of_that_cell():
    table = pd.concat([people(10, 10, 80).assign(channel="app"), people(50, 25, 25).assign(channel="shop")])
    cells = scores().iloc[:2].assign(channel=["shop", None])
    rows = benchmark.published_scores(table, "nps", cells).table
    assert rows["peer"].tolist() == ["a, shop", "b"]
    assert rows["estimate"].tolist() == pytest.approx([-25.0, 22.5])
    assert rows["n"].tolist() == [100, 200]
    with pytest.raises(AnalysisError, match="nobody in the table is of channel = web"):
        benchmark.published_scores(table, "nps", cells.assign(channel="web"))


def test_a_standard_error_is_as_good_as_a_base():
    numbers = scores(n=[None] * 4, std_error=[4.0, None, 4.0, 4.0])
    rows = benchmark.published_scores(people(40, 60, 100), "nps", numbers).table
    assert rows["se_basis"].tolist() == ["margin of error", "benchmark error unknown", "margin of error"]
    assert rows["std_error"].iloc[0] == pytest.approx(np.sqrt(1e4 * 0.61 / 199 + 16))


def test_a_difference_that_hangs_on_the_assumed_spread_says_so():
    rng = np.random.default_rng(6)
    table = pd.DataFrame({c: rng.choice([5, 6, 7], 300) for c in ("effectiveness", "ease", "pleasantness")})
    own = metrics.score(table, "pxi").table["estimate"].item()
    (near,) = benchmark.published(table, "pxi", value=own - 8, n=300, **KNOWN).claims
    (far,) = benchmark.published(table, "pxi", value=own - 40, n=300, **KNOWN).claims
    assert (near.fields["holds"], far.fields["holds"]) == (False, True)
    assert "lo más posible, no se distinguiría" in sentence(near, Words("es"))
    assert "no se distinguiría" not in sentence(far, Words("es"))


def test_a_small_base_of_ours_is_masked_and_not_tested():
    result = masked(benchmark.published(people(2, 2, 4), "nps", value=0, n=400, **KNOWN))
    assert result.table["difference"].isna().all()
    assert result.tables["sensitivity"]["conf_low"].isna().all()
    assert result.claims == ()


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"value": 130}, "a published nps of 130 is outside -100 to 100; give it in points"),
        ({"value": np.nan}, "a published nps of nan is outside"),
        ({"n": 1}, "n of a published number is 1; allowed: more than 1"),
        (
            {"sd": 0.8},
            "cannot have a standard deviation of 0.8, only one from 30.0 to 99.5; give it in points",
        ),
        ({"margin_of_error": -1}, "margin_of_error of a published number is -1; allowed: more than 0"),
        ({"promoters": 0.45, "detractors": 0.35}, "do not make a published nps of 10; give both, in percent"),
        ({"promoters": 45}, "promoters 45 and detractors None do not make"),
        ({"level": 1}, "level is 1"),
        ({"metric": "forrester_cx"}, "is proprietary and is not imitated"),
    ],
)
def test_numbers_that_are_refused(asked, message):
    given_of_it = {"metric": "nps", "value": 10, "n": 400, **KNOWN} | asked
    with pytest.raises(AnalysisError, match=message):
        benchmark.published(people(40, 60, 100), given_of_it.pop("metric"), **given_of_it)


def test_only_the_respondents_of_the_client_are_compared():
    both = pd.concat([people(40, 60, 100).assign(brand="us"), people(90, 10, 0).assign(brand="a")])
    result = benchmark.published_scores(both, "nps", scores(), unit="brand", focal="us")
    assert result.table["n"].tolist() == [200, 200]
    assert result.table["estimate"].tolist() == pytest.approx([30.0, 30.0])
    assert (result.settings["unit"], result.settings["focal"]) == ("brand", "us")
    with pytest.raises(AnalysisError, match="brand has no value 'them'"):
        benchmark.published_scores(both, "nps", scores(), unit="brand", focal="them")
    for nothing in (pd.DataFrame(), scores().tail(1)):
        empty = benchmark.published_scores(both, "nps", nothing, unit="brand", focal="us", optional=True)
        assert empty.table.empty
        assert empty.claims == ()


def test_a_metric_that_nobody_published():
    with pytest.raises(AnalysisError, match="there is no published insc of a peer; it has NPS, nps, pxi"):
        benchmark.published_scores(people(4, 6, 10), "insc", scores())
