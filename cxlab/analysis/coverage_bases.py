"""Bases of every level at which a result may be asked for, and which of those levels may be published."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.columns import check_rows
from cxlab.analysis.disclosure import Cell, protected
from cxlab.analysis.estimates import (
    LOW_BASE,
    MINIMUM_CUSTOMERS,
    Claim,
    Result,
    check_columns,
    flags,
    weights_of,
)
from cxlab.analysis.findings import segment_name, segment_names
from cxlab.analysis.raking import as_text
from cxlab.analysis.survey import partition
from cxlab.errors import AnalysisError, Message

Array = np.ndarray[Any, Any]

MOST_LOW = 0.25  # a level of which more cells than this have a low base is not published
PERSON = "customer_id"
PUBLISH, WITH_CARE, HOLD = "publish", "with care", "hold"
_CLAIMS = {PUBLISH: "intake.publish", WITH_CARE: "intake.with_care", HOLD: "intake.hold"}


@dataclass(frozen=True, eq=False, kw_only=True)
class Bases(Result):
    """Bases by level; see `bases` for the columns."""


@dataclass(frozen=True)
class _Level:
    """One level: its columns, the values of its cells, their size."""

    columns: tuple[str, ...]
    keys: pd.DataFrame
    n: Array
    n_eff: Array
    people: Array
    without: int

    @property
    def name(self) -> str:
        return segment_name(self.columns)

    @property
    def cells(self) -> list[Cell]:
        return [frozenset(zip(self.columns, row, strict=True)) for row in self.keys.itertuples(index=False)]


def bases(
    table: pd.DataFrame, by: Sequence[str], *, wave: str = "", weights: str | None = None,
    targets: pd.DataFrame | None = None,
) -> Bases:  # fmt: skip
    """Count the base of each level, alone and by wave, and say at which of them results may be published.

    Parameters
    ----------
    table : DataFrame
        One row per answer; not changed. Where it has ``customer_id``, bases are flagged by persons.
    by : sequence of str
        Levels: a column each, or a crossing written ``"region x channel"``.
    wave : str
        Column of the wave; each level is also counted within waves. Left out if the table lacks it.
    weights : str or None
        Column of weights: effective bases (Kish) are then given beside the counts.
    targets : DataFrame or None
        Population shares as in `raking.rake`, shown beside those of the sample.

    Returns
    -------
    Bases
        ``table``: ``variable``, ``category``, ``n``, ``n_eff``, ``part`` (of the sample), ``target``,
        ``withheld``, ``flag``. ``tables["by_wave"]``: the same with the wave as a column.
        ``tables["levels"]``: ``variable``, ``verdict`` (publish; with care: some base under 30, of at
        most a quarter of the cells; hold), ``cells``, ``low`` (under 30), ``hidden`` (under 10).
        ``withheld`` marks a base that is hidden so that another one does not follow by subtraction.

    Raises
    ------
    AnalysisError
        If a column is missing, or a level has more than 2,000 cells.

    Examples
    --------
    >>> table = pd.DataFrame({"region": ["RM"] * 40 + ["V"] * 12})
    >>> found = bases(table, ["region"])
    >>> found.table[["category", "n", "flag"]].to_numpy().tolist()
    [['RM', 40, 'ok'], ['V', 12, 'low_base']]
    >>> found.tables["levels"][["verdict", "cells", "low"]].to_numpy().tolist()
    [['hold', 2, 1]]
    """
    check_rows(table)
    asked = _asked(table, by, wave if wave in table.columns else "")
    weight, persons = weights_of(table, weights), _persons(table)
    found = [_level(table, columns, weight, persons) for columns in asked]
    whole = [frozenset(), *(cell for level in found for cell in level.cells)]
    everybody = len(np.unique(persons)) if len(persons) else len(table)
    hidden = protected(
        whole,
        np.concatenate([[len(table)], *(level.n for level in found)]),
        np.concatenate([[everybody], *(level.people for level in found)]),
    )
    ends = np.cumsum([1, *(len(level.n) for level in found)])
    closed = [hidden[a:b] for a, b in pairwise(ends)]
    alone = [
        (v, c) for v, c in zip(found, closed, strict=True) if v.columns == (wave,) or wave not in v.columns
    ]
    crossed = [(v, c) for v, c in zip(found, closed, strict=True) if len(v.columns) > 1 and wave in v.columns]
    levels = _levels(found)
    return Bases(
        table=_with_targets(_rows(alone, len(table)), targets),
        keys=("variable", "category", wave or "wave_id", "withheld", "verdict"),
        estimate_column="part",
        tables={"by_wave": _by_wave(crossed, wave), "levels": levels},
        n_used=len(table),
        n_dropped={
            Message("without {column}", column=v.name): v.without for v in found if v.without and v.columns
        },
        settings={"by": [v.name for v in found], "wave": wave, "effective": weights, "minimum": LOW_BASE},
        claims=_claims(levels, wave, len(table)),
    )


def _asked(table: pd.DataFrame, by: Sequence[str], wave: str) -> list[tuple[str, ...]]:
    """Return the columns of each level: as asked for, then the wave, then each of them by wave."""
    levels = [tuple(part.strip() for part in name.split(" x ")) for name in dict.fromkeys(by)]
    check_columns(table, [column for columns in levels for column in columns])
    again = [segment_name(columns) for columns in levels if len(set(columns)) < len(columns)]
    if again:
        raise AnalysisError(
            "{levels}: a level crosses a column with itself; name each column once", levels=", ".join(again)
        )
    if not wave:
        return levels
    return [*levels, (wave,), *((*columns, wave) for columns in levels if wave not in columns)]


def _persons(table: pd.DataFrame) -> Array:
    """Give each row its person: a customer is one, however often they answered; no id, no repetition."""
    if PERSON not in table.columns:
        return np.arange(len(table))
    codes = pd.factorize(table[PERSON])[0]
    return np.where(codes < 0, len(table) + np.arange(len(table)), codes)


def _level(table: pd.DataFrame, columns: tuple[str, ...], weight: Array, persons: Array) -> _Level:
    parts = partition(table, columns)
    inside = parts.codes >= 0
    codes, count = parts.codes[inside], len(parts.keys)
    once = pd.DataFrame({"cell": codes, "person": persons[inside]}).drop_duplicates()
    own = weight[inside]
    sums = np.bincount(codes, weights=own, minlength=count)
    squares = np.bincount(codes, weights=own**2, minlength=count)
    return _Level(
        columns=columns,
        keys=pd.DataFrame({column: as_text(parts.keys[column]) for column in columns}),
        n=np.bincount(codes, minlength=count),
        n_eff=np.divide(sums**2, squares, out=np.zeros(count), where=squares > 0),
        people=np.bincount(once["cell"], minlength=count),
        without=int((~inside).sum()),
    )


def _rows(levels: Iterable[tuple[_Level, Array]], total: int) -> pd.DataFrame:
    frames = [
        pd.DataFrame(
            {
                "variable": level.name,
                "category": segment_names(level.keys, level.columns),
                "n": level.n,
                "n_eff": level.n_eff,
                "part": level.n / max(total - level.without, 1),
                "withheld": closed & (level.people >= MINIMUM_CUSTOMERS),
                "flag": np.where(closed, "suppressed", flags(level.people)),
            }
        )
        for level, closed in levels
    ]
    columns = ["variable", "category", "n", "n_eff", "part", "withheld", "flag"]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)


def _by_wave(levels: Sequence[tuple[_Level, Array]], wave: str) -> pd.DataFrame:
    frames = []
    for level, closed in levels:
        rows = _rows([(level, closed)], 1).drop(columns="part")
        others = [column for column in level.columns if column != wave]
        rows["variable"] = segment_name(others)
        rows["category"] = segment_names(level.keys, others)
        rows.insert(2, wave, level.keys[wave].to_numpy())
        frames.append(rows)
    columns = ["variable", "category", wave or "wave_id", "n", "n_eff", "withheld", "flag"]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)


def _with_targets(rows: pd.DataFrame, targets: pd.DataFrame | None) -> pd.DataFrame:
    """Put the population's share beside the sample's, where one is known."""
    if targets is None or not len(targets):
        return rows
    check_columns(targets, ["variable", "category", "share"])
    share = dict(
        zip(
            zip(targets["variable"].astype(str), as_text(targets["category"]), strict=True),
            targets["share"],
            strict=True,
        )
    )
    known = [share.get(pair, np.nan) for pair in zip(rows["variable"], rows["category"], strict=True)]
    rows.insert(list(rows.columns).index("part") + 1, "target", np.array(known, dtype=float))
    return rows


def _levels(found: Sequence[_Level]) -> pd.DataFrame:
    rows = []
    for level in found:
        low, hidden = int((level.people < LOW_BASE).sum()), int((level.people < MINIMUM_CUSTOMERS).sum())
        share = low / len(level.people) if len(level.people) else 1.0
        verdict = PUBLISH if share == 0 else (WITH_CARE if share <= MOST_LOW else HOLD)
        rows.append((level.name, verdict, len(level.people), low, hidden))
    return pd.DataFrame(rows, columns=["variable", "verdict", "cells", "low", "hidden"])


def _claims(levels: pd.DataFrame, wave: str, n: int) -> tuple[Claim, ...]:
    """Say which levels may be published, which with care, which not: all waves together, then by wave."""
    within = np.array([wave in name.split(" x ") for name in levels["variable"]], dtype=bool)
    claims = []
    for by_wave, group in ((False, levels[~within]), (True, levels[within & (levels["variable"] != wave)])):
        for verdict, code in _CLAIMS.items():
            own = group[group["verdict"] == verdict]
            if own.empty:
                continue
            listed = own[["variable", "low", "cells"]].to_dict("records")
            caveats = ("suppressed_rows",) if own["hidden"].any() else ()
            fields = {"levels": listed, "minimum": LOW_BASE, "n": n}
            claims.append(Claim(code, fields, "D", caveats, headline=not by_wave and verdict != WITH_CARE))
    return tuple(claims)
