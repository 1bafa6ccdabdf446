"""Risk by month, cohorts, bonds and first contacts: by hand, planted months, silence, what is left out."""

import os
import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from test_survival import lung

from cxlab.analysis.estimates import adjusted, masked
from cxlab.analysis.survival import (
    bonds,
    cohorts,
    first_contacts,
    hazard_shape,
    incidence,
    restricted_mean,
    retention,
    with_months,
)
from cxlab.errors import AnalysisError
from cxlab.reporting.bundle import bundle
from cxlab.reporting.tables import readable
from cxlab.reporting.words import Words

REPLICATIONS = int(os.environ.get("CXLAB_REPLICATIONS", 200))


def customers(n, seed, *, rate=0.03, peak=1.0, at=(13, 14)):
    """Whole months with a risk `peak` times as high in the months `at`, joined over two years."""
    rng = np.random.default_rng(seed)
    joined = rng.integers(0, 24, n)
    risk = np.where(np.isin(np.arange(1, 31), at), rate * peak, rate)
    leaves = rng.random((n, 30)) < risk
    left = np.where(leaves.any(axis=1), leaves.argmax(axis=1) + 1, 99)
    seen = 30 - joined
    return pd.DataFrame({
        "months": np.minimum(left, seen), "left": (left <= seen).astype(int),
        "start_date": pd.Timestamp("2022-01-15") + pd.to_timedelta(joined * 30.5, unit="D"),
    })  # fmt: skip


def test_the_risk_of_a_month_is_who_leaves_of_who_is_there():
    table = customers(500, 0)
    shape = hazard_shape(table, "months", "left").table
    months, left = table["months"].to_numpy(), table["left"].to_numpy() == 1
    for row in shape.itertuples():
        assert row.at_risk == (months >= row.time).sum()
        assert row.events == ((months == row.time) & left).sum()
        assert row.hazard == pytest.approx(row.events / row.at_risk)
    stay = retention(table, "months", "left").table
    assert np.prod(1 - shape["hazard"]) == pytest.approx(stay["estimate"].iloc[-1], rel=1e-12)
    parts = hazard_shape(table.assign(months=table["months"] - 0.4), "months", "left").table
    pd.testing.assert_frame_equal(parts, shape)


def test_late_entry_is_honoured_and_the_clock_can_start_anew():
    table = customers(600, 1).assign(entry=lambda t: np.where(t.index % 2, 3, 0), free=6)
    table = table[table["months"] > table["entry"]]
    shape = hazard_shape(table, "months", "left", entry="entry").table
    assert shape["at_risk"].iloc[0] == (table["entry"] == 0).sum()
    after = hazard_shape(table, "months", "left", since="free").table
    assert after["at_risk"].iloc[0] == (table["months"] > 6).sum()


def test_the_end_of_a_promotion_is_found_and_named():
    result = hazard_shape(customers(6000, 2, peak=4.0), "months", "left")
    found = result.tables["months"]
    assert found[["start", "end"]].values.tolist() == [[13, 14]]
    assert found["conf_low"].iloc[0] < 4 < found["conf_high"].iloc[0]
    assert [c.code for c in result.claims] == ["retention.raised"]
    assert "chosen_by_looking" in result.claims[0].caveats
    d, y = (result.table.loc[result.table["time"].isin([13, 14]), c].sum() for c in ("events", "at_risk"))
    others = result.table[~result.table["time"].isin([13, 14])]
    assert found["ratio"].iloc[0] == pytest.approx(
        (d / y) / (others["events"].sum() / others["at_risk"].sum())
    )


def test_groups_are_looked_at_apart_and_what_ends_is_marked():
    plain, peaked = customers(4000, 3), customers(4000, 4, peak=5.0)
    table = pd.concat([plain.assign(promo=0), peaked.assign(promo=1)], ignore_index=True)
    table["ends"] = np.where(table["promo"] == 1, 12.0, np.nan)
    result = hazard_shape(table, "months", "left", by=["promo"], marks=["ends"])
    assert result.tables["months"]["segment"].tolist() == [1]
    assert result.settings["marks"] == {"ends": 12.0}
    assert [c.fields.get("segment") for c in result.claims] == [1]


def test_a_month_stands_out_after_holm_over_the_months():
    shape = hazard_shape(customers(1500, 14, peak=2.2, at=(5,)), "months", "left", level=0.9)
    d, y = (shape.table[c].to_numpy() for c in ("events", "at_risk"))
    p = [
        stats.fisher_exact([[a, b - a], [d.sum() - a, y.sum() - d.sum() - b + a]]).pvalue
        if b >= 10
        else np.nan
        for a, b in zip(d, y, strict=True)
    ]
    holm = adjusted(p, "holm")
    above = np.flatnonzero((holm <= 0.1) & (d / y > d.sum() / y.sum()))
    raw = np.flatnonzero((np.array(p) <= 0.1) & (d / y > d.sum() / y.sum()))
    assert len(raw) > len(above) == 1
    assert shape.tables["months"]["start"].tolist() == (above + 1).tolist() == [5]
    assert shape.tables["months"]["p_adjusted"].tolist() == pytest.approx(holm[above].tolist(), rel=1e-9)


