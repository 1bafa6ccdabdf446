"""The parameters cell: what it may hold, how values are refused, how they are written back."""

import copy
import json
import math
import string
import time
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxlab.errors import ParameterError
from cxlab.parameters import Declaration, Plain, assigned, declaration, literal, nearest, source
from cxlab.values import typed, wanted

CELL = """\
client: str = "acme"  # whose data
language: Literal["es", "en"] = "es"  # report language
level: Annotated[float, Field(gt=0.5, lt=1)] = 0.95  # confidence level
by: list[str] = ["segment"]  # columns that cut
since: date = date(2025, 1, 31)
waves: int = 3
weighted: bool = True
label: str | None = None
horizon: float | None = None
code = "001"
top: Literal[1, 2] = 1
months: tuple[int, ...] = (12, 24)
scales: dict[str, float] = {"a": 1.0}
schema: str = "x"
# what the row above says
stamp: Annotated[str, Field(pattern="^[a-z]+$", description="a word")] = "abc"
"""


def notebook(*cells: str) -> dict:
    made = [{"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": cell} for cell in cells]
    return {"cells": [{"cell_type": "markdown", "metadata": {}, "source": "# A question"}, *made]}


def declared(cell: str = CELL) -> Declaration:
    return declaration(notebook(cell), name="drivers")


def test_defaults_and_descriptions():
    taken = declared()
    assert taken.names[:3] == ("client", "language", "level")
    values = taken.validate({})
    assert values["since"] == date(2025, 1, 31)
    assert values["months"] == (12, 24)
    assert values["schema"] == "x"
    described = {p.name: p.description for p in taken.parameters}
    assert described["level"] == "confidence level"
    assert described["stamp"] == "what the row above says"
    assert described["waves"] == ""


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("code", "007", "007"),
        ("code", "1e5", "1e5"),
        ("code", "None", "None"),
        ("code", " spaced ", " spaced "),
        ("code", 'it\'s "so" {{x}}\n\u202eעברית 🙂', 'it\'s "so" {{x}}\n\u202eעברית 🙂'),
        ("level", "0.9", 0.9),
        ("level", "9e-1", 0.9),
        ("waves", "007", 7),
        ("waves", "-2", -2),
        ("weighted", "no", False),
        ("weighted", "TRUE", True),
        ("since", "2024-02-29", date(2024, 2, 29)),
        ("by", "segment,region", ["segment", "region"]),
        ("by", "[segment, region]", ["segment", "region"]),
        ("by", '["a, b", "c\\"d", "e\nf"]', ["a, b", 'c"d', "e\nf"]),
        ("by", "['it''s', 007, no, null]", ["it's", "007", "no", "null"]),
        ("by", '["\\ud83d\\ude42"]', ["🙂"]),
        ("by", "", []),
        ("by", "[]", []),
        ("by", "O'Brien", ["O'Brien"]),
        ("label", "null", None),
        ("label", "007", "007"),
        ("label", "", ""),
        ("horizon", "12", 12.0),
        ("horizon", "", None),
        ("top", "2", 2),
        ("months", "6, 12", (6, 12)),
    ],
)
def test_text_is_read_by_the_declared_kind(name, text, value):
    found = declared().validate({name: Plain(text)})[name]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("since", "2024-02-29"),
        ("since", date(2024, 2, 29)),
        ("level", 0.9),
        ("by", "segment"),
        ("by", ["a", "b"]),
        ("label", None),
    ],
)
def test_typed_values_are_taken(name, value):
    assert name in declared().validate({name: value})


@pytest.mark.parametrize(
    ("name", "value", "taken"),
    [
        ("waves", np.int64(4), 4),
        ("level", np.float64(0.9), 0.9),
        ("months", [np.int32(6)], (6,)),
        ("scales", {"a": np.int8(2)}, {"a": 2.0}),
        ("by", ("a", "b"), ["a", "b"]),
    ],
)
def test_values_of_numpy_and_tuples_become_the_declared_kind(name, value, taken):
    found = declared().validate({name: value})[name]
    assert repr(found) == repr(taken)  # the kind, too
    assert source({name: found}).splitlines()[-1] == f"{name} = {taken!r}"


