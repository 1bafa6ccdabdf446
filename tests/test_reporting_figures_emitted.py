"""Figures of the emitted experience: the house's rules for every figure, and what each one's marks say."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
import pytest
import test_reporting_figures as house
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from cxlab.analysis import emitted
from cxlab.analysis.estimates import Result
from cxlab.reporting import figures
from cxlab.reporting.colours import LIGHT

ES, EN = house.ES, house.EN
SHARES = {"greets": 0.95, "uniform": 0.97, "wait": 0.88, "explains what the bill says and why": 0.6}


@cache
def field(link: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(1)
    good = rng.standard_normal(30)
    rows = []
    for name, share in SHARES.items():
        moved = 0.25 * good if name.startswith("explains") else 0 * good
        met = rng.random((30, 6)) < np.clip(share + moved, 0.03, 0.99)[:, None]
        rows.append(
            pd.DataFrame({"unit_id": np.repeat(np.arange(30), 6), "met": met.reshape(-1).astype(int)})
        )
    checks = pd.concat(
        [r.assign(standard_id=n, visit_id=range(180)) for r, n in zip(rows, SHARES, strict=True)]
    )
    checks = checks.assign(critical=checks["standard_id"] == "wait", weight=0.25, part=0.25, trials=1)
    felt = link * good.repeat(60) + 2.5 * rng.standard_normal(1800)
    served = pd.DataFrame(
        {"unit_id": np.repeat(np.arange(30), 60), "recommend": np.clip(np.rint(7 + felt), 0, 10)}
    )
    return checks, served


def quadrant(link: float = 1.0) -> Result:
    return emitted.perceived(*field(link), "nps")


def ladder() -> Result:
    standards = pd.DataFrame({"standard_id": list(SHARES), "item_id": "recommend", "target": 0.9})
    return emitted.ladder(*field(1.0), standards, scales={"recommend": (0, 10)})


def visits() -> Result:
    return emitted.components(emitted.visit_scores(field(1.0)[0]), score="score", unit="unit_id")


CASES: dict[str, tuple[Callable[..., Axes], Callable[[], Result]]] = {
    "compliance": (figures.draw_compliance, lambda: emitted.compliance(field(1.0)[0])),
    "quadrant": (figures.draw_quadrant, quadrant),
    "quadrant open": (figures.draw_quadrant, lambda: quadrant(0.0)),
    "ladder": (figures.draw_ladder, ladder),
    "visits": (figures.draw_visits, visits),
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


def test_only_what_is_linked_has_a_colour_in_the_quadrant():
    result = quadrant()
    axes = figures.draw_quadrant(result, words=EN)
    table = result.table.sort_values("correlation", ascending=False)
    assert house.dots(axes) == pytest.approx(table[["compliance", "correlation"]].to_numpy())
    crosses = [c for c in axes.collections if isinstance(c, LineCollection)]
    colours = [tuple(np.round(c, 2)) for c in crosses[0].get_colors()]
    from matplotlib.colors import to_rgba

    shade = {"mend": "worse", "keep": "focal"}
    wanted = [LIGHT[shade.get(place, "context")] for place in table["place"]]
    assert colours == [tuple(np.round(to_rgba(c), 2)) for c in wanted]
    assert table[["place", "link"]].iloc[0].tolist() == ["mend", "linked"]
    assert "context" in {shade.get(place, "context") for place in table["place"]}


def test_what_is_critical_has_a_mark_and_a_word():
    axes = figures.draw_compliance(emitted.compliance(field(1.0)[0]), words=EN)
    assert any("(critical)" in text for text in house.written(axes))


def test_without_numbers_a_figure_says_so():
    empty = emitted.perceived(field(1.0)[0], pd.DataFrame(), "nps")
    assert figures.draw_quadrant(empty, words=EN) is not None
