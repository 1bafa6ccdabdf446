"""What was designed against what happens: how much of the volume, and whether the emotion is felt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.columns import check_frame
from cxlab.analysis.estimates import (
    MINIMUM_CUSTOMERS,
    Claim,
    Result,
    adjusted,
    check_columns,
    check_level,
    flags,
    stated,
)
from cxlab.analysis.findings import base_caveats, detectable, interval_fields
from cxlab.analysis.journey.clustered import ESTIMATED, estimated, fit, shares
from cxlab.analysis.journey.episodes import PERSON, WHEN
from cxlab.errors import Message

Array = np.ndarray[Any, Any]

TOUCHPOINT, CELL = "touchpoint_id", ["interaction_type", "channel"]
DESIGNED, NOT_DESIGNED, NOWHERE = "designed", "not_designed", "no_touchpoint"
FELT = [
    TOUCHPOINT, "target_emotion", "estimate", "elsewhere", "difference", "std_error", "conf_low",
    "conf_high", "p_value", "p_adjusted", "n", "flag",
]  # fmt: skip
_NO_EMOTION = Message("without an emotion, or where none is aimed at")


@dataclass(frozen=True, eq=False, kw_only=True)
class Designed(Result):
    """Contacts by whether their touchpoint was designed; see `designed` for the columns."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Emotions(Result):
    """Emotions felt against those aimed at; see `emotions` for the columns."""


def designed(
    interactions: pd.DataFrame, touchpoints: pd.DataFrame, design: pd.DataFrame, *, level: float = 0.95
) -> Designed:
    """Say which share of the contacts happens in touchpoints that were designed.

    Parameters
    ----------
    interactions : DataFrame
        One row per contact: customer_id, and touchpoint_id or interaction_type and channel.
    touchpoints : DataFrame
        touchpoint_id, and interaction_type and channel where the log does not name its touchpoints.
    design : DataFrame
        touchpoint_id, designed (0/1); valid_from and valid_to count where they are given.
    level : float
        Confidence level.

    Returns
    -------
    Designed
        ``table``: ``where`` (designed, not_designed, no_touchpoint), ``estimate`` (share of the contacts),
        ``std_error``, ``conf_low``, ``conf_high`` (customers as units), ``contacts``, ``n`` (all
        contacts), ``n_eff``, ``flag``. ``tables["touchpoints"]``: each touchpoint, whether it was
        designed, its share. Without a design the table has no rows.

    Examples
    --------
    >>> log = pd.DataFrame({"customer_id": range(40), "interaction_type": "use",
    ...     "channel": ["app"] * 30 + ["web"] * 10})
    >>> points = pd.DataFrame({"touchpoint_id": ["a"], "interaction_type": ["use"], "channel": ["app"]})
    >>> designed(log, points, pd.DataFrame({"touchpoint_id": ["a"], "designed": [1]})).table[
    ...     ["where", "estimate"]].to_numpy().tolist()
    [['designed', 0.75], ['not_designed', 0.0], ['no_touchpoint', 0.25]]
    """
    check_level(level)
    names = [DESIGNED, NOT_DESIGNED, NOWHERE]
    if not _tells(design, [TOUCHPOINT, "designed"]) or interactions.empty:
        return Designed(
            table=pd.DataFrame(columns=["where", *ESTIMATED]),
            keys=("where",),
            tables={"touchpoints": pd.DataFrame()},
            claims=(Claim("journey.undesigned", {}, "D"),),
        )
    check_columns(interactions, [PERSON])
    placed = _placed(interactions, touchpoints)
    known = _valid(interactions, placed, design, "designed")
    state = np.where(placed.isna(), 2, np.where(known == 1, 0, 1))
    person = pd.factorize(interactions[PERSON])[0]
    whole = np.zeros(len(interactions), dtype=int)
    rows = [shares((state == k).astype(float), person, whole, 1, level) for k in range(3)]
    table = pd.concat(rows, ignore_index=True)
    table = table.assign(where=names, contacts=[int((state == k).sum()) for k in range(3)])
    table = table[["where", "contacts", *ESTIMATED]]
    return Designed(
        table=table,
        keys=("where", TOUCHPOINT),
        tables={"touchpoints": _each(placed, state, person)},
        n_used=len(interactions),
        settings={"level": level, "unit": "share"},
        claims=_designed_claims(table, level),
        parts={TOUCHPOINT: TOUCHPOINT, "designed": "designed"},
        bases={"contacts": {}},
        asked_of=("contacts",),
    )


