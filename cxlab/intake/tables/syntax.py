"""The text of an expression to its syntax tree: what may be written, and nothing else.

The text is parsed by Python's own grammar and never run; only the nodes listed here are let through.
"""

from __future__ import annotations

import ast
import math
import operator
import unicodedata
from collections.abc import Callable
from typing import Any, NoReturn

from cxlab.errors import Message, ParameterError

LONGEST = 2000

COMPARISONS: dict[type[ast.cmpop], tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Eq: ("==", operator.eq),
    ast.NotEq: ("!=", operator.ne),
    ast.Lt: ("<", operator.lt),
    ast.LtE: ("<=", operator.le),
    ast.Gt: (">", operator.gt),
    ast.GtE: (">=", operator.ge),
}
MIRRORED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.Gt,
    ast.LtE: ast.GtE,
    ast.Gt: ast.Lt,
    ast.GtE: ast.LtE,
}
ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
TRUTH = {"true": True, "false": False, "none": None, "null": None}
GRAMMAR = Message(
    "columns, numbers, 'texts', ISO dates in quotes, true, false, None; == != < <= > >=, in [..], not in "
    "[..], and, or, not, + - * /, parentheses"
)


def parse(expression: str) -> ast.expr:
    """Return the tree of `expression`.

    Raises
    ------
    ParameterError
        If it is not an expression of this language.
    """
    if len(expression) > LONGEST:
        raise ParameterError(
            "the expression has {n} characters; at most {most}", n=len(expression), most=LONGEST
        )
    try:
        tree = ast.parse(unicodedata.normalize("NFC", expression.strip()), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ParameterError(
            "{expression!r} cannot be understood; write a condition such as "
            "\"region != 'RM' and recommend >= 9\"; allowed: {allowed}",
            expression=expression[:200],
            allowed=GRAMMAR,
        ) from None
    for node in ast.walk(tree):
        if not isinstance(node, _ALLOWED):
            _refuse(node, expression)
    return tree


_ALLOWED = (
    ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.Compare, ast.Name, ast.Load,
    ast.Constant, ast.List, ast.Tuple, ast.BinOp, ast.In, ast.NotIn, ast.Is, ast.IsNot,
    *COMPARISONS, *ARITHMETIC,
)  # fmt: skip


def _refuse(node: ast.AST, expression: str) -> NoReturn:
    part = (
        ast.get_source_segment(expression.strip(), node) if hasattr(node, "lineno") else type(node).__name__
    )
    raise ParameterError(
        "{part!r} is not allowed in the expression {expression!r}; allowed: {allowed}",
        part=(part or "")[:80],
        expression=expression[:200],
        allowed=GRAMMAR,
    )


def names(expression: str) -> set[str]:
    """Return the columns that `expression` names.

    Examples
    --------
    >>> sorted(names("region != 'RM' and recommend >= 9"))
    ['recommend', 'region']
    """
    tree = parse(expression)
    found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return {name for name in found if name.casefold() not in TRUTH}


class Nothing:
    """Stands for `not a literal`; None is a literal here."""


def literal(node: ast.expr) -> Any:
    """Return the value of a literal node, `Nothing` for anything else."""
    if isinstance(node, ast.Constant):
        value = node.value
        usable = value is None or isinstance(value, (bool, int, float, str))
        if usable and not (isinstance(value, float) and not math.isfinite(value)):
            return value
        raise ParameterError(
            "{value!r} is not a value of the expression; allowed: {allowed}", value=value, allowed=GRAMMAR
        )
    if isinstance(node, ast.Name) and node.id.casefold() in TRUTH:
        return TRUTH[node.id.casefold()]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = literal(node.operand)
        return -inner if isinstance(inner, (int, float)) and not isinstance(inner, bool) else Nothing
    return Nothing
