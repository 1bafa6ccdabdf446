"""How long customers stay: curves, horizons, medians, tests between groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.columns import named
from cxlab.analysis.dropped import TOO_EARLY
from cxlab.analysis.estimates import Result, check_level, flags
from cxlab.analysis.survival.absent import lacking, nothing, people_of
from cxlab.analysis.survival.claims import retention_findings, undated
from cxlab.analysis.survival.clock import restarted
from cxlab.analysis.survival.curves import Curve, curve, reached, risk_sums
from cxlab.analysis.survival.groups import check_by, check_groups, log_ranks, paired_log_ranks, parts
from cxlab.analysis.survival.observed import Observed, Table, check_roles, observed
from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class Retention(Result):
    """Shares of customers still here over time, with horizons, medians and tests between groups."""


def retention(
    table: Table,
    duration: str,
    event: str,
    *,
    by: Sequence[str] = (),
    entry: str | None = None,
    weights: str | None = None,
    level: float = 0.95,
    horizons: Sequence[float] = (12, 24, 36),
    since: str | None = None,
    optional: bool = False,
) -> Retention:
    r"""Estimate the share of customers still here over time.

    Parameters
    ----------
    table : DataFrame (n, any), path, DuckDB relation or Spark frame
        One row per customer; what is not in memory is grouped where it is.
    duration, event : str
        Months (or another unit) until the customer left or was last seen, above 0; 1 left, 0 still here.
    by : sequence of str
        Columns whose crossed categories have a curve each; rows without a category are dropped, counted.
    entry : str, optional
        When the customer came under observation (late entry); at risk only from then on.
    weights : str, optional
        Column of sampling weights; never counts.
    level : float
        Confidence level.
    horizons : sequence of float
        Times reported in ``tables["horizons"]``.
    since : str, optional
        Column of months from the start at which each customer's clock starts anew, as the end of a lock-in
        or a first contact; who has no such month, and who was gone by then, is left out and counted.
    optional : bool
        For a section beside the one on all customers: return nothing where no group and no start is given,
        or, and say so, where the table has no such column; say of the beginning only how groups differ.

    Returns
    -------
    Retention
        ``table``: *by, time (every time observed, and the start), at_risk, events (people), estimate
        (share still here), std_error, conf_low, conf_high (log-log), n, n_eff, flag (suppressed where
        fewer than 10 are at risk). ``tables``: horizons (alike; empty after the last customer), overall
        (horizons of all), medians (*by, estimate, conf_low, conf_high, events, starts_at, n, flag),
        log_rank (column, statistic, df, p_value, p_adjusted) and tests, one for each column of `by`;
        paired (column, segment, other, statistic, df, p_value, p_adjusted by Holm over all pairs, n of the
        smaller, flag), for columns of up to 20 groups.

    Raises
    ------
    AnalysisError
        For blanks, text or codes other than 0 and 1 in the event, durations that are not positive,
        entries not before the end, repeated customer ids, unusable weights, missing columns.

    Notes
    -----
    Kaplan-Meier, :math:`S(t) = \prod_{t_k \le t}(1 - d_k / y_k)`, Greenwood's variance (squared influences
    with weights). With late entry the share is of those who stayed until the curve starts.

    References
    ----------
    Kaplan & Meier (1958), doi:10.2307/2281868; Mantel (1966), Cancer Chemotherapy Reports 50, 163-170.

    Examples
    --------
    >>> customers = pd.DataFrame({"months": [3, 5, 5, 8, 12, 12], "left": [1, 1, 0, 1, 0, 0]})
    >>> stays = retention(customers, "months", "left")
    >>> stays.table[["time", "at_risk", "estimate"]].round(3).values.tolist()
    [[0.0, 6.0, 1.0], [3.0, 6.0, 0.833], [5.0, 5.0, 0.667], [8.0, 3.0, 0.444], [12.0, 2.0, 0.444]]
    """
    check_level(level)
    by = named(by)
    check_by(by)
    gone = lacking(table, [*by, since], optional=optional)
    if gone or (optional and not by and since is None):
        return Retention(**nothing(gone, "horizons", "overall", "medians", "log_rank", "paired"))
    times = sorted({float(h) for h in horizons})
    if not all(t > 0 and np.isfinite(t) for t in times):
        raise AnalysisError(
            "horizons must be positive times; got {horizons}", horizons=", ".join(map(str, horizons))
        )
    check_roles({
        "the duration": [duration], "the event": [event], "the entry": [entry], "the weights": [weights],
        "a grouping": by, "the start of the clock": [since],
    })  # fmt: skip
    needed = [*by, *([since] if since else [])]
    who = restarted(observed(table, duration, event, entry=entry, weights=weights, needed=needed), since)
    settings = {
        "duration": duration, "event": event, "by": by, "entry": entry, "weights": weights, "since": since,
        "undated": undated(table, entry),
    }  # fmt: skip
    return retained(who, by, times, level, settings, beside=optional and bool(by) and since is None)


def retained(
    who: Observed,
    by: Sequence[str],
    times: Sequence[float],
    level: float,
    settings: Mapping[str, Any],
    *,
    beside: bool = False,
) -> Retention:
    """Return the retention of `who`, cut by the labels `by`.

    `settings` say what was read, entry and since included; `beside` leaves out what all do, said elsewhere.
    """
    check_groups(who, by)
    curves = [(key, own, curve(own, level)) for key, own in parts(who, by)]
    whole = curve(who, level)
    ranks = log_ranks(who, by)
    columns = {column: _by_column(who, column, level) for column in ranks["column"] if len(by) > 1}
    if len(by) == 1 and len(ranks):
        columns = {by[0]: {key[by[0]]: c for key, _, c in curves}}
    early = sum(c.left_before for _, _, c in curves)
    facts = {
        "level": level, "horizons": times, "late_entry": settings["entry"] is not None,
        "since": settings["since"], "beside": beside,
        "undated": settings["undated"],
    }  # fmt: skip
    claims, otherwise = retention_findings(who, whole, columns, ranks, facts)
    return Retention(
        table=pd.concat([_steps(key, own, c) for key, own, c in curves], ignore_index=True),
        keys=tuple(dict.fromkeys([*by, "time", "column", "segment", "other"])),
        tables={
            "horizons": pd.concat([_at(key, own, c, times) for key, own, c in curves], ignore_index=True),
            "overall": _at({}, who, whole, times),
            "medians": pd.DataFrame([_median(key, own, c) for key, own, c in curves]),
            **({**_tests(ranks), "paired": paired_log_ranks(who, by)} if by else {}),
        },
        n_used=who.n - early,
        n_dropped={**who.dropped, **({TOO_EARLY: early} if early else {})},
        settings={
            **settings, "level": level, "horizons": times, "events": who.events, "interval": "log-log",
            "variance": "influence" if who.weight is not None else "Greenwood", "starts_at": whole.starts_at,
        },
        claims=claims,
        otherwise=otherwise,
        parts={column: column for column in by},
        asked_of=people_of(settings, who.dropped),
    )  # fmt: skip


def _tests(ranks: pd.DataFrame) -> dict[str, pd.DataFrame]:
    tests = ranks[["hypothesis", "p_value", "p_adjusted"]]
    return {"log_rank": ranks.drop(columns="hypothesis"), "tests": tests}


def _steps(key: Mapping[str, Any], who: Observed, c: Curve) -> pd.DataFrame:
    steps = {
        "time": c.time,
        "at_risk": c.at_risk,
        "events": c.events,
        "estimate": c.survival,
        "std_error": c.survival * c.error,
        "conf_low": c.conf_low,
        "conf_high": c.conf_high,
    }
    return _based(key, steps, who)


def _at(key: Mapping[str, Any], who: Observed, c: Curve, times: Sequence[float]) -> pd.DataFrame:
    """Return the curve at `times`, events being those until then; nothing is said after the last customer."""
    at = np.array([c.at(t) for t in times], dtype=int)

    def held(values: Array) -> Array:
        return np.where(at >= 0, values[at], np.nan)

    steps = {
        "time": np.array(times),
        "at_risk": risk_sums(np.array(times), who, who.count).astype(int),
        "events": held(np.cumsum(c.events)),
        "estimate": held(c.survival),
        "std_error": held(c.survival * c.error),
        "conf_low": held(c.conf_low),
        "conf_high": held(c.conf_high),
    }
    return _based(key, steps, who)


def _based(key: Mapping[str, Any], steps: Mapping[str, Array], who: Observed) -> pd.DataFrame:
    """Return the `key`, the `steps`, the base and the flag as one table."""
    bases = {"n": who.n, "n_eff": who.n_eff(), "flag": flags(steps["at_risk"])}
    return pd.DataFrame({**key, **steps, **bases}, columns=[*key, *steps, *bases])


def _median(key: Mapping[str, Any], who: Observed, c: Curve) -> dict[str, Any]:
    return {
        **key,
        "estimate": reached(c.time, c.survival),
        "conf_low": reached(c.time, c.conf_low),
        "conf_high": reached(c.time, c.conf_high),
        "events": int(c.events.sum()),
        "starts_at": c.starts_at,
        "n": who.n,
        "n_eff": who.n_eff(),
        "flag": flags([who.n])[0],
    }


def _by_column(who: Observed, column: str, level: float) -> dict[Any, Curve]:
    return {key[column]: curve(own, level) for key, own in parts(who, [column])}
