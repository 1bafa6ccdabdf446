# ruff: noqa: E501  tables of cases: one case to a line
import re

import pytest
from intake_clients import refused, write_client

from cxlab import notebook
from cxlab.catalogues import translate
from cxlab.cli import main
from cxlab.errors import AnalysisError
from cxlab.intake import dataset
from cxlab.intake.declared.canonical import tables
from cxlab.intake.rules.registry import rules


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("CXLAB_ID_KEY", "a key for tests only")


def source(table, file="t.csv", **keys):
    """Return one block of `sources:`, each key written as it is given."""
    lines = [f"  - file: raw/{file}", f"    table: {table}"]
    return "\n".join([*lines, *(f"    {key}: {value}" for key, value in keys.items())]) + "\n"


def declared(*sources, more=""):
    return f"name: A\ndata_date: 2025-06-30\n{more}sources:\n{''.join(sources)}"


def csv(header, rows):
    return (
        "\n".join([header, *(",".join("" if cell is None else str(cell) for cell in row) for row in rows)])
        + "\n"
    )


def report(root, declaration, files):
    return dataset.check(write_client(root, declaration, files), "acme", strict=False)


# --- keys of a source that the rules rest on ------------------------------------------------------


def test_what_was_not_asked_is_no_missing_answer(tmp_path):
    rows = [(n, 5, "call" if n % 2 else "web", 3 if n % 4 == 1 else "") for n in range(40)]
    files = {"t.csv": csv("response_id,ease,channel,attr_wait", rows)}
    keys = {"scales": "{ease: [1, 7], attr_wait: [1, 7]}", "na_reasons": "[attr_wait]"}
    asked = source("survey_responses", **keys, asked_if="{attr_wait: \"channel == 'call'\"}")
    dataset.check(write_client(tmp_path, declared(asked), files), "acme")
    data = dataset.open_dataset(tmp_path, "acme")
    assert data.entry("survey_responses").na_reasons == {"attr_wait": {"blank": 10, "not_asked": 20}}
    reasons = data.read("survey_responses")["attr_wait_na_reason"]
    assert reasons.value_counts().to_dict() == {"not_asked": 20, "missing": 10}
    text = refused(
        tmp_path, declared(source("survey_responses", **keys, asked_if='{attr_wait: "chanel == 1"}')), files
    )
    assert "column chanel: found a name in `asked_if attr_wait` that is no column" in text
    text = refused(
        tmp_path, declared(source("survey_responses", **keys, asked_if='{attr_w: "ease == 1"}')), files
    )
    assert "column attr_w: found a name in `asked_if` that is no column" in text


REPEATED = csv(
    "response_id,ease,responded_at",
    [
        ("a", 1, "2025-01-01"),
        ("b", 2, "2025-01-09"),
        ("a", 1, "2025-01-01"),
        ("b", 3, "2025-01-05"),
        ("c", 4, "2025-01-01"),
    ],
)


@pytest.mark.parametrize(
    ("policy", "ease", "reason"),
    [
        ("first", [1, 2, 4], "repeated keys: the first row stands"),
        ("last", [2, 1, 4], "repeated keys: the last row stands"),
    ],
)
def test_repeated_rows_are_dropped_as_declared_and_counted(tmp_path, policy, ease, reason):
    one = declared(source("survey_responses", scales="{ease: [1, 7]}", duplicates=policy))
    made = report(tmp_path, one, {"t.csv": REPEATED})
    assert not made.problems
    frame = dataset.open_dataset(tmp_path, "acme").read("survey_responses")
    assert frame["ease"].tolist() == ease
    assert made.tables["survey_responses"]["sources"][0]["excluded"] == {reason: 2}


def test_rows_that_differ_are_not_identical_and_by_default_nothing_is_dropped(tmp_path):
    scales = {"scales": "{ease: [1, 7]}"}
    text = refused(tmp_path, declared(source("survey_responses", **scales)), {"t.csv": REPEATED})
    assert "row 4, column response_id: found the response_id of row 2" in text
    assert "row 5, column response_id: found the response_id of row 3" in text
    made = report(
        tmp_path, declared(source("survey_responses", **scales, duplicates="identical")), {"t.csv": REPEATED}
    )
    assert [(p.row, p.rule) for p in made.problems] == [(5, 1)]
    assert made.tables["survey_responses"]["sources"][0]["excluded"] == {
        "repeated rows, the same in every cell": 1
    }


