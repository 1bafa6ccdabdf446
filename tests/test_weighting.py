"""What is known of weights: convergence, caps, sources of the targets, and what is said of the population."""

import numpy as np
import pandas as pd
import pytest

from cxlab.analysis import benchmark, metrics, waves
from cxlab.analysis.estimates import Claim
from cxlab.errors import AnalysisError
from cxlab.reporting import claims
from cxlab.reporting.words import Words

CHANNELS = {"app": 0.4, "store": 0.35, "web": 0.25}


@pytest.fixture
def sample():
    rng = np.random.default_rng(7)
    return pd.DataFrame(
        {
            "channel": rng.choice(list(CHANNELS), 300, p=[0.85, 0.05, 0.1]),
            "sex": rng.choice(["F", "M"], 300),
            "recommend": rng.choice([3.0, 8, 10], 300),
            "weight": rng.lognormal(0, 0.5, 300),
        }
    )


def targets(**more):
    rows = [("channel", name, share) for name, share in CHANNELS.items()] + [
        ("sex", "F", 0.5),
        ("sex", "M", 0.5),
    ]
    return pd.DataFrame(rows, columns=["variable", "category", "share"]).assign(**more)


def told(result, language="es"):
    words = Words(language)
    said = [claims.sentence(c, words) for c in result.claims]
    return " ".join([*said, *(text for c in result.claims for text in claims.caveats(c, words))]).replace(
        "\xa0", " "
    )


def test_raking_reports_how_it_came_to_its_end(sample):
    raked = metrics.rake(sample, targets(), base_weight="weight")
    checks = raked.tables["checks"].set_index("check")["value"]
    assert 2 <= raked.rounds == checks["rounds"] <= 40
    assert raked.off == checks["margins_off"] < 1e-9
    assert "trimmed" not in checks
    assert (raked.table["after"] - raked.table["target"]).abs().max() < 1e-9


def test_a_cap_is_kept_told_and_paid_for_in_margins(sample):
    free = metrics.rake(sample, targets(), base_weight="weight")
    capped = metrics.rake(sample, targets(), base_weight="weight", trim=3)
    assert capped.weights.max() == pytest.approx(3 * capped.weights.mean())
    assert capped.weights.sum() == pytest.approx(free.weights.sum())
    cut = (free.weights - capped.weights).clip(lower=0).sum() / free.weights.sum()
    checks = capped.tables["checks"].set_index("check")
    assert capped.trimmed == checks.loc["trimmed", "value"] == pytest.approx(cut)
    assert 0.05 < capped.trimmed < 0.5
    assert "compare the results without it" in checks.loc["trimmed", "advice"]
    assert "keeps the sample off the population" in checks.loc["margins_off", "advice"]
    assert capped.design_effect < free.design_effect
    assert "Un tope recorta los pesos mayores" in told(capped)
    assert "Un tope" not in told(free)
    rare = metrics.weigh(sample, "given", trim=2)
    assert rare.weights.max() == pytest.approx(2 * rare.weights.mean())


@pytest.mark.parametrize("trim", [1, 0.5, -3, "5"])
def test_a_cap_that_is_none_is_refused(sample, trim):
    with pytest.raises(
        AnalysisError, match="trim is .*give how many mean weights the largest may be, more than 1"
    ):
        metrics.rake(sample, targets(), trim=trim)


def test_targets_say_where_they_were_read_and_of_which_day(sample):
    raked = metrics.rake(sample, targets(source="Registro civil", date=pd.Timestamp("2024-11-04")))
    assert raked.table[["source", "date"]].drop_duplicates().to_numpy().tolist() == [
        ["Registro civil", "2024-11-04"]
    ]
    assert "la población según «Registro civil», al 4 de noviembre de 2024" in told(raked)
    assert "“Registro civil” on" in told(raked, "en")
    assert "targets_unsourced" not in raked.claims[0].caveats
    undated = metrics.rake(sample, targets(source="CRM"))
    assert "«CRM», sin fecha declarada" in told(undated)
    assert "targets_unsourced" in undated.claims[0].caveats
    assert "no consta de dónde salen" in told(metrics.rake(sample, targets()))
    assert list(metrics.rake(sample, targets()).table) == [
        "variable",
        "category",
        "target",
        "before",
        "after",
        "n",
    ]


def test_without_targets_nothing_is_claimed_about_the_population(sample):
    plain = metrics.weigh(sample, "none")
    assert "nada se afirma de la población" in told(plain)
    assert "nothing is claimed about the population" in told(plain, "en")
    level = metrics.score(sample, "nps", weights=plain)
    assert level.claims[0].caveats == ("no_population_claim",)
    assert level.settings["weights"] is None
    given = metrics.weigh(sample, "given")
    assert "no consta a qué población llevan" in told(given)
    assert metrics.score(sample, "nps", weights=given).settings["weights"] == "weight"
    assert "weights_mend_mix" in metrics.score(sample, "nps", weights=given).claims[0].caveats


