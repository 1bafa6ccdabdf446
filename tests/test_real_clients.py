"""The clients on public files: each declaration reads its file, and the analysis says what is true of it.

The files are not in this repository. What is asserted was computed apart, from the file, with numpy or
pandas, or is printed in a book; it is said where.
"""

import os
import shutil
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxlab.analysis import benchmark, metrics
from cxlab.analysis.drivers import base_map, compare, importance, importance_performance, penalty_reward
from cxlab.intake import client
from cxlab.intake.dataset import check, open_dataset
from cxlab.reporting.claims import sentence
from cxlab.reporting.words import Words
from cxlab.runs.study import read_study

PROJECT = Path(__file__).parents[1]
DRIVERS_OF = ("airline_passengers", "ecsi_mobi", "hbat", "sfo_2017")
RETENTION_OF = ("telco_ibm", "smcrm_churn", "bank_churn", "ibm_hr", "sbg_cohorts")
BENCHMARK_OF = ("airline_ontime", "cms_hospitals")
JOURNEYS_OF = ("helpdesk", "airbnb")  # what they say is held in test_real_journeys.py
CLIENTS = (*DRIVERS_OF, *RETENTION_OF, *BENCHMARK_OF, *JOURNEYS_OF)
FIVE = ("complaint_resolution", "product_quality", "salesforce", "ecommerce", "product_line")


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """Answers of a client: its declaration, committed, over the file in the folder of real files."""
    if not os.environ.get("CXLAB_REAL_DATA"):
        pytest.skip("set CXLAB_REAL_DATA to the folder of the real files")
    root = tmp_path_factory.mktemp("real")

    @cache
    def answers(name):
        (root / "data" / name).mkdir(parents=True)
        shutil.copy(PROJECT / "data" / name / "client.yaml", root / "data" / name)
        check(root, name)
        if name in BENCHMARK_OF:
            return open_dataset(root, name).read("benchmark_responses")
        frame = open_dataset(root, name).read("survey_responses")
        assert list(frame.filter(like="attr_")), name
        return frame

    return answers


def attributes(frame):
    return [name for name in frame if name.startswith("attr_") and not name.endswith("_na_reason")]


def explained(predictors, outcome):
    """R-squared of a plain least-squares fit."""
    columns = np.column_stack([np.ones(len(outcome)), predictors]).astype(float)
    outcome = np.asarray(outcome, dtype=float)
    left = outcome - columns @ np.linalg.lstsq(columns, outcome, rcond=None)[0]
    return 1 - left @ left / ((outcome - outcome.mean()) ** 2).sum()


def advised(result, which):
    checks = result.tables["checks"]
    told = checks[(checks["check"] == which) & (checks["advice"] != "")]
    return dict(zip(told["driver"], told["value"], strict=True))


def stated(result, code="drivers.top"):
    return [claim.fields["driver"] for claim in result.claims if claim.code == code]


# Without the files


@pytest.mark.parametrize("name", CLIENTS)
def test_each_study_is_one_that_runs_and_each_name_has_both_languages(name):
    study = read_study(PROJECT / "reports" / f"{name}.yaml", root=PROJECT)
    assert study.entries
    declared = client.load(PROJECT / "data" / name)
    for source in declared.sources:
        own = {*source.names.values(), *source.derive} - {"response_id", "customer_id"}
        unnamed = {column for column in own if column.startswith(("attr_", "block_"))} - {
            *declared.labels.columns
        }
        assert not unnamed, unnamed
    for column, texts in declared.labels.columns.items():
        assert all((texts.es, texts.en)), column
    for column, values in declared.labels.values.items():
        assert all(texts.es and texts.en for texts in values.values()), column


# Airline passengers: a yes/no outcome, ratings that do not apply, segments that differ


@pytest.fixture(scope="module")
def passengers(read):
    return read("airline_passengers")


@pytest.fixture(scope="module")
def flight(passengers):
    return importance(passengers, "satisfied", attributes(passengers), resamples=200, seed=1)


