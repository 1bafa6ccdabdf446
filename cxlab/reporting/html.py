"""Reports as pages: one shown result, one report; the gallery of a study is in `gallery`.

A page is one self-contained file: no script, no address of anything outside, a Content-Security-Policy
that says so. Texts are escaped by Jinja2; what a notebook displayed went through `safe`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import jinja2
from markupsafe import escape

from cxlab.errors import Message
from cxlab.reporting import body, cards, glossary, safe, sheet
from cxlab.reporting.colours import DARK, LIGHT, TEXT_CONTRAST, contrast, is_colour, legible
from cxlab.reporting.made import Made, placed
from cxlab.reporting.rendering import TEMPLATES, rendered
from cxlab.reporting.tables import readable
from cxlab.reporting.words import Words, clean

if TYPE_CHECKING:
    from nbformat import NotebookNode

OF_A_KIND = 5  # claims of one kind that a reader is told at once
_NAMED = re.compile(r"[^a-z0-9-]")  # letters that the name of a group of choices has not
CSP = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:"


@dataclass(frozen=True, kw_only=True)
class Client:
    """What a page shows of the client: name, focal colour (#RRGGBB), logo as a data: URI, labels.

    `labels` is client.yaml's ``labels`` mapping ({columns: ..., values: ...}), `paper` what it prints on.
    """

    name: str
    focal: str = ""
    logo: str = ""
    paper: Literal["A4", "Letter"] = "A4"
    labels: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Cover:
    """What stands at the top of a report besides the question and its answer.

    `data_date` is the date of the data, never of the run; `made` what it was made from, told at its end.
    """

    where: str = ""
    wave: str = ""
    data_date: date | None = None
    made: Made = field(default_factory=Made)


def result_html(bundle: Mapping[str, Any], words: Words, *, svg: str = "") -> str:
    """Return one shown result as HTML: claims, figure, tables, everything escaped.

    Parameters
    ----------
    bundle : Mapping
        What `cxlab.reporting.bundle.bundle` returned, with the tables that are to be printed.
    words : Words
        Language and labels.
    svg : str
        The figure; with it the first table stands behind a disclosure.
    """
    claims, more = _told(bundle["claims"], words)
    caveats = list(dict.fromkeys(text for c in bundle["claims"] for text in c["caveat_texts"]))
    figure = bundle.get("figure") or {}
    drawn = safe.svg(
        svg, name=str(bundle.get("id", "figure")), alt=str(figure.get("alt") or words("page.figure.unnamed"))
    )
    beside = {"svg": drawn, "title": figure.get("title", "")} if drawn else None
    # The page of a diagnosis tells claims and figure; under it stand its tables, as under any result.
    first = sheet.sheet_html(bundle, words, beside) if sheet.is_sheet(bundle) else ""
    printed = [readable(bundle, name, words) for name in bundle["tables"]]
    return first + rendered(
        "result.html.j2",
        result=_NAMED.sub("", str(bundle.get("id", ""))),
        numbered={table.name: place for place, table in enumerate(printed)},
        said_of_orders=words("table.sort"),
        said_of_given=words("table.sort.given"),
        claims=[] if first else claims,
        more=more,
        said_of_more=words.plural("claims.more", len(more)),
        caveats=caveats,
        figure=None if first else beside,
        tables=printed,
        base=_base(bundle, words),
        data_of_figure=words("table.data"),
    )


def _told(claims: Sequence[Mapping[str, Any]], words: Words) -> tuple[list[dict[str, Any]], list[Any]]:
    """Return what a reader is told at once, and what is folded: of one kind, those after the first five."""
    told: list[dict[str, Any]] = []
    more: list[dict[str, Any]] = []
    kinds: Counter[str] = Counter()
    for claim in claims:
        kinds[claim["code"]] += 1
        (told if kinds[claim["code"]] <= OF_A_KIND else more).append(
            {
                "sentence": claim["sentence"],
                "headline": claim["headline"],
                "grade": words(f"grade.{claim['grade']}"),
                "grade_note": words(f"grade.{claim['grade']}.note"),
                "recommendation": cards.recommended(claim, words),
            }
        )
    return told, more


def note_html(key: str, words: Words, /, **fields: object) -> str:
    """Return a text of the catalogue as a note."""
    return f'<p class="cx-note">{_escaped(words(key, **fields))}</p>'


def read_html(
    read: Mapping[str, Any],
    ledger: Sequence[Any],
    words: Words,
    *,
    breaks: Sequence[Mapping[str, Any]] = (),
    warnings: Sequence[tuple[str, str, Message, Sequence[str]]] = (),
) -> str:
    """Return where a table's rows come from.

    Parameters
    ----------
    read : Mapping
        table, rows, used; and, of the files it was made of, records, kept and excluded.
    ledger : sequence
        What was left out on the way in: rows of texts and counts (the count last), or mappings.
    words : Words
        Language and labels.
    breaks : sequence of mapping
        Where the table's series break: wave, column (``*``: all), reason in each language.
    warnings : sequence of (str, str, Message, sequence of str)
        What a reader of the table should know: the rule by its title, the column or an empty text, what was
        found; and, if in several files, which: first the one that it was found of.
    """
    rows = [list(row.values()) if isinstance(row, Mapping) else list(row) for row in ledger]
    table = words.label(read["table"]) if words.known(f"column.{read['table']}") else str(read["table"])
    line = words(
        "read.table", table=table, rows=words.number(read["rows"], 0), used=words.number(read["used"], 0)
    )
    heads = [words(f"read.{name}") for name in ("file", "reason", "rows")][-max(map(len, rows), default=3) :]
    texts = [
        [words.number(c, 0) if isinstance(c, int | float) else clean(str(c)) for c in row] for row in rows
    ]
    return rendered(
        "read.html.j2",
        line=line,
        sums=_sums(read, words),
        breaks=[_break(each, words) for each in breaks],
        warnings=[_warning(*each, words) for each in warnings],
        rows=texts,
        heads=heads,
        summary=words("read.ledger"),
    )


def _sums(read: Mapping[str, Any], words: Words) -> str:
    """Say that what was read is what was used and what was excluded."""
    if "records" not in read:
        return ""
    counts = {name: words.number(read[name], 0) for name in ("records", "kept", "excluded")}
    return words("read.sums", **counts)


def _warning(title: str, column: str, found: Message, files: Sequence[str], words: Words) -> str:
    fields = {"title": clean(title), "found": words.message(found)}
    if not column:
        return words("read.warning", **fields)
    fields["column"] = words.label(column)
    if not files:
        return words("read.warning.column", **fields)
    first, *others = map(clean, files)
    return words("read.warning.files", **fields, file=first, others=words.listed(others))


def _break(found: Mapping[str, Any], words: Words) -> str:
    """Say where a series breaks and why."""
    reason = clean(str(found["reason"].get(words.language) or next(iter(found["reason"].values()))))
    wave = words.label("wave_id", found["wave"])
    if found["column"] == "*":
        return words("read.break.wave", wave=wave, reason=reason)
    return words("read.break", wave=wave, column=words.label(found["column"]), reason=reason)


def page(notebook: NotebookNode, *, cover: Cover, language: str, client: Client) -> str:
    """Return an executed notebook as one self-contained page: the same bytes for the same notebook.

    Parameters
    ----------
    notebook : NotebookNode
        Executed; its markdown cells are tagged ``lang-es`` or ``lang-en``.
    cover : Cover
        Filter, wave, date of the data, parameters, run.
    language : {"es", "en"}
        Which cells are kept, and the language of the page around them.
    client : Client
        Name, colour, logo and labels.
    """
    words = Words(language, client.labels)
    made = body.prepared(notebook, language, words)
    text, contents = body.outlined(_converted(made.notebook, words))
    upto = cover.data_date.isoformat() if cover.data_date else body.latest_data(notebook)
    facts = [(words("page.wave"), cover.wave)] if cover.wave else []
    facts.append((words("page.where"), cover.where or words("page.where.all")))
    facts += [(words("page.date"), words.date(date.fromisoformat(upto)))] if upto else []
    facts.append((words("page.language.label"), words("page.language")))
    around = frame(words, client, made.title or words("page.untitled"))
    text, first = sheet.lifted(body.filled(text, made.fragments))
    text, last = placed(text, body.MADE, cover.made, body.reads(notebook), words, note=around["colour_note"])
    told, common = cards.together(
        [cards.card(claim, words) for claim in cards.headlines(body.bundles(notebook))]
    )
    return rendered(
        "page.html.j2",
        **around,
        facts=facts,
        sheet=first,
        cards=[] if first else told,
        common=common,
        glossary=glossary.glossary_html(words, first + text),
        contents=[h for h in contents if h.level == 2],
        body=text,
        made=last,
    )


def frame(words: Words, client: Client, title: str) -> dict[str, Any]:
    """Return what every page has, as its template takes it: texts, colours, client, policy.

    Parameters
    ----------
    words : Words
        Language and labels.
    client : Client
    title : str
        What the page is about.
    """
    focal, note = _focal(client.focal, words)
    return {
        "words": words,
        "language": words.language,
        "title": clean(title),
        "client": clean(client.name),
        "csp": CSP,
        "logo": safe.logo(client.logo),
        "colour_note": note,
        "style": _style(),
        "light": {**LIGHT, **focal["light"]},
        "dark": {**DARK, **focal["dark"]},
    }


def _focal(colour: str, words: Words) -> tuple[dict[str, dict[str, str]], str]:
    """Return the client's colour as it can be read on light and dark paper, and what to say of it."""
    if not is_colour(colour):
        return {"light": {}, "dark": {}}, ""
    # The wash under code and every other row is the harder ground in both themes.
    light, dark = legible(colour, LIGHT["wash"]), legible(colour, DARK["wash"])
    readable_as_given = contrast(colour, LIGHT["wash"]) >= TEXT_CONTRAST
    note = "" if readable_as_given else words("page.contrast", given=colour.upper(), used=light.upper())
    return {"light": {"focal": light}, "dark": {"focal": dark}}, note


def _base(bundle: Mapping[str, Any], words: Words) -> str:
    if not bundle.get("n_used"):
        return ""
    dropped = bundle.get("n_dropped") or {}
    reasons = ", ".join(
        words("table.reason", count=words.number(n, 0), reason=why) for why, n in dropped.items() if n
    )
    left_out = words("table.dropped", reasons=reasons) if reasons else ""
    return words("table.base", n=words.number(bundle["n_used"], 0), dropped=left_out)


def _escaped(text: str) -> str:
    return str(escape(text))


def _converted(notebook: NotebookNode, words: Words) -> str:
    """Return the notebook's prose and code as nbconvert's basic body, its markdown made safe."""
    converted, _ = _exporter().from_notebook_node(notebook)
    return str(converted).replace("CX-CODE-SUMMARY", _escaped(words("page.code")))


@cache
def _exporter() -> Any:
    """Return what makes bodies, made once: its templates take as long to compile as many pages to make."""
    from nbconvert.exporters import HTMLExporter  # half a second that only a page pays

    class Body(HTMLExporter):
        @jinja2.pass_context
        def markdown2html(self, context: jinja2.runtime.Context, source: str) -> str:
            return safe.html(super().markdown2html(context, source))

    return Body(  # type: ignore[no-untyped-call]
        template_name="basic",
        raw_template=(TEMPLATES / "body.html.j2").read_text("utf-8"),
        exclude_anchor_links=True,
    )


@cache
def _style() -> str:
    return (TEMPLATES / "style.css").read_text("utf-8")
