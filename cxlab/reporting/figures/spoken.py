"""What a figure says to someone who does not see it: its finding and its numbers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from cxlab.analysis.estimates import Result
from cxlab.reporting import claims, units
from cxlab.reporting.figures import hazards, specification_curve
from cxlab.reporting.words import Words, absent, digits_for

READ_OUT = 8
MILESTONES = (6, 12, 24, 36, 48, 60)


def alt(result: Result, words: Words, draw: Callable[..., Any] | None = None) -> str:
    """Return a figure's alternative text: what its module's `spoken` says of the figure.

    One without it says the finding, then the main table's first rows.
    """
    own = getattr(sys.modules.get(getattr(draw, "__module__", "")), "spoken", None)
    if own is not None:
        return str(own(result, words))
    table, estimate = result.table, result.estimate_column
    headlines = [c for c in result.claims if c.headline] or list(result.claims)
    found = next((c for c in headlines if "hypothesis" in c.fields), headlines[0] if headlines else None)
    said = claims.sentence(found, words) if found else words.label(estimate) + "."
    if estimate not in table:
        return said
    if "excludes" in table:
        numbers = specification_curve.said(result, words)
        return f"{said} {numbers}" if found else numbers
    if "hazard_ratio" in table:
        table = hazards.shown(table)
    shown = table[[not absent(v) for v in table[estimate]]]
    if "time" in shown:
        shown = shown[shown["time"].isin(MILESTONES)]
    keys = [k for k in result.keys if k in table.columns and k != "time"]
    rows = [_row(row, keys, result, words) for row in shown.head(READ_OUT).to_dict("records")]
    if len(shown) > READ_OUT:
        rows.append(words.plural("figure.alt.more", len(shown) - READ_OUT))
    return said if not rows else f"{said} {'; '.join(rows)}."


def unit_of(result: Result, metric: object | None = None) -> str:
    """Return the unit of a result's estimates (of one index where it has several)."""
    named = _metric(result) if metric is None else metric
    return units.unit_of(
        result.estimate_column,
        list(result.table.columns),
        named,
        [*(c.fields for c in result.claims), result.settings],
    )


def _metric(result: Result) -> object:
    if "metric" in result.table and len(result.table):
        return result.table["metric"].iloc[0]
    return result.settings.get("metric", "")


def _row(row: dict[Any, Any], keys: list[str], result: Result, words: Words) -> str:
    parts = [_name(key, row[key], result, words) for key in keys]
    if "time" in row:
        parts.append(words.amount(row["time"], "months"))
    label = ", ".join(parts) or words.label(result.estimate_column)
    label = words("figure.hazards.per_sd", label=label) if row.get("per_sd") else label
    name = "hazard_ratio" if "hazard_ratio" in row else result.estimate_column
    unit, difference = unit_of(result, row.get("metric")), name in ("difference", "change")
    low, high = row.get("conf_low"), row.get("conf_high")
    digits = digits_for(unit, low, high)
    amount = words.amount(row[name], unit, digits=digits, difference=difference)
    if absent(low) and absent(high):
        return words("figure.alt.row", label=label, amount=amount)
    interval = words.interval(low, high, unit, digits=digits, difference=difference)
    return words("figure.alt.row.interval", label=label, amount=amount, interval=interval)


def _name(key: str, value: object, result: Result, words: Words) -> str:
    if key == "metric":
        return words.metric(value)
    if key in ("driver", "covariate"):
        return words.covariate(value)
    named = "unit" if key in ("peer", "unit") else "cause" if key == "cause" else ""
    column = result.settings.get(named, key) if named else key
    return words.label(column, value)
