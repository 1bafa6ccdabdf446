"""One clean table, and the ways in which a delimited file of it goes wrong on its way.

The rules follow Vitagliano et al. (2023), "Pollock: A Data Loading Benchmark", PVLDB 16(8): pollutions of
the dialect, of the encoding, of the header, of what stands around the table, and of each row and field,
position by position. The files are made here; none is the benchmark's own.
"""
# ruff: noqa: E501  tables of cases: one case to a line

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

HEADER = ["sale_id", "sold_on", "sold_at", "qty", "price", "kind", "product", "link", "comment"]
KINDS = ["móvil", "fibra", "televisión", "accesorio"]
PRODUCTS = [
    "Plan {n} GB",
    "Router, banda {n}",
    'Cable de {n}"',
    "Decodificador «{n}K»",
    "Funda; talla {n}",
]
COMMENTS = [
    "",
    "todo bien",
    "llegó tarde, y sin aviso",
    'dijo "ya va" y no vino',
    "primera visita: sí\nsegunda visita: no",
    "señal débil; se corta",
]
Table = list[list[str]]


def clean_table(rows: int = 80, *, seed: int = 20_230) -> Table:
    """Return the header and `rows` rows of text, numbers, dates, quotes and line breaks."""
    rng = np.random.default_rng(seed)
    table = [HEADER]
    for n in range(rows):
        table.append(
            [
                f"V-{n:04d}",
                f"2024-{1 + n % 12:02d}-{1 + n % 28:02d}",
                f"{8 + n % 12:02d}:{(7 * n) % 60:02d}:00",
                str(int(rng.integers(1, 40))),
                f"{rng.uniform(1, 900):.2f}",
                KINDS[int(rng.integers(len(KINDS)))],
                PRODUCTS[int(rng.integers(len(PRODUCTS)))].format(n=n),
                f"https://tienda.example.com/p/{n}?c={n % 7}",
                COMMENTS[int(rng.integers(len(COMMENTS)))],
            ]
        )
    return table


def written(
    table: Table,
    *,
    separator: str = ",",
    quote: str = '"',
    quoting: int = csv.QUOTE_MINIMAL,
    end: str = "\r\n",
    doubled: bool = True,
    escape: str | None = None,
) -> str:
    """Return the table as delimited text."""
    if quoting == csv.QUOTE_MINIMAL and quote == '"' and doubled:
        # Not Python's writer: with another end of rows it leaves a line break bare.
        return "".join(separator.join(_field(cell, separator) for cell in row) + end for row in table)
    sink = io.StringIO()
    csv.writer(
        sink,
        delimiter=separator,
        quotechar=quote,
        quoting=quoting,
        lineterminator=end,
        doublequote=doubled,
        escapechar=escape,
    ).writerows(table)
    return sink.getvalue()


@dataclass(frozen=True)
class Polluted:
    """One polluted file: what was done, the bytes, and where.

    `lines` are the physical lines that a refusal may name; empty if the fault is of the whole file.
    `table` is the table that a reader may give; the clean one if it is not given.
    """

    name: str
    content: bytes
    lines: frozenset[int] = frozenset()
    table: Table | None = None


class Records:
    """The clean file cut into records and fields as written, to be put together with one thing wrong."""

    def __init__(self, table: Table) -> None:
        self.fields = [[_field(cell) for cell in row] for row in table]
        self.records = [",".join(row) for row in self.fields]
        self.starts = [1]
        for record in self.records:
            self.starts.append(self.starts[-1] + 1 + record.count("\n"))

    def lines(self, at: int) -> frozenset[int]:
        """Return the lines that a record stands on."""
        return frozenset(range(self.starts[at], self.starts[at + 1]))

    def with_record(self, at: int, text: str) -> bytes:
        """Return the file with another text in the place of one record."""
        records = [*self.records[:at], text, *self.records[at + 1 :]]
        return "".join(f"{record}\r\n" for record in records).encode()

    def with_field(self, at: int, place: int, text: str) -> bytes:
        """Return the file with another text in the place of one field."""
        fields = [*self.fields[at][:place], text, *self.fields[at][place + 1 :]]
        return self.with_record(at, ",".join(fields))


def _field(cell: str, separator: str = ",") -> str:
    bare = not any(mark in cell for mark in (separator, '"', "\r", "\n"))
    return cell if bare else '"' + cell.replace('"', '""') + '"'


def polluted_files(table: Table) -> Iterator[Polluted]:
    """Give every polluted file of the table."""
    records = Records(table)
    for at in range(len(table)):
        yield from _fields(records, at)
        yield from _row(records, at)
    yield from _dialects(table)
    yield from _encodings(table)
    yield from _headers(table, records)
    yield from _surroundings(table, records)


