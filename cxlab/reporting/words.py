"""The report's language: catalogue texts, labels, numbers, units, dates; and error messages in Spanish.

The .po files under locale/ are the only source (`cxlab.catalogues`). Texts of claims, figures and pages
are found by code (``"claim.score.level"``), error messages by their English template. Whatever comes from a
client is inserted as a value and never read as a template.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Literal, get_args

from babel.dates import format_date
from babel.lists import format_list
from babel.numbers import format_decimal

from cxlab import regional
from cxlab.catalogues import catalogue, problem_line, translate
from cxlab.errors import CxlabError, Message, ParameterError

Language = Literal["es", "en"]
Form = Literal["name", "the", "a"]

MISSING = "–"
_TIMES = ("days", "weeks", "months", "quarters", "years")
_DIGITS = {
    "points": 1,
    "percent": 1,
    "share": 1,
    "ratio": 2,
    "months": 1,
    "scale": 2,
    "steps": 2,
    "rank": 0,
    "per_thousand": 1,
}
_ROUND_MONEY = 100.0  # amounts of money from here on are printed without cents
_COARSE_FROM = 5.0  # half-widths from here on (in points or percent) leave no decimal worth printing
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]+")
_COLUMN_FIELDS = frozenset({"driver", "covariate", "outcome", "column"})
UNNAMED = ("mean", "rate", "top_k")  # indices of anything: a client says of what
_QUARTER = re.compile(r"(\d{4})Q([1-4])")
_PLAIN_NAME = re.compile(r"[a-z][a-z0-9_]*")

# A model's row that holds in a period of time only: "plan: b (12, 30]".
_PERIOD = re.compile(r"(.+) \(([\d.e+]+), ([\d.e+]+)\]")


class Words:
    """The words of one report: one language and one client's labels.

    Parameters
    ----------
    language : {"es", "en"}
        Language of texts, numbers and dates.
    labels : mapping, optional
        The client's ``labels``: ``columns`` {name: label} and ``values`` {column: {value: label}},
        each label a text or ``{es: ..., en: ...}``.

    Examples
    --------
    >>> es, en = Words("es"), Words("en")
    >>> es.number(1234.5), en.number(1234.5)
    ('1.234,5', '1,234.5')
    >>> en.interval(37.1, 42.5, "points"), en.amount(0.843, "share")
    ('37.1 to 42.5 points', '84.3%')
    """

    def __init__(self, language: str, labels: Mapping[str, Any] | None = None) -> None:
        if language not in get_args(Language):
            raise ParameterError(
                "language is {language!r}; allowed: {allowed}",
                language=language,
                allowed=", ".join(get_args(Language)),
            )
        self.language = language
        self.labels: Mapping[str, Any] = labels or {}
        self._catalogue = catalogue(language)
        self._own = regional.regional(self.labels.get("words"), language)

    def __call__(self, key: str, /, **fields: object) -> str:
        """Return the catalogue's text for `key` with `fields` put in as they are."""
        if not self.known(key):
            raise KeyError(key)
        template = self._found(key)
        return template.format_map(fields) if fields else template

    def known(self, key: str) -> bool:
        """Whether the catalogue has a text for `key`."""
        return self._found(key) != key

    def _found(self, key: str) -> str:
        # Python 3.11.2 finds a text that has plurals only as one of them.
        text = self._catalogue.gettext(key)
        text = text if text != key else self._catalogue.ngettext(key, key, 1)
        return text if text == key else self._in_own(text)

    def _in_own(self, text: str) -> str:
        return regional.template(text, self._own, self.language) if self._own else text

    def prose(self, text: str) -> str:
        """Return a text of a notebook, in Markdown, in the client's own words."""
        return regional.prose(text, self._own, self.language) if self._own else text

    def plural(self, key: str, count: int, /, **fields: object) -> str:
        """Return the text for `count` things; ``{count}`` is the formatted count."""
        template = self._catalogue.ngettext(key, key, count)
        if template == key:
            raise KeyError(key)
        template = self._in_own(template)
        return template.format_map({"count": self.number(count, 0), **fields})

    # --- names ---------------------------------------------------------------------------------

    def label(self, name: object, value: object | None = None) -> str:
        """Return the label of column `name`, or of its category `value`.

        The client's labels come first, then the catalogue's, then the name itself.
        """
        if value is None:
            given = _mapping(self.labels.get("columns")).get(str(name))
            return self._said(given) or self._catalogued(f"column.{name}") or _readable(str(name))
        text = _category(value)
        given = _mapping(_mapping(self.labels.get("values")).get(str(name))).get(text)
        quarter = _QUARTER.fullmatch(text) if name == "cohort" else None
        return (
            self._said(given)
            or (self("cohort.quarter", year=quarter[1], part=quarter[2]) if quarter else "")
            or self._catalogued(f"value.{name}.{text}")
            or clean(text)
            or self("value.empty")
        )

    def term(self, name: str) -> str:
        """Return the head of a result's column: here a client's own column of that name has no say."""
        return self._catalogued(f"column.{name}") or self.label(name)

    def category(self, value: object) -> str:
        """Return the label of a category whose column is not known: the first column that has it."""
        text = _category(value)
        for values in _mapping(self.labels.get("values")).values():
            said = self._said(_mapping(values).get(text))
            if said:
                return said
        return clean(text) or self("value.empty")

    def crossing(self, columns: object) -> str:
        """Return the label of a column, or of a crossing written ``a x b``."""
        return " × ".join(self.label(name) for name in str(columns).split(" x "))

    def cell(self, columns: object, value: object) -> str:
        """Return the label of a category of a column, or of a cell of a crossing (``RM x app``)."""
        names, parts = str(columns).split(" x "), str(value).split(" x ")
        if len(names) == 1 or len(names) != len(parts):
            return self.label(columns, value)
        return " × ".join(self.label(name, part) for name, part in zip(names, parts, strict=True))

    def listed(self, texts: Sequence[str]) -> str:
        """Return texts as a list in a sentence: ``a, b and c``."""
        return str(format_list(list(texts), locale=self.language))

    def reason(self, why: object) -> str:
        """Return why rows were left out: as the client says it in its ``labels``, else in the catalogue."""
        said = self.label("reason", why)
        return self.message(Message(str(why))) if said == clean(str(why)) else said

    def covariate(self, name: object) -> str:
        """Return the label of a row of a model: ``column``, ``column: category``, or one in a period."""
        if period := _PERIOD.fullmatch(str(name)):
            start, end = (self.number(float(period[k]), 0) for k in (2, 3))
            return self("covariate.period", label=self.covariate(period[1]), start=start, end=end)
        known = self._catalogued(f"value.covariate.{name}")
        if known:
            return known
        column, separator, category = str(name).partition(": ")
        return f"{self.label(column)}: {self.label(column, category)}" if separator else self.label(name)

    def metric(self, metric: object, form: Form = "name") -> str:
        """Return an index by name (``NPS``), with its article (``the NPS``) or as one of many (``an NPS``).

        A client's own name for a mean, a rate or a share comes first; whatever is not in the catalogue is a
        column: its label, in quotes where it stands in a sentence.
        """
        key = f"metric.{metric}"
        named = str(metric) in UNNAMED and _mapping(self.labels.get("columns")).get(str(metric))
        if self.known(key) and not named:
            return self(key if form == "name" else f"{key}.{form}")
        label = self.label(metric)
        return label if form == "name" else self(f"metric.other.{form}", label=label)

    def message(self, message: str) -> str:
        """Return an analysis' advice or reason in the report's language, its columns by their labels."""
        if not isinstance(message, Message):
            return clean(message)
        said = {
            k: (self.crossing(v) if " x " in str(v) else self.covariate(v)) if k in _COLUMN_FIELDS else v
            for k, v in message.fields.items()
        }
        if "others" in said:  # columns, joined by commas
            said["others"] = ", ".join(self.covariate(name) for name in str(said["others"]).split(", "))
        return translate(
            Message(message.template, **said), self.language, self._in_own if self._own else None
        )

    def _said(self, given: object) -> str:
        chosen = (
            given.get(self.language) or next(iter(given.values()), "")
            if isinstance(given, Mapping)
            else given
        )
        return clean(str(chosen)) if chosen not in (None, "") else ""

    def _catalogued(self, key: str) -> str:
        return self(key) if self.known(key) else ""

    # --- numbers -------------------------------------------------------------------------------

    def number(self, x: Any, digits: int | None = None) -> str:
        """Return `x` with `digits` decimals (by default as many as it needs, at most three)."""
        if absent(x):
            return MISSING
        value = float(x)
        if math.isinf(value):
            return "∞" if value > 0 else "−∞"
        pattern = "#,##0.###" if digits is None else "#,##0" + ("." + "0" * digits if digits else "")
        text = str(format_decimal(value, format=pattern, locale=self.language))
        if not any(c in "123456789" for c in text):
            text = text.lstrip("-")
        return text.replace("-", "−")

    def percent(self, x: Any, digits: int | None = None) -> str:
        """Return the share `x` (0-1) as a percentage."""
        return MISSING if absent(x) else self("unit.percent", number=self.number(float(x) * 100, digits))

    def signed(self, x: Any, digits: int | None = None) -> str:
        """Return a number with its sign, plus included."""
        text = self.number(x, digits)
        return f"+{text}" if not absent(x) and float(x) > 0 and any(c in "123456789" for c in text) else text

    def amount(self, x: Any, unit: str, *, digits: int | None = None, difference: bool = False) -> str:
        """Return `x` with its unit; `difference` says percentages as percentage points."""
        if absent(x):
            return MISSING
        shown = float(x) * 100 if unit == "share" else float(x)
        if unit in _TIMES:
            exact = shown == round(shown)
            text = self.number(shown, 0 if exact and digits is None else (1 if digits is None else digits))
            return self.plural(f"unit.{unit}", 1 if exact and shown == 1 else 2, number=text)
        usual = 0 if unit == "money" and abs(shown) >= _ROUND_MONEY else _DIGITS.get(unit, 2)
        text = self.number(shown, usual if digits is None else digits)
        if unit in ("percent", "share"):
            return self("unit.percentage_points" if difference else "unit.percent", number=text)
        return self(f"unit.{unit}", number=text) if unit in ("points", "steps") else text

    def interval(
        self, low: Any, high: Any, unit: str = "", *, digits: int | None = None, difference: bool = False
    ) -> str:
        """Return ``low to high unit``; an end that is not known is said in words."""
        places = digits_for(unit, low, high) if digits is None else digits
        open_low, open_high = (absent(end) or math.isinf(float(end)) for end in (low, high))
        if open_low and open_high:
            return MISSING
        if open_high:
            return self("interval.from", low=self.amount(low, unit, digits=places, difference=difference))
        if open_low:
            return self("interval.to", high=self.amount(high, unit, digits=places, difference=difference))
        start = self.number(float(low) * 100 if unit == "share" else low, places)
        return self("interval", low=start, high=self.amount(high, unit, digits=places, difference=difference))

    def date(self, day: date) -> str:
        """Return a date in full."""
        return str(format_date(day, format="long", locale=self.language))


