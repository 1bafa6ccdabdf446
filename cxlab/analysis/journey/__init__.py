"""Journeys: contacts of a customer about one thing, across channels and areas.

`episodes` cuts a log into journeys; `transitions` counts the moves between steps, `coherence` how many
switches are clean, `hand_offs` what a switch costs and through what; `consistency` compares the channels
within a process. `designed` and `emotions` set what was designed against what happens, `remembered` asks
what of their journeys customers remember, `foretold` which scores tell better what they do.
"""

from cxlab.analysis.journey.consistency import Consistency, consistency
from cxlab.analysis.journey.design import Designed, Emotions, designed, emotions
from cxlab.analysis.journey.episodes import Episodes, episodes
from cxlab.analysis.journey.foretold import Foretold, foretold
from cxlab.analysis.journey.hand_offs import HandOffs, hand_offs
from cxlab.analysis.journey.remembered import Remembered, remembered
from cxlab.analysis.journey.transitions import Coherence, Transitions, coherence, transitions

__all__ = [
    "Coherence",
    "Consistency",
    "Designed",
    "Emotions",
    "Episodes",
    "Foretold",
    "HandOffs",
    "Remembered",
    "Transitions",
    "coherence",
    "consistency",
    "designed",
    "emotions",
    "episodes",
    "foretold",
    "hand_offs",
    "remembered",
    "transitions",
]