def _fields(records: Records, at: int) -> Iterator[Polluted]:
    """One separator or one quote too many or too few, at each field of a row."""
    lines = records.lines(at)
    fields = records.fields[at]
    for place, field in enumerate(fields):
        where = f"row {at} field {place}"
        yield Polluted(f"more separators, {where}", records.with_field(at, place, "," + field), lines)
        if place:
            joined = [*fields[: place - 1], fields[place - 1] + field, *fields[place + 1 :]]
            yield Polluted(f"less separators, {where}", records.with_record(at, ",".join(joined)), lines)
        quoted = field.startswith('"')
        if field:
            yield Polluted(f"quote before, {where}", records.with_field(at, place, '"' + field), lines)
            middle = 1 + len(field) // 2
            if field[middle - 1 : middle] != '"' and field[middle : middle + 1] != '"':
                inside = field[:middle] + '"' + field[middle:]
                yield Polluted(f"quote inside, {where}", records.with_field(at, place, inside), lines)
        if field and not quoted:
            yield Polluted(f"quote after, {where}", records.with_field(at, place, field + '"'), lines)
        if quoted:
            yield Polluted(f"no closing quote, {where}", records.with_field(at, place, field[:-1]), lines)
            yield Polluted(f"no opening quote, {where}", records.with_field(at, place, field[1:]), lines)
            slashed = field[0] + field[1:-1].replace('""', '\\"') + '"'
            if slashed != field:
                yield Polluted(f"slash before quotes, {where}", records.with_field(at, place, slashed), lines)


def _row(records: Records, at: int) -> Iterator[Polluted]:
    """Another separator, a break or a tail in one row."""
    lines = records.lines(at)
    fields = records.fields[at]
    for name, mark in (("semicolon", ";"), ("tab", "\t"), ("blank", " "), ("comma and blank", ", ")):
        text = mark.join(fields)
        yield Polluted(f"{name} as separator, row {at}", records.with_record(at, text), lines)
    yield Polluted(f"separator at the end, row {at}", records.with_record(at, ",".join(fields) + ","), lines)
    half = ",".join(fields[:4]) + "\r\n" + ",".join(fields[4:])
    split = lines | {records.starts[at] + 1}
    yield Polluted(f"cut in two, row {at}", records.with_record(at, half), frozenset(split))
    if at + 1 < len(records.records):
        both = records.records[at] + records.records[at + 1]
        merged = [*records.records[:at], both, *records.records[at + 2 :]]
        text = "".join(f"{record}\r\n" for record in merged)
        yield Polluted(f"no end, row {at}", text.encode(), lines)


def _dialects(table: Table) -> Iterator[Polluted]:  # noqa: C901  a list of cases
    """The whole file in another dialect."""
    every = csv.QUOTE_ALL
    for name, mark in (("semicolon", ";"), ("tab", "\t"), ("bar", "|"), ("blank", " "), ("colon", ":"), ("caret", "^"), ("tilde", "~"), ("bell", "\x07"), ("unit", "\x1f")):  # fmt: skip
        for quoting, how in ((csv.QUOTE_MINIMAL, "some"), (every, "all")):
            text = written(table, separator=mark, quoting=quoting)
            yield Polluted(f"{name} as separator, {how} quoted", text.encode())
    for name, mark in (("apostrophe", "'"), ("backquote", "`"), ("dollar", "$")):
        for quoting, how in ((csv.QUOTE_MINIMAL, "some"), (every, "all")):
            text = written(table, quote=mark, quoting=quoting)
            yield Polluted(f"{name} as quote, {how} quoted", text.encode())
    curly = "\r\n".join(",".join(f"\u201c{cell}\u201d" for cell in row) for row in table)
    yield Polluted("curly quotes", curly.encode())
    yield Polluted("no quotes at all", "\r\n".join(",".join(row) for row in table).encode())
    for name, mark in (("slash", "\\"), ("hat", "^"), ("percent", "%")):
        for quoting, how in ((csv.QUOTE_MINIMAL, "some"), (every, "all")):
            text = written(table, doubled=False, escape=mark, quoting=quoting)
            yield Polluted(f"{name} as escape, {how} quoted", text.encode())
    yield Polluted("all quoted, quotes not doubled", "\r\n".join(",".join(f'"{cell}"' for cell in row) for row in table).encode())  # fmt: skip
    for end in (
        "\n",
        "\r",
        "\r\r\n",
        "\n\r",
        "\n\n",
        "\x0b",
        "\x0c",
        "\x1e",
        "\x85",
        "\u2028",
        ";",
        "|\r\n",
        " \r\n",
    ):
        for quoting, how in ((csv.QUOTE_MINIMAL, "some"), (every, "all")):
            yield Polluted(f"rows end with {end!r}, {how} quoted", written(table, end=end, quoting=quoting).encode())  # fmt: skip
    text = written(table)
    rows = text.split("\r\n")
    yield Polluted("ends of rows mixed", "".join(row + ("\n", "\r\n", "\r")[at % 3] for at, row in enumerate(rows)).encode())  # fmt: skip
    for name, mark in (
        ("blank after", ", "),
        ("blank before", " ,"),
        ("tab after", ",\t"),
        ("blanks around", " , "),
    ):
        for how, make in (
            ("some quoted", _field),
            ("all quoted", lambda cell: '"' + cell.replace('"', '""') + '"'),
        ):
            lines = "\r\n".join(mark.join(make(cell) for cell in row) for row in table)
            yield Polluted(f"{name} separators, {how}", lines.encode())
    for name, mark in (("two bars", "||"), ("two commas", ",,"), ("bar and semicolon", "|;"), ("two colons", "::")):  # fmt: skip
        yield Polluted(f"{name} as separator", "\r\n".join(mark.join(_field(cell) for cell in row) for row in table).encode())  # fmt: skip


