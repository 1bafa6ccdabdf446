"""What a customer with a contract is worth: the margin of the months they are expected to stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from cxlab.analysis.columns import as_floats, check_categories, named
from cxlab.analysis.economics.claims import value_findings
from cxlab.analysis.economics.distributions import compared
from cxlab.analysis.economics.money import FORMULAS, Payment, Tail, Terms
from cxlab.analysis.estimates import (
    MINIMUM_CUSTOMERS,
    Result,
    check_columns,
    check_level,
    check_numbers,
    flags,
    t_quantile,
)
from cxlab.analysis.survival.curves import Curve, curve
from cxlab.analysis.survival.groups import parts as groups_of
from cxlab.analysis.survival.observed import Observed, check_roles, observed
from cxlab.errors import AnalysisError, Message

Array = np.ndarray[Any, Any]

THIRDS = ("low", "middle", "high")
_RECENT = 12.0  # months of observed hazard that a constant tail goes on with


@dataclass(frozen=True, eq=False, kw_only=True)
class LifetimeValue(Result):
    """What customers are worth, by group, with payback and the distributions compared."""


def constant_value(
    margin: float, retention: float, discount: float, *, payment: Payment = "advance"
) -> float:
    r"""Return what a customer is worth for ever when each period the same share stays.

    In advance :math:`m (1+d) / (1+d-r)`, in arrears :math:`m r / (1+d-r)`; m, r and d of one period.

    References
    ----------
    Gupta & Lehmann (2003), doi:10.1002/dir.10045.

    Examples
    --------
    >>> [round(constant_value(100, 0.8, 0.1, payment=p), 3) for p in ("advance", "arrears")]
    [366.667, 266.667]
    """
    share = Message("a share from 0 to below 1")
    check_numbers(
        ("retention", retention, lambda v: 0 <= v < 1, share),
        ("margin", margin, lambda v: bool(np.isfinite(v)), Message("a number")),
        ("discount", discount, lambda v: 0 <= v < 10, Message("a yearly rate, e.g. 0.1")),
    )
    Terms(1.0, 1, discount, payment).check()
    return margin * (1 + discount if payment == "advance" else retention) / (1 + discount - retention)


def lifetime_value(
    table: Any,
    duration: str,
    event: str,
    *,
    margin: float | str,
    horizon: int,
    discount: float,
    by: Sequence[str] = (),
    thirds: str | None = None,
    entry: str | None = None,
    tenure: float | None = None,
    payment: Payment = "advance",
    tail: Tail = "refuse",
    cac: float | None = None,
    level: float = 0.95,
    currency: str = "",
) -> LifetimeValue:
    r"""Estimate what a customer is worth over the months to come, from how long customers stay.

    Parameters
    ----------
    table : DataFrame (n, any), or whatever `survival.retention` takes
        One row per customer.
    duration, event : str
        Months until the customer left or was last seen, above 0; 1 left, 0 still here.
    margin : float or str
        Money a month that a customer leaves; or a column of it, averaged within each group.
    horizon : int
        Months of payments counted.
    discount : float
        Yearly rate.
    by : sequence of str
        Columns whose crossed categories are valued apart.
    thirds : str, optional
        Column of numbers, such as an index: customers of its lowest, middle and highest third are valued
        apart, as the column ``third``.
    entry : str, optional
        When the customer came under observation.
    tenure : float, optional
        Months the customers have been here: the value is of what comes after, :math:`S(u+t)/S(u)`. From the
        first month that all groups were observed in, unless given: the settings say which.
    payment : {"advance", "arrears"}
        Whether a month is paid at its start or at its end.
    tail : {"refuse", "nothing", "constant"}
        What holds beyond the months observed: refuse such a horizon, count no money, or go on with the
        hazard of the last year observed.
    cac : float, optional
        What a new customer costs; gives payback and LTV:CAC.
    level : float
        Confidence level.
    currency : str
        Code of the currency, for the texts.

    Returns
    -------
    LifetimeValue
        ``table``: *by, estimate (CLTV), std_error, conf_low, conf_high, margin, months (stayed until the
        horizon, expected), churn (departures per customer-month), shortcut (margin / churn: undiscounted,
        without end), extrapolated_share, n, events, flag. ``tables``: distributions (of all customers:
        distribution, aic, estimate, extrapolated_share), payback (*by, cac, payback_month, payback_simple
        = cac / margin, ltv_cac), groups (a column's test), tests.

    Raises
    ------
    AnalysisError
        As `survival.retention`; for a horizon beyond what was observed without a declared tail.

    Notes
    -----
    :math:`\sum_t m S(t) (1+d)^{-t/12}` with Kaplan-Meier's S; its variance is
    :math:`\sum_k (\sum_{t \ge t_k} v_t S(t))^2 d_k / (y_k (y_k - d_k))`, Greenwood's for a weighted sum, and
    that of a mean margin is added. Payback is the first month in which what a customer is expected to have
    paid, discounted and counting who left, covers the cost; the simple one ignores both.

    References
    ----------
    Gupta & Lehmann (2003), doi:10.1002/dir.10045; Berger & Nasr (1998), Journal of Interactive Marketing 12.

    Examples
    --------
    >>> customers = pd.DataFrame({"months": [3, 5, 5, 8, 12, 12], "left": [1, 1, 0, 1, 0, 0]})
    >>> found = lifetime_value(customers, "months", "left", margin=10, horizon=12, discount=0.0)
    >>> round(float(found.table["estimate"].iloc[0]), 2)  # 10 x (3 x 1 + 2 x .833 + 3 x .667 + 4 x .444)
    84.44
    """
    check_level(level)
    by = named(by)
    if thirds is not None:
        table, by = _cut(table, thirds), [*by, "third"]
    check_roles({"the duration": [duration], "the event": [event], "the entry": [entry], "a grouping": by})
    check_numbers(
        ("tenure", tenure or 0.0, lambda v: 0 <= v < np.inf, Message("months so far, zero or more")),
        ("cac", 0.0 if cac is None else cac, lambda v: 0 <= v < np.inf, Message("an amount, zero or more")),
    )
    Terms(1.0, horizon, discount, payment, tail).check()
    who = observed(table, duration, event, entry=entry, weights=None, needed=by)
    if not who.events:
        raise AnalysisError(
            "no events: nothing to estimate; none of the {n} customers left (retention bounds the share)",
            n=who.n,
        )
    check_categories(who.labels, by)
    terms = Terms(1.0, horizon, discount, payment, tail)
    paid = _margins(table, margin)
    curves = [(key, own, curve(own, level)) for key, own in groups_of(who, by)]
    whole_curve = curve(who, level)
    first = max(
        c.starts_at for c in [whole_curve, *(c for _, own, c in curves if own.n >= MINIMUM_CUSTOMERS)]
    )
    tenure = first if tenure is None else tenure
    parts = [(key, _valued(own, c, terms, tenure, paid(key), level)) for key, own, c in curves]
    whole = _valued(who, whole_curve, terms, tenure, paid({}), level)
    main = pd.DataFrame([{**key, **part.row} for key, part in parts])
    groups = _tests(main, by)
    facts = {"level": level, "entry": entry, "horizon": horizon, "discount": discount, "currency": currency}
    claims, otherwise = value_findings(whole.row, main, groups, by, facts)
    costs = [{**key, **part.payback(cac)} for key, part in parts] if cac is not None else []
    return LifetimeValue(
        table=main,
        keys=(*by, "distribution"),
        tables={
            "distributions": compared(who, whole.terms, tenure).assign(n=who.n, flag=whole.row["flag"]),
            **({"payback": pd.DataFrame(costs).assign(flag=main["flag"])} if costs else {}),
            **({"groups": groups, "tests": groups[["hypothesis", "p_value", "p_adjusted"]]} if by else {}),
        },
        n_used=who.n,
        n_dropped=who.dropped,
        settings={
            "duration": duration, "event": event, "by": by, "thirds": thirds, "entry": entry,
            "margin": margin, "horizon": horizon, "discount": discount, "tenure": tenure, "payment": payment,
            "tail": tail, "cac": cac, "level": level, "currency": currency,
            "observed_months": whole.terms.observed,
            "formula": f"{FORMULAS[payment]}; churn = departures / customer-months; shortcut = m / churn; "
            "payback: first month with the expected discounted margin so far >= CAC",
        },
        claims=claims,
        otherwise=otherwise,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class _Valued:
    """A group's row, and its expected shares still here by month."""

    row: Mapping[str, Any]
    share: Array
    terms: Terms

    def payback(self, cac: float) -> dict[str, float]:
        """Return what it takes to earn the cost of a customer back, with and without who leaves."""
        margin, held = self.row["margin"], self.terms
        paid = np.flatnonzero(held.cumulative(self.share) >= cac)
        month = float(paid[0]) if len(paid) else np.inf
        ratio = self.row["estimate"] / cac if cac > 0 else np.nan
        return {
            "cac": cac,
            "payback_month": month,
            "payback_simple": cac / margin,
            "ltv_cac": ratio,
            "n": self.row["n"],
        }


def _cut(table: Any, column: str) -> pd.DataFrame:
    """Add ``third``: low, middle or high, with as many customers each as ties allow."""
    check_columns(table, [column])
    values = as_floats(table[column])
    if values is None or np.unique(values[~np.isnan(values)]).size < len(THIRDS):
        raise AnalysisError("{column!r} cannot be cut into thirds; give a column of numbers", column=column)
    known = ~np.isnan(values)
    edges = np.quantile(values[known], [1 / 3, 2 / 3])
    # Ties at an edge go outwards: an index with many at its top keeps a highest third.
    place = np.where(values <= edges[0], 0, np.where(values >= edges[1], 2, 1))
    place = np.where(known, place, -1)
    names = pd.Series(place, index=table.index).map(dict(enumerate(THIRDS)))
    cut: pd.DataFrame = table.assign(third=pd.Categorical(names, categories=list(THIRDS), ordered=True))
    return cut


def _margins(table: Any, margin: float | str) -> Any:
    """Return what gives a group's margin and its error: a number for all, or a column's mean in the group."""
    if not isinstance(margin, str):
        return lambda _: (margin, 0.0)
    check_columns(table, [margin])
    values = as_floats(table[margin])
    if values is None:
        raise AnalysisError("margin column {column!r} holds no amounts", column=margin)

    def mean(key: Mapping[str, Any]) -> tuple[float, float]:
        own = ~np.isnan(values)
        for column, value in key.items():
            own &= (table[column] == value).to_numpy(dtype=bool, na_value=False)
        held = values[own]
        if not len(held):
            raise AnalysisError("margin column {column!r} holds no amounts", column=margin)
        return float(held.mean()), float(held.std(ddof=1) / np.sqrt(len(held))) if len(held) > 1 else 0.0

    return mean


def _valued(
    who: Observed, c: Curve, terms: Terms, tenure: float, paid: tuple[float, float], level: float
) -> _Valued:
    if tenure < c.starts_at:
        raise AnalysisError(
            "nobody is observed before month {start:g}: value customers who have stayed so long "
            "(tenure={start:g} or more)",
            start=c.starts_at,
        )
    last = float(c.time[-1])
    terms = replace(terms, margin=paid[0], observed=last - tenure)
    terms.check()
    t = np.arange(terms.horizon + 1)
    share = _shares(c, tenure + t, tenure, last)
    factors = terms.factors(len(t))
    annuity, spread = float(share @ factors), _spread(c, share * factors, tenure + t, tenure)
    error = float(np.hypot(paid[0] * spread, annuity * paid[1]))
    estimate, churn = paid[0] * annuity, who.events / float(who.count @ (who.duration - who.entry))
    beyond = float(terms.beyond(share)) if terms.tail == "constant" else 0.0
    reach = t_quantile(level) * error
    row = {
        "estimate": estimate, "std_error": error, "conf_low": estimate - reach, "conf_high": estimate + reach,
        "margin": paid[0], "months": float(share[: terms.horizon].sum()), "churn": churn,
        "shortcut": paid[0] / churn if churn else np.inf, "extrapolated_share": beyond / estimate,
        "n": who.n, "events": who.events, "flag": flags([who.n])[0],
    }  # fmt: skip
    return _Valued(row, share, terms)


def _shares(c: Curve, at: Array, tenure: float, last: float) -> Array:
    """Return the shares still here at `at` of those here at `tenure`; later with the last year's hazard."""
    start, end = float(c.survival[c.at(tenure)]), c.survival[-1]
    seen = c.survival[[c.at(min(time, last)) for time in at]]
    since = max(last - _RECENT, c.starts_at)
    before = float(c.survival[c.at(since)])
    rate = np.log(before / end) / (last - since) if end > 0 and last > since else 0.0
    return np.asarray(seen * np.exp(-rate * np.maximum(at - last, 0)) / start)


def _spread(c: Curve, worth: Array, at: Array, tenure: float) -> float:
    """Return the error of the sum of `worth` (months,): a departure shifts what comes at and after it."""
    y, d = c.at_risk.astype(float), c.events.astype(float)
    after = np.array([float(worth[at >= time].sum()) for time in c.time])
    own = (c.time > tenure) & (d > 0) & (y > d)
    return float(np.sqrt((after[own] ** 2 * d[own] / (y[own] * (y[own] - d[own]))).sum()))


def _tests(main: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Test that all groups that may be shown are worth the same."""
    shown = main[(main["flag"] != "suppressed") & (main["std_error"] > 0)]
    columns = ["hypothesis", "column", "statistic", "df", "p_value", "p_adjusted"]
    if not by or len(shown) < 2:
        return pd.DataFrame(columns=columns)
    weight = 1 / shown["std_error"] ** 2
    mean = float((weight * shown["estimate"]).sum() / weight.sum())
    statistic = float((weight * (shown["estimate"] - mean) ** 2).sum())
    df, name = len(shown) - 1, " x ".join(by)
    p = float(stats.chi2.sf(statistic, df))
    return pd.DataFrame([[f"cltv by {name}", name, statistic, df, p, p]], columns=columns)
