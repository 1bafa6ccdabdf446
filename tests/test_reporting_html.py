"""Pages: self-contained, escaped, the right language, the same bytes; what a browser makes of payloads."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import reporting_examples as examples
import waves_examples
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from cxlab.analysis import waves
from cxlab.analysis.estimates import Claim, masked
from cxlab.errors import Message
from cxlab.reporting import RESULT, body, cards, figures, gallery, html, safe, tables
from cxlab.reporting.bundle import bundle, plain
from cxlab.reporting.made import PROVENANCE, Made, section
from cxlab.reporting.words import Words

ES = Words("es", examples.LABELS)
CLIENT = html.Client(name="Fibra Cordillera S.A.", focal="#1F5FA8", labels=examples.LABELS)
COVER = html.Cover(
    where="region != 'RM'",
    wave="2025Q2",
    data_date=date(2025, 6, 30),
    made=Made(parameters={"outcome": "pxi", "by": ["region"], "x": ""}, run="9f3a11c2"),
)
FILE = {"sha256": "ab" * 32, "read": 1814, "used": 1800}
READ = body.READ
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
RUNS = "document.title='PWNED'"
PAYLOADS = (
    f"<script>{RUNS}</script>",
    f'<img src=x onerror="{RUNS}">',
    f'"><svg onload={RUNS}>',
    f"'-{RUNS}-'",
    f"</title></style><script>{RUNS}</script>",
    f'<a href="javascript:{RUNS}">x</a>',
    f"<iframe srcdoc='<script>parent.{RUNS}</script>'>",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "{{ 7*7 }}",
    "{% for x in y %}",
    "{0} %s {metric} ${x}",
    "$\\frac{a$ $10 $20",
    "🙂 ☠",
    "‮أهلا‬ מחיר",
    "a&amp;b & \"c\" 'd' <e>",
    "]]><!-- -->",
    "--><b>",
    "<!--cx-figure-->",
    '<div class="cx-slot-0"></div>',
    "CX-CODE-SUMMARY",
    "https://example.org/x.png",
    "_x `y` *z* [a](b)",
    "\x00\x08\ud800 z",
)


class Page(HTMLParser):
    """Tags, attributes and visible text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {k: v or "" for k, v in attrs}))

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    @property
    def said(self) -> str:
        return " ".join(" ".join(self.text).replace("\N{NO-BREAK SPACE}", " ").split())


def page(
    *outputs: Any, language: str = "es", cover: html.Cover = COVER, client: html.Client = CLIENT, **named: str
) -> str:
    return html.page(examples.notebook(outputs, **named), cover=cover, language=language, client=client)


@pytest.fixture(scope="module")
def report() -> str:
    shown = [
        examples.shown(masked(examples.scores()), figures.draw_scores, ES, 1),
        examples.shown(examples.importance(), figures.draw_importance, ES, 2),
        examples.shown(examples.retention(3), figures.draw_retention, ES, 3),
    ]
    return page(*shown)


def assert_harmless(text: str) -> None:
    found = Page(text)
    for tag, attributes in found.tags:
        assert tag not in ("script", "iframe", "object", "embed", "link", "form", "base", "foreignobject"), (
            tag
        )
        assert not [k for k in attributes if k.startswith("on")], attributes
        for key in ("src", "href", "xlink:href", "action", "data", "srcset", "poster"):
            value = attributes.get(key, "")
            assert (
                not value
                or value.startswith("#")
                or value.startswith("data:image/")
                or not re.match(r"[\w+.-]*:|//", value)
            ), value
    style = " ".join(re.findall(r"<style>(.*?)</style>", text, re.DOTALL))
    assert "url(" not in style
    assert "@import" not in style
    policies = [
        a["content"] for t, a in found.tags if a.get("http-equiv", "").lower() == "content-security-policy"
    ]
    assert policies == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:"]


def test_a_report_is_one_harmless_file(report):
    assert_harmless(report)
    assert "http://" not in report
    assert "https://" not in report
    assert len(report.encode()) < 500_000


