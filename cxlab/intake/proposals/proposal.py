"""What is proposed of a client's files: data that a workbook shows, a person decides and a source keeps.

`source_of` turns a decided file into the item of `sources:` that client.yaml gets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from cxlab.errors import Message
from cxlab.intake.declared.canonical import tables
from cxlab.intake.declared.models import Language, Reason
from cxlab.intake.proposals.differences import Change
from cxlab.intake.proposals.sniffing import label

Decision = Literal["use", "ignore", "drop", "id", ""]
ProposedKind = Literal["rating", "number", "category", "text", "date", "flag", "id", "code", "multiple"]
# From here on a proposal comes decided; below, a person must decide.
SURE = 0.8
# Questions that are asked either way: how hard, or how easy.
EITHER_WAY = ("ces",)
# The header of the row that stands for the line of each row, where a file has no code of its own.
ROW_LINE = "*"


@dataclass(frozen=True, kw_only=True)
class ValueProposal:
    """One text of a column and what it means: nothing else, another value, or no answer for a reason."""

    found: str
    count: int = 0
    label: str = ""
    means: str = ""
    reason: Reason | None = None


@dataclass(frozen=True, kw_only=True)
class ColumnProposal:
    """One column of a file, what it is proposed to become and why.

    Attributes
    ----------
    header, question : str
    examples : tuple of str
        A few of its texts; none if they may be personal.
    rows, blank, distinct : int
    column : str
        Column of the table.
    kind : str
    scale : (low, high) or None
    reverse, leading, labelled : bool
        Whether less is better; whether texts start with their number; whether labels replace codes.
    form : str
        Of dates.
    values : tuple of ValueProposal
        Texts shown, each with what it means.
    missing : dict of str to Reason
        Codes of no answer that are not among those.
    decision : {"use", "ignore", "drop", "id", ""}
        Empty where a person must say.
    personal : bool
        Whether its texts may be shown.
    """

    header: str
    question: str = ""
    examples: tuple[str, ...] = ()
    rows: int = 0
    blank: int = 0
    distinct: int = 0
    column: str = ""
    kind: ProposedKind = "text"
    scale: tuple[float, float] | None = None
    reverse: bool = False
    leading: bool = False
    labelled: bool = False
    form: str = ""
    values: tuple[ValueProposal, ...] = ()
    missing: dict[str, Reason] = field(default_factory=dict)
    confidence: float = 0.0
    reasons: tuple[Message, ...] = ()
    decision: Decision = ""
    personal: bool = False


@dataclass(frozen=True, kw_only=True)
class FileProposal:
    """One file, or one sheet of it.

    Attributes
    ----------
    keys : dict
        How it is read: keys of its source.
    more : dict
        Other keys of its source, from the one it follows: derive, exclude, constants...
    follows : str
        The declared file whose source it starts from, if any.
    gone : tuple of str
        Headers that source names and this file has not.
    changes : tuple of Change
        What is different from the file that it goes on from.
    signed_by, signed_on : str
    """

    file: str
    sheet: str = ""
    table: str = ""
    wave: str = ""
    keys: dict[str, Any] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)
    evidence: tuple[Message, ...] = ()
    confidence: float = 0.0
    columns: tuple[ColumnProposal, ...] = ()
    follows: str = ""
    gone: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    readable: bool = True
    signed_by: str = ""
    signed_on: str = ""

    @property
    def label(self) -> str:
        """How the file is called: `raw/x.xlsx [Hoja1]`."""
        return label(self.file, self.sheet)

    @property
    def undecided(self) -> tuple[ColumnProposal, ...]:
        """Columns that a person must still decide."""
        return tuple(column for column in self.columns if not column.decision)


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What is proposed for a client: its undeclared files, and which are declared already."""

    client: str
    language: Language = "es"
    files: tuple[FileProposal, ...] = ()
    declared: tuple[str, ...] = ()
    notes: tuple[Message, ...] = ()


def source_of(file: FileProposal) -> dict[str, Any]:
    """Return the item of `sources:` that a decided file gives, in the order of its keys.

    Examples
    --------
    >>> nps = ColumnProposal(header="P1", column="recommend", kind="rating", scale=(0, 10), decision="use")
    >>> source_of(FileProposal(file="raw/a.csv", table="survey_responses", columns=(nps,)))["scales"]
    {'recommend': [0, 10]}
    """
    item: dict[str, Any] = {"file": file.file, "table": file.table}
    item |= {key: value for key, value in file.keys.items() if key != "sheet"}
    if file.sheet:
        item["sheet"] = file.sheet
    used = [each for each in file.columns if each.decision in ("use", "id") and each.header != ROW_LINE]
    item["names"] = {each.header: each.column for each in used}
    always = set(tables()[file.table].ids)
    item["ids"] = [each.column for each in used if each.kind == "id" and each.column not in always]
    item["drop"] = [each.header for each in file.columns if each.decision == "drop"]
    item |= _value_keys(used, file)
    constants = dict(file.more.get("constants", {}))
    if file.wave and "wave_id" in tables()[file.table].columns and "wave_id" not in item["names"].values():
        constants["wave_id"] = file.wave
    item["constants"] = constants
    line = [
        each.column for each in file.columns if each.header == ROW_LINE and each.decision in ("use", "id")
    ]
    if line:
        item["row_id"] = line[0]
    for key, value in file.more.items():
        if key != "constants":
            item[key] = _together(item.get(key), value)
    if file.signed_by:
        item["confirmed_by"] = {"who": file.signed_by, "on": file.signed_on}
    return {key: value for key, value in item.items() if value not in ({}, [], "", None)}


