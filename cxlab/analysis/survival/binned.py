"""Continuous covariates in declared bins: each customer has the mean of their bin, and the effect is shown.

A table of any size is grouped once, at twice the bins declared; the declared ones and half of them are pairs
of these. What coefficients are at all three says how much the cut decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.estimates import whole_from
from cxlab.analysis.survival import cox
from cxlab.analysis.survival.design import design_of
from cxlab.analysis.survival.observed import Observed, cells
from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]

DECLARED = 2  # of the bins that were grouped make one
_CUTS = ((4, 0.5), (DECLARED, 1.0), (1, 2.0))
_MOST = 200


def doubled(bins: Mapping[str, int], covariates: Sequence[str]) -> dict[str, int]:
    """Return how many bins the table is grouped into; refuse what cannot be halved, or is no covariate."""
    for column, given in bins.items():
        even = whole_from(given, 4) and given <= _MOST and given % 2 == 0
        if column not in covariates or not even:
            raise AnalysisError(
                "bins of {column!r} is {given!r}; name a covariate, with an even whole number from 4 to "
                "{most}",
                column=column, given=given, most=_MOST,
            )  # fmt: skip
    return {column: 2 * int(given) for column, given in bins.items()}


def cut(fine: Observed, bins: Mapping[str, int], each: int = DECLARED) -> Observed:
    """Return the cells with `each` neighbouring bins made one, scored by the mean of its customers."""
    if not bins:
        return fine
    labels = fine.labels.copy()
    for column in bins:
        place = labels[column].to_numpy(dtype=int) // each
        total, count = (np.bincount(place, held) for held in (fine.sums[column], fine.count))
        labels[column] = (total / np.maximum(count, 1.0))[place]
    return cells(
        labels, fine.duration, fine.event, fine.entry, fine.weight, fine.dropped, fine.rows,
        count=fine.count, squared=fine.squared,
    )  # fmt: skip


def effect(
    fine: Observed,
    bins: Mapping[str, int],
    covariates: Sequence[str],
    stratum_of: Callable[[Observed], Array],
    prepared: Callable[[Observed], Observed],
) -> pd.DataFrame:
    """Return the coefficients at half the bins, at those declared and at twice as many.

    Columns: covariate, bins (times those declared: 0.5, 1, 2), estimate, std_error (without clusters) and
    shift (from the declared, in its standard errors).
    """
    parts = []
    for each, times in _CUTS:
        who = prepared(cut(fine, bins, each))
        design = design_of(covariates, who)
        risk = cox.at_risk(who, design.standard, stratum_of(who), row=design.row)
        found = cox.fit(risk, robust=who.weight is not None)
        error = np.sqrt(np.diag(found.covariance)) / design.sd
        own = {"covariate": design.names, "bins": times, "estimate": found.beta / design.sd}
        parts.append(pd.DataFrame({**own, "std_error": error}))
    declared = parts[1]
    shifts = [(part["estimate"] - declared["estimate"]) / declared["std_error"] for part in parts]
    return pd.concat([p.assign(shift=s) for p, s in zip(parts, shifts, strict=True)], ignore_index=True)
