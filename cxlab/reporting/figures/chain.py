"""The chain from design to money: five stages in a row, and on each link the strongest claim there is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes

from cxlab.analysis.estimates import Claim, Result
from cxlab.reporting import cards, claims
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.figures.theme import SMALL, TEXT, TITLE
from cxlab.reporting.figures.type import wrapped
from cxlab.reporting.words import Words

STAGES = ("designed", "emitted", "perceived", "behaviour", "money")
FOUND = "found"
# A full line where something stands, dashed where it does not, dotted where nobody looked.
LINES: Mapping[str, tuple[Any, float]] = {
    "found": ("-", 2.2), "level": ((0, (4, 2)), 1.4), "nothing": ((0, (4, 2)), 1.4), "absent": (":", 1.2),
}  # fmt: skip
LINE, LINES_AT_MOST, TOP = 11.0, 7, 46.0
END = 0.35  # of a step, left free at both ends


@plate.figure_of
def draw_chain(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw the five stages and, on each link, the strongest claim that a report publishes.

    Parameters
    ----------
    result : Result
        Of `diagnosis.diagnose`: its table is the chain.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Axes
        A row of stages; over each link its number, under it its evidence and the claim.
    """
    links = result.table.to_dict("records")
    room = 0.94 * plate.room(ax) / (len(STAGES) - 1 + 2 * END)
    texts = [_under(link, room, words) for link in links]
    body = TOP + 16 + LINE * max(map(len, texts), default=1)
    sheet = plate.Sheet(
        title=title(result, words),
        subtitle=words("figure.chain.subtitle"),
        foot=[words("figure.chain.foot")],
        axis=0.0,
        body=body,
    )
    ax = plate.lay(sheet, ax)
    ax.set_xlim(-END, len(STAGES) - 1 + END)
    ax.set_ylim(body, 0)
    ax.set_axis_off()
    for k, stage in enumerate(STAGES):
        name = words.label("chain_link", stage)
        _write(ax, name[:1].upper() + name[1:], (k, TOP), size=TEXT, weight="bold", color=LIGHT["ink"])
    for k, (link, lines) in enumerate(zip(links, texts, strict=True)):
        _link(ax, link, k + 0.5, lines, words)
    return ax


def title(result: Result, words: Words) -> str:
    """Return how many links have a finding."""
    standing = result.table["standing"]
    found = int((standing == FOUND).sum())
    if (standing == "absent").all():
        return words("figure.chain.title.absent")
    if not found:
        return words("figure.chain.title")
    return words(
        "figure.chain.title.found", links=words.number(len(standing), 0), found=words.number(found, 0)
    )


def spoken(result: Result, words: Words) -> str:
    """Return what the figure says to someone who does not see it: each link and its claim."""
    said = [
        f"{words.label('chain_link', link['chain_link'])}: {_whole(link, words)}"
        for link in result.table.to_dict("records")
    ]
    return f"{title(result, words)}. {' '.join(said)}"


def _link(ax: Axes, link: Mapping[Any, Any], x: float, lines: list[tuple[str, bool]], words: Words) -> None:
    standing = str(link["standing"])
    style, thick = LINES[standing]
    colour = LIGHT["focal" if standing == FOUND else "context"]
    ax.annotate(
        "", xy=(x + 0.17, TOP), xytext=(x - 0.17, TOP),
        arrowprops={"arrowstyle": "-|>", "linestyle": style, "linewidth": thick, "color": colour,
                    "shrinkA": 0, "shrinkB": 0, "mutation_scale": 11},
    )  # fmt: skip
    claim = link["finding"]
    if isinstance(claim, Claim) and standing in (FOUND, "level"):
        number, unit = _number(claim, words)
        _write(ax, number, (x, TOP - 29), size=TITLE, weight="bold", color=colour)
        _write(ax, unit, (x, TOP - 15), size=SMALL, color=LIGHT["muted"])
    for k, (line, kind) in enumerate(lines):
        look = {"color": LIGHT["muted"], "style": "italic"} if kind else {"color": LIGHT["ink"]}
        _write(ax, line, (x, TOP + 19 + LINE * k), size=SMALL, **look)


def _under(link: Mapping[Any, Any], room: float, words: Words) -> list[tuple[str, bool]]:
    """Return what stands under a link: what kind of evidence it is, and the claim."""
    standing, claim = str(link["standing"]), link["finding"]
    kind = words(f"grade.{link['grade']}") if standing == FOUND else words.label("standing", standing)
    said = claims.short(claim, words) if isinstance(claim, Claim) else ""
    return [
        *((line, True) for line in wrapped(kind, room, SMALL, lines=2)),
        *((line, False) for line in wrapped(said, room, SMALL, lines=LINES_AT_MOST) if said),
    ]


def _number(claim: Claim, words: Words) -> tuple[str, str]:
    """Return a claim's number, and its unit where that is more than a sign behind it."""
    card = cards.card({"code": claim.code, "fields": claim.fields, "grade": claim.grade}, words)
    if claim.fields.get("unit") == "money":
        return f"{card.unit} {card.number}", ""
    sign = len(card.unit) < 3
    return f"{card.number}{card.unit if sign else ''}", "" if sign else card.unit


def _whole(link: Mapping[Any, Any], words: Words) -> str:
    claim = link["finding"]
    if isinstance(claim, Claim):
        return claims.sentence(claim, words)
    return words.label("standing", link["standing"]) + "."


def _write(ax: Axes, text: str, at: tuple[float, float], **style: Any) -> None:
    plate.write(ax, text, at, x="data", y="data", ha="center", va="center", **style)
