"""Kinds of outcomes: how each is scored, in which unit its coefficients read, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from cxlab.analysis import metrics
from cxlab.analysis.drivers import compare, importance, penalty_reward
from cxlab.errors import AnalysisError
from cxlab.reporting.claims import sentence
from cxlab.reporting.figures import draw_importance
from cxlab.reporting.words import Words

DRIVERS = ["ease", "price", "advice"]


def answers(n=400, seed=0):
    """Ratings of 1 to 7 and, of the same latent judgement, an answer of 0 to 10 and three classes."""
    rng = np.random.default_rng(seed)
    latent = 0.6 * rng.normal(size=(n, 1)) + 0.8 * rng.normal(size=(n, 3))
    table = pd.DataFrame(np.clip(np.round(4.5 + 1.3 * latent), 1, 7), columns=DRIVERS)
    judged = latent @ [1.2, 0.6, 0.0] + rng.normal(size=n)
    classes = pd.Categorical.from_codes(
        np.searchsorted([-0.5, 1.0], judged), ["low", "medium", "high"], ordered=True
    )
    return table.assign(recommend=np.clip(np.round(6.5 + 1.8 * judged), 0, 10), satisfied=classes)


def rows(table, outcome, kind, **options):
    result = importance(table, outcome, DRIVERS, outcome_type=kind, resamples=0, **options)
    return result, result.table.set_index("driver").loc[DRIVERS]


def test_nps_is_scored_as_the_index_is_and_reads_in_its_points():
    table = answers()
    result, found = rows(table, "recommend", "nps")
    scored = metrics.scored(table, ["nps"]).rename(columns={"nps": "score"})
    _, expected = rows(scored, "score", "numeric")
    columns = ["share", "coefficient", "coefficient_low"]
    assert found[columns].to_numpy() == pytest.approx(expected[columns].to_numpy(), abs=1e-12)
    assert result.settings["outcome_type"] == "nps"
    assert result.settings["unit_coefficient"] == "points"


def test_numeric_stays_as_it_is():
    table = answers()
    _, plain = rows(table, "recommend", "numeric")
    default = importance(table, "recommend", DRIVERS, resamples=0)
    assert default.settings["unit_coefficient"] == "scale"
    assert default.table.set_index("driver")["share"][DRIVERS].tolist() == plain["share"].tolist()


@pytest.mark.parametrize(
    "written",
    [
        lambda yes: yes,
        lambda yes: yes.astype(int),
        lambda yes: yes.astype("boolean"),
        lambda yes: yes.astype(object),
        lambda yes: pd.Series(pd.Categorical.from_codes(yes.astype(int), ["stays", "leaves"], ordered=True)),
    ],
    ids=["bool", "number", "nullable", "object", "ordered categories"],
)
def test_binary_reads_in_percentage_points_however_it_is_written(written):
    table = answers()
    yes = table["recommend"] >= 7
    result, found = rows(table.assign(yes=written(yes)), "yes", "binary")
    _, hundred = rows(table.assign(yes=100.0 * yes), "yes", "numeric")
    assert found["coefficient"].to_numpy() == pytest.approx(hundred["coefficient"].to_numpy(), abs=1e-12)
    assert result.settings["unit_coefficient"] == "percent"


def test_ordered_classes_count_in_steps_of_their_order():
    table = answers()
    result, found = rows(table, "satisfied", "ordered")
    _, by_hand = rows(table.assign(steps=table["satisfied"].cat.codes), "steps", "numeric")
    assert found["coefficient"].to_numpy() == pytest.approx(by_hand["coefficient"].to_numpy(), abs=1e-12)
    assert result.settings["unit_coefficient"] == "steps"
    # Few numbers are classes, too: only their order counts.
    _, numbers = rows(table.assign(odd=by_hand_numbers(table)), "odd", "ordered")
    assert numbers["coefficient"].to_numpy() == pytest.approx(found["coefficient"].to_numpy(), abs=1e-12)


def by_hand_numbers(table):
    return table["satisfied"].cat.codes.map({0: -5.0, 1: 2.0, 2: 90.0})


def test_a_class_that_nobody_chose_keeps_its_step():
    table = answers()
    wider = table["satisfied"].cat.set_categories(["low", "medium", "so-so", "high"], ordered=True)
    _, found = rows(table.assign(wider=wider), "wider", "ordered")
    steps = table["satisfied"].map({"low": 0.0, "medium": 1.0, "high": 3.0}).astype(float)
    _, by_hand = rows(table.assign(steps=steps), "steps", "numeric")
    assert found["coefficient"].to_numpy() == pytest.approx(by_hand["coefficient"].to_numpy(), abs=1e-12)


def test_missing_answers_are_dropped_under_every_type():
    table = answers().assign(yes=lambda t: (t["recommend"] >= 7).astype("boolean"))
    table.loc[:9, ["recommend", "satisfied", "yes"]] = None
    for outcome, kind in (("recommend", "nps"), ("yes", "binary"), ("satisfied", "ordered")):
        assert rows(table, outcome, kind)[0].n_dropped == {f"{outcome} missing": 10}


def test_inputs_are_not_changed():
    table = answers().assign(yes=lambda t: (t["recommend"] >= 7).astype(object))
    before = table.copy(deep=True)
    for outcome, kind in (("recommend", "nps"), ("yes", "binary"), ("satisfied", "ordered")):
        rows(table, outcome, kind)
    pd.testing.assert_frame_equal(table, before)


# In words.


def test_a_coefficient_is_told_in_its_unit():
    table = answers(900, 3)
    told = {}
    for outcome, kind in (("recommend", "nps"), ("promoter", "binary"), ("satisfied", "ordered")):
        result, _ = rows(table.assign(promoter=table["recommend"] >= 9), outcome, kind)
        halo = next(c for c in result.claims if c.code == "drivers.halo")
        told[kind] = sentence(halo, Words("en")).replace("\N{NO-BREAK SPACE}", " ")
    assert "points (95%" in told["nps"]
    assert "p.p. (95%" in told["binary"]
    assert "levels (95%" in told["ordered"]


def test_a_coefficient_on_a_scored_index_is_told_in_the_index_unit():
    table = answers(900, 3)
    scored = table.assign(
        nps=np.select([table["recommend"] <= 6, table["recommend"] >= 9], [-100.0, 100.0], 0.0)
    )
    index, raw = rows(scored, "nps", "numeric")[0], rows(table, "recommend", "nps")[0]
    said = [
        next(sentence(c, Words("es")) for c in result.claims if c.code == "drivers.halo")
        for result in (index, raw)
    ]
    assert "puntos" in said[0]
    assert said[0] == said[1]
    head = "Puntos por nota"
    assert head in [text.get_text() for text in draw_importance(index, words=Words("es")).texts]


def test_penalties_and_segments_take_the_outcome_type_too():
    table = answers(900, 3).assign(half=lambda t: np.where(t.index % 2, "a", "b"))
    kinds = penalty_reward(table, "recommend", DRIVERS, outcome_type="nps", cuts=(3, 6), resamples=0)
    points = penalty_reward(
        table.assign(s=np.select([table["recommend"] <= 6, table["recommend"] >= 9], [-100, 100], 0)),
        "s", DRIVERS, cuts=(3, 6), resamples=0,
    )  # fmt: skip
    assert kinds.table["penalty"].tolist() == points.table["penalty"].tolist()
    assert kinds.claims[0].fields["unit"] == "points"
    parts = compare(table, "recommend", DRIVERS, outcome_type="nps", by=["half"], resamples=0)
    one = importance(table[table["half"] == "a"], "recommend", DRIVERS, outcome_type="nps", resamples=0)
    assert parts.table.query("half == 'a'")["coefficient"].tolist() == one.table["coefficient"].tolist()


# What is refused.


def refused(match, kind, values, **scales):
    table = answers(60).assign(y=values)
    table.attrs["scales"] = scales
    with pytest.raises(AnalysisError, match=match):
        importance(table, "y", DRIVERS, outcome_type=kind, resamples=0)


def test_an_unknown_type_is_refused():
    refused(r"outcome_type is 'logit'; allowed: numeric, nps, binary, ordered", "logit", 1.0)


def test_nps_needs_whole_answers_of_its_scale():
    varied = answers(60)["recommend"]
    refused(r"column y: found -100.*allowed: from 0 to 10.*metric for that scale", "nps", [-100, 0, 100] * 20)
    refused(
        r"column y: found 7.5.*allowed: whole numbers from 0 to 10", "nps", varied.where(varied != 7, 7.5)
    )
    refused(r"row 3, column y: found 99.*declare codes of no answer under missing", "nps", [9, 3, 99, 7] * 15)
    refused(
        r"column y: found a scale declared as 1 to 10.*allowed: a scale from 0 to 10",
        "nps",
        varied,
        y=[1, 10],
    )
    refused(
        r"column y: found answers that read as a scale from 1 to 7", "nps", [1, 2, 3, 4, 5, 6, 7, 7, 5, 6] * 6
    )
    refused(r"column y: found one value only \(9-10\).*allowed: a column that varies", "nps", [9, 10] * 30)


def test_binary_needs_two_classes_and_a_clear_one():
    refused(
        r"column y: found 1, 2; allowed: no and yes, as 0 and 1. say which answers count",
        "binary",
        [1, 2] * 30,
    )
    refused(
        r"column y: found text or categories \('no'\).*recode them to 0 and 1", "binary", ["no", "yes"] * 30
    )
    refused(r"column y: found one class only \(1\); allowed: two classes. widen", "binary", 1)
    refused(r"column y: found one class only \(1\)", "binary", [True] * 60)
    three = pd.Categorical(["a", "b", "c"] * 20, ordered=True)
    refused(r"column y: found a, b, c; allowed: two classes. group the classes into two", "binary", three)
    # Two classes in the column, one among those who rated.
    rated = answers(60)
    rated.loc[30:, DRIVERS] = np.nan
    with pytest.raises(AnalysisError, match=r"column y: found one value only \(0\)"):
        importance(rated.assign(y=[0] * 30 + [1] * 30), "y", DRIVERS, outcome_type="binary", resamples=0)


def test_ordered_needs_an_order_and_few_classes():
    refused(
        r"column y: found text or categories \('b'\).*give the classes an order", "ordered", ["b", "a"] * 30
    )
    refused(
        r"column y: found 60 different numbers; allowed: at most 11 classes. group them into classes",
        "ordered",
        np.arange(60.0),
    )
    refused(r"column y: found 99 .*code for no answer", "ordered", [1, 2, 3, 99] * 15)


def test_outcome_and_drivers_are_told_together():
    table = answers(60).assign(ease="good", y=["no", "yes"] * 30)
    with pytest.raises(AnalysisError, match=r"(?s)column y: found text.*column ease: found text"):
        importance(table, "y", DRIVERS, outcome_type="binary", resamples=0)