def _encodings(table: Table) -> Iterator[Polluted]:
    text = written(table)
    for encoding in ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252", "cp850", "mac_roman", "utf-7", "cp037", "iso8859_15"):  # fmt: skip
        yield Polluted(f"saved as {encoding}", text.encode(encoding))
    yield Polluted("utf-16 with the other mark", b"\xff\xfe" + text.encode("utf-16-be"))
    yield Polluted("utf-16 with a mark, big end first", b"\xfe\xff" + text.encode("utf-16-be"))
    for wrong in ("latin-1", "cp1252"):
        yield Polluted(f"utf-8 read as {wrong} and saved", text.encode().decode(wrong, "replace").encode())
    yield Polluted(
        "ascii with lost letters", text.encode("ascii", "replace").replace(b"?c=", b"\xef\xbf\xbdc=")
    )
    yield Polluted("a mark in the middle", written(table[:40]).encode() + "\ufeff".encode() + written(table[40:]).encode())  # fmt: skip
    yield Polluted("two marks", b"\xef\xbb\xbf\xef\xbb\xbf" + text.encode())
    yield Polluted("ends with ctrl-z", text.encode() + b"\x1a")
    yield Polluted("ends with NULs", text.encode() + b"\0" * 64)
    yield Polluted("starts with a NUL", b"\0" + text.encode())


def _headers(table: Table, records: Records) -> Iterator[Polluted]:
    rows = table[1:]
    blank = [""] * len(HEADER)
    yield Polluted("no header", written(rows).encode(), frozenset({1}))
    yield Polluted("no header, all quoted", written(rows, quoting=csv.QUOTE_ALL).encode(), frozenset({1}))
    yield Polluted("header of blanks", written([blank, *rows]).encode(), frozenset({1, 2}))
    yield Polluted("header of one name", written([["Ventas", *blank[1:]], *rows]).encode(), frozenset({1}))
    yield Polluted("half a header", written([[*HEADER[:4], *blank[4:]], *rows]).encode(), frozenset({1}))
    yield Polluted("header of numbers", written([[str(n) for n in range(9)], *rows]).encode(), frozenset({1}))
    for at in range(1, len(HEADER)):
        twice = [*HEADER[:at], HEADER[at - 1], *HEADER[at + 1 :]]
        yield Polluted(f"a name twice, {at}", written([twice, *rows]).encode(), frozenset({1}))
        short = written([HEADER[:at], *rows]).encode()
        yield Polluted(f"header of {at} names", short, frozenset({1, 2}))
    yield Polluted("header of more names", written([[*HEADER, "x", "y"], *rows]).encode(), frozenset({1, 2}))
    groups = ["Venta", "", "", "Cantidad", "", "Producto", "", "", "Otros"]
    units = ["código", "día", "hora", "unidades", "pesos", "texto", "texto", "texto", "texto"]
    yield Polluted("two header rows, groups first", written([groups, *table]).encode(), frozenset({1, 2}))
    yield Polluted("two header rows, units under", written([HEADER, units, *rows]).encode(), frozenset({2}))
    three = written([HEADER, units, groups, *rows]).encode()
    yield Polluted("three header rows", three, frozenset({2, 3}))
    yield Polluted("header twice", written([HEADER, *table]).encode(), frozenset({2}))
    under = ["-" * len(name) for name in HEADER]
    yield Polluted("a rule under the header", written([HEADER, under, *rows]).encode(), frozenset({2}))
    long = ["x" * 300 + name for name in HEADER]
    yield Polluted("long names", written([long, *rows]).encode(), table=[long, *rows])
    accented = [name + "_ñandú_日本" for name in HEADER]
    yield Polluted("names in other alphabets", written([accented, *rows]).encode(), table=[accented, *rows])
    for at in (20, 40, 60):
        again = written([*table[:at], HEADER, *table[at:]]).encode()
        yield Polluted(f"header again, row {at}", again, frozenset({records.starts[at]}))


