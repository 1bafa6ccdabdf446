"""What a long check and a study show while they run."""

import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

from cxlab import progress
from cxlab.errors import Message
from cxlab.intake.steps import Step
from cxlab.progress import Progress, Tally, Watching
from cxlab.runs import cores
from cxlab.runs.batch import Report
from cxlab.runs.entries import Entry

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


class Clock:
    """Seconds that pass when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def tally(count: int, earlier: dict[str, float] | None = None) -> tuple[Tally, Clock]:
    clock = Clock()
    return Tally([f"e{number}" for number in range(count)], earlier, clock=clock), clock


def test_time_left_is_what_the_entries_took_before_at_the_pace_of_now():
    study, clock = tally(4, {"e0": 10.0, "e1": 10.0, "e2": 20.0, "e3": 40.0})
    study.end("e0", "skipped", 0.0)
    study.start("e1")
    study.start("e2")
    assert study.left() == (10.0 + 20.0 + 40.0) / 2  # two abreast
    clock.now = 5.0
    assert study.left() == (5.0 + 15.0 + 40.0) / 2
    study.end("e1", "done", 5.0)  # twice as fast as before: 5 of the 10 s of e2 are left, and e3's 20
    assert study.left() == (5.0 + 20.0) / 2
    study.start("e3")
    assert study.left() == 20.0  # no less than the longest of those that run


def test_without_earlier_runs_nothing_is_told_before_two_have_ended():
    study, clock = tally(5)
    study.start("e0")
    study.start("e1")
    assert study.left() is None
    clock.now = 8.0
    study.end("e0", "done", 8.0)
    assert study.left() is None
    study.end("e1", "failed", 0.1)  # how long a failure took says nothing
    assert study.left() is None
    study.start("e2")
    clock.now = 20.0
    study.end("e2", "done", 12.0)
    study.start("e3")
    assert study.left() == (10.0 + 10.0) / 2
    clock.now = 20.0 + 2 * 10.0 + progress.EVERY + 0.1  # it has gone on for too long to say when it ends
    assert study.left() is None


def test_earlier_runs_of_some_do_not_speak_for_the_others():
    study, _ = tally(2, {"e0": 10.0})
    study.start("e0")
    assert study.left() is None


def test_a_large_study_is_counted_at_once():
    study, _ = tally(10_000, {f"e{number}": 1.0 for number in range(10_000)})
    for number in range(10_000):
        study.start(f"e{number}")
        assert study.left() is not None
        study.end(f"e{number}", "done", 1.0)
    assert (study.ended["done"], study.waiting, study.left()) == (10_000, {}, 0.0)


SAID = {
    "en": [
        "0 of 3 · e0: running",
        "0 of 3 · e1: running",
        "1 of 3 · e0: published in 4.0 s: p.html",
        "1 of 3 · done 1, running 1, skipped 0, failed 0 · about 40 s left · e1",
        "2 of 3 · e2: skipped (unchanged): p.html",
        "3 of 3 · e1: failed: boom",
    ],
    "es": [
        "0 de 3 · e0: corriendo",
        "0 de 3 · e1: corriendo",
        "1 de 3 · e0: publicado en 4,0 s: p.html",
        "1 de 3 · hechos 1, en curso 1, omitidos 0, fallidos 0 · tiempo restante: cerca de 40 s · e1",
        "2 de 3 · e2: omitido (sin cambios): p.html",
        "3 de 3 · e1: falló: boom",
    ],
}


def of(name: str, status: str = "", seconds: float = 0.0) -> tuple[Entry, Report | None]:
    entry = Entry(name, Path("n.ipynb"), {})
    page = Path("p.html")
    return entry, Report(entry, status, page, message=Message("boom"), seconds=seconds) if status else None


def followed(shown: Progress, monkeypatch) -> None:
    shown.see(*of("e0"))
    shown.see(*of("e1"))
    shown.see(*of("e0", "done", 4.0))
    monkeypatch.setattr(shown, "_summary", 0.0)
    shown._draw()
    monkeypatch.setattr(shown, "_summary", 60.0)
    shown.see(*of("e2", "skipped"))
    shown.see(*of("e1", "failed", 2.0))


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_study_in_plain_lines(capsys, monkeypatch, language):
    monkeypatch.setenv("CXLAB_LANGUAGE", language)
    study, _ = tally(3, {"e0": 4.0, "e1": 40.0, "e2": 9.0})
    with Progress(study, tick=60.0, summary=60.0) as shown:
        study.end("e2", "skipped", 0.0)
        study.ended.clear()
        followed(shown, monkeypatch)
    captured = capsys.readouterr()
    assert captured.out.splitlines() == SAID[language]
    assert captured.err == ""


def what_is_shown(terminal: int) -> Iterator[bytes]:
    with suppress(OSError):  # its other end was closed
        while True:
            yield os.read(terminal, 65_536)


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals")
@pytest.mark.parametrize("language", ["en", "es"])
def test_a_study_on_a_terminal(capsys, monkeypatch, language):
    import fcntl
    import struct
    import termios

    mine, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 160, 0, 0))
    monkeypatch.setenv("CXLAB_LANGUAGE", language)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.extend(what_is_shown(mine)))
    reader.start()
    with os.fdopen(theirs, "w", encoding="utf-8") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        study, _ = tally(3, {"e0": 4.0, "e1": 40.0, "e2": 9.0})
        with Progress(study, tick=60.0) as shown:
            followed(shown, monkeypatch)
    reader.join()
    os.close(mine)
    text = b"".join(read).decode("utf-8")
    assert capsys.readouterr().out == ""
    drawn = text.split("\r")
    whole = SAID[language][3].split(" · ", 1)[1]
    assert any(whole in line for line in drawn), drawn
    assert [line for line in re.findall(r"[^\r\n]*\S", text) if "e1: f" in line] == [SAID[language][5]]
    assert max(len(line) for line in drawn) <= 160
    assert text.endswith("\r")  # the bar is wiped: the summary follows
    assert drawn[-2].strip() == ""


def test_the_bar_lives_between_two_events(monkeypatch):
    drawn = []
    study, _ = tally(1)
    shown = Progress(study, tick=0.01)
    monkeypatch.setattr(shown, "_draw", lambda: drawn.append(1) or len(drawn) < 3 or shown._over.set())
    with shown:
        assert shown._over.wait(10)
    assert len(drawn) >= 3


@pytest.mark.parametrize(
    ("bound", "granted", "found"),
    [
        ({0, 1, 2, 3}, "max 100000", 4),
        ({0, 1, 2, 3}, "150000 100000", 2),
        ({0}, "900000 100000", 1),
        ({0, 1}, "", 2),
    ],
)
def test_cores_are_those_of_this_process(tmp_path, monkeypatch, bound, granted, found):
    monkeypatch.setattr(cores.os, "sched_getaffinity", lambda _pid: bound, raising=False)
    monkeypatch.setattr(cores, "CGROUP", tmp_path / "cpu.max")
    if granted:
        (tmp_path / "cpu.max").write_text(f"{granted}\n")
    assert cores.cores() == found
