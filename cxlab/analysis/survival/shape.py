"""In which months customers leave: the risk of each month, and the months that stand out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from cxlab.analysis.columns import as_floats, named
from cxlab.analysis.estimates import (
    MINIMUM_CUSTOMERS,
    Claim,
    Result,
    adjusted,
    check_level,
    flags,
    stated,
    t_quantile,
)
from cxlab.analysis.intervals import wilson
from cxlab.analysis.survival.absent import lacking, people_of
from cxlab.analysis.survival.claims import caveats_of, no_events, undated
from cxlab.analysis.survival.clock import Window, in_whole_months, restarted
from cxlab.analysis.survival.curves import event_sums, risk_sums
from cxlab.analysis.survival.groups import check_by, check_groups, name_of, parts
from cxlab.analysis.survival.observed import Observed, check_roles, observed

Array = np.ndarray[Any, Any]

_EXPECTED = 5.0  # departures that a chi-square term needs
_RUN = [
    "segment", "start", "end", "events", "at_risk", "ratio", "conf_low", "conf_high", "p_adjusted", "n",
    "flag",
]  # fmt: skip
_STATED = 2  # runs of months put into words, of each group


@dataclass(frozen=True, eq=False, kw_only=True)
class HazardShape(Result):
    """The risk of leaving in each month, of who was still here when it began."""


def hazard_shape(
    table: pd.DataFrame,
    duration: str,
    event: str,
    *,
    by: Sequence[str] = (),
    entry: str | None = None,
    level: float = 0.95,
    since: str | None = None,
    marks: Sequence[str] = (),
    window: Window | None = None,
    optional: bool = False,
) -> HazardShape:
    r"""Estimate the risk of leaving in each month, and find the months in which it stands out.

    Parameters
    ----------
    table : DataFrame (n, any)
        One row per customer.
    duration, event : str
        Months until the customer left or was last seen, above 0; 1 left, 0 still here. Parts of a month
        count as the month that they are in.
    by : sequence of str
        Columns whose crossed categories are looked at apart.
    entry : str, optional
        When the customer came under observation (late entry).
    level : float
        Confidence level.
    since : str, optional
        Column of months from the start at which each customer's clock starts anew, as in `retention`.
    marks : sequence of str
        Columns of months from the start at which something ends, as a lock-in: their medians are marked.
    window : (str, str), optional
        Dates on which customers began and on which observation of them ended: only months seen whole count.
        Without them the unfinished month of who is still here counts whole, and the last risks look small.
    optional : bool
        Go without the groups, marks and dates that the table does not have.

    Returns
    -------
    HazardShape
        ``table``: *by, time (the month), at_risk, events, hazard (events / at_risk) with std_error, conf_low,
        conf_high (Wilson), n, flag (suppressed where fewer than 10 are at risk). ``tables``: months
        (segment, start, end, events, at_risk, ratio to the group's other months with conf_low, conf_high,
        p_adjusted, n, flag: runs of months that stand out above), tests (one for each group: the risk is
        the same in all months).

    Raises
    ------
    AnalysisError
        What `retention` refuses.

    Notes
    -----
    Evenness: Pearson's chi-square over months, neighbouring months joined until 5 departures are expected.
    Months that stand out: each against the rest of its group by Fisher's exact test, Holm over months;
    neighbours are one run. The months were chosen by looking, so that their ratio tends to be too large.

    References
    ----------
    Fisher (1935), doi:10.2307/2342435; Singer & Willett (1993), doi:10.3102/10769986018002155 (risk in
    discrete time).

    Examples
    --------
    >>> customers = pd.DataFrame({"months": [1, 1, 2, 3, 3], "left": [1, 0, 0, 1, 0]})
    >>> hazard_shape(customers, "months", "left").table[["time", "at_risk", "hazard"]].values.tolist()
    [[1.0, 5.0, 0.2], [2.0, 3.0, 0.0], [3.0, 2.0, 0.5]]
    """
    check_level(level)
    by = named(by)
    check_by(by, "hazard")
    absent = lacking(table, [*by, *marks, *(window or ())], optional=optional)
    by, marks = ([c for c in columns if c not in absent] for columns in (by, marks))
    window = None if window and {*window} & {*absent} else window
    check_roles({
        "the duration": [duration], "the event": [event], "the entry": [entry], "a grouping": by,
        "the start of the clock": [since],
    })  # fmt: skip
    needed = [*by, *([since] if since else []), *(window or ())]
    read = observed(table, duration, event, entry=entry, weights=None, needed=needed, carried=[*marks])
    whole = restarted(in_whole_months(read, window), since)
    who = _in_months(whole)
    # Who is at risk in a month is who is at risk at its end, where all times are whole months.
    parted = window or not np.array_equal(who.duration, whole.duration)
    clock = {"duration": duration, "entry": entry, "since": since, "until": "months" if parted else None}
    check_groups(who, by)
    groups = [(key, own, _months(key, own, level)) for key, own in parts(who, by)]
    runs = [_runs(key, rows, level) for key, _, rows in groups]
    tests = pd.DataFrame([_evenness(key, rows) for key, _, rows in groups])
    tests = tests.assign(p_adjusted=adjusted(tests["p_value"].to_numpy(dtype=float), "holm"))
    facts = {
        "level": level, "late_entry": entry is not None, "undated": undated(table, entry),
        "column": " x ".join(by), "whole": window is not None,
    }  # fmt: skip
    claims, otherwise = _findings(who, groups, runs, tests, facts)
    return HazardShape(
        table=pd.concat([rows for _, _, rows in groups], ignore_index=True),
        keys=tuple(dict.fromkeys([*by, "time", "segment", "hypothesis"])),
        estimate_column="hazard",
        tables={"months": pd.DataFrame([r for found in runs for r in found], columns=_RUN), "tests": tests},
        n_used=who.n,
        n_dropped=dict(who.dropped),
        settings={
            "duration": duration, "event": event, "by": by, "entry": entry, "since": since, "level": level,
            "events": who.events, "interval": "Wilson", "marks": _medians(read, marks),
        },
        claims=claims,
        otherwise=otherwise,
        parts={column: column for column in by},
        asked_of=people_of(clock, who.dropped),
    )  # fmt: skip


def _in_months(who: Observed) -> Observed:
    """Put every end in the month it falls in, every entry at the beginning of the next whole month."""
    return replace(who, duration=np.ceil(who.duration - 1e-9), entry=np.floor(who.entry + 1e-9))


def _medians(who: Observed, columns: Sequence[str]) -> dict[str, float]:
    """Return the median of each column of months, over the customers who have one."""
    found = {}
    for column in columns:
        months = as_floats(who.labels[column])
        if months is None or np.isnan(months).all():
            continue
        order = np.argsort(months[known := ~np.isnan(months)], kind="stable")
        count = who.count[known][order].cumsum()
        found[column] = float(months[known][order][np.searchsorted(count, count[-1] / 2)])
    return found


def _months(key: Mapping[str, Any], who: Observed, level: float) -> pd.DataFrame:
    times = np.arange(1.0, who.duration.max() + 1)
    y, d = (sums(times, who, who.count) for sums in (risk_sums, event_sums))
    hazard = np.divide(d, y, out=np.full_like(y, np.nan), where=y > 0)
    low, high = wilson(hazard, y, level)
    error = np.sqrt(np.divide(hazard * (1 - hazard), y, out=np.full_like(y, np.nan), where=y > 0))
    steps = {
        "time": times, "at_risk": y.round().astype(int), "events": d.round().astype(int), "hazard": hazard,
        "std_error": error, "conf_low": low, "conf_high": high, "n": who.n, "flag": flags(y),
    }  # fmt: skip
    return pd.DataFrame({**key, **steps})


def _evenness(key: Mapping[str, Any], rows: pd.DataFrame) -> dict[str, Any]:
    """Test that the risk is the same in all months, months joined until enough departures are expected."""
    named_ = f"even risk over the months{': ' + str(name_of(key)) if key else ''}"
    y, d = (rows[c].to_numpy(dtype=float) for c in ("at_risk", "events"))
    if not d.sum() or d.sum() == y.sum():
        return {"hypothesis": named_, "p_value": np.nan}
    rate = d.sum() / y.sum()
    whole = np.floor(np.cumsum(y * rate) / _EXPECTED)
    joined = np.concatenate([[0], np.cumsum(np.diff(whole) > 0)])
    # A month opens a new part once the ones before have enough; what is left over joins the last.
    y, d = (np.bincount(joined, amount) for amount in (y, d))
    if y[-1] * rate < _EXPECTED and len(y) > 1:
        y, d = (np.append(a[:-2], a[-2:].sum()) for a in (y, d))
    if len(y) < 2:
        return {"hypothesis": named_, "p_value": np.nan}
    statistic = float(((d - y * rate) ** 2 / (y * rate * (1 - rate))).sum())
    return {"hypothesis": named_, "p_value": float(stats.chi2.sf(statistic, len(y) - 1))}


def _runs(key: Mapping[str, Any], rows: pd.DataFrame, level: float) -> list[dict[str, Any]]:
    """Return the runs of months whose risk stands above the rest of the group's."""
    y, d = (rows[c].to_numpy(dtype=float) for c in ("at_risk", "events"))
    p = np.full(len(y), np.nan)
    for k in np.flatnonzero(y >= MINIMUM_CUSTOMERS) if d.sum() else ():
        others = y.sum() - y[k], d.sum() - d[k]
        counts = [[d[k], y[k] - d[k]], [others[1], others[0] - others[1]]]
        p[k] = stats.fisher_exact(counts).pvalue
    holm = adjusted(p, "holm")
    rate = d.sum() / max(y.sum(), 1)
    above = (holm <= 1 - level) & (d > y * rate)
    found = []
    for run in np.split(np.flatnonzero(above), np.flatnonzero(np.diff(np.flatnonzero(above)) > 1) + 1):
        if len(run):
            found.append(_run(name_of(key) if key else None, rows, run, ~above, holm, level))
    return found


