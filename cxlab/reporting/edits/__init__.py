"""Edits that survive a rerun: what people want said otherwise of a claim or a figure, checked and applied.

Numbers are placeholders, so that they stay those of results.json; a verb may not say more than the grade
allows; an edit made for another number is not applied, and that is said where it would stand. `edited`
changes the notebooks of a volume, so that page, deck, annex and PDF say the same.
"""

from cxlab.reporting.edits.applied import edited
from cxlab.reporting.edits.given import CLAIMS, FIGURES, TEXTS, Edit, Edits, WrittenFor, written_for

__all__ = ["CLAIMS", "FIGURES", "TEXTS", "Edit", "Edits", "WrittenFor", "edited", "written_for"]
