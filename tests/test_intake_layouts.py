import os
from collections import Counter
from pathlib import Path

import pytest

from cxlab.errors import InputError
from cxlab.intake.files.delimited import read_delimited
from cxlab.intake.files.layouts import heading, no_answer

REAL = os.environ.get("CXLAB_REAL_DATA")
real = pytest.mark.skipif(not REAL, reason="set CXLAB_REAL_DATA to the folder of the real files")
IDS = '"{""ImportId"":""startDate""}","{""ImportId"":""status""}","{""ImportId"":""distributionChannel""}","{""ImportId"":""QID1""}"\n'  # noqa: E501
QUALTRICS = f"StartDate,Status,DistributionChannel,Q1\nInicio,Tipo,Canal,¿Qué tal?\n{IDS}"


def csv(text, **how):
    return read_delimited(text.encode() if isinstance(text, str) else text, file="s.csv", **how)


def refused(text, **how):
    with pytest.raises(InputError) as caught:
        csv(text, **how)
    return "\n".join(map(str, caught.value.problems))


def names(*rows, **how):
    lines = [(at, list(cells)) for at, cells in enumerate(rows, 1)]
    return heading(lines, file="s.csv", **how).names


def test_merged_names_are_joined_and_do_not_reach_their_neighbours():
    assert names(
        ["id", "Satisfacción", "", "", "Datos", ""],
        ["", "precio", "calidad", "red", "región", "plan"],
        header_rows=2,
    ) == [
        "id",
        "Satisfacción / precio",
        "Satisfacción / calidad",
        "Satisfacción / red",
        "Datos / región",
        "Datos / plan",
    ]
    # A second group ends the first one's blanks; a name merged downwards spreads over nobody.
    assert names(
        ["Ola 1", "", "", "Ola 2", ""],
        ["Red", "", "Tienda", "", "Red"],
        ["a", "b", "c", "d", "e"],
        header_rows=3,
    ) == ["Ola 1 / Red / a", "Ola 1 / Red / b", "Ola 1 / Tienda / c", "Ola 2 / d", "Ola 2 / Red / e"]
    assert names(["id", "", "x"], ["", "b", "x"], header_rows=2) == ["id", "b", "x"]


def test_names_on_two_rows_of_a_file_and_rows_at_its_end():
    text = "Informe\nid,Nota,\n,red,precio\n1,5,6\n2,7,7\nTotal,6\n"
    found = csv(text, header_row=2, header_rows=2, skip_at_end=1)
    assert list(found.frame.columns) == ["id", "Nota / red", "Nota / precio"]
    assert found.lines.tolist() == [4, 5]
    assert (found.read, found.skipped) == (3, {"footer rows": 1})
    assert "2 fields" in refused(text, header_row=2, header_rows=2)
    assert "1 rows where header_rows says 3" in refused("id,b\n", header_rows=3)


def test_repeated_names_are_told_after_the_rows_were_joined():
    assert "the name 'A / x' in columns 1, 2" in refused("A,\nx,x\n1,2\n", header_rows=2)


def test_qualtrics_gives_codes_questions_and_leaves_out_what_is_no_answer():
    rows = "".join(
        f"2025-01-0{at},{status},{channel},{at}\n"
        for at, (status, channel) in enumerate(
            [
                ("IP Address", "email"),
                ("Survey Preview", "preview"),
                ("Survey Test", "test"),
                ("Spam", "anonymous"),
                ("0", "anonymous"),
                ("0", "preview"),
                ("17", "email"),
                ("16", "email"),
            ],
            1,
        )
    )
    found = csv(QUALTRICS + rows + '2025-01-09,0,email,"dos\nlíneas"\n', layout="qualtrics")
    assert found.questions == {
        "StartDate": "Inicio",
        "Status": "Tipo",
        "DistributionChannel": "Canal",
        "Q1": "¿Qué tal?",
    }
    assert found.frame["Q1"].tolist() == ["1", "5", "8", "dos\nlíneas"]
    assert found.lines.tolist() == [4, 8, 11, 12]
    assert found.skipped == {"survey previews": 3, "survey tests": 1, "spam": 1}
    assert found.read == 9


def test_a_status_is_read_by_its_parts_and_in_several_languages():
    assert Counter(map(no_answer, ["1", "9", "17", "Vista previa de la encuesta", "Umfragevorschau"])) == {
        "survey previews": 5
    }
    assert no_answer("12") == no_answer("40") == "spam"
    assert {no_answer(each) for each in ("0", "4", "16", "32", "48", "IP Address", "gl", "sms", "")} == {""}


def test_a_column_of_the_client_s_own_called_status_is_not_qualtrics_own():
    text = "ResponseId,Status,Q1\nid,¿Está de prueba?,q\n" + IDS.replace("startDate", "_recordId").replace(
        "status", "QID7"
    ).replace(',"{""ImportId"":""distributionChannel""}"', "")
    assert len(csv(text + "R_1,test,5\n", layout="qualtrics").frame) == 1


@pytest.mark.parametrize(
    ("text", "layout", "messages"),
    [
        ("id,a\nx,y\n1,2\n", "qualtrics", ["row 1", "no line of ImportId", "codes, questions and ImportId"]),
        (QUALTRICS.replace("Inicio,Tipo,Canal,¿Qué tal?\n", "") + "a,b,c,d\n", "qualtrics", ["right under"]),
        ("id,a\n1,2\n3,4\n", "surveymonkey", ["row 1", "no row of options", "remove `layout: surveymonkey`"]),
    ],
)
def test_a_header_unlike_its_layout_is_refused(text, layout, messages):
    said = refused(text, layout=layout)
    for message in messages:
        assert message in said


def test_surveymonkey_joins_question_and_option():
    text = "Id,¿Cuál usa?,,¿Por qué?,Edad\n,App,Web,Open-Ended Response,Response\n1,App,,porque sí,30\n"
    found = csv(text, layout="surveymonkey")
    assert list(found.frame.columns) == ["Id", "¿Cuál usa? / App", "¿Cuál usa? / Web", "¿Por qué?", "Edad"]
    assert found.questions["¿Cuál usa? / Web"] == "¿Cuál usa?"
    assert found.lines.tolist() == [3]


@real
def test_real_exports_read_by_their_layout():
    def of(name, **how):
        return read_delimited((Path(REAL) / name).read_bytes(), file=name, **how)

    new, old = (of(f"qualtrics_sample{kind}.csv", layout="qualtrics") for kind in ("", "_legacy"))
    assert new.frame["Q1"].tolist() == old.frame["Q1"].tolist() == ["2"]
    assert new.questions["Q2"] == old.questions["Q2"] == "This is a free text question."
    assert (old.questions["V7"], old.frame["V7"].tolist()) == ("Status", ["0"])
    stars = of("surveymonkey_starwars.csv", layout="surveymonkey", encoding="mac_roman")
    assert stars.frame.shape == (1186, 38)
    assert stars.lines[0] == 3
    many = "Which of the following Star Wars films have you seen? Please select all that apply."
    assert list(stars.questions.values()).count(many) == 6
    assert stars.frame[f"{many} / Star Wars: Episode V The Empire Strikes Back"].value_counts().max() == 758
    assert "Gender" in stars.frame
