"""Whether who did not rate a driver differs in the outcome from who did: what does not apply may tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from cxlab.analysis.columns import records
from cxlab.analysis.estimates import (
    MINIMUM_CUSTOMERS,
    Claim,
    adjusted,
    effective_n,
    flags,
    stated,
    t_quantile,
)

Array = np.ndarray[Any, Any]

_SOME = 0.02  # of the people: when fewer did not rate a driver, they move nothing
_WORTH = 0.2  # of the outcome's standard deviation, under which a difference is not worth a sentence


def apart(drivers: Sequence[str], rated: Array, outcome: Array, w: Array, level: float) -> pd.DataFrame:
    """Return the outcome of who rated each driver and of who did not, for drivers that not all rated.

    Columns: driver, outcome_rated, outcome_not (means), gap (the second less the first), gap_low, gap_high,
    p_value (Welch, on effective bases), p_adjusted (Holm over drivers), hypothesis, n (of who did not rate),
    flag. Where either group has fewer than ten people there is no mean.
    """
    rows = [
        {"driver": name, **_gap(who, outcome, w, level)}
        for name, who in zip(drivers, rated.T, strict=True)
        if not who.all()
    ]
    columns = ["driver", "outcome_rated", "outcome_not", "gap", "gap_low", "gap_high", "p_value", "n", "rest"]
    table = pd.DataFrame(rows, columns=columns)
    smallest = table[["n", "rest"]].min(axis=1)
    return table.drop(columns="rest").assign(
        p_adjusted=adjusted(table["p_value"].to_numpy(dtype=float), "holm"),
        hypothesis=[f"unrated {name}" for name in table["driver"]],
        flag=flags(smallest),
    )


def most_apart(table: pd.DataFrame, outcome: str, values: Array, level: float) -> tuple[Claim, ...]:
    """State the driver whose not having been rated goes with the largest difference, if one stands."""
    share = bool(np.isin(values, (0.0, 1.0)).all())
    many = table["n"] >= _SOME * len(values)
    worth = table[many & (table["gap"].abs() >= _WORTH * float(values.std()))]
    candidates = [
        Claim(
            "drivers.unrated_apart",
            {
                "driver": row["driver"], "outcome": outcome, "estimate": row["gap"],
                "conf_low": row["gap_low"], "conf_high": row["gap_high"], "level": level,
                "unit": "share" if share else "scale", "rated": row["outcome_rated"],
                "unrated": row["outcome_not"], "n": int(row["n"]), "hypothesis": row["hypothesis"],
            },
            "D",
        )
        for row in records(worth)
    ]  # fmt: skip
    standing = stated(table.fillna({"p_adjusted": 1.0}), candidates, (), level)
    return tuple(sorted(standing, key=lambda claim: -abs(claim.fields["estimate"]))[:1])


def _gap(who: Array, outcome: Array, w: Array, level: float) -> dict[str, float]:
    n, rest = int((~who).sum()), int(who.sum())
    counted: dict[str, float] = {"n": n, "rest": rest}
    if min(n, rest) < MINIMUM_CUSTOMERS:
        return counted
    (there, error, base), (away, other, few) = (_mean(outcome[one], w[one]) for one in (who, ~who))
    gap, spread = away - there, np.sqrt(error + other)
    df = spread**4 / (error**2 / (base - 1) + other**2 / (few - 1)) if spread > 0 else np.inf
    reach = t_quantile(level, df) * spread
    p = 2 * stats.t.sf(abs(gap) / spread, df) if spread > 0 else float(gap == 0)
    means = {"outcome_rated": there, "outcome_not": away, "gap": gap}
    return {**counted, **means, "gap_low": gap - reach, "gap_high": gap + reach, "p_value": float(p)}


def _mean(values: Array, w: Array) -> tuple[float, float, float]:
    """Return the weighted mean, its squared error and the effective base."""
    share, base = w / w.sum(), effective_n(w)
    mean = float(share @ values)
    return mean, float(share @ (values - mean) ** 2) / (base - 1), base
