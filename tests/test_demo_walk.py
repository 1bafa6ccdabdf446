"""The walk of the README: both dirty deliveries from the files to reports, as a person takes them.

Corrections are made in mapping.xlsx and client.yaml, where a person makes them; nothing else is touched.
"""

import io
import json
import shutil
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import openpyxl
import pytest

from cxlab import cli, demo
from cxlab.intake import dataset
from cxlab.intake.privacy.identifiers import identifier

CLIENT = "fibra_cruda"
pytestmark = pytest.mark.xdist_group("walk")
WAVE_1 = {
    "Q1_1": "effectiveness", "Q1_2": "ease", "Q3": "overall_sat", "Q4": "ces", "Q5_1": "attr_resolution",
    "Q5_2": "attr_billing", "Q5_3": "attr_ease", "Q5_4": "attr_app", "Q5_5": "attr_kindness",
    "Q5_6": "attr_ambience", "Q6_1": "attr_call_wait", "Q6_2": "attr_call_knowledge", "Q6": "attr_called",
    "Q9": "verbatim",
}  # fmt: skip
WAVE_2 = {
    "Medio": "mode", "Q1_2": "ease", "Q3": "overall_sat", "Q5_3": "attr_ease", "Q5_5": "attr_ambience",
    "Q5_6": "attr_wifi",
}  # fmt: skip
CONTACTS = {
    "ID": "interaction_id", "Fecha": "ts_start", "Tipo": "interaction_type", "Canal": "channel",
    "RUT": "customer_id", "Resuelto": "resolved_first", "Espera (s)": "wait_time_s",
    "Duración (s)": "handle_time_s",
}  # fmt: skip
INTERACTION = {
    "Ventas": "sales", "Uso": "use", "Facturación": "billing", "Cobranza": "collections",
    "Reclamo": "complaint", "Cancelación": "cancellation",
}  # fmt: skip
ASKED = 'asked_if: {attr_call_wait: "attr_called == 1", attr_call_knowledge: "attr_called == 1"}'
TESTS = "exclude: [{where: \"segment == 'Prueba'\", reason: cuentas de prueba}]"
EQUIVALENT = "equivalent: {attr_billing: {from: [1, 5], to: [1, 7]}}"


class Book:
    """mapping.xlsx, corrected as a person does it: the row is found by its cells, others are typed over."""

    def __init__(self, path):
        self.path, self.book = path, openpyxl.load_workbook(path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.book.save(self.path)

    def set(self, sheet, file, where, **typed):
        page = self.book[sheet]
        at = {cell.value: place for place, cell in enumerate(page[1])}
        rows = [
            row
            for row in page.iter_rows(min_row=2)
            if file in str(row[at["archivo"]].value)
            and all(str(row[at[name]].value) == value for name, value in where.items())
        ]
        assert rows, (sheet, file, where)
        for row in rows:
            for name, value in typed.items():
                row[at[name.replace("_", " ")]].value = value

    def name(self, file, header, column, **typed):
        typed = {"columna de la tabla": column, "decisión": "usar", **typed}
        self.set("columnas", file, {"encabezado": header}, **typed)

    def rows(self, sheet):
        page = self.book[sheet]
        head = [cell.value for cell in page[1]]
        return [
            dict(zip(head, (cell.value for cell in row), strict=True)) for row in page.iter_rows(min_row=2)
        ]


class Bench:
    """A workbench with the deliveries, and what each command said."""

    def __init__(self, root):
        self.root, self.folder = root, root / "data" / CLIENT
        self.said = {}

    def run(self, *arguments, step):
        out = io.StringIO()
        with redirect_stdout(out), redirect_stderr(out):
            code = cli.main([*arguments, "--root", str(self.root)])
        self.said[step] = out.getvalue()
        return code

    def book(self):
        return Book(self.folder / "mapping.xlsx")

    def edit(self, before, after):
        path = self.folder / "client.yaml"
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, after, 1), encoding="utf-8")

    def entry(self, table):
        return dataset.open_dataset(self.root, CLIENT).entry(table)


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    root = tmp_path_factory.mktemp("walk")
    (root / "notebooks").mkdir()
    (root / "reports").mkdir()
    shutil.copy(Path(__file__).parents[1] / "notebooks" / "scorecard.ipynb", root / "notebooks")
    demo.build(root, [CLIENT])
    return Bench(root)


