"""Units of estimates: what a number of a result is counted in."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

UNITS = ("points", "percent", "share", "ratio", "months", "scale", "per_thousand", "steps", "money")
SHARES = frozenset(
    {"share", "rated", "pain", "kept", "part", "unexplained", "before", "after", "of_variance"}
)
METRIC_UNITS: Mapping[str, str] = {
    "nps": "points", "pxi": "points", "insc": "points", "ces_net": "points", "cxi_legacy": "points",
    "acsi_equal": "points", "acsi_ohio": "points", "csat_t2b_5": "percent", "csat_t2b_7": "percent",
    "csat_t2b_10": "percent", "ces_top3": "percent", "top_k": "percent", "rate": "percent",
    "compliance": "percent", "ces_mean": "scale", "mean": "scale",
}  # fmt: skip


def unit_of(
    estimate_column: str, columns: Collection[str], metric: object, claimed: Iterable[Mapping[str, Any]]
) -> str:
    """Return the unit of a table's estimates: by its index, by its kind, or as the claims' fields say.

    Examples
    --------
    >>> unit_of("estimate", ["metric", "estimate"], "nps", []), unit_of("share", ["driver", "share"], "", [])
    ('points', 'share')
    >>> unit_of("asymmetry", ["driver", "asymmetry"], "", [{"unit": "percent"}])  # a ratio, whatever it is of
    'scale'
    """
    named = METRIC_UNITS.get(str(metric))
    if named:
        return named
    if estimate_column == "asymmetry":
        return "scale"
    if estimate_column in SHARES or "at_risk" in columns:
        return "share"
    if estimate_column == "per_thousand":
        return estimate_column
    if "hazard_ratio" in columns:
        return "ratio"
    stated = [fields.get("unit") for fields in claimed if metric in ("", None, fields.get("metric"))]
    return next((str(unit) for unit in stated if unit in UNITS), "scale")


def unit_of_claim(fields: Mapping[str, Any]) -> str:
    """Return the unit of a claim's numbers; points between two percentages are percentages (said as p.p.).

    What explains an index, taken as a number, is counted in the index's unit.

    Examples
    --------
    >>> [unit_of_claim({"unit": "points", "metric": metric}) for metric in ("csat_t2b_7", "nps")]
    ['percent', 'points']
    >>> [unit_of_claim({"unit": "scale", "outcome": outcome}) for outcome in ("nps", "overall_sat")]
    ['points', 'scale']
    """
    unit = str(fields.get("unit", ""))
    if unit == "scale":
        return METRIC_UNITS.get(str(fields.get("outcome")), unit)
    return (
        "percent" if unit == "points" and METRIC_UNITS.get(str(fields.get("metric"))) == "percent" else unit
    )
