"""Which score foretells what customers do: that of the whole journey, or those of its touchpoints.

Both are summed up alike (each customer's mean before a day) and judged by what happens after it. Nothing is
fitted: a weak score that is fitted to part of the customers turns its sign from part to part, and would look
worse than chance on the rest. The areas under the two ROC curves are of the same customers, so that their
difference has DeLong's error. That journeys foretell better is to be tested at each client, not quoted.

References
----------
DeLong, DeLong & Clarke-Pearson 1988, doi:10.2307/2531595.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from cxlab.analysis.covariates import numbers
from cxlab.analysis.estimates import (
    LOW_BASE,
    Claim,
    Result,
    check_level,
    check_numbers,
    flags,
    stated,
    t_quantile,
)
from cxlab.analysis.findings import POWER, base_caveats
from cxlab.analysis.journey.episodes import Episodes
from cxlab.errors import AnalysisError, Message

Array = np.ndarray[Any, Any]

HORIZON_DAYS, FEWEST_EVENTS = 180, 30
VOLUNTARY = "voluntary"
JOURNEYS, TOUCHPOINTS, GAP = "journeys", "touchpoints", "difference"
ROW = [
    "scores",
    "estimate",
    "std_error",
    "conf_low",
    "conf_high",
    "p_value",
    "p_adjusted",
    "n",
    "events",
    "flag",
]


@dataclass(frozen=True, eq=False, kw_only=True)
class Foretold(Result):
    """How well each kind of score tells who does it; see `foretold` for the columns."""


def foretold(
    found: Episodes,
    customers: pd.DataFrame,
    journey_score: str,
    touchpoint_score: str,
    *,
    events: pd.DataFrame | None = None,
    happened: str = "ts",
    horizon_days: int = HORIZON_DAYS,
    start: str = "start_date",
    end: str = "end_date",
    last: str = "observation_end",
    level: float = 0.95,
) -> Foretold:
    """Compare scores of journeys with scores of contacts in telling who later leaves, or buys.

    Parameters
    ----------
    found : Episodes
        What `episodes` returned; scores of contacts before the day of the prediction count.
    customers : DataFrame
        One row per customer: the id, when they joined, left, and until when they are observed; with
        ``end_type`` only those who leave by their own will count as leaving.
    journey_score, touchpoint_score : str
        Columns of the contacts; empty: nothing is compared.
    events : DataFrame, optional
        What customers did (customer, `happened`), such as purchases, in place of leaving.
    happened : str
        When.
    horizon_days : int
        Days after the prediction in which it must happen; the day is so many before the end of the data.
    start, end, last : str
        Columns of `customers`.
    level : float
        Confidence level.

    Returns
    -------
    Foretold
        ``table``: ``scores`` (journeys, touchpoints, and the difference of the two), ``estimate`` (area
        under the ROC curve), ``std_error``, ``conf_low``, ``conf_high``, ``p_value``, ``p_adjusted``
        (of the difference), ``n``, ``events``, ``flag``. Customers need both scores; with fewer than 30 who
        do it, or who do not, there are no rows.
    """
    check_level(level)
    check_numbers(("horizon_days", horizon_days, lambda d: d > 0, Message("a number of days above zero")))
    settings = {
        "level": level, "horizon_days": horizon_days, "unit": "share",
        "behaviour": "leaving" if events is None else "buying",
    }  # fmt: skip
    asked = {found.person, start, end, last}
    if not journey_score or not touchpoint_score or not asked <= set(customers.columns):
        return _nothing(settings, 0, 0)
    day = customers[last].max() - pd.Timedelta(days=horizon_days)
    people = customers[(customers[start] < day) & ~(customers[end] <= day)]
    until = day + pd.Timedelta(days=horizon_days)
    asked_for = {JOURNEYS: journey_score, TOUCHPOINTS: touchpoint_score}
    both = pd.DataFrame({name: _mean_before(found, score, day) for name, score in asked_for.items()}).dropna()
    people = people[people[found.person].isin(both.index)]
    done = _done(people, found.person, end, events, happened, day, until)
    if min(done.sum(), (~done).sum()) < FEWEST_EVENTS:
        return _nothing(settings, len(done), int(done.sum()))
    # Who is content stays, and buys more.
    sign = -1.0 if events is None else 1.0
    scores = [sign * column for column in both.loc[people[found.person]].to_numpy().T]
    table = _table(scores, done, level)
    tests = table[table["scores"] == GAP].assign(hypothesis="foretold: journeys against touchpoints")
    said, otherwise = _claims(tests, table, settings, level)
    return Foretold(
        table=table,
        keys=("scores", "hypothesis"),
        tables={"tests": tests[["hypothesis", "p_value", "p_adjusted"]]},
        n_used=len(done),
        settings={**settings, "day": str(pd.Timestamp(day).date())},
        claims=stated(tests, said, otherwise, level),
        otherwise=otherwise,
    )


def _nothing(settings: dict[str, Any], n: int, events: int) -> Foretold:
    told = {"customers": n, "events": events, "needed": FEWEST_EVENTS}
    return Foretold(
        table=pd.DataFrame(columns=ROW),
        keys=("scores",),
        settings=settings,
        claims=(Claim("journey.foretold_few", told, "D"),),
    )


def _mean_before(found: Episodes, score: str, day: pd.Timestamp) -> pd.Series[float]:
    """Return the mean of each customer's scores before a day."""
    values, problems = numbers(found.contacts, score)
    if problems:
        raise AnalysisError("these covariates cannot be used", problems=problems)
    known = (found.contacts[found.when] < day).to_numpy() & ~np.isnan(values)
    return pd.Series(values[known]).groupby(found.contacts.loc[known, found.person].to_numpy()).mean()


