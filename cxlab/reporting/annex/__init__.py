"""The annex: every table of a study as a workbook, with typed numbers, bases, method and notes.

`annex` makes it from a volume. Nothing in it is computed when it is opened: no formula, no link but those
from the contents to the sheets; what comes from data is text. The same volume gives the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxlab.reporting.annex.book import Book
from cxlab.reporting.annex.contents import write_contents
from cxlab.reporting.annex.findings import write_findings
from cxlab.reporting.annex.plan import planned
from cxlab.reporting.annex.tables import write_table

if TYPE_CHECKING:
    from cxlab.reporting.volume import Volume

__all__ = ["annex"]


def annex(volume: Volume) -> bytes:
    """Return the annex of a study as an .xlsx file: contents, findings, one sheet for each table.

    Parameters
    ----------
    volume : Volume
        Edited or not.

    Notes
    -----
    A table that several results show is written once; the contents lead to it from each.
    """
    book = Book(volume)
    plan = planned(volume)
    write_contents(book, plan, volume)
    write_findings(book, volume)
    for sheet in plan.sheets:
        write_table(book, sheet)
    return book.content()
