"""The demo clients: what was planted is found, nothing is found where nothing is, the bytes never change."""

import json
from functools import cache

import numpy as np
import pandas as pd
import pyreadstat
import pytest
import yaml

from cxlab import demo
from cxlab.analysis import benchmark, drivers, metrics, survival
from cxlab.analysis.estimates import as_one_family
from cxlab.demo import brands, contacts, fieldwork, files, lifetimes, noise, people, ruts
from cxlab.demo.tables import CALL_DRIVERS, DRIVERS
from cxlab.demo.truth import truths
from cxlab.errors import WorkbenchError
from cxlab.intake.dataset import check, open_dataset
from cxlab.intake.privacy.pseudonyms import pseudonyms

TRUTH = truths("fibra_cordillera", 0)["truths"]
# Chosen before any result was seen.
SEEDS_OF_NADA = range(20260001, 20260021)
SAME_FAMILY_AT_MOST = 8
RAW = (
    "crm_clientes.csv",
    "encuesta_2023T4.csv",
    "encuesta_2024T2.csv",
    "encuesta_2024T4.sav",
    "referencias.xlsx",
    "organizacion.xlsx",
    "benchmark_respuestas.csv",
    "interacciones.csv",
    "facturacion.csv",
    "ventas_base.csv",
    "referidos.csv",
    "marketing.xlsx",
    "visitas_incognito.csv",
    "revisiones_incognito.csv",
    "tiendas.xlsx",
    "seguimiento.csv",
)
DELIVERED = (
    "client.yaml",
    "truth.json",
    "raw/2025T1/benchmark_2025T1.sav",
    "raw/2025T1/crm_2025T1.csv",
    "raw/2025T1/encuesta_2025T1.csv",
    "raw/2025T2/contactos_2025T2.xlsx",
    "raw/2025T2/crm_2025T2.csv",
    "raw/2025T2/encuesta_2025T2.csv",
)
IDS = (
    "customer_id",
    "response_id",
    "respondent_id",
    "interaction_id",
    "rater_id",
    "transaction_id",
    "referrer_id",
    "referred_id",
    "evaluator_id",
    "agent_id",
)
# A single draw may lie this many of its own standard deviations from the mean of many.
FAR = 3.5


@cache
def fibra():
    return demo.fibra()


@cache
def surveyed():
    customers = fibra()["customers"]
    return customers.assign(pxi=metrics.contribution(customers, "pxi"))


def close_to(value, found):
    return abs(value - found["mean"]) <= FAR * found["sd"]


def differences(*results):
    return [claim for result in results for claim in result.claims if "hypothesis" in claim.fields]


# What drives satisfaction: truths 1 and 3


def test_t1_shares_are_those_planted():
    truth = TRUTH["T1"]["found"]
    result = drivers.importance(fibra()["survey_responses"], "overall_sat", DRIVERS, resamples=200, seed=1)
    shares = result.table.set_index("driver")["share"]
    assert close_to(result.r_squared, truth["r_squared"])
    for driver, found in truth["lmg_share"].items():
        assert close_to(shares[driver], found), driver
    assert result.table["driver"].tolist()[:4] == ["attr_resolution", "attr_billing", "attr_ease", "attr_app"]


def test_t1_kindness_and_ambience_correlate_and_are_not_stated():
    result = drivers.importance(fibra()["survey_responses"], "overall_sat", DRIVERS, resamples=200, seed=1)
    table = result.table.set_index("driver")
    stated = {c.fields["driver"] for c in result.claims if c.code == "drivers.top"}
    assert stated == {"attr_resolution", "attr_billing", "attr_ease", "attr_app"}
    for driver in ("attr_kindness", "attr_ambience"):
        assert table.loc[driver, "correlation"] > 0.35
        assert table.loc[driver, "coefficient_low"] < 0 < table.loc[driver, "coefficient_high"]
    halo = {c.fields["driver"] for c in result.claims if c.code == "drivers.halo"}
    assert halo == {"attr_kindness", "attr_ambience"}


