"""From a claim to its sentence: the code and the grade choose the text, the fields fill it.

A sentence is always one whole text of the catalogue. Which one: the code, a variant that the numbers
decide (``up``, ``down``, ``category``...), and the grade, from the most special key that exists to the
most general. The grade fixes the verb: an experiment *reduces*, a longitudinal finding *precedes*, an
adjusted association *goes with*, a description *is observed*.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cxlab.reporting import (
    claims_areas,
    claims_diagnosis,
    claims_drivers,
    claims_economics,
    claims_emitted,
    claims_gaps,
    claims_intake,
    claims_journey,
    claims_peers,
    claims_risk,
    claims_sensitivity,
    claims_staying,
    claims_tables,
    claims_waves,
)
from cxlab.reporting.units import unit_of_claim
from cxlab.reporting.words import Words, absent, clean, digits_for

if TYPE_CHECKING:
    from cxlab.analysis.estimates import Claim  # a page is made without pandas

Fields = Mapping[str, Any]


def sentence(claim: Claim, words: Words) -> str:
    """Return the claim as a sentence, with number, interval, level and base.

    Examples
    --------
    >>> from cxlab.analysis.estimates import Claim
    >>> claim = Claim("score.level", {"metric": "nps", "estimate": 39.8, "conf_low": 37.1, "conf_high": 42.5,
    ...     "level": 0.95, "unit": "points", "n": 2746}, grade="D")
    >>> sentence(claim, Words("en")).replace("\N{NO-BREAK SPACE}", " ")
    'An NPS of 39.8 points is observed (95% interval: 37.1 to 42.5 points; n = 2,746).'
    """
    return _sentence(claim, words, evidence=evidence(claim.fields, words, code=claim.code))


def short(claim: Claim, words: Words) -> str:
    """Return the claim as a title: its sentence without the bracket and the full stop."""
    return _sentence(claim, words, evidence="", prefix="short").rstrip(".")


def filled(code: str, fields: Fields, words: Words) -> dict[str, Any]:
    """Return what a claim puts into its sentence, by name: for a sentence on it."""
    return _READERS.get(code, _plain)(fields, words)[1]


def caveats(claim: Claim, words: Words) -> list[str]:
    """Return what must be said beside the claim, one text for each of its caveats."""
    return [words(key) if words.known(key := f"caveat.{code}") else clean(code) for code in claim.caveats]


def grade(claim: Claim, words: Words) -> str:
    """Return the grade as a word: what kind of evidence this is."""
    return words(f"grade.{claim.grade}")


def evidence(fields: Fields, words: Words, *, code: str = "") -> str:
    """Return `` (95% interval: ...; n = ...)``, or as much of it as the claim has, or nothing."""
    parts = []
    if code == "hazards.effect" and not absent(fields.get("estimate")):
        parts.append(words("evidence.hazard_ratio", ratio=_amount(fields, words)))
    low, high = fields.get("conf_low"), fields.get("conf_high")
    if not (absent(low) and absent(high)) and not absent(fields.get("level")):
        unit, difference = unit_of_claim(fields), code in DIFFERENCES
        interval = words.interval(low, high, unit, difference=difference)
        parts.append(words("evidence.interval", level=words.percent(fields["level"]), interval=interval))
    if not absent(fields.get("n")):
        parts.append(words("evidence.n", n=words.number(fields["n"], 0)))
    return f" ({'; '.join(parts)})" if parts else ""


def pieces(code: str, fields: Fields, words: Words) -> dict[str, str]:
    """Return what a claim's sentences are filled with, as they print it, by name.

    Besides what is the code's own: estimate (of a difference with its sign), size (without), conf_low,
    conf_high, interval, level, n and evidence (the bracket), as far as the claim has them.
    """
    unit, difference = unit_of_claim(fields), code in DIFFERENCES
    digits = digits_for(unit, fields.get("conf_low"), fields.get("conf_high"))
    ends = [fields.get("conf_low"), fields.get("conf_high")]
    said: dict[str, str] = {}
    for name, value in zip(
        ("estimate", "conf_low", "conf_high"), [fields.get("estimate"), *ends], strict=True
    ):
        if not absent(value):
            said[name] = words.amount(value, unit, digits=digits, difference=difference)
    if "estimate" in said:
        size = abs(float(fields["estimate"]))
        said["size"] = words.amount(size, unit, digits=digits, difference=difference)
    if not all(map(absent, ends)):
        said["interval"] = words.interval(ends[0], ends[1], unit, difference=difference)
    if not absent(fields.get("level")):
        said["level"] = words.percent(fields["level"])
    if not absent(fields.get("n")):
        said["n"] = words.number(fields["n"], 0)
    said["evidence"] = evidence(fields, words, code=code).strip()
    _, own = _READERS.get(code, _plain)(fields, words)
    own = {name: words.number(v, 0) if name == "count" else str(v) for name, v in own.items() if v != ""}
    return {**said, **own, "n": own.get("n", said.get("n", "")), "evidence": said["evidence"]}


def _sentence(claim: Claim, words: Words, *, evidence: str, prefix: str = "") -> str:
    reader = _READERS.get(claim.code, _plain)
    variant, filled = reader(claim.fields, words)
    keys = _keys(claim, variant)
    shorter = [k.replace("claim.", f"{prefix}.", 1) for k in keys] if prefix else []
    key = next((k for k in [*shorter, *keys] if words.known(k)), "claim.other")
    count = filled.get("count")
    fields = {**filled, "evidence": evidence, "code": claim.code}
    text = (
        words.plural(key, int(count), **{k: v for k, v in fields.items() if k != "count"})
        if count is not None
        else words(key, **fields)
    )
    return text[:1].upper() + text[1:]


def _keys(claim: Claim, variant: str) -> list[str]:
    code = f"claim.{claim.code}"
    with_variant = [f"{code}.{variant}.{claim.grade}", f"{code}.{variant}"] if variant else []
    return [*with_variant, f"{code}.{claim.grade}", code]


# --- what each code puts into its sentence ---------------------------------------------------------


def _amount(fields: Fields, words: Words, name: str = "estimate", *, difference: bool = False) -> str:
    value, unit = fields.get(name), unit_of_claim(fields)
    digits = digits_for(unit, fields.get("conf_low"), fields.get("conf_high"))
    size = value if value is None or absent(value) or not difference else abs(value)
    if unit == "months":
        return words.amount(size, unit)
    return words.amount(size, unit, digits=digits, difference=difference)


def _direction(fields: Fields, neutral: float = 0.0) -> str:
    return "up" if not absent(fields.get("estimate")) and float(fields["estimate"]) >= neutral else "down"


def _count(value: Any) -> int:
    return len(value) if isinstance(value, list | tuple | set) else int(value)


def _duration(fields: Fields, words: Words) -> str:
    return words.amount(fields.get("time"), str(fields.get("time_unit", "months")))


def _metric(fields: Fields, words: Words) -> dict[str, Any]:
    metric = fields.get("metric", "")
    return {
        "metric": words.metric(metric, "the"),
        "a_metric": words.metric(metric, "a"),
        "name": words.metric(metric),
    }


def _detectable(fields: Fields, words: Words) -> tuple[str, str]:
    value, unit = fields.get("detectable"), unit_of_claim(fields) or "points"
    if value is None or absent(value):
        return "", ""
    digits = (0 if value >= 3 else 1) if unit in ("points", "percent") else None
    return "detectable", words.amount(value, unit, digits=digits, difference=True)


def _plain(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "", {"amount": _amount(fields, words)}


def _score_level(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "", {**_metric(fields, words), "amount": _amount(fields, words)}


def _score_segment(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    column = fields.get("column", "")
    return _direction(fields), {
        **_metric(fields, words),
        "column": _columns(column, words),
        "segment": _cell(fields.get("segment"), column, words),
        "size": _amount(fields, words, difference=True),
    }


def _segments_alike(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    variant, detectable = _detectable(fields, words)
    return variant, {
        **_metric(fields, words),
        "column": _columns(fields.get("column", ""), words),
        "count": _count(fields.get("segments", 2)),
        "detectable": detectable,
    }


def _drivers_top(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    against = not absent(fields.get("coefficient")) and float(fields["coefficient"]) < 0
    return "against" if against else "", {
        "driver": words.covariate(fields.get("driver", "")),
        "outcome": words.metric(fields.get("outcome", ""), "the"),
        "amount": _amount({"unit": "share", **fields}, words),
        "r_squared": words.percent(fields.get("r_squared"), 0),
    }


def _rated_all(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    least = fields.get("driver")
    return "least" if least else "", {
        "count": _count(fields.get("drivers", 2)),
        "amount": _amount({"unit": "share", **fields}, words),
        "driver": words.covariate(least or ""),
        "least": words.percent(fields.get("least"), 0),
        "minimum": words.number(fields.get("minimum"), 0),
    }


def _drivers_none(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    needed = fields.get("n_needed")
    variant = "overlap" if fields.get("together") else ""
    return variant if absent(needed) else f"{variant}needed", {
        "outcome": words.metric(fields.get("outcome", ""), "the"),
        "count": _count(fields.get("drivers", 2)),
        "r_squared": words.percent(fields.get("r_squared"), 0),
        "n_needed": words.number(_rounded(needed), 0),
    }


def _drivers_order(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "", {
        "first": words.covariate(fields.get("first", "")),
        "second": words.covariate(fields.get("second", "")),
        "outcome": words.metric(fields.get("outcome", ""), "the"),
    }


def _drivers_robust(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "whole" if fields.get("whole") else "", {
        "driver": words.covariate(fields.get("driver", "")),
        "outcome": words.metric(fields.get("outcome", ""), "the"),
        "ways": words.number(fields.get("ways", 2), 0),
        "amount": words.amount(fields.get("estimate"), "share", difference=True),
    }


def _drivers_fragile(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    way = str(fields.get("way", ""))
    return way if way in ("listwise", "indicator") else "", {
        "driver": words.covariate(fields.get("driver", "")),
        "other": words.covariate(fields.get("other", "")),
        "outcome": words.metric(fields.get("outcome", ""), "the"),
        "way": words.label("way", way),
        "n_way": words.number(fields.get("n_way"), 0),
        "share": words.percent(fields.get("share"), 0),
        "amount": words.percent(fields.get("estimate"), 0),
    }


def _order_open(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    needed = fields.get("n_needed")
    said = {**_drivers_order(fields, words)[1], "n_needed": words.number(_rounded(needed), 0)}
    return "" if absent(needed) else "needed", said


def _drivers_halo(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "", {
        "driver": words.covariate(fields.get("driver", "")),
        "correlation": words.number(fields.get("correlation"), 2),
        "amount": _effect(fields, words),
    }


def _effect(fields: Fields, words: Words, name: str = "estimate") -> str:
    """Return a difference in the outcome's unit: two decimals, or NPS points, percentage points, levels."""
    unit = unit_of_claim(fields)
    coarse = unit in ("points", "percent")
    digits = digits_for(unit, fields.get("conf_low"), fields.get("conf_high")) if coarse else 2
    return words.amount(fields.get(name), unit, digits=digits, difference=True)


