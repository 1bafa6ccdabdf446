"""Figures by their artists: order, places, colours, texts inside the figure, the same bytes."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import coverage_examples
import matplotlib
import numpy as np
import pandas as pd
import pytest
import reporting_examples as examples
import waves_examples
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure
from matplotlib.text import Text

from cxlab.analysis import metrics
from cxlab.analysis.benchmark import best_in_class, funnel, published_scores, variance_shares
from cxlab.analysis.estimates import Result
from cxlab.analysis.sensitivity import specification_curve
from cxlab.reporting import figures
from cxlab.reporting.colours import DARK, LIGHT, contrast, legible
from cxlab.reporting.figures import flow, missing
from cxlab.reporting.figures.league import MOST
from cxlab.reporting.figures.type import width, wrapped
from cxlab.reporting.words import Words

ES, EN = Words("es", examples.LABELS), Words("en", examples.LABELS)
PAYLOADS = (
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "$\\frac{a$ plan $10 vs $20",
    "_hidden",
    "{{ 7*7 }} {0} %s {metric}",
    "🙂 客户 لوحة",
    "a&b \"quoted\" 'x'",
    "Extraordinariamentelargosinespaciosniguionesparacortarlosbien" * 2,
)


def _units(many: int, rows: int) -> pd.DataFrame:
    """Answers about shops of growing bases; the first ones are far from the others."""
    rng = np.random.default_rng(5)
    n = np.linspace(12, 2 * rows, many).astype(int)
    shop = np.repeat(np.arange(many), n)
    promoter = np.where(shop == many - 1, 0.9, np.where(shop == many - 2, 0.1, 0.5))
    return pd.DataFrame({
        "shop": [f"s{k:02d}" for k in shop], "region": rng.choice(["RM", "Biobío"], len(shop)),
        "recommend": np.where(rng.random(len(shop)) < promoter, 10, rng.choice([0, 8], len(shop))),
    })  # fmt: skip


def _leagued(many: int) -> Result:
    k = np.arange(many)
    table = pd.DataFrame({
        "unit": [f"s{each:02d}" for each in k], "estimate": 60.0 - k, "std_error": 2.0, "conf_low": 56.0 - k,
        "conf_high": 64.0 - k, "rank": k + 1, "rank_low": np.maximum(k - 8, 1),
        "rank_high": np.minimum(k + 9, many), "n": 50, "n_eff": 50.0, "flag": "ok",
    })  # fmt: skip
    settings = {"metric": "nps", "unit": "shop", "level": 0.95}
    return Result(table=table, keys=("unit",), n_used=50 * many, settings=settings)


def _published() -> Result:
    table = pd.DataFrame({"shop": "us", "recommend": [10] * 90 + [8] * 60 + [0] * 50})
    printed = pd.DataFrame({
        "peer_id": ["Entel", "WOM", "us"], "metric": "nps", "value": [-30.0, 18.0, 20.0], "n": 300,
        "wave_id": "2025", "source": "Ranking",
    })  # fmt: skip
    return published_scores(table, "nps", printed, unit="shop", focal="us")


CASES: dict[str, tuple[Callable[..., Axes], Callable[[], Result]]] = {
    "scores by segment": (figures.draw_scores, examples.scores),
    "scores alike": (figures.draw_scores, lambda: examples.scores(standing=False)),
    "scores": (figures.draw_scores, lambda: examples.scores(by=False)),
    "importance": (figures.draw_importance, examples.importance),
    "importance none": (figures.draw_importance, lambda: examples.importance(standing=False)),
    "priorities": (figures.draw_priorities, examples.priorities),
    "priorities none": (figures.draw_priorities, lambda: examples.priorities(standing=False)),
    "base map": (figures.draw_base_map, examples.base_map),
    "base map of many": (figures.draw_base_map, lambda: examples.base_map(drivers=30)),
    "base map complete": (figures.draw_base_map, lambda: examples.base_map(complete=True)),
    "asymmetry": (figures.draw_asymmetry, examples.asymmetry),
    "asymmetry open": (figures.draw_asymmetry, lambda: examples.asymmetry(standing=False)),
    "robustness": (figures.draw_robustness, examples.robustness),
    "robustness fragile": (figures.draw_robustness, lambda: examples.robustness(standing=False)),
    "segments": (figures.draw_segments, examples.segments),
    "segments alike": (figures.draw_segments, lambda: examples.segments(3, standing=False)),
    "many segments": (figures.draw_segments, lambda: examples.segments(14)),
    "lift": (figures.draw_lift, examples.lift),
    "lift none": (figures.draw_lift, lambda: examples.lift(standing=False)),
    "areas": (figures.draw_areas, examples.areas),
    "areas open": (figures.draw_areas, lambda: examples.areas(first=False)),
    "mirror": (figures.draw_mirror, examples.mirror),
    "mirror tied": (figures.draw_mirror, lambda: examples.mirror(ties=True)),
    "mirror few": (figures.draw_mirror, lambda: examples.mirror(few=True)),
    "area card": (figures.draw_areas, lambda: examples.areas(card=True)),
    "retention": (figures.draw_retention, lambda: examples.retention(0)),
    "retention by group": (figures.draw_retention, lambda: examples.retention(3)),
    "retention by many": (figures.draw_retention, lambda: examples.retention(7)),
    "hazards": (figures.draw_hazards, examples.hazards),
    "effect over time": (figures.draw_effect_over_time, examples.effect_over_time),
    "no effect over time": (
        figures.draw_effect_over_time,
        lambda: examples.effect_over_time(changes=False),
    ),
    "comparison": (figures.draw_comparison, examples.comparison),
    "comparison by cell": (figures.draw_comparison, lambda: examples.comparison(by=True)),
    "gaps": (figures.draw_gaps, examples.gaps),
    "league": (figures.draw_league, examples.league),
    "league of many": (figures.draw_league, lambda: _leagued(60)),
    "best": (figures.draw_best, lambda: best_in_class(_units(8, 100), "nps", unit="shop", focal="s03")),
    "dumbbell": (
        figures.draw_dumbbell,
        lambda: best_in_class(_units(5, 400), "nps", unit="shop", focal="s03", by="region"),
    ),
    "funnel": (figures.draw_funnel, lambda: funnel(_units(8, 100), "nps", unit="shop", focal="s03")),
    "funnel of many": (figures.draw_funnel, lambda: funnel(_units(60, 40), "nps", unit="shop")),
    "published": (figures.draw_comparison, _published),
    "variance": (
        figures.draw_variance,
        lambda: variance_shares(_units(8, 100), "nps", levels=["region", "shop"]),
    ),
    "sweep": (figures.draw_specification_curve, examples.sweep),
    "sweep of many": (figures.draw_specification_curve, lambda: examples.sweep(5, standing=False)),
    "sweep of one choice": (figures.draw_specification_curve, lambda: examples.sweep(1, gone=False)),
    "choices": (figures.draw_choices, lambda: examples.sweep(gone=False)),
    "choices with gaps": (figures.draw_choices, examples.sweep),
    "flow": (figures.draw_flow, coverage_examples.flow),
    "bases": (figures.draw_bases, coverage_examples.bases),
    "missing": (figures.draw_missing, coverage_examples.missing),
    "measured": (figures.draw_measured, coverage_examples.measured),
    "representation": (figures.draw_representation, coverage_examples.representation),
    "waves": (figures.draw_waves, waves_examples.chart),
    "waves steady": (figures.draw_waves, lambda: waves_examples.chart("steady")),
    "waterfall": (figures.draw_waterfall, waves_examples.change),
    "waterfall open": (figures.draw_waterfall, lambda: waves_examples.change(standing=False)),
}


def texts(axes: Axes) -> list[Text]:
    """Texts that are drawn: those written in the body, and labels of ticks within its limits."""
    found: list[Text] = []
    for each in axes.get_figure(root=True).findobj(Axes):
        found += [t for t in each.texts if t.get_text().strip()]
        for axis in (each.xaxis, each.yaxis) if each.axison else ():
            low, high = sorted(axis.get_view_interval())
            places = zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=False)
            found += [
                t
                for at, t in places
                if axis.get_visible() and low <= at <= high and t.get_visible() and t.get_text()
            ]
    return found


def written(axes: Axes) -> list[str]:
    return [t.get_text() for t in texts(axes)]


def dots(axes: Axes) -> np.ndarray[Any, Any]:
    clouds = [c for c in axes.collections if isinstance(c, PathCollection)]
    return np.vstack([np.asarray(c.get_offsets()) for c in clouds])


def overlapping(boxes: list[tuple[str, Any]]) -> list[tuple[str, str]]:
    pairs = []
    for k, (one, a) in enumerate(boxes):
        for other, b in boxes[k + 1 :]:
            across = min(a.x1, b.x1) - max(a.x0, b.x0)
            down = min(a.y1, b.y1) - max(a.y0, b.y0)
            if across > 1 and down > 2:
                pairs.append((one, other))
    return pairs


@pytest.mark.parametrize("words", [ES, EN], ids=["es", "en"])
@pytest.mark.parametrize("case", CASES)
def test_no_text_leaves_the_figure_or_lies_on_another(case, words):
    draw, make = CASES[case]
    axes = draw(make(), words=words)
    figure = axes.get_figure(root=True)
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    boxes = [(t.get_text(), t.get_window_extent(renderer)) for t in texts(axes)]
    inside = figure.bbox
    outside = [t for t, b in boxes if b.x0 < -1 or b.y0 < -1 or b.x1 > inside.x1 + 1 or b.y1 > inside.y1 + 1]
    assert not outside
    assert not overlapping(boxes)


@pytest.mark.parametrize("case", CASES)
def test_a_figure_is_the_same_bytes_real_text_and_nothing_foreign(case):
    draw, make = CASES[case]
    one, two = figures.svg(draw(make(), words=ES)), figures.svg(draw(make(), words=ES))
    assert one == two
    root = ElementTree.fromstring(one)
    assert root.findall(".//{http://www.w3.org/2000/svg}text")
    assert "<metadata" not in one
    assert "DejaVu" not in one
    assert not re.search(r"(href|src)=\"(?!#)", one)
    assert len(one) < 250_000


@pytest.mark.parametrize("case", CASES)
def test_results_are_not_changed_and_no_figure_stays_open(case):
    draw, make = CASES[case]
    result, untouched = make(), make()
    before = dict(matplotlib.rcParams)
    draw(result, words=ES)
    pd.testing.assert_frame_equal(result.table, untouched.table)
    assert dict(matplotlib.rcParams) == before
    from matplotlib import pyplot as plt

    assert plt.get_fignums() == []


@pytest.mark.parametrize("case", CASES)
def test_a_given_place_is_kept(case):
    draw, make = CASES[case]
    figure = Figure(figsize=(9, 12))
    given = figure.add_axes((0.1, 0.1, 0.8, 0.8))
    place = given.get_position()
    returned = draw(make(), words=EN, ax=given)
    assert returned.get_figure(root=True) is figure
    assert given in figure.axes
    now = given.get_position()
    assert now.x0 >= place.x0 - 1e-9
    assert now.x1 <= place.x1 + 1e-9
    assert now.y0 >= place.y0 - 1e-9
    assert now.y1 <= place.y1 + 1e-9


@pytest.mark.parametrize("case", CASES)
def test_titles_say_the_finding_and_feet_say_base_and_level(case):
    draw, make = CASES[case]
    result = make()
    axes = draw(result, words=ES)
    title, all_of_it = figures.title(axes), " ".join(written(axes)).replace("\N{NO-BREAK SPACE}", " ")
    assert title
    assert title.split(":")[0].split()[0] in all_of_it
    assert ("Base: " in all_of_it) == bool(result.n_used)
    assert ("95 %" in all_of_it) == ("level" in result.settings and not case.startswith("choices"))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_clients_write_is_shown_as_text(payload):
    words = Words("es", {"columns": {"ease": payload}, "values": {"region": {"RM": payload}}})
    for axes in (
        figures.draw_scores(examples.scores(), words=words),
        figures.draw_importance(examples.importance(), words=words),
    ):
        drawing = figures.svg(axes)
        shown = "".join(ElementTree.fromstring(drawing).itertext())
        assert payload[:8].strip() in shown
        assert "<script" not in drawing
    if len(payload) < 40:
        assert payload in figures.alt(examples.importance(), words)


def test_scores_are_sorted_hollow_when_low_and_empty_when_suppressed():
    axes = figures.draw_scores(examples.scores(), words=ES)
    x, y = dots(axes).T
    assert list(x) == sorted(x, reverse=True)
    assert list(y) == sorted(y)
    assert len(x) == 5
    said = written(axes)
    assert "<10" in said
    assert "1.204" in said
    assert any("Aysén" in t for t in said)
    cloud = next(c for c in axes.collections if isinstance(c, PathCollection))
    fills = [matplotlib.colors.to_hex(c) for c in cloud.get_facecolors()]
    assert fills.count(LIGHT["paper"]) == 1
    assert fills.count(LIGHT["focal"]) == 1


def test_scores_have_a_line_for_everybody_and_grey_where_all_are_alike():
    axes = figures.draw_scores(examples.scores(standing=False), words=ES)
    assert any(
        len(set(line.get_xdata())) == 1 and abs(line.get_xdata()[0] - 14.6) < 1e-9 for line in axes.lines
    )
    assert any(t.startswith("Total 14,6") for t in written(axes))
    cloud = next(c for c in axes.collections if isinstance(c, PathCollection))
    assert LIGHT["focal"] not in [matplotlib.colors.to_hex(c) for c in cloud.get_edgecolors()]


def test_bars_of_a_net_diverge_from_zero_behind_its_dot():
    answers = pd.DataFrame({"recommend": [10] * 60 + [8] * 20 + [0] * 20, "channel": ["app", "web"] * 50})
    answers.attrs["scales"] = {"recommend": [0, 10]}
    axes = figures.draw_scores(metrics.score(answers, "nps", by="channel"), words=ES)
    bars = sorted(bar.get_width() for bar in axes.patches)
    assert bars == pytest.approx([-20, -20, 60, 60])
    assert {bar.get_x() for bar in axes.patches} == {0}
    assert dots(axes)[:, 0] == pytest.approx([40, 40])
    assert any("en contra (izquierda) y a favor (derecha)" in text for text in written(axes))
    assert not figures.draw_scores(examples.scores(), words=ES).patches


def test_indices_of_one_unit_share_an_axis_over_their_whole_scale():
    axes = figures.draw_scores(examples.scores(by=False), words=ES)
    panels = [axes, *[a for a in axes.get_figure(root=True).findobj(Axes) if a is not axes and a.axison]]
    assert len(panels) == 3
    assert axes.get_xlim()[0] <= 0
    assert axes.get_xlim()[1] >= 100


def test_importance_bars_start_at_zero_strongest_first():
    axes = figures.draw_importance(examples.importance(), words=EN)
    lengths = [bar.get_width() for bar in axes.patches]
    assert np.allclose(lengths, [0.39, 0.23, 0.17, 0.10, 0.06, 0.05])
    assert axes.get_xlim()[0] == 0
    colours = [matplotlib.colors.to_hex(bar.get_facecolor()) for bar in axes.patches]
    assert colours == [LIGHT["focal"]] * 4 + [LIGHT["context"]] * 2
    said = written(axes)
    assert {"39%", "0.50", "2–3", "Kindness"} <= {t.replace("\N{NO-BREAK SPACE}", " ") for t in said}


def test_priorities_are_crosses_named_in_a_list_with_their_chance():
    result = examples.priorities()
    axes = figures.draw_priorities(result, words=EN)
    table = result.table
    assert dots(axes) == pytest.approx(table[["share", "performance"]].to_numpy())
    across, up = (c.get_segments() for c in axes.collections if isinstance(c, LineCollection))
    assert [s[:, 0].tolist() for s in across] == table[["conf_low", "conf_high"]].to_numpy().tolist()
    assert [s[:, 1].tolist() for s in up] == table[
        ["performance_low", "performance_high"]
    ].to_numpy().tolist()
    said = written(axes)
    assert {"1", "2", "3", "4", "5", "6", "Improve first", "Keep up", "Less urgent", "Not urgent"} <= set(
        said
    )
    assert "20%" in said
    first = next(t for t in texts(axes) if t.get_text().startswith("1 "))
    assert first.get_color() == LIGHT["worse"]


def test_segments_stand_side_by_side_and_what_stands_apart_has_another_shape():
    result = examples.segments(2)
    axes = figures.draw_segments(result, words=EN)
    table = result.table
    # One scale for both panels: a share lies as far from its panel's zero in either.
    starts = np.floor(dots(axes)[:, 0])
    assert sorted(starts) == [0.0] * 4 + [1.0] * 4
    from_zero = (dots(axes)[:, 0] - starts - 0.04) / 0.86 * table["conf_high"].max()
    assert sorted(from_zero) == pytest.approx(sorted(table["share"]))
    lines = [c for c in axes.collections if isinstance(c, LineCollection)]
    spans = [s[:, 0] for c in lines for s in c.get_segments() if np.ptp(s[:, 0]) > 0]
    assert np.ptp(spans, axis=1) == pytest.approx(np.full(8, 0.13 * 0.86 / table["conf_high"].max()))
    clouds = [c for c in axes.collections if isinstance(c, PathCollection)]
    assert len({c.get_paths()[0].vertices.tobytes() for c in clouds}) == 4
    said = written(axes)
    assert {"Mensual", "Base: 400", "R² 41%"} <= {t.replace("\N{NO-BREAK SPACE}", " ") for t in said}
    assert any(t.startswith("▲ weighs more") for t in said)


def test_at_most_twelve_segments_are_drawn_and_the_rest_is_counted():
    said = written(figures.draw_segments(examples.segments(14), words=EN))
    assert "Plan número 12" in " ".join(said)
    assert "Plan número 13" not in " ".join(said)
    assert any("8 more" in t for t in said)


def test_lifts_lie_about_zero_with_how_many_they_take():
    result = examples.lift()
    axes = figures.draw_lift(result, words=EN)
    assert dots(axes)[:, 0] == pytest.approx(result.table["change"].to_numpy())
    (lines,) = (c.get_segments() for c in axes.collections if isinstance(c, LineCollection))
    assert [s[:, 0].tolist() for s in lines] == result.table[["conf_low", "conf_high"]].to_numpy().tolist()
    said = {t.replace("\N{NO-BREAK SPACE}", " ") for t in written(axes)}
    assert {"31%", "+0.21", "−0.02", "≤ 3", "no change", "Moved"} <= said
    cloud = next(c for c in axes.collections if isinstance(c, PathCollection))
    edges = [matplotlib.colors.to_hex(c) for c in cloud.get_edgecolors()]
    assert edges == [LIGHT["focal"]] * 2 + [LIGHT["context"]] * 2
    assert matplotlib.colors.to_hex(cloud.get_facecolors()[3]) == LIGHT["paper"]


def test_mirror_runs_from_the_managers_order_to_the_customers():
    table = examples.mirror().table
    axes = figures.draw_mirror(examples.mirror(), words=EN)
    ends = [line.get_ydata() for line in axes.lines]
    order = np.argsort(np.argsort(table["managers_mean"].to_numpy()))
    right = np.array([end[1] for end in ends])
    assert (np.diff(right) > 0).all()
    assert [end[0] for end in ends] == pytest.approx(right[order])
    assert [line.get_linewidth() > 2 for line in axes.lines] == [v != "inside" for v in table["verdict"]]
    said = written(axes)
    assert {"1.3", "5.6", "1", "2–3", "5–6", "Managers", "Customers"} <= set(said)
    assert said.count("Kindness") == 2


def test_areas_have_a_circle_for_the_gap_and_a_square_for_the_weight():
    table = examples.areas().table
    axes = figures.draw_areas(examples.areas(), words=EN)
    weights, gaps = (c.get_segments() for c in axes.collections if isinstance(c, LineCollection))
    wanted = table[["contribution_low", "contribution_high"]].to_numpy().tolist()
    assert [s[:, 0].tolist() for s in weights] == wanted
    assert [s[:, 0].tolist() for s in gaps] == table[["conf_low", "conf_high"]].to_numpy().tolist()
    assert all(one[0, 1] > other[0, 1] for one, other in zip(weights, gaps, strict=True))
    said = [text.replace("\N{NO-BREAK SPACE}", " ") for text in written(axes)]
    assert {"Nobody", "31%", "30%", "1", "2–4", "Gap", "Weight"} <= set(said)
    assert {"bill", "61", "Score"} <= set(written(figures.draw_areas(examples.areas(card=True), words=EN)))


def test_penalties_hang_to_the_left_and_rewards_to_the_right():
    table = examples.asymmetry().table
    axes = figures.draw_asymmetry(examples.asymmetry(), words=EN)
    bars = [bar.get_width() for bar in axes.patches]
    assert bars == pytest.approx([*-table["penalty"], *table["reward"]])
    lost, won = (c.get_segments() for c in axes.collections if isinstance(c, LineCollection))
    assert [s[:, 0].tolist() for s in lost] == (-table[["penalty_low", "penalty_high"]]).to_numpy().tolist()
    assert [s[:, 0].tolist() for s in won] == table[["reward_low", "reward_high"]].to_numpy().tolist()
    assert {"must-be", "delights", "even", "not known", "costs", "adds"} <= set(written(axes))


def test_the_foot_says_why_a_sure_priority_has_no_colour():
    result = examples.priorities()
    note = "in colour, those that can also be told from noise"
    assert not any(note in text for text in written(figures.draw_priorities(result, words=EN)))
    result.table.loc[2, "p_concentrate"] = 0.99
    assert any(note in text for text in written(figures.draw_priorities(result, words=EN)))


def test_sides_of_a_row_whose_intervals_meet_stand_apart():
    result = examples.asymmetry()
    result.table.loc[1, ["reward", "reward_low", "reward_high"]] = [-0.8, -0.95, -0.65]
    axes = figures.draw_asymmetry(result, words=EN)
    lost, won = (c.get_segments() for c in axes.collections if isinstance(c, LineCollection))
    apart = [abs(one[0, 1] - other[0, 1]) for one, other in zip(lost, won, strict=True)]
    assert apart[1] > 5
    assert apart[0] == apart[2] == 0
    bars = [b for b in axes.patches if b.get_width() in (-0.9, -0.8)]
    assert bars[0].get_y() + bars[0].get_height() <= bars[1].get_y()


def marked(axes: Axes, marker: str) -> list[float]:
    """Where a mark stands across, over all lines of the matrix; those of the key are not in its data."""
    own = [
        line for line in axes.lines if line.get_marker() == marker and line.get_transform() == axes.transData
    ]
    return sorted({float(x) for line in own for x in line.get_xdata()})


def test_a_curve_rises_and_each_specification_marks_one_option_of_each_choice():
    result = examples.sweep()
    axes = figures.draw_specification_curve(result, words=ES)
    (curve,) = axes.child_axes
    dots = [line for line in curve.lines if line.get_marker() == "o" and len(line.get_xdata())]
    estimates = result.table["estimate"].dropna()
    assert [y for line in dots for y in line.get_ydata()] == estimates.tolist()
    assert [x for line in dots for x in line.get_xdata()] == [k + 0.5 for k in range(50)]
    ends = [line.get_ydata() for line in curve.lines if np.isnan(line.get_ydata()).any()]
    assert np.nanmin(np.concatenate(ends)) == result.table["conf_low"].min()
    blocks = [line for line in axes.lines if np.isnan(line.get_xdata()).any()]
    middles = np.concatenate([np.nanmean(line.get_xdata().reshape(-1, 3), axis=1) for line in blocks])
    assert np.bincount(np.round(middles - 0.5).astype(int)).tolist() == [4] * 50
    # Those without an estimate stand apart, by why, with the options they took.
    lost = result.table["status"][50:].tolist()
    assert len(marked(axes, "x")) == lost.count("failed") == 3
    assert len(marked(axes, "s")) == lost.count("suppressed") == 1
    assert min(marked(axes, "x")) > 51
    heads = [t for t in written(axes) if " · " in t and t.endswith("%")]
    moved = result.tables["choices"]
    names = ["Resultado", "Lo que no aplica", "Ponderadores", "Filtro"]
    assert heads == [
        f"{name} · {ES.percent(share, 0)}" for name, share in zip(names, moved["moves"], strict=True)
    ]
    assert any(str(line.get_linestyle()) != "-" and len({*line.get_xdata()}) == 1 for line in curve.lines)


def test_a_curve_tells_verdicts_apart_by_shape_too():
    axes = figures.draw_specification_curve(examples.sweep(standing=False), words=EN)
    (curve,) = axes.child_axes
    faces = {line.get_markerfacecolor() for line in curve.lines if line.get_marker() == "o"}
    assert LIGHT["paper"] in faces
    assert {round(line.get_linewidth(), 1) for line in axes.lines if np.isnan(line.get_xdata()).any()} == {
        6.0,
        2.4,
    }
    shown = " ".join(written(axes))
    assert "interval beyond the smallest effect" in shown
    assert "neither" in shown


def test_choices_too_many_to_draw_are_counted():
    options = [f"plan == '{k}'" for k in range(29)]
    frame = pd.DataFrame(
        [(w, o, 0.1 * k + len(o)) for k, w in enumerate(options) for o in ("nps", "overall_sat")],
        columns=["choice_where", "choice_outcome", "estimate"],
    )
    frame = frame.assign(point=[str(k) for k in range(58)], status="done", unit="points")
    frame = frame.assign(conf_low=frame["estimate"] - 1, conf_high=frame["estimate"] + 1)
    result = specification_curve(frame)
    axes = figures.draw_specification_curve(result, words=EN)
    assert "1 choice that moves less" in " ".join(written(axes)) or "one choice" in " ".join(written(axes))
    assert "clientes" not in " ".join(written(axes))


def test_what_a_choice_moves_alone_lies_within_what_it_moves_with_others():
    result = examples.sweep(gone=False)
    axes = figures.draw_choices(result, words=EN)
    total, alone = (np.array([bar.get_width() for bar in box]) for box in axes.containers)
    moved = result.tables["choices"]
    assert total == pytest.approx(moved["total"].to_numpy())
    assert alone == pytest.approx(moved["first_order"].to_numpy())
    assert (alone <= total + 1e-12).all()
    assert dots(axes)[:, 0] == pytest.approx(moved["moves"].to_numpy())
    assert not figures.draw_choices(
        examples.sweep(), words=EN
    ).containers  # with gaps neither bounds the other


@pytest.mark.parametrize(
    ("words", "said"), [(ES, "De la varianza, Resultado"), (EN, "Of the variance, Outcome")]
)
def test_a_sweep_is_told_to_who_does_not_see_it(words, said):
    result = examples.sweep()
    text = figures.alt(result, words).replace("\N{NO-BREAK SPACE}", " ")
    assert "50" in text
    assert "54" in text
    assert said in text
    silent = figures.alt(replace(result, claims=()), words)
    assert said in silent.replace("\N{NO-BREAK SPACE}", " ")
    assert re.search(
        r"24,\d %|24\.\d%", silent.replace("\N{NO-BREAK SPACE}", " ")
    )  # a share even without claims


def test_ticks_say_where_they_stand():
    result = examples.priorities()
    result.table[["share", "conf_low", "conf_high"]] *= 0.2
    axes = figures.draw_priorities(result, words=EN)
    axes.get_figure().canvas.draw()
    low, high = axes.get_xlim()
    shown = [
        (place, float(label.get_text().rstrip("%")) / 100)
        for place, label in zip(axes.get_xticks(), axes.get_xticklabels(), strict=True)
        if low <= place <= high
    ]
    assert all(said == pytest.approx(place) for place, said in shown), shown


def test_each_way_has_its_dots_and_the_line_spans_them():
    table = examples.robustness().table
    axes = figures.draw_robustness(examples.robustness(), words=EN)
    ways = ["unweighted", "mcfadden", "listwise", "johnson", "share"]
    drawn = [c.get_offsets()[:, 0].tolist() for c in axes.collections if isinstance(c, PathCollection)]
    assert drawn == [table[way].tolist() for way in ways]
    spans = next(c for c in axes.collections if isinstance(c, LineCollection)).get_segments()
    lines = [segment[:, 0].tolist() for segment in spans]
    assert lines == table[ways].agg(["min", "max"], axis=1).to_numpy().tolist()
    said = written(axes)
    assert {"complete rows only", "unweighted", "29%", "26–30"} <= set(said)
    assert "not applicable as an indicator" not in said


def test_intervals_are_drawn_as_the_table_has_them():
    result = examples.importance()
    axes = figures.draw_importance(result, words=EN)
    lines = next(c for c in axes.collections if isinstance(c, LineCollection))
    ends = np.array([[s[0][0], s[1][0]] for s in lines.get_segments()])
    assert np.allclose(ends, result.table[["conf_low", "conf_high"]])


def test_retention_curves_are_steps_that_end_where_few_are_at_risk():
    result = examples.retention(3)
    axes = figures.draw_retention(result, words=ES)
    curves = [line for line in axes.lines if line.get_drawstyle() == "steps-post"]
    assert len(curves) == 3
    for line, (_, rows) in zip(curves, result.table.groupby("contract", sort=True), strict=True):
        shown = rows[rows["estimate"].notna()]
        assert line.get_xdata()[0] == 0
        assert line.get_ydata()[0] == 1
        assert line.get_xdata()[-1] == shown["time"].max()
    said = written(axes)
    assert "En riesgo" in said
    assert "1.476" in said
    assert axes.get_ylim()[0] == 0


def test_retention_of_many_groups_becomes_small_multiples():
    axes = figures.draw_retention(examples.retention(7), words=ES)
    panels = [a for a in axes.get_figure(root=True).findobj(Axes) if a.lines and a.axison]
    assert len(panels) == 7
    assert {p.get_xlim() for p in panels} == {axes.get_xlim()}


def test_hazards_stand_on_a_log_axis_around_one():
    axes = figures.draw_hazards(examples.hazards(), words=EN)
    assert axes.get_xscale() == "log"
    assert np.allclose(dots(axes)[:, 0], [2.4, 1.35, 0.99, 0.8, 0.31, 0.05])
    assert 1.0 in axes.get_xticks()
    assert "0.80 (0.77–0.83)" in written(axes)


def test_hazards_of_numbers_are_those_of_one_standard_deviation():
    result = examples.hazards()
    per_sd = np.where(result.table["covariate"] == "attr_price", 1.6, np.nan)
    table = result.table.assign(hazard_ratio_sd=per_sd, conf_low_sd=per_sd - 0.1, conf_high_sd=per_sd + 0.1)
    axes = figures.draw_hazards(replace(result, table=table), words=ES)
    assert {"Price (por DE)", "1,60 (1,50–1,70)", "0,80 (0,77–0,83)"} <= set(written(axes))


def test_an_effect_over_time_is_a_step_for_each_period_beside_its_average():
    result = examples.effect_over_time()
    axes = figures.draw_effect_over_time(result, words=ES)
    assert axes.get_yscale() == "log"
    # The covariate that changes most, not the first; a period without an estimate has no step.
    lines = [c for c in axes.collections if isinstance(c, LineCollection)]
    steps = np.vstack([segment for line in lines for segment in line.get_segments()])
    assert np.allclose(steps[::2, 1], [0.05, 0.12, 0.4, 0.9])
    assert np.allclose(steps[:, 0], [0, 3, 3, 6, 6, 12, 12, 24])
    assert "0,31, si no cambiara" in written(axes)
    assert [line.get_ydata()[0] for line in axes.lines] == [1, 0.31]
    none = figures.draw_effect_over_time(examples.effect_over_time(changes=False), words=ES)
    assert "Ningún efecto cambia con el tiempo" in written(none)


def test_importance_within_segments_names_the_segment():
    result = examples.importance()
    table = pd.concat([result.table.assign(region=r) for r in ("RM", "V")], ignore_index=True)
    axes = figures.draw_importance(replace(result, table=table, keys=("region", "driver")), words=ES)
    assert "Metropolitana: Facilidad" in written(axes)
    assert "V: Facilidad" in written(axes)


def test_an_interval_without_end_does_not_stretch_the_axis():
    result = examples.hazards()
    result.table.loc[0, "conf_high"] = np.inf
    axes = figures.draw_hazards(result, words=EN)
    assert axes.get_xlim()[1] < 30
    assert any(line.get_marker() == ">" for line in axes.lines)


def test_verdicts_have_their_shape_and_colour():
    result = examples.comparison()
    axes = figures.draw_comparison(result, words=ES)
    edges = [
        matplotlib.colors.to_hex(c)
        for cloud in axes.collections
        if isinstance(cloud, PathCollection)
        for c in cloud.get_edgecolors()
    ]
    verdicts = result.table["verdict"].value_counts()
    assert edges.count(LIGHT["better"]) == verdicts.get("above", 0)
    assert edges.count(LIGHT["worse"]) == verdicts.get("below", 0)
    assert "igual" in written(axes)


def test_a_map_prints_every_gap_and_hatches_low_bases():
    result = examples.comparison(by=True)
    axes = figures.draw_comparison(result, words=ES)
    tints = [patch for patch in axes.patches if not patch.get_hatch()]
    assert len(tints) == result.table["difference"].notna().sum()
    hatched = len(axes.patches) - len(tints)
    assert hatched == (result.table["flag"] == "low_base").sum() > 0
    assert sum("▼" in t for t in written(axes)) >= (result.table["verdict"] == "below").sum()


def test_a_map_of_gaps_marks_what_stands_hatches_low_bases_and_leaves_empty_cells_empty():
    result = examples.gaps()
    axes = figures.draw_gaps(result, words=ES)
    said = written(axes)
    assert [t for t in said if t.startswith("▼")] == ["▼ −19"]
    assert [t for t in said if t.startswith("▲ +")] == ["▲ +21"]
    assert "−30 a −7 · n 160" in said
    hatched = [patch for patch in axes.patches if patch.get_hatch()]
    assert len(hatched) == (result.table["flag"] == "low_base").sum() == 2
    assert len(axes.patches) - len(hatched) == 7  # one tint for each number
    assert said.count("—") == 6 * 4 - len(result.table)
    assert said.count("<10") == 1
    by_channel = result.table.assign(interaction_type="sales").iloc[:2]
    one = replace(result, table=by_channel, settings={**result.settings, "by": ["channel"]}, claims=())
    assert "distance of Fibra Cordillera to the best in the NPS" in figures.title(
        figures.draw_gaps(one, words=EN)
    )


def test_a_league_shows_places_and_what_they_could_be():
    axes = figures.draw_league(examples.league(), words=ES)
    said = written(axes)
    assert {"1–3", "8", "3–7"} <= set(said)
    assert figures.title(axes).endswith("podría ser cualquiera del 1 al 6")


def test_many_units_stand_close_together_and_all_are_drawn():
    few, many = (figures.draw_league(CASES[case][1](), words=ES) for case in ("league", "league of many"))
    assert {f"s{k:02d}" for k in range(60)} <= set(written(many))
    heights = [each.get_figure(root=True).get_figheight() for each in (few, many)]
    assert heights[1] / 60 < 0.6 * heights[0] / 8


def test_published_numbers_are_rows_of_gaps_whoever_published_them():
    axes = figures.draw_comparison(CASES["published"][1](), words=ES)
    assert {"Entel", "WOM"} <= set(written(axes))
    assert not axes.patches  # rows, not a map of cells
    assert "Ranking" not in written(axes)


def test_a_funnel_names_who_is_far_off_by_shape_and_colour():
    result = CASES["funnel of many"][1]()
    axes = figures.draw_funnel(result, words=ES)
    far = result.table[result.table["position"].isin(["far above", "far below"])]
    assert {"s58", "s59"} <= set(far["unit"]) <= {*written(axes), *far["unit"]}
    assert {"s58", "s59"} <= set(written(axes))
    assert "s30" not in written(axes)
    marks = {(line.get_marker(), line.get_color()) for line in axes.lines if len(line.get_xdata()) == 1}
    assert {m for m, _ in marks} >= {"^", "v", "o"}
    assert axes.get_xscale() == "log"


def test_the_best_is_drawn_as_observed_and_as_estimated():
    result = CASES["best"][1]()
    axes = figures.draw_best(result, words=ES)
    known = result.table[result.table["shrunk"].notna()]
    drawn = dots(axes)[:, 0]
    assert set(drawn.round(6)) >= {*known["estimate"].round(6), *known["shrunk"].round(6)}
    assert words_of_chance(known["p_best"].iloc[0]) in written(axes)


def words_of_chance(p: float) -> str:
    return ES.percent(p, 0)


def test_a_dumbbell_runs_from_the_client_to_the_best_the_farthest_first():
    result = CASES["dumbbell"][1]()
    axes = figures.draw_dumbbell(result, words=ES)
    rows = result.tables["distance"].sort_values("difference")
    drawn = {tuple(point) for point in dots(axes).round(6)}
    for end in ("focal_estimate", "median", "best_level"):
        assert {x for x, _ in drawn} >= set(rows[end].round(6))
    first = [t for t in written(axes) if t in ("Metropolitana", "Biobío")]
    assert first == [ES.label("region", region) for region in rows["region"]]


def test_a_file_is_one_bar_and_what_is_left_out_is_hatched_and_seen():
    result = coverage_examples.flow()
    axes = figures.draw_flow(result, words=ES)
    plain = [p for p in axes.patches if not p.get_hatch()]
    used = [p.get_width() for p in plain if p.get_x() == 0]
    assert used == pytest.approx([100 / 114, 1 - flow.SEEN, 1.0])
    assert len([p for p in axes.patches if p.get_hatch()]) == 2
    said = written(axes)
    assert "14 fuera: filas de encabezado (2) y previews (12)" in said
    assert "2 fuera: previews" in said
    assert {"ola1.csv", "encuestas", "5.000"} & set(said) >= {"ola1.csv", "5.000"}


def test_each_cell_of_a_level_is_a_dot_and_those_under_ten_are_only_counted():
    result = coverage_examples.bases()
    axes = figures.draw_bases(result, words=ES)
    assert axes.get_xscale() == "log"
    shown = pd.concat([result.table, result.tables["by_wave"]])["n"].dropna()
    assert sorted(dots(axes)[:, 0]) == pytest.approx(sorted(shown))
    assert min(dots(axes)[:, 0]) >= 9.99
    lines = {float(line.get_xdata()[0]) for line in axes.lines if len(set(line.get_xdata())) == 1}
    assert {10.0, 30.0} <= lines
    hidden = result.tables["levels"]["hidden"]
    assert sum(t.startswith("<10: ") for t in written(axes)) == (hidden > 0).sum() > 0


def test_bases_are_drawn_without_waves():
    result = coverage_examples.bases()
    levels = result.tables["levels"]
    levels = levels[~levels["variable"].str.contains(" x wave_id")]
    axes = figures.draw_bases(replace(result, tables={"levels": levels}), words=EN)
    assert len(dots(axes)) == result.table["n"].notna().sum()


def test_the_bar_of_a_question_adds_up_to_all_rows_and_reasons_differ_by_more_than_colour():
    result = coverage_examples.missing()
    axes = figures.draw_missing(result, words=ES)
    solid = [p for p in axes.patches if not p.get_hatch() and p.get_height() == missing.BAR]
    ends: dict[float, float] = {}
    for bar in solid:
        ends[round(bar.get_y(), 3)] = ends.get(round(bar.get_y(), 3), 0.0) + bar.get_width()
    assert list(ends.values()) == pytest.approx([1.0] * len(result.table))
    hatches = [p.get_hatch() for p in axes.patches]
    assert {*hatches} >= {"///", "...", "\\\\\\", "+++"}
    said = written(axes)
    assert {"Respondida", "No se preguntó", "No está en ese archivo", "Sin explicación"} <= set(said)
    assert "Falla técnica" not in said
    assert any(t.replace("\N{NO-BREAK SPACE}", " ") == "60,0 % (55,1–64,7)" for t in said)


def test_cells_with_few_answers_are_hatched_and_busy_ones_are_darker():
    result = coverage_examples.measured()
    axes = figures.draw_measured(result, words=ES)
    tints = [p.get_alpha() for p in axes.patches if not p.get_hatch()]
    assert len(tints) == len(result.table)
    order = result.tables["volume"]["volume"].fillna(0).to_numpy()
    assert list(np.argsort(tints, kind="stable")) == list(np.argsort(order, kind="stable"))
    hatches = [p.get_hatch() for p in axes.patches if p.get_hatch()]
    states = result.table["state"]
    assert hatches.count("////") == (states == "dark").sum() > 0
    assert hatches.count("//") == (states == "low").sum()
    assert written(axes).count("<10") >= (states == "dark").sum() - 1


def test_margins_go_from_the_sample_to_the_weighted_with_a_tick_for_the_population():
    result = coverage_examples.representation()
    axes = figures.draw_representation(result, words=ES)
    ticks = [line.get_xdata()[0] for line in axes.lines if len(set(line.get_xdata())) == 1]
    assert ticks == pytest.approx(result.table["target"].to_list())
    x = dots(axes)[:, 0]
    assert list(x) == pytest.approx([*result.table["before"], *result.table["after"]])
    fills = [
        matplotlib.colors.to_hex(c)
        for cloud in axes.collections
        if isinstance(cloud, PathCollection)
        for c in cloud.get_facecolors()
    ]
    assert fills.count(LIGHT["paper"]) == len(result.table)


@pytest.mark.parametrize("draw", [figures.draw_missing, figures.draw_flow, figures.draw_measured])
def test_long_labels_of_a_client_stay_inside(draw):
    long = {"es": coverage_examples.LONG, "en": coverage_examples.LONG}
    labels = {
        "columns": dict.fromkeys(["ease", "attr_wait", "survey_responses"], long),
        "values": {"interaction_type": {"use": long}, "channel": {"app": long}, "reason": {"previews": long}},
    }
    made = {figures.draw_missing: "missing", figures.draw_flow: "flow", figures.draw_measured: "measured"}
    axes = draw(getattr(coverage_examples, made[draw])(), words=Words("es", labels))
    figure = axes.get_figure(root=True)
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    boxes = [(t.get_text(), t.get_window_extent(renderer)) for t in texts(axes)]
    edge = figure.bbox.x1 + 1
    assert not [t for t, b in boxes if b.x0 < -1 or b.x1 > edge or b.y0 < -1]
    assert not overlapping(boxes)


@pytest.mark.parametrize(
    "case",
    [
        "scores by segment",
        "importance",
        "robustness",
        "hazards",
        "comparison",
        "gaps",
        "league",
        "bases",
        "missing",
        "representation",
    ],
)
def test_a_result_with_nothing_to_show_says_so(case):
    draw, make = CASES[case]
    result = make()
    hidden = result.table.assign(flag="suppressed")
    numbers = hidden.select_dtypes("number").columns
    result = replace(result, table=hidden.assign(**dict.fromkeys(numbers, np.nan)), claims=())
    assert any("Nada puede mostrarse" in t for t in written(draw(result, words=ES)))


def test_alt_text_says_the_finding_and_its_numbers():
    said = figures.alt(examples.scores(), EN).replace("\N{NO-BREAK SPACE}", " ")
    assert said.startswith("In “Metropolitan” (Region), the NPS is observed to be 14 points lower")
    assert "La Araucanía, NPS: 31 points (17 to 45 points)" in said
    assert "24 months: 59.0%" in figures.alt(examples.retention(0), EN)


def test_labels_wrap_and_end_in_an_ellipsis():
    lines = wrapped("una etiqueta larguísima que no cabe de ninguna manera en tan poco espacio", 80, lines=2)
    assert len(lines) == 2
    assert lines[-1].endswith("…")
    assert all(width(line) <= 80 for line in lines)
    assert wrapped("", 80) == [""]


def test_colours_can_be_read():
    for theme in (LIGHT, DARK):
        for name in ("ink", "muted", "focal", "second_text", "third"):
            assert contrast(theme[name], theme["paper"]) >= 4.5, name
        for name in ("context", "second", "worse", "better"):
            assert contrast(theme[name], theme["paper"]) >= 3, name
    assert len(set(LIGHT.values())) == len(LIGHT)


@pytest.mark.parametrize("colour", ["#ffe100", "#ffffff", "#000000", "#1f5fa8", "#ff0000"])
def test_a_clients_colour_is_made_legible(colour):
    for paper in (LIGHT["paper"], DARK["paper"]):
        assert contrast(legible(colour, paper), paper) >= 4.5


def test_rows_that_are_not_drawn_are_said():
    result = _leagued(MOST + 3)
    drawn = figures.svg(figures.draw_league(result, words=Words("en")))
    assert "and 3 more, in the table" in drawn


def test_a_wave_beyond_the_band_has_a_mark_of_its_own():
    found = waves_examples.chart()
    axes = figures.draw_waves(found, words=EN)
    diamonds = [c for c in axes.collections if isinstance(c, PathCollection)][1:]
    assert len(diamonds) == 1
    assert diamonds[0].get_offsets()[0].tolist() == [11.0, -40.0]
    assert any("Dec 2024: −40" in text.get_text() for text in texts(axes))
    steady = figures.draw_waves(waves_examples.chart("steady"), words=EN)
    assert len([c for c in steady.collections if isinstance(c, PathCollection)]) == 1


def test_a_waterfall_ends_where_the_index_is_now():
    found = waves_examples.change()
    axes = figures.draw_waterfall(found, words=EN)
    # What the bars show, though a segment stands out.
    assert any(claim.code == "waves.segment" for claim in found.claims)
    assert figures.title(axes).endswith("comes from who answered")
    bars = [(bar.get_x(), bar.get_width()) for bar in axes.patches]
    before, now = found.tables["before_and_now"]["estimate"]
    assert bars[0][0] == before
    assert bars[-1][0] + bars[-1][1] == pytest.approx(now)
    assert bars[0][0] + bars[0][1] == pytest.approx(bars[1][0])
