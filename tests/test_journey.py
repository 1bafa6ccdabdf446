"""Journeys: cut by hand, moves and switches counted, what a switch costs, how far apart channels are."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

from cxlab import demo
from cxlab.analysis import journey
from cxlab.analysis.estimates import masked
from cxlab.analysis.journey.consistency import Spread
from cxlab.demo.truth import truths
from cxlab.errors import AnalysisError
from cxlab.reporting.claims import sentence
from cxlab.reporting.words import Words

TRUTH = truths("fibra_cordillera", 0)["truths"]["T13"]
# By hand: customer, type, day, channel. Two weeks to the day still belong together, one more does not.
LOG = [
    ("a", "use", "2025-01-01", "app"), ("a", "use", "2025-01-15", "store"), ("a", "use", "2025-01-30", "app"),
    ("a", "billing", "2025-01-02", "web"), ("b", "use", "2025-01-15", "store"),
    ("b", "use", "2025-01-16", "store"),
]  # fmt: skip


def log(rows=LOG):
    table = pd.DataFrame(rows, columns=["customer_id", "interaction_type", "ts_start", "channel"])
    return table.assign(ts_start=pd.to_datetime(table["ts_start"]))


def pairs(moves, **columns):
    """Journeys of two contacts, each of another customer: ``(from, to)`` as often as it says."""
    chosen = [pair for pair, times in moves.items() for _ in range(times)]
    n = len(chosen)
    table = pd.DataFrame(
        {
            "customer_id": np.repeat(np.arange(n), 2),
            "interaction_type": "use",
            "ts_start": np.tile(pd.to_datetime(["2025-01-01", "2025-01-02"]), n),
            "channel": np.array(chosen, dtype=object).reshape(-1),
        }
    )
    return table.assign(**columns)


@cache
def fibra():
    return demo.fibra()["interactions"]


@cache
def nada():
    return demo.nada()["interactions"]


# Episodes


def test_episodes_are_cut_by_hand():
    found = journey.episodes(log().sample(frac=1, random_state=3))
    contacts = found.contacts.sort_values(["customer_id", "ts_start"], kind="stable")
    assert contacts["place"].tolist() == [0, 0, 1, 0, 0, 1]
    assert contacts["switch"].tolist() == [False, False, True, False, False, False]
    assert contacts["episode"].nunique() == 4
    whole = found.table.iloc[0]
    assert (whole["episodes"], whole["contacts"], whole["n"], whole["estimate"]) == (4, 6, 2, 0.5)
    longer = journey.episodes(log(), gap_days=15)
    assert longer.table["episodes"].iloc[0] == 3


def test_a_client_who_names_journeys_is_taken_at_their_word():
    named = log().assign(journey_id=["x", "y", "y", "z", "v", "w"])
    found = journey.episodes(named, episode="journey_id")
    assert found.contacts.groupby("journey_id")["episode"].nunique().eq(1).all()
    assert found.table["n"].iloc[0] == 1
    assert found.settings["gap_days"] is None


def test_rows_that_cannot_be_placed_are_counted():
    rows = log()
    rows.loc[0, "channel"] = None
    rows.loc[1, "ts_start"] = pd.NaT
    found = journey.episodes(rows)
    assert found.n_used == 4
    assert dict(found.n_dropped) == {"ts_start missing": 1, "channel missing": 1}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.assign(ts_start="2025-01-01"), "holds no dates"),
        (lambda t: t.drop(columns="channel"), "no column channel"),
        (lambda t: t.assign(switch=1), "episodes make themselves: switch"),
        (lambda t: t.assign(channel=None), "no row is left"),
    ],
)
def test_a_log_that_cannot_be_cut_is_refused(change, said):
    with pytest.raises(AnalysisError, match=said):
        journey.episodes(change(log()))


def test_an_input_is_not_changed():
    rows = log()
    before = rows.copy()
    journey.transitions(journey.episodes(rows))
    pd.testing.assert_frame_equal(rows, before)


# Moves and clean switches


def test_moves_are_shares_of_those_that_leave_and_add_up():
    found = journey.transitions(
        journey.episodes(pairs({("app", "app"): 20, ("app", "store"): 60, ("web", "app"): 40}))
    )
    shares = found.table.set_index(["from", "to"])["estimate"]
    assert shares[("app", "store")] == 0.75
    assert shares.groupby("from").sum().loc[["app", "web"]].tolist() == [1.0, 1.0]
    assert found.claims[0].fields["start"] == "app"
    low, high = found.table.set_index(["from", "to"]).loc[("app", "store"), ["conf_low", "conf_high"]]
    assert low < 0.75 < high


def test_a_hidden_move_cannot_be_had_by_subtraction():
    moves = {("app", "app"): 50, ("app", "store"): 40, ("app", "web"): 7, ("store", "app"): 30}
    table = masked(journey.transitions(journey.episodes(pairs(moves)))).table.set_index(["from", "to"])
    assert np.isnan(table.loc[("app", "web"), "moves"])
    # With the total of those from the app, one more is hidden; nobody moving is nobody's secret.
    assert table.loc["app", "moves"].isna().sum() == 2
    assert table.loc[("store", "app"), "moves"] == 30


def test_a_switch_is_clean_only_where_nothing_went_wrong():
    rows = pairs({("app", "store"): 40})
    rows["repeat_info"] = [0, 1] * 10 + [0, 0] * 30
    rows["context_transferred"] = [np.nan, 1] * 30 + [np.nan, 0] * 10
    rows["reopened"] = 0
    found = journey.coherence(journey.episodes(rows))
    assert found.table["estimate"].iloc[0] == 0.5
    conditions = found.tables["conditions"].set_index("condition")["estimate"]
    assert conditions.to_dict() == {"repeat_info": 0.75, "context_transferred": 0.75, "reopened": 1.0}
    with pytest.raises(AnalysisError, match="is no flag"):
        journey.coherence(journey.episodes(rows.assign(reopened=3)))


def test_without_flags_there_is_no_coherence_to_tell():
    found = journey.coherence(journey.episodes(pairs({("app", "store"): 40})))
    assert found.table.empty
    assert [c.code for c in found.claims] == ["journey.unmarked"]


# What a switch costs


def scored(score, repeated):
    rows = pairs({("app", "store"): len(score) // 2, ("app", "app"): len(score) - len(score) // 2})
    last = np.tile([False, True], len(score))
    rows["note"] = np.where(last, np.repeat(score, 2), np.nan)
    return rows.assign(repeat_info=np.where(last, np.repeat(repeated, 2), 0).astype(int))


def test_a_difference_that_is_all_repetition_is_told_so():
    rng = np.random.default_rng(5)
    switched = np.arange(2000) < 1000
    repeated = rng.random(2000) < np.where(switched, 0.55, 0.08)
    found = journey.hand_offs(
        journey.episodes(scored(5 - repeated + rng.normal(size=2000), repeated)), "note"
    )
    rows = found.table.set_index(["model", "term"])
    assert rows.loc[("crude", "switch"), "difference"] < -0.35
    assert rows.loc[("adjusted", "switch"), "p_adjusted"] > 0.05
    assert abs(rows.loc[("adjusted", "repeated"), "difference"] + 1) < 0.15
    through = found.tables["through"].set_index("term")["difference"]
    gone = rows.loc[("crude", "switch"), "difference"] - rows.loc[("adjusted", "switch"), "difference"]
    assert through.sum() == pytest.approx(gone, abs=1e-12)
    assert [c.code for c in found.claims] == ["journey.switch", "journey.switch_clean", "journey.carrier"]
    assert [c.grade for c in found.claims] == ["D", "C", "C"]


def test_the_error_of_what_goes_through_repeating_is_that_of_the_jackknife():
    rng = np.random.default_rng(9)
    switched = np.arange(300) < 150
    repeated = rng.random(300) < np.where(switched, 0.7, 0.3)
    score = 5 - repeated + rng.normal(size=300)
    found = journey.hand_offs(journey.episodes(scored(score, repeated)), "note")
    told = found.tables["through"].set_index("term").loc["repeated"]
    whole = np.column_stack([np.ones(300), switched, repeated]).astype(float)

    def part(rows):
        weight = np.linalg.lstsq(whole[rows], score[rows], rcond=None)[0][2]
        return weight * (repeated[rows & switched].mean() - repeated[rows & ~switched].mean())

    without = np.array([part(np.arange(300) != k) for k in range(300)])
    assert told["difference"] == pytest.approx(part(np.ones(300, dtype=bool)))
    jackknife = np.sqrt(299 / 300 * ((without - without.mean()) ** 2).sum())
    assert told["std_error"] == pytest.approx(jackknife, rel=0.03)


def test_a_switch_that_costs_by_itself_is_not_called_harmless():
    rng = np.random.default_rng(6)
    switched, repeated = np.arange(2000) < 1000, rng.random(2000) < 0.3
    score = 5 - 0.4 * switched - repeated + rng.normal(size=2000)
    found = journey.hand_offs(journey.episodes(scored(score, repeated)), "note")
    assert "journey.switch_left" in [c.code for c in found.claims]
    assert "journey.switch_clean" not in [c.code for c in found.claims]


def test_errors_know_that_journeys_of_one_customer_are_one_customer():
    rng = np.random.default_rng(7)
    score = np.repeat(rng.normal(5, 1, 200), 10)
    rows = scored(score, np.zeros(2000)).drop(columns="repeat_info")
    apart = journey.hand_offs(journey.episodes(rows), "note").table["std_error"].iloc[0]
    rows["customer_id"] = rows["customer_id"] // 10
    rows["ts_start"] += pd.to_timedelta(np.repeat(np.arange(2000) % 10, 2) * 60, unit="D")
    together = journey.hand_offs(journey.episodes(rows), "note").table["std_error"].iloc[0]
    assert together / apart == pytest.approx(np.sqrt(10), rel=0.1)


def test_a_flag_counts_if_any_contact_has_it_and_days_are_a_length():
    rows = pairs({("app", "store"): 60, ("app", "app"): 60})
    rows["booked"] = [1, 0] * 30 + [0, 0] * 90
    found = journey.hand_offs(journey.episodes(rows), "booked")
    assert found.table["difference"].iloc[0] == 0.5
    assert found.settings["unit"] == "share"
    length = journey.hand_offs(journey.episodes(rows), "days")
    assert length.table["difference"].iloc[0] == pytest.approx(0.0, abs=1e-12)
    assert journey.hand_offs(journey.episodes(rows), "").table.empty


# Channels within a process


@pytest.mark.parametrize(
    ("answers", "mean_gap", "least"), [(30, 31.5, 0.96), (100, 17.4, 0.96), (400, 8.6, 0.96)]
)
def test_equal_channels_show_the_gap_that_chance_makes_and_tau_holds_its_level(answers, mean_gap, least):
    """methods/benchmark.md, 1.11: four channels alike, NPS 0 with 35 % promoters and detractors."""
    rng = np.random.default_rng(11)
    counts = rng.multinomial(answers, [0.35, 0.35, 0.30], size=(2000, 4))
    mean = 100 * (counts[..., 0] - counts[..., 1]) / answers
    square = 1e4 * (counts[..., 0] + counts[..., 1]) / answers
    within = ((square - mean**2) * answers / (answers - 1)).mean(axis=1)
    assert np.ptp(mean, axis=1).mean() == pytest.approx(mean_gap, rel=0.03)
    spreads = [Spread(m, np.full(4, float(answers)), w) for m, w in zip(mean[:300], within, strict=False)]
    held = [s.tau(0.95)["conf_low"] == 0 for s in spreads]
    assert np.mean(held) >= least - 0.02
    assert np.mean([s.gap(0.95)[1] == 0 for s in spreads]) >= 0.93


def test_tau_is_that_of_the_one_way_random_model():
    """Dyestuff: 6 batches of 5, between 1764.05, within 2451.25."""
    batch = np.array([1505.0, 1528.0, 1564.0, 1498.0, 1600.0, 1470.0])
    own = Spread(batch, np.full(6, 5.0), 2451.25)
    assert own.tau(0.95)["estimate"] ** 2 == pytest.approx(1764.05, abs=0.01)
    assert own.icc == pytest.approx(0.41847, abs=3e-5)


def test_channels_are_compared_at_the_mix_of_all():
    rng = np.random.default_rng(8)
    n = 4000
    channel = np.where(rng.random(n) < 0.5, "app", "store")
    plan = np.where(rng.random(n) < np.where(channel == "app", 0.8, 0.2), "a", "b")
    recommend = np.where(rng.random(n) < np.where(plan == "a", 0.7, 0.3), 10, 0)
    table = pd.DataFrame(
        {"interaction_type": "use", "channel": channel, "plan": plan, "recommend": recommend}
    )
    plain = journey.consistency(table, "nps")
    mixed = journey.consistency(table, "nps", mix=["plan"])
    assert plain.table["largest_gap"].iloc[0] == pytest.approx(48, abs=8)
    assert mixed.table["gap_low"].iloc[0] == 0
    assert [c.code for c in plain.claims] == ["journey.spread"]
    assert [c.code for c in mixed.claims] == ["journey.channels_alike"]
    few = table[(table["plan"] == "a") | (rng.random(n) < 0.3)]
    by_plan = few.groupby(["channel", "plan"])["recommend"].mean().unstack() * 20 - 100
    level = by_plan @ few["plan"].value_counts(normalize=True).sort_index()
    told = journey.consistency(few, "nps", mix=["plan"]).tables["channels"].set_index("channel")["estimate"]
    assert told["app"] == pytest.approx(level["app"])
    assert told["store"] == pytest.approx(level["store"])
    alone = table[(table["channel"] == "app") | (table["plan"] == "a")]
    with pytest.raises(AnalysisError, match="has no answer of b"):
        journey.consistency(alone, "nps", mix=["plan"])


# The demo: T13, and nothing where nothing is


def test_fibra_loses_by_repetition_and_not_by_the_switch():
    cut = journey.episodes(fibra())
    found = journey.hand_offs(cut, "journey_score")
    rows = found.table.set_index(["model", "term"])
    truth = TRUTH["found"] | TRUTH["trap"]
    values = {
        "switch_crude": rows.loc[("crude", "switch"), "difference"],
        "switch_adjusted": rows.loc[("adjusted", "switch"), "difference"],
        "repeated": rows.loc[("adjusted", "repeated"), "difference"],
        "through_repeating": found.tables["through"].set_index("term")["difference"]["repeated"],
        "clean_switches": journey.coherence(cut).table["estimate"].iloc[0],
    }
    for name, value in values.items():
        assert abs(value - truth[name]["mean"]) <= 3.5 * truth[name]["sd"], name
    assert rows.loc[("adjusted", "switch"), "p_adjusted"] > 0.05
    said = sentence(found.claims[1], Words("es")).replace("\N{NO-BREAK SPACE}", " ")
    assert "no se asocia con una diferencia distinguible del ruido" in said
    assert "pasan" in said
    assert "Tener que repetir" in said


def test_fibra_is_uneven_in_complaints_only():
    found = journey.consistency(fibra(), "csat_t2b_7", columns="touchpoint_score", cluster="customer_id")
    assert [c.fields["cell"] for c in found.claims] == ["complaint"]
    assert found.claims[0].fields["lowest"] == "call_center"


def test_nada_says_nothing():
    found = journey.episodes(nada())
    cost = journey.hand_offs(found, "journey_score")
    alike = journey.consistency(nada(), "csat_t2b_7", columns="touchpoint_score", cluster="customer_id")
    assert [c.code for c in (*cost.claims, *alike.claims)] == [
        "journey.switch_none",
        "journey.channels_alike",
    ]
