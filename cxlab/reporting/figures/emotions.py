"""Emotions aimed at and felt: touchpoints by emotions, the one aimed at framed."""

from __future__ import annotations

from matplotlib.axes import Axes

from cxlab.analysis.estimates import Result
from cxlab.reporting.figures import plate
from cxlab.reporting.figures.square import Cell, draw_square
from cxlab.reporting.words import Words, absent

CODES = ("journey.emotion", "journey.emotion_chance")


@plate.figure_of
def draw_emotions(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw which emotions customers name at each touchpoint.

    Parameters
    ----------
    result : Result
        Of `journey.emotions`: table by touchpoint with the emotion aimed at; ``felt`` among its tables.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Axes
        A map: share of each line; the emotion aimed at is framed, bold where it is named otherwise than
        elsewhere, beyond noise.
    """
    table, felt = result.table, result.tables["felt"]
    title = plate.title_of(result, words, CODES, words("figure.emotions.title"))
    shown = felt[felt["felt"].notna()]
    if shown.empty:
        return plate.nothing(result, words, title, ax)
    alpha = 1 - float(result.settings.get("level", 0.95))
    lines = [row for row in table.to_dict("records") if row["touchpoint_id"] in set(felt["touchpoint_id"])]
    emotions = list(dict.fromkeys(felt["emotion"]))
    cells = {
        (r["touchpoint_id"], r["target_emotion"], r["emotion"]): r["felt"] for r in felt.to_dict("records")
    }
    low, suppressed = plate.flags_of(felt)

    def cell(i: int, j: int) -> Cell | None:
        row = lines[i]
        value = cells.get((row["touchpoint_id"], row["target_emotion"], emotions[j]))
        aimed = emotions[j] == row["target_emotion"]
        if absent(value):
            return Cell(words("table.under_ten"), framed=aimed)
        stands = aimed and not absent(row["p_adjusted"]) and row["p_adjusted"] <= alpha
        return Cell(
            words.percent(value, 0), token="focal", strength=float(value or 0.0), bold=stands, framed=aimed,
            hatched=row["flag"] == "low_base",
        )  # fmt: skip

    return draw_square(
        [words.label("touchpoint_id", row["touchpoint_id"]) for row in lines],
        cell,
        title=title,
        subtitle=words("figure.emotions.subtitle"),
        foot=[
            words("figure.emotions.key"),
            *plate.foot_of(result, words, suppressed=suppressed),
            words("figure.foot.hatched") if low else "",
        ],
        right=[plate.bases(table[table["touchpoint_id"].isin(felt["touchpoint_id"])], words)],
        across=[words.label("target_emotion", name) for name in emotions],
        ax=ax,
    )
