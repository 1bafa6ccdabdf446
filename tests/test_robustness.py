"""Whether a ranking of drivers holds: each way against itself, halo, claims, what is not done."""

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cxlab.analysis.drivers import diagnose, importance
from cxlab.errors import AnalysisError
from cxlab.reporting.claims import sentence
from cxlab.reporting.words import Words

PUBLISHED = Path(__file__).parent / "published"
NAMES = [f"d{k}" for k in range(5)]


def survey(n=1500, seed=0, effects=(0.6, 0.3, 0.0, 0.0, 0.0), halo=0.5, noise=0.8):
    """Ratings of 1 to 7 with a halo, of which the outcome and an answer of 0 to 10 follow."""
    rng = np.random.default_rng(seed)
    count = len(effects)
    latent = np.sqrt(halo) * rng.normal(size=(n, 1)) + np.sqrt(1 - halo) * rng.normal(size=(n, count))
    table = pd.DataFrame(np.clip(np.round(4.5 + 1.3 * latent), 1, 7), columns=[f"d{k}" for k in range(count)])
    judged = latent @ np.array(effects) + noise * rng.normal(size=n)
    return table.assign(
        outcome=judged,
        recommend=np.clip(np.round(7.3 + 1.8 * judged), 0, 10),
        weight=rng.lognormal(0, 0.5, n),
    )


def skipped(table, seed=0, share=0.3):
    """Return the table with ratings that did not apply, of all drivers but the first."""
    gone = np.random.default_rng(seed).random(table[NAMES].shape) < share
    gone[:, 0] = False
    return table.assign(**table[NAMES].mask(gone))


def shares(result, column="share"):
    return result.table.set_index("driver")[column]


# Each way is what it says.


def test_each_way_is_the_importance_computed_so():
    table = skipped(survey())
    chosen = {"weights": "weight", "controls": ["d4"]}
    drivers = NAMES[:4]
    found = diagnose(table.fillna({"d4": 4.0}), "outcome", drivers, **chosen)
    table = table.fillna({"d4": 4.0})
    for column, options in (
        ("share", chosen),
        ("johnson", {**chosen, "method": "johnson"}),
        ("listwise", {**chosen, "not_applicable": "listwise"}),
        ("unweighted", {**chosen, "weights": None}),
    ):
        expected = shares(importance(table, "outcome", drivers, resamples=0, **options))
        assert shares(found, column)[drivers].tolist() == expected[drivers].tolist()
    assert found.table["indicator"].isna().all()
    assert found.table["mcfadden"].isna().all()
    turned = diagnose(table, "outcome", drivers, **chosen, not_applicable="listwise")
    assert shares(turned, "indicator")[drivers].tolist() == shares(found)[drivers].tolist()
    assert shares(turned)[drivers].tolist() == shares(found, "listwise")[drivers].tolist()
    assert turned.table["listwise"].isna().all()


def test_housing_is_divided_as_published():
    table = pd.read_csv(PUBLISHED / "housing.csv", comment="#")
    levels = {"Infl": ["Medium", "High"], "Type": ["Apartment", "Atrium", "Terrace"], "Cont": ["High"]}
    groups = {name: [f"{name} {level}" for level in own] for name, own in levels.items()}
    for name, own in levels.items():
        for level in own:
            table[f"{name} {level}"] = (table[name] == level).astype(float)
    satisfied = pd.Categorical(table["Sat"], ["Low", "Medium", "High"], ordered=True)
    drivers = [driver for own in groups.values() for driver in own]
    found = diagnose(
        table.drop(columns=list(levels)).assign(Sat=satisfied), "Sat", drivers,
        outcome_type="ordered", weights="Freq", groups=groups,
    )  # fmt: skip
    # Unweighted, each class stands as often in each cell: nothing is left to divide.
    unweighted = found.tables["agreement"].set_index("way").loc["unweighted", "reason"]
    assert "there is nothing to divide" in unweighted
    printed = np.array([0.0292006878, 0.0149886294, 0.0023258979])
    assert shares(found, "mcfadden")[["Infl", "Type", "Cont"]].to_numpy() == pytest.approx(
        printed / printed.sum(), abs=1e-7
    )
    assert found.table["driver"].tolist() == ["Infl", "Type", "Cont"]
    # The linear division on the classes' order says nearly the same.
    agreement = found.tables["agreement"].set_index("way").loc["mcfadden"]
    assert agreement["largest"] < 0.02
    assert agreement["kendall"] == 1


