"""What differs between segments, and between a segment and all together: tests, tables, claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from cxlab.analysis.columns import records
from cxlab.analysis.drivers.draws import Draws
from cxlab.analysis.drivers.ratings import Ratings
from cxlab.analysis.drivers.regression import Fit
from cxlab.analysis.estimates import Claim, adjusted, effective_n, flags, stated, t_quantile
from cxlab.analysis.findings import detectable

Array = np.ndarray[Any, Any]

PAIRED = 4  # segments up to which all pairs are compared
_STATED = 5  # differences stated one by one: the table has all
_CAVEATS = ("association_not_cause", "shares_of_different_totals")


@dataclass(frozen=True, slots=True, eq=False)
class Estimated:
    """One segment: importance, draws, regression, people; `linked` where segments may share clusters."""

    names: Mapping[str, Any]
    table: pd.DataFrame
    draws: Draws
    line: Fit
    ratings: Ratings
    linked: bool

    @property
    def name(self) -> Any:
        """The value of the one column that splits, or the values of several as ``a x b``."""
        values = list(self.names.values())
        return values[0] if len(values) == 1 else " x ".join(_text(value) for value in values)

    def column(self, name: str) -> Array:
        """Return a column of the table in the order of the drivers."""
        order = pd.Index(self.table["driver"]).get_indexer(list(self.ratings.names))
        return np.asarray(self.table[name].to_numpy(dtype=float)[order])


@dataclass(frozen=True, slots=True, eq=False)
class Pooled:
    """All segments together: importance, regressions without and with the segments held fixed, and draws."""

    table: pd.DataFrame
    line: Fit
    within: Fit
    shares: Array
    drawn: Array
    drawn_within: Array


def tables_of(
    segments: Sequence[Estimated], pooled: Pooled | None, *, level: float
) -> dict[str, pd.DataFrame]:
    """Return the tables differences, pooled and tests; empty where there are fewer than two segments."""
    if pooled is None or len(segments) < 2:
        return {"differences": pd.DataFrame(), "pooled": pd.DataFrame(), "tests": pd.DataFrame()}
    differences, together = _differences(segments, pooled, level), _together(segments, pooled, level)
    pairs = differences[["driver", "segment", "other"]]
    tests = pd.concat(
        [
            pairs.assign(measure="share", p_value=differences["p_value"]),
            pairs.assign(measure="coefficient", p_value=differences["coefficient_p_value"]),
            together[["driver"]].assign(segment="", other="", measure="within", p_value=together["p_value"]),
        ],
        ignore_index=True,
    )
    joint = adjusted(tests["p_value"], "holm")
    tests["p_adjusted"] = joint
    tests.insert(0, "hypothesis", [_hypothesis(row) for row in records(tests)])
    count = len(differences)
    _beside(differences, "p_value", joint[:count])
    _beside(differences, "coefficient_p_value", joint[count : 2 * count])
    _beside(together, "p_value", joint[2 * count :])
    return {"differences": differences, "pooled": together, "tests": tests}


def _beside(table: pd.DataFrame, column: str, joint: Array) -> None:
    """Put the adjusted p-values to the right of the raw ones."""
    table.insert(list(table.columns).index(column) + 1, column.replace("_value", "_adjusted"), joint)


def weighing(segments: Sequence[Estimated], differences: pd.DataFrame, level: float) -> list[pd.DataFrame]:
    """Return each segment's table, naming it, and saying whether each driver weighs more or less there."""
    signs: dict[tuple[Any, str], set[int]] = {}
    for row in records(differences):
        if row["p_adjusted"] <= 1 - level:
            sign = 1 if row["difference"] > 0 else -1
            signs.setdefault((row["segment"], row["driver"]), set()).add(sign)
            signs.setdefault((row["other"], row["driver"]), set()).add(-sign)
    words = {frozenset({1}): "more", frozenset({-1}): "less", frozenset({1, -1}): "mixed"}
    found = []
    for each in segments:
        told = [signs.get((each.name, driver), set()) for driver in each.table["driver"]]
        table = each.table.assign(**each.names, weighs=[words.get(frozenset(t), "open") for t in told])
        found.append(table[[*each.names, *each.table.columns.drop("flag"), "weighs", "flag"]])
    return found


