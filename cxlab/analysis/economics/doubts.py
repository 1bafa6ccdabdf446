"""What would change the answer: confounding, reverse causation, controls, and the terms it was counted by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from cxlab.analysis.economics.money import Programme
from cxlab.analysis.economics.standardised import Change, Fitted, Scenario, fitted, having, scenario_of
from cxlab.analysis.estimates import MINIMUM_CUSTOMERS, check_numbers, flags, t_quantile
from cxlab.analysis.survival import cox
from cxlab.analysis.survival.curves import curve
from cxlab.analysis.survival.observed import Observed, observed
from cxlab.errors import AnalysisError, Message

Array = np.ndarray[Any, Any]

VARIED = ("margin", "cost", "uptake", "discount", "causal_share", "horizon")
_FIFTH = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Doubts:
    """The tables of the doubts by name, and whether a control speaks against the effect."""

    tables: Mapping[str, pd.DataFrame]

    @property
    def control_fails(self) -> bool:
        """Whether the experience goes with what it cannot cause."""
        return bool((self.tables["controls"]["p_value"] <= 0.05).any())

    @property
    def fades(self) -> bool:
        """Whether less than half of the effect is left once early departures are out."""
        lags = self.tables["lags"]
        known = lags["log_ratio"].dropna()
        first = lags["log_ratio"].iloc[0] if len(lags) else 0.0
        return bool(len(known) > 1 and first and (known / first).min() < 0.5)


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What the doubts are about: the fit, the terms, and the columns it was made of."""

    scenario: Scenario
    point: Fitted
    programme: Programme
    shares: Array
    at: int
    level: float
    columns: tuple[str, str, str | None]
    covariates: Sequence[str]
    strata: Sequence[str]
    change: Change
    experiment: tuple[float, float] | None

    def ratio(self) -> tuple[float, float]:
        """Log hazard ratio of the whole change and its error, the experiment's if there is one."""
        return self.experiment or (float(self.point.curves.log_ratio), self.point.error)


def doubts_of(
    table: Any,
    asked: Asked,
    *,
    lags: Sequence[float],
    ranges: Mapping[str, tuple[float, float]],
    controls: tuple[str | None, str | None],
) -> Doubts:
    """Return all doubts of an improvement."""
    return Doubts(
        {
            "lags": _lags(asked, lags),
            "controls": _controls(table, asked, *controls),
            "evalues": _evalues(asked),
            "crude": _crude(asked),
            "tornado": _tornado(asked, ranges),
        }
    )


def e_value(ratio: float) -> float:
    """How strongly an unmeasured cause must go with both experience and leaving to explain a hazard ratio.

    Leaving is not rare, so the hazard ratio is first brought to a risk ratio, (1 - 0.5^sqrt(HR)) /
    (1 - 0.5^sqrt(1/HR)). VanderWeele & Ding (2017), doi:10.7326/M16-2607.

    Examples
    --------
    >>> round(e_value(0.8), 2), e_value(1.0)
    (1.61, 1.0)
    """
    hazard = max(ratio, 1 / ratio)
    risk = (1 - 0.5 ** np.sqrt(hazard)) / (1 - 0.5 ** np.sqrt(1 / hazard))
    return float(risk + np.sqrt(risk * (risk - 1)))


def _evalues(asked: Asked) -> pd.DataFrame:
    """Return the E-values of the hazard ratio and of the end of its interval that is nearest to 1."""
    ratio, error = asked.ratio()
    reach = t_quantile(asked.level) * error
    near = 0.0 if abs(ratio) <= reach else ratio - np.sign(ratio) * reach
    ratios = np.exp([ratio, near])
    values = [e_value(float(v)) for v in ratios]
    return pd.DataFrame({"way": ["estimate", "limit"], "hazard_ratio": ratios, "e_value": values})


