"""From designed to emitted to perceived; and whether the standards are about what matters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis import metrics
from cxlab.analysis.columns import records
from cxlab.analysis.drivers import DriverImportance, importance
from cxlab.analysis.emitted.delivered import COLUMNS
from cxlab.analysis.estimates import (
    Claim,
    Result,
    check_columns,
    check_level,
    check_numbers,
    flags,
    whole_from,
)
from cxlab.analysis.scales import ends_of
from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]
STEPS = ("designed", "emitted", "perceived")


@dataclass(frozen=True, eq=False, kw_only=True)
class Ladder(Result):
    """What was designed, emitted and perceived of each standard; see `ladder` for the columns."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Alignment(Result):
    """Weight of the standards on what matters; see `alignment` for the columns."""


def ladder(
    checks: pd.DataFrame, responses: pd.DataFrame, standards: pd.DataFrame, *,
    scales: Mapping[str, tuple[float, float]] | None = None, level: float = 0.95,
) -> Ladder:  # fmt: skip
    """Set beside each other what a standard asks, how often it is met, and how customers rate it.

    Parameters
    ----------
    checks : DataFrame
        As `checked` gives them. Not changed.
    responses : DataFrame
        One row for each customer who answered; ``item_id`` of a standard names its column.
    standards : DataFrame
        The canonical table ``standards`` with ``item_id``; ``target`` of a binary standard is the share of
        visits that should meet it (all of them by default).
    scales : mapping, optional
        Ends of the items' scales; those declared in client.yaml by default.
    level : float
        Confidence level.

    Returns
    -------
    Ladder
        ``table``: standard_id, step (designed, emitted, perceived), estimate (0 to 100: share asked, share
        met, mean rating on its scale), conf_low, conf_high, n (checks, customers), measure
        (percent, points), flag. Steps stand beside
        each other and are never subtracted: they are not the same unit. A standard without an item, or whose
        item has no declared scale, has no third step.

    Raises
    ------
    AnalysisError
        If a column is missing.

    Examples
    --------
    >>> checks = pd.DataFrame({"visit_id": range(40), "unit_id": [0, 1] * 20, "standard_id": "greets",
    ...                        "met": [1, 1, 1, 0] * 10, "trials": 1})
    >>> served = pd.DataFrame({"kindness": [7.0, 5.0, 6.0, 4.0] * 10})
    >>> standards = pd.DataFrame({"standard_id": ["greets"], "item_id": ["kindness"], "target": [0.9]})
    >>> found = ladder(checks, served, standards, scales={"kindness": (1, 7)})
    >>> found.table[["step", "estimate", "n"]].round(1).values.tolist()
    [['designed', 90.0, nan], ['emitted', 75.0, 40.0], ['perceived', 75.0, 40.0]]
    """
    check_level(level)
    check_columns(checks, ["standard_id", "unit_id", "met"])
    asked_of = {row["standard_id"]: row for row in records(standards)}
    rows = []
    cluster = "unit_id" if checks["unit_id"].nunique() > 1 else "visit_id"
    for name, own in checks.assign(trials=1).groupby("standard_id", sort=True, observed=True):
        asked = asked_of.get(name, {})
        rows.append((name, "designed", _designed(asked), np.nan, np.nan, np.nan))
        found = metrics.score(own, "rate", columns=COLUMNS, cluster=cluster, level=level).table.iloc[0]
        rows.append((name, "emitted", *found[["estimate", "conf_low", "conf_high", "n"]]))
        rated = _rated(responses, asked.get("item_id"), scales, level)
        if rated is not None:
            rows.append((name, "perceived", *rated))
    table = pd.DataFrame(rows, columns=["standard_id", "step", "estimate", "conf_low", "conf_high", "n"])
    table["measure"] = np.where(table["step"] == "perceived", "points", "percent")
    table["flag"] = np.where(table["n"].isna(), "ok", flags(table["n"].fillna(0)))
    return Ladder(
        table=table,
        keys=("standard_id", "step"),
        n_used=len(checks),
        n_dropped=checks.attrs.get("n_dropped", {}),
        settings={"level": level, "cluster": cluster},
    )


def _designed(asked: Mapping[str, Any]) -> float:
    target, kind = asked.get("target", np.nan), asked.get("kind", "binary")
    binary = pd.isna(kind) or kind == "binary"
    return 100.0 * float(target) if binary and not pd.isna(target) and 0 < float(target) <= 1 else 100.0


def _rated(
    responses: pd.DataFrame, item: Any, scales: Mapping[str, tuple[float, float]] | None, level: float
) -> tuple[float, float, float, float] | None:
    """Mean rating of an item from 0 to 100 on its own scale, its interval and base; None without an item."""
    if not isinstance(item, str) or item not in responses:
        return None
    low, high = ends_of([item], {**responses.attrs.get("scales", {}), **(scales or {})})[0]
    if np.isnan([low, high]).any() or not responses[item].notna().any():
        return None
    row = metrics.score(responses, "mean", columns=item, level=level).table.iloc[0]
    ends = [100 * (float(row[name]) - low) / (high - low) for name in ("estimate", "conf_low", "conf_high")]
    return ends[0], ends[1], ends[2], float(row["n"])


