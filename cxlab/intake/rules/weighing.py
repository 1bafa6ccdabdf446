"""Rules on weights that come with the data: how unequal they are, and whether they add up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from cxlab.errors import Message
from cxlab.intake.rules.evidence import Evidence, Finding

WEIGHTED = ("survey_responses", "benchmark_responses", "customers", "employees_survey")
MOST_EFFECT = 2.0
MOST_RATIO = 10.0
# Exclusions after weighting move a sum a little; a population is known to this much.
TOLERANCE = 0.05


def unequal_weights(evidence: Evidence) -> Iterator[Finding]:
    """Rule 17: weights that cost over half of the sample, or of which some are ten times others."""
    for table, wave, weights in _weights(evidence):
        positive = weights[weights > 0]
        if len(positive) < 2:
            continue
        effect = float(len(positive) * (positive**2).sum() / positive.sum() ** 2)
        ratio = float(positive.max() / positive.min())
        if effect <= MOST_EFFECT and ratio <= MOST_RATIO:
            continue
        said = (
            Message(
                "design effect {effect:.2f}, largest over smallest {ratio:.1f}{wave}",
                effect=effect,
                ratio=ratio,
                wave=_in_wave(wave),
            ),
            Message(
                "design effect up to {effect:g}, ratio up to {ratio:g}", effect=MOST_EFFECT, ratio=MOST_RATIO
            ),
            Message("ask how they were made; the effective base is {n:,.0f}", n=len(positive) / effect),
        )
        yield evidence.warn(17, table, "weight", said, count=len(positive))


def unsummed_weights(evidence: Evidence) -> Iterator[Finding]:
    """Rule 18: weights that add up neither to the answers nor to the population that is declared."""
    universe = _universe(evidence)
    for table in (name for name in WEIGHTED if evidence.has(name, "weight")):
        whole = evidence.frame(table)["weight"]
        if _near(float(whole.sum()), whole.notna().sum()):
            continue  # scaled to the answers of all waves together
        unknown: list[tuple[str, float, int]] = []
        for _, wave, weights in (each for each in _weights(evidence) if each[0] == table):
            total, n, population = float(weights.sum()), len(weights), universe.get(wave)
            if not n or _near(total, n) or (population and _near(total, population)):
                continue
            if population:
                yield _mismatch(evidence, table, wave, (total, n, population))
            else:
                unknown.append((wave, total, n))
        if unknown:
            yield _unknown(evidence, table, unknown)


def _mismatch(evidence: Evidence, table: str, wave: str, sums: tuple[float, int, float]) -> Finding:
    total, n, population = sums
    said = (
        Message("weights that add up to {total:,.6g}{wave}", total=total, wave=_in_wave(wave)),
        Message("{n} answers or {population:,.0f} customers", n=n, population=population),
        Message("ask what they add up to: another wave's weights, or another universe_n?"),
    )
    return evidence.stop(18, table, "weight", said, count=n)


def _unknown(evidence: Evidence, table: str, waves: list[tuple[str, float, int]]) -> Finding:
    _, total, n = max(waves, key=lambda each: each[1])
    said = (
        Message("weights that do not add up to the answers ({total:,.6g} for {n})", total=total, n=n),
        Message("the number of answers, or a population that is declared"),
        Message("if they stand for the population, give `waves.universe_n`; shares do not change with it"),
    )
    return evidence.warn(18, table, "weight", said, count=sum(each[2] for each in waves))


def _weights(evidence: Evidence) -> Iterator[tuple[str, str, pd.Series[Any]]]:
    for table in (name for name in WEIGHTED if evidence.has(name, "weight")):
        for wave, weights in evidence.frame(table)["weight"].groupby(evidence.waves(table), sort=True):
            yield table, str(wave), weights.dropna()


def _universe(evidence: Evidence) -> dict[str, float]:
    if not evidence.has("waves", "wave_id", "universe_n"):
        return {}
    waves = evidence.frame("waves").dropna(subset=["wave_id", "universe_n"])
    return dict(zip(waves["wave_id"].astype(str), waves["universe_n"].astype(float), strict=True))


def _near(total: float, wanted: float) -> bool:
    return abs(total - wanted) <= TOLERANCE * wanted


def _in_wave(wave: str) -> Message:
    return Message(" in wave {wave}", wave=wave) if wave else Message("")
