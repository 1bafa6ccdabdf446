"""What to look at before believing a driver analysis: bases, overlap of drivers, halo, signs, coding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.drivers import dominance
from cxlab.analysis.drivers.moments import Moments
from cxlab.analysis.drivers.ratings import Surveyed
from cxlab.analysis.drivers.regression import Fit
from cxlab.errors import Message

Array = np.ndarray[Any, Any]
Row = tuple[str, str, float, str]

_VIF, _HALO, _RATED, _COMPLETE, _R_SQUARED, _DESIGN_EFFECT = 10.0, 0.7, 0.5, 0.5, 0.1, 2.0
_EMPTY = 0.01  # of the bootstrap samples in which a column may be constant
_LOADING = 1e-6  # in the directions without variance, over which a driver takes part in one
# Checks that matter for how a finding is read, with what is then said beside it.
CAVEATS: Mapping[str, str] = {
    "mean_correlation": "drivers_move_together",
    "r_squared": "little_explained",
    "aliased": "drivers_aliased",
    "empty_samples": "empty_samples",
    "coding": "coded_backwards",
}


def checks_of(ratings: Surveyed, matrix: Array, line: Fit, outcome: str, drawn: Moments) -> pd.DataFrame:
    """Return the checks as a table: check, driver (empty for all together), value, advice (empty if fine).

    ``mean_correlation`` of the drivers; ``r_squared`` (what they add to what is always in the
    model, ``r_squared_controls``: controls and who rated); ``complete_rows`` (share that rated all);
    ``design_effect`` of the weights; ``empty_samples`` (share of the bootstrap samples in which a driver or
    a control is constant; missing without a bootstrap); ``coding`` of the outcome (share of the drivers that
    clearly go against it). For each driver ``vif``, ``sign`` (1 where effect and correlation agree),
    ``rated`` (share) and ``coding`` (share of the other drivers that it clearly goes against).
    """
    count = len(ratings.names)
    left = dominance.tolerances(matrix, count)[:, 0]
    rows = _overall(ratings, matrix, outcome)
    rows.append(_empty(ratings, outcome, drawn))
    against, backwards = _backwards(ratings, matrix)
    rows.append(_coding_of_outcome(ratings, matrix, outcome, backwards))
    share = ratings.reach
    agree = np.sign(line.coefficients[:count]) * np.sign(ratings.directions)
    agree = np.where(line.estimable[:count], agree, np.nan)
    clear = np.abs(line.coefficients[:count]) > 2 * np.sqrt(np.diag(line.covariance)[:count])
    copies = _copies(ratings.names, matrix) if (left <= dominance.SINGULAR).any() else {}
    for at, name in enumerate(ratings.names):
        vif = 1 / left[at] if left[at] > dominance.SINGULAR else np.inf
        rows += [
            ("vif", name, float(vif), _overlap(name, float(vif), copies)),
            ("sign", name, float(agree[at]), _suppressor(name) if agree[at] < 0 and clear[at] else ""),
            ("rated", name, float(share[at]), _seldom(name, share[at]) if share[at] < _RATED else ""),
            ("coding", name, float(against[at]), _turned(name, outcome) if backwards[at] else ""),
        ]
    return pd.DataFrame(rows, columns=["check", "driver", "value", "advice"])


def caveats_of(checks: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """Return what must be said beside findings, by driver (under "" beside all of them)."""
    said: dict[str, dict[str, None]] = {}
    for check, driver, value, advice in zip(*(checks[c].tolist() for c in checks), strict=True):
        check = "aliased" if check == "vif" and value == np.inf else check
        if advice and check in CAVEATS and (driver or check != "coding"):
            said.setdefault("" if check == "aliased" else driver, {})[CAVEATS[check]] = None
    return {driver: tuple(codes) for driver, codes in said.items()}


def _overall(ratings: Surveyed, matrix: Array, outcome: str) -> list[Row]:
    drivers = len(ratings.names)
    halo = float(matrix[1 : drivers + 1, 1 : drivers + 1, 0][np.triu_indices(drivers, 1)].mean())
    always = float(1 - dominance.swept(matrix, matrix.shape[0] - 1 - drivers)[0, 0, 0])
    explained = float(1 - dominance.swept(matrix, matrix.shape[0] - 1)[0, 0, 0]) - always
    beside = [("r_squared_controls", "", always, "")] if matrix.shape[0] > drivers + 1 else []
    kish = ratings.n / ratings.n_eff
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
        *beside,
        (
            "complete_rows",
            "",
            ratings.complete,
            advice["complete_rows"] if ratings.complete < _COMPLETE else "",
        ),
        ("design_effect", "", kish, advice["design_effect"] if kish > _DESIGN_EFFECT else ""),
    ]


def _empty(ratings: Surveyed, outcome: str, drawn: Moments) -> Row:
    """Share of the bootstrap samples in which the outcome, a driver or a control asked for is constant.

    Who rated what is left out: a sample in which everybody rated a driver lacks nothing.
    """
    named = (outcome, *ratings.names, *ratings.asked)
    constant = drawn.constant[: len(named)]
    if not constant.shape[1]:
        return ("empty_samples", "", float("nan"), "")
    share = float(constant.any(axis=0).mean())
    who = [name for name, own in zip(named, constant.mean(axis=1), strict=True) if own > 0]
    advice = Message(
        "in {value:.0%} of the bootstrap samples nothing varies in {others}: their intervals rest on very "
        "few answers; group the categories or leave them out",
        value=share,
        others=", ".join(who),
    )
    return ("empty_samples", "", share, advice if share > _EMPTY else "")


def _backwards(ratings: Surveyed, matrix: Array) -> tuple[Array, Array]:
    """Share of the other drivers that each clearly goes against, and whether it looks coded backwards.

    It does when it also goes clearly against the outcome: clearly is beyond two standard errors of none.
    """
    count = len(ratings.names)
    clear = -2 / np.sqrt(ratings.n_eff)
    against = (matrix[1 : count + 1, 1 : count + 1, 0] < clear).sum(axis=1) / (count - 1)
    return against, (against > 0.5) & (matrix[0, 1 : count + 1, 0] < clear)


def _coding_of_outcome(ratings: Surveyed, matrix: Array, outcome: str, backwards: Array) -> Row:
    """Share of the drivers that clearly go against the outcome: where most do, it may be the one turned."""
    count = len(ratings.names)
    clear = -2 / np.sqrt(ratings.n_eff)
    share = float((matrix[0, 1 : count + 1, 0] < clear).mean())
    advice = Message(
        "{value:.0%} of the drivers go against {outcome}: if a high number is a bad answer there, declare it "
        "under reverse in client.yaml",
        value=share,
        outcome=outcome,
    )
    return ("coding", "", share, advice if share > 0.5 and not backwards.any() else "")


def _copies(names: tuple[str, ...], matrix: Array) -> dict[str, list[str]]:
    """Return, for each driver that others determine, which drivers take part in it."""
    roots, axes = np.linalg.eigh(matrix[1:, 1:, 0])
    none = axes[:, roots <= dominance.SINGULAR]
    together = np.abs(none @ none.T)[: len(names), : len(names)] > _LOADING
    return {
        name: [names[k] for k in np.flatnonzero(together[at]) if k != at]
        for at, name in enumerate(names)
        if together[at, at]
    }


def _overlap(name: str, vif: float, copies: Mapping[str, list[str]]) -> str:
    others = copies.get(name, [])
    if np.isinf(vif) and others:
        return Message(
            "the other drivers determine {driver} ({others}): they share its part equally and it has no "
            "coefficient; leave one out",
            driver=name,
            others=", ".join(others),
        )
    if np.isinf(vif):
        return Message(
            "the controls, or who rated what, determine {driver}: nothing is left for it to explain; leave "
            "it or the control out",
            driver=name,
        )
    if vif > _VIF:
        return Message(
            "VIF of {driver} is {value:.1f}: its effect can hardly be told from the others'",
            driver=name,
            value=vif,
        )
    return ""


def _suppressor(name: str) -> str:
    return Message(
        "{driver} goes one way with the outcome and the other way once the rest is held fixed: "
        "a suppressor, do not read its share as a lever",
        driver=name,
    )


def _seldom(name: str, share: float) -> str:
    return Message(
        "{driver} was rated by {value:.0%}: its share is reach times depth, its coefficient is "
        "among those who rated",
        driver=name,
        value=float(share),
    )


def _turned(name: str, outcome: str) -> str:
    return Message(
        "{driver} goes against {outcome} and against most other drivers: if a high number is a bad answer "
        "there, declare it under reverse in client.yaml",
        driver=name,
        outcome=outcome,
    )
