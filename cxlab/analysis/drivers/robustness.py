"""Whether a ranking of drivers holds: the same division in other ways, and how far the halo reaches.

The halo is diagnosed and never taken out: dividing after each person's mean rating is removed gives more
to drivers without effect, not less.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from cxlab.analysis.columns import named, records
from cxlab.analysis.drivers import lattice
from cxlab.analysis.drivers.inputs import blocks_of
from cxlab.analysis.drivers.likelihood import Gains, mcfadden
from cxlab.analysis.drivers.moments import moments
from cxlab.analysis.drivers.noise import spread_of
from cxlab.analysis.drivers.outcomes import MOST_CLASSES, OutcomeType
from cxlab.analysis.drivers.ratings import NotApplicable, Ratings, rated
from cxlab.analysis.drivers.shares import DriverImportance, divided, importance, noise_of
from cxlab.analysis.estimates import LOW_BASE, Claim, Result, flags
from cxlab.errors import AnalysisError, Message

Array = np.ndarray[Any, Any]
Way = Literal["johnson", "listwise", "indicator", "mcfadden", "unweighted"]
_OTHER_PEOPLE = ("listwise", "indicator")
WAYS: tuple[Way, ...] = ("johnson", "listwise", "indicator", "mcfadden", "unweighted")

_MOST_WORK = 25_000_000  # people times models: some ten seconds
_CONDITION = 30.0  # Belsley, Kuh & Welsch (1980)
_FLAT = 2.0  # times as many drivers in the shares as in what each adds alone
_CLEAR = 0.01  # of the outcome's variance, under which what a driver explains is not worth a ratio
_CAUGHT = 0.02  # of what a driver explains alone: less than that is its own
_SAME = 1e-9


@dataclass(frozen=True, eq=False, kw_only=True)
class Robustness(Result):
    """Shares of drivers under each way of computing them; see `diagnose`."""


@dataclass(frozen=True, slots=True)
class _Division:
    """Shares of the drivers under one way, on `n` people, or the reason why there are none."""

    shares: Mapping[str, float]
    n: float
    reason: str = ""


def diagnose(
    table: pd.DataFrame,
    outcome: str,
    drivers: Sequence[str],
    *,
    outcome_type: OutcomeType = "numeric",
    weights: str | None = None,
    strata: str | None = None,
    cluster: str | None = None,
    controls: Sequence[str] = (),
    groups: Mapping[str, Sequence[str]] | None = None,
    not_applicable: NotApplicable = "indicator",
    min_rated: int = LOW_BASE,
    level: float = 0.95,
    seed: int = 0,
) -> Robustness:
    r"""Ask whether the ranking of drivers depends on how it is computed, and how far the halo reaches.

    Parameters
    ----------
    table, outcome, drivers, outcome_type, weights, strata, cluster, controls, groups, not_applicable, \
    min_rated, level, seed
        As in `cxlab.analysis.drivers.importance`.

    Returns
    -------
    Robustness
        ``table``, strongest first: driver, share (LMG, as `importance` gives it), rank, noise_share and
        beats_noise (what a random driver would hold, and whether it holds more: see there), and its share by
        johnson (relative weights), listwise or indicator (the other treatment of what does not apply),
        mcfadden (general dominance of the ordered logit, outcomes of at most 11 different values and 10
        drivers or groups), unweighted; empty where a way says nothing new or cannot be computed; n, n_eff,
        flag. ``tables``: agreement (way, n, leader: the driver first, same_first, largest: difference of a
        share, farthest: whose it is, kendall: rank correlation with the main division, reason why not), halo
        (driver, first: R2 of it alone, last: R2 lost without it, own: last / first, caught: hardly anything
        of it is its own, n, flag) and checks: those of `importance` but of its samples, and
        first_eigenvalue (share of the drivers' variance in one direction), condition_index, flattening
        (effective number of drivers in the shares over that in what each adds last), parted (whether the
        ordered logit's classes are) and, for each driver, own.

    Raises
    ------
    AnalysisError
        As `importance`.

    Notes
    -----
    The effective number of drivers is :math:`1 / \sum s_j^2` of shares s. A driver is caught in the halo
    when it explains one hundredth of the outcome or more alone, less than one fiftieth of that is its
    own, and its coefficient cannot be told from zero: simulated drivers without effect stay below this
    from 1,500 answers on, whatever the halo.

    References
    ----------
    Azen & Traxel (2009), doi:10.3102/1076998609332754; Johnson (2000), doi:10.1207/S15327906MBR3501_1;
    Belsley, Kuh & Welsch (1980), doi:10.1002/0471725153 (condition index).

    Examples
    --------
    >>> answers = pd.DataFrame({"overall": [7, 5, 6, 2, 3, 4, 6, 1] * 5, "ease": [7, 4, 6, 2, 3, 5, 6, 2] * 5,
    ...                         "price": [3, 5, 6, 2, 5, 3, 4, 3] * 5})
    >>> found = diagnose(answers, "overall", ["ease", "price"])
    >>> found.table[["driver", "share", "johnson", "mcfadden"]].round(2).values.tolist()
    [['ease', 0.9, 0.9, 0.94], ['price', 0.1, 0.1, 0.06]]
    """
    drivers = named(drivers)
    chosen: dict[str, Any] = {
        "outcome_type": outcome_type, "weights": weights, "strata": strata, "cluster": cluster,
        "controls": controls, "groups": groups, "not_applicable": not_applicable, "min_rated": min_rated,
    }  # fmt: skip
    main = importance(table, outcome, drivers, resamples=0, level=level, **chosen)
    blocks = blocks_of(drivers, groups or {})
    members = [driver for own in blocks.values() for driver in own]
    ratings = rated(table, outcome, members, **{**chosen, "controls": named(controls)})
    model = _modelled(ratings, blocks)
    ways: dict[Way, _Division] = {
        "johnson": _divided(table, outcome, drivers, {**chosen, "method": "johnson"}),
        **_with_other_rows(table, outcome, drivers, chosen, ratings),
        "mcfadden": _by_likelihood(model, blocks, ratings),
        # Whoever weighs nothing does not enter either way.
        "unweighted": _divided(table[table[weights] != 0], outcome, drivers, {**chosen, "weights": None})
        if main.settings["weights"]
        else _Division({}, np.nan, Message("there are no weights")),
    }
    agreement = _agreement(main.table, ways)
    halo = _halo(main.table)
    return Robustness(
        table=_table(main.table, _noise(ratings, blocks, level, seed), ways),
        keys=("driver", "way", "check", "reason"),
        estimate_column="share",
        tables={
            "agreement": agreement,
            "halo": halo,
            "checks": _checks(main, ratings, halo, separated=isinstance(model, Gains) and model.separated),
        },
        n_used=main.n_used,
        n_dropped=main.n_dropped,
        settings={
            **{name: main.settings[name] for name in (*chosen, "n_eff")},
            "outcome": outcome, "drivers": drivers, "level_tests": level, "seed": seed,
            "ways": ["lmg", *(way for way in WAYS if way in ways and ways[way].shares)],
        },
        claims=_claims(main, ways, agreement),
    )  # fmt: skip


def _divided(table: pd.DataFrame, outcome: str, drivers: list[str], choices: Mapping[str, Any]) -> _Division:
    try:
        found = importance(table, outcome, drivers, resamples=0, **choices)
    except AnalysisError as refused:
        why = [Message("{driver}: {found}", driver=p.column, found=p.found) for p in refused.problems]
        return _Division({}, np.nan, why[0] if why else refused.message)
    return _Division(dict(zip(found.table["driver"], found.table["share"], strict=True)), found.n_used)


def _with_other_rows(
    table: pd.DataFrame, outcome: str, drivers: list[str], chosen: Mapping[str, Any], ratings: Ratings
) -> dict[Way, _Division]:
    """Divide with the other treatment of what does not apply, where something did not."""
    other: Way = "listwise" if chosen["not_applicable"] == "indicator" else "indicator"
    whole = bool(table[drivers].notna().all(axis=None)) if other == "indicator" else ratings.complete == 1
    if whole:
        return {other: _Division({}, np.nan, Message("everybody rated every driver"))}
    return {other: _divided(table, outcome, drivers, {**chosen, "not_applicable": other})}


def _modelled(ratings: Ratings, blocks: Mapping[str, list[str]]) -> Gains | str:
    """Return what the ordered logit divides, or why it is not fitted."""
    classes, people = len(np.unique(ratings.outcome)), len(ratings.outcome)
    if classes > MOST_CLASSES:
        return Message(
            "the outcome has {count} different values, more than {most}", count=classes, most=MOST_CLASSES
        )
    if len(blocks) > lattice.MOST:
        return Message("there are more than {most} drivers or groups", most=lattice.MOST)
    if people * 2 ** len(blocks) > _MOST_WORK:
        return Message(
            "{count} models of {people} answers would take minutes", count=2 ** len(blocks), people=people
        )
    sizes = [len(own) for own in blocks.values()]
    return mcfadden(ratings.drivers, ratings.controls, ratings.outcome, ratings.weights, sizes)


def _by_likelihood(model: Gains | str, blocks: Mapping[str, list[str]], ratings: Ratings) -> _Division:
    if not isinstance(model, Gains):
        return _Division({}, np.nan, model)
    shares = model.general / model.general.sum()
    return _Division(dict(zip(blocks, shares.tolist(), strict=True)), len(ratings.outcome))


def _noise(ratings: Ratings, blocks: Mapping[str, list[str]], level: float, seed: int) -> pd.Series:
    """Share that a random driver, or block of such, would hold in the place of each."""
    sizes = [len(own) for own in blocks.values()]
    matrix = moments(ratings.standardised, ratings.weights).correlations
    shared = divided(matrix, sizes, "lmg", np.random.default_rng(seed))
    line = noise_of(ratings, spread_of(ratings), matrix, sizes, shared, "lmg", level, seed)
    return pd.Series(line, index=list(blocks), dtype=float)


def _table(main: pd.DataFrame, noise: pd.Series, ways: Mapping[Way, _Division]) -> pd.DataFrame:
    others = {
        way: [ways[way].shares.get(driver, np.nan) if way in ways else np.nan for driver in main["driver"]]
        for way in WAYS
    }
    line = main["driver"].map(noise).astype(float)
    own = main[["driver", "share", "rank"]].assign(noise_share=line, beats_noise=main["share"] > line)
    return pd.concat([own, pd.DataFrame(others), main[["n", "n_eff", "flag"]]], axis=1)


def _agreement(main: pd.DataFrame, ways: Mapping[Way, _Division]) -> pd.DataFrame:
    """Compare each way with the main division."""
    rows = []
    for way in WAYS:
        if way not in ways:
            continue
        row: dict[str, Any] = {
            "way": way, "n": ways[way].n, "leader": "", "same_first": None, "largest": np.nan, "farthest": "",
            "kendall": np.nan, "reason": ways[way].reason,
        }  # fmt: skip
        if ways[way].shares:
            there = main["driver"].map(ways[way].shares).astype(float)
            change = there - main["share"]
            row |= {
                "leader": main["driver"][int(there.argmax())],
                "same_first": bool(there[0] >= there.max() - _SAME),
                "largest": float(change.abs().max()),
                "farthest": main["driver"][int(change.abs().argmax())],
                "kendall": float(stats.kendalltau(main["share"].round(9), there.round(9)).statistic),
            }
        rows.append(row)
    table = pd.DataFrame(rows)
    return table.assign(flag=np.where(table["reason"] == "", flags(table["n"]), "ok"))


def _halo(main: pd.DataFrame) -> pd.DataFrame:
    """Say what each driver explains alone and how much of it is its own."""
    first, last = main["first"], main["last"].clip(lower=0.0)
    worth = np.maximum(first, last) >= _CLEAR
    own = (last / first.where(first > 0)).where(worth)
    # What can be told from zero is its own, however little beside many others.
    told = (main["coefficient_low"] > 0) | (main["coefficient_high"] < 0)
    caught = (own < _CAUGHT) & ~told
    return main[["driver"]].assign(
        first=first, last=last, own=own, caught=caught, n=main["n"], flag=main["flag"]
    )


def _checks(main: DriverImportance, ratings: Ratings, halo: pd.DataFrame, *, separated: bool) -> pd.DataFrame:
    count = len(ratings.names)
    among = moments(ratings.standardised, ratings.weights).correlations[1 : count + 1, 1 : count + 1, 0]
    roots = np.maximum(np.linalg.eigvalsh(among), 0.0)
    index = float(np.sqrt(roots[-1] / roots[0])) if roots[0] > _SAME else np.inf
    spread, alone = _effective(main.table["share"]), _effective(halo["last"])
    flat = Message(
        "the shares are spread over {spread:.1f} drivers, what each adds to the others over {alone:.1f}: "
        "moving together flattens the shares",
        spread=spread,
        alone=alone,
    )
    nearly = Message(
        "the drivers nearly determine each other (condition index {value:.0f}): what they explain together "
        "is sure, how much of it is whose is not",
        value=index,
    )
    parted = Message(
        "some drivers part the classes of the outcome: the ordered logit's effects have no end, its shares do"
    )
    rows: list[tuple[str, str, float, str]] = [
        ("first_eigenvalue", "", float(roots[-1] / roots.sum()), ""),
        ("condition_index", "", index, nearly if index > _CONDITION else ""),
        ("flattening", "", spread / alone, flat if spread / alone > _FLAT else ""),
        ("parted", "", float(separated), parted if separated else ""),
    ]
    rows += [
        (
            "own",
            row["driver"],
            float(row["own"]),
            _of_own(row["driver"], float(row["own"]), caught=row["caught"]),
        )
        for row in records(halo)
    ]
    more = pd.DataFrame(rows, columns=["check", "driver", "value", "advice"])
    # Of one importance without a bootstrap: nothing to say of its samples.
    own = main.tables["checks"][main.tables["checks"]["check"] != "empty_samples"]
    return pd.concat([own, more], ignore_index=True)


def _of_own(name: str, own: float, *, caught: bool) -> str:
    if caught:
        return Message(
            "{driver} is caught in the halo: of what it explains alone, {value:.1%} is its own",
            driver=name,
            value=own,
        )
    if own > 1:
        return Message(
            "{driver} explains more beside the others than alone: a suppressor, or hidden by them",
            driver=name,
        )
    return ""


def _effective(parts: Any) -> float:
    """How many equal parts are as uneven as these."""
    held = np.asarray(parts, dtype=float)
    return float(held.sum() ** 2 / (held**2).sum()) if held.any() else 1.0


def _claims(
    main: DriverImportance, ways: Mapping[Way, _Division], agreement: pd.DataFrame
) -> tuple[Claim, ...]:
    """Say whether the first place holds in every way, where its driver can be told from noise at all."""
    first = main.table["driver"][0]
    standing = {claim.fields["driver"] for claim in main.claims if claim.code == "drivers.top"}
    if first not in standing:
        return ()
    done = agreement[agreement["reason"] == ""]
    facts = {"outcome": main.settings["outcome"], "driver": first, "unit": "share", "n": main.n_used}
    moved = done[~done["same_first"].astype(bool)]
    if moved.empty:
        fields = {
            **facts, "estimate": float(done["largest"].max()), "ways": len(done) + 1,
            "whole": bool((done["kendall"] > 1 - _SAME).all()),
        }  # fmt: skip
        return (Claim("drivers.robust", fields, "D", ("association_not_cause",)),)
    # Another sum on the same people tells more of the ranking than the same sum on others; then the widest.
    row = max(
        records(moved),
        key=lambda row: (row["way"] not in _OTHER_PEOPLE, _share(ways, row) - ways[row["way"]].shares[first]),
    )
    fields = {
        **facts, "share": float(main.table["share"][0]), "other": row["leader"], "way": row["way"],
        "estimate": _share(ways, row), "n_way": int(row["n"]),
    }  # fmt: skip
    return (Claim("drivers.fragile", fields, "D", ("association_not_cause",)),)


def _share(ways: Mapping[Way, _Division], row: Mapping[str, Any]) -> float:
    """Return what the leader of a way holds in it."""
    return float(ways[row["way"]].shares[row["leader"]])
