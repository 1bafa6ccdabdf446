"""Which dirt each file of the deliveries holds, counted in what was written: the rows of truth.json."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from cxlab.demo import exports, extracts
from cxlab.demo.dirt import Dirt, Written
from cxlab.intake.privacy.identifiers import identifier

PERSONAL_OF_QUALTRICS = ("IPAddress", "RecipientLastName", "RecipientFirstName", "RecipientEmail")


def in_survey(file: Written) -> Iterator[Dirt]:
    """Give the dirt of one wave's survey."""
    headers = exports.SECOND if file.wave == "2025T2" else exports.FIRST
    yield from _export(file)
    yield from _answers(file, headers)
    if file.wave == "2025T2":
        yield from _edited(file, headers)
        yield from _repeated(file)
        yield from _signed(file)


def _export(file: Written) -> Iterator[Dirt]:
    """Give what every export of Qualtrics has."""
    yield file.dirt(
        "header_rows", "the questions and the ImportIds stand under the names", told="problem", line=2,
        count=2, declare="layout: qualtrics", then="ledger: header rows (2)",
    )  # fmt: skip
    for kind, reason in (("Survey Preview", "preview"), ("Survey Test", "test")):
        at = file.places("Status", _is(kind))
        if at["count"]:
            yield file.dirt(
                f"{reason}_rows", f"{reason}s of the questionnaire among the answers", **at, rule=9,
                told="ledger", declare="layout: qualtrics", then=f"excluded, counted ({reason})",
            )  # fmt: skip
    for column in PERSONAL_OF_QUALTRICS:
        at = file.places(column, bool)
        yield file.dirt(
            "personal_column", "a column that says who answered", **at, told="ledger",
            declare="drop, or nothing", then="listed as not used or dropped, never stored",
        )  # fmt: skip
    yield file.dirt(
        "line_breaks", "comments that go over two lines", **file.places("Q9", lambda cell: "\n" in cell),
        told="ledger", then="each answer read as one row",
    )  # fmt: skip
    prose = file.places("Q9", bool)
    yield file.dirt(
        "prose", "free text: names in it cannot be recognised", **prose, rule=26, told="problem",
        declare="privacy: {free_text: [verbatim]}", then="stored once somebody has read it",
    )  # fmt: skip
    seconds = sorted(file.columns["Duration (in seconds)"])
    median = seconds[len(seconds) // 2]
    yield file.dirt(
        "speeders", "answers given in less than a third of the median time",
        **file.places("Duration (in seconds)", lambda cell: cell < median / 3),
        rule=10, told="warning", declare="exclude, or nothing", then="warned of, with their count",
    )  # fmt: skip


def _answers(file: Written, headers: dict[str, str]) -> Iterator[Dirt]:
    for name, header in headers.items():
        at = file.places(header, _is(exports.DONT_KNOW))
        if at["count"]:
            yield file.dirt(
                "undeclared_99", "99 where the question was left open", **at, rule=3, told="problem",
                declare=f"missing: {{{name}: {{99: dont_know}}}}", then="missing, with its reason",
            )  # fmt: skip
    said = file.places(headers["recommend"], lambda cell: isinstance(cell, str) and " - " in cell)
    yield file.dirt(
        "number_and_text", "10 - Muy probable in place of 10", **said, told="problem",
        declare="leading_number: [recommend]", then="the number is taken",
    )  # fmt: skip
    yield file.dirt(
        "reversed", "effort asked: more is worse", **file.places("Q4", lambda cell: cell != ""), rule=5,
        told="problem", declare="reverse: [ces]", then="turned round",
    )  # fmt: skip
    for name in ("attr_call_wait", "attr_call_knowledge"):
        yield file.dirt(
            "asked_to_some", "asked only to those who called", **file.places(headers[name], _is("")),
            rule=19, told="warning", declare=f'asked_if: {{{name}: "attr_called == 1"}}', then="not_asked",
        )  # fmt: skip


def _edited(file: Written, headers: dict[str, str]) -> Iterator[Dirt]:
    """Give what somebody changed in the questionnaire between the waves."""

    def changed(kind: str, says: str, header: str, declare: str, then: str) -> Dirt:
        return file.dirt(kind, says, told="change", column=header, line=2, declare=declare, then=then)

    yield changed(
        "renamed", "Q2 is now called NPS: the same question", "NPS", "names: {NPS: recommend}", "one series"
    )
    for name in ("overall_sat", "attr_ease"):
        yield changed(
            "reworded", f"the question of {name} reads otherwise", headers[name],
            f"breaks: [{{wave: 2025T2, column: {name}, reason: ...}}]", "a break of the series in reports",
        )  # fmt: skip
    yield changed(
        "name_reused", "Q5_5 asked for kindness and now asks for ambience", "Q5_5",
        "names: {Q5_5: attr_ambience}", "each answer under its own question",
    )  # fmt: skip
    yield changed("gone", "kindness is no longer asked", "", "nothing", "no value in this wave")
    yield changed("new", "the wifi signal is asked for the first time", "Q5_6", "names, scales", "stored")
    yield file.dirt(
        "other_scale", "asked from 1 to 5, not from 1 to 7", rule=4, told="change",
        **file.places("Q5_2", lambda cell: cell != "" and cell <= 5),
        declare="equivalent: {attr_billing: {from: [1, 5], to: [1, 7]}}",
        then="taken to 1-7, a break of the series in reports",
    )  # fmt: skip
    for name in exports.RATHER_NOT_IN:
        at = file.places(headers[name], _is(exports.RATHER_NOT))
        yield file.dirt(
            "new_code", "98 is new: rather not answer", **at, rule=3, told="change",
            declare=f"missing: {{{name}: {{98: refused}}}}", then="missing, with its reason",
        )  # fmt: skip
    yield file.dirt(
        "new_value", "WhatsApp is a new way of answering", **file.places("Medio", _is("WhatsApp")), rule=2,
        told="change", declare="values: {mode: {WhatsApp: whatsapp}}", then="recoded",
    )  # fmt: skip


def _repeated(file: Written) -> Iterator[Dirt]:
    ids = file.columns["ResponseId"]
    seen: dict[Any, int] = {}
    repeats = [(at, seen[each]) for at, each in enumerate(ids) if seen.setdefault(each, at) != at]
    same = [at for at, first in repeats if all(cells[at] == cells[first] for cells in file.columns.values())]
    other = [at for at, _ in repeats if at not in same]
    for kind, rows, says, declare in (
        ("repeated_exactly", same, "the same answer twice, alike in everything", "duplicates: identical"),
        ("repeated_changed", other, "the same response id with other answers, later", "duplicates: last"),
    ):
        yield file.dirt(
            kind, says, column="ResponseId", line=file.lines[rows[0]], count=len(rows), rule=1,
            told="problem", declare=declare, then="excluded, counted",
        )  # fmt: skip


def _signed(file: Written) -> Iterator[Dirt]:
    for kind in ("RUT", "e-mail"):
        yield file.dirt(
            "personal_in_comment", f"a comment with a valid {kind} in it",
            **file.places("Q9", _holds(kind)), rule=26, told="problem",
            declare="privacy: {empty_personal: [verbatim]}", then="those cells emptied, counted",
        )  # fmt: skip


def in_crm(file: Written) -> Iterator[Dirt]:
    """Give the dirt of one CRM extract."""
    first = file.wave == "2025T1"
    if first:
        end = file.lines[-1]
        yield file.dirt(
            "encoding", "latin-1, not UTF-8", told="problem", line=1, declare="encoding: latin-1",
            then="read as latin-1",
        )  # fmt: skip
        yield file.dirt(
            "totals_row", "a row of totals under the customers", line=end + 1, told="problem",
            declare="skip_at_end: 2", then="ledger: counted apart",
        )  # fmt: skip
        yield file.dirt(
            "footer", "a line that says where the file comes from", line=end + 2, told="problem",
            declare="skip_at_end: 2", then="ledger: counted apart",
        )  # fmt: skip
    else:
        yield file.dirt(
            "encoding_changed", "UTF-8 now, latin-1 in the first delivery", told="change",
            declare="encoding: utf-8", then="read as UTF-8",
        )  # fmt: skip
        yield file.dirt(
            "footer_gone", "no totals and no footer: skipping two lines would lose two customers",
            told="change", declare="skip_at_end: 0", then="every customer read",
        )  # fmt: skip
        yield file.dirt(
            "renamed", "CARGO_MENSUAL is now called CARGO_MES", told="change", column="CARGO_MES", line=1,
            declare="names: {CARGO_MES: attr_price}", then="one column",
        )  # fmt: skip
    yield from _customers(file, "CARGO_MENSUAL" if first else "CARGO_MES")


def _customers(file: Written, price: str) -> Iterator[Dirt]:
    yield file.dirt(
        "decimal_comma", "25,43 in place of 25.43", **file.places(price, lambda cell: "," in cell),
        told="problem", declare='decimal: ","', then="read as a number",
    )  # fmt: skip
    for column in ("FECHA_ALTA", "FECHA_BAJA", "FECHA_CORTE"):
        yield file.dirt(
            "day_first", "30-06-2025 in place of 2025-06-30", **file.places(column, bool),
            told="problem", declare='dates: {...: "%d-%m-%Y"}', then="read as a date",
        )  # fmt: skip
    for column in ("NOMBRE", "CORREO", "TELEFONO"):
        yield file.dirt(
            "personal_column", "a column that says who the customer is", **file.places(column, bool),
            told="ledger", declare="drop, or nothing",
            then="listed as not used or dropped, never stored",
        )  # fmt: skip
    yield file.dirt(
        "test_accounts", "accounts with which the operator tries things",
        **file.places("SEGMENTO", _is("Prueba")), rule=9, told="warning",
        declare="exclude: [{where: \"segment == 'Prueba'\", reason: ...}]", then="excluded, counted",
    )  # fmt: skip


def in_benchmark(file: Written) -> Iterator[Dirt]:
    """Give the dirt of the benchmark in SPSS."""
    for header, name in extracts.BENCHMARK.items():
        yield file.dirt(
            "undeclared_99", "99 labelled NS/NR and not declared as missing", **file.places(header, _is(99)),
            rule=3, told="problem", declare=f"missing: {{{name}: {{99: dont_know}}}}",
            then="missing, with its reason",
        )  # fmt: skip


def in_contacts(file: Written) -> Iterator[Dirt]:
    """Give the dirt of the workbook."""
    top = extracts.TITLE_ROWS
    yield file.dirt(
        "sheets", "the data are on the second sheet", told="problem", declare="sheet: Contactos",
        then="that sheet is read",
    )  # fmt: skip
    yield file.dirt(
        "title_rows", "two titles above the names", told="problem", line=1, count=top,
        declare=f"header_row: {top + 1}", then="ledger: header rows",
    )  # fmt: skip
    yield file.dirt(
        "merged_header", "the names stand on two rows, the upper one merged", told="problem", line=top + 1,
        declare="header_rows: 2", then="one name for each column",
    )  # fmt: skip
    yield file.dirt(
        "serial_dates", "45748 in place of 2025-04-01", **file.places("Contacto Fecha", bool),
        told="problem", declare="dates: {ts_start: excel}", then="read as a date",
    )  # fmt: skip
    yield file.dirt(
        "totals_row", "a row of totals under the contacts", line=file.lines[-1] + 1,
        told="problem", declare="skip_at_end: 1", then="ledger: counted apart",
    )  # fmt: skip


def _is(value: Any) -> Callable[[Any], bool]:
    return lambda cell: bool(cell == value)


def _holds(kind: str) -> Callable[[Any], bool]:
    return lambda cell: identifier(cell) == kind
