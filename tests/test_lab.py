"""The form of parameters in JupyterLab: what it takes, what it refuses, what it hands over, what it runs."""

import json
import os
import re
import sys
import threading
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given as property_of
from hypothesis import settings
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell
from jupyter_client.kernelspec import KernelSpecManager
from lab_examples import IMPORTS, PARAMETERS, workbench
from traitlets.config import Config

from cxlab import cli
from cxlab.lab import CLIENT, SPECS
from cxlab.lab import form as forms
from cxlab.lab import kernel as extension
from cxlab.lab.given import Given, quoted, written
from cxlab.lab.running import Running
from cxlab.parameters import declaration
from cxlab.runs.kernels import OwnSpecs
from cxlab.values import Plain, typed

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
PAYLOAD = "<img src=x onerror=alert(1)>"
BENT = "'\"&lt;"


@pytest.fixture(autouse=True)
def _english(monkeypatch):
    monkeypatch.setenv("CXLAB_LANGUAGE", "en")


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(scope="module")
def notebook(bench):
    return workbench(bench)


@pytest.fixture
def given(notebook, bench):
    return Given(notebook, bench)


# --- texts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_the_text_of_a_default_is_read_back_as_that_default(path):
    for parameter in declaration(path).parameters:
        assert typed(parameter.kind, Plain(written(parameter.default))) == parameter.default, parameter.name


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=12)
KINDS = (
    (list[str], st.lists(TEXT | st.sampled_from(["true", "null", "a, b", '"', "", "[x", "007"]))),
    (list[float], st.lists(st.floats(allow_nan=False, allow_infinity=False))),
    (str, TEXT),
    (bool, st.booleans()),
    (int | None, st.none() | st.integers()),
)


@settings(max_examples=60, derandomize=True, deadline=None)
@property_of(st.one_of([st.tuples(st.just(kind), values) for kind, values in KINDS]))
def test_a_value_goes_through_its_text(kind_and_value):
    kind, value = kind_and_value
    assert typed(kind, Plain(written(value))) == value


def test_what_is_given_is_what_differs_and_runs_as_a_command_line_does(given):
    given.give("level", "0.9")
    given.give("where", "region != 'RM'")
    given.give("client", "other")
    given.give("language", "en")
    assert given.problems() == ({}, None)
    assert given.values() == {"client": "other", "language": "en", "where": "region != 'RM'", "level": 0.9}
    told = given.arguments()
    assert quoted(told) == (
        "run little --client other --language en -p \"where=region != 'RM'\" -p level=0.9"
    )
    asked = cli._parser().parse_args([*told, "--root", str(given.root)])
    from cxlab.runs.study import of_notebook

    same = of_notebook(
        asked.target, root=given.root, client=asked.client, language=asked.language,
        given=cli._given(asked.given),
    )  # fmt: skip
    assert same == given.study()
    given.give("level", "0.95")
    given.give("where", "")
    assert given.arguments() == ["run", "little", "--client", "other", "--language", "en"]


def test_every_mistake_is_told_where_it_is_made(given):
    given.give("level", "2")
    given.give("client", "acm")
    given.give("where", "region ==")
    problems, general = given.problems()
    assert general is None
    assert set(problems) == {"level", "client", "where"}
    assert str(problems["level"]) == (
        "found 2.0; allowed: a number, with a point for decimals, > 0.5, < 1. "
        "give level such a value (its default is 0.95)"
    )
    assert "did you mean acme?" in str(problems["client"])
    given.give("level", "0.9")
    assert set(given.problems()[0]) == {"client", "where"}
    given.give("client", "acme")
    assert set(given.problems()[0]) == {"where"}


@pytest.mark.parametrize(
    ("word", "said"),
    [("a b", '"a b"'), ("a'b", '"a\'b"'), ("$x y", "'$x y'"), ("a!b c", "'a!b c'"), ("plain", "plain")],
)
def test_a_word_of_a_command_line_is_quoted_for_terminals(word, said):
    assert quoted([word]) == said


# --- the form ---------------------------------------------------------------------------------------


def fields(form):
    """The field of each parameter, and what stands beside it."""
    rows = {name: row.box.children for name, row in form._rows.items()}
    return {name: row[0] for name, row in rows.items()}, {name: row[1] for name, row in rows.items()}