def _lags(asked: Asked, lags: Sequence[float]) -> pd.DataFrame:
    """Return the effect among those who stay some months after entry: who was leaving scores low."""
    check_numbers(*(("lags", lag, lambda v: 0 < v < np.inf, Message("months above zero")) for lag in lags))
    scenario, who = asked.scenario, asked.scenario.who
    rows = []
    for lag in (0.0, *sorted(set(map(float, lags)))):
        count = np.where(who.duration > who.entry + lag, who.count, 0.0)
        later = replace(scenario, who=replace(who, entry=who.entry + lag))
        n, events = int(count.sum()), int(count[who.event].sum())
        row: dict[str, Any] = {"lag": lag, "n": n, "events": events, "flag": flags([n])[0]}
        try:
            found = fitted(later, count)
            ratio, reach = float(found.curves.log_ratio), t_quantile(asked.level) * found.error
            # Money is that of all customers at this effect: nobody is at risk in the first months here.
            money = fitted(scenario, who.count, shift=ratio, kappas=np.ones(1)).curves
            row |= {
                "hazard_ratio": np.exp(ratio), "conf_low": np.exp(ratio - reach),
                "conf_high": np.exp(ratio + reach), "log_ratio": ratio,
                "delta_cltv": float(asked.programme.gain(money.now, money.changed[0])),
            }  # fmt: skip
        except (cox.Diverged, np.linalg.LinAlgError, ValueError):
            row |= dict.fromkeys(("hazard_ratio", "conf_low", "conf_high", "log_ratio", "delta_cltv"), np.nan)
        rows.append(row)
    order = ["lag", "hazard_ratio", "conf_low", "conf_high", "log_ratio", "delta_cltv", "n", "events", "flag"]
    return pd.DataFrame(rows)[order]


def _controls(table: Any, asked: Asked, outcome: str | None, exposure: str | None) -> pd.DataFrame:
    """Test the experience on an outcome it cannot cause, and an exposure that cannot cause leaving."""
    duration, event, entry = asked.columns
    rows = []
    for control, column in (("outcome", outcome), ("exposure", exposure)):
        if column is None:
            continue
        needed = [*asked.covariates, *asked.strata]
        if control == "outcome":
            who = observed(table, duration, column, entry=entry, weights=None, needed=needed)
            own = scenario_of(who, asked.change, asked.covariates, asked.strata, np.arange(2), 0.0)
        else:
            needed = [column, *(c for c in needed if c not in asked.change)]
            who = observed(table, duration, event, entry=entry, weights=None, needed=needed)
            rest = [column, *(c for c in asked.covariates if c not in asked.change)]
            spread = _spread(who, column)
            own = scenario_of(who, {column: spread}, rest, asked.strata, np.arange(2), 0.0)
        found = fitted(own, who.count)
        ratio, reach = float(found.curves.log_ratio), t_quantile(asked.level) * found.error
        rows.append(
            {"control": control, "column": column, "hazard_ratio": np.exp(ratio),
             "conf_low": np.exp(ratio - reach), "conf_high": np.exp(ratio + reach),
             "p_value": 2 * stats.norm.sf(abs(ratio / found.error)), "n": who.n, "events": who.events,
             "flag": flags([who.n])[0]}
        )  # fmt: skip
    columns = ["control", "column", "hazard_ratio", "conf_low", "conf_high", "p_value", "n", "events", "flag"]
    return pd.DataFrame(rows, columns=columns)


def _spread(who: Observed, column: str) -> Any:
    """Return one standard deviation of a number; of categories, from the most frequent to the next."""
    held = who.labels[column]
    if pd.api.types.is_numeric_dtype(held) and not pd.api.types.is_bool_dtype(held):
        values = held.to_numpy(dtype=float)
        mean = np.average(values, weights=who.count)
        return float(np.sqrt(np.average((values - mean) ** 2, weights=who.count)))
    sizes = pd.Series(who.count).groupby(held.map(str).to_numpy()).sum().sort_values(ascending=False)
    if len(sizes) < 2:
        raise AnalysisError(
            "control exposure {column!r} has one value only; name one that varies", column=column
        )
    return (sizes.index[0], sizes.index[1])


def _crude(asked: Asked) -> pd.DataFrame:
    """Return the gap of money between the two groups as they are, beside the standardised one."""
    scenario, programme = asked.scenario, asked.programme
    own = programme.gain(asked.point.curves.now, asked.point.curves.changed[-1])
    rows: list[dict[str, Any]] = [{"way": "standardised", "estimate": float(own), "n": scenario.n_treated}]
    steps = list(asked.change.items())
    if len(steps) == 1 and isinstance(steps[0][1], tuple):
        column, ends = steps[0]
        held = scenario.who.labels[column]
        groups = [scenario.who.part(having(held, end)) for end in ends]
        for way in ("groups", *(("groups_from_start",) if asked.columns[2] else ())):
            seen = [replace(g, entry=np.zeros_like(g.entry)) if way != "groups" else g for g in groups]
            worth = [_curve_worth(g, asked) for g in seen]
            rows.append({"way": way, "estimate": worth[1] - worth[0], "n": int(min(g.n for g in groups))})
    found = pd.DataFrame(rows)
    if len(found) == 1:  # a number that is added has no groups to stand beside
        found = found.iloc[:0]
    return found.assign(flag=flags(found["n"]))