@pytest.fixture(scope="module")
def planted(bench):
    return json.loads((bench.folder / "truth.json").read_text(encoding="utf-8"))["dirt"]


@pytest.fixture(scope="module")
def first(bench):
    """The first delivery, mapped, corrected, confirmed and checked."""
    assert bench.run("map", CLIENT, "--wave", "2025T1", step="map 1") == 0
    with bench.book() as book:
        book.set("archivos", "crm_2025T1", {}, otras_claves=f"{{{TESTS}}}")
        book.set("archivos", "encuesta_2025T1", {}, otras_claves=f"{{{ASKED}}}")
        for header, column in WAVE_1.items():
            book.name("encuesta_2025T1", header, column)
        book.name("encuesta_2025T1", "Duration (in seconds)", "duration_s", clase="número")
        book.name("crm_2025T1", "PROMOCIÓN", "attr_promo")
        book.name("crm_2025T1", "CARGO_MENSUAL", "attr_price")
        book.name("benchmark_2025T1", "ENCUESTADO", "respondent_id")
        book.name("benchmark_2025T1", "TIPO", "interaction_type")
        for label, value in INTERACTION.items():
            book.set(
                "valores", "benchmark_2025T1", {"encabezado": "TIPO", "etiqueta": label}, significa=value
            )
    assert bench.run("map", CLIENT, "--confirm", "--by", "mjs", step="confirm 1") == 0
    assert bench.run("check", CLIENT, step="stopped 1") == 2
    bench.edit("\nsources:", "\nprivacy: {free_text: [verbatim]}\n\nsources:")
    assert bench.run("check", CLIENT, step="check 1") == 0
    return bench


@pytest.fixture(scope="module")
def second(first):
    """The second delivery: what changed, corrected, confirmed and checked."""
    bench = first
    assert bench.run("new", CLIENT, "--wave", "2025T2", step="new 2") == 0
    with bench.book() as book:
        bench.changes = book.rows("cambios")
        book.set("archivos", "[Contactos]", {}, tabla="interactions")
        for header, column in WAVE_2.items():
            book.name("encuesta_2025T2", header, column)
        book.name("encuesta_2025T2", "Q5_2", "attr_billing")
        whatsapp = {"encabezado": "Medio", "valor en el archivo": "WhatsApp"}
        book.set("valores", "encuesta_2025T2", whatsapp, significa="whatsapp")
        for header in ("Q1_2", "Q3"):
            refused = {"encabezado": header, "valor en el archivo": "98"}
            book.set("valores", "encuesta_2025T2", refused, significa="sin respuesta: no quiso")
        for header, column in CONTACTS.items():
            book.name("[Contactos]", header, column)
        for text, value in INTERACTION.items():
            kind = {"encabezado": "Tipo", "valor en el archivo": text}
            book.set("valores", "[Contactos]", kind, significa=value)
    assert bench.run("map", CLIENT, "--confirm", "--by", "mjs", step="confirm 2") == 0
    assert bench.run("check", CLIENT, step="stopped 2") == 2
    with bench.book() as book:
        keys = f"{{{ASKED}, duplicates: last, {EQUIVALENT}}}"
        book.set("archivos", "encuesta_2025T2", {}, otras_claves=keys)
    assert bench.run("map", CLIENT, "--confirm", "--by", "mjs", step="again 2") == 0
    reason = '{es: "pregunta reformulada", en: "question reworded"}'
    breaks = "".join(
        f"\n  - {{wave: 2025T2, column: {name}, reason: {reason}}}" for name in ("overall_sat", "attr_ease")
    )
    bench.edit(
        "{free_text: [verbatim]}", "{free_text: [verbatim], empty_personal: [verbatim]}\nbreaks:" + breaks
    )
    assert bench.run("check", CLIENT, step="check 2") == 0
    return bench


