"""Figures of staying and leaving by their artists: months, reasons, cohorts, means and bonds."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.patches import Rectangle

from cxlab.analysis import survival
from cxlab.analysis.estimates import masked
from cxlab.reporting import figures
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.words import Words

LABELS = {"columns": {"promo": {"es": "Promoción", "en": "Promotion"}}, "values": {"promo": {"1": "Con"}}}
ES, EN = Words("es", LABELS), Words("en", LABELS)


def customers(n=4000):
    rng = np.random.default_rng(3)
    promo, joined = rng.integers(0, 2, n), rng.integers(0, 24, n)
    risk = np.full((n, 30), 0.03)
    risk[promo == 1, 12:14] *= 4
    leaves = rng.random((n, 30)) < risk
    left = np.where(leaves.any(axis=1), leaves.argmax(axis=1) + 1, 99)
    seen = 30 - joined
    gone = left <= seen
    why = rng.choice(["voluntary", "involuntary", "migration", "death"], n, p=[0.6, 0.3, 0.07, 0.03])
    return pd.DataFrame({
        "months": np.minimum(left, seen), "left": gone.astype(int), "promo": promo,
        "end_type": np.where(gone, why, None), "plan": np.where(np.arange(n) % 3, "solo", "con televisión"),
        "start_date": pd.Timestamp("2022-01-15") + pd.to_timedelta(joined * 30.5, unit="D"),
        "ends": np.where(promo == 1, 12.0, np.nan), "survey_tenure": 3.0, "lock_in_end_months": 12.0 * promo,
        "effectiveness": rng.integers(1, 8, n), "ease": 6, "pleasantness": 6,
    })  # fmt: skip


TABLE = customers()
ASKED = (TABLE, "months", "left")


def texts(ax):
    found = [t.get_text() for t in ax.texts]
    return [*found, *(t.get_text() for child in ax.child_axes for t in child.texts)]


def test_the_months_that_stand_out_have_their_colour_and_their_ratio():
    result = survival.hazard_shape(*ASKED, by=["promo"], marks=["ends"])
    first = figures.draw_hazard_shape(masked(result), words=ES)
    panels = first.get_figure().axes[0].child_axes
    assert len(panels) == 2
    dots = panels[1].collections[-1]
    colours = ["#" + "".join(f"{round(c * 255):02x}" for c in edge[:3]) for edge in dots.get_edgecolors()]
    apart = [
        int(x) for (x, _), colour in zip(dots.get_offsets(), colours, strict=True) if colour == LIGHT["worse"]
    ]
    assert apart == [13, 14]
    ratio = result.tables["months"]["ratio"].iloc[0]
    assert f"×{ES.number(ratio, 1)}" in texts(panels[1])
    assert {line.get_xdata()[0] for line in panels[1].lines} == {12.5}
    assert panels[0].get_ylim() == panels[1].get_ylim()
    assert first.get_label().startswith("Entre «Con», en los meses 13 a 14")


def test_one_group_is_one_body_and_small_bases_are_not_drawn():
    result = survival.hazard_shape(TABLE.head(300), "months", "left")
    ax = figures.draw_hazard_shape(masked(result), words=EN)
    assert not ax.child_axes
    drawn = ax.collections[-1].get_offsets()[:, 0]
    assert set(drawn) == set(result.table.loc[result.table["flag"] != "suppressed", "time"])


def test_reasons_are_stacked_the_commonest_first_and_named_at_their_ends():
    result = survival.incidence(*ASKED, cause="end_type", horizons=[12])
    ax = figures.draw_incidence(masked(result), words=EN)
    areas = [c for c in ax.collections if isinstance(c, PolyCollection)]
    assert len(areas) == 4
    shown = masked(result).table.dropna(subset="estimate")
    last = shown.groupby("cause")["estimate"].last().sort_values(ascending=False)
    tops = [float(area.get_paths()[0].vertices[:, 1].max()) for area in areas]
    assert tops == pytest.approx(last.cumsum().tolist(), rel=1e-9)
    said = texts(ax)
    order = [said.index(name) for name in ("Voluntary", "Non-payment", "Moving away", "Still here")]
    assert order == sorted(order)
    assert EN.percent(1 - last.sum(), 1) in said
    by = figures.draw_incidence(masked(survival.incidence(*ASKED, cause="end_type", by=["plan"])), words=ES)
    assert len(by.get_figure().axes[0].child_axes) == 2


def test_the_triangle_has_the_value_in_each_cell_that_is_seen():
    result = survival.cohorts(*ASKED, ages=[6, 12, 24])
    ax = figures.draw_cohorts(masked(result), words=ES)
    seen = result.table.dropna(subset="estimate")
    cells = [p for p in ax.patches if isinstance(p, Rectangle) and p.get_alpha()]
    assert len(cells) == len(masked(result).table.dropna(subset="estimate"))
    said = texts(ax)
    for value in seen["estimate"]:
        assert ES.number(100 * value, 0) in said
    assert "T1 2022" in said
    shades = {(round(p.get_x()), round(p.get_y())): p.get_alpha() for p in cells}
    first = min(y for _, y in shades)
    assert shades[(0, first)] > shades[(1, first)] > shades[(2, first)]


def test_differences_of_means_are_turned_to_the_longer_stay():
    result = survival.restricted_mean(*ASKED, horizon=24, by=["promo"])
    ax = figures.draw_restricted_mean(masked(result), words=ES)
    dot = ax.collections[-1].get_offsets()[0]
    assert dot[0] == pytest.approx(abs(result.differences["difference"].iloc[0]))
    assert dot[0] > 0
    assert any("frente a" in text for text in texts(ax))
    alone = figures.draw_restricted_mean(masked(survival.restricted_mean(*ASKED, horizon=24)), words=ES)
    assert alone.collections[-1].get_offsets()[0][0] == pytest.approx(
        survival.restricted_mean(*ASKED, horizon=24).table["estimate"].iloc[0]
    )


def test_bonds_fill_the_bar():
    result = survival.bonds(TABLE, by=["promo"])
    ax = figures.draw_bonds(masked(result), words=EN)
    bars = [p for p in ax.patches if isinstance(p, Rectangle)]
    rows = {}
    for bar in bars:
        rows.setdefault(round(bar.get_y()), []).append(bar.get_width())
    assert [sum(widths) for widths in rows.values()] == pytest.approx([1, 1])
    hostage = result.table[result.table["bond"] == "hostage"]["estimate"].max()
    assert next(iter(rows.values()))[0] == pytest.approx(hostage)  # the most discontent group first


def test_a_clock_that_starts_anew_names_its_axis():
    result = survival.retention(*ASKED, since="lock_in_end_months", horizons=[6])
    ax = figures.draw_retention(masked(result), words=EN)
    assert "Months since: End of the agreed term" in texts(ax)
    assert "6 months after “End of the agreed term”" in ax.get_label()


@pytest.mark.parametrize("words", [ES, EN])
def test_every_figure_says_what_it_shows(words):
    results = [
        (figures.draw_hazard_shape, survival.hazard_shape(*ASKED)),
        (figures.draw_incidence, survival.incidence(*ASKED, cause="end_type")),
        (figures.draw_cohorts, survival.cohorts(*ASKED)),
        (figures.draw_restricted_mean, survival.restricted_mean(*ASKED, horizon=12, by=["plan"])),
        (figures.draw_bonds, survival.bonds(TABLE, by=["plan"])),
    ]
    for draw, result in results:
        shown = masked(result)
        assert figures.svg(draw(shown, words=words)) == figures.svg(draw(shown, words=words))
        said = figures.alt(shown, words)
        assert len(said) > 40
        assert "nan" not in said
        hidden = replace(
            shown, table=shown.table.assign(**{shown.estimate_column: np.nan}), claims=(), tables={}
        )
        assert draw(hidden, words=words).texts


def test_a_box_beside_others_holds_each():
    from matplotlib.figure import Figure

    for draw, result in (
        (figures.draw_incidence, survival.incidence(*ASKED, cause="end_type")),
        (figures.draw_cohorts, survival.cohorts(*ASKED)),
    ):
        whole = Figure(figsize=(9, 6))
        ax = whole.add_axes((0.1, 0.1, 0.8, 0.8))
        assert draw(masked(result), words=EN, ax=ax) is ax