def aligned(
    standards: pd.DataFrame, answers: pd.DataFrame, outcome: str, drivers: Sequence[str], *, top: int = 3,
    resamples: int = 500, level: float = 0.95, seed: int = 0,
) -> Alignment:  # fmt: skip
    """Estimate what weighs for customers, and give `alignment` with it.

    Parameters
    ----------
    standards, top
        As in `alignment`.
    answers, outcome, drivers, resamples, level, seed
        As in `cxlab.analysis.drivers.importance`. Without drivers, or where no standard says what it is
        about, the table is empty and a claim says so.

    Returns
    -------
    Alignment
        As `alignment`.

    Raises
    ------
    AnalysisError
        As `alignment` and `importance`.
    """
    named = "item_id" in standards and bool(standards["item_id"].isin(list(drivers)).any())
    if not named:
        return Alignment(
            table=pd.DataFrame(
                columns=["driver", "standard_weight", "share", "conf_low", "conf_high", "n", "flag"]
            ),
            keys=("driver", "kind"),
            estimate_column="share",
            tables={"index": pd.DataFrame()},
            settings={"outcome": outcome, "level": level, "top": top},
            claims=(Claim("emitted.unaligned", {}, "D"),),
        )
    asked = {"resamples": resamples, "level": level, "seed": seed}
    return alignment(standards, importance(answers, outcome, list(drivers), **asked), top=top)  # type: ignore[arg-type]


def alignment(standards: pd.DataFrame, weighed: DriverImportance, *, top: int = 3) -> Alignment:
    """Say which part of the standards' weight is about what weighs most for customers.

    Parameters
    ----------
    standards : DataFrame
        The canonical table ``standards`` with ``item_id``, the column that customers rate; and weight, if
        declared, else each standard counts the same. Not changed.
    weighed : DriverImportance
        What weighs for customers, with its bootstrap (`cxlab.analysis.drivers.importance`).
    top : int
        How many items count as of top importance.

    Returns
    -------
    Alignment
        ``table``: driver, standards (how many are about it), standard_weight (share of
        the standards' weight), share
        (of importance) with conf_low, conf_high, p_top (part of the samples in which it is of top
        importance), n, flag. ``tables["index"]``: kind (aligned: share of the standards' weight on the
        items of top importance), estimate, conf_low, conf_high (its range over the samples of customers:
        importance is estimated with error), top, standards, n, flag.

    Raises
    ------
    AnalysisError
        If a column is missing, the importance has no bootstrap, `top` is out of range, or no standard names
        an item that was rated.
    """
    check_columns(standards, ["standard_id", "item_id"])
    drivers = list(weighed.draws.blocks)
    check_numbers(
        (
            "top",
            top,
            lambda n: whole_from(n, 1) and n < len(drivers),
            "a whole number under that of the items",
        )
    )
    drawn = weighed.draws.shares
    if not drawn.shape[1]:
        raise AnalysisError("the importance has no bootstrap; ask it for resamples, e.g. resamples=500")
    given = standards["weight"] if "weight" in standards else pd.Series(np.nan, index=standards.index)
    weight = given.fillna(0.0) if given.notna().any() else pd.Series(1.0, index=standards.index)
    weight = (weight / weight.sum()).to_numpy(dtype=float)
    about = standards["item_id"].to_numpy(dtype=object)
    on = np.array([weight[about == name].sum() for name in drivers])
    if not on.any():
        raise AnalysisError(
            "no standard is about an item that customers rate; item_id names one of {drivers}",
            drivers=", ".join(drivers),
        )
    own = weighed.table.set_index("driver").loc[drivers].reset_index()
    level = float(weighed.settings["level"])
    best = np.argsort(-drawn, axis=0, kind="stable")[:top]
    spread = np.quantile(on[best].sum(axis=0), [(1 - level) / 2, (1 + level) / 2])
    point = float(on[np.argsort(-own["share"].to_numpy(dtype=float), kind="stable")[:top]].sum())
    table = own[["driver"]].assign(
        standards=[int((about == name).sum()) for name in drivers], standard_weight=on, share=own["share"],
        conf_low=own["conf_low"], conf_high=own["conf_high"],
        p_top=[float((best == place).any(axis=0).mean()) for place in range(len(drivers))],
        n=own["n"], flag=own["flag"],
    )  # fmt: skip
    index = {
        "kind": "aligned", "estimate": point, "conf_low": spread[0], "conf_high": spread[1], "top": top,
        "standards": len(standards), "n": int(own["n"].min()), "flag": flags([int(own["n"].min())])[0],
    }  # fmt: skip
    fields = {key: index[key] for key in ("estimate", "conf_low", "conf_high", "top", "standards", "n")}
    fields |= {
        "even": top / len(drivers),
        "outcome": weighed.settings["outcome"],
        "drivers": len(drivers),
        "level": level,
        "unit": "share",
    }
    if spread[0] == spread[1]:  # in every sample the same items: there is no range to tell
        fields |= {"conf_low": None, "conf_high": None}
    stands = any(claim.code == "drivers.top" for claim in weighed.claims)
    code = "emitted.aligned" if stands else "emitted.aligned_open"
    claim = Claim(code, fields, "D", ("association_not_cause",), headline=stands)
    return Alignment(
        table=table.sort_values("share", ascending=False, kind="stable", ignore_index=True),
        keys=("driver", "kind"),
        estimate_column="share",
        tables={"index": pd.DataFrame([index])},
        n_used=weighed.n_used,
        n_dropped=weighed.n_dropped,
        settings={**weighed.settings, "top": top},
        claims=(claim,),
    )
