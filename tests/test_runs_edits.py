"""The file of edits: read with its lines, begun as comments, an annex merged into it, nothing lost."""

import json
from dataclasses import replace
from io import BytesIO

import openpyxl
import pytest
import volume_examples

from cxlab.cli import main
from cxlab.errors import InputError, ParameterError
from cxlab.reporting.annex import annex
from cxlab.reporting.edits import Edit, Edits, edited, written_for
from cxlab.reporting.edits.offered import findings
from cxlab.runs import volumes
from cxlab.runs.deliveries import files
from cxlab.runs.edits import begin, path_of, read_edits, take_over

LEVEL, SEGMENT = "scorecard/score.level nps", "scorecard/score.segment h1 nps RM"


@pytest.fixture
def volume():
    return volume_examples.volume("es")


def claim_of(volume, place):
    found = next(each for each in findings(volume) if each.place == place)
    return found.claim, found.chapter.run


def noted(volume, place):
    return json.dumps(written_for(*claim_of(volume, place)).plain(), ensure_ascii=False)


def write(root, text):
    path = path_of("fibra", root)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def typed(volume, tmp_path, **cells):
    """An annex in which somebody typed: {column: text} by place."""
    book = openpyxl.load_workbook(BytesIO(annex(volume)))
    sheet = book.worksheets[1]
    heads = {cell.value: cell.column for cell in sheet[4]}
    rows = {sheet.cell(k, heads["Nombre"]).value: k for k in range(5, sheet.max_row + 1)}
    for place, given in cells["cells"].items():
        for column, text in given.items():
            sheet.cell(rows[place], heads[column]).value = text
    path = tmp_path / "annex.xlsx"
    book.save(path)
    return path


