"""Customers who began together: how many of each cohort are still here at each age."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from cxlab.analysis.estimates import Claim, Result, check_level
from cxlab.analysis.survival.absent import lacking, nothing, people_of
from cxlab.analysis.survival.clock import Window, in_whole_months
from cxlab.analysis.survival.observed import Observed, check_roles, observed
from cxlab.analysis.survival.retention import retained
from cxlab.errors import AnalysisError

Every = Literal["month", "quarter", "year"]
EVERY: tuple[Every, ...] = get_args(Every)
_LETTER = {"month": "M", "quarter": "Q", "year": "Y"}
_AGES = 12  # columns of the triangle that a reader can take in


@dataclass(frozen=True, eq=False, kw_only=True)
class Cohorts(Result):
    """Shares of each cohort that are still here, at each age."""


def cohorts(
    table: pd.DataFrame,
    duration: str,
    event: str,
    *,
    cohort: str = "start_date",
    every: Every = "quarter",
    ages: Sequence[float] = (),
    entry: str | None = None,
    level: float = 0.95,
    until: str | None = None,
    optional: bool = False,
) -> Cohorts:
    """Estimate how many of those who began together are still here at each age.

    Parameters
    ----------
    table : DataFrame (n, any)
        One row per customer.
    duration, event : str
        Months until the customer left or was last seen, above 0; 1 left, 0 still here.
    cohort : str
        Dates on which customers began, or names of cohorts, which sort as they follow each other.
    every : {"month", "quarter", "year"}
        How long a cohort of dates lasts.
    ages : sequence of float
        Months at which it is said; by default up to 12, evenly spaced over what is observed.
    entry : str, optional
        When the customer came under observation (late entry): a cohort that was there before the data began
        is described from then on.
    level : float
        Confidence level.
    until : str, optional
        Date on which observation of each customer ended, where `cohort` holds dates: only months seen whole
        count. Without it the unfinished month of who is still here counts whole, and the youngest cohorts,
        of which it is a larger part, look better than they are.
    optional : bool
        Return nothing, and say so, where the table has no cohorts; go without `until` where there is none.

    Returns
    -------
    Cohorts
        ``table``: cohort (as ``2024Q1``), time (the age), at_risk, events (until then), estimate, std_error,
        conf_low, conf_high, n, n_eff, flag; empty where the cohort is not observed at that age.
        ``tables``: log_rank and tests (the cohorts leave alike).

    Raises
    ------
    AnalysisError
        If `every` is not one of the three, and what `retention` refuses.

    Examples
    --------
    >>> began = pd.to_datetime(["2024-01-05", "2024-02-01", "2024-03-31", "2024-04-01"])
    >>> customers = pd.DataFrame({"start_date": began, "months": [3, 8, 9, 6], "left": [1, 0, 0, 0]})
    >>> cohorts(customers, "months", "left", ages=[6]).table[["cohort", "estimate"]].round(3).values.tolist()
    [['2024Q1', 0.667], ['2024Q2', 1.0]]
    """
    check_level(level)
    if gone := lacking(table, [cohort], optional=optional):
        return Cohorts(**nothing(gone, "log_rank"))
    if every not in EVERY:
        raise AnalysisError("every is {every!r}; allowed: {allowed}", every=every, allowed=", ".join(EVERY))
    check_roles({
        "the duration": [duration], "the event": [event], "the entry": [entry], "a grouping": [cohort],
    })  # fmt: skip
    until = None if lacking(table, [until], optional=optional) else until
    window = (cohort, until) if until else None
    needed = [cohort, *([until] if until else [])]
    who = observed(table, duration, event, entry=entry, weights=None, needed=needed)
    who = in_whole_months(who, window)
    began = pd.DataFrame({"cohort": _began(who, cohort, every)})
    who = replace(who, patterns=began, pattern=np.arange(len(began)))
    settings = {
        "duration": duration,
        "event": event,
        "by": ["cohort"],
        "entry": entry,
        "since": None,
        "undated": False,
    }
    found = retained(who, ["cohort"], [float(a) for a in ages] or _ages(who), level, settings)
    return Cohorts(
        table=found.tables["horizons"],
        keys=("cohort", "time", "column", "hypothesis"),
        tables={name: found.tables[name] for name in ("log_rank", "tests")},
        n_used=found.n_used,
        n_dropped=found.n_dropped,
        settings={**found.settings, "cohort": cohort, "every": every},
        parts=found.parts,
        asked_of=("cohorts", *people_of({**settings, "until": until}, who.dropped)),
        claims=tuple(_told(c, window) for c in found.claims if c.code in _SAID),
        otherwise=tuple(_told(c, window) for c in found.otherwise),
    )


_SAID = ("retention.difference", "retention.alike", "retention.no_events")


def _told(claim: Claim, window: Window | None) -> Claim:
    return claim if window else replace(claim, caveats=(*claim.caveats, "unfinished_month"))


def _began(who: Observed, cohort: str, every: Every) -> Any:
    """Return the name of the cohort of each cell."""
    held = who.labels[cohort]
    if not pd.api.types.is_datetime64_any_dtype(held):
        return held.astype(str).to_numpy()
    return held.dt.tz_localize(None).dt.to_period(_LETTER[every]).astype(str).to_numpy()


def _ages(who: Observed) -> list[float]:
    last = float(who.duration.max())
    step = next((s for s in (1, 2, 3, 6, 12, 24) if last / s <= _AGES), float(np.ceil(last / _AGES)))
    return [float(a) for a in np.arange(step, last + 1e-9, step)] or [last]
