"""Figures of journeys by their artists: squares of moves and of switches, channels within processes."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import Rectangle

from cxlab.analysis import journey
from cxlab.analysis.estimates import masked
from cxlab.reporting import figures
from cxlab.reporting.bundle import bundle
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.tables import readable
from cxlab.reporting.words import Words

LABELS = {
    "columns": {"channel": {"es": "Canal", "en": "Channel"}, "note": {"es": "Nota", "en": "Score"}},
    "values": {"channel": {"app": "App", "store": {"es": "Tienda", "en": "Store"}, "web": "Web"}},
}
ES, EN = Words("es", LABELS), Words("en", LABELS)
MOVES = {
    ("app", "app"): 120,
    ("app", "store"): 60,
    ("store", "app"): 40,
    ("web", "store"): 20,
    ("web", "app"): 4,
}


@pytest.fixture(scope="module")
def found():
    pairs = [pair for pair, times in MOVES.items() for _ in range(times)]
    n = len(pairs)
    rng = np.random.default_rng(2)
    switched = np.array([a != b for a, b in pairs])
    score = 6.0 - 1.5 * switched + rng.normal(0, 0.5, n)
    return journey.episodes(pd.DataFrame({
        "customer_id": np.repeat(np.arange(n), 2), "interaction_type": "use",
        "ts_start": np.tile(pd.to_datetime(["2025-01-01", "2025-01-02"]), n),
        "channel": np.array(pairs, dtype=object).reshape(-1),
        "note": np.where(np.tile([False, True], n), np.repeat(score, 2), np.nan),
    }))  # fmt: skip


def texts(ax):
    return [t.get_text().replace("\N{NO-BREAK SPACE}", " ") for t in ax.texts]


def test_moves_are_shares_of_their_line_and_small_ones_are_not_there(found):
    ax = figures.draw_transitions(masked(journey.transitions(found)), words=ES)
    said = texts(ax)
    assert "67 %" in said
    assert "33 %" in said
    assert "<10" in said
    assert "4" not in said  # moves of four customers
    assert {"App", "Tienda", "Web"} <= set(said)
    assert sum(isinstance(p, Rectangle) for p in ax.patches) >= 9


def test_a_switch_that_stands_is_bold_and_in_the_colour_of_worse(found):
    ax = figures.draw_hand_offs(masked(journey.hand_offs(found, "note")), words=EN)
    bold = [t for t in ax.texts if t.get_weight() == "bold" and t.get_text().startswith("−1.")]
    assert len(bold) == 3
    tints = {tuple(round(c * 255) for c in p.get_facecolor()[:3]) for p in ax.patches if p.get_fill()}
    assert tuple(int(LIGHT["worse"][k : k + 2], 16) for k in (1, 3, 5)) in tints
    assert any("less those without any" in t for t in texts(ax))


def test_where_a_flag_is_more_days_the_colours_turn_round(found):
    contacts = found.contacts.drop(columns=["episode", "place", "previous", "switch"])
    slow = contacts.assign(
        ts_start=contacts["ts_start"] + pd.to_timedelta(np.where(found.contacts["switch"], 9, 0), unit="D")
    )
    ax = figures.draw_hand_offs(journey.hand_offs(journey.episodes(slow), "days"), words=EN)
    assert "+9.0" in texts(ax)
    tints = {tuple(round(c * 255) for c in p.get_facecolor()[:3]) for p in ax.patches if p.get_fill()}
    assert tuple(int(LIGHT["worse"][k : k + 2], 16) for k in (1, 3, 5)) in tints


def test_each_process_has_its_channels_and_their_spread():
    rng = np.random.default_rng(4)
    n = 1200
    kind, channel = rng.choice(["use", "complaint"], n), rng.choice(["app", "store", "web"], n)
    good = np.where((kind == "complaint") & (channel == "store"), 0.9, 0.3)
    table = pd.DataFrame({
        "interaction_type": kind, "channel": channel, "recommend": np.where(rng.random(n) < good, 10, 0),
    })  # fmt: skip
    result = journey.consistency(table, "nps")
    ax = figures.draw_consistency(masked(result), words=EN)
    dots = ax.collections
    assert sum(len(c.get_offsets()) for c in dots if hasattr(c, "get_sizes")) >= 6
    row = result.table.set_index("interaction_type").loc["complaint"]
    assert any(t.startswith(f"{row['estimate']:.0f} (") for t in texts(ax))
    assert "Store" in texts(ax)
    assert "Complaint" in ax.get_label() or "complaint" in ax.get_label()


def test_nothing_to_show_is_said(found):
    few = found.contacts.drop(columns=["episode", "place", "previous", "switch"]).head(8)
    ax = figures.draw_hand_offs(masked(journey.hand_offs(journey.episodes(few), "note")), words=EN)
    assert "Nothing may be shown with these bases" in texts(ax)


def test_how_often_a_move_was_made_is_a_count_and_not_a_share(found):
    """A sensitivity's column of that name is the share of a variance."""
    shown = bundle(masked(journey.transitions(found)), ES, id="result-1")
    table = readable(shown, "main", ES)
    place = [head.text for head in table.heads].index("Pasos")
    assert {row.cells[place].text for row in table.rows} >= {"120", "60", "40"}
