"""What the claims on the emitted experience put into their sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cxlab.reporting.words import Words, absent

Fields = Mapping[str, Any]


def _agreement(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return str(fields.get("verdict", "")), {
        "raters": words.number(fields.get("raters"), 0),
        "amount": words.number(fields.get("estimate"), 2),
        "observed": words.percent(fields.get("observed"), 0),
        "alpha": words.number(fields.get("alpha"), 2),
        "coefficient": str(fields.get("coefficient", "")).upper(),
        "most_common": words.percent(fields.get("most_common"), 0),
    }


def _agreement_in(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    verdict, told = _agreement(fields, words)
    group = fields.get("group") or {}
    return verdict, {**told, "group": " × ".join(words.label(name, value) for name, value in group.items())}


def _delivered(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "", {
        "amount": words.amount(fields.get("estimate"), "percent", digits=0),
        "standard": words.label("standard_id", fields.get("standard", "")),
        **{name: words.number(fields.get(name), 0) for name in ("units", "visits", "standards")},
    }


def _link(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    way = "down" if float(fields.get("estimate") or 0) < 0 else "up"
    return way if absent(fields.get("corrected")) else f"{way}_corrected", {
        "standard": words.label("standard_id", fields.get("standard", "")),
        "metric": words.metric(fields.get("metric", "")),
        "amount": words.number(fields.get("estimate"), 2),
        "corrected": words.number(fields.get("corrected"), 2),
        "compliance": words.percent(fields.get("compliance"), 0),
        "detectable": words.number(fields.get("detectable"), 2),
        **{name: words.number(fields.get(name), 0) for name in ("units", "standards")},
    }


def _visits(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "", {
        "needed": words.number(fields.get("estimate"), 0),
        "single": words.percent(fields.get("single"), 0),
        **{name: words.number(fields.get(name), 0) for name in ("units", "visits")},
        "target": words.number(fields.get("target"), 2),
    }


def _aligned(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "", {
        "amount": words.percent(fields.get("estimate"), 0),
        "even": words.percent(fields.get("even"), 0),
        "outcome": words.metric(fields.get("outcome", ""), "the"),
        **{name: words.number(fields.get(name), 0) for name in ("standards", "top", "drivers")},
    }


READERS: Mapping[str, Callable[[Fields, Words], tuple[str, dict[str, Any]]]] = {
    "emitted.agreement": _agreement,
    "emitted.agreement_in": _agreement_in,
    "emitted.agreement_none": _agreement,
    "emitted.paradox": _agreement,
    "emitted.score": _delivered,
    "emitted.critical": _delivered,
    "emitted.least_met": _delivered,
    "emitted.link": _link,
    "emitted.link_none": _link,
    "emitted.visits": _visits,
    "emitted.visits_alike": _visits,
    "emitted.aligned": _aligned,
    "emitted.aligned_open": _aligned,
    "emitted.no_peers": _delivered,
    "emitted.unpaired": _delivered,
    "emitted.unperceived": _link,
    "emitted.unaligned": _delivered,
}
