"""Figures of the economics: the house's rules for every figure, and what each one's marks say."""

from collections.abc import Callable

import economics_examples as examples
import matplotlib
import numpy as np
import pytest
import test_reporting_figures as house
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection

from cxlab.analysis.disclosure import Released
from cxlab.analysis.estimates import Result
from cxlab.notebook import Paper
from cxlab.reporting import RESULT, figures
from cxlab.reporting.colours import LIGHT

ES, EN = house.ES, house.EN
CASES: dict[str, tuple[Callable[..., Axes], Callable[[], Result]]] = {
    "bridge": (figures.draw_bridge, examples.improvement),
    "bridge open": (figures.draw_bridge, lambda: examples.improvement(standing=False)),
    "bridge of a loss": (figures.draw_bridge, lambda: examples.improvement(pays=False)),
    "returns": (figures.draw_returns, examples.improvement),
    "returns open": (figures.draw_returns, lambda: examples.improvement(standing=False)),
    "returns of a loss": (figures.draw_returns, lambda: examples.improvement(pays=False)),
    "causal share": (figures.draw_causal_share, examples.improvement),
    "causal share open": (figures.draw_causal_share, lambda: examples.improvement(standing=False)),
    "causal share of a loss": (figures.draw_causal_share, lambda: examples.improvement(pays=False)),
    "payback": (figures.draw_payback, examples.improvement),
    "payback open": (figures.draw_payback, lambda: examples.improvement(standing=False)),
    "payback of a loss": (figures.draw_payback, lambda: examples.improvement(pays=False)),
    "tornado": (figures.draw_tornado, examples.improvement),
    "tornado open": (figures.draw_tornado, lambda: examples.improvement(standing=False)),
    "tornado of a loss": (figures.draw_tornado, lambda: examples.improvement(pays=False)),
    "behaviours": (figures.draw_behaviours, examples.behaviours),
    "value bridge": (figures.draw_value_bridge, examples.behaviours),
    "doses": (figures.draw_doses, examples.behaviours),
    "lags": (figures.draw_lags, examples.behaviours),
    "referrers": (figures.draw_referrers, examples.behaviours),
    "behaviours open": (figures.draw_behaviours, lambda: examples.behaviours(standing=False)),
    "value bridge open": (figures.draw_value_bridge, lambda: examples.behaviours(standing=False)),
    "lifetime values": (figures.draw_lifetime_values, examples.lifetime_values),
    "lifetime values alike": (figures.draw_lifetime_values, lambda: examples.lifetime_values(standing=False)),
}


@pytest.mark.parametrize("case", CASES)
def test_each_figure_keeps_the_rules_of_the_house(case, monkeypatch):
    monkeypatch.setattr(house, "CASES", CASES)
    for words in (ES, EN):
        house.test_no_text_leaves_the_figure_or_lies_on_another(case, words)
    house.test_a_figure_is_the_same_bytes_real_text_and_nothing_foreign(case)
    house.test_results_are_not_changed_and_no_figure_stays_open(case)
    house.test_a_given_place_is_kept(case)
    house.test_titles_say_the_finding_and_feet_say_base_and_level(case)


def test_a_bridge_takes_the_cost_from_the_gain():
    result = examples.improvement()
    axes = figures.draw_bridge(result, words=EN)
    bars = [end for bar in axes.patches for end in (bar.get_x(), bar.get_width())]
    assert bars == pytest.approx([0, 1.26 * 1590, 1.26 * 1590, -1200, 0, 1.26 * 1590 - 1200])
    spans = [
        s[:, 0].tolist() for c in axes.collections if isinstance(c, LineCollection) for s in c.get_segments()
    ]
    net = result.table.set_index("quantity").loc["npv"]
    assert [net["conf_low"], net["conf_high"]] in spans
    said = " ".join(house.written(axes))
    assert "1,590 customers" in said
    assert "0.956 (0.947 to 0.965)" in said


