"""What charts, contrasts and splits of waves allow to say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from cxlab.analysis.definitions import Metric
from cxlab.analysis.estimates import Claim
from cxlab.analysis.findings import base_caveats, difference_unit, interval_fields, weighting_caveats
from cxlab.analysis.survey import Design

Fields = dict[str, Any]


def chart_claims(rows: pd.DataFrame, entry: Metric, design: Design, level: float) -> tuple[Claim, ...]:
    """Say which wave first left the limits, or that none did; and that an ordinary record is none."""
    listed = rows.to_dict("records")
    watched = [row for row in listed if not row["baseline"]]
    caveats = (*weighting_caveats(design, entry), *entry.caveats)
    common: Fields = {
        "metric": entry.id, "version": entry.version, "monitored": len(watched),
        "baseline": len(listed) - len(watched),
    }  # fmt: skip
    signals = [row for row in watched if row["signal"]]
    last = listed[-1]
    claims = []
    if signals:
        first = signals[0]
        fields = {
            **common, **interval_fields(first, "estimate", level, entry.unit), "n": int(first["n"]),
            "wave": str(first["wave"]), **_limits(first), "rule": str(first["signal"]),
            "signals": len(signals),
            "side": "above" if first["estimate"] > first["centre"] else "below",
        }  # fmt: skip
        claims.append(Claim("waves.signal", fields, "D", caveats, headline=True))
    else:
        fields = {
            **common, "n": int(min(row["n"] for row in watched or listed)), "unit": entry.unit,
            **_limits(last), "level": level,
        }  # fmt: skip
        claims.append(Claim("waves.steady" if watched else "waves.unwatched", fields, "D", caveats))
    if watched and not last["signal"] and (side := record_of([row["estimate"] for row in listed])):
        fields = {
            **common, **interval_fields(last, "estimate", level, entry.unit), "n": int(last["n"]),
            "wave": str(last["wave"]), "side": side, "waves": len(listed),
            **_limits(last),
        }  # fmt: skip
        claims.append(Claim("waves.ordinary_record", fields, "D", caveats))
    return tuple(claims)


def _limits(row: Mapping[Any, Any]) -> Fields:
    return {"limit_low": float(row["ordinary_low"]), "limit_high": float(row["ordinary_high"])}


def record_of(levels: list[float]) -> str:
    """Say whether the last of at least three levels is a record.

    Examples
    --------
    >>> record_of([20.0, 22.0, 25.0]), record_of([20.0, 22.0, 19.0]), record_of([20.0, 22.0, 21.0])
    ('highest', 'lowest', '')
    """
    before = levels[:-1]
    if len(before) < 2:
        return ""
    return "highest" if levels[-1] > max(before) else "lowest" if levels[-1] < min(before) else ""


def difference_fields(
    row: Mapping[Any, Any], entry: Metric, level: float, estimate: str = "difference"
) -> Fields:
    """Fields of a claim on a difference."""
    return {
        "metric": entry.id, "version": entry.version,
        **interval_fields(row, estimate, level, difference_unit(entry)), "n": int(row["n"]),
    }  # fmt: skip


def contrast_claims(
    row: Mapping[Any, Any], entry: Metric, level: float, said: Fields, caveats: tuple[str, ...]
) -> tuple[Claim, Claim]:
    """Claim what was declared and tested, and what to say instead when it does not stand."""
    fields = {**difference_fields(row, entry, level), **said}
    own = (*entry.caveats, *caveats, *base_caveats(row["n"], row["n"]))
    trend = row["test"] == "trend"
    found = Claim("waves.trend" if trend else "waves.moved", fields, "D", own, headline=True)
    fields = {k: v for k, v in fields.items() if k != "hypothesis"}
    return found, Claim("waves.no_trend" if trend else "waves.unmoved", fields, "D", own, headline=True)


def part_claims(
    rows: pd.DataFrame, segments: pd.DataFrame, entry: Metric, level: float, said: Fields,
    caveats: tuple[str, ...],
) -> list[Claim]:  # fmt: skip
    """Claim what made the change, for each part and segment that was tested."""
    claims = []
    own = (*entry.caveats, *caveats)
    tested = rows[rows["p_value"].notna()]
    for row in tested.to_dict("records"):
        fields = {
            **difference_fields(row, entry, level), **said, "part": row["part"],
            "hypothesis": row["hypothesis"],
        }  # fmt: skip
        claims.append(Claim("waves.part", fields, "D", own, headline=row["part"] != "rest"))
    if segments.empty:
        return claims
    whole = rows[rows["part"] == "total"].iloc[0]
    still = bool(whole["conf_low"] <= 0 <= whole["conf_high"])
    tested = segments[segments["p_value"].notna()]
    for row in tested.sort_values("p_value", kind="stable").to_dict("records"):
        fields = {
            **difference_fields(row, entry, level, "adds"), **said, "column": said["segment"],
            "segment": str(row[said["segment"]]), "change": float(row["change"]),
            "total": float(whole["difference"]),
            "still": still,
            "hypothesis": row["hypothesis"],
        }  # fmt: skip
        claims.append(Claim("waves.segment", fields, "D", own, headline=True))
    return claims


def sustained_claims(
    rows: pd.DataFrame, tables: Mapping[str, pd.DataFrame], agent: str, family: pd.DataFrame, level: float
) -> tuple[tuple[Claim, ...], list[Claim], tuple[Claim, ...]]:
    """Say how many are always served well, and what differs between customers, places and people."""
    held = rows.set_index("what").to_dict("index")
    tested = set(family["hypothesis"])
    plain, differences, otherwise = list[Claim](), list[Claim](), list[Claim]()
    if "always" in held:
        row = held["always"]
        fields: Fields = {
            **interval_fields(row, "estimate", level, "percent"), "n": int(row["n"]),
            "good": float(held["good"]["estimate"]), "chance": float(held["chance"]["estimate"]),
        }  # fmt: skip
        plain.append(Claim("waves.always", fields, "D", headline=True))
    if (name := "always good beyond chance") in tested:
        row = held["beyond"]
        fields = {**interval_fields(row, "estimate", level, "percent"), "n": int(row["n"])}
        differences.append(Claim("waves.unequal", {**fields, "hypothesis": name}, "D"))
        otherwise.append(Claim("waves.equal", fields, "D"))
    if (name := "streaks within a customer") in tested:
        row = tables["runs"].iloc[0].to_dict()
        fields = {**interval_fields(row, "turns", level, "ratio"), "n": int(row["n"])}
        differences.append(Claim("waves.streaks", {**fields, "hypothesis": name}, "D"))
        otherwise.append(Claim("waves.no_streaks", fields, "D"))
    for row in tables["components"].to_dict("records"):
        person = row["grouping"] == agent
        fields = {
            **interval_fields(row, "sd_between", level, "percent"), "n": int(row["n"]),
            "column": row["grouping"], "groups": int(row["groups"]), "share": float(row["part_of_all"]),
            "person": person,
        }  # fmt: skip
        name = f"between {row['grouping']}"
        differences.append(Claim("waves.between", {**fields, "hypothesis": name}, "D", headline=not person))
        otherwise.append(Claim("waves.no_between", fields, "D"))
    return tuple(plain), differences, tuple(otherwise)
