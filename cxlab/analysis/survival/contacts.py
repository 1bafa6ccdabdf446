"""Whom to contact: what a campaign on the predicted risks would have brought, and today's list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.estimates import Result, check_numbers
from cxlab.analysis.survival.decision import Terms, bought
from cxlab.analysis.survival.risk_claims import campaign_findings
from cxlab.analysis.survival.validated import Followed
from cxlab.errors import AnalysisError


@dataclass(frozen=True, eq=False, kw_only=True)
class Campaign(Result):
    """What contacting would have brought; empty without a cost, or where risks cannot be told from noise."""


def terms_of(cost: float | None, save: float, saves: Sequence[float], value: Any) -> Terms | None:
    """Read what a contact costs and keeps; None without a cost."""
    if cost is None:
        return None
    if value is None:
        raise AnalysisError(
            "contact_cost without a value: say what a customer is worth a month (a column or an amount)"
        )
    low, high = saves if len(saves) == 2 else (np.nan, np.nan)
    check_numbers(
        ("contact_cost", cost, lambda c: c >= 0, "zero or more"),
        ("save_rate", save, lambda s: 0 < s <= 1, "a share between 0 and 1"),
        ("save_rate_range", low, lambda s: 0 < s <= save, "two shares around the save rate"),
        ("save_rate_range", high, lambda s: save <= s <= 1, "two shares around the save rate"),
    )
    return Terms(float(cost), float(save), float(low), float(high))


def campaign_of(
    seen: Followed,
    terms: Terms | None,
    facts: Mapping[str, Any],
    *,
    stands: bool,
    value: str | float | None,
    currency: str,
) -> Campaign:
    """Return the campaign as a result, nothing where there are no terms or risks do not stand."""
    level, resamples, seed = facts["level"], facts["resamples"], facts["seed"]
    people = seen.people
    if terms is None or not stands:
        nothing = {"campaign_rule": pd.DataFrame()}
        return Campaign(
            table=pd.DataFrame(), keys=("quantity",), tables=nothing, n_used=people, settings=dict(facts)
        )
    found = bought(seen, terms, level=level, resamples=resamples, seed=seed)
    said: dict[str, Any] = {
        "contact_cost": terms.cost,
        "save_rate": terms.save,
        "value": value,
        "currency": currency,
    }
    said |= {"save_rate_range": [terms.save_low, terms.save_high]}
    whole = {**facts, **said}
    return Campaign(
        table=found.curve,
        keys=("quantity",),
        tables={"campaign_rule": found.rule},
        n_used=people,
        settings=whole,
        claims=campaign_findings(found.rule, whole),
    )


def contacts_of(customers: pd.DataFrame, terms: Terms | None, *, stands: bool) -> pd.DataFrame:
    """Return whom to contact, the most to gain first: nobody where risks cannot be told from noise."""
    found = customers.drop(columns="value")
    if terms is None:
        order = -found["risk"]
    else:
        gain = terms.save * customers["risk"] * customers["value"] - terms.cost
        found, order = found.assign(expected_value=gain.round(2))[gain > 0], -gain[gain > 0]
    found = found.assign(risk=found["risk"].round(6)).iloc[np.argsort(order.to_numpy(), kind="stable")]
    return (found if stands else found.iloc[:0]).reset_index(drop=True)
