"""A parameters cell as a syntax tree: which declarations it holds, and how values are written back.

Nothing is executed. A literal or a kind is evaluated by an allow-list; whatever is not on it is
refused with its line. `source` and `assigned` are each other's inverse.
"""

from __future__ import annotations

import ast
import io
import math
import re
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal, Union

from pydantic import Field

from cxlab.errors import Message, ParameterError, Problem
from cxlab.values import Plain, shown, typed

SCALARS = {"str": str, "int": int, "float": float, "bool": bool, "date": date}
BOUNDS = ("gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length", "pattern", "description")
VOCABULARY = ("cxlab.parameters", "datetime", "typing", "pydantic")
RESERVED = {*SCALARS, "list", "dict", "tuple", "Annotated", "Field", "Literal"}
SECRET = re.compile(
    r"(^|_)(password|passwd|passphrase|pwd|secret|token|credentials?|api_?key|contrase(n|ñ)a)s?(_|$)", re.I
)


@dataclass(frozen=True)
class Parameter:
    """One declared parameter: its name, kind (a typing object), the kind as written, default and comment."""

    name: str
    kind: Any
    written: str
    default: Any
    description: str = ""


class RefusedError(Exception):
    """A piece of the parameters cell that is not a declaration."""

    def __init__(self, node: ast.AST, found: Message, action: Message | None = None) -> None:
        super().__init__(found)
        self.line = getattr(node, "lineno", 0)
        self.found = found
        self.action = action or Message("declare there only names with a kind and a literal default")


def _parsed(cell: str, name: str) -> ast.Module:
    try:
        return ast.parse(cell)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ParameterError(
            "the parameters cell of {notebook} is not plain Python: line {line}",
            notebook=name,
            line=getattr(error, "lineno", None) or 1,
        ) from error


def _comments(cell: str) -> dict[int, str]:
    """Return the comments by line; one that has its line to itself by minus that line."""
    tokens = tokenize.generate_tokens(io.StringIO(cell).readline)
    return {
        t.start[0] * (-1 if t.line.lstrip().startswith("#") else 1): t.string.lstrip("#").strip()
        for t in tokens
        if t.type == tokenize.COMMENT
    }


def read(cell: str, *, notebook: str) -> tuple[list[Parameter], list[Problem]]:
    """Return the parameters that a cell declares, and what is wrong with its other lines.

    Raises
    ------
    ParameterError
        If the cell is not Python at all.
    """
    comments = _comments(cell)
    parameters: dict[str, Parameter] = {}
    problems = []
    for statement in _parsed(cell, notebook).body:
        try:
            parameter = _parameter(statement, comments)
            if parameter and parameter.name in parameters:
                raise RefusedError(statement, Message("{name} for the second time", name=parameter.name))
        except RefusedError as refused:
            problems.append(_misdeclared(refused))
        else:
            if parameter:
                parameters[parameter.name] = parameter
    return list(parameters.values()), problems


def _misdeclared(refused: RefusedError) -> Problem:
    allowed = Message('lines like `outcome: str = "nps"  # metric to explain`')
    return Problem(found=refused.found, allowed=allowed, action=refused.action, row=refused.line)


def _parameter(statement: ast.stmt, comments: Mapping[int, str]) -> Parameter | None:
    if (
        isinstance(statement, ast.ImportFrom)
        and statement.module in VOCABULARY
        and not any(a.asname for a in statement.names)
    ):
        return None  # harmless in a cell that is only read: the same words mean the same here
    if (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    ):
        return None
    target = (
        statement.targets[0] if isinstance(statement, ast.Assign) and len(statement.targets) == 1 else None
    )
    target = statement.target if isinstance(statement, ast.AnnAssign) else target
    if not isinstance(statement, ast.Assign | ast.AnnAssign) or not isinstance(target, ast.Name):
        raise RefusedError(statement, Message("`{code}`", code=_excerpt(statement)))
    if statement.value is None:
        raise RefusedError(statement, Message("{name} without a default", name=target.id))
    _check_name(target)
    default = _value(statement.value)
    kind = (
        _kind(statement.annotation) if isinstance(statement, ast.AnnAssign) else _kind_of(default, statement)
    )
    if type(typed(kind, default)) is not type(default):
        raise RefusedError(
            statement,
            Message("{name} = {default}, a default of another kind", name=target.id, default=shown(default)),
        )
    written = ast.unparse(statement.annotation) if isinstance(statement, ast.AnnAssign) else ""
    return Parameter(target.id, kind, written, default, _described(statement, comments))


