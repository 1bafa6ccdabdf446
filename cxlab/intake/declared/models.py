"""The model of data/CLIENT/client.yaml: what a client is called, and how its files become tables.

These classes are the file's only definition; `client.load` reads it and says what is wrong.
"""

from __future__ import annotations

import math
import re
import unicodedata
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from cxlab.errors import Message
from cxlab.intake.declared.canonical import tables
from cxlab.intake.declared.masks import knows_itself, names_of, rivals, with_masks

Language = Literal["es", "en"]
Format = Literal["csv", "excel", "parquet", "spss", "sql"]
Reason = Literal["missing", "not_asked", "not_applicable", "dont_know", "refused", "technical"]
OwnKind = Literal["number", "category", "text", "date", "flag"]

SUFFIXES: dict[str, Format] = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "csv",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".parquet": "parquet",
    ".sav": "spss",
    ".zsav": "spss",
    ".duckdb": "sql",
    ".sqlite": "sql",
    ".sqlite3": "sql",
    ".db": "sql",
}


def as_cell(value: Any) -> str:
    """Return a declared value as the text that a cell of a file would hold.

    Examples
    --------
    >>> as_cell(1), as_cell(1.0), as_cell("007"), as_cell(True), as_cell(date(2025, 1, 31))
    ('1', '1', '007', 'true', '2025-01-31')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return str(int(value))
    # Composed, as cells are compared: a code typed on one system is the same code in a file of another.
    return value.isoformat() if isinstance(value, date) else unicodedata.normalize("NFC", str(value))


def _cell(value: Any) -> str:
    if value is None or isinstance(value, (list, dict)):
        raise ValueError(Message("one value: a number, a text or a date"))
    return as_cell(value)


def _cells(value: Any) -> Any:
    """Accept one value, a list of them, or {value: reason}; give {value: reason}."""
    if isinstance(value, dict):
        return {_cell(code): reason for code, reason in value.items()}
    given = value if isinstance(value, list) else [value]
    return {_cell(code): "missing" for code in given}


def _recodes(value: Any) -> Any:
    if not isinstance(value, dict):
        raise ValueError(Message("a list of `found: wanted` pairs"))
    return {_cell(found): None if wanted is None else _cell(wanted) for found, wanted in value.items()}


def _name(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", value):
        raise ValueError(Message("a name in lower case: letters, digits and _, a letter first"))
    return value


def _table(value: str) -> str:
    if value not in tables():
        raise ValueError(Message("{tables}", tables=", ".join(tables())))
    return value


def _scale(value: tuple[float, float]) -> tuple[float, float]:
    if not value[0] < value[1]:
        raise ValueError(Message("[lowest, highest], the lowest first"))
    return value


def _colour(value: str) -> str:
    if not re.fullmatch(r"#[0-9A-Fa-f]{6}", value):
        raise ValueError(Message("a colour like #1F5FA8"))
    return value


def _encoding(value: str) -> str:
    try:
        "".encode(value)
    except (LookupError, UnicodeError):
        raise ValueError(Message("an encoding: utf-8, utf-16, latin-1, cp1252, mac_roman")) from None
    return value


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _own_words(value: Any) -> Any:
    """Accept {ours: theirs}, and such a mapping under es or en."""
    given = value if isinstance(value, dict) else {"": None}
    pairs = [
        pair
        for key, held in given.items()
        for pair in (held.items() if key in ("es", "en") and isinstance(held, dict) else [(key, held)])
    ]
    if not all(isinstance(text, str) and text.strip() for pair in pairs for text in pair):
        raise ValueError(Message("`our word: the client's word`, or such lists under es and en"))
    return value


def _timezone(value: str) -> str:
    try:
        return value if not value else ZoneInfo(value).key
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise ValueError(Message("a time zone, such as America/Santiago or Europe/Madrid")) from None


def _text_or_languages(value: Any) -> Any:
    return {"es": value, "en": value} if isinstance(value, (str, int, float)) else value


def _database(value: str) -> str:
    if value and not re.fullmatch(r"env:[A-Z][A-Z0-9_]*", value):
        raise ValueError(Message("env:NAME, the environment variable that holds the address"))
    return value


Bound = bool | int | float | date | str
Cell = Annotated[str, BeforeValidator(_cell)]
Name = Annotated[str, AfterValidator(_name)]
TableName = Annotated[str, AfterValidator(_table)]
Codes = Annotated[dict[str, Reason], BeforeValidator(_cells)]
Recodes = Annotated[dict[str, str | None], BeforeValidator(_recodes)]
Scale = Annotated[tuple[float, float], AfterValidator(_scale)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Texts(_Strict):
    """A text in each language; one language given stands for both."""

    es: str = ""
    en: str = ""

    def get(self, language: Language) -> str:
        """Return the text in `language`, or in the other one."""
        return (self.es or self.en) if language == "es" else (self.en or self.es)


Bilingual = Annotated[Texts, BeforeValidator(_text_or_languages)]


class Exclusion(_Strict):
    """Rows that are not used, and why."""

    where: str = Field(min_length=1)
    reason: str = Field(min_length=1)


class Equivalence(_Strict):
    """A scale taken to another one, point by point in a straight line; two alike say that they are one.

    Examples
    --------
    >>> Equivalence.model_validate({"from": [1, 5], "to": [1, 7]}).moved
    True
    """

    asked: Scale = Field(alias="from")
    stored: Scale = Field(alias="to")

    @property
    def moved(self) -> bool:
        """Whether the two scales are different, so that a series breaks here."""
        return self.asked != self.stored


class Break(_Strict):
    """A wave in which a column (`*`: all) cannot be compared with the ones before, and why."""

    wave: Cell = Field(min_length=1)
    column: str = Field(min_length=1)
    reason: Bilingual


class Confirmation(_Strict):
    """Who confirmed how a file is read and mapped, and when."""

    who: str = Field(min_length=1)
    on: date


class Counts(_Strict):
    """Cells that say how many: a column of them or, of a table, a column for each value of what lies across.

    Examples
    --------
    >>> Counts(cells={"Men": "man", "Women": "woman"}, across="sex").headers
    ('Men', 'Women')
    """

    column: Cell = ""
    cells: dict[Cell, Cell] = Field(default_factory=dict)
    across: str = ""

    @property
    def headers(self) -> tuple[str, ...]:
        """Headers of the columns that hold counts."""
        return tuple(self.cells) or (self.column,)

    @model_validator(mode="after")
    def _one_shape(self) -> Counts:
        if bool(self.column) == bool(self.cells) or bool(self.cells) != bool(self.across):
            raise ValueError(
                Message("either `column`, or `cells` (which value each column is) and `across` (their name)")
            )
        _name(self.across or "n")
        return self


def _raters(value: dict[str, str]) -> dict[str, str]:
    if len(value) == 1 or len(set(value.values())) < len(value):
        raise ValueError(Message("the column of each rater, two or more"))
    return value


class Source(_Strict):
    """One file, and how it becomes rows of one canonical table.

    `names` maps the file's headers to columns of the table; every other key names columns by their
    name in the table.
    """

    file: str = Field(min_length=1)
    table: TableName
    database: Annotated[str, AfterValidator(_database)] = ""
    query: str = ""
    bind: dict[Name, Bound] = Field(default_factory=dict)
    format: Format | None = None
    encoding: Annotated[str, AfterValidator(_encoding)] | None = None
    separator: Literal[",", ";", "\t", "|"] | None = None
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ".", ",", " "] = ""
    timezone: Annotated[str, AfterValidator(_timezone)] = ""
    sheet: str = ""
    header_row: int = Field(default=1, ge=1, le=1000)
    skip_after_header: int = Field(default=0, ge=0, le=1000)
    layout: Literal["plain", "qualtrics", "surveymonkey"] = "plain"
    header_rows: int = Field(default=1, ge=1, le=10)
    skip_at_end: int = Field(default=0, ge=0, le=100)
    hidden_rows: Literal["read", "skip"] | None = None
    counts: Counts | None = None
    raters: Annotated[dict[Cell, Cell], AfterValidator(_raters)] = Field(default_factory=dict)
    names: dict[Cell, Name] = Field(default_factory=dict)
    ids: list[str] = Field(default_factory=list)
    drop: list[Cell] = Field(default_factory=list)
    values: dict[str, Recodes] = Field(default_factory=dict)
    value_labels: list[str] = Field(default_factory=list)
    leading_number: list[str] = Field(default_factory=list)
    multiple: list[list[str]] = Field(default_factory=list)
    split: dict[str, Annotated[str, Field(min_length=1, max_length=3)]] = Field(default_factory=dict)
    scales: dict[str, Scale] = Field(default_factory=dict)
    equivalent: dict[str, Equivalence] = Field(default_factory=dict)
    reverse: list[str] = Field(default_factory=list)
    more_is_better: list[str] = Field(default_factory=list)
    missing: dict[str, Codes] = Field(default_factory=dict)
    not_applicable: dict[str, Codes] = Field(default_factory=dict)
    na_reasons: list[str] = Field(default_factory=list)
    asked_if: dict[str, Cell] = Field(default_factory=dict)
    dates: dict[str, str] = Field(default_factory=dict)
    kinds: dict[str, OwnKind] = Field(default_factory=dict)
    constants: dict[Name, Cell] = Field(default_factory=dict)
    derive: dict[Name, Cell] = Field(default_factory=dict)
    updates: str = ""
    duplicates: Literal["refuse", "identical", "first", "last"] = "refuse"
    after_event: list[str] = Field(default_factory=list)
    exclude: list[Exclusion] = Field(default_factory=list)
    row_id: Name | None = None
    confirmed_by: Confirmation | None = None

    @property
    def shaped(self) -> bool:
        """Whether its rows are made of counts, or of what several raters say in one row."""
        return self.counts is not None or bool(self.raters)

    @property
    def given(self) -> tuple[str, ...]:
        """Columns that the file does not have and the source gives: constants, and the line of each row."""
        return (*self.constants, *([self.row_id] if self.row_id is not None else []))

    @model_validator(mode="before")
    @classmethod
    def _called_by_its_database(cls, given: Any) -> Any:
        """Call a source without a file by the variable that names its database."""
        if isinstance(given, dict) and "file" not in given and isinstance(given.get("database"), str):
            return {**given, "file": given["database"]}
        return given

    @property
    def read_as(self) -> Format | None:
        """How the file is read: as declared, else by its suffix."""
        if self.database:
            return "sql"
        return self.format or SUFFIXES.get(Path(self.file).suffix.lower())


class Labels(_Strict):
    """What columns and their values are called in each language."""

    columns: dict[str, Bilingual] = Field(default_factory=dict)
    values: dict[str, dict[Cell, Bilingual]] = Field(default_factory=dict)


class Privacy(_Strict):
    """Columns of free text that a person has read; false alarms cleared, with the reason; what is emptied.

    In the columns of `empty_personal` ("*": in all) the cells that look personal are not stored.
    """

    free_text: list[str] = Field(default_factory=list)
    not_personal: dict[str, str] = Field(default_factory=dict)
    empty_personal: Annotated[list[str], BeforeValidator(_listed)] = Field(default_factory=list)


class Extension(_Strict):
    """Until when data are kept beyond `retain_until`, and why."""

    until: date
    reason: str = Field(min_length=1)


class Colours(_Strict):
    """The client's colours, as #RRGGBB."""

    focal: Annotated[str, AfterValidator(_colour)] | None = None
    second: Annotated[str, AfterValidator(_colour)] | None = None
    third: Annotated[str, AfterValidator(_colour)] | None = None


