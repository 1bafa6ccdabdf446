"""What a change of step costs: journeys that switch against those that do not, and what goes with it.

The plain difference mixes the switch with what comes along with it: having to repeat, context that is lost,
another answer, a case taken up again, one more contact. The adjusted one holds them fixed, and Gelbach's
decomposition says how much of the difference between the two goes through each, whatever their order.

References
----------
Gelbach 2016, doi:10.1086/683668.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from cxlab.analysis.columns import is_yes_or_no
from cxlab.analysis.covariates import coded, numbers
from cxlab.analysis.dropped import check_entered, entering, missing
from cxlab.analysis.estimates import (
    LOW_BASE,
    Claim,
    Result,
    adjusted,
    check_columns,
    check_level,
    flags,
    stated,
)
from cxlab.analysis.findings import base_caveats, detectable, interval_fields
from cxlab.analysis.journey.clustered import ESTIMATED, Fit, estimated, fit, means
from cxlab.analysis.journey.episodes import Episodes, codes_of, of_episodes
from cxlab.errors import AnalysisError, Message

Array = np.ndarray[Any, Any]

Per = Literal["journey", "switch"]
DAYS = "days"
SWITCH, CONTACTS = "switch", "contacts"
# What goes with a switch: the flag of a contact, and the answer that is a fault.
CARRIERS: Mapping[str, tuple[str, int]] = {
    "repeated": ("repeat_info", 1), "context_lost": ("context_transferred", 0),
    "other_answer": ("answer_consistent", 0), "taken_up_again": ("reopened", 1),
}  # fmt: skip
ONLY_AT_SWITCHES = frozenset({"context_transferred", "answer_consistent"})
ROW = [
    "model", "term", "difference", "std_error", "conf_low", "conf_high", "p_value", "p_adjusted", "n", "flag",
]  # fmt: skip
_NO_FLAG = Message("without the flags that are held fixed")


@dataclass(frozen=True, eq=False, kw_only=True)
class HandOffs(Result):
    """Journeys that switch against those that do not; see `hand_offs` for the columns."""


@dataclass(frozen=True, slots=True)
class _Scored:
    """Episodes with a score, one value each: whether they switch, and what that counts as."""

    score: Array
    switched: Array
    exposure: Array
    carriers: dict[str, Array]
    others: list[tuple[str, Array]]
    person: Array
    unit: str


def hand_offs(
    found: Episodes, score: str, *, per: Per = "journey", adjust: Sequence[str] = (), level: float = 0.95
) -> HandOffs:
    """Compare the score of journeys that switch with that of those that do not, plainly and adjusted.

    Parameters
    ----------
    found : Episodes
        What `episodes` returned.
    score : str
        Column of its contacts: a rating or a number (the last known of the episode counts) or a flag
        (whether any contact has it); ``days`` for how long the episode took. Empty: nothing is compared.
    per : {"journey", "switch"}
        Whether a journey that switches is compared with one that does not, or each switch counts: where
        nearly every journey has one.
    adjust : sequence of str
        Further columns held fixed, as they were at the first contact. The type of interaction, the number
        of contacts (its logarithm) and what `CARRIERS` names are held fixed wherever the log has them.
    level : float
        Confidence level.

    Returns
    -------
    HandOffs
        ``table``: ``model`` (crude, adjusted), ``term`` (switch, and in the adjusted model what goes with
        it), ``difference`` (of the score), ``std_error`` (customers as units), ``conf_low``,
        ``conf_high``, ``p_value``, ``p_adjusted`` (Holm), ``n`` (episodes with it), ``flag``.
        ``tables["through"]``: ``term``, how much of crude less adjusted goes through it, with interval.
        ``tables["by_repetition"]``: ``switched``, ``repeated`` and the mean score. ``tables["bumps"]``:
        ``from``, ``to`` and the difference of the journeys with that switch to those without any
        (``per="switch"``: to all others), with Benjamini-Hochberg, as exploration. ``tests``.

    Raises
    ------
    AnalysisError
        If a column is missing or no number, or no episode has a score.

    Examples
    --------
    >>> from cxlab.analysis.journey.episodes import episodes
    >>> log = pd.DataFrame({"customer_id": np.repeat(range(60), 2), "ts_start": pd.Timestamp("2025-01-01"),
    ...     "channel": ["app", "store"] * 30 + ["app", "app"] * 30,
    ...     "note": [None, 5.0, None, 6.0] * 15 + [None, 6.0, None, 7.0] * 15})
    >>> found = hand_offs(episodes(log), "note")
    >>> found.table[["model", "term", "difference"]].round(2).to_numpy().tolist()[0]
    ['crude', 'switch', -1.0]
    """
    check_level(level)
    if per not in get_args(Per):
        raise AnalysisError("per is {per!r}; it can be journey or switch", per=per)
    settings = {**found.settings, "level": level, "score": score, "adjust": list(adjust), "per": per}
    if not score:
        return HandOffs(
            table=pd.DataFrame(columns=ROW),
            keys=("model", "term"),
            tables={name: pd.DataFrame() for name in ("through", "by_repetition", "bumps")},
            settings=settings,
            claims=(Claim("journey.unscored", {}, "D"),),
        )
    scored, used, dropped = _scored(found, score, list(adjust), per)
    crude = fit(scored.score, [(SWITCH, scored.exposure)], scored.person)
    fixed = [*scored.carriers.items(), *scored.others]
    whole = fit(scored.score, [(SWITCH, scored.exposure), *fixed], scored.person)
    table = _rows(crude, whole, scored, level)
    through = _through(crude, whole, fixed, scored, level)
    said = {**settings, "unit": scored.unit, "left_out": list(whole.left_out)}
    differences, otherwise = _claims(table, through, said, level)
    tests = table.assign(hypothesis=_hypotheses(table, found.step))[["hypothesis", "p_value", "p_adjusted"]]
    return HandOffs(
        table=table,
        keys=("model", "term", "switched", "repeated", "from", "to", "hypothesis"),
        estimate_column="difference",
        tables={
            "through": through,
            "by_repetition": _levels(scored, level),
            "bumps": _bumps(found, scored, used, per, level),
            "tests": tests,
        },
        n_used=int(used.sum()),
        n_dropped=dropped,
        settings=said,
        claims=stated(tests, differences, otherwise, level),
        otherwise=otherwise,
        parts={"switched": "switched", "repeated": "repeated"},
        apart=("", "through", "bumps"),
        asked_of=("scored", score),
    )


def _scored(
    found: Episodes, score: str, adjust: list[str], per: Per
) -> tuple[_Scored, Array, dict[str, int]]:
    contacts = found.contacts
    value, unit = _values(found, score)
    first = (contacts["place"] == 0).to_numpy()
    switched = of_episodes(found, contacts["switch"], "any")
    size = of_episodes(found, np.ones(len(contacts)), "sum")
    carriers, unknown = _carriers(found, switched)
    check_columns(contacts, adjust)
    kept_fixed = [*([found.type] if found.type else []), *adjust]
    columns, problems = [], []
    for name in kept_fixed:
        made, wrong = coded(contacts.loc[first], name)
        problems += wrong
        columns += list(zip(made.names, made.values.T, strict=True))
    if problems:
        raise AnalysisError("these covariates cannot be used", problems=problems)
    blank = (
        np.any([np.isnan(values) for _, values in columns], axis=0) if columns else np.zeros(len(value), bool)
    )
    reasons = [(missing(score), np.isnan(value)), (_NO_FLAG, unknown | blank)]
    used, dropped = entering(len(value), reasons)
    check_entered(used, dropped)
    others = [(CONTACTS, np.log(size[used])), *((name, values[used]) for name, values in columns)]
    person = codes_of(found)[1][used]
    if len(np.unique(person)) < 2:
        raise AnalysisError("{column!r} is known of one customer only; nothing can be compared", column=score)
    own = {name: values[used] for name, values in carriers.items()}
    exposure = of_episodes(found, contacts["switch"], "sum") if per == "switch" else switched
    return _Scored(value[used], switched[used], exposure[used], own, others, person, unit), used, dropped


def _values(found: Episodes, score: str) -> tuple[Array, str]:
    """Return the score of each episode and its unit."""
    contacts = found.contacts
    if score == DAYS and DAYS not in contacts:
        time = contacts[found.when].to_numpy().astype("datetime64[s]").astype(float) / 86_400
        return of_episodes(found, time, "last") - of_episodes(found, time, "first"), DAYS
    check_columns(contacts, [score])
    values, problems = numbers(contacts, score)
    if problems:
        raise AnalysisError("these covariates cannot be used", problems=problems)
    flag = is_yes_or_no(contacts[score]) or np.isin(values[~np.isnan(values)], (0, 1)).all()
    return of_episodes(found, values, "any" if flag else "last"), "share" if flag else "scale"


def _carriers(found: Episodes, switched: Array) -> tuple[dict[str, Array], Array]:
    """Return what went wrong in each episode, as 0 and 1, and of which it is not known."""
    out, unknown = {}, np.zeros(len(switched), dtype=bool)
    for name, (column, fault) in CARRIERS.items():
        if column not in found.contacts:
            continue
        values, problems = numbers(found.contacts, column)
        if problems:
            raise AnalysisError("these covariates cannot be used", problems=problems)
        wrong = of_episodes(found, np.where(np.isnan(values), np.nan, values == fault), "any")
        idle = np.isnan(wrong) & ((switched == 0) if column in ONLY_AT_SWITCHES else False)
        wrong[idle] = 0.0
        unknown |= np.isnan(wrong)
        out[name] = wrong
    return out, unknown


def _differing(estimate: float, influence: Array, level: float) -> dict[str, float]:
    told = estimated(estimate, influence, level)
    return {"difference": told.pop("estimate"), **told}


def _rows(crude: Fit, whole: Fit, scored: _Scored, level: float) -> pd.DataFrame:
    counted = scored.exposure is not scored.switched and bool((scored.exposure > 1).any())
    exposed = {SWITCH: scored.switched, **scored.carriers}
    told = [("crude", SWITCH, crude), *(("adjusted", name, whole) for name in exposed if name in whole.names)]
    rows = []
    for model, name, fitted in told:
        if name not in fitted.names:
            continue
        with_it, folk = exposed[name] == 1, len(np.unique(scored.person[exposed[name] == 1]))
        # Where each switch counts, journeys with more of them are told from those with fewer.
        rest = folk if counted and name == SWITCH else len(np.unique(scored.person[~with_it]))
        rows.append(
            {"model": model, "term": name, **_differing(*fitted.of(name), level), "n": int(with_it.sum())}
            | {"flag": flags([min(folk, rest)])[0]}
        )
    table = pd.DataFrame(rows, columns=[c for c in ROW if c != "p_adjusted"])
    small = (table["flag"] == "suppressed").to_numpy()
    table["p_value"] = table["p_value"].astype(float).where(~small)
    return table.assign(p_adjusted=adjusted(table["p_value"], "holm"))[ROW]


def _through(
    crude: Fit, whole: Fit, fixed: Sequence[tuple[str, Array]], scored: _Scored, level: float
) -> pd.DataFrame:
    """Split crude less adjusted: each term's coefficient, times how much more of it switches have."""
    columns = ["term", "difference", "std_error", "conf_low", "conf_high", "n", "flag"]
    if SWITCH not in whole.names or SWITCH not in crude.names:
        return pd.DataFrame(columns=columns)
    n, rows = int(scored.switched.sum()), []
    flag = flags([len(np.unique(scored.person[scored.switched == 1]))])[0]
    rest: list[tuple[float, Array]] = []
    for name, values in fixed:
        if name not in whole.names:
            continue
        more, of_more = fit(values, [(SWITCH, scored.exposure)], scored.person).of(SWITCH)
        weight, of_weight = whole.of(name)
        part = (more * weight, weight * of_more + more * of_weight)
        if name in scored.carriers or name == CONTACTS:
            rows.append({"term": name, **_differing(*part, level), "n": n, "flag": flag})
        else:
            rest.append(part)
    if rest:
        part = (sum(value for value, _ in rest), np.sum([each for _, each in rest], axis=0))
        rows.append({"term": "mix", **_differing(*part, level), "n": n, "flag": flag})
    return pd.DataFrame(rows, columns=columns)


