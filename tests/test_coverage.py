"""Coverage: rows, bases, missing answers, contacts, population; by hand, by property and by simulation."""

import os
from dataclasses import replace

import coverage_examples as examples
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxlab.analysis import coverage, metrics
from cxlab.analysis.disclosure import protected
from cxlab.analysis.estimates import MINIMUM_CUSTOMERS, Claim, masked
from cxlab.analysis.intervals import wilson
from cxlab.errors import AnalysisError
from cxlab.reporting.claims import sentence
from cxlab.reporting.words import Words

REPLICATIONS = int(os.environ.get("CXLAB_REPLICATIONS", 200))


def claim(result, code) -> Claim:
    return next(c for c in result.claims if c.code == code)


def said(found: Claim, language: str = "en") -> str:
    return sentence(found, Words(language)).replace("\N{NO-BREAK SPACE}", " ")


def row(table, **where):
    kept = table
    for column, value in where.items():
        kept = kept[kept[column] == value]
    assert len(kept) == 1, where
    return kept.iloc[0]


# Rows that came and rows that are used


def test_rows_read_are_rows_used_and_rows_left_out():
    found = coverage.flow(examples.ledger())
    assert found.table[["read", "used", "excluded"]].to_numpy().tolist() == [
        [114, 100, 14], [300, 298, 2], [5000, 5000, 0]
    ]  # fmt: skip
    kept = claim(found, "intake.kept")
    assert kept.fields["excluded"] == 16
    assert (kept.fields["reason"], kept.fields["of_reason"]) == ("previews", 14)
    assert said(kept) == (
        "Of the 5,414 rows that came in 3 files, 5,398 are used; 16 are left out, most of them for "
        "“previews” (14)."
    )


def test_a_ledger_that_does_not_add_up_is_refused():
    ledger = examples.ledger()
    for column, place in (("used", 0), ("excluded", 1)):
        broken = ledger.copy()
        broken.loc[place, column] += 1
        with pytest.raises(AnalysisError, match="does not add up"):
            coverage.flow(broken)


def test_nothing_left_out_is_said_so():
    found = coverage.flow(examples.ledger().iloc[[5]])
    assert [c.code for c in found.claims] == ["intake.all_kept"]
    assert said(found.claims[0], "es") == "Se usan todas las 5.000 filas que llegaron en 1 archivo."


# Bases


def test_bases_by_hand():
    found = coverage.bases(examples.answers(), ["region"], wave="wave_id", targets=examples.TARGETS)
    far = row(found.table, variable="region", category="XII")
    assert (far["n"], far["flag"], far["target"]) == (17, "low_base", 0.03)
    assert far["part"] == pytest.approx(17 / 400)
    by_wave = found.tables["by_wave"]
    assert by_wave["n"].sum() == 400
    assert list(by_wave[by_wave["category"] == "XII"]["flag"]) == ["suppressed", "suppressed"]
    levels = found.tables["levels"].set_index("variable")
    assert list(levels.loc["region", ["verdict", "cells", "low", "hidden"]]) == ["hold", 3, 1, 0]
    assert list(levels.loc["region x wave_id", ["verdict", "cells", "low", "hidden"]]) == ["hold", 6, 2, 2]


def test_verdicts_follow_the_share_of_low_cells():
    table = pd.DataFrame({"fine": ["a"] * 90 + ["b"] * 60, "store": [f"s{k // 35}" for k in range(150)]})
    found = coverage.bases(table, ["fine", "store"])
    assert list(found.tables["levels"]["verdict"]) == ["publish", "with care"]
    assert list(found.tables["levels"]["low"]) == [0, 1]
    assert said(found.claims[0], "es") == (
        "Se puede informar a nivel Fine: todas sus celdas tienen una base de 30 o más (n = 150)."
    )
    assert "Store (1 de 5 celdas)" in said(found.claims[1], "es")


