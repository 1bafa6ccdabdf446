"""What a published run stands on today: its notebook and parameters, its data, and what has changed since."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from cxlab.cells import assigned
from cxlab.errors import CxlabError, InputError, Message
from cxlab.intake.dataset import open_dataset
from cxlab.intake.declared.canonical import tables as canonical_tables
from cxlab.intake.folders import declared_path
from cxlab.intake.unchanged import table_in_doubt
from cxlab.parameters import tagged
from cxlab.runs import machine, outputs, provenance
from cxlab.runs.compared.diff import Cause, causes
from cxlab.runs.entries import Entry
from cxlab.runs.provenance import INJECTED, Ground
from cxlab.runs.published import Run
from cxlab.runs.study import Study, read_study
from cxlab.runs.verified.differing import NOTEBOOK, Files


def entry_of(manifest: Mapping[str, Any], files: Files, root: Path) -> tuple[Study, Entry]:
    """Return the entry that a run was of: its notebook as it was published, its parameters from there."""
    cells = json.loads(files[NOTEBOOK])
    given = [assigned(cell, notebook=str(manifest["notebook"])) for cell in tagged(cells, INJECTED)]
    notebook = root / str(manifest.get("folder", "notebooks")) / str(manifest["notebook"])
    after = tuple(map(str, manifest.get("after", ())))  # a page says how many it reads
    entry = Entry(str(manifest["entry"]), notebook, given[0] if given else {}, after=after)
    entries = (entry, *(Entry(name, notebook, {}) for name in after))
    language: Literal["es", "en"] = "en" if manifest.get("language") == "en" else "es"
    study = Study(str(manifest["study"]), root, str(manifest.get("client", "")), language, entries)
    with suppress(CxlabError):  # of nobody's page the study's title is on it
        study = replace(study, title=read_study(root / "reports" / f"{study.name}.yaml", root=root).title)
    return study, entry


def since(manifest: Mapping[str, Any], study: Study, entry: Entry) -> Iterator[Cause]:
    """Yield what is not as it was when the run was made."""
    made = manifest.get("fingerprint", {})
    now = dict(made)
    with suppress(OSError, ValueError):
        now["notebook"] = provenance.cells_digest(json.loads(entry.notebook.read_text(encoding="utf-8-sig")))
    now |= {"sources": provenance.sources_digest(), "facts": None}
    now["beside"] = provenance.beside(entry.notebook.resolve().parent) or None
    inputs: list[Any] = list(manifest.get("inputs", ()))
    ground = _ground(study)
    if ground is not None and ground.index is not None:
        now |= {"client": ground.declaration, "facts": ground.facts(made.get("tables", {}).keys())}
        held = ground.index["tables"]
        inputs = [{**each, "sha256": held.get(each["table"], each)["sha256"]} for each in inputs]
    versions, here = provenance.versions(), machine.facts()
    said = {"inputs": inputs, "fingerprint": now, "versions": versions, "machine": here}
    parameters = _parameters_now(study, entry) or manifest.get("parameters")
    after = {**manifest, **said, "parameters": parameters}
    yield from causes(Run("", manifest, {}), Run("", after, {}))


def _ground(study: Study) -> Ground | None:
    with suppress(CxlabError):  # `at_hand` says what is wrong with it
        return Ground.of(study.root, study.client)
    return None


def _parameters_now(study: Study, entry: Entry) -> dict[str, Any] | None:
    """Return what the study's file asks of the entry today, None if there is no such."""
    with suppress(CxlabError):
        asked = read_study(study.root / "reports" / f"{study.name}.yaml", root=study.root)
        for each in asked.entries:
            if each.id == entry.id:
                plain: dict[str, Any] = outputs.plain(each.parameters)
                return plain
    return None


def at_hand(manifest: Mapping[str, Any], root: Path) -> tuple[Message | None, list[Message]]:
    """Return why the data that a run read are not at hand, None if they are; and what is to be said then."""
    client = str(manifest.get("client", ""))
    reads = {str(each["table"]): each["sha256"] for each in manifest.get("inputs", ())}
    if not reads:
        return None, []
    try:
        dataset = open_dataset(root, client)
    except InputError as error:
        return Message("{what}", what=error.message), []
    for table in sorted(reads.keys() & {*canonical_tables(), *dataset.names}):
        held = table in dataset.names and dataset.entry(table).sha256 == reads[table]
        if not held or table_in_doubt(dataset.client, dataset.index, table):
            return _another(table), []
    gone = [each.file for each in dataset.client.sources if _gone(dataset.client.folder, each.file)]
    if not gone:
        return None, []
    return None, [
        Message(
            "without the client's files ({files}): from the tables, whose hashes are those of manifest.json",
            files=", ".join(dict.fromkeys(gone)),
        )
    ]


def _gone(folder: Path, file: str) -> bool:
    try:
        return not declared_path(folder, file).is_file()
    except InputError:
        return False  # no file: a server


def other_reads(manifest: Mapping[str, Any], notebook: Mapping[str, Any]) -> Message | None:
    """Return what an executed notebook read that is not what the run read: of intake, or of other runs."""
    made = {str(each["table"]): each["sha256"] for each in manifest.get("inputs", ())}
    now = {str(each["table"]): each["sha256"] for each in outputs.reads(notebook)}
    return next((_another(name) for name in sorted({*made, *now}) if made.get(name) != now.get(name)), None)


def _another(table: str) -> Message:
    return Message("the table {table} is another one than the run read, or gone", table=table)