def _levels(scored: _Scored, level: float) -> pd.DataFrame:
    """Mean scores with and without a switch, and with and without having to repeat."""
    repeated = scored.carriers.get("repeated")
    codes = (2 * scored.switched + (0 if repeated is None else repeated)).astype(int)
    found = means(scored.score, scored.person, codes, 4, level)
    found = found.assign(switched=[False, False, True, True], repeated=[False, True, False, True])
    shown = found[found["n"] > 0] if repeated is not None else found.iloc[[0, 2]].drop(columns="repeated")
    keys = [name for name in ("switched", "repeated") if name in shown]
    return shown[[*keys, *ESTIMATED]].reset_index(drop=True)


def _bumps(found: Episodes, scored: _Scored, used: Array, per: Per, level: float) -> pd.DataFrame:
    """Journeys with one kind of switch, less those without any, or less all others."""
    columns = ["from", "to", "difference", "std_error", "conf_low", "conf_high", "p_value", "n", "flag"]
    switches = found.contacts[found.contacts["switch"]]
    place = np.cumsum(used) - 1
    rows = []
    still = np.ones(len(scored.score), dtype=bool) if per == "switch" else scored.switched == 0
    for (start, end), own in switches.groupby(["previous", found.step], observed=True, sort=True):
        number = own["episode"].unique()
        inside = place[number[used[number]]]
        if not len(inside):
            continue
        chosen = still.copy()
        chosen[inside] = True
        with_it = np.zeros(len(still))
        with_it[inside] = 1.0
        line = fit(scored.score[chosen], [(SWITCH, with_it[chosen])], scored.person[chosen])
        rest = len(np.unique(scored.person[chosen & (with_it == 0)]))
        folk = min(len(np.unique(scored.person[inside])), rest)
        if SWITCH in line.names:
            told = _differing(*line.of(SWITCH), level)
            rows.append({"from": start, "to": end, **told, "n": len(inside), "flag": flags([folk])[0]})
    table = pd.DataFrame(rows, columns=columns)
    shown = table["p_value"].astype(float).where(table["flag"] != "suppressed")
    return table.assign(p_value=shown, p_adjusted=adjusted(shown, "bh"))


