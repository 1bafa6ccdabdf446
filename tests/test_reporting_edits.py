"""Edits that survive: placeholders, verbs by the grade, what moved withheld and said; every file the same."""

from dataclasses import replace
from io import BytesIO

import openpyxl
import pytest
import reporting_examples as examples
import volume_examples
from pptx import Presentation

from cxlab.analysis.estimates import masked
from cxlab.errors import ParameterError
from cxlab.reporting.annex import annex
from cxlab.reporting.cards import headlines, leading
from cxlab.reporting.deck import deck
from cxlab.reporting.edits import Edit, Edits, WrittenFor, edited, written_for
from cxlab.reporting.edits.given import moved
from cxlab.reporting.edits.offered import findings
from cxlab.reporting.edits.texts import pieces
from cxlab.reporting.edits.verbs import too_strong
from cxlab.reporting.printed import document
from cxlab.reporting.words import Words

LEVEL, SEGMENT = "scorecard/score.level nps", "scorecard/score.segment h1 nps RM"
TOP = "drivers/drivers.top attr_first_contact"


def of(volume, place):
    return next(each for each in findings(volume) if each.place == place)


def asked(volume, *, figures=None, **by_place):
    """Edits written for the claims as they stand; places with ``__`` for what no keyword can hold."""
    named = {"level": LEVEL, "segment": SEGMENT, "top": TOP}
    claims = {}
    for key, edit in by_place.items():
        found = of(volume, named[key])
        claims[named[key]] = replace(edit, written_for=written_for(found.claim, found.chapter.run))
    drawn = {}
    for place, title in (figures or {}).items():
        found = of(volume, place)
        drawn[place] = Edit(title=title, written_for=written_for(found.claim, found.chapter.run))
    return Edits(claims=claims, figures=drawn, file="study.yaml")


def refused(volume, edits):
    with pytest.raises(ParameterError) as caught:
        edited(volume, edits)
    return [str(problem) for problem in caught.value.problems]


def test_every_file_says_what_was_asked_with_our_numbers():
    volume = volume_examples.volume("es")
    published = tuple(replace(chapter, published=chapter.page()) for chapter in volume.chapters)
    volume = replace(volume, chapters=published)
    sentence = "En la capital el NPS queda {size} por debajo del resto"
    edits = asked(
        volume,
        segment=Edit(
            sentence=sentence,
            title="La capital, {size} por debajo",
            recommendation="Visite la región en 30 días",
            order=1,
        ),
    )
    done = edited(volume, edits)
    claim = of(done, SEGMENT).claim
    assert claim["short"] == "La capital, 14 puntos por debajo"
    evidence = (
        "(intervalo de 95\N{NO-BREAK SPACE}%: −20 a −9 puntos; n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}847)"
    )
    assert claim["sentence"] == f"En la capital el NPS queda 14 puntos por debajo del resto {evidence}."
    chapter = done.chapters[0]
    assert headlines(chapter.results)[0]["short"] == claim["short"]
    assert (
        leading([claim for b in chapter.results for claim in b["claims"]])["name"]
        == SEGMENT.partition("/")[2]
    )
    page = chapter.page()
    assert "En la capital el NPS queda 14 puntos por debajo del resto (intervalo" in page
    assert page.count("Recomendación: Visite la región en 30 días.") == 2  # its card, and where it is found
    assert "Recomendación: Visite la región en 30 días." in document(done)
    slides = Presentation(BytesIO(deck(done))).slides
    (slide,) = [each for each in slides if each.shapes.title.text_frame.text.startswith("La capital, 14")]
    said = [shape.text_frame.text for shape in slide.shapes if shape.has_text_frame]
    assert any("Recomendación: Visite la región en 30 días." in text for text in said)
    assert claim["sentence"] in slide.notes_slide.notes_text_frame.text
    assert "Recomendación: Visite" in slide.notes_slide.notes_text_frame.text
    sheet = openpyxl.load_workbook(BytesIO(annex(done))).worksheets[1]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    row = next(row for row in rows if SEGMENT in row)
    assert claim["sentence"] in row
    assert sentence in row  # the text as typed, to go on from
    assert 1 in row
    assert volume.chapters[0].results[0]["claims"][1]["short"] != claim["short"]  # what is published stays
    assert done.chapters[1] is volume.chapters[1]


