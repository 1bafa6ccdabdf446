"""Texts made to harm, the places where a client's texts enter, and what none of our files may hold.

`hostile(payload)` is a volume in which every text that comes from outside is the payload.
"""

from __future__ import annotations

import copy
import io
import re
import zipfile
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

import reporting_examples as examples

from cxlab.analysis.estimates import masked
from cxlab.reporting import RESULT, figures, html
from cxlab.reporting.made import Made
from cxlab.reporting.volume import Chapter, Volume
from cxlab.reporting.words import Words

MARK = "zqx"  # in every payload, to see where it came out
PAYLOADS = {
    "script": f"<script>{MARK}=1</script>",
    "image": f'<img src=x onerror="{MARK}=1">',
    "vector": f"<svg/onload={MARK}()>",
    "attribute": f'" onmouseover="{MARK}()" x="',
    "apostrophe": f"' autofocus onfocus='{MARK}()",
    "comment": f"--><script>{MARK}</script><!--",
    "cdata": f"]]><script>{MARK}</script>",
    "title": f"</title><script>{MARK}</script>",
    "style": f"</style><style>*{{background:url(//{MARK}.example/)}}</style>",
    "frame": f'<iframe src="//{MARK}.example"></iframe>',
    "base": f'<base href="https://{MARK}.example/">',
    "refresh": f'<meta http-equiv="refresh" content="0;url=//{MARK}.example">',
    "link": f"[{MARK}](javascript:{MARK}())",
    "address": f"javascript:{MARK}//",
    "entity": f"&lt;script&gt;{MARK}&lt;/script&gt;",
    "doctype": f'<!DOCTYPE x [<!ENTITY y SYSTEM "file:///{MARK}">]>&y;',
    "formula": f"=cmd|' /C {MARK}'!A0",
    "hyperlink": f'=HYPERLINK("http://{MARK}.example","{MARK}")',
    "plus": f"+{MARK}+1",
    "at": f"@SUM({MARK})",
    "remote": f"file://{MARK}.example/share",
    "template": f"{{{{ {MARK} }}}}{{% {MARK} %}}%({MARK})s{{0.{MARK}}}",
    "path": f"../../{MARK}/..\\{MARK}:*?[]",
    "control": f"{MARK}\x00\x08\x1f\ud800\ufffe{MARK}",
    "bidi": f"\u202e{MARK}\u2066\u200b{MARK}",
    "long": MARK * 400,
}
# What a client's or a consultant's text may become part of.
SINKS = (
    "client", "study", "heading", "title", "prose", "label", "value", "segment", "column", "claim", "short",
    "caveat", "figure title", "alt text", "parameter", "parameter name", "filter", "wave", "notebook",
    "setting", "reason", "stream",
)  # fmt: skip


def hostile(payload: str, *, language: str = "es") -> Volume:
    """Return a volume whose every text of others is `payload`."""
    labels = {
        "columns": dict.fromkeys((*examples.LABELS["columns"], "region", payload), payload),
        "values": {"region": dict.fromkeys(("RM", payload), payload), "peer_id": {"fc": payload}},
    }
    words = Words(language, labels)
    client = html.Client(name=payload, focal=payload, logo=payload, labels=labels)
    shown = [
        examples.shown(masked(examples.scores()), figures.draw_scores, words, 1),
        examples.shown(examples.importance(), figures.draw_importance, words, 2),
        {"output_type": "stream", "name": "stdout", "text": payload},
    ]
    notebook = examples.notebook(shown[:2], title=payload)
    answer = next(cell for cell in notebook.cells if cell.get("outputs"))
    answer.outputs.append(type(answer)(shown[2]))
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source += f"\n\n{payload}\n\n**{payload}**"
    for output in answer.outputs[:2]:
        output.data[RESULT] = _poisoned(output.data[RESULT], payload)
        output.data["text/html"] = html.result_html(
            output.data[RESULT], words, svg=output.data["image/svg+xml"]
        )
    made = Made(
        run="0a1b2c3d4e5f6a7b", notebook=payload, client=payload, parameters={payload: payload}, where=payload
    )
    cover = html.Cover(where=payload, wave=payload, data_date=date(2025, 11, 30), made=made)
    chapter = Chapter(
        entry="scorecard", run=made.run, notebook=notebook, language=language, client=client, cover=cover
    )
    chapters = (chapter, replace(chapter, entry="headed", heading=payload))
    return Volume(study="fibra", title=payload, client=client, language=language, chapters=chapters)


def _poisoned(bundle, payload):
    found = copy.deepcopy(bundle)
    main = found["tables"]["main"]
    keys = [main["columns"].index(key) for key in found["keys"] if key in main["columns"]]
    for row in main["rows"][:2]:
        for place in keys:
            row[place] = payload
    main["columns"] = [*main["columns"], payload]
    main["rows"] = [[*row, payload] for row in main["rows"]]
    found["settings"][payload] = payload
    found["n_dropped"] = {payload: 3}
    for claim in found["claims"]:
        claim |= {"sentence": payload, "short": payload, "caveat_texts": [payload]}
        claim["fields"] = {**claim["fields"], "label": payload}
    found["figure"] = {"title": payload, "alt": payload}
    return found


class _Seen(HTMLParser):
    """What a browser would make of a page: its elements, and the addresses in them."""

    LEADING = ("href", "src", "srcset", "action", "formaction", "xlink:href", "data", "poster", "background")

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.tags, self.handlers, self.addresses = set(), [], []

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.handlers += [name for name, _ in attributes if name.startswith("on")]
        self.addresses += [value or "" for name, value in attributes if name in self.LEADING]


def harm_in_html(page: str) -> list[str]:
    """Return what a page holds that it must not."""
    seen = _Seen()
    seen.feed(page)
    seen.close()
    forbidden = seen.tags & {"script", "iframe", "frame", "object", "embed", "base", "form", "link"}
    away = [a for a in seen.addresses if not re.match(r"#|data:image/|(?!//)[\w./-]+$", a)]
    styles = re.findall(r"<style[^>]*>(.*?)</style>", page, re.DOTALL)
    loaded = [s for s in re.findall(r"style=\"([^\"]*)\"", page) + styles if re.search(r"url\(|@import", s)]
    return [*sorted(forbidden), *seen.handlers, *away, *loaded]


def parts(packed: bytes) -> dict[str, bytes]:
    """Return every file in a .xlsx, .pptx or .zip, and in the workbooks that it embeds."""
    found = {}
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        for name in archive.namelist():
            found[name] = archive.read(name)
            if name.endswith(".xlsx"):
                found |= {f"{name}/{inner}": content for inner, content in parts(found[name]).items()}
    return found


def harm_in_office(packed: bytes) -> list[str]:
    """Return what an Office file holds that it must not: formulas, links from data, macros, remote parts."""
    harm = []
    for name, content in parts(packed).items():
        if name.endswith((".bin", ".vml")) or "macro" in name.lower() or ".." in name:
            harm.append(name)
        if not name.endswith((".xml", ".rels")):
            continue
        text = content.decode("utf-8")
        harm += [f"{name}: {tag}" for tag in re.findall(r"<(?:\w+:)?(?:f|ddeLink|oleObj\w*)[ >]", text)
                 if "/worksheets/" in name or "externalLink" in name]  # fmt: skip
        harm += [f"{name}: {each}" for each in re.findall(r'TargetMode="External"', text)]
        harm += [f"{name}: {each}" for each in re.findall(r"<!(?:DOCTYPE|ENTITY)", text)]
        harm += [f"{name}: control" for _ in re.findall(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", text)]
    return harm