def _run(
    segment: Any, rows: pd.DataFrame, run: Array, rest: Array, holm: Array, level: float
) -> dict[str, Any]:
    y, d = (rows[c].to_numpy(dtype=float) for c in ("at_risk", "events"))
    inside, outside = (d[run].sum(), y[run].sum()), (d[rest].sum(), y[rest].sum())
    ratio = (inside[0] / inside[1]) / (outside[0] / outside[1]) if outside[0] else np.nan
    parts_ = [1 / a - 1 / b for a, b in (inside, outside) if a]
    reach = t_quantile(level) * np.sqrt(sum(parts_))
    return {
        "segment": segment, "start": rows["time"].iloc[run[0]], "end": rows["time"].iloc[run[-1]],
        "events": int(inside[0]), "at_risk": int(y[run[0]]), "ratio": ratio,
        "conf_low": ratio * np.exp(-reach), "conf_high": ratio * np.exp(reach),
        "p_adjusted": float(np.nanmin(holm[run])), "n": int(y[run[0]]), "flag": flags([y[run].min()])[0],
    }  # fmt: skip


def _findings(
    who: Observed,
    groups: Sequence[tuple[dict[str, Any], Observed, pd.DataFrame]],
    runs: Sequence[Sequence[Mapping[str, Any]]],
    tests: pd.DataFrame,
    facts: Mapping[str, Any],
) -> tuple[tuple[Claim, ...], tuple[Claim, ...]]:
    level, column = facts["level"], facts["column"]
    if not who.events:
        return (no_events(who, level),), ()
    caveats = caveats_of(who, late_entry=facts["late_entry"], undated=facts["undated"])
    caveats += () if facts["whole"] else ("unfinished_month",)
    common = {"column": column, "level": level, "unit": "ratio"}
    raised = []
    for hypothesis, (key, own, _), found in zip(tests["hypothesis"], groups, runs, strict=True):
        segment = {"segment": name_of(key)} if key else {}
        for row in sorted(found, key=lambda each: each["p_adjusted"])[:_STATED]:
            fields = {name: row[name] for name in ("start", "end", "conf_low", "conf_high", "n")}
            fields |= {**common, **segment, "estimate": row["ratio"], "hypothesis": hypothesis}
            raised.append(
                Claim("retention.raised", fields, "D", (*caveats, "chosen_by_looking"), headline=True)
            )
        if not found:
            fields = {**common, **segment, "n": own.n, "hypothesis": hypothesis}
            raised.append(Claim("retention.uneven", fields, "D", caveats))
    raised.sort(key=lambda claim: -claim.fields.get("estimate", 0.0))
    even = Claim("retention.even", {"n": who.n, "events": who.events, "level": level}, "D", caveats)
    return stated(tests, raised, (even,), level), (even,)
