"""The studies of retention on public files: what is read, what is true of it, and what it cannot tell.

The files are not in this repository. What is asserted was computed apart, from the file, with pandas; the
product-limit estimator is written out here.
"""

import os
import shutil
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from cxlab.analysis import survival
from cxlab.errors import AnalysisError
from cxlab.intake.dataset import check, open_dataset

PROJECT = Path(__file__).parents[1]
NAMES = ("telco_ibm", "smcrm_churn", "bank_churn", "ibm_hr", "sbg_cohorts")


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """Customers of a client: its declaration, committed, over the file in the folder of real files."""
    if not os.environ.get("CXLAB_REAL_DATA"):
        pytest.skip("set CXLAB_REAL_DATA to the folder of the real files")
    root = tmp_path_factory.mktemp("real")

    @cache
    def customers(name):
        (root / "data" / name).mkdir(parents=True)
        shutil.copy(PROJECT / "data" / name / "client.yaml", root / "data" / name)
        check(root, name)
        return open_dataset(root, name).read("customers")

    return customers


@pytest.fixture
def raw():
    return lambda name, **options: pd.read_csv(Path(os.environ["CXLAB_REAL_DATA"]) / name, **options)


def product_limit(duration, event, at):
    """Kaplan and Meier, written out."""
    stays = 1.0
    for time in np.unique(duration[event == 1]):
        if time <= at:
            stays *= 1 - ((duration == time) & (event == 1)).sum() / (duration >= time).sum()
    return stays


def entry_of(name, entry="retention"):
    study = yaml.safe_load((PROJECT / "reports" / f"{name}.yaml").read_text(encoding="utf-8"))
    return study["entries"][entry]["parameters"]


def studied(read, name, entry="retention"):
    """Curves and effects as the study asks for them."""
    asked, table = entry_of(name, entry), read(name)
    curves = survival.retention(table, "duration", "event", by=asked["by"], horizons=tuple(asked["horizons"]))
    return curves, survival.hazards(table, "duration", "event", asked["covariates"])


@pytest.mark.parametrize("name", NAMES)
def test_each_says_what_it_cannot_tell(read, name):
    curves, effects = studied(read, name)
    stated = [claim for claim in curves.claims if claim.code == "retention.level"]
    assert stated
    assert all("no_calendar_dates" in claim.caveats for claim in stated)
    assert all("covariates_undated" in c.caveats for c in effects.claims if c.code == "hazards.effect")
    assert not {c.grade for c in (*curves.claims, *effects.claims)} & {"A", "B"}


@pytest.mark.parametrize("name", NAMES)
def test_the_curve_of_all_is_the_product_limit(read, name):
    table, asked = read(name), entry_of(name)
    curves, _ = studied(read, name)
    overall = curves.tables["overall"].set_index("time")["estimate"]
    duration, event = table["duration"].to_numpy(float), table["event"].to_numpy(int)
    for horizon in asked["horizons"]:
        assert overall[horizon] == pytest.approx(product_limit(duration, event, horizon), abs=1e-12)


# Telco


def test_telco_with_support(read):
    curves, effects = studied(read, "telco_ibm", "support")
    ratio = effects.table.set_index("covariate")["hazard_ratio"]
    assert ratio["attr_support"] < 0.8
    assert curves.tables["log_rank"]["p_value"].max() < 1e-6
    whole = survival.retention(read("telco_ibm"), "duration", "event", by=["plan"])
    assert whole.tables["log_rank"]["statistic"].iloc[0] == pytest.approx(2352.87, abs=0.01)


# The supplier: the event the other way round, totals that grow


def test_who_is_censored_is_still_a_customer(read, raw):
    table, file = read("smcrm_churn"), raw("smcrm_customer_churn.csv")
    assert table["event"].sum() == 232 == (file["censor"] == 0).sum()
    assert (table.loc[table["event"] == 0, "days"] == 730).all()
    assert table["duration"].to_numpy() == pytest.approx(table["days"] / 30)


@pytest.mark.parametrize("total", ["total_crossbuy", "total_freq"])
def test_totals_up_to_the_end_are_refused(read, total):
    with pytest.raises(AnalysisError, match=f"column {total}: found a column declared after_event"):
        survival.hazards(read("smcrm_churn"), "duration", "event", ["revenue", total])