def test_what_is_hidden_is_gone_and_the_others_keep_their_names():
    volume = volume_examples.volume("es")
    done = edited(volume, asked(volume, level=Edit(hidden=True)))
    said = of(volume, LEVEL).said.partition(" (")[0]
    before = [stated.name for stated in volume.chapters[0].stated]
    assert [stated.name for stated in done.chapters[0].stated] == [
        n for n in before if n != "score.level nps"
    ]
    assert said in volume.chapters[0].page()
    assert said not in done.chapters[0].page()
    book = openpyxl.load_workbook(BytesIO(annex(done)))
    every = [str(cell.value) for sheet in book.worksheets for row in sheet.iter_rows() for cell in row]
    assert not [text for text in every if said in text]


def test_of_two_alike_the_other_keeps_its_name():
    words = Words("es", examples.LABELS)
    shown = [examples.shown(masked(examples.scores()), None, words, k) for k in (1, 2)]
    chapter = volume_examples.chapter("scorecard", examples.notebook(shown))
    volume = replace(volume_examples.volume("es"), chapters=(chapter,))
    assert {f"{LEVEL} #2", LEVEL} <= {each.place for each in findings(volume)}
    done = edited(volume, asked(volume, level=Edit(hidden=True)))
    places = {each.place for each in findings(done)}
    assert f"{LEVEL} #2" in places
    assert LEVEL not in places


def test_a_figures_title_is_drawn_anew_or_refused_where_it_has_no_room():
    volume = volume_examples.volume("es")
    place = "scorecard/result-1"
    done = edited(volume, asked(volume, figures={place: "La capital queda {size} abajo"}))
    figure = done.chapters[0].results[0]["figure"]
    assert figure["title"] == "La capital queda 14 puntos abajo"
    assert figure["alt"].startswith("La capital queda 14 puntos abajo (intervalo")
    drawn = done.chapters[0].figures["result-1"]
    assert ">La capital queda 14 puntos abajo<" in drawn
    assert "que en el resto</text>" not in drawn
    assert "La capital queda 14 puntos abajo" in done.chapters[0].page()
    long = "La capital queda {size} por debajo " * 5
    assert "more lines" in refused(volume, asked(volume, figures={place: long}))[0]


def test_everything_that_is_wrong_is_said_at_once_with_what_to_do():
    volume = volume_examples.volume("es")
    edits = asked(
        volume,
        segment=Edit(sentence="El NPS es 14 puntos menor y afecta a 5.000 clientes, un 12,3 %"),
        level=Edit(sentence="Un NPS de {estimat} {estimate!r} con {n:,}"),
        top=Edit(
            title="Resolver reduce la fuga gracias a {driver}", recommendation="Debido a {estimate}, actúe"
        ),
    )
    unknown = {"scorecard/score.levl nps": Edit(title="x"), "drivers/nothing like it": Edit(title="x")}
    undated = {"drivers/drivers.top ease": Edit(title="Facilidad")}
    wrong = refused(volume, replace(edits, claims={**edits.claims, **unknown, **undated}))
    text = "\n".join(wrong)
    for said in (
        "14 typed by hand", "write {size}", "5.000 typed by hand", "12,3 typed by hand", "{estimat}",
        "did you mean {estimate}?", "«reduce»", "«gracias a»", "«debido a»", "goes with",
        "did you mean scorecard/score.level nps?", "written_for: {\"run\": \"0a1b2c3d4e5f6a7b\"",
    ):  # fmt: skip
        assert said in text, said
    assert len(wrong) >= 11


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sentence", "Metropolitana queda {size} abajo desde 2024, en la ola T4"),
        ("recommendation", "Llame dentro de 48 horas y mida de nuevo en 3 meses"),
        ("title", "Metropolitana no reduce su distancia: {estimate}"),
    ],
)
def test_small_exceptions_are_let_through(name, text):
    volume = volume_examples.volume("es")
    edited(volume, asked(volume, segment=Edit(**{name: text})))


@pytest.mark.parametrize(
    ("text", "grade", "found"),
    [
        ("La boleta provoca fuga", "C", ["provoca"]),
        ("La boleta provoca fuga", "B", ["provoca"]),
        ("La boleta provoca fuga", "A", []),
        ("La boleta anticipa la fuga", "C", ["anticipa"]),
        ("La boleta anticipa la fuga", "B", []),
        ("La boleta se asocia con la fuga", "D", ["se asocia"]),
        ("La boleta se asocia con la fuga", "C", []),
        ("Billing CAUSES churn, due  to its wording", "D", ["causes", "due to"]),
        ("It does not cause churn, it goes with it", "C", []),
        ("No solo reduce la espera", "C", ["reduce"]),
        ("El producto y la causalidad no son verbos", "D", []),
        ("Waiting drives churn", "C", ["drives"]),
    ],
)
def test_a_verb_may_not_say_more_than_the_evidence(text, grade, found):
    assert too_strong(text, grade) == found


