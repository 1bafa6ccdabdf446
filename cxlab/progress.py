"""A check or a study shown as it goes: one live bar on a terminal, elsewhere plain lines."""

from __future__ import annotations

import math
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from cxlab.errors import Message
from cxlab.speech import language_of_messages, said

if TYPE_CHECKING:
    from cxlab.intake.steps import Step
    from cxlab.runs.batch import Report
    from cxlab.runs.entries import Entry

# What ends sooner needs no telling.
EVERY = 5.0
BAR = "{desc} |{bar}| {percentage:3.0f}% {elapsed}"
# Of a study: the bar is drawn anew every TICK seconds, a plain line on the whole comes every SUMMARY.
TICK, SUMMARY = 1.0, 30.0
STUDY_BAR = "|{bar:16}| {elapsed} · {desc}"


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
    from babel.numbers import format_decimal

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


class Tally:
    """How far a study is: what ended and how, what runs, and the time left where there is ground for it.

    Parameters
    ----------
    entries : iterable of str
        Every entry of the study.
    earlier : mapping, optional
        Seconds that entries took when they were last executed.
    clock : callable, optional
        Seconds that only grow.
    """

    def __init__(
        self,
        entries: Iterable[str],
        earlier: Mapping[str, float] | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._earlier, self._clock = earlier or {}, clock
        self.waiting, self.running = dict.fromkeys(entries), dict[str, float]()
        self.ended, self.total = Counter[str](), len(self.waiting)
        self._abreast = 1
        # Of what waits: the seconds it took before, and how many never ran.
        self._known = sum(self._earlier.get(entry, 0.0) for entry in self.waiting)
        self._new = sum(entry not in self._earlier for entry in self.waiting)
        # Of what was published: seconds, how many; and of those that ran before: seconds now, and then.
        self._took, self._published, self._now, self._then = 0.0, 0, 0.0, 0.0

    def start(self, entry: str) -> None:
        """Take note that an entry runs."""
        self._leaves(entry)
        self.running[entry] = self._clock()
        self._abreast = max(self._abreast, len(self.running))

    def end(self, entry: str, status: str, seconds: float) -> None:
        """Take note of how an entry ended: done, skipped or failed."""
        self._leaves(entry)
        self.running.pop(entry, None)
        self.ended[status] += 1
        if status == "done":
            self._took, self._published = self._took + seconds, self._published + 1
            if entry in self._earlier:
                self._now, self._then = self._now + seconds, self._then + self._earlier[entry]

    def _leaves(self, entry: str) -> None:
        if entry in self.waiting:
            del self.waiting[entry]
            self._known -= self._earlier.get(entry, 0.0)
            self._new -= entry not in self._earlier

    def left(self) -> float | None:
        """Return the seconds left, or None when they cannot be told.

        An entry is expected to take what it took before, at the pace of what ran again; one that never
        ran, the mean of those published, once there are two. While one has run for over twice what was
        expected of it, nothing is told.
        """
        pace = self._now / self._then if self._then else 1.0
        mean = self._took / self._published if self._published > 1 else None
        if mean is None and (self._new or self.running.keys() - self._earlier.keys()):
            return None
        rest, now = [], self._clock()
        for entry, since in self.running.items():
            expected = self._earlier[entry] * pace if entry in self._earlier else mean or 0.0
            if now - since > 2 * expected + EVERY:
                return None
            rest.append(max(expected - (now - since), expected / 10))
        waiting = max(self._known, 0.0) * pace + self._new * (mean or 0.0)
        return max([*rest, (sum(rest) + waiting) / self._abreast])

    @property
    def count(self) -> Message:
        """`3 of 13`: the entries that ended, whatever became of them."""
        return Message("{ended} of {total}", ended=self.ended.total(), total=self.total)

    @property
    def whole(self) -> str:
        """All counts, the time left, and the names of what runs, in the language of messages."""
        counts = Message(
            "done {done}, running {running}, skipped {skipped}, failed {failed}",
            done=self.ended["done"],
            running=len(self.running),
            skipped=self.ended["skipped"],
            failed=self.ended["failed"],
        )
        left = self.left() if self.running else None
        told = [self.count, counts, *([] if left is None else [spoken_left(left)])]
        return " · ".join([*map(said, told), *([", ".join(self.running)] if self.running else [])])


def spoken_left(seconds: float) -> Message:
    """Return the time left as roughly as it is known.

    Examples
    --------
    >>> [str(spoken_left(each)) for each in (3, 42, 130, 4000)]
    ['a few seconds left', 'about 50 s left', 'about 3 min left', 'about 1 h 10 min left']
    """
    if seconds <= 10:
        return Message("a few seconds left")
    if seconds <= 50:
        return Message("about {count} s left", count=10 * math.ceil(seconds / 10))
    minutes = math.ceil(seconds / 60)
    if minutes < 60:
        return Message("about {count} min left", count=minutes)
    minutes = 10 * math.ceil(seconds / 600)
    return Message("about {hours} h {count} min left", hours=minutes // 60, count=minutes % 60)


class Progress:
    """Shows the entries of a study: a live bar on a terminal, elsewhere a line for each event.

    Parameters
    ----------
    tally : Tally
    tick, summary : float
        Seconds between two drawings of the bar, and between two plain lines on the whole.
    """

    def __init__(self, tally: Tally, *, tick: float = TICK, summary: float = SUMMARY) -> None:
        self._tally, self._tick, self._summary = tally, tick, summary
        self._told, self._bar = time.monotonic(), None  # type: float, Any
        self._over, self._lock = threading.Event(), threading.Lock()
        self._ticking = threading.Thread(target=self._ticks, name="cxlab-progress", daemon=True)

    def __enter__(self) -> Progress:
        if sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(
                total=self._tally.total,
                bar_format=STUDY_BAR,
                file=sys.stderr,
                leave=False,
                dynamic_ncols=True,
                desc=self._tally.whole,
            )
        self._ticking.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._ticking.join(timeout=2 * TICK)
        if self._bar is not None:
            self._bar.close()

    def see(self, entry: Entry, report: Report | None) -> None:
        """Take note that an entry started (no report) or ended."""
        with self._lock:
            if report is None:
                self._tally.start(entry.id)
            else:
                self._tally.end(entry.id, report.status, report.seconds)
            line = said(Message("{count} · {event}", count=self._tally.count, event=_event(entry, report)))
            if self._bar is None:
                _print(line)
            elif report is not None and report.status == "failed":
                self._bar.write(line, file=sys.stderr)
            self._draw()

    def _ticks(self) -> None:
        while not self._over.wait(self._tick):
            with self._lock:
                self._draw()

    def _draw(self) -> None:
        """Draw the bar anew, or tell how the whole is when that was not told for a while."""
        if self._bar is not None:
            self._bar.n = self._tally.ended.total()
            self._bar.set_description_str(self._tally.whole)
        elif time.monotonic() - self._told >= self._summary:
            self._told = time.monotonic()
            _print(self._tally.whole)


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")  # one write: other threads may speak
    sys.stdout.flush()


def _event(entry: Entry, report: Report | None) -> Message:
    if report is None:
        return Message("{entry}: running", entry=entry.id)
    if report.status == "skipped":
        return Message("{entry}: skipped (unchanged): {page}", entry=entry.id, page=report.page)
    if report.status == "failed":
        return Message("{entry}: failed: {message}", entry=entry.id, message=report.message)
    return Message(
        "{entry}: published in {seconds:.1f} s: {page}",
        entry=entry.id,
        seconds=report.seconds,
        page=report.page,
    )
