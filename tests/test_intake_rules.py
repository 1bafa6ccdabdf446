import pytest
from intake_clients import refused, write_client

from cxlab.intake import dataset


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
