"""Reliability of ratings without steps: the six intraclass correlations of Shrout and Fleiss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from cxlab.analysis.columns import as_floats, of_repeated
from cxlab.analysis.dropped import INCOMPLETE, check_entered, entering
from cxlab.analysis.estimates import Result, check_columns, check_level, flags
from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]

_LEAST = 2  # units and raters


@dataclass(frozen=True, eq=False, kw_only=True)
class Icc(Result):
    """Intraclass correlations; see `icc` for the columns."""


def icc(ratings: pd.DataFrame, *, unit: str, rater: str, rating: str, level: float = 0.95) -> Icc:
    r"""Say how much of the spread of ratings is that of the units rated.

    Parameters
    ----------
    ratings : DataFrame
        One row for each unit and rater; units that some rater left out do not enter. Not changed.
    unit, rater, rating : str
        Columns; ratings are numbers.
    level : float
        Confidence level.

    Returns
    -------
    Icc
        ``table``: icc (``1,1``: each unit has its own raters; ``2,1``: raters are a sample of many; ``3,1``:
        these raters are all there are; ``1,k``, ``2,k``, ``3,k``: of the mean of the k raters), estimate,
        conf_low, conf_high (from F distributions), n (units), raters, flag.
        ``tables["variance"]``: source (unit, rater, residual, within), df, mean_square.

    Raises
    ------
    AnalysisError
        If a column is missing or no number, a rater rates a unit twice, or fewer than two units are rated by
        all of two raters or more.

    References
    ----------
    Shrout & Fleiss (1979), doi:10.1037/0033-2909.86.2.420; McGraw & Wong (1996),
    doi:10.1037/1082-989X.1.1.30 (intervals).

    Examples
    --------
    >>> judged = "9 2 5 8 6 1 3 2 8 4 6 8 7 1 2 6 10 5 6 9 6 2 4 7"
    >>> scores = np.array(judged.split(), dtype=float).reshape(6, 4)
    >>> table = pd.DataFrame(scores).stack().rename_axis(["unit", "rater"]).rename("rating").reset_index()
    >>> icc(table, unit="unit", rater="rater", rating="rating").table["estimate"].round(4).tolist()
    [0.1657, 0.2898, 0.7148, 0.4428, 0.6201, 0.9093]
    """
    check_level(level)
    check_columns(ratings, [unit, rater, rating])
    numbers = as_floats(ratings[rating])
    if numbers is None:
        raise AnalysisError("{column!r} has text; ratings are numbers here", column=rating)
    again = ratings[[unit, rater]].duplicated(keep=False).to_numpy(dtype=bool)
    if again.any():
        ids = [str(value) for value in ratings.loc[again, unit].unique()]
        raise of_repeated(unit, ids, int(again.sum()), persons=False)
    known = ratings.assign(**{rating: numbers}).dropna(subset=[unit, rater, rating])
    wide = known.pivot(index=unit, columns=rater, values=rating)
    whole = set(wide.dropna().index)
    kept, dropped = entering(len(ratings), [(INCOMPLETE, ~ratings[unit].isin(whole).to_numpy(dtype=bool))])
    check_entered(kept, dropped)
    scores = wide.dropna().to_numpy(dtype=float)
    n, k = scores.shape
    if n < _LEAST or k < _LEAST:
        raise AnalysisError(
            "{units} units are rated by all of {raters} raters; at least 2 of each are needed",
            units=n,
            raters=k,
        )
    variance = _squares(scores)
    rows = _six(variance.set_index("source")["mean_square"], n, k, level)
    table = pd.DataFrame(rows, columns=["icc", "estimate", "conf_low", "conf_high"])
    return Icc(
        table=table.assign(n=n, raters=k, flag=flags(np.full(len(table), n))),
        keys=("icc", "source"),
        tables={"variance": variance},
        n_used=int(kept.sum()),
        n_dropped=dropped,
        settings={"unit": unit, "rater": rater, "rating": rating, "level": level},
    )


def _squares(scores: Array) -> pd.DataFrame:
    """Two-way analysis of variance without replication, and the one-way residual."""
    n, k = scores.shape
    centre = scores.mean()
    units = k * ((scores.mean(axis=1) - centre) ** 2).sum()
    raters = n * ((scores.mean(axis=0) - centre) ** 2).sum()
    within = ((scores - scores.mean(axis=1, keepdims=True)) ** 2).sum()
    rows = [
        ("unit", n - 1, units), ("rater", k - 1, raters), ("residual", (n - 1) * (k - 1), within - raters),
        ("within", n * (k - 1), within),
    ]  # fmt: skip
    return pd.DataFrame(
        [(source, df, max(total, 0.0) / df) for source, df, total in rows],
        columns=["source", "df", "mean_square"],
    )


def _six(mean: pd.Series[float], n: int, k: int, level: float) -> list[tuple[str, float, float, float]]:
    b, j, e, w = (float(mean[source]) for source in ("unit", "rater", "residual", "within"))
    up = 0.5 + level / 2

    def of_ratio(noise: float, df: int) -> tuple[float, float, float]:
        """F, and F at the ends of its interval."""
        with np.errstate(divide="ignore", invalid="ignore"):
            f = np.divide(b, noise)
        return f, f / stats.f.ppf(up, n - 1, df), f * stats.f.ppf(up, df, n - 1)

    one = [(f - 1) / (f + k - 1) for f in of_ratio(w, n * (k - 1))]
    three = [(f - 1) / (f + k - 1) for f in of_ratio(e, (n - 1) * (k - 1))]
    two = [(b - e) / (b + (k - 1) * e + k * (j - e) / n), *_two_ends(b, j, e, n, k, up)]

    def of_mean(single: list[float]) -> list[float]:
        return [k * r / (1 + (k - 1) * r) for r in single]

    named = {
        "1,1": one,
        "2,1": two,
        "3,1": three,
        "1,k": of_mean(one),
        "2,k": of_mean(two),
        "3,k": of_mean(three),
    }
    return [(name, *values) for name, values in named.items()]  # type: ignore[misc]


def _two_ends(b: float, j: float, e: float, n: int, k: int, up: float) -> tuple[float, float]:
    """Return the ends of ICC(2,1), with Satterthwaite's degrees of freedom for its noise."""
    r = (b - e) / (b + (k - 1) * e + k * (j - e) / n)
    a, c = k * r / (n * (1 - r)), 1 + k * r * (n - 1) / (n * (1 - r))
    df = (a * j + c * e) ** 2 / ((a * j) ** 2 / (k - 1) + (c * e) ** 2 / ((n - 1) * (k - 1)))
    low, high = stats.f.ppf(up, n - 1, df), stats.f.ppf(up, df, n - 1)
    common = k * j + (k * n - k - n) * e
    return (
        n * (b - low * e) / (low * common + n * b),
        n * (high * b - e) / (common + n * high * b),
    )
