"""Compliance: how often each standard is met, with its interval; what is critical has its own mark."""

from __future__ import annotations

from matplotlib.axes import Axes

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.words import Words, absent

CODES = ("emitted.least_met", "emitted.score")


@plate.figure_of
def draw_compliance(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw the share of checks in which each standard was met.

    Parameters
    ----------
    result : Result
        Of `emitted.compliance`: table with standard_id, critical, estimate, conf_low, conf_high, n, flag.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure as high as its rows need.

    Returns
    -------
    Axes
        A dot on its interval for each standard, most met first; a diamond, and a word, where it is critical.
    """
    table = result.table.head(plate.ROWS)
    title = plate.title_of(result, words, CODES, words("figure.compliance.title"))
    if not table["estimate"].notna().any():
        return plate.nothing(result, words, title, ax)
    critical = [bool(x) and not absent(x) for x in table["critical"]]
    names = [words.label("standard_id", name) for name in table["standard_id"]]
    low_base, suppressed = plate.flags_of(table)
    shares = ["" if absent(x) else words.amount(x, "percent", digits=0) for x in table["estimate"]]
    ax, rows = plate.row_sheet(
        [
            words("figure.compliance.critical", standard=name) if own else name
            for name, own in zip(names, critical, strict=True)
        ],
        [plate.Column(shares), plate.bases(table, words)],
        title=title,
        subtitle=words("figure.compliance.subtitle"),
        foot=plate.foot_of(
            result, words, low_base=low_base, suppressed=suppressed, undrawn=len(result.table) - len(table)
        ),
        ax=ax,
    )
    low, high, share = (table[c].astype(float) for c in ("conf_low", "conf_high", "estimate"))
    y = [row.y for row in rows]
    ax.hlines(y, low, high, colors=LIGHT["focal"], linewidth=2.0, zorder=2)
    for own, marker in ((False, "o"), (True, "D")):
        kept = [x if mine is own else None for x, mine in zip(share, critical, strict=True)]
        hollow = plate.hollows(table)
        plate.dots(ax, kept, y, [LIGHT["focal"]] * len(y), hollow=hollow, marker=marker, size=44)
    ax.set_xlim(min(50.0, float(low.min()) - 2), 101)
    plate.value_axis(ax, words)
    score = plate.claim_of(result, ("emitted.score",))
    if score is not None:
        at = float(score.fields["estimate"])
        ax.axvline(at, color=LIGHT["muted"], linewidth=1.0, linestyle=(0, (3, 2)), zorder=1)
        said = words("figure.compliance.all", amount=words.amount(at, "percent", digits=0))
        plate.note(ax, said, (at, 1), (-3, 3), x="data", ha="right")
    return ax