def _tells(frame: pd.DataFrame, columns: list[str]) -> bool:
    check_frame(frame)
    return bool(len(frame)) and set(columns) <= set(frame.columns)


def _placed(contacts: pd.DataFrame, touchpoints: pd.DataFrame) -> pd.Series[Any]:
    """Return the touchpoint of each contact: the one it names, else the only one of its type and channel."""
    named = contacts.get(TOUCHPOINT, pd.Series(None, index=contacts.index, dtype=object)).astype(object)
    if not _tells(touchpoints, [TOUCHPOINT, *CELL]) or not set(CELL) <= set(contacts.columns):
        return named
    only = touchpoints.dropna(subset=CELL).drop_duplicates(CELL, keep=False)
    found = contacts[CELL].merge(only[[*CELL, TOUCHPOINT]], on=CELL, how="left")[TOUCHPOINT]
    return named.where(named.notna(), pd.Series(found.to_numpy(), index=contacts.index, dtype=object))


def _valid(
    contacts: pd.DataFrame, placed: pd.Series[Any], design: pd.DataFrame, column: str
) -> pd.Series[Any]:
    """Return what the design says of each contact's touchpoint on its day; the latest version wins."""
    out = pd.Series(None, index=contacts.index, dtype=object)
    versions = design.sort_values([c for c in ("valid_from", "design_version") if c in design])
    for row in versions.to_dict("records"):
        here = placed == row[TOUCHPOINT]
        for bound, before in (("valid_from", False), ("valid_to", True)):
            if not pd.isna(row.get(bound)) and WHEN in contacts:
                within = contacts[WHEN] <= row[bound] if before else contacts[WHEN] >= row[bound]
                here &= within
        out[here] = None if pd.isna(row[column]) else row[column]
    return out


def _each(placed: pd.Series[Any], state: Array, person: Array) -> pd.DataFrame:
    frame = pd.DataFrame({TOUCHPOINT: placed.to_numpy(), "designed": state == 0, "person": person})
    grouped = frame.dropna(subset=[TOUCHPOINT]).groupby([TOUCHPOINT, "designed"], sort=True)
    table = grouped.agg(contacts=("person", "size"), n=("person", "nunique")).reset_index()
    table["volume"] = table["contacts"] / len(frame)
    table = table.sort_values("contacts", ascending=False, kind="stable", ignore_index=True)
    return table.assign(flag=flags(table["n"]))[[TOUCHPOINT, "designed", "contacts", "volume", "n", "flag"]]


def _designed_claims(table: pd.DataFrame, level: float) -> tuple[Claim, ...]:
    row: Mapping[Any, Any] = table.iloc[0].to_dict()
    if row["flag"] == "suppressed":
        return ()
    fields = {
        **interval_fields(row, "estimate", level, "share"), "n": int(row["n"]),
        "nowhere": float(table["estimate"].iloc[2]),
    }  # fmt: skip
    return (Claim("journey.designed", fields, "D", base_caveats(row["n"], row["n_eff"]), headline=True),)