def _together(ours: Any, more: Any) -> Any:
    if isinstance(ours, dict) and isinstance(more, dict):
        return {**more, **ours}
    if isinstance(ours, list) and isinstance(more, list):
        return [*ours, *(each for each in more if each not in ours)]
    return more if ours in (None, {}, []) else ours


def _value_keys(used: list[ColumnProposal], file: FileProposal) -> dict[str, Any]:
    keys: dict[str, Any] = {
        "values": {},
        "value_labels": [],
        "leading_number": [],
        "scales": {},
        "reverse": [],
        "more_is_better": [],
        "missing": {},
        "not_applicable": {},
        "na_reasons": [],
        "dates": {},
        "kinds": {},
    }
    known = tables()[file.table].columns
    for each in used:
        name = each.column
        recodes, missing = _meanings(each)
        applicable: dict[str, Reason] = {c: why for c, why in missing.items() if why != "not_applicable"}
        keys["values"] |= {name: recodes} if recodes else {}
        keys["missing"] |= {name: _codes(applicable)} if applicable else {}
        keys["not_applicable"] |= (
            {name: sorted(set(missing) - set(applicable))} if missing != applicable else {}
        )
        keys["na_reasons"] += [name] if set(missing.values()) - {"missing"} else []
        keys["scales"] |= {name: [_plain(point) for point in each.scale]} if each.scale else {}
        keys["reverse"] += [name] if each.reverse else []
        keys["more_is_better"] += [name] if name in EITHER_WAY and not each.reverse else []
        keys["leading_number"] += [name] if each.leading else []
        keys["value_labels"] += [name] if each.labelled else []
        keys["dates"] |= {name: each.form} if each.form else {}
        if name not in known and each.kind in ("number", "category", "text", "date", "flag"):
            keys["kinds"] |= {name: each.kind}
        if each.kind == "multiple":
            keys["values"] |= {name: dict.fromkeys((value.found for value in each.values), "1")}
            keys["kinds"] |= {name: "flag"}
    return keys


def _meanings(column: ColumnProposal) -> tuple[dict[str, str], dict[str, Reason]]:
    """Return the recodes of a column and its codes of no answer; by number where texts start with one."""
    recodes = {each.found: each.means for each in column.values if each.means and each.reason is None}
    missing: dict[str, Reason] = {
        each.found: each.reason for each in column.values if each.reason is not None
    }
    if column.leading:
        numbered = {_number(code): why for code, why in missing.items()}
        if len(numbered) == len({_number(code) for code in missing}) and len(numbered) == len(missing):
            missing = numbered
    return recodes, {**column.missing, **missing}


def _number(text: str) -> str:
    digits = text.lstrip()
    end = 1 if digits[:1] in "+-" else 0
    while end < len(digits) and digits[end].isdigit():
        end += 1
    return str(int(digits[:end])) if digits[:end].lstrip("+-") else text


def _codes(missing: Mapping[str, Reason]) -> Any:
    """Return codes as a list if none has a reason of its own, else each with its reason."""
    return sorted(missing) if set(missing.values()) == {"missing"} else missing


def _plain(value: float) -> int | float:
    return int(value) if float(value).is_integer() else value


def with_row_id(columns: Iterable[ColumnProposal], table: str) -> Iterator[ColumnProposal]:
    """Give the row that offers the line of each row as its code, where a table needs a code of its own.

    It is left to a person where no column is that code, and proposed as not used where one is.
    """
    key = tables()[table].key
    known = tables()[table].columns[key[0]]
    if len(key) > 1 or known.kind != "id" or not known.required or key == ("customer_id",):
        return
    there = any(each.column == key[0] and each.decision != "" for each in columns)
    said = Message("no column is {column}: the line of each row can be its code", column=key[0])
    yield ColumnProposal(
        header=ROW_LINE,
        column=key[0],
        kind="id",
        confidence=0.9 if there else 0.5,
        decision="ignore" if there else "",
        reasons=(Message("for files whose codes repeat those of another file"),) if there else (said,),
    )