def _drivers_priority(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "" if fields.get("standing", True) else "noise", {
        "driver": words.covariate(fields.get("driver", "")),
        "outcome": words.metric(fields.get("outcome", ""), "the"),
        "amount": words.number(fields.get("estimate"), 0),
        "probability": words.percent(fields.get("probability"), 0),
    }


def _unrated_apart(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    unit = unit_of_claim(fields)
    return "", {
        "driver": words.covariate(fields.get("driver", "")),
        "outcome": words.metric(fields.get("outcome", ""), "the"),
        **{who: words.amount(fields.get(who), unit) for who in ("rated", "unrated")},
    }


def _drivers_kind(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "no_reward" if fields.get("no_reward") else "", {
        "driver": words.covariate(fields.get("driver", "")),
        "outcome": words.metric(fields.get("outcome", ""), "the"),
        "amount": _effect(fields, words),
        "low": _ratings_from(fields, "low", words),
        "high": _ratings_from(fields, "high", words),
        "negligible": _effect(fields, words, "negligible"),
    }


def _ratings_from(fields: Fields, end: str, words: Words) -> str:
    """Return ``2 or less``, ``6 or more``; or the number alone where the scale ends there."""
    rating = words.number(fields.get(end))
    return rating if fields.get(end) in fields.get("scale", ()) else words(f"rating.{end}", rating=rating)


def _blocks_merge(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "", {
        "driver": words.covariate(fields.get("driver", "")),
        "over": words.covariate(fields.get("over", "")),
        "amount": words.number(fields.get("estimate"), 2),
        "limit": words.number(fields.get("limit"), 2),
    }


def _kinds_open(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "", {
        "count": _count(fields.get("drivers", 2)),
        "outcome": words.metric(fields.get("outcome", ""), "the"),
    }


def _retention_level(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    variant, since = claims_staying.since(fields, words)
    amount = _amount({"unit": "share", **fields}, words)
    return variant, {"time": _duration(fields, words), "amount": amount, "since": since}


def _retention_difference(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    column = fields.get("column", "")
    variant, since = claims_staying.since(fields, words)
    return variant, {
        "since": since,
        "column": _columns(column, words),
        "time": _duration(fields, words),
        **{end: _cell(fields.get(end), column, words) for end in ("lowest", "highest")},
        **{
            f"{end}_estimate": words.percent(fields.get(f"{end}_estimate"), 1)
            for end in ("lowest", "highest")
        },
    }


def _retention_no_events(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "", {
        "n": words.number(fields.get("n"), 0),
        "upper": words.percent(fields.get("upper"), 1),
        "level": words.percent(fields.get("level", 0.95)),
    }


def _retention_alike(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    variant, since = claims_staying.since(fields, words)
    return variant, {"column": _columns(fields.get("column", ""), words), "since": since}


def _by_column(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "", {"column": _columns(fields.get("column", ""), words)}


def _hazards_effect(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    ratio = 1.0 if absent(fields.get("estimate")) else float(fields["estimate"])
    subject = _exposure(fields, words)
    variant = "many" if ratio >= 2 else _direction(fields, 1.0)
    return variant, {
        "subject": subject,
        "change": words.percent(abs(1 - ratio), 0 if abs(1 - ratio) >= 0.095 else 1),
        "times": words.number(ratio, 1),
    }


def _exposure(fields: Fields, words: Words) -> str:
    """Return what is compared: a category with its reference, yes with no, or one step of a number more."""
    name, per = str(fields.get("covariate", "")), fields.get("per", 1)
    label = words.covariate(name)
    if ": " in name:
        reference, column = fields.get("reference"), name.partition(": ")[0]
        if reference in (None, ""):
            return words("hazards.label", label=label)
        return words("hazards.category", label=label, reference=words.label(column, reference))
    if isinstance(per, str):
        deviation = "sd" in per.lower() or "deviation" in per.lower()
        return words("hazards.deviation" if deviation else "hazards.unit", label=label)
    if absent(per) or float(per) == 1:
        # Numbers go by standard deviations: one step of one is a column of 0 and 1.
        return words("hazards.binary", label=label)
    return words("hazards.units", label=label, step=words.number(per))


def _hazards_none(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "", {"count": _count(fields.get("covariates", 2)), "events": words.number(fields.get("events"), 0)}


def _not_proportional(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "", {
        "covariate": words.covariate(fields.get("covariate", "")),
        "p_value": p_value(fields.get("p_value"), words),
    }


def _split(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    ratios = [f"{side}_{end}" for side in ("early", "late") for end in ("ratio", "low", "high")]
    digits = max(digits_for("ratio", *(fields.get(r) for r in ratios[1:3])), 2)
    said = {name.removesuffix("_ratio"): words.number(fields.get(name), digits) for name in ratios}
    return "", {
        **said,
        "level": words.percent(fields.get("level", 0.95)),
        "subject": _exposure(fields, words),
        "covariate": words.covariate(fields.get("covariate", "")),
        "time": words.amount(fields.get("time"), str(fields.get("time_unit", "months"))),
    }


def _stratified(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    shift = float(fields.get("shift") or 0.0)
    return "", {
        "covariate": words.covariate(fields.get("covariate", "")),
        "shift": words.percent(shift, 0 if shift >= 0.095 else 1),
    }


def p_value(p: Any, words: Words) -> str:
    """Return ``p = 0.034``, or ``p < 0.001``."""
    if absent(p):
        return words("p.equal", p=words.number(None))
    return (
        words("p.below", p=words.number(0.001, 3))
        if float(p) < 0.001
        else words("p.equal", p=words.number(p, 3))
    )


def _benchmark_gap(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return _direction(fields), {
        **_metric(fields, words),
        "focal": words.category(fields.get("focal")),
        "peer": words.category(fields.get("peer")),
        "size": _amount(fields, words, difference=True),
        "cell": _cell(fields.get("cell", ""), "", words),
    }


def _indistinguishable(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    variant, detectable = _detectable(fields, words)
    return variant, {
        **_metric(fields, words),
        "focal": words.category(fields.get("focal")),
        "count": _count(fields.get("peers", 2)),
        "detectable": detectable,
    }


def _benchmark_rank(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    low, high = fields.get("rank_low"), fields.get("rank_high")
    return "pinned" if low == high else "", {
        **_metric(fields, words),
        "focal": words.category(fields.get("focal")),
        "rank": words.number(fields.get("estimate"), 0),
        "rank_low": words.number(low, 0),
        "rank_high": words.number(high, 0),
        "units": words.number(fields.get("units"), 0),
    }


def _columns(column: Any, words: Words) -> str:
    names = column if isinstance(column, list | tuple) else str(column).split(" x ")
    return " × ".join(words.label(name) for name in names)


def _cell(value: Any, column: Any, words: Words) -> str:
    """Return a category, or a crossed cell given as a mapping, a list or ``a x b``."""
    if isinstance(value, Mapping):
        return " × ".join(words.label(k, v) for k, v in value.items())
    if isinstance(value, list | tuple):
        names: Sequence[Any] = column if isinstance(column, list | tuple) else [""] * len(value)
        return " × ".join(
            words.label(k, v) if k else words.category(v) for k, v in zip(names, value, strict=False)
        )
    parts = str(value).split(" x ")
    if len(parts) > 1:
        return " × ".join(words.category(part) for part in parts)
    return (
        words.label(column, value)
        if column and not isinstance(column, list | tuple)
        else words.category(value)
    )


def _rounded(n: Any) -> float | None:
    """Return a needed base to two significant figures: it is an order of size, not a count."""
    if absent(n):
        return None
    digits = max(len(str(int(n))) - 2, 0)
    return float(round(float(n), -digits))


DIFFERENCES = claims_journey.DIFFERENCES | frozenset({
    "score.segment", "benchmark.ahead", "benchmark.behind", "benchmark.cell", "intake.gap",
    "benchmark.mix", "benchmark.equivalent",
    "benchmark.behind_best", "benchmark.ahead_of_all",
    "drivers.halo", "drivers.unrated_apart", "drivers.must_be", "drivers.attractive",
    "drivers.segment", "drivers.simpson", "drivers.lift", "sensitivity.choice", *claims_waves.DIFFERENCES,
    *claims_peers.DIFFERENCES,
})  # fmt: skip
_READERS: Mapping[str, Callable[[Fields, Words], tuple[str, dict[str, Any]]]] = {
    **claims_intake.READERS,
    **claims_drivers.READERS,
    **claims_areas.READERS,
    **claims_diagnosis.READERS,
    **claims_economics.READERS,
    **claims_emitted.READERS,
    **claims_peers.READERS,
    **claims_gaps.READERS,
    **claims_journey.READERS,
    **claims_risk.READERS,
    **claims_sensitivity.READERS,
    **claims_staying.READERS,
    **claims_tables.READERS,
    **claims_waves.READERS,
    "score.level": _score_level,
    "score.segment": _score_segment,
    "score.segments_alike": _segments_alike,
    "drivers.top": _drivers_top,
    "drivers.none": _drivers_none,
    "drivers.all_rated": _rated_all,
    "drivers.rated_all": _rated_all,
    "drivers.few_rated_all": _rated_all,
    "drivers.order": _drivers_order,
    "drivers.blocks_merge": _blocks_merge,
    "drivers.order_open": _order_open,
    "drivers.halo": _drivers_halo,
    "drivers.robust": _drivers_robust,
    "drivers.fragile": _drivers_fragile,
    "drivers.must_be": _drivers_kind,
    "drivers.attractive": _drivers_kind,
    "drivers.kinds_open": _kinds_open,
    "drivers.unrated_apart": _unrated_apart,
    "drivers.priority": _drivers_priority,
    "drivers.no_priority": _drivers_priority,
    "retention.level": _retention_level,
    "retention.median": _plain,
    "retention.difference": _retention_difference,
    "retention.alike": _retention_alike,
    "retention.no_events": _retention_no_events,
    "hazards.effect": _hazards_effect,
    "hazards.none": _hazards_none,
    "hazards.not_proportional": _not_proportional,
    "hazards.split": _split,
    "hazards.stratified": _stratified,
    "benchmark.ahead": _benchmark_gap,
    "benchmark.behind": _benchmark_gap,
    "benchmark.cell": _benchmark_gap,
    "benchmark.indistinguishable": _indistinguishable,
    "benchmark.rank": _benchmark_rank,
}
