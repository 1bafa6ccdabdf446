r"""How good predicted risks turn out to be, against what happened after, whoever was lost from sight.

Whether a customer left within the horizon is known of those who did and of those still seen at its end. The
others are stood for by those alike (inverse probability of censoring): a departure at t counts
:math:`1 / G(t-)`, being here at the horizon :math:`1 / G(H-)`, with G(t-) the chance of being seen until just
before t. With the limit from the left the weights add up to the customers, and the departures among them
to one minus Kaplan-Meier, ties included. Whoever leaves at t does so before whoever is last seen at t.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.disclosure import protected
from cxlab.analysis.estimates import flags
from cxlab.analysis.survival.curves import curve
from cxlab.analysis.survival.observed import Observed, cells
from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]

TOP = 0.1  # the customers with most risk whose lift is told
_GROUPS, _SMALLEST = 10, 30
_STEPS = 30
_BY = "by "
_COMPARED = ("predicted", "estimate", "conf_low", "conf_high", "lift")
_BASES = ("n", "events", "n_eff")


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """Customers with a predicted `risk` (cells,) of leaving within `horizon`, and what became of them.

    `who` counts time from the moment of prediction and ends at the horizon; `value` (cells,) is what keeping
    a customer is worth; `unit` (cells,) who is drawn together in resampling, `stratum` (cells,) who is
    followed from the same moment; `times` (k,) the times seen, `at` and `rank` (cells,) the places of time
    and risk.
    """

    who: Observed
    horizon: float
    risk: Array
    value: Array
    unit: Array
    stratum: Array
    times: Array
    at: Array
    rank: Array

    @property
    def people(self) -> int:
        """How many customers there are: the rows of one customer count once."""
        own = int(self.unit.max()) + 1
        return self.who.n if own == len(self.unit) else own

    @property
    def stayed(self) -> Array:
        """Who was still here at the horizon (cells,)."""
        return np.asarray(~self.who.event & (self.who.duration >= self.horizon))


def followed(
    risk: Array,
    time: Array,
    event: Array,
    horizon: float,
    *,
    weights: Array | None = None,
    value: Array | None = None,
    unit: Array | None = None,
    stratum: Array | None = None,
    by: pd.DataFrame | None = None,
) -> Followed:
    """Count as one cell each the customers (n,) alike in risk, worth, `by` and what became of them.

    Raises
    ------
    AnalysisError
        If nobody is followed until the horizon, or nobody leaves before it.
    """
    end, gone = np.minimum(time, horizon), event & (time <= horizon)
    if not ((time >= horizon) & ~gone).any():
        raise AnalysisError(
            "nobody who stayed is seen for {horizon:g} months after the moment of prediction; the longest is "
            "{longest:g}: take a shorter horizon or an earlier date",
            horizon=float(horizon), longest=float(time[~gone].max()) if (~gone).any() else 0.0,
        )  # fmt: skip
    if not gone.any():
        raise AnalysisError(
            "nobody leaves within {horizon:g} months: no risk can be validated", horizon=float(horizon)
        )
    labels = pd.DataFrame({"risk": risk, "value": np.zeros(len(risk)) if value is None else value})
    labels["stratum"] = 0 if stratum is None else stratum
    if unit is not None:
        labels["unit"] = unit
    if by is not None:
        labels = labels.join(by.add_prefix(_BY).set_axis(labels.index))
    own = None if weights is None or np.ptp(weights) == 0 else weights
    who = cells(labels, end, gone, np.zeros(len(end)), own)
    held = who.labels
    units = np.arange(len(held)) if unit is None else np.unique(held["unit"], return_inverse=True)[1]
    times, at = np.unique(who.duration, return_inverse=True)
    place = np.unique(held["stratum"], return_inverse=True)[1]
    # Risks that differ only by rounding are ties.
    rank = np.unique(held["risk"].to_numpy().round(12), return_inverse=True)[1]
    risks, worth = (held[name].to_numpy(dtype=float) for name in ("risk", "value"))
    return Followed(who, float(horizon), risks, worth, units, place, times, at, rank)


def seen_until(seen: Followed, amount: Array) -> Array:
    """Return the chance of being seen until just before one's own time, G(t-), of each cell."""
    size = (int(seen.stratum.max()) + 1, len(seen.times))
    key = seen.stratum * size[1] + seen.at
    gone = np.bincount(key, np.where(seen.who.event, amount, 0.0), size[0] * size[1]).reshape(size)
    ended = np.bincount(key, amount, size[0] * size[1]).reshape(size)
    exposed = ended[:, ::-1].cumsum(axis=1)[:, ::-1] - gone
    lost = np.divide(ended - gone, exposed, out=np.zeros(size), where=exposed > 1e-12 * amount.sum())
    kept = np.cumprod(1 - lost, axis=1)
    before = np.concatenate([np.ones((size[0], 1)), kept[:, :-1]], axis=1)
    return np.asarray(before[seen.stratum, seen.at])