def test_zero_is_no_score(passengers):
    ratings = passengers[attributes(passengers)]
    assert ratings.shape == (25_976, 14)
    assert ratings.isna().sum().sum() == 4_202
    assert ratings.isna().any(axis=1).mean() == pytest.approx(0.0813, abs=5e-5)
    assert ratings.min().min() == 1
    assert passengers["satisfied"].mean() == pytest.approx(0.4390, abs=5e-5)


def test_nobody_is_lost_and_the_fit_is_that_of_least_squares(passengers, flight):
    names = attributes(passengers)
    ratings, satisfied = passengers[names].astype(float), passengers["satisfied"]
    used = ratings.isna()
    centred = (ratings - ratings.mean()).fillna(0.0)
    whole = explained(np.column_stack([centred, used.loc[:, used.any()]]), satisfied)
    assert flight.n_used == 25_976
    assert flight.r_squared == pytest.approx(whole, abs=1e-9) == pytest.approx(0.5052, abs=5e-5)
    # Who could not rate is told apart: for 998 in 1,000 of those without WiFi the flight was fine.
    assert flight.r_squared_controls == pytest.approx(explained(used.loc[:, used.any()], satisfied), abs=1e-9)
    assert satisfied[used["attr_wifi"]].mean() == pytest.approx(0.998, abs=5e-4)
    assert flight.table["importance"].sum() == pytest.approx(whole - flight.r_squared_controls)
    # Taken as a score, zero hides a fifth of what the ratings explain.
    assert explained(ratings.fillna(0.0), satisfied) == pytest.approx(0.3932, abs=5e-5)


def test_those_without_wifi_are_told(passengers):
    claim = base_map(passengers, attributes(passengers), outcome="satisfied").claims[-1]
    assert (claim.code, claim.fields["driver"], claim.fields["n"]) == (
        "drivers.unrated_apart", "attr_wifi", 813,
    )  # fmt: skip
    assert claim.fields["unrated"] == pytest.approx(0.998, abs=5e-4)
    assert claim.fields["rated"] == pytest.approx(0.421, abs=5e-4)
    said = sentence(claim, Words("es")).replace("\N{NO-BREAK SPACE}", " ")
    assert "se observa 99,8 % entre ellos y 42,1 % entre quienes sí lo evaluaron" in said


def test_online_boarding_is_first_and_wifi_second(passengers, flight):
    first, second = flight.table.iloc[0], flight.table.iloc[1]
    assert (first["driver"], second["driver"]) == ("attr_boarding", "attr_wifi")
    assert first["rank_high"] == 1 < second["rank_low"] == second["rank_high"] == 2
    assert first["share"] == pytest.approx(0.319, abs=5e-4)
    alone = passengers[["attr_boarding", "satisfied"]].astype(float).corr().iloc[0, 1]
    assert first["correlation"] == pytest.approx(alone) == pytest.approx(0.565, abs=5e-4)
    assert stated(flight)[0] == "attr_boarding"
    assert [c.code for c in flight.claims if c.code.startswith("drivers.order")] == ["drivers.order"]


def test_suppressors_are_told(passengers, flight):
    assert list(advised(flight, "sign")) == ["attr_food"]
    assert "attr_food" not in stated(flight)
    times = flight.table.set_index("driver").loc["attr_schedule"]
    assert times["first"] < 0.005 < 0.02 < times["last"], "it matters only beside the others"
    assert times["coefficient_high"] < 0
    claim = next(c for c in flight.claims if c.fields.get("driver") == "attr_schedule")
    assert not claim.headline
    assert "sentido contrario" in sentence(claim, Words("es"))