def test_a_level_that_may_not_be_published_says_how_many_cells():
    table = pd.DataFrame({"store": [f"s{k}" for k in range(40) for _ in range(25 if k < 17 else 40)]})
    found = coverage.bases(table, ["store"])
    assert said(claim(found, "intake.hold")) == (
        "Results should not be published by Store (17 of 40 cells): those cells have a base under 30 "
        f"(n = {len(table):,})."
    )


def test_a_person_who_answers_often_is_one_person():
    table = pd.DataFrame({"region": ["RM"] * 50 + ["V"] * 40, "customer_id": [1, 2] * 25 + list(range(40))})
    table["response_id"] = range(90)
    found = coverage.bases(table, ["region"])
    assert row(found.table, category="RM")["flag"] == "suppressed"
    assert np.isnan(row(masked(found).table, category="RM")["n"])


def test_effective_bases_are_those_of_kish():
    table = pd.DataFrame({"region": ["RM"] * 60, "weight": [1.0, 3.0] * 30})
    found = coverage.bases(table, ["region"], weights="weight")
    assert found.table["n_eff"][0] == pytest.approx(60 * 4**2 / (2 * (1 + 9)))


def test_rows_without_a_value_are_counted_as_left_out():
    table = pd.DataFrame({"region": ["RM"] * 40 + [None] * 5})
    found = coverage.bases(table, ["region"])
    assert {str(reason): n for reason, n in found.n_dropped.items()} == {"without region": 5}
    assert found.table["part"].tolist() == [1.0]


def test_a_level_that_crosses_a_column_with_itself_is_refused():
    with pytest.raises(AnalysisError, match="crosses a column with itself"):
        coverage.bases(examples.answers(), ["region x region"])
    with pytest.raises(AnalysisError, match="no column comuna"):
        coverage.bases(examples.answers(), ["region x comuna"])


def test_a_hidden_base_takes_another_with_it():
    found = coverage.bases(pd.DataFrame({"r": ["a"] * 80 + ["b"] * 40 + ["c"] * 7}), ["r"])
    assert list(found.table["flag"]) == ["ok", "suppressed", "suppressed"]
    assert list(found.table["withheld"]) == [False, True, False]
    assert found.tables["levels"]["hidden"].tolist() == [1]


def crossed(counts):
    return pd.DataFrame([pair for pair, n in counts.items() for _ in range(n)], columns=["a", "b"])


def test_a_base_hidden_with_another_is_never_the_only_one_of_its_line():
    counts = {(a, b): 40 for a in "xyz" for b in "123"} | {("x", "1"): 7}
    found = coverage.bases(crossed(counts), ["a", "b", "a x b"])
    table = found.table[found.table["variable"] == "a x b"]
    hidden = table[table["flag"] == "suppressed"]["category"]
    assert len(hidden) == 4
    for place in (0, 1):
        lines = hidden.str.split(" x ").str[place].value_counts()
        assert (lines > 1).all()


def test_a_hidden_total_is_not_the_sum_of_parts_that_are_shown():
    counts = {("x", "1"): 7, ("y", "1"): 31, ("y", "2"): 31, **{("z", str(b)): 12 for b in range(10)}}
    found = coverage.bases(crossed(counts), ["a", "a x b"])
    table = found.table.set_index(["variable", "category"])
    assert table.loc[("a", "y"), "withheld"]
    assert (table.loc[[("a x b", "y x 1"), ("a x b", "y x 2")], "flag"] == "suppressed").any()


