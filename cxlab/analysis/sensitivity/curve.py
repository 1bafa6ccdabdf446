"""The specification curve: estimates of all specifications side by side, and what moves them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.estimates import Result, check_level, check_numbers
from cxlab.analysis.sensitivity.choices import Change, Shares, changes, complete, shares
from cxlab.analysis.sensitivity.claims import findings
from cxlab.analysis.sensitivity.points import ABSENT, CHOICE, errors_of, in_order, read
from cxlab.errors import Message

MISSING = {
    "failed": Message("specifications that failed"),
    "suppressed": Message("specifications on fewer than 10 customers"),
    ABSENT: Message("specifications without this number"),
    "unpublished": Message("specifications never run"),
}
_ALWAYS = ("done", "failed", "suppressed")  # counted also where there is none
_STATED = ("above", "below", "negligible")


@dataclass(frozen=True, eq=False, kw_only=True)
class SpecificationCurve(Result):
    """Specifications of one analysis, sorted, and what each choice moves; see `specification_curve`."""


def specification_curve(
    frame: pd.DataFrame,
    *,
    null: float = 0.0,
    smallest_effect: float = 0.0,
    level: float = 0.95,
    reference: str | None = None,
    quantity: str = "",
) -> SpecificationCurve:
    r"""Ask how one estimate moves over the specifications of its analysis, and which choice moves it.

    Parameters
    ----------
    frame : DataFrame
        One row a specification: point (its id), status (done, failed, suppressed, unpublished), a column
        ``choice_PARAMETER`` for each choice (text), estimate, conf_low, conf_high; and, where known,
        std_error, n, n_eff, flag, unit, message (why it failed). Missing numbers where not done.
    null : float
        Value of the estimate that says that there is nothing: 0 for differences and effects.
    smallest_effect : float
        Smallest distance from `null` that would matter, in the estimate's unit; 0 takes any.
    level : float
        Level at which the intervals were computed.
    reference : str, optional
        Point that was declared before the data were seen: its place is told.
    quantity : str
        What is estimated, as a reader would call it.

    Returns
    -------
    SpecificationCurve
        ``table``, lowest estimate first, those without one last: rank, point, the choices, estimate,
        std_error, conf_low, conf_high, n, n_eff, flag, status (also absent: done without this number),
        excludes, message. excludes is above or below (the whole interval lies farther than
        `smallest_effect` from `null`, on that side), negligible (it lies wholly nearer than that), open
        (neither), no_interval. ``tables``:

        - choices, the one that moves most first: choice, moves (share of the variance over the
          specifications; they add up to one), first_order (alone) and total (with all its interactions),
          both of a full grid only, options, mean_change (the largest mean change between two of its
          options, all else equal), from_option, to_option, pairs (of specifications that this rests on);
          and of all its pairs, compared, how many change sign or excludes: sign_changes,
          verdict_changes;
        - options: choice, option, points, missing, mean_estimate, lowest, highest, excluding (share of
          its points above or below);
        - changes, of each two options: choice, from_option, to_option, pairs, mean_change, least, most;
        - interactions, of a full grid: choices, moves (what two move only together; last, what more do);
        - checks: check, value, advice (counts, median and quartiles, shares of specifications, the
          spread over them beside the median standard error (without one, the interval's half width over
          the normal quantile), whether the grid is full).

    Raises
    ------
    AnalysisError
        Naming all there is: points or combinations repeated, fewer than two estimates, no choice that
        varies or more than 14, several units, numbers that are none, limits the wrong way round, an unknown
        status or reference, ratios beside a `null` that is none; or `null`, `smallest_effect` or `level`
        that cannot be.

    Notes
    -----
    On a full grid of estimates y, choice j moves :math:`S_j = Var(E[y|x_j]) / Var(y)` alone and
    :math:`T_j = 1 - Var(E[y|x_{-j}]) / Var(y)` with its interactions; moves is the Shapley value of
    these variances, which lies between the two. With gaps (failed, suppressed, or never run) it is the
    same value over the specifications that there are, and the changes, which compare only what is alike in
    all else, say what no gap can confound.

    All specifications draw on the same customers. Their estimates are not independent, so there is no
    p-value over them, their spread is no sampling error, and their number is no evidence. That *every*
    interval excludes the smallest effect on one side is claimed, because it needs no correction: unless the
    effect is beyond it in every specification, that happens no more often than one interval errs (an
    intersection-union test). That some do is only told. Negligible asks the whole interval, which is
    stricter than two one-sided tests at ``1 - level``.

    References
    ----------
    Simonsohn, Simmons & Nelson (2020), doi:10.1038/s41562-020-0912-z; Steegen et al. (2016),
    doi:10.1177/1745691616658637; Sobol' (2001), doi:10.1016/S0378-4754(00)00270-6; Owen (2014),
    doi:10.1137/130936233; Berger (1982), doi:10.1080/00401706.1982.10487790.

    Examples
    --------
    >>> sweep = pd.DataFrame({
    ...     "point": ["a", "b", "c", "d"], "status": "done", "choice_weights": ["no", "no", "yes", "yes"],
    ...     "choice_missing": ["kept", "out", "kept", "out"], "estimate": [3.0, 3.2, 5.0, 5.4],
    ...     "conf_low": [1.0, 1.1, 2.9, 3.1], "conf_high": [5.0, 5.3, 7.1, 7.7]})
    >>> found = specification_curve(sweep, smallest_effect=2.0)
    >>> found.table[["point", "excludes"]].to_numpy().tolist()
    [['a', 'open'], ['b', 'open'], ['c', 'above'], ['d', 'above']]
    >>> found.tables["choices"][["choice", "moves", "mean_change"]].round(3).to_numpy().tolist()
    [['weights', 0.979, 2.1], ['missing', 0.021, 0.3]]
    """
    check_level(level)
    check_numbers(
        ("null", null, np.isfinite, "a finite number"),
        ("smallest_effect", smallest_effect, lambda x: np.isfinite(x) and x >= 0, "a number, zero or more"),
    )
    points = read(frame, reference, float(null))
    codes, options = points.codes()
    table = _table(points.table, float(null), float(smallest_effect))
    done = table[table["status"] == "done"]
    divided, whole = shares(codes, done["estimate"].to_numpy()), complete(codes)
    paired = {name: changes(codes, done["estimate"].to_numpy(), j) for j, name in enumerate(points.choices)}
    chosen = _choices(divided, options, paired, done, float(null))
    if not whole:
        chosen[["first_order", "total"]] = np.nan  # with gaps they no longer bound the share
    settings = {
        "null": float(null), "smallest_effect": float(smallest_effect), "level": level,
        "reference": reference, "quantity": quantity, "unit": points.unit, "fixed": dict(points.fixed),
        "choices": chosen["choice"].tolist(), "full_grid": whole,
    }  # fmt: skip
    checks = _checks(table, whole, float(null), level)
    told = _options(table, chosen["choice"].tolist())
    return SpecificationCurve(
        table=table,
        keys=("point", *(c for c in table.columns if c.startswith(CHOICE)), "status", "message",
              "choice", "choices", "option", "from_option", "to_option", "check"),
        tables={
            "choices": chosen, "options": told, "changes": _changes(paired, options),
            "interactions": _interactions(divided, points.choices, whole=whole), "checks": checks,
        },
        n_used=len(done),
        n_dropped=_missing(table),
        settings=settings,
        claims=findings(table, chosen, told, checks, settings),
    )  # fmt: skip


def _table(points: pd.DataFrame, null: float, smallest: float) -> pd.DataFrame:
    """Give each specification its place and what its interval excludes."""
    low, high = points["conf_low"] - null, points["conf_high"] - null
    done = (points["status"] == "done").to_numpy()
    excludes = np.select(
        [~done, low.isna() | high.isna(), low > smallest, high < -smallest,
         (low > -smallest) & (high < smallest)],
        ["", "no_interval", "above", "below", "negligible"],
        "open",
    )  # fmt: skip
    rank = points["estimate"].rank(method="min")
    table = points.assign(excludes=excludes.astype(object))
    table.insert(0, "rank", rank)
    return table[[c for c in table.columns if c != "message"] + ["message"]]


def _choices(
    divided: Shares,
    options: Mapping[str, list[str]],
    paired: Mapping[str, list[Change]],
    done: pd.DataFrame,
    null: float,
) -> pd.DataFrame:
    """Say of each choice what it moves, the one that moves most first."""
    whole = divided.variance if divided.variance > 0 else np.nan
    sign = np.sign(done["estimate"].to_numpy() - null)
    verdict = done["excludes"].to_numpy()
    rows = []
    for j, (name, own) in enumerate(options.items()):
        means = [abs(change.mean) for change in paired[name]]
        largest = paired[name][int(np.nanargmax(means))] if np.isfinite(means).any() else None
        first, second = (
            np.concatenate([getattr(c, side) for c in paired[name]]) for side in ("first", "second")
        )
        rows.append(
            {
                "choice": name,
                "moves": divided.shapley[j] / whole,
                "first_order": divided.first[j] / whole,
                "total": divided.total[j] / whole,
                "options": len(own),
                "mean_change": largest.mean if largest else np.nan,
                "from_option": own[largest.start] if largest else "",
                "to_option": own[largest.end] if largest else "",
                "pairs": len(largest.size) if largest else 0,
                "compared": len(first),
                "sign_changes": int((sign[first] * sign[second] < 0).sum()),
                "verdict_changes": int((verdict[first] != verdict[second]).sum()),
            }
        )
    return pd.DataFrame(rows).sort_values(["moves", "choice"], ascending=[False, True], ignore_index=True)


def _options(table: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Say of each option of each choice how its specifications came out."""
    rows = []
    for name in names:
        for option in in_order(table[CHOICE + name]):
            own = table[table[CHOICE + name] == option]
            known = own[own["status"] == "done"]
            rows.append(
                {
                    "choice": name,
                    "option": option,
                    "points": len(known),
                    "missing": len(own) - len(known),
                    "mean_estimate": known["estimate"].mean(),
                    "lowest": known["estimate"].min(),
                    "highest": known["estimate"].max(),
                    "excluding": known["excludes"].isin(_STATED[:2]).mean() if len(known) else np.nan,
                }
            )
    return pd.DataFrame(rows)


