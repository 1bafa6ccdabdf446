"""Which area answers for which part of each touchpoint, read from what the client sends and made whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.columns import as_floats, shown
from cxlab.analysis.estimates import check_columns
from cxlab.errors import AnalysisError, Message, Problem

Array = np.ndarray[Any, Any]

NOBODY = "nobody"
_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Responsibility:
    """Shares of touchpoints, `matrix` (touchpoints, areas), rows adding up to one; the last area is nobody.

    `unsummed` tells the touchpoints whose shares did not add up to one, `unasked` those of which the survey
    asks nothing.
    """

    touchpoints: list[str]
    areas: list[str]
    kinds: list[str | None]
    matrix: Array
    unsummed: pd.DataFrame
    unasked: list[tuple[None, str, Message]]


def responsibility_of(
    given: pd.DataFrame, touchpoints: Sequence[str], known: pd.DataFrame | None = None
) -> Responsibility:
    """Read the shares of these touchpoints.

    Raises
    ------
    AnalysisError
        If a column is missing, a share is no number from 0 to 1, an area stands twice at a touchpoint, or
        an area is called as the row of what nobody answers for.
    """
    check_columns(given, ["area_id", "touchpoint_id", "responsibility_share"])
    if known is not None and len(known):
        check_columns(known, ["area_id"])
    shares = as_floats(given["responsibility_share"])
    problems = _problems(given, shares)
    if problems:
        raise AnalysisError("the shares of responsibility cannot be used", problems=problems)
    listed = [] if known is None or not len(known) else known["area_id"].dropna().tolist()
    areas = list(dict.fromkeys([*listed, *given["area_id"].tolist()]))
    asked = list(touchpoints)
    own = given.assign(responsibility_share=shares)
    wide = own.pivot_table(
        index="touchpoint_id", columns="area_id", values="responsibility_share", observed=True
    )
    matrix = wide.reindex(index=asked, columns=areas).fillna(0.0).to_numpy(dtype=float)
    sums = matrix.sum(axis=1)
    whole = np.column_stack([matrix, np.maximum(1 - sums, 0.0)]) / np.maximum(sums, 1.0)[:, None]
    whole[np.abs(sums - 1) <= _TOLERANCE, -1] = 0.0
    whole /= whole.sum(axis=1, keepdims=True)
    unasked = [name for name in dict.fromkeys(given["touchpoint_id"].tolist()) if name not in asked]
    return Responsibility(
        touchpoints=asked,
        areas=[*areas, NOBODY],
        kinds=[*_kinds(known, areas), None],
        matrix=whole,
        unsummed=_unsummed(asked, sums),
        unasked=[(None, name, Message("no question of the survey is about it")) for name in unasked],
    )


def _kinds(known: pd.DataFrame | None, areas: Sequence[str]) -> list[str | None]:
    if known is None or "kind" not in known:
        return [None] * len(areas)
    of = dict(zip(known["area_id"].tolist(), known["kind"].tolist(), strict=True))
    return [kind if isinstance(kind := of.get(area), str) else None for area in areas]


def _problems(given: pd.DataFrame, shares: Array | None) -> list[Problem]:
    allowed = Message("a number from 0 to 1")
    action = Message("complete the table area_touchpoint, or leave the row out")
    column = "responsibility_share"
    if shares is None:
        return [Problem(found=Message("text"), allowed=allowed, action=action, column=column)]
    wrong = np.flatnonzero(~((shares >= 0) & (shares <= 1)))
    found = []
    if len(wrong):
        values = shown(given[column].iloc[wrong].tolist())
        found.append(
            Problem(
                found=values, allowed=allowed, action=action, column=column, row=int(wrong[0]) + 1,
                count=len(wrong),
            )
        )  # fmt: skip
    for name in ("area_id", "touchpoint_id"):
        empty = np.flatnonzero(given[name].isna().to_numpy(dtype=bool))
        if len(empty):
            found.append(
                Problem(
                    found=Message("no name"), allowed=Message("the code of an area and of a touchpoint"),
                    action=action, column=name, row=int(empty[0]) + 1, count=len(empty),
                )
            )  # fmt: skip
    twice = given[given.duplicated(["area_id", "touchpoint_id"])]
    if len(twice):
        pairs = [f"{a} × {t}" for a, t in zip(twice["area_id"], twice["touchpoint_id"], strict=True)]
        found.append(
            Problem(
                found=Message("more than one share of {pairs}", pairs=shown(pairs)),
                allowed=Message("one row for each area and touchpoint"),
                action=Message("add them up in the table area_touchpoint"),
                column="area_id",
                count=len(twice),
            )
        )
    if NOBODY in given["area_id"].tolist():
        found.append(
            Problem(
                found=NOBODY,
                allowed=Message("codes of areas"),
                action=Message("leave these rows out: what is missing to one is nobody's"),
                column="area_id",
            )
        )
    return found


def _unsummed(touchpoints: Sequence[str], sums: Array) -> pd.DataFrame:
    over = Message("more than one: divided by their sum; correct the table area_touchpoint")
    under = Message("less than one: the rest is nobody's; say whose it is in the table area_touchpoint")
    at = np.flatnonzero(np.abs(sums - 1) > _TOLERANCE).tolist()
    return pd.DataFrame(
        {
            "touchpoint_id": [touchpoints[k] for k in at],
            "responsibility": sums[at],
            "advice": [over if sums[k] > 1 else under for k in at],
        }
    )
