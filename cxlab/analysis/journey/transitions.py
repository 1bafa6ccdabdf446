"""Where customers go next: the matrix of moves between steps, and how clean the switches are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.columns import is_yes_or_no
from cxlab.analysis.covariates import numbers
from cxlab.analysis.disclosure import protected
from cxlab.analysis.estimates import MINIMUM_CUSTOMERS, Claim, Result, check_columns, check_level
from cxlab.analysis.findings import base_caveats, interval_fields
from cxlab.analysis.journey.clustered import ESTIMATED, people_in, shares
from cxlab.analysis.journey.episodes import Episodes
from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]

MOST_STEPS = 12
OTHERS = "others"
# What makes a switch clean, and which answer does.
CLEAN: Mapping[str, bool] = {
    "repeat_info": False, "context_transferred": True, "answer_consistent": True, "reopened": False,
}  # fmt: skip


@dataclass(frozen=True, eq=False, kw_only=True)
class Transitions(Result):
    """Moves between steps; see `transitions` for the columns."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Coherence(Result):
    """Clean switches; see `coherence` for the columns."""


def transitions(found: Episodes, *, most: int = MOST_STEPS, level: float = 0.95) -> Transitions:
    """Count the moves from each step to the next within episodes, as shares of those that leave it.

    Parameters
    ----------
    found : Episodes
        What `episodes` returned.
    most : int
        Steps beyond so many, the least used, are taken together as ``others``.
    level : float
        Confidence level.

    Returns
    -------
    Transitions
        ``table``: ``from``, ``to``, ``switch`` (yes or no), ``moves``, ``estimate`` (share of the moves from
        there), ``std_error``, ``conf_low``, ``conf_high``, ``n`` (moves from there), ``n_eff``, ``withheld``,
        ``flag``. Moves of fewer than 10 customers are hidden, and with them what would give them away.

    Raises
    ------
    AnalysisError
        If no episode has two contacts.

    Examples
    --------
    >>> from cxlab.analysis.journey.episodes import episodes
    >>> log = pd.DataFrame({"customer_id": np.repeat(range(20), 2), "ts_start": pd.Timestamp("2025-01-01"),
    ...     "channel": ["app", "store"] * 15 + ["app", "app"] * 5})
    >>> transitions(episodes(log)).table[["from", "to", "moves", "estimate"]].to_numpy().tolist()[:2]
    [['app', 'app', 5, 0.25], ['app', 'store', 15, 0.75]]
    """
    check_level(level)
    moves = found.contacts[found.contacts["place"] > 0]
    if moves.empty:
        raise AnalysisError(
            "no episode has two contacts, so there is no move to count; "
            "allow a longer gap, or check the customers and dates of the log"
        )
    names = _steps(found, most)
    person = pd.factorize(moves[found.person])[0]
    start, end = (_placed(moves[column], names) for column in ("previous", found.step))
    table = _matrix(names, start, end, person, level)
    return Transitions(
        table=table,
        keys=("from", "to", "withheld"),
        n_used=len(moves),
        settings={**found.settings, "level": level},
        claims=_moves_claims(table, found.step, level),
        parts={"from": "from", "to": "to", "switch": "switched"},
        bases={"moves": {}, "n": {"to": None, "switched": None}},
        asked_of=("moves",),
    )


def _steps(found: Episodes, most: int) -> list[Any]:
    used = found.contacts[found.step].value_counts()
    ordered = sorted(used.index, key=lambda name: (-used[name], str(name)))
    return ordered if len(ordered) <= most else [*ordered[: most - 1], OTHERS]


def _placed(column: pd.Series[Any], names: Sequence[Any]) -> Array:
    places = pd.Index(names).get_indexer(column)
    return np.where(places < 0, len(names) - 1, places)


def _matrix(names: list[Any], start: Array, end: Array, person: Array, level: float) -> pd.DataFrame:
    """One row for each pair of steps: the share of the moves from the first that go to the second."""
    k = len(names)
    pairs = pd.DataFrame({"from": np.repeat(np.array(names, dtype=object), k), "to": names * k})
    moves = np.bincount(start * k + end, minlength=k * k)
    people = people_in(start * k + end, person, k * k)
    parts = [
        shares((end == to).astype(float), person, start, k, level).assign(
            **{"from": np.array(names, dtype=object), "to": names[to]}
        )
        for to in range(k)
    ]
    found = pairs.merge(pd.concat(parts, ignore_index=True), on=["from", "to"])
    hidden = _hidden(pairs, moves, people)
    closed = hidden & (people >= MINIMUM_CUSTOMERS)
    flag = np.where(hidden, "suppressed", found["flag"].to_numpy())
    switched = np.where(pairs["from"] == pairs["to"], "no", "yes")
    return found.assign(moves=moves, switch=switched, withheld=closed, flag=flag)[
        ["from", "to", "switch", "moves", *ESTIMATED[:-1], "withheld", "flag"]
    ]


def _hidden(pairs: pd.DataFrame, moves: Array, people: Array) -> Array:
    """Say which moves to hide: beside a total from each step, a single hidden one would come back."""
    named = [frozenset({("from", a), ("to", b)}) for a, b in pairs.to_numpy().tolist()]
    totals = list(dict.fromkeys(pairs["from"]))
    sums = pd.Series(moves).groupby(pairs["from"].to_numpy()).sum()
    heads = [frozenset({("from", name)}) for name in totals]
    sizes = [int(sums[name]) for name in totals]
    nobody = people == 0
    folk = np.where(nobody, MINIMUM_CUSTOMERS, people)  # that nobody moves so is not about anybody
    closed = protected([*heads, *named], [*sizes, *moves], [*sizes, *folk])
    return closed[len(totals) :]


