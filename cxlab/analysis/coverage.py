"""What a data set covers: rows that came and were kept, bases, missing answers, contacts, population.

`flow` follows the rows of each file, `bases` counts every level and says which may be published,
`missing` says what is missing of each question and why, `measured` sets answers against contacts,
`representation` the sample against the population, without and with weights, `rules` says how the rules
of validity stand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxlab.analysis.coverage_bases import Bases, bases
from cxlab.analysis.coverage_contacts import Measured, measured
from cxlab.analysis.coverage_missing import Missing, missing
from cxlab.analysis.coverage_weights import Representation, representation
from cxlab.analysis.estimates import Claim, Result, check_columns
from cxlab.errors import AnalysisError

__all__ = [
    "Bases",
    "Flow",
    "Measured",
    "Missing",
    "Representation",
    "Rules",
    "bases",
    "flow",
    "levels",
    "measured",
    "missing",
    "representation",
    "rules",
]


# What a survey or a customer list is usually cut by, and how the last two are crossed.
USUAL_LEVELS = ("segment", "region", "channel", "region x channel")


def levels(table: pd.DataFrame, by: Sequence[str] = ()) -> list[str]:
    """Return the levels asked for, or the usual ones that the table has.

    Examples
    --------
    >>> levels(pd.DataFrame({"region": ["RM"], "plan": ["a"]})), levels(pd.DataFrame(), ["plan"])
    (['region'], ['plan'])
    """
    present = {column for column in table.columns if table[column].notna().any()}
    return list(by) or [level for level in USUAL_LEVELS if set(level.split(" x ")) <= present]


@dataclass(frozen=True, eq=False, kw_only=True)
class Flow(Result):
    """Rows of each file: read, used, left out by reason; see `flow` for the columns."""


def flow(ledger: pd.DataFrame) -> Flow:
    """Follow the rows of each file from what came to what is used.

    Parameters
    ----------
    ledger : DataFrame
        ``table``, ``file``, ``read``, ``used``, ``excluded``, ``reason``: for each file a row without
        reason, then one for each reason with its count (as `cxlab check` writes it).

    Returns
    -------
    Flow
        ``table``: ``file``, ``table``, ``read``, ``used``, ``excluded``, ``kept`` (used over read).
        ``tables["reasons"]``: ``file``, ``table``, ``reason``, ``excluded``.

    Raises
    ------
    AnalysisError
        If the rows read of a file are not those used plus those left out.

    Examples
    --------
    >>> ledger = pd.DataFrame([("customers", "crm.csv", 100, 98, 2, ""), ("customers", "crm.csv", None, None,
    ...     2, "test accounts")], columns=["table", "file", "read", "used", "excluded", "reason"])
    >>> flow(ledger).table[["file", "read", "used", "excluded", "kept"]].to_numpy().tolist()
    [['crm.csv', 100, 98, 2, 0.98]]
    """
    check_columns(ledger, ["table", "file", "read", "used", "excluded", "reason"])
    plain = ledger["reason"].fillna("") == ""
    files = ledger.loc[plain, ["file", "table", "read", "used", "excluded"]].reset_index(drop=True)
    files = files.astype(dict.fromkeys(["read", "used", "excluded"], "int64"))
    reasons = ledger.loc[~plain, ["file", "table", "reason", "excluded"]].reset_index(drop=True)
    reasons = reasons.astype({"excluded": "int64"})
    _check_sums(files, reasons)
    read = files["read"].to_numpy(dtype=float)
    files["kept"] = np.divide(files["used"], read, out=np.ones(len(files)), where=read > 0)
    return Flow(
        table=files,
        keys=("file", "table", "reason"),
        estimate_column="kept",
        tables={"reasons": reasons},
        settings={"files": int(files["file"].nunique()), "tables": int(files["table"].nunique())},
        claims=_flow_claims(files, reasons),
    )


def _check_sums(files: pd.DataFrame, reasons: pd.DataFrame) -> None:
    place = ["file", "table"]
    told = reasons.groupby(place)["excluded"].sum()
    said = files.set_index(place)["excluded"]
    off = files["read"] != files["used"] + files["excluded"]
    if off.any() or not told.reindex(said.index, fill_value=0).equals(
        said.groupby(level=place).sum().reindex(said.index)
    ):
        raise AnalysisError(
            "the ledger of {files} does not add up: rows read are not rows used plus rows left out by reason",
            files=", ".join(files.loc[off, "file"]) or ", ".join(files["file"]),
        )


def _flow_claims(files: pd.DataFrame, reasons: pd.DataFrame) -> tuple[Claim, ...]:
    """Say how many of the rows that came are used, and the reason that took most away."""
    read, used = int(files["read"].sum()), int(files["used"].sum())
    if not read:
        return ()
    fields = {
        "read": read, "used": used, "excluded": read - used, "files": int(files["file"].nunique()),
    }  # fmt: skip
    if read == used:
        return (Claim("intake.all_kept", fields, "D", headline=True),)
    by_reason = (
        reasons.groupby("reason", sort=False)["excluded"].sum().sort_values(ascending=False, kind="stable")
    )
    most = {"reason": str(by_reason.index[0]), "of_reason": int(by_reason.iloc[0])}
    return (Claim("intake.kept", {**fields, **most}, "D", headline=True),)


@dataclass(frozen=True, eq=False, kw_only=True)
class Rules(Result):
    """How the rules of validity stand; see `rules` for the columns."""


def rules(standings: pd.DataFrame) -> Rules:
    """Say how many rules of validity hold, warn, or could not be checked.

    Parameters
    ----------
    standings : DataFrame
        ``rule``, ``severity`` (stop, warn), ``standing`` (ok, warnings, unchecked), ``warnings`` (how many),
        ``why`` (what there was not to check it with). A rule that stops has no standing here: with a problem
        there are no tables.

    Returns
    -------
    Rules
        ``table``: as given, those that warn first, then those not checked.

    Examples
    --------
    >>> standings = pd.DataFrame([(1, "stop", "ok", 0, ""), (9, "warn", "warnings", 2, "")],
    ...     columns=["rule", "severity", "standing", "warnings", "why"])
    >>> rules(standings).table[["rule", "standing"]].to_numpy().tolist()
    [['9', 'warnings'], ['1', 'ok']]
    """
    check_columns(standings, ["rule", "severity", "standing", "warnings", "why"])
    order = standings["standing"].map({"warnings": 0, "unchecked": 1}).fillna(2)
    table = standings.iloc[np.argsort(order.to_numpy(), kind="stable")].reset_index(drop=True)
    table = table.astype({"rule": str})  # a name, not an amount
    counts = table["standing"].value_counts()
    fields = {
        "rules": len(table),
        **{name: int(counts.get(name, 0)) for name in ("ok", "warnings", "unchecked")},
    }
    return Rules(
        table=table,
        keys=("rule", "severity", "standing", "why"),
        estimate_column="warnings",
        claims=(Claim("intake.rules", fields, "D"),) if len(table) else (),
    )
