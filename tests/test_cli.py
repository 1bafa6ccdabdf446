"""The command line: quick to answer, one clear message for each refusal, in the reader's language."""

import json
import os
import signal
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

import cxlab
from cxlab import cli, speech
from cxlab.errors import ParameterError, WorkbenchError
from cxlab.lab import SPECS
from cxlab.runs.batch import Report
from cxlab.runs.warm import kept
from cxlab.speech import size_of

HEAVY = (
    "pandas",
    "numpy",
    "pydantic",
    "papermill",
    "nbformat",
    "jinja2",
    "matplotlib",
    "scipy",
    "yaml",
    "babel",
)
CELL = """\
client: str = "acme"  # whose data
language: Literal["es", "en"] = "es"  # report language
level: Annotated[float, Field(gt=0.5, lt=1)] = 0.95  # confidence level
since: date = date(2025, 1, 1)
code: str = ""
"""


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("CXLAB_LANGUAGE", "en")
    monkeypatch.delenv("CXLAB_ROOT", raising=False)
    root = tmp_path / "banco"
    for folder in ("notebooks", "data/acme", "reports"):
        (root / folder).mkdir(parents=True)
    (root / "data/acme/client.yaml").write_text("name: Acme\n")
    prose = [
        {"cell_type": "markdown", "metadata": {"tags": ["lang-es"]}, "source": "# ¿Qué mueve?"},
        {
            "cell_type": "markdown",
            "metadata": {"tags": ["lang-en"]},
            "source": ["# What ", "moves it?\n", "More."],
        },
    ]
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": CELL, "outputs": []}
    content = {"cells": [*prose, cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    (root / "notebooks/drivers.ipynb").write_text(json.dumps(content), encoding="utf-8")
    content["cells"] = prose
    (root / "notebooks/untagged.ipynb").write_text(json.dumps(content), encoding="utf-8")
    (root / "reports/acme.yaml").write_text("client: acme\nentries:\n  drivers: {parameters: {levl: 0.9}}\n")
    return root


def call(*arguments: str, **variables: str) -> tuple[subprocess.CompletedProcess, float]:
    environment = {**os.environ, "PYTHONPATH": str(Path(cxlab.__file__).parents[1]), **variables}
    before = os.times()
    done = subprocess.run(
        [sys.executable, "-m", "cxlab", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    after = os.times()  # the seconds of the processor: those of the clock are also everyone else's
    own = after.children_user + after.children_system - before.children_user - before.children_system
    return done, own


def test_help_is_quick_and_imports_nothing_heavy():
    done, seconds = call("--help", CXLAB_LANGUAGE="en")
    assert done.returncode == 0
    for name in ("demo", "new", "check", "list", "describe", "run", "diff", "lab"):
        assert f"    {name} " in done.stdout
    assert seconds < 1.5  # 0.1 s on a quiet machine
    code = (
        "import sys; import cxlab.cli as c; c.main([]); print([m for m in sys.argv[1:] if m in sys.modules])"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code, *HEAVY],
        env={**os.environ, "CXLAB_LANGUAGE": "en", "PYTHONPATH": str(Path(cxlab.__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert loaded.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-p", "levl=0.9"], "did you mean level?"),
        (["-p", "level=abc"], "a number, with a point for decimals, > 0.5, < 1"),
        (["-p", "language=fr"], "es | en"),
        (["-p", "since=2025-02-30"], "a date as 2025-12-31"),
        (["--client", "acmee"], "did you mean acme?"),
    ],
    ids=["unknown", "type", "literal", "date", "client"],
)
def test_refused_before_any_kernel(root, arguments, said):
    done, seconds = call("run", "drivers", "--root", str(root), *arguments)
    assert done.returncode == 3
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not (root / "reports/built").exists()
    assert seconds < 4  # 0.5 s on a quiet machine; the bound allows for a busy one


def test_refusing_imports_neither_pandas_nor_papermill(root):
    code = (
        "import sys; import cxlab.cli as c; r = c.main(sys.argv[1:]); "
        "print(r, [m for m in ('pandas', 'papermill', 'nbformat', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "run", "drivers", "--root", str(root), "-p", "levl=1"],
        env={**os.environ, "PYTHONPATH": str(Path(cxlab.__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "3 []\n"


def refused(capsys, *arguments: str) -> tuple[int, str]:
    code = cli.main(arguments)
    printed = capsys.readouterr()
    assert "Traceback" not in printed.err
    return code, printed.err


def test_a_notebook_without_parameters_cell(root, capsys):
    code, said = refused(capsys, "run", "untagged", "--root", str(root))
    assert code == 3
    assert "untagged has no parameters cell: tag the cell" in said


def test_a_study_file_is_refused_as_a_whole(root, capsys):
    code, said = refused(capsys, "run", "acme.yaml", "--root", str(root))
    assert code == 3
    assert "the study file acme.yaml is not valid" in said
    assert "did you mean level?" in said
    code, said = refused(capsys, "run", "none.yaml", "--root", str(root))
    assert (code, 'none.yaml"; there are: acme. ' in said) == (3, True)


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        (["-p", "level"], '-p "level" is not name=value'),
        (["-p", "=1"], "is not name=value"),
        (["-p", "level=1", "-p", "level=2"], '-p "level" is given twice'),
    ],
)
def test_parameters_that_are_not_pairs(root, capsys, pairs, said):
    code, text = refused(capsys, "run", "drivers", "--root", str(root), *pairs)
    assert (code, said in text) == (3, True)


def test_outside_a_workbench(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("CXLAB_LANGUAGE", "en")
    code, said = refused(capsys, "list", "--root", str(tmp_path))
    assert code == 5
    assert "is not a workbench" in said


def test_debug_shows_the_traceback(root, tmp_path):
    with pytest.raises(WorkbenchError):
        cli.main(["list", "--root", str(tmp_path), "--debug"])
    with pytest.raises(ParameterError):
        cli.main(["--debug", "describe", "nothing", "--root", str(root)])


def test_list_and_describe(root, capsys, monkeypatch):
    assert cli.main(["list", "--root", str(root)]) == 0
    text = capsys.readouterr().out
    assert "drivers                  What moves it?" in text
    assert "  acme\n" in text
    assert "reports/acme.yaml" in text.replace("\\", "/")
    assert cli.main(["describe", "drivers", "--root", str(root)]) == 0
    text = capsys.readouterr().out
    assert "drivers: What moves it?" in text
    assert (
        "  level = 0.95\n      a number, with a point for decimals, > 0.5, < 1\n      confidence level"
        in text
    )
    monkeypatch.setenv("CXLAB_LANGUAGE", "es")
    assert cli.main(["list", "--root", str(root)]) == 0
    assert "¿Qué mueve?" in capsys.readouterr().out


def test_a_new_client(root, capsys):
    assert cli.main(["new", "contoso", "--root", str(root)]) == 0
    assert (root / "data/contoso/client.yaml").is_file()
    assert "cxlab map contoso" in capsys.readouterr().out
    code, said = refused(capsys, "new", "contoso", "--root", str(root))
    assert (code, "there is already a client contoso" in said) == (2, True)


@pytest.mark.parametrize(
    ("variables", "language"),
    [
        ({"CXLAB_LANGUAGE": "es"}, "es"),
        ({"CXLAB_LANGUAGE": "en", "LANG": "es_CL.UTF-8"}, "en"),
        ({"LANG": "es_CL.UTF-8"}, "es"),
        ({"LC_ALL": "en_GB.UTF-8", "LANG": "es_CL.UTF-8"}, "en"),
        ({}, "en"),
    ],
)
def test_the_language_of_messages(monkeypatch, variables, language):
    for name in ("CXLAB_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cli.language_of_messages() == language


def test_version_usage_and_no_command(capsys, monkeypatch):
    monkeypatch.setenv("CXLAB_LANGUAGE", "en")
    with pytest.raises(SystemExit) as left:
        cli.main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out == f"cxlab {cxlab.__version__}\n"
    with pytest.raises(SystemExit) as left:
        cli.main(["nothing"])
    assert left.value.code == 2
    assert "see cxlab --help" in capsys.readouterr().err
    assert cli.main([]) == 0
    assert "usage: cxlab" in capsys.readouterr().out


def test_lab_listens_on_this_machine_only_and_fetches_nothing(root, monkeypatch):
    called: list = []

    class Lab:
        def __init__(self, command, env):
            called.append((command, env))

        def wait(self, timeout):
            called.append(signal.getsignal(signal.SIGINT))
            if len(called) == 2:
                raise subprocess.TimeoutExpired("lab", timeout)
            return 0

        def terminate(self):
            called.append("ended")

    renewed: list = []
    monkeypatch.setattr(kept, "keeping", lambda: nullcontext(lambda: renewed.append(None)))
    monkeypatch.setattr(subprocess, "Popen", Lab)
    asked = ["lab", "drivers", "--client", "acme", "--no-browser", "--root", str(root)]
    monkeypatch.setenv("JUPYTER_PATH", "/else")
    monkeypatch.setenv("CXLAB_LANGUAGE", "es")
    assert cli.main(asked) == 0
    (command, env), *heard, last = called
    assert "--ip=127.0.0.1" in command
    assert "--LabApp.news_url=None" in command
    assert f"--ServerApp.root_dir={root.resolve()}" in command
    assert "--LabApp.default_url=/lab/tree/notebooks/drivers.ipynb" in command
    assert env["CXLAB_ROOT"] == str(root.resolve())
    assert (env["CXLAB_CLIENT"], env["CXLAB_LANGUAGE"]) == ("acme", "es")
    assert env["JUPYTER_PATH"] == os.pathsep.join([str(SPECS), "/else"])
    assert env["JUPYTER_DEFAULT_PROVISIONER_NAME"] == "cxlab-warm"
    assert heard == [signal.SIG_IGN, signal.SIG_IGN]  # JupyterLab asks whether Ctrl-C is meant
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert len(renewed) == 2
    assert last == "ended"


def test_lab_refuses_a_notebook_or_client_that_is_not_there(root, capsys, tmp_path):
    code, said = refused(capsys, "lab", "driver", "--root", str(root))
    assert (code, "Did you mean drivers?" in said) == (3, True)
    code, said = refused(capsys, "lab", "--client", "acne", "--root", str(root))
    assert (code, "did you mean acme?" in said) == (3, True)
    copy = tmp_path / "elsewhere.ipynb"
    copy.write_bytes((root / "notebooks" / "drivers.ipynb").read_bytes())
    code, said = refused(capsys, "lab", str(copy), "--root", str(root))
    assert (code, "is not in the workbench" in said) == (5, True)


def test_an_interruption_is_one_line_and_130(root, capsys, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_published", interrupted)
    code, said = refused(capsys, "run", "drivers", "--root", str(root))
    assert (code, said) == (130, "interrupted: nothing was left half published\n")


def test_an_interrupted_study_says_how_far_it_came(root, capsys, monkeypatch):
    def interrupted(study, *, watch, **_):
        watch(study.entries[0], None)
        watch(study.entries[0], Report(study.entries[0], "done", page=Path("p.html")))
        raise KeyboardInterrupt

    monkeypatch.setattr("cxlab.runs.batch.run_study", interrupted)
    code, said = refused(capsys, "run", "drivers", "--root", str(root))
    assert code == 130
    assert said.startswith("1 of 1: the same command goes on with the rest\ninterrupted: ")
    _, said = refused(capsys, "run", "drivers", "--fresh", "--root", str(root))
    assert said.startswith("interrupted: ")  # everything again is not the rest


def test_sizes_are_written_as_the_language_writes_decimals(monkeypatch):
    for language, size in (("es", "4,5 MB"), ("en", "4.5 MB")):
        monkeypatch.setenv("CXLAB_LANGUAGE", language)
        assert size_of(4_460_000) == size


def test_a_parameter_is_described_in_the_language_of_messages(monkeypatch):
    for language, said in (("es", "de quién"), ("en", "whose")):
        monkeypatch.setenv("CXLAB_LANGUAGE", language)
        assert speech.half("de quién · whose") == said
        assert speech.half("only one") == "only one"


def test_argparse_speaks_the_language_of_messages(monkeypatch, capsys):
    spoken = {"invalid choice: %(value)r (choose from %(choices)s)": "no %(value)r sino %(choices)s"}
    monkeypatch.setattr(cli, "said", lambda message: spoken.get(str(message), str(message)))
    monkeypatch.setenv("CXLAB_LANGUAGE", "es")
    with pytest.raises(SystemExit):
        cli.main(["run", "x", "--language", "fr"])
    assert "argument --language: no 'fr' sino 'es', 'en'; see" in capsys.readouterr().err
    monkeypatch.setenv("CXLAB_LANGUAGE", "en")
    with pytest.raises(SystemExit):
        cli.main(["run", "x", "--language", "fr"])
    assert "fr" in capsys.readouterr().err


def test_demo_ends_by_saying_which_client_waits_to_be_mapped(root, monkeypatch, capsys):
    monkeypatch.setattr("cxlab.demo.build", lambda folder: [])
    monkeypatch.setattr("cxlab.runs.study.read_study", lambda path, **_: path)
    monkeypatch.setattr(cli, "_checked", lambda *_: 0)
    monkeypatch.setattr(cli, "_published", lambda study: 0)
    assert cli.main(["demo", "--root", str(root)]) == 0
    last = capsys.readouterr().out.strip().splitlines()[-1]
    assert last.endswith("to be mapped: cxlab map fibra_cruda --wave 2025T1")
