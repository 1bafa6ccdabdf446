"""The specifications of a sweep as they came: read, and refused with all that is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.columns import as_floats, shown
from cxlab.analysis.estimates import check_columns, t_quantile
from cxlab.analysis.sensitivity.choices import MOST, Array
from cxlab.errors import AnalysisError, Message, Problem

CHOICE = "choice_"  # what the column of a choice is called before its parameter
NEEDED = ("point", "status", "estimate", "conf_low", "conf_high")
NUMBERS = ("estimate", "std_error", "conf_low", "conf_high", "n", "n_eff")
ABSENT = "absent"  # done, but without the number that was asked for
STATUSES = ("done", "failed", "suppressed", "unpublished", ABSENT)


@dataclass(frozen=True, slots=True)
class Points:
    """The specifications of a sweep.

    Attributes
    ----------
    table : DataFrame
        One row each: point, the choices that vary, `NUMBERS` (missing where not done), flag, status (with
        ``absent``), message; those with an estimate first, by it.
    choices : tuple of str
        Parameters whose options differ among those with an estimate.
    fixed : Mapping[str, str]
        Parameters with one option.
    unit : str
        What the estimate is counted in.
    """

    table: pd.DataFrame
    choices: tuple[str, ...]
    fixed: Mapping[str, str]
    unit: str

    @property
    def done(self) -> pd.DataFrame:
        """Those with an estimate."""
        return self.table[self.table["status"] == "done"]

    def codes(self) -> tuple[Array, dict[str, list[str]]]:
        """Option of each choice in each of `done`, (N, K), and what the options are."""
        options = {name: in_order(self.done[CHOICE + name]) for name in self.choices}
        columns = [
            pd.Categorical(self.done[CHOICE + name], categories=own).codes for name, own in options.items()
        ]
        return np.column_stack(columns).astype(np.int64), options


def errors_of(done: pd.DataFrame, level: float) -> pd.Series[float]:
    """Return standard errors, missing ones as the interval's half width over the normal quantile."""
    half = (done["conf_high"] - done["conf_low"]) / 2 / t_quantile(level)
    errors: pd.Series[float] = done["std_error"].fillna(half).dropna()
    return errors


def in_order(values: Sequence[str] | pd.Series[str]) -> list[str]:
    """Return the different options in order: numbers by size, else as text.

    Examples
    --------
    >>> in_order(["10", "9", "10"]), in_order(["raked", "none"])
    (['9', '10'], ['none', 'raked'])
    """
    different = sorted(set(values))
    try:
        return sorted(different, key=float)
    except ValueError:
        return different


def read(frame: pd.DataFrame, reference: str | None, null: float) -> Points:
    """Read the specifications of a sweep; refuse them naming everything that is wrong.

    Raises
    ------
    AnalysisError
        As `cxlab.analysis.sensitivity.specification_curve` says.
    """
    check_columns(frame, NEEDED)
    names = [str(c).removeprefix(CHOICE) for c in frame.columns if str(c).startswith(CHOICE)]
    problems = [*_of_cells(frame, names), *_of_reference(frame, reference)]
    if problems:
        raise AnalysisError("the specifications cannot be compared", problems=problems)
    table = _told(frame, names)
    done = table[table["status"] == "done"]
    varying = [name for name in names if done[CHOICE + name].nunique() > 1]
    problems = list(_of_grid(table, done, names, varying, null))
    if problems:
        raise AnalysisError("the specifications cannot be compared", problems=problems)
    fixed = {name: str(done[CHOICE + name].iloc[0]) for name in names if name not in varying}
    also = [name for name in fixed if table[CHOICE + name].nunique() > 1]
    kept = ["point", *(CHOICE + name for name in names if name in varying or name in also), *NUMBERS]
    units = [unit for unit in done["unit"] if unit]
    return Points(
        table[[*kept, "flag", "status", "message"]], tuple(varying), fixed, units[0] if units else "scale"
    )


