"""Rules on pilots and experiments: arms that differ at the start, and splits that are not as planned."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from cxlab.errors import Message
from cxlab.intake.rules.evidence import Evidence, Finding, Silence, listed
from cxlab.intake.rules.leaks import OUTCOMES

# Standardised mean differences above this are not balance (Austin 2009, doi:10.1002/sim.3697).
MOST_APART = 0.2
FEWEST = 10
MOST_CATEGORIES = 20
MISMATCH = 0.001
_NOT_TRAITS = (*OUTCOMES, "customer_id", "weight", "observation_end", "first_seen", "campaign_id", "currency")


def unbalanced_arms(evidence: Evidence) -> Iterator[Finding | Silence]:
    """Rule 24: traits of customers that differ between the arms of a pilot by over 0.2 deviations."""
    assigned = evidence.frame("pilot_assignments")
    customers = evidence.frame("customers").drop_duplicates("customer_id")
    after = set().union(*(part.after_event for part in evidence.parts("customers")))
    traits = [name for name in customers.columns if name not in (*_NOT_TRAITS, *after)]
    met = assigned.merge(customers, left_on="unit_or_customer_id", right_on="customer_id", how="inner")
    if met.empty:
        yield Silence(Message("no pilot_assignments.unit_or_customer_id is a customer_id"))
        return
    for pilot, part in met.groupby("pilot_id", sort=True):
        arms = [arm for _, arm in part.groupby("arm", sort=True) if len(arm) >= FEWEST]
        worst = {trait: _apart(trait, part, arms) for trait in traits if len(arms) > 1}
        unequal = {trait: size for trait, size in worst.items() if size > MOST_APART}
        if unequal:
            names = listed([f"{trait} ({size:.2f})" for trait, size in unequal.items()])
            said = (
                Message("arms of {pilot} that differ at the start in {names}", pilot=pilot, names=names),
                Message("standardised differences up to {most:g}", most=MOST_APART),
                Message("adjust for them, or ask how the arms were drawn"),
            )
            yield evidence.warn(24, "pilot_assignments", "arm", said, count=len(unequal))


def _apart(trait: str, part: pd.DataFrame, arms: list[pd.DataFrame]) -> float:
    """Return the largest standardised difference of a trait between two arms."""
    values = part[trait]
    if pd.api.types.is_datetime64_any_dtype(values):
        days = [arm[trait].dropna().astype("int64") / 86_400e9 for arm in arms]
        return max(_smd(one, other) for one, other in combinations(days, 2))
    if pd.api.types.is_numeric_dtype(values):
        return max(_smd(one[trait].dropna(), other[trait].dropna()) for one, other in combinations(arms, 2))
    categories = values.dropna().unique()
    if len(categories) > MOST_CATEGORIES:
        return 0.0
    flags = [[arm[trait].eq(each).astype(float) for arm in arms] for each in categories]
    return max((_smd(one, other) for of in flags for one, other in combinations(of, 2)), default=0.0)


def _smd(one: pd.Series[Any], other: pd.Series[Any]) -> float:
    if min(len(one), len(other)) < FEWEST:
        return 0.0
    spread = np.sqrt((one.var() + other.var()) / 2)
    gap = abs(float(one.mean()) - float(other.mean()))
    return gap / float(spread) if spread > 0 else (0.0 if gap == 0 else np.inf)


def mismatched_splits(evidence: Evidence) -> Iterator[Finding | Silence]:
    """Rule 25: experiments whose arms hold other shares than planned (chi-square, p < .001)."""
    splits = evidence.frame("splits")
    tested = False
    for split, part in splits.groupby("split_id", sort=True):
        counts = part["arm"].value_counts().sort_index()
        if len(counts) < 2:
            continue
        tested = True
        planned = _planned(part, counts)
        expected = planned * counts.sum()
        p = float(chdtrc(len(counts) - 1, ((counts.to_numpy() - expected) ** 2 / expected).sum()))
        if p < MISMATCH:
            said = (
                Message(
                    "{split}: {counts} (p = {p:.2g})",
                    split=split,
                    counts=", ".join(f"{arm} {n}" for arm, n in counts.items()),
                    p=p,
                ),
                Message(
                    "{shares}",
                    shares=", ".join(
                        f"{arm} {share:.3g}" for arm, share in zip(counts.index, planned, strict=True)
                    ),
                ),
                Message("find out who was lost: the arms do not compare; if so planned, give expected_share"),
            )
            yield evidence.stop(25, "splits", "arm", said, count=int(counts.sum()))
    if not tested:
        yield Silence(Message("no experiment with two arms"))


def _planned(part: pd.DataFrame, counts: pd.Series[int]) -> Any:
    if "expected_share" in part and part["expected_share"].notna().all():
        shares = part.groupby("arm")["expected_share"].first().reindex(counts.index).to_numpy(dtype=float)
        return shares / shares.sum()
    return np.full(len(counts), 1 / len(counts))
