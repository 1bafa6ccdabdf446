"""Managers beside customers: a line for each driver, from the place that managers give to the one it has."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.figures.importance import places
from cxlab.reporting.figures.type import wrapped
from cxlab.reporting.words import Words

CODES = ("drivers.mirror_gap", "drivers.mirror_inside", "drivers.mirror_order", "drivers.mirror_few")
MOST = 150.0  # points for a label
NUMBER = 34.0  # points between a label and the end of its line: its place stands there


@plate.figure_of
def draw_mirror(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw the managers' order at the left, the customers' at the right, and a line for each driver.

    Parameters
    ----------
    result : Result
        Of `drivers.mirror`: table with driver, share, rank_low, rank_high, managers, managers_mean, verdict.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure as high as its rows need.

    Returns
    -------
    Axes
        One row for each place; a thick line where managers stand outside the places that customers allow,
        blue for those that the claims name.
    """
    title = plate.title_of(result, words, CODES, words("figure.mirror.title"))
    if not result.table["share"].notna().any():
        return plate.nothing(result, words, title, ax)
    customers = result.table.sort_values("share", ascending=False, kind="stable").head(plate.ROWS)
    managers = customers.sort_values(["managers_mean", "share"], ascending=[True, False], kind="stable")
    low_base, suppressed = plate.flags_of(customers)
    labels = [words.covariate(driver) for driver in customers["driver"]]
    room = plate.label_room(labels, MOST)
    lines = max(len(wrapped(label, room)) for label in labels)
    step = plate.LEADING * lines + 9
    body = step * len(customers)
    sheet = plate.Sheet(
        title=title,
        subtitle=words(
            "figure.mirror.subtitle",
            managers=words.number(customers["managers"].iloc[0], 0),
            outcome=words.metric(result.settings.get("outcome", "")),
        ),
        foot=plate.foot_of(
            result, words, low_base=low_base, suppressed=suppressed, interval="figure.foot.simultaneous",
            undrawn=len(result.table) - len(customers),
        ),
        left=room + NUMBER, right=room + NUMBER + 4, above=18, axis=4, body=body,
    )  # fmt: skip
    ax = plate.lay(sheet, ax)
    ax.set_xlim(0, 1)
    ax.set_ylim(body, 0)
    ax.set_axis_off()
    y = {driver: step * (k + 0.5) for k, driver in enumerate(managers["driver"])}
    named = {c.fields["driver"] for c in result.claims if c.code == "drivers.mirror_gap"}
    _lines(ax, customers, y, step, named)
    _ends(ax, managers, customers, step, room, words)
    plate.note(ax, words("figure.mirror.managers"), (0, 1), (-6, 3), ha="right")
    plate.note(ax, words("figure.mirror.customers"), (1, 1), (6, 3))
    return ax


def _lines(ax: Axes, customers: pd.DataFrame, y: dict[str, float], step: float, named: set[str]) -> None:
    for k, row in enumerate(customers.to_dict("records")):
        said = row["driver"] in named
        ax.plot(
            [0, 1],
            [y[row["driver"]], step * (k + 0.5)],
            color=LIGHT["focal" if said else "context"],
            clip_on=False,
            linewidth=2.6 if row["verdict"] in ("above", "below") else 1.2,
            marker="o",
            markersize=6,
            zorder=3 if said else 2,
        )


def _ends(
    ax: Axes, managers: pd.DataFrame, customers: pd.DataFrame, step: float, room: float, words: Words
) -> None:
    """Write each driver and its place at both ends of its line."""
    means = [words.number(mean, 1) for mean in managers["managers_mean"]]
    pairs = zip(customers["rank_low"], customers["rank_high"], customers["rank"], strict=True)
    allowed = [places(low, high, words) or words.number(rank, 0) for low, high, rank in pairs]
    for table, texts, x, side, ha in (
        (managers, means, 0, -1, "right"), (customers, allowed, 1, 1, "left"),
    ):  # fmt: skip
        for k, (row, text) in enumerate(zip(table.to_dict("records"), texts, strict=True)):
            outside = row["verdict"] in ("above", "below")
            colour = LIGHT["ink" if outside else "muted"]
            at, label = (x, step * (k + 0.5)), wrapped(words.covariate(row["driver"]), room)
            plate.write(ax, text, at, (8 * side, 0), y="data", ha=ha, va="center", color=colour)
            for j, line in enumerate(label):
                up = (len(label) - 1) / 2 * plate.LEADING - j * plate.LEADING
                offset = (NUMBER * side, up)
                plate.write(ax, line, at, offset, y="data", ha=ha, va="center", color=colour)
