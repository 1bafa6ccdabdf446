"""One column of a file to values of its kind, distinct text by distinct text.

In this order: outer blanks off; codes that mean no answer; the code's label, where it is wanted; recodes;
the leading number; the kind. What does not fit keeps its fault until it is known which rows are used.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as compute

from cxlab.errors import Message
from cxlab.intake.coded import Coded
from cxlab.intake.declared.canonical import Kind
from cxlab.intake.declared.models import Privacy
from cxlab.intake.files.reading import Reading, clean_name
from cxlab.intake.privacy.identifiers import Identifier
from cxlab.intake.privacy.personal import kinds_in
from cxlab.intake.tables.amounts import MANY, plain_numbers
from cxlab.intake.tables.assignment import EVERY, Assignment
from cxlab.intake.tables.cells import (
    LOST_CODE,
    CellKind,
    Fault,
    Marks,
    Typed,
    inferred,
    is_code,
    plain,
    typed,
)
from cxlab.intake.tables.columns import Column
from cxlab.intake.tables.nonresponse import reason_of, reason_worded

# A whole number and then its words: not 1O, 7.5 or 1-3 times.
_LEADING = re.compile(r"[-+]?\d+(?!\w|[.,]\d|\s*[-\u2013]\s*\d)")
# What no keyboard types and neither Excel nor a page shows; tabs and line breaks are text.
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+")
# Codes that questionnaires use for no answer; far from the other values of a column, they are suspect.
_USUAL_CODES = (-99, -98, -97, -9, -8, -1, 66, 77, 88, 96, 97, 98, 99, 777, 888, 999, 9999)
_CELL_KINDS: dict[Kind, CellKind] = {
    "date": "date",
    "number": "number",
    "integer": "number",
    "rating": "number",
    "flag": "flag",
}


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What is declared of one column.

    `reasons` are codes that mean no answer, and why; `labels` those of the file; `kind` is None where
    the cells themselves must say it; `rated` says that an undeclared 99 would pass for an answer;
    `emptied`, that cells which look personal become empty.
    """

    name: str
    reasons: Mapping[str, str]
    recodes: Mapping[str, str | None]
    labels: Mapping[str, str]
    labelled: bool
    leading: bool
    kind: CellKind | None
    form: str
    rated: bool
    emptied: bool = False
    identity: bool = False


class Declared:
    """What a source declares, looked up by the columns it ends in."""

    def __init__(
        self, assigned: Assignment, keys: Mapping[str, Mapping[str, str]], privacy: Privacy | None = None
    ) -> None:
        self.assigned, self.source, self.keys = assigned, assigned.source, keys
        self.privacy = privacy or Privacy()
        self.ids = {*assigned.table.ids, *keys["ids"].values()}
        self.equivalents = {
            column: self.source.equivalent[name] for name, column in keys["equivalent"].items()
        }
        declared = {column: self.source.scales[name] for name, column in keys["scales"].items()}
        self.asked = declared | {column: each.asked for column, each in self.equivalents.items()}
        self.scales = declared | {column: each.stored for column, each in self.equivalents.items()}

    def of(self, key: str, column: str) -> Any:
        """Return what is declared for a column under a key, or None."""
        given = getattr(self.source, key)
        return next((given[name] for name, known in self.keys[key].items() if known == column), None)

    def listed(self, key: str, column: str) -> bool:
        """Tell whether a column is in the list under a key."""
        return column in self.keys[key].values()

    def rule(self, column: str, header: str, reading: Reading) -> Rule:
        """Return the rule of one column."""
        labels = reading.labels.get(header, {})
        reasons = dict.fromkeys(reading.declared_missing.get(header, ()), "missing")
        for key, only in (("missing", ""), ("not_applicable", "not_applicable")):
            for scope in (getattr(self.source, key).get(EVERY), self.of(key, column)):
                reasons |= {code: only or reason for code, reason in (scope or {}).items()}
        return Rule(
            name=column,
            reasons={code: _told(code, reason, labels) for code, reason in reasons.items()},
            recodes=self.of("values", column) or {},
            labels=labels,
            labelled=self.listed("value_labels", column),
            leading=self.listed("leading_number", column),
            kind=self.kind(column),
            form=self.of("dates", column) or "",
            rated=self.assigned.table.scores
            and column not in self.scales
            and column not in self.assigned.table.columns,
            identity=column in self.ids,
            emptied=column in self.assigned.stored
            and column not in self.ids
            and self.private("empty_personal", column)
            and not self.private("not_personal", column),
        )

    def private(self, key: Literal["free_text", "not_personal", "empty_personal"], column: str) -> bool:
        """Tell whether `privacy:` names a column under a key, by its own name or its header's."""
        named = {clean_name(each) for each in getattr(self.privacy, key)}
        header = self.assigned.stored.get(column, column)
        return bool({column, header} & named) or (EVERY in named and key == "empty_personal")

    def kind(self, column: str) -> CellKind | None:
        """Return the kind of a column's cells, or None if they must say it themselves."""
        known = self.assigned.table.columns.get(column)
        if column in self.ids or self.listed("multiple", column) or self.listed("split", column):
            return "text"
        if known is not None:
            return _CELL_KINDS.get(known.kind, "text")
        own: str | None = self.of("kinds", column)
        if own is not None:
            return {"number": "number", "date": "date", "flag": "flag"}.get(own, "text")  # type: ignore[return-value]
        if column in self.scales or self.listed("leading_number", column):
            return "number"
        return "date" if self.listed("dates", column) else None


