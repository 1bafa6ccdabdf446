"""Results as the analyses return them, made by hand: what the tests of reporting render."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from cxlab.analysis.drivers import base_map as drivers_base_map
from cxlab.analysis.estimates import Claim, Result, flags, masked
from cxlab.analysis.sensitivity import specification_curve
from cxlab.errors import Message
from cxlab.reporting import RESULT, html
from cxlab.reporting.bundle import bundle
from cxlab.reporting.words import Words

LABELS = {
    "columns": {
        "ease": {"es": "Facilidad", "en": "Ease"},
        "attr_first_contact": {"es": "Resolución en el primer contacto", "en": "First-contact resolution"},
        "attr_billing": {
            "es": "Claridad de la boleta y de los cobros adicionales",
            "en": "Clarity of the bill and extra charges",
        },
        "attr_kind": {"es": "Amabilidad", "en": "Kindness"},
    },
    "values": {
        "region": {"RM": {"es": "Metropolitana", "en": "Metropolitan"}},
        "peer_id": {"fc": "Fibra Cordillera", "tds": "Telefónica del Sur"},
    },
}
REGIONS = [
    ("RM", 8.4, 1204),
    ("Valparaíso", 21.9, 388),
    ("Biobío", 24.6, 301),
    ("La Araucanía", 31.2, 128),
    ("Aysén del General Carlos Ibáñez del Campo", 12.0, 24),
    ("Magallanes y de la Antártica Chilena", np.nan, 6),
]


def scores(*, by: bool = True, standing: bool = True) -> Result:
    """NPS by region; or four indices without segments."""
    if not by:
        rows = [
            ("nps", 18.04, 6.9, 28.6, 2051),
            ("pxi", 33.3, 30.1, 36.5, 2040),
            ("csat_t2b_7", 61.2, 58.9, 63.4, 2049),
            ("ces_mean", 4.08, 3.99, 4.17, 1010),
        ]
        table = pd.DataFrame(rows, columns=["metric", "estimate", "conf_low", "conf_high", "n"])
        table = table.assign(std_error=1.0, n_eff=table["n"] * 0.8, flag="ok")
        units = ["points", "points", "percent", "scale"]
        claims = tuple(
            Claim(
                "score.level",
                {
                    "metric": m,
                    "version": "1",
                    "estimate": e,
                    "conf_low": a,
                    "conf_high": b,
                    "level": 0.95,
                    "unit": u,
                    "n": n,
                },
                "D",
                headline=True,
            )
            for (m, e, a, b, n), u in zip(rows, units, strict=True)
        )
        return Result(
            table=table,
            keys=("metric",),
            n_used=2051,
            settings={"metric": "nps", "level": 0.95},
            claims=claims,
        )
    region, estimate, n = zip(*REGIONS, strict=True)
    half = 160 / np.sqrt(np.array(n))
    table = pd.DataFrame(
        {
            "region": region,
            "metric": "nps",
            "estimate": estimate,
            "std_error": half / 2,
            "conf_low": np.array(estimate) - half,
            "conf_high": np.array(estimate) + half,
            "n": [float(k) if k >= 10 else np.nan for k in n],
        }
    )
    table = table.assign(n_eff=table["n"], flag=flags(n))
    level = Claim(
        "score.level",
        {
            "metric": "nps",
            "version": "reichheld-2003",
            "estimate": 14.6,
            "conf_low": 11.0,
            "conf_high": 18.1,
            "level": 0.95,
            "unit": "points",
            "n": 2051,
        },
        "D",
        ("weights_mend_mix",),
        headline=True,
    )
    segment = Claim(
        "score.segment",
        {
            "metric": "nps",
            "version": "1",
            "column": "region",
            "segment": "RM",
            "estimate": -14.3,
            "conf_low": -19.8,
            "conf_high": -8.8,
            "level": 0.95,
            "unit": "points",
            "n": 847,
            "hypothesis": "h1",
            "p_adjusted": 0.0001,
        },
        "D",
        headline=True,
    )
    alike = Claim(
        "score.segments_alike",
        {
            "metric": "nps",
            "version": "1",
            "column": "region",
            "segments": 5,
            "detectable": 12.3,
            "level": 0.95,
            "unit": "points",
            "n": 24,
        },
        "D",
    )
    tests = pd.DataFrame(
        {"hypothesis": ["h1"], "region": ["RM"], "p_value": [0.00001], "p_adjusted": [0.0001]}
    )
    return Result(
        table=table,
        keys=("region", "metric", "hypothesis"),
        tables={"tests": tests},
        n_used=2051,
        n_dropped={Message("{column} missing", column="recommend"): 42},
        settings={"metric": ["nps"], "by": ["region"], "level": 0.95, "weights": "weight"},
        claims=(level, segment) if standing else (level, alike),
    )


class Importance(Result):
    """Carries r_squared, as the drivers' result does."""

    r_squared = 0.63


