"""`propose`: what a client's undeclared files are, which table each is of and what each column becomes.

A file with the headers of one already declared starts from that declaration: its keys are inherited, and
only what is different has to be decided. A declared key always wins over what a file looks like.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from cxlab.errors import InputError, Message
from cxlab.intake.client import Client, load
from cxlab.intake.declared.canonical import tables
from cxlab.intake.declared.declaration import read_yaml
from cxlab.intake.folders import client_folder
from cxlab.intake.privacy.identifiers import identifier
from cxlab.intake.proposals.column_proposals import propose_columns
from cxlab.intake.proposals.inheritance import inherited
from cxlab.intake.proposals.matches import chosen_table
from cxlab.intake.proposals.profiles import profiles
from cxlab.intake.proposals.proposal import ColumnProposal, FileProposal, Proposal, with_row_id
from cxlab.intake.proposals.sniffing import Sniff, label, raw_files, sniff
from cxlab.intake.proposals.vocabulary import folded, table_hint
from cxlab.intake.proposals.waves import Codebooks, codebooks, follow
from cxlab.intake.tables.cells import Marks

_WAVE = re.compile(
    r"(?i)(?<![0-9a-z])((?:19|20)\d{2}[-_ ]?(?:t|q|s|trim|sem|ola|w|m)[-_ ]?\d{1,2}|"
    r"[1-4][tq][-_ ]?(?:19|20)\d{2}|"
    r"(?:ola|wave|w)[-_ ]?\d{1,3}|(?:19|20)\d{2}[-_](?:0[1-9]|1[0-2])|(?:19|20)\d{2})(?![0-9])"
)


def propose(
    root: str | Path,
    client: str,
    *,
    wave: str | None = None,
    said: Mapping[str, Mapping[str, Any]] | None = None,
) -> Proposal:
    """Propose how each undeclared file of a client is read and mapped; nothing is written.

    Parameters
    ----------
    root : path
        The workbench's folder.
    client : str
        Name of the client's folder under data/.
    wave : str, optional
        Only the files under raw/WAVE/.
    said : mapping of str to mapping, optional
        Keys of reading that a person gave to a file or sheet, by its label: they win over what it looks like.

    Returns
    -------
    Proposal
        One file for each file or sheet that no source names, none if all are declared.

    Raises
    ------
    InputError
        If there is no such client or folder, or its client.yaml is not valid.
    """
    declared = load(client_folder(root, client))
    known = {(source.file, source.sheet) for source in declared.sources}
    whole = {source.file for source in declared.sources if not source.sheet}
    names = accepted_names(Path(root), declared)
    books = codebooks(declared)
    files = []
    for file in raw_files(declared.folder, wave or ""):
        if file in whole:
            continue
        own = {sheet_of(name, file): keys for name, keys in (said or {}).items() if name.startswith(file)}
        for told in sniff(declared.folder, file, said=own):
            if (told.file, told.sheet) not in known:
                files.append(_proposed(told, declared, names, books, wave or ""))
    return Proposal(
        client=declared.slug,
        language=declared.language,
        files=tuple(files),
        declared=tuple(label(source.file, source.sheet) for source in declared.sources),
    )


def sheet_of(name: str, file: str) -> str:
    """Return the sheet that a label names, an empty text if none.

    Examples
    --------
    >>> sheet_of("raw/x.xlsx [Hoja1]", "raw/x.xlsx"), sheet_of("raw/x.csv", "raw/x.csv")
    ('Hoja1', '')
    """
    return name.removeprefix(file).strip().removeprefix("[").removesuffix("]")


def marks_of(sniffed: Sniff) -> Marks:
    """Return how a sniffed file writes its numbers."""
    typed = sniffed.reading is not None and sniffed.reading.typed
    keys = sniffed.keys
    return Marks(decimal=keys.get("decimal", "."), thousands=keys.get("thousands", ""), typed=typed)


def _proposed(
    told: Sniff, client: Client, names: dict[str, dict[str, str]], books: Codebooks, wave: str
) -> FileProposal:
    base = FileProposal(
        file=told.file,
        sheet=told.sheet,
        keys=told.keys,
        evidence=told.evidence,
        confidence=told.confidence,
        wave=wave_of(told.file, wave),
    )
    if told.reading is None:
        return replace(base, readable=False, confidence=0.0)
    if any(identifier(header) for header in told.reading.headers):
        said = Message("names of columns that look like personal data: is the row of the names right?")
        return replace(base, readable=False, confidence=0.0, evidence=(*base.evidence, said))
    seen = profiles(told.reading, marks_of(told))
    followed = follow(books, told)
    if followed is not None:
        return inherited(base, followed, seen, client.language)
    called = f"{PurePosixPath(told.file).name} {told.sheet}"
    hints = {name: table_hint(called, name) for name in tables()}
    table, sure, why = chosen_table(seen, hints)
    own = {folded(h) for source in client.sources if source.table == table for h in source.names}
    accepted = names.get(table, {})
    sure_names = {h: name for h, name in accepted.items() if h in own or not is_code(h)}
    columns = propose_columns(seen, table, client.language, accepted=sure_names)
    columns = tuple(_as_accepted(columns, accepted, own, table))
    columns = (*with_row_id(columns, table), *columns)
    wave_known = any(each.column == "wave_id" for each in columns) or "wave_id" not in tables()[table].columns
    return replace(
        base,
        table=table,
        wave="" if wave_known else base.wave,
        evidence=(*base.evidence, why),
        confidence=round(min(base.confidence, sure), 2),
        columns=columns,
    )


def wave_of(file: str, wave: str = "") -> str:
    """Return the wave that a file's folder or name says, or an empty text.

    Examples
    --------
    >>> wave_of("raw/2025T1/encuesta.csv"), wave_of("raw/clientes_2025-06.xlsx"), wave_of("raw/x.csv")
    ('2025T1', '2025-06', '')
    """
    if wave:
        return wave
    inner = PurePosixPath(file).parts[1:-1]
    if inner:
        return inner[0]
    match = _WAVE.search(PurePosixPath(file).stem)
    return match[1] if match else ""


def accepted_names(root: Path, client: Client) -> dict[str, dict[str, str]]:
    """Return the columns that this and other clients' declarations gave to headers, by table and header.

    Only the names are taken, never a value nor anything of their files; where declarations disagree on a
    header, it is left out, unless this client's own says it.
    """
    given: dict[str, dict[str, set[str]]] = {}
    for folder in sorted((root / "data").glob("*")):
        path = folder / "client.yaml"
        if folder.is_symlink() or not path.is_file() or path.is_symlink() or folder == client.folder:
            continue
        for item in _declared_names(path):
            of_table = given.setdefault(item["table"], {})
            for header, column in item["names"].items():
                of_table.setdefault(folded(str(header)), set()).add(str(column))
    names = {
        table: {header: columns.pop() for header, columns in found.items() if len(columns) == 1}
        for table, found in given.items()
    }
    for source in client.sources:
        own = {folded(header): column for header, column in source.names.items()}
        names[source.table] = names.get(source.table, {}) | own
    return names


def _declared_names(path: Path) -> Iterator[dict[str, Any]]:
    """Give the sources of a client.yaml, none if it cannot be read: others' slips are not told here."""
    try:
        content = read_yaml(path.read_text(encoding="utf-8-sig"), name="client.yaml")
    except (InputError, OSError, UnicodeDecodeError):
        return
    sources = content.get("sources")
    for item in sources if isinstance(sources, list) else []:
        if isinstance(item, dict) and isinstance(item.get("names"), dict) and item.get("table") in tables():
            yield item