@pytest.mark.parametrize(
    ("name", "value", "found", "allowed"),
    [
        ("level", Plain("abc"), '"abc"', "a number, with a point for decimals, > 0.5, < 1"),
        ("level", Plain("2"), "2.0", "> 0.5, < 1"),
        ("level", Plain("0,95"), '"0,95"', "a number"),
        ("level", Plain("nan"), '"nan"', "a number"),
        ("level", math.nan, "nan", "a number"),
        ("level", Plain("1e999"), "inf", "a number"),
        ("level", True, "true", "a number"),
        ("level", "0.9", '"0.9"', "a number"),
        ("waves", Plain("1_000"), '"1_000"', "a whole number"),
        ("waves", Plain("3.0"), '"3.0"', "a whole number"),
        ("waves", Plain("treinta"), '"treinta"', "a whole number"),
        ("waves", True, "true", "a whole number"),
        ("waves", Plain("9" * 350), "a number of more than 300 digits", "a whole number"),
        ("weighted", Plain("maybe"), '"maybe"', "true or false"),
        ("weighted", 1, "1", "true or false"),
        ("language", Plain("fr"), '"fr"', "es | en"),
        ("top", True, "true", "1 | 2"),
        ("top", Plain("3"), '"3"', "1 | 2"),
        ("since", Plain("2025-02-30"), '"2025-02-30"', "a date as 2025-12-31"),
        ("since", Plain("31/01/2025"), '"31/01/2025"', "a date as 2025-12-31"),
        ("since", Plain("20250131"), '"20250131"', "a date as 2025-12-31"),
        ("since", datetime(2025, 1, 31, 10), "2025-01-31T10:00:00", "a date as 2025-12-31"),
        ("by", Plain("a,,b"), '"a,,b"', "a list of: text"),
        ("by", Plain('["a'), '"["a"', "a list of: text"),
        ("by", [1], "1", "a list of: text"),
        ("by", 5, "5", "a list of: text"),
        ("months", Plain("6,x"), '"x"', "a list of: a whole number"),
        ("scales", {"a": "b"}, '"b"', "a mapping"),
        ("scales", {1: 2.0}, "1", "a mapping"),
        ("weighted", np.True_, "np.True_", "true or false"),
        ("waves", np.float64(3), "np.float64(3.0)", "a whole number"),
        ("level", np.float64("nan"), "nan", "a number"),
        ("client", Path("acme"), "Path('acme')", "text"),
        ("waves", Decimal(3), "Decimal('3')", "a whole number"),
        ("by", {"segment"}, "{'segment'}", "a list of: text"),
        ("since", pd.Timestamp(2025, 1, 31), "2025-01-31T00:00:00", "a date as 2025-12-31"),
        ("since", np.datetime64("2025-01-31"), "2025-01-31", "a date as 2025-12-31"),
        ("code", "\ud800", "text that is not valid Unicode", "text"),
        ("code", 7, "7", "text"),
        ("by", ["ok", "\udcff"], "text that is not valid Unicode", "a list of: text"),
        ("stamp", Plain("ABC"), '"ABC"', "text, ~ ^[a-z]+$"),
    ],
)
def test_what_does_not_fit_is_refused_saying_what_is_allowed(name, value, found, allowed):
    with pytest.raises(ParameterError, match="the parameters given to drivers are not valid") as refused:
        declared().validate({name: value})
    (problem,) = refused.value.problems
    assert problem.column == name
    assert found in problem.found
    assert allowed in problem.allowed
    assert "its default is" in problem.action
    assert refused.value.exit_code == 3