def excluded(entry):
    return {source["file"].rsplit("/", 1)[-1]: source["excluded"] for source in entry.sources}


def count_of(planted, kind, wave):
    return sum(each["count"] for each in planted if each["kind"] == kind and each["wave"] == wave)


# The first delivery


def test_the_proposal_asks_what_it_cannot_know(first):
    said = first.said["map 1"]
    assert "crm_2025T1.csv: customers, 13 columns, 0 to decide" in said
    assert "? Q4: its question has 'esfuerzo'" in said
    assert "less better?" in said
    assert "? Q9: free text: a person must read it before it is used" in said


def test_the_check_stops_at_what_nobody_has_read(first):
    stopped = first.said["stopped 1"]
    assert "sentences that people wrote" in stopped
    assert "nothing was written" in stopped


def test_what_was_declared_of_the_first_wave_is_counted(first, second, planted):
    customers = second.entry("customers")
    assert excluded(customers)["crm_2025T1.csv"] == {
        "footer rows": 2,
        "cuentas de prueba": count_of(planted, "test_accounts", "2025T1"),
        "rows that a later extract replaces": 2816,
    }
    survey = second.entry("survey_responses")
    assert excluded(survey)["encuesta_2025T1.csv"] == {
        "survey previews": count_of(planted, "preview_rows", "2025T1"),
        "survey tests": count_of(planted, "test_rows", "2025T1"),
    }


def test_codes_of_no_answer_are_missing_with_their_reason(first, second, planted):
    told = second.entry("survey_responses").na_reasons
    frame = dataset.open_dataset(second.root, CLIENT).read("survey_responses")
    for name, header in (("effectiveness", "Q1_1"), ("attr_resolution", "Q5_1"), ("ces", "Q4")):
        codes = [each for each in planted if each["kind"] == "undeclared_99" and each["column"] == header]
        assert 0 < told[name]["missing"] <= sum(each["count"] for each in codes)
        assert frame[name].max() <= 7
    assert set(told["attr_call_wait"]) >= {"not_asked"}
    assert told["overall_sat"]["refused"] + told["ease"]["refused"] == 17
    assert frame["recommend"].between(0, 10).sum() + frame["recommend"].isna().sum() == len(frame)


# The second delivery


def test_only_what_changed_is_shown(second, planted):
    said = second.said["new 2"]
    survey = [each for each in second.changes if "encuesta" in each["archivo"]]
    shown = {(each["qué cambia"], each["encabezado"]) for each in survey}
    assert shown == {
        ("respuestas nuevas", "Medio"), ("respuestas nuevas", "Q1_2"), ("respuestas nuevas", "Q3"),
        ("otro nombre, la misma pregunta", "NPS"), ("la pregunta dice otra cosa", "Q3"),
        ("la pregunta dice otra cosa", "Q5_2"), ("otra escala", "Q5_2"),
        ("la pregunta dice otra cosa", "Q5_3"), ("el mismo nombre, otra pregunta", "Q5_5"),
        ("otro nombre, la misma pregunta", "Q5_5"), ("el mismo nombre, otra pregunta", "Q5_6"),
        ("nueva", "Q5_6"), ("ya no se pregunta", "Q5_5"),
    }  # fmt: skip
    crm = [each for each in second.changes if "crm" in each["archivo"]]
    assert {(each["encabezado"], each["antes"], each["ahora"]) for each in crm} == {
        ("encoding", "latin-1", "utf-8"),
        ("skip_at_end", "2", "0"),
        ("CARGO_MES", "CARGO_MENSUAL", "CARGO_MES"),
    }
    headers = {each["column"] for each in planted if each["told"] == "change" and each["column"]}
    assert all(header in said for header in headers)


