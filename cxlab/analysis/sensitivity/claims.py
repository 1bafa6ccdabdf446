"""What a sweep over choices may say: whether the finding stands, what moves it, what is missing.

All of it is description (grade D) whatever the analysis swept: it is a finding on analyses, which all use
the same people, and not on people.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.columns import records
from cxlab.analysis.estimates import Claim
from cxlab.analysis.findings import detectable
from cxlab.analysis.sensitivity.points import STATUSES, errors_of

Facts = Mapping[str, Any]
SAME_PEOPLE = "specifications_same_people"


def findings(
    table: pd.DataFrame,
    choices: pd.DataFrame,
    options: pd.DataFrame,
    checks: pd.DataFrame,
    settings: Facts,
) -> tuple[Claim, ...]:
    """Return the claims: how the finding stands, the declared specification, the choice, what is missing."""
    done = table[table["status"] == "done"]
    bases = done["n"].dropna()
    value = dict(zip(checks["check"], checks["value"], strict=True))
    facts = {
        "quantity": settings["quantity"], "unit": settings["unit"], "null": settings["null"],
        "smallest_effect": settings["smallest_effect"], "specifications": len(table), "done": len(done),
        "error": float(value["median_error"]),
        **({"n": int(bases.min())} if len(bases) else {}),
    }  # fmt: skip
    caveats = (
        SAME_PEOPLE,
        *(["specifications_missing"] if len(done) < len(table) else []),
        *(["no_smallest_effect"] if settings["smallest_effect"] == 0 else []),
        *(["low_base"] if (done["flag"] == "low_base").any() else []),
    )
    return (
        _standing(done, choices, value, {**facts, "level": settings["level"]}, caveats),
        *_reference(table, facts, settings),
        *_choice(choices, facts, whole=settings["full_grid"]),
        *_missing(table, options, facts),
    )


def _standing(
    done: pd.DataFrame, choices: pd.DataFrame, value: Facts, facts: Facts, caveats: tuple[str, ...]
) -> Claim:
    """Say in how many specifications the interval excludes the smallest effect, and if in all."""
    counts = {side: int((done["excludes"] == side).sum()) for side in ("above", "below", "negligible")}
    fields = {
        **facts, **counts,
        "estimate": float(value["median"]),
        "lowest": float(done["estimate"].min()), "highest": float(done["estimate"].max()),
        "same_sign": round(float(value["same_sign"]) * len(done)),
    }  # fmt: skip
    if _never_below(done, facts):
        return Claim("sensitivity.range", fields, "D", caveats, headline=True)
    largest = max(counts, key=lambda side: counts[side])
    fields |= {"side": largest, "count": counts[largest]}
    if counts[largest] == len(done):
        return Claim("sensitivity.robust", fields, "D", caveats, headline=True)
    if counts[largest]:
        return Claim("sensitivity.fragile", fields | _turning(choices), "D", caveats, headline=True)
    # What one interval of median width would tell from nothing worth while, four times out of five.
    errors = errors_of(done, facts["level"])
    told = {}
    if len(errors):
        told["detectable"] = detectable(errors, 1 - facts["level"]) + facts["smallest_effect"]
    return Claim("sensitivity.none", fields | told, "D", caveats, headline=True)


def _never_below(done: pd.DataFrame, facts: Facts) -> bool:
    """Tell whether these are shares of which zero is the floor: to exclude it then says nothing."""
    asked = facts["null"] or facts["smallest_effect"]
    return facts["unit"] == "share" and not asked and not (done["conf_low"] < 0).any()


def _turning(choices: pd.DataFrame) -> dict[str, Any]:
    """Return the choice that alone changes what is excluded, in most of its pairs."""
    turned = choices[choices["verdict_changes"] > 0]
    if turned.empty:
        return {}
    row = records(turned.loc[[(turned["verdict_changes"] / turned["compared"]).idxmax()]])[0]
    return {"choice": row["choice"], "turned": row["verdict_changes"], "compared": row["compared"]}


def _reference(table: pd.DataFrame, facts: Facts, settings: Facts) -> Iterator[Claim]:
    """Say what the specification declared beforehand gives, and its place among all."""
    for row in records(table[table["point"] == str(settings["reference"])]):
        fields = {**facts, "status": row["status"]}
        if row["status"] == "done":
            fields |= {
                **{name: float(row[name]) for name in ("estimate", "conf_low", "conf_high")},
                "level": settings["level"], "rank": int(row["rank"]),
                **({"n": int(row["n"])} if np.isfinite(row["n"]) else {}),
            }  # fmt: skip
        yield Claim("sensitivity.reference", fields, "D", (SAME_PEOPLE,))


def _choice(choices: pd.DataFrame, facts: Facts, *, whole: bool) -> Iterator[Claim]:
    """Say which choice moves the estimate most, by how much, and whether that is more than its error."""
    row = records(choices)[0]
    if not np.isfinite(row["moves"]):
        return
    fields = {
        **facts, "choice": row["choice"], "share": row["moves"], "estimate": row["mean_change"],
        "from_option": row["from_option"], "to_option": row["to_option"], "pairs": row["pairs"],
        "choices": len(choices),
    }  # fmt: skip
    caveats = (SAME_PEOPLE, *([] if whole else ["choices_tied"]))
    # What moves less than one standard error is told, but not at the top.
    small = abs(fields["estimate"]) < fields["error"]
    yield Claim("sensitivity.choice", fields, "D", caveats, headline=not small)


def _missing(table: pd.DataFrame, options: pd.DataFrame, facts: Facts) -> Iterator[Claim]:
    """Say how many specifications have no estimate, and the option they share, if they share one."""
    counts = table["status"].value_counts()
    missing = int(counts.drop("done", errors="ignore").sum())
    if not missing:
        return
    fields = {
        **{name: facts[name] for name in ("quantity", "specifications", "done")}, "missing": missing,
        **{status: int(counts.get(status, 0)) for status in STATUSES if status != "done"},
    }  # fmt: skip
    shared = options[options["missing"] == missing].assign(size=lambda own: own["points"] + own["missing"])
    for row in records(shared.nsmallest(1, "size", keep="first")):
        fields |= {"choice": row["choice"], "option": row["option"]}
    yield Claim("sensitivity.missing", fields, "D")