def test_what_names_itself_a_test_and_stays_is_told(tmp_path):
    rows = "customer_id,start_date,observation_end,segment\n" + "".join(
        f"c{n},2024-01-01,2025-01-01,{'Prueba' if n < 3 else 'Hogar'}\n" for n in range(40)
    )
    source = "  - {file: raw/c.csv, table: customers"
    out = ", exclude: [{where: \"segment == 'Prueba'\", reason: test accounts}]"
    root = write_client(tmp_path, f"name: T\nsources:\n{source}}}\n", {"c.csv": rows})
    (told,) = [each for each in dataset.check(root, "acme").warnings if each.rule == 9]
    assert (told.column, told.count) == ("segment", 3)
    assert told.found == "'Prueba', which looks like a test and not a customer"
    write_client(tmp_path, f"name: T\nsources:\n{source}{out}}}\n", {"c.csv": rows})
    assert not [each for each in dataset.check(root, "acme").warnings if each.rule == 9]


# --- the 26 rules: one client that breaks each, and one that does not -----------------------------

RATED = {"scales": "{ease: [1, 7]}"}
SIX = [f"attr_{letter}" for letter in "abcdef"]
SIX_SCALES = "{" + ", ".join(f"{name}: [1, 7]" for name in SIX) + "}"
POPULATION = source("waves", file="waves.csv")
WAVES = {"waves.csv": "wave_id,universe_n\nw1,5000\nw2,6000\n"}
CUSTOMER_DATES = {"dates": "{start_date: '%Y-%m-%d'}"}


def survey(rows, header="response_id,ease", more=(), **keys):
    """Return a client with one survey file and further (source, {file: text})."""
    declaration = declared(source("survey_responses", **(RATED | keys)), *(each for each, _ in more))
    files = {"t.csv": csv(header, rows)}
    for _, texts in more:
        files |= texts
    return declaration, files


def one_table(table, header, rows, **keys):
    return declared(source(table, **keys)), {"t.csv": csv(header, rows)}


def spread(n, start=0):
    """Ratings all over a scale of seven."""
    return [1 + (start + 3 * at) % 7 for at in range(n)]


def people(n=40, *, left=15, header="", cells=lambda at, gone: ()):
    """A table of customers of whom the first `left` left; `cells` adds to each row."""
    rows = [
        (f"c{at}", "2024-01-01", "2025-03-01" if at < left else "", "2025-06-30", *cells(at, at < left))
        for at in range(n)
    ]
    return csv(f"customer_id,start_date,end_date,observation_end{header}", rows)


def crm(text, **keys):
    return declared(source("customers", **keys)), {"t.csv": text}


def surveyed(named, *, day="2025-01-15", left=0):
    """Customers c0 to c39, and a survey of those named."""
    rows = [(f"r{at}", 1 + at % 7, who, day, segment) for at, (who, segment) in enumerate(named)]
    return (
        declared(source("survey_responses", **RATED), source("customers", file="crm.csv")),
        {
            "t.csv": csv("response_id,ease,customer_id,responded_at,segment", rows),
            "crm.csv": people(left=left),
        },
    )


def weighted(weights, more=""):
    rows = [(at, 1 + at % 7, "w1", weight) for at, weight in enumerate(weights)]
    return survey(rows, "response_id,ease,wave_id,weight", [(POPULATION, WAVES)] if more else ())


def arms(regions):
    return (
        declared(source("pilot_assignments"), source("customers", file="crm.csv")),
        {
            "t.csv": csv(
                "pilot_id,unit_or_customer_id,arm",
                [("p1", f"c{at}", "new" if at % 2 else "old") for at in range(40)],
            ),
            "crm.csv": people(left=0, header=",region", cells=lambda at, _: (regions(at),)),
        },
    )


def split(new, old, header="split_id,customer_id,arm", shares=("", "")):
    rows = [("s1", f"n{at}", "new", shares[0]) for at in range(new)] + [
        ("s1", f"o{at}", "old", shares[1]) for at in range(old)
    ]
    cut = None if shares[0] else 3
    return one_table("splits", header, [row[:cut] for row in rows])