def known(seen: Followed, amount: Array) -> tuple[Array, Array]:
    """Return how much each cell stands for among those who leave, and among those who stay, (cells,) each."""
    whole = amount / np.maximum(seen_until(seen, amount), 1e-300)
    return np.where(seen.who.event, whole, 0.0), np.where(seen.stayed, whole, 0.0)


@dataclass(frozen=True, slots=True)
class Measures:
    r"""How risks of leaving by the horizon turned out.

    `observed` the share who left, `expected` the mean risk, `ratio` the first over the second; `slope` of a
    logistic regression of leaving on the risk's log-odds (1: as spread as it should be); `brier` the mean
    squared error, `ipa` by how much it is less than that of giving all the same risk; `auc` the chance that
    of one who leaves and one who stays the first had more risk (cumulative/dynamic), `uno_c` and `harrell_c`
    that of two the one who leaves first had; `captured` the share of those who leave among the tenth with
    most risk, `lift` how many times its share.

    References
    ----------
    Graf et al. (1999), doi:10.1002/(SICI)1097-0258(19990915/30)18:17/18<2529::AID-SIM274>3.0.CO;2-5; Uno et
    al. (2007), doi:10.1198/016214507000000149, and (2011), doi:10.1002/sim.4154; Kattan & Gerds (2018),
    doi:10.1186/s41512-018-0029-2; Cox (1958), doi:10.1093/biomet/45.3-4.562.
    """

    observed: float
    expected: float
    ratio: float
    slope: float
    brier: float
    ipa: float
    auc: float
    uno_c: float
    harrell_c: float
    captured: float
    lift: float


MEASURES = tuple(field.name for field in fields(Measures))
_RATIOS = ("ratio", "slope", "brier", "lift")


def measures(seen: Followed, amount: Array | None = None) -> Measures:
    """Return the measures, of all as they are or with other amounts (cells,), as resampling draws them."""
    amount = seen.who.amount if amount is None else amount
    left, here = known(seen, amount)
    total, p = float(amount.sum()), seen.risk
    observed, expected = float(left.sum()) / total, float(amount @ p) / total
    brier = float(left @ (1 - p) ** 2 + here @ p**2) / total
    even = observed * (1 - observed)
    captured = float(gains(seen.rank, amount, left, np.array([TOP]))[0]) / max(float(left.sum()), 1e-300)
    g = seen_until(seen, amount)
    return Measures(
        observed=observed, expected=expected, ratio=observed / expected if expected else np.nan,
        slope=_slope(p, left, here), brier=brier, ipa=1 - brier / even if even else np.nan,
        auc=_auc(seen.rank, left, here),
        uno_c=_concordance(seen, amount, g), harrell_c=_concordance(seen, amount, np.ones_like(g)),
        captured=captured, lift=captured / TOP,
    )  # fmt: skip