def test_only_months_seen_whole_count():
    table = pd.DataFrame({
        "months": [3, 3, 1, 2], "left": [1, 0, 0, 1], "start_date": pd.Timestamp("2024-01-01"),
        "closed": pd.to_datetime(["2024-03-15", "2024-03-15", "2024-01-20", "2024-03-15"]),
    })  # fmt: skip
    window = ("start_date", "closed")
    shape = hazard_shape(table, "months", "left", window=window)
    # Gone in the third month, of which half was seen: two whole months, and still here.
    assert shape.table[["time", "at_risk", "events"]].values.tolist() == [[1, 3, 0], [2, 3, 1]]
    assert dict(shape.n_dropped) == {"not one whole month observed": 1}
    assert "unfinished_month" not in shape.claims[0].caveats
    assert "unfinished_month" in hazard_shape(table, "months", "left").claims[0].caveats
    triangle = cohorts(table, "months", "left", ages=[1, 2], until="closed", every="year").table
    assert triangle["estimate"].tolist() == pytest.approx([1, 2 / 3])
    with pytest.raises(AnalysisError, match="column 'closed' holds no dates"):
        cohorts(table.assign(closed="2024"), "months", "left", until="closed")


def test_the_ratios_of_months_are_printed_as_ratios():
    shown = bundle(masked(hazard_shape(customers(6000, 2, peak=4.0), "months", "left")), Words("en"), id="r")
    table = readable(shown, "months", Words("en"))
    said = dict(zip([cell.text for cell in table.heads], table.rows[0].cells, strict=True))
    assert re.fullmatch(r"\d\.\d\d", said["Times the other months"].text)
    assert re.fullmatch(r"\d\.\d\d to \d\.\d\d", said["95% interval"].text)


def test_nobody_leaving_is_said():
    table = customers(60, 5).assign(left=0)
    assert [c.code for c in hazard_shape(table, "months", "left").claims] == ["retention.no_events"]


@pytest.mark.simulation
def test_an_even_risk_is_seldom_said_to_be_uneven():
    said = sum(
        hazard_shape(customers(800, seed), "months", "left").claims[0].code != "retention.even"
        for seed in range(REPLICATIONS)
    )
    assert said <= REPLICATIONS * 0.05 + 2 * np.sqrt(REPLICATIONS * 0.05 * 0.95)


def test_cohorts_are_the_curves_of_who_began_together():
    table = customers(900, 6).assign(entry=0)
    result = cohorts(table, "months", "left", ages=[6, 12, 24])
    quarter = table["start_date"].dt.to_period("Q").astype(str)
    for name, own in table.groupby(quarter):
        stay = retention(own, "months", "left", horizons=[6, 12, 24]).tables["horizons"]
        rows = result.table[result.table["cohort"] == name]
        assert rows["estimate"].to_numpy() == pytest.approx(stay["estimate"].to_numpy(), nan_ok=True)
        assert rows["at_risk"].tolist() == stay["at_risk"].tolist()
    last = result.table[result.table["cohort"] == result.table["cohort"].max()]
    assert last.set_index("time").loc[24, "estimate"] != last.set_index("time").loc[24, "estimate"]
    assert [c.code for c in result.claims] == ["retention.alike"]
    assert result.claims[0].fields["column"] == "cohort"
    years = cohorts(table, "months", "left", every="year")
    assert years.table["cohort"].unique().tolist() == ["2022", "2023"]
    with pytest.raises(AnalysisError, match="every is 'week'; allowed: month, quarter, year"):
        cohorts(table, "months", "left", every="week")


def test_a_cohort_that_was_there_before_the_data_counts_from_then():
    table = customers(800, 7).assign(entry=lambda t: np.where(t.index % 2, 0, 5))
    table = table[table["months"] > table["entry"]]
    late = cohorts(table, "months", "left", ages=[12], entry="entry", every="year").table
    for year, own in table.groupby(table["start_date"].dt.year):
        stay = retention(own, "months", "left", entry="entry", horizons=[12]).tables["horizons"]
        assert late.set_index("cohort").loc[str(year), "estimate"] == stay["estimate"].iloc[0]
    naive = cohorts(table, "months", "left", ages=[12], every="year").table
    assert (late["estimate"] < naive["estimate"]).all()  # who lasted until 5 is no credit


def surveyed():
    return pd.DataFrame({
        "start_date": pd.Timestamp("2023-01-10"),
        "lock_in_end": pd.to_datetime(["2024-01-10"] * 40 + [None] * 20),
        "survey_tenure": [3.0] * 20 + [12.0] * 20 + [3.0] * 19 + [np.nan],
        "effectiveness": [2.0] * 8 + [6.0] * 52, "ease": 6.0, "pleasantness": 7.0,
    })  # fmt: skip