NAMED = [(f"c{at}", "x") for at in range(40)]
BREAKS = {
    1: (survey([(1, 5), (1, 6)]), "problems"),
    2: (survey([(1, 5, "fax")], "response_id,ease,mode"), "problems"),
    3: (survey([(1, 5), (2, 9)]), "problems"),
    4: (
        (
            declared(source("survey_responses", **RATED), source("survey_responses", file="u.csv", scales="{ease: [1, 5]}")),
            {"t.csv": csv("response_id,ease", [(1, 5)]), "u.csv": csv("response_id,ease", [(2, 5)])},
        ),
        "problems",
    ),
    5: (survey([(1, 5), (2, 3)], "response_id,ces", scales="{ces: [1, 7]}"), "problems"),
    6: (survey([(1, "7 - Mucho"), (2, 3)], leading_number="[ease]"), "warnings"),
    7: (survey([(1, 5, "2025-07-09")], "response_id,ease,responded_at"), "problems"),
    8: (survey([(1, 5, "03-04-2025"), (2, 5, "05-06-2025")], "response_id,ease,responded_at", dates="{responded_at: '%d-%m-%Y'}"), "warnings"),
    9: (survey([(1, 5, "test"), (2, 5, "complete")], "response_id,ease,status", exclude="[{where: \"status == 'test'\", reason: pruebas}]"), "warnings"),
    10: (survey([(at, 5, 20 if at == 3 else 90) for at in range(20)], "response_id,ease,duration_s"), "warnings"),
    11: (survey([(at, *([4] * 6 if at < 5 else spread(6, at))) for at in range(50)], "response_id," + ",".join(SIX), scales=SIX_SCALES), "warnings"),
    12: (survey([(1, 5, "a", "w1"), (2, 5, "a", "w1")], "response_id,ease,customer_id,wave_id"), "warnings"),
    13: (surveyed(NAMED, day="2025-04-01", left=15), "warnings"),
    14: (crm(people(header=",attr_retention_call", cells=lambda at, gone: (int(at % 2),))), "problems"),
    15: (surveyed([*NAMED[:30], *((f"z{at}", "x") for at in range(10))]), "warnings"),
    16: (survey([(1, 5)]), "warnings"),
    17: (weighted([1] * 19 + [20]), "warnings"),
    18: (weighted([3.0] * 20, more="universe"), "problems"),
    19: (survey([(at, 5, "" if at % 2 else 3) for at in range(40)], "response_id,ease,attr_wait"), "warnings"),
    20: (survey([(at, 5, "few" if at < 12 else "many") for at in range(60)], "response_id,ease,segment"), "warnings"),
    21: (one_table("mystery_visits", "visit_id,unit_id", [(at, "u1" if at < 3 else "u2") for at in range(5)]), "warnings"),
    22: (one_table("benchmark_scores", "peer_id,metric,value,n,std_error", [("a", "nps", 4, 100, ""), ("b", "nps", 5, "", 1.5)]), "warnings"),
    23: (one_table("area_touchpoint", "area_id,touchpoint_id,responsibility_share", [("a", "t", 0.5), ("b", "t", 0.4)]), "warnings"),
    24: (arms(lambda at: "RM" if at % 2 else "V"), "warnings"),
    25: (split(700, 500), "problems"),
    26: (survey([(1, 5, "escríbame a ana@ejemplo.cl")], "response_id,ease,attr_note"), "problems"),
}  # fmt: skip
HOLDS = {
    1: survey([(1, 5), (2, 6)]),
    2: survey([(1, 5, "email")], "response_id,ease,mode"),
    3: survey([(1, 5), (2, 9)], missing="{ease: [9]}"),
    4: (
        declared(source("survey_responses", **RATED), source("survey_responses", file="u.csv", **RATED)),
        {"t.csv": csv("response_id,ease", [(1, 5)]), "u.csv": csv("response_id,ease", [(2, 5)])},
    ),
    5: survey([(1, 5), (2, 3)], "response_id,ces", scales="{ces: [1, 7]}", more_is_better="[ces]"),
    6: survey([(1, 7), (2, 3)], leading_number="[ease]"),
    7: survey([(1, 5, "2025-06-30")], "response_id,ease,responded_at"),
    8: survey([(1, 5, "03-04-2025"), (2, 5, "25-06-2025")], "response_id,ease,responded_at", dates="{responded_at: '%d-%m-%Y'}"),
    9: survey([(1, 5, "complete"), (2, 5, "partial")], "response_id,ease,status", exclude="[{where: \"status == 'partial'\", reason: a medias}]"),
    10: survey([(at, 5, 31 if at == 3 else 90) for at in range(20)], "response_id,ease,duration_s"),
    11: survey([(at, *spread(6, at)) for at in range(50)], "response_id," + ",".join(SIX), scales=SIX_SCALES),
    12: survey([(1, 5, "a", "w1"), (2, 5, "a", "w2"), (3, 5, "", "w1"), (4, 5, "", "w1")], "response_id,ease,customer_id,wave_id"),
    13: surveyed(NAMED, day="2025-02-28", left=15),
    14: crm(people(header=",attr_calls", cells=lambda at, gone: (int(at % 2),))),
    15: surveyed(NAMED),
    16: survey([(1, 5)], more=[(POPULATION, WAVES)]),
    17: weighted([1] * 19 + [3]),
    18: weighted([250.0] * 20, more="universe"),
    19: survey([(at, 5, "" if at % 4 else 3, at % 4) for at in range(40)], "response_id,ease,attr_wait,attr_call", asked_if='{attr_wait: "attr_call == 0"}'),
    20: survey([(at, 5, "few" if at < 30 else "many") for at in range(60)], "response_id,ease,segment"),
    21: one_table("mystery_visits", "visit_id,unit_id", [(at, "u1" if at < 3 else "u2") for at in range(6)]),
    22: one_table("benchmark_scores", "peer_id,metric,value,n", [("a", "nps", 4, 100), ("b", "nps", 5, 90)]),
    23: one_table("area_touchpoint", "area_id,touchpoint_id,responsibility_share", [("a", "t", 0.5), ("b", "t", 0.5), ("a", "u", 1)]),
    24: arms(lambda at: "RM" if at % 4 < 2 else "V"),
    25: split(620, 580),
    26: survey([(1, 5, "llame mañana")], "response_id,ease,attr_note"),
}  # fmt: skip