def importance(*, standing: bool = True) -> Result:
    names = ["attr_first_contact", "attr_billing", "ease", "attr_app", "attr_kind", "attr_store_ambience"]
    share = np.array([0.39, 0.23, 0.17, 0.10, 0.06, 0.05])
    table = pd.DataFrame(
        {
            "driver": names,
            "importance": share * 0.63,
            "share": share,
            "conf_low": share - 0.05,
            "conf_high": share + 0.06,
            "rank": range(1, 7),
            "rank_low": [1, 2, 2, 3, 4, 4],
            "rank_high": [1, 3, 4, 5, 6, 6],
            "noise_share": 0.011,
            "beats_noise": True,
            "coefficient": [0.5, 0.3, 0.18, 0.1, 0.01, -0.01],
            "coefficient_low": 0.0,
            "coefficient_high": 0.2,
            "n": 1720,
            "flag": "ok",
        }
    )
    base = {"outcome": "pxi", "level": 0.95, "unit": "share", "n": 1720, "r_squared": 0.63}
    tops = tuple(
        Claim(
            "drivers.top",
            {
                **base,
                "driver": d,
                "estimate": s,
                "conf_low": s - 0.05,
                "conf_high": s + 0.06,
                "hypothesis": d,
            },
            "C",
            ("association_not_cause",),
            headline=True,
        )
        for d, s in zip(names[:4], share, strict=False)
    )
    none = (
        Claim(
            "drivers.none",
            {"outcome": "pxi", "drivers": 6, "r_squared": 0.02, "n": 1720, "level": 0.95, "n_needed": 23417},
            "C",
            headline=True,
        ),
    )
    return Importance(
        table=table,
        keys=("driver",),
        estimate_column="share",
        n_used=1720,
        settings={"outcome": "pxi", "level": 0.95},
        claims=tops if standing else none,
    )


def priorities(*, standing: bool = True) -> Result:
    names = ["attr_first_contact", "attr_billing", "ease", "attr_app", "attr_kind", "attr_store_ambience"]
    share = np.array([0.39, 0.23, 0.17, 0.10, 0.06, 0.05])
    performance = np.array([52.0, 71.0, 58.0, 60.0, 60.5, 81.0])
    chance = np.array([1.0 if standing else 0.6, 0.0, 0.2, 0.0, 0.0, 0.0])
    table = pd.DataFrame(
        {
            "driver": names,
            "share": share,
            "conf_low": share - 0.05,
            "conf_high": share + 0.06,
            "performance": performance,
            "performance_low": performance - 2,
            "performance_high": performance + 2,
            "quadrant": ["concentrate", "keep", "concentrate", *["low_priority"] * 2, "overkill"],
            "p_quadrant": [chance[0], 1.0, 0.2, 1.0, 0.7, 1.0],
            "p_concentrate": chance,
            "n": 1720,
            "flag": "ok",
        }
    )
    fields = {"outcome": "pxi", "level": 0.95, "driver": names[0], "probability": chance[0], "n": 1720}
    level = {"estimate": 52.0, "conf_low": 50.0, "conf_high": 54.0, "unit": "points", "importance": 0.39}
    claim = Claim("drivers.priority", {**fields, **level}, "C", ("association_not_cause",))
    open_ = Claim("drivers.no_priority", {**fields, "drivers": 6}, "C", ("association_not_cause",))
    return Result(
        table=table,
        keys=("driver", "quadrant"),
        estimate_column="share",
        n_used=1720,
        settings={"outcome": "pxi", "level": 0.95},
        claims=(claim if standing else open_,),
    )


