"""Figures of results: one module for each kind, `theme` and `plate` under all of them.

A draw function takes a result and the report's words and returns Axes; it computes nothing and saves
nothing. `svg` turns the Axes' figure into text, the same bytes each time.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cxlab.reporting.figures.areas import draw_areas
    from cxlab.reporting.figures.asymmetry import draw_asymmetry
    from cxlab.reporting.figures.base_map import draw_base_map
    from cxlab.reporting.figures.bases import draw_bases
    from cxlab.reporting.figures.behaviours import draw_behaviours
    from cxlab.reporting.figures.best import draw_best
    from cxlab.reporting.figures.bonds import draw_bonds
    from cxlab.reporting.figures.bridge import draw_bridge
    from cxlab.reporting.figures.campaign import draw_campaign
    from cxlab.reporting.figures.causal_share import draw_causal_share
    from cxlab.reporting.figures.chain import draw_chain
    from cxlab.reporting.figures.choices import draw_choices
    from cxlab.reporting.figures.cohorts import draw_cohorts
    from cxlab.reporting.figures.comparison import draw_comparison
    from cxlab.reporting.figures.compliance import draw_compliance
    from cxlab.reporting.figures.consistency import draw_consistency
    from cxlab.reporting.figures.doses import draw_doses
    from cxlab.reporting.figures.dumbbell import draw_dumbbell
    from cxlab.reporting.figures.effect_over_time import draw_effect_over_time
    from cxlab.reporting.figures.emotions import draw_emotions
    from cxlab.reporting.figures.flow import draw_flow
    from cxlab.reporting.figures.funnel import draw_funnel
    from cxlab.reporting.figures.gaps import draw_gaps
    from cxlab.reporting.figures.hand_offs import draw_hand_offs
    from cxlab.reporting.figures.hazard_shape import draw_hazard_shape
    from cxlab.reporting.figures.hazards import draw_hazards
    from cxlab.reporting.figures.importance import draw_importance
    from cxlab.reporting.figures.incidence import draw_incidence
    from cxlab.reporting.figures.ladder import draw_ladder
    from cxlab.reporting.figures.lags import draw_lags
    from cxlab.reporting.figures.league import draw_league
    from cxlab.reporting.figures.lifetime_values import draw_lifetime_values
    from cxlab.reporting.figures.lift import draw_lift
    from cxlab.reporting.figures.measured import draw_measured
    from cxlab.reporting.figures.mirror import draw_mirror
    from cxlab.reporting.figures.missing import draw_missing
    from cxlab.reporting.figures.payback import draw_payback
    from cxlab.reporting.figures.priorities import draw_priorities
    from cxlab.reporting.figures.quadrant import draw_quadrant
    from cxlab.reporting.figures.referrers import draw_referrers
    from cxlab.reporting.figures.representation import draw_representation
    from cxlab.reporting.figures.restricted_mean import draw_restricted_mean
    from cxlab.reporting.figures.retention import draw_retention
    from cxlab.reporting.figures.returns import draw_returns
    from cxlab.reporting.figures.risk_groups import draw_risk_groups
    from cxlab.reporting.figures.robustness import draw_robustness
    from cxlab.reporting.figures.scores import draw_scores
    from cxlab.reporting.figures.segments import draw_segments
    from cxlab.reporting.figures.specification_curve import draw_specification_curve
    from cxlab.reporting.figures.spoken import alt
    from cxlab.reporting.figures.tornado import draw_tornado
    from cxlab.reporting.figures.transitions import draw_transitions
    from cxlab.reporting.figures.value_bridge import draw_value_bridge
    from cxlab.reporting.figures.variance import draw_variance
    from cxlab.reporting.figures.vector import svg, title
    from cxlab.reporting.figures.visits import draw_visits

__all__ = [
    "alt",
    "draw_areas",
    "draw_asymmetry",
    "draw_base_map",
    "draw_bases",
    "draw_behaviours",
    "draw_best",
    "draw_bonds",
    "draw_bridge",
    "draw_campaign",
    "draw_causal_share",
    "draw_chain",
    "draw_choices",
    "draw_cohorts",
    "draw_comparison",
    "draw_compliance",
    "draw_consistency",
    "draw_doses",
    "draw_dumbbell",
    "draw_effect_over_time",
    "draw_emotions",
    "draw_flow",
    "draw_funnel",
    "draw_gaps",
    "draw_hand_offs",
    "draw_hazard_shape",
    "draw_hazards",
    "draw_importance",
    "draw_incidence",
    "draw_ladder",
    "draw_lags",
    "draw_league",
    "draw_lifetime_values",
    "draw_lift",
    "draw_measured",
    "draw_mirror",
    "draw_missing",
    "draw_payback",
    "draw_priorities",
    "draw_quadrant",
    "draw_referrers",
    "draw_representation",
    "draw_restricted_mean",
    "draw_retention",
    "draw_returns",
    "draw_risk_groups",
    "draw_robustness",
    "draw_scores",
    "draw_segments",
    "draw_specification_curve",
    "draw_tornado",
    "draw_transitions",
    "draw_value_bridge",
    "draw_variance",
    "draw_visits",
    "draw_waterfall",
    "draw_waves",
    "svg",
    "title",
]
_WHERE = {"alt": "spoken", "svg": "vector", "title": "vector"}


def __getattr__(name: str) -> Any:
    # Loaded on first use: naming a figure must not pay for matplotlib.
    if name in __all__:
        module = import_module(f"{__name__}.{_WHERE.get(name, name.removeprefix('draw_'))}")
        return getattr(module, name)
    raise AttributeError(name)
