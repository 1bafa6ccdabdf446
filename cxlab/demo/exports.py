"""The survey of each delivery as Qualtrics exports it, dirt and all.

The second wave is the same survey after somebody edited it: a question renamed, two reworded, one on
another scale, one taken out so that the next ones slide under its name, one added, answers said twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cxlab.demo.dirt import Written, write_lines
from cxlab.demo.questionnaire import CODEBOOK
from cxlab.demo.raw import CALL_ITEMS, QUALTRICS, TRAITS
from cxlab.demo.ruts import ruts

Array = np.ndarray[Any, Any]

DONT_KNOW, RATHER_NOT = 99, 98
PREVIEWS = {"2025T1": 9, "2025T2": 6}
TESTS = {"2025T1": 3, "2025T2": 0}
MULTILINE = 15
SPEEDERS = 7
WHATSAPP = 24
RATHER_NOT_IN = {"overall_sat": 11, "ease": 6}
REPEATED_EXACTLY, REPEATED_CHANGED = 21, 16
EFFORT = "¿Cuánto esfuerzo le costó resolver su asunto? (1 nada a 7 mucho)"
CALLED = ("attr_called", "Q6", "En los últimos tres meses, ¿llamó al call center?")
COMMENT = ("verbatim", "Q9", "¿Qué le gustaría contarnos?")

FIRST = dict(QUALTRICS)
# The kindness question went out: ambience slid into its place and a new question into that of ambience.
SECOND = {
    "effectiveness": "Q1_1", "ease": "Q1_2", "pleasantness": "Q1_3", "recommend": "NPS", "overall_sat": "Q3",
    "ces": "Q4", "attr_resolution": "Q5_1", "attr_billing": "Q5_2", "attr_ease": "Q5_3", "attr_app": "Q5_4",
    "attr_ambience": "Q5_5", "attr_wifi": "Q5_6", "attr_call_wait": "Q6_1", "attr_call_knowledge": "Q6_2",
}  # fmt: skip
REWORDED = {
    "overall_sat": "Considerando todo, ¿cuán conforme está usted con nuestro servicio? (1 a 7)",
    "attr_ease": "Con nota de 1 a 7, ¿cómo evalúa lo simple que es hacer sus trámites?",
    "attr_billing": "Con nota de 1 a 5, ¿cómo evalúa la claridad de la boleta?",
}
WIFI = "Con nota de 1 a 7, ¿cómo evalúa la señal de wifi en su hogar?"

# What the tool itself records: its second and third row of names.
TOOL = {
    "StartDate": ("Start Date", "startDate"), "EndDate": ("End Date", "endDate"),
    "Status": ("Response Type", "status"), "IPAddress": ("IP Address", "ipAddress"),
    "Progress": ("Progress", "progress"), "Duration (in seconds)": ("Duration (in seconds)", "duration"),
    "Finished": ("Finished", "finished"), "RecordedDate": ("Recorded Date", "recordedDate"),
    "ResponseId": ("Response ID", "_recordId"),
    "RecipientLastName": ("Recipient Last Name", "recipientLastName"),
    "RecipientFirstName": ("Recipient First Name", "recipientFirstName"),
    "RecipientEmail": ("Recipient Email", "recipientEmail"),
    "DistributionChannel": ("Distribution Channel", "distributionChannel"),
    "UserLanguage": ("User Language", "userLanguage"),
}  # fmt: skip

_SAID = {
    "good": (
        ("Todo bien con la instalación", "Muy buena la atención que recibí", "El técnico llegó a la hora",
         "La aplicación funciona sin problemas", "Fue rápido y claro", "Buen servicio en general"),
        ("y me resolvieron en la primera llamada", "sobre todo desde que cambié de plan",
         "y la velocidad es la que contraté", "ojalá mantengan el precio",
         "aunque la boleta podría explicarse mejor"),
    ),
    "bad": (
        ("La boleta nunca coincide con lo que me ofrecieron", "Llamé tres veces por el mismo problema",
         "Nadie supo explicarme el cobro", "Se corta la señal todas las noches",
         "Esperé al técnico un día entero", "Me cambiaron el plan sin avisar"),
        ("y todavía no lo resuelven", "y cada persona dice algo distinto", "pese a que pago a tiempo",
         "y en la tienda me mandaron a la aplicación", "así que estoy mirando otras opciones"),
    ),
}  # fmt: skip
_ENDINGS = ("", " Gracias por preguntar.", " Espero que mejoren.", " Es lo que puedo decir por ahora.")


def write_survey(folder: Path, wave: str, responses: pd.DataFrame, seed: int) -> Written:
    """Write the survey of a wave under `folder`, the client's.

    `responses` are the wave's answers with the columns of the questionnaire, the traits, the customer's
    id and whether they called.
    """
    rng = np.random.default_rng([seed, int(wave[:4]), int(wave[-1])])
    second = wave == "2025T2"
    headers = SECOND if second else FIRST
    rows = _with_tests(_with_comments(rng, responses, wave), wave)
    if second:
        rows = _edited(rng, rows)
    columns = _columns(rng, rows, headers)
    if second:
        columns = _with_personal(_with_repeats(columns), seed)
    texts = _questions(headers, second=second) | {header: told for header, (told, _) in TOOL.items()}
    ids = {header: own for header, (_, own) in TOOL.items()}
    ids |= {header: f"QID{place}" for place, header in enumerate(headers.values(), start=1)}
    records = [
        list(columns),
        [texts.get(header, header) for header in columns],
        [f'{{"ImportId":"{ids.get(header, header)}"}}' for header in columns],
        *zip(*columns.values(), strict=True),
    ]
    file = f"raw/{wave}/encuesta_{wave}.csv"
    lines = write_lines(folder / file, records, encoding="utf-8-sig", separator=",")[3:]
    return Written(wave=wave, file=file, columns=columns, lines=lines)


def _with_comments(rng: np.random.Generator, responses: pd.DataFrame, wave: str) -> pd.DataFrame:
    n = len(responses)
    liked = (responses["recommend"].fillna(5) >= 8).to_numpy()
    texts = [""] * n
    answered = np.flatnonzero(rng.random(n) < 0.45)
    for at in answered:
        firsts, seconds = _SAID["good" if liked[at] else "bad"]
        first, second, ending = (str(rng.choice(np.array(each))) for each in (firsts, seconds, _ENDINGS))
        texts[at] = f"{first}, {second}.{ending}"
    for at in rng.choice(answered, size=MULTILINE, replace=False):
        texts[at] = texts[at].replace(", ", ",\n", 1)
    ids = ["R_" + sha256(f"{wave}{at}".encode()).hexdigest()[:13] for at in range(n)]
    seconds_spent = np.rint(rng.lognormal(5.7, 0.35, n)).astype(int)
    seconds_spent[rng.choice(n, size=SPEEDERS, replace=False)] = rng.integers(18, 40, SPEEDERS)
    hour = pd.to_timedelta(rng.integers(8 * 3600, 22 * 3600, n), unit="s")
    return responses.assign(
        verbatim=texts, response_id=ids, seconds=seconds_spent, recorded=responses["responded_at"] + hour
    )


def _with_tests(rows: pd.DataFrame, wave: str) -> pd.DataFrame:
    """Put the trials of the questionnaire first: they came before the field."""
    previews, tests = PREVIEWS[wave], TESTS[wave]
    trials = rows.head(previews + tests).assign(
        kind=["Survey Preview"] * previews + ["Survey Test"] * tests,
        response_id=[f"R_{'prueba'}{wave[-1]}{number:06d}" for number in range(previews + tests)],
        recorded=rows["recorded"].min() - pd.Timedelta(days=3),
        verbatim="",
    )
    return pd.concat([trials, rows.assign(kind="IP Address")], ignore_index=True)


def _edited(rng: np.random.Generator, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the answers as the edited questionnaire of the second wave takes them."""
    n = len(rows)
    wifi = np.clip(np.rint(4.6 + 1.5 * rng.standard_normal(n)), 1, 7)
    out = rows.assign(attr_billing=np.rint((rows["attr_billing"] - 1) * 4 / 6) + 1, attr_wifi=wifi)
    real = np.flatnonzero((rows["kind"] == "IP Address").to_numpy())
    for name, count in RATHER_NOT_IN.items():
        told = real[rows[name].notna().to_numpy()[real]]
        out.loc[rng.choice(told, size=count, replace=False), name] = RATHER_NOT
    mailed = real[(rows["mode"] == "email").to_numpy()[real]]
    out.loc[rng.choice(mailed, size=WHATSAPP, replace=False), "mode"] = "whatsapp"
    return out


