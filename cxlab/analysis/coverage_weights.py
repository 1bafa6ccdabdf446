"""How the sample stands to the population: margins before and after weighting, and what weighting costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from cxlab.analysis.columns import check_rows
from cxlab.analysis.disclosure import protected
from cxlab.analysis.estimates import (
    MINIMUM_CUSTOMERS,
    Claim,
    Result,
    adjusted,
    check_columns,
    check_level,
    flags,
    stated,
)
from cxlab.analysis.intervals import wilson
from cxlab.analysis.raking import How, Weighting, as_text, weigh
from cxlab.errors import Message

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class Representation(Result):
    """Margins of the sample against the population; see `representation` for the columns.

    Attributes
    ----------
    weights : Series of float
        Of each row of the table.
    """

    weights: pd.Series[float]


def representation(
    table: pd.DataFrame, how: How | Literal["auto"] = "auto", *, targets: pd.DataFrame | None = None,
    weight: str = "weight", by: Sequence[str] = (), level: float = 0.95,
) -> Representation:  # fmt: skip
    """Compare the margins of the sample, without weights and with them, with those of the population.

    Parameters
    ----------
    table : DataFrame
        One row per answer, all of them; not changed.
    how : {"auto", "none", "given", "raked"}
        As `raking.weigh`; auto: raked where there are targets, else given where there is a weight.
    targets : DataFrame or None
        Population shares as in `raking.rake`.
    weight : str
        Column of given weights.
    by : sequence of str
        Columns whose margins are shown where there are no targets.
    level : float
        Confidence level.

    Returns
    -------
    Representation
        ``table``: ``variable``, ``category``, ``target``, ``before`` (share without weights, with its
        Wilson interval ``conf_low``, ``conf_high``), ``after`` (with weights), ``n``, ``withheld``,
        ``flag``. ``tables["tests"]``: each share before against its target (normal, Holm over all).
        ``tables["checks"]``: design effect, effective base, largest over smallest weight.

    Raises
    ------
    AnalysisError
        As `raking.weigh`.

    Examples
    --------
    >>> table = pd.DataFrame({"channel": ["app"] * 30 + ["store"] * 10})
    >>> targets = pd.DataFrame({"variable": "channel", "category": ["app", "store"], "share": [0.5, 0.5]})
    >>> found = representation(table, targets=targets).table
    >>> found[["before", "target", "after"]].round(3).to_numpy().tolist()
    [[0.75, 0.5, 0.5], [0.25, 0.5, 0.5]]
    """
    check_rows(table)
    check_level(level)
    given = targets is not None and len(targets) > 0
    if how == "auto":
        filled = weight in table.columns and bool(table[weight].notna().all())
        how = "raked" if given else ("given" if filled else "none")
    weighing = weigh(table, how, targets=targets, weight=weight)
    margins = _margins(table, weighing, targets if given else None, by)
    low, high = wilson(margins["before"], margins["base"], level)
    closed = _closed(margins)
    rows = margins.drop(columns="base").assign(
        withheld=closed & (margins["n"] >= MINIMUM_CUSTOMERS),
        flag=np.where(closed, "suppressed", flags(margins["n"])),
    )
    for place, (name, ends) in enumerate((("conf_low", low), ("conf_high", high))):
        rows.insert(4 + place, name, ends)
    tests = _tests(margins)
    return Representation(
        table=rows,
        keys=("variable", "category", "check", "withheld"),
        estimate_column="before",
        tables={"tests": tests, "checks": weighing.tables["checks"]},
        n_used=len(table),
        n_dropped=_without(table, margins),
        settings={"how": how, "level": level, "weights": weight if how == "given" else how},
        claims=(*_gap_claims(rows, tests, len(table), level), *_cost_claims(weighing, how)),
        weights=weighing.weights,
    )


def _margins(
    table: pd.DataFrame, weighing: Weighting, targets: pd.DataFrame | None, by: Sequence[str]
) -> pd.DataFrame:
    """Count each category without and with weights; the population's categories too, if nobody has one."""
    if targets is not None:
        check_columns(targets, ["variable", "category", "share"])
    wanted: dict[str, dict[str, float]] = {}
    if targets is not None:
        for variable, own in targets.groupby(targets["variable"].astype(str), sort=False):
            wanted[str(variable)] = dict(
                zip(as_text(own["category"]), own["share"].astype(float), strict=True)
            )
    variables = list(wanted) or [name for name in dict.fromkeys(by) if " x " not in name]
    check_columns(table, variables)
    weights = weighing.weights.to_numpy()
    frames = []
    for name in variables:
        present = table[name].notna().to_numpy()
        text = as_text(table[name])
        categories = list(dict.fromkeys([*wanted.get(name, ()), *sorted(set(text[present]))]))
        codes = pd.Index(categories).get_indexer(pd.Index(text[present]))
        n, size = np.bincount(codes, minlength=len(categories)), int(present.sum())
        heavy = np.bincount(codes, weights=weights[present], minlength=len(categories))
        frames.append(
            pd.DataFrame(
                {
                    "variable": name,
                    "category": categories,
                    "target": [wanted.get(name, {}).get(c, np.nan) for c in categories],
                    "before": n / max(size, 1),
                    "after": heavy / max(heavy.sum(), np.finfo(float).tiny),
                    "n": n,
                    "base": size,
                }
            )
        )
    columns = ["variable", "category", "target", "before", "after", "n", "base"]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)