def test_what_weights_cost_is_claimed(sample):
    raked = metrics.rake(sample, targets())
    cost = next(c for c in raked.claims if c.code == "intake.weight_cost")
    assert cost.fields["n_eff"] == pytest.approx(raked.n_eff)
    assert isinstance(cost, Claim)
    assert "efecto de diseño" in told(raked)


def test_given_weights_are_the_column(sample):
    by_column = metrics.score(sample, "nps", weights="weight").table
    by_weighting = metrics.score(sample, "nps", weights=metrics.weigh(sample, "given")).table
    pd.testing.assert_frame_equal(by_column, by_weighting)


def test_design_effects_of_kish_and_of_taylor_are_told(sample):
    sample = sample.assign(store=np.repeat(range(30), 10))
    result = metrics.score(sample, "nps", weights="weight", cluster="store")
    checks = result.tables["checks"].set_index("check")["value"]
    row = result.table.iloc[0]
    w = sample["weight"]
    assert checks["design_effect_kish"] == pytest.approx(300 * (w**2).sum() / w.sum() ** 2)
    spread = (
        1e4 * (w * metrics.contribution(sample, "nps").abs() / 100).sum() / w.sum() - row["estimate"] ** 2
    )
    assert checks["design_effect_taylor"] == pytest.approx(row["std_error"] ** 2 / (spread / 299))
    assert checks["design_effect"] == pytest.approx(
        max(checks["design_effect_kish"], checks["design_effect_taylor"])
    )


def answered(seed=6):
    """Two brands in two waves; who is content is settled by the kind of customer, not by chance."""
    rng = np.random.default_rng(seed)
    n = 2000
    table = pd.DataFrame({
        "brand": rng.choice(["us", "them"], n), "wave": rng.choice(["W1", "W2"], n),
        "kind": rng.choice(["a", "b", "c"], n, p=[0.5, 0.3, 0.2]),
    })  # fmt: skip
    for column in ("brand", "wave"):
        table[f"{column}_kind"] = table[column] + table["kind"]
    settled = table["kind"].map({"a": 10, "b": 8, "c": 2})
    table["recommend"] = np.where((table["brand"] == "them") & (table["kind"] == "b"), 2, settled)
    return table


def tilted(table, column):
    shares = table[column].value_counts(normalize=True).sort_index()
    shares = shares * np.linspace(0.8, 1.2, len(shares))
    shares = shares / shares.sum()
    return pd.DataFrame({"variable": column, "category": shares.index, "share": shares.to_numpy()})


@pytest.mark.parametrize(
    ("column", "compared"),
    [
        ("brand_kind", lambda t, w: benchmark.compare(t, "nps", unit="brand", focal="us", weights=w)),
        ("wave_kind", lambda t, w: waves.change(t, "nps", wave="wave", weights=w)),
        ("wave_kind", lambda t, w: waves.contrast(t, "nps", wave="wave", weights=w)),
    ],
    ids=["compare", "change", "contrast"],
)
def test_what_the_margins_settle_has_no_error_in_a_comparison(column, compared):
    """Where margins tell how many of each side gave each answer, nothing is left to chance."""
    table = answered()
    if column == "wave_kind":
        table = table[table["brand"] == "us"].reset_index(drop=True)
    weighting = metrics.rake(table, tilted(table, column))
    known = compared(table, weighting)
    plain = compared(table.assign(w=weighting.weights), "w")
    estimate = known.estimate_column
    assert known.table[estimate].to_numpy() == pytest.approx(plain.table[estimate].to_numpy(), abs=1e-9)
    assert plain.table["std_error"].iloc[0] > 1
    assert known.table["std_error"].iloc[0] < 1e-5
    assert known.settings["weights"] == "raked"


def test_a_change_of_definition_knows_the_margins_too_and_who_answers_twice():
    table = answered().query("brand == 'us'").reset_index(drop=True)
    table = table.assign(customer_id=np.arange(len(table)) // 2, response_id=np.arange(len(table)))
    weighting = metrics.rake(table, tilted(table, "wave_kind"))
    table["old"] = np.where(table["kind"] == "c", 8, table["recommend"])
    asked = {"wave": "wave", "formerly": "nps", "columns_formerly": "old"}
    known = waves.change(table, "nps", weights=weighting, **asked).table
    plain = waves.change(table.assign(w=weighting.weights), "nps", weights="w", **asked).table
    assert known["difference"].to_numpy() == pytest.approx(plain["difference"].to_numpy(), abs=1e-9)
    assert (known["std_error"] < plain["std_error"].max() / 1e3).all()
