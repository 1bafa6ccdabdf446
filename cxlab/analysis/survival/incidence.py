"""Why customers leave: how many have left for each reason as time goes by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.columns import named, records
from cxlab.analysis.dropped import TOO_EARLY
from cxlab.analysis.estimates import (
    MINIMUM_CUSTOMERS,
    Claim,
    Result,
    adjusted,
    check_level,
    flags,
    stated,
)
from cxlab.analysis.survival.aalen_johansen import Gone, gone, started
from cxlab.analysis.survival.absent import lacking, nothing, people_of
from cxlab.analysis.survival.claims import caveats_of, no_events, undated
from cxlab.analysis.survival.clock import restarted
from cxlab.analysis.survival.curves import risk_sums
from cxlab.analysis.survival.groups import check_by, check_groups, log_ranks, parts
from cxlab.analysis.survival.observed import Observed, Table, check_roles, observed
from cxlab.errors import AnalysisError, Message, Problem

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class Incidence(Result):
    """Shares of customers who have left for each reason, over time."""


def incidence(
    table: Table,
    duration: str,
    event: str,
    *,
    cause: str,
    by: Sequence[str] = (),
    entry: str | None = None,
    level: float = 0.95,
    horizons: Sequence[float] = (12, 24, 36),
    since: str | None = None,
    optional: bool = False,
) -> Incidence:
    r"""Estimate how many customers have left for each reason as time goes by.

    Parameters
    ----------
    table : DataFrame (n, any), path, DuckDB relation or Spark frame
        One row per customer; what is not in memory is grouped where it is.
    duration, event : str
        Months (or another unit) until the customer left or was last seen, above 0; 1 left, 0 still here.
    cause : str
        Why who left left; empty for who is still here.
    by : sequence of str
        Columns whose crossed categories are estimated apart.
    entry : str, optional
        When the customer came under observation (late entry); at risk only from then on.
    level : float
        Confidence level.
    horizons : sequence of float
        Times reported in ``tables["horizons"]``.
    since : str, optional
        Column of months from the start at which each customer's clock starts anew, as in `retention`.
    optional : bool
        Return nothing, and say so, where the table has no such columns.

    Returns
    -------
    Incidence
        ``table``: *by, cause, time (every time observed, and the start), at_risk (people), events (for this
        cause), estimate (share who have left for it), std_error, conf_low, conf_high, n, flag (suppressed
        where fewer than 10 are at risk). ``tables``: horizons (alike; empty after the last customer),
        log_rank (cause, column, statistic, df, p_value, p_adjusted: each cause's hazard between the groups
        of each column of `by`, Holm over all) and tests.

    Raises
    ------
    AnalysisError
        If someone left without a cause or stayed with one; and what `retention` refuses.

    Notes
    -----
    Aalen-Johansen, :math:`F_k(t) = \sum_{t_j \le t} S(t_j-)\, d_{kj} / y_j`, exact with ties: causes that
    fall together share the same risk set. Standard errors are the infinitesimal jackknife's, the root of
    the sum over customers of the squared derivative of :math:`F_k(t)` by the customer's weight, as in R's
    survfit. Limits are log-log of :math:`1 - F_k`, so that one cause alone is one less the retention.
    Shares of all causes and the retention add up to one; one less a Kaplan-Meier curve in which the other
    causes are cut off would say how many would leave if nobody could leave for another reason, and
    overstates.

    References
    ----------
    Aalen & Johansen (1978), Scandinavian Journal of Statistics 5, 141-150; Therneau & Grambsch (2000),
    Modeling Survival Data, chapter 7.

    Examples
    --------
    >>> customers = pd.DataFrame({"months": [3, 5, 5, 8, 12, 12], "left": [1, 1, 0, 1, 0, 0],
    ...     "why": ["price", "moved", None, "price", None, None]})
    >>> gone = incidence(customers, "months", "left", cause="why", horizons=[10])
    >>> gone.tables["horizons"][["cause", "estimate", "events"]].round(3).values.tolist()
    [['moved', 0.167, 1.0], ['price', 0.389, 2.0]]
    """
    check_level(level)
    by = named(by)
    check_by(by, "cause")
    if absent := lacking(table, [cause, *by, since], optional=optional):
        return Incidence(**nothing(absent, "horizons", "log_rank"))
    times = sorted({float(h) for h in horizons})
    if not all(t > 0 and np.isfinite(t) for t in times):
        raise AnalysisError(
            "horizons must be positive times; got {horizons}", horizons=", ".join(map(str, horizons))
        )
    check_roles({
        "the duration": [duration], "the event": [event], "the entry": [entry], "a grouping": by,
        "the cause": [cause], "the start of the clock": [since],
    })  # fmt: skip
    needed = [*by, *([since] if since else [])]
    read = observed(table, duration, event, entry=entry, weights=None, needed=needed, carried=[cause])
    _check_causes(read, cause)
    who = restarted(read, since)
    check_groups(who, [*by, cause])
    causes = sorted(who.labels.loc[who.event, cause].unique(), key=str)
    cut = [(key, *started(own)) for key, own in parts(who, by)]
    early = who.n - sum(own.n for _, own, _ in cut)
    shares = [
        (key, why, own, gone(own, _of(own, cause, why), start, level))
        for key, own, start in cut
        for why in causes
    ]
    ranks = _log_ranks(who, cause, causes, by)
    facts = {
        "level": level,
        "late_entry": entry is not None,
        "undated": undated(table, entry),
        "horizons": times,
    }
    claims, otherwise = _findings(who, cause, causes, ranks, facts)
    return Incidence(
        table=_joined([_rows(key, why, own, g) for key, why, own, g in shares], by),
        keys=(*by, "cause", "time", "column", "hypothesis"),
        tables={
            "horizons": _joined([_at(key, why, own, g, times) for key, why, own, g in shares], by),
            **({"log_rank": ranks.drop(columns="hypothesis"), "tests": _tests(ranks)} if by else {}),
        },
        n_used=who.n - early,
        n_dropped={**who.dropped, **({TOO_EARLY: early} if early else {})},
        settings={
            "duration": duration, "event": event, "cause": cause, "by": by, "entry": entry, "since": since,
            "level": level, "horizons": times, "events": who.events, "interval": "log-log",
            "variance": "infinitesimal jackknife",
        },
        claims=claims,
        otherwise=otherwise,
        parts={column: column for column in by},
        asked_of=people_of({"duration": duration, "entry": entry, "since": since}, who.dropped),
    )  # fmt: skip


def _check_causes(who: Observed, cause: str) -> None:
    """Refuse who left without a cause, or stayed with one."""
    empty = who.labels[cause].isna().to_numpy(dtype=bool)
    cases = [
        (
            int(who.count[who.event & empty].sum()),
            Message("customers who left without a cause"),
            Message("say why in client.yaml, with a category of its own where it is not known"),
        ),
        (
            int(who.count[~who.event & ~empty].sum()),
            Message("customers who are still here with a cause of leaving"),
            Message("empty it, or mark them as gone, in client.yaml"),
        ),
    ]
    allowed = Message("a cause for each customer who left, and for no other")
    problems = [
        Problem(found=found, allowed=allowed, action=action, column=cause, count=count)
        for count, found, action in cases
        if count
    ]
    if problems:
        raise AnalysisError("the causes of leaving cannot be used", problems=problems)


def _of(who: Observed, cause: str, why: Any) -> Array:
    """Say which cells left for the cause `why`."""
    return np.asarray(who.event & (who.labels[cause] == why).to_numpy(dtype=bool, na_value=False))


def _rows(key: Mapping[str, Any], why: Any, who: Observed, g: Gone) -> pd.DataFrame:
    steps = {
        "time": g.time, "at_risk": g.at_risk, "events": g.events, "estimate": g.share, "std_error": g.error,
        "conf_low": g.conf_low, "conf_high": g.conf_high, "n": who.n, "flag": flags(g.at_risk),
    }  # fmt: skip
    return pd.DataFrame({**key, "cause": why, **steps})


def _at(key: Mapping[str, Any], why: Any, who: Observed, g: Gone, times: Sequence[float]) -> pd.DataFrame:
    """Return the shares at `times`; events are those until then, and after the last customer nothing."""
    asked = np.array(times)
    at = np.where(
        (asked < g.time[0]) | (asked > g.time[-1]), -1, np.searchsorted(g.time, asked, side="right") - 1
    )

    def held(values: Array) -> Array:
        return np.where(at >= 0, values[at], np.nan)

    at_risk = risk_sums(asked, who, who.count).round().astype(int)
    steps = {
        "time": asked, "at_risk": at_risk, "events": held(np.cumsum(g.events)), "estimate": held(g.share),
        "std_error": held(g.error), "conf_low": held(g.conf_low), "conf_high": held(g.conf_high),
        "n": who.n, "flag": flags(at_risk),
    }  # fmt: skip
    return pd.DataFrame({**key, "cause": why, **steps})


def _joined(tables: Sequence[pd.DataFrame], by: Sequence[str]) -> pd.DataFrame:
    columns = [
        *by, "cause", "time", "at_risk", "events", "estimate", "std_error", "conf_low", "conf_high", "n",
        "flag",
    ]  # fmt: skip
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def _log_ranks(who: Observed, cause: str, causes: Sequence[Any], by: Sequence[str]) -> pd.DataFrame:
    """Test each cause's hazard between the groups of each column: who leaves for another is cut off there."""
    ranks = [log_ranks(replace(who, event=_of(who, cause, why)), by).assign(cause=why) for why in causes]
    columns = ["hypothesis", "cause", "column", "statistic", "df", "p_value", "p_adjusted"]
    if not ranks:
        return pd.DataFrame(columns=columns)
    joined = pd.concat(ranks, ignore_index=True)
    joined["hypothesis"] = [
        f"{h}, {why}" for h, why in zip(joined["hypothesis"], joined["cause"], strict=True)
    ]
    return joined.assign(p_adjusted=adjusted(joined["p_value"].to_numpy(dtype=float), "holm"))[columns]