def _closed(margins: pd.DataFrame) -> Array:
    """Say which categories to hide: few people, or what would give them away."""
    cells = [
        frozenset(),
        *(frozenset({pair}) for pair in zip(margins["variable"], margins["category"], strict=True)),
    ]
    return protected(cells, [margins["base"].max() if len(margins) else 0, *margins["n"]])[1:]


def _without(table: pd.DataFrame, margins: pd.DataFrame) -> Mapping[str, int]:
    gone = {name: int(table[name].isna().sum()) for name in margins["variable"].unique()}
    return {Message("without {column}", column=name): n for name, n in gone.items() if n}


def _tests(margins: pd.DataFrame) -> pd.DataFrame:
    """Test each share against its target: the score test of one proportion, Holm over all of them."""
    known = margins[(margins["target"] > 0) & (margins["target"] < 1)].reset_index(drop=True)
    target, base = known["target"].to_numpy(dtype=float), known["base"].to_numpy(dtype=float)
    difference = known["before"].to_numpy(dtype=float) - target
    p_value = 2 * stats.norm.sf(np.abs(difference) / np.sqrt(target * (1 - target) / np.maximum(base, 1)))
    enough = known["n"].to_numpy(dtype=float) >= MINIMUM_CUSTOMERS
    tests = known[["variable", "category"]].assign(
        hypothesis=[
            f"{v} = {c}, against the population"
            for v, c in zip(known["variable"], known["category"], strict=True)
        ],
        difference=difference,
        p_value=np.where(enough, p_value, np.nan),
    )
    return tests.assign(p_adjusted=adjusted(tests["p_value"], "holm"), n=known["n"], flag=flags(known["n"]))


def _gap_claims(rows: pd.DataFrame, tests: pd.DataFrame, n: int, level: float) -> tuple[Claim, ...]:
    """Say which category of each variable stands furthest from its share, if it is beyond chance."""
    if tests.empty:
        return ()
    joined = tests.merge(
        rows[["variable", "category", "target", "before", "conf_low", "conf_high"]],
        on=["variable", "category"],
    )
    claims = []
    for variable, own in joined[joined["p_value"].notna()].groupby("variable", sort=False):
        row = own.loc[own["difference"].abs().idxmax()]
        fields = {
            "column": str(variable), "segment": row["category"], "estimate": float(row["difference"]),
            "conf_low": float(row["conf_low"] - row["target"]), "level": level, "unit": "share",
            "conf_high": float(row["conf_high"] - row["target"]), "n": n,
            "before": float(row["before"]), "target": float(row["target"]), "hypothesis": row["hypothesis"],
        }  # fmt: skip
        claims.append(Claim("intake.gap", fields, "D", headline=True))
    claims.sort(key=lambda claim: -abs(claim.fields["estimate"]))
    alike = Claim("intake.alike", {"categories": len(tests), "n": n}, "D", headline=True)
    return stated(tests, claims, [alike], level)


def _cost_claims(weighing: Weighting, how: str) -> tuple[Claim, ...]:
    n = weighing.n_used
    if how == "none":
        return (Claim("intake.unweighted", {"n": n}, "D", ("no_population_claim",)),)
    fields = {
        "design_effect": weighing.design_effect, "n_eff": weighing.n_eff, "ratio": weighing.ratio, "n": n
    }  # fmt: skip
    return (Claim("intake.weight_cost", fields, "D", ("weights_mend_mix",)),)