def _check_name(target: ast.Name) -> None:
    if target.id.startswith("_") or target.id in RESERVED:
        raise RefusedError(target, Message("{name}, a name that cannot be a parameter", name=target.id))
    if SECRET.search(target.id):
        raise RefusedError(
            target,
            Message("{name}, which looks like a secret", name=target.id),
            Message(
                "parameters are printed in reports: let the cell that needs it read an environment variable"
            ),
        )


def _described(statement: ast.stmt, comments: Mapping[int, str]) -> str:
    for line in range(statement.end_lineno or statement.lineno, statement.lineno - 1, -1):
        if line in comments:
            return comments[line]
    return comments.get(-(statement.lineno - 1), "")


def _excerpt(node: ast.AST) -> str:
    return shown(Plain(ast.unparse(node).split("\n")[0]))


def _value(node: ast.expr) -> Any:
    """Evaluate a literal; anything that could run code is refused."""
    match node:
        case ast.Constant(value=str() | int() | float() | None as value):
            return value
        case ast.UnaryOp(
            op=ast.USub() | ast.UAdd() as sign, operand=ast.Constant(value=int() | float() as value)
        ) if not (isinstance(value, bool)):
            return -value if isinstance(sign, ast.USub) else value
        case ast.List(elts=items):
            return [_value(item) for item in items]
        case ast.Tuple(elts=items):
            return tuple(_value(item) for item in items)
        case ast.Dict(keys=keys, values=items) if all(keys):
            return {
                _value(key): _value(item) for key, item in zip(keys, items, strict=True) if key is not None
            }
        case ast.Call(func=ast.Name(id="date"), args=arguments, keywords=[]):
            return _date(node, [_value(argument) for argument in arguments])
    raise RefusedError(node, Message("`{code}`, which is not a literal", code=_excerpt(node)))


def _date(node: ast.expr, numbers: list[Any]) -> date:
    try:
        return date(*numbers)
    except (TypeError, ValueError) as error:
        raise RefusedError(node, Message("`{code}`, which is not a date", code=_excerpt(node))) from error


def _kind(node: ast.expr) -> Any:
    """Evaluate an annotation made of the vocabulary."""
    match node:
        case ast.Constant(value=None):
            return None
        case ast.Name(id=name) if name in SCALARS:
            return SCALARS[name]
        case ast.Name(id="list" | "dict" | "tuple" as name):
            return {"list": list[Any], "dict": dict[str, Any], "tuple": tuple[Any, ...]}[name]
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return Union[_kind(left), _kind(right)]  # noqa: UP007
        case ast.Subscript(value=ast.Name(id=name), slice=inner):
            return _subscripted(node, name, list(inner.elts) if isinstance(inner, ast.Tuple) else [inner])
    raise RefusedError(node, Message("`{code}`, which is not a kind of parameter", code=_excerpt(node)))


def _subscripted(node: ast.expr, name: str, inner: list[ast.expr]) -> Any:
    match name, inner:
        case "list", [element]:
            return list[_kind(element)]  # type: ignore[misc]
        case "dict", [ast.Name(id="str"), element]:
            return dict[str, _kind(element)]  # type: ignore[misc]
        case "tuple", [element, ast.Constant(value=ellipsis)] if ellipsis is Ellipsis:
            return tuple[_kind(element), ...]  # type: ignore[misc]
        case "Literal", [*options] if options:
            return Literal[tuple(_value(option) for option in options)]
        case "Annotated", [base, ast.Call(func=ast.Name(id="Field"), args=[], keywords=keywords)]:
            return Annotated[_kind(base), _field(node, keywords)]
    raise RefusedError(node, Message("`{code}`, which is not a kind of parameter", code=_excerpt(node)))