def asymmetry(*, standing: bool = True) -> Result:
    names = ["attr_first_contact", "attr_billing", "ease", "attr_app"]
    penalty, reward = np.array([1.1, 0.9, 0.3, 0.1]), np.array([0.9, 0.05, 0.7, 0.12])
    table = pd.DataFrame(
        {
            "driver": names,
            "penalty": penalty,
            "penalty_low": penalty - 0.1,
            "penalty_high": penalty + 0.1,
            "reward": reward,
            "reward_low": reward - 0.1,
            "reward_high": reward + 0.1,
            "asymmetry": (reward - penalty) / (reward + penalty),
            "conf_low": [-0.2, -1.0, 0.2, np.nan],
            "conf_high": [0.1, -0.8, 0.6, np.nan],
            "kind": ["symmetric", "must_be", "attractive", "open"] if standing else "open",
            "p_no_reward": [1.0, 0.01, 1.0, 0.2],
            "n_low": 210,
            "n_high": 480,
            "n": 1720,
            "flag": "ok",
        }
    )
    fields = {"outcome": "overall_sat", "level": 0.95, "negligible": 0.15, "unit": "scale", "n": 1720}
    level = {"estimate": 0.9, "conf_low": 0.8, "conf_high": 1.0, "low": 3.0, "high": 6.0, "no_reward": True}
    claim = Claim("drivers.must_be", {**fields, **level, "driver": names[1]}, "C", ("association_not_cause",))
    open_ = Claim("drivers.kinds_open", {**fields, "drivers": 4}, "C", ("association_not_cause",))
    return Result(
        table=table,
        keys=("driver", "reason"),
        estimate_column="asymmetry",
        n_used=1720,
        settings={"outcome": "overall_sat", "level": 0.95},
        claims=(claim if standing else open_,),
    )


def base_map(*, drivers: int = 6, complete: bool = False) -> Result:
    """Long labels, three of them seldom rated: by few people, by under thirty, by under ten."""
    rng = np.random.default_rng(1)
    names = ["attr_first_contact", "attr_billing", "ease", "attr_kind"]
    names += [f"touchpoint_with_a_long_name_{k}" for k in range(drivers - len(names))]
    ratings = pd.DataFrame(rng.integers(1, 8, (600, drivers)), columns=names).astype(float)
    for name, kept in zip(names, np.geomspace(600, 5, drivers).round().astype(int), strict=True):
        if not complete:
            ratings.loc[rng.permutation(600)[kept:], name] = np.nan
    return masked(drivers_base_map(ratings, names))


def robustness(*, standing: bool = True) -> Result:
    names = ["attr_first_contact", "attr_billing", "ease", "attr_app", "attr_kind", "attr_store_ambience"]
    share = np.array([0.29, 0.26, 0.19, 0.13, 0.08, 0.05])
    table = pd.DataFrame(
        {
            "driver": names,
            "share": share,
            "rank": range(1, 7),
            "johnson": share + np.array([0.01, -0.01, 0.0, 0.0, 0.004, -0.004]),
            "listwise": share + np.array([-0.03, 0.03, 0.02, -0.02, 0.01, -0.01]),
            "indicator": np.nan,
            "mcfadden": share + np.array([0.006, 0.0, -0.006, 0.0, 0.0, 0.0]),
            "unweighted": share + np.array([0.0, -0.012, 0.012, 0.0, 0.0, 0.0]),
            "n": [1720, 1720, 1600, 900, 400, 31],
            "n_eff": 1500.0,
            "flag": "ok",
        }
    )
    fields = {"outcome": "pxi", "driver": names[0], "unit": "share", "n": 1720}
    holds = Claim("drivers.robust", {**fields, "estimate": 0.012, "ways": 5, "whole": False}, "D")
    other = {"other": names[1], "way": "listwise", "share": 0.29, "estimate": 0.29}
    return Result(
        table=table,
        keys=("driver", "way", "check", "reason"),
        estimate_column="share",
        n_used=1720,
        settings={"outcome": "pxi", "weights": "weight"},
        claims=(holds if standing else Claim("drivers.fragile", {**fields, **other}, "D"),),
    )


