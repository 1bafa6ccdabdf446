"""The quantities of an improvement and their tables, from curves as they are and changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.economics.money import Programme, least_share, months_held
from cxlab.analysis.economics.standardised import Curves
from cxlab.analysis.estimates import flags

Array = np.ndarray[Any, Any]

MEASURES = {
    "hazard_ratio": "ratio",
    "delta_survival_months": "months",
    "cltv_now": "money",
    "cltv_changed": "money",
    "delta_cltv": "money",
    "npv": "money",
    "roi": "share",
    "probability_roi_positive": "share",
    "break_even_cost": "money",
    "payback_month": "months",
    "break_even_causal_share": "share",
    "extrapolated_share": "share",
}


@dataclass(frozen=True, slots=True, eq=False)
class Worth:
    """Turns curves into money, at the causal share in place `at` of `shares`."""

    programme: Programme
    shares: Array
    at: int
    whole: bool

    def quantities(self, curves: Curves, scale: Array) -> dict[str, Array]:
        """Return every quantity of the table, (resamples,); `scale` multiplies the margin."""
        p, terms = self.programme, self.programme.terms
        scale = scale[: len(curves.now)]
        now, changed = curves.now, curves.changed[:, self.at]
        gain = p.gain(now, changed) * scale
        net = p.converted * gain - p.cost
        by_share = p.converted * p.gain(now[:, None], curves.changed) * scale[:, None] - p.cost
        balance = p.converted * terms.cumulative(changed - now) * scale[:, None] - p.cost
        paid = balance[:, : terms.horizon + 1] >= 0
        held = [months_held(c, terms.horizon, whole=self.whole) for c in (changed, now)]
        total = terms.worth(changed - now)
        beyond = terms.beyond(changed - now) if terms.tail == "constant" else np.zeros(len(now))
        return {
            "hazard_ratio": np.exp(curves.log_ratio * self.shares[self.at]),
            "delta_survival_months": held[0] - held[1],
            "cltv_now": terms.worth(now) * scale,
            "cltv_changed": terms.worth(changed) * scale,
            "delta_cltv": gain,
            "npv": net,
            "roi": p.returned(net),
            "probability_roi_positive": (net > 0).astype(float),
            "break_even_cost": gain,
            "payback_month": np.where(paid.any(axis=1), paid.argmax(axis=1), np.inf),
            "break_even_causal_share": least_share(self.shares, by_share),
            "extrapolated_share": np.divide(beyond, total, out=np.zeros(len(now)), where=total != 0),
        }

    def curves(self, one: Curves, draws: Curves, level: float, n: int) -> pd.DataFrame:
        """Return the shares still here, as is and changed."""
        parts = []
        end = self.programme.terms.horizon + 1
        for state in ("now", "changed"):
            held = [c.now if state == "now" else c.changed[:, self.at] for c in (one, draws)]
            low, high = limits(held[1], level)
            rows = {"state": state, "month": np.arange(held[0].shape[1]), "estimate": held[0][0]}
            parts.append(pd.DataFrame({**rows, "conf_low": low, "conf_high": high, "n": n}).iloc[:end])
        return pd.concat(parts, ignore_index=True)

    def balances(self, one: Curves, draws: Curves, scale: Array, level: float) -> pd.DataFrame:
        """Return what has come in less the cost, by month."""
        p = self.programme

        def balance(c: Curves, scale: Array) -> Array:
            gained = p.terms.cumulative(c.changed[:, self.at] - c.now) * scale[: len(c.now), None]
            return np.asarray(p.converted * gained - p.cost)[:, : p.terms.horizon + 1]

        values = balance(one, np.ones(1))[0]
        low, high = limits(balance(draws, scale), level)
        return pd.DataFrame(
            {"month": np.arange(len(values)), "estimate": values, "conf_low": low, "conf_high": high}
        )

    def by_share(self, one: Curves, draws: Curves, scale: Array, level: float) -> pd.DataFrame:
        """Return net value and return by how much of the association is causal."""
        p = self.programme

        def net(c: Curves, scale: Array) -> Array:
            gained = p.gain(c.now[:, None], c.changed) * scale[: len(c.now), None]
            return np.asarray(p.converted * gained - p.cost)

        values = net(one, np.ones(1))[0]
        low, high = limits(net(draws, scale), level)
        rows = {"causal_share": self.shares, "estimate": values, "conf_low": low, "conf_high": high}
        returns = {f"roi{end}": p.returned(v) for end, v in (("", values), ("_low", low), ("_high", high))}
        return pd.DataFrame({**rows, **returns})

    def returns(self, drawn: Array) -> pd.DataFrame:
        """Return the density of the roi over the resamples: from, to, share of them."""
        known = drawn[np.isfinite(drawn)]
        if not len(known) or not np.ptp(known):
            return pd.DataFrame({"from": [], "to": [], "share": []})
        share, edges = np.histogram(known, bins=24)
        return pd.DataFrame({"from": edges[:-1], "to": edges[1:], "share": share / len(known)})


def limits(draws: Array, level: float) -> tuple[Array, Array]:
    """Return percentiles over the first axis; of draws without end the nearest is taken, not one between."""
    tails = [(1 - level) / 2, (1 + level) / 2]
    how: Any = "linear" if np.isfinite(draws).all() else "nearest"
    low, high = np.quantile(draws, tails, axis=0, method=how)
    return np.asarray(low), np.asarray(high)


def table_of(
    estimates: Mapping[str, Array], drawn: Mapping[str, Array], n: int, level: float
) -> pd.DataFrame:
    """Return a row for each quantity, with the error and the percentiles of its resamples."""
    rows: list[dict[str, Any]] = []
    for quantity, measure in MEASURES.items():
        value, draws = float(estimates[quantity][0]), drawn[quantity]
        low, high = (float(end) for end in limits(draws, level))
        error = float(draws.std(ddof=1)) if np.isfinite(draws).all() else float("nan")
        if quantity == "probability_roi_positive":
            value, low, high, error = float(draws.mean()), *(float("nan"),) * 3
        rows.append(
            {"quantity": quantity, "estimate": value, "std_error": error, "conf_low": low, "conf_high": high,
             "measure": measure, "n": n, "flag": flags([n])[0]}
        )  # fmt: skip
    return pd.DataFrame(rows)