def test_a_form_has_the_fields_of_the_declaration_and_checks_as_one_types(given):
    form = forms.Form(given)
    field, beside = fields(form)
    assert [*field] == ["client", "language", "by", "where", "level", "whole"]
    assert field["language"].options == ("es", "en")
    assert set(field["client"].options) == {"acme", "other"}
    assert field["level"].value == "0.95"
    assert "confidence level" in beside["level"].value
    assert field["whole"].options == (("yes", "true"), ("no", "false"))
    assert not form._run.disabled
    field["level"].value = f"2{PAYLOAD}"
    assert form._run.disabled
    assert "role='alert'" in beside["level"].value
    assert PAYLOAD not in beside["level"].value
    assert "&lt;img" in beside["level"].value
    assert form._command.value == ""
    field["level"].value, field["whole"].value = "0.9", "false"
    assert not form._run.disabled
    assert "role='alert'" not in beside["level"].value
    assert "cxlab run little -p level=0.9 -p whole=false" in form._command.value
    assert given.values() == {"level": 0.9, "whole": False}


def test_the_form_speaks_spanish(given, monkeypatch):
    monkeypatch.setenv("CXLAB_LANGUAGE", "es")
    form = forms.Form(given)
    field, beside = fields(form)
    field["level"].value = "2"
    assert "se encontró 2.0; se admite: un número" in beside["level"].value
    assert form._run.description == "Ejecutar como informe"


class Told(Running):
    """A run that does nothing by itself."""

    seconds = 100.4

    def start(self) -> None:
        """Nothing to start."""


def test_a_report_is_made_beside_the_kernel_and_linked(given, bench, monkeypatch):
    monkeypatch.setattr(forms, "Running", Told)
    monkeypatch.setattr(forms, "durations", lambda study: {study.entries[0].id: 400.0})
    form = forms.Form(given)
    field, _ = fields(form)
    field["level"].value = "0.9"
    form._run.click()
    running = form._running
    assert running.command[1:] == ["-m", "cxlab", *given.arguments(), "--root", str(bench)]
    assert form._run.disabled
    assert not form._stop.disabled
    running.lines.append(f"0 of 1 · little: {PAYLOAD}")
    form._follow(running)
    assert "0 of 1 · little: &lt;img" in form._status.value
    assert re.search(r"100 s so far · about 5 min left", form._status.value)  # it took 400 s before
    assert form._bar.layout.display == ""
    assert form._bar.value == pytest.approx(0.25, abs=0.01)
    page = bench / "reports" / f"a {BENT}.html"
    page.parent.mkdir(exist_ok=True)
    page.touch()
    running.lines.append(str(page))
    running.code = 0
    form._follow(running)
    assert "href='/files/reports/a%20%27%22%26lt%3B.html'" in form._status.value
    assert "open the report" in form._status.value
    assert not form._run.disabled
    assert form._stop.disabled


def test_a_run_that_fails_says_what_it_said(given, monkeypatch):
    monkeypatch.setattr(forms, "Running", Told)
    form = forms.Form(given)
    form._run.click()
    running = form._running
    running.lines += [f"line {k} {PAYLOAD}" for k in range(30)]
    running.code = 1
    form._follow(running)
    assert "No report came of it" in form._status.value
    assert "line 29 &lt;img" in form._status.value
    assert "line 3 " not in form._status.value
    assert PAYLOAD not in form._status.value
    assert not form._run.disabled


def test_a_process_is_followed_to_its_end(tmp_path):
    page, told, over = tmp_path / "p.html", [], threading.Event()
    page.touch()

    def tell(running):
        told.append(running.code)
        if running.code is not None:
            over.set()

    code = f"print('0 of 1', flush=True); print({str(page)!r})"
    running = Running([sys.executable, "-c", code], tell)
    running.start()
    assert over.wait(60)
    assert running.lines == ["0 of 1", str(page)]
    assert (running.code, running.page) == (0, page)
    assert told[0] is None
    over.clear()
    stopped = Running([sys.executable, "-c", "input(); import time; time.sleep(600)"], tell)
    stopped.start()
    stopped.stop()
    assert over.wait(60)
    assert stopped.code
    assert stopped.page is None


# --- the kernel -------------------------------------------------------------------------------------


@pytest.fixture
def shell(monkeypatch, bench, tmp_path_factory):
    """Give what loads the extension into a shell, for a notebook; what is displayed comes with it."""
    shown: list = []
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
    own = ModuleType("shell_of_a_test")
    quiet = Config({"HistoryManager": {"enabled": False}})
    made = InteractiveShell(user_module=own, user_ns=own.__dict__, config=quiet)
    monkeypatch.setattr(extension, "display", shown.append)
    monkeypatch.setenv("CXLAB_ROOT", str(bench))
    monkeypatch.setenv("JUPYTER_PATH", os.pathsep.join([str(SPECS), "/else"]))

    def load(notebook, client=""):
        monkeypatch.setenv(extension.NOTEBOOK, str(notebook))
        monkeypatch.setenv(CLIENT, client)
        extension.load_ipython_extension(made)
        return made, shown

    return load