def segments(count: int = 2, *, standing: bool = True) -> Result:
    names = ["attr_first_contact", "attr_billing", "ease", "attr_kind"]
    plans = ["Mensual", "Dos años con permanencia obligatoria", *(f"Plan número {k}" for k in range(3, 15))]
    rows = []
    for k, plan in enumerate(plans[:count]):
        for at, name in enumerate(names):
            share = (0.55, 0.25, 0.15, 0.05)[(at + k) % 4]
            told = ("more", "less", "mixed", "open")[(at + k) % 4] if standing else "open"
            rows.append((plan, name, share, share - 0.05, share + 0.08, 400 - 30 * k, told))
    columns = ["contract", "driver", "share", "conf_low", "conf_high", "n", "weighs"]
    table = pd.DataFrame(rows, columns=columns)
    table["flag"] = flags(table["n"])
    levels = table.drop_duplicates("contract")[["contract", "n", "flag"]].assign(r_squared=0.41)
    fields = {"outcome": "overall_sat", "column": "contract", "level": 0.95, "n": 370}
    level = {"estimate": 0.3, "conf_low": 0.2, "conf_high": 0.4, "unit": "share", "hypothesis": "h"}
    own = {"driver": names[0], "segment": plans[0], "other": plans[1], "measure": "share"}
    shares = {"value": 0.55, "other_value": 0.25}
    claim = Claim("drivers.segment", {**fields, **level, **own, **shares}, "C", ("association_not_cause",))
    alike = {"segments": count, "drivers": 4, "detectable": 0.11, "unit": "share"}
    open_ = Claim("drivers.segments_alike", {**fields, **alike}, "C", ("association_not_cause",))
    return Result(
        table=table,
        keys=("contract", "driver"),
        estimate_column="share",
        tables={"segments": levels},
        n_used=1720,
        settings={"outcome": "overall_sat", "by": ["contract"], "level": 0.95},
        claims=(claim if standing else open_,),
    )


def lift(*, standing: bool = True) -> Result:
    names = ["attr_billing", "attr_first_contact", "ease", "attr_kind"]
    change = np.array([0.21, 0.12, 0.05, -0.02])
    table = pd.DataFrame(
        {
            "driver": names,
            "at_most": [3.0, 3.0, 6.0, 3.0],
            "moved": [0.31, 0.22, 0.11, 0.015],
            "n_moved": [533, 378, 189, 26],
            "coefficient": change * 3,
            "change": change,
            "conf_low": change - 0.06,
            "conf_high": change + 0.06,
            "told": [standing, standing, False, False],
            "change_users": change * 1.2,
            "change_users_low": change * 1.2 - 0.07,
            "change_users_high": change * 1.2 + 0.07,
            "p_bend": [0.001, 0.4, 1.0, 1.0],
            "n": 1720,
            "flag": ["ok", "ok", "ok", "low_base"],
        }
    )
    fields = {"outcome": "overall_sat", "level": 0.95, "unit": "scale", "n": 1720}
    own = {"driver": names[0], "at_most": 3.0, "moved": 0.31, "users": 0.25, "n_moved": 533}
    level = {"estimate": 0.21, "conf_low": 0.15, "conf_high": 0.27, "hypothesis": "h"}
    claim = Claim("drivers.lift", {**fields, **own, **level}, "C", ("others_held_fixed",))
    none = Claim("drivers.no_lift", {**fields, "drivers": 4}, "C", ("others_held_fixed",))
    return Result(
        table=table,
        keys=("driver", "at_most", "reason"),
        estimate_column="change",
        n_used=1720,
        settings={"outcome": "overall_sat", "level": 0.95, "unit_coefficient": "scale"},
        claims=(claim if standing else none,),
    )


def mirror(*, few: bool = False, ties: bool = False) -> Result:
    names = ["attr_first_contact", "attr_billing", "ease", "attr_app", "attr_kind", "attr_store_ambience"]
    table = pd.DataFrame(
        {
            "driver": names,
            "share": [0.39, 0.23, 0.17, 0.10, 0.06, 0.05],
            "rank": range(1, 7),
            "rank_low": [1, 2, 2, 4, 4, 5],
            "rank_high": [1, 3, 3, 5, 6, 6],
            "managers_rank": [3, 6, 4, 2, 1, 5],
            "managers_mean": [3.5] * 6 if ties else [3.2, 5.6, 3.9, 2.4, 1.3, 4.6],
            "managers_sd": 0.9,
            "managers": 7 if few else 11,
            "verdict": ["below", "below", "below", "above", "above", "inside"],
            "n": 1720,
            "flag": "suppressed" if few else "ok",
        }
    )
    facts = {"managers": 11, "drivers": 6, "level": 0.95, "n": 1720}
    own = {"driver": names[1], "verdict": "below", "place": 6, "rank_low": 2, "rank_high": 3}
    gap = Claim("drivers.mirror_gap", {**facts, **own}, "D")
    return masked(
        Result(
            table=table,
            keys=("driver",),
            estimate_column="share",
            n_used=1720,
            settings={"outcome": "pxi", "level": 0.95},
            claims=(Claim("drivers.mirror_few", {"minimum": 8, "n": 1720}, "D") if few else gap,),
        )
    )