def test_convenient_times_go_one_way_together_and_the_other_by_type_of_travel(passengers, flight):
    pooled = flight.table.set_index("driver")["correlation"]["attr_schedule"]
    parts = compare(
        passengers, "satisfied", attributes(passengers), by=["travel"], resamples=0
    ).table.set_index(["travel", "driver"])
    assert pooled == pytest.approx(-0.059, abs=5e-4)
    assert parts.loc[("business", "attr_schedule"), "correlation"] == pytest.approx(0.077, abs=5e-4)
    assert parts.loc[("personal", "attr_schedule"), "correlation"] == pytest.approx(-0.009, abs=5e-4)
    first = parts["rank"][parts["rank"] == 1].reset_index()
    assert dict(zip(first["travel"], first["driver"], strict=True)) == {
        "business": "attr_boarding", "personal": "attr_wifi",
    }  # fmt: skip
    # On personal trips eleven of the fourteen go with nothing at all.
    assert (parts.loc["personal", "share"] < 0.015).sum() == 11
    satisfied = passengers.groupby("travel")["satisfied"].mean()
    assert satisfied.round(3).to_dict() == {"business": 0.588, "personal": 0.100}


def test_by_type_of_travel_times_and_booking_are_mostly_who_travels(passengers):
    names = attributes(passengers)
    parts = compare(passengers, "satisfied", names, by="travel", resamples=200, seed=1)
    told = {c.fields["driver"]: c.fields["kind"] for c in parts.claims if c.code == "drivers.simpson"}
    assert told == {"attr_schedule": "shrunk", "attr_booking": "shrunk"}
    # By least squares of everybody, and with a constant for each type of travel.
    ratings, used = passengers[names].astype(float), passengers[names].notna()
    columns = np.column_stack(
        [(ratings - ratings.mean()).fillna(0.0), used.loc[:, ~used.all()], passengers["travel"] == "business"]
    ).astype(float)
    satisfied = passengers["satisfied"].to_numpy(dtype=float)
    pooled = parts.tables["pooled"].set_index("driver")
    for column, predictors in (("coefficient", columns[:, :-1]), ("within", columns)):
        with_constant = np.column_stack([predictors, np.ones(len(satisfied))])
        slopes = np.linalg.lstsq(with_constant, satisfied, rcond=None)[0][: len(names)]
        np.testing.assert_allclose(pooled.loc[names, column], slopes, atol=1e-9)
    assert pooled.loc["attr_schedule", ["coefficient", "within"]].tolist() == pytest.approx(
        [-0.071, -0.026], abs=5e-4
    )
    wifi = parts.tables["differences"].set_index("driver").loc["attr_wifi"]
    assert (wifi["segment"], wifi["other"]) == ("business", "personal")
    assert wifi["difference"] == pytest.approx(-0.476, abs=5e-3)
    assert wifi["p_adjusted"] < 0.001


def test_online_booking_on_personal_trips_is_halo(passengers):
    trips = passengers[passengers["travel"] == "personal"]
    result = importance(trips, "satisfied", attributes(passengers), resamples=0)
    booking = result.table.set_index("driver").loc["attr_booking"]
    assert booking["share"] > 0.3
    assert booking["last"] < 0.0005
    assert "attr_booking" in stated(result, "drivers.halo")
    assert "attr_booking" not in stated(result)


def test_wifi_weighs_more_than_most_and_is_rated_lowest(flight):
    placed = importance_performance(flight)
    wifi = placed.table.set_index("driver").loc["attr_wifi"]
    assert wifi["performance"] == placed.table["performance"].min()
    assert wifi["p_concentrate"] == 1.0
    assert stated(placed, "drivers.priority") == ["attr_wifi"]


# San Francisco airport: skip logic and weights


def test_the_airport_keeps_everyone_who_rated_and_a_sixth_rated_everything(read):
    airport = read("sfo_2017")
    result = importance(airport, "overall_sat", attributes(airport), weights="weight", resamples=0)
    assert result.n_used == 2_687
    assert result.n_used + sum(result.n_dropped.values()) == len(airport) == 2_831
    assert advised(result, "complete_rows")[""] == pytest.approx(0.16, abs=0.005)
    assert sorted(advised(result, "rated")) == ["attr_parking", "attr_parking_shuttle", "attr_rental"]
    assert result.table["driver"].iloc[0] == "attr_restaurants"


