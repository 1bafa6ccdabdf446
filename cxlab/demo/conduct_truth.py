"""What was planted in what customers do: T7, T18, the causes of leaving, and what customers are worth."""

from __future__ import annotations

from typing import Any

from cxlab.demo import accounts, acquisition, contacts, departures, lifetimes, referring

MARGIN = 10.0  # thousand pesos a month: what the average customer leaves
POINTS = 10.0  # of PXI


def found(mean: float, sd: float) -> dict[str, float]:
    """Return what estimators give over many draws."""
    return {"mean": mean, "sd": sd}


def retention_call() -> dict[str, Any]:
    """T7: the call that follows the notice."""
    return {
        "says": "The retention call is made once a customer gives notice: it tells who leaves, and no cause.",
        "where": {
            "table": "customers",
            "duration": "duration",
            "event": "event",
            "by": ["attr_retention_call"],
            "notebook": "churn_risk",
        },
        "planted": {"called": departures.CALLED, "called_and_stayed": departures.CALLED_AND_STAYED},
        "found": {"refused": ["attr_retention_call"]},
        "trap": {"auc": found(0.9397, 0.0017)},
    }


def referrers() -> dict[str, Any]:
    """T18: who recommends in deed."""
    return {
        "says": "Of those who say they would recommend, 22 % ever do; of the passives, 6 %.",
        "where": {
            "table": "customers",
            "metric": "nps",
            "referrals": "referrals",
            "notebook": "economics",
        },
        "planted": {"ever_refer": referring.EVER, "become_customers": referring.BECOME_CUSTOMERS},
        "found": {
            "ever_refer": {
                "promoter": found(0.223, 0.007),
                "passive": found(0.059, 0.007),
                "detractor": found(0.0155, 0.0035),
            }
        },
        "trap": {"every_promoter_refers": 1.0},
    }


def also() -> dict[str, Any]:
    """Return the truths that have no number of their own."""
    return {
        "causes": _causes(),
        "acquisition": _acquisition(),
        "first_contact": _first_contact(),
        "sales": _sales(),
        "economics": _economics(),
        "first_seen": {
            "says": "Nobody joined before the observation began; first_seen would be start_date: left out."
        },
    }


def _causes() -> dict[str, Any]:
    return {
        "says": "The PXI moves whoever asks to leave; price and lateness, who is cut off; nothing, the rest.",
        "where": {"table": "customers", "cause": "end_type", "late": "attr_first_days_late"},
        "planted": {
            "same_for_all": departures.SAME_FOR_ALL,
            "involuntary_share_of_the_rest": departures.INVOLUNTARY,
            "log_odds_involuntary_per_sd": departures.TURNS_INVOLUNTARY,
            "all_causes": {
                "pxi": lifetimes.PXI_HAZARD_RATIO,
                "attr_price": lifetimes.PRICE_HAZARD_RATIO,
                "attr_first_days_late": 1.0,
            },
        },
        # Per SD, together, from the survey on, promotion as stratum.
        "found": {
            "share_of_exits": {
                "voluntary": found(0.642, 0.006),
                "involuntary": found(0.290, 0.006),
                "migration": found(0.0544, 0.0021),
                "death": found(0.0137, 0.0013),
            },
            "voluntary": {
                "pxi": found(0.741, 0.022),
                "attr_price": found(1.272, 0.044),
                "attr_first_days_late": found(0.780, 0.027),
            },
            "involuntary": {
                "pxi": found(0.938, 0.044),
                "attr_price": found(1.650, 0.096),
                "attr_first_days_late": found(1.583, 0.057),
            },
        },
    }


def _acquisition() -> dict[str, Any]:
    return {
        "says": "Telesales and door to door promise too much; given the PXI, the origin is nothing.",
        "where": {"table": "customers", "by": ["acq_channel"], "promise": "attr_promise_kept"},
        "planted": {
            "spent_per_customer": acquisition.COST,
            "odds_of_a_broken_promise": acquisition.BROKEN_PROMISE,
            "log_odds_kept": list(acquisition.KEPT),
        },
        "found": {
            "kept": {
                "web": found(0.789, 0.005),
                "store": found(0.805, 0.007),
                "telesales": found(0.484, 0.005),
                "door_to_door": found(0.538, 0.010),
                "referral": found(0.903, 0.006),
            },
            "spent_per_customer": {
                "web": found(37.8, 0.5),
                "store": found(55.0, 0.6),
                "telesales": found(70.0, 0.8),
                "door_to_door": found(92.1, 1.2),
                "referral": found(24.0, 0.3),
            },
        },
        # Of the two that promise too much over the others, promotion as stratum.
        "trap": {"hazard_ratio": found(1.164, 0.024)},
    }


def _first_contact() -> dict[str, Any]:
    return {
        "says": "A first contact with a person that is taken up again precedes leaving within 90 days.",
        "where": {
            "table": "interactions",
            "column": "reopened",
            "human": list(contacts.HUMAN),
            "days": contacts.SOON,
        },
        "planted": {
            "before_leaving": contacts.REOPENED_BEFORE_LEAVING,
            "else": contacts.REOPENED_FIRST,
            "other_contacts": contacts.REOPENED,
        },
        "found": {"hazard_ratio_90_days": found(1.709, 0.092)},
    }


def _sales() -> dict[str, Any]:
    return {
        "says": "The PXI brings upgrades and renewals; other products come with the sales list, not with it.",
        "where": {"table": "transactions", "kind": "kind", "list": "attr_sales_list"},
        "planted": {
            "upsell_per_sd_of_pxi": accounts.UPSELL[1],
            "renewal_log_odds_per_sd_of_pxi": accounts.RENEWAL[1],
            "cross_sell_per_sd_of_pxi": 1.0,
            "cross_sell_on_the_list": accounts.CROSS_SELL[1],
            "list_log_odds_per_sd_of_pxi": accounts.LISTED[1],
        },
        # Rates after the survey, per SD of PXI; given the list, and of the list.
        "found": {
            "upsell": found(1.246, 0.066),
            "cross_sell": found(1.018, 0.056),
            "cross_sell_on_the_list": found(3.00, 0.31),
        },
        "trap": {"cross_sell_without_the_list": found(1.255, 0.064)},
    }


def _economics() -> dict[str, Any]:
    step = POINTS / lifetimes.PXI[1]
    worth = {
        name: [lifetimes.value(pxi, 0.0, promo=promo, margin=MARGIN) for pxi in (0.0, step)]
        for name, promo in (("without_promotion", False), ("on_promotion", True))
    }
    return {
        "says": "Ten points of PXI for an average new customer: 24 months, 10 % a year, in advance.",
        "where": {"table": "customers", "margin": "margin_monthly", "notebook": "economics"},
        "planted": {
            "margin": MARGIN,
            "hazard_ratio": lifetimes.PXI_HAZARD_RATIO**step,
            "cltv": {name: round(before, 4) for name, (before, _) in worth.items()},
            "delta_cltv": {name: round(after - before, 4) for name, (before, after) in worth.items()},
            "margin_by_plan": accounts.MARGIN,
        },
        "found": {"margin": found(10.23, 0.013), "arpu": found(25.59, 0.026)},
    }