def _done(
    people: pd.DataFrame, person: str, end: str, events: pd.DataFrame | None, happened: str, day: Any,
    until: Any,
) -> Array:  # fmt: skip
    if events is not None:
        inside = events[(events[happened] > day) & (events[happened] <= until)]
        return np.asarray(people[person].isin(inside[person]), dtype=bool)
    left = (people[end] > day) & (people[end] <= until)
    if "end_type" in people:
        left &= people["end_type"].eq(VOLUNTARY)
    return np.asarray(left, dtype=bool)


def _placements(score: Array, done: Array) -> tuple[Array, Array]:
    """Return, for each who did it, the part of the others below them; and for each other, above them."""
    ranks, m, n = stats.rankdata(score), int(done.sum()), int((~done).sum())
    own, rest = stats.rankdata(score[done]), stats.rankdata(score[~done])
    return (ranks[done] - own) / n, 1 - (ranks[~done] - rest) / m


def _table(scores: list[Array], done: Array, level: float) -> pd.DataFrame:
    placed = [_placements(score, done) for score in scores]
    m, n = int(done.sum()), int((~done).sum())
    areas = np.array([own.mean() for own, _ in placed])
    covariance = np.cov([own for own, _ in placed]) / m + np.cov([rest for _, rest in placed]) / n
    contrasts = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, -1.0]])
    estimate = contrasts @ areas
    error = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", contrasts, covariance, contrasts), 0.0))
    half = t_quantile(level) * error
    p_value = float(2 * stats.norm.sf(abs(estimate[2]) / error[2])) if error[2] > 0 else np.nan
    return pd.DataFrame(
        {
            "scores": [JOURNEYS, TOUCHPOINTS, GAP], "estimate": estimate, "std_error": error,
            "conf_low": estimate - half, "conf_high": estimate + half, "p_value": [np.nan, np.nan, p_value],
            "p_adjusted": [np.nan, np.nan, p_value], "n": len(done), "events": m,
            "flag": flags(np.full(3, min(m, n))),
        }
    )[ROW]  # fmt: skip


def _claims(
    tests: pd.DataFrame, table: pd.DataFrame, settings: Mapping[str, Any], level: float
) -> tuple[list[Claim], tuple[Claim, ...]]:
    row = tests.iloc[0].to_dict()
    areas = dict(zip(table["scores"], table["estimate"], strict=True))
    common = {
        "horizon_days": settings["horizon_days"], "behaviour": settings["behaviour"], "n": int(row["n"]),
        "events": int(row["events"]), "level": level, "unit": "share",
        JOURNEYS: float(areas[JOURNEYS]), TOUCHPOINTS: float(areas[TOUCHPOINTS]),
        "estimate": float(row["estimate"]), "conf_low": float(row["conf_low"]),
        "conf_high": float(row["conf_high"]),
    }  # fmt: skip
    alpha = 1 - level
    seen = float((t_quantile(1 - alpha) + t_quantile(2 * POWER - 1)) * row["std_error"])
    caveats = base_caveats(min(row["events"], LOW_BASE), np.inf)
    said = [
        Claim("journey.foretold", {**common, "hypothesis": row["hypothesis"]}, "D", caveats, headline=True)
    ]
    return said, (Claim("journey.foretold_open", {**common, "detectable": seen}, "D", caveats),)
