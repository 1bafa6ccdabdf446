"""What drives an outcome: shares of what is explained, priorities, penalties and rewards, segments."""

from cxlab.analysis.drivers.areas import AreaCard, Areas, area_card, areas
from cxlab.analysis.drivers.asymmetry import PenaltyReward, penalty_reward
from cxlab.analysis.drivers.base_map import BaseMap, base_map
from cxlab.analysis.drivers.blocks import blocks
from cxlab.analysis.drivers.grouped import importance_of_blocks
from cxlab.analysis.drivers.large import importance_of
from cxlab.analysis.drivers.lift import Lift, lift
from cxlab.analysis.drivers.mirror import Mirror, mirror
from cxlab.analysis.drivers.priorities import Priorities, importance_performance
from cxlab.analysis.drivers.reduction import Buckets, reduced
from cxlab.analysis.drivers.robustness import Robustness, diagnose
from cxlab.analysis.drivers.segments import SegmentComparison, compare
from cxlab.analysis.drivers.shares import DriverImportance, importance

__all__ = [
    "AreaCard",
    "Areas",
    "BaseMap",
    "Buckets",
    "DriverImportance",
    "Lift",
    "Mirror",
    "PenaltyReward",
    "Priorities",
    "Robustness",
    "SegmentComparison",
    "area_card",
    "areas",
    "base_map",
    "blocks",
    "compare",
    "diagnose",
    "importance",
    "importance_of",
    "importance_of_blocks",
    "importance_performance",
    "lift",
    "mirror",
    "penalty_reward",
    "reduced",
]