def _told(code: str, reason: str, labels: Mapping[str, str]) -> str:
    """Return why a code is no answer: as declared, or as its label says where no more than that is."""
    if reason != "missing":
        return reason
    return (reason_of(labels[code]) if code in labels else reason_worded(code)) or reason


def decode(cells: Coded, rule: Rule, marks: Marks) -> Column:
    """Decode the cells of one column.

    Parameters
    ----------
    cells : Coded
        As read; an empty text is an empty cell.
    rule : Rule
    marks : Marks
        How the source writes numbers and dates.
    """
    if rule.kind == "text" and not (rule.labelled or rule.leading or rule.emptied):
        return _of_text(cells, rule, marks)
    if (numbers := _of_numbers(cells, rule, marks)) is not None:
        return numbers
    distinct, counts = cells.distinct, cells.counts
    meant = [_meant(cell, rule, marks) for cell in distinct]
    emptied = _emptied(distinct, meant) if rule.emptied else {}
    texts, reasons = [text for text, _ in meant], [reason for _, reason in meant]
    present: dict[str, int] = {}
    for text, n in zip(texts, counts, strict=True):
        if text is not None:
            present[text] = present.get(text, 0) + int(n)
    kind = rule.kind or inferred(present, marks)
    result = typed(texts, kind, marks, form=rule.form, name=rule.name)
    if rule.leading:
        _explain_leading(result)
    if kind in ("number", "flag") and not rule.labelled:
        _refuse_labelled(texts, rule, result)
    if kind == "number" and rule.rated:
        _refuse_suspects(rule, result)
    tamed = _tame(distinct, counts, result) if kind == "text" else 0
    stripped = {unicodedata.normalize("NFC", text.strip()) for text in distinct} if rule.recodes else set()
    if emptied:
        shown = ["" if at in emptied else text for at, text in enumerate(distinct)]
        cells = Coded(cells.codes, pa.array(shown, pa.large_string()))
    return Column(
        cells,
        {at: reason for at, reason in enumerate(reasons) if reason},
        result,
        trimmed=_trimmed(distinct, counts),
        led=sum(
            int(counts[at])
            for at, text in enumerate(texts)
            if rule.leading and text not in (None, distinct[at].strip()) and at not in result.faults
        ),
        tamed=tamed,
        unused=[] if rule.labelled else [code for code in rule.recodes if code not in stripped],
        emptied=emptied,
    )


