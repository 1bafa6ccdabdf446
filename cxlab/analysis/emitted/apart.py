"""Do raters agree alike everywhere: the agreement of each group of units by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.columns import named
from cxlab.analysis.dropped import check_entered, entering, missing
from cxlab.analysis.emitted.coefficients import Scale
from cxlab.analysis.emitted.raters import Agreement, agreement
from cxlab.analysis.estimates import Claim, check_columns, combinations_present
from cxlab.errors import AnalysisError, Message

Array = np.ndarray[Any, Any]
_ROW = ("coefficient", "estimate", "std_error", "conf_low", "conf_high", "conger", "n", "flag")
_MOST = 50  # groups: a bootstrap each
ONCE = Message("a group in which nothing is rated twice")


def agreement_apart(
    ratings: pd.DataFrame, *, by: str | Sequence[str], unit: str, rater: str, rating: str,
    scale: Scale = "nominal", level: float = 0.95, resamples: int = 1000, seed: int = 0,
) -> Agreement:  # fmt: skip
    """Measure how far raters agree in each group of units.

    Parameters
    ----------
    ratings, unit, rater, rating, scale, level, resamples, seed : as in `agreement`
        The categories of every group are those given anywhere.
    by : str or sequence of str
        Columns whose combinations are the groups; with none, or of a table that is not there, the result's
        table is empty.

    Returns
    -------
    Agreement
        ``table``: ``*by``, coefficient (alpha; ac1 or ac2), estimate, std_error, conf_low, conf_high, conger
        (Conger's kappa: of two raters on a nominal scale, Cohen's), n, flag.
        Groups in which nothing was rated twice are counted among what was dropped. A claim for each of the
        others.

    Raises
    ------
    AnalysisError
        As `agreement`; if there are more than 50 groups.

    Examples
    --------
    >>> ratings = pd.DataFrame({"unit": [1, 1, 2, 2, 3, 3, 4, 4], "rater": list("ab") * 4,
    ...                         "met": [1, 1, 0, 0, 1, 0, 0, 1], "city": list("xxxxyyyy")})
    >>> found = agreement_apart(ratings, by="city", unit="unit", rater="rater", rating="met")
    >>> found.table[["city", "coefficient", "estimate"]].values.tolist()
    [['x', 'alpha', 1.0], ['x', 'ac1', 1.0], ['y', 'alpha', -0.5], ['y', 'ac1', -1.0]]
    """
    by = named(by)
    if not by or not len(ratings.columns):
        return Agreement(table=pd.DataFrame(), keys=(), alpha=float("nan"), ac=float("nan"))
    check_columns(ratings, [*by, unit, rater, rating])
    keys = combinations_present(ratings.dropna(subset=by), by).to_dict("records")
    if len(keys) > _MOST:
        raise AnalysisError(
            "{columns} makes {count} groups, more than {most}; take a column with fewer values",
            columns=" x ".join(by), count=len(keys), most=_MOST,
        )  # fmt: skip
    asked: dict[str, Any] = {
        "unit": unit, "rater": rater, "rating": rating, "scale": scale, "level": level,
        "resamples": resamples, "seed": seed,
        "categories": pd.unique(np.sort(ratings[rating].dropna().to_numpy())),
    }  # fmt: skip
    placed = ~ratings[by].isna().any(axis=1).to_numpy(dtype=bool)
    rated = ratings[[unit, rater, rating]].notna().all(axis=1).to_numpy(dtype=bool)
    groups: list[tuple[dict[Any, Any], Array]] = [
        (key, np.all([ratings[name] == value for name, value in key.items()], axis=0)) for key in keys
    ]
    twice = [(key, own) for key, own in groups if ratings[unit][own & rated].duplicated().any()]
    once = placed & ~np.any([own for _, own in twice], axis=0) if twice else placed
    reasons = [*((missing(name), ratings[name].isna().to_numpy(dtype=bool)) for name in by), (ONCE, once)]
    kept, dropped = entering(len(ratings), reasons)
    check_entered(kept, dropped)
    found = [(key, agreement(ratings[own], **asked)) for key, own in twice]
    for _, own in found:
        dropped = {**dropped, **{why: dropped.get(why, 0) + n for why, n in own.n_dropped.items()}}
    return _together(found, by, {**asked, "by": by, "categories": len(asked["categories"])}, dropped)


def _together(
    found: Sequence[tuple[dict[Any, Any], Agreement]], by: Sequence[str], settings: dict[str, Any],
    dropped: dict[str, int],
) -> Agreement:  # fmt: skip
    """Put the groups under each other, each with its claim."""
    rows, claims = [], list[Claim]()
    for key, own in found:
        checks = own.tables["checks"].set_index("check")["value"]
        table = own.table.assign(**key, conger=checks["conger"])
        rows.append(table[[*by, *_ROW]])
        claims += [
            replace(claim, code="emitted.agreement_in", fields={**claim.fields, "group": key}, headline=False)
            for claim in own.claims
            if claim.code == "emitted.agreement"
        ]
    return Agreement(
        table=pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(),
        keys=(*by, "coefficient"),
        n_used=sum(own.n_used for _, own in found),
        n_dropped=dropped,
        settings=settings,
        claims=tuple(claims),
        parts={name: name for name in by},
        alpha=float("nan"),
        ac=float("nan"),
    )
