"""What users bring and what winning them costs: revenue and margin per user, acquisition cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from cxlab.analysis.columns import as_floats, check_categories, check_rows, named, records
from cxlab.analysis.dropped import check_entered, entering, missing
from cxlab.analysis.estimates import (
    Claim,
    Result,
    check_columns,
    check_level,
    check_numbers,
    combinations_present,
    flags,
    t_quantile,
    whole_from,
)
from cxlab.analysis.survival.absent import nothing
from cxlab.errors import AnalysisError, Message

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class PerUser(Result):
    """Revenue and margin per user and month, of all and by group, and month by month."""


@dataclass(frozen=True, eq=False, kw_only=True)
class AcquisitionCost(Result):
    """What a new customer cost, by channel and in all."""


def per_user(
    billing: pd.DataFrame,
    *,
    revenue: str = "billed",
    margin: str | None = None,
    margin_share: float | None = None,
    cost_to_serve: float = 0.0,
    customer: str = "customer_id",
    period: str = "period",
    active: str | None = None,
    by: Sequence[str] = (),
    among: pd.Series[Any] | None = None,
    level: float = 0.95,
    currency: str = "",
    optional: bool = False,
) -> PerUser:
    r"""Estimate revenue (ARPU) and margin (RU) per user and month from bills.

    Parameters
    ----------
    billing : DataFrame (n, any)
        One row per customer and month.
    revenue : str
        Column of money billed.
    margin : str, optional
        Column of money left; or `margin_share` of the revenue less `cost_to_serve` a month.
    margin_share, cost_to_serve : float
        Used where there is no column of margin; without `margin_share` no margin is told.
    customer, period, active : str
        Who, which month, and optionally a 0/1 column of who was active: the others do not count.
    by : sequence of str
        Columns whose crossed categories are told apart.
    among : Series, optional
        Customers whose bills count; all of them unless given.
    level : float
        Confidence level.
    currency : str
        Code of the currency, for the texts.
    optional : bool
        Tell nothing, instead of refusing, where there are no rows.

    Returns
    -------
    PerUser
        ``table``: *by, quantity (arpu, ru), estimate, std_error, conf_low, conf_high, measure,
        customer_months, n (customers), flag. ``tables["periods"]``: period, quantity, estimate,
        customer_months, n, flag.

    Raises
    ------
    AnalysisError
        For amounts that are no numbers, a customer with two bills in a month, a margin above the revenue's.

    Notes
    -----
    :math:`\sum_i R_i / \sum_i M_i` over customers i, M the months in which each was active: customer-months,
    not the count at closing. The error is that of a ratio with the customer as the unit.

    Examples
    --------
    >>> bills = pd.DataFrame({"customer_id": list("aabbb"), "period": [1, 2, 1, 2, 3],
    ...                       "billed": [10.0, 10, 20, 20, 20]})
    >>> per_user(bills, margin_share=0.5).table[["quantity", "estimate"]].values.tolist()
    [['arpu', 16.0], ['ru', 8.0]]
    """
    check_level(level)
    if optional and billing.empty:
        return PerUser(**nothing((), "periods"))
    if among is not None:
        check_columns(billing, [customer])
        billing = billing[billing[customer].isin(among)].reset_index(drop=True)
    by = named(by)
    check_rows(billing, cluster=customer)
    columns = [customer, period, revenue, *([margin] if margin else []), *([active] if active else []), *by]
    check_columns(billing, columns)
    check_categories(billing, by)
    if margin_share is not None:
        check_numbers(
            ("margin_share", margin_share, lambda v: 0 < v <= 1, Message("a share above 0, up to 1"))
        )
    amounts = _amounts(billing, revenue, margin, margin_share, cost_to_serve)
    reasons = [(missing(c), billing[c].isna().to_numpy()) for c in dict.fromkeys(columns)]
    if active:
        reasons.append((Message("not active"), ~billing[active].fillna(0).astype(bool).to_numpy()))
    kept, dropped = entering(len(billing), reasons)
    check_entered(kept, dropped)
    own = billing.loc[kept, [customer, period, *by]].reset_index(drop=True)
    amounts = {name: values[kept] for name, values in amounts.items()}
    if own.duplicated([customer, period]).any():
        raise AnalysisError(
            "{count} bills are a second one of a customer in the same month; add them up first",
            count=int(own.duplicated([customer, period]).sum()),
        )
    rows = []
    for key in records(combinations_present(own, by)) if by else [{}]:
        who = _of(own, key)
        for quantity, values in amounts.items():
            rows.append({**key, "quantity": quantity, **_ratio(own.loc[who, customer], values[who], level)})
    months = []
    for value in sorted(own[period].unique()):
        who = (own[period] == value).to_numpy()
        for quantity, values in amounts.items():
            told = _ratio(own.loc[who, customer], values[who], level)
            months.append({"period": value, "quantity": quantity, **told})
    whole = _ratio(own[customer], amounts["arpu"], level)
    left = _ratio(own[customer], amounts["ru"], level) if "ru" in amounts else None
    return PerUser(
        table=pd.DataFrame(rows),
        keys=(*by, "quantity", "period"),
        tables={"periods": pd.DataFrame(months)},
        n_used=int(kept.sum()),
        n_dropped=dropped,
        settings={
            "revenue": revenue, "margin": margin, "margin_share": margin_share,
            "cost_to_serve": cost_to_serve, "by": by, "level": level, "currency": currency,
            "formula": "ARPU = revenue / customer-months; RU = margin / customer-months",
        },
        claims=_per_user_claims(whole, left, len(own[period].unique()), level, currency),
    )  # fmt: skip


def _amounts(
    billing: pd.DataFrame, revenue: str, margin: str | None, margin_share: float | None, cost_to_serve: float
) -> dict[str, Array]:
    amounts = {"arpu": _money(billing, revenue)}
    if margin:
        amounts["ru"] = _money(billing, margin)
    elif margin_share is not None:
        amounts["ru"] = amounts["arpu"] * margin_share - cost_to_serve
    return amounts


def _of(table: pd.DataFrame, key: Mapping[str, Any]) -> Array:
    own = np.ones(len(table), dtype=bool)
    for column, value in key.items():
        own &= (table[column] == value).to_numpy(dtype=bool, na_value=False)
    return own


def _money(table: pd.DataFrame, column: str) -> Array:
    values = as_floats(table[column])
    if values is None:
        raise AnalysisError("column {column!r} holds no amounts; convert it in client.yaml", column=column)
    return values


def _ratio(customer: pd.Series[Any], values: Array, level: float) -> dict[str, Any]:
    """Return money per customer-month, with the error of a ratio over customers."""
    codes, people = pd.factorize(customer)
    n, months = len(people), np.bincount(codes).astype(float)
    total = np.bincount(codes, values, n)
    estimate = float(total.sum() / months.sum())
    rest = total - estimate * months
    error = float(np.sqrt(n / (n - 1) * (rest**2).sum()) / months.sum()) if n > 1 else float("nan")
    reach = t_quantile(level) * error
    return {
        "estimate": estimate, "std_error": error, "conf_low": estimate - reach, "conf_high": estimate + reach,
        "measure": "money", "customer_months": int(months.sum()), "n": n, "flag": flags([n])[0],
    }  # fmt: skip


def _per_user_claims(
    whole: Mapping[str, Any], left: Mapping[str, Any] | None, periods: int, level: float, currency: str
) -> tuple[Claim, ...]:
    told = left or whole
    fields = {
        **{k: told[k] for k in ("estimate", "conf_low", "conf_high", "n")}, "level": level, "unit": "money",
        "currency": currency, "now": whole["estimate"], "periods": periods,
    }  # fmt: skip
    return (Claim("economics.ru" if left else "economics.arpu", fields, "D"),)


def acquisition_cost(
    spend: pd.DataFrame,
    *,
    amount: str = "spend",
    won: str = "new_customers",
    channel: str = "acq_channel",
    period: str = "period",
    lag: int = 0,
    overhead: float = 0.0,
    level: float = 0.95,
    currency: str = "",
    optional: bool = False,
) -> AcquisitionCost:
    r"""Compute what winning a customer cost, by channel and fully loaded in all.

    Parameters
    ----------
    spend : DataFrame (n, any)
        One row per channel and period: money spent, customers won.
    amount, won, channel, period : str
        Its columns.
    lag : int
        Periods between spending and winning: the spend of t is set against the customers of t + lag.
    overhead : float
        Cost of sales in the same time that no channel carries, added to the total.
    level : float
        Confidence level.
    currency : str
        Code of the currency, for the texts.
    optional : bool
        Tell nothing, instead of refusing, where there are no rows.

    Returns
    -------
    AcquisitionCost
        ``table``: channel ("" is all of them), estimate (CAC), conf_low, conf_high (by the chance in how
        many are won, Poisson), spend, n (customers won), flag.

    Raises
    ------
    AnalysisError
        For amounts below zero or missing, a lag that leaves nothing, nobody won.

    Notes
    -----
    CAC = spend of the periods / customers won `lag` periods later. Without the channel of referrals the
    total says what a customer costs who was not brought by another.

    Examples
    --------
    >>> spent = pd.DataFrame({"period": ["1", "2"], "acq_channel": ["web", "web"], "spend": [1000.0, 1400.0],
    ...                       "new_customers": [20, 40]})
    >>> acquisition_cost(spent).table["estimate"].tolist(), acquisition_cost(spent, lag=1).table["n"].tolist()
    ([40.0, 40.0], [40, 40])
    """
    check_level(level)
    if optional and spend.empty:
        return AcquisitionCost(**nothing(()))
    check_numbers(
        ("lag", lag, lambda v: whole_from(v, 0), Message("a whole number, zero or more")),
        ("overhead", overhead, lambda v: 0 <= v < np.inf, Message("an amount, zero or more")),
    )
    check_rows(spend)
    check_columns(spend, [amount, won, channel, period])
    money, count = _money(spend, amount), _money(spend, won)
    if not ((money >= 0) & (count >= 0)).all():
        raise AnalysisError("{amount!r} and {won!r} must be zero or more, and known", amount=amount, won=won)
    places = pd.factorize(spend[period], sort=True)[0]
    paid, brought = places < places.max() + 1 - lag, places >= lag
    if not paid.any() or not brought.any():
        raise AnalysisError("a lag of {lag} leaves no period; give a shorter one", lag=lag)
    rows = []
    for name in ["", *sorted(spend[channel].dropna().astype(str).unique())]:
        own = (spend[channel].astype(str) == name).to_numpy() | (name == "")
        total = float(money[own & paid].sum()) + (overhead if name == "" else 0.0)
        rows.append({"channel": name, **_cost(total, float(count[own & brought].sum()), level)})
    table = pd.DataFrame(rows)
    if not table["n"].iloc[0]:
        raise AnalysisError("no customer was won in these periods; check {won!r}", won=won)
    return AcquisitionCost(
        table=table,
        keys=("channel",),
        n_used=len(spend),
        settings={
            "amount": amount, "won": won, "channel": channel, "lag": lag, "overhead": overhead,
            "level": level, "currency": currency, "formula": "CAC = spend / customers won, lag periods later",
        },
        claims=_cost_claims(table, level, currency),
    )  # fmt: skip


def _cost(total: float, won: float, level: float) -> dict[str, Any]:
    most = stats.chi2.ppf((1 + level) / 2, 2 * won + 2) / 2
    least = stats.chi2.ppf((1 - level) / 2, 2 * won) / 2 if won else 0.0
    return {
        "estimate": total / won if won else np.nan, "conf_low": total / most,
        "conf_high": total / least if least else np.inf, "spend": total, "n": int(won),
        "flag": flags([won])[0],
    }  # fmt: skip


def _cost_claims(table: pd.DataFrame, level: float, currency: str) -> tuple[Claim, ...]:
    whole, *channels = records(table)
    known = [row for row in channels if row["flag"] == "ok" and np.isfinite(row["estimate"])]
    fields = {
        **{k: whole[k] for k in ("estimate", "conf_low", "conf_high", "n")}, "level": level, "unit": "money",
        "currency": currency, "column": "acq_channel",
    }  # fmt: skip
    if len(known) > 1:
        for end, pick in (("lowest", min), ("highest", max)):
            row = pick(known, key=lambda r: r["estimate"])
            fields |= {end: row["channel"], f"{end}_cost": row["estimate"], "variant": "channels"}
    return (Claim("economics.cac", fields, "D"),)
