"""What a long check shows while it runs."""

import re
import sys
from types import SimpleNamespace

from cxlab.intake.steps import Step
from cxlab.progress import Watching

STEPS = [
    Step("reading", "raw/crm.csv", 0, 0.0),
    Step("reading", "raw/crm.csv", 1_200_000, 0.4),
    Step("mapping", "raw/crm.csv", 3_000_000),
    Step("checking", "", 3_000_000),
    Step("naming"),
    Step("writing", "customers", 3_000_000),
]


def test_plain_lines_tell_what_is_being_done(capsys, monkeypatch):
    monkeypatch.setenv("CXLAB_LANGUAGE", "es")
    with Watching(every=0) as watching:
        for step in STEPS:
            watching.see(step)
    assert capsys.readouterr().err.splitlines() == [
        "raw/crm.csv: 0 filas leídas (0 %)",
        "raw/crm.csv: 1.200.000 filas leídas (40 %)",
        "raw/crm.csv: asignando 3.000.000 filas",
        "revisando 3.000.000 filas con las reglas",
        "dando a los códigos sus seudónimos",
        "customers: escribiendo 3.000.000 filas",
    ]


def test_what_ends_soon_says_nothing(capsys):
    with Watching() as watching:
        for step in STEPS:
            watching.see(step)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_a_terminal_shows_a_bar(monkeypatch):
    written = []
    terminal = SimpleNamespace(
        isatty=lambda: True, write=written.append, flush=lambda: None, encoding="utf-8", fileno=lambda: 2
    )
    monkeypatch.setenv("CXLAB_LANGUAGE", "en")
    monkeypatch.setattr(sys, "stderr", terminal)
    with Watching() as watching:
        for step in STEPS:
            watching.see(step)
    shown = re.sub(r"\s+", " ", "".join(written))
    assert "raw/crm.csv: 1,200,000 rows read (40 %)" in shown
    assert " 40% " in shown
    assert "customers: writing 3,000,000 rows" in shown