def test_the_break_even_share_is_marked_with_its_interval_and_only_where_it_stands():
    def marks(**how):
        axes = figures.draw_causal_share(examples.improvement(**how), words=EN)
        return [
            line.get_xdata()[0] for line in axes.lines if {*line.get_xdata()} == {line.get_xdata()[0]}
        ], axes

    found, axes = marks()
    assert found == [0.6]
    (span,) = axes.patches
    assert (span.get_x(), span.get_x() + span.get_width()) == pytest.approx((0.48, 0.77))
    assert figures.title(axes) == "It pays if at least 60% of the association is causal"
    found, axes = marks(pays=False)
    assert found == []
    assert figures.title(axes) == "It does not pay even if all of the association is causal"
    found, axes = marks(standing=False)
    assert found == []
    assert "noise" in figures.title(axes)


def test_a_payback_supposes_a_cause_unless_an_experiment_showed_it():
    titles = [
        figures.title(figures.draw_payback(examples.improvement(**how), words=EN))
        for how in ({}, {"measured": True}, {"pays": False}, {"standing": False})
    ]
    assert titles == [
        "If the association is causal, the cost is recovered in month 17",
        "The cost is recovered in month 17",
        "The cost is not recovered within 24 months, even if the association is causal",
        "What would come in cannot be told from noise",
    ]


def test_returns_below_zero_are_hatched_and_all_resamples_are_no_certainty():
    result = examples.improvement()
    axes = figures.draw_returns(result, words=EN)
    result.tables["returns"][["from", "to"]] -= 0.5
    mixed = figures.draw_returns(result, words=EN)
    assert not any(bar.get_hatch() for bar in axes.patches)
    lost = [bar for bar in mixed.patches if bar.get_hatch()]
    assert lost
    assert all(bar.get_x() + bar.get_width() <= 1e-9 for bar in lost)
    assert all(bar.get_x() >= -1e-9 for bar in mixed.patches if not bar.get_hatch())
    assert "more than 99%" in figures.title(axes)


def test_a_tornado_has_its_widest_term_first_and_tells_low_from_high_by_shape():
    result = examples.improvement()
    axes = figures.draw_tornado(result, words=EN)
    net = float(result.table.set_index("quantity").loc["npv", "estimate"])
    ends = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in axes.patches]
    wanted = result.tables["tornado"][["npv_low", "npv_high"]].to_numpy().ravel()
    assert [end for _, end in ends] == pytest.approx(list(wanted))
    assert {start for start, _ in ends} == {net}
    fills = [matplotlib.colors.to_hex(bar.get_facecolor()) for bar in axes.patches]
    assert fills[:2] == [LIGHT["paper"], LIGHT["focal"]]
    assert "horizon, between" in figures.title(axes)


@pytest.mark.parametrize("name", ["bridge", "returns", "causal_share", "payback", "tornado"])
def test_figures_of_an_improvement_say_their_own_numbers(name):
    draw = getattr(figures, f"draw_{name}")
    said = figures.alt(examples.improvement(), EN, draw)
    assert figures.title(draw(examples.improvement(), words=EN)) in said.rstrip(".")
    assert said != figures.alt(examples.improvement(), EN)


def edges(axes):
    cloud = next(c for c in axes.collections if isinstance(c, PathCollection))
    return [matplotlib.colors.to_hex(c) for c in cloud.get_edgecolors()]


def test_behaviours_share_one_logarithmic_axis_and_chance_is_grey():
    result = examples.behaviours()
    axes = figures.draw_behaviours(result, words=EN)
    assert axes.get_xscale() == "log"
    assert house.dots(axes)[:, 0] == pytest.approx(result.table["estimate"].to_numpy())
    assert edges(axes) == [LIGHT["focal"], LIGHT["focal"], LIGHT["context"], LIGHT["focal"]]
    low, high = axes.get_xlim()
    assert low < 1 < high < 1.2  # small ratios are not squeezed
    assert set(edges(figures.draw_behaviours(examples.behaviours(standing=False), words=EN))) == {
        LIGHT["context"]
    }
    spoken = figures.alt(result, EN, figures.draw_behaviours)
    assert "1.00 (0.98–1.02)" in spoken