def _hypotheses(table: pd.DataFrame, step: str) -> list[str]:
    return [f"journeys: {model} {term} of {step}" for model, term in table[["model", "term"]].to_numpy()]


def _claims(
    table: pd.DataFrame, through: pd.DataFrame, settings: Mapping[str, Any], level: float
) -> tuple[list[Claim], tuple[Claim, ...]]:
    named = dict(zip(_hypotheses(table, settings["step"]), table.to_dict("records"), strict=True))
    common = {name: settings[name] for name in ("step", "score", "per")}
    out: list[Claim] = []
    for hypothesis, row in named.items():
        if np.isnan(row["p_value"]):
            continue
        fields = {
            **common, **interval_fields(row, "difference", level, settings["unit"]), "n": int(row["n"]),
            "term": row["term"], "hypothesis": hypothesis,
        }  # fmt: skip
        caveats = base_caveats(row["n"], np.inf)
        if row["model"] == "crude":
            out.append(Claim("journey.switch", fields, "D", caveats, headline=True))
        elif row["term"] == SWITCH:
            out.append(Claim("journey.switch_left", fields, "C", (*caveats, "association_not_cause")))
        else:
            out.append(Claim("journey.carrier", fields, "C", (*caveats, "association_not_cause")))
    clean = _clean(table, through, common, settings["unit"], level)
    tested = table[table["p_value"].notna()]
    if tested.empty:
        return out, ()
    fields = {
        **common, "unit": settings["unit"], "n": int(tested["n"].iloc[0]), "level": level,
        "detectable": detectable(tested["std_error"].iloc[:1], 1 - level),
    }  # fmt: skip
    return [*out[:1], *clean, *out[1:]], (Claim("journey.switch_none", fields, "D", headline=True),)


