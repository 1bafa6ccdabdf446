"""Churn risk: every measure by hand and against the truth under ties and censoring; the split; the money."""

import os

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter
from lifelines.utils import concordance_index
from matplotlib.collections import PathCollection

from cxlab.analysis.survival import churn_risk, cutoff, decision, validated
from cxlab.analysis.survival.validated import followed, known, measures
from cxlab.errors import AnalysisError
from cxlab.reporting import figures
from cxlab.reporting.words import Words

REPLICATIONS = int(os.environ.get("CXLAB_REPLICATIONS", 200))
H = 6.0
EXACT = 1e-12
FEW = settings(max_examples=15, derandomize=True, deadline=None)


def people(n=300, seed=0, *, censored=True, effect=1.0):
    """Monthly times with many ties, a true risk of leaving within H months, and who is lost when."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    rate = 0.05 * np.exp(effect * x)
    life = np.ceil(rng.exponential(1 / rate))
    lost = rng.integers(1, 13, n).astype(float) if censored else np.full(n, 40.0)
    risk = 1 - np.exp(-rate * H)
    return risk, np.minimum(life, lost), life <= lost, life


def by_hand(risk, time, event, weight=None):
    """The definitions with two loops: G(t-), Brier, AUC, Uno's and Harrell's C, from single customers."""
    w = np.ones(len(risk)) if weight is None else weight

    def g(t):
        out = 1.0
        for s in np.unique(time[time < t]):
            at_risk = w[time >= s].sum() - w[(time == s) & event].sum()
            out *= 1 - w[(time == s) & ~event].sum() / at_risk if at_risk > 1e-9 else 1.0
        return out

    brier, case, control = 0.0, np.zeros(len(risk)), np.zeros(len(risk))
    for i in range(len(risk)):
        if event[i] and time[i] <= H:
            case[i] = w[i] / g(time[i])
        elif time[i] >= H:
            control[i] = w[i] / g(H)
        brier += case[i] * (1 - risk[i]) ** 2 + control[i] * risk[i] ** 2
    auc = uno = harrell = pairs = uno_pairs = harrell_pairs = 0.0
    for i in range(len(risk)):
        for j in range(len(risk)):
            order = float(risk[i] > risk[j]) + (risk[i] == risk[j]) / 2
            auc, pairs = auc + case[i] * control[j] * order, pairs + case[i] * control[j]
            longer = time[j] > time[i] or (time[j] == time[i] and not event[j])
            if event[i] and time[i] <= H and longer:
                own = w[i] * w[j] / g(time[i]) ** 2
                uno, uno_pairs = uno + own * order, uno_pairs + own
                harrell, harrell_pairs = harrell + w[i] * w[j] * order, harrell_pairs + w[i] * w[j]
    return {
        "brier": brier / w.sum(), "observed": case.sum() / w.sum(), "auc": auc / pairs,
        "uno_c": uno / uno_pairs, "harrell_c": harrell / harrell_pairs,
    }  # fmt: skip


@given(st.integers(0, 10_000), st.booleans(), st.booleans())
@FEW
def test_every_measure_is_its_definition_under_ties_and_censoring(seed, coarse, weighted):
    risk, time, event, _ = people(45, seed)
    risk = risk.round(1) if coarse else risk
    weight = np.random.default_rng(seed).integers(1, 5, 45) / 2 if weighted else None
    found = measures(followed(risk, time, event, H, weights=weight))
    for name, number in by_hand(risk, time, event, weight).items():
        assert getattr(found, name) == pytest.approx(number, rel=1e-9), name


@given(st.integers(0, 10_000))
@FEW
def test_those_known_stand_for_all_and_for_kaplan_meiers_departures(seed):
    risk, time, event, _ = people(80, seed)
    seen = followed(risk, time, event, H)
    left, here = known(seen, seen.who.amount)
    survival = KaplanMeierFitter().fit(time, event).predict(H)
    assert left.sum() + here.sum() == pytest.approx(80, rel=EXACT)
    assert left.sum() / 80 == pytest.approx(1 - survival, rel=1e-10)


def test_without_censoring_they_are_the_plain_ones():
    risk, time, event, life = people(400, 3, censored=False)
    found = measures(followed(risk, time, event, H))
    left = life <= H
    assert found.brier == pytest.approx(np.mean((left - risk) ** 2), rel=EXACT)
    assert found.ipa == pytest.approx(1 - found.brier / (left.mean() * (1 - left.mean())), rel=EXACT)
    assert found.observed == pytest.approx(left.mean(), rel=EXACT)
    # Up to the horizon, as lifelines counts it (those beyond are still here at the horizon).
    harrell = concordance_index(np.minimum(time, H), -risk, left)
    assert found.harrell_c == pytest.approx(harrell, rel=1e-9)
    assert found.uno_c == pytest.approx(found.harrell_c, rel=EXACT)


@given(st.integers(0, 10_000))
@FEW
def test_who_is_alike_may_be_counted_and_order_does_not_matter(seed):
    risk, time, event, _ = people(90, seed)
    risk = risk.round(1)
    twice, mixed = np.repeat(np.arange(90), 2), np.random.default_rng(seed).permutation(90)
    once, rows = measures(followed(risk, time, event, H)), np.arange(90)
    single = measures(followed(risk, time, event, H, unit=rows))
    double = measures(followed(risk[twice], time[twice], event[twice], H))
    other = measures(followed(risk[mixed], time[mixed], event[mixed], H))
    weighted = measures(followed(risk, time, event, H, weights=np.full(90, 7.0)))
    for name in validated.MEASURES:
        for same in (single, double, other, weighted):
            assert getattr(same, name) == pytest.approx(getattr(once, name), rel=1e-9, nan_ok=True), name


@given(st.integers(0, 10_000))
@FEW
def test_a_rising_change_of_risk_leaves_the_order_and_a_logit_stretch_divides_the_slope(seed):
    risk, time, event, _ = people(300, seed)
    risk = np.clip(risk, 0.001, 0.999)
    logit = np.log(risk / (1 - risk))
    stretched = 1 / (1 + np.exp(-2 * logit))
    one, two = (measures(followed(p, time, event, H)) for p in (risk, stretched))
    for name in ("auc", "uno_c", "harrell_c", "lift", "captured"):
        assert getattr(two, name) == pytest.approx(getattr(one, name), rel=1e-9)
    assert two.slope == pytest.approx(one.slope / 2, rel=1e-6)


def test_everybody_alike_says_nothing():
    _, time, event, _ = people(200, 1)
    found = measures(followed(np.full(200, 0.3), time, event, H))
    assert found.auc == found.uno_c == found.harrell_c == 0.5
    assert found.lift == pytest.approx(1.0)
    assert np.isnan(found.slope)


@pytest.mark.simulation
def test_weights_from_the_left_are_unbiased_and_those_from_the_right_are_not():
    """Truth: the same customers with nobody lost. scikit-survival's G(t) is off by more than a per cent."""
    errors, naive = [], []
    for seed in range(REPLICATIONS):
        risk, time, event, life = people(1_000, seed)
        seen = followed(risk, time, event, H)
        truth = np.mean(((life <= H) - risk) ** 2)
        errors.append(measures(seen).brier / truth - 1)
        left, here = known(seen, seen.who.amount)
        # G(t): those lost at t itself count as lost before who leaves then.
        late = KaplanMeierFitter().fit(time, ~event)
        g = late.predict(np.minimum(seen.who.duration, H)).to_numpy()
        p = seen.risk
        wrong = np.where(seen.who.event, (1 - p) ** 2, p**2) * ((left > 0) | (here > 0)) / g
        naive.append(wrong @ seen.who.count / 1_000 / truth - 1)
    assert abs(np.mean(errors)) < 3 * np.std(errors) / np.sqrt(REPLICATIONS)
    assert np.mean(naive) > 0.01