def _moves_claims(table: pd.DataFrame, step: str, level: float) -> tuple[Claim, ...]:
    """Say the most frequent switch."""
    other = table[(table["from"] != table["to"]) & (table["flag"] == "ok") & (table["from"] != OTHERS)]
    if other.empty:
        return ()
    row: Mapping[Any, Any] = other.loc[other["moves"].idxmax()].to_dict()
    fields = {
        **interval_fields(row, "estimate", level, "share"), "n": int(row["n"]), "step": step,
        "start": row["from"], "end": row["to"],
    }  # fmt: skip
    return (Claim("journey.move", fields, "D", base_caveats(row["n"], row["n_eff"])),)


def coherence(found: Episodes, *, by: Sequence[str] = (), level: float = 0.95) -> Coherence:
    """Say which share of the switches is clean: nothing repeated, context kept, same answer, not reopened.

    A switch counts where everything that the log has of `CLEAN` is known of it.

    Parameters
    ----------
    found : Episodes
        What `episodes` returned; of its contacts, ``repeat_info``, ``context_transferred``,
        ``answer_consistent`` and ``reopened`` (flags), as many as there are.
    by : sequence of str
        Columns that split the switches.
    level : float
        Confidence level.

    Returns
    -------
    Coherence
        ``table``: ``*by`` (the first row is of all), ``estimate`` (share of clean switches), ``std_error``,
        ``conf_low``, ``conf_high``, ``n`` (switches), ``n_eff``, ``flag``. ``tables["conditions"]``:
        ``condition``, the share of switches that meet it. ``tables["bumps"]``: ``from``, ``to`` and the
        share of clean switches of each. Without switches, or flags, the table has no rows.

    Examples
    --------
    >>> from cxlab.analysis.journey.episodes import episodes
    >>> log = pd.DataFrame({"customer_id": np.repeat(range(20), 2), "ts_start": pd.Timestamp("2025-01-01"),
    ...     "channel": ["app", "store"] * 20, "repeat_info": [0, 1] * 5 + [0, 0] * 15})
    >>> coherence(episodes(log)).table["estimate"].tolist()
    [0.75]
    """
    check_level(level)
    check_columns(found.contacts, by)
    switches = found.contacts[found.contacts["switch"]]
    asked = [name for name in CLEAN if name in found.contacts]
    settings = {**found.settings, "level": level, "conditions": asked, "by": list(by)}
    if not asked or switches.empty:
        return Coherence(
            table=pd.DataFrame(columns=[*by, *ESTIMATED]),
            keys=tuple(by),
            tables={name: pd.DataFrame() for name in ("conditions", "bumps")},
            settings=settings,
            claims=(Claim("journey.unmarked", {"step": found.step}, "D"),),
        )
    met = np.column_stack([_met(switches, name) for name in asked])
    clean = np.where(np.isnan(met).any(axis=1), np.nan, met.min(axis=1))
    person = pd.factorize(switches[found.person])[0]
    table = _by(clean, person, switches, list(by), level)
    conditions = [
        _by(met[:, k], person, switches, [], level).assign(condition=name) for k, name in enumerate(asked)
    ]
    between = switches.assign(**{"from": switches["previous"], "to": switches[found.step]})
    bumps = _by(clean, person, between, ["from", "to"], level).iloc[1:]
    known = int((~np.isnan(clean)).sum())
    return Coherence(
        table=table,
        keys=(*by, "condition", "from", "to"),
        tables={
            "conditions": pd.concat(conditions, ignore_index=True)[["condition", *ESTIMATED]],
            "bumps": bumps.reset_index(drop=True),
        },
        n_used=known,
        settings=settings,
        claims=_coherence_claims(table, found.step, asked, level),
        parts={**{column: column for column in by}, "from": "from", "to": "to"},
        bases={"n": {"switched": "yes"}},
        # All switches are moves; where some tell too little to count, those that count are others.
        asked_of=("moves", *([] if known == len(switches) else ["clean"])),
    )


def _met(switches: pd.DataFrame, name: str) -> Array:
    """Return 1 where a switch meets a condition, 0 where not, NaN where it is not known."""
    values, problems = numbers(switches, name)
    if problems:
        raise AnalysisError("these covariates cannot be used", problems=problems)
    if not is_yes_or_no(switches[name]) and not np.isin(values[~np.isnan(values)], (0, 1)).all():
        raise AnalysisError("column {column!r} is no flag; give 1 for yes and 0 for no", column=name)
    return np.where(np.isnan(values), np.nan, (values == 1) == CLEAN[name])


def _by(values: Array, person: Array, rows: pd.DataFrame, by: list[str], level: float) -> pd.DataFrame:
    """Return the share of all rows, and below it that of each combination of `by`."""
    whole = shares(values, person, np.zeros(len(rows), dtype=int), 1, level)
    if not by:
        return whole[ESTIMATED]
    grouped = rows.groupby(by, observed=True, sort=True)
    codes, keys = grouped.ngroup().to_numpy(), grouped.size().reset_index()[by]
    parts = shares(values, person, codes, len(keys), level)
    parts = pd.concat([keys.astype(object), parts], axis=1)
    return pd.concat([whole.assign(**dict.fromkeys(by)), parts], ignore_index=True)[[*by, *ESTIMATED]]


def _coherence_claims(
    table: pd.DataFrame, step: str, asked: Sequence[str], level: float
) -> tuple[Claim, ...]:
    row: Mapping[Any, Any] = table.iloc[0].to_dict()
    if row["flag"] == "suppressed":
        return ()
    fields = {
        **interval_fields(row, "estimate", level, "share"), "n": int(row["n"]), "step": step,
        "conditions": list(asked),
    }  # fmt: skip
    return (Claim("journey.coherence", fields, "D", base_caveats(row["n"], row["n_eff"]), headline=True),)
