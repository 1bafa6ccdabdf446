"""Where a published claim stands in the chain, and what it is: a finding, a level, nothing, or a gap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from cxlab.analysis.estimates import Claim, Grade

Role = Literal["finding", "level", "nothing", "gap", "aside"]
LINKS = ("designed_emitted", "emitted_perceived", "perceived_behaviour", "behaviour_money")
# Beside the links, what is said of one stage alone.
STAGES = ("designed", "emitted", "perceived", "behaviour", "money")

# By the code, or by what it begins with: the longest that fits.
_PLACES: Mapping[str, str] = {
    "score.": "perceived", "drivers.": "perceived", "benchmark.": "perceived", "waves.": "perceived",
    "tables.": "perceived", "intake.": "perceived", "sensitivity.": "perceived",
    "emitted.": "designed_emitted", "emitted.link": "emitted_perceived",
    "emitted.unperceived": "emitted_perceived", "emitted.visits": "emitted",
    "emitted.agreement": "emitted", "emitted.unpaired": "emitted", "emitted.no_peers": "emitted",
    "emitted.aligned": "designed", "emitted.unaligned": "designed",
    "journey.": "emitted_perceived", "journey.designed": "designed_emitted",
    "journey.undesigned": "designed_emitted", "journey.coherence": "designed_emitted",
    "journey.foretold": "perceived_behaviour",
    "retention.": "behaviour", "incidence.": "behaviour", "risk.": "behaviour", "hazards.": "behaviour",
    "hazards.none": "perceived_behaviour",
    "risk.campaign": "behaviour_money", "economics.": "behaviour_money",
    "economics.behaviour": "perceived_behaviour", "economics.referrals": "perceived_behaviour",
}  # fmt: skip
# Tested, though their claims do not name the test.
_FINDINGS = frozenset({
    "risk.order", "risk.captured", "drivers.must_be", "drivers.attractive", "drivers.priority",
})  # fmt: skip
# On data, on method, or a test that another claim states already.
_ASIDE = frozenset({
    "drivers.order", "drivers.blocks_merge", "drivers.halo", "journey.switch_clean", "emitted.paradox",
    "hazards.not_proportional", "hazards.split", "hazards.stratified", "waves.unequal", "waves.streaks",
})  # fmt: skip
_NOTHING = frozenset({
    "score.segments_alike", "drivers.none", "drivers.order_open", "drivers.kinds_open", "drivers.no_priority",
    "drivers.no_lift", "drivers.segments_alike", "drivers.areas_nothing", "drivers.areas_open",
    "drivers.area_none",
    "drivers.mirror_inside", "benchmark.indistinguishable", "benchmark.mix_alike", "benchmark.gaps_alike",
    "benchmark.published_alike", "emitted.link_none", "emitted.visits_alike", "emitted.aligned_open",
    "emitted.agreement_none", "journey.switch_none", "journey.channels_alike", "journey.emotion_chance",
    "journey.remembered_nothing", "journey.remembered_open", "journey.foretold_open", "retention.alike",
    "retention.even", "retention.mean_alike", "incidence.alike", "hazards.none", "risk.noise",
    "economics.improvement_none", "economics.behaviours_none", "economics.cltv_alike", "waves.steady",
    "waves.no_trend", "waves.unmoved", "waves.parts_open", "waves.equal", "waves.no_streaks",
    "waves.no_between", "waves.ordinary_record", "sensitivity.none", "tables.alike",
})  # fmt: skip
_GAPS = frozenset({
    "intake.dark", "intake.no_log", "emitted.no_peers", "emitted.unperceived", "emitted.unaligned",
    "emitted.unpaired", "journey.undesigned", "journey.no_target", "journey.unmarked", "journey.unscored",
    "journey.unrated", "journey.foretold_few", "journey.remembered_few", "benchmark.gaps_few",
    "benchmark.pooled_few", "drivers.mirror_none", "drivers.mirror_few", "retention.unseen",
    "waves.unwatched", "weights.none",
})  # fmt: skip
# Levels that speak for their link where nothing was tested, the first that there is.
LEVELS: Mapping[str, tuple[str, ...]] = {
    "designed_emitted": ("emitted.score", "journey.designed", "journey.coherence"),
    "behaviour_money": ("economics.bridge", "economics.cltv"),
}
_OF_ANSWERS = frozenset({
    "pxi", "nps", "insc", "ces", "ces_net", "ces_mean", "ces_top3", "csat_t2b_5", "csat_t2b_7",
    "csat_t2b_10", "recommend", "overall_sat", "effectiveness", "ease", "pleasantness", "acsi_equal",
    "acsi_ohio", "cxi_legacy", "journey_score",
})  # fmt: skip


@dataclass(frozen=True)
class Stated:
    """A published claim: which report states it, in which of its results, and what it says."""

    entry: str
    result: str
    claim: Claim

    @property
    def code(self) -> str:
        """Which claim it is."""
        return self.claim.code

    @property
    def fields(self) -> Mapping[str, Any]:
        """What it is made of."""
        return self.claim.fields

    @property
    def grade(self) -> Grade:
        """What its design allows to say."""
        return self.claim.grade

    @property
    def source(self) -> dict[str, str]:
        """Return where it is published."""
        return {"entry": self.entry, "result": self.result}

    @property
    def place(self) -> str:
        """Return its link of the chain, or the one stage that it is about."""
        return place(self.code, self.fields)

    @property
    def role(self) -> Role:
        """Return what it is."""
        return role(self.code, self.fields)


def place(code: str, fields: Mapping[str, Any]) -> str:
    """Return the link of the chain that a claim is about, or the one stage.

    Examples
    --------
    >>> place("emitted.link", {}), place("hazards.effect", {"covariate": "pxi"})
    ('emitted_perceived', 'perceived_behaviour')
    >>> place("hazards.effect", {"covariate": "attr_price"}), place("own.claim", {})
    ('behaviour', '')
    """
    if code.startswith("hazards.") and str(fields.get("covariate")) in _OF_ANSWERS:
        return "perceived_behaviour"
    if code.startswith("benchmark.") and fields.get("metric") == "compliance":
        return "emitted"
    fitting = [name for name in _PLACES if code.startswith(name)]
    return _PLACES[max(fitting, key=len)] if fitting else ""


def role(code: str, fields: Mapping[str, Any]) -> Role:
    """Return what a claim is: a finding is one that stood in a test.

    Examples
    --------
    >>> role("score.segment", {"hypothesis": "nps: region"}), role("score.level", {})
    ('finding', 'level')
    >>> role("drivers.none", {}), role("intake.dark", {}), role("drivers.order", {"hypothesis": "x"})
    ('nothing', 'gap', 'aside')
    """
    if code in _GAPS:
        return "gap"
    if code in _NOTHING:
        return "nothing"
    if code in _ASIDE or code.startswith(("intake.", "sensitivity.", "weights.", "diagnosis.")):
        return "aside"
    if (code == "waves.part" and fields.get("part") == "rest") or fields.get("standing") is False:
        return "aside"
    if code == "drivers.top" and fields.get("coefficient", 0) is None:  # a block: its drivers are told
        return "aside"
    if code == "risk.campaign":
        return "finding" if (fields.get("conf_low") or 0) > 0 else "nothing"
    return "finding" if code in _FINDINGS or "hypothesis" in fields else "level"
