"""What scores allow to say: each segment against the rest of the table, and the claims that stand on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.answers import Answers
from cxlab.analysis.columns import records
from cxlab.analysis.definitions import Metric
from cxlab.analysis.dropped import WEIGHT_ZERO, check_entered, entering, missing
from cxlab.analysis.estimates import LOW_BASE, Claim, adjusted, t_quantile
from cxlab.analysis.intervals import Differences, differences
from cxlab.analysis.survey import Cells, Design, Group, Partition

POWER = 0.8
TEST_COLUMNS = [
    "metric", "hypothesis", "difference", "std_error", "conf_low", "conf_high", "p_value", "p_adjusted",
    "n", "n_rest", "flag",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scored:
    """One metric of one call, its rows reduced to cells: all together, and by segment where asked."""

    entry: Metric
    columns: Mapping[str, str]
    answers: Answers
    whole: Cells
    by_cell: Cells | None


def answer_shares(scored: Sequence[Scored], keys: pd.DataFrame | None = None) -> pd.DataFrame:
    """Shares (percent) against and for of each net of one question, by cell or, without `keys`, of all."""
    frames = []
    for one in scored:
        cells = one.by_cell if keys is not None else one.whole
        if cells is None or one.entry.family != "net" or len(one.entry.slots) > 1:
            continue
        present = np.flatnonzero(cells.rows > 0)
        group = cells.groups(np.eye(len(cells.rows))[present])
        start = dict[Any, Any]()
        if keys is not None:
            start.update(keys.iloc[present].reset_index(drop=True).items())
        shares = {
            f"share_{side}": np.clip(group.second / 200 + sign * group.estimate / 2, 0, 100)
            for side, sign in (("against", -1), ("for", 1))
        }
        n = {"n": group.n.astype(int), "flag": group.flags()}
        frames.append(pd.DataFrame({**start, "metric": one.entry.id, **shares, **n}))
    columns = [*(keys if keys is not None else ()), "metric", "share_against", "share_for", "n", "flag"]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)


def segment_tests(
    scored: Sequence[Scored], parts: Partition, by: Sequence[str], level: float
) -> pd.DataFrame:
    """Test each segment against the rest, for every metric, as one family (Holm)."""
    tests = pd.concat(
        [
            _against_rest(one.entry, one.by_cell, parts, by, level)
            for one in scored
            if one.by_cell is not None
        ],
        ignore_index=True,
    )
    return tests.assign(p_adjusted=adjusted(tests["p_value"], "holm"))[[*by, *TEST_COLUMNS]]


def _against_rest(
    entry: Metric, reduced: Cells, parts: Partition, by: Sequence[str], level: float
) -> pd.DataFrame:
    """Each segment less all the others together; the mirror image of a two-segment test is left out."""
    present = np.flatnonzero(reduced.rows > 0)
    chosen = present[: {1: 0, 2: 1}.get(len(present))]
    own = np.eye(len(reduced.rows))[chosen]
    segment, rest = reduced.groups(own), reduced.groups(1.0 - own)
    found = differences(reduced, segment, rest, entry, level, student=True)
    keys = parts.keys.iloc[chosen].reset_index(drop=True)
    names = segment_names(keys, by)
    return difference_rows(keys, found, segment, rest).assign(
        metric=entry.id,
        hypothesis=[f"{entry.id}: {segment_name(by)} = {name}, against the rest" for name in names],
        n=segment.n.astype(int),
        n_rest=rest.n.astype(int),
    )


def difference_rows(keys: pd.DataFrame, found: Differences, own: Group, *others: Group) -> pd.DataFrame:
    """Rows of a table of differences; where the smaller base is of too few people nothing is tested."""
    flag = own.flags(*others)
    return pd.DataFrame({
        **dict(keys.items()), "difference": found.difference, "std_error": found.std_error,
        "conf_low": found.conf_low, "conf_high": found.conf_high,
        "p_value": np.where(flag != "suppressed", found.p_value, np.nan), "flag": flag,
    })  # fmt: skip


def segment_name(values: Iterable[Any]) -> str:
    """Name a crossed cell: its values joined by ``x``.

    Examples
    --------
    >>> segment_name(["complaint", "call_center"])
    'complaint x call_center'
    """
    return " x ".join(str(value) for value in values)


def segment_names(keys: pd.DataFrame, by: Sequence[str]) -> list[str]:
    """Name each row of `keys` by its values of `by`."""
    return [segment_name(row[str(column)] for column in by) for row in records(keys[list(by)])]


def weighting_caveats(design: Design, entry: Metric) -> tuple[str, ...]:
    """Say what a level does not show: unweighted no population, weighted no more than a mended mix."""
    if design.weighted:
        return ("weights_mend_mix",)
    return () if entry.family == "rate" else ("no_population_claim",)


def base_caveats(n: float, n_eff: float) -> tuple[str, ...]:
    """Caveats of a small base, and of a base that weights or clusters make small."""
    low = ("low_base",) if n < LOW_BASE else ()
    return low + (("small_effective_sample",) if n_eff < LOW_BASE <= n else ())


def difference_unit(entry: Metric) -> str:
    """Name the unit of a difference: two percentages differ by points."""
    return "scale" if entry.unit == "scale" else "points"


def detectable(std_errors: pd.Series[float], alpha: float) -> float:
    """Difference that the typical test finds with 80 % power at the two-sided error `alpha`.

    Examples
    --------
    >>> round(detectable(pd.Series([1.0]), 0.05), 2)
    2.8
    """
    return float((t_quantile(1 - alpha) + t_quantile(2 * POWER - 1)) * std_errors.median())


def interval_fields(row: Mapping[Any, Any], estimate: str, level: float, unit: str) -> dict[str, Any]:
    """Return the fields of a claim that come from a row with an estimate and its interval."""
    return {
        "estimate": float(row[estimate]),
        "conf_low": float(row["conf_low"]),
        "conf_high": float(row["conf_high"]),
        "level": level,
        "unit": unit,
    }


def level_claims(
    scored: Sequence[Scored], overall: pd.DataFrame, design: Design, level: float
) -> tuple[Claim, ...]:
    """Claim the level of each metric, unless its base is of too few people."""
    claims = []
    for one, row in zip(scored, records(overall), strict=True):
        if row["flag"] == "suppressed":
            continue
        fields = {
            "metric": one.entry.id,
            "version": one.entry.version,
            **interval_fields(row, "estimate", level, one.entry.unit),
            "n": int(row["n"]),
            "n_eff": float(row["n_eff"]),
        }
        caveats = (
            *weighting_caveats(design, one.entry),
            *one.entry.caveats,
            *base_caveats(row["n"], row["n_eff"]),
        )
        claims.append(Claim("score.level", fields, "D", caveats, headline=True))
    return tuple(claims)


def segment_claims(
    scored: Sequence[Scored], tests: pd.DataFrame, by: Sequence[str], level: float
) -> list[Claim]:
    """Claim each tested difference; `estimates.stated` keeps those that stand."""
    entries = {one.entry.id: one.entry for one in scored}
    tested = tests[tests["p_value"].notna()].sort_values("p_value", kind="stable")
    claims = []
    for name, row in zip(segment_names(tested, by), records(tested), strict=True):
        entry, n = entries[row["metric"]], int(min(row["n"], row["n_rest"]))
        fields = {
            "metric": entry.id,
            "version": entry.version,
            "column": segment_name(by),
            "segment": name,
            **interval_fields(row, "difference", level, difference_unit(entry)),
            "n": n,
            "hypothesis": row["hypothesis"],
        }
        caveats = (*entry.caveats, *base_caveats(n, np.inf))
        claims.append(Claim("score.segment", fields, "D", caveats, headline=True))
    return claims


def alike_claims(
    scored: Sequence[Scored], tests: pd.DataFrame, by: Sequence[str], level: float
) -> tuple[Claim, ...]:
    """Say, for when no difference stands, how large one would have had to be to be seen."""
    tested = tests[tests["p_value"].notna()]
    claims = []
    for one in scored:
        own = tested[tested["metric"] == one.entry.id]
        if own.empty or one.by_cell is None:
            continue
        fields = {
            "metric": one.entry.id,
            "version": one.entry.version,
            "column": segment_name(by),
            "segments": int((one.by_cell.n >= one.by_cell.minimum).sum()),
            "detectable": detectable(own["std_error"], (1 - level) / len(tested)),
            "level": level,
            "unit": difference_unit(one.entry),
            "n": int(own[["n", "n_rest"]].to_numpy().min()),
        }
        claims.append(Claim("score.segments_alike", fields, "D", one.entry.caveats))
    return tuple(claims)


def accounted(
    given: Answers, design: Design, table: pd.DataFrame, by: Sequence[str]
) -> tuple[np.ndarray[Any, Any], dict[str, int]]:
    """Mark the rows that entered, and count the others by their first reason.

    Raises
    ------
    AnalysisError
        If none entered.
    """
    unplaced = [(missing(column), table[column].isna().to_numpy(dtype=bool)) for column in by]
    used, dropped = entering(
        len(table), [(WEIGHT_ZERO, design.weights == 0), *given.reasons, *unplaced], design.each
    )
    check_entered(used, dropped)
    return used, dropped
