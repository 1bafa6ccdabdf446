"""Sentences: every code in both languages and every grade, the grade's verb, nothing unfilled."""

import re

import pytest

from cxlab.analysis.estimates import Claim
from cxlab.reporting import claims
from cxlab.reporting.words import Words

LANGUAGES = ("es", "en")
GRADES = ("A", "B", "C", "D")
NUMBER = {"estimate": -14.3, "conf_low": -19.8, "conf_high": -8.8, "level": 0.95, "unit": "points", "n": 847}
MONTHS = {
    "estimate": 17.2, "conf_low": 16.1, "conf_high": 18.3, "level": 0.95, "unit": "months", "n": 900,
    "time": 24, "time_unit": "months",
}  # fmt: skip
RATIO = {"estimate": 0.8, "conf_low": 0.77, "conf_high": 0.83, "level": 0.95, "unit": "ratio", "n": 7032}
SHARE = {"estimate": 0.7887, "conf_low": 0.779, "conf_high": 0.798, "level": 0.95, "unit": "share", "n": 7032}
SWEEP = {
    "quantity": "Ease",
    "unit": "points",
    "null": 0.0,
    "smallest_effect": 2.0,
    "specifications": 48,
    "done": 48,
    "n": 847,
    "estimate": 3.1,
    "lowest": 1.2,
    "highest": 7.9,
    "same_sign": 48,
    "above": 0,
    "below": 0,
    "negligible": 0,
}
WAVES = {
    **NUMBER, "metric": "nps", "wave": "W3", "previous": "W2", "waves": 3, "side": "", "same_mode": False,
    "detectable": 7.4,
}  # fmt: skip
PERCENT = {"estimate": 31.2, "conf_low": 29.0, "conf_high": 33.4, "level": 0.95, "unit": "percent", "n": 900}
FIELDS = {
    "waves.signal": {
        **NUMBER,
        "metric": "nps",
        "wave": "2024-10",
        "limit_low": 16.0,
        "limit_high": 34.0,
        "rule": "beyond",
        "signals": 3,
        "monitored": 3,
        "baseline": 21,
        "side": "below",
    },
    "waves.steady": {
        "metric": "nps",
        "limit_low": 16.0,
        "limit_high": 34.0,
        "monitored": 3,
        "baseline": 21,
        "n": 600,
        "unit": "points",
        "level": 0.95,
    },
    "waves.unwatched": {
        "metric": "nps",
        "limit_low": 16.0,
        "limit_high": 34.0,
        "monitored": 0,
        "baseline": 21,
        "n": 600,
        "unit": "points",
        "level": 0.95,
    },
    "waves.ordinary_record": {
        **NUMBER,
        "metric": "nps",
        "wave": "2024-10",
        "limit_low": 16.0,
        "limit_high": 34.0,
        "monitored": 3,
        "baseline": 21,
        "waves": 24,
        "side": "highest",
    },
    "waves.moved": {**WAVES, "hypothesis": "h"},
    "waves.unmoved": WAVES,
    "waves.trend": {**WAVES, "hypothesis": "h"},
    "waves.no_trend": WAVES,
    "waves.part": {**WAVES, "part": "rest", "mix": ["region"], "mode": "mode", "hypothesis": "h"},
    "waves.parts_open": {"metric": "nps", "wave": "W3", "previous": "W2", "n": 1800, "level": 0.95},
    "waves.segment": {
        **WAVES,
        "column": "region",
        "segment": "Sur",
        "change": -30.0,
        "total": -9.0,
        "hypothesis": "h",
    },
    "waves.always": {**PERCENT, "good": 62.0, "chance": 21.0},
    "waves.unequal": {**PERCENT, "hypothesis": "h"},
    "waves.equal": PERCENT,
    "waves.streaks": {**RATIO, "hypothesis": "h"},
    "waves.no_streaks": RATIO,
    "waves.between": {
        **PERCENT,
        "column": "region",
        "groups": 40,
        "share": 0.01,
        "person": False,
        "hypothesis": "h",
    },
    "waves.no_between": {**PERCENT, "column": "region", "groups": 40, "share": 0.01, "person": True},
    "economics.prospects": {**NUMBER, "unit": "money", "periods": 52, "discount": 0.1, "alive": 0.6},
    "economics.behaviour": {
        **RATIO,
        "changed_column": "pxi",
        "shift": 10.0,
        "behaviour": "upsell",
        "hypothesis": "behaviour upsell",
    },
    "economics.behaviours_none": {"changed_column": "pxi", "shift": 10.0, "n": 900, "level": 0.95},
    "economics.bridge": {
        **NUMBER,
        "unit": "money",
        "changed_column": "pxi",
        "shift": 10.0,
        "behaviour": "permanence",
        "part": 0.7,
    },
    "economics.referrals": {**SHARE, "passives": 0.06},
    "economics.cltv": {
        **NUMBER,
        "unit": "money",
        "estimate": 312.4,
        "horizon": 24,
        "discount": 0.1,
        "shortcut": 820.0,
    },
    "economics.cltv_difference": {
        **NUMBER,
        "unit": "money",
        "estimate": 61.0,
        "column": "plan",
        "lowest": "internet",
        "highest": "triple",
        "now": 250.0,
        "changed": 311.0,
        "horizon": 24,
        "hypothesis": "h",
    },
    "economics.cltv_alike": {"column": "plan", "n": 400, "level": 0.95},
    "economics.arpu": {**NUMBER, "unit": "money"},
    "economics.ru": {**NUMBER, "unit": "money", "now": 25.0},
    "economics.cac": {
        **NUMBER,
        "unit": "money",
        "column": "acq_channel",
        "lowest": "web",
        "highest": "store",
        "lowest_cost": 30.0,
        "highest_cost": 90.0,
        "variant": "channels",
    },
    "economics.improvement": {
        **NUMBER,
        "unit": "money",
        "changed_column": "nps_class",
        "from_value": "detractor",
        "to_value": "passive",
        "horizon": 24,
        "cost": 20000.0,
        "probability": 0.93,
        "share": 0.41,
        "variant": "pays",
        "hypothesis": "improvement",
    },
    "economics.improvement_none": {
        "changed_column": "pxi",
        "shift": 10.0,
        "horizon": 24,
        "low": -3.0,
        "high": 8.0,
        "n": 400,
        "level": 0.95,
    },
    "economics.purchases": {**NUMBER, "unit": "scale", "periods": 39, "alive": 0.8},
    "economics.spend": {**NUMBER, "unit": "money", "estimate": 35.2},
    "economics.lifetime": {
        **NUMBER,
        "unit": "scale",
        "estimate": 3.69,
        "discount": 0.1,
        "periods": 7,
        "extrapolated": 0.21,
    },
    "economics.retention_rises": {"first": 0.63, "last": 0.91, "periods": 7, "n": 1000, "level": 0.95},
    "risk.order": {**SHARE, "time": 6, "time_unit": "months", "split": "2024-12-15", "events": 900},
    "risk.noise": {**SHARE, "time": 6, "time_unit": "months", "split": None, "detectable": 0.55},
    "risk.captured": {**SHARE, "time": 6, "time_unit": "months", "split": None, "top": 0.1, "times": 2.1},
    "risk.calibration": {**SHARE, "time": 6, "expected": 0.6, "ratio_low": 1.1, "ratio_high": 1.5},
    "risk.campaign": {
        **{**NUMBER, "unit": "money"},
        "time": 6,
        "per": 1000,
        "share": 0.04,
        "top": 0.1,
        "save_rate": 0.2,
        "contact_cost": 3.0,
        "break_even": 0.11,
        "break_even_top": 0.18,
    },
    "emitted.agreement": {**RATIO, "raters": 4, "observed": 0.82, "verdict": "open"},
    "emitted.agreement_in": {
        **RATIO,
        "raters": 2,
        "observed": 0.43,
        "verdict": "open",
        "group": {"city": "Temuco"},
    },
    "emitted.agreement_none": {"raters": 4, "observed": 1.0, "most_common": 1.0, "n": 40, "level": 0.95},
    "emitted.paradox": {
        **RATIO,
        "raters": 2,
        "observed": 0.96,
        "most_common": 0.97,
        "alpha": 0.2,
        "coefficient": "ac1",
    },
    "emitted.score": {**NUMBER, "unit": "percent", "estimate": 88.0, "units": 40, "visits": 240},
    "emitted.critical": {**NUMBER, "unit": "percent", "estimate": 71.0, "units": 40, "visits": 240},
    "emitted.least_met": {
        **NUMBER,
        "unit": "percent",
        "estimate": 61.0,
        "units": 40,
        "visits": 240,
        "standard": "greets",
        "standards": 8,
    },
    "emitted.link": {
        **RATIO,
        "metric": "pxi",
        "units": 40,
        "standard": "greets",
        "corrected": 0.8,
        "compliance": 0.61,
        "place": "mend",
        "hypothesis": "h",
    },
    "emitted.link_none": {
        "metric": "pxi",
        "units": 40,
        "standards": 8,
        "detectable": 0.55,
        "n": 40,
        "level": 0.95,
    },
    "emitted.visits": {
        **RATIO,
        "unit": "rank",
        "estimate": 26.0,
        "conf_low": 10.0,
        "conf_high": 104.0,
        "target": 0.8,
        "units": 40,
        "visits": 6.0,
        "single": 0.13,
        "evaluators": 0.03,
    },
    "emitted.visits_alike": {**SHARE, "target": 0.8, "units": 40, "visits": 6.0},
    "emitted.aligned_open": {
        **SHARE,
        "top": 3,
        "standards": 8,
        "drivers": 6,
        "even": 0.5,
        "outcome": "pxi",
    },
    "emitted.no_peers": {},
    "emitted.unpaired": {},
    "emitted.unperceived": {"metric": "pxi"},
    "emitted.unaligned": {},
    "emitted.aligned": {
        **SHARE,
        "top": 3,
        "standards": 8,
        "drivers": 6,
        "even": 0.5,
        "outcome": "pxi",
    },
    "journey.switches": {**SHARE, "step": "channel", "episodes": 1000, "several": 0.06, "gap": 14},
    "journey.move": {**SHARE, "step": "channel", "start": "app", "end": "store"},
    "journey.coherence": {**SHARE, "step": "channel", "conditions": ["repeat_info", "reopened"]},
    "journey.switch": {**NUMBER, "step": "channel", "score": "journey_score", "hypothesis": "h"},
    "journey.switch_left": {**NUMBER, "step": "channel", "score": "journey_score", "hypothesis": "h"},
    "journey.carrier": {**NUMBER, "term": "repeated", "score": "journey_score", "hypothesis": "h"},
    "journey.switch_clean": {
        **NUMBER,
        "step": "channel",
        "score": "journey_score",
        "crude": -14.1,
        "through": "repeated",
        "through_estimate": -13.9,
        "through_low": -16.0,
        "through_high": -11.8,
        "hypothesis": "h",
    },
    "journey.switch_none": {**NUMBER, "step": "channel", "score": "days", "detectable": 3.2},
    "journey.designed": {**SHARE, "nowhere": 0.6},
    "journey.undesigned": {},
    "journey.no_target": {},
    "journey.emotion": {
        **SHARE,
        "touchpoint": "app",
        "emotion": "calm",
        "there": 0.42,
        "elsewhere": 0.22,
        "hypothesis": "h",
    },
    "journey.emotion_chance": {
        "touchpoints": 6,
        "hits": 0.21,
        "by_chance": 0.22,
        "n": 900,
        "level": 0.95,
        "unit": "share",
        "detectable": 0.08,
    },
    "journey.remembered": {
        **SHARE,
        "summary": "end",
        "score": "note",
        "relational": "overall_sat",
        "mean_explained": 0.3,
        "hypothesis": "h",
        "conf_low": None,
        "conf_high": None,
    },
    "journey.remembered_open": {
        "summary": "end",
        "score": "note",
        "relational": "overall_sat",
        "mean_explained": 0.3,
        "best": 0.31,
        "n": 60,
        "level": 0.95,
        "unit": "share",
    },
    "journey.remembered_nothing": {
        "summary": "end",
        "score": "note",
        "relational": "overall_sat",
        "mean_explained": -0.1,
        "best": -0.1,
        "n": 60,
        "level": 0.95,
        "unit": "share",
    },
    "journey.remembered_few": {"customers": 12, "needed": 30, "fewest": 3},
    "journey.foretold": {
        **SHARE,
        "estimate": 0.04,
        "conf_low": 0.01,
        "conf_high": 0.07,
        "horizon_days": 180,
        "behaviour": "leaving",
        "journeys": 0.58,
        "touchpoints": 0.54,
        "hypothesis": "h",
    },
    "journey.foretold_open": {
        **SHARE,
        "estimate": 0.01,
        "conf_low": -0.02,
        "conf_high": 0.04,
        "horizon_days": 180,
        "behaviour": "buying",
        "journeys": 0.55,
        "touchpoints": 0.54,
        "detectable": 0.05,
    },
    "journey.foretold_few": {"customers": 12, "events": 3, "needed": 30},
    "journey.unscored": {},
    "journey.unmarked": {"step": "channel"},
    "journey.unrated": {"step": "channel"},
    "journey.spread": {
        **NUMBER,
        "estimate": 12.1,
        "metric": "nps",
        "column": "interaction_type",
        "cell": "use",
        "step": "channel",
        "mean": 30.0,
        "gap": 31.0,
        "gap_low": 12.0,
        "gap_high": 50.0,
        "highest": "app",
        "lowest": "store",
        "hypothesis": "h",
    },
    "journey.channels_alike": {
        "metric": "nps",
        "step": "channel",
        "processes": 6,
        "most": 12.0,
        "detectable": 9.0,
        "unit": "points",
        "n": 900,
        "level": 0.95,
    },
    "score.level": {**NUMBER, "metric": "nps", "version": "1"},
    "score.segment": {**NUMBER, "metric": "nps", "column": "region", "segment": "RM", "hypothesis": "h"},
    "score.segments_alike": {
        "metric": "nps",
        "column": "region",
        "segments": 5,
        "detectable": 12.3,
        "unit": "points",
        "n": 24,
    },
    "drivers.top": {**SHARE, "outcome": "pxi", "driver": "ease", "r_squared": 0.63, "hypothesis": "h"},
    "drivers.none": {
        "outcome": "pxi",
        "drivers": 6,
        "r_squared": 0.02,
        "n": 90,
        "level": 0.95,
        "n_needed": 23417,
    },
    "drivers.all_rated": {"drivers": 6, "n": 90, "level": 0.95, "unit": "share"},
    "drivers.few_rated_all": {"drivers": 6, "n": 90, "minimum": 10, "level": 0.95, "unit": "share"},
    "drivers.rated_all": {
        **NUMBER,
        "unit": "share",
        "estimate": 0.12,
        "drivers": 6,
        "driver": "ease",
        "least": 0.2,
    },
    "drivers.order": {
        "first": "ease",
        "second": "price",
        "outcome": "pxi",
        "n": 90,
        "level": 0.95,
        "hypothesis": "h",
    },
    "drivers.order_open": {
        "first": "ease",
        "second": "price",
        "outcome": "pxi",
        "n": 90,
        "level": 0.95,
        "n_needed": 1234,
    },
    "drivers.halo": {**NUMBER, "driver": "ease", "correlation": 0.42, "estimate": 0.01, "unit": "scale"},
    "drivers.robust": {
        "outcome": "pxi",
        "driver": "ease",
        "estimate": 0.021,
        "unit": "share",
        "ways": 4,
        "whole": True,
        "n": 90,
    },
    "drivers.fragile": {
        "outcome": "pxi",
        "driver": "ease",
        "other": "price",
        "way": "mcfadden",
        "share": 0.31,
        "estimate": 0.33,
        "n_way": 61,
        "unit": "share",
        "n": 90,
    },
    "drivers.priority": {
        **NUMBER,
        "driver": "ease",
        "outcome": "pxi",
        "probability": 0.98,
        "importance": 0.3,
    },
    "drivers.no_priority": {"driver": "ease", "outcome": "pxi", "probability": 0.6, "drivers": 6, "n": 90},
    "drivers.must_be": {
        **NUMBER,
        "driver": "ease",
        "outcome": "pxi",
        "low": 3.0,
        "high": 6.0,
        "negligible": 0.1,
        "no_reward": True,
        "unit": "scale",
    },
    "drivers.attractive": {
        **NUMBER,
        "driver": "ease",
        "outcome": "pxi",
        "low": 3.0,
        "high": 6.0,
        "negligible": 0.1,
        "no_reward": False,
        "unit": "scale",
    },
    "drivers.unrated_apart": {
        **SHARE,
        "driver": "ease",
        "outcome": "pxi",
        "rated": 0.42,
        "unrated": 0.998,
        "hypothesis": "h",
    },
    "drivers.segment": {
        **NUMBER,
        "driver": "ease",
        "outcome": "pxi",
        "column": "plan x channel",
        "segment": "a x app",
        "other": "",
        "measure": "share",
        "unit": "share",
        "estimate": 0.2,
        "conf_low": 0.1,
        "conf_high": 0.3,
        "value": 0.4,
        "other_value": 0.2,
        "hypothesis": "h",
    },
    "drivers.segments_alike": {
        "outcome": "pxi",
        "column": "plan",
        "segments": 3,
        "drivers": 6,
        "detectable": 0.12,
        "unit": "share",
        "n": 90,
        "level": 0.95,
    },
    "drivers.simpson": {
        **NUMBER,
        "driver": "ease",
        "outcome": "pxi",
        "column": "plan",
        "kind": "reversed",
        "pooled": 3.1,
        "segments": 3,
        "hypothesis": "h",
    },
    "drivers.lift": {
        **NUMBER,
        "driver": "ease",
        "outcome": "pxi",
        "at_most": 3.0,
        "moved": 0.21,
        "users": 4.0,
        "estimate": 3.1,
        "conf_low": 1.2,
        "conf_high": 5.0,
        "n_moved": 177,
        "hypothesis": "h",
    },
    "drivers.no_lift": {"drivers": 6, "outcome": "pxi", "unit": "points", "n": 90, "level": 0.95},
    "drivers.first_elsewhere": {"driver": "ease", "outcome": "pxi", "column": "plan", "segments": 3, "n": 90},
    "drivers.kinds_open": {"drivers": 6, "outcome": "pxi", "n": 90, "level": 0.95},
    "drivers.blocks_merge": {
        **RATIO,
        "driver": "level: emotional",
        "over": "level: rational",
        "estimate": 0.95,
        "limit": 0.9,
    },
    "drivers.area": {
        **SHARE,
        "area": "billing",
        "contribution": 0.3,
        "outcome": "pxi",
        "touchpoints": 4,
        "rank_low": 1,
        "rank_high": 3,
        "areas": 7,
    },
    "drivers.area_first": {**SHARE, "area": "billing", "outcome": "pxi", "areas": 7},
    "drivers.areas_open": {
        **SHARE,
        "area": "billing",
        "second": "calls",
        "candidates": 2,
        "outcome": "pxi",
        "areas": 7,
    },
    "drivers.area_unseen": {**SHARE, "areas": 3, "outcome": "pxi"},
    "drivers.area_nobody": {**SHARE, "area": "nobody", "outcome": "pxi"},
    "weights.raked": {"columns": ["region", "channel"], "sources": ["CRM"], "dates": ["2024-11-04"], "n": 90},
    "weights.given": {"column": "weight", "n": 90},
    "weights.none": {"n": 90},
    "drivers.area_none": {"area": "billing", "n": 90},
    "drivers.mirror_none": {},
    "drivers.mirror_few": {"minimum": 8, "n": 90},
    "drivers.mirror_order": {
        "managers": 9,
        "drivers": 6,
        "value": -0.4,
        "value_low": -0.5,
        "value_high": -0.3,
        "n": 90,
        "level": 0.95,
    },
    "drivers.mirror_gap": {
        "managers": 9,
        "drivers": 6,
        "driver": "ease",
        "verdict": "below",
        "place": 6,
        "rank_low": 1,
        "rank_high": 2,
        "n": 90,
        "level": 0.95,
    },
    "drivers.mirror_inside": {"managers": 9, "drivers": 6, "n": 90, "level": 0.95},
    "drivers.areas_nothing": {"outcome": "pxi", "n": 90},
    "retention.level": {**SHARE, "time": 24, "time_unit": "months"},
    "retention.median": {
        "estimate": 35,
        "conf_low": 31,
        "conf_high": None,
        "unit": "months",
        "level": 0.95,
        "n": 90,
    },
    "retention.difference": {
        "column": "plan",
        "lowest": "a",
        "lowest_estimate": 0.61,
        "highest": "b",
        "highest_estimate": 0.98,
        "time": 24,
        "time_unit": "months",
        "statistic": 2352.9,
        "df": 2,
        "n": 90,
        "level": 0.95,
        "hypothesis": "h",
    },
    "retention.alike": {"column": "plan", "n": 90},
    "retention.entry_ignored": {
        **SHARE,
        "time": 24,
        "time_unit": "months",
        "entry_ignored": 0.78,
        "late": 40,
    },
    "retention.mean": {**MONTHS},
    "retention.mean_difference": {
        **MONTHS,
        "column": "plan",
        "segment": "a",
        "other": "b",
        "hypothesis": "h",
    },
    "retention.mean_alike": {**MONTHS, "estimate": None, "column": "plan", "pairs": 3},
    "retention.lifetime": {
        **MONTHS,
        "horizon": 60,
        "distribution": "log_normal",
        "distributions": 5,
        "lowest": 17.9,
        "highest": 21.1,
        "extrapolated_share": 0.27,
    },
    "retention.raised": {**RATIO, "estimate": 4.1, "start": 13, "end": 14, "hypothesis": "h"},
    "retention.uneven": {"column": "plan", "segment": "a", "n": 90, "level": 0.95, "hypothesis": "h"},
    "retention.even": {"n": 90, "level": 0.95, "events": 40},
    "retention.hostage": {**SHARE, "at_most": 3},
    "retention.free": {**SHARE, "at_most": 3},
    "retention.absent": {"columns": ["end_type", "lock_in_end"], "count": 2},
    "retention.unseen": {"time": 24, "time_unit": "months"},
    "incidence.level": {**SHARE, "time": 24, "time_unit": "months", "cause": "involuntary"},
    "incidence.difference": {
        "column": "plan",
        "cause": "involuntary",
        "lowest": "a",
        "lowest_estimate": 0.02,
        "highest": "b",
        "highest_estimate": 0.06,
        "time": 24,
        "time_unit": "months",
        "n": 90,
        "level": 0.95,
        "hypothesis": "h",
    },
    "incidence.alike": {"column": "plan", "cause": "involuntary", "n": 90, "level": 0.95},
    "retention.no_events": {"n": 120, "upper": 0.025, "level": 0.95},
    "hazards.effect": {**RATIO, "covariate": "ease", "per": "SD", "hypothesis": "h"},
    "hazards.none": {"covariates": 3, "events": 40, "n": 900, "level": 0.95},
    "hazards.not_proportional": {"covariate": "promo", "p_value": 0.0004},
    "hazards.split": {
        "covariate": "ease",
        "per": "SD",
        "time": 12,
        "time_unit": "months",
        "early_ratio": 0.71,
        "early_low": 0.66,
        "early_high": 0.77,
        "late_ratio": 0.98,
        "late_low": 0.9,
        "late_high": 1.07,
        "n": 900,
        "level": 0.95,
    },
    "hazards.stratified": {"covariate": "plan", "others": 3, "shift": 0.034, "n": 900},
    "benchmark.ahead": {
        **NUMBER,
        "estimate": 9.0,
        "focal": "fc",
        "peer": "b",
        "metric": "nps",
        "hypothesis": "h",
    },
    "benchmark.behind": {**NUMBER, "focal": "fc", "peer": "b", "metric": "nps", "hypothesis": "h"},
    "benchmark.indistinguishable": {
        "focal": "fc",
        "peers": 7,
        "metric": "nps",
        "detectable": 9.0,
        "unit": "points",
        "n": 90,
    },
    "benchmark.cell": {
        **NUMBER,
        "focal": "fc",
        "peer": "b",
        "metric": "nps",
        "cell": {"channel": "app"},
        "hypothesis": "h",
    },
    "benchmark.mix": {
        **NUMBER,
        "focal": "fc",
        "peer": "b",
        "metric": "nps",
        "columns": ["region"],
        "crude": 27.8,
        "performance": 8.15,
        "hypothesis": "h",
    },
    "benchmark.behind_best": {
        **NUMBER,
        "estimate": -18.0,
        "focal": "fc",
        "peer": "b",
        "metric": "nps",
        "column": "interaction_type x channel",
        "cell": "complaint x call_center",
        "to_median": -5.8,
        "hypothesis": "h",
    },
    "benchmark.ahead_of_all": {
        **NUMBER,
        "estimate": 18.0,
        "focal": "fc",
        "peer": "b",
        "metric": "nps",
        "column": "channel",
        "cell": "app",
        "to_median": 25.8,
        "hypothesis": "h",
    },
    "benchmark.gaps_alike": {
        "focal": "fc",
        "metric": "nps",
        "column": "interaction_type x channel",
        "cells": 6,
        "low": 3,
        "detectable": 12.0,
        "unit": "points",
        "n": 40,
    },
    "benchmark.pooled_few": {"metric": "nps", "column": "channel", "cells": 3, "least": 4},
    "benchmark.gaps_few": {"focal": "fc", "metric": "nps", "column": "channel", "cells": 0, "low": 8},
    "benchmark.equivalent": {
        **NUMBER,
        "estimate": 1.0,
        "conf_low": -2.0,
        "conf_high": 4.0,
        "level": 0.9,
        "focal": "fc",
        "peer": "b",
        "metric": "nps",
        "margin": 5.0,
        "hypothesis": "h",
    },
    "benchmark.mix_alike": {
        "focal": "fc",
        "peers": 7,
        "metric": "nps",
        "columns": ["region", "channel"],
        "detectable": 9.0,
        "unit": "points",
        "n": 90,
    },
    "benchmark.rank": {
        "focal": "fc",
        "estimate": 3,
        "rank_low": 1,
        "rank_high": 7,
        "units": 8,
        "metric": "nps",
        "n": 90,
    },
    "benchmark.published": {
        **NUMBER,
        "peer": "Ranking",
        "metric": "nps",
        "value": 40.0,
        "date": "2025",
        "hypothesis": "h",
    },
    "benchmark.best": {**NUMBER, "best": "b", "raw": 31.0, "p_best": 0.36, "units": 8, "metric": "nps"},
    "benchmark.best_distance": {**NUMBER, "focal": "fc", "units": 8, "metric": "nps"},
    "benchmark.variance": {
        **SHARE,
        "metric": "nps",
        "column": "branch",
        "first": "peer_id",
        "outer": 0.08,
        "outer_low": 0.03,
        "outer_high": 0.26,
    },
    "benchmark.funnel": {
        "metric": "nps",
        "units": 52,
        "above": 3,
        "below": 2,
        "target": 20.0,
        "target_unit": "points",
        "dispersed": True,
        "n": 900,
    },
    "benchmark.funnel_focal": {
        "metric": "nps",
        "focal": "fc",
        "value": 31.0,
        "position": "above",
        "target": 20.0,
        "target_unit": "points",
        "low": 12.0,
        "high": 28.0,
        "n": 90,
    },
    "benchmark.published_gap": {**NUMBER, "peer": "Ranking", "metric": "nps", "value": 40.0},
    "benchmark.published_alike": {
        "metric": "nps",
        "numbers": 7,
        "detectable": 9.0,
        "unit": "points",
        "n": 90,
    },
    "sensitivity.robust": {**SWEEP, "side": "above", "above": 48, "count": 48},
    "sensitivity.fragile": {
        **SWEEP,
        "side": "below",
        "below": 12,
        "count": 12,
        "choice": "not_applicable",
        "turned": 9,
        "compared": 24,
    },
    "sensitivity.range": {**SWEEP, "unit": "share", "lowest": 0.1, "highest": 0.3, "error": 0.02},
    "sensitivity.none": {**SWEEP, "detectable": 4.2, "level": 0.95},
    "sensitivity.choice": {
        **SWEEP,
        "choice": "not_applicable",
        "share": 0.71,
        "from_option": "listwise",
        "to_option": "indicator",
        "pairs": 24,
        "choices": 3,
        "error": 20.0,
    },
    "sensitivity.reference": {**NUMBER, **SWEEP, "status": "done", "rank": 7},
    "sensitivity.missing": {
        "specifications": 48,
        "done": 44,
        "missing": 4,
        "failed": 3,
        "suppressed": 1,
        "choice": "outcome",
        "option": "nps",
    },
}
CAVEATS = (
    "low_base",
    "weights_mend_mix",
    "targets_unsourced",
    "weights_trimmed",
    "association_not_cause",
    "definition_assumed",
    "not_proportional",
    "small_effective_sample",
    "benchmark_mode",
    "best_of_several",
    "benchmark_undated",
    "benchmark_unsourced",
    "benchmark_error_unknown",
    "benchmark_spread_assumed",
    "funnel_dispersed",
    "variance_not_fate",
    "no_population_claim",
    "conditional_on_entry",
    "suppressed_rows",
    "not_applicable_coded",
    "few_events",
    "cut_searched",
    "one_cause",
    "shares_of_different_totals",
    "others_held_fixed",
    "straight_line",
    "blocks_overlap",
    "drivers_move_together",
    "little_explained",
    "drivers_aliased",
    "empty_samples",
    "coded_backwards",
    "responsibility_judged",
    "managers_no_sample",
    "model_not_observed",
    "spend_with_frequency",
    "extrapolated",
    "sorting",
    "improvement_if_causal",
    "improvement_like_the_others",
    "improvement_no_response",
    "change_capped",
    "effect_fades",
    "control_failed",
    "groups_not_effect",
    "sales_pushed",
    "specifications_same_people",
    "waves_sampling_only",
    "specifications_missing",
    "no_smallest_effect",
    "choices_tied",
)
# The strongest verbs: only an experiment may say the first, only a longitudinal finding the second.
CAUSE = re.compile(
    r"\b(reduce|reduces|aumenta|raises|multiplica|multiplies|modifica|changes (the|“)|causa|causes"
    r"|produce|brings)\b"
)
PRECEDES = re.compile(r"\b(anticipa|precedes)\b")
ASSOCIATES = re.compile(r"\b(se asocia|goes with)\b")