def test_agreement_compares_with_the_main_division():
    found = diagnose(skipped(survey(400, 3)), "recommend", NAMES, outcome_type="nps", weights="weight")
    table = found.table.set_index("driver")
    agreement = found.tables["agreement"].set_index("way")
    assert agreement.index.tolist() == ["johnson", "listwise", "mcfadden", "unweighted"]
    assert (agreement["reason"] == "").all()
    for way, row in agreement.iterrows():
        change = (table[way] - table["share"]).abs()
        assert row["largest"] == pytest.approx(change.max(), abs=1e-12)
        assert row["farthest"] == change.idxmax()
        assert row["leader"] == table[way].idxmax()
        assert row["same_first"] == (table[way].idxmax() == found.table["driver"][0])
        assert row["kendall"] == pytest.approx(stats.kendalltau(table[way], table["share"]).statistic)
        assert table[way].sum() == pytest.approx(1)
    assert agreement.loc["listwise", "n"] < agreement.loc["johnson", "n"] == found.n_used


def test_the_order_of_drivers_changes_nothing():
    table = skipped(survey(400, 3))
    forth = diagnose(table, "recommend", NAMES, outcome_type="nps").table
    back = diagnose(table, "recommend", NAMES[::-1], outcome_type="nps").table
    line = ["noise_share", "beats_noise"]  # drawn at random: the same within its error
    pd.testing.assert_frame_equal(forth.drop(columns=line), back.drop(columns=line), rtol=1e-9)
    np.testing.assert_allclose(forth["noise_share"], back["noise_share"], rtol=0.02)


@pytest.mark.parametrize(
    ("outcome", "kind"), [("promoter", "binary"), ("recommend", "nps"), ("recommend", "ordered")]
)
def test_linear_and_ordinal_divisions_agree_on_a_survey_with_halo(outcome, kind):
    # Where the ordered logit explains a fifth or less, as in surveys: 0.4 to 1.7 points of share.
    table = survey(5000, 1, effects=(0.5, 0.35, 0.25, 0.1, 0.0, 0.0), halo=0.4, noise=1.6)
    table["promoter"] = table["recommend"] >= 9
    found = diagnose(table, outcome, [f"d{k}" for k in range(6)], outcome_type=kind)
    row = found.tables["agreement"].set_index("way").loc["mcfadden"]
    assert 0 < row["largest"] < 0.02
    assert row["kendall"] > 0.8
    assert row["same_first"]


# What is not done, and why.


def test_what_cannot_be_computed_says_why():
    found = diagnose(survey(), "outcome", NAMES)
    reasons = found.tables["agreement"].set_index("way")["reason"]
    assert reasons["johnson"] == ""
    assert reasons["listwise"] == "everybody rated every driver"
    assert reasons["unweighted"] == "there are no weights"
    assert reasons["mcfadden"] == "the outcome has 1500 different values, more than 11"
    assert found.settings["ways"] == ["lmg", "johnson"]
    many = survey(300, effects=(0.2,) * 11)
    found = diagnose(many, "recommend", [f"d{k}" for k in range(11)])
    reasons = found.tables["agreement"].set_index("way")["reason"]
    assert reasons["mcfadden"] == "there are more than 10 drivers or groups"


def test_too_few_complete_rows_are_a_reason_and_no_error():
    table = skipped(survey(60, 2), share=0.65)
    found = diagnose(table, "recommend", NAMES, min_rated=10)
    row = found.tables["agreement"].set_index("way").loc["listwise"]
    assert row["reason"] == "d0: one value only (5)"
    assert np.isnan(row["n"])
    assert found.table["listwise"].isna().all()
    with pytest.raises(AnalysisError):
        importance(table, "recommend", NAMES, not_applicable="listwise", min_rated=10, resamples=0)


def test_more_work_than_minutes_is_not_begun(monkeypatch):
    monkeypatch.setattr("cxlab.analysis.drivers.robustness._MOST_WORK", 1000)
    found = diagnose(survey(200), "recommend", NAMES)
    reasons = found.tables["agreement"].set_index("way")["reason"]
    assert reasons["mcfadden"] == "32 models of 200 answers would take minutes"


def test_what_importance_refuses_is_refused_here():
    with pytest.raises(AnalysisError, match="give at least 2 drivers"):
        diagnose(survey(60), "outcome", ["d0"])