@pytest.mark.parametrize("rule", BREAKS)
def test_a_client_that_breaks_a_rule_is_told_by_its_number(tmp_path, rule):
    (declaration, files), state = BREAKS[rule]
    made = report(tmp_path, declaration, files)
    assert {each.number: each.state for each in made.rules}[rule] == state
    found = [p for p in (made.problems if state == "problems" else made.warnings) if p.rule == rule]
    assert found
    assert all(p.found and p.allowed and p.action and p.file for p in found)
    assert bool(made.problems) == (state == "problems")


@pytest.mark.parametrize("rule", HOLDS)
def test_a_client_that_keeps_a_rule_hears_nothing_of_it(tmp_path, rule):
    made = report(tmp_path, *HOLDS[rule])
    assert not made.problems
    assert {each.number: each.state for each in made.rules}[rule] == "ok"
    assert rule not in {p.rule for p in made.warnings}


def test_every_rule_is_tried_both_ways_and_has_its_titles():
    assert set(BREAKS) == set(HOLDS) == set(rules()) == set(range(1, 27))
    assert all(rule.es and rule.en for rule in rules().values())
    for rule in rules().values():
        for needed in (name for alternative in rule.needs for name in alternative):
            table, _, column = needed.partition(".")
            assert table in tables(), needed
            assert not column or column in tables()[table].columns or needed == "customers.responded_at"


def test_a_rule_without_its_table_or_column_is_not_passed(tmp_path):
    made = report(tmp_path, *survey([(1, 5), (2, 6)]))
    whys = {each.number: str(each.why) for each in made.rules if each.state == "unchecked"}
    assert whys[10] == "no survey_responses.duration_s"
    assert whys[14] == "no customers"
    assert whys[17] == "no survey_responses.weight"
    assert whys[21] == "no mystery_visits.unit_id"
    assert whys[11] == "fewer than 6 ratings on one scale"
    assert 1 not in whys


def test_what_could_not_be_read_or_judged_is_not_passed(tmp_path):
    both = declared(source("survey_responses", **RATED), source("customers", file="gone.csv"))
    made = report(tmp_path, both, {"t.csv": csv("response_id,ease", [(1, 5)])})
    states = {each.number: (each.state, str(each.why)) for each in made.rules}
    assert states[14] == ("unchecked", "raw/gone.csv could not be read")
    assert states[1] == ("unchecked", "raw/gone.csv could not be read")
    assert states[3] == ("ok", "None")
    made = report(
        tmp_path / "b", declared(source("survey_responses")), {"t.csv": csv("response_id,ease", [(1, 5)])}
    )
    states = {each.number: (each.state, str(each.why)) for each in made.rules}
    assert states[5][0] == "problems"
    assert states[3] == ("unchecked", "survey_responses has problems that come first")


