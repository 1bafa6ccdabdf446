"""Questions with several answers: a column for each option, 1 where it was chosen.

Files hold them as one column for each option, with its text or nothing, or as one cell with all the options
chosen. Whoever chose none of a question's options was not asked, as far as the file tells.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from cxlab.errors import Message, Problem
from cxlab.intake.declared.canonical import OWN_PREFIX
from cxlab.intake.tables.assignment import Assignment
from cxlab.intake.tables.cells import Fault, Typed
from cxlab.intake.tables.columns import Column

# More options than this are answers in one's own words.
MOST_OPTIONS = 60
# An option that a single one of so many answers chose is likely to be somebody's own words.
ENOUGH_ANSWERS = 30
OTHER = "other"
LONGEST_NAME = 62
NOT_ASKED = "not_asked"
_NOT_CHOSEN = re.compile(
    r"(?i)no|false|falso|not (?:selected|chosen|checked)|un(?:selected|checked)|"
    r"no (?:seleccionad|marcad|elegid)[oa]"
)


@dataclass(frozen=True)
class Parted:
    """A column of cells with several options: a column for each, and what each is called."""

    columns: dict[str, Column]
    labels: dict[str, str]
    pooled: int
    problems: tuple[Problem, ...]


def declared_problems(assigned: Assignment, keys: Mapping[str, Mapping[str, str]]) -> list[Problem]:
    """Return what is wrong with `multiple` and `split` of a source: columns that are no choices."""
    problems = []
    for key in ("multiple", "split"):
        for name, column in keys[key].items():
            known = assigned.table.columns.get(column)
            if (known is not None and (key == "split" or known.kind != "flag")) or (
                key == "split" and not column.startswith(OWN_PREFIX)
            ):
                problems.append(
                    Problem(
                        Message(
                            "{column} under `{key}`, which is no column of choices", column=name, key=key
                        ),
                        Message("columns of your own, called attr_..."),
                        Message("give it such a name under `names:`, or take it out of `{key}`", key=key),
                        file=f"client.yaml ({assigned.source.file})",
                        column=name,
                    )
                )
    return problems


def _meant(column: Column) -> list[str | None]:
    """Return what each distinct text of a column of text stands for; None for no answer."""
    values: list[str | None] = (
        list(column.typed.values) if column.stored is None else column.stored.to_pylist()
    )
    return values


def flagged(column: Column, *, name: str) -> Column:
    """Return a column of one option, decoded as text: 1 where there is a text; 0 and 1 stay what they are."""
    meant = _meant(column)
    values = np.full(len(meant), np.nan)
    faults = dict(column.typed.faults)
    for at, text in enumerate(meant):
        if text is None:
            continue
        if _NOT_CHOSEN.fullmatch(text):
            faults[at] = Fault(
                Message("the text of the option, 1, or nothing"),
                Message("say what it means: `values: {{{name}: {{found: 0}}}}`", name=name),
            )
        else:
            values[at] = 0.0 if text in ("0", "0.0") else 1.0
    return replace(column, typed=Typed(values, faults), stored=None)


def option_of(column: Column) -> str:
    """Return the text that says the option, where a column has one text and no other."""
    found = {text for text in _meant(column) if text is not None}
    text = found.pop() if len(found) == 1 else ""
    return "" if re.fullmatch(r"[\d.]*", text) else text


def unanswered(
    columns: Sequence[Column],
) -> tuple[list[npt.NDArray[np.float64]], list[npt.NDArray[np.object_]]]:
    """Return the values of each column of one question, and why they are missing, row by row.

    An empty cell is 0 where any option of the question is filled in, and was not asked where none is.
    """
    values = [column.values.to_numpy(dtype=float, copy=True) for column in columns]
    answered = ~np.logical_and.reduce([np.isnan(each) for each in values])
    whys = []
    for value, column in zip(values, columns, strict=True):
        why = column.why
        blank = why == "blank"
        value[blank & answered] = 0.0
        whys.append(np.where(blank, np.where(answered, "", NOT_ASKED), why))
    return values, whys


def parted(column: Column, separator: str, *, name: str, file: str, header: str) -> Parted:
    """Return a column of cells such as "price; service", decoded as text, as one column for each option.

    Parameters
    ----------
    column : Column
    separator : str
    name : str
        What the columns are called, each with its option after it.
    file, header : str
        What the problems call them.
    """
    chosen = [_options(text, separator) for text in _meant(column)]
    counts = column.cells.counts
    answers = int(sum(n for n, options in zip(counts, chosen, strict=True) if options))
    often: dict[str, int] = {}
    for n, options in zip(counts, chosen, strict=True):
        for option in options:
            often[option] = often.get(option, 0) + int(n)
    rare = {option for option, n in often.items() if n == 1 and answers >= ENOUGH_ANSWERS}
    names: dict[str, list[str]] = {}
    for option in sorted(often):
        made = f"{name}_{OTHER if option in rare else _slug(option)}"
        names.setdefault(made[:LONGEST_NAME], []).append(option)
    problems = _doubts(names, rare, file=file, header=header)
    columns = {
        made: _one(column, [any(option in row for option in options) for row in chosen], chosen)
        for made, options in sorted(names.items() if not problems else [])
    }
    labels = {made: options[0] for made, options in names.items() if not rare.intersection(options)}
    return Parted(columns, labels, len(rare), tuple(problems))


def _options(text: str | None, separator: str) -> frozenset[str]:
    return frozenset(part for each in (text or "").split(separator) if (part := " ".join(each.split())))


def _one(column: Column, hit: list[bool], chosen: list[frozenset[str]]) -> Column:
    """Return the column of one option: missing where no option was chosen."""
    values = np.where([bool(row) for row in chosen], np.array(hit, dtype=float), np.nan)
    reasons = {at: NOT_ASKED if why == "blank" else why for at, why in column.reasons.items()}
    return replace(
        column,
        reasons=reasons,
        typed=Typed(values, dict(column.typed.faults)),
        stored=None,
        trimmed=0,
        unused=[],
    )


def _slug(option: str) -> str:
    bare = unicodedata.normalize("NFKD", option.casefold()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", bare).strip("_") or "x" + "_".join(
        f"{ord(sign):x}" for sign in option[:6]
    )


def _doubts(names: Mapping[str, Sequence[str]], rare: set[str], *, file: str, header: str) -> list[Problem]:
    alike = [made for made, options in names.items() if len(options) > 1 and not rare.issuperset(options)]
    if len(names) > MOST_OPTIONS:
        found = Message("{n} different options, as in answers in one's own words", n=len(names))
    elif alike:
        found = Message("options that would be called the same: {names}", names=", ".join(alike[:8]))
    else:
        return []
    return [
        Problem(
            found,
            Message("up to {n} options, told apart by their first letters", n=MOST_OPTIONS),
            Message("take the column out of `split`, or make its options alike in the file"),
            file=file,
            column=header,
        )
    ]