def _of_text(cells: Coded, rule: Rule, marks: Marks) -> Column:
    """Decode a column of text: what is plainly itself as a whole, the few other texts one by one."""
    places = np.flatnonzero(_particular(cells.texts, {*rule.reasons, *rule.recodes}))
    found = cells.texts.take(pa.array(places)).to_pylist()
    meant = [_meant(text, rule, marks) for text in found]
    result = typed([text for text, _ in meant], "text", marks, form=rule.form, name=rule.name)
    tamed = _tame(found, cells.counts[places], result)
    stored = cells.texts
    if len(places):
        mask = np.zeros(len(stored), dtype=bool)
        mask[places] = True
        stored = compute.replace_with_mask(stored, pa.array(mask), pa.array(result.values, pa.large_string()))
    counts = cells.counts[places]
    stripped = {unicodedata.normalize("NFC", text.strip()) for text in found} if rule.recodes else set()
    return Column(
        cells,
        {int(places[at]): reason for at, (_, reason) in enumerate(meant) if reason},
        Typed(np.empty(0, dtype=object), {int(places[at]): fault for at, fault in result.faults.items()}),
        stored,
        identity=rule.identity,
        tamed=tamed,
        trimmed=_trimmed(found, counts),
        unused=[code for code in rule.recodes if code not in stripped],
    )


def _of_numbers(cells: Coded, rule: Rule, marks: Marks) -> Column | None:
    """Decode a column of many plain numbers as a whole, the few other cells one by one.

    None if it is no such column, or may be one of codes.
    """
    other = rule.kind not in (None, "number") or rule.labels or rule.leading or rule.emptied
    if other or len(cells.texts) < MANY:
        return None
    plainly = plain_numbers(cells.texts, marks, (*rule.reasons, *rule.recodes))
    if plainly is None:
        return None
    values, others = plainly
    places, counts = np.flatnonzero(others), cells.counts
    found = cells.texts.take(pa.array(places)).to_pylist()
    meant = [_meant(text, rule, marks) for text in found]
    texts = [text for text, _ in meant]
    present = counts.sum() - sum(
        int(n) for text, n in zip(texts, counts[places], strict=True) if text is None
    )
    if rule.kind is None and (
        any(is_code(text) for text in texts if text) or 5 * counts[~others].sum() < 4 * present
    ):
        return None
    few = typed(texts, "number", marks, name=rule.name)
    values[places] = few.values
    result = Typed(values, {int(places[at]): fault for at, fault in few.faults.items()})
    if rule.rated:
        _refuse_suspects(rule, result)
    stripped = {text.strip() for text in found}
    return Column(
        cells,
        {int(places[at]): reason for at, (_, reason) in enumerate(meant) if reason},
        result,
        trimmed=_trimmed(found, counts[places]),
        unused=[code for code in rule.recodes if code not in stripped],
    )


def _trimmed(texts: list[str], counts: npt.NDArray[np.int64]) -> int:
    """Count the cells with outer blanks around something."""
    return sum(int(n) for text, n in zip(texts, counts, strict=True) if text != text.strip() != "")


def _particular(texts: Any, keys: set[str]) -> npt.NDArray[np.bool_]:
    """Return which texts may mean something else than themselves: blank, padded, composed, declared."""
    plainly = compute.match_substring_regex(texts, "^[!-~](?:[ -~]*[!-~])?$")
    other = compute.or_(compute.invert(plainly), compute.match_substring_regex(texts, LOST_CODE))
    if keys:
        other = compute.or_(other, compute.is_in(texts, value_set=pa.array(sorted(keys), texts.type)))
    whole = [re.escape(key.lstrip("-")) for key in keys if re.fullmatch(r"-?\d+", key)]
    if whole:
        # A whole number is meant by other writings too: 099, 99.0, 9.9e1, 1.234.
        written = rf"^[-+]?(?:0*(?:{'|'.join(whole)})|[0-9][0-9 ]*(?:[ .,eE][-+0-9.,eE ]*))$"
        other = compute.or_(other, compute.match_substring_regex(texts, written))
    mask: npt.NDArray[np.bool_] = other.to_numpy(zero_copy_only=False)
    return mask