def sentence(code: str, language: str, grade: str = "D", **changed: object) -> str:
    text = claims.sentence(Claim(code, {**FIELDS[code], **changed}, grade), Words(language))  # type: ignore[arg-type]
    return text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("grade", GRADES)
@pytest.mark.parametrize("code", FIELDS)
def test_every_code_has_a_sentence(code, grade, language):
    for changed in ({}, {"estimate": 2.4}):
        text = sentence(code, language, grade, **changed)
        assert text.endswith(".")
        assert text[0] == text[0].upper()
        assert not re.search(r"[{}]|None(?! of)|nan|  | ,| \.$|\(\)|\.\.$", text), text
        assert code not in text
        if grade != "A":
            assert not CAUSE.search(text) or code == "hazards.not_proportional", text
        if grade in ("C", "D"):
            assert not PRECEDES.search(text), text
        if grade == "D" and code != "drivers.order":
            assert not ASSOCIATES.search(text), text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", FIELDS)
def test_a_title_is_the_sentence_without_bracket_and_stop(code, language):
    text = claims.short(Claim(code, FIELDS[code], "C"), Words(language))
    assert not text.endswith(".")
    assert "n\N{NO-BREAK SPACE}=" not in text
    assert len(text) <= 130


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", FIELDS)
def test_sentences_stand_with_the_least_a_claim_may_carry(code, language):
    wanted = {
        k: v
        for k, v in FIELDS[code].items()
        if k not in ("conf_low", "conf_high", "level", "n", "detectable", "n_needed")
    }
    text = claims.sentence(Claim(code, wanted, "D"), Words(language))
    assert not re.search(r"[{}]|\(\)", text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_caveat_and_grade_has_a_text(language):
    words = Words(language)
    said = claims.caveats(Claim("score.level", {}, "D", CAVEATS), words)
    assert all(text.endswith(".") and " " in text for text in said)
    assert len({claims.grade(Claim("score.level", {}, g), words) for g in GRADES}) == 4  # type: ignore[arg-type]


def test_grade_words():
    said = [claims.grade(Claim("x", {}, g), Words("es")) for g in GRADES]  # type: ignore[arg-type]
    assert said == ["experimento", "anticipación", "asociación", "descripción"]


def test_spanish_sentences_read_as_written_by_hand():
    assert sentence("score.level", "es", estimate=18.0, conf_low=14.5, conf_high=21.5, n=2051) == (
        "Se observa un NPS de 18,0 puntos (intervalo de 95 %: 14,5 a 21,5 puntos; n = 2.051)."
    )
    assert sentence("score.segment", "es") == (
        "En «RM» (Región) se observa un NPS 14 puntos menor que en el resto "
        "(intervalo de 95 %: −20 a −9 puntos; n = 847)."
    )
    assert sentence("hazards.effect", "es", "B") == (
        "Una desviación estándar más de «Ease» anticipa un riesgo de irse 20 % menor "
        "(razón de riesgos 0,80; intervalo de 95 %: 0,77 a 0,83; n = 7.032)."
    ).replace("«Ease»", "«Facilidad»")
    assert sentence("benchmark.rank", "es") == (
        "Se observa a «fc» en el lugar 3 de 8 en el NPS, pero su lugar podría ser cualquiera "
        "entre el 1 y el 7 (n = 90)."
    )


def test_english_sentences_read_as_written_by_hand():
    assert sentence("retention.level", "en") == (
        "After 24 months, 78.9% of customers are observed to remain (95% interval: 77.9 to 79.8%; n = 7,032)."
    )
    assert sentence("hazards.effect", "en", "A") == (
        "One standard deviation more of “Ease” reduces the risk of leaving by 20% "
        "(hazard ratio 0.80; 95% interval: 0.77 to 0.83; n = 7,032)."
    )
    assert sentence("drivers.none", "en", "C") == (
        "None of the 6 attributes can be told from noise in explaining the PXI; "
        "together they explain 2% (n = 90); "
        "about 23,000 answers would be needed."
    )


@pytest.mark.parametrize(
    ("code", "count", "es", "en"),
    [
        ("drivers.none", {"drivers": 1}, "el único atributo", "the one attribute"),
        ("drivers.none", {"drivers": 4}, "ninguno de los 4 atributos", "none of the 4 attributes"),
        ("hazards.none", {"covariates": 1}, "la única variable", "the one variable"),
        ("benchmark.indistinguishable", {"peers": 1}, "su único par", "its one peer"),
        ("benchmark.indistinguishable", {"peers": ["a", "b"]}, "sus 2 pares", "its 2 peers"),
        ("retention.level", {"time": 1}, "al cabo de 1 mes ", "after 1 month,"),
    ],
)
def test_plurals(code, count, es, en):
    assert es in sentence(code, "es", **count).lower()
    assert en in sentence(code, "en", **count).lower()


def test_a_rating_at_the_end_of_its_scale_stands_alone():
    assert "una nota de 6 o más" in sentence("drivers.attractive", "es")
    assert "una nota de 6 se" in sentence("drivers.attractive", "es", scale=[1.0, 6.0])
    assert "a rating of 3 or less" in sentence("drivers.must_be", "en", scale=[1.0, 6.0])
    assert "one of 6 adds nothing" in sentence("drivers.must_be", "en", scale=[1.0, 6.0])


def test_what_is_nearest_to_a_priority_says_whether_its_part_is_its_own():
    assert "in 60% of the bootstrap samples (" in sentence("drivers.no_priority", "en")
    said = sentence("drivers.no_priority", "en", standing=False)
    assert "in 60% of the bootstrap samples, but its own part cannot be told from zero (" in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_goes_against_and_what_overlaps_are_said_so(language):
    against = sentence("drivers.top", language, "C", coefficient=-0.07)
    observed = sentence("drivers.top", language, "D", coefficient=-0.07)
    assert {"es": "sentido contrario", "en": "the other way"}[language] in against
    assert {"es": "sentido contrario", "en": "the other way"}[language] in observed
    assert {"es": "se asocia", "en": "goes the"}[language] not in observed
    together = sentence("drivers.none", language, "C", together=True, n_needed=None)
    assert {"es": "se superponen", "en": "they overlap"}[language] in together
    assert "820" in sentence("drivers.none", language, "C", together=True, n_needed=820)
    assert sentence("drivers.none", language, "C", together=False, n_needed=None) != together


def test_parts_of_a_gap_add_up_as_they_are_read():
    said = sentence("benchmark.mix", "en", crude=27.8, performance=8.15, estimate=19.65)
    assert "goes from +27.8 to +8.2: +19.6 go with who the customers are" in said.replace("+19.7", "+19.6")


def test_a_margin_is_said_as_it_was_declared():
    assert "less than 5 points apart" in sentence("benchmark.equivalent", "en")
    assert "a menos de 2,5 puntos" in sentence("benchmark.equivalent", "es", margin=2.5)


def test_direction_decides_the_words():
    assert "por debajo" in sentence("benchmark.cell", "es")
    assert "por encima" in sentence("benchmark.cell", "es", estimate=12.0)
    assert "20% higher" in sentence("hazards.effect", "en", "B", estimate=1.2, conf_low=1.1, conf_high=1.3)
    assert "2.4 times the risk" in sentence(
        "hazards.effect", "en", "C", estimate=2.4, conf_low=2.1, conf_high=2.8
    )


def test_the_exposure_is_said_as_it_was_measured():
    said = {
        1: "“ease” (yes rather than no)",
        10: "10 units more of “ease”",
        "one unit": "one unit more of “ease”",
        "one SD": "one standard deviation more of “ease”",
    }
    for per, words in said.items():
        assert words in sentence("hazards.effect", "en", "C", per=per).lower()
    category = sentence("hazards.effect", "en", "C", covariate="plan: Two year", reference="Monthly")
    assert category.startswith("“Plan: Two year” (rather than “Monthly”) goes with")


def test_segments_and_lifts_say_both_values_their_difference_and_what_is_supposed():
    assert sentence("drivers.segment", "es", "C") == (
        "«Facilidad» pesa más en el PXI en «a × app» (Plan × Canal) que en los demás segmentos: 40 % de lo "
        "que allí explican los atributos, contra 20 %; la diferencia es de 20 p.p. "
        "(intervalo de 95 %: 10 a 30 p.p.; n = 847)."
    )
    pair = {"column": "plan", "segment": "a", "other": "b", "measure": "coefficient", "unit": "points"}
    said = sentence("drivers.segment", "en", "C", **pair, value=3.0, other_value=1.0, estimate=2.0)
    assert "correspond 3.00 points" in said or "correspond 3.0 points" in said
    assert "in “b”; the difference is 2" in said
    assert sentence("drivers.lift", "es", "C").startswith(
        "Si quienes ponen 3 o menos a «Facilidad» (21 % de quienes responden) pusieran un punto más"
    )
    assert "se asociaría con 3,1 puntos más" in sentence("drivers.lift", "es", "C")


def test_differences_of_percentages_are_percentage_points():
    assert "14 p.p." in sentence("score.segment", "es", metric="csat_t2b_7")
    assert "12 p.p." in sentence("score.segments_alike", "es", metric="csat_t2b_7")


def test_crossed_cells_take_the_labels_of_their_columns():
    words = Words("es", {"values": {"channel": {"app": "Aplicación"}}})
    crossed = {**FIELDS["score.segment"], "column": "region x channel", "segment": "RM x app"}
    assert "«RM × Aplicación» (Región × Canal)" in claims.sentence(
        Claim("score.segment", crossed, "D"), words
    )


def test_an_unknown_code_still_says_its_number():
    claim = Claim("own.claim", {"estimate": 3.0, "unit": "points", "n": 50}, "D", ("own_caveat",))
    assert claims.sentence(claim, Words("en")).startswith("Own.claim: 3.0 points (n")
    assert claims.caveats(claim, Words("en")) == ["own_caveat"]


def test_what_clients_wrote_is_data_in_a_sentence():
    text = sentence("score.segment", "en", segment="{metric} {0} %s {{ 7*7 }}")
    assert "“{metric} {0} %s {{ 7*7 }}”" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_waves_say_has_a_text_for_each_way(language):
    for side in ("highest", "lowest", ""):
        for code in ("waves.unmoved", "waves.ordinary_record"):
            if side or code == "waves.unmoved":
                text = sentence(code, language, side=side)
                assert "{" not in text
                assert code == "waves.ordinary_record" or "7" in text
                assert (
                    len(claims.short(Claim(code, {**FIELDS[code], "side": side}, "D"), Words(language)))
                    <= 130
                )
    said = {
        sentence("waves.signal", language, rule=rule, side=side)
        for rule in ("beyond", "run")
        for side in ("above", "below")
    }
    parts = {
        sentence("waves.part", language, part=part, mix=mix)
        for part in ("definition", "mix", "method", "rest")
        for mix in ([], ["region"])
    }
    people = {
        sentence(code, language, person=person)
        for code in ("waves.between", "waves.no_between")
        for person in (True, False)
    }
    assert (len(said), len(people)) == (4, 4)
    assert len(parts) == 5
    assert sentence("waves.segment", language, still=True) != sentence("waves.segment", language)
    assert sentence("waves.moved", language, same_mode=True) != sentence("waves.moved", language)


def test_a_record_that_is_noise_is_not_announced():
    told = {lang: sentence("waves.unmoved", lang, side="highest", estimate=3.1) for lang in LANGUAGES}
    assert "anunciar un récord sería anunciar azar" in told["es"]
    assert "+3 puntos" in told["es"]
    assert "to announce a record would be to announce chance" in told["en"]