def _as_accepted(
    columns: tuple[ColumnProposal, ...], names: Mapping[str, str], own: Collection[str], table: str
) -> Iterator[ColumnProposal]:
    """Give the columns, attributes under the name that an accepted map gave to their header.

    A header that is but a code, as Q5_1, says the same only in the maps of the client itself: elsewhere it
    is a suggestion, left undecided.
    """
    taken = {each.column for each in columns}
    known = tables()[table].columns
    for each in columns:
        header = folded(each.header)
        name = names.get(header, "")
        if not name or each.decision == "drop" or each.personal or name in known or each.column in known:
            yield each
            continue
        if name != each.column and name in taken:
            yield each
            continue
        taken.add(name)
        sure = header in own or not is_code(header)
        said = Message("an accepted map calls it so")
        if not sure:
            said = Message("another client's map calls that code so: is it the same question?")
        told = replace(each, column=name, reasons=(*each.reasons, said))
        yield told if sure else replace(told, confidence=min(each.confidence, 0.7), decision="")


def is_code(header: str) -> bool:
    """Tell whether a folded header is the code of a question and no words.

    Examples
    --------
    >>> is_code("q5 1"), is_code("p4"), is_code("v10"), is_code("zona bi"), is_code("nps")
    (True, True, True, False, False)
    """
    return re.fullmatch(r"(?:[a-z]{1,3} ?)?\d{1,3}(?: ?(?:\d{1,3}|[a-z]{1,2}))?", header) is not None
