"""What mystery shoppers find in the stores, and which store served whom (T10).

Stores differ in how often they solve at the first visit, and customers perceive it; whether the uniform is
worn goes with nothing. On average nearly everything is met, which says little: what matters is met least.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.demo.conduct_truth import found
from cxlab.demo.lifetimes import pxi_of
from cxlab.demo.people import REGIONS

Array = np.ndarray[Any, Any]

STORES = {"RM": 16, "Norte": 6, "Centro": 7, "Sur": 8, "Austral": 3}
VISITS = 6
EVALUATORS = 12
SECOND = 48  # visits that a second evaluator saw as well
SMALL = 2  # stores with fewer than 8 employees
SERVED = 0.75  # of those who answer say which store served them
# Part of the spread of the stores' experience that goes with solving at the first visit; and that spread, in
# standard deviations of a customer's PXI.
LINK, SPREAD = 0.70, 0.24
SOLVES_SPREAD = 0.25
SEES = 0.985  # an evaluator sees rightly what happened
NOT_APPLICABLE = {"bill": 0.35, "identity": 0.20}
# touchpoint, question it is about, share met, weight, kind, target.
STANDARDS: dict[str, tuple[str, str, float, float, str, float | None]] = {
    "greets": ("store_visit", "attr_kindness", 0.95, 0.15, "binary", None),
    "uniform": ("store_visit", "attr_ambience", 0.97, 0.10, "binary", None),
    "tidy": ("store_visit", "attr_ambience", 0.96, 0.15, "binary", None),
    "signage": ("store_visit", "attr_ambience", 0.97, 0.10, "binary", None),
    "wait": ("store_visit", "attr_ease", 0.91, 0.15, "time", 600.0),
    "first_fix": ("solution", "attr_resolution", 0.62, 0.15, "binary", None),
    "bill": ("bill", "attr_billing", 0.90, 0.10, "binary", None),
    "farewell": ("store_visit", "attr_kindness", 0.93, 0.05, "binary", None),
    "identity": ("store_visit", "", 0.98, 0.05, "binary", None),
}
CRITICAL = ("identity",)
PEERS = {"Andes Conecta": 0.02, "Pacífico Hogar": -0.01, "Banco Alerce": 0.06}  # the last of another sector
PEER_VISITS, PEER_STORES = 72, 12
CELLS = (("sales", "store"), ("complaint", "store"), ("billing", "store"))
WINDOW = ("2024-10-01", 60)


KEY = 7  # of its stream among those of the client
TURN = 14  # which draw of its stream Fibra publishes: one close to the mean of many; Nada the first


@dataclass(frozen=True)
class Field:
    """The canonical tables of the field work: units, standards, mystery_visits, mystery_checks."""

    units: pd.DataFrame
    standards: pd.DataFrame
    visits: pd.DataFrame
    checks: pd.DataFrame

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return them by name."""
        return {
            "units": self.units, "standards": self.standards, "mystery_visits": self.visits,
            "mystery_checks": self.checks,
        }  # fmt: skip


def truth() -> dict[str, Any]:
    """Return what was planted, and what estimators give over 40 draws."""
    return {
        "says": "Nearly all is met; solving at the first visit is met least and is what customers perceive.",
        "where": {
            "table": "survey_responses",
            "field": ["mystery_checks", "mystery_visits", "standards", "units"],
            "metric": "pxi",
            "unit": "unit_id",
            "notebook": "emitted",
        },
        "planted": {
            "stores": sum(STORES.values()),
            "visits_a_store": VISITS,
            "link_of_first_fix": LINK,
            "link_of_the_others": 0.0,
            "spread_of_the_stores": SPREAD,
            "seen_rightly": SEES,
        },
        "found": {
            "correlation": {"first_fix": found(0.452, 0.142), "uniform": found(-0.002, 0.163)},
            "corrected": {"first_fix": found(0.663, 0.207)},
            "compliance": {"first_fix": found(0.612, 0.041), "uniform": found(0.944, 0.017)},
            "alpha": found(0.714, 0.063),
            "ac1": found(0.924, 0.020),
            "stated_in": 0.575,
        },
        "trap": {"score": found(86.9, 0.9)},
    }


def with_field(
    tables: Mapping[str, pd.DataFrame], stream: np.random.SeedSequence, *, differs: bool
) -> dict[str, pd.DataFrame]:
    """Add stores, standards and visits to the tables, and to each response the store that served."""
    survey = tables["survey_responses"]
    rng = np.random.default_rng(stream.spawn(TURN)[-1 if differs else 0])
    field, served = draw_field(rng, survey, pxi_of(survey), differs=differs)
    return {**tables, "survey_responses": survey.assign(unit_id=served), **field.tables()}


def draw_field(
    rng: np.random.Generator, responses: pd.DataFrame, pxi: Array, *, differs: bool
) -> tuple[Field, Array]:
    """Draw stores and visits, and say which store served each of those who answered.

    Parameters
    ----------
    rng : Generator
        A stream of its own.
    responses : DataFrame
        Who answered, with ``region``.
    pxi : ndarray, shape (responses,)
        What each adds to the PXI: better stores serve more of those who are well served, so
        that no answer has to be changed.
    differs : bool
        Whether stores, evaluators and peers differ at all.

    Returns
    -------
    Field, ndarray of object
        The tables, and the store of each response (empty where none served).
    """
    stores = np.repeat(np.array(list(STORES), dtype=object), list(STORES.values()))
    ids = np.array([f"T{number:02d}" for number in range(1, len(stores) + 1)], dtype=object)
    solves, other = rng.standard_normal((2, len(ids))) * differs
    felt = LINK * solves + np.sqrt(1 - LINK**2) * other
    staff = rng.integers(9, 25, len(ids))
    staff[rng.choice(len(ids), SMALL, replace=False)] = 6
    units = pd.DataFrame({"unit_id": ids, "kind": "store", "region": stores, "employees_n": staff})
    served = _served(rng, responses["region"].to_numpy(), pxi, units, SPREAD * felt)
    visits, checks = _visited(rng, ids, solves, differs=differs)
    return Field(units, standards(), visits, checks), served


