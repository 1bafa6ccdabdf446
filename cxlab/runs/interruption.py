"""Ctrl-C, and being asked to end: heard in every phase, and told by the exit code.

While the command loads, there is nothing to put in order and the process ends where it is. While it
works, `Interrupted` is raised once in the main thread, and whatever is open is closed on its way out;
asked again, the process ends at once (its kernels follow it). Python drops what is raised in a finaliser
or in the callback of a weak reference: there it is raised again as soon as that has ended. Once the exit
code is settled, nothing changes it any more. Nothing heavy is loaded here.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Literal, NoReturn, TypeVar

# 128 and the number, as shells say it; a terminal that is closed, too, where there are such.
CODES = {
    number: 128 + number
    for name in ("SIGINT", "SIGTERM", "SIGHUP")
    if (number := getattr(signal, name, None)) is not None
}
LAST = 5.0  # seconds that threads of libraries have to end in
Loaded = TypeVar("Loaded")
AGAIN = 1.0  # seconds; a signal that comes sooner after the first is the same gesture, sent twice
RESENT = 0.02  # seconds in which the finaliser that a signal was raised in has long ended


class Interrupted(KeyboardInterrupt):
    """The process was asked to end; `code` is what it ends with."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.code = CODES[number]


class _Heard:
    """What was heard, and what is done about it."""

    phase: Literal["loading", "working", "dropped", "ending", "over"] = "loading"
    number = 0
    at = 0.0


_heard = _Heard()


def _hear(number: int, _frame: Any) -> None:
    if _heard.phase == "loading" or (_heard.phase == "ending" and time.monotonic() - _heard.at > AGAIN):
        os._exit(CODES[number])
    if _heard.phase in ("working", "dropped"):
        _heard.phase, _heard.number, _heard.at = "ending", number, time.monotonic()
        raise Interrupted(number)


def _told_of_what_was_dropped(otherwise: Callable[[Any], Any], told: Any) -> None:
    """Ask once more when the signal came where nothing can be raised; tell anything else as before."""
    if not isinstance(told.exc_value, Interrupted) or _heard.phase != "ending":
        otherwise(told)
        return
    _heard.phase = "dropped"
    _thread.start_new_thread(_resend, ())  # the threads of `threading` take locks that may be held here


def _resend() -> None:
    time.sleep(RESENT)
    main = threading.main_thread().ident
    if _heard.phase != "dropped" or main is None:
        return
    if os.name == "posix":
        signal.pthread_kill(main, _heard.number)  # what it waits for is left as well
    else:
        signal.raise_signal(_heard.number)


def listen() -> None:
    """Hear from now on; whoever starts a command in the background may have handed Ctrl-C down ignored."""
    for number in CODES:
        if number in (signal.SIGINT, signal.SIGTERM) or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _hear)


def leave(code: int) -> NoReturn:
    """End the process with its exit code, which no signal changes any more, and no thread holds up."""
    for number in CODES:
        signal.signal(number, signal.SIG_IGN)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    if code in CODES.values():
        os._exit(code)
    overdue = threading.Timer(LAST, os._exit, (code,))
    overdue.daemon = True
    overdue.start()
    sys.exit(code)


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise `Interrupted` in here, once, when the process is asked to end; no other thread is asked."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in CODES}
    dropped = sys.unraisablehook
    _heard.phase = "working"
    try:
        sys.unraisablehook = partial(_told_of_what_was_dropped, dropped)
        listen()
        yield
    finally:
        _heard.phase = "over"
        sys.unraisablehook = dropped
        for number, handler in before.items():
            if handler is not _hear:
                signal.signal(number, handler)


def check() -> None:
    """Raise `Interrupted` again: raised in an import, or in a library, it may have been swallowed."""
    if _heard.phase in ("dropped", "ending") and threading.current_thread() is threading.main_thread():
        _heard.phase, _heard.at = "ending", time.monotonic()
        raise Interrupted(_heard.number)


def aside(load: Callable[[], Loaded]) -> Loaded:
    """Return what `load` imports, in a thread of its own.

    Heavy libraries take seconds, and swallow what a signal raises while they are imported; like this an
    interruption leaves them behind.
    """
    found: list[Loaded] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            found.append(load())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="cxlab-imports", daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.2)  # without a limit Windows would not hear Ctrl-C
    if failed:
        raise failed[0]
    return found[0]