def _changes(paired: Mapping[str, list[Change]], options: Mapping[str, list[str]]) -> pd.DataFrame:
    """List every change between two options of a choice, all else equal."""
    rows = [
        {
            "choice": name,
            "from_option": options[name][change.start],
            "to_option": options[name][change.end],
            "pairs": len(change.size),
            "mean_change": change.mean,
            "least": change.size.min() if len(change.size) else np.nan,
            "most": change.size.max() if len(change.size) else np.nan,
        }
        for name, own in paired.items()
        for change in own
    ]
    return pd.DataFrame(rows)


def _interactions(divided: Shares, names: tuple[str, ...], *, whole: bool) -> pd.DataFrame:
    """Say what pairs of choices move only together, and what more of them do; of a full grid only."""
    rows: list[dict[str, Any]] = []
    if whole and divided.variance > 0:
        for one, other in combinations(range(len(names)), 2):
            share = divided.interaction(1 << one | 1 << other) / divided.variance
            rows.append({"choices": f"{names[one]} x {names[other]}", "moves": max(share, 0.0)})
        pairs = sum(row["moves"] for row in rows)
        rest = 1 - float(divided.first.sum()) / divided.variance - pairs
        rows.sort(key=lambda row: -row["moves"])
        if len(names) > 2:
            rows.append({"choices": "", "moves": max(rest, 0.0)})
    return pd.DataFrame(rows, columns=["choices", "moves"])


