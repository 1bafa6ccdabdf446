"""What a driver analysis may say: which drivers stand out of noise, whether in order, and the halo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from cxlab.analysis.columns import records
from cxlab.analysis.drivers.checks import caveats_of
from cxlab.analysis.drivers.draws import POWER
from cxlab.analysis.drivers.ratings import Surveyed
from cxlab.analysis.estimates import LOW_BASE, Claim, adjusted, stated

_MOST_TIMES = 20  # as many answers, beyond which what is seen is no guide to what they would tell
_CLEAR = 0.1  # correlation under which nobody would have taken a driver for one
_SMALL = 0.5  # effective over nominal sample under which the weights are said to cost much


def findings(
    table: pd.DataFrame,
    tests: pd.DataFrame,
    facts: Mapping[str, Any],
    ratings: Surveyed,
    checks: pd.DataFrame,
    *,
    controls: Sequence[str],
    level: float,
    times: float | None,
    together: bool,
) -> tuple[tuple[Claim, ...], tuple[Claim, ...]]:
    """Return the claims, and what to say if no driver stands.

    A driver is stated when its effect, the others being in the model, differs from zero (Holm over all
    drivers) in the direction of its correlation, and its share is above what noise would hold; a share
    alone never is: it cannot be zero. `times` as many answers would tell the first two apart; none
    without a bootstrap. `together` says that all drivers explain more than chance: then that none stands is
    for their overlap.
    """
    told = {row["driver"]: row for row in records(tests)}
    rows = [{**told[row["driver"]], **row} for row in records(table)]
    beside = caveats_of(checks)
    caveats = (*_caveats(ratings), *beside.get("", ()))
    nothing = _none(rows, {**facts, "together": together}, ratings, caveats, controls, level)
    candidates = [
        _top(row, facts, (*caveats, *beside.get(row["driver"], ())), level)
        for row in rows
        if not _reversed(row) and not _is_noise(row)
    ]
    tops = stated(tests, candidates, (), level)
    if not tops:
        return (nothing,), (nothing,)
    names = {claim.fields["driver"] for claim in tops}
    halos = [_halo(row, facts, level) for row in _in_halo(rows, names, level)]
    order = [] if times is None else [_order(rows, tops[0], facts, level, times)]
    return (*tops, *order, *halos), (nothing,)


def _reversed(row: Mapping[str, Any]) -> bool:
    """Tell whether a single driver's effect has the other sign than its correlation."""
    return bool(row["coefficient"] * row["correlation"] < 0)


def _is_noise(row: Mapping[str, Any]) -> bool:
    """Tell whether a share is no larger than one of pure noise; unknown without a bootstrap."""
    return bool(row["share"] <= row["noise_share"])


def _caveats(ratings: Surveyed) -> tuple[str, ...]:
    n = ratings.n
    return (
        "association_not_cause",
        *(["not_applicable_coded"] if ratings.complete < 1 else []),
        *(["small_effective_sample"] if ratings.n_eff < _SMALL * n else []),
        *(["low_base"] if n < LOW_BASE else []),
    )


def _top(row: Mapping[str, Any], facts: Mapping[str, Any], caveats: tuple[str, ...], level: float) -> Claim:
    fields = {
        **facts,
        "driver": row["driver"],
        "estimate": row["share"], "conf_low": row["conf_low"], "conf_high": row["conf_high"],
        "level": level, "unit": "share", "n": int(row["n"]),
        "rank": int(row["rank"]), "coefficient": row["coefficient"], "hypothesis": row["hypothesis"],
    }  # fmt: skip
    # What goes against the outcome is told as such, and not as what weighs most.
    return Claim("drivers.top", fields, "C", caveats, headline=not row["coefficient"] < 0)


def _none(
    rows: Sequence[Mapping[str, Any]],
    facts: Mapping[str, Any],
    ratings: Surveyed,
    caveats: tuple[str, ...],
    controls: Sequence[str],
    level: float,
) -> Claim:
    n = ratings.n
    strongest = min((row["p_value"] for row in rows if not np.isnan(row["p_value"])), default=1.0)
    needed = stats.norm.isf((1 - level) / (2 * len(rows))) + stats.norm.ppf(POWER)
    # Answers that would tell the strongest effect from noise, four times out of five: its square less what
    # the luckiest of so many effects of nothing reaches half of the time.
    seen = stats.chi2.isf(max(strongest, 1e-300), 1) - stats.chi2.ppf(0.5 ** (1 / len(rows)), 1)
    n_needed = _answers(n, needed**2 / seen if seen > 0 else np.inf)
    fields = {
        **facts,
        "drivers": len(rows),
        "controls": len(controls),
        "level": level,
        "n": n,
        "n_needed": n_needed,
    }
    return Claim("drivers.none", fields, "C", caveats, headline=True)


def _answers(n: int, times: float) -> int | None:
    """Return `times` as many answers, none where that reaches too far beyond those there are."""
    return ceil(n * max(times, 1.0)) if times <= _MOST_TIMES else None


def _order(
    rows: Sequence[Mapping[str, Any]], top: Claim, facts: Mapping[str, Any], level: float, times: float
) -> Claim:
    """First and second by share: apart when the first's simultaneous rank set is {1}, open otherwise."""
    first, second = rows[0], rows[1]
    fields = {
        "outcome": facts["outcome"], "first": first["driver"], "second": second["driver"],
        "level": level, "n": int(min(first["n"], second["n"])),
    }  # fmt: skip
    apart = first["rank_high"] == 1 and top.fields["driver"] == first["driver"]
    if not apart:
        n_needed = _answers(fields["n"], times)
        return Claim("drivers.order_open", {**fields, "n_needed": n_needed}, "C", ("association_not_cause",))
    # It stands and falls with the effect of the first.
    tested = {"hypothesis": top.fields["hypothesis"], "p_adjusted": top.fields["p_adjusted"]}
    return Claim("drivers.order", {**fields, **tested}, "C", ("association_not_cause",))


def _in_halo(
    rows: Sequence[Mapping[str, Any]], stated_drivers: set[str], level: float
) -> list[Mapping[str, Any]]:
    """Drivers that clearly correlate with the outcome and whose effect, given the others, may be none."""
    n = np.array([max(row["n_eff"], 4.0) for row in rows])
    r = np.array([row["correlation"] for row in rows], dtype=float)
    p = adjusted(
        2 * stats.norm.sf(np.abs(np.arctanh(np.clip(r, -0.999999, 0.999999))) * np.sqrt(n - 3)), "holm"
    )
    empty = [row["coefficient_low"] <= 0 <= row["coefficient_high"] for row in rows]
    return [
        row
        for row, p_marginal, nothing in zip(rows, p, empty, strict=True)
        if p_marginal <= 1 - level
        and abs(row["correlation"]) >= _CLEAR
        and nothing
        and row["driver"] not in stated_drivers
    ]


def _halo(row: Mapping[str, Any], facts: Mapping[str, Any], level: float) -> Claim:
    fields = {
        "outcome": facts["outcome"], "driver": row["driver"], "correlation": row["correlation"],
        "estimate": row["coefficient"],
        "conf_low": row["coefficient_low"], "conf_high": row["coefficient_high"],
        "level": level, "unit": facts["unit_coefficient"], "share": row["share"], "n": int(row["n"]),
    }  # fmt: skip
    return Claim("drivers.halo", fields, "C", ("association_not_cause",))