def _told(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Give every specification the same columns, none a number that it may not show, in order."""
    rows = len(frame)
    held: dict[str, Any] = {"point": frame["point"].map(str)}
    held |= {CHOICE + name: frame[CHOICE + name].map(str) for name in names}
    held |= {name: as_floats(frame[name]) if name in frame else np.full(rows, np.nan) for name in NUMBERS}
    held |= {name: _texts(frame, name) for name in ("flag", "unit", "message")}
    table = pd.DataFrame(held, index=frame.index)
    hidden = table["flag"] == "suppressed"
    status = frame["status"].astype(object).mask(hidden & (frame["status"] == "done"), "suppressed")
    table["status"] = status.mask((status == "done") & table["estimate"].isna(), ABSENT)
    table["flag"] = table["flag"].mask(table["status"] == "suppressed", "suppressed")
    numbers = list(NUMBERS)
    table[numbers] = table[numbers].where(table["status"] == "done")
    last = (table["status"] != "done").map({False: "", True: "~"}) + table["status"]
    return (
        table.assign(last=last)
        .sort_values(["last", "estimate", "point"], kind="stable")
        .drop(columns="last")
        .reset_index(drop=True)
    )


def _texts(frame: pd.DataFrame, name: str) -> pd.Series[Any]:
    """Return a column of texts; an analysis' `Message` stays one, so that it can be translated."""
    if name not in frame:
        return pd.Series("ok" if name == "flag" else "", index=frame.index, dtype=object)
    held = frame[name].astype(object)
    return held.where(held.notna(), "")


def _of_cells(frame: pd.DataFrame, names: Sequence[str]) -> Iterator[Problem]:
    """Tell what is wrong with single cells."""
    other = frame.loc[~frame["status"].isin(STATUSES), "status"]
    if len(other):
        yield Problem(
            found=shown(map(str, other.unique())), allowed=", ".join(STATUSES), column="status",
            action=Message("say of each specification what became of it"), count=len(other),
        )  # fmt: skip
    for name in names:
        if frame[CHOICE + name].isna().any():
            yield Problem(
                found=Message("no option"), allowed=Message("one option for each specification"),
                action=Message("give the parameter's value, its default too"),
                column=CHOICE + name, count=int(frame[CHOICE + name].isna().sum()),
            )  # fmt: skip
    numbers = {name: as_floats(frame[name]) for name in NUMBERS if name in frame}
    for name, held in numbers.items():
        if held is None or np.isinf(held).any():
            yield Problem(
                found=Message("what is no finite number"), allowed=Message("finite numbers, or missing"),
                action=Message("correct the column"), column=name,
            )  # fmt: skip
    low, high = numbers["conf_low"], numbers["conf_high"]
    if low is not None and high is not None and (low > high).any():
        yield Problem(
            found=Message("limits the wrong way round"), allowed=Message("conf_low at most conf_high"),
            action=Message("correct the column"), column="conf_low", count=int((low > high).sum()),
        )  # fmt: skip


def _of_reference(frame: pd.DataFrame, reference: str | None) -> Iterator[Problem]:
    points = frame["point"].map(str)
    if points.duplicated().any():
        yield Problem(
            found=Message("points repeated: {points}", points=shown(points[points.duplicated()].unique())),
            allowed=Message("each specification once"), column="point",
            action=Message("keep one row for each, of one quantity"), count=int(points.duplicated().sum()),
        )  # fmt: skip
    if reference is not None and str(reference) not in set(points):
        yield Problem(
            found=Message("no point named {reference}", reference=reference), allowed=shown(points),
            action=Message("name the reference as the sweep does"), column="point",
        )  # fmt: skip


def _of_grid(
    table: pd.DataFrame, done: pd.DataFrame, names: Sequence[str], varying: Sequence[str], null: float
) -> Iterator[Problem]:
    """Tell why the specifications together say nothing of choices."""
    if len(done) < 2:
        yield Problem(
            found=Message("specifications with an estimate: {count}", count=len(done)),
            allowed=Message("2 or more"), action=Message("run more of them, or see why they failed"),
        )  # fmt: skip
    if not varying:
        yield Problem(
            found=Message("no choice that varies among those with an estimate"),
            allowed=Message("one column {prefix}NAME or more, with two options", prefix=CHOICE),
            action=Message("give the sweep a grid"),
        )  # fmt: skip
    if len(varying) > MOST:
        yield Problem(
            found=Message("choices that vary: {count}", count=len(varying)),
            allowed=Message("at most {most}", most=MOST), action=Message("sweep fewer of them at a time"),
        )  # fmt: skip
    alike = table.duplicated([CHOICE + name for name in names]) if names else pd.Series(dtype=bool)
    if alike.any():
        twice = shown(table["point"][alike])
        yield Problem(
            found=Message("specifications alike in every choice: {points}", points=twice),
            allowed=Message("each combination once"), count=int(alike.sum()),
            action=Message("give what tells them apart as a choice"),
        )  # fmt: skip
    units = [unit for unit in done["unit"].unique() if unit]
    if units == ["ratio"] and null <= 0:
        yield Problem(
            found=Message("null {null:g} of ratios", null=null), allowed=Message("a number above zero"),
            action=Message("give 1, the ratio that says that there is nothing"), column="unit",
        )  # fmt: skip
    if len(units) > 1:
        yield Problem(
            found=Message("units: {units}", units=", ".join(units)), allowed=Message("one unit"),
            action=Message("compare estimates of one unit: leave out the choice that changes it"),
            column="unit",
        )  # fmt: skip