def gains(rank: Array, amount: Array, what: Array, shares: Array) -> Array:
    """Sum `what` (cells,) over the `shares` (k,) of `amount` that rank highest; ties in proportion."""
    whole, own = (np.bincount(rank, each)[::-1] for each in (amount, what))
    reached, held = (np.concatenate([[0.0], np.cumsum(each)]) for each in (whole, own))
    return np.asarray(np.interp(shares * reached[-1], reached, held))


def _auc(rank: Array, left: Array, here: Array) -> float:
    cases, controls = np.bincount(rank, left), np.bincount(rank, here)
    pairs = float(cases.sum() * controls.sum())
    below = np.cumsum(controls) - controls / 2
    return float(cases @ below) / pairs if pairs else np.nan


def _concordance(seen: Followed, amount: Array, g: Array) -> float:
    """Share of pairs in which who leaves first had more risk (ties half), each weighted by G(t-)^-2."""
    agreed = pairs = 0.0
    event, size = seen.who.event, int(seen.rank.max()) + 1
    for stratum in range(int(seen.stratum.max()) + 1):
        later, own = np.zeros(size), seen.stratum == stratum
        for k in range(len(seen.times) - 1, -1, -1):
            now = own & (seen.at == k)
            stay, go = now & ~event, now & event
            later += np.bincount(seen.rank[stay], amount[stay], size)
            weight = amount[go] / np.maximum(g[go], 1e-300) ** 2
            below = np.cumsum(later) - later / 2
            agreed += float(weight @ below[seen.rank[go]])
            pairs += float(weight.sum() * later.sum())
            later += np.bincount(seen.rank[go], amount[go], size)
    return agreed / pairs if pairs else np.nan


def _slope(risk: Array, left: Array, here: Array) -> float:
    """Slope of leaving on the risk's log-odds, by Newton steps; NaN where there is none."""
    p = np.clip(risk, 1e-12, 1 - 1e-12)
    x = np.log(p / (1 - p))
    both, mean = left + here, float(left.sum() / (left.sum() + here.sum()))
    if np.ptp(x[both > 0]) < 1e-9 or not 0 < mean < 1:
        return np.nan
    beta = np.array([np.log(mean / (1 - mean)), 0.0])
    for _ in range(_STEPS):
        fitted = 1 / (1 + np.exp(-np.clip(beta[0] + beta[1] * x, -700, 700)))
        gap, spread = left - both * fitted, both * fitted * (1 - fitted)
        score = np.array([gap.sum(), gap @ x])
        bend = np.array([[spread.sum(), spread @ x], [spread @ x, spread @ x**2]])
        step = np.linalg.lstsq(bend, score, rcond=1e-14)[0]
        beta = beta + step
        if np.abs(step).max() < 1e-10:
            return float(beta[1])
        if np.abs(beta).max() > 1e3:
            break
    return np.nan


def draws(seen: Followed, resamples: int, seed: int) -> Iterator[Array]:
    """Give the amounts (cells,) of each resample of the customers, drawn as counts of cells."""
    rng = np.random.default_rng(seed)
    if len(seen.unit) and int(seen.unit.max()) + 1 == len(seen.unit):
        size = seen.who.count
    else:  # the rows of one customer go together
        size = np.ones(int(seen.unit.max()) + 1)
    people = round(float(size.sum()))
    for _ in range(resamples):
        times = rng.multinomial(people, size / size.sum()) / size
        yield seen.who.amount * times[seen.unit]


def intervals(
    seen: Followed, told: Callable[[Array], Array], *, level: float, resamples: int, seed: int
) -> tuple[Array, Array]:
    """Return percentile limits of what `told` makes of amounts (cells,), over resamples of customers.

    A number that a resample does not have (nobody of a kind was drawn) is left out of its limits.
    """
    found = np.array([told(amount) for amount in draws(seen, resamples, seed)])
    out = np.full((2, found.shape[1]), np.nan)
    some = np.isfinite(found).mean(axis=0) > 0.9
    if some.any():
        tail = (1 - level) / 2
        out[:, some] = np.nanquantile(found[:, some], [tail, 1 - tail], axis=0)
    return out[0], out[1]