def test_a_word_of_our_own_sentence_is_allowed_and_an_imperative_is_no_claim():
    assert too_strong("El NPS aumenta", "D") == ["aumenta"]
    assert too_strong("El NPS aumenta", "D", own="Se observa que el NPS aumenta") == []
    assert too_strong("Reduce waiting, because it matters", "C", advice=True) == []
    assert too_strong("Less waiting reduces churn", "C", advice=True) == ["reduces"]


@pytest.mark.parametrize("language", ["es", "en"])
def test_our_own_sentences_hold_to_the_same_verbs(language):
    for finding in findings(volume_examples.volume(language)):
        claim = finding.claim
        assert too_strong(str(claim.get("sentence", "")), str(claim["grade"])) == [], finding.said


@pytest.mark.parametrize("language", ["es", "en"])
def test_placeholders_are_printed_as_our_sentences_print_them(language):
    volume = volume_examples.volume(language)
    for finding in findings(volume):
        said = pieces(finding.claim, Words(language, volume.client.labels))
        ours = str(finding.claim.get("sentence", ""))
        if said["evidence"] and finding.fields:
            assert said["evidence"] in ours
        if "size" in said and finding.fields:
            assert said["size"].split()[0].rstrip("%") in ours


def test_an_edit_for_another_number_is_withheld_and_that_is_said():
    volume = volume_examples.volume("es")
    edits = asked(volume, segment=Edit(title="Muy abajo"), level=Edit(title="El nivel"))
    old = edits.claims[SEGMENT].written_for
    far = replace(
        old, run="ffff", estimate=old.estimate - 30, conf_low=old.conf_low - 30, conf_high=old.conf_high - 30
    )
    claims = {**edits.claims, SEGMENT: replace(edits.claims[SEGMENT], written_for=far)}
    claims["scorecard/score.gone"] = Edit(title="x", written_for=WrittenFor(run="ffff", estimate=1.0))
    done = edited(volume, replace(edits, claims=claims))
    told = [str(each) for each in done.withheld]
    assert told == [
        f"{SEGMENT}: written for −44,3 puntos, now −14,3 puntos; our own sentence stands",
        "scorecard/score.gone: no longer said; the edit waits",
    ]
    claim = of(done, SEGMENT).claim
    assert claim["short"] == of(volume, SEGMENT).claim["short"]
    assert "se hizo para otra cifra" in claim["caveat_texts"][-1]
    assert "se hizo para otra cifra" in done.chapters[0].page()
    assert "se hizo para otra cifra" in of(done, SEGMENT).said
    assert of(done, LEVEL).claim["short"] == "El nivel"
    assert done.given[SEGMENT] == {"title": "Muy abajo"}


def test_what_moved():
    old = WrittenFor(grade="C", estimate=10.0, conf_low=8.0, conf_high=12.0)
    assert not moved(old, replace(old, estimate=10.5, conf_low=8.5, conf_high=12.5, run="other"))
    assert moved(
        old, replace(old, estimate=10.5, conf_low=10.4, conf_high=10.6)
    )  # the old one is outside now
    assert moved(old, replace(old, grade="D"))
    assert moved(WrittenFor(estimate=1.0), WrittenFor(estimate=1.1))
    assert not moved(WrittenFor(estimate=0.1 + 0.2), WrittenFor(estimate=0.3))
    assert moved(WrittenFor(said="a"), WrittenFor(said="b"))
    assert moved(WrittenFor(estimate=1.0), WrittenFor(said="b"))


PAYLOAD = '<script>alert(x)</script><img src=x onerror=y> =HYPERLINK("x")'


def test_what_is_typed_is_escaped_everywhere():
    volume = volume_examples.volume("es")
    edit = Edit(title="=cmd()", sentence=PAYLOAD, recommendation=PAYLOAD)
    done = edited(volume, asked(volume, segment=edit, figures={"scorecard/result-1": "<b>x</b>"}))
    page = done.chapters[0].page()
    assert "<script" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;" in page
    assert "<b>x</b>" not in done.chapters[0].figures["result-1"]
    for sheet in openpyxl.load_workbook(BytesIO(annex(done))).worksheets:
        assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)


def test_without_edits_nothing_changes():
    volume = volume_examples.volume("es")
    assert edited(volume, Edits()) is volume