def _surroundings(table: Table, records: Records) -> Iterator[Polluted]:
    """What stands before, between and after the rows."""
    clean, width = written(table), len(HEADER)
    last = records.starts[-1]
    yield Polluted("empty", b"")
    yield Polluted("only blanks", b" \r\n\r\n")
    yield Polluted("only a header", written(table[:1]).encode(), frozenset({1}))
    yield Polluted("one row", written(table[:2]).encode(), table=table[:2])
    yield Polluted("two rows", written(table[:3]).encode(), table=table[:3])
    yield Polluted("no end of the last row", clean.removesuffix("\r\n").encode())
    for n in (1, 2, 5):
        yield Polluted(f"{n} blank lines after", (clean + "\r\n" * n).encode())
        yield Polluted(f"{n} blank lines before", ("\r\n" * n + clean).encode())
        empty = [[""] * width] * n
        yield Polluted(f"{n} empty rows after", written([*table, *empty]).encode())
        yield Polluted(f"{n} empty rows before", written([*empty, *table]).encode(), frozenset({1, n + 1}))
        yield Polluted(f"{n} empty rows inside", written([*table[:30], *empty, *table[30:]]).encode())
        title = [f"Informe de ventas {k}" for k in range(n)]
        preamble = "".join(f"{each}\r\n" for each in title)
        yield Polluted(f"{n} lines before", (preamble + clean).encode(), frozenset(range(1, n + 3)))
        spaced = preamble + "\r\n" + clean
        yield Polluted(f"{n} lines and a blank before", spaced.encode(), frozenset(range(1, n + 4)))
        padded = written([[each, *[""] * (width - 1)] for each in title])
        yield Polluted(f"{n} padded lines before", (padded + clean).encode(), frozenset(range(1, n + 2)))
        foot = "".join(f"Fuente: ventas {k}\r\n" for k in range(n))
        after = frozenset(range(last, last + n + 1))
        yield Polluted(f"{n} lines after", (clean + foot).encode(), after)
        yield Polluted(
            f"a blank and {n} lines after", (clean + "\r\n" + foot).encode(), after | {last + n + 1}
        )
        padded = written([[f"Fuente: ventas {k}", *[""] * (width - 1)] for k in range(n)])
        yield Polluted(f"{n} padded lines after", (clean + padded).encode(), after)
    total = ["Total", "", "", "999", "12345.60", "", "", "", ""]
    yield Polluted("a row of totals after", written([*table, total]).encode(), frozenset({last}))
    yield Polluted(
        "separators at the end of all rows", "".join(f"{each},\r\n" for each in records.records).encode()
    )
    yield Polluted("three separators at the end of all rows", "".join(f"{each},,,\r\n" for each in records.records).encode())  # fmt: skip
    rows = "".join(f"{each},\r\n" for each in records.records[1:])
    yield Polluted("separators at the end of all rows but the header", (records.records[0] + "\r\n" + rows).encode(), frozenset({1, 2}))  # fmt: skip
    yield Polluted("separator at the end of the header", written([[*HEADER, ""], *table[1:]]).encode(), frozenset({1, 2}))  # fmt: skip
    for name, other in _other_tables():
        lines = frozenset(range(last, last + 3))
        yield Polluted(f"{name} after", (clean + written(other)).encode(), lines)
        yield Polluted(f"{name} after a blank line", (clean + "\r\n" + written(other)).encode(), lines)
        before = frozenset(range(1, len(other) + 3))
        yield Polluted(f"{name} before", (written(other) + clean).encode(), before)
        yield Polluted(f"{name} before, and a blank line", (written(other) + "\r\n" + clean).encode(), before)


def _other_tables() -> Iterator[tuple[str, Table]]:
    yield (
        "a narrower table",
        [["tienda", "ventas", "meta"]] + [[f"T{k}", str(9 * k), "100"] for k in range(6)],
    )
    yield "a wider table", [[f"columna {k}" for k in range(12)]] + [[str(k)] * 12 for k in range(6)]
    words = ["tienda", "ciudad", "jefatura", "zona", "estado", "meta", "logro", "nota", "turno"]
    yield "a table of as many columns", [words] + [[f"{word} {k}" for word in words] for k in range(6)]
