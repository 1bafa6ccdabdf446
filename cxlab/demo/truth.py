"""What was planted in the demo clients, number by number, and where to look for it.

`planted` is what the generator puts in; `found` is the mean and the standard deviation of what the
estimators give over 40 draws of the client (seeds 20250630 to 20250669), so that a single draw can be
judged. The published draw was chosen as one close to those means.
"""

from __future__ import annotations

from typing import Any

from cxlab.demo import (
    brands,
    conduct_truth,
    fieldwork,
    journeys,
    lifetimes,
    organisation,
    people,
    tracking,
    visits,
)
from cxlab.demo.conduct_truth import found


def truths(client: str, seed: int) -> dict[str, Any]:
    """Return a demo client's truths as plain values, ready to be written as JSON.

    Examples
    --------
    >>> sorted(truths("fibra_cordillera", 1)["truths"])
    ['T1', 'T10', 'T11', 'T12', 'T13', 'T17', 'T18', 'T3', 'T4', 'T5', 'T6', 'T7']
    >>> truths("nada", 1)["truths"]
    {}
    """
    if client == "nada":
        note = (
            "Nothing was planted: answers, exits and brands are independent of everything. "
            "A report that states a difference here states chance."
        )
        return {"client": "Nada S.A.", "seed": seed, "note": note, "truths": {}}
    note = (
        "planted: what the generator puts in. found: mean and SD over 40 draws of what the estimators give; "
        "the published draw was chosen as one close to those means."
    )
    return {
        "client": "Fibra Cordillera S.A.",
        "seed": seed,
        "note": note,
        "truths": {
            "T1": _drivers(),
            "T3": _callers(),
            "T4": _respondents(),
            "T5": _months(),
            "T6": _experience(),
            "T7": conduct_truth.retention_call(),
            "T10": visits.truth(),
            "T11": _brands(),
            "T12": _areas(),
            "T13": _journeys(),
            "T17": tracking.truth(),
            "T18": conduct_truth.referrers(),
        },
        "also": {
            "T2": {
                "says": "A clear bill is expected: below 5 it costs, above 5 it gives nothing.",
                "planted": {"driver": "attr_billing", "kink": people.BILLING_KINK, "effect_above": 0.0},
            },
            "mirror": {
                "says": "Managers put kindness first and the bill last; customers show otherwise.",
                "planted": {
                    "order": list(organisation.MANAGERS_ORDER),
                    "disagreement": organisation.DISAGREEMENT,
                    "managers": organisation.MANAGERS,
                },
            },
            "halo": {
                "says": "Some are served better or worse in everything (shift of the common factor, in SD).",
                "planted": people.HALO_SHIFT,
            },
            "journeys": _remembered(),
            **conduct_truth.also(),
        },
    }


def _drivers() -> dict[str, Any]:
    effects = {name: effect for name, (_, effect) in people.ATTRIBUTES.items() if name != "attr_billing"}
    return {
        "says": "Resolution makes the experience, then the bill (below 5); kindness and ambience none of it.",
        "where": {
            "table": "survey_responses",
            "outcome": "overall_sat",
            "drivers": list(people.ATTRIBUTES),
            "notebook": "drivers",
        },
        "planted": {
            "effect_per_sd": effects,
            "billing_slope_below_kink": people.BILLING_SLOPE,
            "halo_loading": people.HALO_LOADING,
        },
        "found": {
            "lmg_share": {
                "attr_resolution": found(0.406, 0.011),
                "attr_billing": found(0.230, 0.010),
                "attr_ease": found(0.136, 0.007),
                "attr_app": found(0.100, 0.006),
                "attr_kindness": found(0.064, 0.004),
                "attr_ambience": found(0.064, 0.004),
            },
            "r_squared": found(0.632, 0.009),
        },
        "trap": {
            "correlation_with_outcome": {
                "attr_kindness": found(0.413, 0.011),
                "attr_ambience": found(0.413, 0.010),
            }
        },
    }


