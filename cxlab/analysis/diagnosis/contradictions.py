"""Claims that do not go together: what is perceived, what is said in public, and what the facts are.

Each rule reads claims that stand and gives a claim of its own with the numbers of both, the places where they
are published, and the weaker of their grades. A rule without its two sides says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

from cxlab.analysis.diagnosis.links import Stated
from cxlab.analysis.diagnosis.worth import number, score
from cxlab.analysis.estimates import Claim, Grade

MET = 80.0  # percent of what was checked that a reader takes for delivered
FEW = 0.5  # of those who say that they would recommend
_GROUPS = (
    "metric", "outcome", "driver", "covariate", "column", "segment", "cell", "peer", "standard", "behaviour",
    "cause", "wave", "previous", "part", "start", "end", "term", "touchpoint", "time", "other", "measure",
)  # fmt: skip
_RISING = frozenset({"waves.moved", "waves.trend"})
_BOTH_WAYS = frozenset({"benchmark.ahead", "benchmark.behind", "benchmark.published", "hazards.effect"})


def contradictions(claims: Sequence[Stated]) -> tuple[Claim, ...]:
    """Return what does not go together, one claim for each: first of deeds, then of ways of counting."""
    rules = (_average, _design, _switch, _deeds, _apart, _same_service, _managers, _record, _signs, _reversed)
    return tuple(claim for rule in (*rules, _ways) for claim in rule(claims))


def weaker(*grades: Grade) -> Grade:
    """Return the weakest of some grades.

    Examples
    --------
    >>> weaker("B", "D", "C")
    'D'
    """
    return max(grades)


def _claim(kind: str, *sides: Stated, **fields: Any) -> Claim:
    said = {**fields, "sources": [side.source for side in sides]}
    return Claim(f"diagnosis.{kind}", said, weaker(*(side.grade for side in sides)))


def _of(claims: Sequence[Stated], *codes: str) -> list[Stated]:
    """Return the claims of some codes, those worth most first; each finding once."""
    found = [each for each in claims if each.code in codes]
    return sorted(found, key=lambda each: -score(each))


def _design(claims: Sequence[Stated]) -> Iterator[Claim]:
    """Give standards whose weight is elsewhere than what customers weigh."""
    for one in _of(claims, "emitted.aligned")[:1]:
        fields = one.fields
        if number(fields, "estimate") < number(fields, "even"):
            names = ("estimate", "even", "top", "standards", "drivers", "outcome")
            yield _claim("design", one, **{name: fields.get(name) for name in names})


def _average(claims: Sequence[Stated]) -> Iterator[Claim]:
    """Give a high compliance whose exception is the very standard that goes with what customers perceive."""
    scored = [one for one in _of(claims, "emitted.score") if number(one.fields, "estimate") >= MET]
    felt = [one for one in _of(claims, "emitted.link") if one.fields.get("place") == "mend"]
    for one, other in zip(scored[:1], felt[:1], strict=False):
        fields = {name: other.fields.get(name) for name in ("standard", "metric", "compliance")}
        yield _claim("average", one, other, estimate=one.fields["estimate"], **fields)


def _same_service(claims: Sequence[Stated]) -> Iterator[Claim]:
    """Give a compliance no worse than the peers', and an index behind them."""
    own = [one for one in claims if one.fields.get("metric") == "compliance"]
    alike = [one for one in own if one.code in ("benchmark.indistinguishable", "benchmark.ahead")]
    behind = [one for one in _of(claims, "benchmark.behind", "benchmark.behind_best") if one not in own]
    for one, other in zip(alike[:1], behind[:1], strict=False):
        names = ("metric", "focal", "peer", "estimate", "cell", "column", "conf_low", "conf_high", "unit")
        fields = {name: other.fields.get(name) for name in names}
        yield _claim("same_service", one, other, whole=other.fields.get("cell") is None, **fields)


def _switch(claims: Sequence[Stated]) -> Iterator[Claim]:
    """Give a cost of changing channel that is gone once what comes with the change is the same."""
    crude, clean = _of(claims, "journey.switch"), _of(claims, "journey.switch_clean")
    for one, other in zip(crude[:1], clean[:1], strict=False):
        names = ("step", "score", "crude", "estimate", "through", "through_estimate", "unit")
        yield _claim("switch", one, other, **{name: other.fields.get(name) for name in names})