def test_t1_bill_matters_below_five_only():
    survey = fibra()["survey_responses"].dropna(subset=[*DRIVERS, "overall_sat"])
    low = survey[survey["attr_billing"] <= people.BILLING_KINK]
    high = survey[survey["attr_billing"] >= people.BILLING_KINK]
    slopes = [
        drivers.importance(part, "overall_sat", DRIVERS, resamples=0)
        .table.set_index("driver")
        .loc["attr_billing"]
        for part in (low, high)
    ]
    assert slopes[0]["coefficient_low"] > 0.3
    assert slopes[1]["coefficient_low"] < 0 < slopes[1]["coefficient_high"] < 0.15


def test_t3_listwise_keeps_the_callers_and_names_another_first():
    survey, asked = fibra()["survey_responses"], [*DRIVERS, *CALL_DRIVERS]
    whole = drivers.importance(survey, "overall_sat", asked, resamples=0)
    callers = drivers.importance(survey, "overall_sat", asked, not_applicable="listwise", resamples=0)
    truth = TRUTH["T3"]
    assert whole.table["driver"].iloc[0] == truth["found"]["first"]
    assert callers.table["driver"].iloc[0] == truth["trap"]["first"]
    assert close_to(callers.n_used / len(survey), truth["trap"]["complete_rows"])
    for result, shares in (
        (whole, truth["found"]["indicator_share"]),
        (callers, truth["trap"]["listwise_share"]),
    ):
        table = result.table.set_index("driver")["share"]
        assert all(close_to(table[driver], found) for driver, found in shares.items())


# Who answers: truth 4


def test_t4_weights_mend_half_of_it():
    tables, truth = fibra(), TRUTH["T4"]
    survey = tables["survey_responses"]
    raw = metrics.score(survey, "nps").table.iloc[0]
    weighting = metrics.rake(survey, tables["population_targets"])
    raked = metrics.score(survey.assign(raked=weighting.weights), "nps", weights="raked").table.iloc[0]
    assert close_to(raw["estimate"], truth["trap"]["raw"])
    assert close_to(raked["estimate"], truth["found"]["raked"])
    assert close_to(weighting.design_effect, truth["found"]["design_effect"])
    assert raked["conf_low"] > truth["planted"]["nps"], "no weights mend the reason people answer"


def test_t4_the_base_in_service_scores_fourteen():
    rng = np.random.default_rng(4)
    lives = lifetimes.draw_lifetimes(rng, people.draw_answers(rng, people.draw_people(rng, 4_000)))
    served = fieldwork.in_service(lives, rng.integers(0, fieldwork.FIELD_DAYS, 4_000))
    scores = fieldwork.recommend_scores(rng.standard_normal(4_000), served)
    base = pd.DataFrame({"recommend": np.concatenate([scores[served[wave]] for wave in fieldwork.WAVES])})
    assert metrics.score(base, "nps").table["estimate"].iloc[0] == pytest.approx(14.0, abs=0.1)


def test_targets_are_shares_of_the_base():
    targets = fibra()["population_targets"]
    assert targets.groupby("variable")["share"].sum().to_numpy() == pytest.approx(1.0, abs=1e-9)
    app = targets[(targets["variable"] == "channel") & (targets["category"] == "app")]["share"].item()
    sample = (fibra()["survey_responses"]["channel"] == "app").mean()
    assert app == pytest.approx(people.CHANNELS["app"], abs=0.03)
    assert sample > app + 0.2


# Who stays: truths 5 and 6


def test_t5_first_months_and_the_end_of_the_promotion():
    table = survival.retention(fibra()["customers"], "duration", "event", by=("attr_promo",)).table
    hazard = (table["events"] / table["at_risk"]).groupby([table["attr_promo"], table["time"]]).first()
    plain = hazard[0].loc[4:12].mean()
    for promo in (0, 1):
        assert hazard[promo].loc[1:3].mean() / plain == pytest.approx(2.0, abs=0.25)
    assert hazard[1].loc[13:14].mean() / plain == pytest.approx(
        3.6, abs=0.5
    )  # 4 at the rate, less in a month
    assert hazard[0].loc[13:14].mean() / plain == pytest.approx(1.0, abs=0.2)


