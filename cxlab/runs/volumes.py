"""The published runs of a study, taken from its shelf as the volume that people are handed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import nbformat

from cxlab.errors import RunError
from cxlab.reporting.html import Client
from cxlab.reporting.volume import Chapter, Volume
from cxlab.runs.pages import chosen, client_of, cover_of, folded, template_of
from cxlab.runs.publish import Shelf, manifest_of
from cxlab.runs.published import folder_of, read_run
from cxlab.runs.study import LANGUAGES, Study, read_study


def volume(study: str, root: Path) -> Volume:
    """Return what is published of a study, in the order of its file (of loose notebooks, by name).

    Parameters
    ----------
    study : str
        Its folder, file or name.
    root : Path
        The workbench.

    Raises
    ------
    ParameterError
        If nothing of it is published, or its file is not valid any more.
    RunError
        If a run is not as it was published, or the study has no page at all.
    """
    folder = folder_of(study, root)
    declared = declared_in(folder.name, root)
    current = Shelf(folder).current()
    if not current:
        raise RunError("nothing of {study} is published: run it first", study=folder.name)
    known = cache(client_of)  # a declaration is read once, not for every chapter
    chapters = tuple(
        chapter(folder / "runs" / current[name], root, declared, client=known)
        for name in _in_order(current, declared)
    )
    first = chapters[0]
    title = (declared and declared.title) or folder.name
    client = known(root, declared.client, declared.language, title) if declared else first.client
    language = declared.language if declared else first.language
    named = declared.client if declared else str(manifest_of(folder / "runs" / first.run).get("client", ""))
    template, layouts = template_of(root, named)
    return Volume(
        study=folder.name,
        title=title,
        client=client,
        language=language,
        chapters=chapters,
        template=template,
        layouts=layouts,
    )


def declared_in(name: str, root: Path) -> Study | None:
    """Return the study whose pages are in the folder of that name; None if no file declares it.

    A study that is run in another language than its file says is published apart, under that name.
    """
    spoken = ((name.removesuffix(f"-language-{each}"), each) for each in LANGUAGES)
    for stem, language in ((name, ""), *spoken):
        file = root / "reports" / f"{stem}.yaml"
        if (stem != name or not language) and file.is_file():
            return read_study(file, root=root, language=language)
    return None


def _in_order(current: Mapping[str, str], declared: Study | None) -> list[str]:
    if declared is None:
        return sorted(current)
    points = folded(declared.entries)
    return [entry.id for entry in declared.entries if entry.id in current and entry.id not in points]


def chapter(
    folder: Path,
    root: Path,
    declared: Study | None = None,
    *,
    client: Callable[[Path, str, str, str], Client] = client_of,
) -> Chapter:
    """Return a published run as the chapter that its page is.

    Parameters
    ----------
    folder : Path
        Of the run.
    root : Path
        The workbench.
    declared : Study, optional
        The study it is an entry of, for its title.
    client : callable, optional
        What tells of a client, as `client_of`.

    Raises
    ------
    RunError
        If it is not as it was published.
    """
    run = read_run(folder)
    said, entries = run.manifest, declared.entries if declared else ()
    own = next((entry for entry in entries if entry.id == run.entry), None)
    language, name = str(said["language"]), str(said.get("client", ""))
    study = str(said.get("study", ""))
    told = client(root, name, language, (declared and declared.title) or study)
    notebook = nbformat.read(folder / "notebook.ipynb", as_version=4)  # type: ignore[no-untyped-call]
    cover = cover_of(
        notebook,
        said["parameters"],
        notebook=str(said["notebook"]),
        client=told.name,
        prints=said["fingerprint"],
        versions=said["versions"],
        after=sum(other.name in own.after for other in entries) if own else 0,
    )
    return Chapter(
        entry=run.entry,
        run=folder.name,
        notebook=notebook,
        language=language,
        client=told,
        cover=cover,
        heading=own.title if own else "",
        choices=chosen(own) if own else {},
        published=(folder / "report.html").read_text(encoding="utf-8"),
    )