@pytest.mark.simulation
def test_intervals_hold_what_they_promise():
    truth = measures(followed(*people(200_000, 1, censored=False)[:3], H))
    names = ("auc", "brier", "ratio", "slope", "uno_c", "lift")
    held = dict.fromkeys(names, 0)
    for seed in range(REPLICATIONS):
        seen = followed(*people(800, seed + 10)[:3], H)
        table = validated.performance(seen, level=0.95, resamples=100, seed=seed).set_index("quantity")
        for name in names:
            low, high = table.loc[name, ["conf_low", "conf_high"]]
            held[name] += low <= getattr(truth, name) <= high
    room = 3 * np.sqrt(0.95 * 0.05 / REPLICATIONS)
    assert all(0.93 - room < count / REPLICATIONS < 0.97 + room for count in held.values()), held


def test_groups_tell_what_was_predicted_and_what_kaplan_meier_saw():
    risk, time, event, _ = people(2_000, 5)
    seen = followed(risk, time, event, H)
    table = validated.groups(seen, 0.95)
    assert len(table) == 10
    assert table["n"].sum() == 2_000
    assert table["predicted"].is_monotonic_decreasing
    top = np.argsort(-risk)[:200]
    km = KaplanMeierFitter().fit(time[top], event[top])
    assert table.loc[0, "predicted"] == pytest.approx(risk[top].mean())
    assert table.loc[0, "estimate"] == pytest.approx(1 - km.predict(H), rel=1e-9)
    assert table.loc[9, "captured"] == pytest.approx(1.0)
    assert ((table["conf_low"] <= table["estimate"]) & (table["estimate"] <= table["conf_high"])).all()


