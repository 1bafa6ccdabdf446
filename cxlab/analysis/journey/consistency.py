"""How different the channels are within one process: a standard deviation, never the raw largest gap.

Four channels that are all the same show a largest gap of 31 NPS points with 30 answers each, of 17 with 100.
What is shown is ``tau``, the standard deviation between channels once the noise is taken off, with the exact
interval of a one-way random model, and the largest gap with an interval that has paid for being the largest.

References
----------
Thomas & Hultquist 1978, doi:10.1214/aos/1176344201 (unequal bases). Tukey 1949; Kramer 1956,
doi:10.2307/3001469 (the largest of all differences).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from cxlab.analysis.answers import Columns, answers, columns_of
from cxlab.analysis.columns import check_rows, named
from cxlab.analysis.definitions import Metric, computable
from cxlab.analysis.dropped import check_entered, entering, missing
from cxlab.analysis.estimates import (
    MINIMUM_CUSTOMERS,
    Claim,
    Result,
    adjusted,
    check_columns,
    check_level,
    flags,
    stated,
    t_quantile,
)
from cxlab.analysis.findings import POWER, base_caveats, difference_unit, segment_name, segment_names
from cxlab.analysis.intervals import interval
from cxlab.analysis.journey.clustered import people_in
from cxlab.analysis.survey import Cells, cells, design_of, partition
from cxlab.errors import AnalysisError, Message

Array = np.ndarray[Any, Any]

ROW = [
    "metric", "estimate", "conf_low", "conf_high", "p_value", "p_adjusted", "icc", "average", "channels",
    "largest_gap", "gap_low", "gap_high", "highest", "lowest", "detectable", "n", "flag",
]  # fmt: skip
LEVELS = ["metric", "estimate", "std_error", "conf_low", "conf_high", "n", "n_eff", "flag"]
_MANY = 60.0
_SMALL = Message("in a channel of fewer than 10 customers")


@dataclass(frozen=True, eq=False, kw_only=True)
class Consistency(Result):
    """Spread between channels; see `consistency` for the columns."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Channels of one process: their means, bases that count, and the variance within; arrays are (k,)."""

    mean: Array
    n_eff: Array
    within: float

    @property
    def df(self) -> float:
        """Degrees of freedom of the variance within."""
        return max(float((self.n_eff - 1).sum()), 1.0)

    def tau(self, level: float) -> dict[str, float]:
        """Return the SD between channels with its interval, p-value, and the one found 8 times of 10.

        With the harmonic mean of the bases, ``n * var(means) / within / (1 + n tau^2 / within)`` is F with
        k - 1 degrees of freedom: exact where all bases are equal. The p-value is below 1 - level exactly
        where the interval leaves out zero.
        """
        k = len(self.mean)
        n, spread = k / (1 / self.n_eff).sum(), self.mean.var(ddof=1)
        tail = (1 - level) / 2
        if not self.within > 0:
            return {
                "estimate": float(np.sqrt(spread)),
                **dict.fromkeys(("conf_low", "conf_high", "p_value", "detectable"), np.nan),
            }
        ratio, law = n * spread / self.within, stats.f(k - 1, self.df)
        size = [max(ratio / q - 1, 0.0) for q in (1.0, law.ppf(1 - tail), law.ppf(tail))]
        seen = max(law.ppf(1 - tail) / law.ppf(1 - POWER) - 1, 0.0)
        estimate, low, high, least = (float(np.sqrt(x * self.within / n)) for x in (*size, seen))
        p_value = min(2 * float(law.sf(ratio)), 1.0)
        return {
            "estimate": estimate, "conf_low": low, "conf_high": high, "p_value": p_value, "detectable": least,
        }  # fmt: skip

    def gap(self, level: float) -> tuple[float, float, float]:
        """Return the largest difference of two channels and its simultaneous interval (Tukey-Kramer)."""
        top, bottom = int(self.mean.argmax()), int(self.mean.argmin())
        gap = float(self.mean[top] - self.mean[bottom])
        error = np.sqrt(self.within * (1 / self.n_eff[top] + 1 / self.n_eff[bottom]))
        half = float(largest_of(len(self.mean), self.df, level) / np.sqrt(2) * error)
        return gap, max(gap - half, 0.0), gap + half

    @property
    def icc(self) -> float:
        """Share of the variance of answers that lies between channels."""
        between = self.tau(0.95)["estimate"] ** 2
        return between / (between + self.within) if self.within > 0 else np.nan