cells = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=160)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(cells)
def test_no_hidden_base_follows_from_those_shown(pairs):
    table = pd.DataFrame(pairs, columns=["a", "b"]).astype(str)
    found = coverage.bases(table, ["a", "b", "a x b"])
    shown = masked(found).table.set_index(["variable", "category"])["n"]
    whole = found.table.set_index(["variable", "category"])["n"]
    lines = [("", None, whole.loc[["a"]]), ("", None, whole.loc[["b"]])]
    for level, place in (("a", 0), ("b", 1)):
        for value in table[level].unique():
            crossed = whole.loc[["a x b"]]
            own = [key for key in crossed.index if key[1].split(" x ")[place] == value]
            lines.append((level, value, crossed.loc[own]))
    for level, value, parts in lines:
        total_shown = not np.isnan(shown[(level, value)]) if level else len(table) >= MINIMUM_CUSTOMERS
        hidden = [key for key in parts.index if np.isnan(shown[key])]
        if total_shown and hidden:
            assert len(hidden) > 1
            assert whole[hidden].sum() >= MINIMUM_CUSTOMERS
        if not total_shown:
            assert hidden, "a hidden total is the sum of parts that are all shown"
    assert not (shown < MINIMUM_CUSTOMERS).any()


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=8))
def test_protection_hides_every_small_base_and_no_more_than_it_must(sizes):
    named = [frozenset(), *(frozenset({("a", k)}) for k in range(len(sizes)))]
    hidden = protected(named, [sum(sizes), *sizes])
    small = np.array([sum(sizes), *sizes]) < MINIMUM_CUSTOMERS
    assert (hidden >= small).all()
    if not small.any():
        assert not hidden.any()
    assert (hidden & ~small).sum() <= 2


# Missing answers


def test_missing_answers_by_hand():
    found = coverage.missing(examples.answers(), reasons=examples.reasons())
    ease = row(found.table, item="ease")
    assert ease[["answered", "refused", "open"]].tolist() == pytest.approx([392 / 400, 5 / 400, 3 / 400])
    wait = row(found.table, item="attr_wait")
    assert (wait["n"], wait["not_asked"]) == (170, 230 / 400)
    assert wait["unexplained"] == pytest.approx(10 / 170)
    assert not wait["over_limit"]
    knowledge = row(found.table, item="attr_knowledge")
    assert (knowledge["n"], knowledge["unexplained"], knowledge["over_limit"]) == (400, 0.6, True)
    late = row(found.table, item="attr_late")
    assert (late["n"], late["absent"], late["dont_know"]) == (220, 180 / 400, 20 / 400)


@pytest.mark.parametrize("given_reasons", [None, "all"])
def test_states_of_a_question_add_up_to_all_rows(given_reasons):
    reasons = examples.reasons() if given_reasons else None
    found = coverage.missing(examples.answers(), reasons=reasons)
    states = [
        c
        for c in found.table.columns
        if c not in ("item", "unexplained", "conf_low", "conf_high", "n", "over_limit", "flag")
    ]
    assert len(states) == 8
    assert found.table[states].sum(axis=1).to_numpy() == pytest.approx(1.0)
    if reasons is None:
        assert row(found.table, item="attr_late")["open"] == 0.5


def test_the_question_with_most_unexplained_is_named():
    found = coverage.missing(examples.answers(), reasons=examples.reasons())
    over = claim(found, "intake.unexplained")
    assert over.headline
    assert (over.fields["column"], over.fields["over"], over.fields["items"]) == ("attr_knowledge", 1, 4)
    fine = coverage.missing(examples.answers(), ["ease"], reasons=examples.reasons())
    assert said(claim(fine, "intake.explained"), "es").startswith(
        "En la única pregunta, «Facilidad», no falta sin explicación más de 30 %: 0,8 % (intervalo"
    )


def test_questions_missing_in_the_same_rows_are_one_skip():
    found = coverage.missing(examples.answers(), reasons=examples.reasons())
    together = found.tables["together"]
    assert together["questions"].tolist() == [("attr_wait", "attr_knowledge")]
    assert together["part"].tolist() == [0.6]
    assert together["explained"][0] == pytest.approx(1 - np.mean([10 / 240, 1.0]))
    assert "nothing says why" in said(claim(found, "intake.skip"))