def areas(*, card: bool = False, first: bool = True) -> Result:
    pain = np.array([0.31, 0.22, 0.12, 0.06, 0.03])
    table = pd.DataFrame(
        {
            "area_id": ["billing_finance"] * 5 if card else [*"abcd", "nobody"],
            "kind": ["back", "front", "supplier", "back", None],
            "touchpoints": [4, 3, 2, 6, 1],
            "contribution": pain - 0.01,
            "contribution_low": pain - 0.03,
            "contribution_high": pain + 0.05,
            "pain": pain,
            "conf_low": pain - 0.03,
            "conf_high": pain + 0.06,
            "rank": [1.0, 2.0, 3.0, 4.0, np.nan],
            "rank_low": [1.0, 1.0 + first, 2.0, 3.0, np.nan],
            "rank_high": [2.0 - first, 4.0, 4.0, 4.0, np.nan],
            "n": [900, 900, 400, 24, 900],
            "flag": ["ok", "ok", "ok", "low_base", "ok"],
        }
    )
    fields = {"outcome": "pxi", "level": 0.95, "unit": "share", "n": 900, "area": table["area_id"][0]}
    level = {"estimate": 0.31, "conf_low": 0.28, "conf_high": 0.37, "areas": 4}
    caveats = ("responsibility_judged", "association_not_cause")
    claim = Claim("drivers.area_first", {**fields, **level}, "D", caveats)
    open_ = Claim("drivers.areas_open", {**fields, **level, "second": "b", "candidates": 2}, "D", caveats)
    own = {**fields, **level, "contribution": 0.3, "rank_low": 1, "rank_high": 2}
    if card:
        names = ["bill", "solution", "procedures", "app", "call"]
        table = table.drop(columns=["kind", "touchpoints", "rank", "rank_low", "rank_high"])
        table = table.assign(touchpoint_id=names, responsibility=0.3, score=61.0, rated=0.9, share=0.2)
        claim = Claim("drivers.area", own, "D", caveats)
    return Result(
        table=table,
        keys=("area_id", "touchpoint_id"),
        estimate_column="pain",
        n_used=1720,
        settings={"outcome": "pxi", "level": 0.95},
        claims=(claim if first else open_,),
    )


def retention(groups: int = 3) -> Result:
    names = [
        "Mensual",
        "Un año",
        "Dos años con permanencia obligatoria",
        "Prepago",
        "Corporativo",
        "Pyme",
        "Otro",
    ][:groups] or [""]
    frames = []
    for k, name in enumerate(names):
        time = np.arange(1, 61 if k < 2 else 49)
        survival = np.exp(-time * (0.022, 0.008, 0.003, 0.012, 0.006, 0.004, 0.01)[k])
        at_risk = np.maximum((1500 - 24 * time) * (1.0, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)[k], 4).astype(float)
        frame = pd.DataFrame(
            {"contract": name, "time": time, "at_risk": at_risk, "events": 5.0, "estimate": survival}
        )
        frame = frame.assign(
            conf_low=survival - 0.0006 * time,
            conf_high=survival + 0.0006 * time,
            n=at_risk[0],
            flag=flags(at_risk),
        )
        frame.loc[
            frame["flag"] == "suppressed", ["estimate", "conf_low", "conf_high", "at_risk", "events"]
        ] = np.nan
        frames.append(frame)
    table = pd.concat(frames, ignore_index=True)
    by = ("contract",) if groups else ()
    if not groups:
        table = table.drop(columns="contract")
    level = Claim(
        "retention.level",
        {
            "time": 24,
            "time_unit": "months",
            "estimate": 0.7887,
            "conf_low": 0.779,
            "conf_high": 0.798,
            "level": 0.95,
            "unit": "share",
            "n": 7032,
        },
        "D",
        headline=True,
    )
    apart = Claim(
        "retention.difference",
        {
            "column": "contract",
            "lowest": "Mensual",
            "lowest_estimate": 0.61,
            "highest": "Dos años con permanencia obligatoria",
            "highest_estimate": 0.98,
            "time": 24,
            "time_unit": "months",
            "statistic": 2352.87,
            "df": 2,
            "level": 0.95,
            "n": 1473,
            "hypothesis": "contract",
        },
        "D",
        headline=True,
    )
    return Result(
        table=table,
        keys=(*by, "time"),
        n_used=7032,
        settings={"level": 0.95, "by": list(by)},
        claims=(level, apart) if groups else (level,),
    )


