"""Rules of a table that need several of its columns, or all of its rows: keys, pairs of dates, sums."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import numpy as np

from cxlab.errors import Message, Problem
from cxlab.intake.files.reading import MOST_SHOWN
from cxlab.intake.tables.rows import Rows

# Shares are fractions of one; this much is lost in writing them with six decimals.
SHARE_TOLERANCE = 1e-6
COMPLETE = Message("complete or correct the file, or exclude those rows with their reason")
# Pairs of columns of which the second may not be less than the first, by table: dates, limits, counts.
_IN_ORDER = {
    "customers": (
        ("start_date", "end_date"),
        ("end_date", "observation_end"),
        ("start_date", "observation_end"),
        ("start_date", "first_seen"),
        ("start_date", "lock_in_end"),
    ),
    "survey_responses": (("sent_at", "responded_at"),),
    "items": (("scale_min", "scale_max"),),
    "waves": (("field_start", "field_end"), ("invited_n", "universe_n")),
    "interactions": (("ts_start", "ts_end"),),
    "complaints": (("opened_at", "closed_at"),),
    "journey_design": (("valid_from", "valid_to"),),
    "standards": (("valid_from", "valid_to"),),
    "pilots": (("start", "end"),),
    "pilot_reach": (("exposed_n", "eligible_n"), ("delivered_as_designed_n", "exposed_n")),
}
# A month as billing writes it; other periods are not compared with the day of the data.
_MONTH = r"\d{4}-(?:0[1-9]|1[0-2])"


def cross_breaches(rows: Rows, *, today: date) -> Iterator[Problem]:
    """Give the breaches of a table that no single cell shows.

    Parameters
    ----------
    rows : Rows
    today : date
        No month may be later.
    """
    yield from _repeated_keys(rows)
    yield from _disordered(rows)
    if rows.table.columns.get("period") is not None:
        yield from _wrong_periods(rows, today)
    for rule in _RULES.get(rows.name, ()):
        yield from rule(rows)


def _repeated_keys(rows: Rows) -> Iterator[Problem]:
    frame, table = rows.frame, rows.table
    key = [column for column in table.key if column in frame]
    if not key or table.key[0] not in frame or (table.key_needs and table.key_needs not in frame):
        return
    if len(rows.parts) == 1 and rows.parts[0].mapped.distinct & set(key):
        return
    present = frame[table.key_needs or key[0]].notna().to_numpy()
    repeated = frame.duplicated(key, keep="first").to_numpy() & present
    at = np.flatnonzero(repeated)
    if not len(at):
        return
    twice = frame.loc[frame.duplicated(key, keep=False), key].reset_index()
    firsts = dict(
        zip(
            twice["index"],
            twice.groupby(key, dropna=False, sort=False)["index"].transform("first"),
            strict=True,
        )
    )
    for row in at[:MOST_SHOWN]:
        before = rows.part(int(firsts[row]))
        line = int(before.mapped.lines[int(firsts[row]) - before.first])
        found = Message(
            "the {key} of row {line} of {file} again",
            key=" + ".join(key),
            line=line,
            file=before.mapped.source.file,
        )
        yield rows.problem(
            int(row),
            key[-1] if len(key) == 1 else key[0],
            Message("each {key} once", key=" + ".join(key)),
            Message("remove the repeated rows in the file, or ask which one stands"),
            found=found,
            rule=1,
        )
    if len(at) > MOST_SHOWN:
        more = Message("{n} more repeated", n=len(at) - MOST_SHOWN)
        yield rows.problem(
            int(at[MOST_SHOWN]),
            key[0],
            Message("each {key} once", key=" + ".join(key)),
            Message("remove the repeated rows in the file, or ask which one stands"),
            found=more,
            count=len(at) - MOST_SHOWN,
            rule=1,
        )


def _disordered(rows: Rows) -> Iterator[Problem]:
    frame = rows.frame
    for first, second in _IN_ORDER.get(rows.name, ()):
        if first not in frame or second not in frame:
            continue
        wrong = (frame[first] > frame[second]).to_numpy()
        if rows.table.columns[first].kind != "date":
            allowed = Message("{second} not less than {first}", first=first, second=second)
            yield from rows.cells(second, wrong, allowed, COMPLETE)
            continue
        blamed = first if second == "observation_end" else second
        allowed = Message("{second} on or after {first}", first=first, second=second)
        action = Message("correct the dates in the file, or exclude those rows with their reason")
        yield from rows.cells(blamed, wrong, allowed, action, rule=7)


def _wrong_periods(rows: Rows, today: date) -> Iterator[Problem]:
    if "period" not in rows.frame:
        return
    periods = rows.frame["period"]
    told = periods.isna() | rows.already_faulty("period")
    month = periods.astype("string").str.fullmatch(_MONTH).fillna(value=False)
    action = Message("write it so in the file, or recode it under `values:`")
    yield from rows.cells("period", (~month & ~told).to_numpy(), Message("a month as 2025-06"), action)
    later = month & (periods.astype("string") > f"{today:%Y-%m}").fillna(value=False)
    allowed = Message("months up to {month}", month=f"{today:%Y-%m}")
    action = Message("correct the file; if the data are of a later day, correct `data_date:`")
    yield from rows.cells("period", later.to_numpy(), allowed, action, rule=7)


def _wrong_amounts(rows: Rows) -> Iterator[Problem]:
    """Refuse refunds that bring money in, and sales that take it out."""
    frame = rows.frame
    if not {"kind", "amount"} <= set(frame.columns):
        return
    refund, amount = frame["kind"].eq("refund"), frame["amount"]
    action = Message(
        "correct the file; if refunds come without their sign: `derive: {amount: ...}`, or exclude them"
    )
    yield from rows.cells(
        "amount", (refund & (amount > 0)).to_numpy(), Message("0 or less for a refund"), action
    )
    sale = frame["kind"].notna() & ~refund & ~frame["kind"].eq("downgrade")
    action = Message("give those rows the kind refund, or exclude them with their reason")
    yield from rows.cells("amount", (sale & (amount < 0)).to_numpy(), Message("0 or more for a sale"), action)


def _own_referrals(rows: Rows) -> Iterator[Problem]:
    if {"referrer_id", "referred_id"} <= set(rows.frame.columns):
        wrong = rows.frame["referrer_id"].eq(rows.frame["referred_id"]).to_numpy()
        yield from rows.cells("referred_id", wrong, Message("another customer than referrer_id"), COMPLETE)


def _incomplete_dates(rows: Rows) -> Iterator[Problem]:
    frame = rows.frame
    dated = {"start_date", "observation_end"} <= set(frame.columns)
    needed = ("start_date", "observation_end") if dated and "duration" not in frame else ("duration",)
    for column in (name for name in needed if name in frame):
        wrong = frame[column].isna().to_numpy() & ~rows.already_faulty(column)
        yield from rows.cells(column, wrong, Message("a value in every row"), COMPLETE)
    if "event" in frame and "end_date" in frame:
        left = frame["end_date"].notna()
        wrong = ((frame["event"].eq(1) & ~left) | (frame["event"].eq(0) & left)).to_numpy()
        allowed = Message("1 with an end_date, 0 without")
        yield from rows.cells(
            "event", wrong, allowed, Message("correct the file, or map only one of the two")
        )


def _without_error(rows: Rows) -> Iterator[Problem]:
    errors = [column for column in ("n", "std_error") if column in rows.frame]
    if errors:
        wrong = rows.frame[errors].isna().all(axis=1).to_numpy()
        yield from rows.cells(errors[0], wrong, Message("n or std_error in every row"), COMPLETE, rule=22)


def _unsummed(rows: Rows) -> Iterator[Problem]:
    frame = rows.frame
    key = [column for column in ("wave_id", "variable") if column in frame]
    for group, part in frame.groupby(key, sort=False, dropna=False):
        total = part["share"].sum()
        if abs(total - 1) <= SHARE_TOLERANCE or part["share"].isna().any():
            continue
        action = Message("correct the shares in the file")
        if abs(total - 100) < 1:
            action = Message(
                'they are percentages: call them attr_percent and `derive: {share: "attr_percent / 100"}`'
            )
        yield rows.problem(
            int(part.index[0]),
            "share",
            Message("shares of one that add up to 1"),
            action,
            found=Message(
                "shares of {variable} that add up to {total:.6g}",
                variable=" ".join(str(each) for each in group),
                total=total,
            ),
            count=len(part),
        )


def _tests_left(rows: Rows) -> Iterator[Problem]:
    if "status" in rows.frame:
        wrong = rows.frame["status"].eq("test").to_numpy()
        action = Message("exclude them: `exclude: [{where: \"status == 'test'\", reason: test}]`")
        yield from rows.cells("status", wrong, Message("complete or partial"), action, rule=9)


def _wrong_counts(rows: Rows) -> Iterator[Problem]:
    frame = rows.frame
    if not {"successes", "trials"} <= set(frame.columns):
        return
    successes, trials = frame["successes"], frame["trials"]
    told = rows.already_faulty("successes") | rows.already_faulty("trials")
    wrong = ((successes > trials) | (successes.isna() ^ trials.isna())).to_numpy() & ~told
    allowed = Message("both counts, and no more successes than trials")
    yield from rows.cells("successes", wrong, allowed, COMPLETE)
    if not {*rows.table.ratings} & set(frame.columns):
        neither = (trials.isna() & successes.isna()).to_numpy() & ~told
        yield from rows.cells("trials", neither, Message("a count in every row"), COMPLETE)


_RULES = {
    "customers": (_incomplete_dates,),
    "survey_responses": (_tests_left,),
    "transactions": (_wrong_amounts,),
    "referrals": (_own_referrals,),
    "benchmark_responses": (_wrong_counts,),
    "benchmark_scores": (_without_error,),
    "population_targets": (_unsummed,),
}