def test_without_weights_is_of_the_same_people():
    table = survey(300).assign(w=lambda t: np.where(t.index < 200, 1.0 + t.index % 3, 0.0))
    found = diagnose(table, "outcome", NAMES, weights="w")
    assert found.tables["agreement"].set_index("way").loc["unweighted", "n"] == 200
    gone = diagnose(table.head(200), "outcome", NAMES, weights="w")
    pd.testing.assert_frame_equal(found.table, gone.table)


# Halo and overlap.


def checks(found, check):
    table = found.tables["checks"]
    return table[table["check"] == check].set_index("driver")


def test_drivers_without_effect_are_caught_in_the_halo_and_others_are_not():
    found = diagnose(survey(3000, 6), "outcome", NAMES)
    halo = found.tables["halo"].set_index("driver")
    assert halo["caught"].to_dict() == {"d0": False, "d1": False, "d2": True, "d3": True, "d4": True}
    assert (halo["own"] == (halo["last"] / halo["first"])).all()
    advice = checks(found, "own")["advice"]
    assert "d2 is caught in the halo: of what it explains alone, 0." in advice["d2"]
    assert advice["d0"] == ""
    flat = checks(found, "flattening").loc[""]
    assert flat["value"] > 1.8
    assert checks(found, "first_eigenvalue").loc["", "value"] > 0.5


def test_shares_that_moving_together_flattens_are_told():
    flat = checks(diagnose(survey(3000, 5), "outcome", NAMES), "flattening").loc[""]
    assert flat["value"] > 2
    assert "moving together flattens the shares" in flat["advice"]


def test_without_halo_nothing_is_flattened():
    found = diagnose(survey(3000, 5, halo=0.0), "outcome", NAMES)
    assert not found.tables["halo"]["caught"].any()
    flat = checks(found, "flattening").loc[""]
    assert flat["value"] == pytest.approx(1, abs=0.05)
    assert flat["advice"] == ""
    # Uncorrelated drivers: each holds as much of the variance as any other.
    assert checks(found, "first_eigenvalue").loc["", "value"] == pytest.approx(1 / 5, abs=0.02)
    assert checks(found, "condition_index").loc["", "value"] == pytest.approx(1, abs=0.1)


def test_condition_index_of_two_drivers_by_hand():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 500))
    table = pd.DataFrame({"a": a, "b": a + 0.05 * b, "y": a + rng.normal(size=500)})
    r = np.corrcoef(table["a"], table["b"])[0, 1]
    row = checks(diagnose(table, "y", ["a", "b"]), "condition_index").loc[""]
    assert row["value"] == pytest.approx(np.sqrt((1 + r) / (1 - r)), rel=1e-9)
    assert "nearly determine each other (condition index" in row["advice"]
    copied = checks(diagnose(table.assign(b=2 * table["a"]), "y", ["a", "b"]), "condition_index").loc[""]
    assert np.isinf(copied["value"])


def test_a_suppressor_explains_more_beside_the_others():
    rng = np.random.default_rng(0)
    true, noise = rng.normal(size=(2, 2000))
    table = pd.DataFrame({"a": true + noise, "b": noise, "y": true + 0.3 * rng.normal(size=2000)})
    own = checks(diagnose(table, "y", ["a", "b"]), "own").loc["b"]
    assert own["value"] > 1
    assert "b explains more beside the others than alone" in own["advice"]


def test_parted_classes_are_told_and_still_divided():
    table = survey(400).assign(high=lambda t: (t["d0"] >= 5).astype(int))
    found = diagnose(table, "high", NAMES, outcome_type="binary")
    parted = checks(found, "parted").loc[""]
    assert parted["value"] == 1
    assert "part the classes of the outcome" in parted["advice"]
    assert shares(found, "mcfadden").sum() == pytest.approx(1)
    assert checks(diagnose(table, "recommend", NAMES), "parted").loc["", "value"] == 0


# What may be said.


def said(result, language):
    (claim,) = result.claims
    return sentence(claim, Words(language)).replace("\N{NO-BREAK SPACE}", " ")


