"""What each switch goes with: a square of differences to the journeys that do not switch."""

from __future__ import annotations

from matplotlib.axes import Axes

from cxlab.analysis.estimates import Result
from cxlab.reporting.figures import plate
from cxlab.reporting.figures.square import Cell, draw_square, found, names_of, steps_of
from cxlab.reporting.words import Words

CODES = ("journey.switch_clean", "journey.switch_left", "journey.switch", "journey.switch_none")


@plate.figure_of
def draw_hand_offs(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw how much lower, or higher, journeys with each switch are rated than those without any.

    Parameters
    ----------
    result : Result
        Of `journey.hand_offs`: ``bumps`` among its tables, with from, to, difference, p_adjusted, n, flag.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Axes
        A square of differences; a bold one stands after all were compared.
    """
    settings = result.settings
    step, score = words.label(settings.get("step", "")), words.metric(settings.get("score", ""), "the")
    neutral = words("figure.hand_offs.title", step=step, score=score)
    title = plate.title_of(result, words, CODES, neutral)
    bumps = result.tables["bumps"]
    if bumps.empty or not bumps["difference"].notna().any():
        return plate.nothing(result, words, title, ax)
    shown = bumps[bumps["difference"].notna()]
    steps = sorted(steps_of(shown), key=lambda name: names_of(result, [name], words))
    rows = {(row["from"], row["to"]): row for row in bumps.to_dict("records")}
    share = settings.get("unit") == "share"
    scale = 100.0 if share else 1.0
    largest = max(abs(float(d)) for d in bumps["difference"].dropna()) or 1.0
    alpha = 1 - float(settings.get("level", 0.95))
    worse_is_more = settings.get("unit") == "days"
    low, suppressed = plate.flags_of(bumps)

    def cell(i: int, j: int) -> Cell | None:
        row = rows.get((steps[i], steps[j]))
        if row is None:
            return None
        if not found(row, "difference"):
            return Cell(words("table.under_ten"))
        value = float(row["difference"])
        stands = found(row, "p_adjusted") and float(row["p_adjusted"]) <= alpha
        return Cell(
            words.signed(value * scale, 0 if share else 1 if worse_is_more else 2),
            words.number(row["n"], 0),
            token="better" if (value >= 0) != worse_is_more else "worse",
            strength=abs(value) / largest * (1.0 if stands else 0.25),
            bold=stands,
            hatched=row["flag"] == "low_base",
        )

    return draw_square(
        names_of(result, steps, words),
        cell,
        title=title,
        subtitle=words(
            f"figure.hand_offs.subtitle.{settings.get('per', 'journey')}",
            step=step,
            score=words.metric(settings.get("score", "")),
        ),
        foot=[
            words("figure.hand_offs.key"),
            *plate.foot_of(result, words, suppressed=suppressed, interval="figure.hand_offs.level"),
            words("figure.hand_offs.few") if len(steps) < len(steps_of(bumps)) else "",
            words("figure.foot.hatched") if low else "",
        ],
        ax=ax,
    )