def test_a_starter_is_all_comments_and_each_of_them_can_be_taken_up(volume, tmp_path):
    path = begin(volume, tmp_path, language="es")
    text = path.read_text(encoding="utf-8")
    assert all(not line or line.startswith("#~") for line in text.splitlines())
    assert read_edits("fibra", tmp_path) == Edits(file="fibra.yaml")
    assert "Los números son marcadores, como {estimate}" in text
    # Who takes the mark off every line but those of prose has an edit of every finding.
    lines = [
        line.removeprefix("#~")
        for line in text.splitlines()
        if line in ("#~claims:", "#~figures:") or line.startswith(('#~  "', "#~    "))
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    read = read_edits("fibra", tmp_path)
    assert {*read.claims, *read.figures} == {each.place for each in findings(volume)}
    done = edited(volume, read)
    assert not done.withheld
    assert [c["sentence"] for b in done.chapters[0].results for c in b["claims"]] == [
        c["sentence"] for b in volume.chapters[0].results for c in b["claims"]
    ]


def test_the_file_is_read_with_its_lines(volume, tmp_path):
    write(
        tmp_path,
        f"""claims:
  "{SEGMENT}":
    title: La capital, abajo
    order: 2
    written_for: {noted(volume, SEGMENT)}
  {LEVEL}:
    hidden: sí
    sentence: El NPS es 99
    written_for: {noted(volume, LEVEL)}
""",
    )
    read = read_edits("fibra", tmp_path)
    assert read.claims[SEGMENT].order == 2
    assert read.claims[LEVEL].hidden
    with pytest.raises(ParameterError) as caught:
        edited(volume, read)
    (problem,) = caught.value.problems
    assert (problem.file, problem.row, problem.found) == ("fibra.yaml", 8, "99 typed by hand")


def test_all_that_is_wrong_in_the_file_is_said_at_once(tmp_path):
    write(
        tmp_path,
        """claims:
  a/b:
    titel: x
    order: first
    hidden: perhaps
    written_for: {estimate: many, runn: x}
  c/d: nothing
figures:
  a/result-1: {sentence: x}
notes: x
""",
    )
    with pytest.raises(ParameterError, match="edits in fibra.yaml are not valid") as caught:
        read_edits("fibra", tmp_path)
    found = {(problem.row, str(problem.found)) for problem in caught.value.problems}
    assert found == {
        (3, "titel"), (4, "first"), (5, "perhaps"), (6, "many"), (6, "runn"), (7, "no `name: value` lines"),
        (9, "sentence"), (10, "notes"),
    }  # fmt: skip


@pytest.mark.parametrize(
    "text", ["claims: !!python/object:os.system x", "claims: &a {x: {title: y}}\nfigures: *a"]
)
def test_the_file_is_read_by_the_safe_reader(text, tmp_path):
    write(tmp_path, text)
    with pytest.raises(ParameterError, match="tags"):
        read_edits("fibra", tmp_path)


def test_what_was_typed_into_an_annex_is_taken_over_and_nothing_is_lost(volume, tmp_path):
    write(
        tmp_path,
        f"""# Acordado con el comité.
claims:
  "{LEVEL}":
    title: El nivel  # breve
    written_for: {noted(volume, LEVEL)}
figures:
  drivers/result-1:
    title: Lo que más pesa
    written_for: {noted(volume, "drivers/result-1")}
""",
    )
    before = read_edits("fibra", tmp_path)
    book = typed(
        edited(volume, before), tmp_path,
        cells={
            SEGMENT: {
                "Frase (editar)": "La capital queda {size} abajo.", "Orden (editar)": 1,
                "Ocultar (editar)": "no",
            },
            LEVEL: {"Recomendación (editar)": "Mida otra vez en 3 meses"},
        },
    )  # fmt: skip
    done = take_over(book, volume, tmp_path, language="es")
    assert done.changes == (
        (LEVEL, "recommendation", "", "Mida otra vez en 3 meses"),
        (SEGMENT, "sentence", "", "La capital queda {size} abajo."),
        (SEGMENT, "order", "", "1"),
    )
    after = read_edits("fibra", tmp_path)
    assert after.claims[LEVEL].title == "El nivel"
    assert after.claims[LEVEL].recommendation == "Mida otra vez en 3 meses"
    assert after.claims[SEGMENT] == Edit(
        sentence="La capital queda {size} abajo.",
        order=1,
        written_for=written_for(*claim_of(volume, SEGMENT)),
    )
    assert after.figures == before.figures
    assert "# Acordado con el comité." in path_of("fibra", tmp_path).read_text(encoding="utf-8")
    assert take_over(book, volume, tmp_path, language="es").changes == ()
    older = typed(volume, tmp_path, cells={LEVEL: {"Recomendación (editar)": "Mida otra vez en 6 meses"}})
    take_over(older, volume, tmp_path, language="es")  # its other cells are empty
    assert read_edits("fibra", tmp_path).claims[LEVEL].title == "El nivel"
    said = edited(volume, after)
    assert not said.withheld
    assert "La capital queda 14 puntos abajo (intervalo" in said.chapters[0].page()


def test_a_sheet_of_an_older_run_keeps_the_number_it_stood_beside(volume, tmp_path):
    book = typed(volume, tmp_path, cells={SEGMENT: {"Título (editar)": "Abajo"}})
    opened = openpyxl.load_workbook(book)
    sheet = opened.worksheets[1]
    heads = {cell.value: cell.column for cell in sheet[4]}
    row = next(k for k in range(5, sheet.max_row + 1) if sheet.cell(k, heads["Nombre"]).value == SEGMENT)
    sheet.cell(row, heads["Corrida"]).value = "ffffffff"
    for name, value in (("Estimación", -44.0), ("Límite inferior", -50.0), ("Límite superior", -38.0)):
        sheet.cell(row, heads[name]).value = value
    opened.save(book)
    take_over(book, volume, tmp_path, language="es")
    read = read_edits("fibra", tmp_path)
    assert read.claims[SEGMENT].written_for.estimate == -44.0
    assert "written for −44,0 puntos, now −14,3 puntos" in str(edited(volume, read).withheld[0])


def test_what_cannot_be_used_is_named_by_its_row_and_nothing_is_written(volume, tmp_path):
    book = typed(
        volume, tmp_path,
        cells={
            SEGMENT: {"Frase (editar)": "Cae 14 puntos gracias a nadie", "Orden (editar)": "primero"},
            LEVEL: {"Título (editar)": "NPS de 14,6"},
        },
    )  # fmt: skip
    with pytest.raises(ParameterError) as caught:
        take_over(book, volume, tmp_path, language="es")
    assert [(p.file, p.row > 4) for p in caught.value.problems] == [("annex.xlsx", True)] * len(
        caught.value.problems
    )
    assert not path_of("fibra", tmp_path).exists()


def test_only_an_annex_is_taken(volume, tmp_path):
    other = tmp_path / "other.xlsx"
    openpyxl.Workbook().save(other)
    with pytest.raises(ParameterError, match="has no sheet Findings / Hallazgos"):
        take_over(other, volume, tmp_path, language="es")
    other.write_bytes(b"no workbook")
    with pytest.raises(InputError):
        take_over(other, volume, tmp_path, language="es")
    with pytest.raises(InputError, match="cannot be read"):
        take_over(tmp_path / "none.xlsx", volume, tmp_path, language="es")


def test_an_edit_of_a_claim_that_is_gone_stays_in_the_file(volume, tmp_path):
    write(
        tmp_path,
        'claims:\n  "scorecard/score.gone":\n    title: x\n    written_for: {run: "ffff", estimate: 1.5}\n',
    )
    book = typed(volume, tmp_path, cells={SEGMENT: {"Título (editar)": "Abajo"}})
    take_over(book, volume, tmp_path, language="en")
    read = read_edits("fibra", tmp_path)
    assert read.claims["scorecard/score.gone"].written_for.estimate == 1.5
    assert replace(read.claims[SEGMENT], written_for=None) == Edit(title="Abajo")


def test_the_commands_write_take_over_deliver_and_tell_what_is_withheld(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CXLAB_LANGUAGE", "en")
    monkeypatch.setattr(files, "MAKERS", [each for each in files.MAKERS if each.kind == "annex"])
    volume_examples.publish(tmp_path)
    (tmp_path / "notebooks").mkdir(exist_ok=True)
    (tmp_path / "data").mkdir(exist_ok=True)
    root = ["--root", str(tmp_path)]
    assert main(["edits", "fibra", *root]) == 0
    assert "written, to fill in" in capsys.readouterr().out
    published = volumes.volume("fibra", tmp_path)
    book = typed(published, tmp_path, cells={SEGMENT: {"Título (editar)": "La capital, {size} abajo"}})
    assert main(["edits", "fibra", "--from", str(book), *root]) == 0
    assert f"{SEGMENT} · title: – → La capital, {{size}} abajo" in capsys.readouterr().out
    path = path_of("fibra", tmp_path)
    path.write_text(path.read_text("utf-8").replace('"estimate": -14.3', "estimate: -14.3"), "utf-8")
    assert main(["edits", "fibra", *root]) == 0
    assert "1 edits hold, 0 are withheld" in capsys.readouterr().out
    assert main(["deliver", "fibra", *root]) == 0
    delivered = tmp_path / "reports/built/fibra/deliveries"
    (page,) = delivered.glob("*/pages/scorecard.html")
    assert "La capital, 14 puntos abajo" in page.read_text("utf-8")
    (own,) = delivered.glob("*/fibra.xlsx")
    rows = openpyxl.load_workbook(own).worksheets[1].iter_rows(values_only=True)
    assert any("La capital, {size} abajo" in row for row in rows)
    moved = (
        path.read_text("utf-8").replace("-14.3", "-90.0").replace("-19.8", "-95.0").replace("-8.8", "-85.0")
    )
    path.write_text(moved, "utf-8")
    capsys.readouterr()
    assert main(["deliver", "fibra", *root]) == 0
    told = capsys.readouterr()
    assert f"{SEGMENT}: written for −90,0 puntos, now −14,3 puntos" in told.err
    assert "1 edits are withheld" in told.out
    assert not [p for p in delivered.glob("*-2/pages/*.html") if "La capital, 14" in p.read_text("utf-8")]
