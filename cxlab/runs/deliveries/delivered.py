"""A study is delivered: files made of what is published, in a dated version that nothing overwrites."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from cxlab.errors import Message, ParameterError, RunError
from cxlab.intake.client import load
from cxlab.reporting.edits import edited
from cxlab.reporting.volume import Volume
from cxlab.runs.deliveries.files import Files, Maker, made
from cxlab.runs.deliveries.register import (
    CURRENT,
    PLACE,
    RECORD,
    Record,
    enter,
    next_version,
    registered,
)
from cxlab.runs.edits import path_of, read_edits
from cxlab.runs.outputs import as_json
from cxlab.runs.pages import Gallery, folded
from cxlab.runs.points import point_id
from cxlab.runs.provenance import digest
from cxlab.runs.publish import Shelf, manifest_of, shelf
from cxlab.runs.published import folder_of
from cxlab.runs.stages import failure_of
from cxlab.runs.volumes import declared_in, volume


@dataclass(frozen=True)
class Delivery:
    """A version of what a study hands over: where it is, its record, and whether it was made just now."""

    folder: Path
    record: Record
    new: bool
    missing: dict[str, Message] = field(default_factory=dict)
    withheld: Sequence[Message] = ()

    @property
    def zip(self) -> Path:
        """The file to send."""
        return self.folder / _zip_name(str(self.record["study"]), self.folder.name)


def deliver(
    study: str,
    root: Path,
    *,
    language: str = "",
    despite: bool = False,
    makers: Iterable[Maker] | None = None,
    today: date | None = None,
) -> Delivery:
    """Make the files of a study that people are handed, as a new version.

    Parameters
    ----------
    study : str
        Its folder, file or name.
    root : Path
        The workbench.
    language : {"", "es", "en"}
        Of the runs; that of the study without it.
    despite : bool
        Deliver what is published, though entries failed or were never run.
    makers : iterable of Maker, optional
        What to make besides the pages; everything without it.
    today : date, optional
        Of the version.

    Returns
    -------
    Delivery
        The latest version, if it has the same files already.

    Raises
    ------
    ParameterError
        If nothing is published, or not in that language, or an edit of a finding cannot be used.
    RunError
        If entries failed or were never run, a run is not as it was published, or a file holds what may
        not leave.
    WorkbenchError
        If a run is writing to the study, or it cannot be written.
    """
    folder = _folder(study, root, language)
    with shelf(root, folder.name) as opened:
        lacking = lacking_in(folder, root)
        if lacking and not despite:
            raise RunError(
                "{n} entries of {study} failed when they last ran, or were never run: {names}; run it "
                "again, or deliver what is published with --despite-failures",
                n=len(lacking),
                study=folder.name,
                names=", ".join(lacking),
            )
        said = edited(volume(folder.name, root), read_edits(folder.name, root))
        _one_language(said, language)
        files = made(said, root=root, makers=makers, unsaid=_rivals(opened, said, root))
        path = path_of(folder.name, root)
        wording = digest(path.read_bytes()) if path.is_file() else ""
        done = _kept(opened, said, files, today or date.today(), wording)
        if declared := declared_in(folder.name, root):
            opened.replace("index.html", Gallery(declared).index(opened))  # which leads to the files
        return done


def lacking_in(folder: Path, root: Path) -> list[str]:
    """Return the entries of a study that failed when they last ran, or of which nothing is published.

    Points of a sweep that another entry reads are that entry's to tell.
    """
    declared, current = declared_in(folder.name, root), Shelf(folder).current()
    names = [each.id for each in declared.entries] if declared else sorted(current)
    points = folded(declared.entries) if declared else {}
    own = [name for name in names if name not in points]
    return [name for name in own if name not in current or failure_of(folder, name)]


def _kept(opened: Shelf, said: Volume, files: Files, today: date, wording: str) -> Delivery:
    """Keep the files as a version, unless they are those of the latest one; `wording` hashes its edits."""
    enter(opened)
    records = registered(opened.folder)
    hashes = {name: digest(content) for name, content in sorted(files.content.items())}
    last = records[-1] if records else None
    new = not (last and last["files"] == hashes and (opened.folder / PLACE / last["version"]).is_dir())
    if new or last is None:
        last = {**_record(said, files, hashes, next_version(records, today), today), "edits": wording}
        zipped = {_zip_name(said.study, last["version"]): files.zipped()}
        opened.put(f"{PLACE}/{last['version']}", {**files.content, **zipped, RECORD: as_json(last)})
        enter(opened)
    _point(opened, last)
    return Delivery(opened.folder / PLACE / last["version"], last, new, files.missing, said.withheld)


def _record(said: Volume, files: Files, hashes: dict[str, str], version: str, today: date) -> Record:
    return {
        "schema": 1,
        "version": version,
        "date": today.isoformat(),
        "study": said.study,
        "language": said.language,
        "runs": {each.entry: each.run for each in said.chapters},
        "files": hashes,
        "kinds": files.kinds,
    }


def _point(opened: Shelf, record: Record) -> None:
    """Let current.json lead to the files of the latest version; one that was killed may not have."""
    version = record["version"]
    named = {**record["kinds"], "zip": _zip_name(str(record["study"]), version)}
    links = {kind: f"{PLACE}/{version}/{name}" for kind, name in named.items()}
    content = as_json({"version": version, "files": links})
    path = opened.folder / CURRENT
    if not path.is_file() or path.read_bytes() != content:
        opened.replace(CURRENT, content)


def _rivals(opened: Shelf, said: Volume, root: Path) -> set[str]:
    """Return the names that the clients of a volume's runs have masked."""
    clients = {
        str(manifest_of(opened.folder / "runs" / each.run).get("client", "")) for each in said.chapters
    }
    folders = [root / "data" / name for name in sorted(clients) if name]
    return {
        name
        for folder in folders
        if (folder / "client.yaml").is_file()
        for name in load(folder).rivals_names()
    }


def _folder(study: str, root: Path, language: str) -> Path:
    """Return the study's folder: that of its runs in the language asked for, which may be apart."""
    stem = Path(study).stem
    apart = root / "reports" / "built" / point_id(stem, {"language": language}) if language else None
    return apart if apart and (apart / "current").is_dir() else folder_of(study, root)


def _one_language(said: Volume, language: str) -> None:
    """Refuse a volume of which the runs speak another language than it is asked for in."""
    other = next((each for each in said.chapters if language and each.language != language), None)
    if other:
        raise ParameterError(
            "{entry} of {study} is published in {other}, not in {language}: run the study with "
            "--language {language} first",
            entry=other.entry,
            study=said.study,
            other=other.language,
            language=language,
        )


def _zip_name(study: str, version: str) -> str:
    return f"{study}-{version}.zip"
