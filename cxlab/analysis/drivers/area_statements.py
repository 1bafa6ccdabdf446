"""What may be said of areas: who carries most or that it cannot be told; never who is to blame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.columns import records
from cxlab.analysis.drivers.attribution import Drawn, Parts, limits
from cxlab.analysis.drivers.responsibility import NOBODY
from cxlab.analysis.estimates import Claim, Result

CAVEATS = ("responsibility_judged", "association_not_cause")


def nothing(table: pd.DataFrame, facts: Mapping[str, Any]) -> tuple[Claim, ...]:
    """Say that nothing was found that could be shared out."""
    fields = {"outcome": facts["outcome"], "n": int(table["n"].max())}
    return (Claim("drivers.areas_nothing", fields, "D", CAVEATS, headline=True),)


def stated_of(table: pd.DataFrame, parts: Parts, drawn: Drawn, facts: Mapping[str, Any]) -> tuple[Claim, ...]:
    """State who carries the largest part or that it cannot be told, what is unseen, and what is nobody's."""
    rows = [row for row in records(table) if row["area_id"] != NOBODY]
    if not rows or np.isnan(rows[0]["pain"]):
        return ()
    first = [row for row in rows if row["rank_low"] == 1]
    top = {**_numbers(rows[0]), **facts, "areas": len(rows)}
    if len(rows) == 1:
        claims = []
    elif len(first) == 1:
        claims = [Claim("drivers.area_first", top, "D", CAVEATS, headline=True)]
    else:
        open_ = {**top, "second": first[1]["area_id"], "candidates": len(first)}
        claims = [Claim("drivers.areas_open", open_, "D", CAVEATS, headline=True)]
    claims += _unseen(table, parts, drawn, facts, top["n"])
    nobody = table[table["area_id"] == NOBODY]
    claims += [
        Claim("drivers.area_nobody", {**_numbers(row), **facts}, "D", CAVEATS) for row in records(nobody)
    ]
    return tuple(claims)


def _unseen(table: pd.DataFrame, parts: Parts, drawn: Drawn, facts: Mapping[str, Any], n: int) -> list[Claim]:
    """State what the areas that customers never see carry together."""
    back = np.array([kind == "back" for kind in parts.shared.kinds])
    if not back.any():
        return []
    low, high = limits(drawn.pain[:, back].sum(axis=(0, 1))[None], facts["level"])
    fields = {
        **facts, "estimate": float(table.loc[table["kind"] == "back", "pain"].sum()),
        "conf_low": float(low[0]), "conf_high": float(high[0]), "areas": int(back.sum()), "n": n,
    }  # fmt: skip
    return [Claim("drivers.area_unseen", fields, "D", CAVEATS)]


def of_area(result: Result, area: str) -> tuple[Claim, ...]:
    """State what one area carries, or that it answers for nothing that was asked about."""
    row = next(row for row in records(result.table) if row["area_id"] == area)
    facts = {"outcome": result.settings["outcome"], "level": result.settings["level"], "unit": "share"}
    if any(claim.code == "drivers.areas_nothing" for claim in result.claims):
        return nothing(result.table, facts)
    if row["touchpoints"] == 0:
        return (Claim("drivers.area_none", {"area": area, "n": int(row["n"])}, "D", headline=True),)
    if np.isnan(row["pain"]):
        return ()
    fields = {
        **_numbers(row), **facts, "contribution": row["contribution"], "touchpoints": int(row["touchpoints"]),
        "rank_low": row["rank_low"], "rank_high": row["rank_high"],
        "areas": int((result.table["area_id"] != NOBODY).sum()),
    }  # fmt: skip
    return (Claim("drivers.area", fields, "D", CAVEATS, headline=True),)


def _numbers(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "area": row["area_id"], "estimate": row["pain"], "conf_low": row["conf_low"],
        "conf_high": row["conf_high"], "n": int(row["n"]),
    }  # fmt: skip
