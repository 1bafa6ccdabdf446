"""Importance and pain of touchpoints shared among areas, and the draws of that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.drivers.responsibility import Responsibility
from cxlab.analysis.drivers.shares import DriverImportance

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Drawn:
    """Draws: contribution and pain (touchpoints, areas, draws), scores (touchpoints, resamples)."""

    contribution: Array
    pain: Array
    score: Array


@dataclass(frozen=True, slots=True)
class Parts:
    """Drivers of touchpoints: `member` (touchpoints, drivers) 0/1, and what the drivers weigh and score."""

    drivers: pd.DataFrame
    shared: Responsibility
    member: Array
    share: Array
    performance: Array
    shares: Array
    performances: Array
    target: float

    @classmethod
    def of(
        cls, result: DriverImportance, drivers: pd.DataFrame, shared: Responsibility, target: float
    ) -> Parts:
        """Bring what the bootstrap drew of the drivers beside the touchpoints."""
        place = drivers["place"].to_numpy()
        low, high = (drivers[end].to_numpy(dtype=float)[:, None] for end in ("lowest", "highest"))
        scaled = 100 * (np.column_stack([result.draws.mean, result.draws.means])[place] - low) / (high - low)
        touchpoint = drivers["touchpoint_id"].to_numpy()
        member = np.array([touchpoint == name for name in shared.touchpoints], dtype=float)
        return cls(
            drivers, shared, member, drivers["share"].to_numpy(dtype=float), scaled[:, 0],
            result.draws.shares[place], scaled[:, 1:], target,
        )  # fmt: skip

    def weigh(self, share: Array, performance: Array) -> tuple[Array, Array]:
        """Return importance and pain of touchpoints (touchpoints, ...); share, performance (drivers, ...)."""
        return self.member @ share, self.member @ (share * np.maximum(self.target - performance, 0.0))

    def split(self, matrix: Array) -> tuple[Array, Array]:
        """Return contribution and pain by touchpoint and area with the given responsibilities."""
        weight, pain = self.weigh(self.share, self.performance)
        return weight[:, None] * matrix, parted(pain[:, None] * matrix)

    def drawn(self, concentration: float, draws: int, rng: np.random.Generator) -> Drawn:
        """Perturb the responsibilities, and pair each draw with a bootstrap sample where there are any."""
        matrix = self.shared.matrix
        gamma = rng.standard_gamma(np.broadcast_to(concentration * matrix, (draws, *matrix.shape)))
        moved = np.moveaxis(gamma / gamma.sum(axis=2, keepdims=True), 0, 2)
        samples = self.shares.shape[1]
        if samples:
            which = np.resize(rng.permutation(samples), draws)
            share, performance = self.shares[:, which], self.performances[:, which]
        else:
            share, performance = (np.repeat(x[:, None], draws, 1) for x in (self.share, self.performance))
        weight, pain = self.weigh(share, performance)
        means = self.member @ self.performances / self.member.sum(axis=1, keepdims=True)
        return Drawn(weight[:, None] * moved, parted(pain[:, None] * moved), means)


def parted(pain: Array) -> Array:
    """Return pain (touchpoints, areas, ...) as share of all of it; missing where there is none."""
    whole = pain.sum(axis=(0, 1))
    return np.asarray(pain / np.where(whole > 0, whole, np.nan))


def limits(drawn: Array, level: float) -> tuple[Array, Array]:
    """Return the range that holds `level` of the draws (rows, draws); missing without any."""
    if not drawn.shape[-1] or np.isnan(drawn).any():
        return (np.full(len(drawn), np.nan),) * 2
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=-1)
    return low, high
