"""ro-crate-metadata.json: what is in a crate, and which run of which notebook made it, as JSON-LD.

RO-Crate 1.1 with the profile Process Run Crate 0.5: each run is a CreateAction whose instrument is the
notebook as written, whose objects are its parameters and what it read (by name and hash: the data are
not there), and whose results are its files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from cxlab.runs.outputs import as_json
from cxlab.runs.provenance import digest

METADATA = "ro-crate-metadata.json"
CRATE, PROCESS = "https://w3id.org/ro/crate/1.1", "https://w3id.org/ro/wfrun/process/0.5"
CONTEXT = [f"{CRATE}/context", "https://w3id.org/ro/terms/workflow-run/context"]
ORCID = re.compile(r"\b\d{4}-\d{4}-\d{4}-\d{3}[\dX]\b")
SOFTWARE = "#cxlab"
FORMATS = {
    ".html": "text/html",
    ".ipynb": "application/x-ipynb+json",
    ".json": "application/json",
    ".csv": "text/csv",
    ".svg": "image/svg+xml",
    ".md": "text/markdown",
    ".txt": "text/plain",
    ".cff": "application/yaml",
    ".yaml": "application/yaml",
}
Entity = dict[str, Any]


@dataclass(frozen=True)
class Packed:
    """One run in a crate: its folder, its notebook as written, its manifest and its question."""

    folder: str
    notebook: str
    manifest: Mapping[str, Any]
    title: str


@dataclass(frozen=True, kw_only=True)
class Described:
    """What a crate says of itself; `license` is an SPDX id, or `unlicensed` says that there is none."""

    name: str
    description: str
    published: str
    unlicensed: str
    license: str = ""
    authors: Sequence[str] = ()
    names: Mapping[str, str] = field(default_factory=dict)


def metadata(files: Mapping[str, bytes], runs: Sequence[Packed], said: Described) -> bytes:
    """Return the metadata of a crate.

    Parameters
    ----------
    files : mapping
        All its other files: content by name.
    runs : sequence of Packed
    said : Described
    """
    graph = [*_roots(files, runs, said), *_people(said.authors), *_license(said.license), _software(runs)]
    notebooks = {run.notebook: run for run in runs}
    for name, content in sorted(files.items()):
        graph.append(_file(name, content, notebooks.get(name), said.names.get(name, "")))
    entities: dict[str, Entity] = {entity["@id"]: entity for entity in graph}
    for run in runs:
        for entity in _action(run, files, said.authors):
            entities.setdefault(entity["@id"], entity)
    return as_json({"@context": CONTEXT, "@graph": [*entities.values()]})


def _roots(files: Mapping[str, bytes], runs: Sequence[Packed], said: Described) -> Iterator[Entity]:
    yield {
        "@id": METADATA, "@type": "CreativeWork", "conformsTo": _to(CRATE), "about": _to("./"),
    }  # fmt: skip
    yield {
        "@id": "./",
        "@type": "Dataset",
        "name": said.name,
        "description": said.description,
        "datePublished": said.published,
        "license": _to(_spdx(said.license)) if said.license else said.unlicensed,
        **({"author": [_to(_person(author)) for author in said.authors]} if said.authors else {}),
        "conformsTo": [_to(PROCESS)],
        "hasPart": [_to(_id(name)) for name in sorted(files)],
        "mentions": [_to(_of(run)) for run in runs],
    }
    yield {"@id": PROCESS, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"}


def _people(authors: Sequence[str]) -> Iterator[Entity]:
    for author in authors:
        name = ORCID.sub("", author).replace("https://orcid.org/", "").strip(" ()<>,")
        yield {"@id": _person(author), "@type": "Person", "name": name}


def _license(license: str) -> Iterator[Entity]:
    if license:
        yield {
            "@id": _spdx(license), "@type": "CreativeWork", "name": license, "identifier": license,
            "url": _spdx(license),
        }  # fmt: skip


def _software(runs: Sequence[Packed]) -> Entity:
    versions = [str(run.manifest["versions"].get("cxlab", "")) for run in runs]
    return {
        "@id": SOFTWARE, "@type": "SoftwareApplication", "name": "cxlab",
        "softwareVersion": next(filter(None, versions), "0"),
        "softwareRequirements": _to("requirements.txt"),
    }  # fmt: skip


def _file(name: str, content: bytes, notebook: Packed | None, said: str) -> Entity:
    entity: Entity = {
        "@id": _id(name),
        "@type": "File",
        "name": PurePosixPath(name).name,
        **({"description": said} if said else {}),
        "encodingFormat": FORMATS.get(PurePosixPath(name).suffix, "application/octet-stream"),
        "contentSize": str(len(content)),
        "sha256": digest(content),
    }
    if notebook is not None:
        entity |= {
            "@type": ["File", "SoftwareSourceCode", "SoftwareApplication"],
            "description": notebook.title,
            "version": str(notebook.manifest["fingerprint"]["notebook"]),
            "programmingLanguage": "Python",
            "softwareRequirements": _to(SOFTWARE),
        }
    return entity


def _action(run: Packed, files: Mapping[str, bytes], authors: Sequence[str]) -> Iterator[Entity]:
    """Give a run and what it was asked and read."""
    said = run.manifest
    asked, read = list(_parameters(run)), list(_inputs(said))
    made = [name for name in sorted(files) if name.startswith(f"{run.folder}/")]
    yield {
        "@id": _of(run),
        "@type": "CreateAction",
        "name": f"{said['study']}/{said['entry']}",
        "description": run.title,
        "instrument": _to(_id(run.notebook)),
        "object": [_to(entity["@id"]) for entity in (*asked, *read)],
        "result": [_to(_id(name)) for name in made],
        "startTime": said["started"],
        "endTime": said["finished"],
        "actionStatus": _to("http://schema.org/CompletedActionStatus"),
        **({"agent": [_to(_person(author)) for author in authors]} if authors else {}),
    }
    yield from asked
    yield from read


def _parameters(run: Packed) -> Iterator[Entity]:
    for name, value in run.manifest["parameters"].items():
        plain = value if isinstance(value, str | int | float) else as_json(value).decode().strip()
        yield {
            "@id": f"{_of(run)}-{quote(name)}", "@type": "PropertyValue", "name": name, "value": plain,
        }  # fmt: skip


def _inputs(said: Mapping[str, Any]) -> Iterator[Entity]:
    """Give each table that was read, and the files behind it; none of them is in the crate."""
    for read in said["inputs"]:
        files = [
            {
                "@id": f"#file-{file['sha256']}", "@type": "CreativeWork", "name": file["name"],
                "sha256": file["sha256"],
                **({"contentSize": str(file["bytes"])} if file.get("bytes") else {}),
                "size": f"{file['read']} rows",
            }
            for file in read.get("files", ())
        ]  # fmt: skip
        yield {
            "@id": f"#table-{read['sha256']}", "@type": "CreativeWork", "name": str(read["table"]),
            "sha256": read["sha256"], "size": f"{read['rows']} rows, {read['used']} used",
            **({"isBasedOn": [_to(file["@id"]) for file in files]} if files else {}),
        }  # fmt: skip
        yield from files


def _to(entity: str) -> dict[str, str]:
    return {"@id": entity}


def _id(name: str) -> str:
    return quote(name)


def _of(run: Packed) -> str:
    return f"#run-{run.manifest['id']}-{quote(str(run.manifest['entry']))}"


def _spdx(license: str) -> str:
    return f"https://spdx.org/licenses/{license}"


def _person(author: str) -> str:
    found = ORCID.search(author)
    return f"https://orcid.org/{found[0]}" if found else f"#{quote(author)}"