def test_t5_the_months_that_stand_out_are_found_and_no_other():
    window = ("start_date", "observation_end")
    asked = {"by": ["attr_promo"], "window": window}
    shape = survival.hazard_shape(fibra()["customers"], "duration", "event", **asked)
    found = shape.tables["months"].set_index(["segment", "start", "end"])
    assert found.index.tolist() == [(0, 1, 3), (1, 1, 3), (1, 13, 14)]
    assert found["ratio"].to_numpy() == pytest.approx([2.0, 2.2, 3.8], abs=0.3)
    assert [c.fields["start"] for c in shape.claims] == [13, 1, 1]
    cohorts = survival.cohorts(fibra()["customers"], "duration", "event", until="observation_end")
    assert [c.code for c in cohorts.claims] == ["retention.alike"]


def test_the_reasons_the_promise_and_the_first_contact_of_fibra():
    customers = survival.first_contacts(
        fibra()["customers"], fibra()["interactions"], "reopened", channels=contacts.HUMAN
    )
    left = ("duration", "event")
    gone = survival.incidence(customers, *left, cause="end_type", by=["attr_promo"], horizons=[24])
    differ = {c.fields["cause"] for c in gone.claims if c.code == "incidence.difference"}
    assert differ == {"voluntary"}  # the end of a promotion is all asked for
    for column, since in (
        ("acq_channel", None),
        ("attr_promise_kept", None),
        ("reopened", "first_contact_months"),
    ):
        stay = survival.retention(customers, *left, by=[column], since=since, horizons=[3, 12])
        assert "retention.difference" in [c.code for c in stay.claims], column
    tied = survival.bonds(survival.with_months(customers, ["lock_in_end"])).table.set_index("bond")
    assert tied["n"].iloc[0] == customers["survey_tenure"].notna().sum()
    assert 0.05 < tied.loc["hostage", "estimate"] < tied.loc["free", "estimate"]


def test_t5_the_promotion_is_not_one_hazard_ratio():
    result = survival.hazards(fibra()["customers"], "duration", "event", ["attr_promo", "attr_price"])
    checks = result.checks.set_index("covariate")["p_value"]
    assert checks["attr_promo"] < 0.001
    assert checks["attr_price"] > 0.05
    assert [c.fields["covariate"] for c in result.claims if c.code == "hazards.not_proportional"] == [
        "attr_promo"
    ]
    alone = survival.hazards(fibra()["customers"], "duration", "event", ["attr_promo"]).table.iloc[0]
    assert close_to(alone["hazard_ratio"], TRUTH["T5"]["trap"]["one_hazard_ratio_for_promo"])


def test_t6_experience_precedes_staying_and_price_hides_it():
    truth = TRUTH["T6"]
    result = survival.hazards(
        surveyed(), "duration", "event", ["pxi", "attr_price"], entry="survey_tenure", strata=("attr_promo",)
    )
    rows = result.table.set_index("covariate")
    for covariate, planted in truth["planted"]["hazard_ratio_per_sd"].items():
        ratio = rows.loc[covariate, "hazard_ratio_sd"]
        error = rows.loc[covariate, "std_error"] * rows.loc[covariate, "sd"]
        assert abs(np.log(ratio) - np.log(planted)) < 2.5 * error, covariate
    assert result.checks.set_index("covariate").loc["pxi", "p_value"] > 0.05
    alone = survival.hazards(surveyed(), "duration", "event", ["pxi"], entry="survey_tenure")
    assert close_to(alone.table["hazard_ratio_sd"].iloc[0], truth["trap"]["pxi_without_price"])


def test_surveys_come_before_exits():
    customers = fibra()["customers"].dropna(subset=["survey_date"])
    last_day = customers["end_date"].fillna(customers["observation_end"])
    assert (customers["survey_date"] < last_day).all()
    assert len(customers) == len(fibra()["survey_responses"]) == 5_400
    # Of who answered in the last month seen, no whole month was seen after the answer.
    entering = customers.dropna(subset=["survey_tenure"])
    assert 0.98 * 5_400 < len(entering) < 5_400
    assert (entering["survey_tenure"] < entering["duration"]).all()


# Where the client stands: truth 11


