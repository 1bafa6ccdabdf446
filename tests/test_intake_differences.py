"""What changed between two waves: the same question under another name, another question under the same."""

import pytest

from cxlab.intake.proposals.differences import compare, matched
from cxlab.intake.tables.codebooks import Codebook, Item, profile

STEM = "Con nota de 1 a 7, ¿cómo evalúa {}?"
TOPICS = {
    "attr_kind": "la amabilidad de quienes atienden",
    "attr_shop": "el ambiente de las tiendas",
    "attr_bill": "la claridad de la boleta",
    "attr_fast": "la rapidez de la respuesta",
}


def item(header, question="", column="", values=None, **more):
    return Item(header=header, question=question, column=column, values=values or {}, **more)


def asked(header, topic, column="", **more):
    return item(header, STEM.format(TOPICS.get(topic, topic)), column, **more)


def book(*items, **more):
    return Codebook(file=more.pop("file", "raw/w2.csv"), items=items, **more)


def told(before, after):
    return [(c.kind, c.header, c.column, c.before, c.after) for c in compare(before, after)]


def kinds(before, after):
    return [(c.kind, c.header) for c in compare(before, after)]


SEVEN = {str(point): 40 for point in range(1, 8)}
FIVE = {str(point): 40 for point in range(1, 6)}
BLOCK = [asked(f"Q{n}", column, column) for n, column in enumerate(TOPICS, 1)]


# Which column continues which


def test_nothing_changed_is_nothing_told():
    assert told(book(*BLOCK), book(*BLOCK)) == []


def test_a_question_is_followed_to_its_new_name():
    after = book(*BLOCK[:3], asked("NPS", "attr_fast"))
    assert told(book(*BLOCK), after) == [("renamed", "NPS", "attr_fast", "Q4", "NPS")]


def test_questions_that_slide_under_the_names_of_others_are_not_confused():
    after = book(asked("Q1", "attr_shop"), asked("Q2", "attr_bill"), asked("Q3", "attr_fast"))
    found = matched(book(*BLOCK), after)
    assert {header: each.column for header, each in found.items()} == {
        "Q1": "attr_shop",
        "Q2": "attr_bill",
        "Q3": "attr_fast",
    }
    assert kinds(book(*BLOCK), after) == [
        ("reused", "Q1"), ("renamed", "Q1"), ("reused", "Q2"), ("renamed", "Q2"),
        ("reused", "Q3"), ("renamed", "Q3"), ("gone", "Q1"),
    ]  # fmt: skip


def test_another_question_under_the_same_name_is_not_taken_for_the_old_one():
    after = book(*BLOCK[:3], asked("Q4", "la señal de wifi en su hogar"))
    assert kinds(book(*BLOCK), after) == [("reused", "Q4"), ("new", "Q4"), ("gone", "Q4")]


def test_a_question_reworded_under_its_own_name_is_followed():
    after = book(*BLOCK[:2], asked("Q3", "cuán clara es su boleta"), BLOCK[3])
    (change,) = compare(book(*BLOCK), after)
    assert (change.kind, change.column) == ("reworded", "attr_bill")
    assert "claridad de la boleta" in change.before
    assert "cuán clara" in change.after
    assert "breaks:" in change.action


def test_a_question_reworded_and_renamed_is_followed_by_what_it_asks():
    after = book(*BLOCK[:2], asked("P9", "la claridad de su boleta"), BLOCK[3])
    assert kinds(book(*BLOCK), after) == [("renamed", "P9"), ("reworded", "P9")]


def test_accents_case_and_blanks_are_no_change():
    after = book(item("Q1", STEM.format(TOPICS["attr_kind"]).upper().replace("Ó", "O")), *BLOCK[1:])
    assert told(book(*BLOCK), after) == []


def test_without_questions_the_name_decides_then_what_is_like_it():
    before = book(item("RUT", column="customer_id"), item("CARGO_MENSUAL", column="attr_price"))
    after = book(item("RUT"), item("CARGO_MES"))
    assert told(before, after) == [("renamed", "CARGO_MES", "attr_price", "CARGO_MENSUAL", "CARGO_MES")]


def test_two_names_as_alike_decide_nothing():
    before = book(item("CARGO_MENSUAL", column="attr_price"))
    after = book(item("CARGO_MES_A"), item("CARGO_MES_B"))
    assert kinds(before, after) == [("new", "CARGO_MES_A"), ("new", "CARGO_MES_B"), ("gone", "CARGO_MENSUAL")]