def findings(
    segments: Sequence[Estimated],
    pooled: Pooled | None,
    tables: Mapping[str, pd.DataFrame],
    facts: Mapping[str, Any],
) -> tuple[tuple[Claim, ...], tuple[Claim, ...]]:
    """Return the claims, and what to say if no difference stands."""
    if pooled is None or len(segments) < 2:
        return (), ()
    level, tests = float(facts["level"]), tables["tests"]
    alike = _alike(tables["differences"], facts, len(segments), len(pooled.table))
    sides = _sides(tables["differences"], facts["unit_coefficient"])
    own = {
        measure: {
            (each.name, driver): float(value)
            for each in segments
            for driver, value in zip(each.ratings.names, each.column(measure), strict=True)
        }
        for measure in ("share", "coefficient")
    }
    between = stated(tests, [_difference(row, facts, own) for row in sides], (), level)
    paradox = stated(tests, _paradoxes(pooled, tables["pooled"], facts, segments), (), level)
    chosen = (*_first_elsewhere(segments, pooled, facts), *paradox, *_foremost(between))
    return chosen if between or paradox else (*chosen, alike), (alike,)


# Differences between segments.


def _contrasts(segments: Sequence[Estimated]) -> list[tuple[Any, Any, Array]]:
    """Return segment, other and the weights of the segments in their difference."""
    count = len(segments)
    unit = np.eye(count)
    if count <= PAIRED:
        return [
            (segments[a].name, segments[b].name, unit[a] - unit[b]) for a, b in combinations(range(count), 2)
        ]
    size = np.array([each.ratings.weights.sum() for each in segments])
    rest = [np.where(unit[k] == 1, 0.0, size) for k in range(count)]
    return [(each.name, "", unit[k] - rest[k] / rest[k].sum()) for k, each in enumerate(segments)]


def _differences(segments: Sequence[Estimated], pooled: Pooled, level: float) -> pd.DataFrame:
    """Compare shares and coefficients of every driver by every contrast.

    A share that is small by chance has too small an error, and few answers make that likely: a segment's
    share is taken to vary at least as much as one of all together would in a sample of its size.
    """
    names = list(segments[0].ratings.names)
    shares, slopes = (np.array([each.column(name) for each in segments]) for name in ("share", "coefficient"))
    drawn = np.array([each.draws.shares for each in segments])
    spread = drawn.var(axis=2, ddof=1) if drawn.shape[2] else np.full(shares.shape, np.nan)
    errors = np.array([np.diag(each.line.covariance)[: len(names)] for each in segments])
    covariance = _covariances([each.draws.coefficients for each in segments]) if segments[0].linked else None
    df = np.array([each.line.df for each in segments])
    n = np.array([each.column("n") for each in segments])
    n_eff = np.array([each.column("n_eff") for each in segments])
    alike = pooled.shares.var(axis=1, ddof=1) * n_eff.sum(axis=0) / n_eff if drawn.shape[2] else spread
    least = np.maximum(spread, alike)
    found, tail = [], (1 - level) / 2
    for segment, other, weights in _contrasts(segments):
        draws = np.tensordot(weights, drawn, axes=1)
        error = np.full(len(names), np.nan)
        if drawn.shape[2]:
            error = np.sqrt(draws.var(axis=1, ddof=1) + weights**2 @ (least - spread))
        low, high = np.quantile(draws, [tail, 1 - tail], axis=1) if drawn.shape[2] else (error, error)
        value, slope = weights @ shares, weights @ slopes
        variance = weights**2 @ errors
        if covariance is not None:
            variance = np.maximum(variance + weights @ np.tensordot(weights, covariance, axes=1), 0.0)
        slope_error = np.sqrt(variance)
        slope_df = _satterthwaite(weights, errors, df)
        reach = np.array([t_quantile(level, each) for each in slope_df]) * slope_error
        sides = [weights > 0, weights < 0]
        found.append(
            pd.DataFrame(
                {
                    "driver": names, "segment": segment, "other": other,
                    "difference": value, "std_error": error, "conf_low": low, "conf_high": high,
                    "p_value": _p_values(value, error, _satterthwaite(weights, least, df)),
                    "coefficient_difference": slope,
                    "coefficient_difference_low": slope - reach,
                    "coefficient_difference_high": slope + reach,
                    "coefficient_p_value": _p_values(slope, slope_error, slope_df),
                    "n": np.min([n[side].sum(axis=0) for side in sides], axis=0).astype(int),
                    "n_eff": np.min([n_eff[side].sum(axis=0) for side in sides], axis=0),
                }
            )
        )  # fmt: skip
    table = pd.concat(found, ignore_index=True)
    return table.assign(flag=flags(table["n"]))