def test_equal_risks_stay_together_and_a_tenth_is_cut_in_proportion():
    risk = np.repeat([0.4, 0.1], [50, 50])
    left = np.tile([True, False], 50)
    seen = followed(risk, np.where(left, 3.0, H), left, H)
    assert validated.groups(seen, 0.95)["n"].tolist() == [50, 50]
    assert measures(seen).captured == pytest.approx(0.1)  # a fifth of the first fifty, who hold half


def test_net_benefit_by_hand():
    risk, time, event, life = people(500, 2, censored=False)
    table = decision.net_benefit(followed(risk, time, event, H), level=0.95, resamples=20, seed=0)
    row = table.iloc[4]
    acted, left, t = risk >= row["threshold"], life <= H, row["threshold"]
    assert row["estimate"] == pytest.approx(
        (acted & left).mean() - (acted & ~left).mean() * t / (1 - t), rel=1e-9
    )
    assert row["everybody"] == pytest.approx(left.mean() - (1 - left.mean()) * t / (1 - t), rel=1e-9)
    assert row["above"] == pytest.approx(acted.mean())


def test_a_campaign_by_hand():
    risk, time, event, life = people(500, 2, censored=False)
    value = np.where(np.arange(500) % 3 == 0, 90.0, 40.0)
    seen = followed(risk, time, event, H, value=value)
    found = decision.bought(seen, decision.Terms(3.0, 0.2, 0.1, 0.3), level=0.95, resamples=20, seed=0)
    left, chosen = life <= H, 0.2 * risk * value > 3.0
    rule = found.rule.set_index("quantity")["estimate"]
    met, cost = value[chosen & left].sum(), 3.0 * chosen.sum()
    assert rule["contacted"] == pytest.approx(chosen.mean())
    assert rule["amount"] == pytest.approx((0.2 * met - cost) / 500 * 1_000)
    assert rule["break_even"] == pytest.approx(cost / met)
    assert rule["threshold"] == pytest.approx(3.0 / (0.2 * value.mean()))
    # At the break-even save rate the campaign neither wins nor loses.
    even = decision.Terms(3.0, rule["break_even"], 0.1, 0.3)
    assert even.save * met - cost == pytest.approx(0)
    curve = found.curve.set_index("contacted")
    assert curve.loc[0, "estimate"] == 0
    everyone = (0.2 * value[left].sum() - 1_500) / 500 * 1_000
    assert curve.loc[1.0, "estimate"] == pytest.approx(everyone)
    assert (curve["low_save"] <= curve["estimate"]).all()
    top = np.argsort(-risk * value)[:50]
    tenth = (0.2 * value[top][left[top]].sum() - 150) / 500 * 1_000
    assert curve["estimate"].iloc[2] == pytest.approx(tenth)


def test_nobody_followed_or_nobody_leaving_is_refused():
    with pytest.raises(AnalysisError, match=r"seen for 6 months after the moment.*longest is 4"):
        followed(np.full(3, 0.2), np.array([2.0, 4.0, 3.0]), np.array([True, False, False]), H)
    with pytest.raises(AnalysisError, match="nobody leaves within 6 months"):
        followed(np.full(2, 0.2), np.array([7.0, 9.0]), np.array([True, False]), H)


def test_the_same_seed_gives_the_same_intervals():
    seen = followed(*people(200, 4)[:3], H)
    one, two = (validated.performance(seen, level=0.9, resamples=30, seed=5) for _ in range(2))
    pd.testing.assert_frame_equal(one, two)


# --- the whole: what was known until a date, scored, and held against what happened after -------------


