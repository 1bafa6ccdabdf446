"""A client's folder: `new` makes it, `load` reads its client.yaml and says all that is wrong."""

from __future__ import annotations

import os
from copy import deepcopy
from datetime import date
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from cxlab.errors import InputError, Message, Problem, WorkbenchError
from cxlab.intake.declared.canonical import tables
from cxlab.intake.declared.declaration import nearest, read_yaml
from cxlab.intake.declared.forms import commented_declaration, data_request
from cxlab.intake.declared.models import (
    SUFFIXES,
    Break,
    Client,
    Colours,
    Deck,
    Equivalence,
    Exclusion,
    Extension,
    Labels,
    Language,
    Privacy,
    Source,
    Texts,
)
from cxlab.intake.folders import (
    REAL_DATA,
    client_folder,
    declared_path,
    existing_folder,
    make_private,
    write_private,
)
from cxlab.intake.privacy.credentials import secrets_in
from cxlab.intake.privacy.identifiers import identifier
from cxlab.regional import unknown

__all__ = ["Client", "Source", "load", "new"]


def load(folder: str | Path) -> Client:
    """Read and validate a client's client.yaml.

    Parameters
    ----------
    folder : path
        The client's folder, data/CLIENT.

    Returns
    -------
    Client

    Raises
    ------
    InputError
        If there is no such folder or file, or with every problem of the file, each naming the key
        and, for a misspelt key, the nearest one known.
    """
    folder = existing_folder(Path(folder))
    path = folder / "client.yaml"
    if not path.is_file() or path.is_symlink():
        raise InputError(
            "{client} has no client.yaml; write one with `cxlab new {client}`", client=folder.name
        )
    return validated(path.read_bytes(), folder)


def validated(content: bytes, folder: Path) -> Client:
    """Return the client that the content of a client.yaml declares, for a folder that is there.

    Raises
    ------
    InputError
        As `load`.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(
            "{client}: client.yaml is not UTF-8 text; save it as UTF-8", client=folder.name
        ) from None
    given = deepcopy(_parsed(text))
    # Before anything else: what is wrong with a value is said by showing it.
    if secret := [_secret(place) for place in secrets_in(given)]:
        raise InputError(
            "{client}: client.yaml holds what looks like a password or an address with one",
            client=folder.name,
            problems=secret,
        )
    hidden = {key for key in ("folder", "sha256") if key in given}
    try:
        client = Client.model_validate(
            {key: value for key, value in given.items() if key not in hidden}
            | {"folder": folder, "sha256": sha256(content).hexdigest()}
        )
    except ValidationError as error:
        problems = [_problem(dict(each)) for each in error.errors()]
    else:
        problems = _own_problems(client)
    problems += [_unknown(("", key), Client) for key in sorted(hidden)]
    if problems:
        raise InputError(
            "{client}: client.yaml has {count} problems",
            client=folder.name,
            count=len(problems),
            problems=problems,
        )
    return client


@lru_cache(maxsize=4)
def _parsed(text: str) -> dict[str, Any]:
    """Return what a client.yaml says; a study reads the same one before and after each entry."""
    return read_yaml(text, name="client.yaml")


def new(root: str | Path, name: str, *, language: Language | None = None) -> Path:
    """Make the folder of a new client, data/NAME.

    It gets raw/ for the files, a client.yaml in which every key is explained, and the sheets that ask
    the client for its data.

    Parameters
    ----------
    root : path
        The workbench's folder.
    name : str
        1 to 60 lower-case letters, digits, _ and -.
    language : {"es", "en"}, optional
        Of the comments and the sheet; both without it.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        If the name is not safe, or the client is already there.
    WorkbenchError
        If the folder may not be written.
    """
    folder = client_folder(root, name, must_exist=False)
    if folder.exists():
        raise InputError("there is already a client {name}: data/{name}; choose another name", name=name)
    languages: tuple[Language, ...] = (language,) if language else ("es", "en")
    make_private(folder)
    make_private(folder / "raw")
    sheets = {"es": "solicitud_de_datos.md", "en": "data_request.md"}
    files = {"client.yaml": commented_declaration(name, languages)}
    files |= {sheets[each]: data_request(each) for each in languages}
    try:
        for file, text in files.items():
            write_private(folder / file, text.encode())
    except OSError as error:
        raise WorkbenchError("cannot write in {folder}: {why}", folder=folder, why=error.strerror) from None
    return folder


def _own_problems(client: Client) -> list[Problem]:
    """Check what a model alone cannot: files inside the folder, the logo, formats without a suffix."""
    problems = []
    if client.logo is not None and Path(client.logo).suffix.lower() not in (".png", ".svg"):
        problems.append(
            _declared(
                "logo",
                Message("{logo}", logo=client.logo),
                Message("a .png or .svg file of the client's folder"),
                Message("copy the logo into the client's folder"),
            )
        )
    if client.logo is not None:
        problems += _path_problem("logo", client.folder, client.logo)
    if client.deck is not None:
        problems += _path_problem("deck.template", client.folder, client.deck.template)
    if client.extended and not (client.retain_until and client.retain_until < client.extended.until):
        problems.append(
            _declared(
                "extended.until",
                Message("{until}", until=client.extended.until.isoformat()),
                Message("a day after `retain_until`, which stays as it was first declared"),
                Message("correct one of the two"),
            )
        )
    problems += _words_problems(client)
    if not client.masks_whom:
        problems.append(
            _declared(
                "mask_peers",
                Message("true, and no label of peer_id that is the client itself"),
                Message("a list of the rivals' codes, or labels of every peer, the client among them"),
                Message("name the rivals: mask_peers: [CODE, ...]"),
            )
        )
    for number, source in enumerate(client.sources, start=1):
        if identifier(source.file) or identifier(source.sheet):
            problems.append(
                _declared(
                    f"sources {number}",
                    Message("the name of a file or a sheet that is not shown because it may be personal"),
                    Message("no personal data outside ids"),
                    Message("rename it"),
                )
            )
            continue
        place = f"sources {number} ({source.file})"
        problems += _query_problems(place, source)
        if source.database:
            continue
        problems += _path_problem(place, client.folder, source.file)
        if source.read_as is None:
            problems.append(
                _declared(
                    place,
                    Message("a file whose suffix says no format"),
                    Message("{formats}", formats=", ".join(SUFFIXES)),
                    Message("save the file as CSV, .xlsx, .parquet or .sav, or give `format:`"),
                )
            )
    return problems


def _secret(place: tuple[Any, ...]) -> Problem:
    return _declared(
        _dotted(place),
        Message("a text that looks like a secret; it is not shown"),
        Message("`database: env:NAME`, the name of an environment variable"),
        Message("take it out, set it in the environment, and change it if others have seen this file"),
    )


def _query_problems(place: str, source: Source) -> list[Problem]:
    """Check that a query and a database go together, and no file beside an address."""
    sql = source.read_as == "sql"
    if (
        sql == bool(source.query.strip())
        and (not source.bind or sql)
        and source.file in (source.database or source.file,)
    ):
        return []
    return [
        _declared(
            place,
            Message("a query without a database")
            if not sql
            else Message("a database without a query, or with another file"),
            Message("`query:` with `file:` of DuckDB or SQLite, or with `database: env:NAME`"),
            Message('add `query: "SELECT * FROM table"`, or remove what does not belong'),
        )
    ]


def _path_problem(place: str, folder: Path, declared: str) -> list[Problem]:
    if declared.startswith(f"${{{REAL_DATA}}}/") and not os.environ.get(REAL_DATA):
        return []  # what was read before can be used without the folder; `check` asks for it
    try:
        declared_path(folder, declared)
    except InputError as error:
        return [
            _declared(
                place,
                Message("{what}", what=error.message),
                Message("a file under the client's folder, or ${CXLAB_REAL_DATA}/NAME"),
                Message("copy the file into raw/ and name it from there"),
            )
        ]
    return []


def _words_problems(client: Client) -> list[Problem]:
    """Return which of the client's own words stand for none of ours."""
    return [
        _declared(
            f"words.{language}",
            Message("{word}, which no text of ours says", word=repr(word)),
            Message("words of our texts in that language"),
            Message("did you mean {nearest}?", nearest=near) if near else Message("take it out"),
        )
        for language, word, near in unknown(client.words, client.folder.parents[1] / "notebooks")
    ]


