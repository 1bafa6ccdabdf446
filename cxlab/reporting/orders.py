"""The orders in which a reader may have a table.

Nothing sorts in a page without script: each order is there as a body of its own, of which the page shows
the one that was asked for. What is read aloud, copied or searched is in the order that is seen.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cxlab.reporting.words import Words, absent

if TYPE_CHECKING:
    from cxlab.reporting.tables import Row

FEWEST, MOST = 5, 40  # rows: fewer need no other order, more would weigh too much
# Tables with one of these columns have an order of their own.
RUNNING = frozenset({
    "check", "cut", "dose", "from", "lag", "month", "period", "quantile", "rank_low", "step", "threshold",
    "time", "wave", "wave_id",
})  # fmt: skip


@dataclass(frozen=True)
class Order:
    """One order: what it is called, and the rows in it."""

    label: str
    rows: tuple[Row, ...]


def orders(
    shown: Sequence[str],
    heads: Sequence[str],
    records: Sequence[Mapping[str, Any]],
    rows: Sequence[Row],
    words: Words,
    *,
    estimate: str,
) -> tuple[Order, ...]:
    """Return the further orders of a table, none where another one would say nothing.

    Parameters
    ----------
    shown, heads : sequence of str
        The columns that are printed, and how they are headed.
    records : sequence of mapping
        The rows' values; what is suppressed has none, and stands last in every order of numbers.
    rows : sequence of Row
        The same rows, as they are printed.
    words : Words
        Language of the orders' names.
    estimate : str
        The column of the estimate.
    """
    if len(records) != len(rows) or not FEWEST <= len(rows) <= MOST or RUNNING & set(records[0]):
        return ()
    numbers = [c for c in ("hazard_ratio", estimate, "difference") if c in shown][:1]
    numbers += [c for c in ("n",) if c in shown]
    found: list[Order] = []
    given = [*range(len(rows))]
    seen = [given]
    for column in [*numbers, shown[0]]:
        down = column in numbers
        by: Callable[[int], Any] = _downwards(records, column) if down else _alphabet(rows)
        order = sorted(given, key=by)
        if order not in seen:
            seen.append(order)
            label = words(f"table.sort.{'down' if down else 'name'}", column=heads[shown.index(column)])
            found.append(Order(label, tuple(rows[k] for k in order)))
    return tuple(found)


def _downwards(records: Sequence[Mapping[str, Any]], column: str) -> Callable[[int], Any]:
    def key(row: int) -> tuple[bool, float]:
        value = None if records[row].get("flag") == "suppressed" else records[row].get(column)
        return (True, 0.0) if absent(value) else (False, -float(value))  # type: ignore[arg-type]

    return key


def _alphabet(rows: Sequence[Row]) -> Callable[[int], Any]:
    """Sort as a dictionary of either language does: accents count only between words that are else alike."""

    def key(row: int) -> tuple[str, str]:
        text = rows[row].cells[0].text.casefold()
        letters = unicodedata.normalize("NFD", text.replace("ñ", "n\uffff"))
        return "".join(c for c in letters if not unicodedata.combining(c) and c not in "«»“”¿¡"), text

    return key