def run(made, source, name):
    return made.run_cell(source, cell_id=name, store_history=False)


def test_the_form_stands_above_the_parameters_and_its_values_hold_below(shell, notebook, capsys):
    made, shown = shell(notebook, client="other")
    assert run(made, IMPORTS, "imports").success
    assert len(shown) == 1
    assert os.environ["JUPYTER_PATH"] == "/else"  # what a cell starts meets no form
    field, _ = fields(made.ast_transformers[-1]._form)
    assert field["client"].value == "other"
    field["level"].value = "0.9"
    assert run(made, PARAMETERS, "declared").success
    assert "given by the form: client = other, level = 0.9" in capsys.readouterr().out
    assert made.user_ns["client"] == "other"
    assert made.user_ns["level"] == 0.9
    assert made.user_ns["where"] == ""
    # Edited by hand and not saved: what the form does not give is as the cell says.
    assert run(made, PARAMETERS.replace('where: str = ""', 'where: str = "x"'), "declared").success
    assert made.user_ns["where"] == "x"
    assert run(made, IMPORTS, "imports").success
    assert shown[1] is shown[0]
    assert run(made, "level = 0.7", "another").success
    assert made.user_ns["level"] == 0.7


def test_while_the_form_holds_a_mistake_nothing_goes_on(shell, notebook, capsys):
    made, _ = shell(notebook)
    run(made, IMPORTS, "imports")
    fields(made.ast_transformers[-1]._form)[0]["level"].value = "2"
    made.user_ns.pop("level", None)
    refused = run(made, PARAMETERS, "declared")
    assert not refused.success
    assert "level" not in made.user_ns
    said = capsys.readouterr().out
    assert "the parameters given to little are not valid\n- -p level: found 2.0" in said
    assert "Traceback" not in said


def test_without_a_client_the_notebook_is_as_it_is_by_hand(shell, notebook, capsys):
    made, shown = shell(notebook)
    run(made, IMPORTS, "another")
    assert run(made, PARAMETERS, "declared").success
    assert made.user_ns["client"] == "acme"
    assert shown == []
    assert capsys.readouterr().out == ""


def test_a_form_is_made_anew_of_a_declaration_that_was_saved_anew(shell, tmp_path):
    path = workbench(tmp_path)
    made, shown = shell(path)
    run(made, IMPORTS, "imports")
    fields(made.ast_transformers[-1]._form)[0]["level"].value = "0.9"
    workbench(tmp_path, parameters=f"{PARAMETERS}\nnew: int = 1  # nuevo · new")
    run(made, IMPORTS, "imports")
    field, _ = fields(made.ast_transformers[-1]._form)
    assert (field["level"].value, field["new"].value) == ("0.9", "1")
    assert len(shown) == 2


def test_a_notebook_that_was_renamed_is_told_once(shell, notebook, capsys, tmp_path):
    copy = tmp_path / "copy.ipynb"
    copy.write_bytes(notebook.read_bytes())
    made, _ = shell(copy)
    copy.rename(tmp_path / "other.ipynb")
    assert run(made, "x = 1", "another").success
    assert run(made, "x = 2", "another").success
    assert capsys.readouterr().out.count("was moved or renamed") == 1


def test_a_declaration_that_cannot_be_read_is_told_in_the_place_of_the_form(shell, tmp_path, capsys):
    made, shown = shell(workbench(tmp_path, parameters="client: str = open('x')"))
    assert run(made, IMPORTS, "imports").success
    assert shown == []
    assert "which is not a literal" in capsys.readouterr().out


def test_what_is_no_notebook_of_a_workbench_is_left_alone(shell, notebook, bench):
    for other in ("", bench / "none.ipynb"):
        made, _ = shell(other)
        assert not made.ast_transformers


def test_only_kernels_of_the_lab_know_the_form(monkeypatch):
    assert not any("lab" in word for word in OwnSpecs().get_kernel_spec("python3").argv)
    monkeypatch.setenv("JUPYTER_PATH", str(SPECS))
    found = KernelSpecManager().get_kernel_spec("python3")
    assert found.argv[-1] == "--ext=cxlab.lab.kernel"
    assert found.display_name == "Python 3"  # what notebooks say, so that saving one changes nothing
    page = json.loads((SPECS / "labconfig" / "page_config.json").read_text("utf-8"))
    assert page["disabledExtensions"] == {"@jupyterlab/apputils-extension:announcements": True}
