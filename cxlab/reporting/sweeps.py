"""What became of the points of a sweep, said above what is made of them."""

from __future__ import annotations

import pandas as pd

from cxlab.reporting import html
from cxlab.reporting.claims_sensitivity import option
from cxlab.reporting.words import Words


def quantity(points: pd.DataFrame, words: Words) -> str:
    """Return what a number of a sweep is, in the reader's words: its measure, and the row it stands in."""
    row = points.attrs["keys"].items()
    named = [_label(words, key, value) for key, value in row]
    return ": ".join(
        filter(None, [words.term(points.attrs["measure"]), words.listed(named) if named else ""])
    )


def sweep_html(points: pd.DataFrame, words: Words, *, study: str, sweep: str) -> str:
    """Return how many points have the number, how many do not and why, and whether they were run together."""
    status = points["status"].mask((points["status"] == "done") & points["estimate"].isna(), "absent")
    counts = {name: words.number(int((status == name).sum()), 0) for name in ("done", *_WITHOUT)}
    fields = {"points": words.number(len(points), 0), "study": study, "sweep": sweep, **counts}
    said = [html.note_html("sweep.read", words, **fields)]
    said += [
        html.note_html(f"sweep.{name}", words, count=counts[name])
        for name in _WITHOUT
        if (status == name).any()
    ]
    why = points.loc[status == "failed", "message"].tolist()
    for message in dict.fromkeys(why):
        count = words.number(why.count(message), 0)
        said.append(html.note_html("sweep.why", words, count=count, why=words.message(message)))
    if points.attrs["mixed"]:
        said.append(html.note_html("sweep.mixed", words, parts=words.listed(points.attrs["mixed"])))
    return "\n".join(said)


_WITHOUT = ("failed", "suppressed", "absent", "unpublished")


def _label(words: Words, key: str, value: object) -> str:
    """Return the label of a row's key: as a category of its column, else as a column of the client's."""
    said = option(key, value, words)
    return words.label(value) if said == str(value) else said
