"""A check shown as it goes: one bar on a terminal, elsewhere a plain line every few seconds."""

from __future__ import annotations

import sys
import time
from typing import Any

from babel.numbers import format_decimal

from cxlab.errors import Message
from cxlab.intake.steps import Step
from cxlab.speech import language_of_messages, said

# What ends sooner needs no telling.
EVERY = 5.0
BAR = "{desc} |{bar}| {percentage:3.0f}% {elapsed}"


class Watching:
    """Shows the steps of a check.

    Parameters
    ----------
    every : float
        Seconds between two plain lines.
    """

    def __init__(self, *, every: float = EVERY) -> None:
        self._every, self._told = every, time.monotonic()
        self._bar: Any = None

    def __enter__(self) -> Watching:
        if sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=1, bar_format=BAR, file=sys.stderr, leave=False, dynamic_ncols=True)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def see(self, step: Step) -> None:
        """Take note of a step."""
        if self._bar is not None:
            self._bar.set_description_str(said(_spoken(step)), refresh=False)
            self._bar.n = 0 if step.share is None else step.share
            self._bar.refresh()
            return
        now = time.monotonic()
        if now - self._told >= self._every:
            self._told = now
            sys.stderr.write(f"{said(_spoken(step))}\n")
            sys.stderr.flush()


def _spoken(step: Step) -> Message:
    rows = format_decimal(step.rows, locale=language_of_messages())
    if step.doing == "reading":
        share = round(100 * (step.share or 0))
        return Message("{file}: {rows} rows read ({share} %)", file=step.of, rows=rows, share=share)
    if step.doing == "mapping":
        return Message("{file}: mapping {rows} rows", file=step.of, rows=rows)
    if step.doing == "checking":
        return Message("checking {rows} rows against the rules", rows=rows)
    if step.doing == "naming":
        return Message("giving ids their pseudonyms")
    return Message("{table}: writing {rows} rows", table=step.of, rows=rows)