def test_a_ranking_that_holds_is_said_to_hold():
    found = diagnose(survey(3000, 5), "recommend", NAMES, outcome_type="nps", weights="weight")
    (claim,) = found.claims
    assert claim.code == "drivers.robust"
    assert claim.grade == "D"
    assert claim.fields["ways"] == 4
    assert claim.fields["estimate"] == found.tables["agreement"]["largest"].max()
    assert claim.fields["whole"] == (found.tables["agreement"]["kendall"].dropna() > 1 - 1e-9).all()
    assert "in all 4 ways of computing it" in said(found, "en")
    assert "en las 4 formas de calcularlo" in said(found, "es")
    assert "n = 3,000" in said(found, "en")


def test_a_first_place_that_depends_on_the_computation_is_said_to():
    # Only those who rated everything are asked again, and for them another driver counts most.
    table = survey(2000, 4, effects=(0.5, 0.2, 0.0, 0.0, 0.0), halo=0.2)
    whole = np.arange(2000) < 700
    table["outcome"] = np.where(whole, table["d1"], table["d0"]) + 0.5 * np.random.default_rng(0).normal(
        size=2000
    )
    table.loc[~whole, "d4"] = np.nan
    found = diagnose(table, "outcome", NAMES)
    (claim,) = found.claims
    assert claim.code == "drivers.fragile"
    assert (claim.fields["driver"], claim.fields["other"], claim.fields["way"]) == ("d0", "d1", "listwise")
    assert claim.fields["estimate"] == shares(found, "listwise")["d1"]
    assert claim.fields["share"] == shares(found)["d0"]
    assert claim.fields["n_way"] == 700
    assert said(found, "en") == (
        "“D0” comes first in explaining “Outcome” among all (69%), but “D1” (93%) among the 700 who rated "
        "every attribute (n = 2,000)."
    )
    assert "pero «D1» (93 %) entre los 700 que calificaron todos los atributos" in said(found, "es")
    turned = diagnose(table, "outcome", NAMES, not_applicable="listwise")
    assert turned.claims[0].fields["driver"] == "d1"
    assert "but “D0” (69%) among the 2,000 that there are with the others" in said(turned, "en")


def test_a_first_place_that_the_weights_decide_is_said_to_before_one_of_other_people():
    table = survey(2000, 4, effects=(0.5, 0.2, 0.0, 0.0, 0.0), halo=0.2)
    row = np.arange(2000)
    noise = 0.5 * np.random.default_rng(0).normal(size=2000)
    # The first 700 weigh five times; the last 400 alone rated everything, and lead by more.
    table["outcome"] = np.select([row < 700, row < 1600], [table["d1"], table["d0"]], table["d2"]) + noise
    table["weight"] = np.where(row < 700, 5.0, 1.0)
    table.loc[row < 1600, "d4"] = np.nan
    found = diagnose(table, "outcome", NAMES, weights="weight")
    agreement = found.tables["agreement"].set_index("way")
    assert agreement["leader"][["listwise", "unweighted"]].tolist() == ["d2", "d0"]
    (claim,) = found.claims
    assert (claim.fields["driver"], claim.fields["other"], claim.fields["way"]) == ("d1", "d0", "unweighted")
    assert "depends on how it is computed: “D1” by the main computation" in said(found, "en")


@pytest.mark.parametrize("seed", range(5))
def test_of_noise_no_first_place_is_said(seed):
    table = survey(200, seed, effects=(0.0,) * 5)
    assert diagnose(table, "recommend", NAMES).claims == () or any(
        c.code == "drivers.top" for c in importance(table, "recommend", NAMES, resamples=0).claims
    )


def test_inputs_are_not_changed():
    table = skipped(survey(200))
    before = table.copy(deep=True)
    diagnose(table, "recommend", NAMES, outcome_type="nps")
    pd.testing.assert_frame_equal(table, before)


def test_a_diagnosis_takes_seconds():
    table = skipped(survey(5000))
    begun = time.process_time()
    diagnose(table, "recommend", NAMES, outcome_type="nps", weights="weight")
    assert time.process_time() - begun < 4


def test_the_noise_line_is_that_of_importance():
    table = survey(400, 2)
    found = diagnose(table, "outcome", NAMES, seed=3).table.set_index("driver")
    same = importance(table, "outcome", NAMES, resamples=50, seed=3).table.set_index("driver")
    np.testing.assert_allclose(found["noise_share"], same.loc[found.index, "noise_share"])
    assert (found["beats_noise"] == same.loc[found.index, "beats_noise"]).all()
    assert 0 < found["noise_share"].max() < 0.1
