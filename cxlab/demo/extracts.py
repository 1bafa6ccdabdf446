"""What comes beside the surveys of the deliveries: two CRM extracts, a benchmark in SPSS, a workbook."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cxlab.demo import raw
from cxlab.demo.containers import write_excel, write_spss
from cxlab.demo.dirt import Written, write_lines
from cxlab.demo.ruts import ruts

CUT = {"2025T1": "2025-03-31", "2025T2": "2025-06-30"}
QUARTER = ("2025-04-01", "2025-06-30")
TEST_ACCOUNTS = 15
CODES = {
    "TIPO": raw.INTERACTION, "CANAL": raw.CHANNEL, "REGION": raw.REGION, "SEGMENTO": raw.SEGMENT,
}  # fmt: skip
BENCHMARK = {"P1": "effectiveness", "P2": "ease", "P3": "pleasantness", "P4": "recommend"}
NO_ANSWER = 0.03  # share of single answers of the benchmark that are 99
# Excel counts days from here.
_EPOCH = pd.Timestamp("1899-12-30")
TITLE_ROWS, HEADER_ROWS = 2, 2


def write_crm(folder: Path, wave: str, customers: pd.DataFrame, seed: int) -> Written:
    """Write the CRM's extract at the end of a wave's quarter.

    The first is latin-1 and ends with a row of totals and a footer; the second is UTF-8, without them,
    and calls the price otherwise.
    """
    first, cut = wave == "2025T1", pd.Timestamp(CUT[wave])
    known = customers[customers["start_date"] <= cut]
    tests = known.head(TEST_ACCOUNTS).assign(
        customer_id=ruts(len(customers) + TEST_ACCOUNTS, seed)[len(customers) :], segment="prueba"
    )
    rows = pd.concat([known, tests], ignore_index=True)
    rows["end_date"] = rows["end_date"].where(rows["end_date"] <= cut)
    price = "CARGO_MENSUAL" if first else "CARGO_MES"
    columns: dict[str, list[Any]] = {
        "RUT": rows["customer_id"].tolist(),
        "NOMBRE": (rows["name"] + " " + rows["surname"]).tolist(),
        "CORREO": rows["mail"].tolist(),
        "TELEFONO": [f"+56 9 {5000 + at % 5000} {(7 * at) % 9000 + 1000}" for at in range(len(rows))],
        "FECHA_ALTA": _days(rows["start_date"]),
        "FECHA_BAJA": _days(rows["end_date"]),
        "FECHA_CORTE": [cut.strftime("%d-%m-%Y")] * len(rows),
        "SEGMENTO": rows["segment"].map(raw.SEGMENT).tolist(),
        "REGIÓN": rows["region"].map(raw.REGION).tolist(),
        "PLAN": rows["plan"].map(raw.PLAN).tolist(),
        "CANAL": rows["channel"].map(raw.CHANNEL).tolist(),
        "PROMOCIÓN": np.where(rows["attr_promo"] == 1, "Sí", "No").tolist(),
        price: [_comma(value) for value in rows["attr_price"]],
    }
    records: list[list[Any]] = [list(columns), *(list(row) for row in zip(*columns.values(), strict=True))]
    if first:
        total = ["Total", *[""] * (len(columns) - 2), _comma(float(rows["attr_price"].sum()))]
        records += [total, [f"Fuente: CRM Comercial, extracción del {cut:%d-%m-%Y}"]]
    file = f"raw/{wave}/crm_{wave}.csv"
    encoding = "latin-1" if first else "utf-8"
    lines = write_lines(folder / file, records, encoding=encoding, separator=";")
    return Written(wave=wave, file=file, columns=columns, lines=lines[1 : len(rows) + 1])


def write_benchmark(folder: Path, wave: str, interviews: pd.DataFrame, rng: np.random.Generator) -> Written:
    """Write the benchmark as SPSS: coded answers, 99 labelled as no answer and declared as nothing."""
    brands = {brand: float(code) for code, brand in enumerate(interviews["peer_id"].unique(), start=1)}
    traits = dict(zip(CODES, ("interaction_type", "channel", "region", "segment"), strict=True))
    frame = pd.DataFrame(
        {"ENCUESTADO": interviews["respondent_id"], "MARCA": interviews["peer_id"].map(brands)}
    )
    labels = {"MARCA": {code: brand for brand, code in brands.items()}}
    for header, name in traits.items():
        codes = {value: float(code) for code, value in enumerate(CODES[header], start=1)}
        frame[header] = interviews[name].map(codes)
        labels[header] = {codes[value]: text for value, text in CODES[header].items()}
    for header, name in BENCHMARK.items():
        open_answers = rng.random(len(interviews)) < NO_ANSWER
        frame[header] = interviews[name].mask(open_answers, 99.0)
        labels[header] = {99.0: "NS/NR"}
    texts = {"P1": "¿Resolvió lo que necesitaba? (1 a 7)", "P2": "¿Qué tan fácil le resultó? (1 a 7)",
             "P3": "¿Qué tan agradable fue? (1 a 7)", "P4": "¿Recomendaría la marca? (0 a 10)",
             "MARCA": "Marca evaluada"}  # fmt: skip
    file = f"raw/{wave}/benchmark_{wave}.sav"
    write_spss(folder / file, frame, labels=texts, values=labels, missing={})
    columns = {str(header): frame[header].tolist() for header in frame}
    return Written(wave=wave, file=file, columns=columns, lines=range(1, len(frame) + 1))


def write_contacts(folder: Path, wave: str, contacts: pd.DataFrame) -> Written:
    """Write the quarter's contacts as a workbook.

    A cover comes first; the data stand under two titles and two rows of names, the upper one merged,
    with days as serial numbers and a row of totals at the end.
    """
    columns: dict[str, list[Any]] = {
        "Contacto ID": contacts["interaction_id"].tolist(),
        "Contacto Fecha": ((contacts["ts_start"] - _EPOCH).dt.days).tolist(),
        "Contacto Tipo": contacts["interaction_type"].map(raw.INTERACTION).tolist(),
        "Contacto Canal": contacts["channel"].map(raw.CHANNEL).tolist(),
        "Cliente RUT": contacts["customer_id"].tolist(),
        "Atención Resuelto": np.where(contacts["resolved_first"] == 1, "S", "N").tolist(),
        "Atención Espera (s)": contacts["wait_time_s"].astype(int).tolist(),
        "Atención Duración (s)": contacts["handle_time_s"].astype(int).tolist(),
    }
    names = ["ID", "Fecha", "Tipo", "Canal", "RUT", "Resuelto", "Espera (s)", "Duración (s)"]
    groups = ["Contacto", None, None, None, "Cliente", "Atención", None, None]
    waiting, handling = (sum(columns[f"Atención {name} (s)"]) for name in ("Espera", "Duración"))
    file = f"raw/{wave}/contactos_{wave}.xlsx"
    write_excel(
        folder / file,
        {
            "Portada": [["Fibra Cordillera S.A."], ["Contactos del segundo trimestre de 2025"],
                        ["Preparado por Operaciones"]],
            "Contactos": [
                ["Contactos atendidos"],
                ["Abril a junio de 2025"],
                groups,
                names,
                *zip(*columns.values(), strict=True),
                ["Total", None, None, None, None, None, waiting, handling],
            ],
        },
        merged={"Contactos": ["A3:D3", "F3:H3"]},
    )  # fmt: skip
    begin = TITLE_ROWS + HEADER_ROWS + 1
    return Written(wave=wave, file=file, columns=columns, lines=range(begin, begin + len(contacts)))


def _comma(value: float) -> str:
    return f"{value:.2f}".replace(".", ",")


def _days(days: pd.Series[Any]) -> list[str]:
    texts: list[str] = days.dt.strftime("%d-%m-%Y").fillna("").tolist()
    return texts
