"""Journeys: contacts of a customer about one thing, across channels and areas.

`episodes` cuts a log into journeys; `transitions` counts the moves between steps, `coherence` how many
switches are clean, `hand_offs` what a switch costs and through what; `consistency` compares the channels
within a process.
"""

from cxlab.analysis.journey.consistency import Consistency, consistency
from cxlab.analysis.journey.episodes import Episodes, episodes
from cxlab.analysis.journey.hand_offs import HandOffs, hand_offs
from cxlab.analysis.journey.transitions import Coherence, Transitions, coherence, transitions

__all__ = [
    "Coherence",
    "Consistency",
    "Episodes",
    "HandOffs",
    "Transitions",
    "coherence",
    "consistency",
    "episodes",
    "hand_offs",
    "transitions",
]