def test_same_notebook_same_bytes(report):
    shown = [
        examples.shown(masked(examples.scores()), figures.draw_scores, ES, 1),
        examples.shown(examples.importance(), figures.draw_importance, ES, 2),
        examples.shown(examples.retention(3), figures.draw_retention, ES, 3),
    ]
    assert page(*shown) == report


def test_the_cover_says_client_question_filter_date_and_language(report):
    said = Page(report).said
    top = said[: said.index("Respuesta")]
    for wanted in (
        "Fibra Cordillera S.A.",
        "¿Cuánto nos recomiendan?",
        "region != 'RM'",
        "2025Q2",
        "30 de junio de 2025",
        "Español",
    ):
        assert wanted in top
    assert report.count("<h1") == 1


def test_headline_claims_are_cards_with_number_interval_base_and_grade(report):
    cards_of = re.findall(r'<article class="cx-card.*?</article>', report, re.DOTALL)
    assert len(cards_of) == 3
    first = Page(cards_of[0]).said
    assert first.startswith("14,6 puntos Se observa un NPS de 14,6 puntos. descripción")
    assert "intervalo de 95 %: 11,0 a 18,1 puntos n = 2.051" in first
    assert "Los ponderadores corrigen la mezcla" in first
    assert Page(cards_of[2]).said.startswith("39 % «Resolución en el primer contacto» se asocia con el PXI")


def test_one_language_is_kept_and_the_contents_follow_it(report):
    said = Page(report).said
    assert "How much are we recommended" not in said
    names = [a["href"][1:] for t, a in Page(report).tags if t == "a" and a.get("href", "").startswith("#s")]
    ids = {a.get("id") for t, a in Page(report).tags if t == "h2"}
    assert names
    assert set(names) <= ids
    english = Page(page(language="en")).said
    assert "How much are we recommended?" in english
    assert "What this does not show" in english
    assert "Lo que esto no muestra" not in english
    assert "How this report was made" in english


def test_the_report_ends_with_all_that_it_was_made_from():
    """Where a notebook displays its provenance the page says all it knows of it, once, and nothing else."""
    read = {"table": "survey_responses", "sha256": "cd" * 32, "rows": 5400, "used": 4200, "until": None}
    reads = new_output("display_data", data={READ: {**read, "files": [{"name": "ola 1.csv", **FILE}]}})
    told = new_output("display_data", data={PROVENANCE: {}, "text/html": "<p>in the notebook</p>"})
    book = examples.notebook([reads])
    book.cells += [new_markdown_cell("## Procedencia"), new_code_cell("p", outputs=[told, told])]
    prints = {"notebook": "1" * 64, "sources": "2" * 64, "versions": "3" * 64, "facts": "", "settled": True}
    made = replace(COVER.made, seed=7, notebook="drivers.ipynb", prints=prints, versions={"pandas": "2.3.3"})
    text = html.page(book, cover=replace(COVER, made=made), language="es", client=CLIENT)
    ending = Page(text.partition("Procedencia</h2>")[2]).said
    for wanted in (
        "Corrida 9f3a11c2", "Cuaderno drivers.ipynb", "Semilla 7", "outcome pxi", "by region", "pandas 2.3.3",
        "5.400 4.200 cdcdcdcdcdcdcdcd…", "ola 1.csv", "1.814 1.800 abababababababab…", "1111111111111111…",
        "manifest.json", "cxlab verify 9f3a11c2",
    ):  # fmt: skip
        assert wanted in ending, wanted
    assert text.count("9f3a11c2") == 2
    assert "in the notebook" not in text
    assert "Cómo se hizo este informe" not in text
    assert "tables.json" not in text  # nothing is said of what is empty


def test_code_is_folded_once_per_section(report):
    folded = re.findall(
        r'<details class="cx-code"><summary>Código de esta sección</summary>.*?</details>', report, re.DOTALL
    )
    assert len(folded) == 2
    assert "draw_scores" in Page(folded[1]).said
    assert "client" in Page(folded[0]).said


