"""What the curve would have been had time not been looked after, beside what it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.dropped import TOO_EARLY
from cxlab.analysis.estimates import Claim, Result, check_level, flags
from cxlab.analysis.survival.claims import caveats_of
from cxlab.analysis.survival.curves import Curve, curve, risk_sums
from cxlab.analysis.survival.observed import Observed
from cxlab.analysis.survival.observed import observed as read
from cxlab.analysis.survival.observing import Observation, check_observation
from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class BiasReceipt(Result):
    """Shares still here with time looked after, and what two ways of not doing so would have said."""


def receipt(
    observed: Observation, *, horizons: Sequence[float] = (12, 24), level: float = 0.95
) -> BiasReceipt:
    """Say how many were seen, and what the share still here would be if late entry or staying were ignored.

    Parameters
    ----------
    observed : Observation (customers)
        What `observe` returned.
    horizons : sequence of float
        Times in its unit.
    level : float
        Confidence level.

    Returns
    -------
    BiasReceipt
        ``table``: time, estimate (share still here, each customer at risk only while under observation),
        std_error, conf_low, conf_high, entry_ignored (the share if all were taken as seen since they
        joined), leavers_only (the share among those who left, as in an average of their stay), at_risk, n,
        flag. ``tables``: receipt (step, n), excluded (reason, n).

    Raises
    ------
    AnalysisError
        If `observed` is not what `observe` returned.

    Notes
    -----
    Who joined before the window is there because they stayed until it opened; taken as seen since joining,
    they make everyone seem to stay longer (left truncation). Who left is there because they did not stay.

    References
    ----------
    Klein & Moeschberger (2003), sections 3.4 and 4.6, doi:10.1007/b97377.

    Examples
    --------
    >>> from cxlab.analysis.survival import observe
    >>> joined = pd.date_range("2019-01-01", periods=60, freq="MS")
    >>> left = [day + pd.DateOffset(months=10 * (k % 5) + 20) for k, day in enumerate(joined)]
    >>> customers = pd.DataFrame({"who": range(60), "joined": joined, "left": left})
    >>> seen = observe(customers, id="who", start="joined", end="left", window=("2023-01-01", "2024-12-31"))
    >>> receipt(seen, horizons=[36]).table[["estimate", "entry_ignored"]].round(2).values.tolist()
    [[0.58, 0.72]]
    """
    check_level(level)
    check_observation(observed)
    times = sorted({float(h) for h in horizons})
    if not times or not all(t > 0 and np.isfinite(t) for t in times):
        raise AnalysisError(
            "horizons must be positive times; got {horizons}", horizons=", ".join(map(str, horizons))
        )
    who = read(observed.table, "duration", "event", entry="entry", weights=None)
    seen = curve(who, level)
    start = np.zeros(len(who.count))
    naive = curve(replace(who, entry=start), level)
    gone = curve(replace(who, entry=start).part(who.event), level) if who.events else None
    at_risk = risk_sums(np.array(times), who, who.count).astype(int)
    table = pd.DataFrame(
        {
            "time": times,
            "estimate": _at(seen, seen.survival, times),
            "std_error": _at(seen, seen.survival * seen.error, times),
            "conf_low": _at(seen, seen.conf_low, times),
            "conf_high": _at(seen, seen.conf_high, times),
            "entry_ignored": _at(naive, naive.survival, times),
            "leavers_only": _at(gone, gone.survival, times, after=0.0) if gone else np.nan,
            "at_risk": at_risk,
            "n": who.n,
            "flag": flags(at_risk),
        }
    )
    early = seen.left_before
    return BiasReceipt(
        table=table,
        keys=("time", "step", "reason"),
        tables={"receipt": observed.receipt, "excluded": observed.excluded},
        n_used=who.n - early,
        n_dropped={**who.dropped, **({TOO_EARLY: early} if early else {})},
        settings={
            "time_unit": f"{observed.unit}s",
            "horizons": times,
            "level": level,
            "starts_at": seen.starts_at,
        },
        claims=_claims(who, table, observed.unit, level),
    )


def _at(c: Curve, values: Array, times: Sequence[float], *, after: float = np.nan) -> Array:
    """Return the curve's `values` at `times`; `after` once nobody is left to be seen."""
    return np.array([values[k] if (k := c.at(t)) >= 0 else after for t in times])


def _claims(who: Observed, table: pd.DataFrame, unit: str, level: float) -> tuple[Claim, ...]:
    """Say what ignoring late entry would have said, at the last time at which it matters."""
    apart = (table["entry_ignored"] < table["conf_low"]) | (table["entry_ignored"] > table["conf_high"])
    if not (apart & (table["flag"] == "ok")).any():
        return ()
    row = table[apart & (table["flag"] == "ok")].iloc[-1]
    fields = {
        **{name: float(row[name]) for name in ("estimate", "conf_low", "conf_high", "time", "entry_ignored")},
        "time_unit": f"{unit}s",
        "unit": "share",
        "level": level,
        "late": int(who.count[who.entry > 0].sum()),
        "n": who.n,
    }
    return (Claim("retention.entry_ignored", fields, "D", caveats_of(who, late_entry=True)),)
