"""The demo clients as folders: raw files, client.yaml and truth.json, the same bytes every time."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Literal

import pandas as pd

from cxlab.demo import agency, bookkeeping, cordillera, deliveries, noise, raw
from cxlab.demo.truth import truths
from cxlab.errors import WorkbenchError
from cxlab.intake.privacy.pseudonyms import KEY_VARIABLE, key_file

Demo = Literal["fibra_cordillera", "nada", "fibra_cruda"]

# Nobody's secret: the demo's people are invented, and its pseudonyms must be the same on every machine.
PUBLIC_KEY = "6378" * 16
MAPPED: tuple[Demo, ...] = ("fibra_cordillera", "nada")
CLIENTS: tuple[Demo, ...] = (*MAPPED, "fibra_cruda")
_DRAWN: dict[str, tuple[Callable[[int], dict[str, pd.DataFrame]], int]] = {
    "fibra_cordillera": (cordillera.fibra, cordillera.SEED),
    "nada": (noise.nada, noise.SEED),
}
_FILLED = {
    "fibra_cordillera": {
        "<CLIENT>": "Fibra Cordillera S.A.",
        "<PURPOSE>": "Demostración: diagnóstico de experiencia de clientes con verdades conocidas",
        "<COLOUR>": "#1F5FA8",
    },
    "nada": {
        "<CLIENT>": "Nada S.A.",
        "<PURPOSE>": "Demostración: un cliente en cuyos datos no hay nada que encontrar",
        "<COLOUR>": "#6B6B6B",
    },
    "fibra_cruda": {
        "<CLIENT>": "Fibra Cordillera S.A. (archivos como llegan)",
        "<PURPOSE>": "Demostración: dos entregas sucias que se toman desde los archivos hasta los informes",
        "<COLOUR>": "#1F5FA8",
    },
}


def build(root: str | Path, clients: Sequence[Demo] = CLIENTS, *, seed: int | None = None) -> list[Path]:
    """Write the demo clients' folders under ``root/data``, over what a previous demo left there.

    Parameters
    ----------
    root : path
        The workbench.
    clients : sequence of {"fibra_cordillera", "nada", "fibra_cruda"}
        Which ones. The third comes as files arrive: its client.yaml names none of them, and what a person
        has declared there since is left as it is.
    seed : int, optional
        Another draw than the published one.

    Returns
    -------
    list of Path
        The clients' folders.

    Raises
    ------
    WorkbenchError
        If a client is none of those, or the folder or the key of its pseudonyms cannot be written.
    """
    return [build_client(root, client, seed=seed) for client in clients]


def build_client(root: str | Path, client: Demo, *, seed: int | None = None) -> Path:
    """Write one demo client's folder and return it: raw/, client.yaml, truth.json; see `build`."""
    if client not in CLIENTS:
        raise WorkbenchError(
            "there is no demo client {client!r}; there are: {known}", client=client, known=", ".join(CLIENTS)
        )
    folder = Path(root) / "data" / client
    try:
        (folder / "raw").mkdir(parents=True, exist_ok=True)
        written = _write_deliveries if client == deliveries.CLIENT else _write
        _write_text(folder / "truth.json", written(folder, client, seed))
    except OSError as error:
        raise WorkbenchError(
            "cannot write the demo into {folder}: {why}", folder=folder, why=error.strerror
        ) from error
    _keep_key(client)
    return folder


def _write(folder: Path, client: Demo, seed: int | None) -> str:
    """Write raw files and declaration of a client; return its truths as JSON."""
    draw, published = _DRAWN[client]
    drawn_with = published if seed is None else seed
    _write_raw(folder / "raw", draw(drawn_with), drawn_with)
    _write_text(folder / "client.yaml", declaration(client))
    return json.dumps(truths(client, drawn_with), ensure_ascii=False, indent=2) + "\n"


def _write_deliveries(folder: Path, client: Demo, seed: int | None) -> str:
    """Write the dirty deliveries; return what was planted in them as JSON."""
    drawn_with = deliveries.SEED if seed is None else seed
    dirt = deliveries.write(folder, drawn_with)
    if not (folder / "client.yaml").exists():
        _write_text(folder / "client.yaml", declaration(client))
    return deliveries.truth(dirt, drawn_with)


def _keep_key(client: Demo) -> None:
    """Give the client its published key where intake will look for one; a key already there stays."""
    path = key_file(client)
    if os.environ.get(KEY_VARIABLE) is not None or path.exists():
        return
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(PUBLIC_KEY + "\n")
    except OSError as error:
        raise WorkbenchError(
            "the demo's key cannot be kept at {path}: {why}; set CXLAB_ID_KEY instead",
            path=path,
            why=error.strerror,
        ) from error


def declaration(client: Demo) -> str:
    """Return the text of a demo client's client.yaml; that of the deliveries names no file."""
    text = (files("cxlab.demo") / "client.yaml").read_text(encoding="utf-8")
    if client == deliveries.CLIENT:
        text = text.partition("\nsources:")[0] + "\nsources: []\n"
    for mark, filling in _FILLED[client].items():
        text = text.replace(mark, filling)
    return text


def _write_raw(folder: Path, tables: dict[str, pd.DataFrame], seed: int) -> None:
    survey = tables["survey_responses"]
    first, second, third = (wave.reset_index(drop=True) for _, wave in survey.groupby("wave_id", sort=True))
    raw.write_crm(folder, tables["customers"], seed)
    raw.write_first_wave(folder, first)
    raw.write_second_wave(folder, second)
    raw.write_third_wave(folder, third)
    raw.write_reference(folder, tables)
    raw.write_organisation(folder, tables)
    raw.write_benchmark(folder, tables["benchmark_responses"])
    raw.write_interactions(folder, tables["interactions"])
    bookkeeping.write_books(folder, tables)
    agency.write_field(folder, tables)


def _write_text(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8"))
