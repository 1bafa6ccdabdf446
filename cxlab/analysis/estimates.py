"""The one shape in which numbers leave an analysis: tidy tables, results, claims, and their intervals.

A `Result` holds a table with constant columns, what was dropped and why, and the `Claim`s that its
numbers support. Analyses fill it, `masked` empties what may not be shown, reporting renders it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
import pandas as pd

from cxlab.analysis.columns import as_floats, check_frame
from cxlab.errors import AnalysisError, Message, Problem

if TYPE_CHECKING:
    from cxlab.analysis.disclosure import Released

Grade = Literal["A", "B", "C", "D"]
Flag = Literal["ok", "low_base", "suppressed"]
Adjustment = Literal["holm", "bh", "none"]

MINIMUM_CUSTOMERS = 10
MINIMUM_EMPLOYEES = 8
EMPLOYEES = "employees_survey"  # the canonical table whose rows are employees
LOW_BASE = 30


@dataclass(frozen=True, slots=True)
class Claim:
    """A finding as data: no sentence, a code that reporting turns into one.

    Parameters
    ----------
    code : str
        Which sentence, e.g. ``"score.level"``; every code has a text in each language.
    fields : Mapping[str, Any]
        What the sentence needs. Where the finding has a number: ``estimate``, ``conf_low``,
        ``conf_high``, ``level``, ``unit`` (``points`` of an index, ``percent``, ``share`` of one,
        ``ratio``, ``months``, ``scale``), ``n``; ``metric`` and ``version`` where there is an index.
        Labels of columns and categories travel as their names in the data.
    grade : {"A", "B", "C", "D"}
        What the design allows to say: experiment, exposure before outcome, adjusted association, description.
    caveats : tuple of str
        Codes of what must be said beside it.
    headline : bool
        Whether it may stand at the top of a report.
    """

    code: str
    fields: Mapping[str, Any]
    grade: Grade
    caveats: tuple[str, ...] = ()
    headline: bool = False


@dataclass(frozen=True, eq=False, kw_only=True)
class Result:
    """What every public analysis returns.

    Attributes
    ----------
    table : DataFrame
        The main table: key columns, the estimate, ``std_error``, ``conf_low``, ``conf_high``, ``n``,
        ``n_eff``, ``flag`` as far as they mean something.
    keys : tuple of str
        Which columns, in any of the tables, name a row (they stay readable where values are masked).
    estimate_column : str
        Name of the estimate in `table`.
    tables : Mapping[str, DataFrame]
        Further named tables.
    n_used : int
        Rows that entered.
    n_dropped : Mapping[str, int]
        Rows that did not, by reason.
    settings : Mapping[str, Any]
        The choices made, as plain values.
    claims : tuple of Claim
        What the numbers support. A claim that a difference exists carries ``hypothesis`` (its row in
        the table ``tests``: hypothesis, p_value, p_adjusted) and ``p_adjusted`` among its fields.
    otherwise : tuple of Claim
        What to say instead when no stated difference stands.
    parts : Mapping[str, str]
        Columns of any of the tables that divide people, so that bases add up to a total, with the column of
        the data whose values they hold: ``{"region": "region", "unit": "peer_id"}``.
    against : Mapping[str, Any]
        Of those, the columns whose rows speak of two groups, with the value of the other one.
    bases : Mapping[str, Mapping[str, Any]]
        Columns that hold bases, with what these are of beside the row's own parts (``{"n_focal": {"peer_id":
        "us"}}``); None takes a part away. Without it, or for other tables, the base of a row is its ``n``.
    apart : tuple of str
        Tables whose ``n`` is of no one group: the least of several, or not of these people; "" is the main.
    asked_of : tuple of str
        What tells the people of these bases from those of other results on the same question.
    minimum : int
        A base of fewer people is not shown: 10 customers, 8 employees.
    """

    table: pd.DataFrame
    keys: tuple[str, ...]
    estimate_column: str = "estimate"
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    n_used: int = 0
    n_dropped: Mapping[str, int] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    claims: tuple[Claim, ...] = ()
    otherwise: tuple[Claim, ...] = ()
    parts: Mapping[str, str] = field(default_factory=dict)
    against: Mapping[str, Any] = field(default_factory=dict)
    bases: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    apart: tuple[str, ...] = ()
    asked_of: tuple[str, ...] = ()
    minimum: int = MINIMUM_CUSTOMERS


AnyResult = TypeVar("AnyResult", bound=Result)


def flags(n: Any, *, minimum: int = MINIMUM_CUSTOMERS) -> np.ndarray[Any, Any]:
    """Flag bases: ``suppressed`` under `minimum` people, ``low_base`` under 30, else ``ok``.

    Examples
    --------
    >>> flags([9, 10, 30]).tolist()
    ['suppressed', 'low_base', 'ok']
    """
    bases = np.asarray(n, dtype=float)
    return np.where(bases < minimum, "suppressed", np.where(bases < LOW_BASE, "low_base", "ok")).astype(
        object
    )


def minimum_of(table: pd.DataFrame) -> int:
    """Return how many people a base of `table` must have to be shown: 8 employees, 10 of anybody else.

    Examples
    --------
    >>> answers = pd.DataFrame({"unit_id": ["a"]})
    >>> answers.attrs["table"] = "employees_survey"
    >>> minimum_of(answers), minimum_of(pd.DataFrame())
    (8, 10)
    """
    return MINIMUM_EMPLOYEES if table.attrs.get("table") == EMPLOYEES else MINIMUM_CUSTOMERS


def masked(result: AnyResult, released: Released | None = None) -> AnyResult:
    """Return `result` without any value of a hidden row, nor a claim on fewer people than its minimum.

    Hidden are the rows flagged ``suppressed``, and those from which they would follow (complementary
    suppression, `cxlab.analysis.disclosure`): flagged too, and ``withheld``. Key columns, flag and
    ``withheld`` stay, everything else in the row is emptied, in every table.

    Parameters
    ----------
    result : Result
        What an analysis returned.
    released : Released, optional
        What the same report has shown before; what this result shows is added to it.
    """
    from cxlab.analysis.disclosure import Released, guarded  # which know results

    result = guarded(result, Released() if released is None else released)
    tables = {name: _masked_table(table, result.keys) for name, table in result.tables.items()}
    claims = tuple(c for c in result.claims if c.fields.get("n", result.minimum) >= result.minimum)
    return replace(result, table=_masked_table(result.table, result.keys), tables=tables, claims=claims)


def _masked_table(table: pd.DataFrame, keys: tuple[str, ...]) -> pd.DataFrame:
    if "flag" not in table.columns:
        return table
    hidden = (table["flag"] == "suppressed").to_numpy()
    if not hidden.any():
        return table
    shown = table.copy()
    for column in shown.columns.difference([*keys, "flag", "withheld"]):
        kept = shown[column]
        numeric = pd.api.types.is_numeric_dtype(kept) and not pd.api.types.is_bool_dtype(kept)
        shown[column] = (kept.astype(float) if numeric else kept.astype(object)).where(~hidden)
    return shown


def adjusted(p_values: Any, how: Adjustment) -> np.ndarray[Any, Any]:
    """Adjust p-values for having looked at all of them; missing ones stay missing and do not count.

    ``holm`` (Holm 1979) bounds the chance of any false finding, ``bh`` (Benjamini & Hochberg 1995,
    doi:10.1111/j.2517-6161.1995.tb02031.x) the expected share of false ones among those stated.

    Examples
    --------
    >>> adjusted([.01, .02, .03, .04, .05], "holm").round(2).tolist()
    [0.05, 0.08, 0.09, 0.09, 0.09]
    >>> adjusted([.01, .02, .03, .04, .05], "bh").round(2).tolist()
    [0.05, 0.05, 0.05, 0.05, 0.05]
    """
    p = np.asarray(p_values, dtype=float)
    if how == "none":
        return p.copy()
    out = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    m = len(order)
    if how == "holm":
        stepped = np.maximum.accumulate(p[order] * (m - np.arange(m)))
    else:
        stepped = np.minimum.accumulate((p[order] * m / np.arange(1, m + 1))[::-1])[::-1]
    out[order] = np.minimum(stepped, 1.0)
    return out


def t_quantile(level: float, df: float = np.inf) -> float:
    """Two-sided quantile of Student's t (the normal's for infinite `df`).

    Examples
    --------
    >>> round(t_quantile(0.95), 4), round(t_quantile(0.95, 10), 4)
    (1.96, 2.2281)
    """
    from scipy import stats  # half a second that a page's making does not need

    return float(stats.t.ppf(0.5 + level / 2, df))


def check_level(level: float) -> None:
    """Refuse a confidence level outside (0.5, 1)."""
    if not (isinstance(level, int | float | np.number) and 0.5 < level < 1):
        raise AnalysisError(
            "level is {level}; give a confidence level between 0.5 and 1, e.g. 0.95", level=level
        )


def whole_from(given: Any, least: int) -> bool:
    """Tell whether `given` is a whole number, `least` or more."""
    return isinstance(given, int | np.integer) and not isinstance(given, bool) and int(given) >= least


def check_numbers(*asked: tuple[str, Any, Callable[[Any], bool], str]) -> None:
    """Refuse options that are no numbers or out of range: name, what was given, whether it does, allowed."""
    for name, given, holds, allowed in asked:
        if not (isinstance(given, int | float | np.number) and holds(given)):
            raise AnalysisError(
                "{name} is {given!r}; allowed: {allowed}", name=name, given=given, allowed=allowed
            )


def check_columns(table: pd.DataFrame, columns: Iterable[str]) -> None:
    """Refuse a table that lacks any of `columns`, naming all that are missing and what there is."""
    check_frame(table)
    gone = absent(table.columns, columns)
    if gone:
        raise gone


def absent(present: Iterable[Any], columns: Iterable[Any]) -> AnalysisError | None:
    """Return the error of asked `columns` that are not among those `present`, None if all are."""
    asked, held = list(columns), list(present)
    names = [c for c in asked if isinstance(c, str) or pd.api.types.is_hashable(c)]
    missing = [c for c in dict.fromkeys(names) if c not in held]
    missing += [c for c in asked if not pd.api.types.is_hashable(c)]
    if not missing:
        return None
    return AnalysisError(
        "the table has no column {missing}; it has {present}",
        missing=", ".join(map(str, missing)),
        present=", ".join(map(str, held)),
    )


def weights_of(table: pd.DataFrame, weights: str | None) -> np.ndarray[Any, Any]:
    """Weights as an array (ones without a column); refuse missing, negative, infinite or all-zero ones.

    Raises
    ------
    AnalysisError
        Naming the column, the first row and what to do.
    """
    if weights is None:
        return np.ones(len(table))
    check_columns(table, [weights])
    held = table[weights]
    w = held.to_numpy(dtype=float, na_value=np.nan) if pd.api.types.is_bool_dtype(held) else as_floats(held)
    if w is None:
        raise AnalysisError(
            "weights column {column!r} is not numeric; convert it in client.yaml", column=weights
        )
    bad = np.flatnonzero(~np.isfinite(w) | (w < 0))
    if len(bad):
        raise AnalysisError(
            "weights column {column!r} cannot be used",
            column=weights,
            problems=[
                Problem(
                    found=str(w[bad[0]]), allowed=Message("a finite number, zero or more"), column=weights,
                    action=Message("correct the weight or exclude the row in client.yaml"),
                    row=int(bad[0]) + 1, count=len(bad),
                )
            ],
        )  # fmt: skip
    if not w.sum() > 0:
        raise AnalysisError(
            "weights column {column!r} sums to zero; nothing can be estimated", column=weights
        )
    return w


def effective_n(weights: Any) -> float:
    """Kish's effective sample size, (sum w)^2 / sum w^2.

    Examples
    --------
    >>> round(effective_n([1, 1, 2, 2, 4]), 6)
    3.846154
    """
    w = np.asarray(weights, dtype=float)
    return float(w.sum() ** 2 / (w**2).sum()) if w.size and w.any() else 0.0


def check_seed(seed: Any) -> None:
    """Refuse a seed that is not a whole number, zero or more."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise AnalysisError("seed is {seed!r}; give a whole number, zero or more", seed=seed)