def test_t11_third_and_nobody_knows():
    interviews, truth = fibra()["benchmark_responses"], TRUTH["T11"]
    league = benchmark.league(interviews, "pxi", unit="peer_id").table.set_index("rank")
    assert league.loc[3, "unit"] == brands.FOCAL
    assert league.loc[3, ["rank_low", "rank_high"]].tolist() == truth["found"]["rank_set_of_the_third"]
    pinned = league[league["rank_low"] == league["rank_high"]]
    assert pinned["unit"].tolist() == [truth["found"]["last"]]
    compared = benchmark.compare(interviews, "pxi", unit="peer_id", focal=brands.FOCAL)
    assert [(c.code, c.fields["peer"]) for c in differences(compared)] == [("benchmark.ahead", "Bravo TV")]


def test_t11_client_is_truly_third_or_fourth():
    ranked = sorted(brands.BRANDS, key=brands.true_pxi, reverse=True)
    assert ranked.index(brands.FOCAL) + 1 in (3, 4)
    assert TRUTH["T11"]["planted"]["gap_to_best_in_cell"] == -18.0
    assert all(brands.centre(net) == pytest.approx(mean, abs=0.01) for net, mean in ((0.0, 4.5),))


def test_t11_the_one_cell_behind():
    compared = benchmark.compare(
        fibra()["benchmark_responses"],
        "pxi",
        unit="peer_id",
        focal=brands.FOCAL,
        by=("interaction_type", "channel"),
    )
    behind = compared.table[compared.table["verdict"] == "below"]
    best = TRUTH["T11"]["planted"]["best_in_cell"]
    assert behind[["interaction_type", "channel", "peer"]].to_numpy().tolist() == [[*brands.CRITICAL, best]]
    assert behind["conf_low"].item() < -18 < behind["conf_high"].item() < 0


# Who carries the gap, and what managers believe: truth 12


def shared_out(tables):
    survey, asked = tables["survey_responses"], [*DRIVERS, *CALL_DRIVERS]
    weights = drivers.importance(survey, "overall_sat", asked, resamples=200, seed=1)
    return drivers.areas(
        weights,
        tables["items"],
        tables["area_touchpoint"],
        known=tables["areas"],
        scales=dict.fromkeys(asked, (1, 7)),
        seed=1,
    )


def test_t12_the_largest_part_is_where_no_customer_looks():
    truth, result = TRUTH["T12"], shared_out(fibra())
    table = result.table.set_index("area_id")
    for area, found in truth["found"]["part_of_the_gap"].items():
        assert close_to(table.loc[area, "pain"], found), area
    first = table.loc[truth["planted"]["first"]]
    assert first.name == table.index[0]
    assert first["kind"] == "back"
    assert [first["rank_low"], first["rank_high"]] == truth["found"]["places_of_the_first"]
    assert close_to(first["conf_high"] - first["conf_low"], truth["found"]["range_of_the_first"])
    said = {claim.code: claim.fields for claim in result.claims}
    assert said["drivers.areas_open"]["second"] == truth["trap"]["blamed"]
    assert close_to(said["drivers.area_unseen"]["estimate"], truth["found"]["unseen"])


def test_t12_a_surer_judgement_tells_who_is_first():
    tables = fibra()
    weights = drivers.importance(
        tables["survey_responses"], "overall_sat", [*DRIVERS, *CALL_DRIVERS], resamples=200, seed=1
    )
    sure = drivers.areas(
        weights,
        tables["items"],
        tables["area_touchpoint"],
        scales=dict.fromkeys([*DRIVERS, *CALL_DRIVERS], (1, 7)),
        concentration=300.0,
        seed=1,
    )
    assert sure.claims[0].code == "drivers.area_first"


def test_managers_look_elsewhere():
    tables, planted = fibra(), truths("fibra_cordillera", 0)["also"]["mirror"]["planted"]
    asked = [*DRIVERS, *CALL_DRIVERS]
    weights = drivers.importance(tables["survey_responses"], "overall_sat", asked, resamples=200, seed=1)
    result = drivers.mirror(weights, tables["management_ranking"])
    table = result.table.set_index("driver")
    assert (table["managers"] == planted["managers"]).all()
    first, last = planted["order"][0], planted["order"][-1]
    assert table.loc[first, ["managers_rank", "verdict"]].tolist() == [1, "above"]
    assert table.loc[last, "managers_rank"] >= 7
    assert table.loc[last, "verdict"] == "below"
    assert result.tables["orders"]["value"].iloc[0] < 0


