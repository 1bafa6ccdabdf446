"""The executive diagnosis: ranked findings, the chain, what does not fit, what is missing, what to decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from cxlab.analysis.diagnosis.contradictions import contradictions
from cxlab.analysis.diagnosis.links import LEVELS, LINKS, Stated
from cxlab.analysis.diagnosis.worth import WEIGHTS, score, subject, value
from cxlab.analysis.estimates import (
    MINIMUM_EMPLOYEES,
    Claim,
    Result,
    check_columns,
    check_numbers,
    whole_from,
)
from cxlab.errors import AnalysisError

COLUMNS = ("entry", "result", "code", "fields", "grade", "caveats")
FINDINGS = ["rank", "finding", "chain_link", "grade", "size", "worth", "report", "result"]
# Tables of the data model that tell of one kind of source; what no report read was not listened to.
KINDS: Mapping[str, tuple[str, ...]] = {
    "perception": ("survey_responses", "tracking_responses"),
    "public_voice": ("unsolicited_feedback",),
    "facts": ("customers", "interactions", "complaints", "transactions", "billing", "referrals"),
    "field": ("mystery_checks", "mystery_visits"),
    "employees": ("employees_survey",),
    "pilots": ("pilots", "pilot_reach"),
}
DECISIONS = 5
KEYS = (
    "finding", "chain_link", "grade", "report", "result", "standing", "decision", "would_change",
    "role",
)  # fmt: skip


@dataclass(frozen=True, eq=False, kw_only=True)
class Diagnosis(Result):
    """The chain; findings ranked, contradictions, unmeasured and decisions among its tables."""


def diagnose(stated: pd.DataFrame, *, read: Sequence[str] = (), max_findings: int = 7) -> Diagnosis:
    """Tell what the published claims of a study say together.

    Parameters
    ----------
    stated : DataFrame
        One row for each published claim: entry, result (its place on the page), code, fields (mapping),
        grade, caveats (sequence of codes). Not changed.
    read : sequence of str
        Names of the tables that the reports read; with none, nothing is said of what no report read.
    max_findings : int
        How many findings are told, one of each code and place in the chain.

    Returns
    -------
    Diagnosis
        ``table``: the chain: chain_link, standing (found, level, nothing, absent), finding (a `Claim`),
        grade, report, result. ``tables["findings"]``: rank, finding, chain_link, grade, size (0 to 1, at the
        end of its interval nearest to nothing), worth (size times the grade's weight), report, result.
        ``tables["contradictions"]``: finding, grade, report. ``tables["unmeasured"]``: finding, report.
        ``tables["statements"]``: role, times.
        ``tables["decisions"]``: rank, decision, would_change.

    Raises
    ------
    AnalysisError
        If a column is missing, there is no claim at all, or `max_findings` is not a whole number from 1.
    """
    check_columns(stated, COLUMNS)
    check_numbers(
        ("max_findings", max_findings, lambda n: whole_from(n, 1), "a whole number, 1 or more"),
    )
    if stated.empty:
        raise AnalysisError("no report states anything: run the study first")
    claims = _distinct(stated)
    found = ranked(claims)
    told = found[:max_findings]
    chain, apart = [_link(link, claims, found) for link in LINKS], contradictions(claims)
    missing = _unmeasured(claims, chain, read)
    decisions = _decisions(told, apart)
    counts = _counts(stated, claims)
    nothing = Claim("diagnosis.nothing", counts, "D", headline=True)
    top = [
        replace(each.claim, fields={**each.fields, "source": each.source}, headline=True) for each in told
    ] or [nothing]
    return Diagnosis(
        table=pd.DataFrame(chain),
        keys=KEYS,
        estimate_column="worth",
        tables={
            "findings": pd.DataFrame(
                [_finding(k, each) for k, each in enumerate(found, start=1)], columns=FINDINGS
            ),
            "contradictions": pd.DataFrame(
                [{"finding": each, "grade": each.grade, "report": _entries(each)} for each in apart],
                columns=["finding", "grade", "report"],
            ),
            "unmeasured": pd.DataFrame(missing, columns=["finding", "report"]),
            "decisions": pd.DataFrame(decisions, columns=["rank", "decision", "would_change"]),
            "statements": pd.DataFrame([*counts.items()], columns=["role", "times"]),
        },
        settings={
            **counts, "max_findings": max_findings, "weights_of_grades": dict(WEIGHTS),
        },
        claims=(*top, *apart),
        minimum=MINIMUM_EMPLOYEES,  # each claim met its own report's minimum
    )  # fmt: skip


def _distinct(stated: pd.DataFrame) -> list[Stated]:
    """Return the claims, each once: what two pages state alike is told of the first."""
    found: dict[str, Stated] = {}
    for row in stated.to_dict("records"):
        claim = Claim(row["code"], dict(row["fields"]), row["grade"], tuple(row["caveats"]))
        found.setdefault(repr((claim.code, sorted(claim.fields.items(), key=str))), Stated(
            str(row["entry"]), str(row["result"]), claim
        ))  # fmt: skip
    return list(found.values())


def _counts(stated: pd.DataFrame, claims: Sequence[Stated]) -> dict[str, int]:
    roles = [each.role for each in claims]
    return {
        "reports": int(stated["entry"].nunique()), "claims_read": len(claims),
        "findings": roles.count("finding"), "not_told_apart": roles.count("nothing"),
    }  # fmt: skip


def ranked(claims: Sequence[Stated]) -> list[Stated]:
    """Return the findings, most value and grade first: one of each code and place, and of each thing.

    What stands on less than any size above zero is not ranked.
    """
    found = [each for each in claims if each.role == "finding" and value(each) > 0]
    found.sort(key=lambda each: (-score(each), each.entry, each.code, subject(each)))
    kept: list[Stated] = []
    for each in found:
        kinds = {(other.code, other.place) for other in kept}
        things = {(subject(other), other.place) for other in kept if subject(other)}
        if (each.code, each.place) not in kinds and (subject(each), each.place) not in things:
            kept.append(each)
    return kept


def _finding(rank: int, each: Stated) -> dict[str, Any]:
    return {
        "rank": rank, "finding": each.claim, "chain_link": each.place, "grade": each.grade,
        "size": value(each), "worth": score(each), "report": each.entry, "result": each.result,
    }  # fmt: skip


def _link(link: str, claims: Sequence[Stated], found: Sequence[Stated]) -> dict[str, Any]:
    """Return the strongest claim on a link; else what was looked for in vain, a level, or a gap."""
    own = [each for each in claims if each.place == link]
    strongest = next((each for each in found if each.place == link), None)
    level = next((e for code in LEVELS.get(link, ()) for e in own if e.code == code), None)
    vain = next((each for each in own if each.role == "nothing"), None)
    state = next(
        (name for name, one in (("found", strongest), ("nothing", vain), ("level", level)) if one), "absent"
    )
    chosen = strongest or vain or level
    where = {"report": chosen.entry, "result": chosen.result} if chosen else {"report": "", "result": ""}
    return {
        "chain_link": link, "standing": state, "finding": chosen.claim if chosen else None,
        "grade": chosen.grade if chosen else "", **where,
    }  # fmt: skip


def _unmeasured(
    claims: Sequence[Stated], chain: Sequence[Mapping[str, Any]], read: Sequence[str]
) -> list[dict[str, Any]]:
    """Say which links nobody looked at, what the reports themselves say they lack, and who was not heard."""
    absent = [row["chain_link"] for row in chain if row["standing"] == "absent"]
    said = [Claim("diagnosis.absent", {"places": absent}, "D")] if absent else []
    if read:
        unheard = [kind for kind, tables in KINDS.items() if not {*tables} & {*read}]
        said += [Claim("diagnosis.unheard", {"kinds": unheard}, "D")] if unheard else []
    if not any(each.grade == "A" for each in claims):
        said.append(Claim("diagnosis.no_experiment", {}, "D"))
    rows = [{"finding": claim, "report": ""} for claim in said]
    return rows + [{"finding": e.claim, "report": e.entry} for e in claims if e.role == "gap"]


def _decisions(told: Sequence[Stated], apart: Sequence[Claim]) -> list[dict[str, Any]]:
    """Return what to decide on the first findings and contradiction, each with what would change it."""
    about = [(each.code, each.place, each.fields, each.grade) for each in told[: DECISIONS - bool(apart)]]
    about += [(claim.code, "", claim.fields, claim.grade) for claim in apart[:1]]
    rows = []
    for k, (code, place, fields, grade) in enumerate(about, start=1):
        told_of = {"about": code, "place": place, "what": dict(fields)}
        decide, change = (Claim(f"diagnosis.{name}", told_of, grade) for name in ("decide", "change"))
        rows.append({"rank": k, "decision": decide, "would_change": change})
    return rows


def _entries(claim: Claim) -> str:
    return ", ".join(dict.fromkeys(str(source["entry"]) for source in claim.fields["sources"]))