def _curve_worth(who: Observed, asked: Asked) -> float:
    """Return the money of a Kaplan-Meier curve; missing where it starts later or ends before the horizon."""
    c, terms, scenario = curve(who, asked.level), asked.programme.terms, asked.scenario
    places = [c.at(scenario.tenure + t) for t in range(terms.horizon + 1)]
    needed = places[: terms.horizon] if terms.payment == "advance" else places
    if min(needed) < 0 or c.at_risk.max() < MINIMUM_CUSTOMERS:
        return float("nan")
    share = c.survival[places] / c.survival[places[0]]
    return float(terms.worth(share))


def _tornado(asked: Asked, ranges: Mapping[str, tuple[float, float]]) -> pd.DataFrame:
    """Return the net value with one term at a time low and high, the widest first."""
    unknown = sorted(set(ranges) - set(VARIED))
    if unknown:
        raise AnalysisError(
            "ranges names {unknown}; allowed: {allowed}",
            unknown=", ".join(unknown), allowed=", ".join(VARIED),
        )  # fmt: skip
    rows = []
    for name, ends in {**_usual(asked), **ranges}.items():
        low, high = (_net_with(asked, name, value) for value in ends)
        rows.append({"parameter": name, "low": ends[0], "high": ends[1], "npv_low": low, "npv_high": high})
    ratio, error = asked.ratio()
    reach = t_quantile(asked.level) * error
    effect = [ratio - reach, ratio + reach]
    values = []
    for shift in effect:
        curves = fitted(asked.scenario, asked.scenario.who.count, shift=shift, kappas=asked.shares).curves
        values.append(float(asked.programme.net(curves.now, curves.changed[asked.at])))
    rows.append(
        {"parameter": "hazard_ratio", "low": np.exp(effect[0]), "high": np.exp(effect[1]),
         "npv_low": values[0], "npv_high": values[1]}
    )  # fmt: skip
    found = pd.DataFrame(rows)
    found["swing"] = (found["npv_high"] - found["npv_low"]).abs()
    return found.sort_values("swing", ascending=False, kind="stable", ignore_index=True)


def _usual(asked: Asked) -> dict[str, tuple[float, float]]:
    """Return the ranges nobody declared: a fifth less and more, and what is plausible of the others."""
    p = asked.programme
    longest = int(np.ceil(1.5 * p.terms.horizon))
    if p.terms.tail != "constant":
        longest = int(min(longest, max(p.terms.observed, p.terms.horizon)))
    return {
        "margin": ((1 - _FIFTH) * p.terms.margin, (1 + _FIFTH) * p.terms.margin),
        "cost": ((1 - _FIFTH) * p.cost, (1 + _FIFTH) * p.cost),
        "uptake": ((1 - _FIFTH) * p.uptake, min((1 + _FIFTH) * p.uptake, 1.0)),
        "discount": (0.0, 2 * p.terms.discount),
        "causal_share": (0.5, 1.0),
        "horizon": (max(p.terms.horizon // 2, 1), longest),
    }


def _net_with(asked: Asked, name: str, value: float) -> float:
    p, curves = asked.programme, asked.point.curves
    changed = curves.changed[asked.at]
    if name == "causal_share":
        check_numbers((name, value, lambda v: 0 <= v <= 1, Message("a share between 0 and 1")))
        changed = np.array([np.interp(value, asked.shares, column) for column in curves.changed.T])
    elif name == "cost":
        p = replace(p, cost=value)
    elif name == "uptake":
        p = replace(p, uptake=value)
    else:
        p = p.varied(**{name: int(value) if name == "horizon" else value})
    p.check()
    if p.terms.horizon >= curves.now.shape[-1]:
        raise AnalysisError(
            "the range of the horizon ends at {value}; at most {most} months can be compared",
            value=value, most=curves.now.shape[-1] - 1,
        )  # fmt: skip
    return float(p.net(curves.now, changed))
