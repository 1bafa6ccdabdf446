"""The files of a crate, gathered from published runs: notebooks, reports, results, tables, figures, texts."""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

import nbformat

from cxlab.errors import CxlabError, ParameterError, RunError
from cxlab.reporting import body
from cxlab.reporting.words import Words
from cxlab.runs.crate import door, methods
from cxlab.runs.crate.again import study_file
from cxlab.runs.crate.codebook import codebook
from cxlab.runs.crate.locked import requirements
from cxlab.runs.crate.metadata import METADATA, Described, Packed, metadata
from cxlab.runs.provenance import INJECTED, Ground, cells_digest
from cxlab.runs.published import Run
from cxlab.values import shown

_SPDX = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]{0,63}")


def packed(
    runs: Sequence[Run], *, root: Path, authors: Sequence[str] = (), license: str = ""
) -> dict[str, bytes]:
    """Return the files of a crate: content by name.

    Parameters
    ----------
    runs : sequence of Run
        Published, whole.
    root : Path
        The workbench: where hashes of what is installed and labels of the client are looked up.
    authors : sequence of str
        Who answers for it, as ``"Family, Given (ORCID)"``; nobody is guessed.
    license : str
        SPDX id.

    Raises
    ------
    ParameterError
        If there is no run, or the license is no SPDX id.
    RunError
        If something may not leave, or a notebook is not the one that its run names.
    """
    if not runs:
        raise ParameterError("nothing of it is published: there is nothing to export")
    if license and not _SPDX.fullmatch(license):
        raise ParameterError(
            "{license} is no SPDX id of a license; for example CC-BY-4.0", license=shown(license)
        )
    files: dict[str, bytes] = {}
    written: dict[str, Any] = {}
    ready = [_taken(run, files, written) for run in runs]
    labels = _labels(runs, root)
    language = Counter(str(run.manifest["language"]) for run in ready).most_common(1)[0][0]
    said = _described(ready, Words(language, labels), authors, license)
    files |= {
        "METHODS.md": _methods(ready, files, labels, Words(language)),
        "README.md": methods.readme(said, ready, Words(language, labels)),
        "codebook.csv": codebook(files, {run.folder: _results(run, files) for run in ready}, labels),
        "study.yaml": study_file(ready),
        **_requirements(ready, root),
        **({"CITATION.cff": methods.citation(said, ready)} if authors else {}),
    }
    files[METADATA] = metadata(files, ready, said)
    door.refuse(files, root=root)
    return files


def _taken(run: Run, files: dict[str, bytes], written: dict[str, Any]) -> Packed:
    """Take up the files of a run, and its notebook as it was written."""
    folder = f"runs/{run.folder.name}"  # by which `cxlab verify` knows it
    for path in sorted(path for path in run.folder.rglob("*") if path.is_file()):
        files[f"{folder}/{path.relative_to(run.folder).as_posix()}"] = path.read_bytes()
    executed = nbformat.reads(files[f"{folder}/notebook.ipynb"].decode(), as_version=4)  # type: ignore[no-untyped-call]
    notebook = _as_written(executed)
    sha256 = run.manifest["fingerprint"]["notebook"]
    if cells_digest(notebook) != sha256:
        raise RunError("the notebook of {run} is not the one that its manifest names", run=run.name)
    name = f"notebooks/{PurePath(run.manifest['notebook']).name}"  # nothing vouches for manifest.json
    if name in written and cells_digest(written[name]) != sha256:
        name = f"notebooks/{Path(name).stem}-{sha256[:8]}.ipynb"
    written[name] = notebook
    text: str = nbformat.writes(notebook)  # type: ignore[no-untyped-call]
    files[name] = (text.rstrip("\n") + "\n").encode("utf-8", "backslashreplace")
    return Packed(
        folder, name, run.manifest, body.title_of(executed, str(run.manifest["language"])) or run.entry
    )


def _as_written(executed: Any) -> Any:
    """Return an executed notebook without what its run put in."""
    notebook = copy.deepcopy(executed)
    notebook.cells = [cell for cell in notebook.cells if INJECTED not in cell.metadata.get("tags", ())]
    for cell in (cell for cell in notebook.cells if cell.cell_type == "code"):
        cell.outputs, cell.execution_count = [], None
    return notebook


def _labels(runs: Sequence[Run], root: Path) -> Mapping[str, Any]:
    """Return the client's labels where its declaration is still that of all runs; else none."""
    try:
        ground = Ground.of(root, str(runs[0].manifest["client"]))
    except CxlabError:
        return {}
    same = {run.manifest["fingerprint"].get("client") for run in runs} == {ground.declaration}
    return ground.client.labels_mapping() if ground.client and same else {}


def _described(runs: Sequence[Packed], words: Words, authors: Sequence[str], license: str) -> Described:
    first = runs[0].manifest
    title = runs[0].title if len(runs) == 1 else str(first["study"])
    return Described(
        name=title,
        description=words.plural("crate.description", len(runs), study=first["study"]),
        published=max(str(run.manifest["finished"]) for run in runs)[:10],
        unlicensed=words("crate.unlicensed"),
        license=license,
        authors=authors,
        names={
            name: words(f"crate.file.{key}")
            for name, key in (
                ("README.md", "readme"), ("METHODS.md", "methods"), ("codebook.csv", "codebook"),
                ("study.yaml", "study"), ("requirements.txt", "requirements"),
            )
        },
    )  # fmt: skip


def _methods(
    runs: Sequence[Packed], files: Mapping[str, bytes], labels: Mapping[str, Any], first: Words
) -> bytes:
    told = []
    for run in runs:
        language = str(run.manifest["language"])
        words = Words(language, labels)
        notebook = nbformat.reads(files[run.notebook].decode(), as_version=4)  # type: ignore[no-untyped-call]
        results = _results(run, files)["results"]
        told.append(methods.methods(run, results, body.prose(notebook, language), words))
    return ("\n\n".join([f"# {first('crate.method.title')}", *told]) + "\n").encode()


def _results(run: Packed, files: Mapping[str, bytes]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(files[f"{run.folder}/results.json"])
    return found


def _requirements(runs: Sequence[Packed], root: Path) -> dict[str, bytes]:
    """Return what must be installed; where runs differ in it, a file for each."""
    found = list(dict.fromkeys(requirements(run.manifest["versions"], root) for run in runs))
    return {f"requirements{f'-{k + 1}' if k else ''}.txt": content for k, content in enumerate(found)}