def performance(seen: Followed, *, level: float, resamples: int, seed: int) -> pd.DataFrame:
    """Return a row for each of the `MEASURES`: quantity, measure (its unit), estimate, limits, bases."""

    def told(amount: Array) -> Array:
        found = measures(seen, amount)
        return np.array([getattr(found, name) for name in MEASURES])

    low, high = intervals(seen, told, level=level, resamples=resamples, seed=seed)
    customers = seen.people
    return pd.DataFrame(
        {
            "quantity": MEASURES,
            "measure": ["ratio" if name in _RATIOS else "share" for name in MEASURES],
            "estimate": told(seen.who.amount),
            "conf_low": low,
            "conf_high": high,
            "n": customers,
            "events": seen.who.events,
            "n_eff": min(seen.who.n_eff(), float(customers)),
            "flag": flags([customers])[0],
        }
    )


def groups(seen: Followed, level: float) -> pd.DataFrame:
    """Compare predicted with observed in up to ten groups of risk, the highest first.

    Customers with the same risk stay together, so groups may differ in size.

    Returns
    -------
    DataFrame
        group, predicted (mean risk), estimate (one minus Kaplan-Meier), conf_low, conf_high (log-log), lift
        (times the whole's), captured (share of all who left, this group and those above), n, events, n_eff,
        flag.
    """
    amount, many = seen.who.amount, max(2, min(_GROUPS, seen.who.n // _SMALLEST))
    by_rank = np.bincount(seen.rank, amount)
    middle = (np.cumsum(by_rank[::-1]) - by_rank[::-1] / 2)[::-1] / by_rank.sum()
    place = np.minimum((middle * many).astype(int), many - 1)[seen.rank]
    left, _ = known(seen, amount)
    rows, so_far = [], 0.0
    for k, value in enumerate(np.unique(place)):
        own = place == value
        so_far += float(left[own].sum())
        row = _compared(seen, own, left, level)
        rows.append({"group": k + 1, **row, "captured": so_far / float(left.sum())})
    table = pd.DataFrame(rows)
    return table[[*(c for c in table if c not in _BASES), *_BASES]].assign(flag=flags(table["n"]))


def groups_by(seen: Followed, level: float) -> pd.DataFrame:
    """Compare predicted with observed in each category of each column of `by`.

    Returns
    -------
    DataFrame
        column, category, and as `groups`; a category of under 10 takes a second one with it.
    """
    left, _ = known(seen, seen.who.amount)
    rows = []
    for name in (str(c) for c in seen.who.labels if str(c).startswith(_BY)):
        held = seen.who.labels[name]
        column = name.removeprefix(_BY)
        for value in sorted(held.unique(), key=str):
            row = _compared(seen, (held == value).to_numpy(), left, level)
            rows.append({"variable": column, "category": value, **row})
    table = pd.DataFrame(rows, columns=["variable", "category", *_COMPARED, *_BASES])
    told = [frozenset({(r["variable"], r["category"])}) for r in rows]
    hidden = protected([frozenset(), *told], [seen.who.n, *table["n"]])[1:]
    return table.assign(flag=np.where(hidden, "suppressed", flags(table["n"])))


def _compared(seen: Followed, own: Array, left: Array, level: float) -> dict[str, Any]:
    """Return what was predicted for some cells and what Kaplan-Meier saw of them."""
    amount, part = seen.who.amount, seen.who.part(own)
    steps = curve(part, level)
    at = steps.at(seen.horizon)
    low, mid, high = (
        1 - float(each[at]) if at >= 0 else np.nan
        for each in (steps.conf_high, steps.survival, steps.conf_low)
    )
    predicted = float(amount[own] @ seen.risk[own]) / float(amount[own].sum())
    lift = mid / (float(left.sum()) / float(amount.sum()))
    row = {"predicted": predicted, "estimate": mid, "conf_low": low, "conf_high": high, "lift": lift}
    return {**row, "n": part.n, "events": part.events, "n_eff": part.n_eff()}
