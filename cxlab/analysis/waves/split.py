"""A change between two waves split into what made it, with errors that add up.

Rows are reduced to one cell for each definition, wave, kind of respondent and mode; every part of the change
is a smooth function of the cells' weighted sums, and its error follows from their linearised covariance
(gradients by complex steps, exact to rounding).

References
----------
Kitagawa 1955, doi:10.1080/01621459.1955.10501299.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.answers import Answers
from cxlab.analysis.survey import Cells, Design, cells, partition
from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]
Function = Callable[[Array, Array], Array]

STEP = 1e-30  # of the complex steps: below any rounding


@dataclass(frozen=True, slots=True)
class Split:
    """Sums of the cells of two waves.

    Attributes
    ----------
    cells : Cells
        In the order definition, wave, kind, mode.
    shape : tuple of int
        How many of each.
    kinds : DataFrame
        The values of the declared columns of each kind.
    modes : list
        The modes; empty where none is declared.
    """

    cells: Cells
    shape: tuple[int, ...]
    kinds: pd.DataFrame
    modes: list[Any]

    @property
    def bases(self) -> Array:
        """Respondents of each cell, in `shape`."""
        return self.cells.rows.reshape(self.shape)

    @property
    def units(self) -> Array:
        """Sampling units of each cell, in `shape`."""
        return self.cells.units.reshape(self.shape)

    @property
    def df(self) -> float:
        """Degrees of freedom of the design."""
        return max(self.cells.design_df, 1.0)

    def estimate(self, function: Function) -> tuple[Array, Array]:
        """Return the parts that `function` makes of the sums, shape (K,), and their covariance, (K, K).

        `function` takes weighted sums of contributions and of weights, each ``(..., *shape)``.
        """
        top, bottom = self.cells.top, self.cells.bottom
        count = len(top)
        steps = np.concatenate([top, bottom])[None] + 1j * STEP * np.eye(2 * count)
        shape = (2 * count, *self.shape)
        gradient = function(steps[:, :count].reshape(shape), steps[:, count:].reshape(shape)).imag / STEP
        found = function(top.reshape(self.shape).astype(complex), bottom.reshape(self.shape).astype(complex))
        centre = self._centre()
        # The covariance is that of contributions less their mean: the gradient by weights moves with it.
        gradient[count:] += gradient[:count] * centre
        return found.real, gradient.T @ self.cells.covariance @ gradient

    def _centre(self) -> float:
        total = self.cells.bottom.sum()
        return float((self.cells.top.sum() - self.cells.centred.sum()) / total)


def split(
    table: pd.DataFrame, definitions: Sequence[Answers], waves: Array, design: Design, *,
    kinds: Sequence[str] = (), mode: str | None = None, counts: bool = False,
) -> Split:  # fmt: skip
    """Reduce the rows of two waves to cells of definition, wave, kind and mode.

    Parameters
    ----------
    table : DataFrame
        One row per respondent.
    definitions : sequence of Answers
        The contributions by each definition: one, or the former and the present.
    waves : ndarray of int, shape (n_rows,)
        0 the wave before, 1 the present one, -1 neither.
    design : Design
        Of the rows.
    kinds : sequence of str
        Columns whose combinations are the kinds of respondents.
    mode : str, optional
        Column of the survey mode.
    """
    compared = np.flatnonzero(waves >= 0)
    rows = table.iloc[compared]
    own, modes = partition(rows, kinds), partition(rows, [mode] if mode else [])
    by_kind, by_mode = len(own.keys), len(modes.keys)
    known = (own.codes >= 0) & (modes.codes >= 0)
    place = np.full(len(table), -1)
    place[compared] = np.where(known, (waves[compared] * by_kind + own.codes) * by_mode + modes.codes, -1)
    size, several = 2 * by_kind * by_mode, len(definitions)
    codes = np.concatenate([np.where(place >= 0, place + d * size, -1) for d in range(several)])
    numerator = np.concatenate([each.numerator for each in definitions])
    denominator = np.concatenate([each.denominator for each in definitions])
    reduced = cells(numerator, denominator, _stacked(design, several), codes, several * size, counts=counts)
    names = [] if mode is None else modes.keys[mode].tolist()
    return Split(reduced, (several, 2, by_kind, by_mode), own.keys, names)


def _stacked(design: Design, times: int) -> Design:
    """Return the design of rows that stand `times` times: each respondent is then a cluster."""
    if times == 1:
        return design
    cluster, raked = design.cluster, design.calibration
    if cluster is None and raked is None:  # of raked rows each is a unit anyhow
        cluster = np.arange(len(design.weights))

    def tiled(held: Array | None) -> Array | None:
        return None if held is None else np.tile(held, times)

    return replace(
        design,
        weights=np.tile(design.weights, times),
        strata=tiled(design.strata),
        cluster=tiled(cluster),
        person=tiled(design.person),
        calibration=None if raked is None else replace(raked, place=np.tile(raked.place, times)),
    )


def check_comparable(found: Split, kinds: Sequence[str], mode: str | None) -> None:
    """Refuse kinds of respondents, or modes, that answer in one of the two waves only.

    Raises
    ------
    AnalysisError
        Naming the first of them and what to do: nothing is renormalised in silence.
    """
    answered = found.bases[-1] > 0
    lonely = np.argwhere(answered[0] != answered[1])
    if not len(lonely):
        return
    kind, place = lonely[0]
    names = [str(value) for value in found.kinds.iloc[kind]] if kinds else []
    names += [str(found.modes[place])] if mode else []
    raise AnalysisError(
        "{columns}: {cell} answers in one of the two waves only ({count} such cells): what it would have "
        "said in the other is not known; merge categories, name fewer columns or leave it out with where",
        columns=" x ".join([*kinds, *([mode] if mode else [])]),
        cell=" x ".join(names),
        count=len(lonely),
    )


def parts(top: Array, bottom: Array) -> Array:
    """Split the change between two waves: definition, mix, method, rest; they add up to it exactly.

    `top` and `bottom` are weighted sums of shape (..., definition, wave, kind, mode). With two definitions
    the wave before is told by the first and the present one by the second. Mix is the change in who answers
    (by kind), method the change of mode within each kind, both at the mean of the two waves' levels
    (Kitagawa); the rest is how far each kind in each mode moved.

    Examples
    --------
    Two kinds, no mode: the first grows from 50 to 70 of 100, and everybody improves by 10.

    >>> bottom = np.array([[50.0, 50], [70, 30]])
    >>> top = bottom * [[40, 0], [50, 10]]
    >>> parts(top[None, ..., None], bottom[None, ..., None]).round(6).tolist()
    [0.0, 8.0, 0.0, 10.0]
    """
    by_kind, level = bottom.sum(axis=-1), _ratio(top.sum(axis=-1), bottom.sum(axis=-1))
    of_all = by_kind / by_kind.sum(axis=-1, keepdims=True)
    of_kind, cell = _ratio(bottom, by_kind[..., None]), _ratio(top, bottom)
    whole = (of_all * level).sum(axis=-1)
    kept = _mean(of_all)
    mix = (_step(of_all) * _mean(level)).sum(axis=-1)
    method = (kept * (_step(of_kind, -3) * _mean(cell, -3)).sum(axis=-1)).sum(axis=-1)
    rest = (kept * (_mean(of_kind, -3) * _step(cell, -3)).sum(axis=-1)).sum(axis=-1)
    definition = (whole[..., -1, :] - whole[..., 0, :]).mean(axis=-1)
    return np.stack([definition, *(each.mean(axis=-1) for each in (mix, method, rest))], axis=-1)


def by_segment(top: Array, bottom: Array) -> Array:
    """Split the change by segment: shares, levels, and what each contributes, staying as it is and by mix.

    Shape (..., S, 4): the segment's change, what it adds by having changed, what it adds by having grown or
    shrunk (about the mean level of all), and its change less that of all the others. The second and third
    of all segments add up to the change of the whole; a segment of one wave only adds by mix alone.
    """
    top, bottom = top.mean(axis=-4)[..., 0], bottom.mean(axis=-4)[..., 0]
    share, level = bottom / bottom.sum(axis=-1, keepdims=True), _ratio(top, bottom)
    whole = (share * level).sum(axis=-1, keepdims=True)
    alone = (bottom == 0).any(axis=-2)
    mean = np.where(alone, level.sum(axis=-2), _mean(level))
    step = np.where(alone, 0.0, _step(level))
    others = _ratio(top.sum(axis=-1, keepdims=True) - top, bottom.sum(axis=-1, keepdims=True) - bottom)
    added = _step(share) * (mean - _mean(whole))
    return np.stack([step, _mean(share) * step, added, step - _step(others)], axis=-1)


def interval_of(estimate: Array, std_error: Array, df: Any, level: float) -> tuple[Array, Array, Array]:
    """Return limits and two-sided p-values of estimates with `df` degrees of freedom."""
    from scipy import stats

    half = stats.t.ppf(0.5 + level / 2, df) * std_error
    with np.errstate(divide="ignore", invalid="ignore"):
        p_value = 2 * stats.t.sf(np.abs(estimate) / std_error, df)
    return estimate - half, estimate + half, np.asarray(p_value)


def _ratio(top: Array, bottom: Array) -> Array:
    """Divide, nothing by nothing being zero."""
    there = bottom != 0
    return np.where(there, top / np.where(there, bottom, 1.0), 0.0)


def _mean(held: Array, axis: int = -2) -> Array:
    return np.asarray(held.take(0, axis) + held.take(1, axis)) / 2


def _step(held: Array, axis: int = -2) -> Array:
    return np.asarray(held.take(1, axis) - held.take(0, axis))