def _declared(column: str, found: str, allowed: str, action: str) -> Problem:
    return Problem(found, allowed, action, file="client.yaml", column=column)


def _problem(error: dict[str, Any]) -> Problem:
    """Say one of pydantic's findings in our words."""
    place, kind = error["loc"], error["type"]
    model = _model_at(place[:-1])
    if kind == "extra_forbidden" and model is not None:
        return _unknown(place, model)
    if kind == "missing":
        return _declared(
            _dotted(place),
            Message("nothing"),
            Message("a value"),
            Message("add the key {key}", key=place[-1]),
        )
    context = error.get("ctx", {})
    cause = context.get("error")
    allowed = (
        context.get("expected", "").replace(" or ", ", ")
        or (cause.args[0] if isinstance(cause, ValueError) else None)
        or error["msg"]
    )
    if place[-1:] == ("table",):
        close = nearest(str(error["input"]), tables())
        action = (
            Message("did you mean {close}?", close=close) if close else Message("choose one of those tables")
        )
    else:
        action = Message("correct it; `cxlab new` writes a commented example")
    found = (
        error["input"]
        if isinstance(error["input"], (str, int, float, date))
        else type(error["input"]).__name__
    )
    return _declared(
        _dotted(place),
        _found(found),
        Message("{what}", what=allowed),
        action,
    )


def _found(value: Any) -> Message:
    if identifier(str(value)):
        return Message("a value that is not shown because it may be personal")
    return Message("{found}", found=repr(value)[:60] if isinstance(value, str) else value)


def _unknown(place: tuple[Any, ...], model: type[BaseModel]) -> Problem:
    fields = model.model_fields.items()
    known = [field.alias or name for name, field in fields if name not in ("folder", "sha256")]
    close = nearest(str(place[-1]), known)
    action = Message("did you mean {close}?", close=close) if close else Message("remove it")
    return _declared(
        _dotted(place),
        _found(place[-1]) if identifier(str(place[-1])) else Message("the unknown key {key}", key=place[-1]),
        Message("{keys}", keys=", ".join(known)),
        action,
    )


def _model_at(place: tuple[Any, ...]) -> type[BaseModel] | None:
    """Return the model whose key stands at `place`."""
    inner: dict[tuple[str, ...], type[BaseModel]] = {
        (): Client,
        ("sources",): Source,
        ("sources", "exclude"): Exclusion,
        ("breaks",): Break,
        ("extended",): Extension,
        ("labels",): Labels,
        ("privacy",): Privacy,
        ("colours",): Colours,
        ("deck",): Deck,
        ("name",): Texts,
    }
    if "equivalent" in place:
        return Equivalence
    return inner.get(
        tuple(part for part in place if isinstance(part, str)), Texts if place[:1] == ("labels",) else None
    )


def _dotted(place: tuple[Any, ...]) -> str:
    parts = [
        f"{part + 1}" if isinstance(part, int) else "…" if identifier(str(part)) else str(part)
        for part in place
        if part not in ("", "[key]")
    ]
    return ".".join(parts)