# --- what single rules say ------------------------------------------------------------------------


def warned(made, rule):
    return "\n".join(str(p) for p in made.warnings if p.rule == rule)


def test_ratings_that_run_against_the_others_are_suspected(tmp_path):
    rows = [(at, 1 + at % 7, 1 + at % 7, 7 - at % 7) for at in range(60)]
    made = report(
        tmp_path,
        *survey(
            rows,
            "response_id,ease,pleasantness,effectiveness",
            scales="{ease: [1, 7], pleasantness: [1, 7], effectiveness: [1, 7]}",
        ),
    )
    assert (
        "column effectiveness: found answers that fall while the other ratings rise (correlation -1.00)"
        in warned(made, 5)
    )


def test_direction_may_come_from_the_questionnaire_or_from_turning(tmp_path):
    ces = {"scales": "{ces: [1, 7]}"}
    rows = csv("response_id,ces", [(1, 5), (2, 3)])
    items = declared(source("survey_responses", **ces), source("items", file="items.csv"))
    assert not report(
        tmp_path / "a", items, {"t.csv": rows, "items.csv": "item_id,direction\nces,down\n"}
    ).problems
    turned = declared(source("survey_responses", **ces, reverse="[ces]"))
    assert not report(tmp_path / "b", turned, {"t.csv": rows}).problems
    both = declared(source("survey_responses", **ces, reverse="[ces]", more_is_better="[ces]"))
    assert "found a question that is turned round and in which more is better" in refused(
        tmp_path / "c", both, {"t.csv": rows}
    )


def test_columns_made_by_leaving_stop_unless_they_are_declared_or_dropped(tmp_path):
    flag = people(header=",attr_call", cells=lambda at, gone: (int(gone),))
    filled = people(header=",attr_reason", cells=lambda at, gone: ("price" if gone else "",))
    named = people(header=",attr_state", cells=lambda at, gone: ("baja" if gone else "activo",))
    assert "column attr_call: found a column that is 1 only for customers who left" in refused(
        tmp_path / "a", *crm(flag)
    )
    assert "column attr_reason: found a column that is filled in only for customers who left" in refused(
        tmp_path / "b", *crm(filled)
    )
    assert "column attr_state: found a column with other categories" in refused(tmp_path / "c", *crm(named))
    few = people(left=9, header=",attr_call", cells=lambda at, gone: (int(gone),))
    assert not report(tmp_path / "d", *crm(few)).problems
    root = write_client(tmp_path / "e", *crm(flag, after_event="[attr_call]"))
    dataset.check(root, "acme")
    data = dataset.open_dataset(root, "acme")
    assert data.entry("customers").after_event == ["attr_call"]
    assert data.read("customers").attrs["after_event"] == ["attr_call", "end_date", "end_type"]
    assert not report(tmp_path / "f", *crm(flag, drop="[attr_call]")).problems


def test_ratings_of_customers_may_not_be_of_after_the_exit(tmp_path):
    late = people(header=",responded_at,recommend", cells=lambda at, gone: ("2025-04-01", 5))
    text = refused(
        tmp_path,
        *crm(
            late,
            kinds="{responded_at: date, recommend: number}",
            names="{responded_at: responded_at, recommend: recommend}",
        ),
    )
    assert "column responded_at: found 15 surveys of the day their customer left, or later" in text


def test_match_rates_are_told_by_group_and_small_groups_together(tmp_path):
    named = [(f"c{at}", "home") for at in range(35)]
    named += [(f"c{at}" if at % 2 else f"z{at}", "firm") for at in range(36)]
    named += [("c1", "a")] * 5 + [("c2", "b")] * 6
    made = report(tmp_path, *surveyed(named))
    rates = {
        (row["column"], row["value"]): (row["with_customer"], row["matched"])
        for row in made.tables["survey_responses"]["match_rates"]
    }
    assert rates["", ""] == (82, 64)
    assert rates["segment", "home"] == (35, 35)
    assert rates["segment", "firm"] == (36, 18)
    assert rates["segment", "(<10)"] == (11, 11)
    assert "found 78.0% of the surveys find their customer (18 rows)" in warned(made, 15)
    assert "50% of the surveys of firm find their customer, 100% of home" in warned(made, 15)
    assert "encuestas con cliente, segment firm: 18 de 36 (50,0\xa0%)" in "\n".join(made.lines("es"))


