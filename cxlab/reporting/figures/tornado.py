"""What moves an improvement's net value: each term low and high, the one that moves it most first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import improved, plate
from cxlab.reporting.words import Words

HALF = 6.5
KINDS = {"margin": "money", "cost": "money", "horizon": "months", "hazard_ratio": "ratio"}


@plate.figure_of
def draw_tornado(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw the net present value with one term at a time low and high.

    Parameters
    ----------
    result : Result
        Of `economics.improvement`: among its tables tornado (parameter, low, high, npv_low, npv_high, swing).
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure as high as its rows need.

    Returns
    -------
    Axes
        Bars from the value as counted; the end of the low term is open, that of the high one filled.
    """
    table = result.tables["tornado"]
    if table.empty:
        return plate.nothing(result, words, words("figure.tornado.title.plain"), ax)
    rows = table.to_dict("records")
    ax, places = plate.row_sheet(
        [words.label("parameter", row["parameter"]) for row in rows],
        [
            plate.Column([told(row, "low", words) for row in rows], words("figure.tornado.low"), quiet=True),
            plate.Column(
                [told(row, "high", words) for row in rows], words("figure.tornado.high"), quiet=True
            ),
        ],
        title=_title(result, words),
        subtitle=words("figure.tornado.subtitle", money=improved.of_money(result, words)),
        foot=[*improved.foot(result, words), words("figure.tornado.foot")],
        ax=ax,
    )
    net, shade = improved.quantity(result, "npv"), LIGHT["focal" if improved.stands(result) else "context"]
    for row, place in zip(rows, places, strict=True):
        for end, fill in (("low", LIGHT["paper"]), ("high", shade)):
            reach = float(row[f"npv_{end}"]) - net
            ax.barh(place.y, reach, 2 * HALF, left=net, facecolor=fill, edgecolor=shade, zorder=2)
    values = [v for row in rows for v in (row["npv_low"], row["npv_high"])]
    ax.set_xlim(*plate.limits([*values, net, 0.0]))
    ax.set_ylim(plate.height_of(places), 0)
    plate.value_axis(ax, words)
    ax.axvline(net, color=LIGHT["ink"], linewidth=1.0, zorder=3)
    ax.axvline(0, color=LIGHT["muted"], linewidth=1.0, linestyle=(0, (2, 2)), zorder=1)
    _heads(ax, net, words)
    return ax


def _heads(ax: Axes, net: float, words: Words) -> None:
    """Name the value as counted, and zero where there is room for it beside."""
    left, right = ax.get_xlim()
    text = words("figure.tornado.net", net=words.amount(net, "money"))
    ha = "left" if (net - left) / (right - left) < 0.5 else "right"
    plate.note(ax, text, (net, 1), (0, 3), x="data", ha=ha)


def told(row: Mapping[Any, Any], end: str, words: Words) -> str:
    """Return one end of a term, in its unit."""
    name = str(row["parameter"])
    if name in KINDS:
        return words.amount(row[end], KINDS[name])
    return words.percent(row[end], 0)


def _title(result: Result, words: Words) -> str:
    if not improved.stands(result):
        return words("figure.tornado.title.plain")
    first = result.tables["tornado"].iloc[0]
    ends = sorted(float(first[f"npv_{end}"]) for end in ("low", "high"))
    name = words.label("parameter", first["parameter"])
    texts = {"low": words.amount(ends[0], "money"), "high": words.amount(ends[1], "money")}
    return words("figure.tornado.title", parameter=name[0].lower() + name[1:], **texts)


def spoken(result: Result, words: Words) -> str:
    """Return the figure's numbers in words: each term and the net values at its two ends."""
    rows = [
        words(
            "figure.tornado.alt",
            parameter=words.label("parameter", row["parameter"]),
            low=told(row, "low", words),
            high=told(row, "high", words),
            net_low=words.amount(row["npv_low"], "money"),
            net_high=words.amount(row["npv_high"], "money"),
        )
        for row in result.tables["tornado"].to_dict("records")
    ]
    return f"{_title(result, words)}. {'; '.join(rows)}."
