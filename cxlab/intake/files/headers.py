"""Where the names of a table stand in its records, what comes above and below, and which export made it.

The records are those of a delimited text or of a sheet, each a list of cells as text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from cxlab.errors import Message

Layout = Literal["plain", "qualtrics", "surveymonkey"]
# Records looked at for names; a preamble longer than this is not one.
LOOKED_AT = 60
_NUMBER = re.compile(r"[-+]?[$€]?\s?\d[\d.,\s]*%?")
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[ T].*)?")
_TOTAL = re.compile(
    r"(?i)^\W*(?:total(?:es)?|sub ?total|gran total|grand total|suma|sum|promedio|average|media|mean|"
    r"fuente|source|nota|note|notas|notes|base|n\s?=.*|generado|generated|exportado|exported|fin|end)\b"
)
_ANSWERED = {"response", "open-ended response", "respuesta", "respuesta abierta", "open ended response"}
_LEGACY = {"responseid", "responseset", "emailaddress", "ipaddress", "startdate", "enddate"}


@dataclass(frozen=True)
class Header:
    """Where the names stand: the first record of them from 0, how many, and what is not data."""

    at: int
    rows: int = 1
    layout: Layout = "plain"
    skip_after: int = 0
    skip_at_end: int = 0
    confidence: float = 0.95
    evidence: tuple[Message, ...] = field(default=())


def found_header(records: Sequence[Sequence[str]], tail: Sequence[Sequence[str]] = ()) -> Header:
    """Return where the names of the columns are.

    Parameters
    ----------
    records : sequence of sequences of str
        The first records, empty ones included.
    tail : sequence of sequences of str
        The last records.

    Examples
    --------
    >>> found_header([["Informe", ""], ["id", "nota"], ["1", "7"], ["2", "6"]]).at
    1
    """
    told = _qualtrics(records) or _surveymonkey(records)
    if told is not None:
        return told
    width = _usual_width(records)
    at = next((n for n, row in enumerate(records[:LOOKED_AT]) if _names(row, width)), None)
    if at is None:
        return Header(0, confidence=0.2, evidence=(Message("no line looks like names of columns"),))
    evidence = [Message("the first record with {n} names and no numbers", n=_filled(records[at]))]
    confidence = 0.95
    above = sum(bool(_filled(row)) for row in records[:at])
    if above:
        confidence = 0.85
        evidence.append(Message("{n} records of title above the names", n=above))
    rows = _name_rows(records, at)
    if rows > 1:
        confidence = 0.6
        evidence.append(Message("{n} rows of names: the first has gaps that the next fills", n=rows))
    end, said = _footer(tail, width)
    return Header(at, rows, skip_at_end=end, confidence=confidence, evidence=(*evidence, *said))


def _filled(row: Sequence[str]) -> int:
    return sum(bool(cell.strip()) for cell in row)


def _usual_width(records: Sequence[Sequence[str]]) -> int:
    """Return how many cells most records fill; columns with gaps do not lower it much."""
    filled = Counter(n for row in records if (n := _filled(row)))
    widths = sorted(filled.elements(), reverse=True)
    return widths[len(widths) // 4] if widths else 0


def _names(row: Sequence[str], width: int) -> bool:
    cells = [cell.strip() for cell in row if cell.strip()]
    if not cells or len(cells) < max(1, 0.6 * width) or (width > 1 and len(cells) < 2):
        return False
    data = sum(bool(_NUMBER.fullmatch(cell) or _DATE.fullmatch(cell) or "@" in cell) for cell in cells)
    return 4 * data <= len(cells) and len(set(cells)) > len(cells) / 2


def _name_rows(records: Sequence[Sequence[str]], at: int) -> int:
    """Return 2 where the names have gaps and the record under them, no data, fills them."""
    if at + 2 >= len(records):
        return 1
    first, second = list(records[at]), list(records[at + 1])
    gaps = [n for n, cell in enumerate(first) if not cell.strip()]
    filled = [n for n in gaps if n < len(second) and second[n].strip()]
    numbers = sum(bool(_NUMBER.fullmatch(cell.strip())) for cell in second)
    return 2 if filled and len(filled) >= len(gaps) / 2 and not numbers else 1


def _footer(tail: Sequence[Sequence[str]], width: int) -> tuple[int, list[Message]]:
    """Return how many of the last records are totals or notes, and what they start with."""
    end, kinds = 0, []
    for row in reversed([row for row in tail if _filled(row)]):
        first = next((cell.strip() for cell in row if cell.strip()), "")
        lone = width >= 3 and _filled(row) == 1 and " " in first
        if not _TOTAL.match(first) and not lone:
            break
        kinds.append(_TOTAL.match(first))
        end += 1
    if not end:
        return 0, []
    words = sorted({match[0].strip()[:20] for match in kinds if match})
    named = ", ".join(words) or Message("a line of text alone")
    return end, [Message("{n} records at the end are totals or notes ({words})", n=end, words=named)]


def _qualtrics(records: Sequence[Sequence[str]]) -> Header | None:
    for at, row in enumerate(records[:5]):
        marked = sum("ImportId" in cell for cell in row)
        if at >= 2 and 2 * marked >= max(1, _filled(row)):
            said = Message("the third row of names has ImportId: an export of Qualtrics")
            return Header(at - 2, layout="qualtrics", confidence=0.98, evidence=(said,))
    if len(records) > 1:
        codes = sum(bool(re.fullmatch(r"V\d+", cell.strip())) for cell in records[0])
        labels = {cell.strip().casefold() for cell in records[1]} & _LEGACY
        if codes >= 3 and len(labels) >= 3:
            said = Message("names V1, V2... over ResponseID, ResponseSet...: an old export of Qualtrics")
            return Header(0, layout="qualtrics", confidence=0.95, evidence=(said,))
    return None


def _surveymonkey(records: Sequence[Sequence[str]]) -> Header | None:
    if len(records) < 3:
        return None
    first, second = records[0], records[1]
    answered = sum(cell.strip().casefold() in _ANSWERED for cell in second)
    gaps = sum(not cell.strip() for cell in first)
    own = any(cell.strip().casefold() in ("respondentid", "respondent id", "collectorid") for cell in first)
    if answered and (own or gaps or answered >= 3):
        said = Message("a second row of names with Response and options: an export of SurveyMonkey")
        return Header(0, layout="surveymonkey", confidence=0.95, evidence=(said,))
    return None