def world(n=3_000, seed=0, *, effect=0.5, call=False):
    """Customers with dates, a covariate x of a log hazard ratio per SD, and a score given on a date."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n).round(2)
    start = np.datetime64("2023-01-01") + rng.integers(0, 850, n).astype("timedelta64[D]")
    life = np.ceil(rng.exponential(1 / (0.03 * np.exp(effect * x))) * 30.4)
    end, seen = start + life.astype("timedelta64[D]"), np.datetime64("2025-06-30")
    gone = end <= seen
    out = pd.DataFrame({
        "customer_id": [f"c{k}" for k in range(n)], "start_date": start.astype("datetime64[ns]"),
        "end_date": np.where(gone, end, np.datetime64("NaT")).astype("datetime64[ns]"),
        "observation_end": pd.Timestamp(seen), "duration": 1.0, "event": gone.astype(int), "x": x,
        "plan": rng.choice(["a", "b"], n), "margin": rng.choice([10.0, 30.0], n),
    })  # fmt: skip
    return out.assign(retention_call=gone.astype(int)) if call else out


def answers_of(customers, seed=1):
    rng = np.random.default_rng(seed)
    asked = customers.sample(frac=0.5, random_state=seed)
    day = asked["start_date"] + pd.to_timedelta(rng.integers(1, 500, len(asked)), unit="D")
    kept = (day <= asked["observation_end"]) & ~(asked["end_date"] <= day)
    ids = asked["customer_id"]
    answers = pd.DataFrame({"customer_id": ids, "responded_at": day, "nps": rng.integers(0, 11, len(ids))})
    return answers[kept].astype({"nps": float})


def risks(customers, **given):
    asked = {"horizon": 6, "resamples": 40, **given}
    return churn_risk(customers, "duration", "event", asked.pop("covariates", ["x", "plan"]), **asked)


def test_out_of_time_risks_say_what_happens():
    result = risks(world(6_000, 7))
    table = result.table.set_index("quantity")
    assert result.settings["split"] == "2024-12-30"
    assert table.loc["ratio", "conf_low"] < 1 < table.loc["ratio", "conf_high"]
    assert table.loc["slope", "conf_low"] < 1 < table.loc["slope", "conf_high"]
    assert table.loc["auc", "estimate"] == pytest.approx(0.63, abs=0.03)  # that of the true risks
    assert [c.code for c in result.claims] == ["risk.order", "risk.captured", "risk.calibration"]
    assert result.claims[0].grade == "B"


def test_nothing_after_the_cut_off_date_reaches_the_model():
    customers = world(seed=4)
    answers = answers_of(customers)
    given = {"split": "2024-09-30", "answers": answers, "scores": ["nps"]}
    before = risks(customers, **given)
    at = pd.Timestamp("2024-09-30")
    other, later = customers.copy(), answers.copy()
    after = other["end_date"] > at
    sooner = other.loc[after, "end_date"] - pd.Timedelta(days=60)
    other.loc[after, "end_date"] = sooner.clip(lower=at + pd.Timedelta(days=1))
    later.loc[later["responded_at"] > at, "nps"] = 0.0
    changed = risks(other, **{**given, "answers": later})
    pd.testing.assert_frame_equal(before.tables["risk_model"], changed.tables["risk_model"])
    expected = [r.table.set_index("quantity")["estimate"] for r in (before, changed)]
    assert expected[0]["expected"] == expected[1]["expected"]
    assert expected[0]["observed"] != expected[1]["observed"]


def test_what_leaving_made_stops_it():
    with pytest.raises(AnalysisError, match="a departure that had already begun"):
        risks(world(seed=5, call=True), covariates=["x", "retention_call"])
    flagged = world(seed=5).assign(attr_flag=lambda t: np.where(t["event"] == 1, 1.0, 0.0))
    with pytest.raises(AnalysisError, match="attr_flag.*tells who leaves from who stays"):
        risks(flagged, covariates=["x", "attr_flag"])
    flagged.attrs["after_event"] = ["plan"]
    with pytest.raises(AnalysisError, match="declared after_event"):
        risks(flagged, covariates=["x", "plan"])


def test_who_is_scored_is_counted_with_the_reasons():
    customers = world(seed=6)
    at, later = pd.Timestamp("2024-06-30"), pd.Timestamp("2024-07-20")
    result = risks(customers, split=at, gap=20)
    start, end = customers["start_date"], customers["end_date"]
    joined = start <= at
    assert result.n_used == int((joined & ~(end <= later)).sum())
    assert {str(k): v for k, v in result.n_dropped.items()} == {
        "not yet a customer at the cut-off date": int((~joined).sum()),
        "left before the cut-off date": int((joined & (end <= at)).sum()),
        "left in the days between the cut-off date and the contact": int(
            (joined & (end > at) & (end <= later)).sum()
        ),
    }
    assert result.n_used + sum(result.n_dropped.values()) == len(customers)


def test_an_answer_counts_from_the_month_after_it():
    customers = pd.DataFrame({
        "customer_id": ["a", "b"], "start_date": pd.to_datetime(["2024-01-10", "2024-01-10"]),
        "end_date": pd.to_datetime(["2024-09-01", None]), "observation_end": pd.Timestamp("2025-01-31"),
        "event": [1, 0],
    })  # fmt: skip
    days = pd.to_datetime(["2024-03-15", "2024-05-10", "2025-01-20"])
    answers = pd.DataFrame({"customer_id": ["a", "a", "b"], "nps": [3.0, 9.0, 5.0], "responded_at": days})
    held = cutoff.lives(customers, "event", cutoff.Dates())
    given = cutoff.Answers(answers, ("nps",), "responded_at", "customer_id")
    past, _ = cutoff.history(held, pd.Timestamp("2024-12-31"), given)
    rows = past[["customer_id", "entry", "duration", "event", "nps"]].fillna(-1).values.tolist()
    assert rows == [["a", 0, 3, 0, -1], ["a", 3, 4, 0, 3], ["a", 4, 8, 1, 9], ["b", 0, 11, 0, -1]]
    now, _ = cutoff.at_risk(held, pd.Timestamp("2024-06-30"), 0, given)
    assert now.set_index("customer_id")["nps"].to_dict() == pytest.approx(
        {"a": 9.0, "b": np.nan}, nan_ok=True
    )
    assert now["since"].round(2).tolist() == [5.65, 5.65]  # five months and twenty days


def test_without_dates_it_cross_validates_and_says_so():
    customers = world(2_000, 7)
    months = (
        (
            (customers["end_date"].fillna(customers["observation_end"]) - customers["start_date"]).dt.days
            / 30.4
        )
        .clip(lower=1)
        .round()
    )
    plain = customers.assign(duration=months)[["customer_id", "duration", "event", "x", "plan"]]
    result = risks(plain)
    assert result.settings["validation"] == "crossed"
    assert result.table.set_index("quantity").loc["auc", "conf_low"] > 0.55
    assert result.claims[0].grade == "D"
    assert "risk_not_split_in_time" in result.claims[0].caveats
    with pytest.raises(AnalysisError, match="without start_date and observation_end nothing can be placed"):
        risks(plain, split="2024-06-30")


def test_contacts_are_those_who_pay_and_nobody_where_it_is_noise():
    customers = world(seed=8)
    terms = {"value": "margin", "contact_cost": 3.0, "save_rate": 0.3}
    result = risks(customers, **terms)
    listed = result.contacts
    assert list(listed.columns) == ["customer_id", "risk", "decile", "expected_value"]
    assert (listed["expected_value"] >= 0).all()
    assert listed["expected_value"].is_monotonic_decreasing
    here = customers.loc[customers["event"] == 0, "customer_id"]
    assert set(listed["customer_id"]) < set(here)
    by_hand = (
        0.3 * listed["risk"] * listed["customer_id"].map(customers.set_index("customer_id")["margin"]) * 6 - 3
    )
    assert listed["expected_value"].to_numpy() == pytest.approx(by_hand.to_numpy(), abs=0.006)
    noise = risks(world(seed=9, effect=0.0), **terms)
    assert [c.code for c in noise.claims] == ["risk.noise"]
    assert noise.contacts.empty
    assert noise.campaign.table.empty
    assert [c.code for c in result.campaign.claims] == ["risk.campaign"]
    # Nothing of it is among what a report holds.
    held = [result.table, *result.tables.values(), result.campaign.table, *result.campaign.tables.values()]
    assert not any("customer_id" in table for table in held)
    assert not any("contacts" in key for key in result.settings)


def test_predicted_is_compared_by_category_and_few_are_hidden_with_a_second():
    customers = world(seed=11)
    customers["region"] = np.where(np.arange(len(customers)) < 12, "few", customers["plan"])
    table = risks(customers, by=["region"]).tables["risk_by"].set_index("category")
    whole = risks(customers).table.set_index("quantity")["estimate"]
    assert table["n"].sum() == risks(customers).n_used
    assert (table["predicted"] * table["n"]).sum() / table["n"].sum() == pytest.approx(whole["expected"])
    assert table.loc["few", "n"] < 10
    assert (table["flag"] == "suppressed").sum() == 2
    assert (table["conf_low"] <= table["conf_high"]).all()


@pytest.mark.simulation
def test_noise_is_taken_for_order_in_no_more_than_one_of_twenty():
    told = sum(
        risks(world(500, seed, effect=0.0), resamples=60).claims[0].code == "risk.order"
        for seed in range(REPLICATIONS)
    )
    assert told <= REPLICATIONS * 0.05 + 2 * np.sqrt(REPLICATIONS * 0.05 * 0.95)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"horizon": 2.5}, "horizon is 2.5; allowed: a whole number of months"),
        ({"gap": -1}, "gap is -1; allowed: a whole number of days"),
        ({"split": "2031-01-01"}, r"split is 2031-01-01; the data go from 2023-01-02 to 2025-06-30"),
        ({"split": "soon"}, "split is 'soon', which is no date"),
        ({"contact_cost": 2.0}, "contact_cost without a value"),
        ({"contact_cost": 2.0, "value": 5.0, "save_rate": 1.2}, "save_rate is 1.2; allowed: a share"),
        ({"contact_cost": 2.0, "value": 5.0, "save_rate_range": (0.3, 0.4)}, "two shares around"),
        ({"scores": ["nps"]}, "answers and scores go together"),
        ({"split": "2025-05-30"}, "nobody who stayed is seen for 6 months"),
    ],
)  # fmt: skip
def test_bad_terms_are_refused(given, said):
    with pytest.raises(AnalysisError, match=said):
        risks(world(400, 1), **given)


def test_dates_that_are_missing_are_named():
    customers = world(400, 1)
    customers.loc[3, "start_date"] = pd.NaT
    with pytest.raises(AnalysisError, match=r"who was a customer at a date cannot be told(.|\n)*start_date"):
        risks(customers)


def test_the_table_is_left_as_it_was():
    customers = world(600, 1)
    copy = customers.copy(deep=True)
    risks(customers)
    pd.testing.assert_frame_equal(customers, copy)


# --- figures ------------------------------------------------------------------------------------------


def texts(ax):
    return [t.get_text().replace("\N{NO-BREAK SPACE}", " ") for t in ax.texts]


def test_the_groups_are_drawn_as_they_are_told():
    result = risks(world(seed=3), value=20.0, contact_cost=3.0)
    table = result.tables["risk_groups"]
    for words in (Words("es"), Words("en")):
        ax = figures.draw_risk_groups(result, words=words)
        observed, predicted = (
            np.asarray(c.get_offsets()) for c in ax.collections if isinstance(c, PathCollection)
        )
        assert observed[:, 0].tolist() == pytest.approx(table["estimate"].tolist())
        assert predicted[:, 0].tolist() == pytest.approx(table["predicted"].tolist())
        assert (np.diff(observed[:, 1]) > 0).all()  # the most risk first
        said = texts(ax)
        assert any(f"×{words.number(table['lift'].iloc[0], 1)}" in text for text in said)
        assert ax.get_xlim()[0] == 0


def test_the_campaign_is_drawn_with_its_break_even():
    result = risks(world(seed=3), value=20.0, contact_cost=3.0, save_rate=0.3)
    table, told = result.campaign.table, result.campaign.tables["campaign_rule"]
    rule = told.set_index("quantity")["estimate"]
    ax = figures.draw_campaign(result.campaign, words=Words("en"))
    drawn = [line.get_ydata() for line in ax.lines if len(line.get_xdata()) == len(table)]
    for column in ("low_save", "high_save", "estimate"):
        assert any(np.allclose(y, table[column]) for y in drawn)
    (dot,) = (np.asarray(c.get_offsets()) for c in ax.collections if isinstance(c, PathCollection))
    assert dot[0].tolist() == pytest.approx([rule["contacted"], rule["amount"]])
    assert f"loses if it keeps less than {100 * rule['break_even']:.0f}%" in texts(ax)
    assert "keeps 30%" in texts(ax)
    nothing = figures.draw_campaign(risks(world(seed=3)).campaign, words=Words("es"))
    assert not nothing.lines
