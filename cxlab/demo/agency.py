"""The files of the mystery shopping agency, and what the client's operations keep of stores and standards."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from cxlab.demo.containers import write_excel
from cxlab.demo.raw import CHANNEL, INTERACTION, Tables, dates, said, write_csv

KIND = {"binary": "Sí o no", "time": "Tiempo", "scale": "Nota"}


def write_field(folder: Path, tables: Tables) -> list[Path]:
    """Write the visits, what was checked in them, and the workbook of stores and standards."""
    visits, checks = tables["mystery_visits"], tables["mystery_checks"]
    return [
        write_csv(
            folder / "visitas_incognito.csv",
            {
                "VISITA": visits["visit_id"].tolist(),
                "LOCAL": visits["unit_id"].tolist(),
                "FECHA": dates(visits["ts"]),
                "EVALUADOR": visits["evaluator_id"].tolist(),
                "TRÁMITE": said(visits["interaction_type"], INTERACTION),
                "CANAL": said(visits["channel"], CHANNEL),
                "EMPRESA": visits["peer_id"].fillna("").tolist(),
                "MISMA_VISITA_QUE": visits["paired_with"].fillna("").tolist(),
            },
            encoding="latin-1",
            separator=";",
        ),
        write_csv(
            folder / "revisiones_incognito.csv",
            {
                "VISITA": checks["visit_id"].tolist(),
                "ESTÁNDAR": checks["standard_id"].tolist(),
                "RESULTADO": ["" if value != value else int(value) for value in checks["result"]],
                "SIN_RESULTADO": said(checks["na_reason"], {"not_applicable": "No aplica"}),
            },
            encoding="latin-1",
            separator=";",
        ),
        _write_stores(folder / "tiendas.xlsx", tables),
    ]


def _write_stores(path: Path, tables: Tables) -> Path:
    units, standards = tables["units"], tables["standards"]
    told = standards.assign(
        item_id=standards["item_id"].fillna(""),
        critical=said(standards["critical"], {1: "Sí", 0: "No"}),
        kind=said(standards["kind"], KIND),
        target=pd.Series([None if goal != goal else goal for goal in standards["target"]], dtype=object),
    )
    columns = ["standard_id", "touchpoint_id", "item_id", "weight", "critical", "kind", "target"]
    write_excel(
        path,
        {
            "Tiendas": [
                ["Tienda", "Región", "Dotación"],
                *units[["unit_id", "region", "employees_n"]].itertuples(index=False),
            ],
            "Estándares": [
                ["Estándar", "Punto de contacto", "Pregunta", "Peso", "Crítico", "Tipo", "Meta"],
                *told[columns].itertuples(index=False),
            ],
        },
    )
    return path