def hazards() -> Result:
    rows = [
        ("effectiveness", 0.80, 0.77, 0.83),
        ("attr_price", 1.35, 1.24, 1.47),
        ("contract: Two year", 0.05, 0.03, 0.09),
        ("contract: One year", 0.31, 0.25, 0.38),
        ("attr_kind", 0.99, 0.93, 1.05),
        ("payment: Electronic check with automatic renewal", 2.4, 2.1, 2.8),
    ]
    table = pd.DataFrame(rows, columns=["covariate", "hazard_ratio", "conf_low", "conf_high"])
    table = table.assign(
        estimate=np.log(table["hazard_ratio"]), std_error=0.02, p_value=0.0, n=7032, events=1869, flag="ok"
    )
    base = {"level": 0.95, "unit": "ratio", "n": 7032}
    claims = tuple(
        Claim(
            "hazards.effect",
            {
                **base,
                "covariate": c,
                "estimate": h,
                "conf_low": a,
                "conf_high": b,
                "per": "SD" if c == "effectiveness" else 1,
                "hypothesis": c,
            },
            "B",
            headline=True,
        )
        for c, h, a, b in rows
        if c != "attr_kind"
    )
    return Result(table=table, keys=("covariate",), n_used=7032, settings={"level": 0.95}, claims=claims)


def effect_over_time(*, changes: bool = True) -> Result:
    found = hazards()
    if not changes:
        return found
    ends = [0, 3, 6, 12, 24, 36]
    ratios = [0.05, 0.12, 0.4, 0.9, float("nan")]
    rows = [
        {"covariate": c, "start": a, "end": b, "hazard_ratio": r * k, "conf_low": r * k / 1.6,
         "conf_high": r * k * 1.6, "n": 900, "events": 60, "flag": "ok"}
        for c, k in (("contract: One year", 1.0), ("attr_price", 2.0))
        for a, b, r in zip(ends[:-1], ends[1:], ratios, strict=True)
    ]  # fmt: skip
    remedy = pd.DataFrame({"covariate": ["attr_price", "contract"], "p_value": [0.01, 0.0001]})
    fields = {"covariate": "contract", "p_value": 0.0001, "n": 7032, "level": 0.95}
    changing = Claim("hazards.not_proportional", fields, "D")
    tables = {"over_time": pd.DataFrame(rows), "remedy": remedy}
    return replace(found, tables=tables, claims=(*found.claims, changing))


PEERS = ["Claro", "Entel", "Movistar", "Mundo", "tds", "VTR", "WOM"]