def _columns(
    rng: np.random.Generator, rows: pd.DataFrame, headers: Mapping[str, str]
) -> dict[str, list[Any]]:
    n = len(rows)
    started = rows["recorded"] - pd.to_timedelta(rows["seconds"], unit="s")
    numbers = rng.integers(1, 255, (n, 2))
    said = {"mode": TRAITS["mode"] | {"whatsapp": "WhatsApp"}}
    form = "%Y-%m-%d %H:%M:%S"
    return {
        "StartDate": started.dt.strftime(form).tolist(),
        "EndDate": rows["recorded"].dt.strftime(form).tolist(),
        "Status": rows["kind"].tolist(),
        "IPAddress": [f"198.51.100.{last}" for last in numbers[:, 0]],
        "Progress": [100] * n,
        "Duration (in seconds)": rows["seconds"].tolist(),
        "Finished": ["True"] * n,
        "RecordedDate": rows["recorded"].dt.strftime(form).tolist(),
        "ResponseId": rows["response_id"].tolist(),
        "RecipientLastName": rows["surname"].tolist(),
        "RecipientFirstName": rows["name"].tolist(),
        "RecipientEmail": rows["mail"].tolist(),
        "DistributionChannel": np.where(rows["kind"] == "IP Address", "email", "preview").tolist(),
        "UserLanguage": ["ES"] * n,
        "RUT": rows["customer_id"].tolist(),
        **{
            header: rows[name].map(said.get(name, TRAITS[name])).tolist()
            for name, header in (
                ("mode", "Medio"), ("channel", "Canal"), ("segment", "Segmento"), ("region", "Region"),
                ("plan", "Plan"),
            )
        },
        **{headers[name]: _answers(rows, name) for name in headers},
        CALLED[1]: np.where(rows["called"] == 1, "Sí", "No").tolist(),
        COMMENT[1]: rows["verbatim"].tolist(),
    }  # fmt: skip