def test_weights_without_a_known_population_are_only_told(tmp_path):
    made = report(tmp_path, *weighted([3.0] * 20))
    assert not made.problems
    assert "weights that do not add up to the answers (60 for 20)" in warned(made, 18)
    text = "\n".join(str(p) for p in report(tmp_path / "b", *weighted([3.0] * 20, more="universe")).problems)
    assert "weights that add up to 60 in wave w1 (20 rows); allowed: 20 answers or 5,000 customers" in text


def test_groups_too_small_to_be_shown_are_told_apart_from_those_with_a_caution(tmp_path):
    rows = [(at, 5, "tiny" if at < 9 else "few" if at < 25 else "many") for at in range(60)]
    said = warned(report(tmp_path, *survey(rows, "response_id,ease,segment")), 20)
    assert "found 1 groups under 10: tiny; allowed: 30 or more. they will not be shown" in said
    assert "found 1 groups from 10 to 29: few; allowed: 30 or more. they are shown with a caution" in said
    staff = one_table(
        "employees_survey",
        "response_id,unit_id,overall_sat",
        [(at, "u1" if at < 7 else "u2", 5) for at in range(15)],
        scales="{overall_sat: [1, 7]}",
    )
    said = warned(report(tmp_path / "b", *staff), 20)
    assert "1 groups under 8: u1" in said
    assert "1 groups from 8 to 29: u2" in said


def test_a_planned_split_that_is_unequal_is_no_mismatch(tmp_path):
    header = "split_id,customer_id,arm,expected_share"
    assert not report(tmp_path, *split(700, 500, header, (0.6, 0.4))).problems
    text = "\n".join(str(p) for p in report(tmp_path / "b", *split(600, 600, header, (0.6, 0.4))).problems)
    assert "found s1: new 600, old 600" in text
    assert "allowed: new 0.6, old 0.4" in text


def test_answers_of_people_who_were_not_asked_are_told(tmp_path):
    rows = [(at, 5, at % 2, 3) for at in range(20)]
    made = report(
        tmp_path,
        *survey(rows, "response_id,ease,attr_call,attr_wait", asked_if='{attr_wait: "attr_call == 1"}'),
    )
    assert "column attr_wait: found 10 answers of people whom `asked_if` says were not asked" in warned(
        made, 19
    )


def test_the_questionnaire_explains_what_was_not_asked(tmp_path):
    rows = [(at, 5, "" if at % 2 else 3, "call" if at % 2 == 0 else "web") for at in range(40)]
    made = survey(
        rows,
        "response_id,ease,attr_wait,channel",
        more=[(source("items", file="i.csv"), {"i.csv": "item_id,asked_if\nattr_wait,channel == 'call'\n"})],
    )
    assert not warned(report(tmp_path, *made), 19)
    worded = survey(
        rows,
        "response_id,ease,attr_wait,channel",
        more=[(source("items", file="i.csv"), {"i.csv": "item_id,asked_if\nattr_wait,only callers\n"})],
    )
    said = warned(report(tmp_path / "b", *worded), 19)
    assert "column attr_wait: found no answer of 50%; the questionnaire asks only “only callers”" in said


def test_rows_that_were_given_up_as_repeated_are_told(tmp_path):
    made = report(tmp_path, *survey([(1, 5), (1, 6), (2, 6)], duplicates="first"))
    assert "column response_id: found 1 rows left out (repeated keys: the first row stands)" in warned(
        made, 1
    )
    assert {each.number: each.state for each in made.rules}[1] == "warnings"


def test_dates_of_ones_own_may_be_later_but_are_told(tmp_path):
    made = report(tmp_path, *survey([(1, 5, "2026-01-01")], "response_id,ease,attr_due"))
    assert not made.problems
    assert "column attr_due: found 1 dates after 2025-06-30" in warned(made, 7)


# --- where readers meet them ----------------------------------------------------------------------