def comparison(*, by: bool = False) -> Result:
    rng = np.random.default_rng(4)
    cells = (
        [
            (i, c)
            for i in ("Reclamo", "Instalación", "Facturación y cobranza")
            for c in ("Call center", "Tienda", "App")
        ]
        if by
        else [None]
    )
    rows = []
    for cell in cells:
        for peer in PEERS:
            gap, half = rng.normal(-2 if not by else -4, 9), rng.uniform(6, 14)
            n = int(rng.integers(5, 90))
            verdict = "above" if gap - half > 0 else "below" if gap + half < 0 else "not distinguishable"
            row = {
                "peer": peer,
                "difference": gap,
                "std_error": half / 2,
                "conf_low": gap - half,
                "conf_high": gap + half,
                "p_value": 0.04,
                "p_adjusted": 0.1,
                "verdict": verdict,
                "n": n,
                "n_eff": n,
            }
            rows.append({"interaction_type": cell[0], "channel": cell[1], **row} if cell else row)
    table = pd.DataFrame(rows).assign(flag=lambda t: flags(t["n"]))
    table.loc[table["flag"] == "suppressed", ["difference", "conf_low", "conf_high", "n", "verdict"]] = np.nan
    fields = {
        "focal": "fc",
        "peer": "VTR",
        "metric": "nps",
        "estimate": -16.2,
        "conf_low": -24.0,
        "conf_high": -8.4,
        "level": 0.95,
        "unit": "points",
        "n": 180,
        "hypothesis": "x",
    }
    keys = ("interaction_type", "channel", "peer") if by else ("peer",)
    claim = (
        Claim(
            "benchmark.cell",
            {**fields, "cell": {"interaction_type": "Reclamo", "channel": "Call center"}},
            "D",
            headline=True,
        )
        if by
        else Claim("benchmark.behind", fields, "D", ("benchmark_mode",), headline=True)
    )
    return Result(
        table=table,
        keys=keys,
        estimate_column="difference",
        n_used=2400,
        claims=(claim,),
        settings={
            "metric": "nps",
            "unit": "peer_id",
            "focal": "fc",
            "by": list(keys[:-1]),
            "adjust": "holm",
            "level": 0.95,
        },
    )


def gaps() -> Result:
    """The map of the six interactions by the four channels, with all that a cell may be."""
    cells = [
        ("complaint", "call_center", -19.0, -30.4, -6.8, "below", 160),
        ("complaint", "app", 7.1, -52.7, 64.3, "not distinguishable", 14),
        ("sales", "web", 21.0, 9.0, 33.0, "above", 240),
        ("sales", "store", -4.0, -16.0, 8.0, "not distinguishable", 120),
        ("use", "app", -12.0, -24.0, 1.0, "not distinguishable", 130),
        ("billing", "web", np.nan, np.nan, np.nan, "not distinguishable", 7),
        ("collections", "call_center", -100.0, -143.0, -57.0, "not distinguishable", 29),
        ("cancellation", "store", 0.0, -20.0, 20.0, "not distinguishable", 40),
    ]
    names = ["interaction_type", "channel", "difference", "conf_low", "conf_high", "verdict", "n"]
    table = pd.DataFrame(cells, columns=names).assign(
        best="VTR", to_median=2.0, peers=7, family="drill-down", n_focal=lambda t: t["n"],
        n_eff=lambda t: t["n"].astype(float), flag=lambda t: flags(t["n"]),
    )  # fmt: skip
    fields = {
        "focal": "fc", "peer": "VTR", "metric": "nps", "column": "interaction_type x channel",
        "cell": "complaint x call_center", "estimate": -19.0, "conf_low": -30.4, "conf_high": -6.8,
        "level": 0.95, "unit": "points", "to_median": -5.8, "n": 160, "hypothesis": "x",
    }  # fmt: skip
    return Result(
        table=table, keys=("interaction_type", "channel"), estimate_column="difference", n_used=1200,
        claims=(Claim("benchmark.behind_best", fields, "D", ("best_of_several",), headline=True),),
        settings={
            "metric": "nps", "unit": "peer_id", "focal": "fc", "by": ["interaction_type", "channel"],
            "adjust": "simultaneous", "level": 0.95,
        },
    )  # fmt: skip


def league() -> Result:
    units = ["Mundo", "WOM", "fc", "Entel", "tds", "Movistar", "VTR", "Claro"]
    estimate = np.array([38.0, 33.5, 31.0, 28.2, 24.0, 20.1, 16.0, -4.0])
    table = pd.DataFrame(
        {
            "unit": units,
            "estimate": estimate,
            "std_error": 4.2,
            "conf_low": estimate - 8.3,
            "conf_high": estimate + 8.2,
            "rank": range(1, 9),
            "rank_low": [1, 1, 1, 1, 2, 3, 3, 8],
            "rank_high": [3, 5, 6, 6, 7, 7, 7, 8],
            "n": 350,
            "n_eff": 350.0,
            "flag": "ok",
        }
    )
    claim = Claim(
        "benchmark.rank",
        {
            "focal": "fc",
            "estimate": 3,
            "rank_low": 1,
            "rank_high": 6,
            "units": 8,
            "metric": "nps",
            "unit": "rank",
            "level": 0.95,
            "n": 350,
        },
        "D",
        headline=True,
    )
    return Result(
        table=table,
        keys=("unit",),
        n_used=2800,
        claims=(claim,),
        settings={"metric": "nps", "unit": "peer_id", "level": 0.95},
    )


