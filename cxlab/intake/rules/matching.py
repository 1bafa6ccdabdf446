"""How many surveys find their customer, overall and by segment, region and wave."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from cxlab.errors import Message
from cxlab.intake.coded import members
from cxlab.intake.rules.evidence import Evidence, Finding

CUSTOMERS, SURVEY = "customers", "survey_responses"
BY = ("wave_id", "segment", "region", "plan", "channel")
LEAST_RATE = 0.80
# Groups under this are told together; groups under the larger one are too small to differ.
FEWEST, ENOUGH = 10, 30
MOST_APART = 0.10
OTHERS = "(<10)"


def match_rates(evidence: Evidence) -> list[dict[str, Any]]:
    """Return the rates, one row for the whole and one for each group.

    Returns
    -------
    list of dict
        column and value (empty for the whole), with_customer (answers that name a customer), matched (whose
        customer is there), rate. Groups under 10 are added up under ``(<10)``; if that is still under 10, or
        there is only one of them, the next smallest joins.
    """
    if not evidence.has(CUSTOMERS, "customer_id") or not evidence.has(SURVEY, "customer_id"):
        return []
    surveys = evidence.frame(SURVEY)
    named = surveys[surveys["customer_id"].notna()]
    known = evidence.frame(CUSTOMERS)["customer_id"]
    # The few customers that were asked, not the many that were not, are what is looked among.
    asked = known[members(known, named["customer_id"])]
    met = pd.Series(members(named["customer_id"], asked), index=named.index)
    rows = [_row("", "", len(named), int(met.sum()))]
    for column in (name for name in BY if evidence.has(SURVEY, name)):
        counts = pd.DataFrame(
            {"n": met.groupby(named[column]).size(), "met": met.groupby(named[column]).sum()}
        )
        rows += [_row(column, str(value), int(n), int(m)) for value, n, m in _grouped(counts).itertuples()]
    return rows


def _row(column: str, value: str, n: int, matched: int) -> dict[str, Any]:
    rate = matched / n if n else None
    return {"column": column, "value": value, "with_customer": n, "matched": matched, "rate": rate}


def _grouped(counts: pd.DataFrame) -> pd.DataFrame:
    ordered = counts.sort_values("n", kind="stable")
    few = int((ordered["n"] < FEWEST).sum())
    while 0 < few < len(ordered) and (few == 1 or ordered["n"].iloc[:few].sum() < FEWEST):
        few += 1
    if not few:
        return counts
    others = ordered.iloc[:few].sum().to_frame(OTHERS).T
    kept = counts.loc[~counts.index.isin(ordered.index[:few])]
    return pd.concat([kept, others])


def poor_match(evidence: Evidence) -> Iterator[Finding]:
    """Rule 15: under 80 % of the surveys find their customer, or some groups far less than others."""
    rates = match_rates(evidence)
    if not rates or rates[0]["rate"] is None:
        return
    whole = rates[0]
    action = Message("ask for the customers that are missing: those who left, or another code?")
    if whole["rate"] < LEAST_RATE:
        said = (
            Message("{share:.1%} of the surveys find their customer", share=whole["rate"]),
            Message("80 % or more"),
            action,
        )
        yield evidence.warn(15, SURVEY, "customer_id", said, count=whole["with_customer"] - whole["matched"])
    for column in dict.fromkeys(row["column"] for row in rates[1:]):
        groups = [row for row in rates if row["column"] == column and row["with_customer"] >= ENOUGH]
        if len(groups) < 2:
            continue
        low, high = (pick(groups, key=lambda row: row["rate"]) for pick in (min, max))
        if high["rate"] - low["rate"] > MOST_APART:
            said = (
                Message(
                    "{low_share:.0%} of the surveys of {low} find their customer, {high_share:.0%} of {high}",
                    low_share=low["rate"],
                    low=low["value"],
                    high_share=high["rate"],
                    high=high["value"],
                ),
                Message("rates within 10 points of each other"),
                action,
            )
            yield evidence.warn(15, SURVEY, column, said, count=low["with_customer"] - low["matched"])