@cache
def _studentized(level: float, k: int, df: float) -> float:
    return float(stats.studentized_range.ppf(level, k, df))


def largest_of(k: int, df: float, level: float) -> float:
    """Return the quantile of the studentised range of `k` means.

    Beyond 60 degrees of freedom it is interpolated in 1/df, which is right to 0.001 and 60 times as fast.

    Examples
    --------
    >>> round(largest_of(4, 20, 0.95), 3), round(largest_of(4, 120, 0.95), 3)
    (3.958, 3.685)
    """
    if df <= _MANY:
        return _studentized(level, k, df)
    limit = _studentized(level, k, np.inf)
    return limit + (_studentized(level, k, _MANY) - limit) * _MANY / df


def consistency(
    table: pd.DataFrame, metric: str, *, channel: str = "channel",
    by: str | Sequence[str] = ("interaction_type",), columns: Columns = None,
    cluster: str | None = None, mix: Sequence[str] = (), level: float = 0.95,
) -> Consistency:  # fmt: skip
    """Say how far apart the channels of each process are, beyond what chance makes of equal ones.

    Parameters
    ----------
    table : DataFrame
        One row per answer; not changed.
    metric : str
        Id of a metric of the registry. Empty: nothing is compared.
    channel : str
        What is compared.
    by : str or sequence of str
        What makes a process: channels are compared within each of its combinations only.
    columns : as in `cxlab.analysis.metrics.score`
    cluster : str, optional
        Column of the customer, where one may answer several times.
    mix : sequence of str
        Columns to whose mix in the process every channel is brought (direct standardisation).
    level : float
        Confidence level.

    Returns
    -------
    Consistency
        ``table``: ``*by``, ``metric``, ``estimate`` (tau, in the unit of the metric), ``conf_low``,
        ``conf_high``, ``p_value``, ``p_adjusted`` (Holm over the processes), ``icc``, ``average`` (of the
        channels), ``channels``, ``largest_gap``, ``gap_low``, ``gap_high`` (simultaneous),
        ``highest``, ``lowest``, ``detectable``, ``n``, ``flag``. ``tables["channels"]``: ``*by``, channel
        and its level. Channels of fewer than 10 customers do not enter. ``tests``.

    Raises
    ------
    AnalysisError
        As `score`; if a category of `mix` does not occur in some channel, naming it.

    Examples
    --------
    >>> table = pd.DataFrame({"interaction_type": "use", "channel": ["app"] * 40 + ["store"] * 40,
    ...     "recommend": [10] * 30 + [0] * 10 + [10] * 10 + [0] * 30})
    >>> found = consistency(table, "nps").table
    >>> found[["estimate", "largest_gap"]].round(1).to_numpy().tolist()
    [[69.3, 100.0]]
    """
    by = tuple(named(by))
    check_level(level)
    if not metric:
        nothing = pd.DataFrame(columns=[*by, *ROW])
        told = (Claim("journey.unrated", {"step": channel}, "D"),)
        return Consistency(
            table=nothing,
            keys=by,
            tables={"channels": pd.DataFrame()},
            settings={"level": level},
            claims=told,
        )
    entry = computable(metric)
    check_rows(table, cluster=cluster)
    check_columns(table, [channel, *by, *mix])
    given = answers(table, entry, columns_of(entry, columns, entry.slots))
    unplaced = [(missing(c), table[c].isna().to_numpy()) for c in (*by, channel, *mix)]
    whose = table[cluster] if cluster else pd.Series(np.arange(len(table)), index=table.index)
    if cluster:
        unplaced.append((missing(cluster), table[cluster].isna().to_numpy()))
    person = pd.factorize(whose)[0]
    known, _ = entering(len(table), [*given.reasons, *unplaced])
    small = known & ~_large(table, [*by, channel], person, known)
    used, dropped = entering(len(table), [*given.reasons, *unplaced, (_SMALL, small)])
    check_entered(used, dropped)
    rows = table[used]
    parts = partition(rows, [*by, channel, *mix])
    design = design_of(rows, None, None, cluster)
    reduced = cells(
        given.numerator[used], given.denominator[used], design, parts.codes, len(parts.keys),
        counts=entry.family == "rate",
    )  # fmt: skip
    folk = people_in(parts.codes, person[used], len(parts.keys))
    found, levels = _processes(reduced, parts.keys, list(by), channel, list(mix), folk, entry, level)
    settings = {
        "metric": entry.id, "version": entry.version, "by": list(by), "channel": channel, "mix": list(mix),
        "cluster": cluster, "level": level, "highest": channel, "lowest": channel,
        "columns": list(columns_of(entry, columns, entry.slots).values()),
    }  # fmt: skip
    tests = found.assign(hypothesis=[f"{entry.id}: channels of {n}" for n in segment_names(found, by)])
    differences, otherwise = _claims(tests, entry, by, channel, level)
    return Consistency(
        table=found,
        keys=(*by, channel, "metric", "highest", "lowest", "hypothesis"),
        tables={"channels": levels, "tests": tests[["hypothesis", "p_value", "p_adjusted"]]},
        n_used=int(used.sum()),
        n_dropped=dropped,
        settings=settings,
        claims=stated(tests, differences, otherwise, level),
        otherwise=otherwise,
        parts={**{column: column for column in (*by, channel)}, "highest": channel, "lowest": channel},
    )