def shown(result: Result, draw: Any, words: Words, number: int = 1) -> NotebookNode:
    """One display of a result as paper.show makes it."""
    from cxlab.reporting import figures

    data: dict[str, Any] = {}
    figure, svg = None, ""
    if draw is not None:
        axes = draw(result, words=words)
        svg = figures.svg(axes)
        figure = {"title": figures.title(axes), "alt": figures.alt(result, words)}
        data["image/svg+xml"] = svg
    data[RESULT] = bundle(result, words, id=f"result-{number}", figure=figure)
    data["text/html"] = html.result_html(data[RESULT], words, svg=svg)
    return new_output("display_data", data=data)


def notebook(outputs: Sequence[NotebookNode], *, title: str = "¿Cuánto nos recomiendan?") -> NotebookNode:
    """An executed paper in both languages with the given outputs under its answer."""
    es, en = {"tags": ["lang-es"]}, {"tags": ["lang-en"]}
    cells = [
        new_markdown_cell(f"# {title}\n\nQué tan dispuestos están los clientes a recomendar.", metadata=es),
        new_markdown_cell("# How much are we recommended?", metadata=en),
        new_code_cell("import cxlab\nfrom cxlab.analysis import metrics", outputs=[]),
        new_code_cell('client: str = "fibra"  # client', metadata={"tags": ["parameters"]}, outputs=[]),
        new_markdown_cell("## Respuesta\n\nCon intervalo y base.", metadata=es),
        new_markdown_cell("## Answer", metadata=en),
        new_code_cell("paper.show(scores, draw=figures.draw_scores)", outputs=list(outputs)),
        new_markdown_cell(
            "## Lo que esto no muestra\n\nUna asociación *no* es una causa; cuesta $10 o $20.", metadata=es
        ),
        new_markdown_cell("## What this does not show", metadata=en),
    ]
    return new_notebook(cells=cells)


def sweep(choices: int = 4, *, standing: bool = True, gone: bool = True) -> Result:
    """A drivers' sweep over what a consultant would try; some points failed or have too few customers."""
    options = {
        "outcome": ["nps", "overall_sat", "pxi"],
        "not_applicable": ["indicator", "listwise"],
        "weighting": ["given", "none", "raked"],
        "where": ["", "plan == 'fibra'", "region != 'Aysén del General Carlos Ibáñez del Campo'"],
        "method": ["johnson", "lmg", "pmvd"],
    }
    options = dict(list(options.items())[:choices])
    grid = pd.DataFrame(list(product(*options.values())), columns=[f"choice_{name}" for name in options])
    rng = np.random.default_rng(7)
    codes = [pd.factorize(grid[c])[0] for c in grid]
    weights = [0.055, 0.035, 0.012, 0.006, 0.02][: len(codes)]
    y = (0.24 if standing else 0.06) + sum(w * c for w, c in zip(weights, codes, strict=True))
    y = y + rng.normal(scale=0.006, size=len(grid))
    error = rng.uniform(0.035, 0.05, len(grid))
    frame = grid.assign(
        point=[f"point-{k:03d}" for k in range(len(grid))], status="done", estimate=y, std_error=error,
        conf_low=y - 1.96 * error, conf_high=y + 1.96 * error, n=rng.integers(1700, 2052, len(grid)),
        n_eff=1500.0, flag="ok", unit="share", message="",
    )  # fmt: skip
    if gone:
        lost = {3: "failed", 7: "suppressed", 11: "failed", 19: "failed"}
        for k, status in lost.items():
            if k < len(frame):
                frame.loc[k, "status"] = status
                frame.loc[k, "message"] = "did not converge" if status == "failed" else ""
        empty = frame["status"] != "done"
        numbers = ["estimate", "std_error", "conf_low", "conf_high", "n", "n_eff"]
        frame[numbers] = frame[numbers].astype(float).mask(empty)
    return masked(
        specification_curve(
            frame, smallest_effect=0.05, reference="point-002", quantity="Peso de la facilidad"
        )
    )
