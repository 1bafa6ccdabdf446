"""The monthly tracker: a change that is chance, one that is not, and where it comes from (T17).

For seven quarters nothing changes, and the last of them is a record by chance. Then the net score falls by
nine, six of them in one region. Branches and the people in them attend a little differently, always.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from cxlab.demo.conduct_truth import found
from cxlab.demo.people import RECOMMEND_SHARES, REGIONS, SEGMENTS

Array = np.ndarray[Any, Any]

KEY = 17  # of the stream: far from those that are spawned one by one
# Which of its draws: one in which chance lifts the quarter before the fall by three points, to a record.
DRAW = 1477
MONTHS = tuple(f"{year}-{month:02d}" for year in (2023, 2024) for month in range(1, 13))
MONTHLY = 600  # three months make the 1,800 of a wave
WAVES = ("2024T2", "2024T3", "2024T4")
FALLS_FROM = "2024-10"
# Promoters and detractors of all: their net score is 25, its variance 0.6275 of one answer.
PROMOTERS, DETRACTORS = 0.47, 0.22
LEVELS = {"RM": 4.0, "Norte": 0.0, "Centro": 1.0, "Sur": -9.3, "Austral": 0.0}  # points about it
FALL, REGION, REGIONS_PART = 9.0, "Sur", 6.0
MODES = {"phone": 0.6, "email": 0.4}
STORES = {"RM": 16, "Norte": 6, "Centro": 7, "Sur": 8, "Austral": 3}
AGENTS = 6  # in each
SOLVED, STORE_SD, AGENT_SD = 0.66, 0.05, 0.07


def draw_tracking(
    seed: int, *, monthly: int = MONTHLY, differs: bool = True, draw: int = DRAW
) -> pd.DataFrame:
    """Draw the answers of every month, `monthly` each, from a stream of their own.

    Returns response_id, wave_id (quarter), period (month), responded_at, mode, region, segment, unit_id and
    agent_id of who attended last, recommend and resolved_first (0/1).
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(KEY, draw)))
    size = len(MONTHS) * monthly
    period = np.repeat(np.array(MONTHS, dtype=object), monthly)
    region = rng.choice(np.array(list(REGIONS), dtype=object), size=size, p=list(REGIONS.values()))
    unit, agent, chance = _attended(rng, region, differs=differs)
    days = pd.to_timedelta(rng.integers(0, 28, size), unit="D")
    return pd.DataFrame({
        "response_id": [f"S{number:05d}" for number in range(1, size + 1)],
        "wave_id": [f"{each[:4]}T{(int(each[5:]) + 2) // 3}" for each in period],
        "period": period,
        "responded_at": pd.to_datetime(pd.Series(period) + "-01") + days,
        "mode": rng.choice(np.array(list(MODES), dtype=object), size=size, p=list(MODES.values())),
        "region": region,
        "segment": rng.choice(np.array(list(SEGMENTS), dtype=object), size=size, p=list(SEGMENTS.values())),
        "unit_id": unit,
        "agent_id": agent,
        "recommend": _recommends(rng, region, period, differs=differs),
        "resolved_first": (rng.random(size) < chance).astype(int),
    })  # fmt: skip


def shifts(*, part: float = REGIONS_PART) -> dict[str, float]:
    """Return by how many points each region falls: one makes `part` of the fall, the others the rest."""
    others = (FALL - part) / (1 - REGIONS[REGION])
    return {region: part / REGIONS[REGION] if region == REGION else others for region in REGIONS}


def _recommends(rng: np.random.Generator, region: Array, period: Array, *, differs: bool) -> Array:
    """Draw 0-10 from the shares of promoters and detractors of the region and month."""
    places = pd.Series(region)
    points = places.map(LEVELS).to_numpy(dtype=float) if differs else np.zeros(len(region))
    if differs:
        points = points - np.where(period >= FALLS_FROM, places.map(shifts()).to_numpy(dtype=float), 0.0)
    promoters, detractors = PROMOTERS + points / 200, DETRACTORS - points / 200
    u = rng.random(len(region))
    kind = np.select([u < detractors, u >= 1 - promoters], [0, 2], 1)
    shares = np.array(RECOMMEND_SHARES)
    scores = np.empty(len(region))
    for k, of_kind in enumerate((range(7), range(7, 9), range(9, 11))):
        own = np.flatnonzero(kind == k)
        p = shares[list(of_kind)]
        scores[own] = rng.choice(np.array(of_kind, dtype=float), size=len(own), p=p / p.sum())
    return scores


def _attended(rng: np.random.Generator, region: Array, *, differs: bool) -> tuple[Array, Array, Array]:
    """Draw the branch and who attended in it, and the chance that it was solved at first."""
    first = np.cumsum([0, *STORES.values()])
    stores, agents = int(first[-1]), int(first[-1]) * AGENTS
    place = dict(zip(STORES, pairwise(first), strict=True))
    low, high = (np.array([place[each][end] for each in region]) for end in (0, 1))
    unit = low + np.floor(rng.random(len(region)) * (high - low)).astype(int)
    agent = unit * AGENTS + rng.integers(0, AGENTS, len(region))
    spread = STORE_SD * rng.standard_normal(stores), AGENT_SD * rng.standard_normal(agents)
    chance = SOLVED + (spread[0][unit] + spread[1][agent] if differs else 0.0)
    names = np.array([f"SUC{k + 1:02d}" for k in range(stores)], dtype=object)
    who = np.array([f"E{k + 1:03d}" for k in range(agents)], dtype=object)
    return names[unit], who[agent], np.clip(chance + np.zeros(len(region)), 0.0, 1.0)


def truth() -> dict[str, Any]:
    """T17: a record that is chance, a fall that is not, and the region that makes most of it."""
    return {
        "says": "A record by chance, then a fall of nine points, six of them in the south; modes stayed.",
        "where": {
            "table": "tracking_responses",
            "metric": "nps",
            "by": ["wave_id", "period", "region", "mode", "unit_id", "agent_id"],
            "notebook": "waves",
        },
        "planted": {
            "waves": list(WAVES),
            "first_change": 0.0,
            "second_change": -FALL,
            "region": REGION,
            "region_adds": -REGIONS_PART,
            "baseline": MONTHS.index(FALLS_FROM),
            "detectable": 7.4,
            "store_sd": 100 * STORE_SD,
            "agent_sd": 100 * AGENT_SD,
        },
        "found": {
            "first_change": found(-0.1, 2.5),
            "second_change": found(-8.4, 2.6),
            "region_adds": found(-5.8, 1.2),
            "store_sd": found(4.8, 0.7),
            "agent_sd": found(7.0, 0.7),
            # Shares of 40 draws: seven quarters hardly tell how much quarters vary, which costs power.
            "fall_is_told": 0.78,
            "region_is_named": 0.90,
            "record_is_told_as_a_change": 0.0,
        },
        "trap": {"press_release": "record NPS", "observed_first_change": 3.3},
    }
