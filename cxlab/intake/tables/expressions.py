"""The safe expression over columns: parsed, never evaluated.

One small language for `where`, for the exclusions and for the derived columns of client.yaml:
comparisons, `in`, `and`, `or`, `not`, `is missing` (written `== None`), + - * / and parentheses over
columns, numbers, texts, dates (ISO, as text) and true/false. The text becomes a syntax tree; only the
nodes listed here are walked, anything else is refused. Logic has three values: a comparison with a
missing value is neither true nor false, and only what is true matches.
"""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
import pandas as pd

from cxlab.errors import Message, ParameterError
from cxlab.intake.declared.declaration import nearest
from cxlab.intake.tables.syntax import (
    ARITHMETIC,
    COMPARISONS,
    MIRRORED,
    TRUTH,
    Nothing,
    literal,
    names,
    parse,
)

Mask = npt.NDArray[np.bool_]
Columns = Mapping[str, "pd.Series[Any]"]


@dataclass(frozen=True)
class _Answer:
    """What a condition says of each row: true where `holds`, unknown where not `known`."""

    holds: Mask
    known: Mask


def matches(columns: Columns, expression: str) -> Mask:
    """Return which rows a condition holds for.

    Parameters
    ----------
    columns : mapping of str to Series
        A frame, or columns of one length by name.
    expression : str

    Returns
    -------
    ndarray of bool
        One per row; a missing value matches no comparison but ``== None``.

    Raises
    ------
    ParameterError
        Unknown column (the nearest is named), a comparison across types, or not a condition.

    Examples
    --------
    >>> table = pd.DataFrame({"region": ["RM", "V", None], "recommend": [9.0, 10.0, 3.0]})
    >>> matches(table, "region != 'RM'").tolist()
    [False, True, False]
    """
    tree = parse(expression)
    for name in sorted(names(expression)):
        _column(columns, name)
    return _Reading(columns, expression).condition(tree).holds


def computed(columns: Columns, expression: str) -> pd.Series[Any]:
    """Return the column that an arithmetic expression or a condition (1/0) makes; missing stays missing.

    Raises
    ------
    ParameterError
        As `matches`, and if a text column is calculated with or something is divided by zero.

    Examples
    --------
    >>> computed(pd.DataFrame({"flights": [10.0, 4.0], "late": [2.0, 1.0]}), "flights - late").tolist()
    [8.0, 3.0]
    """
    tree = parse(expression)
    reading = _Reading(columns, expression)
    if isinstance(tree, (ast.BoolOp, ast.Compare)) or (
        isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not)
    ):
        answer = reading.condition(tree)
        return pd.Series(np.where(answer.known, answer.holds.astype(float), np.nan))
    if isinstance(tree, ast.Name):
        return _column(columns, tree.id).reset_index(drop=True)
    return pd.Series(np.broadcast_to(reading.amount(tree), reading.rows).astype(float))


def _column(columns: Columns, name: str) -> pd.Series[Any]:
    if name not in columns:
        close = nearest(name, columns)
        raise ParameterError(
            "there is no column {name!r}; {close}columns: {known}",
            name=name,
            close=Message("did you mean {close}? ", close=close) if close else "",
            known=", ".join(str(each) for each in columns),
        )
    return columns[name]


