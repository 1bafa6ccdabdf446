"""Quotes that stand where none may: inside a field without quotes around it, or after a blank.

Python's reader takes such a quote as a letter. In a file that never quotes it is one (5" of pipe); in a file
that quotes, a quote was lost or slipped in, and the cell is not what was typed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from cxlab.errors import Message, Problem
from cxlab.intake.files.reading import limited

_ALLOWED = Message('quotes around whole fields only, and "" for a quote inside one')


@dataclass
class Quotes:
    """What has been seen of the quotes of one file."""

    file: str
    separator: str
    used: bool = False
    padded: bool = False
    bare: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        mark = re.escape(self.separator)
        cell = rf'(?:"(?:[^"]++|"")*+"|[^"{mark}\r\n]*+)'
        self._strict = re.compile(rf"{cell}(?:{mark}{cell})*+(?:\r\n|\n|\r)?")
        blank = " +" if self.separator == "\t" else r"[ \t]+"
        self._padded = re.compile(rf'(?:^|{mark}){blank}"')

    def look(self, record: str, line: int) -> None:
        """Look at the text of one record that starts on a line."""
        if '"' not in record:
            return
        if self._strict.fullmatch(record):
            self.used = True
            return
        self.bare.append(line)
        self.padded = self.padded or self._padded.search(record) is not None

    def problems(self) -> list[Problem]:
        """Return the records with a quote that is neither a letter nor a pair."""
        if not (self.bare and (self.used or self.padded)):
            return []
        action = (
            Message("take out the blanks between the separator and the quote, or ask for the file again")
            if self.padded
            else Message('put that whole field in quotes and write "" for a quote inside it')
        )
        found = Message("a quote in a field that has none around it")
        problems = [Problem(found, _ALLOWED, action, file=self.file, row=line) for line in self.bare]
        return limited(problems, file=self.file)
