"""What to look at before believing a driver analysis: bases, overlap of drivers, halo, signs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.drivers import dominance
from cxlab.analysis.drivers.ratings import Ratings
from cxlab.analysis.drivers.regression import Fit
from cxlab.analysis.estimates import effective_n
from cxlab.errors import Message

Array = np.ndarray[Any, Any]

_VIF, _HALO, _RATED, _COMPLETE, _R_SQUARED, _DESIGN_EFFECT = 10.0, 0.7, 0.5, 0.5, 0.1, 2.0


def checks_of(ratings: Ratings, matrix: Array, line: Fit, outcome: str) -> pd.DataFrame:
    """Return the checks as a table: check, driver (empty for all together), value, advice (empty if fine)."""
    rows = _overall(ratings, matrix, outcome)
    left = dominance.tolerances(matrix, len(ratings.names))[:, 0]
    for number, together in enumerate(_directions(ratings)):
        rows += _of_driver(ratings, line, number, float(left[number]), float(together))
    return pd.DataFrame(rows, columns=["check", "driver", "value", "advice"])


def _overall(ratings: Ratings, matrix: Array, outcome: str) -> list[tuple[str, str, float, str]]:
    drivers = len(ratings.names)
    halo = float(matrix[1 : drivers + 1, 1 : drivers + 1, 0][np.triu_indices(drivers, 1)].mean())
    explained = float(1 - dominance.swept(matrix, matrix.shape[0] - 1)[0, 0, 0])
    kish = len(ratings.outcome) / effective_n(ratings.weights)
    advice = {
        "mean_correlation": Message(
            "the drivers move together (mean correlation {value:.2f}): shares are drawn towards equality",
            value=halo,
        ),
        "r_squared": Message(
            "the drivers explain {value:.0%} of {outcome}: most of it lies elsewhere",
            value=explained,
            outcome=outcome,
        ),
        "complete_rows": Message(
            "only {value:.0%} of the respondents rated every driver: listwise deletion would describe "
            "them alone",
            value=ratings.complete,
        ),
        "design_effect": Message("unequal weights cost precision: design effect {value:.1f}", value=kish),
    }
    return [
        ("mean_correlation", "", halo, advice["mean_correlation"] if halo > _HALO else ""),
        ("r_squared", "", explained, advice["r_squared"] if explained < _R_SQUARED else ""),
        (
            "complete_rows",
            "",
            ratings.complete,
            advice["complete_rows"] if ratings.complete < _COMPLETE else "",
        ),
        ("design_effect", "", kish, advice["design_effect"] if kish > _DESIGN_EFFECT else ""),
    ]


def _directions(ratings: Ratings) -> Array:
    """Covariance of each driver with the outcome among those who rated it, up to a positive factor."""
    weighed = ratings.weights[:, None] * ratings.rated
    level = (weighed * ratings.outcome[:, None]).sum(axis=0) / weighed.sum(axis=0)
    return np.asarray((weighed * ratings.drivers * (ratings.outcome[:, None] - level)).sum(axis=0))


def _of_driver(
    ratings: Ratings, line: Fit, number: int, left: float, together: float
) -> list[tuple[str, str, float, str]]:
    name, who = ratings.names[number], ratings.rated[:, number]
    share = float(ratings.weights[who].sum() / ratings.weights.sum())
    slope, error = line.coefficients[number], float(np.sqrt(line.covariance[number, number]))
    agrees = float(np.sign(slope) * np.sign(together)) if line.estimable[number] else float("nan")
    against = Message(
        "{driver} goes one way with the outcome and the other way once the rest is held fixed: "
        "a suppressor, do not read its share as a lever",
        driver=name,
    )
    seldom = Message(
        "{driver} was rated by {value:.0%}: its share is reach times depth, its coefficient is "
        "among those who rated",
        driver=name,
        value=share,
    )
    return [
        ("vif", name, 1 / left if left > dominance.SINGULAR else float("inf"), _overlap(name, left)),
        ("sign", name, agrees, against if agrees < 0 and abs(slope) > 2 * error else ""),
        ("rated", name, share, seldom if share < _RATED else ""),
    ]


def _overlap(name: str, left: float) -> str:
    if left <= dominance.SINGULAR:
        return Message(
            "the other drivers determine {driver}: they share its part equally and it has no coefficient; "
            "leave one out",
            driver=name,
        )
    if 1 / left > _VIF:
        return Message(
            "VIF of {driver} is {value:.1f}: its effect can hardly be told from the others'",
            driver=name,
            value=1 / left,
        )
    return ""