def _callers() -> dict[str, Any]:
    return {
        "says": "Call-centre questions are asked to callers only; dropping the others answers about callers.",
        "where": {
            "table": "survey_responses",
            "outcome": "overall_sat",
            "drivers": [*people.ATTRIBUTES, *people.CALL_ITEMS],
            "notebook": "drivers",
        },
        "planted": {
            "callers": people.CALLERS,
            "effect_per_sd_among_callers": {name: effect for name, (_, effect) in people.CALL_ITEMS.items()},
            "resolution_among_callers": people.RESOLUTION_AMONG_CALLERS,
        },
        "found": {
            "indicator_share": {
                "attr_resolution": found(0.340, 0.010),
                "attr_billing": found(0.193, 0.007),
                "attr_call_knowledge": found(0.126, 0.007),
                "attr_call_wait": found(0.037, 0.004),
            },
            "first": "attr_resolution",
        },
        "trap": {
            "complete_rows": found(0.373, 0.007),
            "listwise_share": {
                "attr_resolution": found(0.162, 0.012),
                "attr_billing": found(0.177, 0.010),
                "attr_call_knowledge": found(0.329, 0.016),
                "attr_call_wait": found(0.096, 0.008),
            },
            "first": "attr_call_knowledge",
        },
    }


def _respondents() -> dict[str, Any]:
    return {
        "says": "App users answer 3 times as often and promoters 1.2 times: weights mend only the first.",
        "where": {
            "table": "survey_responses",
            "metric": "nps",
            "targets": list(fieldwork.TARGETS),
            "notebook": "scorecard",
        },
        "planted": {
            "nps": 14.0,
            "app_users_answer": fieldwork.APP_ANSWERS,
            "promoters_answer": fieldwork.PROMOTERS_ANSWER,
        },
        "found": {"raked": found(19.6, 1.1), "design_effect": found(1.36, 0.02)},
        "trap": {"raw": found(32.5, 0.8)},
    }


def _months() -> dict[str, Any]:
    after, until, times = lifetimes.PROMO_END
    return {
        "says": "Leaving is twice as likely in months 1-3, four times in months 13-14 after a promotion.",
        "where": {
            "table": "customers",
            "duration": "duration",
            "event": "event",
            "by": ["attr_promo"],
            "covariates": ["attr_promo", "attr_price"],
            "notebook": "retention",
        },
        "planted": {
            "monthly_hazard": lifetimes.MONTHLY_HAZARD,
            "first_months": list(lifetimes.FIRST_MONTHS),
            "promo_end": [after, until, times],
        },
        "found": {"proportional": {"attr_promo": False, "pxi": True}},
        "trap": {"one_hazard_ratio_for_promo": found(1.15, 0.03)},
    }


def _experience() -> dict[str, Any]:
    return {
        "says": "One SD more PXI precedes 20 % less risk of leaving; price hides part of it if left out.",
        "where": {
            "table": "customers",
            "duration": "duration",
            "event": "event",
            "entry": "survey_tenure",
            "covariates": ["pxi", "attr_price", "attr_promo"],
            "pxi": ["effectiveness", "ease", "pleasantness"],
            "notebook": "retention",
        },
        "planted": {
            "hazard_ratio_per_sd": {
                "pxi": lifetimes.PXI_HAZARD_RATIO,
                "attr_price": lifetimes.PRICE_HAZARD_RATIO,
            },
            "sd": {"pxi": lifetimes.PXI[1], "attr_price": lifetimes.PRICE[1]},
            "correlation": lifetimes.PRICE_PXI_CORRELATION,
        },
        "found": {"pxi": found(0.805, 0.018), "attr_price": found(1.338, 0.037)},
        "trap": {"pxi_without_price": found(0.740, 0.015)},
    }