def _large(table: pd.DataFrame, keys: list[str], person: Array, known: Array) -> Array:
    parts = partition(table, keys)
    codes = np.where(known, parts.codes, -1)
    folk = people_in(codes, person, len(parts.keys))
    return np.asarray((codes >= 0) & (folk[codes] >= MINIMUM_CUSTOMERS))


def _processes(
    reduced: Cells, keys: pd.DataFrame, by: list[str], channel: str, mix: list[str], folk: Array,
    entry: Metric, level: float,
) -> tuple[pd.DataFrame, pd.DataFrame]:  # fmt: skip
    place = (
        keys.groupby(by, observed=True, sort=False).ngroup().to_numpy() if by else np.zeros(len(keys), int)
    )
    rows, levels = [], []
    for number in range(place.max() + 1):
        inside = np.flatnonzero(place == number)
        weights, names = _weights(reduced, keys.iloc[inside], channel, mix, inside)
        own = _spread(reduced, weights)
        process = {name: keys[name].iloc[inside[0]] for name in by}
        people = weights > 0
        base = [int(folk[row].sum()) for row in people]
        n = reduced.n[inside].sum()
        rows.append(
            {
                **process,
                "metric": entry.id,
                **_row(own, names, level),
                "n": int(n),
                "flag": flags([min(base)])[0],
            }
        )
        told = _levels(own, names, reduced, weights, base, entry, level, plain=not mix)
        levels.append(told.assign(**process, metric=entry.id))
    table = pd.DataFrame(rows)
    table = table.assign(p_adjusted=adjusted(table["p_value"], "holm"))[[*by, *ROW]]
    told = pd.concat(levels, ignore_index=True).rename(columns={"name": channel})
    return table, told[[*by, channel, *LEVELS]]


def _weights(
    reduced: Cells, keys: pd.DataFrame, channel: str, mix: list[str], inside: Array
) -> tuple[Array, list[Any]]:
    """Return the weight of each cell in each channel's mean, (channels, cells), and the channels."""
    codes, names = pd.factorize(keys[channel])
    weights = np.zeros((len(names), len(reduced.rows)))
    if not mix:
        weights[codes, inside] = 1.0
        return weights, list(names)
    strata = keys.groupby(mix, observed=True, sort=True).ngroup().to_numpy()
    share = np.bincount(strata, reduced.n[inside]) / reduced.n[inside].sum()
    weights[codes, inside] = share[strata]
    held = np.zeros((len(names), len(share)), dtype=bool)
    held[codes, strata] = True
    if not held.all():
        where, which = np.argwhere(~held)[0]
        cell = keys[mix].iloc[int(np.flatnonzero(strata == which)[0])]
        raise AnalysisError(
            "{column} {name!r} has no answer of {cell}, so it cannot be brought to the mix of all; "
            "group the categories of {mix}, or leave them out of the mix",
            column=channel, name=str(names[where]), cell=segment_name(cell), mix=", ".join(mix),
        )  # fmt: skip
    return weights, list(names)