def test_managers_of_nada_do_not_agree_among_themselves():
    tables = demo.nada()
    asked = [*DRIVERS, *CALL_DRIVERS]
    weights = drivers.importance(tables["survey_responses"], "overall_sat", asked, resamples=200, seed=1)
    result = drivers.mirror(weights, tables["management_ranking"])
    agreement = result.tables["orders"].set_index("check")["value"]
    # W of 11 managers by chance: 95 % of the time under 0.18 (chi-squared of 7 over 11 x 7).
    assert agreement["kendall_w"] < 0.18
    assert "drivers.mirror_gap" not in {claim.code for claim in result.claims}


# Nada S.A.


def staying(customers, interactions):
    """Return what the paper on retention tests besides curves and hazards."""
    left, seen = ("duration", "event"), ("start_date", "observation_end")
    timed = survival.with_months(customers, ["lock_in_end"])
    met = survival.first_contacts(timed, interactions, "reopened", channels=contacts.HUMAN)
    yield survival.restricted_mean(met, *left, by=["plan"], horizon=24)
    yield survival.hazard_shape(met, *left, by=["attr_promo"], window=seen)
    yield survival.incidence(met, *left, cause="end_type", by=["plan"])
    yield survival.cohorts(met, *left, until="observation_end")
    yield survival.retention(met, *left, since="lock_in_end_months", by=["plan"])
    for column in ("acq_channel", "attr_promise_kept"):
        yield survival.retention(met, *left, by=[column])
    yield survival.retention(met, *left, by=["reopened"], since="first_contact_months", horizons=[3, 12])


def reports_of(tables):
    survey, customers = tables["survey_responses"], tables["customers"]
    customers = customers.assign(pxi=metrics.contribution(customers, "pxi"))
    interviews = tables["benchmark_responses"]
    yield "scorecard", [metrics.score(survey, ["nps", "pxi", "insc"], by=("segment",))]
    yield "drivers", [drivers.importance(survey, "overall_sat", DRIVERS, resamples=0)]
    yield (
        "retention",
        as_one_family(
            survival.retention(customers, "duration", "event", by=("segment",)),
            survival.hazards(
                customers, "duration", "event", ["pxi", "attr_price", "attr_promo"], entry="survey_tenure"
            ),
            *staying(customers, tables["interactions"]),
        ),
    )
    yield (
        "benchmark",
        [
            benchmark.compare(interviews, "pxi", unit="peer_id", focal=noise.FOCAL),
            benchmark.league(interviews, "pxi", unit="peer_id"),
        ],
    )


def test_nothing_is_found_where_nothing_is():
    stating = [
        (seed, report, [claim.code for claim in differences(*results)])
        for seed in SEEDS_OF_NADA
        for report, results in reports_of(demo.nada(seed))
        if differences(*results)
    ]
    assert len(stating) <= SAME_FAMILY_AT_MOST, stating


def test_the_published_nada_states_nothing_and_says_so():
    for report, results in reports_of(demo.nada()):
        assert not differences(*results), report
        assert any(result.otherwise for result in results), report


def test_there_is_nothing_to_share_among_the_areas_of_nada():
    result = shared_out(demo.nada())
    assert [claim.code for claim in result.claims] == ["drivers.areas_nothing"]
    assert (result.table["rank_low"] == 1).all()
    assert (result.table["rank_high"] == len(result.table)).all()


# The tables


@pytest.mark.parametrize("draw", [fibra, demo.nada], ids=["fibra", "nada"])
def test_any_region_may_be_left_out(draw):
    tables = draw()
    for name in ("customers", "survey_responses", "benchmark_responses"):
        assert tables[name]["region"].value_counts().min() >= 10, name
        assert tables[name]["segment"].value_counts().min() >= 10, name


def test_same_columns_for_both_clients():
    one, other = fibra(), demo.nada()
    assert {name: list(table.columns) for name, table in one.items()} == {
        name: list(table.columns) for name, table in other.items()
    }


def test_a_seed_is_a_client():
    first, again, other = demo.nada(5), demo.nada(5), demo.nada(6)
    for name, table in first.items():
        pd.testing.assert_frame_equal(table, again[name])
    assert not first["customers"].equals(other["customers"])


