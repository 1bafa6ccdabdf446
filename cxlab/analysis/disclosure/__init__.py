"""Which bases to hide so that no hidden one follows from those that are shown.

A base under 10 customers (8 employees) is hidden. Beside its total and the other parts of that total it would
come back by subtraction, so others are hidden with it: as few as will do (complementary suppression).
`margins` says which bases add up to which, `attack` is the reader who solves those sums, `cover` chooses what
to hide until that reader fails, `results` does it for all tables of a result, whose rows `spoken` reads.
"""

from cxlab.analysis.disclosure.attack import possible
from cxlab.analysis.disclosure.cover import MARKED, PROTECTION, protected
from cxlab.analysis.disclosure.margins import Cell, margins_of
from cxlab.analysis.disclosure.results import Released, guarded

__all__ = [
    "MARKED",
    "PROTECTION",
    "Cell",
    "Released",
    "guarded",
    "margins_of",
    "possible",
    "protected",
]