def test_the_airport_listwise_is_the_fit_of_the_complete_rows(read):
    airport = read("sfo_2017")
    core = [
        f"attr_{n}"
        for n in ("art", "restaurants", "shops", "signs", "walkways", "screens", "wifi", "road_signs")
    ]
    result = importance(airport, "overall_sat", core, not_applicable="listwise", resamples=0)
    rows = airport[["overall_sat", *core]].astype(float).dropna()
    assert result.n_used == len(rows) == 1_214
    fitted = explained(rows[core], rows["overall_sat"])
    assert result.r_squared == pytest.approx(fitted, abs=1e-9) == pytest.approx(0.605, abs=5e-4)


def test_the_airport_net_score_with_its_weights(read):
    airport = read("sfo_2017")
    plain = metrics.score(airport, "nps").table.iloc[0]
    weighted = metrics.score(airport, "nps", weights="weight").table.iloc[0]
    assert plain["n"] == 2_746
    assert (plain["estimate"], weighted["estimate"]) == (
        pytest.approx(39.8, abs=0.05), pytest.approx(40.4, abs=0.05),
    )  # fmt: skip


# HBAT: published regressions, and drivers that can hardly be told apart


def test_the_five_of_the_book(read):
    """Hair et al., chapter 4: x19 = -1.151 + .319 x9 + .369 x6 + .775 x12 - .417 x7 + .174 x11."""
    firms = read("hbat")
    result = importance(firms, "overall_sat", [f"attr_{name}" for name in FIVE], resamples=0)
    found = result.table.set_index("driver")["coefficient"]
    for name, printed in zip(FIVE, (0.319, 0.369, 0.775, -0.417, 0.174), strict=True):
        assert found[f"attr_{name}"] == pytest.approx(printed, abs=5e-4), name
    assert result.r_squared == pytest.approx(0.791, abs=5e-4)


def test_thirteen_that_overlap_are_told_with_their_inflation(read):
    firms = read("hbat")
    result = importance(firms, "overall_sat", attributes(firms), resamples=200, seed=1)
    assert result.r_squared == pytest.approx(0.8039, abs=5e-5)
    assert advised(result, "vif") == {
        "attr_product_line": pytest.approx(37.98, abs=0.005),
        "attr_price_flexibility": pytest.approx(33.33, abs=0.005),
        "attr_delivery_speed": pytest.approx(44.00, abs=0.005),
    }
    assert list(advised(result, "sign")) == ["attr_ecommerce"]
    assert set(stated(result)) == {"attr_salesforce", "attr_product_quality"}
    assert "drivers.order_open" in [claim.code for claim in result.claims]
    assert {"attr_complaint_resolution", "attr_delivery_speed"} <= set(stated(result, "drivers.halo"))


def test_a_hundred_firms_have_no_ends_to_compare(read):
    firms = read("hbat")
    result = penalty_reward(firms, "overall_sat", attributes(firms), resamples=0)
    left = result.tables["left_out"].set_index("driver")
    assert result.table.empty
    assert len(left) == 13
    low = int((firms["attr_billing"] <= 6).sum())
    assert left.loc["attr_billing", "n_low"] == low
    assert (left[["n_low", "n_high"]].min(axis=1) < 30).all()


# The European index: items and blocks