def standards() -> pd.DataFrame:
    """Return the canonical table of standards."""
    rows = [
        (name, touchpoint, item or None, weight, int(name in CRITICAL), kind, target)
        for name, (touchpoint, item, _, weight, kind, target) in STANDARDS.items()
    ]
    columns = ["standard_id", "touchpoint_id", "item_id", "weight", "critical", "kind", "target"]
    return pd.DataFrame(rows, columns=columns)


def _served(rng: np.random.Generator, region: Array, pxi: Array, units: pd.DataFrame, shift: Array) -> Array:
    """Give each response a store of its region, better stores more of those who are well served."""
    out = np.full(len(region), None, dtype=object)
    went = rng.random(len(region)) < SERVED
    draws = rng.random(len(region))
    for name in REGIONS:
        own, near = np.flatnonzero((region == name) & went), np.flatnonzero(units["region"] == name)
        value = pxi[own]
        z = (value - value.mean()) / value.std()
        odds = np.exp(z[:, None] * shift[near] - shift[near] ** 2 / 2)
        edges = np.cumsum(odds / odds.sum(axis=1, keepdims=True), axis=1)
        chosen = (draws[own, None] > edges[:, :-1]).sum(axis=1)
        out[own] = units["unit_id"].to_numpy()[near[chosen]]
    return out


def _visited(
    rng: np.random.Generator, ids: Array, solves: Array, *, differs: bool
) -> tuple[pd.DataFrame, pd.DataFrame]:
    own = np.repeat(ids, VISITS)
    theirs = np.repeat(np.array(list(PEERS), dtype=object), PEER_VISITS)
    n, total = len(own), len(own) + len(theirs)
    second = np.sort(rng.choice(n, SECOND, replace=False))
    where = rng.integers(0, len(CELLS), total)
    days = rng.integers(0, WINDOW[1], total)
    first = rng.integers(0, EVALUATORS, total)
    again = (first[second] + rng.integers(1, EVALUATORS, SECOND)) % EVALUATORS
    rows = np.concatenate([np.arange(total), second])
    names = np.array([f"V{number:04d}" for number in range(1, len(rows) + 1)], dtype=object)
    abroad = [f"{peer[:3].upper()}{k % PEER_STORES + 1:02d}" for k, peer in enumerate(theirs)]
    places = np.concatenate([own, np.array(abroad, dtype=object)])
    visits = pd.DataFrame(
        {
            "visit_id": names,
            "unit_id": places[rows],
            "ts": pd.Timestamp(WINDOW[0]) + pd.to_timedelta(days[rows], unit="D"),
            "method": "mystery",
            "evaluator_id": [f"E{k + 1:02d}" for k in np.concatenate([first, again])],
            "interaction_type": [CELLS[k][0] for k in where[rows]],
            "channel": [CELLS[k][1] for k in where[rows]],
            "peer_id": np.concatenate([np.full(n, None), theirs, np.full(SECOND, None)]),
            "paired_with": np.concatenate([np.full(total, None), names[second]]),
        }
    )
    ahead = np.concatenate([np.zeros(n), np.repeat(list(PEERS.values()), PEER_VISITS)]) * differs
    quality = np.concatenate([np.repeat(solves, VISITS), np.zeros(len(theirs))])
    strict = 0.02 * rng.standard_normal(EVALUATORS) * differs
    happened = {name: _happened(rng, name, quality, ahead) for name in STANDARDS}
    return visits, _checks(rng, names, rows, happened, strict[np.concatenate([first, again])])


def _happened(rng: np.random.Generator, name: str, quality: Array, ahead: Array) -> Array:
    """Return 1 met, 0 not, NaN where it did not apply; the same for whoever saw the visit."""
    share = STANDARDS[name][2] + ahead + (SOLVES_SPREAD * quality if name == "first_fix" else 0.0)
    met = (rng.random(len(quality)) < np.clip(share, 0.03, 0.995)).astype(float)
    met[rng.random(len(quality)) < NOT_APPLICABLE.get(name, 0.0)] = np.nan
    return met


def _checks(
    rng: np.random.Generator, names: Array, rows: Array, happened: dict[str, Array], strict: Array
) -> pd.DataFrame:
    """Write down what evaluators saw, standard by standard: now and then they see wrongly."""
    parts = []
    for name, met in happened.items():
        seen = np.where(rng.random(len(rows)) < SEES - np.abs(strict), met[rows], 1 - met[rows])
        result = seen.copy()
        if STANDARDS[name][4] == "time":
            goal = float(STANDARDS[name][5] or 0)
            late = np.rint(goal * (1.05 + rng.exponential(0.5, len(rows))))
            result = np.where(seen == 1, np.rint(goal * rng.uniform(0.05, 1.0, len(rows))), late)
        parts.append(
            pd.DataFrame(
                {
                    "visit_id": names,
                    "standard_id": name,
                    "result": result,
                    "na_reason": np.array([None, "not_applicable"], dtype=object)[np.isnan(seen).astype(int)],
                }
            )
        )
    return pd.concat(parts, ignore_index=True).sort_values("visit_id", kind="stable", ignore_index=True)