def test_each_question_goes_on_under_its_own_column(second):
    source = next(
        s for s in dataset.open_dataset(second.root, CLIENT).client.sources if "2025T2/enc" in s.file
    )
    assert (source.names["Q5_5"], source.names["Q5_6"]) == ("attr_ambience", "attr_wifi")
    assert source.names["NPS"] == "recommend"
    assert "attr_kindness" not in source.names.values()
    assert source.reverse == ["ces"]
    assert source.constants["wave_id"] == "2025T2"
    frame = dataset.open_dataset(second.root, CLIENT).read("survey_responses")
    assert frame.groupby("wave_id")["attr_kindness"].count().to_dict()["2025T2"] == 0


def test_the_check_stops_at_repeats_another_scale_and_persons(second):
    stopped = second.said["stopped 2"]
    assert "again; allowed: each response_id once" in stopped
    assert "17 more repeated" in stopped
    assert (
        "another scale was asked: declare `equivalent: {attr_billing: {from: [1, 5], to: [1, 7]}}`" in stopped
    )
    assert "column Q9: found what looks like personal data (RUT) (2 rows)" in stopped
    assert "column Q9: found what looks like personal data (e-mail)" in stopped


def test_what_was_declared_of_the_second_wave_is_counted(second, planted):
    assert excluded(second.entry("survey_responses"))["encuesta_2025T2.csv"] == {
        "survey previews": count_of(planted, "preview_rows", "2025T2"),
        "repeated keys: the last row stands": 37,
    }
    assert excluded(second.entry("interactions"))["contactos_2025T2.xlsx"] == {"footer rows": 1}
    emptied = next(s["emptied"] for s in second.entry("survey_responses").sources if "2025T2" in s["file"])
    assert emptied == {"verbatim": {"RUT": 2, "e-mail": 1}}
    frame = dataset.open_dataset(second.root, CLIENT).read("survey_responses")
    assert frame.groupby("wave_id").size().to_dict() == {"2025T1": 600, "2025T2": 600}
    assert not any(identifier(text) for text in frame["verbatim"].dropna())
    billing = frame.loc[frame["wave_id"] == "2025T2", "attr_billing"].dropna()
    assert sorted(billing.unique()) == [1.0, 2.5, 4.0, 5.5, 7.0]


def test_breaks_are_kept_with_the_table(second):
    breaks = {
        (each["wave"], each["column"]): each["reason"] for each in second.entry("survey_responses").breaks
    }
    assert set(breaks) == {("2025T2", name) for name in ("attr_billing", "overall_sat", "attr_ease")}
    assert breaks["2025T2", "attr_billing"]["en"] == "scale 1-5 taken to 1-7"


def test_nothing_personal_is_written_beside_the_raw_files(second):
    raw = second.folder / "raw"
    crm = (raw / "2025T2" / "crm_2025T2.csv").read_text(encoding="utf-8").splitlines()[1:40]
    wanted = {cell for line in crm for cell in line.split(";")[:1] + line.split(";")[2:4]}
    for path in second.folder.rglob("*"):
        if path.is_file() and raw not in path.parents:
            content = path.read_bytes()
            if path.suffix == ".xlsx":
                book = openpyxl.load_workbook(path)
                content = str(
                    [[c.value for c in row] for sheet in book for row in sheet.iter_rows()]
                ).encode()
            assert not [each for each in wanted if each.encode() in content], path


# The reports


@pytest.mark.runs_notebooks
@pytest.mark.parametrize("language", ["es", "en"])
def test_both_waves_reach_the_report_with_their_breaks(second, language):
    said = second.run(
        "run", "scorecard", "--client", CLIENT, "--language", language, "-p", "by=[wave_id]", step=language
    )
    assert said == 0, second.said[language]
    page = Path(second.said[language].strip().splitlines()[-1]).read_text(encoding="utf-8")
    told = {
        "es": "Quiebre de serie, ola 2025T2, Claridad de la boleta: escala 1-5 llevada a 1-7.",
        "en": "Series break, wave 2025T2, Clarity of the bill: scale 1-5 taken to 1-7.",
    }
    assert told[language] in page
    assert ("pregunta reformulada" if language == "es" else "question reworded") in page
    assert "2025T1" in page
    assert "37" in page
    assert identifier(" ".join(page.split("<body", 1)[1].split())) is None