def test_blocks_are_the_means_of_their_items_and_quality_is_first(read):
    phones = read("ecsi_mobi")
    raw = pd.read_csv(Path(os.environ["CXLAB_REAL_DATA"]) / "ecsi_mobi.csv")
    blocks = {
        "block_image": raw.filter(like="IMAG"), "block_expectations": raw.filter(like="CUEX"),
        "block_quality": raw.filter(like="PERQ"), "block_value": raw.filter(like="PERV"),
    }  # fmt: skip
    means = pd.DataFrame({name: items.mean(axis=1) for name, items in blocks.items()})
    for name in blocks:
        assert np.allclose(phones[name].astype(float), means[name]), name
    index = (raw[["CUSA1", "CUSA2", "CUSA3"]].mean(axis=1) - 1) / 9 * 100
    scored = metrics.scored(phones, ["acsi_equal"])
    assert np.allclose(scored["acsi_equal"].astype(float), index)
    result = importance(scored, "acsi_equal", list(blocks), resamples=200, seed=1)
    assert (
        result.r_squared
        == pytest.approx(explained(means, index), abs=1e-9)
        == pytest.approx(0.6694, abs=5e-5)
    )
    assert result.table["driver"].tolist() == [
        "block_quality",
        "block_image",
        "block_value",
        "block_expectations",
    ]
    assert result.table["rank_high"].iloc[0] == 1
    pairs = result.tables["dominance"].set_index(["driver", "over"])["dominance"]
    assert (pairs.loc["block_quality"] == "complete").all()
    assert stated(result, "drivers.halo") == ["block_expectations"]


def test_of_thirteen_items_that_overlap_no_part_can_be_told(read):
    phones = read("ecsi_mobi")
    result = importance(phones, "overall_sat", attributes(phones), resamples=0)
    ratings = phones[attributes(phones)].astype(float)
    assert result.r_squared == pytest.approx(explained(ratings, phones["overall_sat"]), abs=1e-9)
    assert result.table["correlation"].min() > 0.2
    assert result.table["last"].max() < 0.03
    assert not stated(result)
    # An R2 of 0.45 is not noise: it is thirteen ratings that overlap.
    assert "they overlap" in sentence(result.claims[0], Words("en"))


# Many units: carriers by their flights, hospitals by state and owner


def test_carriers_of_december_are_ranked_and_two_stand_far_apart(read):
    flights = read("airline_ontime").query("wave_id == '2019'")
    delta = {"unit": "peer_id", "focal": "Delta Air Lines Inc."}
    rank = benchmark.league(flights, "rate", **delta).table.set_index("unit").loc[delta["focal"]]
    assert (rank["rank"], rank["rank_low"], rank["rank_high"], rank["n"]) == (2, 1, 8, 81_524)
    odd = benchmark.funnel(flights, "rate", **delta).table.set_index("unit")["position"]
    far = {"Hawaiian Airlines Inc.": "far above", "JetBlue Airways": "far below"}
    assert odd[odd.isin(["far above", "far below"])].to_dict() == far
    assert odd[delta["focal"]] == "above"
    best = benchmark.best_in_class(flights, "rate", **delta).table.iloc[0]
    assert best["unit"] == "Hawaiian Airlines Inc."
    assert best["p_best"] > 0.99


def test_hospitals_by_owner_and_state(read):
    """Means by owner as pandas has them; one in four hospitals has no rating."""
    hospitals = read("cms_hospitals")
    by_owner = benchmark.league(hospitals, "mean", unit="ownership")
    found = by_owner.table.set_index("unit")["estimate"]
    expected = {"physician": 3.89, "church": 3.19, "local": 2.96, "proprietary": 2.85}
    assert found[list(expected)].to_dict() == pytest.approx(expected, abs=0.006)
    assert (by_owner.n_used, sum(by_owner.n_dropped.values())) == (3_584, 1_223)
    assert by_owner.table.set_index("unit").loc["tribal", "flag"] == "suppressed"
    # eighteen hospitals are first by a wide margin: half of a star is taken back
    owners = benchmark.best_in_class(hospitals, "mean", unit="ownership").table.iloc[0]
    assert (owners["unit"], owners["n"]) == ("physician", 18)
    assert 3.3 < owners["shrunk"] < 3.6 < owners["estimate"]
    states = benchmark.funnel(hospitals, "mean", unit="peer_id", focal="TX")
    odd = states.table.set_index("unit")["position"]
    assert odd[odd.isin(["far above", "far below"])].to_dict() == {"NY": "far below"}
    assert states.tables["dispersion"][["units", "outside"]].iloc[0].tolist()[0] == 47
