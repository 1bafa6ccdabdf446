"""What a finding is worth: its size at the end of its interval nearest to nothing, times its grade.

Sizes of different units are compared as parts of a whole: points and percentages of their hundred, steps of
a scale of its six, a ratio as the part that it adds or takes away, an improvement as what it returns on its
cost. The weight of a grade is a rule and no estimate; both columns are in the table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from cxlab.analysis.diagnosis.links import Stated

WEIGHTS: Mapping[str, float] = {"A": 1.0, "B": 0.75, "C": 0.5, "D": 0.25}
HUNDRED, STEPS = 100.0, 6.0
_SUBJECTS = (
    "driver", "covariate", "standard", "term", "behaviour", "peer", "touchpoint", "column", "changed_column",
    "metric",
)  # fmt: skip
Fields = Mapping[str, Any]


def value(stated: Stated) -> float:
    """Return the size of a finding between 0 and 1, taken at the end of its interval nearest to nothing.

    Examples
    --------
    >>> from cxlab.analysis.estimates import Claim
    >>> fields = {"estimate": 0.80, "conf_low": 0.76, "conf_high": 0.84, "unit": "ratio"}
    >>> round(value(Stated("retention", "result-2", Claim("hazards.effect", fields, "B"))), 2)
    0.16
    """
    own = _OWN.get(stated.code)
    size = own(stated.fields) if own else _by_unit(stated.fields)
    return min(max(size, 0.0), 1.0) if math.isfinite(size) else 0.0


def score(stated: Stated) -> float:
    """Return value times the weight of the grade."""
    return value(stated) * WEIGHTS[stated.grade]


def subject(stated: Stated) -> str:
    """Return what a finding is about: its driver, its covariate, its standard..."""
    named = (stated.fields.get(name) for name in _SUBJECTS)
    return next((str(each) for each in named if each not in (None, "")), "")


def number(fields: Fields, name: str, otherwise: float = math.nan) -> float:
    """Return a field as a number; what is missing is `otherwise`."""
    held = fields.get(name)
    known = isinstance(held, int | float) and not isinstance(held, bool)
    return float(held) if known else otherwise  # type: ignore[arg-type]


def nearest(fields: Fields, null: float = 0.0) -> float:
    """Return the end of the interval that is nearest to `null`; `null` itself if it lies inside.

    Examples
    --------
    >>> nearest({"estimate": -9, "conf_low": -14, "conf_high": -4}), nearest({"estimate": 3})
    (-4.0, 3.0)
    """
    estimate = number(fields, "estimate", null)
    low, high = number(fields, "conf_low", estimate), number(fields, "conf_high", estimate)
    return null if low <= null <= high else min((low, high), key=lambda end: abs(end - null))


def _by_unit(fields: Fields) -> float:
    unit = fields.get("unit")
    if unit == "ratio":
        end = nearest(fields, 1.0)
        return 1.0 - min(end, 1.0 / end) if end > 0 else 0.0
    size = abs(nearest(fields))
    if unit in ("points", "percent"):
        return size / HUNDRED
    if unit == "scale":
        return size / STEPS
    if unit == "months":
        return size / number(fields, "time")
    return size if unit == "share" else 0.0


def _return(fields: Fields) -> float:
    """Return what an improvement brings on its cost, at the low end of what it is worth."""
    kept = number(fields, "conf_low") / number(fields, "estimate")
    return (1.0 + number(fields, "roi")) * kept - 1.0


def _spread(fields: Fields) -> float:
    return abs(number(fields, "highest_estimate") - number(fields, "lowest_estimate"))


_OWN: Mapping[str, Callable[[Fields], float]] = {
    "economics.improvement": _return,
    "economics.cltv_difference": lambda f: nearest(f) / number(f, "now"),
    "emitted.link": lambda f: abs(nearest(f)),
    "risk.order": lambda f: 2.0 * (nearest(f, 0.5) - 0.5),
    "risk.captured": lambda f: number(f, "conf_low") - number(f, "top"),
    "risk.campaign": lambda f: 1.0 - number(f, "break_even_high") / number(f, "save_rate"),
    "drivers.priority": lambda f: number(f, "importance") * number(f, "probability"),
    "journey.remembered": lambda f: number(f, "estimate") - number(f, "mean_explained"),
    "retention.difference": _spread,
    "incidence.difference": _spread,
}