def test_a_value_bridge_ends_with_the_sum_of_its_steps():
    result = examples.behaviours()
    axes = figures.draw_value_bridge(result, words=EN)
    money = result.tables["bridge"]["estimate"].to_numpy()
    starts = [bar.get_x() for bar in axes.patches]
    assert starts == pytest.approx([0.0, *np.cumsum(money[:3]), 0.0])
    assert [bar.get_width() for bar in axes.patches] == pytest.approx(money.tolist())
    colours = [matplotlib.colors.to_hex(bar.get_facecolor()) for bar in axes.patches]
    assert colours[2] == LIGHT["context"]
    assert colours[0] == colours[4] == LIGHT["focal"]
    assert figures.title(axes).endswith("kCLP 0.98 per customer and year, if causal")
    still = figures.draw_value_bridge(examples.behaviours(standing=False), words=EN)
    assert figures.title(still) == "From experience to money, through each behaviour"


@pytest.mark.parametrize(("name", "table"), [("doses", "doses"), ("lags", "lags")])
def test_dose_and_lag_curves_have_a_panel_for_each_behaviour(name, table):
    result = examples.behaviours()
    axes = getattr(figures, f"draw_{name}")(result, words=EN)
    panels = axes.child_axes
    assert len(panels) == 4
    known = result.tables[table].dropna(subset=["estimate"])
    drawn = np.concatenate([house.dots(panel)[:, 1] for panel in panels])
    assert drawn == pytest.approx(known["estimate"].to_numpy())
    if name == "lags":
        assert {panel.get_yscale() for panel in panels} == {"log"}
        assert len({panel.get_ylim() for panel in panels}) == 1
        assert panels[0].get_ylim()[1] < 2.1  # one wide interval does not flatten the others
    else:
        assert all(panel.get_ylim()[0] == 0 for panel in panels)
        assert any("Departures" in text for text in house.written(axes))


def test_promoters_stand_out_among_referrers_on_an_axis_from_zero():
    axes = figures.draw_referrers(examples.behaviours(), words=EN)
    assert axes.get_xlim()[0] == 0
    assert edges(axes) == [LIGHT["focal"], LIGHT["context"], LIGHT["context"]]
    assert figures.title(axes) == "22.4% of the promoters have recommended; of the passives, 7.5%"
    assert "Base: 4,072" in " ".join(house.written(axes)).replace("\N{NO-BREAK SPACE}", " ")


def test_values_by_group_are_grey_where_they_are_alike():
    assert set(edges(figures.draw_lifetime_values(examples.lifetime_values(), words=EN))) == {LIGHT["focal"]}
    alike = figures.draw_lifetime_values(examples.lifetime_values(standing=False), words=EN)
    assert set(edges(alike)) == {LIGHT["context"]}
    assert "16.1" in house.written(alike)


def test_a_report_says_of_a_figure_what_it_shows_though_its_tests_are_not_printed(monkeypatch):
    paper, shown = Paper.__new__(Paper), []
    paper.words, paper._shown, paper._released = EN, 0, Released()
    monkeypatch.setattr(paper, "_display", lambda _, data=None: shown.append(data[RESULT]["figure"]["alt"]))
    paper.show(examples.improvement(), draw=figures.draw_payback, claims=False, tables=("payback",))
    paper.show(examples.behaviours(), draw=figures.draw_value_bridge, claims=False, tables=("bridge",))
    assert shown[0].startswith("If the association is causal, the cost is recovered in month 17")
    assert "kCLP 0.98 per customer and year" in shown[1]