def digits_for(unit: str, low: Any, high: Any) -> int:
    """Return the decimals that an interval leaves worth printing.

    Examples
    --------
    >>> digits_for("points", 7, 29), digits_for("points", 37, 42), digits_for("ratio", 1.001, 1.004)
    (0, 1, 3)
    """
    usual = _DIGITS.get(unit, 2)
    ends = [float(end) for end in (low, high) if not absent(end) and not math.isinf(float(end))]
    if unit == "months" and ends and all(end == round(end) for end in ends):
        return 0
    if len(ends) < 2:
        return usual
    half = abs(float(high) - float(low)) / 2 * (100 if unit == "share" else 1)
    if unit in ("points", "percent", "share"):
        return 0 if half >= _COARSE_FROM else usual
    if unit == "months":
        return 0 if half >= 1 else 1
    if unit == "money":
        return 0 if max(map(abs, ends)) >= _ROUND_MONEY else 2
    if unit == "rank" or half == 0:
        return usual
    return min(4, max(usual, math.ceil(-math.log10(half))))


def absent(x: object) -> bool:
    """Whether `x` is no number at all: None, NaN, NaT or NA."""
    if x is None:
        return True
    try:
        return math.isnan(float(x))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return True


def clean(text: str) -> str:
    """Return one line of text without the characters that neither XML nor a terminal can hold."""
    return re.sub(r"[ \t]+", " ", _CONTROL.sub(" ", text)).strip()


def _category(value: object) -> str:
    # A whole number that passed through a float column is still the category the client wrote.
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _readable(name: str) -> str:
    if not _PLAIN_NAME.fullmatch(name):
        return clean(name)
    plain = name.removeprefix("attr_").replace("_", " ").strip() or name
    return plain[0].upper() + plain[1:]


def _mapping(value: object) -> Mapping[str, Any]:
    return {str(k): v for k, v in value.items()} if isinstance(value, Mapping) else {}


# --- error messages ------------------------------------------------------------------------------


def explain(error: CxlabError, language: str) -> str:
    """Return an error and all its problems in `language`, one line each."""
    lines = [
        translate(error.message, language),
        *(f"  - {problem_line(p, language)}" for p in error.problems),
    ]
    return "\n".join(lines)
