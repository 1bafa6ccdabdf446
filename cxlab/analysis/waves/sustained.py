"""Is it good every time and everywhere: within a customer, between branches and teams, between people.

People who attend are never listed, named or ranked: only how much they differ is told, and of ten or more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.columns import as_floats, check_categories, check_rows, is_yes_or_no, named, shown
from cxlab.analysis.disclosure import protected
from cxlab.analysis.dropped import check_entered, entering, missing
from cxlab.analysis.estimates import (
    MINIMUM_CUSTOMERS,
    Claim,
    Result,
    adjusted,
    check_columns,
    check_level,
    flags,
    stated,
    t_quantile,
)
from cxlab.analysis.intervals import wilson
from cxlab.analysis.waves.components import Components, components, shrunken
from cxlab.analysis.waves.repeated import Always, Runs, always, limits_of, runs
from cxlab.analysis.waves.statements import sustained_claims
from cxlab.errors import AnalysisError, Message

Array = np.ndarray[Any, Any]

LEAST_AGENTS = 10
LEAST_OF_A_UNIT = 3  # people behind the rate of a unit that is shown
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
SIGMAS = 3.0
_ELSEWHERE = Message("of a customer who is not in this report")


@dataclass(frozen=True, eq=False, kw_only=True)
class Sustained(Result):
    """Whether it is good every time and everywhere; see `sustained` for the columns."""


@dataclass(frozen=True, slots=True)
class Contacts:
    """The contacts that enter, in order, and who and where they were; percent."""

    good: Array
    person: Array | None
    levels: list[Array]
    rows: pd.DataFrame


def sustained(
    table: pd.DataFrame, good: str, *, person: str | None = None, order: str | None = None,
    units: str | Sequence[str] = (), agent: str | None = None, among: pd.DataFrame | None = None,
    level: float = 0.95,
) -> Sustained:  # fmt: skip
    """Say whether contacts are good every time for the same customer, and everywhere.

    Parameters
    ----------
    table : DataFrame
        One row per contact; not changed.
    good : str
        Column of 0 and 1 (or booleans): whether the contact was good. Without one, or of a table without
        columns, nothing is told and the tables are empty.
    person, order : str, optional
        Whose contact it was, and when: columns for what repeats within a customer.
    units : str or sequence of str
        Columns of the places, outermost first (region, branch), each within the one before.
    agent : str, optional
        Column of who attended, within the last of the units; told as a distribution only.
    among : DataFrame, optional
        The customers that a report is about: contacts of others are left out, if it has the column `person`.
    level : float
        Confidence level.

    Returns
    -------
    Sustained
        ``table`` (percent): ``what`` (good: contacts that were; always: people of two contacts or more all
        of whose were; chance: how many would, were contacts alike; beyond: their difference), ``estimate``,
        ``std_error``, ``conf_low``, ``conf_high``, ``n``, ``flag``. ``tables["runs"]``: ``turns``, the ratio
        of turns between good and bad to those by chance, ``conf_low``, ``conf_high``, ``n`` people.
        ``tables["components"]``: ``grouping``, ``groups``, ``sd_between`` (SD between its groups, points),
        ``conf_low``, ``conf_high``, ``part_of_all`` of the variance, ``reliability`` of a typical group's
        mean. ``tables["units"]``, of the last of `units`: its key, ``estimate``, ``conf_low``, ``conf_high``,
        ``shrunk``, ``shrunk_low``, ``shrunk_high``, ``ordinary_low``, ``ordinary_high`` (3 sigma of
        sampling and of who attends), ``signal``, ``n``, ``flag``; one of fewer than 3 agents is suppressed.
        ``tables["agents"]``: ``quantile`` of the shrunken rates of people, ``estimate``, ``n`` people.
        ``tables["tests"]``: ``hypothesis``, ``p_value``, ``p_adjusted`` (Holm).

    Raises
    ------
    AnalysisError
        If `good` is not 0 and 1, a column is missing, a unit lies in several of those before it, a level has
        one group, or there are fewer than 10 people who attend.

    References
    ----------
    Wald & Wolfowitz 1940, doi:10.1214/aoms/1177731909; Morris 1983, doi:10.1080/01621459.1983.10477920.

    Examples
    --------
    >>> table = pd.DataFrame({"who": [1, 1, 2, 2, 3, 3, 4, 4] * 5, "ok": [1, 1, 1, 1, 0, 0, 0, 0] * 5})
    >>> table["who"] += 10 * (table.index // 8)
    >>> sustained(table, "ok", person="who").table[["what", "estimate"]].to_numpy().tolist()
    [['good', 50.0], ['always', 50.0], ['chance', 25.0], ['beyond', 25.0]]
    """
    check_level(level)
    beside = {name: pd.DataFrame() for name in ("runs", "components", "units", "agents")}
    if not good or not len(table.columns):
        return Sustained(table=pd.DataFrame(), keys=("what",), tables=beside)
    places = named(units)
    held, n_dropped = _contacts(table, good, person, order, places, agent, among)
    rows, turns, tests = _every_time(held, level)
    tables = {**beside, **({} if turns is None else {"runs": turns})}
    if held.levels:
        grouping = [*places, *([agent] if agent else [])]
        found = components(held.good, held.levels, level)
        told, p_values = _components(found, held, grouping)
        tables["components"] = told
        tests += [(f"between {name}", p) for name, p in zip(grouping, p_values, strict=True)]
        if places:
            tables["units"] = _units(held, found, places[-1], agent, level)
        if agent:
            tables["agents"] = _agents(held, found)
    family = pd.DataFrame(tests, columns=["hypothesis", "p_value"])
    family["p_adjusted"] = adjusted(family["p_value"], "holm")
    family = family[family["p_value"].notna()].reset_index(drop=True)
    plain, differences, otherwise = sustained_claims(rows, tables, agent or "", family, level)
    return Sustained(
        table=rows,
        keys=("what", "grouping", "hypothesis", *places[-1:]),
        tables={**tables, "tests": family},
        n_used=len(held.good),
        n_dropped=n_dropped,
        settings={
            "good": good, "person": person, "order": order, "units": places, "agent": agent, "level": level,
            "adjust": "holm",
        },
        parts={places[-1]: places[-1]} if places else {},
        apart=("", "runs", "components", "agents"),
        asked_of=("contacts", good),
        claims=(*plain, *_standing(family, differences, otherwise, level)),
        otherwise=otherwise,
    )  # fmt: skip


def _standing(
    family: pd.DataFrame, differences: list[Claim], otherwise: tuple[Claim, ...], level: float
) -> tuple[Claim, ...]:
    return stated(family, differences, otherwise, level) if len(family) else ()


def _contacts(
    table: pd.DataFrame, good: str, person: str | None, order: str | None, places: Sequence[str],
    agent: str | None, among: pd.DataFrame | None,
) -> tuple[Contacts, dict[str, int]]:  # fmt: skip
    check_rows(table)
    named_ = [c for c in (good, person, *places, agent) if c]
    check_columns(table, [*named_, *([order] if order else [])])
    check_categories(table, named_)
    values = _zero_or_one(table, good)
    reasons = [(missing(good), np.isnan(values))]
    reasons += [(missing(c), table[c].isna().to_numpy(dtype=bool)) for c in named_[1:]]
    reasons += [(missing(order), table[order].isna().to_numpy(dtype=bool))] if order else []
    if person and among is not None and person in among.columns:
        reasons.insert(0, (_ELSEWHERE, ~table[person].isin(among[person]).to_numpy()))
    used, dropped = entering(len(table), reasons)
    check_entered(used, dropped)
    rows = table.loc[used].assign(**{good: 100 * values[used]})
    rows = rows.sort_values(order, kind="stable") if order else rows
    levels = _levels(rows, [*places, *([agent] if agent else [])])
    if agent and levels[-1].max() + 1 < LEAST_AGENTS:
        raise AnalysisError(
            "column {column!r} has {count} people; how people differ is told of {least} or more, and of no "
            "one of them: leave it out",
            column=agent,
            count=int(levels[-1].max() + 1),
            least=LEAST_AGENTS,
        )
    codes = None if person is None else pd.factorize(rows[person])[0]
    return Contacts(rows[good].to_numpy(dtype=float), codes, levels, rows), dropped


def _zero_or_one(table: pd.DataFrame, good: str) -> Array:
    held = table[good]
    values = held.astype(float).to_numpy(dtype=float) if is_yes_or_no(held) else as_floats(held)
    off = np.empty(0) if values is None else np.setdiff1d(values[~np.isnan(values)], [0.0, 1.0])
    if values is None or len(off):
        raise AnalysisError(
            "column {column!r} says whether a contact was good and holds {found}; give 0 and 1, or true and "
            "false: recode it with values in client.yaml",
            column=good,
            found=shown(held.dropna().unique()) if values is None else shown(off.tolist()),
        )
    return values


def _levels(rows: pd.DataFrame, grouping: Sequence[str]) -> list[Array]:
    """Codes of each level, checked to lie within the level before."""
    found: list[Array] = []
    for k, column in enumerate(grouping):
        codes = pd.factorize(rows[column], sort=True)[0]
        if codes.max() < 1 or codes.max() + 1 >= len(rows):
            raise AnalysisError(
                "column {column!r} has {count} groups in {rows} contacts; how they differ needs two or more "
                "with several contacts in each",
                column=column,
                count=int(codes.max()) + 1,
                rows=len(rows),
            )
        if k and len(set(zip(found[-1].tolist(), codes.tolist(), strict=True))) > codes.max() + 1:
            raise AnalysisError(
                "some {column!r} stand in several {outer!r}; each has to lie in one: name them from outer to "
                "inner, or leave one out",
                column=column,
                outer=grouping[k - 1],
            )
        found.append(codes)
    return found


def _every_time(
    held: Contacts, level: float
) -> tuple[pd.DataFrame, pd.DataFrame | None, list[tuple[str, float]]]:
    from scipy import stats

    n, p = len(held.good), float(held.good.mean()) / 100
    people = n if held.person is None else int(held.person.max()) + 1
    low, high = wilson([p], [n], level)
    error = np.sqrt(p * (1 - p) / n)
    measures = [("good", p, error, float(low[0]), float(high[0]), people)]
    turns, tests = None, list[tuple[str, float]]()
    if held.person is not None:
        own = always(held.good / 100, held.person)
        if own.people >= MINIMUM_CUSTOMERS:
            measures += _always_rows(own, level)
            tests.append(("always good beyond chance", _two_sided(stats, own.difference, own.error)))
        if held.rows.index.size and own.people >= MINIMUM_CUSTOMERS:
            turns, p_value = _turns(runs(held.good / 100, held.person), level)
            tests.append(("streaks within a customer", p_value))
    rows = pd.DataFrame(measures, columns=["what", "estimate", "std_error", "conf_low", "conf_high", "n"])
    percent = ["estimate", "std_error", "conf_low", "conf_high"]
    rows[percent] *= 100
    return rows.assign(flag=flags(rows["n"])), turns, tests


def _two_sided(stats: Any, estimate: float, error: float) -> float:
    return float(2 * stats.norm.sf(abs(estimate) / error)) if error > 0 else float("nan")


def _always_rows(own: Always, level: float) -> list[tuple[str, float, float, float, float, int]]:
    low, high = limits_of(own, level)
    error = np.sqrt(own.seen * (1 - own.seen) / own.people)
    values = (own.seen, own.chance, own.difference)
    errors = (error, own.error_chance, own.error)
    return [
        (name, value, e, float(a), float(b), own.people)
        for name, value, e, a, b in zip(
            ("always", "chance", "beyond"), values, errors, low, high, strict=True
        )
    ]


def _turns(own: Runs, level: float) -> tuple[pd.DataFrame, float]:
    from scipy import stats

    half = t_quantile(level) * own.std_error
    rows = pd.DataFrame({
        "turns": [own.ratio], "std_error": [own.std_error],
        "conf_low": [own.ratio - half], "conf_high": [own.ratio + half], "n": [own.people],
        "flag": flags([own.people]),
    })  # fmt: skip
    return rows, _two_sided(
        stats, own.ratio - 1, own.std_error
    ) if own.people >= MINIMUM_CUSTOMERS else np.nan


def _components(
    found: Components, held: Contacts, grouping: Sequence[str]
) -> tuple[pd.DataFrame, list[float]]:
    total = float(found.between.sum()) + found.within
    typical = [np.median(np.bincount(codes)) for codes in held.levels]
    noise = [found.between[k + 1 :].sum() + found.within for k in range(len(grouping))]
    reliability = [
        b / (b + rest / n) if b > 0 else 0.0 for b, rest, n in zip(found.between, noise, typical, strict=True)
    ]
    rows = pd.DataFrame({
        "grouping": grouping, "groups": found.groups, "sd_between": np.sqrt(found.between),
        "conf_low": np.sqrt(found.low), "conf_high": np.sqrt(found.high),
        "part_of_all": found.between / total, "reliability": reliability, "n": len(held.good), "flag": "ok",
    })  # fmt: skip
    return rows, found.p_values.tolist()


def _noise(held: Contacts, found: Components, k: int) -> tuple[Array, Array, Array]:
    """Rates and sizes of the groups of level `k`, and the variance of each rate about its group's own."""
    codes = held.levels[k]
    n = np.bincount(codes)
    rates = np.bincount(codes, weights=held.good) / n
    noise = found.within / n
    for inner, between in zip(held.levels[k + 1 :], found.between[k + 1 :], strict=True):
        sizes = pd.Series(codes).groupby([codes, inner]).size()
        noise = noise + between * (sizes**2).groupby(level=0).sum().to_numpy() / n**2
    return rates, n, noise


def _units(held: Contacts, found: Components, unit: str, agent: str | None, level: float) -> pd.DataFrame:
    k = len(held.levels) - (2 if agent else 1)
    rates, n, noise = _noise(held, found, k)
    between = float(found.between[: k + 1].sum())
    pooled, error = shrunken(rates, noise, between, found.mean)
    low, high = wilson(rates / 100, n, level)
    half = t_quantile(level) * error
    beyond = np.abs(rates - found.mean) > SIGMAS * np.sqrt(noise)
    keys = pd.factorize(held.rows[unit], sort=True)[1]
    people = n
    if agent:
        attended = held.rows.groupby(held.levels[k])[agent].nunique().to_numpy()
        people = np.where(attended < LEAST_OF_A_UNIT, 0, n)
    cells = [frozenset[tuple[str, Any]](), *(frozenset({(unit, key)}) for key in keys)]
    hidden = protected(cells, [n.sum(), *n], [n.sum(), *people])[1:]
    flag = np.where(hidden, "suppressed", flags(n))
    return pd.DataFrame({
        unit: keys, "estimate": rates, "conf_low": 100 * low, "conf_high": 100 * high, "shrunk": pooled,
        "shrunk_low": np.clip(pooled - half, 0, 100), "shrunk_high": np.clip(pooled + half, 0, 100),
        "ordinary_low": np.clip(found.mean - SIGMAS * np.sqrt(noise), 0, 100),
        "ordinary_high": np.clip(found.mean + SIGMAS * np.sqrt(noise), 0, 100),
        "signal": np.where(beyond, "beyond", "").astype(object), "n": n, "flag": flag,
    })  # fmt: skip


def _agents(held: Contacts, found: Components) -> pd.DataFrame:
    rates, _, noise = _noise(held, found, len(held.levels) - 1)
    pooled, _ = shrunken(rates, noise, float(found.between.sum()), found.mean)
    return pd.DataFrame({
        "quantile": QUANTILES, "estimate": np.quantile(pooled, QUANTILES), "n": len(rates), "flag": "ok",
    })  # fmt: skip