def test_totals_seem_to_keep_customers_and_their_pace_to_lose_them(read):
    table = read("smcrm_churn")
    table = table.assign(pace=table["total_crossbuy"] / table["duration"])
    table.attrs = {}  # as who does not declare what the totals are
    total, pace = (
        survival.hazards(table, "duration", "event", [name]).table.iloc[0]
        for name in ("total_crossbuy", "pace")
    )
    assert total["conf_high"] < 1 < pace["conf_low"]


# The bank: not monotone, names of people


def test_surnames_are_never_stored(read, raw):
    table, file = read("bank_churn"), raw("bank_churn.csv")
    surnames = set(file["Surname"])
    texts = table.select_dtypes(exclude="number").astype(str)
    assert not any(surnames & set(texts[column]) for column in texts)
    assert len(table) == 10_000


def test_one_slope_over_products_hides_who_leaves(read, raw):
    _, effects = studied(read, "bank_churn", "products")
    ratio = effects.table.set_index("covariate")["hazard_ratio"]
    two, three, four = (ratio[f"products: {name}"] for name in ("two", "three", "four"))
    assert two < 0.3
    assert min(three, four) > 3
    table = read("bank_churn")
    number = table.assign(number=table["products"].map({"one": 1.0, "two": 2.0, "three": 3.0, "four": 4.0}))
    slope = survival.hazards(number, "duration", "event", ["number"]).table.iloc[0]
    assert 0.75 < slope["hazard_ratio"] < 0.9, "more products, fewer exits: not so beyond two"
    share = table.groupby("products", observed=True)["event"].mean()
    assert share[["one", "two", "three", "four"]].round(3).tolist() == [0.277, 0.076, 0.827, 1.0]


def test_tenure_at_the_bank_is_not_clean(read):
    share = read("bank_churn").groupby("years")["event"].mean()
    assert share.max() - share.min() < 0.06, "who has stayed longer has hardly left less"


# Two cohorts that renew each year: Fader and Hardie (2007), doi:10.1002/dir.20074, table of survivors


def test_survivors_are_those_of_the_paper(read):
    table = read("sbg_cohorts")
    stays = survival.retention(
        table, "duration", "event", by=["segment"], horizons=[12 * year for year in range(1, 8)]
    ).tables["horizons"]
    survivors = (1000 * stays["estimate"]).round(6).groupby(stays["segment"]).apply(list).to_dict()
    assert survivors == {
        "highend": [869, 743, 653, 593, 551, 517, 491],
        "regular": [631, 468, 382, 326, 289, 262, 241],
    }


# People of a firm


def test_constant_columns_are_not_stored(read, raw):
    file = raw("ibm_hr_attrition.csv", encoding="utf-8-sig")
    constant = {column for column in file if file[column].nunique() == 1}
    assert constant == {"EmployeeCount", "Over18", "StandardHours"}
    table = read("ibm_hr")
    assert all(table[column].nunique() > 1 for column in table)
    assert table["event"].mean() == pytest.approx(0.1612, abs=5e-5)
    assert table.groupby("overtime")["event"].mean().round(4).to_dict() == {
        "no_overtime": 0.1044,
        "overtime": 0.3053,
    }


def test_satisfaction_goes_with_staying_and_time_in_the_role_is_refused(read):
    _, effects = studied(read, "ibm_hr")
    ratio = effects.table.set_index("covariate")
    assert (ratio.loc[["attr_job", "attr_environment", "attr_involvement"], "conf_high"] < 1).all()
    assert ratio.loc["overtime: overtime", "conf_low"] > 2
    with pytest.raises(AnalysisError, match="column years_in_role: found a column declared after_event"):
        survival.hazards(read("ibm_hr"), "duration", "event", ["attr_job", "years_in_role"])


def test_the_age_of_today_is_partly_time_in_the_firm(read):
    table = read("ibm_hr")
    today, joining = (
        survival.hazards(table, "duration", "event", [name]).table["hazard_ratio_sd"].iloc[0]
        for name in ("age", "attr_age_joined")
    )
    assert today < joining