def test_answers_in_words_tell_a_column_whose_name_changed():
    plans = {"Internet": 50, "Internet + TV": 40, "Triple": 10}
    before = book(
        item("PLAN", column="plan", values=plans), item("ZONA", column="region", values={"N": 5, "S": 5})
    )
    after = book(item("PRODUCTO", values=plans), item("ZONA", values={"N": 5, "S": 5}))
    assert told(before, after) == [("renamed", "PRODUCTO", "plan", "PLAN", "PRODUCTO")]


def test_ratings_alike_tell_nothing():
    before = book(item("A1", column="ease", values=SEVEN))
    assert kinds(before, book(item("Z9", values=SEVEN))) == [("new", "Z9"), ("gone", "A1")]


def test_what_was_not_stored_before_is_not_new():
    assert told(book(*BLOCK, unused=frozenset({"IPAddress"})), book(*BLOCK, item("IPAddress"))) == []


# What changed of a column


def rated(values, **more):
    return book(item("Q1", "¿Fácil?", "ease", values=values, scale=(1, 7), **more))


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (FIVE, [("scale", "1-7", "1-5")]),
        ({**SEVEN, "8": 40, "9": 40, "10": 40}, [("scale", "1-7", "1-10")]),
        ({str(point): 40 for point in range(3, 8)}, [("scale", "1-7", "3-7")]),
        (SEVEN, []),
        ({"1": 3, "2": 4}, []),  # too few to tell
        ({**SEVEN, "98": 6}, [("code_new", "", "98 (6)")]),
        ({**FIVE, "98": 6}, [("scale", "1-7", "1-5")]),
        ({**SEVEN, "7 - Mucho": 30}, []),  # a point of the scale, with its words
    ],
)
def test_scales_and_codes(values, found):
    after = rated(values)
    changes = compare(rated(SEVEN), after)
    assert [(c.kind, c.before, c.after) for c in changes] == found


def test_codes_declared_to_mean_no_answer_are_known():
    before = rated({**SEVEN, "99": 5}, no_answer=frozenset({"99"}))
    assert told(before, rated({**SEVEN, "99": 9})) == []
    assert told(rated(SEVEN, no_answer=frozenset({"99"})), rated({**SEVEN, "99 - No sabe": 9})) == []


def test_new_and_lost_answers_of_a_category():
    before = book(item("Medio", column="mode", values={"App": 100, "Correo": 100, "Fax": 1}))
    after = book(item("Medio", values={"App": 100, "WhatsApp": 24}))
    assert told(before, after) == [
        ("code_new", "Medio", "mode", "", "WhatsApp (24)"),
        ("code_gone", "Medio", "mode", "Correo (100)", ""),  # one fax less is no change
    ]


def test_labels_of_codes():
    before = rated(SEVEN, labels={"1": "Malo", "7": "Bueno"})
    assert told(before, rated(SEVEN, labels={"1": "malo", "7": "Bueno"})) == []
    (change,) = compare(before, rated(SEVEN, labels={"1": "Bueno", "7": "Malo", "9": "NS"}))
    assert (change.kind, change.before) == ("label", "1 = Malo, 7 = Bueno, 9 = -")
    assert change.after == "1 = Bueno, 7 = Malo, 9 = NS"


def test_how_a_file_is_read_comes_first():
    before = book(*BLOCK, read_as={"encoding": "latin-1", "skip_at_end": 2})
    after = book(*BLOCK[:3], read_as={"encoding": "utf-8", "separator": "\t"})
    assert told(before, after)[:3] == [
        ("read", "encoding", "", "latin-1", "utf-8"),
        ("read", "separator", "", "-", "TAB"),
        ("read", "skip_at_end", "", "2", "0"),
    ]


def test_personal_data_in_a_question_are_not_told():
    after = book(*BLOCK, item("Q9", "Escríbanos a ana.perez@example.cl"))
    (change,) = compare(book(*BLOCK), after)
    assert (change.kind, change.after) == ("new", "…")


def test_profiles_keep_answers_only():
    assert profile(["7", " 7", "", "9"], [1, 2, 5, 0]) == {"7": 3}
    assert profile(map(str, range(50)), [1] * 50) == {}
    assert profile(["ana.perez@example.cl", "x" * 10], [1, 1]) == {"x" * 10: 1}
    assert profile(["x" * 200], [1]) == {}