def emotions(
    interactions: pd.DataFrame, touchpoints: pd.DataFrame, design: pd.DataFrame, *,
    emotion: str = "emotion", level: float = 0.95,
) -> Emotions:  # fmt: skip
    """Set the emotion that customers name at each touchpoint against the one that was aimed at.

    Parameters
    ----------
    interactions, touchpoints : DataFrame
        As in `designed`.
    design : DataFrame
        touchpoint_id, target_emotion.
    emotion : str
        Column of the contacts with the emotion named.
    level : float
        Confidence level.

    Returns
    -------
    Emotions
        ``table``: ``touchpoint_id``, ``target_emotion``, ``estimate`` (share who name it there),
        ``elsewhere`` (share who name it at all other contacts), ``difference`` of the two, ``std_error``,
        ``conf_low``, ``conf_high``, ``p_value``, ``p_adjusted`` (Holm), ``n`` (answers there), ``flag``.
        ``tables["felt"]``: touchpoint by emotion, share of the answers. ``tables["chance"]``: the share
        of hits, that by chance, and Cohen's kappa with its interval. Without a target nothing is compared.

    Notes
    -----
    A touchpoint where everybody names what is named everywhere has hit nothing: chance is the share of the
    same emotion at other contacts, and for kappa the product of the margins.

    References
    ----------
    Cohen 1960, doi:10.1177/001316446002000104.
    """
    check_level(level)
    settings = {"level": level, "unit": "share", "emotion": emotion}
    lacks = not _tells(design, [TOUCHPOINT, "target_emotion"]) or emotion not in interactions
    placed = None if lacks else _placed(interactions, touchpoints)
    target = None if placed is None else _valid(interactions, placed, design, "target_emotion")
    felt = interactions[emotion] if emotion in interactions else pd.Series(dtype=object)
    if placed is None or target is None or not (target.notna() & felt.notna()).any():
        return Emotions(
            table=pd.DataFrame(columns=FELT),
            keys=(TOUCHPOINT,),
            estimate_column="difference",
            tables={name: pd.DataFrame() for name in ("felt", "chance")},
            settings=settings,
            claims=(Claim("journey.no_target", {}, "D"),),
        )
    answered = felt.notna().to_numpy()
    person = pd.factorize(interactions[PERSON])[0][answered]
    where, aimed, named = (held[answered].to_numpy() for held in (placed, target, felt))
    table = _hits(where, aimed, named, person, level)
    agreement = _agreement(aimed, named, person, level)
    tests = table.assign(hypothesis=[f"emotion aimed at: {name}" for name in table[TOUCHPOINT]])
    said, otherwise = _emotion_claims(tests, agreement, level)
    aimed_at = pd.notna(aimed)
    return Emotions(
        table=table,
        keys=(TOUCHPOINT, "target_emotion", "emotion", "hypothesis"),
        estimate_column="difference",
        tables={
            "felt": _felt(where[aimed_at], aimed[aimed_at], named[aimed_at], person[aimed_at]),
            "chance": agreement,
            "tests": tests[["hypothesis", "p_value", "p_adjusted"]],
        },
        n_used=int(aimed_at.sum()),
        n_dropped={_NO_EMOTION: len(interactions) - int(aimed_at.sum())},
        settings=settings,
        claims=stated(tests, said, otherwise, level),
        otherwise=otherwise,
    )


def _hits(where: Array, aimed: Array, named: Array, person: Array, level: float) -> pd.DataFrame:
    rows = []
    here = pd.DataFrame({TOUCHPOINT: where, "aimed": aimed}).dropna().drop_duplicates()
    for point, goal in here.sort_values([TOUCHPOINT, "aimed"]).to_numpy().tolist():
        inside, hit = ((where == point) & (aimed == goal)).astype(float), (named == goal).astype(float)
        line = fit(hit, [("here", inside)], person)
        there, other = inside == 1, inside == 0
        folk = min(len(np.unique(person[there])), len(np.unique(person[other])))
        row = {TOUCHPOINT: point, "target_emotion": goal, "estimate": hit[there].mean()}
        row |= {"n": int(there.sum()), "flag": flags([folk])[0], "elsewhere": np.nan}
        told = dict.fromkeys(("difference", "std_error", "conf_low", "conf_high", "p_value"), np.nan)
        if "here" in line.names:
            found = estimated(*line.of("here"), level)
            told = {"difference": found.pop("estimate"), **found}
            row["elsewhere"] = hit[other].mean()
        rows.append(row | told)
    table = pd.DataFrame(rows)
    table["p_value"] = table["p_value"].where(table["flag"] != "suppressed")
    return table.assign(p_adjusted=adjusted(table["p_value"], "holm"))[FELT]