def _checks(table: pd.DataFrame, whole: bool, null: float, level: float) -> pd.DataFrame:  # noqa: FBT001
    """Count the specifications, and set their spread beside the error of one."""
    done = table[table["status"] == "done"]
    estimate, excludes = done["estimate"], done["excludes"]
    errors = errors_of(done, level)
    error = float(errors.median()) if len(errors) else np.nan
    spread = float(estimate.std(ddof=0))
    ratio = spread / error if error > 0 else np.nan
    sides = [int((estimate > null).sum()), int((estimate < null).sum())]
    significant = (done["conf_low"] > null) | (done["conf_high"] < null)
    more = Message(
        "the estimate spreads over the specifications by {ratio:.1f} times the standard error of one: the "
        "interval of a single specification tells too little of what is not known",
        ratio=ratio,
    )
    gaps = Message(
        "combinations are missing: shares are of the specifications that there are, and choices which the "
        "gaps tie to each other share what either moves; the changes with all else equal do not suffer"
    )
    counts = {status: int((table["status"] == status).sum()) for status in ("done", *MISSING)}
    rows: list[tuple[str, float, str]] = [
        ("specifications", len(table), ""),
        *((status, count, "") for status, count in counts.items() if count or status in _ALWAYS),
        ("median", estimate.median(), ""),
        ("lower_quartile", estimate.quantile(0.25), ""),
        ("upper_quartile", estimate.quantile(0.75), ""),
        ("same_sign", max(sides) / len(done), ""),
        ("significant", significant.mean(), ""),
        *((verdict, (excludes == verdict).mean(), "") for verdict in _STATED),
        ("spread", spread, ""),
        ("median_error", error, ""),
        ("spread_ratio", ratio, more if ratio > 1 else ""),
        ("full_grid", float(whole), "" if whole else gaps),
    ]
    return pd.DataFrame(rows, columns=["check", "value", "advice"])


def _missing(table: pd.DataFrame) -> dict[str, int]:
    counts = {reason: int((table["status"] == status).sum()) for status, reason in MISSING.items()}
    return {reason: count for reason, count in counts.items() if count}
