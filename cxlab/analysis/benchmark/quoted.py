"""A number that somebody published: what is known of it, and the error that follows.

The best that is known decides: its margin of error, its shares, its standard deviation, or what answers with
that mean can be.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.definitions import Metric
from cxlab.analysis.estimates import t_quantile
from cxlab.analysis.survey import Cells
from cxlab.errors import AnalysisError

PASSIVES = 30.0  # percent, where nothing is known of a net score's spread
ROUNDED = 1.5  # points by which printed shares may miss a printed net score
UNKNOWN = "benchmark error unknown"
ASSUMED = ("assumed passive share", "own spread")
CELL = ("interaction_type", "channel", "region", "segment")  # what a published number may be of


@dataclass(frozen=True, slots=True, kw_only=True)
class Quoted:
    """A published number and what is known of it, in the unit of the metric."""

    value: float
    n: float | None = None
    sd: float | None = None
    promoters: float | None = None
    detractors: float | None = None
    margin_of_error: float | None = None
    date: str | None = None
    source: str | None = None
    population: str | None = None
    peer: str | None = None
    cell: tuple[tuple[str, Any], ...] = ()

    @property
    def name(self) -> str:
        """By whom or what it is called, and the cell that it is of."""
        place = " x ".join(str(value) for _, value in self.cell)
        name = self.peer or self.population or self.source or "published"
        return f"{name}, {place}" if place else name

    @property
    def error_known(self) -> bool:
        """Whether its error follows from what is known."""
        return self.n is not None or self.margin_of_error is not None

    @property
    def lacking(self) -> tuple[str, ...]:
        """Codes of what must be known before a number is tested against."""
        known = {
            "benchmark_undated": self.date is not None,
            "benchmark_unsourced": self.source is not None,
            "benchmark_error_unknown": self.error_known,
        }
        return tuple(code for code, there in known.items() if not there)


def quoted_in(row: dict[Any, Any]) -> Quoted:
    """Read a row of `benchmark_scores`."""
    known = {str(name): held for name, held in row.items() if not pd.isna(held)}
    error = known.get("std_error")
    return Quoted(
        value=float(known["value"]),
        n=float(known["n"]) if "n" in known else None,
        margin_of_error=None if error is None else t_quantile(0.95) * float(error),
        date=str(known["wave_id"]) if "wave_id" in known else None,
        source=str(known["source"]) if "source" in known else None,
        peer=str(known.get("peer_id")),
        cell=tuple((column, known[column]) for column in CELL if column in known),
    )


def check_quoted(number: Quoted, entry: Metric) -> None:
    """Refuse what a metric of this kind cannot be: out of its limits, or of an impossible spread."""
    lowest, highest = entry.limits or (-np.inf, np.inf)
    shares = number.promoters, number.detractors
    sizes = (("n", number.n, 1), ("sd", number.sd, 0), ("margin_of_error", number.margin_of_error, 0))
    for name, size, above in sizes:
        if size is not None and not (np.isfinite(size) and size > above):
            raise AnalysisError(
                "{name} of a published number is {given}; allowed: more than {above}",
                name=name, given=size, above=above,
            )  # fmt: skip
    if not (np.isfinite(number.value) and lowest <= number.value <= highest):
        raise AnalysisError(
            "a published {metric} of {given} is outside {lowest:g} to {highest:g}; give it in {unit}",
            metric=entry.id, given=number.value, lowest=lowest, highest=highest, unit=entry.unit,
        )  # fmt: skip
    if any(share is not None for share in shares):
        net = entry.family == "net" and len(entry.slots) == 1 and None not in shares
        if not net or not _fit(number):
            raise AnalysisError(
                "promoters {promoters} and detractors {detractors} do not make a published {metric} of "
                "{given}; give both, in percent, for a net score of one question",
                promoters=number.promoters, detractors=number.detractors, metric=entry.id, given=number.value,
            )  # fmt: skip
    least, most = bounds(entry, number.value)
    rounding = 0.02 * (highest - lowest) if np.isfinite(highest) else 0.0
    if number.sd is not None and not np.sqrt(least) - rounding <= number.sd <= np.sqrt(most) + rounding:
        raise AnalysisError(
            "a published {metric} of {given} cannot have a standard deviation of {sd}, only one from "
            "{least:.1f} to {most:.1f}; give it in {unit}",
            metric=entry.id, given=number.value, sd=number.sd, least=np.sqrt(least), most=np.sqrt(most),
            unit=entry.unit,
        )  # fmt: skip


def _fit(number: Quoted) -> bool:
    up, down = float(number.promoters or 0.0), float(number.detractors or 0.0)
    return min(up, down) >= 0 and up + down <= 100 + ROUNDED and abs(up - down - number.value) <= ROUNDED


def bounds(entry: Metric, value: float) -> tuple[float, float]:
    """Least and largest variance of answers with this mean: on the two steps around it, on the two ends."""
    if entry.limits is None:
        return 0.0, np.inf
    lowest, highest = entry.limits
    most = (value - lowest) * (highest - value)
    steps = {"net": 100 / len(entry.slots), "share": 100.0, "rate": 100.0, "mean": 1.0}
    step = steps.get(entry.family, 0.0)
    below = lowest + np.floor((value - lowest) / step) * step if step else value
    return min(float((value - below) * (below + step - value)), most) if step else 0.0, most


def variance_of(number: Quoted, entry: Metric, own: float) -> tuple[float, str]:
    """Variance of one published answer, and where it comes from."""
    least, most = bounds(entry, number.value)
    theta = number.value / 100
    if number.promoters is not None and number.detractors is not None:
        return max(100 * (number.promoters + number.detractors) - number.value**2, least), "shares"
    if number.sd is not None:
        return number.sd**2, "sd"
    if entry.family in ("share", "rate"):
        return most, "value"
    if entry.family == "net" and len(entry.slots) == 1:
        passives = min(PASSIVES / 100, 1 - abs(theta))
        return 1e4 * (1 - passives - theta**2), "assumed passive share"
    return min(max(own, least), most), "own spread"


def joined(sums: Cells, number: Quoted, variance: float) -> Cells:
    """Append the published number to the cells, as independent respondents of the given variance."""
    error = None if number.margin_of_error is None else number.margin_of_error / t_quantile(0.95)
    n = float(number.n) if number.n is not None else max(variance / (error or 1.0) ** 2, 2.0)
    error = error if error is not None else float(np.sqrt(variance / n))
    count = len(sums.rows)
    filled = int(np.argmax(sums.bottom))
    centre = (sums.top[filled] - sums.centred[filled]) / sums.bottom[filled]
    apart = number.value - centre
    place = np.r_[0:count, count + 1 : 2 * count + 1]
    covariance = np.zeros((2 * count + 2, 2 * count + 2))
    covariance[np.ix_(place, place)] = sums.covariance
    covariance[count, count] = (n * error) ** 2
    strata = np.zeros((len(sums.strata) + 1, count + 1))
    strata[:-1, :-1], strata[-1, -1] = sums.strata, 1.0
    return replace(
        sums,
        top=np.append(sums.top, n * number.value), centred=np.append(sums.centred, n * apart),
        bottom=np.append(sums.bottom, n), squares=np.append(sums.squares, n * (variance + apart**2)),
        squared_weights=np.append(sums.squared_weights, n),
        open_weights=np.append(sums.open_weights, n), rows=np.append(sums.rows, n),
        n=np.append(sums.n, n), covariance=covariance, units=np.append(sums.units, n), strata=strata,
    )  # fmt: skip
