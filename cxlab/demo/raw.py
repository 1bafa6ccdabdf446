"""The canonical tables made into the files that a client sends: other names, codes, formats and dirt.

Each writer undoes what client.yaml declares; a test takes the files through intake and gets the
tables back.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cxlab.demo.containers import write_excel, write_spss
from cxlab.demo.questionnaire import CODEBOOK
from cxlab.demo.ruts import ruts

Tables = Mapping[str, pd.DataFrame]

REGION = {"RM": "Metropolitana", "Norte": "Norte", "Centro": "Centro", "Sur": "Sur", "Austral": "Austral"}
SEGMENT = {"hogar": "Hogar", "premium": "Premium", "pyme": "Pyme", "prueba": "Prueba"}
EXIT = {
    "voluntary": "Renuncia",
    "involuntary": "Corte por no pago",
    "migration": "Traslado",
    "death": "Fallecimiento",
}
ORIGIN = {
    "web": "Web",
    "store": "Tienda",
    "telesales": "Televenta",
    "door_to_door": "Puerta a puerta",
    "referral": "Recomendado",
}
PLAN = {"internet": "Internet", "internet_tv": "Internet + TV", "triple": "Internet + TV + Móvil"}
CHANNEL = {"app": "App", "web": "Web", "call_center": "Call center", "store": "Tienda"}
MODE = {"app": "App", "email": "Correo", "phone": "Teléfono"}
INTERACTION = {
    "sales": "Ventas",
    "use": "Uso",
    "billing": "Facturación",
    "collections": "Cobranza",
    "complaint": "Reclamo",
    "cancellation": "Cancelación",
}
STAGE = {"buy": "Compra", "use": "Uso", "pay": "Pago", "help": "Ayuda"}
ACTOR = {"people": "Personas", "technology": "Tecnología", "mixed": "Ambas"}
SIDE = {"front": "De cara al cliente", "back": "Interna", "supplier": "Proveedor"}
EMOTION = {
    "calm": "Tranquilidad", "trust": "Confianza", "joy": "Alegría", "indifference": "Indiferencia",
    "frustration": "Frustración",
}  # fmt: skip
FLAG = {1: "S", 0: "N"}
VARIABLE = {"channel": "Canal", "segment": "Segmento", "region": "Región"}
TRAITS = {"mode": MODE, "channel": CHANNEL, "segment": SEGMENT, "region": REGION, "plan": PLAN}
TEST_ACCOUNTS = 15
PREVIEWS = 12
DONT_KNOW = 99

# What each wave calls the questions.
QUALTRICS = {
    "effectiveness": "Q1_1", "ease": "Q1_2", "pleasantness": "Q1_3", "recommend": "Q2", "overall_sat": "Q3",
    "ces": "Q4", "attr_resolution": "Q5_1", "attr_billing": "Q5_2", "attr_ease": "Q5_3", "attr_app": "Q5_4",
    "attr_kindness": "Q5_5", "attr_ambience": "Q5_6", "attr_call_wait": "Q6_1", "attr_call_knowledge": "Q6_2",
}  # fmt: skip
SPANISH = {
    "effectiveness": "Efectividad", "ease": "Facilidad", "pleasantness": "Agrado",
    "recommend": "Recomendación", "overall_sat": "Satisfacción general", "ces": "Facilitó resolver",
    "attr_resolution": "Resolución", "attr_billing": "Claridad de la boleta", "attr_ease": "Trámites",
    "attr_app": "App y sucursal virtual", "attr_kindness": "Amabilidad",
    "attr_ambience": "Ambiente de tienda", "attr_call_wait": "Espera telefónica",
    "attr_call_knowledge": "Conocimiento del ejecutivo",
}  # fmt: skip
SPSS = {name: f"P{place}" for place, name in enumerate(QUALTRICS, start=1)}
CALL_ITEMS = ("attr_call_wait", "attr_call_knowledge")

NAMES = ("Ana", "Bruno", "Camila", "Diego", "Elisa", "Fabián", "Gloria", "Hernán", "Inés", "Joaquín", "Lucía")
SURNAMES = ("Araya", "Bustos", "Cáceres", "Díaz", "Espinoza", "Fuentes", "González", "Muñoz", "Núñez", "Peña")


def write_crm(folder: Path, customers: pd.DataFrame, seed: int) -> Path:
    """Write the CRM extract: latin-1, semicolons, decimal commas, names and e-mails, test accounts."""
    n = len(customers)
    tests = customers.head(TEST_ACCOUNTS).assign(
        customer_id=ruts(n + TEST_ACCOUNTS, seed)[n:], segment="prueba"
    )
    rows = pd.concat([customers, tests], ignore_index=True)
    name, surname, mail = invented_people(len(rows))
    return write_csv(
        folder / "crm_clientes.csv",
        {
            "RUT": rows["customer_id"].tolist(),
            "NOMBRE": [f"{a} {b}" for a, b in zip(name, surname, strict=True)],
            "CORREO": mail,
            "FECHA_ALTA": dates(rows["start_date"]),
            "FECHA_BAJA": dates(rows["end_date"]),
            "FECHA_CORTE": dates(rows["observation_end"]),
            "SEGMENTO": said(rows["segment"], SEGMENT),
            "REGIÓN": said(rows["region"], REGION),
            "PLAN": said(rows["plan"], PLAN),
            "CANAL": said(rows["channel"], CHANNEL),
            "PROMOCIÓN": np.where(rows["attr_promo"] == 1, "Sí", "No").tolist(),
            "CARGO_MENSUAL": money(rows["attr_price"]),
            **_conduct(rows),
        },
        encoding="latin-1",
        separator=";",
    )


def _conduct(rows: pd.DataFrame) -> dict[str, Sequence[Any]]:
    """Return what the CRM keeps of how customers came, what binds them and how they left."""
    yes_no = {1: "Sí", 0: "No"}
    return {
        "TIPO_BAJA": said(rows["end_type"], EXIT),
        "FIN_PERMANENCIA": dates(rows["lock_in_end"]),
        "ORIGEN": said(rows["acq_channel"], ORIGIN),
        "CAMPAÑA": rows["campaign_id"].fillna("").tolist(),
        "COSTO_CAPTACIÓN": money(rows["acq_cost"]),
        "INGRESO_MES": money(rows["arpu"]),
        "MARGEN_MES": money(rows["margin_monthly"]),
        "MEGAS_OFRECIDOS": rows["attr_promised_speed"].tolist(),
        "CUMPLE_OFERTA": said(rows["attr_promise_kept"], yes_no),
        "LISTA_VENTA": said(rows["attr_sales_list"], yes_no),
        "ATRASO_1A_BOLETA": rows["attr_first_days_late"].astype(int).tolist(),
        "LLAMADA_RETENCIÓN": said(rows["attr_retention_call"], yes_no),
    }


def write_first_wave(folder: Path, responses: pd.DataFrame) -> Path:
    """Write a wave as Qualtrics exports it: three header rows, previews, effort asked the other way round."""
    previews = responses.head(PREVIEWS).assign(
        status="test", response_id=[f"P{number:05d}" for number in range(1, PREVIEWS + 1)]
    )
    rows = pd.concat([responses, previews], ignore_index=True)
    rows["ces"] = 8 - rows["ces"]
    columns: dict[str, Sequence[Any]] = {
        "ResponseId": rows["response_id"].tolist(),
        "RecordedDate": dates(rows["responded_at"], "%Y-%m-%d"),
        "Status": np.where(rows["status"] == "test", "Survey Preview", "IP Address").tolist(),
        "Progress": [100] * len(rows),
        "RecipientEmail": invented_people(len(rows))[2],
        "RUT": rows["customer_id"].tolist(),
        **{header: said(rows[name], TRAITS[name]) for name, header in _trait_headers("Medio").items()},
        "Peso": [f"{weight:.4f}" for weight in rows["weight"]],
        "Tienda": rows["unit_id"].fillna("").tolist(),
        **{header: _codes(rows, name) for name, header in QUALTRICS.items()},
    }
    texts = dict(zip(CODEBOOK["item_id"], CODEBOOK["text_es"], strict=True))
    asked = {QUALTRICS[name]: text for name, text in texts.items()}
    asked["Q4"] = "¿Cuánto esfuerzo le costó resolver su asunto? (1 nada a 7 mucho)"
    return write_csv(
        folder / "encuesta_2023T4.csv",
        {
            header: [asked.get(header, header), f'{{"ImportId":"{header}"}}', *values]
            for header, values in columns.items()
        },
        encoding="utf-8-sig",
        separator=",",
    )


def write_second_wave(folder: Path, responses: pd.DataFrame) -> Path:
    """Write a wave as a field agency sends it: latin-1, Spanish headers, `10 - Muy probable`."""
    ends = {0.0: "0 - Nada probable", 10.0: "10 - Muy probable"}
    columns: dict[str, Sequence[Any]] = {
        "Folio": responses["response_id"].tolist(),
        "RUT cliente": responses["customer_id"].tolist(),
        "Fecha": dates(responses["responded_at"]),
        **{header: said(responses[name], TRAITS[name]) for name, header in _trait_headers("Vía").items()},
        "Ponderador": [f"{weight:.4f}".replace(".", ",") for weight in responses["weight"]],
        "Tienda que atendió": responses["unit_id"].fillna("").tolist(),
        **{header: _codes(responses, name) for name, header in SPANISH.items()},
    }
    columns["Recomendación"] = [
        ends.get(score, str(code))
        for score, code in zip(responses["recommend"], columns["Recomendación"], strict=True)
    ]
    return write_csv(folder / "encuesta_2024T2.csv", columns, encoding="latin-1", separator=";")


def write_third_wave(folder: Path, responses: pd.DataFrame) -> Path:
    """Write a wave as SPSS: coded answers with value labels, 99 declared missing."""
    path = folder / "encuesta_2024T4.sav"
    coded = {
        name: {float(code): text for code, text in enumerate(texts.values(), start=1)}
        for name, texts in TRAITS.items()
    }
    frame = pd.DataFrame({"FOLIO": responses["response_id"], "RUT": responses["customer_id"]})
    frame["FECHA"] = responses["responded_at"].dt.date
    headers = {name: header.upper() for name, header in _trait_headers("MODO").items()}
    for name, header in headers.items():
        order = {value: float(code) for code, value in enumerate(TRAITS[name], start=1)}
        frame[header] = responses[name].map(order)
    frame["PESO"] = responses["weight"]
    frame["TIENDA"] = responses["unit_id"].fillna("")
    texts = dict(zip(CODEBOOK["item_id"], CODEBOOK["text_es"], strict=True))
    for name, header in SPSS.items():
        open_answers = responses[name].isna() & _asked(responses, name)
        frame[header] = responses[name].mask(open_answers, float(DONT_KNOW))
    write_spss(
        path,
        frame,
        labels={SPSS[name]: text for name, text in texts.items()},
        values={headers[name]: coded[name] for name in headers}
        | {header: {float(DONT_KNOW): "No sabe / no responde"} for header in SPSS.values()},
        missing={header: [DONT_KNOW] for header in SPSS.values()},
    )
    return path


def write_reference(folder: Path, tables: Tables) -> Path:
    """Write the workbook with the questionnaire, the population and the published ranking."""
    targets, scores, items = (tables[name] for name in ("population_targets", "benchmark_scores", "items"))
    categories = {"channel": CHANNEL, "segment": SEGMENT, "region": REGION}
    shares = [
        (VARIABLE[variable], categories[variable][category], share, source, day.date())
        for variable, category, share, source, day in targets.itertuples(index=False)
    ]
    path = folder / "referencias.xlsx"
    write_excel(
        path,
        {
            "Población": [
                ["Base de clientes en servicio"],
                ["Promedio de las fechas de las tres olas"],
                ["Variable", "Categoría", "Proporción", "Fuente", "Fecha"],
                *shares,
            ],
            "Ranking": [
                ["Marca", "Índice", "Valor", "Encuestas", "Año", "Fuente"],
                *scores.itertuples(index=False),
            ],
            "Cuestionario": [list(items.columns), *items.itertuples(index=False)],
        },
    )
    return path


def write_organisation(folder: Path, tables: Tables) -> Path:
    """Write the workbook of the areas: what they touch, how the managers rank, what was designed."""
    areas, touchpoints, shares, ranking = (
        tables[name] for name in ("areas", "touchpoints", "area_touchpoint", "management_ranking")
    )
    coded = touchpoints.assign(
        interaction_type=said(touchpoints["interaction_type"], INTERACTION),
        channel=said(touchpoints["channel"], CHANNEL),
        stage=said(touchpoints["stage"], STAGE),
        actor=said(touchpoints["actor"], ACTOR),
        front_back=said(touchpoints["front_back"], SIDE),
    )
    designed = tables["journey_design"].assign(
        designed=said(tables["journey_design"]["designed"], FLAG),
        target_emotion=said(tables["journey_design"]["target_emotion"], EMOTION),
    )
    path = folder / "organizacion.xlsx"
    write_excel(
        path,
        {
            "Áreas": [
                ["Código", "Nombre", "Name", "Tipo"],
                *areas.assign(kind=said(areas["kind"], SIDE)).itertuples(index=False),
            ],
            "Puntos de contacto": [
                ["Código", "Nombre", "Name", "Interacción", "Canal", "Etapa", "Atiende", "Vista"],
                *coded.itertuples(index=False),
            ],
            "Responsabilidad": [["Área", "Punto de contacto", "Parte"], *shares.itertuples(index=False)],
            "Ranking gerencial": [["Gerente", "Aspecto", "Lugar"], *ranking.itertuples(index=False)],
            "Diseño": [
                ["Punto de contacto", "Versión", "Diseñado", "Emoción buscada"],
                *designed.itertuples(index=False),
            ],
        },
    )
    return path


def write_benchmark(folder: Path, interviews: pd.DataFrame) -> Path:
    """Write the benchmark interviews."""
    return write_csv(
        folder / "benchmark_respuestas.csv",
        {
            "Marca": interviews["peer_id"].tolist(),
            "Encuestado": interviews["respondent_id"].tolist(),
            "Interacción": said(interviews["interaction_type"], INTERACTION),
            "Canal": said(interviews["channel"], CHANNEL),
            "Región": said(interviews["region"], REGION),
            "Segmento": said(interviews["segment"], SEGMENT),
            **{
                header: _codes(interviews, name)
                for name, header in SPANISH.items()
                if name in ("effectiveness", "ease", "pleasantness", "recommend")
            },
        },
        encoding="utf-8",
        separator=",",
    )


def write_interactions(folder: Path, contacts: pd.DataFrame) -> Path:
    """Write the contact log."""
    return write_csv(
        folder / "interacciones.csv",
        {
            "ID": contacts["interaction_id"].tolist(),
            "RUT": contacts["customer_id"].tolist(),
            "FECHA": dates(contacts["ts_start"]),
            "TIPO": said(contacts["interaction_type"], INTERACTION),
            "CANAL": said(contacts["channel"], CHANNEL),
            "RESUELTO": np.where(contacts["resolved_first"] == 1, "S", "N").tolist(),
            "ESPERA_SEG": contacts["wait_time_s"].astype(int).tolist(),
            "DURACION_SEG": contacts["handle_time_s"].astype(int).tolist(),
            "REABIERTO": np.where(contacts["reopened"] == 1, "S", "N").tolist(),
            "REPITE_DATOS": said(contacts["repeat_info"], FLAG),
            "CONTEXTO": said(contacts["context_transferred"], FLAG),
            "MISMA_RESPUESTA": said(contacts["answer_consistent"], FLAG),
            "NOTA_CONTACTO": _scores(contacts["touchpoint_score"]),
            "NOTA_GESTION": _scores(contacts["journey_score"]),
            "EMOCION": said(contacts["emotion"], EMOTION),
        },
        encoding="latin-1",
        separator=";",
    )


def _trait_headers(mode: str) -> dict[str, str]:
    return {"mode": mode, "channel": "Canal", "segment": "Segmento", "region": "Region", "plan": "Plan"}


def _codes(rows: pd.DataFrame, name: str) -> list[int | str]:
    """Whole answers; 99 where the question was left open, blank where it was not asked."""
    values, asked = rows[name].to_numpy(dtype=float), _asked(rows, name).to_numpy()
    left_open = np.isnan(values)
    coded = np.where(left_open, DONT_KNOW, np.nan_to_num(values)).astype(int)
    return ["" if blank else int(code) for code, blank in zip(coded, left_open & ~asked, strict=True)]


def _asked(rows: pd.DataFrame, name: str) -> pd.Series[bool]:
    """Call-centre questions are asked to callers: who answered one of them called."""
    if name not in CALL_ITEMS:
        return pd.Series(data=True, index=rows.index)
    return rows[list(CALL_ITEMS)].notna().any(axis=1)


def _scores(values: pd.Series[Any]) -> list[int | str]:
    return ["" if np.isnan(value) else int(value) for value in values]


def said(values: pd.Series[Any], texts: Mapping[Any, str]) -> list[str]:
    """Say codes as the client does; a missing one is an empty text."""
    return values.map(dict(texts)).fillna("").tolist()


def money(amounts: pd.Series[Any]) -> list[str]:
    """Write amounts with a decimal comma."""
    return [f"{amount:.2f}".replace(".", ",") for amount in amounts]


def dates(days: pd.Series[Any], form: str = "%d-%m-%Y") -> list[str]:
    """Format days, each different one once; a missing one is an empty text."""
    codes, different = pd.factorize(days)
    texts = [*pd.DatetimeIndex(different).strftime(form), ""]
    return [texts[code] for code in codes]


def invented_people(n: int) -> tuple[list[str], list[str], list[str]]:
    """Invented names and addresses (under a domain that is nobody's)."""
    names = [NAMES[i % len(NAMES)] for i in range(n)]
    surnames = [SURNAMES[i // len(NAMES) % len(SURNAMES)] for i in range(n)]
    return names, surnames, [f"cliente{i:05d}@example.com" for i in range(n)]


def write_csv(path: Path, columns: Mapping[str, Sequence[Any]], *, encoding: str, separator: str) -> Path:
    """Write columns as a text file."""
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=separator, lineterminator="\r\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path
