"""What the cells of one column look like: how many, how many different, numbers, codes, dates, persons."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from cxlab.intake.files.reading import Reading
from cxlab.intake.privacy.identifiers import Identifier
from cxlab.intake.privacy.personal import kinds_in, reads_as_prose
from cxlab.intake.privacy.pseudonyms import personal_name
from cxlab.intake.proposals.vocabulary import folded, listed_name, no_answer, vocabulary
from cxlab.intake.tables.cells import Marks, is_code, number

_LEADING = re.compile(r"\s*([-+]?\d{1,4})\s*(?:[-.):=–—]+\s*)+(?=\D)(.*\S)\s*", re.DOTALL)
_DATE = re.compile(
    r"(?P<a>\d{1,4})(?P<mark>[-/.])(?P<b>\d{1,2})(?P=mark)(?P<c>\d{4}|\d{2})"
    r"(?P<gap>[ T]|, )?(?P<time>\d{1,2}:\d{2}(?P<s>:\d{2}(?:\.\d+)?)?)?(?P<half>\s?[AaPp][Mm])?"
)
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?(?:Z|[+-]\d{2}:?\d{2})?")
_SERIAL = re.compile(r"[2-6]\d{4}(?:\.\d+)?")
_NAME_LIKE = re.compile(
    r"[A-ZÁÉÍÓÚÑÜ][\w'’.-]*(?: (?:de|del|la|las|los|y|van|von)\b)*(?: [A-ZÁÉÍÓÚÑÜ][\w'’.-]*){1,4}"
)
_NATIONAL = re.compile(r"(?i)(?:^|[\W_])(?:rut|run|dni|nif|nie|curp|rfc|ssn)(?:$|[\W_\d])")
# Above this a number beside worded points is a code, not a point.
MOST_POINTS = 12
# Distinct texts looked at for what takes a search in each.
SEARCHED = 2_000


@dataclass(frozen=True, eq=False)
class Profile:
    """The cells of one column.

    Attributes
    ----------
    header, question : str
    counts : dict of str to int
        Rows of each distinct text, outer blanks off, the most frequent first.
    blank, spaces, rows : int
        Cells without text; of those, the ones that hold blanks; and all.
    labels : dict of str to str
        Those that the file carries, by code.
    declared_missing : set of str
        Codes that the file declares missing.
    """

    header: str
    question: str
    counts: Mapping[str, int]
    blank: int
    rows: int
    marks: Marks
    labels: Mapping[str, str] = field(default_factory=dict)
    declared_missing: frozenset[str] = frozenset()
    spaces: int = 0

    @property
    def filled(self) -> int:
        """Rows that have a text."""
        return self.rows - self.blank

    @cached_property
    def reasons(self) -> dict[str, str]:
        """Texts that say, by themselves or by their label, that there is no answer; and why."""
        short = sum(len(text) <= 3 and text.isalpha() for text in self.counts)
        # NC among states is North Carolina; NC among whole words, or among numbers, is no answer.
        plain = [text for text in self.counts if len(text) > 3 or 2 * short < len(self.counts)]
        told = {text: no_answer(self.labels.get(text, "")) for text in self.counts}
        told |= {text: told[text] or no_answer(text) for text in plain}
        told |= {text: told.get(text) or "missing" for text in self.declared_missing if text in self.counts}
        return {text: reason for text, reason in told.items() if reason}

    @cached_property
    def answers(self) -> dict[str, int]:
        """Texts that are answers, and their rows."""
        return {text: n for text, n in self.counts.items() if text not in self.reasons}

    @cached_property
    def numbers(self) -> dict[str, float]:
        """Answers that are numbers as the file writes them."""
        found = {text: number(text, self.marks) for text in self.answers}
        return {text: value for text, value in found.items() if value is not None}

    @cached_property
    def numeric(self) -> bool:
        """Whether nearly every answer is a number, and none a code with leading zeros."""
        total = sum(self.answers.values())
        own = sum(self.answers[text] for text in self.numbers)
        return bool(total) and 20 * own >= 19 * total and not any(is_code(text) for text in self.numbers)

    @cached_property
    def whole(self) -> bool:
        """Whether the numbers are whole."""
        return all(value.is_integer() for value in self.numbers.values())

    @cached_property
    def leading(self) -> dict[str, tuple[int, str]]:
        """Number and words of each text, where all of them but words of no answer start with a number."""
        found = {text: _LEADING.fullmatch(text) for text in self.counts}
        told = {text: (int(match[1]), match[2]) for text, match in found.items() if match}
        worded = [text for text in self.answers if text not in told and text not in self.numbers]
        # Only the ends of a scale may have their words: 0 - Nada probable, 1, 2, ... 10 - Muy probable.
        points = {value for text, value in self.numbers.items() if text not in told}
        few = bool(told) and len(told) <= 60 and len({float(code) for code, _ in told.values()} | points) >= 2
        ends = all(0 <= value <= 10 for value in points if value < MOST_POINTS)
        often = 2 * len(told) >= len(self.counts)
        return told if few and not worded and (often or ends) else {}

    @cached_property
    def yes_no(self) -> dict[str, int]:
        """1 and 0 of texts that are only yes and no."""
        words = vocabulary()
        told = {
            text: 1 if folded(text) in words.yes else 0 if folded(text) in words.no else -1
            for text in self.answers
        }
        return told if len(told) == 2 and set(told.values()) == {0, 1} else {}

    @cached_property
    def unique(self) -> bool:
        """Whether (nearly) every filled row has a text of its own."""
        return (
            self.filled >= 1
            and len(self.counts) >= 0.98 * self.filled
            and (self.filled >= 20 or self.blank == 0)
        )

    @cached_property
    def coded(self) -> bool:
        """Whether the texts look like codes of things: one word, mostly with digits or of one length."""
        texts = list(self.answers)[:SEARCHED]
        plain = sum(bool(re.fullmatch(r"[\w./-]{1,40}", text)) for text in texts)
        digits = sum(any(each.isdigit() for each in text) for text in texts)
        return bool(texts) and plain >= 0.98 * len(texts) and digits >= 0.9 * len(texts)

    @cached_property
    def person(self) -> str:
        """What personal data the column holds by its name or its cells: empty if none."""
        if listed_name(self.header, self.question, vocabulary().personal):
            return self._kind_inside() or "name"
        inside = self._kind_inside()
        if inside:
            return inside
        if personal_name(self.header) or (
            self.question and personal_name(self.question) and len(self.question) < 60
        ):
            return "id" if _NATIONAL.search(f"{self.header} {self.question[:60]}") else "name"
        return ""

    def _kind_inside(self) -> str:
        kinds = list(self._kinds.values())
        if 2 * len(kinds) < max(len(list(self.answers)[:SEARCHED]), 1):
            return ""
        return max(set(kinds), key=kinds.count) if kinds else ""

    @cached_property
    def _kinds(self) -> dict[int, Identifier]:
        """What personal data its texts hold, by their place, as the check would tell."""
        return kinds_in(list(self.answers)[:SEARCHED], numeric=self.numeric)

    @cached_property
    def hides_persons(self) -> bool:
        """Whether some cells hold what identifies a person though the column as a whole does not."""
        if self._kinds:
            return True
        rest = list(self.answers)[SEARCHED : 20 * SEARCHED]
        return bool(rest) and bool(kinds_in(rest, numeric=self.numeric))

    @cached_property
    def prose(self) -> bool:
        """Whether the texts are sentences that people wrote."""
        texts = list(self.answers)
        if reads_as_prose(texts):
            return True
        long = sum(text.count(" ") >= 3 for text in texts)
        return (
            bool(texts)
            and not self.numeric
            and len(texts) > 30
            and 2 * long >= len(texts)
            and 2 * len(texts) >= self.filled
        )

    @cached_property
    def names_of_people(self) -> bool:
        """Whether most texts are written as names of people: two to five capitalised words, no digits."""
        texts = list(self.answers)[:SEARCHED]
        alike = sum(bool(_NAME_LIKE.fullmatch(text.title() if text.isupper() else text)) for text in texts)
        return len(texts) > 20 and 10 * alike >= 6 * len(texts)

    @cached_property
    def date(self) -> DateForm | None:
        """How the column writes dates, if it does."""
        return date_form(list(self.answers))

    @cached_property
    def serials(self) -> bool:
        """Whether all answers could be serial dates of Excel."""
        return bool(self.answers) and all(_SERIAL.fullmatch(text) for text in self.answers)


@dataclass(frozen=True)
class DateForm:
    """How dates are written: the form (empty for ISO), another that fits as well, and the proof."""

    form: str
    other: str = ""
    proof: str = ""


def date_form(texts: list[str]) -> DateForm | None:
    """Return how texts write dates; None if they do not.

    Examples
    --------
    >>> date_form(["03/04/2025", "25/04/2025"]).form, date_form(["03/04/2025"]).other
    ('%d/%m/%Y', '%m/%d/%Y')
    >>> date_form(["2025-06-30"]).form, date_form(["7", "8"])
    ('', None)
    """
    if not texts:
        return None
    if all(_ISO.fullmatch(text) for text in texts):
        return DateForm("", proof=texts[0][:10])
    found = [match for text in texts if (match := _DATE.fullmatch(text))]
    if len(found) < 0.95 * len(texts) or not found:
        return None
    first = found[0]
    shape = {
        (match["mark"], len(match["c"]), bool(match["time"]), match["gap"], bool(match["half"]))
        for match in found
    }
    if len(shape) > 1 and len({each[:2] for each in shape}) > 1:
        return None
    mark, year = first["mark"], "%Y" if len(first["c"]) == 4 else "%y"
    if len(first["a"]) == 4:
        return DateForm(f"%Y{mark}%m{mark}%d{_clock(first)}", proof=first[0])
    days = next((match[0] for match in found if int(match["a"]) > 12), "")
    months = next((match[0] for match in found if int(match["b"]) > 12), "")
    day_first = f"%d{mark}%m{mark}{year}{_clock(first)}"
    month_first = f"%m{mark}%d{mark}{year}{_clock(first)}"
    if days and months:
        return None
    if days or months:
        return DateForm(day_first if days else month_first, proof=days or months)
    return DateForm(day_first, other=month_first)


def _clock(match: re.Match[str]) -> str:
    if not match["time"]:
        return ""
    seconds = ":%S" if match["s"] else ""
    hours = "%I" if match["half"] else "%H"
    half = ("" if match["half"][0].isalpha() else " ") + "%p" if match["half"] else ""
    return f"{match['gap'] or ''}{hours}:%M{seconds}{half}"


def profiles(reading: Reading, marks: Marks) -> list[Profile]:
    """Return the profile of each column of a file as read."""
    made = []
    for name, column in reading.columns.items():
        counts: dict[str, int] = {}
        blank = spaces = 0
        for text, n in zip(column.distinct, column.counts.tolist(), strict=True):
            bare = text.strip()
            if bare:
                counts[bare] = counts.get(bare, 0) + n
            else:
                blank, spaces = blank + n, spaces + (n if text else 0)
        made.append(
            Profile(
                name,
                reading.questions.get(name, ""),
                dict(sorted(counts.items(), key=lambda each: -each[1])),
                blank,
                len(column),
                marks,
                reading.labels.get(name, {}),
                frozenset(reading.declared_missing.get(name, ())),
                spaces,
            )
        )
    return made
