"""Results of the economics, made by hand: what the tests of their figures render."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlab.analysis.estimates import Claim, Result


def improvement(*, standing: bool = True, pays: bool = True, measured: bool = False) -> Result:
    """What ten points more would be worth; that it cannot be told from noise; that it does not pay."""
    cost = 1200.0 if pays else 9000.0
    gain = np.array([1.26, 0.98, 1.56]) if standing else np.array([0.34, -0.28, 1.07])
    total = gain * 1590
    month = np.arange(25)
    paid = np.array([g * (month / 24) ** 1.7 - cost for g in total])
    shares = np.linspace(0, 1, 11)
    nets = np.array([g * shares - cost for g in total])
    inf = np.inf
    rows = [
        ("hazard_ratio", 0.956, 0.947, 0.965, "ratio"),
        ("delta_survival_months", 0.14, 0.11, 0.17, "months"),
        ("cltv_now", 173.7, 171.4, 176.8, "money"),
        ("cltv_changed", 174.96, 172.4, 177.8, "money"),
        ("delta_cltv", *gain, "money"),
        ("npv", *(total - cost), "money"),
        ("roi", *((total - cost) / cost), "share"),
        ("probability_roi_positive", float(pays and standing), np.nan, np.nan, "share"),
        ("break_even_cost", *gain, "money"),
        ("payback_month", *((17.0, 14.0, 21.0) if pays and standing else (inf, inf, inf)), "months"),
        ("break_even_causal_share", *((0.6, 0.48, 0.77) if pays and standing else (inf, inf, inf)), "share"),
        ("extrapolated_share", 0.0, 0.0, 0.0, "share"),
    ]
    table = pd.DataFrame(rows, columns=["quantity", "estimate", "conf_low", "conf_high", "measure"])
    edges = np.linspace((total[1] - cost) / cost - 0.2, (total[2] - cost) / cost + 0.2, 25)
    bell = np.exp(-(np.linspace(-2.4, 2.4, 24) ** 2))
    net = total[0] - cost
    terms = [
        ("horizon", 12.0, 30.0, net - 1400, net + 800),
        ("causal_share", 0.5, 1.0, net - 990, net),
        ("hazard_ratio", 0.947, 0.965, net + 400, net - 400),
        ("uptake", 0.24, 0.36, net - 399, net + 400),
        ("margin", 8.17, 12.25, net - 399, net + 400),
        ("cost", 0.8 * cost, 1.2 * cost, net + 240, net - 240),
        ("discount", 0.0, 0.2, net + 250, net - 200),
    ]
    tornado = pd.DataFrame(terms, columns=["parameter", "low", "high", "npv_low", "npv_high"])
    p = 1e-9 if standing else 0.4
    fields = {
        "changed_column": "pxi", "shift": 10.0, "others": 0, "n": 5300, "level": 0.95, "currency": "kCLP",
        "horizon": 24, "estimate": gain[0], "conf_low": gain[1], "conf_high": gain[2], "unit": "money",
        "discount": 0.1, "uptake": 0.3, "cost": cost, "roi": net / cost, "npv": net, "probability": 0.99,
        "share": 0.6 if pays else inf, "measured": measured, "payback": 17.0, "hypothesis": "improvement",
        "variant": "measured" if measured else "pays" if pays else "never", "p_adjusted": p,
    }  # fmt: skip
    none = {**fields, "events": 571, "ratio": 0.99, "low": gain[1], "high": gain[2]}
    code, said = ("economics.improvement", fields) if standing else ("economics.improvement_none", none)
    return Result(
        table=table.assign(n=5300, flag="ok"),
        keys=("quantity", "month", "causal_share", "parameter"),
        tables={
            "payback": pd.DataFrame(
                {"month": month, "estimate": paid[0], "conf_low": paid[1], "conf_high": paid[2]}
            ),
            "causal_share": pd.DataFrame(
                {"causal_share": shares, "estimate": nets[0], "conf_low": nets[1], "conf_high": nets[2]}
            ),
            "returns": pd.DataFrame({"from": edges[:-1], "to": edges[1:], "share": bell / bell.sum()}),
            "tornado": tornado.assign(swing=1.0),
            "tests": pd.DataFrame({"hypothesis": ["improvement"], "p_value": [p], "p_adjusted": [p]}),
        },
        n_used=5300,
        settings={
            "level": 0.95, "horizon": 24, "cost": cost, "treated": 5300.0, "uptake": 0.3, "resamples": 400,
            "causal_share": 1.0, "experiment": [0.1, 0.02] if measured else None, "currency": "kCLP",
        },
        claims=(Claim(code, said, "A" if measured else "B", headline=True),),
    )  # fmt: skip


BEHAVIOURS = ("permanence", "upsell", "cross_sell", "recommendation")


def behaviours(*, standing: bool = True) -> Result:
    """Four behaviours, one of them no different from chance; or all of them."""
    ratios = np.array([1.046, 1.039, 0.997, 1.074])
    table = pd.DataFrame({
        "behaviour": BEHAVIOURS, "estimate": ratios, "conf_low": ratios - 0.02, "conf_high": ratios + 0.02,
        "events": [1716, 622, 568, 633], "n": 5300, "flag": "ok",
    })  # fmt: skip
    p = [1e-9, 1e-4, 0.9, 1e-6] if standing else [0.5] * 4
    tests = pd.DataFrame(
        {"hypothesis": [f"behaviour {b}" for b in BEHAVIOURS], "p_value": p, "p_adjusted": p}
    )
    levels = np.array([-50.0, 0.0, 33.3, 66.7, 100.0])
    doses = pd.DataFrame([
        {"behaviour": b, "dose": f"{x:g}", "experience": x, "estimate": 1 + k + x / 200,
         "conf_low": 0.8 + k + x / 200, "conf_high": 1.3 + k + x / 200, "n": 900, "flag": "ok"}
        for k, b in enumerate(BEHAVIOURS) for x in levels
    ])  # fmt: skip
    lags = pd.DataFrame([
        {"behaviour": b, "month": m, "estimate": 1.05, "conf_low": 1.02, "conf_high": 4.0 if m > 14 else 1.08,
         "n": 900, "flag": "ok"}
        for b in BEHAVIOURS for m in (1.5, 4.5, 9.0, 15.0)
    ])  # fmt: skip
    lags.loc[lags.index[-1], ["estimate", "conf_low", "conf_high"]] = np.nan
    money = np.array([0.76, 0.07, -0.003, 0.15, 0.977])
    bridge = pd.DataFrame({
        "behaviour": [*BEHAVIOURS, "total"], "estimate": money, "conf_low": money - 0.05,
        "conf_high": money + 0.05,
    })  # fmt: skip
    shares = np.array([0.224, 0.075, 0.017])
    referrers = pd.DataFrame({
        "class": ["promoter", "passive", "detractor"], "estimate": shares, "conf_low": shares - 0.01,
        "conf_high": shares + 0.01, "n": [3031, 1017, 24], "flag": ["ok", "ok", "low_base"],
    })  # fmt: skip
    fields = {"changed_column": "pxi", "shift": 10.0, "level": 0.95, "unit": "ratio", "n": 5300}
    first = {**fields, "behaviour": "permanence", "estimate": 1.046, "conf_low": 1.026, "conf_high": 1.066}
    deed = {"estimate": 0.224, "conf_low": 0.21, "conf_high": 0.24, "level": 0.95, "unit": "share", "n": 3031}
    said = Claim("economics.behaviour", {**first, "hypothesis": "behaviour permanence"}, "B")
    none = Claim("economics.behaviours_none", fields, "B")
    return Result(
        table=table,
        keys=("behaviour", "dose", "class"),
        tables={
            "tests": tests, "doses": doses, "lags": lags, "bridge": bridge, "referrers": referrers,
        },
        n_used=5300,
        settings={"level": 0.95, "experience": "pxi", "step": 10.0, "currency": "kCLP"},
        claims=(said if standing else none, Claim("economics.referrals", {**deed, "passives": 0.075}, "D")),
    )  # fmt: skip


def lifetime_values(*, standing: bool = True) -> Result:
    """What customers are worth by third of experience; or what they are worth alike, few of one third."""
    worth = np.array([156.6, 175.6, 171.5]) if standing else np.array([160.0, 161.0, 159.0])
    table = pd.DataFrame({
        "third": ["low", "middle", "high"], "estimate": worth, "conf_low": worth - 4, "conf_high": worth + 4,
        "months": [16.1, 18.8, 19.0], "n": [2321, 1153, 1826 if standing else 24],
        "flag": ["ok", "ok", "ok" if standing else "low_base"],
    })  # fmt: skip
    common = {"column": "third", "level": 0.95, "horizon": 24, "discount": 0.1, "currency": "kCLP", "n": 1153}
    apart = {**common, "lowest": "low", "highest": "middle", "now": 156.6, "changed": 175.6, "unit": "money"}
    level = {"estimate": 19.0, "conf_low": 12.5, "conf_high": 25.4, "hypothesis": "cltv by third"}
    said = Claim("economics.cltv_difference", {**apart, **level}, "D")
    return Result(
        table=table,
        keys=("third",),
        n_used=5300,
        settings={"level": 0.95, "by": ["third"], "horizon": 24, "currency": "kCLP"},
        claims=(said if standing else Claim("economics.cltv_alike", common, "D"),),
    )