def test_who_is_bound_and_discontent_is_a_hostage():
    table = with_months(surveyed(), ["lock_in_end", "elsewhere"])
    assert table["lock_in_end_months"].iloc[0] == 12
    assert "elsewhere_months" not in table
    result = bonds(table)
    assert result.table[["bond", "events", "n"]].values.tolist() == [
        ["hostage", 8, 59],
        ["bound", 12, 59],
        ["free", 39, 59],
    ]
    assert result.table["estimate"].sum() == pytest.approx(1)
    assert dict(result.n_dropped) == {"survey_tenure missing": 1}
    assert [c.code for c in result.claims] == ["retention.hostage", "retention.free"]
    low, high = result.table.loc[0, ["conf_low", "conf_high"]]
    assert (low, high) == pytest.approx(stats.binomtest(8, 59).proportion_ci(method="wilson"), rel=1e-9)
    small = bonds(table.assign(plan=np.where(table.index < 5, "tiny", "big")), by=["plan"])
    shown = masked(small).table
    assert shown.loc[shown["plan"] == "tiny", "estimate"].isna().all()


def test_a_first_contact_starts_its_own_clock():
    people = pd.DataFrame({
        "customer_id": ["a", "b", "c"], "start_date": pd.to_datetime(["2024-01-15"] * 3), "months": [9, 9, 2],
        "left": [0, 1, 1],
    })  # fmt: skip
    met = pd.DataFrame({
        "customer_id": ["a", "a", "a", "b", "c"], "channel": ["app", "store", "store", "app", "store"],
        "ts_start": pd.to_datetime(["2024-01-20", "2024-04-20", "2024-03-14", "2024-02-01", "2023-12-01"]),
        "reopened": [0, 0, 1, 0, 1],
    })  # fmt: skip
    found = first_contacts(people, met, "reopened", channels=["store"])
    assert found["first_contact_months"].tolist()[0] == 1  # a month has been completed, the second not
    assert found["reopened"].tolist()[0] == 1
    assert found["first_contact_months"].isna().tolist() == [False, True, True]
    assert first_contacts(people, met.iloc[:0], "reopened") is people
    with pytest.raises(AnalysisError, match="customers have a column 'reopened' already"):
        first_contacts(found, met, "reopened")
    after = retention(found, "months", "left", since="first_contact_months")
    assert after.n_used == 1
    assert dict(after.n_dropped) == {"first_contact_months missing": 2}


def test_a_parquet_file_gives_what_the_frame_gives(tmp_path):
    table = customers(700, 8, peak=3.0).assign(free=6, plan=lambda t: np.where(t.index % 3, "a", "b"))
    table["why"] = np.where(table["left"] == 0, None, np.where(table.index % 4, "voluntary", "involuntary"))
    table["closed"] = pd.Timestamp("2024-07-15")
    path = tmp_path / "customers.parquet"
    table.to_parquet(path)
    left, window = ("months", "left"), ("start_date", "closed")
    for analysis in (
        lambda t: restricted_mean(t, *left, horizon=12, by=["plan"]),
        lambda t: incidence(t, *left, cause="why", by=["plan"]),
        lambda t: hazard_shape(t, *left, by=["plan"], window=window, marks=["free"]),
        lambda t: cohorts(t, *left, until="closed"),
        lambda t: retention(t, *left, since="free", by=["plan"]),
    ):
        ours, read = analysis(table), analysis(path)
        pd.testing.assert_frame_equal(ours.table, read.table, check_dtype=False, rtol=1e-10)
        assert [c.code for c in ours.claims] == [c.code for c in read.claims]
        assert dict(ours.n_dropped) == dict(read.n_dropped)


@pytest.mark.parametrize(
    ("analysis", "columns"),
    [
        (lambda t: retention(t, "time", "status", by=["origin"], optional=True), ["origin"]),
        (lambda t: retention(t, "time", "status", since="free", optional=True), ["free"]),
        (lambda t: incidence(t, "time", "status", cause="why", optional=True), ["why"]),
        (lambda t: cohorts(t, "time", "status", optional=True), ["start_date"]),
        (lambda t: bonds(t, items=["age"], optional=True), ["lock_in_end_months", "survey_tenure"]),
    ],
)
def test_what_the_data_lack_is_said_where_it_is_optional(analysis, columns):
    result = analysis(lung())
    assert result.table.empty
    assert [c.code for c in result.claims] == ["retention.absent"]
    assert result.claims[0].fields["columns"] == columns


def test_a_horizon_that_nobody_reaches_is_said_where_it_is_optional():
    result = restricted_mean(lung(), "time", "status", horizon=5000, optional=True)
    assert [c.code for c in result.claims] == ["retention.unseen"]
    with pytest.raises(AnalysisError, match="has no column why"):
        incidence(lung(), "time", "status", cause="why")