def test_a_codebook_filter_explains_blanks_and_says_it_was_not_checked():
    codebook = pd.DataFrame({"item_id": ["attr_knowledge", "ease"], "asked_if": ["callers", None]})
    found = coverage.missing(examples.answers(), reasons=examples.reasons(), codebook=codebook)
    knowledge = row(found.table, item="attr_knowledge")
    assert (knowledge["not_asked"], knowledge["open"], knowledge["n"]) == (0.6, 0.0, 160)
    skip = claim(found, "intake.skip")
    assert skip.fields["declared"]
    assert skip.caveats == ("asked_if_by_codebook",)
    # Where the file itself says who was not asked, a blank among the others stays a blank.
    codebook.loc[1, ["item_id", "asked_if"]] = ["attr_wait", "callers"]
    again = coverage.missing(examples.answers(), reasons=examples.reasons(), codebook=codebook)
    assert row(again.table, item="attr_wait")["open"] == 10 / 400


def test_reasons_of_another_table_are_refused():
    with pytest.raises(AnalysisError, match="give the whole table, without a filter"):
        coverage.missing(examples.answers().iloc[:100], ["ease"], reasons=examples.reasons())
    with pytest.raises(AnalysisError, match="no question is named"):
        coverage.missing(pd.DataFrame({"region": ["RM"] * 40}))


def test_wilson_by_hand_and_at_the_ends():
    low, high = wilson([0.0, 1.0, 0.5, 0.5], [10, 10, 100, 0], 0.95)
    assert low.tolist()[:3] == pytest.approx([0.0, 0.7225, 0.4038], abs=5e-5)
    assert high.tolist()[:3] == pytest.approx([0.2775, 1.0, 0.5962], abs=5e-5)
    assert np.isnan([low[3], high[3]]).all()


@pytest.mark.simulation
@pytest.mark.parametrize(("share", "n"), [(0.02, 400), (0.3, 120), (0.6, 60)])
def test_intervals_of_the_unexplained_hold_their_level(share, n):
    rng = np.random.default_rng(20261125)
    held = 0
    for _ in range(REPLICATIONS):
        table = pd.DataFrame({"ease": np.where(rng.random(n) < share, np.nan, 5.0)})
        found = coverage.missing(table, ["ease"]).table.iloc[0]
        held += found["conf_low"] <= share <= found["conf_high"]
    # Wilson's coverage at these settings is 0.94 to 0.97; three binomial errors around the lowest.
    assert held / REPLICATIONS >= 0.94 - 3 * np.sqrt(0.95 * 0.05 / REPLICATIONS)


# Contacts and answers


def test_contacts_and_answers_by_hand():
    log, answers = examples.contacts(), examples.named()
    found = coverage.measured(log, answers)
    assert found.settings["link"] == "interaction_id"
    placed = log[log["interaction_id"].isin(answers["interaction_id"])]
    for each in found.table.to_dict("records"):
        own = {name: each[name] for name in ("interaction_type", "channel")}
        n = len(
            placed[
                (placed["interaction_type"] == own["interaction_type"])
                & (placed["channel"] == own["channel"])
            ]
        )
        contacts = row(found.tables["volume"], **own)["contacts"]
        assert each["n"] == n
        assert (np.isnan(each["per_thousand"]) and not contacts) or each["per_thousand"] == pytest.approx(
            1000 * n / contacts
        )
    assert found.tables["volume"]["contacts"].sum() == 2000
    assert found.tables["volume"]["volume"].sum() == pytest.approx(1.0)


def test_the_fields_own_order_and_every_combination():
    found = coverage.measured(examples.contacts(), examples.named())
    assert list(dict.fromkeys(found.table["interaction_type"])) == ["use", "complaint"]
    assert list(dict.fromkeys(found.table["channel"])) == ["app", "call_center", "store"]
    assert len(found.table) == 6


def test_dark_cells_are_said_with_their_share_of_the_contacts():
    found = coverage.measured(examples.contacts(), examples.named())
    dark = found.table[found.table["state"] == "dark"]
    busy = found.tables["volume"].loc[dark.index, "volume"]
    assert claim(found, "intake.dark").fields["estimate"] == pytest.approx(busy.sum())
    assert claim(found, "intake.dark").fields["cell"] == {"interaction_type": "complaint", "channel": "store"}
    shown = masked(found).table
    assert shown.loc[dark.index, ["per_thousand", "n"]].isna().all(axis=None)
    assert not shown.loc[dark.index, "state"].isna().any()


