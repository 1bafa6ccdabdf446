"""The change that was declared before looking: this wave against the one before, or after against before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from cxlab.analysis.answers import Columns
from cxlab.analysis.estimates import (
    MINIMUM_CUSTOMERS,
    Result,
    check_level,
    flags,
    stated,
    t_quantile,
)
from cxlab.analysis.findings import POWER, accounted, weighting_caveats
from cxlab.analysis.intervals import differences
from cxlab.analysis.metrics import score_rows
from cxlab.analysis.sampling import Weights, named_weights
from cxlab.analysis.waves.between import Between, between
from cxlab.analysis.waves.series import Series, chosen, named_wave, series
from cxlab.analysis.waves.split import check_comparable, interval_of, parts, split
from cxlab.analysis.waves.statements import contrast_claims, record_of
from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]
Test = Literal["contrast", "trend"]

ROW = ["test", "difference", "std_error", "conf_low", "conf_high", "p_value", "detectable", "n", "flag"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Contrast(Result):
    """A declared change between waves; see `contrast` for the columns.

    Attributes
    ----------
    tau : float
        Standard deviation between waves beyond sampling, in the unit of the index; NaN where not known.
    """

    tau: float = np.nan


def contrast(
    table: pd.DataFrame, metric: str, *, wave: str, current: Any = None, previous: Any = None,
    test: Test = "contrast", mode: str | None = None, columns: Columns = None, weights: Weights = None,
    strata: str | None = None, cluster: str | None = None, level: float = 0.95,
) -> Contrast:  # fmt: skip
    """Say whether an index changed between two waves, or sets of waves, declared before looking.

    Parameters
    ----------
    table, metric, columns, weights, strata, cluster, level
        As in `cxlab.analysis.metrics.score`.
    wave : str
        Column of waves.
    current, previous : str, sequence of str or None
        The waves compared; several are taken together (after against before). By default the last one
        against the one before it. There is one contrast: no search among all pairs.
    test : {"contrast", "trend"}
        Which of the two is tested, declared before looking: the contrast, or a straight line through all
        waves. The other is described.
    mode : str, optional
        Column of the survey mode: the contrast tested is then at constant mode.

    Returns
    -------
    Contrast
        ``table``: ``test`` (contrast, same_mode, trend; a trend is per wave), ``difference``, ``std_error``,
        ``conf_low``, ``conf_high``, ``p_value`` (of the one that is tested), ``detectable`` (the change that
        80 % of such surveys would tell), ``n`` (the smaller base), ``flag``. ``tables["waves"]``: the wave
        and its scores; ``tables["modes"]``: wave, mode, ``share_of_wave``, and their scores;
        ``tables["tests"]``: the one test.

    Raises
    ------
    AnalysisError
        As `score`; if a wave is not there or stands on both sides, or a mode was used on one side only.

    Notes
    -----
    With 6 waves or more before the present ones, the variance tau2 between waves beyond sampling is
    estimated from them (`cxlab.analysis.waves.between`) and added to both sides; with fewer the error is
    that of sampling alone, and a caveat says so. The trend is weighted least squares, weights
    1 / (se2 + tau2). At constant mode each mode keeps its mean share of the two sides (Kitagawa 1955).

    References
    ----------
    Kitagawa 1955, doi:10.1080/01621459.1955.10501299.

    Examples
    --------
    >>> rows = [("W1", 10)] * 45 + [("W1", 0)] * 55 + [("W2", 10)] * 48 + [("W2", 0)] * 52
    >>> found = contrast(pd.DataFrame(rows, columns=["wave", "recommend"]), "nps", wave="wave")
    >>> found.table[["test", "difference", "detectable"]].round(1).to_numpy().tolist()
    [['contrast', 6.0, 39.6]]
    >>> found.claims[0].code
    'waves.unmoved'
    """
    check_level(level)
    if test not in get_args(Test):
        raise AnalysisError("test is {test!r}; it can be contrast or trend", test=test)
    held = series(table, metric, wave=wave, columns=columns, weights=weights, strata=strata, cluster=cluster)
    now = chosen(held.waves, current, -1, "current")
    before = chosen(held.waves, previous, max(held.waves.index(now[0]) - 1, 0), "previous")
    check_sides(now, before)
    past = [k for k, each in enumerate(held.waves[: held.waves.index(now[0])]) if each not in now]
    found = between(held.group.estimate[past], held.group.std_error[past])
    rows = [_contrast(held, now, before, found, level)]
    sides = sides_of(held, now, before)
    modes = pd.DataFrame()
    if mode:
        rows, modes = (
            [*rows, _same_mode(table, held, sides, mode, rows[0], found, level)],
            _modes(table, held, sides, mode, level, (before, now), wave),
        )
    if len(held.waves) > 3:
        rows.append(_trend(held, found, level))
    asked = "trend" if test == "trend" else "same_mode" if mode else "contrast"
    out = pd.DataFrame(rows).assign(metric=held.entry.id)
    if asked not in set(out["test"]):
        raise AnalysisError(
            "a trend needs four waves, and there are {count}: compare two with a contrast",
            count=len(held.waves),
        )
    tested = (out["test"] == asked) & (out["n"] >= MINIMUM_CUSTOMERS)
    out["p_value"] = out["p_value"].where(tested)
    said = {
        "wave": named_wave(now), "previous": named_wave(before), "waves": len(held.waves),
        "hypothesis": f"{held.entry.id}: {asked}, {named_wave(now)} against {named_wave(before)}",
        "side": record_of(held.group.estimate[: held.waves.index(now[-1]) + 1].tolist()),
        "same_mode": asked == "same_mode",
    }  # fmt: skip
    tests = out[tested].assign(hypothesis=str(said["hypothesis"]), p_adjusted=out["p_value"])
    caveats = (
        *weighting_caveats(held.design, held.entry),
        *(() if found.known else ("waves_sampling_only",)),
    )
    row = out[out["test"] == asked].iloc[0].to_dict()
    said |= {"detectable": float(row["detectable"])}
    claim, otherwise = contrast_claims(row, held.entry, level, said, caveats)
    used, dropped = accounted(held.answers, held.design, table, [wave, *([mode] if mode else [])])
    scores = score_rows(held.entry, held.cells, pd.DataFrame({wave: held.waves}), level)
    return Contrast(
        table=out[["metric", *ROW]],
        estimate_column="difference",
        keys=("test", "metric", wave, "hypothesis", *([mode] if mode else [])),
        tables={
            "waves": scores, "tests": tests[["hypothesis", *ROW, "p_adjusted"]],
            "modes": modes,
        },
        parts={wave: wave, **({"mode": mode} if mode else {})},
        apart=("", "tests"),
        n_used=int(used.sum()),
        n_dropped=dropped,
        settings={
            "metric": held.entry.id, "version": held.entry.version, "wave": wave,
            "current": [str(w) for w in now], "previous": [str(w) for w in before], "test": test,
            "mode": mode, "weights": named_weights(weights) if held.design.weighted else None,
            "strata": strata, "cluster": cluster, "level": level,
            "tau": round(float(np.sqrt(found.tau2)), 4) if found.known else None,
        },
        claims=stated(tests, [claim], [otherwise], level) if len(tests) else (),
        otherwise=(otherwise,) if len(tests) else (),
        tau=float(np.sqrt(found.tau2)),
    )  # fmt: skip


def check_sides(now: Sequence[Any], before: Sequence[Any]) -> None:
    """Refuse a wave that stands on both sides of a change."""
    both = [wave for wave in now if wave in before]
    if both:
        raise AnalysisError(
            "{wave} is compared with itself; name the waves of current and previous", wave=str(both[0])
        )


def sides_of(held: Series, now: Sequence[Any], before: Sequence[Any]) -> Array:
    """Return 1 for the rows of the present waves, 0 for those before, -1 for the others."""
    side = np.full(len(held.waves) + 1, -1)
    for value, waves in ((0, before), (1, now)):
        side[[held.waves.index(wave) for wave in waves]] = value
    return np.asarray(side[held.codes])


def _contrast(
    held: Series, now: Sequence[Any], before: Sequence[Any], found: Between, level: float
) -> dict[str, Any]:
    one, other = held.cells.groups(held.member(now)), held.cells.groups(held.member(before))
    extra = _extra(held, now, before, found)
    told = differences(held.cells, one, other, held.entry, level, (extra, found.df))
    n = float(min(one.n[0], other.n[0]))
    return _row("contrast", told.difference[0], told.std_error[0], told.conf_low[0], told.conf_high[0],
                told.p_value[0], n, level)  # fmt: skip


def _extra(held: Series, now: Sequence[Any], before: Sequence[Any], found: Between) -> float:
    """Variance that waves as such add to the difference of two means of waves."""
    if not found.known:
        return 0.0
    shares = [held.member(side)[0] * held.cells.bottom for side in (now, before)]
    return found.tau2 * sum(float(((s / s.sum()) ** 2).sum()) for s in shares)


def _row(
    test: str, estimate: float, error: float, low: float, high: float, p: float, n: float, level: float
) -> dict[str, Any]:
    detectable = (t_quantile(level) + t_quantile(2 * POWER - 1)) * error
    flag = flags([n])[0]
    return dict(zip(ROW, (test, float(estimate), float(error), float(low), float(high), float(p),
                          float(detectable), int(n), flag), strict=True))  # fmt: skip


def _same_mode(
    table: pd.DataFrame, held: Series, sides: Array, mode: str, plain: dict[str, Any], found: Between,
    level: float,
) -> dict[str, Any]:  # fmt: skip
    own = split(table, [held.answers], sides, held.design, mode=mode, counts=held.entry.family == "rate")
    check_comparable(own, [], mode)
    estimate, covariance = own.estimate(lambda top, bottom: parts(top, bottom)[..., 3:])
    sampling = float(covariance[0, 0])
    extra = _extra(held, _listed(held, sides, 1), _listed(held, sides, 0), found)
    df = own.df if not extra else _joined(sampling, own.df, extra, found.df)
    error = np.sqrt(sampling + extra)
    low, high, p = interval_of(estimate[0], error, df, level)
    return _row("same_mode", estimate[0], error, float(low), float(high), float(p), plain["n"], level)


def _listed(held: Series, sides: Array, side: int) -> list[Any]:
    return [held.waves[k] for k in np.unique(held.codes[sides == side])]


def _joined(one: float, df_one: float, other: float, df_other: float) -> float:
    """Welch-Satterthwaite degrees of freedom of the sum of two variances."""
    return float((one + other) ** 2 / (one**2 / df_one + other**2 / df_other))


def _trend(held: Series, found: Between, level: float) -> dict[str, Any]:
    """Straight line through all waves, in units of the index per wave."""
    x = np.arange(len(held.waves), dtype=float)
    tau2 = found.tau2 if found.known else 0.0
    variance = held.group.std_error**2 + tau2
    usable = np.isfinite(variance) & (variance > 0)
    x, y, w = x[usable], held.group.estimate[usable], 1 / variance[usable]
    centred = x - (w * x).sum() / w.sum()
    slope = float((w * centred * y).sum() / (w * centred**2).sum())
    error = float(1 / np.sqrt((w * centred**2).sum()))
    low, high, p = interval_of(np.asarray(slope), np.asarray(error), max(len(x) - 2.0, 1.0), level)
    return _row("trend", slope, error, float(low), float(high), float(p), float(held.group.n.min()), level)


def _modes(
    table: pd.DataFrame, held: Series, sides: Array, mode: str, level: float,
    names: tuple[Sequence[Any], Sequence[Any]], wave: str,
) -> pd.DataFrame:  # fmt: skip
    """Tell the share and the score of each mode on each side."""
    own = split(table, [held.answers], sides, held.design, mode=mode, counts=held.entry.family == "rate")
    keys = pd.DataFrame({
        wave: np.repeat([named_wave(each) for each in names], len(own.modes)), mode: own.modes * 2,
    })  # fmt: skip
    rows = score_rows(held.entry, own.cells, keys, level)
    weight = own.cells.bottom.reshape(2, -1)
    shares = (weight / weight.sum(axis=1, keepdims=True)).ravel()[own.cells.rows > 0]
    rows.insert(2, "share_of_wave", shares)
    return rows
