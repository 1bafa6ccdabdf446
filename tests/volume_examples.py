"""A small volume made without kernels: what tests of the deck, the annex, the PDF and the edits render."""

from __future__ import annotations

from datetime import date
from functools import cache

import nbformat
import reporting_examples as examples

from cxlab.analysis.estimates import masked
from cxlab.reporting import figures, html
from cxlab.reporting.made import Made
from cxlab.reporting.volume import Chapter, Volume
from cxlab.reporting.words import Words
from cxlab.runs.outputs import results_json
from cxlab.runs.publish import shelf

CLIENT = html.Client(name="Fibra Cordillera S.A.", focal="#0B6E4F", labels=examples.LABELS)


@cache
def volume(language: str = "es") -> Volume:
    """Scores by region (one of them suppressed) with retention, and what drives satisfaction."""
    words = Words(language, examples.LABELS)
    scored = [
        examples.shown(masked(examples.scores()), figures.draw_scores, words, 1),
        examples.shown(masked(examples.retention(3)), figures.draw_retention, words, 2),
    ]
    driven = [examples.shown(examples.importance(), figures.draw_importance, words, 1)]
    chapters = (
        chapter("scorecard", examples.notebook(scored), language),
        chapter("drivers", examples.notebook(driven, title="¿Qué pesa más?"), language),
    )
    title = "Diagnóstico de experiencia" if language == "es" else "Experience diagnosis"
    return Volume(study="fibra", title=title, client=CLIENT, language=language, chapters=chapters)


def publish(
    root, language: str = "es", *, study: str = "fibra", chapters=None, client: str = CLIENT.name
) -> None:
    """Publish the small volume's chapters, or others, in a workbench, as runs of a study without a file."""
    for folder in ("notebooks", "data"):
        (root / folder).mkdir(exist_ok=True)
    with shelf(root, study) as opened:
        for each in chapters or volume(language).chapters:
            made = each.cover.made
            said = {
                "entry": each.entry, "study": study, "language": language, "client": client,
                "notebook": made.notebook, "parameters": {"where": each.cover.where, "wave": each.cover.wave},
                "fingerprint": {"id": f"{each.entry}-{language}"}, "versions": {},
            }  # fmt: skip
            files = {
                "report.html": each.page().encode(),
                "notebook.ipynb": nbformat.writes(each.notebook).encode(),
                "results.json": results_json(
                    each.notebook,
                    entry=each.entry,
                    name="",
                    client=CLIENT.name,
                    language=language,
                    parameters={},
                ),
            }
            run = opened.publish(each.entry, said["fingerprint"]["id"], files, said)
            opened.show(each.entry, run, files["report.html"])


def chapter(entry, notebook, language="es", **given) -> Chapter:
    """One chapter of an executed notebook."""
    cover = html.Cover(
        where="region != 'RM'",
        wave="2025-T4",
        data_date=date(2025, 11, 30),
        made=Made(run="0a1b2c3d4e5f6a7b", notebook=f"{entry}.ipynb", client=CLIENT.name, seed=7),
    )
    known = {"entry": entry, "run": cover.made.run, "client": CLIENT, "cover": cover}
    return Chapter(notebook=notebook, language=language, **{**known, **given})