def test_drawing_leaves_what_it_is_given():
    rng = np.random.default_rng(0)
    traits = people.draw_people(rng, 500)
    answers = people.draw_answers(rng, traits)
    kept = traits.copy(), answers.copy()
    lives = lifetimes.draw_lifetimes(rng, answers)
    customers = pd.concat([traits, lives], axis=1).assign(customer_id=ruts.ruts(500, 0))
    contacts.draw_contacts(rng, customers, np.full(500, 4.0), lifetimes.OBSERVATION_END, 50)
    fieldwork.leave_open(rng, answers)
    pd.testing.assert_frame_equal(traits, kept[0])
    pd.testing.assert_frame_equal(answers, kept[1])


def test_months_survived_inverts_the_hazard_by_hand():
    # 3 months at 2, 9 at 1, then 2 at 4 on promotion: exposures 6, 15 and 23 at months 3, 12 and 14.
    exposure = np.array([3.0, 6.0, 10.0, 15.0, 19.0, 23.0, 24.0])
    promo = lifetimes.months_survived(exposure, np.ones(7, dtype=bool))
    plain = lifetimes.months_survived(exposure, np.zeros(7, dtype=bool))
    assert promo == pytest.approx([1.5, 3.0, 7.0, 12.0, 13.0, 14.0, 15.0])
    assert plain == pytest.approx([1.5, 3.0, 7.0, 12.0, 16.0, 20.0, 21.0])


def test_identity_numbers_are_different_and_right():
    numbers = ruts.ruts(30_000, 20250639)
    assert len(set(numbers)) == 30_000
    assert all(40_000_000 <= int(number[:8]) < 50_000_000 for number in numbers[:100])
    assert ruts.check_digits(np.array([12345678, 7654321, 20347878])) == ["5", "6", "K"]