def test_figures_are_inline_with_their_alt_text_and_own_ids(report):
    drawings = [a for t, a in Page(report).tags if t == "svg"]
    assert len(drawings) == 3
    assert all(a["role"] == "img" and len(a["aria-label"]) > 40 for a in drawings)
    ids = [a["id"] for t, a in Page(report).tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert "var(--focal, #1f5fa8)" in report
    assert "La Araucanía" in Page(report).said


def test_data_of_a_figure_stand_behind_a_disclosure(report):
    data = re.findall(r'<details class="cx-data">.*?</details>', report, re.DOTALL)
    assert len(data) == 3
    said = Page(data[0]).said
    assert "Región Estimación Intervalo de 95 % Base (n)" in said
    assert "24†" in said
    assert "<10" in said
    assert "† Base menor que 30: solo un indicio." in said
    assert "Los grupos con menos de 10 clientes no se muestran (<10)." in said


def test_dollars_and_prose_stay_as_written(report):
    assert "cuesta $10 o $20" in Page(report).said
    assert "<em>no</em>" in report


def test_parameters_and_run_stand_at_the_end(report):
    said = Page(report).said
    end = said[said.index("Cómo se hizo este informe") :]
    assert "Corrida 9f3a11c2" in end
    assert "outcome pxi by region x –" in end


def test_a_report_without_any_claim_and_cover_still_stands():
    empty = html.page(new_notebook(cells=[]), cover=html.Cover(), language="en", client=html.Client(name=""))
    assert_harmless(empty)
    assert "no filter" in empty


def test_the_date_of_the_data_comes_from_the_reads_where_the_cover_has_none():
    read = new_output(
        "display_data",
        data={body.READ: {"table": "customers", "until": "2025-05-31"}, "text/html": "<p>x</p>"},
    )
    assert "31 de mayo de 2025" in page(read, cover=html.Cover())


@pytest.mark.parametrize("payload", PAYLOADS)
def test_payloads_are_shown_as_text_in_every_place(payload, payloaded):
    text, index = payloaded(payload)
    for made in (text, index):
        assert_harmless(made)
        made.encode("utf-8")
    shown = payload.replace("\x00\x08\ud800 ", "").strip()
    flat = " ".join(shown.split())
    assert Page(text).said.count(flat) >= 4
    assert Page(index).said.count(flat) >= 2


@pytest.fixture(scope="module")
def payloaded():
    made: dict[str, tuple[str, str]] = {}

    def build(payload: str) -> tuple[str, str]:
        if payload not in made:
            made[payload] = _payloaded(payload)
        return made[payload]

    return build


def _payloaded(payload: str) -> tuple[str, str]:
    """A report and a gallery with the payload in every place that a client or an answer can reach."""
    labels = {"columns": {"region": payload, "ease": payload}, "values": {"region": {"RM": payload}}}
    words = Words("es", labels)
    result = examples.scores()
    claims = (
        *result.claims,
        Claim("score.level", {**result.claims[0].fields, "metric": payload}, "D", (payload,), headline=True),
    )
    result = replace(
        result, claims=claims, n_dropped={payload: 3}, settings={**result.settings, "note": payload}
    )
    result.table[payload] = payload
    outputs = [
        examples.shown(result, figures.draw_scores, words),
        new_output("stream", name="stdout", text=payload),
        new_output("display_data", data={"text/html": f"<p>{payload}</p>", "text/vnd.mermaid": payload}),
        new_output("display_data", data={"text/markdown": payload, "application/javascript": RUNS}),
        new_output(
            "display_data",
            data={"image/svg+xml": f"<svg xmlns='http://www.w3.org/2000/svg'><script>{RUNS}</script></svg>"},
        ),
        new_output("error", ename="ValueError", evalue=payload, traceback=[payload]),
        new_output("display_data", data={READ: {"table": payload, "files": [{"name": payload, **FILE}]}}),
        new_output("display_data", data={"text/html": section(Made(client=payload), [], words)}),
        new_output(
            "display_data",
            data={
                "text/html": html.read_html(
                    {"table": payload, "rows": 2, "used": 1}, [(payload, payload, 1)], words
                )
            },
        ),
        new_output("display_data", data={"text/html": html.note_html("read.absent", words, table=payload)}),
    ]
    client = html.Client(name=payload, focal=payload, logo=payload, labels=labels)
    made = Made(run=payload, notebook=payload, client=payload, parameters={payload: payload}, where=payload)
    cover = html.Cover(where=payload, wave=payload, made=made)
    notebook = examples.notebook(outputs)
    notebook.cells.append(new_markdown_cell(f"## x\n\n{payload}", metadata={"tags": ["lang-es"]}))
    text = html.page(notebook, cover=cover, language="es", client=client)
    entries = [
        replace(
            gallery.entry_of(notebook, name=payload, href=payload, language="es", links=[(payload, payload)]),
            title=payload,
        ),
        gallery.Entry(name="b", title=payload, status="failed", failed_cell=3, message=payload),
    ]
    return text, gallery.index(payload, entries, language="es", client=client)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not program:
        pytest.skip("no Chromium on this machine: the browser test of payloads is left out")
    profile = tmp_path_factory.mktemp("profile")

    def dom(path: Path) -> str:
        quiet = (
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-quic",
        )
        command = [
            program,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            *quiet,
            f"--user-data-dir={profile}",
        ]
        done = subprocess.run(
            [*command, "--dump-dom", path.as_uri()], capture_output=True, timeout=60, check=False
        )
        if done.returncode:
            pytest.skip("Chromium does not start here: the browser test of payloads is left out")
        return done.stdout.decode("utf-8", "replace")

    return dom


@pytest.mark.xdist_group("browser")
def test_a_browser_runs_nothing(chromium, payloaded, tmp_path):
    report, gallery = payloaded(" ".join(p for p in PAYLOADS if "\x00" not in p))
    # Both in one document and without their policy: what is written must be harmless by itself. The last
    # script is ours and shows that scripts do run in this browser.
    inner = gallery.partition("<body")[2].partition(">")[2].partition("</body>")[0]
    both = report.replace("</body>", f"{inner}<script>document.body.id = 'ours-ran'</script></body>")
    path = tmp_path / "page.html"
    path.write_text(re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", both), encoding="utf-8")
    seen = chromium(path)
    assert 'id="ours-ran"' in seen
    assert "<title>PWNED" not in seen
    assert seen.count("</main>") == 2


# --- results, tables, bundles ----------------------------------------------------------------------


def cells(result: Any, name: str = "main", words: Words = ES, **settings: Any) -> list[list[str]]:
    made = bundle(replace(result, settings={**result.settings, **settings}), words, id="r")
    table = tables.readable(made, name, words)
    rows = [[h.text for h in table.heads], *[[c.text + c.mark for c in row.cells] for row in table.rows]]
    return [[text.replace("\N{NO-BREAK SPACE}", " ") for text in row] for row in rows]


def test_a_bundle_is_plain_json_with_sentences():
    made = bundle(masked(examples.scores()), ES, id="result-1", figure={"title": "t", "alt": "a"})
    text = json.dumps(made, allow_nan=False)
    assert json.loads(text) == made
    assert made["kind"] == "Result"
    assert made["claims"][0]["sentence"].startswith("Se observa un NPS")
    assert made["claims"][0]["caveat_texts"] == [
        "Los ponderadores corrigen la mezcla de quienes responden, no la razón por la que responden."
    ]
    assert next(iter(made["tables"])) == "main"
    assert plain({"a": np.int64(3), "b": {np.float64("inf"), None}}) == {"a": 3, "b": [None, None]}


def test_advice_in_a_table_is_said_in_the_language():
    result = examples.scores()
    checks = result.table.iloc[:1][["region"]].assign(advice=[Message("nothing to do")])
    made = bundle(replace(result, tables={"checks": checks}), ES, id="r")
    assert made["tables"]["checks"]["rows"] == [["RM", "nada que hacer"]]


def test_checks_of_a_driver_are_printed_where_they_ask_something():
    checks = pd.DataFrame(
        [
            ("r_squared", "", 0.64, ""), ("vif", "ease", 1.2, ""), ("vif", "app", 44.0, "leave one out"),
            ("rated", "ease", 1.0, ""), ("rated", "app", 1.0, ""),
        ],
        columns=["check", "driver", "value", "advice"],
    )  # fmt: skip
    made = bundle(replace(examples.scores(), tables={"checks": checks}), ES, id="r")
    assert len(made["tables"]["checks"]["rows"]) == 5
    printed = tables.readable(made, "checks", ES)
    assert [[cell.text for cell in row.cells[1:3]] for row in printed.rows] == [
        ["", "64\N{NO-BREAK SPACE}%"], ["App", "44,00"],
    ]  # fmt: skip
    assert printed.notes == ("Otras 3 comprobaciones, atributo por atributo, no piden nada.",)


def test_suppressed_rows_hold_no_number_anywhere():
    shown = html.result_html(bundle(masked(examples.scores()), ES, id="r"), ES)
    row = next(r for r in re.findall(r"<tr.*?</tr>", shown, re.DOTALL) if "Magallanes" in r)
    assert "&lt;10" in row
    assert not re.search(r">[^<]*\d[^<]*<", row.replace("&lt;10", ""))


def test_tables_merge_limits_and_give_a_column_one_number_of_decimals():
    rows = cells(examples.scores())
    assert rows[0] == ["Región", "Estimación", "Intervalo de 95 %", "Base (n)"]
    assert rows[1] == ["Metropolitana", "8,4", "3,8 a 13,0", "1.204"]
    assert rows[4][1:3] == ["31,2", "17,1 a 45,3"]


def test_tables_of_each_kind_read_as_a_reader_expects():
    assert cells(examples.importance())[1][1:5] == ["0,246", "39 %", "34 a 45", "1"]
    assert "1" in cells(examples.importance())[1]
    hazard = cells(examples.hazards())
    assert hazard[1][:3] == ["Efectividad", "0,80", "0,77 a 0,83"]
    gaps = cells(examples.comparison())
    assert gaps[0][:2] == ["Empresa", "Diferencia"]
    assert any(row[-1] in ("por encima", "por debajo") or "no se distingue" in row for row in gaps[1:])
    split = examples.comparison().table.assign(crude=4.3, mix=-0.3, difference=4.6)
    told = cells(replace(examples.comparison(), table=split))
    assert {"Diferencia observada", "Parte de la mezcla", "A igual mezcla"} <= set(told[0])
    assert {"4,3", "−0,3", "4,6"} <= set(told[1])
    drawn = examples.comparison().table.assign(drawn_to=2.0, pooled=True)
    assert "Combinado" in cells(replace(examples.comparison(), table=drawn))[0]
    assert "Contraída al promedio" not in cells(replace(examples.comparison(), table=drawn))[0]
    months = cells(examples.retention(0))
    assert months[0][:4] == ["Meses", "En riesgo", "Bajas", "Permanecen"]
    assert months[1][:4] == ["1", "1.476", "5", "97,8 %"]


@pytest.mark.parametrize(
    ("metric", "said"), [("nps", ["−10", "22", "12"]), ("csat_t2b_5", ["−4,9 p.p.", "10,9 p.p.", "6,0 p.p."])]
)
def test_what_a_percentage_changed_by_is_in_points_of_it(metric, said):
    rows = cells(waves_examples.change(metric))
    assert rows[0][1] == "Diferencia"
    assert [row[1] for row in rows[1:]] == said


def test_how_many_more_are_always_served_well_is_in_points_of_the_percentage():
    contacts = pd.DataFrame({"who": np.repeat(range(40), 2), "ok": [1, 1, 0, 0] * 20})
    told = {row[0]: row[1] for row in cells(waves.sustained(contacts, "ok", person="who"))[1:]}
    assert list(told.values()) == ["50,0 %", "50,0 %", "25,0 %", "25,0 p.p."]


@pytest.mark.parametrize(
    ("outcome", "unit", "head"),
    [
        ("pxi", "scale", "Puntos por nota"),
        ("q7", "points", "Puntos por nota"),
        ("q7", "percent", "p.p. por nota"),
        ("q7", "scale", "Coeficiente"),
    ],
)
def test_coefficients_are_headed_by_the_unit_of_the_outcome(outcome, unit, head):
    heads = cells(examples.importance(), outcome=outcome, unit_coefficient=unit)[0]
    assert [h for h in heads if h in ("Puntos por nota", "p.p. por nota", "Coeficiente")] == [head]


def test_months_stay_months_in_the_table_of_medians():
    result = examples.retention(0)
    medians = result.table.iloc[:1][["n"]].assign(estimate=35.0, conf_low=33.0, conf_high=np.nan)
    rows = cells(replace(result, tables={"medians": medians}), "medians")
    assert "35" in rows[1]
    assert "33 meses o más" in rows[1]


def test_long_tables_say_how_many_rows_are_left_out():
    shown = html.result_html(bundle(examples.retention(3), ES, id="r"), ES)
    assert "48 filas más en results.json" in shown


def test_rows_left_out_are_said_with_their_reason():
    shown = html.result_html(bundle(examples.scores(), ES, id="r"), ES)
    assert "2.051 filas usadas; fuera: 42 sin Recomendación" in shown


def test_reads_say_rows_used_and_why_others_are_not():
    said = Page(
        html.read_html(
            {"table": "customers", "rows": 7043, "used": 7032}, [("raw/a.csv", "tenure 0", 11)], ES
        )
    ).said
    assert (
        said == "Tabla «clientes»: 7.043 filas, 7.032 usadas Qué quedó fuera al leer "
        "Archivo Motivo Filas raw/a.csv tenure 0 11"
    )
    short = html.read_html({"table": "x", "rows": 1, "used": 1}, [], ES)
    assert "details" not in short


# --- cards and gallery -----------------------------------------------------------------------------


def claim(code: str, *, headline: bool = True, **fields: Any) -> dict[str, Any]:
    return {
        "code": code,
        "fields": fields,
        "grade": "D",
        "headline": headline,
        "sentence": f"{code} {fields}.",
        "caveat_texts": [],
    }


def test_the_top_has_one_claim_of_each_kind_first():
    made = [
        {
            "claims": [
                claim("score.level", n=1),
                claim("score.level", n=2),
                claim("score.segment", n=3, hypothesis="h"),
            ]
        }
    ]
    assert [c["fields"]["n"] for c in cards.headlines(made)] == [1, 3, 2]
    alike = [{"claims": [claim("score.segments_alike", headline=False)]}]
    assert [c["code"] for c in cards.headlines(alike)] == ["score.segments_alike"]
    assert cards.leading(made[0]["claims"])["code"] == "score.segment"
    assert cards.leading([]) is None


@pytest.mark.parametrize(
    ("fields", "number", "unit"),
    [
        ({"estimate": 0.39, "conf_low": 0.34, "conf_high": 0.45, "unit": "share"}, "39", "%"),
        ({"estimate": 35.0, "unit": "months"}, "35", "meses"),
        ({"unit": "points"}, "", ""),
    ],
)
def test_numbers_of_cards(fields, number, unit):
    made = cards.card(claim("drivers.top", **fields), ES)
    assert (made.number, made.unit) == (number, unit)


def test_cards_of_ranks_and_differences():
    rank = cards.card(claim("benchmark.rank", estimate=3, rank_low=1, rank_high=7, units=8), ES)
    assert (rank.number, rank.unit, rank.interval) == ("3", "de 8", "podría ser del 1 al 7")
    gap = cards.card(
        claim(
            "score.segment",
            estimate=-14.3,
            conf_low=-19.0,
            conf_high=-9.6,
            unit="points",
            metric="csat_t2b_7",
        ),
        ES,
    )
    assert (gap.number, gap.unit) == ("−14,3", "p.p.")


def test_the_gallery_has_a_card_for_each_entry_and_names_the_failing_cell():
    shown = examples.shown(examples.scores(), figures.draw_scores, ES)
    entries = [
        gallery.entry_of(
            examples.notebook([shown]),
            name="scorecard",
            href="scorecard.html",
            language="es",
            links=[("results.json", "runs/a/results.json")],
        ),
        gallery.Entry(
            name="retention",
            title="¿Quién se queda?",
            status="failed",
            failed_cell=7,
            message="la columna event tiene 2\n  - fila 3",
        ),
        gallery.Entry(name="old", status="unchanged", href="old.html"),
    ]
    made = gallery.index("Diagnóstico 2025", entries, language="es", client=CLIENT)
    assert_harmless(made)
    drawn = safe.svg.cache_info().misses
    assert made == gallery.index("Diagnóstico 2025", entries, language="es", client=CLIENT)
    assert safe.svg.cache_info().misses == drawn  # it is made again with each entry of a study that ends
    said = Page(made).said
    assert "3 informes · 1 no llegó a su fin" in said
    assert "En «Metropolitana» (Región) se observa un NPS 14 puntos menor que en el resto" in said
    assert "Se detuvo en la celda 7" in said
    assert "- fila 3" in said
    assert "igual que en la corrida anterior" in said
    links = [a["href"] for t, a in Page(made).tags if t == "a"]
    assert links == ["#reports", "scorecard.html", "runs/a/results.json", "old.html"]


@pytest.mark.parametrize(
    "href", ["https://example.org", "javascript:alert(1)", "/etc/passwd", "../x.html", "a/../../x", "C:\\x"]
)
def test_links_of_the_gallery_stay_in_its_folder(href):
    made = gallery.index(
        "x", [gallery.Entry(name="a", href=href, links=[("b", href)])], language="en", client=CLIENT
    )
    assert [a["href"] for t, a in Page(made).tags if t == "a"] == ["#reports"]


def test_a_pale_client_colour_is_adjusted_and_said():
    made = page(client=replace(CLIENT, focal="#FFE100"))
    assert "--focal: #ffe100" not in made.lower().split("@media")[0]
    assert "El color del cliente #FFE100 se ajustó a" in made
    assert "se ajustó a" not in page()


def test_a_logo_is_embedded_or_left_out():
    assert f'src="data:image/png;base64,{PIXEL}"' in page(
        client=replace(CLIENT, logo=f"data:image/png;base64,{PIXEL}")
    )
    assert "<img" not in page(client=replace(CLIENT, logo="https://example.org/logo.png"))


# --- what may enter ----------------------------------------------------------------------------------


def test_images_stay_and_foreign_ones_go():
    made = page(
        new_output("display_data", data={"image/png": PIXEL, "text/plain": "<Figure>"}),
        new_output(
            "display_data",
            data={"text/html": "<img src='https://example.org/a.png' alt='a'><img src='file:///etc/passwd'>"},
        ),
    )
    assert made.count("data:image/png;base64") == 1
    assert "example.org" not in made
    assert "passwd" not in made


def test_styler_tables_keep_their_cells_and_lose_script_and_style():
    cell = "<td onclick='x()' style='color:red'>7</td>"
    styled = (
        f"<style>#T_1{{background:url(x)}}</style><table id='T_1'><caption>c</caption><tr>{cell}</tr></table>"
    )
    made = safe.html(styled)
    assert made == "<table><caption>c</caption><tbody><tr><td>7</td></tr></tbody></table>"


@pytest.mark.parametrize(
    "inside",
    [
        "<foreignObject><b>x</b></foreignObject>",
        "<image href='https://example.org/x.png'/><use href='https://example.org/x'/>",
        "<a href='javascript:x'><text>t</text></a><style>*{}</style>",
        "<path style='fill: url(https://example.org/#x); behavior: x' d='M0 0'/>",
        "<set attributeName='onload' to='x'/><animate/>",
    ],
)
def test_drawings_are_reduced_to_shapes(inside):
    drawing = f"<svg xmlns='http://www.w3.org/2000/svg'>{inside}</svg>"
    made = safe.svg(drawing, name="f", alt="a")
    assert made.startswith("<svg role")
    assert not re.search(r"example|javascript|foreign|style>|animate|behavior|<set|<image|<a ", made)


@pytest.mark.parametrize("drawing", ["", "no xml", "<!DOCTYPE svg [<!ENTITY a 'b'>]><svg/>", "<div/>"])
def test_what_is_no_drawing_gives_nothing(drawing):
    assert safe.svg(drawing, name="f", alt="a") == ""


def test_ids_of_a_drawing_are_its_own():
    drawing = (
        "<svg><defs><clipPath id='c'><rect/></clipPath></defs><g id='unused' clip-path='url(#c)'/></svg>"
    )
    made = safe.svg(drawing, name="f7", alt="a")
    assert 'id="f7-c"' in made
    assert "url(#f7-c)" in made
    assert "unused" not in made


def test_a_cell_that_raised_is_shown_as_text():
    made = page(
        new_output("error", ename="AnalysisError", evalue="<b>no</b>", traceback=["\x1b[31mred\x1b[0m"])
    )
    assert "Esta celda no llegó a su fin" in made
    assert "AnalysisError: &lt;b&gt;no&lt;/b&gt;" in made


def test_what_a_result_shows_survives_a_forged_place_for_a_figure():
    forged = {
        RESULT: {"claims": [], "figure": None},
        "text/html": '<div class="cx-drawn"></div><div class="cx-drawn"></div>',
    }
    made = page(new_output("display_data", data=forged))
    assert "cx-drawn" not in made


def test_a_notebook_is_not_changed_by_its_page():
    notebook = new_notebook(cells=[new_markdown_cell("# T\n\n## S"), new_code_cell("x = 1", outputs=[])])
    before = json.dumps(notebook)
    html.page(notebook, cover=COVER, language="es", client=CLIENT)
    assert json.dumps(notebook) == before


def test_of_one_kind_the_first_five_claims_are_told_and_the_rest_folded():
    claim = {"code": "x.y", "grade": "C", "headline": False, "caveat_texts": []}
    claims = [{**claim, "sentence": f"Finding {k}."} for k in range(html.OF_A_KIND + 2)]
    claims.append({**claim, "code": "x.z", "sentence": "Another kind."})
    page = html.result_html({"claims": claims, "tables": {}, "id": "r"}, Words("en"))
    told, folded = page.split("and 2 more like these")
    assert "Finding 4." in told
    assert "Another kind." in told
    assert "Finding 5." not in told
    assert "Finding 6." in folded
    one = html.result_html({"claims": claims[: html.OF_A_KIND], "tables": {}, "id": "r"}, Words("en"))
    assert "more like these" not in one


def test_the_card_of_a_report_has_the_figure_of_the_claim_that_speaks_for_it():
    def shown(figure, *claims):
        return new_output("display_data", data={"image/svg+xml": figure, RESULT: {"claims": [*claims]}})

    bases = {"code": "a.b", "headline": False}
    answer = {"code": "c.d", "headline": True}
    cells = [new_code_cell("", outputs=[shown("<svg>1</svg>", bases), shown("<svg>2</svg>", answer)])]
    both = gallery.entry_of(new_notebook(cells=cells), name="x", href="x.html", language="es")
    assert both.svg == "<svg>2</svg>"
    nothing = new_notebook(cells=[new_code_cell("", outputs=[shown("<svg>1</svg>")])])
    assert gallery.entry_of(nothing, name="x", href="x.html", language="es").svg == "<svg>1</svg>"