def _covariances(drawn: Sequence[Array]) -> Array:
    """Covariance between segments of each driver's coefficient, (segments, segments, drivers), 0 within."""
    centred = np.array(drawn)
    if centred.shape[2] < 2:
        return np.zeros((len(drawn), len(drawn), centred.shape[1]))
    centred = centred - centred.mean(axis=2, keepdims=True)
    found = np.einsum("apr,bpr->abp", centred, centred) / (centred.shape[2] - 1)
    found[np.arange(len(drawn)), np.arange(len(drawn))] = 0.0
    return np.asarray(found)


def _satterthwaite(weights: Array, variances: Array, df: Array) -> Array:
    """Degrees of freedom of weighted sums of independent estimates, (drivers,)."""
    parts = weights[:, None] ** 2 * variances
    below = (parts**2 / df[:, None]).sum(axis=0)
    return np.asarray(
        np.divide(parts.sum(axis=0) ** 2, below, out=np.ones_like(below), where=below > 0), dtype=float
    )


def _p_values(value: Array, error: Array, df: Array) -> Array:
    ratio = np.divide(np.abs(value), error, out=np.full_like(value, np.nan), where=error > 0)
    return np.asarray(2 * stats.t.sf(ratio, df))


# All together against within.


def _together(segments: Sequence[Estimated], pooled: Pooled, level: float) -> pd.DataFrame:
    """Compare each coefficient of all together with that within segments."""
    names = list(segments[0].ratings.names)
    count = len(names)
    columns: dict[str, Any] = {"driver": names}
    for column, line in (("coefficient", pooled.line), ("within", pooled.within)):
        slope = np.where(line.estimable[:count], line.coefficients[:count], np.nan)
        reach = t_quantile(level, line.df) * np.sqrt(np.diag(line.covariance)[:count])
        columns |= {column: slope, f"{column}_low": slope - reach, f"{column}_high": slope + reach}
    gap = columns["coefficient"] - columns["within"]
    drawn = pooled.drawn - pooled.drawn_within
    error = drawn.std(axis=1, ddof=1) if drawn.shape[1] else np.full(count, np.nan)
    reach = t_quantile(level, pooled.within.df) * error
    columns |= {"composition": gap, "composition_low": gap - reach, "composition_high": gap + reach}
    columns["p_value"] = _p_values(gap, error, np.full(count, pooled.within.df))
    columns["n"] = np.sum([each.column("n") for each in segments], axis=0).astype(int)
    weights = np.concatenate([each.ratings.weights for each in segments])
    who = np.concatenate([each.ratings.rated for each in segments])
    columns["n_eff"] = [effective_n(weights[who[:, at]]) for at in range(count)]
    return pd.DataFrame(columns).assign(flag=lambda t: flags(t["n"]))


# What may be said.


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _hypothesis(row: Mapping[str, Any]) -> str:
    if row["measure"] == "within":
        return f"{row['driver']} within segments"
    return f"{row['measure']} of {row['driver']}: {row['segment']} / {row['other']}"


def _sides(differences: pd.DataFrame, unit: str) -> list[dict[str, Any]]:
    """Return each difference twice, as of shares and as of coefficients, with its hypothesis."""
    rows = []
    for row in records(differences):
        slope = {
            "estimate": row["coefficient_difference"], "conf_low": row["coefficient_difference_low"],
            "conf_high": row["coefficient_difference_high"], "measure": "coefficient", "unit": unit,
        }  # fmt: skip
        share = {"estimate": row["difference"], "measure": "share", "unit": "share"}
        rows += [{**row, **own, "hypothesis": _hypothesis({**row, **own})} for own in (share, slope)]
    return rows


def _difference(row: Mapping[str, Any], facts: Mapping[str, Any], own: Mapping[str, Any]) -> Claim:
    value = own[row["measure"]][row["segment"], row["driver"]]
    fields = {
        **facts, "driver": row["driver"], "segment": row["segment"], "other": row["other"],
        "measure": row["measure"], "value": value, "other_value": value - row["estimate"],
        "estimate": row["estimate"], "conf_low": row["conf_low"], "conf_high": row["conf_high"],
        "unit": row["unit"], "n": int(row["n"]), "hypothesis": row["hypothesis"],
    }  # fmt: skip
    caveats = _CAVEATS if row["measure"] == "share" else _CAVEATS[:1]
    return Claim("drivers.segment", fields, "C", (*caveats, *_low(row)), headline=True)


