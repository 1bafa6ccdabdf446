"""How many months customers stay, on average, within a horizon: a mean that needs no end to be seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.columns import named, records
from cxlab.analysis.dropped import TOO_EARLY
from cxlab.analysis.estimates import (
    MINIMUM_CUSTOMERS,
    Claim,
    Result,
    check_level,
    flags,
    stated,
    t_quantile,
)
from cxlab.analysis.survival.absent import nothing, people_of
from cxlab.analysis.survival.claims import caveats_of, no_events, undated
from cxlab.analysis.survival.curves import Curve, curve
from cxlab.analysis.survival.groups import check_by, check_groups, differences, parts
from cxlab.analysis.survival.observed import Observed, Table, check_roles, observed
from cxlab.errors import AnalysisError

_STATED = 3  # differences put into words; the table has them all


@dataclass(frozen=True, eq=False, kw_only=True)
class RestrictedMean(Result):
    """Months that customers stay within a horizon, and their `differences` between groups."""

    @property
    def differences(self) -> pd.DataFrame:
        """Each two groups: segment less other; see `restricted_mean` for the columns."""
        return self.tables["differences"]


def restricted_mean(
    table: Table,
    duration: str,
    event: str,
    *,
    horizon: float,
    by: Sequence[str] = (),
    entry: str | None = None,
    level: float = 0.95,
    optional: bool = False,
) -> RestrictedMean:
    r"""Estimate how many months customers stay, on average, within `horizon` months.

    Parameters
    ----------
    table : DataFrame (n, any), path, DuckDB relation or Spark frame
        One row per customer; what is not in memory is grouped where it is.
    duration, event : str
        Months (or another unit) until the customer left or was last seen, above 0; 1 left, 0 still here.
    horizon : float
        Months from the start that count; nobody's stay counts for more.
    by : sequence of str
        Columns whose crossed categories have a mean each.
    entry : str, optional
        When the customer came under observation (late entry); at risk only from then on.
    level : float
        Confidence level.
    optional : bool
        Return nothing, and say so, where nobody is observed up to the horizon.

    Returns
    -------
    RestrictedMean
        ``table``: *by, estimate (months), std_error, conf_low, conf_high, n, events (until the horizon),
        at_horizon (people still observed then; of no group where one has 1 to 9), starts_at, flag; empty
        where a group is not observed up to the horizon. ``differences``: segment, other, difference
        (segment less other), std_error, conf_low, conf_high, p_value, p_adjusted (Holm), n (the smaller of
        both), flag, hypothesis.
        ``tables["overall"]``: the same as `table` for all together.

    Raises
    ------
    AnalysisError
        If `horizon` is not positive or nobody is observed up to it; and what `retention` refuses.

    Notes
    -----
    :math:`\hat\mu(\tau) = \int_0^\tau \hat S(t)\,dt` under the Kaplan-Meier curve, with variance
    :math:`\sum_{t_k \le \tau} (\int_{t_k}^\tau \hat S)^2 d_k / \{y_k (y_k - d_k)\}`. The curve is not
    prolonged: a group of which nobody is observed at the horizon has no mean. With late entry the mean
    is of those who stayed until the curve starts.

    References
    ----------
    Irwin (1949), Journal of Hygiene 47, 188-189; Royston & Parmar (2013), doi:10.1186/1471-2288-13-152.

    Examples
    --------
    >>> customers = pd.DataFrame({"months": [3, 5, 5, 8, 12, 12], "left": [1, 1, 0, 1, 0, 0]})
    >>> means = restricted_mean(customers, "months", "left", horizon=10)
    >>> means.table[["estimate", "events", "at_horizon"]].round(3).values.tolist()
    [[7.556, 3.0, 2.0]]
    """
    check_level(level)
    by = named(by)
    check_by(by)
    if not (isinstance(horizon, int | float | np.number) and np.isfinite(horizon) and horizon > 0):
        raise AnalysisError("horizon is {horizon!r}; give a number of months above 0", horizon=horizon)
    check_roles({
        "the duration": [duration], "the event": [event], "the entry": [entry], "a grouping": by,
    })  # fmt: skip
    who = observed(table, duration, event, entry=entry, weights=None, needed=by)
    check_groups(who, by)
    whole = curve(who, level)
    if not _is_reached(whole, horizon):
        if not optional:
            _refuse(whole, horizon)
        unseen = Claim("retention.unseen", {"time": float(horizon), "time_unit": "months", "n": who.n}, "D")
        return RestrictedMean(**{**nothing([], "differences", "overall"), "claims": (unseen,)})
    curves = [(key, own, curve(own, level)) for key, own in parts(who, by)]
    means = pd.DataFrame([_mean(key, own, c, horizon, level) for key, own, c in curves])
    overall = pd.DataFrame([_mean({}, who, whole, horizon, level)])
    if (
        by and means["at_horizon"].between(1, MINIMUM_CUSTOMERS - 1).any()
    ):  # beside their total, all would tell it
        means["at_horizon"] = np.nan
    pairs = differences(means, by, "mean stay", level)
    early = sum(c.left_before for _, _, c in curves)
    facts = {
        "horizon": float(horizon),
        "level": level,
        "late_entry": entry is not None,
        "undated": undated(table, entry),
        "by": by,
    }
    claims, otherwise = _findings(who, overall, pairs, facts)
    return RestrictedMean(
        table=means,
        keys=tuple(dict.fromkeys([*by, "segment", "other", "hypothesis"])),
        tables={
            "differences": pairs,
            "overall": overall,
            **({"tests": pairs[["hypothesis", "p_value", "p_adjusted"]]} if by else {}),
        },
        n_used=who.n - early,
        n_dropped={**who.dropped, **({TOO_EARLY: early} if early else {})},
        settings={
            "duration": duration, "event": event, "by": by, "entry": entry, "level": level, "unit": "months",
            "horizon": float(horizon), "events": who.events, "starts_at": whole.starts_at,
            "variance": "Greenwood",
        },
        claims=claims,
        otherwise=otherwise,
        parts={column: column for column in by},
        asked_of=people_of({"duration": duration, "entry": entry}, who.dropped),
    )  # fmt: skip


def _is_reached(c: Curve, horizon: float) -> bool:
    """Tell whether the curve is seen up to `horizon`: until then somebody is observed, or nobody is left."""
    return horizon > c.starts_at and (horizon <= c.time[-1] or c.survival[-1] == 0)


def _refuse(whole: Curve, horizon: float) -> None:
    raise AnalysisError(
        "horizon is {horizon:g}, and customers are observed from {first:g} to {last:g}; "
        "give a time between them",
        horizon=float(horizon), first=whole.starts_at, last=float(whole.time[-1]),
    )  # fmt: skip


def area(c: Curve, horizon: float) -> tuple[float, float]:
    """Return the area under the curve up to `horizon`, and its standard error; NaN where it is not seen."""
    if not _is_reached(c, horizon):
        return float("nan"), float("nan")
    until = np.minimum(np.append(c.time[1:], np.inf), horizon)
    width = np.maximum(until - np.minimum(c.time, horizon), 0.0)
    pieces = c.survival * width
    after = pieces[::-1].cumsum()[::-1]
    # Once nobody is left there is no error to carry, nor any area.
    steps = np.diff(np.nan_to_num(c.error) ** 2, prepend=0.0)
    inside = (c.time <= horizon) & (c.survival > 0)
    return c.starts_at + float(pieces.sum()), float(np.sqrt(np.sum((after**2 * steps)[inside])))


def _mean(key: Mapping[str, Any], who: Observed, c: Curve, horizon: float, level: float) -> dict[str, Any]:
    estimate, error = area(c, horizon)
    reach = t_quantile(level) * error
    later = np.searchsorted(c.time, horizon)
    return {
        **key,
        "estimate": estimate,
        "std_error": error,
        "conf_low": max(estimate - reach, 0.0),
        "conf_high": min(estimate + reach, float(horizon)),
        "n": who.n,
        "events": int(c.events[c.time <= horizon].sum()),
        "at_horizon": int(c.at_risk[later]) if later < len(c.time) else 0,
        "starts_at": c.starts_at,
        "flag": flags([who.n])[0],
    }


def _findings(
    who: Observed, overall: pd.DataFrame, pairs: pd.DataFrame, facts: Mapping[str, Any]
) -> tuple[tuple[Claim, ...], tuple[Claim, ...]]:
    level, horizon = facts["level"], facts["horizon"]
    if not who.events:
        return (no_events(who, level),), ()
    caveats = caveats_of(who, late_entry=facts["late_entry"], undated=facts["undated"])
    row = records(overall)[0]
    common = {"time": horizon, "time_unit": "months", "level": level, "unit": "months"}
    mean = {**common, **{c: row[c] for c in ("estimate", "conf_low", "conf_high", "n")}}
    said = (Claim("retention.mean", mean, "D", caveats, headline=True),)
    known = pairs.dropna(subset="p_value")
    # The largest that stand first: several far beyond doubt differ in size, not in certainty.
    known = known.assign(doubt=known["p_adjusted"] > 1 - level, size=known["difference"].abs())
    known = known.sort_values(["doubt", "size"], ascending=[True, False], kind="stable")
    if known.empty:
        return said, ()
    column = " x ".join(facts["by"])
    gaps = [
        Claim(
            "retention.mean_difference",
            {**common, "column": column, **_longer(pair)},
            "D",
            caveats,
            headline=True,
        )
        for pair in records(known.head(_STATED))
    ]
    alike = {**common, "column": column, "pairs": len(known), "n": who.n}
    otherwise = (Claim("retention.mean_alike", alike, "D", caveats),)
    return (*said, *stated(pairs, gaps, otherwise, level)), otherwise


def _longer(pair: Mapping[str, Any]) -> dict[str, Any]:
    """Return a pair's fields, the group that stays longer first."""
    sign = 1 if pair["difference"] >= 0 else -1
    ends = [sign * pair[end] for end in ("conf_low", "conf_high")[::sign]]
    one, other = (pair["segment"], pair["other"])[::sign]
    return {
        "segment": one, "other": other, "estimate": abs(pair["difference"]), "conf_low": ends[0],
        "conf_high": ends[1], "n": pair["n"], "hypothesis": pair["hypothesis"],
    }  # fmt: skip
