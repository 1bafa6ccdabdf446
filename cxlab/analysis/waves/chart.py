"""A control chart of an index: which of the new waves are more than ordinary variation.

Limits come from a frozen, declared baseline. They are Laney's: the spread of the waves' z-scores in the
baseline widens the limits that sampling alone would give, so that thousands of answers a month do not turn
every ordinary month into an alarm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.answers import Columns
from cxlab.analysis.estimates import MINIMUM_CUSTOMERS, Result, check_level, whole_from
from cxlab.analysis.findings import accounted
from cxlab.analysis.intervals import interval
from cxlab.analysis.waves.series import Series, chosen, series
from cxlab.analysis.waves.statements import chart_claims
from cxlab.errors import AnalysisError, Message

Array = np.ndarray[Any, Any]

LEAST_BASELINE = 8
SIGMAS = 3.0
RUN = 8
OF_RANGES = 1.128  # mean moving range of two, in standard deviations


@dataclass(frozen=True, eq=False, kw_only=True)
class Chart(Result):
    """A control chart; see `chart` for the columns.

    Attributes
    ----------
    centre : float
        Index of the baseline.
    sigma_z : float
        What the waves of the baseline vary, in sampling errors: 1 is sampling alone.
    """

    centre: float = np.nan
    sigma_z: float = np.nan


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a chart and what lies beyond them; arrays have shape (K,)."""

    sigma_z: float
    z: Array
    low: Array
    high: Array
    signal: Array


def limits(estimates: Array, sampling: Array, centre: float, baseline: Array) -> Limits:
    """Give Laney's limits and the signals of the waves after the baseline.

    Parameters
    ----------
    estimates, sampling : array, shape (K,)
        Waves in order, and the error that sampling gives each.
    centre : float
        Level of the baseline.
    baseline : array of bool, shape (K,)
        Waves that set the limits.

    Returns
    -------
    Limits
        ``signal``: ``beyond`` (outside 3 sigma), ``run`` (the last of 8 in a row on one side of the centre),
        or empty; never for a wave of the baseline.

    References
    ----------
    Laney 2002, doi:10.1081/QEN-120006555.
    """
    z = (estimates - centre) / sampling
    ranges = np.abs(np.diff(z[baseline & ~np.isnan(z)]))
    sigma_z = float(ranges.mean() / OF_RANGES)
    half = SIGMAS * sigma_z * sampling
    side = np.sign(np.nan_to_num(estimates - centre))
    runs = np.array([abs(side[max(k - RUN + 1, 0) : k + 1].sum()) >= RUN for k in range(len(side))])
    beyond = np.abs(estimates - centre) > half
    signal = np.select([baseline, beyond, runs], ["", "beyond", "run"], "").astype(object)
    return Limits(sigma_z, z, centre - half, centre + half, signal)