def _tests(ranks: pd.DataFrame) -> pd.DataFrame:
    return ranks[["hypothesis", "p_value", "p_adjusted"]]


def _findings(
    who: Observed, cause: str, causes: Sequence[Any], ranks: pd.DataFrame, facts: Mapping[str, Any]
) -> tuple[tuple[Claim, ...], tuple[Claim, ...]]:
    level = facts["level"]
    if not who.events:
        return (no_events(who, level),), ()
    caveats = caveats_of(who, late_entry=facts["late_entry"], undated=facts["undated"])
    own, start = started(who)
    said = []
    for why in causes:
        g = gone(own, _of(own, cause, why), start, level)
        rows = _at({}, why, own, g, facts["horizons"]).dropna(subset="estimate")
        said += [_level(row, cause, level, caveats) for row in records(rows.tail(1))]
    said.sort(key=lambda c: -c.fields["estimate"])
    common = {"cause_column": cause, "level": level, "unit": "share"}
    tested = [
        (row, {**common, **{name: row[name] for name in ("cause", "column", "hypothesis")}})
        for row in records(ranks)
    ]
    differ = [
        Claim("incidence.difference", {**fields, **ends}, "D", caveats, headline=True)
        for row, fields in tested
        if (ends := _ends(own, cause, row, facts))
    ]
    alike = tuple(
        Claim("incidence.alike", {**fields, "p_value": row["p_value"], "n": who.n}, "D", caveats)
        for row, fields in tested
    )
    return (*said, *stated(ranks, differ, alike, level)), alike


