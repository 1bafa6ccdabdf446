"""What the claims of a diagnosis put into their sentences: two sides of a contradiction, decisions, gaps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cxlab.reporting.words import Words

Fields = Mapping[str, Any]
_SUBJECTS = ("driver", "covariate", "metric", "segment", "peer")


def _counts(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "", {
        "count": int(fields.get("reports", 0)),
        **{name: words.number(fields.get(name), 0) for name in ("claims_read", "not_told_apart")},
    }


def _places(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    links = [words.label("chain_link", link) for link in fields.get("places", ())]
    return "", {"links": words.listed(links), "count": len(links)}


def _kinds(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    kinds = [words(f"diagnosis.kind.{kind}") for kind in fields.get("kinds", ())]
    return "", {"kinds": words.listed(kinds)}


def _average(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "", {
        "standard": words.label("standard_id", fields.get("standard", "")),
        "metric": words.metric(fields.get("metric", ""), "the"),
        "amount": words.amount(fields.get("estimate"), "percent", digits=0),
        "compliance": words.percent(fields.get("compliance"), 0),
    }


def _design(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "", {
        "outcome": words.metric(fields.get("outcome", ""), "the"),
        **{name: words.percent(fields.get(name), 0) for name in ("estimate", "even")},
        **{name: words.number(fields.get(name), 0) for name in ("top", "standards")},
    }


def _same_service(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    crossed, cell = fields.get("column"), fields.get("cell")
    size = abs(float(fields.get("estimate") or 0.0))
    return "" if cell is None else "cell", {
        "metric": words.metric(fields.get("metric", ""), "the"),
        "peer": words.category(fields.get("peer", "")),
        "cell": words.cell(crossed, cell) if cell is not None else "",
        "size": words.amount(size, str(fields.get("unit", "points")), digits=0, difference=True),
    }


def _switch(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    numbers = ("crude", "estimate", "through_estimate")
    return "", {
        "step": words.label(fields.get("step", "")),
        "score": words.label(fields.get("score", "")),
        "through": words.label(fields.get("through", "")),
        **{name: words.number(fields.get(name), 2) for name in numbers},
    }


def _managers(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    places = ("managers", "place", "drivers", "rank_low", "rank_high")
    pinned = fields.get("rank_low") == fields.get("rank_high")
    return "pinned" if pinned else "", {
        "driver": words.covariate(fields.get("driver", "")),
        **{name: words.number(fields.get(name), 0) for name in places},
    }


def _ways(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "", {
        "outcome": words.metric(fields.get("outcome", ""), "the"),
        **{name: words.covariate(fields.get(name, "")) for name in ("driver", "other")},
        "way": words.label("way", fields.get("way", "")),
        "n_way": words.number(fields.get("n_way"), 0),
    }


def _reversed(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "", {
        "driver": words.covariate(fields.get("driver", "")),
        "outcome": words.metric(fields.get("outcome", ""), "the"),
    }


def _apart(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    sizes = {"rise": fields.get("unit"), "fall": fields.get("other_unit")}
    return "", {
        "metric": words.metric(fields.get("metric", ""), "the"),
        "other": words.metric(fields.get("other", ""), "the"),
        **{
            name: words.amount(abs(float(fields.get(name) or 0.0)), str(unit), digits=0, difference=True)
            for name, unit in sizes.items()
        },
    }


def _signs(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    column, said = str(fields.get("column", "")), []
    for name in _SUBJECTS:
        value = fields.get(name)
        if value in (None, ""):
            continue
        named = {"metric": lambda v: words.metric(v), "segment": lambda v: words.cell(column, v),
                 "peer": words.category}.get(name, words.covariate)  # fmt: skip
        said.append(named(value))
    first, other = [source["entry"] for source in fields.get("sources", ())][:2] or ("", "")
    return "", {"what": " · ".join(said), "first": first, "other": other}


def _record(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "", {
        "metric": words.metric(fields.get("metric", ""), "the"),
        "wave": words.label("wave_id", fields.get("wave", "")),
        "waves": words.number(fields.get("waves"), 0),
    }


def _deeds(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "", {name: words.percent(fields.get(name), 0) for name in ("estimate", "passives")}


def _about(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    """Return the code that a decision is about, and what its own sentence would hold."""
    from cxlab.reporting import claims  # which reads this module's texts

    code = str(fields.get("about", ""))
    filled = claims.filled(code, fields.get("what", {}), words)
    return code, {name: text for name, text in filled.items() if name != "count"}


READERS: Mapping[str, Callable[[Fields, Words], tuple[str, dict[str, Any]]]] = {
    "diagnosis.nothing": _counts,
    "diagnosis.absent": _places,
    "diagnosis.unheard": _kinds,
    "diagnosis.average": _average,
    "diagnosis.design": _design,
    "diagnosis.same_service": _same_service,
    "diagnosis.switch": _switch,
    "diagnosis.managers": _managers,
    "diagnosis.ways": _ways,
    "diagnosis.reversed": _reversed,
    "diagnosis.apart": _apart,
    "diagnosis.signs": _signs,
    "diagnosis.record": _record,
    "diagnosis.deeds": _deeds,
    "diagnosis.decide": _about,
    "diagnosis.change": _about,
}
