"""The gallery of a study with sweeps: the points that another report reads stand under one heading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from cxlab.reporting.claims_sensitivity import choice, option
from cxlab.reporting.words import Words, clean


def told(choices: Mapping[str, str], words: Words) -> str:
    """Return what a point chose: ``weights: none · decomposition: Johnson``."""
    return " · ".join(
        f"{choice(name, words)}: {option(name, value, words)}" for name, value in choices.items()
    )


def groups(cards: Sequence[Mapping[str, Any]], words: Words) -> list[dict[str, Any]]:
    """Return the cards of a gallery, those of one sweep as a group: its name, its counts and its points.

    Parameters
    ----------
    cards : sequence of mapping
        In the study's order; `sweep` is the name of the sweep that each is folded into, or empty.
    """
    found: list[dict[str, Any]] = []
    for sweep, own in groupby(cards, key=lambda card: card["sweep"]):
        points = [*own]
        if not sweep:
            found += [{"card": card, "points": []} for card in points]
            continue
        failed = [card for card in points if card["status"] == "failed"]
        counts = [words.plural("index.points", len(points))]
        counts += [words.plural("index.failed", len(failed))] if failed else []
        rest = [card for card in points if card not in failed]
        found.append(
            {
                "title": clean(sweep),
                "counts": counts,
                "points": [*failed, *rest],
                "open": bool(failed),
                "in": [*dict.fromkeys(name for card in points for name in card["in"])],
            }
        )
    return found
