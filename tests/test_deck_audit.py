"""`cxlab audit`: a hand-edited deck against results.json, and the names of other clients."""

import io

import pytest
import volume_examples
from pptx import Presentation
from pptx.chart.data import CategoryChartData

from cxlab.cli import main
from cxlab.errors import InputError
from cxlab.reporting.deck import deck
from cxlab.reporting.deck.audit import Source, named, numbers, unmatched
from cxlab.reporting.deck.told import Told, runs, told
from cxlab.runs.publish import manifest_of, shelf

RUN = "0a1b2c3d4e5f6a7b"


@pytest.fixture(scope="module")
def decks():
    return {language: deck(volume_examples.volume(language)) for language in ("es", "en")}


def sources(language):
    volume = volume_examples.volume(language)
    results = [bundle for chapter in volume.chapters for bundle in chapter.results]
    prose = [cell.source for chapter in volume.chapters for cell in chapter.notebook.cells]
    return {RUN: Source(results, [*prose, "2025-T4", "2025-11-30", "30 de noviembre de 2025"], language)}


def edited(content, change):
    presentation = Presentation(io.BytesIO(content))
    change(presentation.slides)
    held = io.BytesIO()
    presentation.save(held)
    return held.getvalue()


@pytest.mark.parametrize("language", ["es", "en"])
def test_every_number_of_a_deck_is_in_the_results(decks, language):
    found = told(decks[language])
    assert runs(found) == {RUN: None}
    assert {each.where for each in found} >= {"title", "text", "table", "chart", "workbook", "notes"}
    assert sum(each.number is not None for each in found) > 100
    assert unmatched(found, sources(language), language) == []


def test_what_a_hand_changed_is_found_wherever_it_stands(decks):
    def change(slides):
        slides[2].shapes.title.text_frame.paragraphs[0].runs[0].text = "El NPS llega a 17,3 puntos"
        slides[3].notes_slide.notes_text_frame.text = "Son 4.321 clientes"
        shape = next(s for s in slides[2].shapes if s.has_chart)
        data = CategoryChartData()
        data.categories, _ = ["Metropolitana"], data.add_series("NPS", [77.25])
        shape.chart.replace_data(data)
        slides[4].shapes.add_table(1, 1, 0, 0, 100, 100).table.cell(0, 0).text = "1.234,5 %"

    found = unmatched(told(edited(decks["es"], change)), sources("es"), "es")
    said = {(each.told.slide, each.told.where, each.written) for each in found}
    assert said == {
        (3, "title", "17,3"),
        (4, "notes", "4.321"),
        (3, "chart", "77.25"),
        (3, "workbook", "77.25"),
        (5, "table", "1.234,5"),
    }
    near = next(each.nearest for each in found if each.written == "17,3")
    assert near == pytest.approx(17.06, abs=0.01)


def test_rounding_is_allowed_and_a_turned_sign_is_not(decks):
    def title(text):
        def change(slides):
            slides[2].shapes.title.text_frame.paragraphs[0].runs[0].text = text

        return [e.written for e in unmatched(told(edited(decks["es"], change)), sources("es"), "es")]

    assert title("El NPS es 14,6: unos 15 puntos, en la capital 14 menos") == []
    assert title("El NPS es −14,6") == ["−14,6"]
    assert title("El NPS es 14.6, como en inglés") == []


@pytest.mark.parametrize(
    ("text", "language", "read"),
    [
        ("1.234,5 y 12.345", "es", [1234.5, 12345.0]),
        ("1,234.5 and 12,345", "en", [1234.5, 12345.0]),
        ("de −3 a 4, o -5", "es", [-3.0, 4.0, -5.0]),
        ("Q3 2024-T4 doi:10.1016/j.x a1b2 31–57", "es", [2024.0, 31.0, 57.0]),
        ("Corrida 0123456789012345/2", "es", []),
        ("5 filas más en el informe", "es", []),
        ("95\N{NO-BREAK SPACE}%", "es", [95.0]),
    ],
)
def test_numbers_are_read_as_a_language_writes_them(text, language, read):
    assert [number.value for number in numbers(text, language)] == read


def test_names_of_other_clients_are_found_whatever_their_capitals_and_own_ones_are_not():
    texts = ["Como en BANCO ÁLERCE", "nada de esto", "Nada nos distingue", "Fibra Cordillera y banco_alerce"]
    found = named(
        [Told(k, "text", text) for k, text in enumerate([*texts, "Bancoalerce"], 1)],
        ["Banco Alerce", "nada", "Fibra Cordillera"],
        ["fibra cordillera"],
    )
    assert [(hit.told.slide, hit.name) for hit in found] == [
        (1, "Banco Alerce"), (3, "nada"), (4, "Banco Alerce")
    ]  # fmt: skip


@pytest.fixture
def workbench(tmp_path, monkeypatch):
    volume_examples.publish(tmp_path)
    runs = tmp_path / "reports" / "built" / "fibra" / "runs"
    with shelf(tmp_path, "fibra") as opened:  # again, under ids as runs have them
        for place, folder in enumerate(sorted(runs.iterdir())):
            manifest = manifest_of(folder)
            files = {name: (folder / name).read_bytes() for name in manifest.pop("outputs")}
            run = opened.publish(manifest["entry"], f"{place:x}" * 16, files, manifest)
            opened.show(manifest["entry"], run, files["report.html"])
    other = tmp_path / "data" / "otro"
    other.mkdir()
    (other / "client.yaml").write_text("name: Aguas del Sur S.A.\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def published(root):
    from cxlab.runs.volumes import volume

    return deck(volume("fibra", root))


@pytest.mark.parametrize(
    ("language", "clean", "wrong", "name"),
    [
        (
            "es",
            "cada cifra está en los resultados de 2 corridas",
            "lámina 3, título: 17,3 no está publicado, lo más cercano es 17:",
            "se nombra a otro cliente, Aguas del Sur",
        ),
        (
            "en",
            "every number is in the results of 2 runs",
            "slide 3, title: 17,3 is not published, the nearest is 17:",
            "another client is named, Aguas del Sur",
        ),
    ],
)
def test_the_command_says_it_in_both_languages_and_by_its_exit_code(
    workbench, monkeypatch, capsys, language, clean, wrong, name
):
    monkeypatch.setenv("CXLAB_LANGUAGE", language)
    content = published(workbench)
    file = workbench / "deck.pptx"
    file.write_bytes(content)
    assert main(["audit", str(file)]) == 0
    assert clean in capsys.readouterr().out

    def change(slides):
        slides[2].shapes.title.text_frame.paragraphs[0].runs[
            0
        ].text = "El NPS llega a 17,3, como en aguas del sur"

    file.write_bytes(edited(content, change))
    assert main(["audit", str(file), "fibra"]) == 6
    told = capsys.readouterr().out
    assert wrong in told
    assert name in told


def test_what_cannot_be_compared_is_refused(workbench, capsys):
    file = workbench / "deck.pptx"
    assert main(["audit", str(file)]) == 2
    assert "there is no file" in capsys.readouterr().err
    file.write_bytes(b"no zip")
    assert main(["audit", str(file)]) == 2
    Presentation().save(file)
    assert main(["audit", str(file)]) == 2
    assert "names a run" in capsys.readouterr().err
    with pytest.raises(InputError, match="cannot be opened|can be opened"):
        told(b"PK")
