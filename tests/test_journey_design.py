"""What was designed, felt, remembered and foretold: by hand, against references, and in the demo."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cxlab import demo
from cxlab.analysis import journey
from cxlab.analysis.estimates import masked
from cxlab.demo import journeys
from cxlab.demo.truth import truths
from cxlab.errors import AnalysisError
from cxlab.reporting import figures
from cxlab.reporting.claims import sentence
from cxlab.reporting.words import Words

POINTS = pd.DataFrame({"touchpoint_id": ["a", "w"], "interaction_type": "use", "channel": ["app", "web"]})
PLAN = pd.DataFrame({"touchpoint_id": ["a", "w"], "designed": [1, 0], "target_emotion": ["calm", "joy"]})
TRUTH = truths("fibra_cordillera", 0)["also"]["journeys"]["found"]
MADE = ["episode", "place", "previous", "switch"]


@cache
def fibra():
    return demo.fibra()


@cache
def cut():
    return journey.episodes(fibra()["interactions"])


def log(n=400, seed=1, hit=0.2):
    rng = np.random.default_rng(seed)
    channel = rng.choice(["app", "web", "store"], n)
    felt = rng.choice(["calm", "joy", "fear"], n)
    felt = np.where((channel == "app") & (rng.random(n) < hit), "calm", felt)
    whole = {"customer_id": np.arange(n), "interaction_type": "use", "channel": channel, "emotion": felt}
    return pd.DataFrame(whole).assign(ts_start=pd.Timestamp("2025-02-01"))


# What was designed


def test_designed_contacts_are_counted_by_touchpoint():
    table = log()
    found = journey.designed(table, POINTS, PLAN)
    rows = found.table.set_index("where")["estimate"]
    assert rows["designed"] == pytest.approx((table["channel"] == "app").mean())
    assert rows.sum() == pytest.approx(1.0)
    points = found.tables["touchpoints"].set_index("touchpoint_id")["designed"]
    assert points.to_dict() == {"a": True, "w": False}


def test_a_design_counts_from_its_day_and_an_ambiguous_cell_has_no_touchpoint():
    later = PLAN.assign(valid_from=pd.Timestamp("2025-03-01"))
    assert journey.designed(log(), POINTS, later).table["estimate"].iloc[0] == 0
    twice = pd.concat([POINTS, POINTS.assign(touchpoint_id="b")])
    assert journey.designed(log(), twice, PLAN).table["estimate"].iloc[2] == 1
    named = log().assign(touchpoint_id="a")
    assert journey.designed(named, twice, PLAN).table["estimate"].iloc[0] == 1


def test_without_a_design_it_is_said():
    nothing = pd.DataFrame()
    assert [c.code for c in journey.designed(log(), POINTS, nothing).claims] == ["journey.undesigned"]
    assert [c.code for c in journey.emotions(log(), POINTS, nothing).claims] == ["journey.no_target"]


# What is felt


def test_kappa_is_cohens_and_an_emotion_met_stands():
    table = log(2000, hit=0.5)
    found = journey.emotions(table, POINTS, PLAN)
    aimed = table["channel"].map({"app": "calm", "web": "joy"})
    both = pd.crosstab(aimed, table["emotion"])[["calm", "fear", "joy"]].to_numpy(float)
    shares = both / both.sum()
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    expected = rows[0] * columns[0] + rows[1] * columns[2]
    kappa = found.tables["chance"].iloc[0]
    hits = shares[0, 0] + shares[1, 2]
    assert kappa["kappa"] == pytest.approx((hits - expected) / (1 - expected))
    aims, felt = aimed.dropna().to_numpy(), table["emotion"][aimed.notna()].to_numpy()

    def cohen(rows):
        a, f = aims[rows], felt[rows]
        chance = sum((a == name).mean() * (f == name).mean() for name in ("calm", "joy"))
        return ((a == f).mean() - chance) / (1 - chance)

    without = np.array([cohen(np.arange(len(aims)) != k) for k in range(len(aims))])
    jackknife = np.sqrt((1 - 1 / len(aims)) * ((without - without.mean()) ** 2).sum())
    assert kappa["std_error"] == pytest.approx(jackknife, rel=0.01)
    assert found.claims[0].fields["touchpoint"] == "a"
    ax = figures.draw_emotions(masked(found), words=Words("es"))
    bold = [t for t in ax.texts if t.get_weight() == "bold" and t.get_text().endswith("%")]
    assert len(bold) == len(found.claims)


def test_the_same_emotion_everywhere_is_no_hit():
    found = journey.emotions(log(2000).assign(emotion="calm"), POINTS, PLAN)
    assert not found.claims
    assert found.table["p_value"].isna().all()


def test_few_people_at_a_touchpoint_are_not_shown():
    table = log(400)
    table = table[(table["channel"] != "web") | (table.index < 20)]
    shown = masked(journey.emotions(table, POINTS, PLAN))
    assert shown.table.set_index("touchpoint_id").loc["w", "flag"] == "suppressed"
    assert shown.tables["felt"].set_index("touchpoint_id").loc["w", "felt"].isna().all()


# What is remembered


def told(weights, n=400, seed=3):
    rng = np.random.default_rng(seed)
    notes = rng.integers(1, 8, (n, 4)).astype(float)
    days = pd.to_datetime(["2025-01-01", "2025-02-01", "2025-03-01", "2025-04-01"])
    contacts = {
        "customer_id": np.repeat(range(n), 4),
        "ts_start": np.tile(days, n),
        "note": notes.reshape(-1),
    }
    said = notes @ np.array(weights) + rng.normal(0, 0.6, n)
    later = {"customer_id": range(n), "responded_at": pd.Timestamp("2025-03-15"), "overall_sat": said}
    return journey.episodes(pd.DataFrame(contacts).assign(channel="app")), pd.DataFrame(later)


def test_only_journeys_before_the_answer_count_and_the_end_is_the_last_of_them():
    found = journey.remembered(*told([0, 0, 1.0, 0]), "note")
    assert next(c.fields["summary"] for c in found.claims) == "end"
    after = journey.remembered(*told([0, 0, 0, 1.0]), "note")
    assert not [c for c in after.claims if "hypothesis" in c.fields]
    assert after.table["estimate"].max() < 0.02


def test_the_error_left_out_is_that_of_refitting_without_each():
    log_, later = told([0.3, 0.3, 0.3, 0], n=40)
    found = journey.remembered(log_, later, "note")
    notes = log_.contacts["note"].to_numpy().reshape(-1, 4)[:, :3].mean(axis=1)
    said = later["overall_sat"].to_numpy()
    errors = []
    for k in range(40):
        rest = np.arange(40) != k
        slope, constant = np.polyfit(notes[rest], said[rest], 1)
        errors.append(said[k] - constant - slope * notes[k])
    mean = found.table.set_index("summary").loc["mean"]
    assert mean["left_error"] == pytest.approx(np.sqrt(np.mean(np.square(errors))))


def test_when_it_is_the_mean_nothing_else_is_said_and_few_customers_say_nothing():
    found = journey.remembered(*told([0.33, 0.33, 0.33, 0]), "note")
    assert [c.code for c in found.claims] == ["journey.remembered_open"]
    few = journey.remembered(*told([0, 0, 1.0, 0], n=12), "note")
    assert [(c.code, c.fields["customers"]) for c in few.claims] == [("journey.remembered_few", 12)]
    with pytest.raises(AnalysisError, match="2 or more"):
        journey.remembered(*told([0, 0, 1.0, 0]), "note", fewest=1)


# What is foretold


def leavers(strong, n=1500, seed=5):
    rng = np.random.default_rng(seed)
    mood = rng.normal(size=n)
    contacts = {"customer_id": range(n), "whole": mood + rng.normal(0, 0.3, n)}
    contacts["part"] = strong * mood + rng.normal(0, 1, n)
    gone = rng.random(n) < 1 / (1 + np.exp(1 + mood))
    people = pd.DataFrame({"customer_id": range(n), "start_date": pd.Timestamp("2024-01-01")})
    people["end_date"] = pd.Series(np.where(gone, "2025-03-01", None), dtype="datetime64[ns]")
    people["observation_end"] = pd.Timestamp("2025-06-30")
    table = pd.DataFrame(contacts).assign(channel="app", ts_start=pd.Timestamp("2025-01-01"))
    return journey.episodes(table), people


def test_areas_are_those_of_mann_and_whitney_and_the_error_of_de_long():
    found, people = leavers(0.0)
    result = journey.foretold(found, people, "whole", "part", horizon_days=150)
    rows = result.table.set_index("scores")
    gone, whole = people["end_date"].notna().to_numpy(), found.contacts["whole"].to_numpy()
    u = stats.mannwhitneyu(-whole[gone], -whole[~gone]).statistic
    assert rows.loc["journeys", "estimate"] == pytest.approx(u / (gone.sum() * (~gone).sum()))
    above = (-whole[gone])[:, None] > (-whole[~gone])[None, :]
    variance = above.mean(1).var(ddof=1) / gone.sum() + above.mean(0).var(ddof=1) / (~gone).sum()
    assert rows.loc["journeys", "std_error"] == pytest.approx(np.sqrt(variance))
    assert [c.code for c in result.claims] == ["journey.foretold"]


def test_alike_scores_are_not_told_apart_and_few_leavers_say_nothing():
    found, people = leavers(1.0)
    same = journey.episodes(found.contacts.assign(part=found.contacts["whole"]).drop(columns=MADE))
    result = journey.foretold(same, people, "whole", "part", horizon_days=150)
    assert not [c for c in result.claims if "hypothesis" in c.fields]
    short = journey.foretold(found, people, "whole", "part", horizon_days=20)
    assert [c.code for c in short.claims] == ["journey.foretold_few"]


def test_who_left_for_another_reason_did_not_leave_by_their_own_will():
    found, people = leavers(0.0)
    moved = people.assign(end_type=np.where(people["end_date"].notna(), "migration", None))
    assert journey.foretold(found, moved, "whole", "part", horizon_days=150).table.empty


def test_who_buys_is_the_content():
    found, people = leavers(0.0)
    content = found.contacts["whole"].to_numpy() > 0.5
    bought = pd.DataFrame({"customer_id": np.flatnonzero(content), "ts": pd.Timestamp("2025-03-01")})
    stays = people.assign(end_date=pd.NaT)
    result = journey.foretold(found, stays, "whole", "part", events=bought, horizon_days=150)
    assert result.table.set_index("scores").loc["journeys", "estimate"] == 1.0


# The demo


def test_fibra_is_remembered_by_its_end_and_met_in_the_app():
    tables = fibra()
    memory = journey.remembered(cut(), tables["survey_responses"], "journey_score")
    felt = journey.emotions(tables["interactions"], tables["touchpoints"], tables["journey_design"])
    ahead = journey.foretold(cut(), tables["customers"], "journey_score", "touchpoint_score")
    designed = journey.designed(tables["interactions"], tables["touchpoints"], tables["journey_design"])
    summary = memory.table.set_index("summary")["estimate"]
    scores = ahead.table.set_index("scores")["estimate"]
    app = felt.table.set_index("touchpoint_id").loc["app"]
    values = {
        "end_explains": summary["end"], "mean_explains": summary["mean"], "met_in_the_app": app["estimate"],
        "area_of_journeys": scores["journeys"], "area_of_contacts": scores["touchpoints"],
        "designed": designed.table["estimate"].iloc[0],
    }  # fmt: skip
    for name, value in values.items():
        assert abs(value - TRUTH[name]["mean"]) <= 3.5 * TRUTH[name]["sd"], name
    assert memory.claims[0].fields["summary"] == "end"
    assert [c.fields["touchpoint"] for c in felt.claims] == ["app"]
    assert app["difference"] == pytest.approx(journeys.MET - journeys.EMOTIONS["calm"], abs=0.03)
    assert "no se distingue" in sentence(ahead.claims[0], Words("es")).lower()


def test_nada_remembers_and_foretells_nothing():
    tables = demo.nada()
    noise = journey.episodes(tables["interactions"])
    results = [
        journey.remembered(noise, tables["survey_responses"], "journey_score"),
        journey.foretold(noise, tables["customers"], "journey_score", "touchpoint_score"),
        journey.emotions(tables["interactions"], tables["touchpoints"], tables["journey_design"]),
    ]
    assert not [c.code for r in results for c in r.claims if "hypothesis" in c.fields]
