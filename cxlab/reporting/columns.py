"""How the columns of results are printed: as counts, shares, estimates, p-values, or not at all."""

from __future__ import annotations

HIDDEN = frozenset({
    "contribution_low", "contribution_high", "score_low", "score_high",
    "measure", "log_ratio", "ordinary_low", "ordinary_high",
    "std_error", "flag", "conf_low", "conf_high", "coefficient_low", "coefficient_high", "rank_low",
    "rank_high", "noise_share", "hypothesis", "conf_low_sd", "conf_high_sd",
    "performance_low", "performance_high",
    "gap_low", "gap_high", "switch",
    "coefficient_difference_low", "coefficient_difference_high", "within_low", "within_high",
    "composition_low", "composition_high", "change_users_low", "change_users_high",
    "compliance_low", "compliance_high", "spearman_low", "spearman_high", "corrected_low", "corrected_high",
    "penalty_low", "penalty_high", "reward_low", "reward_high", "sensitivity_low", "sensitivity_high",
    "variance", "shrunk_low", "shrunk_high", "outer_low", "outer_high", "target_unit",
})  # fmt: skip
WHOLE = frozenset(
    {
        "n",
        "visits",
        "units",
        "raters",
        "standards",
        "critical_failed",
        "left_out",
        "undated",
        "n_eff",
        "n_published",
        "outside",
        "n_rest",
        "at_risk",
        "at_horizon",
        "start",
        "end",
        "events",
        "time",
        "rank",
        "df",
        "rows",
        "seed",
        "value_n",
        "others",
        "n_low",
        "n_high",
        "n_moved",
        "n_before",
        "n_focal",
        "peers",
        "touchpoints",
        "managers",
        "managers_rank",
        "places_above",
        "drivers",
        "options",
        "points",
        "missing",
        "pairs",
        "compared",
        "sign_changes",
        "verdict_changes",
        "groups",
    }
)
DECIMALS = {
    "size": 3,
    "worth": 3,
    "left_error": 2,
    "kappa": 2,
    "spearman": 2,
    "corrected": 2,
    "visits_needed": 1,
    "visits_low": 1,
    "visits_high": 1,
    "importance": 3,
    "first": 3,
    "last": 3,
    "gain": 3,
    "htmt": 2,
    "mean": 2,
    "performance": 0,
    "score": 0,
    "managers_mean": 1,
    "managers_sd": 1,
    "value_low": 2,
    "value_high": 2,
    "penalty": 2,
    "reward": 2,
    "asymmetry": 2,
    "correlation": 2,
    "ratio": 2,
    "kendall": 2,
    "coefficient": 2,
    "outcome_rated": 2,
    "outcome_not": 2,
    "gap": 2,
    "coefficient_difference": 2,
    "within": 2,
    "composition": 2,
    "mean_outcome": 2,
    "statistic": 2,
    "sd": 2,
    "hazard_ratio_sd": 2,
    "lift": 1,
    "z": 1,
    "centre": 1,
    "shrunk": 1,
    "turns": 2,
    "published_sd": 1,
    "z_score": 1,
    "std_dev": 1,
    "phi": 1,
    "expected_outside": 1,
}
SHARES = frozenset(
    {
        "elsewhere",
        "felt",
        "hits",
        "by_chance",
        "share_before",
        "share_of_wave",
        "part_of_all",
        "quantile",
        "compliance",
        "standard_weight",
        "reliability",
        "p_top",
        "filled_left",
        "filled_stayed",
        "entry_ignored",
        "leavers_only",
        "target",
        "before",
        "after",
        "rated",
        "share",
        "ahead",
        "reproduced",
        "p_top3",
        "p_quadrant",
        "p_concentrate",
        "johnson",
        "listwise",
        "indicator",
        "mcfadden",
        "unweighted",
        "own",
        "r_squared",
        "moved",
        "contribution",
        "responsibility",
        "p_first",
        "moves",
        "first_order",
        "total",
        "excluding",
        "predicted",
        "captured",
        "threshold",
        "above",
        "contacted",
        "p_best",
        "of_variance",
        "retained",
    }
)
UNITS_OF_TABLES = {
    "chance": "ratio",
    "medians": "months", "separation": "ratio", "months": "ratio", "risk_groups": "share", "risk_by": "share",
    "net_benefit": "share", "visits": "share",
}  # fmt: skip
# Of coverage: counts, shares, and what is not printed because another column says it.
COUNTS = frozenset({"read", "used", "excluded", "cells", "low", "hidden", "contacts", "warnings"})
REASONS = frozenset({"not_asked", "absent", "not_applicable", "dont_know", "refused", "technical"})
COVERED = REASONS | {"part", "kept", "answered", "explained", "volume"}
UNSAID = frozenset(
    {
        "by_change",
        "by_size",
        "withheld",
        "open",
        "farthest",
        "coefficient_p_value",
        "options",
        "compared",
        "n_before",
    }
)
# Further intervals, each printed as one column: its name, and the columns of its ends.
RANGES = {
    "shrunk_interval": ("shrunk_low", "shrunk_high"),
    "inner_limits": ("limit_low", "limit_high"),
    "outer_limits": ("outer_low", "outer_high"),
    "ordinary": ("ordinary_low", "ordinary_high"),
}
NAMING = frozenset(
    {"between", "column", "grouping", "variable", "outcome", "item", "table"}
)  # their values are names of columns
P_VALUES = frozenset({
    "p_value", "p_adjusted", "joint_p_value", "p_no_reward", "coefficient_p_value", "coefficient_p_adjusted",
    "p_bend", "p_equivalent",
})  # fmt: skip
QUIET = frozenset({"n_eff", "p_value", "p_no_reward", "coefficient_p_value", "p_bend"})
PERCENT = frozenset({"percent", "share"})
CHECKED_SHARES = frozenset(
    {
        "observed",
        "most_common",
        "undefined",
        "answered",
        "coding",
        "complete_rows",
        "empty_samples",
        "first_eigenvalue",
        "own",
        "rated",
        "r_squared",
        "r_squared_controls",
        "same_sign",
        "significant",
        "above",
        "below",
        "negligible",
    }
)
CHECKED_COUNTS = frozenset({
    "baseline_waves", "baseline_outside", "monitored",
    "specifications", "done", "failed", "suppressed", "absent", "unpublished", "units", "rated_twice",
    "raters", "ratings",
})  # fmt: skip
CHECKED_ESTIMATES = frozenset({"median", "lower_quartile", "upper_quartile"})
CHECKED_ERRORS = frozenset({"spread", "median_error"})
YES_OR_NO = frozenset({"scale_declared", "sign", "parted", "full_grid"})
# In the estimate's own unit, wherever they stand; changes of percentages are in points of them.
ESTIMATES = frozenset(
    {
        "estimate",
        "raw",
        "drawn_to",
        "between_cells",
        "within_cell",
        "hazard_ratio",
        "mean_estimate",
        "lowest",
        "highest",
        "everybody",
        "low_save",
        "high_save",
        "shrunk",
        "focal_estimate",
        "best_raw",
        "best_level",
        "focal_raw",
        "tau",
    }
)
CHANGES = frozenset({
    "crude", "mix", "to_median",
    "change", "change_users", "mean_change", "least", "most", "adds", "by_change", "by_size", "apart",
    "detectable", "sd_between",
})  # fmt: skip
