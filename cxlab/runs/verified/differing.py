"""Where two executions of one notebook part: the first cell, output, kind and place; the farthest number.

Both are what they publish: content by file name. Nothing is judged here; `verify` does.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from cxlab.runs.compared.moved import NOTHING

NOTEBOOK, RESULTS = "notebook.ipynb", "results.json"
EXCERPT, LEAD = 90, 20
Files = Mapping[str, bytes]
_Kind = tuple[int, str, Any]  # which output, its kind, what it holds


@dataclass(frozen=True)
class Place:
    """The first thing that differs.

    Attributes
    ----------
    file : str
        In which file; where the notebooks differ, it is they that are read.
    cell : int
        Code cell, counted from 1 as a reader would; 0: in no code cell.
    line : str
        The first line of its source.
    output : int
        Which of its outputs, counted from 1; 0: not in an output.
    kind : str
        MIME kind of the output, or stdout, stderr, error.
    where : str
        Line and character of a text, or the way to a value of JSON.
    before, after : str
        What stands there; empty where there is nothing.
    """

    file: str
    cell: int = 0
    line: str = ""
    output: int = 0
    kind: str = ""
    where: str = ""
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class Farthest:
    """The number of results.json that differs most: where it stands, and by how much of itself."""

    result: str
    table: str
    row: int
    key: str
    column: str
    before: float
    after: float
    relative: float


def names_of(before: Files, after: Files) -> list[str]:
    """Return the files that differ or are on one side only."""
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))


def first_place(before: Files, after: Files) -> Place | None:
    """Return where two executions part first, None where nothing differs.

    The notebooks are read cell by cell; where they are the same, the first other file that differs.
    """
    names = names_of(before, after)
    if NOTEBOOK in names and NOTEBOOK in before and NOTEBOOK in after:
        return _in_cells(*(json.loads(side[NOTEBOOK])["cells"] for side in (before, after))) or _in_file(
            NOTEBOOK, before, after
        )
    return _in_file(names[0], before, after) if names else None


def _in_file(name: str, before: Files, after: Files) -> Place:
    sides = [side.get(name) for side in (before, after)]
    if None in sides:
        return Place(name, before=_present(sides[0]), after=_present(sides[1]))
    where, *excerpts = _in_text(*((side or b"").decode("utf-8", "backslashreplace") for side in sides))
    return Place(name, where=where, before=excerpts[0], after=excerpts[1])


def _present(content: bytes | None) -> str:
    return "" if content is None else f"{len(content)} bytes"


def _in_cells(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> Place | None:
    code, nothing = 0, dict[str, Any]()
    for one, other in zip_longest(before, after, fillvalue=nothing):
        code += "code" in (one.get("cell_type"), other.get("cell_type"))
        if one != other:
            return _in_cell(one, other, code if one.get("cell_type") == "code" else 0)
    return None


def _in_cell(before: Mapping[str, Any], after: Mapping[str, Any], code: int) -> Place:
    sources = [_text(side.get("source", "")) for side in (before, after)]
    line = next((each.strip()[:EXCERPT] for each in sources[0].splitlines() if each.strip()), "")
    if sources[0] != sources[1]:
        where, said, now = _in_text(*sources)
        return Place(NOTEBOOK, code, line, where=where, before=said, after=now)
    outputs = [list(_kinds(side.get("outputs", ()))) for side in (before, after)]
    for there, here in zip_longest(*outputs):
        if there != here:
            return _in_output(there, here, code, line)
    return Place(NOTEBOOK, code, line)


def _in_output(there: _Kind | None, here: _Kind | None, code: int, line: str) -> Place:
    if there is not None and here is not None and there[:2] == here[:2]:
        where, said, now = _in_value(there[2], here[2])
        return Place(NOTEBOOK, code, line, there[0], there[1], where, said, now)
    number = min(side[0] for side in (there, here) if side is not None)
    kinds = [f"{side[0]}: {side[1]}" if side else "" for side in (there, here)]
    return Place(NOTEBOOK, code, line, number, before=kinds[0], after=kinds[1])


def _kinds(outputs: Sequence[Mapping[str, Any]]) -> Iterator[_Kind]:
    for number, output in enumerate(outputs, 1):
        if output.get("output_type") == "stream":
            yield number, str(output.get("name")), _text(output.get("text", ""))
        elif output.get("output_type") == "error":
            yield number, "error", "\n".join([str(output.get("evalue")), *output.get("traceback", ())])
        else:
            # Numbers before what is drawn or written of them.
            data = output.get("data", {})
            for kind in sorted(data, key=lambda kind: (not kind.endswith("json"), kind)):
                value = data[kind]
                yield number, kind, value if kind.endswith("json") else _text(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "".join(map(str, value))


def _in_value(before: Any, after: Any) -> tuple[str, str, str]:
    if isinstance(before, str) and isinstance(after, str):
        return _in_text(before, after)
    path, one, other = _in_json(before, after)
    return path, _brief(one), _brief(other)


def _in_json(before: Any, after: Any, path: str = "") -> tuple[str, Any, Any]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        columns = before.get("columns") if before.get("columns") == after.get("columns") else None
        for key in sorted({*before, *after}):
            if before.get(key) != after.get(key):
                inner = f"{path}.{key}".strip(".")
                if key == "rows" and columns is not None:
                    return _in_rows(columns, before[key], after[key], inner)
                return _in_json(before.get(key), after.get(key), inner)
    if isinstance(before, list) and isinstance(after, list):
        for number, (one, other) in enumerate(zip_longest(before, after), 1):
            if one != other:
                return _in_json(one, other, f"{path}[{number}]")
    return path, before, after


def _in_rows(columns: list[Any], before: Any, after: Any, path: str) -> tuple[str, Any, Any]:
    for number, (one, other) in enumerate(zip_longest(before, after), 1):
        if one != other:
            if one is None or other is None:
                return f"{path}[{number}]", one, other
            row, now = (dict(zip(map(str, columns), side, strict=False)) for side in (one, other))
            return _in_json(row, now, f"{path}[{number}]")
    return path, before, after


def _brief(value: Any) -> str:
    said = "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return said if len(said) <= EXCERPT else f"{said[: EXCERPT - 4]} ..."


def _in_text(before: str, after: str) -> tuple[str, str, str]:
    """Return the line and character of the first difference, and what stands around it on both sides."""
    at = next(
        (place for place, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]),
        min(len(before), len(after)),
    )
    start = before.rfind("\n", 0, at) + 1
    from_here = max(start, at - LEAD)
    excerpts = (side[from_here : from_here + EXCERPT].split("\n")[0] for side in (before, after))
    one, other = excerpts
    return f"{before.count(chr(10), 0, at) + 1}:{at - start + 1}", one, other


# --- numbers ----------------------------------------------------------------------------------------


def farthest(before: bytes, after: bytes) -> tuple[Farthest | None, bool]:
    """Return the number of results.json that differs most, and whether all but numbers is the same.

    Compared are the rows of every table and the code, grade and caveats of every claim; sentences and
    settings are words about them. The difference is relative to the larger of the two; below 1e-12 two
    numbers are nothing both.
    """
    one, other = (json.loads(side)["results"] for side in (before, after))
    found: Farthest | None = None
    alike = [_shape(each) for each in one] == [_shape(each) for each in other]
    for result, twin in zip(one, other, strict=False):
        for table in result["tables"].keys() & twin["tables"].keys():
            for each in _numbers(result, twin, table):
                if isinstance(each, bool):
                    alike = False
                elif found is None or each.relative > found.relative:
                    found = each
    return found, alike


def _shape(result: Mapping[str, Any]) -> list[Any]:
    tables = {name: (table["columns"], len(table["rows"])) for name, table in result["tables"].items()}
    claims = [(claim["code"], claim["grade"], claim["caveats"]) for claim in result["claims"]]
    return [result["kind"], tables, claims, result["n_used"], result["n_dropped"]]


def _numbers(result: Mapping[str, Any], twin: Mapping[str, Any], table: str) -> Iterator[Farthest | bool]:
    """Yield the numbers that differ; False for whatever else does."""
    held = result["tables"][table]
    columns, keys = held["columns"], set(result.get("keys", ()))
    for place, (row, now) in enumerate(zip(held["rows"], twin["tables"][table]["rows"], strict=False), 1):
        for column, value, other in zip(columns, row, now, strict=False):
            if value == other:
                continue
            if not (_is_number(value) and _is_number(other)):
                yield False
                continue
            size = max(abs(value), abs(other))
            relative = 0.0 if size < NOTHING else abs(value - other) / size
            if relative and math.isfinite(relative):
                named = [
                    str(cell) for c, cell in zip(columns, row, strict=False) if c in keys and cell is not None
                ]
                key = ", ".join(named)[:EXCERPT]
                yield Farthest(str(result["id"]), table, place, key, str(column), value, other, relative)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
