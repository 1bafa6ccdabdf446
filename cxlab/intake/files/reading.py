"""What every reader hands on: columns of text, the line of each row, and what the file itself says."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cxlab.errors import InputError, Message, Problem
from cxlab.intake.coded import Coded
from cxlab.intake.privacy.identifiers import Identifier, identifier, spoken

# More cells than this is not a client's survey or customer list, and would not fit in memory as text.
MOST_CELLS = 400_000_000
MOST_BYTES = 4_000_000_000
# Which of a file's headers are needed; how many rows have been read, and what share of the file they are.
Wanted = Callable[[Sequence[str]], Collection[str]]
Progress = Callable[[int, float], None]
# Problems of one kind shown row by row before the rest is summed up.
MOST_SHOWN = 20

_INVISIBLE = re.compile("[\x00-\x08\x0e-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\u00ad]")
_DATA = re.compile(
    r"[-+]?\d+(?:[.,]\d+)*|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[ T].*)?|\d{1,2}:\d{2}(?::\d{2})?|https?://.*"
)
# Two or more years among other names are columns of a table by year.
_YEAR = re.compile(r"(?:19|20)\d{2}")


@dataclass(frozen=True, eq=False, kw_only=True)
class Reading:
    """A file as read.

    Attributes
    ----------
    columns : dict of str to Coded
        The cells of each column as text, an empty text where the file has nothing, by header.
    headers : tuple of str
        Headers of all columns, those whose cells nobody asked for included.
    lines : ndarray of int
        For each row, its line in the file (text), row of the sheet (Excel) or number of the record.
    read : int
        Records read, those in `skipped` included.
    skipped : dict of str to int
        Records that are no rows of data, by reason.
    labels : dict of str to dict of str to str
        Value labels the file carries, by column and code.
    questions : dict of str to str
        Labels of the columns the file carries.
    declared_missing : dict of str to set of str
        Codes that the file itself declares missing, by column.
    typed : bool
        Whether the file stores dates as dates, so that ISO text in it is not a guess.
    how : dict of str to str
        How it was read: encoding, separator, sheet.
    notes : list of Message
        What a person should know of the file.
    doubts : list of Problem
        What is wrong with a column or a row, should it be used: the mapping keeps those of what it stores.
    own : tuple of str
        What tells the rows apart where several come from one line; empty where the line does.
    """

    columns: dict[str, Coded]
    lines: npt.NDArray[np.int64]
    read: int
    headers: tuple[str, ...] = ()
    skipped: dict[str, int] = field(default_factory=dict)
    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    questions: dict[str, str] = field(default_factory=dict)
    declared_missing: dict[str, set[str]] = field(default_factory=dict)
    typed: bool = False
    how: dict[str, str] = field(default_factory=dict)
    notes: list[Message] = field(default_factory=list)
    doubts: list[Problem] = field(default_factory=list)
    own: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.headers:
            object.__setattr__(self, "headers", tuple(self.columns))

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.lines)

    @property
    def frame(self) -> pd.DataFrame:
        """Every cell that was kept, as text; made anew each time it is asked for."""
        return pd.DataFrame({name: column.cells for name, column in self.columns.items()}, dtype=object)


def unreadable(file: str, problems: Iterable[Problem]) -> InputError:
    """Return the error of a file that cannot be read, with what was found in it."""
    return InputError("{file} cannot be read as it is", file=file, problems=list(problems))


def fault(
    file: str, found: str, allowed: str, action: str, *, row: int = 0, column: str = "", count: int = 1
) -> InputError:
    """Return the error of a file with one problem."""
    return unreadable(file, [Problem(found, allowed, action, file=file, column=column, row=row, count=count)])


def clean_name(name: Any) -> str:
    r"""Return a header as it is compared: composed, without invisible characters or outer blanks.

    Examples
    --------
    >>> clean_name("\ufeff Regio\u0301n\u00a0")
    'Región'
    """
    text = unicodedata.normalize("NFC", "" if name is None else str(name))
    return re.sub(r"\s+", " ", _INVISIBLE.sub("", text)).strip()


def checked_header(names: Sequence[str], *, file: str, row: int) -> list[str]:
    """Return clean headers.

    Unnamed columns come back as an empty text; the caller drops those that are empty throughout.

    Raises
    ------
    InputError
        If a name is given twice, none is given, or they look like the first row of data.
    """
    cleaned = [clean_name(name) for name in names]
    present = [name for name in cleaned if name]
    if not present:
        raise fault(
            file,
            Message("an empty header"),
            Message("one line with the names of the columns"),
            Message("give the line of the names as header_row"),
            row=row,
        )
    personal = [kind for name in present if (kind := identifier(name))]
    if personal:
        raise unreadable(
            file, [_personal_header(kind, file=file, row=row) for kind in dict.fromkeys(personal)]
        )
    problems = []
    for name in (name for name, n in Counter(present).items() if n > 1):
        places = [str(at + 1) for at, each in enumerate(cleaned) if each == name]
        problems.append(
            Problem(
                Message(
                    "the name {name!r} in columns {places}", name=name[:80], places=", ".join(places[:8])
                ),
                Message("each name once"),
                Message("rename all but one in the file"),
                file=file,
                row=row,
                column=name[:80],
            )
        )
    if problems:
        raise unreadable(file, problems)
    _refuse_wrapped(present, file=file, row=row)
    years = [name for name in present if _YEAR.fullmatch(name)]
    data_like = [name for name in present if _DATA.fullmatch(name) or "@" in name]
    if len(years) > 1 and len(years) == len(data_like) < len(present):
        return cleaned
    if 2 * len(data_like) >= len(present):
        raise fault(
            file,
            Message(
                "{n} of {all} names are numbers, dates or addresses, as in a row of data",
                n=len(data_like),
                all=len(present),
            ),
            Message("one line with the names of the columns"),
            Message("give the line of the names as header_row, or add one to the file"),
            row=row,
        )
    return cleaned


def _personal_header(kind: Identifier, *, file: str, row: int) -> Problem:
    return Problem(
        Message("what looks like personal data ({kind})", kind=spoken(kind)),
        Message("one line with the names of the columns"),
        Message("give the line of the names as header_row, or take it out of the header of the file"),
        file=file,
        row=row,
        rule=26,
    )


def _refuse_wrapped(names: Sequence[str], *, file: str, row: int) -> None:
    """Refuse names that all stand between marks which the file takes for quotes."""
    pairs = {name[:1] + name[-1:] for name in names if len(name) > 1}
    if len(names) < 2 or len(pairs) != 1 or not all(len(name) > 1 for name in names):
        return
    pair = next(iter(pairs))
    first, last = pair[0], pair[1]
    if first.isalnum() or first in "_*-." or (first != last and first + last not in ("“”", "‘’", "«»", "„“")):
        return
    raise fault(
        file,
        Message("every name between {first} and {last}, as if those were quotes", first=first, last=last),
        Message('quotes around whole fields only, and "" for a quote inside one'),
        Message('ask for the file with " for quotes, or without any'),
        row=row,
    )


def framed(
    rows: list[list[str]], header: list[str], lines: Sequence[int], *, file: str, header_row: int
) -> tuple[dict[str, Coded], npt.NDArray[np.int64]]:
    """Return rows of text as columns by header; see `held`.

    Raises
    ------
    InputError
        If there is no row.
    """
    columns = {at: Coded.of(cells) for at, cells in enumerate(zip(*rows, strict=True))}
    _, found = held(columns, header, rows=len(rows), file=file, header_row=header_row)
    return found, np.asarray(lines, dtype=np.int64)


def held(
    columns: Mapping[int, Coded], header: Sequence[str], *, rows: int, file: str, header_row: int
) -> tuple[tuple[str, ...], dict[str, Coded]]:
    """Return all headers, and by header the columns that are there.

    A column without a name is left out if it is empty throughout, else called by its place: `column 1`.

    Parameters
    ----------
    columns : mapping of int to Coded
        By place in the file; some may be left out, those without a name may not.
    header : sequence of str
        As `checked_header` returns it.
    rows : int
        How many rows there are.
    file : str
    header_row : int

    Raises
    ------
    InputError
        If there is no row.
    """
    if not rows:
        raise fault(
            file,
            Message("a header and no row under it"),
            Message("at least one row of data"),
            Message("ask for the file again: the export may have been cut"),
            row=header_row,
        )
    unnamed = [at for at, name in enumerate(header) if not name and not columns[at].blank]
    given = sum(map(bool, header))
    if len(unnamed) > given:
        raise fault(
            file,
            Message(
                "{n} columns without a name, {named} with one", n=len(unnamed), named=sum(map(bool, header))
            ),
            Message("one line with the names of the columns"),
            Message(
                "give the line of the names as header_row; if their names go on under it, declare "
                "`header_rows: 2` or the `layout:` of the survey tool"
            ),
            row=header_row,
        )
    named = {
        at: name or f"column {at + 1}" for at, name in enumerate(header) if name or not columns[at].blank
    }
    return tuple(named.values()), {name: columns[at] for at, name in named.items() if at in columns}


def limited(problems: list[Problem], *, file: str) -> list[Problem]:
    """Return the first problems and one that sums up the rest."""
    if len(problems) <= MOST_SHOWN:
        return problems
    rest = problems[MOST_SHOWN:]
    return [
        *problems[:MOST_SHOWN],
        Problem(
            Message("{n} more like these", n=len(rest)),
            rest[0].allowed,
            rest[0].action,
            file=file,
            row=rest[0].row,
            count=sum(each.count for each in rest),
        ),
    ]