def _emptied(distinct: list[str], meant: list[tuple[str | None, str]]) -> dict[int, Identifier]:
    """Take the texts that look personal out of `meant`; return the kind of each."""
    kinds = kinds_in(distinct)
    for at in kinds:
        meant[at] = (None, "personal")
    return kinds


def _meant(cell: str, rule: Rule, marks: Marks) -> tuple[str | None, str]:
    """Return the text that a cell stands for, None if for no answer, and then why."""
    if cell == "":
        recoded = rule.recodes.get("")
        return (None, "blank") if recoded is None else (recoded, "")
    text = cell.strip() if cell.isascii() else unicodedata.normalize("NFC", cell.strip())
    if not text:
        blank = next((reason for code, reason in rule.reasons.items() if not code.strip()), None)
        return (None, blank) if blank else (cell, "")
    if not (rule.reasons or rule.recodes or rule.labelled or rule.leading):
        return text, ""
    forms = [text, plain(text, marks)]
    reason = next((rule.reasons[form] for form in forms if form in rule.reasons), None)
    if reason is not None:
        return None, reason
    if rule.labelled:
        text = next((rule.labels[form] for form in forms if form in rule.labels), text).strip()
        forms = [text]
        if text in rule.reasons:
            return None, rule.reasons[text]
    for form in forms:
        if form in rule.recodes:
            recoded = rule.recodes[form]
            return recoded, "" if recoded is not None else "missing"
    return _led(text, rule, marks) if rule.leading else (text, "")


def _led(text: str, rule: Rule, marks: Marks) -> tuple[str | None, str]:
    match = _LEADING.match(text)
    if not match:
        return text, ""
    found = plain(match[0], marks)
    return (None, rule.reasons[found]) if found in rule.reasons else (found, "")


def _tame(texts: list[str], counts: npt.NDArray[np.int64], result: Typed) -> int:
    """Put a blank in the place of control characters in values of text; return how many cells had any."""
    wild = [at for at, text in enumerate(texts) if _CONTROLS.search(text)]
    for at in wild:
        if isinstance(result.values[at], str):
            result.values[at] = _CONTROLS.sub(" ", result.values[at]).strip()
    return int(counts[wild].sum())


def _explain_leading(result: Typed) -> None:
    for at in list(result.faults):
        result.faults[at] = Fault(
            Message("a text that starts with a number"), Message("declare it under `missing:` or `values:`")
        )


def _refuse_labelled(texts: list[str | None], rule: Rule, result: Typed) -> None:
    """Refuse codes of a measure whose label says no answer, until they are declared or recoded."""
    for at, text in enumerate(texts):
        label = rule.labels.get(text or "")
        if label and reason_of(label) and text not in rule.recodes.values():
            result.values[at] = np.nan
            result.faults[at] = Fault(
                Message("codes that are answers ({code} is labelled {label!r})", code=text, label=label[:60]),
                Message(
                    "declare it: `missing: {{{name}: {{{code}: {reason}}}}}`; if it is an answer, "
                    "`values: {{{name}: {{{code}: {code}}}}}`",
                    name=rule.name,
                    code=text,
                    reason=reason_of(label),
                ),
                rule=3,
            )


def _refuse_suspects(rule: Rule, result: Typed) -> None:
    """Refuse 99 and its like in a column of a survey that otherwise runs over a short scale."""
    usual = np.isin(result.values, _USUAL_CODES)
    rest = result.values[~np.isnan(result.values) & ~usual]
    if len(rest) < 2 or rest.min() < 0 or rest.max() > 11 or np.any(rest != np.round(rest)):
        return
    for at in np.flatnonzero(usual):
        result.values[at] = np.nan
        result.faults[int(at)] = Fault(
            Message("values from {low:g} to {high:g} like the others", low=rest.min(), high=rest.max()),
            Message("declare it under `missing:`, or the scale of {name} under `scales:`", name=rule.name),
            rule=3,
        )