def test_cells_with_a_low_base_are_not_dark():
    log = pd.DataFrame(
        {"interaction_id": range(300), "interaction_type": ["use"] * 200 + ["sales"] * 100, "channel": "web"}
    )
    found = coverage.measured(log, pd.DataFrame({"interaction_id": [*range(40), *range(200, 215)]}))
    assert found.table.set_index("interaction_type")["state"].to_dict() == {"sales": "low", "use": "measured"}
    assert said(claim(found, "intake.measured")) == (
        "All 2 cells of type of interaction and channel have 10 answers or more; "
        "1 has fewer than 30 (n = 55)."
    )


def test_an_answer_speaks_of_the_last_contact_in_time():
    log = pd.DataFrame(
        {
            "customer_id": ["a", "a", "b", "c"],
            "ts_start": pd.to_datetime(["2025-01-01", "2025-02-01", "2024-01-01", "2025-03-02"]),
            "interaction_type": ["use", "billing", "use", "use"],
            "channel": ["web", "app", "web", "web"],
        }
    )
    surveys = pd.DataFrame({"customer_id": ["a", "b", "c", "d"], "responded_at": pd.Timestamp("2025-03-01")})
    found = coverage.measured(log, surveys, within_days=90)
    assert found.settings["link"] == "last_contact"
    assert found.n_used == 1
    assert row(found.table, interaction_type="billing", channel="app")["n"] == 1
    assert sum(found.n_dropped.values()) == 3
    assert coverage.measured(log, surveys, within_days=500).n_used == 2


def test_answers_that_state_their_cell_and_answers_that_cannot_be_tied():
    log = examples.contacts()
    stated = pd.DataFrame({"interaction_type": ["use", "use", None], "channel": ["app", "app", "app"]})
    found = coverage.measured(log, stated)
    assert (found.settings["link"], found.n_used) == ("stated", 2)
    alone = coverage.measured(log, pd.DataFrame({"ease": [1.0, 2.0]}))
    assert alone.n_used == 0
    assert {str(why): n for why, n in alone.n_dropped.items()} == {
        "with nothing that ties it to an interaction": 2
    }
    assert claim(alone, "intake.dark").fields["estimate"] == pytest.approx(1.0)


def test_every_answer_is_placed_or_left_out_with_a_reason():
    for surveys in (
        examples.named(),
        examples.named().assign(interaction_id=lambda f: f["interaction_id"] + 1700),
    ):
        found = coverage.measured(examples.contacts(), surveys)
        assert found.n_used + sum(found.n_dropped.values()) == len(surveys)


def test_without_a_log_nothing_is_measured_and_that_is_said():
    found = coverage.measured(pd.DataFrame(), examples.named())
    assert found.table.empty
    assert [c.code for c in found.claims] == ["intake.no_log"]
    for log in ({"interaction_type": ["use"]}, {"interaction_type": ["use"], "channel": [None]}):
        found = coverage.measured(pd.DataFrame(log), examples.named())
        assert found.table.empty
        assert [c.code for c in found.claims] == ["intake.log_unplaced"]
        assert list(found.n_dropped.values()) == [1]


def test_levels_are_those_asked_for_or_the_usual_ones_that_are_there():
    table = pd.DataFrame({"region": ["RM", "V"], "channel": ["app", "web"], "segment": [None, None]})
    assert coverage.levels(table) == ["region", "channel", "region x channel"]
    assert coverage.levels(table, ["plan"]) == ["plan"]
    assert coverage.levels(pd.DataFrame({"plan": ["a"]})) == []


# The sample and the population