class Deck(_Strict):
    """The firm's slides: its .pptx in the client's folder, and which of its layouts is for what."""

    template: str
    layouts: dict[Literal["title", "content"], str] = Field(default_factory=dict)


class Client(_Strict):
    """A client as declared in its client.yaml.

    Attributes beside the file's own keys: `folder`, the client's folder; `slug`, its name;
    `sha256`, the hash of the file as it was read.
    """

    name: Bilingual
    language: Language = "es"
    purpose: str = ""
    legal_basis: str = ""
    responsible: str = ""
    retain_until: date | None = None
    extended: Extension | None = None
    data_date: date | None = None
    colours: Colours = Colours()
    logo: str | None = None
    deck: Deck | None = None
    paper: Literal["A4", "Letter"] = "A4"
    mask_peers: Literal[True] | list[Cell] = Field(default_factory=list)
    privacy: Privacy = Privacy()
    breaks: list[Break] = Field(default_factory=list)
    labels: Labels = Labels()
    words: Annotated[dict[str, Any], BeforeValidator(_own_words)] = Field(default_factory=dict)
    sources: list[Source] = Field(default_factory=list)
    folder: Path = Field(default=Path(), exclude=True)
    sha256: str = Field(default="", exclude=True)

    @property
    def slug(self) -> str:
        """Name of the client's folder, by which commands know it."""
        return self.folder.name

    def title(self, language: Language) -> str:
        """Return the client's name in a language, or in the other one."""
        return self.name.get(language)

    def labels_mapping(self) -> dict[str, Any]:
        """Return plain mappings: columns {name: {es, en}}, values {column: {value: {es, en}}}, own words.

        Rivals of `mask_peers` are called by a letter.
        """
        own = {"words": self.words} if self.words else {}
        return {**with_masks(self.labels.model_dump(), self.rivals), **own}

    @property
    def rivals(self) -> list[str]:
        """Codes of the peers that reports call by a letter."""
        return rivals(self.mask_peers, self.labels.model_dump(), self._own)

    @property
    def masks_whom(self) -> bool:
        """Whether `mask_peers: true` can be followed: one of the labelled peers is the client itself."""
        return self.mask_peers is not True or knows_itself(self.labels.model_dump(), self._own)

    @property
    def _own(self) -> list[str]:
        return [self.name.get("es"), self.name.get("en"), self.slug]

    def rivals_names(self) -> set[str]:
        """Return the names of the masked rivals, which no file that is handed over may say."""
        return names_of(self.labels.model_dump(), self.rivals)
