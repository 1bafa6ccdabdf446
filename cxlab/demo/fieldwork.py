"""Whom the survey reaches (T4): three waves among the customers then in service, and who answers.

Customers whose channel is the app answer three times as often as the rest, promoters 1.2 times: the
first can be weighted away with what is known of the whole base, the second cannot.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cxlab.demo.people import RECOMMEND_SHARES

Array = np.ndarray[Any, Any]

WAVES = {"2023T4": "2023-11-06", "2024T2": "2024-05-06", "2024T4": "2024-11-04"}
FIELD_DAYS = 21
MINIMUM_TENURE = 30  # days of service before a customer may be invited
ANSWER_RATE = 0.23
APP_ANSWERS = 3.0
PROMOTERS_ANSWER = 1.2
NOT_ANSWERED = 0.006  # share of single questions left open (99 in the files)
MODES = {"app": "app", "web": "email", "call_center": "phone", "store": "email"}
SURVEYED = ("channel", "segment", "region", "plan")
TARGETS = ("channel", "segment", "region")
TARGETS_SOURCE = "Base de clientes en servicio"


def in_service(customers: pd.DataFrame, days: Array, waves: Mapping[str, str] = WAVES) -> pd.DataFrame:
    """Return who is in service (True) on the day on which each wave would reach each customer."""
    start, end = customers["start_date"], customers["end_date"]
    out = {}
    for wave, first in waves.items():
        day = pd.Timestamp(first) + pd.to_timedelta(days, unit="D")
        out[wave] = (start + pd.Timedelta(days=MINIMUM_TENURE) <= day) & ~(end <= day)
    return pd.DataFrame(out)


def recommend_scores(recommendation: Array, served: pd.DataFrame) -> Array:
    """Cut the inclination to recommend into 0-10 so that the base in service has the shares of T4.

    The base counts every customer once for each wave in which it is in service: its NPS is +14.0.
    """
    base = np.concatenate([recommendation[served[wave].to_numpy()] for wave in served])
    cuts = np.quantile(base, np.cumsum(RECOMMEND_SHARES)[:-1])
    return np.searchsorted(cuts, recommendation, side="right").astype(float)


def population_targets(customers: pd.DataFrame, served: pd.DataFrame) -> pd.DataFrame:
    """Shares of the base in service over the three waves: variable, category, share, source, date."""
    times = served.sum(axis=1).to_numpy()
    rows = []
    for variable in TARGETS:
        counts = pd.Series(times).groupby(customers[variable].to_numpy()).sum()
        shares = (counts / counts.sum()).round(6)
        shares.iloc[-1] = round(1 - shares.iloc[:-1].sum(), 6)
        rows += [(variable, category, share) for category, share in shares.items()]
    targets = pd.DataFrame(rows, columns=["variable", "category", "share"])
    return targets.assign(source=TARGETS_SOURCE, date=pd.Timestamp(max(WAVES.values())))


def answer_rates(customers: pd.DataFrame) -> Array:
    """Return each customer's chance of answering an invitation (T4)."""
    rate = ANSWER_RATE * np.where(customers["channel"] == "app", APP_ANSWERS, 1.0)
    return np.asarray(rate * np.where(customers["recommend"] >= 9, PROMOTERS_ANSWER, 1.0))


def draw_responses(
    rng: np.random.Generator,
    customers: pd.DataFrame,
    served: pd.DataFrame,
    days: Array,
    rate: Array,
    size: int,
    waves: Mapping[str, str] = WAVES,
) -> pd.DataFrame:
    """Invite customers of each wave in random order, nobody twice, until `size` have answered.

    Returns response_id, the row of the customer (``position``), wave_id, responded_at, mode, the
    traits in `SURVEYED` and the weight (customers in service per response).
    """
    invited = np.zeros(len(customers), dtype=bool)
    drawn = []
    for wave, first in waves.items():
        order = rng.permutation(np.flatnonzero(served[wave].to_numpy() & ~invited))
        answers = rng.random(len(order)) < rate[order]
        reached = int(np.searchsorted(np.cumsum(answers), size)) + 1
        invited[order[:reached]] = True
        who = np.sort(order[:reached][answers[:reached]])
        responses = customers.iloc[who][list(SURVEYED)].reset_index(drop=True)
        responses.insert(0, "position", who)
        responses.insert(1, "wave_id", wave)
        responses.insert(2, "responded_at", pd.Timestamp(first) + pd.to_timedelta(days[who], unit="D"))
        responses["weight"] = round(float(served[wave].sum()) / size, 4)
        drawn.append(responses)
    out = pd.concat(drawn, ignore_index=True)
    out.insert(0, "response_id", [f"R{number:05d}" for number in range(1, len(out) + 1)])
    out.insert(4, "mode", out["channel"].map(MODES))
    return out


def leave_open(rng: np.random.Generator, answers: pd.DataFrame) -> pd.DataFrame:
    """Return `answers` with a few single questions left unanswered (missing)."""
    return answers.mask(rng.random(answers.shape) < NOT_ANSWERED)