def _ends(who: Observed, cause: str, row: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the groups of a column of which fewest and most left for a cause, where all are still seen."""
    column, why = row["column"], row["cause"]
    tables = [
        _at(key, why, own, gone(own, _of(own, cause, why), start, facts["level"]), facts["horizons"])
        for key, part in parts(who, [column])
        for own, start in [started(part)]
        if part.n >= MINIMUM_CUSTOMERS
    ]
    rows = pd.concat(tables) if tables else pd.DataFrame(columns=["time", "estimate", "at_risk"])
    seen = rows[rows["at_risk"] >= MINIMUM_CUSTOMERS].groupby("time")["estimate"].count()
    times = seen.index[seen == len(tables)]
    if len(tables) < 2 or not len(times):
        return {}
    last = rows[rows["time"] == times.max()].sort_values("estimate", kind="stable")
    low, high = records(last)[0], records(last)[-1]
    return {
        "lowest": low[column], "lowest_estimate": low["estimate"], "highest": high[column],
        "highest_estimate": high["estimate"], "time": float(times.max()), "time_unit": "months",
        "n": int(last["at_risk"].min()),
    }  # fmt: skip


def _level(row: Mapping[str, Any], cause: str, level: float, caveats: tuple[str, ...]) -> Claim:
    fields = {
        "cause": row["cause"], "cause_column": cause, "time": row["time"], "time_unit": "months",
        "estimate": row["estimate"], "conf_low": row["conf_low"], "conf_high": row["conf_high"],
        "level": level, "unit": "share", "n": row["at_risk"],
    }  # fmt: skip
    return Claim("incidence.level", fields, "D", caveats, headline=True)