def _low(row: Mapping[str, Any]) -> tuple[str, ...]:
    return ("low_base",) if row["flag"] != "ok" else ()


def _foremost(claims: Sequence[Claim]) -> list[Claim]:
    """Return the largest difference of each driver, of shares before coefficients, the largest first."""
    ordered = sorted(claims, key=lambda c: (c.fields["measure"] != "share", -abs(c.fields["estimate"])))
    of_driver: dict[str, Claim] = {}
    for claim in ordered:
        of_driver.setdefault(claim.fields["driver"], claim)
    return list(of_driver.values())[:_STATED]


def _alike(differences: pd.DataFrame, facts: Mapping[str, Any], segments: int, drivers: int) -> Claim:
    errors = differences["std_error"].dropna()
    least = detectable(errors, (1 - facts["level"]) / len(errors)) if len(errors) else None
    fields = {
        **facts, "segments": segments, "drivers": drivers, "detectable": least, "unit": "share",
        "n": int(differences["n"].min()),
    }  # fmt: skip
    return Claim("drivers.segments_alike", fields, "C", ("association_not_cause",))


def _paradoxes(
    pooled: Pooled, together: pd.DataFrame, facts: Mapping[str, Any], segments: Sequence[Estimated]
) -> list[Claim]:
    """Return the drivers whose coefficient turns round, or mostly goes, once segments are held fixed."""
    alpha = 1 - float(facts["level"])
    blocks = [[at] for at in range(len(together))]
    told, told_within = (
        adjusted(line.p_values(blocks), "holm") <= alpha for line in (pooled.line, pooled.within)
    )
    sign = np.sign(together["coefficient"].to_numpy())
    own = np.array([each.column("coefficient") for each in segments])
    most = np.abs(together["coefficient"].to_numpy())
    # Nowhere may the pooled direction itself be told: the segments would differ, not turn round.
    nearest = [
        np.where(sign > 0, each.column("coefficient_low"), -each.column("coefficient_high"))
        for each in segments
    ]
    nowhere = (np.array(nearest) <= 0).all(axis=0)
    reversed_ = told_within & (together["within"].to_numpy() * sign < 0) & nowhere
    left = (
        np.quantile(sign[:, None] * (pooled.drawn - 2 * pooled.drawn_within), alpha, axis=1)
        if (pooled.drawn.shape[1])
        else np.full(len(together), -1.0)
    )
    shrunk = (left > 0) & (np.abs(own) < most).all(axis=0)
    claims = []
    for at, row in enumerate(records(together)):
        if not (told[at] and (reversed_[at] or shrunk[at])):
            continue
        fields = {
            **facts, "driver": row["driver"], "kind": "reversed" if reversed_[at] else "shrunk",
            "pooled": row["coefficient"], "estimate": row["within"], "conf_low": row["within_low"],
            "conf_high": row["within_high"], "unit": facts["unit_coefficient"], "segments": len(segments),
            "n": int(row["n"]), "hypothesis": _hypothesis({"driver": row["driver"], "measure": "within"}),
        }  # fmt: skip
        claims.append(Claim("drivers.simpson", fields, "C", ("association_not_cause",), headline=True))
    return sorted(claims, key=lambda c: (c.fields["kind"] != "reversed", -abs(c.fields["pooled"])))


def _first_elsewhere(
    segments: Sequence[Estimated], pooled: Pooled, facts: Mapping[str, Any]
) -> tuple[Claim, ...]:
    """Return that the first driver of all together comes behind another in every segment, if so it is."""
    first = pooled.table.iloc[0]
    own = [each.table.set_index("driver").loc[first["driver"]] for each in segments]
    # Each must hold at the level, so that none needs adjusting (an intersection-union test).
    if not (first["rank_high"] == 1 and all(row["rank_low"] > 1 for row in own)):
        return ()
    fields = {
        **facts, "driver": first["driver"], "segments": len(segments),
        "n": int(min(row["n"] for row in own)),
    }  # fmt: skip
    return (Claim("drivers.first_elsewhere", fields, "C", ("association_not_cause",), headline=True),)