def generators(seed: int, count: int) -> list[np.random.Generator]:
    """Independent generators for `count` tasks from one seed (SeedSequence.spawn)."""
    return [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(count)]


def combinations_present(table: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Return the distinct combinations of the `by` columns, sorted, one row each."""
    present = table[list(by)].drop_duplicates()
    # By the order of each column's own values: categories as declared, mixed types without comparing them.
    order = [pd.factorize(present[column], sort=True)[0] for column in reversed(list(by))]
    return present.iloc[np.lexsort(order)].reset_index(drop=True)


def stated(
    tests: pd.DataFrame, differences: Sequence[Claim], otherwise: Sequence[Claim], level: float
) -> tuple[Claim, ...]:
    """Return the claims of `differences` that stand at ``1 - level``, or `otherwise` if none does.

    `tests` has the columns hypothesis and p_adjusted; the claims come back with their ``p_adjusted``.
    """
    p_adjusted = dict(zip(tests["hypothesis"], tests["p_adjusted"], strict=True))
    standing = tuple(
        replace(claim, fields={**claim.fields, "p_adjusted": float(p_adjusted[claim.fields["hypothesis"]])})
        for claim in differences
        if p_adjusted[claim.fields["hypothesis"]] <= 1 - level
    )
    return standing or tuple(otherwise)


def as_one_family(*results: Result, level: float = 0.95) -> tuple[Result, ...]:
    """Adjust the tests of several results shown in one report together (Holm), and restate their claims.

    A claim of a difference that no longer stands is withdrawn; a result left without any says its
    `otherwise`. Levels, shares and other claims without a hypothesis are untouched.

    Returns
    -------
    tuple of Result
        One for each of `results`, in their order.
    """
    counts = [len(r.tables["tests"]) if "tests" in r.tables else 0 for r in results]
    raw = [
        r.tables["tests"]["p_value"].to_numpy(dtype=float) for r, k in zip(results, counts, strict=True) if k
    ]
    joint = np.split(adjusted(np.concatenate(raw) if raw else np.empty(0), "holm"), np.cumsum(counts)[:-1])
    return tuple(_restated(r, p, level) if len(p) else r for r, p in zip(results, joint, strict=True))


def _restated(result: Result, p_adjusted: np.ndarray[Any, Any], level: float) -> Result:
    tests = result.tables["tests"].assign(p_adjusted=p_adjusted)
    differences = [c for c in result.claims if "hypothesis" in c.fields]
    said = stated(tests, differences, result.otherwise, level)
    # What stands keeps its place among the claims; what is said otherwise follows the plain ones.
    standing = iter([c for c in said if "hypothesis" in c.fields])
    stands = {c.fields["hypothesis"] for c in said if "hypothesis" in c.fields}
    kept = [c for c in result.claims if c.fields.get("hypothesis", None) in {None, *stands}]
    claims = [next(standing) if "hypothesis" in c.fields else c for c in kept if c not in result.otherwise]
    claims += [c for c in said if "hypothesis" not in c.fields]
    return replace(result, tables={**result.tables, "tests": tests}, claims=tuple(claims))
