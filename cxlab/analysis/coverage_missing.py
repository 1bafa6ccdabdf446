"""What is missing of each question, and why: not asked, not applicable, not known, refused, unexplained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.columns import check_rows
from cxlab.analysis.estimates import Claim, Result, check_columns, check_level, flags
from cxlab.analysis.intervals import wilson
from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]

# What each reason that intake gives counts as; blank cells and codes without a reason explain nothing.
REASONS = ("not_asked", "absent", "not_applicable", "dont_know", "refused", "technical")
STATES = ("answered", *REASONS, "open")
ITEM_MISSING = 0.30
TOGETHER, SKIPPED = 0.95, 0.05  # how alike two gaps are that are one, and how wide a gap that is a skip
DECLARED, SAID = 0.9, 3  # share of a gap with a reason that makes it a known one; how many gaps are stated


@dataclass(frozen=True, eq=False, kw_only=True)
class Missing(Result):
    """Missing answers by question and reason; see `missing` for the columns."""


def missing(
    table: pd.DataFrame, items: Sequence[str] = (), *, reasons: pd.DataFrame | None = None,
    codebook: pd.DataFrame | None = None, limit: float = ITEM_MISSING, level: float = 0.95,
) -> Missing:  # fmt: skip
    """Count what is missing of each question by its reason, and which questions are missing together.

    Parameters
    ----------
    table : DataFrame
        One row per answer, all of them: reasons are counted over the whole table. Not changed.
    items : sequence of str
        Questions; without any, the columns whose scale is declared (``table.attrs["scales"]``).
    reasons : DataFrame or None
        ``column``, ``reason``, ``n``: how many values are missing for each reason, as intake counted.
        What a file does not have at all is in none of them: it counts as ``absent``.
    codebook : DataFrame or None
        ``item_id`` and ``asked_if``. A question with a filter there, and no reason ``not_asked``, has its
        blank cells taken as not asked.
    limit : float
        Share without explanation, of those asked, from which a question is flagged (`over_limit`).
    level : float
        Confidence level of the Wilson interval of that share.

    Returns
    -------
    Missing
        ``table``: ``item``, ``answered``, ``not_asked``, ``absent``, ``not_applicable``, ``dont_know``,
        ``refused``, ``technical``, ``open`` (shares of all rows, they sum to one), ``unexplained`` (share
        of those asked), ``conf_low``, ``conf_high``, ``n`` (asked), ``over_limit``, ``flag``.
        ``tables["together"]``: two or more ``questions`` missing in the same rows, ``part`` of the rows,
        with its interval, ``explained`` (share of those gaps that has a reason), ``n``, ``flag``.

    Raises
    ------
    AnalysisError
        If a question is no column, there is none, or the reasons are not of this table.

    Examples
    --------
    >>> table = pd.DataFrame({"ease": [7, 6, None, None], "wait": [None, None, None, 3]})
    >>> reasons = pd.DataFrame({"column": ["ease", "ease", "wait"],
    ...     "reason": ["refused", "blank", "not_asked"], "n": [1, 1, 3]})
    >>> found = missing(table, ["ease", "wait"], reasons=reasons)
    >>> found.table[["item", "answered", "not_asked", "refused", "open", "n"]].to_numpy().tolist()
    [['ease', 0.5, 0.0, 0.25, 0.25, 4], ['wait', 0.25, 0.75, 0.0, 0.0, 1]]
    """
    check_rows(table)
    check_level(level)
    asked = list(items) or [c for c in table.columns if c in table.attrs.get("scales", {})]
    check_columns(table, asked)
    if not asked:
        raise AnalysisError("no question is named and no column has a scale; name some, or declare `scales`")
    counted = _counted(table, asked, reasons)
    by_filter = _by_filter(counted, codebook)
    rows = _shares(counted, len(table), limit, level)
    together = _together(table, rows, level)
    return Missing(
        table=rows,
        keys=("item", "questions", "over_limit"),
        estimate_column="unexplained",
        tables={"together": together},
        n_used=len(table),
        settings={"level": level, "limit": limit, "items": asked, "by_codebook": by_filter},
        claims=(
            *_unexplained_claims(rows, limit, level),
            *_skip_claims(together, len(table), level, by_filter),
        ),
    )


def _counted(table: pd.DataFrame, items: Sequence[str], reasons: pd.DataFrame | None) -> pd.DataFrame:
    """Count rows by question and state; what no reason speaks of was in none of the files that have it."""
    told: dict[str, dict[str, int]] = {}
    if reasons is not None:
        check_columns(reasons, ["column", "reason", "n"])
        for column, reason, n in reasons[["column", "reason", "n"]].itertuples(index=False):
            own = told.setdefault(str(column), {})
            state = str(reason) if reason in REASONS else str(reason) if reason == "blank" else "code"
            own[state] = own.get(state, 0) + int(n)
    rows = []
    for item in items:
        gone, own = int(table[item].isna().sum()), told.get(item, {})
        rest = gone - sum(own.values())
        if rest < 0:
            raise AnalysisError(
                "the reasons speak of {counted} missing values of {column} and the table has {found}; "
                "give the whole table, without a filter",
                counted=sum(own.values()), column=item, found=gone,
            )  # fmt: skip
        # Without any count, a gap is a gap: only where intake counted does the rest mean an absent column.
        left = {"absent": rest} if reasons is not None else {"blank": rest}
        rows.append({"item": item, "answered": len(table) - gone, **own, **left})
    frame = pd.DataFrame(rows)
    return frame.reindex(columns=["item", "answered", *REASONS, "blank", "code"]).fillna(0)


def _by_filter(counted: pd.DataFrame, codebook: pd.DataFrame | None) -> list[str]:
    """Take blanks of questions that the codebook filters as not asked; return those questions."""
    if codebook is None or not {"item_id", "asked_if"} <= set(codebook.columns):
        return []
    filtered = set(codebook.loc[codebook["asked_if"].notna(), "item_id"].astype(str))
    moved = counted["item"].isin(filtered) & (counted["not_asked"] == 0) & (counted["blank"] > 0)
    counted.loc[moved, "not_asked"] = counted.loc[moved, "blank"]
    counted.loc[moved, "blank"] = 0.0
    return [str(item) for item in counted.loc[moved, "item"]]


def _shares(counted: pd.DataFrame, rows: int, limit: float, level: float) -> pd.DataFrame:
    unexplained = (counted["blank"] + counted["code"]).to_numpy(dtype=float)
    asked = rows - (counted["not_asked"] + counted["absent"]).to_numpy(dtype=float)
    shares = counted[["answered", *REASONS]].assign(open=unexplained) / rows
    estimate = np.divide(unexplained, asked, out=np.full(len(asked), np.nan), where=asked > 0)
    low, high = wilson(estimate, asked, level)
    return pd.concat([counted[["item"]], shares], axis=1).assign(
        unexplained=estimate,
        conf_low=low,
        conf_high=high,
        n=asked.astype(int),
        over_limit=estimate > limit,
        flag=flags(asked),
    )


def _together(table: pd.DataFrame, rows: pd.DataFrame, level: float) -> pd.DataFrame:
    """Find the questions that are missing in the same rows: the trace of a filter of the questionnaire."""
    gone = {item: table[item].isna().to_numpy() for item in rows["item"]}
    wide = [item for item in rows["item"] if gone[item].mean() >= SKIPPED]
    groups: list[list[str]] = []
    for item in wide:
        group = next((g for g in groups if _alike(gone[g[0]], gone[item]) >= TOGETHER), None)
        groups.append([item]) if group is None else group.append(item)
    unexplained = dict(zip(rows["item"], rows["open"], strict=True))
    found = []
    for group in (g for g in groups if len(g) > 1):
        part = float(np.logical_and.reduce([gone[item] for item in group]).mean())
        low, high = (float(end) for end in wilson(part, len(table), level))
        explained = 1 - float(np.mean([unexplained[item] / gone[item].mean() for item in group]))
        found.append((tuple(group), part, low, high, explained, len(table)))
    columns = ["questions", "part", "conf_low", "conf_high", "explained", "n"]
    frame = pd.DataFrame(found, columns=columns).sort_values("part", ascending=False, kind="stable")
    frame = frame.reset_index(drop=True)
    return frame.assign(flag=flags(frame["n"]))


def _alike(one: Array, other: Array) -> float:
    """Share of the rows missing in either that are missing in both (Jaccard)."""
    return float((one & other).sum() / max((one | other).sum(), 1))


def _unexplained_claims(rows: pd.DataFrame, limit: float, level: float) -> tuple[Claim, ...]:
    known = rows[rows["unexplained"].notna() & (rows["flag"] != "suppressed")]
    if known.empty:
        return ()
    worst: Mapping[Any, Any] = known.loc[known["unexplained"].idxmax()].to_dict()
    over = int(known["over_limit"].sum())
    fields = {
        "column": worst["item"], "limit": limit, "items": len(known), "over": over,
        "estimate": float(worst["unexplained"]), "conf_low": float(worst["conf_low"]),
        "conf_high": float(worst["conf_high"]), "level": level, "unit": "share", "n": int(worst["n"]),
    }  # fmt: skip
    return (Claim("intake.unexplained" if over else "intake.explained", fields, "D", headline=over > 0),)


def _skip_claims(
    together: pd.DataFrame, n: int, level: float, by_codebook: Sequence[str]
) -> tuple[Claim, ...]:
    claims = []
    for row in together.head(SAID).to_dict("records"):
        fields = {
            "items": list(row["questions"]), "declared": row["explained"] >= DECLARED,
            "estimate": row["part"], "conf_low": row["conf_low"], "conf_high": row["conf_high"],
            "level": level, "unit": "share", "n": n,
        }  # fmt: skip
        caveats = ("asked_if_by_codebook",) if set(row["questions"]) & set(by_codebook) else ()
        claims.append(Claim("intake.skip", fields, "D", caveats))
    return tuple(claims)