def _field(node: ast.expr, keywords: list[ast.keyword]) -> Any:
    unknown = [str(k.arg) for k in keywords if k.arg not in BOUNDS]
    if unknown:
        raise RefusedError(
            node, Message("Field({name}=...); it takes {allowed}", name=unknown[0], allowed=", ".join(BOUNDS))
        )
    bounds: dict[str, Any] = {str(k.arg): _value(k.value) for k in keywords}
    return Field(**bounds)


def _kind_of(default: Any, node: ast.AST) -> Any:
    """Without an annotation the default is the example of what is allowed."""
    if type(default) in SCALARS.values():
        return type(default)
    if isinstance(default, list | tuple):
        kinds = {type(item) for item in default}
        element = kinds.pop() if len(kinds) == 1 and kinds <= set(SCALARS.values()) else Any
        return list[element] if isinstance(default, list) else tuple[element, ...]  # type: ignore[valid-type]
    if isinstance(default, dict):
        return dict[str, Any]
    raise RefusedError(node, Message("None without a kind; write for example `name: str | None = None`"))


def unwritable(value: Any) -> str:
    """Say what in `value` no notebook or results file can hold; nothing when all of it can be written."""
    for item in _leaves(value):
        if isinstance(item, float) and not math.isfinite(item):
            return shown(item)
        if isinstance(item, int) and abs(item) >= 10**300:
            return Message("a number of more than 300 digits")
        if isinstance(item, str) and any("\ud800" <= char <= "\udfff" for char in item):
            return Message("text that is not valid Unicode ({text})", text=shown(item))
    return ""


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(key)
            yield from _leaves(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def literal(value: Any) -> str:
    """Return `value` as Python source that evaluates to it.

    Raises
    ------
    ParameterError
        For a value that is none of text, number, boolean, None, date, list, tuple, dict with names of
        text, or that no file can hold (NaN, infinity, text that is not valid Unicode).

    Examples
    --------
    >>> literal({"since": date(2025, 3, 1), "by": ["región"]})
    "{'since': date(2025, 3, 1), 'by': ['región']}"
    """
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(literal, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return f"{{{', '.join(f'{literal(key)}: {literal(item)}' for key, item in value.items())}}}"
    if type(value) is date:
        return f"date({value.year}, {value.month}, {value.day})"
    if isinstance(value, str) and not unwritable(value):
        return repr(str(value))
    if value is None or (type(value) in (bool, int, float) and not unwritable(value)):
        return repr(value)
    raise ParameterError(
        "{value} ({kind}) cannot be a parameter", value=shown(value), kind=type(value).__name__
    )


def source(values: Mapping[str, Any]) -> str:
    r"""Return the cell that gives `values` to a notebook: executed, it assigns exactly those.

    Examples
    --------
    >>> print(source({"outcome": "nps", "since": date(2025, 3, 1)}))
    # given for this run
    from datetime import date
    outcome = 'nps'
    since = date(2025, 3, 1)
    """
    lines = [f"{name} = {literal(value)}" for name, value in values.items()]
    dated = any(type(item) is date for item in _leaves(dict(values)))
    return "\n".join(["# given for this run", *(["from datetime import date"] if dated else []), *lines])


def assigned(cell: str, *, notebook: str) -> dict[str, Any]:
    """Return what an injected cell assigns, read and not executed.

    Raises
    ------
    ParameterError
        If it holds anything but assignments of literals to names.
    """
    values: dict[str, Any] = {}
    for statement in _parsed(cell, notebook).body:
        match statement:
            case ast.ImportFrom(module="datetime", names=[ast.alias(name="date", asname=None)]):
                continue
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                try:
                    values[name] = _value(value)
                    continue
                except RefusedError:
                    pass
        raise ParameterError(
            "the injected parameters of {notebook} hold `{code}`; only literals may be assigned",
            notebook=notebook,
            code=_excerpt(statement),
        )
    return values
