"""Who the customers of Fibra Cordillera are and what they would answer if they were asked.

Every customer has one stable experience. The attributes share a halo; the overall experience is made of
some of them only (T1), and for those who called, of the call as well (T3). Everything else that a
survey asks hangs on the overall experience.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

Array = np.ndarray[Any, Any]

REGIONS = {"RM": 0.42, "Norte": 0.14, "Centro": 0.18, "Sur": 0.20, "Austral": 0.06}
SEGMENTS = {"hogar": 0.58, "premium": 0.22, "pyme": 0.20}
PLANS = ("internet", "internet_tv", "triple")
# Nearly half of the base uses the app as its channel: the mix that T4 needs to mislead.
CHANNELS = {"app": 0.45, "web": 0.19, "call_center": 0.22, "store": 0.14}
CALLED = {"app": 0.33, "web": 0.36, "call_center": 0.86, "store": 0.38}

# Shifts of the halo (in SD): who is served better or worse in everything, not in one thing.
HALO_SHIFT = {"app": 0.22, "web": -0.10, "call_center": -0.25, "store": -0.18}
HALO_SHIFT |= {"Sur": -0.25, "RM": 0.08, "pyme": -0.30, "premium": 0.15}
HALO_LOADING = 0.65

# Mean rating (1-7) of each attribute, and its effect on the overall experience per SD of rating.
ATTRIBUTES = {
    "attr_resolution": (4.6, 0.50),
    "attr_billing": (4.7, 0.00),  # not straight: BILLING_KINK
    "attr_ease": (5.0, 0.18),
    "attr_app": (4.9, 0.10),
    "attr_kindness": (5.2, 0.00),
    "attr_ambience": (5.1, 0.00),
}
RATING_SD = 1.4
BILLING_KINK = 5  # a clear bill is expected: below 5 it costs, above it gives nothing
BILLING_SLOPE = 0.53  # per SD of rating below the kink
# Callers weigh the call itself, and weigh resolution less: the other customers make the 0.50.
CALL_ITEMS = {"attr_call_wait": (4.0, 0.22), "attr_call_knowledge": (4.6, 0.50)}
RESOLUTION_AMONG_CALLERS = 0.30
CALLERS = 0.40
NOISE = 0.39

# How closely each of the other answers follows the overall experience, its mean and its SD.
ANSWERS = {
    "effectiveness": (0.84, 5.35, 1.45),
    "ease": (0.80, 5.20, 1.50),
    "pleasantness": (0.78, 5.65, 1.35),
    "ces": (0.72, 4.90, 1.50),
}
# Shares of the answers 0-10 in the customer base: 32 % detractors, 46 % promoters.
RECOMMEND_SHARES = (0.03, 0.01, 0.02, 0.04, 0.05, 0.08, 0.09, 0.09, 0.13, 0.20, 0.26)
RECOMMEND_LOADING = 0.70
RECOMMEND_APP = 0.48  # those who use the app recommend more than their experience explains


def draw_people(rng: np.random.Generator, n: int) -> pd.DataFrame:
    """Draw the traits of `n` customers: region, segment, channel, and whether they called (0/1)."""
    people = pd.DataFrame(
        {
            "region": _draw(rng, REGIONS, n),
            "segment": _draw(rng, SEGMENTS, n),
            "channel": _draw(rng, CHANNELS, n),
        }
    )
    people["called"] = (rng.random(n) < people["channel"].map(CALLED)).astype(int)
    return people


def draw_answers(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Draw what each customer would answer: attributes, PXI items, `overall_sat`, `ces` (1-7).

    The column ``recommendation`` is the latent (not yet 0-10) inclination to recommend; the call-centre
    items are missing for those who did not call.
    """
    n = len(people)
    shift = sum((people[c].map(HALO_SHIFT).fillna(0.0) for c in ("channel", "region", "segment")), start=0.0)
    halo = rng.standard_normal(n) + np.asarray(shift)
    ratings = {
        name: _rating(HALO_LOADING * halo + np.sqrt(1 - HALO_LOADING**2) * rng.standard_normal(n), mean)
        for name, (mean, _) in ATTRIBUTES.items()
    }
    called = people["called"].to_numpy().astype(bool)
    call = rng.standard_normal(n)
    for name, (mean, _) in CALL_ITEMS.items():
        # What happened in the call is rated as it was: no halo, so that asking it or not leaves T1 alone.
        ratings[name] = np.where(called, _rating(0.5 * call + 0.866 * rng.standard_normal(n), mean), np.nan)
    experience = overall_experience(ratings, called) + NOISE * rng.standard_normal(n)
    z = (experience - experience.mean()) / experience.std()
    ratings["overall_sat"] = _rating(z, 4.9, 1.45)
    for name, (loading, mean, sd) in ANSWERS.items():
        ratings[name] = _rating(loading * z + np.sqrt(1 - loading**2) * rng.standard_normal(n), mean, sd)
    ratings["recommendation"] = (
        RECOMMEND_LOADING * z
        + RECOMMEND_APP * (people["channel"] == "app").to_numpy()
        + np.sqrt(1 - RECOMMEND_LOADING**2) * rng.standard_normal(n)
    )
    return pd.DataFrame(ratings, index=people.index)


def overall_experience(ratings: dict[str, Array], called: Array) -> Array:
    """Return the part of the overall experience that the ratings make (T1, T2, T3), in SD of a rating."""
    z = {name: (ratings[name] - mean) / RATING_SD for name, (mean, _) in ATTRIBUTES.items()}
    made = sum((effect * z[name] for name, (_, effect) in ATTRIBUTES.items()), start=np.zeros(len(called)))
    made += BILLING_SLOPE * np.minimum(ratings["attr_billing"] - BILLING_KINK, 0) / RATING_SD
    straight = ATTRIBUTES["attr_resolution"][1]
    among_others = (straight - CALLERS * RESOLUTION_AMONG_CALLERS) / (1 - CALLERS)
    made += (np.where(called, RESOLUTION_AMONG_CALLERS, among_others) - straight) * z["attr_resolution"]
    for name, (mean, effect) in CALL_ITEMS.items():
        made += effect * np.where(called, np.nan_to_num(ratings[name] - mean) / RATING_SD, 0.0)
    return made


def _rating(z: Array, mean: float, sd: float = RATING_SD) -> Array:
    return np.clip(np.rint(mean + sd * z), 1, 7)


def _draw(rng: np.random.Generator, shares: dict[str, float], n: int) -> Array:
    return rng.choice(np.array(list(shares), dtype=object), size=n, p=list(shares.values()))