def test_warnings_are_kept_and_come_back_in_both_languages(tmp_path):
    root = write_client(tmp_path, *BREAKS[10][0])
    made = dataset.check(root, "acme")
    told = dataset.open_dataset(root, "acme").entry("survey_responses").told()
    assert told == [problem for problem in made.warnings if problem.rule]
    assert (
        translate(told[0].found, "es")
        == "1 de 20 respondieron en menos de un tercio del tiempo mediano (5,0\xa0%)"
    )


def test_the_terminal_gets_rules_warnings_and_problems_at_once(tmp_path, monkeypatch, capsys):
    root = write_client(tmp_path, *BREAKS[3][0])
    for folder in ("notebooks", "reports"):
        (root / folder).mkdir()
    monkeypatch.setenv("CXLAB_LANGUAGE", "es")
    assert main(["check", "acme", "--root", str(root)]) == 2
    out, err = capsys.readouterr()
    assert "survey_responses: 2 filas" in out
    assert re.search(r"x +3 Notas fuera de su escala +problemas: 1", out)
    assert re.search(
        r"- 10 Respuestas demasiado rápidas +sin revisar: falta survey_responses.duration_s", out
    )
    assert re.search(r"\+ +1 Claves repetidas +se cumple", out)
    assert len(re.findall(r"(?m)^[+x!-] [ 12]\d ", out)) == 26
    assert "- regla 16: raw/t.csv: se encontró ni population_targets" in out
    assert "- regla 3: raw/t.csv, fila 3, columna ease: se encontró '9'" in out
    assert "acme: 1 problemas; no se escribió nada" in err
    root = write_client(tmp_path, *HOLDS[3])
    assert main(["check", "acme", "--root", str(root)]) == 0


def test_a_paper_shows_the_sums_and_the_warnings_and_refuses_what_leaving_made(tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr(notebook.Paper, "_display", lambda self, text, data=None: shown.append(text))
    monkeypatch.setenv("CXLAB_ROOT", str(tmp_path))
    (tmp_path / "notebooks").mkdir()
    text = people(header=",attr_call,attr_price", cells=lambda at, gone: (int(gone), 10 + at % 5))
    staff = "[{where: \"customer_id == 'c39'\", reason: personal de la empresa}]"
    dataset.check(write_client(tmp_path, *crm(text, after_event="[attr_call]", exclude=staff)), "acme")
    paper = notebook.open("acme", language="es")
    frame = paper.table("customers")
    assert "40 filas leídas = 39 usadas + 1 excluidas" in shown[-1]
    assert "personal de la empresa" in shown[-1]
    with pytest.raises(AnalysisError, match="attr_call, end_date came about when the customer left"):
        paper.columns(frame, ["attr_call", "end_date", "attr_price"])
    assert paper.columns(frame, ["attr_*"]) == ["attr_price"]
    assert "nacieron cuando el cliente se fue, o después: Call" in shown[-1]
    dataset.check(write_client(tmp_path, *BREAKS[10][0]), "acme")
    notebook.open("acme", language="es").table("survey_responses")
    assert (
        "Respuestas demasiado rápidas (Segundos en responder): 1 de 20 respondieron en menos de un tercio"
        in shown[-1]
    )


def test_what_tells_who_was_asked_is_no_driver_unless_it_is_named_or_a_rating(tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr(notebook.Paper, "_display", lambda self, text, data=None: shown.append(text))
    monkeypatch.setenv("CXLAB_ROOT", str(tmp_path))
    (tmp_path / "notebooks").mkdir()
    rows = [(f"r{at}", 1 + at % 5, at % 2, 1 + at % 5 if at % 2 else "", 4) for at in range(20)]
    header = "response_id,attr_desk,attr_called,attr_wait,attr_why"
    asked = '{attr_wait: "attr_called == 1", attr_why: "attr_desk <= 5"}'
    scales = "{attr_desk: [1, 5], attr_wait: [1, 5], attr_why: [1, 5]}"
    dataset.check(write_client(tmp_path, *survey(rows, header, scales=scales, asked_if=asked)), "acme")
    paper = notebook.open("acme", language="es")
    frame = paper.table("survey_responses").assign(weight_used=1.0)
    assert paper.columns(frame, ["attr_*"]) == ["attr_desk", "attr_wait", "attr_why"]
    assert "dicen a quién se le hizo otra pregunta y no son notas: Called." in shown[-1]
    every = ["attr_desk", "attr_called", "attr_wait", "attr_why"]
    assert paper.columns(frame, ["attr_*", "attr_called"]) == every
