"""Importance against performance: scaling, quadrants, what the bootstrap says of them, what is refused."""

import numpy as np
import pandas as pd
import pytest

from cxlab.analysis.drivers import importance, importance_performance
from cxlab.analysis.drivers.priorities import QUADRANTS
from cxlab.errors import AnalysisError

SCALES = dict.fromkeys("abcd", (1, 7))


def survey(n=800, seed=0, rated=1.0):
    """Ratings of 1 to 7: a weighs much and is low, b weighs much and is high, c and d weigh little."""
    rng = np.random.default_rng(seed)
    levels = {"a": 3.0, "b": 6.0, "c": 3.0, "d": 6.0}
    table = pd.DataFrame({k: np.clip(np.round(m + rng.normal(size=n)), 1, 7) for k, m in levels.items()})
    table["y"] = table["a"] + table["b"] + 0.1 * (table["c"] + table["d"]) + rng.normal(size=n)
    table.loc[rng.random(n) > rated, "a"] = np.nan
    return table


def found(table=None, **options):
    return importance(survey() if table is None else table, "y", list("abcd"), resamples=300, **options)


def test_quadrants_and_performance_on_the_questionnaires_scale():
    table = survey()
    result = importance_performance(found(table), scales=SCALES)
    own = result.table.set_index("driver")
    assert own.loc[list("abcd"), "quadrant"].tolist() == list(QUADRANTS)
    assert own.loc["a", "performance"] == pytest.approx(100 * (table["a"].mean() - 1) / 6)
    error = 100 / 6 * table["a"].std() / np.sqrt(len(table))
    half = (own.loc["a", "performance_high"] - own.loc["a", "performance_low"]) / 2
    assert half == pytest.approx(1.96 * error, rel=0.15)
    assert (own["p_quadrant"] > 0.99).all()
    assert result.importance_line == pytest.approx(0.25)
    assert result.performance_line == pytest.approx(own["performance"].mean())
    claim = result.claims[0]
    assert [c.code for c in result.claims] == ["drivers.priority"]
    assert claim.fields["driver"] == "a"
    assert claim.grade == "C"


def test_a_target_moves_the_line_and_performance_is_of_those_who_rated():
    table = survey(rated=0.4)
    result = importance_performance(found(table), scales=SCALES, target=95)
    own = result.table.set_index("driver")
    assert own.loc["b", "quadrant"] == "concentrate"
    assert own.loc["a", "performance"] == pytest.approx(100 * (table["a"].mean() - 1) / 6)
    assert own.loc["a", "n"] == table["a"].notna().sum()
    assert result.performance_line == 95


def test_coefficients_instead_of_shares():
    answers = found()
    result = importance_performance(answers, scales=SCALES, importance="coefficient")
    own = result.table.set_index("driver")
    main = answers.table.set_index("driver")
    assert result.estimate_column == "coefficient"
    assert own["coefficient"].to_dict() == main["coefficient"].to_dict()
    assert own["conf_low"].to_dict() == main["coefficient_low"].to_dict()
    assert own.loc["a", "quadrant"] == "concentrate"


def test_groups_have_the_mean_of_their_members_and_no_coefficient():
    answers = found(groups={"both": ["a", "b"]})
    own = importance_performance(answers, scales=SCALES).table.set_index("driver")
    alone = importance_performance(found(), scales=SCALES).table.set_index("driver")["performance"]
    assert own.loc["both", "performance"] == pytest.approx((alone["a"] + alone["b"]) / 2)
    by_effect = importance_performance(answers, scales=SCALES, importance="coefficient").table
    assert set(by_effect["driver"]) == {"c", "d"}


def test_declared_scales_are_taken_and_a_given_one_wins():
    table = survey()
    table.attrs["scales"] = dict.fromkeys("abcd", (1, 7))
    declared = importance_performance(found(table)).table.set_index("driver")["performance"]
    other = importance_performance(found(table), scales={"a": (0, 10)}).table.set_index("driver")[
        "performance"
    ]
    assert other["b"] == declared["b"]
    assert other["a"] == pytest.approx(10 * table["a"].mean())


def test_drivers_that_cannot_be_told_apart_have_no_priority():
    rng = np.random.default_rng(3)
    table = pd.DataFrame(rng.integers(1, 8, size=(120, 4)).astype(float), columns=list("abcd"))
    table["y"] = table.sum(axis=1) + 4 * rng.normal(size=120)
    result = importance_performance(found(table), scales=SCALES)
    claim = result.claims[0]
    assert claim.code == "drivers.no_priority"
    stated = [c.fields["driver"] for c in found(table).claims if c.code == "drivers.top"]
    told = result.table[result.table["driver"].isin(stated)]
    assert claim.fields["probability"] == told["p_concentrate"].max()
    assert claim.fields["standing"]
    assert (result.table["p_quadrant"] < 0.95).any()


def test_noise_is_never_a_priority_however_low_it_is_rated():
    for seed in range(15):
        rng = np.random.default_rng(seed)
        levels = np.array([2.0, 5.0, 5.0, 5.0])
        table = pd.DataFrame(
            np.clip(np.round(levels + rng.normal(size=(300, 4))), 1, 7), columns=list("abcd")
        )
        table["y"] = rng.normal(size=300)
        answers = found(table)
        result = importance_performance(answers, scales=SCALES)
        stands = {c.fields["driver"] for c in answers.claims if c.code == "drivers.top"}
        assert {c.fields["driver"] for c in result.claims if c.code == "drivers.priority"} <= stands
        for claim in (c for c in result.claims if c.code == "drivers.no_priority"):
            assert claim.fields["standing"] == (claim.fields["driver"] in stands)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"importance": "rank"}, "importance is 'rank'; allowed: share, coefficient"),
        ({"target": 700}, "target is 700; give a performance between 0 and 100"),
        ({"level": 2}, "level is 2; give a confidence level"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(AnalysisError, match=message):
        importance_performance(found(), **{"scales": SCALES, **options})


def test_without_a_bootstrap_there_are_places_and_no_certainty():
    answers = importance(survey(), "y", list("abcd"), resamples=0)
    result = importance_performance(answers, scales=SCALES)
    assert result.table.set_index("driver").loc["a", "quadrant"] == "concentrate"
    assert (
        result.table[["p_quadrant", "p_concentrate", "performance_low", "performance_high"]]
        .isna()
        .all(axis=None)
    )
    assert result.claims == ()


def test_a_driver_without_scale_is_left_out_by_name():
    result = importance_performance(found(), scales={"a": (1, 7), "b": (1, 7)})
    assert set(result.table["driver"]) == {"a", "b"}
    assert set(result.tables["left_out"]["driver"]) == {"c", "d"}
    assert result.tables["left_out"]["reason"].str.contains("add it to `scales:` in client.yaml").all()
    none = importance_performance(found())
    assert none.table.empty
    assert len(none.tables["left_out"]) == 4
    assert none.claims == ()


def test_groups_alone_have_no_coefficient():
    answers = found(groups={"one": ["a", "b"], "other": ["c", "d"]})
    with pytest.raises(AnalysisError, match="no driver has a coefficient; use importance='share'"):
        importance_performance(answers, scales=SCALES, importance="coefficient")