@dataclass(frozen=True)
class _Reading:
    """One expression read over one set of columns."""

    columns: Columns
    expression: str

    @property
    def rows(self) -> int:
        return max((len(self.columns[name]) for name in self.columns), default=0)

    def condition(self, node: ast.expr) -> _Answer:
        """Return which rows the condition at `node` holds for."""
        if isinstance(node, ast.BoolOp):
            parts = [self.condition(each) for each in node.values]
            return (
                _both(parts)
                if isinstance(node.op, ast.And)
                else _opposite(_both([_opposite(each) for each in parts]))
            )
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return _opposite(self.condition(node.operand))
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            return _both(
                [self.compare(a, op, b) for a, op, b in zip(sides, node.ops, sides[1:], strict=False)]
            )
        if isinstance(node, ast.Name):
            return self._truth(node)
        self._fault(node, Message("a condition, such as recommend >= 9"))

    def _truth(self, node: ast.Name) -> _Answer:
        column = _column(self.columns, node.id)
        if _kind(column) != "flag":
            self._fault(node, Message("a condition: compare the column with a value"))
        known = column.notna().to_numpy()
        return _Answer((column == 1).to_numpy(dtype=bool, na_value=False) & known, known)

    def compare(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> _Answer:
        """Return which rows one comparison holds for."""
        if (
            literal(left) is not Nothing
            and literal(right) is Nothing
            and not isinstance(op, (ast.In, ast.NotIn))
        ):
            return self.compare(right, MIRRORED.get(type(op), type(op))(), left)
        if isinstance(op, (ast.In, ast.NotIn)):
            return self._member(left, right, wanted=isinstance(op, ast.In))
        value = literal(right)
        if value is None or isinstance(op, (ast.Is, ast.IsNot)):
            return self._missing(left, op, value)
        symbol, compare = COMPARISONS[type(op)]
        if value is Nothing:
            first, second = self._operand(left), self._operand(right)
            if _kind(first) != _kind(second) and {_kind(first), _kind(second)} != {"number", "flag"}:
                self._fault(right, Message("two columns of one kind"))
            if _kind(first) == "text" and symbol not in ("==", "!="):
                self._fault(right, Message("== or != between texts"))
        else:
            first = self._operand(left)
            second = self._fitting(left, first, value, symbol)
        known = first.notna().to_numpy() & (
            pd.Series(second).notna().to_numpy() if value is Nothing else True
        )
        holds = np.asarray(
            compare(first.where(known), second if value is not Nothing else second.where(known))
        )
        return _Answer(holds.astype(bool) & known, known)

    def _missing(self, left: ast.expr, op: ast.cmpop, value: Any) -> _Answer:
        if value is not None or not isinstance(op, (ast.Is, ast.IsNot, ast.Eq, ast.NotEq)):
            self._fault(left, Message("== None or != None for missing values"))
        gone = self._operand(left).isna().to_numpy()
        return _Answer(gone if isinstance(op, (ast.Is, ast.Eq)) else ~gone, np.ones(len(gone), dtype=bool))

    def _member(self, left: ast.expr, right: ast.expr, *, wanted: bool) -> _Answer:
        if not isinstance(right, (ast.List, ast.Tuple)):
            self._fault(right, Message("a list in brackets, such as region in ['RM', 'V']"))
        column = self._operand(left)
        known = column.notna().to_numpy()
        found = np.zeros(len(column), dtype=bool)
        for each in right.elts:
            value = literal(each)
            if value is Nothing or value is None:
                self._fault(each, Message("numbers, texts or dates in the list"))
            found |= np.asarray(column == self._fitting(left, column, value, "in")).astype(bool)
        return _Answer((found if wanted else ~found) & known, known)

    def _operand(self, node: ast.expr) -> pd.Series[Any]:
        if isinstance(node, ast.Name) and node.id.casefold() not in TRUTH:
            return _column(self.columns, node.id).reset_index(drop=True)
        return pd.Series(np.broadcast_to(self.amount(node), self.rows))

    def amount(self, node: ast.expr) -> Any:
        """Return the numbers that an arithmetic node makes."""
        if isinstance(node, ast.BinOp):
            left, right = self.amount(node.left), self.amount(node.right)
            if isinstance(node.op, ast.Div) and np.any(np.asarray(right) == 0):
                self._fault(node.right, Message("a divisor that is never zero"))
            return ARITHMETIC[type(node.op)](left, right)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -self.amount(node.operand)
        if isinstance(node, ast.Name) and node.id.casefold() not in TRUTH:
            column = _column(self.columns, node.id)
            if _kind(column) not in ("number", "flag"):
                self._fault(node, Message("a column of numbers"))
            return column.to_numpy(dtype=float, na_value=np.nan)
        value = literal(node)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
        self._fault(node, Message("a number or a column of numbers"))

    def _fitting(self, node: ast.expr, column: pd.Series[Any], value: Any, symbol: str) -> Any:
        """Return `value` as the column's kind, or say why they cannot be compared."""
        kind = _kind(column)
        if kind in ("number", "flag") and isinstance(value, (bool, int, float)):
            if isinstance(value, bool) and kind != "flag":
                self._mismatch(node, column, value, Message("a number"))
            return float(value)
        if kind == "date" and isinstance(value, str):
            try:
                return pd.Timestamp(_iso(value))
            except (ValueError, pd.errors.OutOfBoundsDatetime):
                self._mismatch(node, column, value, Message("a date such as '2025-06-30'"))
        if kind == "text" and isinstance(value, str) and symbol in ("==", "!=", "in"):
            _known_value(column, value, self._source(node))
            return value
        wanted = {
            "number": Message("a number, without quotes"),
            "flag": Message("0, 1, true or false, without quotes"),
            "date": Message("a date in quotes, such as '2025-06-30'"),
            "text": Message("a text in quotes, with ==, != or in"),
        }
        self._mismatch(node, column, value, wanted[kind])

    def _mismatch(self, node: ast.expr, column: pd.Series[Any], value: Any, wanted: str) -> NoReturn:
        raise ParameterError(
            "{value!r} cannot be compared with {column}, which holds {kind}; write {wanted}",
            value=value,
            column=self._source(node),
            kind=_kind_words()[_kind(column)],
            wanted=wanted,
        )

    def _fault(self, node: ast.expr, wanted: str) -> NoReturn:
        raise ParameterError(
            "{part!r} in {expression!r} is not what is needed there; wanted: {wanted}",
            part=self._source(node),
            expression=self.expression[:200],
            wanted=wanted,
        )

    def _source(self, node: ast.expr) -> str:
        return (ast.get_source_segment(self.expression.strip(), node) or "")[:80]


def _both(parts: list[_Answer]) -> _Answer:
    """Return the conjunction in three-valued logic: false once any part is false."""
    holds = np.logical_and.reduce([each.holds & each.known for each in parts])
    fails = np.logical_or.reduce([~each.holds & each.known for each in parts])
    return _Answer(holds, holds | fails)


def _opposite(answer: _Answer) -> _Answer:
    return _Answer(~answer.holds & answer.known, answer.known)


def _kind(column: pd.Series[Any]) -> str:
    if pd.api.types.is_bool_dtype(column):
        return "flag"
    if pd.api.types.is_numeric_dtype(column):
        present = column.dropna()
        return "flag" if len(present) and bool(present.isin([0, 1]).all()) else "number"
    return "date" if pd.api.types.is_datetime64_any_dtype(column) else "text"


def _kind_words() -> dict[str, str]:
    return {
        "number": Message("numbers"),
        "flag": Message("0 and 1"),
        "date": Message("dates"),
        "text": Message("texts"),
    }


def _iso(value: str) -> str:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2})?)?", value):
        raise ValueError(value)
    return value


def _known_value(column: pd.Series[Any], value: str, name: str) -> None:
    """Refuse a text that is no value of the column but differs from one only in case, accents or spaces."""
    values = column.dropna().unique()
    if value in set(values):
        return
    spelt = {_folded(str(each)): str(each) for each in values}
    if _folded(value) in spelt:
        raise ParameterError(
            "{column} has no value {value!r}; did you mean {close!r}?",
            column=name,
            value=value,
            close=spelt[_folded(value)],
        )


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in plain if each.isalnum())