def _brands() -> dict[str, Any]:
    elsewhere, critical = brands.BRANDS[brands.FOCAL]
    best = max(level for _, level in brands.BRANDS.values())
    return {
        "says": "Third or fourth of eight, and the place cannot be told; behind the best in one cell.",
        "where": {
            "table": "benchmark_responses",
            "metric": "pxi",
            "unit": "peer_id",
            "focal": brands.FOCAL,
            "by": ["interaction_type", "channel"],
            "notebook": "benchmark",
        },
        "planted": {
            "pxi": {brand: brands.true_pxi(brand) for brand in brands.BRANDS},
            "cell": list(brands.CRITICAL),
            "focal_in_cell": critical,
            "focal_elsewhere": elsewhere,
            "gap_to_best_in_cell": critical - best,
            "best_in_cell": max(brands.BRANDS, key=lambda brand: brands.BRANDS[brand][1]),
        },
        "found": {
            "gap_to_best_in_cell": found(-18.3, 4.8),
            "rank_set_of_the_third": [1, 7],
            "last": "Bravo TV",
        },
        "trap": {"rank": "3"},
    }


def _areas() -> dict[str, Any]:
    return {
        "says": "An area that no customer sees carries the largest part of the gap, the CX office little.",
        "where": {
            "table": "survey_responses",
            "outcome": "overall_sat",
            "drivers": [*people.ATTRIBUTES, *people.CALL_ITEMS],
            "notebook": "areas",
        },
        "planted": {
            "responsibility": {name: dict(shares) for name, shares in organisation.RESPONSIBILITY.items()},
            "first": "billing_finance",
        },
        "found": {
            "part_of_the_gap": {
                "billing_finance": found(0.303, 0.005),
                "contact_centre": found(0.217, 0.005),
                "contractor": found(0.118, 0.003),
                "digital": found(0.107, 0.004),
                "network": found(0.106, 0.003),
                "stores": found(0.090, 0.004),
                "cx_office": found(0.0594, 0.0004),
            },
            "unseen": found(0.469, 0.006),
            # With a concentration of 20 the ranges of the first two cross: which is first is left open.
            "range_of_the_first": found(0.152, 0.004),
            "places_of_the_first": [1, 2],
        },
        "trap": {"blamed": "contact_centre", "its_part": found(0.217, 0.005)},
    }


def _journeys() -> dict[str, Any]:
    return {
        "says": "Journeys that change channel are rated lower: all of it is repeating, none the change.",
        "where": {
            "table": "interactions",
            "score": "journey_score",
            "step": "channel",
            "gap_days": journeys.GAP_DAYS,
            "notebook": "journey",
        },
        "planted": {
            "context_lost": journeys.CONTEXT_LOST,
            "repeated_if_lost": journeys.REPEATED_LOST,
            "repeated_if_kept": journeys.REPEATED_KEPT,
            "repeated_without_a_switch": journeys.REPEATED,
            "repeating_takes": journeys.JOURNEY[1],
            "the_switch_takes": 0.0,
            "uneven_process": journeys.PROCESS,
            "channels_there": dict(journeys.CHANNEL_SHIFT),
            "nobody_asks": [list(cell) for cell in journeys.NOT_ASKED],
        },
        "found": {
            "repeated": found(-1.109, 0.026),
            "switch_adjusted": found(-0.006, 0.101),
            "through_repeating": found(-0.542, 0.020),
            "clean_switches": found(0.278, 0.007),
            "spread_in_complaints": found(14.8, 0.8),
        },
        "trap": {"switch_crude": found(-0.551, 0.055)},
    }


def _remembered() -> dict[str, Any]:
    return {
        "says": "The last journey is remembered, calm is met in the app only, a fifth happens by design.",
        "where": {"table": "interactions", "score": "journey_score", "notebook": "journey"},
        "planted": {
            "last_journey_per_sd_of_overall_sat": journeys.LAST,
            "journey_per_sd_of_pxi": journeys.JOURNEY_PXI,
            "contact_per_sd_of_pxi": journeys.CONTACT_PXI,
            "met_in": list(journeys.MET_IN),
            "met": journeys.MET,
            "design": {name: list(said) for name, said in journeys.DESIGN.items()},
        },
        "found": {
            "end_explains": found(0.500, 0.031),
            "mean_explains": found(0.364, 0.029),
            "area_of_journeys": found(0.551, 0.012),
            "area_of_contacts": found(0.513, 0.018),
            "designed": found(0.202, 0.001),
            "met_in_the_app": found(0.421, 0.006),
        },
    }
