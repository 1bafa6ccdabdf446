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
        "trap": {"auc": found(0.9396, 0.0017)},
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
                "promoter": found(0.224, 0.007),
                "passive": found(0.059, 0.007),
                "detractor": found(0.016, 0.004),
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
    }