def test_margins_before_and_after_are_those_of_the_raking():
    found = coverage.representation(examples.answers(), targets=examples.TARGETS)
    weighing = metrics.weigh(examples.answers(), "raked", targets=examples.TARGETS)
    assert found.settings["how"] == "raked"
    assert found.table["after"].to_numpy() == pytest.approx(found.table["target"].to_numpy())
    assert found.weights.to_numpy() == pytest.approx(weighing.weights.to_numpy())
    app = row(found.table, variable="channel", category="app")
    assert (app["before"], app["n"]) == (0.75, 300)
    cost = claim(found, "intake.weight_cost")
    assert cost.fields["design_effect"] == pytest.approx(weighing.design_effect)


def test_a_gap_beyond_chance_is_said_and_another_is_not():
    found = coverage.representation(examples.answers(), targets=examples.TARGETS)
    gaps = [c for c in found.claims if c.code == "intake.gap"]
    assert [(c.fields["column"], c.fields["segment"]) for c in gaps] == [("channel", "app")]
    assert said(gaps[0]).startswith("In the sample “app” (Channel) is observed 45.0 p.p. above its share")
    tests = found.tables["tests"].set_index(["variable", "category"])
    assert tests.loc[("channel", "app"), "p_value"] == pytest.approx(2 * 1.0e-86, abs=1e-80)
    assert tests.loc[("region", "RM"), "p_value"] == pytest.approx(1.0)


def test_a_sample_like_its_population_is_said_to_be_alike():
    table = pd.DataFrame({"channel": ["app"] * 48 + ["store"] * 52})
    targets = pd.DataFrame({"variable": "channel", "category": ["app", "store"], "share": [0.5, 0.5]})
    found = coverage.representation(table, "none", targets=targets)
    assert [c.code for c in found.claims] == ["intake.alike", "intake.unweighted"]


def test_without_targets_the_margins_are_those_of_the_levels():
    table = examples.answers().assign(weight=lambda f: np.where(f["channel"] == "app", 1.0, 3.0))
    found = coverage.representation(table, by=["channel", "region x channel"])
    assert found.settings["how"] == "given"
    assert row(found.table, category="app")["after"] == pytest.approx(0.5)
    assert found.table["target"].isna().all()
    assert found.tables["tests"].empty
    assert [c.code for c in found.claims] == ["intake.weight_cost"]


def test_a_category_of_few_is_hidden_with_another():
    table = pd.DataFrame({"channel": ["app"] * 80 + ["web"] * 40 + ["fax"] * 4})
    found = masked(coverage.representation(table, by=["channel"]))
    assert list(found.table["n"].isna()) == [False, True, True]
    assert list(found.table["withheld"]) == [False, False, True]


@pytest.mark.simulation
def test_a_sample_of_its_population_is_rarely_called_different():
    rng, targets = np.random.default_rng(7), examples.TARGETS
    wrong = 0
    for _ in range(REPLICATIONS):
        drawn = {
            variable: rng.choice(own["category"], size=300, p=own["share"])
            for variable, own in targets.groupby("variable")
        }
        found = coverage.representation(pd.DataFrame(drawn), "none", targets=targets)
        wrong += any(c.code == "intake.gap" for c in found.claims)
    assert wrong / REPLICATIONS <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / REPLICATIONS)


# What they have in common


@pytest.mark.parametrize(
    "make", [examples.flow, examples.bases, examples.missing, examples.measured, examples.representation]
)
def test_results_are_descriptions_in_both_languages(make):
    result = make()
    assert result.claims
    assert {c.grade for c in result.claims} == {"D"}
    for found in result.claims:
        for language in ("es", "en"):
            text = said(found, language)
            assert text.endswith(".")
            assert "{" not in text
            assert found.code not in text
    assert result.estimate_column in result.table.columns


def test_tables_are_not_changed():
    table, log = examples.answers(), examples.contacts()
    before, logged = table.copy(), log.copy()
    coverage.bases(table, ["region"], wave="wave_id")
    coverage.missing(table, reasons=examples.reasons())
    coverage.representation(table, targets=examples.TARGETS)
    coverage.measured(log, examples.named())
    pd.testing.assert_frame_equal(table, before)
    pd.testing.assert_frame_equal(log, logged)
    assert replace(examples.bases()).claims
