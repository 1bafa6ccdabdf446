"""What the demo's customers do: causes of leaving, origin, sales, bills, referrals (T7, T18), as planted."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
import yaml

from cxlab import demo
from cxlab.analysis import metrics, survival
from cxlab.demo import acquisition, conduct, contacts, departures, lifetimes
from cxlab.demo.truth import truths
from cxlab.errors import AnalysisError
from cxlab.intake.dataset import check, open_dataset
from cxlab.intake.proposals.propose import propose
from cxlab.notebook import open as open_paper

TRUTH = truths("fibra_cordillera", 0)
# A single draw may lie this many of its own standard deviations from the mean of many.
FAR = 3.5
BOOKS = {"billing", "transactions", "referrals", "marketing_spend"}
# Days between joining and leaving, and prices, of the demo as it was before any of this was drawn.
DRAWN_BEFORE = (2_116_775, 599_033.52)


@cache
def fibra():
    return demo.fibra()


@cache
def customers():
    table = fibra()["customers"]
    return table.assign(
        pxi=metrics.contribution(table, "pxi"),
        **{cause: table["end_type"].eq(cause).astype(int) for cause in departures.CAUSES},
    )


def close_to(value, found):
    return abs(value - found["mean"]) <= FAR * found["sd"]


def per_sd(event):
    result = survival.hazards(
        customers(),
        "duration",
        event,
        ["pxi", "attr_price", "attr_first_days_late"],
        entry="survey_tenure",
        strata=("attr_promo",),
    )
    table = result.table.set_index("covariate")
    return table["hazard_ratio_sd"], table["p_value"]


# Drawn apart: what was there before is as it was


def test_dates_and_answers_are_drawn_before_and_stay():
    lives = fibra()["customers"][["start_date", "end_date", "attr_price"]]
    days = (lives["end_date"] - lives["start_date"]).dt.days.sum()
    assert (int(days), float(lives["attr_price"].sum().round(2))) == DRAWN_BEFORE


def test_another_draw_of_conduct_leaves_the_lives_alone(monkeypatch):
    def nothing(_stream, customers, _leanings, interactions, _strangers):
        return customers, {"interactions": interactions}

    monkeypatch.setattr("cxlab.demo.noise.draw_conduct", nothing)
    monkeypatch.setattr(
        "cxlab.demo.tables.CUSTOMER", demo_columns := ("customer_id", "start_date", "end_date")
    )
    monkeypatch.setattr("cxlab.demo.tables._with_survey", lambda frame, _survey: frame[list(demo_columns)])
    without = demo.nada()
    monkeypatch.undo()
    whole = demo.nada()
    pd.testing.assert_frame_equal(without["customers"], whole["customers"][list(demo_columns)])
    pd.testing.assert_frame_equal(without["survey_responses"], whole["survey_responses"])


# Why customers leave


def test_exits_have_a_cause_and_only_they():
    table = fibra()["customers"]
    assert (table["end_type"].notna() == table["event"].eq(1)).all()
    assert set(table["end_type"].dropna()) == set(departures.CAUSES)


def test_the_pxi_moves_who_asks_to_leave_and_price_and_lateness_who_is_cut_off():
    asked, cut, whole = per_sd("voluntary"), per_sd("involuntary"), per_sd("event")
    assert asked[0]["pxi"] < whole[0]["pxi"] < cut[0]["pxi"]
    assert cut[0]["attr_price"] > whole[0]["attr_price"] > asked[0]["attr_price"]
    assert cut[0]["attr_first_days_late"] > 1.4
    assert cut[1]["attr_first_days_late"] < 0.001
    assert whole[0]["attr_first_days_late"] == pytest.approx(1.0, abs=0.06)
    for cause, ratios in (("voluntary", asked[0]), ("involuntary", cut[0])):
        for covariate, found in TRUTH["also"]["causes"]["found"][cause].items():
            assert close_to(ratios[covariate], found), (cause, covariate)


def test_moving_and_death_come_alike_to_everybody():
    table = fibra()["customers"]
    exposed = table["duration"].sum()
    for cause, rate in departures.SAME_FOR_ALL.items():
        count = table["end_type"].eq(cause).sum()
        # Time is in whole months, the last one begun: half a month of each customer too many.
        assert count / (exposed - len(table) / 2) == pytest.approx(rate, rel=4 / np.sqrt(count))


def test_the_end_of_the_promotion_adds_voluntary_exits_only():
    table = survival.retention(customers(), "duration", "involuntary", by=("attr_promo",)).table
    hazard = (table["events"] / table["at_risk"]).groupby([table["attr_promo"], table["time"]]).first()
    # Four times as many leave by month 14: those at risk are others, the rate is not.
    assert hazard[1].loc[13:14].mean() / hazard[0].loc[13:14].mean() == pytest.approx(1.0, abs=0.35)
    asked = survival.retention(customers(), "duration", "voluntary", by=("attr_promo",)).table
    asked = (asked["events"] / asked["at_risk"]).groupby([asked["attr_promo"], asked["time"]]).first()
    assert asked[1].loc[13:14].mean() / asked[0].loc[13:14].mean() > 4


def test_the_contract_ends_when_plan_and_promotion_say():
    table = fibra()["customers"]
    months = np.where(table["attr_promo"] == 1, 12, table["plan"].map(departures.LOCK_IN))
    assert (table["lock_in_end"].notna() == (months > 0)).all()
    bound = table["lock_in_end"].notna()
    due = table["start_date"][bound].dt.to_period("M").astype("int64") + months[bound]
    assert (table["lock_in_end"][bound].dt.to_period("M").astype("int64") == due).all()


# T7: what the notice makes


def test_a_contract_that_ends_after_the_data_does_not_date_them(built, monkeypatch):
    monkeypatch.chdir(built)
    paper = open_paper("nada")
    until = paper.table("customers")["lock_in_end"].max()
    assert until > pd.Timestamp(lifetimes.OBSERVATION_END)
    assert paper._reads["customers"]["until"] == str(lifetimes.OBSERVATION_END)


def test_t7_the_call_tells_who_leaves():
    table = fibra()["customers"]
    left = table["event"] == 1
    called = table["attr_retention_call"]
    area = (called[left].mean() + 1 - called[~left].mean()) / 2
    assert close_to(area, TRUTH["truths"]["T7"]["trap"]["auc"])
    assert area == pytest.approx(0.94, abs=0.005)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("attr_retention_call", "a name that says that leaving made it"),
        ("attr_call", "tells who leaves from who stays in 94% of the pairs"),
    ],
)
def test_t7_the_audit_stops_it_by_its_name_or_by_what_it_tells(name, why):
    table = fibra()["customers"].rename(columns={"attr_retention_call": name})
    for audit in (survival.audit_leaks, survival.hazards):
        with pytest.raises(AnalysisError, match=f"column {name}: found .*{why}"):
            audit(table, "duration", "event", ["attr_price", name])


def test_what_was_known_before_passes_the_audit():
    known = ["attr_price", "attr_promo", "attr_promise_kept", "attr_sales_list", "attr_first_days_late"]
    audit = survival.audit_leaks(fibra()["customers"], "duration", "event", [*known, "acq_channel"])
    assert len(audit.table) == 6


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        outside = tmp_path_factory.mktemp("conduct")
        root = outside / "bench"
        patch.setenv("XDG_CONFIG_HOME", str(outside / "config"))
        patch.delenv("CXLAB_ID_KEY", raising=False)
        demo.build(root, ["nada"])
        (root / "notebooks").mkdir()
        check(root, "nada")
        yield root


def test_t7_as_a_predictor_it_is_refused(built, monkeypatch):
    monkeypatch.chdir(built)
    paper = open_paper("nada", language="es")
    frame = paper.table("customers")
    assert "attr_retention_call" in frame
    with pytest.raises(
        AnalysisError, match="attr_retention_call came about when the customer left, or after"
    ):
        paper.columns(frame, ["attr_price", "attr_retention_call"])
    assert "attr_retention_call" not in paper.columns(frame, ["attr_*"])


def test_t7_undeclared_it_stops_the_check(built):
    path = built / "data" / "nada" / "client.yaml"
    declared = path.read_text(encoding="utf-8")
    path.write_text(declared.replace("    after_event: [attr_retention_call]\n", ""), encoding="utf-8")
    try:
        found = [each for each in check(built, "nada", strict=False).problems if each.rule == 14]
    finally:
        path.write_text(declared, encoding="utf-8")
    assert [each.column for each in found] == ["LLAMADA_RETENCIÓN"]


def test_people_of_the_books_are_pseudonyms(built):
    data = open_dataset(built, "nada")
    known = set(data.read("customers")["customer_id"])
    referrals = data.read("referrals")
    assert set(referrals["referrer_id"]) <= known
    came = referrals["became_customer"] == 1
    assert set(referrals["referred_id"][came]) <= known
    assert not set(referrals["referred_id"][~came]) & known
    assert not referrals["referred_id"].str.contains("-").any()


def test_what_the_books_hold_is_proposed(built):
    folder = built / "data" / "nada"
    declared = (folder / "client.yaml").read_text(encoding="utf-8")
    sources = {
        source["file"]: source for source in yaml.safe_load(declared)["sources"] if source["table"] in BOOKS
    }
    (folder / "client.yaml").write_text(
        declared.partition("\nsources:")[0] + "\nsources: []\n", encoding="utf-8"
    )
    try:
        proposed = {file.file: file for file in propose(built, "nada").files}
    finally:
        (folder / "client.yaml").write_text(declared, encoding="utf-8")
    assert len(sources) == len(BOOKS)
    for path, source in sources.items():
        assert proposed[path].table == source["table"]
        named = {column.header: column.column for column in proposed[path].columns}
        assert {header: named[header] for header in source["names"]} == source["names"]


# T18: who refers


def test_t18_few_of_those_who_would_recommend_do():
    tables, planted = fibra(), TRUTH["truths"]["T18"]["found"]["ever_refer"]
    table = tables["customers"].dropna(subset=["recommend"])
    ever = table["customer_id"].isin(tables["referrals"]["referrer_id"])
    kinds = {
        "promoter": table["recommend"] >= 9,
        "passive": table["recommend"].between(7, 8),
        "detractor": table["recommend"] <= 6,
    }
    for kind, rows in kinds.items():
        assert close_to(ever[rows].mean(), planted[kind]), kind


def test_referrals_are_made_in_time():
    tables = fibra()
    table = tables["customers"].set_index("customer_id")
    referrals = tables["referrals"]
    own = table.loc[referrals["referrer_id"]]
    made = referrals["ts"].to_numpy()
    assert (made >= own["start_date"].to_numpy()).all()
    assert (made <= own["end_date"].fillna(own["observation_end"]).to_numpy()).all()
    came = referrals[referrals["became_customer"] == 1]
    new = table.loc[came["referred_id"]]
    assert (new["start_date"].to_numpy() > came["ts"].to_numpy()).all()
    assert (new["acq_channel"] == "referral").all()
    assert not referrals["referred_id"].duplicated().any()
    assert not (referrals["referrer_id"] == referrals["referred_id"]).any()


# Where customers came from


def test_channels_cost_what_was_planted():
    spend = fibra()["marketing_spend"].groupby("acq_channel")[["spend", "new_customers"]].sum()
    for channel, cost in acquisition.COST.items():
        assert spend.loc[channel, "spend"] / spend.loc[channel, "new_customers"] == pytest.approx(
            cost, rel=0.04
        )
    table = fibra()["customers"]
    counts = table.groupby("acq_channel").size()
    assert (spend["new_customers"] == counts).all()


def test_oversold_customers_leave_sooner_by_their_experience_alone():
    table = customers().assign(
        oversold=customers()["acq_channel"].isin(["telesales", "door_to_door"]).astype(int)
    )
    alone = survival.hazards(table, "duration", "event", ["oversold"], strata=("attr_promo",)).table.iloc[0]
    assert alone["conf_low"] > 1
    assert close_to(alone["hazard_ratio"], TRUTH["also"]["acquisition"]["trap"]["hazard_ratio"])
    given = survival.hazards(
        table, "duration", "event", ["oversold", "pxi", "attr_price"], entry="survey_tenure"
    ).table.set_index("covariate")
    assert given.loc["oversold", "conf_low"] < 1 < given.loc["oversold", "conf_high"]


# First contact, sales and bills


def test_a_first_contact_taken_up_again_precedes_leaving():
    tables = fibra()
    first = tables["interactions"].iloc[contacts.first_human(tables["interactions"])]
    lives = tables["customers"][["customer_id", "end_date", "observation_end"]]
    first = first.merge(lives, on="customer_id")
    days = (first["end_date"].fillna(first["observation_end"]) - first["ts_start"]).dt.days
    timed = first.assign(
        days=days.clip(1, contacts.SOON),
        left=(first["end_date"].notna() & (days <= contacts.SOON)).astype(int),
    )
    ratio = survival.hazards(timed, "days", "left", ["reopened"]).table.iloc[0]
    assert close_to(ratio["hazard_ratio"], TRUTH["also"]["first_contact"]["found"]["hazard_ratio_90_days"])
    assert first["customer_id"].is_unique


def test_the_list_confounds_other_products():
    tables = fibra()
    table = customers().dropna(subset=["pxi"])
    sold = tables["transactions"].merge(table[["customer_id", "survey_date"]], on="customer_id")
    sold = sold[(sold["kind"] == "cross_sell") & (sold["ts"] > sold["survey_date"])]
    buys = table.assign(
        months=table["duration"] - table["survey_tenure"],
        bought=table["customer_id"].map(sold.groupby("customer_id").size()).fillna(0),
        content=table["pxi"] > table["pxi"].median(),
    )
    rate = buys.groupby(["attr_sales_list", "content"])[["bought", "months"]].sum()
    rate = rate["bought"] / rate["months"]
    naive = buys.groupby("content")[["bought", "months"]].sum()
    naive = naive["bought"] / naive["months"]
    assert naive[True] / naive[False] > 1.15
    for listed in (0, 1):
        assert rate[listed, True] / rate[listed, False] == pytest.approx(1.0, abs=0.25)
    assert rate[1].mean() / rate[0].mean() == pytest.approx(3.0, abs=0.7)


def test_bills_are_of_customers_in_service():
    tables = fibra()
    bills = tables["billing"]
    assert not bills.duplicated(["customer_id", "period"]).any()
    assert bills["period"].min() == "2024-07"
    assert bills["period"].max() == "2025-06"
    lives = bills[["customer_id", "period"]].merge(tables["customers"], on="customer_id")
    assert (lives["period"] >= lives["start_date"].dt.strftime("%Y-%m")).all()
    assert (lives["period"] <= lives["end_date"].fillna(lives["observation_end"]).dt.strftime("%Y-%m")).all()
    unpaid = bills[bills["paid"] == 0].merge(tables["customers"], on="customer_id")
    assert set(unpaid["end_type"]) == {"involuntary"}


def test_a_bill_holds_what_was_bought_before():
    table = pd.DataFrame(
        {
            "customer_id": ["a", "b"],
            "start_date": pd.to_datetime(["2024-10-05", "2025-03-01"]),
            "end_date": pd.to_datetime([None, "2025-04-20"]),
            "end_type": [None, "involuntary"],
            "attr_price": [20.0, 30.0],
            "plan": ["internet", "triple"],
        }
    )
    sold = pd.DataFrame({"customer_id": ["a"], "ts": pd.to_datetime(["2025-05-10"]), "amount": [4.0]})
    bills = conduct.accounts.draw_bills(np.random.default_rng(0), table, sold, np.zeros(2))
    own = bills.set_index(["customer_id", "period"])["billed"]
    assert own["a"].to_dict() == {
        **{str(month): 20.0 for month in pd.period_range("2024-10", "2025-05", freq="M")},
        "2025-06": 24.0,
    }
    assert own["b"].to_dict() == {"2025-03": 30.0, "2025-04": 30.0}
    assert bills.set_index("customer_id").loc["b", "days_late"].tolist() == [60.0, 30.0]
    worth = conduct.accounts.worth(table, sold)
    days = (lifetimes.OBSERVATION_END - np.datetime64("2024-10-05")).astype(int)
    since = (lifetimes.OBSERVATION_END - np.datetime64("2025-05-10")).astype(int)
    assert worth["arpu"].tolist() == [round(20 + 4 * since / days, 2), 30.0]
    assert worth.loc[1, "margin_monthly"] == round(30 * 0.40 - 1.5, 2)


# What ten points of PXI are worth


@pytest.mark.parametrize("promo", [False, True])
def test_planted_value_is_that_of_the_lives_drawn(promo):
    drawn = np.random.default_rng(7).exponential(size=400_000)
    paid = []
    for hazard in (0.026, 0.026 * 0.80 ** (10 / 50.5)):
        months = lifetimes.months_survived(drawn / hazard, np.full(len(drawn), promo))
        paid.append(sum(10.0 * (months > t).mean() * 1.1 ** (-t / 12) for t in range(24)))
    name = "on_promotion" if promo else "without_promotion"
    planted = TRUTH["also"]["economics"]["planted"]
    assert planted["cltv"][name] == pytest.approx(paid[0], rel=0.003)
    assert planted["delta_cltv"][name] == pytest.approx(paid[1] - paid[0], rel=0.02)


def test_exposure_is_what_months_survived_inverts():
    months = np.array([0.5, 3.0, 7.0, 12.5, 14.0, 20.0])
    for promo in (False, True):
        counted = lifetimes.exposure(months, promo=promo)
        assert lifetimes.months_survived(counted, np.full(6, promo)) == pytest.approx(months)


# Nada S.A.


def test_nothing_goes_with_anything_in_nada():
    tables = demo.nada()
    table = tables["customers"]
    table = table.assign(
        pxi=metrics.contribution(table, "pxi"),
        voluntary=table["end_type"].eq("voluntary").astype(int),
        involuntary=table["end_type"].eq("involuntary").astype(int),
    )
    covariates = [
        "pxi",
        "attr_price",
        "attr_first_days_late",
        "attr_sales_list",
        "attr_promise_kept",
        "attr_promo",
    ]
    for event in ("event", "voluntary", "involuntary"):
        result = survival.hazards(table, "duration", event, covariates, entry="survey_tenure")
        assert (result.table["p_value"] > 0.01).all(), event
    ever = table["customer_id"].isin(tables["referrals"]["referrer_id"])
    shares = ever.groupby(pd.cut(table["recommend"], [-1, 6, 8, 10]), observed=True).mean()
    assert shares.max() - shares.min() < 0.06
    called = table.groupby("event")["attr_retention_call"].mean()
    assert called[1] == pytest.approx(called[0], abs=0.04)
    spend = tables["marketing_spend"].groupby("acq_channel")[["spend", "new_customers"]].sum()
    assert (spend["spend"] / spend["new_customers"]).to_numpy() == pytest.approx(50.0, rel=0.08)