def _felt(where: Array, aimed: Array, named: Array, person: Array) -> pd.DataFrame:
    """Return how often each emotion is named at each touchpoint; few people hide the whole line."""
    frame = pd.DataFrame({TOUCHPOINT: where, "target_emotion": aimed, "emotion": named, "person": person})
    counts = frame.groupby([TOUCHPOINT, "target_emotion", "emotion"]).size().unstack(fill_value=0)
    folk = frame.groupby([TOUCHPOINT, "target_emotion", "emotion"])["person"].nunique()
    few = folk.unstack(fill_value=0)
    close = ((few > 0) & (few < MINIMUM_CUSTOMERS)).any(axis=1)
    long = (
        counts.div(counts.sum(axis=1), axis=0)
        .reset_index()
        .melt([TOUCHPOINT, "target_emotion"], var_name="emotion", value_name="felt")
    )
    base = counts.sum(axis=1)
    key = pd.MultiIndex.from_frame(long[[TOUCHPOINT, "target_emotion"]])
    hidden = close.reindex(key).to_numpy()
    return long.assign(
        n=base.reindex(key).to_numpy(), flag=np.where(hidden, "suppressed", flags(base.reindex(key)))
    )


def _agreement(aimed: Array, named: Array, person: Array, level: float) -> pd.DataFrame:
    """Cohen's kappa of aimed and named, its error by the influence of each customer."""
    both = pd.notna(aimed)
    aimed, named, who = aimed[both], named[both], person[both]
    n, hit = len(aimed), (aimed == named).astype(float)
    o, expected, moved = hit.mean(), 0.0, np.zeros(n)
    for name in pd.unique(aimed):
        a, b = (aimed == name).astype(float), (named == name).astype(float)
        expected += a.mean() * b.mean()
        moved += (a - a.mean()) * b.mean() + a.mean() * (b - b.mean())
    kappa = (o - expected) / (1 - expected) if expected < 1 else np.nan
    single = ((hit - o) / (1 - expected) + moved * (o - 1) / (1 - expected) ** 2) / n
    codes, people = pd.factorize(who)
    influence = np.bincount(codes, single, len(people)) * np.sqrt(len(people) / max(len(people) - 1, 1))
    told = estimated(float(kappa), influence, level)
    row = {"hits": o, "by_chance": expected, **told, "n": n, "flag": flags([len(people)])[0]}
    columns = ["hits", "by_chance", "estimate", "std_error", "conf_low", "conf_high", "n", "flag"]
    return pd.DataFrame([row])[columns].rename(columns={"estimate": "kappa"})


def _emotion_claims(
    tests: pd.DataFrame, agreement: pd.DataFrame, level: float
) -> tuple[list[Claim], tuple[Claim, ...]]:
    tested = tests[tests["p_value"].notna()].sort_values("p_value", kind="stable")
    said = []
    for row in tested.to_dict("records"):
        fields = {
            **interval_fields(row, "difference", level, "share"), "n": int(row["n"]),
            "touchpoint": row[TOUCHPOINT], "emotion": row["target_emotion"], "there": row["estimate"],
            "elsewhere": row["elsewhere"], "hypothesis": row["hypothesis"],
        }  # fmt: skip
        said.append(Claim("journey.emotion", fields, "D", base_caveats(row["n"], np.inf)))
    if tested.empty:
        return said, ()
    row = agreement.iloc[0].to_dict()
    fields = {
        "touchpoints": len(tested), "hits": float(row["hits"]), "by_chance": float(row["by_chance"]),
        "n": int(row["n"]), "level": level, "unit": "share",
        "detectable": detectable(tested["std_error"], (1 - level) / len(tested)),
    }  # fmt: skip
    return said, (Claim("journey.emotion_chance", fields, "D"),)