# The files


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        outside = tmp_path_factory.mktemp("demo")
        root = outside / "año uno"
        patch.setenv("XDG_CONFIG_HOME", str(outside / "config"))
        patch.delenv("CXLAB_ID_KEY", raising=False)
        demo.build(root)
        yield root


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_two_builds_give_the_same_bytes(built, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    first = contents(built / "data")
    written = ["client.yaml", "truth.json", *(f"raw/{name}" for name in RAW)]
    cruda = {f"fibra_cruda/{name}" for name in DELIVERED}
    assert set(first) == {f"{client}/{name}" for client in files.MAPPED for name in written} | cruda
    assert demo.build(tmp_path) == [tmp_path / "data" / client for client in files.CLIENTS]
    again = contents(tmp_path / "data")
    assert [name for name in first if first[name] != again[name]] == []


def test_files_do_not_hold_the_time_they_were_written(built):
    folder = built / "data" / "nada" / "raw"
    assert (folder / "encuesta_2024T4.sav").read_bytes()[92:109] == b"01 Jul 2509:00:00"
    assert b"2025-07-01T09:00:00Z" in (folder / "referencias.xlsx").read_bytes()


def test_truth_is_written_beside_the_files(built):
    written = json.loads((built / "data" / "fibra_cordillera" / "truth.json").read_text(encoding="utf-8"))
    truths_of = ["T1", "T3", "T4", "T5", "T6", "T7", "T10", "T11", "T12", "T13", "T17", "T18"]
    assert list(written["truths"]) == truths_of
    assert all(
        {"says", "where", "planted", "found", "trap"} <= set(truth) for truth in written["truths"].values()
    )
    assert json.loads((built / "data" / "nada" / "truth.json").read_text(encoding="utf-8"))["truths"] == {}


def test_truth_points_at_columns_that_are_there():
    tables = fibra()
    for name, truth in TRUTH.items():
        where = truth["where"]
        asked = [where.get(key) for key in ("outcome", "duration", "event", "entry", "unit")]
        listed = [column for key in ("drivers", "by", "targets", "pxi") for column in where.get(key, [])]
        assert {c for c in [*asked, *listed] if c} <= set(tables[where["table"]].columns), name


def test_every_column_and_value_has_its_labels():
    declared = yaml.safe_load(files.declaration("fibra_cordillera"))["labels"]
    tables = fibra()
    codebook = {"text_es", "text_en", "role", "scale_min", "scale_max", "direction", "asked_if", "item_id"}
    assert set(tables["areas"]["kind"]) == {"front", "back", "supplier"}
    for name, table in tables.items():
        assert set(table.columns) - codebook <= set(declared["columns"]), name
        named = ("region", "segment", "plan", "channel", "mode", "wave_id", "interaction_type", "end_type")
        for column in (*named, "acq_channel"):
            if column in table:
                assert set(table[column].dropna()) <= set(declared["values"][column]), column
    texts = [
        *declared["columns"].values(),
        *(t for each in declared["values"].values() for t in each.values()),
    ]
    assert all(set(text) == {"es", "en"} for text in texts)


def test_declaration_is_filled_for_each_client():
    for client, name in (("fibra_cordillera", "Fibra Cordillera S.A."), ("nada", "Nada S.A.")):
        text = files.declaration(client)
        assert f'name: "{name}"' in text
        assert "<CLIENT>" not in text
        assert "<COLOUR>" not in text


def test_raw_files_are_dirty_as_a_client_sends_them(built):
    folder = built / "data" / "fibra_cordillera" / "raw"
    crm = (folder / "crm_clientes.csv").read_text(encoding="latin-1").split("\n")
    assert crm[0].startswith("RUT;NOMBRE;CORREO;FECHA_ALTA;")
    assert len(crm) == 24_000 + 15 + 2
    frame, meta = pyreadstat.read_sav(folder / "encuesta_2024T4.sav", user_missing=True)
    assert meta.missing_ranges["P1"] == [{"lo": 99.0, "hi": 99.0}]
    assert meta.variable_value_labels["CANAL"][1.0] == "App"
    assert (frame["P1"] == 99).sum() > 0
    text = (folder / "encuesta_2024T2.csv").read_text(encoding="latin-1")
    assert "10 - Muy probable" in text


@pytest.mark.parametrize("client", ["nada", "fibra_cordillera"])
def test_intake_gives_back_what_was_drawn(built, client):
    report = check(built, client)
    excluded = {"test accounts of the operator": 15, "previews of the questionnaire": 12}
    assert all(not source["unmapped"] for entry in report.tables.values() for source in entry["sources"])
    found = [source["excluded"] for entry in report.tables.values() for source in entry["sources"]]
    assert {reason: n for each in found for reason, n in each.items() if reason in excluded} == excluded
    key, dataset = bytes.fromhex(files.PUBLIC_KEY), open_dataset(built, client)
    drawn = fibra() if client == "fibra_cordillera" else demo.nada()
    assert set(dataset.names) == set(drawn)
    for name, table in drawn.items():
        ids = [column for column in IDS if column in table and name != "items"]
        wanted = table.assign(**{column: pseudonyms(table[column], key) for column in ids})
        got = dataset.read(name)[list(wanted.columns)]
        pd.testing.assert_frame_equal(got, wanted, check_dtype=False, obj=name)


def test_demo_key_is_kept_once_and_never_replaced(built, tmp_path, monkeypatch):
    key = built.parent / "config" / "cxlab" / "keys" / "nada.key"
    assert key.read_text().strip() == files.PUBLIC_KEY
    assert key.stat().st_mode & 0o077 == 0
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    other = tmp_path / "cxlab" / "keys" / "nada.key"
    other.parent.mkdir(parents=True)
    other.write_text("ab" * 32)
    demo.build_client(tmp_path, "nada")
    assert other.read_text() == "ab" * 32


def test_unknown_demo_client_is_refused(tmp_path):
    with pytest.raises(WorkbenchError, match="no demo client 'acme'; there are: fibra_cordillera, nada"):
        demo.build_client(tmp_path, "acme")


def test_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "data").write_text("a file where the folder should be")
    with pytest.raises(WorkbenchError, match=r"cannot write the demo into .*nada: "):
        demo.build_client(tmp_path, "nada")


def test_key_that_cannot_be_kept_is_named(tmp_path, monkeypatch):
    (tmp_path / "config").write_text("a file where the folder should be")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("CXLAB_ID_KEY", raising=False)
    with pytest.raises(
        WorkbenchError, match=r"key cannot be kept at .*nada\.key: .*; set CXLAB_ID_KEY instead"
    ):
        demo.build_client(tmp_path, "nada")


def test_package_names_only_what_it_has():
    with pytest.raises(AttributeError, match="planted"):
        _ = demo.planted
