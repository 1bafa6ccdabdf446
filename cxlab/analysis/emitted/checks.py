"""Checks as they were made: each with its visit and unit, whether it was met, and what it weighs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.columns import as_floats, of_repeated, records, shown
from cxlab.analysis.dropped import check_entered, entering, missing
from cxlab.analysis.estimates import check_columns
from cxlab.errors import AnalysisError, Message, Problem

Array = np.ndarray[Any, Any]

NOT_APPLICABLE = Message("not applicable at the visit")
ELSEWHERE = Message("visit to another company")
SECOND = Message("second evaluator of a visit")
NO_VISIT = Message("no such visit")
NO_STANDARD = Message("no such standard")
SUM = 1e-6  # how far declared weights may be from one
KINDS = ("binary", "scale", "time")


def checked(
    checks: pd.DataFrame, visits: pd.DataFrame, standards: pd.DataFrame, *, target: float | None = None,
    peers: bool = False,
) -> pd.DataFrame:  # fmt: skip
    """Join checks with their visits and standards, and say which were met.

    Parameters
    ----------
    checks : DataFrame
        The canonical table ``mystery_checks``: visit_id, standard_id, result (1 met, 0 not; a rating;
        seconds), na_reason where there is no result. Not changed.
    visits : DataFrame
        ``mystery_visits``: visit_id, unit_id, and what else is known of the visit (channel, interaction_type,
        evaluator_id; peer_id where it was to another company; paired_with, the visit that this is the second
        evaluator of: such visits count once).
    standards : DataFrame
        ``standards``: standard_id, weight (all of them or none; they sum to one), kind (binary, the default;
        scale, met from its target on; time, met up to its target), target, critical (1 where a failure is
        never made good by the rest). An empty frame where the client has none.
    target : float, optional
        From which result on a standard without a declared kind is met; by default results are 1 or 0.

    peers : bool
        Whether visits to other companies stay in.

    Returns
    -------
    DataFrame
        One row for each check with a result: the columns of its visit, standard_id, critical (bool), weight
        (declared, equal without), result, met (0, 1) and trials (1), part (of its visit's score, over what
        applied: sums to one in a visit). ``attrs``: n_dropped, weighted, and not_applicable (standard_id,
        reason, n).

    Raises
    ------
    AnalysisError
        If a column is missing, a check or a visit stands twice, a binary result is not 0 or 1, a standard of
        another kind has no target, or weights are incomplete, zero or less, or do not sum to one.

    Examples
    --------
    >>> visits = pd.DataFrame({"visit_id": ["a", "b"], "unit_id": ["u", "v"]})
    >>> checks = pd.DataFrame({"visit_id": ["a", "a", "b"], "standard_id": ["greets", "wait_s", "wait_s"],
    ...                        "result": [1, 340, 120]})
    >>> standards = pd.DataFrame({"standard_id": ["greets", "wait_s"], "kind": ["binary", "time"],
    ...                           "target": [None, 300], "weight": [0.4, 0.6]})
    >>> checked(checks, visits, standards)[["standard_id", "met", "part"]].values.tolist()
    [['greets', 1, 0.4], ['wait_s', 0, 0.6], ['wait_s', 1, 1.0]]
    """
    check_columns(checks, ["visit_id", "standard_id", "result"])
    check_columns(visits, ["visit_id", "unit_id"])
    _refuse_twice(checks, ["visit_id", "standard_id"])
    _refuse_twice(visits, ["visit_id"])
    known = _standards(standards, checks)
    elsewhere = (
        visits["peer_id"].notna() if "peer_id" in visits and not peers else np.zeros(len(visits), bool)
    )
    again = visits["paired_with"].notna() if "paired_with" in visits else np.zeros(len(visits), bool)
    results = as_floats(checks["result"])
    if results is None:
        raise AnalysisError(
            "{column!r} has text; give results as numbers (values: in client.yaml)", column="result"
        )
    empty = np.isnan(results)
    why = checks.get("na_reason", pd.Series(index=checks.index, dtype=object))
    reasons = [
        (ELSEWHERE, checks["visit_id"].isin(visits.loc[elsewhere, "visit_id"]).to_numpy(dtype=bool)),
        (SECOND, checks["visit_id"].isin(visits.loc[again, "visit_id"]).to_numpy(dtype=bool)),
        (NOT_APPLICABLE, empty & (why == "not_applicable").to_numpy(dtype=bool)),
        (missing("result"), empty),
        (NO_VISIT, ~checks["visit_id"].isin(visits["visit_id"]).to_numpy(dtype=bool)),
        (NO_STANDARD, ~checks["standard_id"].isin(known["standard_id"]).to_numpy(dtype=bool)),
    ]
    kept, dropped = entering(len(checks), reasons)
    check_entered(kept, dropped)
    rows = checks.loc[kept, ["visit_id", "standard_id", "result"]]
    rows = rows.merge(known, on="standard_id", how="left")
    rows["met"] = _met(rows, target)
    joined = rows.merge(visits, on="visit_id", how="left", suffixes=("", "_visit"))
    joined = joined.drop(columns=["kind", "target"]).assign(trials=1)
    whole = joined.groupby("visit_id")["weight"].transform("sum")
    joined["part"] = np.where(whole > 0, joined["weight"] / whole.where(whole > 0, 1.0), 0.0)
    given_up = pd.DataFrame({"standard_id": checks["standard_id"], "reason": why.fillna("absent")})
    given_up = given_up[empty & ~reasons[0][1] & ~reasons[1][1]]
    counted = given_up.value_counts(["standard_id", "reason"], sort=False).rename("n").reset_index()
    joined.attrs = {
        "n_dropped": dropped, "not_applicable": records(counted), "weighted": bool(known["declared"].any())
    }  # fmt: skip
    return joined.drop(columns="declared")


def visit_scores(checks: pd.DataFrame, *, standard: str = "") -> pd.DataFrame:
    """Return what each visit scored: its weighted share met, or what was found of one standard.

    Parameters
    ----------
    checks : DataFrame
        As `checked` gives them. Not changed.
    standard : str
        Id of one standard; by default all of them with their weights.

    Returns
    -------
    DataFrame
        One row for each visit: visit_id, unit_id, evaluator_id where it is known, score: 0 to 100; of one
        standard that is rated or timed, the rating or the seconds themselves.

    Raises
    ------
    AnalysisError
        If there is no such standard, or a column is missing.

    Examples
    --------
    >>> checks = pd.DataFrame({"visit_id": ["a", "a"], "unit_id": "u", "standard_id": ["x", "y"],
    ...                        "met": [1, 0], "part": [0.3, 0.7]})
    >>> visit_scores(checks)[["visit_id", "score"]].values.tolist()
    [['a', 30.0]]
    """
    check_columns(checks, ["visit_id", "unit_id", "standard_id", "met", "part"])
    own = checks[checks["standard_id"] == standard] if standard else checks[checks["part"] > 0]
    if own.empty:
        raise AnalysisError(
            "there is no standard {standard!r}; there are {present}",
            standard=standard, present=shown(checks["standard_id"].unique()),
        )  # fmt: skip
    value = 100.0 * own["met"] * (1.0 if standard else own["part"])
    if standard and "result" in own and not own["result"].isin([0, 1]).all():
        value = own["result"]
    keys = [name for name in ("visit_id", "unit_id", "evaluator_id") if name in own]
    scored = own.assign(score=value)[[*keys, "score"]]
    return scored.groupby(keys, observed=True).sum().reset_index()


def seen_twice(
    checks: pd.DataFrame, visits: pd.DataFrame, standards: pd.DataFrame, *, target: float | None = None
) -> pd.DataFrame:
    """Return what several evaluators wrote down of the same visits, for `agreement`.

    Parameters
    ----------
    checks, visits, standards, target
        As in `checked`; ``paired_with`` of a visit names the one whose second evaluator it is.

    Returns
    -------
    DataFrame
        visit (the first one's id), case (visit and standard), standard_id, evaluator_id, met; no rows where
        no visit was seen twice.

    Raises
    ------
    AnalysisError
        As `checked`; if there is no column evaluator_id.
    """
    columns = ["visit", "case", "standard_id", "evaluator_id", "met"]
    if "paired_with" not in visits or not visits["paired_with"].notna().any():
        return pd.DataFrame(columns=columns)
    check_columns(visits, ["visit_id", "evaluator_id"])
    first = visits["paired_with"].where(visits["paired_with"].notna(), visits["visit_id"])
    twice = first.isin(visits["paired_with"].dropna())
    own = visits[twice].drop(columns=["paired_with"]).assign(visit=first[twice])
    frame = checked(
        checks[checks["visit_id"].isin(own["visit_id"])], own, standards, target=target, peers=True
    )
    return frame.assign(case=frame["visit"].astype(str) + " " + frame["standard_id"].astype(str))[columns]


def _refuse_twice(table: pd.DataFrame, columns: list[str]) -> None:
    again = table[columns].duplicated(keep=False).to_numpy(dtype=bool)
    if again.any():
        ids = [str(value) for value in table.loc[again, columns[0]].unique()]
        raise of_repeated(columns[0], ids, int(again.sum()), persons=False)


def _standards(standards: pd.DataFrame, checks: pd.DataFrame) -> pd.DataFrame:
    """Standards with kind, target, critical and weight, whatever of it was declared."""
    if standards.empty:
        standards = pd.DataFrame({"standard_id": checks["standard_id"].drop_duplicates()})
    check_columns(standards, ["standard_id"])
    _refuse_twice(standards, ["standard_id"])
    out = standards[["standard_id"]].copy()
    for column, otherwise in (("kind", "binary"), ("target", np.nan), ("critical", 0)):
        held = standards[column] if column in standards else pd.Series(otherwise, index=standards.index)
        out[column] = held if column == "target" else held.astype(object).where(held.notna(), otherwise)
    out["target"] = out["target"].astype(float)
    out["critical"] = out["critical"].astype(float) > 0
    given = standards["weight"].astype(float) if "weight" in standards else pd.Series(np.nan, standards.index)
    out["declared"] = given.notna()
    out["weight"] = _weights(given, out)
    return out


def _weights(given: pd.Series[float], out: pd.DataFrame) -> Array:
    """Return declared weights, or equal ones. Critical standards may have none: they stand apart anyway."""
    if not given.notna().any():
        return np.full(len(given), 1 / len(given))
    needed = ~out["critical"] | given.notna()
    problems, without = [], out["standard_id"][needed & given.isna()]
    if len(without):
        problems.append(
            Problem(
                found=Message("no weight for {names}", names=shown(without)),
                allowed=Message("a weight for every standard that is not critical, or for none"),
                action=Message("complete the table standards"), column="weight",
            )
        )  # fmt: skip
    elif (given[needed] <= 0).any() or abs(float(given.sum()) - 1) > SUM:
        problems.append(
            Problem(
                found=Message("weights that sum to {total}", total=f"{float(given.sum()):.4g}"),
                allowed=Message("positive weights that sum to 1"),
                action=Message("correct the table standards: what one gains, others lose"), column="weight",
            )
        )  # fmt: skip
    if problems:
        raise AnalysisError("the weights of the standards cannot be used", problems=problems)
    return given.fillna(0.0).to_numpy(dtype=float)


def _met(rows: pd.DataFrame, target: float | None) -> Array:
    kind, goal = rows["kind"].to_numpy(dtype=object), rows["target"].to_numpy(dtype=float)
    result = rows["result"].to_numpy(dtype=float)
    if target is not None:
        loose = kind == "binary"
        kind, goal = np.where(loose, "scale", kind), np.where(loose, target, goal)
    binary = kind == "binary"
    odd = {
        Message("a binary standard with a result that is neither 0 nor 1"): binary & ~np.isin(result, [0, 1]),
        Message("a standard without a target"): ~binary & np.isnan(goal),
        Message("an unknown kind of standard"): ~np.isin(kind, KINDS),
    }
    problems = [_problem(found, rows, which) for found, which in odd.items() if which.any()]
    if problems:
        raise AnalysisError("some checks cannot be judged", problems=problems)
    return np.where(kind == "time", result <= goal, np.where(binary, result == 1, result >= goal)).astype(int)


def _problem(found: Message, rows: pd.DataFrame, which: Array) -> Problem:
    names: Mapping[str, str] = {"names": shown(rows.loc[which, "standard_id"].unique())}
    return Problem(
        found=found,
        allowed=Message("0 or 1, or a kind (scale, time) and a target in the table standards"),
        action=Message("declare kind and target of {names}", **names),
        column="result",
        count=int(which.sum()),
    )