@pytest.mark.parametrize(
    ("name", "close"),
    [
        ("clinet", "client"),
        ("Client", "client"),
        ("lenguage", "language"),
        ("sinc", "since"),
        ("a=1;import os;b", ""),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(name, close):
    with pytest.raises(ParameterError) as refused:
        declared().validate({name: Plain("x")})
    (problem,) = refused.value.problems
    assert "which drivers does not declare" in problem.found
    assert problem.action == (
        f"did you mean {close}?" if close else "see what it takes with: cxlab describe drivers"
    )
    assert "client, language, level" in problem.allowed


def test_all_problems_at_once_and_input_untouched():
    given_values = {
        "clinet": Plain("x"),
        "level": Plain("abc"),
        "language": Plain("fr"),
        "waves": True,
        "by": ["ok"],
    }
    before = copy.deepcopy(given_values)
    with pytest.raises(ParameterError) as refused:
        declared().validate(given_values)
    assert {p.column for p in refused.value.problems} == {"clinet", "level", "language", "waves"}
    assert given_values == before


@pytest.mark.parametrize(
    ("cell", "row", "found"),
    [
        ("x: int = foo()", 1, "`foo()`, which is not a literal"),
        ("y = 1\nx = __import__('os').system('id')", 2, "which is not a literal"),
        ("x: int = open('/etc/passwd')", 1, "which is not a literal"),
        ("x: str", 1, "x without a default"),
        ("import os", 1, "`import os`"),
        ("from os import path", 1, "`from os import path`"),
        ("for i in []: pass", 1, "`for i in []:`"),
        ("def f(): pass", 1, "`def f():`"),
        ("x = y = 1", 1, "`x = y = 1`"),
        ("x, y = 1, 2", 1, "`x, y = (1, 2)`"),
        ("x.y = 1", 1, "`x.y = 1`"),
        ("x = f'{1}'", 1, "which is not a literal"),
        ("x = [i for i in (1, 2)]", 1, "which is not a literal"),
        ("x = b'1'", 1, "which is not a literal"),
        ("x = 1j", 1, "which is not a literal"),
        ("x = 2 * 3", 1, "which is not a literal"),
        ("x: date = date(2025, 2, 30)", 1, "which is not a date"),
        ("x: complex = 1", 1, "`complex`, which is not a kind of parameter"),
        ("x: os.PathLike = ''", 1, "which is not a kind of parameter"),
        ("x: 'int' = 1", 1, "which is not a kind of parameter"),
        ("x: list = [1]\nx: int = 1", 2, "x for the second time"),
        ("x = None", 1, "None without a kind"),
        ("x: list[str] = 'a'", 1, "a default of another kind"),
        ("date: str = ''", 1, "a name that cannot be a parameter"),
        ("_x: int = 1", 1, "a name that cannot be a parameter"),
        ("x: Annotated[int, Field(alias='y')] = 1", 1, "Field(alias=...); it takes gt, ge, lt, le"),
        ("x: Annotated[int, 5] = 1", 1, "which is not a kind of parameter"),
        ("x: float = 'b'", 0, '"b"'),
        ("x: Annotated[float, Field(gt=1)] = 0.5", 0, "0.5"),
        ("x: Annotated[str, Field(gt=1)] = 'a'", 0, "a Field that does not go with its kind"),
        ("x: Annotated[str, Field(pattern='(')] = 'a'", 0, "a Field that does not go with its kind"),
        ("x: float = 1e999", 0, "inf"),
    ],
)
def test_what_a_parameters_cell_may_not_hold(cell, row, found):
    with pytest.raises(ParameterError, match="the parameters cell of drivers is not valid") as refused:
        declared(cell)
    (problem,) = refused.value.problems
    assert problem.row == row
    assert found in problem.found


@pytest.mark.parametrize(
    "name", ["password", "api_token", "db_secret", "API_KEY", "contraseña", "user_credentials"]
)
def test_secrets_are_not_parameters(name):
    with pytest.raises(ParameterError, match="which looks like a secret") as refused:
        declared(f"{name}: str = ''")
    assert "read an environment variable" in refused.value.problems[0].action


@pytest.mark.parametrize("name", ["tokenised", "key_driver", "passenger", "secretary"])
def test_names_that_only_resemble_secrets(name):
    assert declared(f"{name}: str = ''").names == (name,)


@pytest.mark.parametrize("cell", ["%matplotlib inline\nx = 1", "x: int = ", "x = 1\n  y = 2", "x = '\0'"])
def test_a_cell_that_is_not_python(cell):
    with pytest.raises(ParameterError, match="the parameters cell of drivers is not plain Python: line"):
        declared(cell)


def test_imports_of_the_vocabulary_and_a_docstring_may_stand_in_the_cell():
    assert declared('"""what it takes"""\nfrom cxlab.parameters import Literal, date\nx: int = 1').names == (
        "x",
    )


def test_a_notebook_without_the_cell_or_with_two():
    with pytest.raises(ParameterError, match="has no parameters cell: tag the cell that declares them"):
        declaration(notebook(), name="drivers")
    with pytest.raises(ParameterError, match="drivers has 2 cells tagged parameters; keep one"):
        declaration(notebook("x = 1", "y = 1"), name="drivers")


def test_files_that_are_not_notebooks(tmp_path):
    path = tmp_path / "cuaderno ñ.ipynb"
    with pytest.raises(ParameterError, match="cannot be read: No such file"):
        declaration(path)
    path.write_text("not json")
    with pytest.raises(ParameterError, match="is not a notebook: it is not JSON"):
        declaration(path)
    path.write_text('{"worksheets": []}')
    with pytest.raises(ParameterError, match="is not a notebook of format 4"):
        declaration(path)
    content = notebook("x: int = 1")
    content["cells"][1]["source"] = ["x: int = 1\n", "y = 'ñ'"]
    path.write_text(json.dumps(content), encoding="utf-8-sig")
    assert declaration(path).notebook == "cuaderno ñ"
    assert declaration(path).names == ("x", "y")


SCALARS = (
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
    | st.integers(-(10**40), 10**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.booleans()
    | st.none()
    | st.dates()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(string.printable, max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(derandomize=True, max_examples=25, deadline=None)
@given(st.dictionaries(st.from_regex(r"[a-z][a-z0-9]{0,5}_x", fullmatch=True), VALUES, max_size=4))
def test_the_injected_cell_assigns_exactly_the_values(values):
    scope: dict = {}
    exec(source(values), scope)
    assert repr({name: scope[name] for name in values}) == repr(values)
    if not any(isinstance(v, dict) for v in values.values()):
        assert repr(assigned(source(values), notebook="n")) == repr(values)


def test_awkward_text_arrives_as_written():
    text = "'\"\\ \r\n\t\x00\x85\u2028 {{ }} ${HOME} \u202e 🙂 ñ"
    scope: dict = {}
    exec(source({"x": text, "by": [text]}), scope)
    assert scope["x"] == text
    assert scope["by"] == [text]


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        "\ud800",
        {1, 2},
        object(),
        datetime(2025, 1, 1),
        b"x",
        {1: 2},
        Decimal(1),
        Path("x"),
    ],
)
def test_what_cannot_be_written_is_refused(value):
    with pytest.raises(ParameterError, match="cannot be a parameter"):
        literal(value)


@pytest.mark.parametrize(
    "cell", ["a = 1; import os", "a = open('x')", "a.b = 1", "a, b = 1, 2", "print(1)", "a = float('nan')"]
)
def test_an_injected_cell_holds_only_assignments_of_literals(cell):
    with pytest.raises(
        ParameterError, match="the injected parameters of n hold .* only literals may be assigned"
    ):
        assigned(cell, notebook="n")


def test_kinds_in_words():
    assert wanted(Literal["a", "b"]) == "a | b"
    assert wanted(str | None) == "text or null"
    assert typed(list[int], Plain("1, 2")) == [1, 2]
    assert nearest("zzz", ["client"]) == ""


def test_a_refusal_is_immediate():
    taken = declared()
    started = time.process_time()
    with pytest.raises(ParameterError):
        taken.validate({"clinet": Plain("x")})
    assert time.process_time() - started < 2  # a hundredth on a quiet machine


def test_a_comment_describes_the_line_it_stands_on_or_the_one_below():
    cell = "a: int = 1  # of a\nb: int = 2\n# of c\nc: int = 3\n\nd: int = 4"
    declared = declaration(
        {"cells": [{"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": cell}]}
    )
    assert [p.description for p in declared.parameters] == ["of a", "", "of c", ""]


def test_the_nearest_name_of_short_and_begun_ones():
    assert nearest("bi", ["by", "level"]) == "by"
    assert nearest("fibra", ["acme", "fibra_cordillera"]) == "fibra_cordillera"
    assert nearest("zzz", ["by", "level"]) == ""
