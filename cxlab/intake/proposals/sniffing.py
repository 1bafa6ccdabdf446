"""What a file under raw/ is and how it is to be read: proposed keys of its source, each with its evidence.

The content decides, never the suffix alone; what is proposed is then read by the reader itself, so that
nothing is said of a file that the check would read otherwise. Large files are seen in part: their first
part, one from the middle and the last.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxlab.errors import InputError, Message
from cxlab.intake.declared.models import SUFFIXES, Source
from cxlab.intake.files.dialects import found_dialect, found_marks
from cxlab.intake.files.encodings import Encoded, found_encoding
from cxlab.intake.files.headers import Header, found_header
from cxlab.intake.files.readers import read
from cxlab.intake.files.reading import Reading
from cxlab.intake.files.signatures import kind_of
from cxlab.intake.folders import declared_path
from cxlab.intake.privacy.identifiers import identifier

if TYPE_CHECKING:
    from cxlab.intake.files.sheets import Glance

# Text beyond this is seen in part: so much of its start, and as much of its middle and its end.
WHOLE, HEAD, PART = 24_000_000, 6_000_000, 1_500_000
PARQUET_ROWS = 200_000
READ_BY = (
    "encoding",
    "hidden_rows",
    "separator",
    "header_row",
    "header_rows",
    "layout",
    "skip_after_header",
    "skip_at_end",
)
Said = Mapping[str, Mapping[str, Any]]
_READ_AS = "survey_responses"  # any table will do: only the reading counts here


@dataclass(frozen=True, eq=False, kw_only=True)
class Sniff:
    """A file, or a sheet of it, and how to read it.

    Attributes
    ----------
    file, sheet : str
    keys : dict
        Keys of its source other than file, table and sheet.
    reading : Reading or None
        What the reader makes of it with those keys; None if it refuses.
    evidence : tuple of Message
        Why those keys, and what the reader refuses.
    confidence : float
        From 0 to 1; 0 if it cannot be read as it is.
    whole : bool
        Whether every row was seen.
    """

    file: str
    sheet: str = ""
    keys: dict[str, Any] = field(default_factory=dict)
    reading: Reading | None = None
    evidence: tuple[Message, ...] = ()
    confidence: float = 0.0
    whole: bool = True


def raw_files(folder: Path, wave: str = "") -> list[str]:
    """Return the files under raw/ (or raw/WAVE/), hidden ones apart, as client.yaml would name them.

    Raises
    ------
    InputError
        If there is no such folder, or a file's own name is personal.
    """
    base = folder / "raw" / wave if wave else folder / "raw"
    if not base.is_dir() or not base.resolve().is_relative_to((folder / "raw").resolve()):
        raise InputError(
            "there is no folder {folder} in {client}; make it and put the files there",
            folder=f"raw/{wave}".rstrip("/"),
            client=folder.name,
        )
    files = []
    for path in sorted(base.rglob("*")):
        inner = path.relative_to(folder)
        if path.is_dir() or any(part.startswith((".", "~$")) for part in inner.parts):
            continue
        if identifier(path.stem):
            raise InputError(
                "a file in {folder} has a name that may be personal; rename it",
                folder=inner.parent.as_posix(),
            )
        files.append(inner.as_posix())
    return files


def sniff(folder: Path, file: str, *, said: Said | None = None) -> list[Sniff]:
    """Return how to read each table of a file: one of a delimited text, one for each sheet of a workbook.

    Files that are no tables of a format cxlab reads come back with what they are and no reading.

    Parameters
    ----------
    folder : Path
        The client's folder.
    file : str
        As client.yaml would name it.
    said : mapping of str to mapping, optional
        Keys of reading that a person gave, by sheet (an empty text for a text): they win.
    """
    said = said or {}
    try:
        path = declared_path(folder, file)
        if not path.is_file():
            return [Sniff(file=file, evidence=(Message("not a file that can be read"),))]
        with path.open("rb") as opened:
            start = opened.read(4_096)
    except InputError as error:
        return [Sniff(file=file, evidence=_refusal(error))]
    kind = kind_of(start) or "csv" if start.strip() else Message("an empty file")
    if b"\0" in start and kind == "csv" and not start.startswith((b"\xff\xfe", b"\xfe\xff")):
        kind = Message("not text nor a container that is known")
    if kind == "csv":
        return [_delimited(folder, path, file, said.get("", {}))]
    if kind == "excel":
        return _workbook(folder, path, file, said)
    if kind in ("parquet", "spss"):
        return [_typed(folder, path, file, kind)]
    if kind == "sql":
        return [
            Sniff(file=file, evidence=(Message("a database: say in client.yaml what to read, as `query:`"),))
        ]
    return [Sniff(file=file, evidence=(Message("{what}, which cxlab does not read", what=kind),))]


def _refusal(error: InputError) -> tuple[Message, ...]:
    if not error.problems:
        return (error.message,)
    told = [
        Message("line {row}: {found}. {action}", row=each.row, found=each.found, action=each.action)
        if each.row
        else Message("{found}. {action}", found=each.found, action=each.action)
        for each in error.problems[:3]
    ]
    return (Message("cannot be read as it is"), *told)


def _format_key(file: str, kind: str) -> dict[str, Any]:
    return {} if SUFFIXES.get(Path(file).suffix.lower()) == kind else {"format": kind}


def _delimited(folder: Path, path: Path, file: str, said: Mapping[str, Any]) -> Sniff:
    content, whole = _sample(path)
    encoded = found_encoding(content)
    if "encoding" in said:
        encoded = Encoded(str(said["encoding"]), 1.0, ())
    try:
        text = content.decode(encoded.encoding, "strict" if whole else "replace").lstrip("\ufeff")
    except (UnicodeDecodeError, LookupError):
        text = content.decode("latin-1")
    dialect = found_dialect(text)
    keys: dict[str, Any] = _format_key(file, "csv")
    keys |= {"encoding": encoded.encoding, "separator": dialect.separator}
    keys |= _header_keys(dialect.header, dialect.first_line)
    evidence = [*encoded.evidence, *dialect.evidence, *dialect.header.evidence]
    confidence = min(encoded.confidence, dialect.confidence, dialect.header.confidence)
    if not whole:
        evidence.append(
            Message(
                "seen in part: {seen} of {all} MB, its start, middle and end",
                seen=round(len(content) / 1e6),
                all=round(path.stat().st_size / 1e6),
            )
        )
    if said:
        keys |= said
        evidence.append(Message("read as a person said: {keys}", keys=", ".join(said)))
    return _read_with(folder, file, keys, evidence, confidence, None if whole else content)


def _header_keys(header: Header, first_line: int) -> dict[str, Any]:
    keys = {
        "header_row": (first_line, 1),
        "layout": (header.layout, "plain"),
        "header_rows": (header.rows, 1),
        "skip_after_header": (header.skip_after, 0),
        "skip_at_end": (header.skip_at_end, 0),
    }
    return {name: value for name, (value, default) in keys.items() if value != default}


def _sample(path: Path) -> tuple[bytes, bool]:
    """Return a text's bytes, or its start, middle and end cut at line ends; and whether that is all."""
    size = path.stat().st_size
    if size <= WHOLE:
        return path.read_bytes(), True
    with path.open("rb") as file:
        parts = [file.read(HEAD)]
        for at in (size // 2, size - PART):
            file.seek(at)
            part = file.read(PART)
            parts.append(part[part.find(b"\n") + 1 :])
    kept = [part[: part.rfind(b"\n") + 1] for part in parts[:-1]]
    return b"".join([*kept, parts[-1]]), False


def _read_with(
    folder: Path,
    file: str,
    keys: dict[str, Any],
    evidence: list[Message],
    confidence: float,
    sample: bytes | None,
    sheet: str = "",
) -> Sniff:
    """Read the file, or the sample of it, with the keys proposed; add its number marks."""
    found: dict[str, Any] = {"file": file, "sheet": sheet, "whole": sample is None}
    try:
        reading = _reading(folder, {"file": file, "table": _READ_AS, "sheet": sheet} | keys, sample)
    except InputError as error:
        return Sniff(**found, keys=keys, evidence=(*evidence, *_refusal(error)))
    marks = found_marks(column.distinct[:3_000] for column in reading.columns.values())
    if not reading.typed:
        said = {"decimal": marks.decimal, "thousands": marks.thousands}
        found_keys = {key: value for key, value in said.items() if value != {"decimal": "."}.get(key, "")}
        given = {"decimal", "thousands"} & set(keys)
        keys = found_keys | keys
        evidence += marks.evidence
        confidence = confidence if given else min(confidence, marks.confidence)
    return Sniff(**found, keys=keys, reading=reading, evidence=tuple(evidence), confidence=confidence)


def _reading(folder: Path, given: dict[str, Any], sample: bytes | None) -> Reading:
    if sample is None:
        return read(Source.model_validate(given), folder)[0]
    # Within the client's folder: not even for a moment do its rows lie elsewhere.
    with tempfile.TemporaryDirectory(dir=folder, prefix=".sample-") as place:
        aside = Path(place) / f"sample{Path(given['file']).suffix}"
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(sample)
        return read(Source.model_validate(given | {"file": aside.name}), Path(place))[0]


def reread(folder: Path, item: dict[str, Any]) -> tuple[Reading, bool]:
    """Return what the reader makes of a file as its source says, and whether it was read whole.

    Raises
    ------
    InputError
        If it cannot be read so.
    """
    kind = item.get("format") or SUFFIXES.get(Path(item["file"]).suffix.lower())
    path = declared_path(folder, item["file"])
    keys = {
        key: value for key, value in item.items() if key in ("file", "sheet", "table", "format", *READ_BY)
    }
    sample = None
    if kind == "csv" and path.is_file() and path.stat().st_size > WHOLE:
        sample = _sample(path)[0]
    elif kind == "parquet" and path.is_file():
        sample = _first_rows(path)
    return _reading(folder, keys, sample), sample is None


def _holds_table(sheet: Glance) -> bool:
    """Tell whether a sheet has two rows with two cells or more: neither empty, nor a title, nor a cover."""
    return sum(sum(bool(cell.strip()) for cell in row) >= 2 for _, row in sheet.head) >= 2


def _workbook(folder: Path, path: Path, file: str, said: Said) -> list[Sniff]:
    from cxlab.intake.files.sheets import glances

    try:
        sheets = list(glances(path.read_bytes(), file=file))
    except InputError as error:
        return [Sniff(file=file, evidence=_refusal(error))]
    found: list[Sniff] = []
    bare = [sheet.name for sheet in sheets if not _holds_table(sheet)]
    for sheet in sheets:
        named = sheet.name if len(sheets) > 1 else ""
        rows = [row for _, row in sheet.head]
        if sheet.name in bare:
            continue
        header = found_header(rows, [row for _, row in sheet.tail])
        keys = _format_key(file, "excel") | _header_keys(header, sheet.head[header.at][0])
        evidence = [Message("sheet {sheet}", sheet=sheet.name), *header.evidence]
        if bare and not found:
            evidence.append(Message("sheets without a table: {names}", names=", ".join(bare[:5])))
        if sheet.hidden_rows:
            keys["hidden_rows"] = "read"
            evidence.append(Message("{n} hidden rows: are they to be read, or skipped?", n=sheet.hidden_rows))
        if sheet.hidden:
            evidence.append(Message("the sheet is hidden"))
        confidence = min(header.confidence, 0.5 if sheet.hidden or sheet.hidden_rows else 1.0)
        if own := said.get(named):
            keys |= own
            evidence.append(Message("read as a person said: {keys}", keys=", ".join(own)))
        found.append(_read_with(folder, file, keys, evidence, confidence, None, named))
    return found or [Sniff(file=file, evidence=(Message("a workbook without a table"),))]


def _typed(folder: Path, path: Path, file: str, kind: str) -> Sniff:
    keys = _format_key(file, kind)
    sample = _first_rows(path) if kind == "parquet" else None
    evidence = [Message("its content is {kind}", kind={"spss": "SPSS"}.get(kind, "Parquet"))]
    if sample is not None:
        evidence.append(Message("seen in part: its first {n} rows", n=PARQUET_ROWS))
    told = _read_with(folder, file, keys, evidence, 0.98, sample)
    if told.reading is not None and told.reading.labels:
        said = Message("value labels in {n} columns", n=len(told.reading.labels))
        encoding = told.reading.how.get("encoding", "")
        more = (said, Message("encoding {encoding}, as the file says", encoding=encoding or "-"))
        return Sniff(**{**vars(told), "evidence": (*told.evidence, *more)})
    return told


def _first_rows(path: Path) -> bytes | None:
    """Return the first rows of a large Parquet file as a file of their own; None if it is not large."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        source = pq.ParquetFile(path)
        if source.metadata.num_rows <= PARQUET_ROWS:
            return None
        first = next(source.iter_batches(batch_size=PARQUET_ROWS))
    except (pa.ArrowException, OSError, StopIteration):
        return None  # the reader will say what is wrong
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_batches([first]), sink)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def label(file: str, sheet: str = "") -> str:
    """Return how a file, or a sheet of it, is called: `raw/x.xlsx [Hoja1]`.

    Examples
    --------
    >>> label("raw/x.xlsx", "Hoja1"), label("raw/x.csv")
    ('raw/x.xlsx [Hoja1]', 'raw/x.csv')
    """
    return f"{file} [{sheet}]" if sheet else file
