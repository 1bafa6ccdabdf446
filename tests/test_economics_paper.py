"""The paper on economics: what was planted in the demo clients is found, and in Nada S.A. nothing is."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

from cxlab import demo
from cxlab.analysis import economics, metrics
from cxlab.demo import accounts, lifetimes
from cxlab.demo.truth import truths
from cxlab.errors import AnalysisError
from cxlab.reporting.cards import card
from cxlab.reporting.words import Words

TENURE, HORIZON, DISCOUNT = 6, 24, 0.10
STEP, TOP = 10.0, 100.0  # of PXI; what it is capped at


@cache
def customers(client):
    table = demo.fibra()["customers"] if client == "fibra" else demo.nada()["customers"]
    return metrics.scored(table, ["pxi"])


def ask(client, **changed):
    """What the notebook asks, by default."""
    asked = {
        "change": {"pxi": STEP}, "covariates": ["attr_price", "attr_promo"], "entry": "survey_tenure",
        "margin": "margin_monthly", "horizon": HORIZON, "discount": DISCOUNT, "tenure": TENURE,
        "cost": 1200.0, "uptake": 0.3, "resamples": 100, "seed": 1, "currency": "kCLP",
    }  # fmt: skip
    return economics.improvement(customers(client), "duration", "event", **{**asked, **changed})


def planted():
    """The mean over those who answered of what ten points more are worth, by the hazard of their draw."""
    table = customers("fibra").dropna(subset=["pxi", "survey_tenure"])
    months = np.arange(HORIZON) + TENURE
    lived = np.array([
        lifetimes.exposure(months, promo=promo) - lifetimes.exposure(np.array([TENURE]), promo=promo)
        for promo in (False, True)
    ])[table["attr_promo"].astype(int)]  # fmt: skip
    price = (table["attr_price"].to_numpy() - lifetimes.PRICE[0]) / lifetimes.PRICE[1]

    def worth(pxi):
        risk = lifetimes.hazard((pxi - lifetimes.PXI[0]) / lifetimes.PXI[1], price)
        return np.exp(-risk[:, None] * lived) @ (1 + DISCOUNT) ** (-np.arange(HORIZON) / 12)

    pxi = table["pxi"].to_numpy()
    gained = worth(np.minimum(pxi + STEP, TOP)) - worth(pxi)
    return float(customers("fibra")["margin_monthly"].mean() * gained.mean())


def test_what_ten_points_are_worth_is_what_was_planted():
    found = ask("fibra").table.set_index("quantity")
    delta = found.loc["delta_cltv"]
    assert delta["conf_low"] < planted() < delta["conf_high"]
    assert delta["estimate"] == pytest.approx(planted(), abs=2 * delta["std_error"])
    true_ratio = lifetimes.PXI_HAZARD_RATIO ** (STEP / lifetimes.PXI[1])
    ratio = found.loc["hazard_ratio"]
    assert ratio["conf_low"] < true_ratio < ratio["conf_high"]


def test_it_is_said_with_its_doubts_and_pays_from_a_causal_share_on():
    found = ask("fibra")
    (claim,) = found.claims
    assert claim.code == "economics.improvement"
    assert claim.grade == "B"
    assert {"improvement_if_causal", "improvement_like_the_others", "change_capped"} <= set(claim.caveats)
    value = found.table.set_index("quantity")["estimate"]
    assert 0.3 < value["break_even_causal_share"] < 0.9
    assert value["probability_roi_positive"] > 0.9
    lags = found.tables["lags"]["delta_cltv"]
    assert lags.min() > 0.7 * lags.iloc[0]  # it is no notice of leaving
    assert found.tables["evalues"]["e_value"].min() > 1.1


def test_what_cannot_cause_leaving_does_not():
    (control,) = ask("fibra", control_exposure="attr_promised_speed").tables["controls"].to_dict("records")
    assert control["conf_low"] < 1 < control["conf_high"]


def test_a_client_with_nothing_to_find_is_told_so():
    found = ask("nada")
    (claim,) = found.claims
    assert claim.code == "economics.improvement_none"
    assert claim.fields["low"] < 0 < claim.fields["high"]


@cache
def conduct(client, *pushes, **changed):
    made = demo.fibra() if client == "fibra" else demo.nada()
    return economics.behaviours(
        customers(client), made["transactions"], made["referrals"], covariates=["attr_price", "attr_promo"],
        pushes=list(pushes), resamples=100, **changed,
    )  # fmt: skip


def test_the_four_behaviours_are_the_planted_ones_and_the_list_gets_its_own_merit():
    found = conduct("fibra", "attr_sales_list").table.set_index("behaviour")
    step = STEP / lifetimes.PXI[1]
    true = {"permanence": lifetimes.PXI_HAZARD_RATIO**-step, "upsell": accounts.UPSELL[1] ** step}
    for name, ratio in {**true, "cross_sell": 1.0}.items():
        assert found.loc[name, "conf_low"] < ratio < found.loc[name, "conf_high"], name
    trap = conduct("fibra").table.set_index("behaviour").loc["cross_sell"]
    assert trap["conf_low"] > 1


def test_t18_of_those_who_would_recommend_a_fifth_do():
    shares = conduct("fibra", "attr_sales_list").tables["referrers"].set_index("class")["estimate"]
    planted = truths("fibra_cordillera", 0)["truths"]["T18"]["found"]["ever_refer"]
    for name, truth in planted.items():
        assert abs(shares[name] - truth["mean"]) < 3.5 * truth["sd"], name


def test_where_there_is_nothing_no_behaviour_is_told():
    codes = [c.code for c in conduct("nada", "attr_sales_list").claims]
    assert "economics.behaviours_none" in codes
    assert not {"economics.behaviour", "economics.bridge"} & set(codes)


def test_parts_that_a_client_has_no_data_for_tell_nothing():
    nobody = pd.DataFrame()
    table = customers("nada")
    found = economics.behaviours(table, nobody, nobody, optional=True)
    assert found.table.empty
    assert found.claims == ()
    assert {"doses", "lags", "bridge", "referrers"} <= set(found.tables)
    sales, referrals = (demo.nada()[name] for name in ("transactions", "referrals"))
    undated = table.drop(columns="survey_date")
    assert economics.behaviours(undated, sales, referrals, optional=True).table.empty
    assert economics.per_user(nobody, optional=True).table.empty
    assert economics.acquisition_cost(nobody, optional=True).table.empty
    with pytest.raises(AnalysisError):
        economics.per_user(nobody)


def test_bills_of_a_filter_are_those_of_its_customers():
    bills, some = demo.nada()["billing"], customers("nada").query("region != 'RM'")["customer_id"]
    found = economics.per_user(bills, among=some).table
    assert found["n"].iloc[0] == bills.loc[bills["customer_id"].isin(some), "customer_id"].nunique()
    assert found["estimate"].iloc[0] != economics.per_user(bills).table["estimate"].iloc[0]


def test_a_card_of_money_names_its_currency():
    found = ask("fibra")
    shown = {"code": found.claims[0].code, "fields": found.claims[0].fields, "grade": "B", "sentence": "x"}
    assert card(shown, Words("es")).unit == "kCLP"


def test_money_of_a_number_that_is_added_has_no_groups_beside_it():
    assert ask("fibra").tables["crude"].empty
    moved = customers("fibra").assign(
        pleased=lambda t: pd.Series(np.where(t["pxi"] > 0, "yes", "no"), index=t.index).mask(t["pxi"].isna())
    )
    asked = {"change": {"pleased": ("no", "yes")}, "covariates": [], "entry": "survey_tenure", "margin": 10.0}
    terms = {"horizon": 12, "discount": 0.0, "cost": 10.0, "uptake": 0.5, "resamples": 40}
    found = economics.improvement(moved, "duration", "event", **asked, **terms)
    assert set(found.tables["crude"]["way"]) == {"standardised", "groups", "groups_from_start"}
