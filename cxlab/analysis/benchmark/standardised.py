"""Companies compared at an equal mix of customers: how much of a gap is who they are, how much how they fare.

Each company's score is a mean of its scores by stratum (age, tenure, plan). `standardise` gives both sides of
a comparison the same shares of the strata (direct standardisation), so that a gap splits exactly into what
goes with the mix and what remains, performance, each with its error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from cxlab.analysis.answers import Columns
from cxlab.analysis.benchmark.sides import Sides, sides_of
from cxlab.analysis.columns import as_floats, named
from cxlab.analysis.definitions import Metric
from cxlab.analysis.dropped import SEGMENT_OUT
from cxlab.analysis.estimates import (
    MINIMUM_CUSTOMERS,
    Claim,
    Result,
    adjusted,
    check_columns,
    flags,
    stated,
    t_quantile,
)
from cxlab.analysis.findings import base_caveats, detectable, difference_unit, interval_fields, segment_name
from cxlab.analysis.intervals import differences, interval
from cxlab.analysis.survey import Cells, Group
from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]
MIXES = ("average", "pooled", "focal")
ROUNDING = 1e-6  # how far declared shares may sum from one


@dataclass(frozen=True, eq=False, kw_only=True)
class Standardised(Result):
    """Gaps of a focal unit split into mix and performance; see `standardise` for the columns."""


@dataclass(frozen=True, slots=True)
class Mix:
    """Shares of S strata, and their derivative by the weight in each cell, shape (S, n_cells)."""

    shares: Array
    derivative: Array


def standardise(
    table: pd.DataFrame, metric: str, *, unit: str, focal: str, mix: str | Sequence[str],
    to: str | pd.DataFrame = "average", columns: Columns = None, weights: str | None = None,
    strata: str | None = None, cluster: str | None = None, level: float = 0.95,
) -> Standardised:  # fmt: skip
    """Split the gap to each peer into who the customers are (mix) and how they fare (performance).

    Parameters
    ----------
    table : DataFrame
        One row per respondent of the focal unit or of a peer (for ``rate``: per counted row); not changed.
    metric : str
        Id of a metric.
    unit, focal : str
        Column that says whom a row is about, and the value compared with all others.
    mix : str or sequence of str
        Columns whose combinations are the strata, e.g. ``["segment", "age"]``. With none there is nothing to
        hold equal and the result's table is empty.
    to : {"average", "pooled", "focal"} or DataFrame
        The mix given to both sides: the mean of the two (Kitagawa), that of all rows together, the focal
        unit's, or declared shares: the `mix` columns and ``share``, or ``variable``, ``category``, ``share``.
    columns, weights, strata, cluster, level : as in `cxlab.analysis.metrics.score`
        The design, and the confidence level.

    Returns
    -------
    Standardised
        ``table``: ``peer``, ``crude`` (the gap as it is), ``mix`` (its part that goes with the mix),
        ``difference`` (what remains at equal mix), ``std_error`` (linearised, the estimated mix included),
        ``conf_low``, ``conf_high``, ``p_value``, ``p_adjusted`` (Holm), ``verdict``, ``n``, ``n_eff`` (of
        the smaller side), ``flag``. ``tables["tests"]``: the same of the mix's part, the family that claims
        come from. ``tables["scores"]``: ``peer`` (for whose sake), ``unit``, ``raw``, ``estimate`` at
        equal mix, its error, interval and bases. Peers of fewer than 10 respondents are left out.

    Raises
    ------
    AnalysisError
        As `cxlab.analysis.benchmark.compare`; where a side has no answer, or a single one, in a stratum of
        the mix (nothing is renormalised in silence); where declared shares are negative, do not sum to one or
        name other strata.

    Notes
    -----
    With shares a and b and scores r and s by stratum, sum a r - sum b s = sum w (r - s) + the rest, for any
    mix w. With w the mean of a and b the rest is sum (a - b)(r + s)/2, Kitagawa's effect of composition.

    References
    ----------
    Kitagawa 1955, doi:10.1080/01621459.1955.10501299; Lumley 2004, doi:10.18637/jss.v009.i08.

    Examples
    --------
    Most of our customers are old ones, most of theirs new, and old ones recommend: at equal mix all is even.

    >>> ages = ["old"] * 80 + ["new"] * 100 + ["old"] * 20
    >>> table = pd.DataFrame({"brand": ["us"] * 100 + ["them"] * 100, "age": ages})
    >>> table["recommend"] = [10, 10, 10, 0] * 20 + [10, 0] * 50 + [10, 10, 10, 0] * 5
    >>> result = standardise(table, "nps", unit="brand", focal="us", mix="age")
    >>> result.table[["crude", "mix", "difference"]].round(6).abs().to_numpy().tolist()
    [[30.0, 30.0, 0.0]]
    """
    by = tuple(named(mix))
    if not by:
        return Standardised(table=pd.DataFrame(), keys=("peer",), estimate_column="difference")
    sides = sides_of(
        table, metric, unit=unit, focal=focal, by=by, columns=columns, weights=weights, strata=strata,
        cluster=cluster, level=level,
    )  # fmt: skip
    place = _places(sides, focal, to)
    peers = [one for one in place if one != focal]
    pairs = [
        _pair(sides, place[focal], place[peer], _mix(sides, place, focal, peer, to), level) for peer in peers
    ]
    rows, tests, scores = (pd.concat(each, ignore_index=True) for each in zip(*pairs, strict=True))
    names = [str(peer) for peer in peers]
    rows, tests = (_family(each.assign(peer=names), level) for each in (rows, tests))
    rows.insert(0, "peer", rows.pop("peer"))
    tests = tests.assign(hypothesis=[f"{sides.entry.id}: mix of {focal} against {name}" for name in names])
    scores.insert(0, "peer", np.repeat(names, 2))
    scores.insert(1, "unit", [one for name in names for one in (str(focal), name)])
    used, dropped = sides.accounted(np.concatenate(list(place.values())), SEGMENT_OUT)
    otherwise = _alike(tests, sides.entry, str(focal), by, level)
    return Standardised(
        table=rows,
        keys=("peer", "unit", "hypothesis"),
        estimate_column="difference",
        tables={"tests": tests, "scores": scores},
        n_used=used,
        n_dropped=dropped,
        settings={
            "metric": sides.entry.id, "version": sides.entry.version, "unit": unit, "focal": str(focal),
            "mix": list(by), "to": to if isinstance(to, str) else "declared", "weights": weights,
            "strata": strata, "cluster": cluster, "adjust": "holm", "level": level,
        },
        claims=stated(tests, _claims(rows, tests, sides.entry, str(focal), by, level), otherwise, level),
        parts={"peer": unit},
        against={"peer": focal},
        otherwise=otherwise,
    )  # fmt: skip


def _places(sides: Sides, focal: Any, to: Any) -> dict[Any, Array]:
    """Return the cell of each stratum for the focal unit and every peer of 10 or more; refuse empty ones."""
    if not isinstance(to, pd.DataFrame) and to not in MIXES:
        raise AnalysisError(
            "to is {to!r}; it can be average, pooled, focal, or a table of declared shares", to=to
        )
    keys, reduced = sides.parts.keys, sides.cells
    stratum = keys.groupby(list(sides.by), observed=True, sort=True).ngroup().to_numpy()
    bases = pd.Series(reduced.n).groupby(keys[sides.unit].to_numpy(dtype=object), sort=False).sum()
    enough = [one for one in bases.index if bases[one] >= MINIMUM_CUSTOMERS]
    if focal not in enough or len(enough) < 2:
        raise AnalysisError(
            "{focal!r} and a peer need {least} answers or more each to be compared at equal mix",
            focal=str(focal),
            least=MINIMUM_CUSTOMERS,
        )
    present = np.unique(stratum[keys[sides.unit].isin(enough).to_numpy() & (reduced.rows > 0)])
    place = {}
    for one in enough:
        own = np.flatnonzero((keys[sides.unit] == one).to_numpy())
        cell = dict(zip(stratum[own], own, strict=True))
        _check_strata(sides, one, stratum, present, {s: float(reduced.rows[c]) for s, c in cell.items()})
        place[one] = np.array([cell[s] for s in present])
    return place


def _check_strata(sides: Sides, one: Any, stratum: Array, present: Array, rows: dict[int, float]) -> None:
    """Refuse a unit without two answers in some stratum: its score there, or its error, is not known."""
    short = [s for s in present if rows.get(s, 0) < 2]
    if short:
        first = sides.parts.keys.iloc[int(np.flatnonzero(stratum == short[0])[0])]
        raise AnalysisError(
            "{one} has fewer than 2 answers in {count} of {strata} strata of {columns}, the first {stratum}: "
            "a mix cannot be given to nobody; merge strata, or take fewer columns",
            one=str(one),
            count=len(short),
            strata=len(present),
            columns=segment_name(sides.by),
            stratum=segment_name(first[list(sides.by)]),
        )


def _mix(sides: Sides, place: dict[Any, Array], focal: Any, peer: Any, to: Any) -> Mix:
    """Return the mix that a pair is given."""
    if isinstance(to, pd.DataFrame):
        shares = _declared(sides.parts.keys.iloc[place[focal]], to, sides.by)
        return Mix(shares, np.zeros((len(shares), len(sides.cells.rows))))
    asked = {"average": [[focal], [peer]], "pooled": [list(place)], "focal": [[focal]]}[to]
    size, bottom = len(place[focal]), sides.cells.bottom
    shares, derivative = np.zeros(size), np.zeros((size, len(bottom)))
    for units in asked:
        whole = sum(bottom[place[one]].sum() for one in units)
        own = np.sum([bottom[place[one]] for one in units], axis=0) / whole
        shares += own / len(asked)
        for one in units:
            derivative[:, place[one]] += (np.eye(size) - own[:, None]) / (whole * len(asked))
    return Mix(shares, derivative)


def _declared(keys: pd.DataFrame, given: pd.DataFrame, by: Sequence[str]) -> Array:
    """Read the share of each stratum from a sheet; refuse what is no distribution over these strata."""
    sheet = given
    if "variable" in given.columns and len(by) == 1:
        check_columns(given, ["variable", "category", "share"])
        sheet = given[given["variable"] == by[0]].rename(columns={"category": by[0]})
    check_columns(sheet, [*by, "share"])
    share = as_floats(sheet["share"])
    listed = [tuple(map(str, row)) for row in sheet[list(by)].itertuples(index=False)]
    wanted = [tuple(map(str, row)) for row in keys[list(by)].itertuples(index=False)]
    if share is None or not np.isfinite(share).all() or (share < 0).any() or len(set(listed)) < len(listed):
        raise AnalysisError(
            "the shares of {columns} cannot be used; give one number for each stratum, zero or more",
            columns=segment_name(by),
        )
    if abs(share.sum() - 1) > ROUNDING:
        raise AnalysisError(
            "the shares of {columns} sum to {total:g}; they must sum to 1",
            columns=segment_name(by),
            total=float(share.sum()),
        )
    found = dict(zip(listed, share, strict=True))
    apart = [s for s in wanted if s not in found] + [s for s in listed if s not in wanted and found[s] > 0]
    if apart:
        raise AnalysisError(
            "declared and answered strata of {columns} differ in {count}, the first {stratum}: "
            "declare a share for every stratum (0 leaves it out), and only for those that answer",
            columns=segment_name(by),
            count=len(apart),
            stratum=segment_name(apart[0]),
        )
    return np.array([found[s] for s in wanted])


def _score(reduced: Cells, place: Array, mix: Mix) -> Group:
    """Score of one unit at the given mix, as a group of one."""
    bottom, w = reduced.bottom[place], mix.shares
    ratio, square = reduced.centred[place] / bottom, reduced.squares[place] / bottom
    estimate = np.array([w @ (reduced.top[place] / bottom)])
    gradient = np.zeros((1, 2 * len(reduced.bottom)))
    gradient[0, place] = w / bottom
    gradient[0, place + len(reduced.bottom)] = -w * ratio / bottom
    gradient[0, len(reduced.bottom) :] += ratio @ mix.derivative
    linear = np.sqrt(reduced.variance(gradient))
    spread = np.array([max(w @ square - (w @ ratio) ** 2, 0.0)])
    rows, n = reduced.rows[place].sum(keepdims=True), reduced.n[place].sum(keepdims=True)
    kish = np.array([1 / (w**2 @ (reduced.squared_weights[place] / bottom**2))])
    with np.errstate(divide="ignore", invalid="ignore"):
        taylor = spread * rows / (rows - 1) / linear**2
    # Strata that explain answers may make a sample worth more than its rows: it is not credited with it.
    n_eff = np.where(np.isfinite(taylor) & (spread > 0), np.minimum(taylor, n), np.minimum(kish, n))
    df = np.maximum(np.minimum(n_eff - 1, np.inf if reduced.simple else reduced.design_df), 1.0)
    return Group(
        estimate=estimate, std_error=linear, second=spread + estimate**2, rows=rows, n=n, kish=kish,
        n_eff=n_eff, df=df, gradient=gradient, taylor=taylor,
    )  # fmt: skip


def _pair(sides: Sides, own: Array, peer: Array, mix: Mix, level: float) -> tuple[pd.DataFrame, ...]:
    """Return performance, mix part and the two scores of a pair, as rows of three tables."""
    reduced = sides.cells
    one, other = _score(reduced, own, mix), _score(reduced, peer, mix)
    members = np.zeros((2, len(reduced.rows)))
    members[0, own], members[1, peer] = 1, 1
    observed = reduced.groups(members)
    gap = float(observed.estimate[0] - observed.estimate[1])
    found = differences(reduced, one, other, sides.entry, level)
    bases = {
        "n": np.minimum(one.n, other.n).astype(int),
        "n_eff": np.minimum(one.n_eff, other.n_eff),
        "flag": flags(np.minimum(one.n, other.n)),
    }
    part = gap - found.difference
    gradient = observed.gradient[:1] - observed.gradient[1:] - one.gradient + other.gradient
    error, df = np.sqrt(reduced.variance(gradient)), float(np.minimum(one.df, other.df)[0])
    with np.errstate(divide="ignore", invalid="ignore"):
        p_value = np.where(error > 0, 2 * stats.t.sf(np.abs(part) / error, df), 1.0)
    half = t_quantile(level, df) * error
    performance = pd.DataFrame(
        {
            "crude": gap, "mix": part, "difference": found.difference, "std_error": found.std_error,
            "conf_low": found.conf_low, "conf_high": found.conf_high, "p_value": found.p_value, **bases,
        }
    )  # fmt: skip
    composition = pd.DataFrame(
        {
            "difference": part, "std_error": error, "conf_low": part - half, "conf_high": part + half,
            "p_value": p_value, **bases,
        }
    )  # fmt: skip
    return performance, composition, _score_rows((one, other), observed, sides.entry, level)


def _score_rows(scores: Sequence[Group], observed: Group, entry: Metric, level: float) -> pd.DataFrame:
    limits = [interval(score, entry, level) for score in scores]
    return pd.DataFrame(
        {
            "raw": observed.estimate,
            "estimate": [float(score.estimate[0]) for score in scores],
            "std_error": [float(score.std_error[0]) for score in scores],
            "conf_low": [float(low[0]) for low, _ in limits],
            "conf_high": [float(high[0]) for _, high in limits],
            "n": observed.n.astype(int),
            "n_eff": [float(score.n_eff[0]) for score in scores],
            "flag": flags(observed.n),
        }
    )


def _family(rows: pd.DataFrame, level: float) -> pd.DataFrame:
    """Adjust the p-values of one question asked of every peer, and give the verdicts."""
    p_adjusted = adjusted(rows["p_value"], "holm")
    sign = np.sign(rows["difference"].to_numpy()) * (p_adjusted <= 1 - level)
    verdict = np.select([sign > 0, sign < 0], ["above", "below"], "not distinguishable")
    rows = rows.assign(p_adjusted=p_adjusted, verdict=verdict)
    last = ["p_value", "p_adjusted", "verdict", "n", "n_eff", "flag"]
    return rows[[*(column for column in rows.columns if column not in last), *last]]


def _claims(
    rows: pd.DataFrame, tests: pd.DataFrame, entry: Metric, focal: str, by: Sequence[str], level: float
) -> list[Claim]:
    """Claim the part that goes with the mix, for each peer, the clearest first."""
    claims = []
    for place in np.argsort(tests["p_value"], kind="stable"):
        row, test = rows.iloc[place], tests.iloc[place]
        fields = {
            "focal": focal,
            "peer": str(row["peer"]),
            "metric": entry.id,
            "version": entry.version,
            "columns": list(by),
            "crude": float(row["crude"]),
            "performance": float(row["difference"]),
            **interval_fields(test.to_dict(), "difference", level, difference_unit(entry)),
            "n": int(row["n"]),
            "hypothesis": test["hypothesis"],
        }
        claims.append(
            Claim("benchmark.mix", fields, "D", (*entry.caveats, *base_caveats(row["n"], row["n_eff"])))
        )
    return claims


def _alike(
    tests: pd.DataFrame, entry: Metric, focal: str, by: Sequence[str], level: float
) -> tuple[Claim, ...]:
    fields = {
        "focal": focal,
        "metric": entry.id,
        "version": entry.version,
        "columns": list(by),
        "peers": len(tests),
        "detectable": detectable(tests["std_error"], (1 - level) / len(tests)),
        "level": level,
        "unit": difference_unit(entry),
        "n": int(tests["n"].min()),
    }
    return (Claim("benchmark.mix_alike", fields, "D", entry.caveats),)