def _answers(rows: pd.DataFrame, name: str) -> list[Any]:
    """Return a question's cells: 99 where it was left open, nothing where it was not asked."""
    values = rows[name]
    if name == "ces":
        values = 8 - values
    asked = rows["called"] == 1 if name in CALL_ITEMS else pd.Series(data=True, index=rows.index)
    cells: list[Any] = [
        "" if not given else DONT_KNOW if np.isnan(value) else int(value)
        for value, given in zip(values, asked, strict=True)
    ]
    if name != "recommend":
        return cells
    said = {0: "0 - Nada probable", 10: "10 - Muy probable"}
    return [said.get(cell, cell) for cell in cells]


def _with_repeats(columns: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    """Say some responses twice: most alike to the last comma, the others answered anew later."""
    real = [at for at, kind in enumerate(columns["Status"]) if kind == "IP Address"]
    repeated = real[5 :: len(real) // (REPEATED_EXACTLY + REPEATED_CHANGED)]
    repeated = repeated[: REPEATED_EXACTLY + REPEATED_CHANGED]
    changed = set(repeated[REPEATED_EXACTLY:])
    out = {header: [*cells, *(cells[at] for at in repeated)] for header, cells in columns.items()}
    first = len(columns["Status"])
    for place, at in enumerate(repeated):
        if at in changed:
            out["Q1_1"][first + place] = 1 if columns["Q1_1"][at] == 7 else 7
            out["EndDate"][first + place] = out["RecordedDate"][first + place] = "2025-06-25 10:00:00"
    return out


def _with_personal(columns: dict[str, list[Any]], seed: int) -> dict[str, list[Any]]:
    """Let two people sign their comments with their RUT, and one with an address."""
    comments = columns[COMMENT[1]]
    written = [at for at, text in enumerate(comments) if text and columns["Status"][at] == "IP Address"]
    first, second = ruts(2, seed + 77)
    for at, signature in zip(written[20:95:30], (f"rut {first}", "c.rojas@example.com", second), strict=True):
        comments[at] = f"{comments[at]} Por favor contáctenme, {signature}."
    return columns


def _questions(headers: Mapping[str, str], *, second: bool) -> dict[str, str]:
    texts = dict(zip(CODEBOOK["item_id"], CODEBOOK["text_es"], strict=True))
    texts |= {"ces": EFFORT, "attr_wifi": WIFI} | (REWORDED if second else {})
    asked = {header: texts[name] for name, header in headers.items()}
    return asked | {CALLED[1]: CALLED[2], COMMENT[1]: COMMENT[2]}