def _clean(
    table: pd.DataFrame, through: pd.DataFrame, common: Mapping[str, Any], unit: str, level: float
) -> list[Claim]:
    """Say that a switch by itself goes with nothing to be seen, where the plain difference does.

    It stands and falls with the plain difference, whose hypothesis it names.
    """
    rows = {row["model"]: row for row in table[table["term"] == SWITCH].to_dict("records")}
    if {*rows} != {"crude", "adjusted"} or through.empty:
        return []
    crude, left = rows["crude"], rows["adjusted"]
    if left["flag"] == "suppressed" or left["n"] < LOW_BASE or left["p_adjusted"] <= 1 - level:
        return []
    parts = sorted(
        through.to_dict("records"), key=lambda row: -row["difference"] * np.sign(crude["difference"])
    )
    main = parts[0]
    fields = {
        **common, **interval_fields(left, "difference", level, unit), "n": int(left["n"]),
        "crude": float(crude["difference"]), "through": main["term"],
        "through_estimate": float(main["difference"]),
        "through_low": float(main["conf_low"]), "through_high": float(main["conf_high"]),
        "hypothesis": f"journeys: crude {SWITCH} of {common['step']}",
    }  # fmt: skip
    return [Claim("journey.switch_clean", fields, "C", ("association_not_cause",), headline=True)]