def _spread(reduced: Cells, weights: Array) -> Spread:
    """Means of the channels, the variance within, and how many independent answers each mean is worth."""
    count = len(reduced.rows)
    cell = reduced.groups(np.eye(count))
    mean = weights @ np.nan_to_num(cell.estimate)
    variance = np.maximum(cell.second - cell.estimate**2, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.where(cell.rows > 1, variance * cell.rows / (cell.rows - 1), np.nan)
    own = weights @ np.nan_to_num(variance)
    rows = (weights > 0) @ cell.rows
    error = weights**2 @ np.nan_to_num(np.fmax(cell.std_error**2, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        worth = np.where(error > 0, own / error, rows)
    n_eff = np.clip(np.minimum(worth, rows), 2.0, None)
    return Spread(mean, n_eff, float(((n_eff - 1) * own).sum() / (n_eff - 1).sum()))


def _row(own: Spread, names: Sequence[Any], level: float) -> dict[str, Any]:
    found: dict[str, Any] = {"average": float(own.mean.mean()), "channels": len(names)}
    if len(names) < 2:
        blank = (
            "estimate",
            "conf_low",
            "conf_high",
            "p_value",
            "detectable",
            "icc",
            "gap",
            "gap_low",
            "gap_high",
        )
        return found | dict.fromkeys(blank, np.nan) | {"highest": None, "lowest": None}
    gap, low, high = own.gap(level)
    ends = {"highest": names[int(own.mean.argmax())], "lowest": names[int(own.mean.argmin())]}
    return (
        found | own.tau(level) | {"icc": own.icc, "largest_gap": gap, "gap_low": low, "gap_high": high} | ends
    )


def _levels(
    own: Spread, names: Sequence[Any], reduced: Cells, weights: Array, folk: Sequence[int], entry: Metric,
    level: float, *, plain: bool,
) -> pd.DataFrame:  # fmt: skip
    """Return the level of each channel: with the metric's own interval where nothing is standardised."""
    cell = reduced.groups(np.eye(len(reduced.rows)))
    error = np.sqrt(weights**2 @ np.nan_to_num(cell.std_error**2))
    half = np.array([t_quantile(level, n) for n in np.maximum(own.n_eff - 1, 1)]) * error
    n = ((weights > 0) @ cell.n).astype(int)
    least, most = entry.limits or (-np.inf, np.inf)
    low, high = np.clip(own.mean - half, least, most), np.clip(own.mean + half, least, most)
    if plain:
        low, high = interval(reduced.groups(weights), entry, level)
    values = [list(names), own.mean, error, low, high, n, own.n_eff, flags(folk)]
    columns = ["name", "estimate", "std_error", "conf_low", "conf_high", "n", "n_eff", "flag"]
    return pd.DataFrame(dict(zip(columns, values, strict=True)))


def _claims(
    tests: pd.DataFrame, entry: Metric, by: Sequence[str], channel: str, level: float
) -> tuple[list[Claim], tuple[Claim, ...]]:
    tested = tests[tests["p_value"].notna()].sort_values(["p_value", "estimate"], ascending=[True, False])
    out: list[Claim] = []
    for row in tested.to_dict("records"):
        fields: Mapping[str, Any] = {
            "metric": entry.id, "version": entry.version, "level": level, "unit": difference_unit(entry),
            "estimate": row["estimate"], "conf_low": row["conf_low"], "conf_high": row["conf_high"],
            "n": int(row["n"]), "column": segment_name(by), "cell": segment_name(row[c] for c in by),
            "mean": row["average"], "gap": row["largest_gap"],
            "gap_low": row["gap_low"], "gap_high": row["gap_high"],
            "highest": str(row["highest"]), "lowest": str(row["lowest"]), "step": channel,
            "hypothesis": row["hypothesis"],
        }  # fmt: skip
        caveats = (*entry.caveats, *base_caveats(row["n"], np.inf))
        out.append(Claim("journey.spread", fields, "D", caveats, headline=not out))
    if tested.empty:
        return out, ()
    alike = {
        "metric": entry.id, "version": entry.version, "level": level, "unit": difference_unit(entry),
        "processes": len(tested), "step": channel, "most": float(tested["conf_high"].max()),
        "detectable": float(tested["detectable"].median()), "n": int(tested["n"].sum()),
    }  # fmt: skip
    return out, (Claim("journey.channels_alike", alike, "D", entry.caveats, headline=True),)
