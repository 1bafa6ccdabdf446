"""Groups of customers that are set beside one another: one part of the risk table each, and their pairs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from cxlab.analysis.columns import check_categories, records
from cxlab.analysis.estimates import adjusted, combinations_present, flags, t_quantile
from cxlab.analysis.survival.curves import log_rank
from cxlab.analysis.survival.observed import Observed
from cxlab.errors import AnalysisError

MOST_CURVES = 500
# More groups than this are compared together only: nobody reads the pairs of hundreds.
MOST_PAIRED = 20
_RESERVED = frozenset({
    "time", "at_risk", "events", "estimate", "std_error", "conf_low", "conf_high", "n", "n_eff", "flag",
    "starts_at",
})  # fmt: skip


def check_by(by: Sequence[str], *own: str) -> None:
    """Refuse groupings that are named twice, or as a result's own columns are; `own` names more of these."""
    reserved = _RESERVED | {*own}
    taken = [column for column in by if column in reserved]
    if taken or len(set(by)) < len(by):
        raise AnalysisError(
            "by names {columns}; each column once, and none that a result uses itself: {reserved}",
            columns=", ".join(taken or by),
            reserved=", ".join(sorted(reserved)),
        )


def check_groups(who: Observed, by: Sequence[str]) -> None:
    """Refuse groupings that hold lists, or that make more curves than can be read."""
    check_categories(who.labels, by)
    count = len(who.labels[list(by)].drop_duplicates()) if by else 1
    if count > MOST_CURVES:
        raise AnalysisError(
            "{columns} makes {count} curves, more than {most}; take a column with fewer values or group them",
            columns=" x ".join(by), count=count, most=MOST_CURVES,
        )  # fmt: skip


def parts(who: Observed, by: Sequence[str]) -> Iterator[tuple[dict[str, Any], Observed]]:
    """Yield each combination of the `by` columns that is there, and its part of the risk table."""
    if not by:
        yield {}, who
        return
    for key in records(combinations_present(who.labels, by)):
        own = np.ones(len(who.count), dtype=bool)
        for column, value in key.items():
            own &= (who.labels[column] == value).to_numpy(dtype=bool, na_value=False)
        yield key, who.part(own)


def name_of(key: Mapping[str, Any]) -> Any:
    """Return a combination as one value: the category itself, or ``a x b``."""
    values = list(key.values())
    return values[0] if len(values) == 1 else " x ".join(map(str, values))


def log_ranks(who: Observed, by: Sequence[str]) -> pd.DataFrame:
    """One k-sample test for each column that has several groups, Holm over the columns."""
    rows = []
    for column in by if who.event.any() else ():
        codes, groups = pd.factorize(who.labels[column])
        if len(groups) > 1:
            test = log_rank(who, codes, len(groups))
            row = {"column": column, "statistic": test.statistic, "df": test.df, "p_value": test.p_value}
            rows.append({"hypothesis": f"retention by {column}", **row})
    ranks = pd.DataFrame(rows, columns=["hypothesis", "column", "statistic", "df", "p_value"])
    return ranks.assign(p_adjusted=adjusted(ranks["p_value"].to_numpy(dtype=float), "holm"))


def paired_log_ranks(who: Observed, by: Sequence[str]) -> pd.DataFrame:
    """Compare each two groups of each column, Holm over all of them.

    Returns
    -------
    DataFrame
        column, segment, other, statistic, df, p_value, p_adjusted, n (the smaller), flag. Where there are
        fewer than 10 nothing is tested.
    """
    rows = []
    for column in by if who.event.any() else ():
        own = [(key[column], part) for key, part in parts(who, [column])]
        for (one, first), (other, second) in combinations(own, 2) if len(own) <= MOST_PAIRED else ():
            both = who.labels[column].isin([one, other]).to_numpy()
            least = min(first.n, second.n)
            row = {"column": column, "segment": one, "other": other}
            rows.append({**row, **_tested(who.part(both), column, one, least), "n": least})
    columns = ["column", "segment", "other", "statistic", "df", "p_value", "n"]
    pairs = pd.DataFrame(rows, columns=columns)
    pairs.insert(6, "p_adjusted", adjusted(pairs["p_value"].to_numpy(dtype=float), "holm"))
    return pairs.assign(flag=flags(pairs["n"].to_numpy(dtype=float)))


def _tested(who: Observed, column: str, one: Any, least: int) -> dict[str, Any]:
    if flags([least])[0] == "suppressed" or not who.event.any():
        return {"statistic": np.nan, "df": 1, "p_value": np.nan}
    test = log_rank(who, (who.labels[column] != one).to_numpy(dtype=int), 2)
    return {"statistic": test.statistic, "df": test.df, "p_value": test.p_value}


def differences(table: pd.DataFrame, by: Sequence[str], what: str, level: float) -> pd.DataFrame:
    """Set independent estimates, one a group, in pairs: segment less other, Holm over all pairs.

    Returns
    -------
    DataFrame
        segment, other, difference, std_error, conf_low, conf_high, p_value, p_adjusted, n (the smaller of
        both), flag, hypothesis. Where it is under 10, or an estimate is not known, nothing is tested.
    """
    own = records(table)
    listed = combinations(own, 2) if by and len(own) <= MOST_PAIRED else ()
    rows = [_difference(one, other, by, what, level) for one, other in listed]
    columns = [
        "segment", "other", "difference", "std_error", "conf_low", "conf_high", "p_value", "n", "hypothesis",
    ]  # fmt: skip
    pairs = pd.DataFrame(rows, columns=columns)
    pairs.insert(7, "p_adjusted", adjusted(pairs["p_value"].to_numpy(dtype=float), "holm"))
    return pairs.assign(flag=flags(pairs["n"].to_numpy(dtype=float)))


def _difference(
    one: Mapping[str, Any], other: Mapping[str, Any], by: Sequence[str], what: str, level: float
) -> dict[str, Any]:
    names = [name_of({column: each[column] for column in by}) for each in (one, other)]
    gap = one["estimate"] - other["estimate"]
    error = float(np.hypot(one["std_error"], other["std_error"]))
    least = min(one["n"], other["n"])
    tested = flags([least])[0] != "suppressed" and error > 0
    reach = t_quantile(level) * error
    return {
        "segment": names[0], "other": names[1], "difference": gap, "std_error": error,
        "conf_low": gap - reach, "conf_high": gap + reach,
        "p_value": float(2 * stats.norm.sf(abs(gap) / error)) if tested else np.nan,
        "n": least, "hypothesis": f"{what}: {names[0]} against {names[1]}",
    }  # fmt: skip