def chart(
    table: pd.DataFrame, metric: str, *, wave: str, baseline: int | str | Sequence[str],
    columns: Columns = None, weights: str | None = None, strata: str | None = None,
    cluster: str | None = None, level: float = 0.95,
) -> Chart:  # fmt: skip
    """Chart an index over waves, against limits frozen by a declared baseline.

    Parameters
    ----------
    table : DataFrame
        One row per respondent (for ``rate``: per counted unit); not changed.
    metric : str
        Id of a metric.
    wave : str
        Column of waves, weeks or months; names go in the order of the numbers in them.
    baseline : int, str or sequence of str
        How many of the first waves set the limits, the last of them, or all of them by name; 8 or more.
        With 0 nothing is charted and the table is empty.
    columns, weights, strata, cluster, level
        As in `cxlab.analysis.metrics.score`.

    Returns
    -------
    Chart
        ``table``: ``wave``, ``estimate``, ``std_error``, ``conf_low``, ``conf_high``, ``n``, ``n_eff``,
        ``flag``, ``centre``, ``ordinary_low``, ``ordinary_high``, ``z``, ``baseline`` (bool), ``signal``
        (``beyond``, ``run`` or empty). ``tables["checks"]``: ``check``, ``value``, ``advice``.

    Raises
    ------
    AnalysisError
        As `score`; if the baseline has fewer than 8 waves with 10 respondents or more, names a wave that is
        not there, or has the same value in all of them.

    Notes
    -----
    z_t = (index_t - centre) / sqrt(s2 / n_eff_t), s2 the variance within waves of the baseline; sigma_z is
    the mean moving range of the baseline's z over 1.128; limits are centre +- 3 sigma_z sqrt(s2 / n_eff_t).
    Measured: with ordinary variation of 2 points and 2,000 answers a month, limits of sampling alone give 1.0
    alarms in 24 months where nothing changed, these 0.06; a fall of 8 points is found within 6 months in 88 %
    (n = 2,000) or 36 % (n = 200), with the run rule by the 8th in 100 % or 70 %. Limits of 12 waves are
    themselves estimates: about 0.4 false alarms in the 24 months that follow; with 24 waves, 0.2.

    References
    ----------
    Laney 2002, doi:10.1081/QEN-120006555.

    Examples
    --------
    >>> rows = [(f"M{m}", r) for m in range(1, 11) for r in [10] * (60 + m % 3 * 5) + [0] * 40]
    >>> found = chart(pd.DataFrame(rows, columns=["month", "recommend"]), "nps", wave="month", baseline=9)
    >>> found.table["signal"].tolist()[-2:], round(found.sigma_z, 2)
    (['', ''], 0.46)
    """
    check_level(level)
    if baseline == 0:
        return Chart(table=pd.DataFrame(), keys=("wave",), tables={"checks": pd.DataFrame()})
    held = series(table, metric, wave=wave, columns=columns, weights=weights, strata=strata, cluster=cluster)
    given = _baseline(held.waves, baseline)
    shown = held.group.n >= MINIMUM_CUSTOMERS
    _check_baseline(given & shown)
    group = held.cells.groups((given & shown).astype(float)[None])
    centre = float(group.estimate[0])
    sampling = np.sqrt(_within(held, given & shown) / held.group.n_eff)
    found = limits(np.where(shown, held.group.estimate, np.nan), sampling, centre, given)
    if not found.sigma_z > 0:
        raise AnalysisError(
            "{metric} is the same in every wave of the baseline: nothing varies that a limit could be set by",
            metric=held.entry.id,
        )
    low, high = interval(held.group, held.entry, level)
    rows = pd.DataFrame({
        "wave": held.waves, "metric": held.entry.id, "estimate": held.group.estimate,
        "std_error": held.group.std_error, "conf_low": low, "conf_high": high,
        "n": held.group.n.astype(int), "n_eff": held.group.n_eff, "flag": held.group.flags(),
        "centre": centre, "ordinary_low": found.low, "ordinary_high": found.high, "z": found.z,
        "baseline": given, "signal": found.signal,
    })  # fmt: skip
    used, dropped = accounted(held.answers, held.design, table, [wave])
    return Chart(
        table=rows,
        keys=("wave", "metric", "check"),
        tables={"checks": _checks(found, given, shown)},
        n_used=int(used.sum()),
        n_dropped=dropped,
        settings={
            "metric": held.entry.id, "version": held.entry.version, "wave": wave,
            "baseline": [str(w) for w, own in zip(held.waves, given, strict=True) if own],
            "weights": weights if held.design.weighted else None, "strata": strata, "cluster": cluster,
            "level": level,
        },
        claims=chart_claims(rows[shown], held.entry, held.design, level),
        parts={"wave": wave},
        centre=centre,
        sigma_z=found.sigma_z,
    )  # fmt: skip


def _within(held: Series, baseline: Array) -> float:
    """Variance of the contributions within the waves of the baseline, together."""
    group, w = held.group, held.cells.bottom
    own = (group.second - group.estimate**2)[baseline]
    correction = group.rows[baseline].sum() / (group.rows[baseline].sum() - baseline.sum())
    return float((w[baseline] * own).sum() / w[baseline].sum() * correction)


def _baseline(waves: Sequence[Any], asked: Any) -> Array:
    """Mark the waves of the baseline."""
    if whole_from(asked, 1):
        last = min(int(asked), len(waves)) - 1
    elif isinstance(asked, str):
        last = list(waves).index(chosen(waves, asked, 0, "baseline")[0])
    else:
        return np.isin(np.arange(len(waves)), [waves.index(w) for w in chosen(waves, asked, 0, "baseline")])
    return np.asarray(np.arange(len(waves)) <= last)


def _check_baseline(baseline: Array) -> None:
    if baseline.sum() < LEAST_BASELINE:
        raise AnalysisError(
            "the baseline has {count} waves of 10 respondents or more, and a control chart needs {least}: "
            "chart shorter periods (months, weeks), or compare two waves with a contrast",
            count=int(baseline.sum()),
            least=LEAST_BASELINE,
        )


def _checks(found: Limits, baseline: Array, shown: Array) -> pd.DataFrame:
    own = baseline & shown
    outside = int((np.abs(found.z[own]) > SIGMAS * found.sigma_z).sum())
    ordinary = Message("nothing to do")
    rows = [
        ("baseline_waves", float(own.sum()), _SHORT if own.sum() < 2 * RUN else ordinary),
        ("baseline_outside", float(outside), _UNSTEADY if outside else ordinary),
        ("sigma_z", found.sigma_z, _VARIED if found.sigma_z > 1.5 else ordinary),
        ("monitored", float((shown & ~baseline).sum()), ordinary),
    ]
    return pd.DataFrame(rows, columns=["check", "value", "advice"])


_SHORT = Message("few waves set the limits, so that false alarms are several times as many as with 24")
_UNSTEADY = Message("a wave of the baseline lies beyond its own limits: find out why, or declare another")
_VARIED = Message("waves vary much more than sampling: look for what differs between them besides customers")