def _managers(claims: Sequence[Stated]) -> Iterator[Claim]:
    """Give what managers put far above or far below the place that customers give it."""
    for verdict in ("above", "below"):
        told = [o for o in _of(claims, "drivers.mirror_gap") if o.fields.get("verdict") == verdict]
        for one in told[:1]:
            names = ("driver", "managers", "place", "drivers", "rank_low", "rank_high", "verdict")
            yield _claim("managers", one, **{name: one.fields.get(name) for name in names})


def _ways(claims: Sequence[Stated]) -> Iterator[Claim]:
    """Give a first driver that is another one by another way of counting."""
    for one in _of(claims, "drivers.fragile")[:1]:
        names = ("driver", "other", "outcome", "n_way", "way")
        yield _claim("ways", one, **{name: one.fields.get(name) for name in names})


def _reversed(claims: Sequence[Stated]) -> Iterator[Claim]:
    """Give a driver that goes one way in all together and the other within the groups."""
    turned = [one for one in _of(claims, "drivers.simpson") if one.fields.get("kind") == "reversed"]
    for one in turned[:1]:
        names = ("driver", "outcome")
        yield _claim("reversed", one, **{name: one.fields.get(name) for name in names})


def _apart(claims: Sequence[Stated]) -> Iterator[Claim]:
    """Give an index that rises while another falls."""
    moved = [one for one in claims if one.code in _RISING and one.fields.get("metric") != "rate"]
    up = [one for one in moved if number(one.fields, "estimate") > 0]
    down = [one for one in moved if number(one.fields, "estimate") < 0]
    pairs = [(a, b) for a in up for b in down if a.fields["metric"] != b.fields["metric"]]
    for one, other in pairs[:1]:
        yield _claim(
            "apart", one, other, metric=one.fields["metric"], other=other.fields["metric"],
            rise=one.fields["estimate"], fall=other.fields["estimate"],
            unit=one.fields.get("unit"), other_unit=other.fields.get("unit"),
        )  # fmt: skip


def _signs(claims: Sequence[Stated]) -> Iterator[Claim]:
    """Give one quantity of one group that two reports state with different signs."""
    told = [one for one in claims if one.role == "finding" and _direction(one)]
    for one, other in combinations(told, 2):
        if one.entry != other.entry and _same(one, other) and _direction(one) != _direction(other):
            names = ("metric", "outcome", "driver", "covariate", "segment", "column", "peer")
            known = {name: one.fields[name] for name in names if one.fields.get(name) not in (None, "")}
            up, down = (one, other) if _direction(one) > 0 else (other, one)
            yield _claim("signs", up, down, **known)


def _same(one: Stated, other: Stated) -> bool:
    kinds = {one.code, other.code}
    alike = one.code == other.code or kinds <= {"benchmark.ahead", "benchmark.behind", "benchmark.published"}
    return alike and all(one.fields.get(name) == other.fields.get(name) for name in _GROUPS)


def _direction(one: Stated) -> int:
    """Return 1 above nothing, -1 below it, 0 where the estimate has no such sides."""
    signed = one.fields.get("unit") in ("points", "percent", "scale", "money") or one.code in _BOTH_WAYS
    if not signed or one.code == "drivers.priority":
        return 0
    null = 1.0 if one.fields.get("unit") == "ratio" else 0.0
    estimate = number(one.fields, "estimate", null)
    return (estimate > null) - (estimate < null)


def _record(claims: Sequence[Stated]) -> Iterator[Claim]:
    """Give a highest value of all waves that noise explains."""
    for one in claims:
        known = one.code in ("waves.unmoved", "waves.ordinary_record") and one.fields.get("side") == "highest"
        if known and one.fields.get("waves"):
            names = ("metric", "wave", "waves")
            yield _claim("record", one, **{name: one.fields.get(name) for name in names})
            return


def _deeds(claims: Sequence[Stated]) -> Iterator[Claim]:
    """Give those who say that they would recommend, and those who did: more than the passives, yet few."""
    for one in _of(claims, "economics.referrals")[:1]:
        fields = one.fields
        apart = number(fields, "conf_low") > number(fields, "passives")
        if apart and number(fields, "conf_high") < FEW:
            yield _claim("deeds", one, estimate=fields["estimate"], passives=fields["passives"])
