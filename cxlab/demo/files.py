"""The demo clients as folders: raw files, client.yaml and truth.json, the same bytes every time."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Literal

import pandas as pd

from cxlab.demo import cordillera, noise, raw
from cxlab.demo.truth import truths
from cxlab.errors import WorkbenchError
from cxlab.intake.privacy import KEY_VARIABLE, key_file

Demo = Literal["fibra_cordillera", "nada"]

# Nobody's secret: the demo's people are invented, and its pseudonyms must be the same on every machine.
PUBLIC_KEY = "6378" * 16
CLIENTS: tuple[Demo, ...] = ("fibra_cordillera", "nada")
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
}


def build(root: str | Path, clients: Sequence[Demo] = CLIENTS, *, seed: int | None = None) -> list[Path]:
    """Write the demo clients' folders under ``root/data``, over what a previous demo left there.

    Parameters
    ----------
    root : path
        The workbench.
    clients : sequence of {"fibra_cordillera", "nada"}
        Which ones.
    seed : int, optional
        Another draw than the published one.

    Returns
    -------
    list of Path
        The clients' folders.

    Raises
    ------
    WorkbenchError
        If a client is not one of the two, or the folder or the key of its pseudonyms cannot be written.
    """
    return [build_client(root, client, seed=seed) for client in clients]


def build_client(root: str | Path, client: Demo, *, seed: int | None = None) -> Path:
    """Write one demo client's folder and return it: raw/, client.yaml, truth.json; see `build`."""
    if client not in _DRAWN:
        raise WorkbenchError(
            "there is no demo client {client!r}; there are: {known}", client=client, known=", ".join(CLIENTS)
        )
    draw, published = _DRAWN[client]
    drawn_with = published if seed is None else seed
    tables = draw(drawn_with)
    folder = Path(root) / "data" / client
    try:
        (folder / "raw").mkdir(parents=True, exist_ok=True)
        _write_raw(folder / "raw", tables, drawn_with)
        _write_text(folder / "client.yaml", declaration(client))
        known = json.dumps(truths(client, drawn_with), ensure_ascii=False, indent=2)
        _write_text(folder / "truth.json", known + "\n")
    except OSError as error:
        raise WorkbenchError(
            "cannot write the demo into {folder}: {why}", folder=folder, why=error.strerror
        ) from error
    _keep_key(client)
    return folder


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
    """Return the text of a demo client's client.yaml."""
    text = (files("cxlab.demo") / "client.yaml").read_text(encoding="utf-8")
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
    raw.write_benchmark(folder, tables["benchmark_responses"])
    raw.write_interactions(folder, tables["interactions"])


def _write_text(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8"))
