"""Banner tables: every question against every group, with bases, errors and letters; the annex of a study.

One line of cells (total and groups) for each question and statistic: the mean and the share of the two best
answers of a rating, the share of each answer of a category. Estimates and errors are those of scores
(`cxlab.analysis.survey`); letters say which groups a group exceeds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from cxlab.analysis.columns import check_rows, named
from cxlab.analysis.disclosure import Released, guarded
from cxlab.analysis.dropped import WEIGHT_ZERO, check_entered, entering
from cxlab.analysis.estimates import Claim, Result, adjusted, check_columns, check_level
from cxlab.analysis.findings import segment_name
from cxlab.analysis.intervals import differences, interval
from cxlab.analysis.questions import Line, closed, lines_of, scales_of
from cxlab.analysis.survey import Cells, Design, Partition, cells, design_of, partition
from cxlab.errors import AnalysisError, Message

__all__ = ["Banner", "closed", "letter", "tabulate"]

Array = np.ndarray[Any, Any]
Beside = Literal["letters", "intervals"]

COLUMNS = ["estimate", "std_error", "conf_low", "conf_high", "n", "n_eff", "exceeds", "flag"]
NO_ITEM = Message("no question answered")


@dataclass(frozen=True, eq=False, kw_only=True)
class Banner(Result):
    """Every question by every group; see `tabulate` for the tables."""


@dataclass(frozen=True, slots=True)
class _Cut:
    """The groups of a banner: their columns, letters, and the cell of each row."""

    by: tuple[str, ...]
    parts: Partition

    @property
    def name(self) -> str:
        return segment_name(self.by)

    @property
    def letters(self) -> list[str]:
        return [letter(k) for k in range(len(self.parts.keys))]


def tabulate(
    table: pd.DataFrame, items: Sequence[str], *, by: str | Sequence[str] = (),
    codebook: pd.DataFrame | None = None, weights: str | None = None, strata: str | None = None,
    cluster: str | None = None, beside: Beside = "letters", level: float = 0.95,
) -> Banner:  # fmt: skip
    """Set every question against every group.

    Parameters
    ----------
    table : DataFrame
        One row per respondent; not changed. Scales declared in ``table.attrs["scales"]`` are honoured.
    items : sequence of str
        Columns of the questions: ratings are numbers, everything else is a category.
    by : str or sequence of str
        Columns of the banner, each on its own; ``"region x channel"`` crosses two.
    codebook : DataFrame, optional
        Canonical `items`: ``item_id``, ``text_es``, ``text_en``, ``scale_min``, ``scale_max``, ``direction``.
    weights, strata, cluster : str or None
        Columns of the design, as in `cxlab.analysis.metrics.score`.
    beside : {"letters", "intervals"}
        What a reader has beside each estimate; the result holds both.
    level : float
        Confidence level of intervals and letters.

    Returns
    -------
    Banner
        ``table``, the totals: ``item``, ``measure`` (mean, best, share), ``answer`` (which answers),
        ``estimate`` (scale points or percent), ``std_error``, ``conf_low``, ``conf_high``, ``n``, ``n_eff``,
        ``flag``.
        ``tables[name]`` for each of `by`: the same with the columns of the cut (empty in the row of the
        total), ``column`` (its letter) and ``exceeds``: the letters of the groups that it is above.
        ``tables["questions"]``: ``item``, ``text_es``, ``text_en``, ``scale``, ``n``. ``tables["left_out"]``:
        ``item``, ``reason``. ``tables["pairs"]``: for each of `by` how many pairs were compared, and stand.

    Raises
    ------
    AnalysisError
        If a column is missing, no question can be tabulated, or the design cannot be used.

    Notes
    -----
    Groups of a cut do not overlap and are compared in pairs, unless they are hidden, with the covariance
    of the design and effective bases; the total, which holds them all, is compared with none. Letters are
    adjusted within each question and statistic (Holm). Over a long annex some still appear by chance, so
    claims adjust over all questions of a cut.

    References
    ----------
    Holm 1979; Lumley 2004, doi:10.18637/jss.v009.i08.

    Examples
    --------
    >>> answers = pd.DataFrame({"ease": [5] * 40 + [1] * 40, "plan": ["a"] * 40 + ["b"] * 40})
    >>> answers.attrs["scales"] = {"ease": [1, 5]}
    >>> found = tabulate(answers, ["ease"], by="plan").tables["plan"]
    >>> found[["measure", "plan", "column", "estimate", "exceeds"]].fillna("").values.tolist()[:3]
    [['mean', '', '', 3.0, ''], ['mean', 'a', 'A', 5.0, 'B'], ['mean', 'b', 'B', 1.0, '']]
    """
    check_level(level)
    if beside not in get_args(Beside):
        raise AnalysisError("beside is {beside!r}; it can be letters or intervals", beside=beside)
    check_rows(table, cluster=cluster)
    check_columns(table, items)
    design = design_of(table, weights, strata, cluster)
    cuts = [_cut(table, name) for name in dict.fromkeys(named(by))]
    lines, left_out = lines_of(table, items, scales_of(table, codebook))
    answered = np.any([~np.isnan(line.numerator) for line in lines], axis=0)
    used, dropped = entering(len(table), [(WEIGHT_ZERO, design.weights == 0), (NO_ITEM, ~answered)])
    check_entered(used, dropped)
    whole = np.zeros(len(table), dtype=np.int64)
    totals = [(line, _cells(line, design, whole, 1)) for line in lines]
    main = pd.concat([_rows(line, found, None, level) for line, found in totals], ignore_index=True)
    columns = {column: column for cut in cuts for column in cut.by}
    result = Banner(
        table=main.drop(columns="exceeds"),
        keys=("item", "measure", "answer", "column", *columns, "reason"),
        tables={cut.name: _against(cut, totals, design, level) for cut in cuts},
        n_used=int(used.sum()),
        n_dropped=dropped,
        settings={
            "items": list(items), "by": [cut.name for cut in cuts], "level": level, "adjust": "holm",
            "beside": beside, "weights": weights if design.weighted else None, "strata": strata,
            "cluster": cluster,
        },
        parts=columns,
        minimum=design.minimum,
    )  # fmt: skip
    # Letters speak of two cells: they are given among those that will be shown.
    shown = guarded(result, Released())
    lettered = {cut.name: _lettered(shown.tables[cut.name], cut, totals, design, level) for cut in cuts}
    pairs = pd.DataFrame([found for _, found in lettered.values()], columns=list(_PAIRS))
    return replace(
        result,
        tables={
            **{name: frame for name, (frame, _) in lettered.items()},
            "questions": _questions(main, codebook),
            "left_out": pd.DataFrame(left_out, columns=["item", "reason"]),
            "pairs": pairs,
        },
        claims=_claims(pairs, len({line.item for line in lines}), int(used.sum()), level),
    )


_PAIRS = ("cut", "groups", "compared", "lettered", "stand", "questions_apart")


def letter(k: int) -> str:
    """Name the k-th column of a banner, counted from nought.

    Examples
    --------
    >>> letter(0), letter(25), letter(26)
    ('A', 'Z', 'AA')
    """
    return (letter(k // 26 - 1) if k >= 26 else "") + chr(ord("A") + k % 26)


def _cut(table: pd.DataFrame, name: str) -> _Cut:
    by = tuple(part.strip() for part in name.split(" x "))
    if len(set(by)) < len(by) or set(by) & {*COLUMNS, "item", "measure", "answer", "column"}:
        raise AnalysisError(
            "by names {columns}; each column once, and none that a table uses itself", columns=name
        )
    return _Cut(by, partition(table, by))


def _cells(line: Line, design: Design, codes: Array, count: int) -> Cells:
    return cells(line.numerator, line.denominator, design, codes, count)


def _rows(line: Line, reduced: Cells, cut: _Cut | None, level: float) -> pd.DataFrame:
    """Return the cells of one line in which somebody answers."""
    present = np.flatnonzero(reduced.rows > 0)
    group = reduced.groups(np.eye(len(reduced.rows))[present])
    low, high = interval(group, line.entry, level)
    frame = pd.DataFrame({"item": line.item, "measure": line.measure, "answer": line.answer}, index=present)
    if cut is not None:
        frame = frame.join(cut.parts.keys).assign(column=[cut.letters[k] for k in present])
    return frame.assign(
        estimate=group.estimate, std_error=group.std_error, conf_low=low, conf_high=high,
        n=group.n.astype(int), n_eff=group.n_eff, exceeds="",
        flag=group.flags(),
    )  # fmt: skip


def _against(cut: _Cut, totals: Sequence[tuple[Line, Cells]], design: Design, level: float) -> pd.DataFrame:
    """Return one banner: for each line the total, then its groups."""
    frames = []
    for line, whole in totals:
        total = _rows(line, whole, None, level).assign(column="", **dict.fromkeys(cut.by))
        groups = _rows(line, _cells(line, design, cut.parts.codes, len(cut.parts.keys)), cut, level)
        frames += [total[groups.columns].astype(dict.fromkeys(cut.by, object)), groups]
    return pd.concat(frames, ignore_index=True)


def _lettered(
    table: pd.DataFrame,
    cut: _Cut,
    totals: Sequence[tuple[Line, Cells]],
    design: Design,
    level: float,
) -> tuple[pd.DataFrame, tuple[Any, ...]]:
    """Give the letters of one banner, and count its pairs: compared, lettered, standing over all."""
    table = table.copy()
    shown = table[(table["flag"] != "suppressed") & (table["column"] != "")]
    of_line = {key: dict(zip(own["column"], own.index, strict=True)) for key, own in shown.groupby(_LINE)}
    found = [
        _compared(line, cut, design, of_line.get((line.item, line.measure, line.answer), {}), level)
        for line, _ in totals
    ]
    pairs = pd.concat(found, ignore_index=True)
    if len(pairs):
        family = pairs["item"] + "\n" + pairs["measure"]
        pairs["own"] = pairs.groupby(family)["p_value"].transform(lambda p: adjusted(p, "holm"))
        pairs["all"] = adjusted(pairs["p_value"], "holm")
    told = pairs[pairs["own"] <= 1 - level]
    for row, own in told.groupby("above"):
        table.loc[row, "exceeds"] = " ".join(own["letter"])
    stand = pairs[pairs["all"] <= 1 - level]
    counted = (len(pairs), len(told), len(stand), int(stand["item"].nunique()))
    return table, (cut.name, len(cut.parts.keys), *counted)


_LINE = ["item", "measure", "answer"]


def _compared(line: Line, cut: _Cut, design: Design, rows: Mapping[str, int], level: float) -> pd.DataFrame:
    """Compare the groups of one line in pairs; who is above whom, as rows of the table."""
    columns = ["item", "measure", "above", "letter", "p_value", "own", "all"]
    places = [k for k, name in enumerate(cut.letters) if name in rows]
    pairs = np.array(list(combinations(places, 2))).reshape(-1, 2)
    if not len(pairs):
        return pd.DataFrame(columns=columns)
    reduced = _cells(line, design, cut.parts.codes, len(cut.parts.keys))
    unit = np.eye(len(reduced.rows))
    tested = differences(
        reduced, reduced.groups(unit[pairs[:, 0]]), reduced.groups(unit[pairs[:, 1]]), line.entry, level
    )
    first = tested.difference > 0
    above, below = np.where(first, pairs.T, pairs.T[::-1])
    known = ~np.isnan(tested.p_value)
    return pd.DataFrame(
        {
            "item": line.item, "measure": line.measure, "above": [rows[cut.letters[k]] for k in above],
            "letter": [cut.letters[k] for k in below], "p_value": tested.p_value,
            "own": np.nan, "all": np.nan,
        }
    )[known]  # fmt: skip


def _questions(main: pd.DataFrame, codebook: pd.DataFrame | None) -> pd.DataFrame:
    """List the questions as they were asked."""
    own = main.drop_duplicates("item")
    scale = np.where(own["measure"] == "mean", own["answer"], "")
    frame = pd.DataFrame({"item": own["item"].to_numpy(), "scale": scale, "n": own["n"].to_numpy()})
    frame["flag"] = own["flag"].to_numpy()
    for column in ("text_es", "text_en"):
        texts: dict[str, Any] = {}
        if codebook is not None and {"item_id", column} <= set(codebook.columns):
            texts = dict(zip(codebook["item_id"].astype(str), codebook[column], strict=True))
        frame[column] = [
            texts.get(item) if isinstance(texts.get(item), str) else "" for item in frame["item"]
        ]
    return frame[["item", "text_es", "text_en", "scale", "n", "flag"]]


def _claims(pairs: pd.DataFrame, questions: int, n: int, level: float) -> tuple[Claim, ...]:
    """Say of each banner in how many questions groups differ once all its questions are adjusted together."""
    claims = []
    for row in pairs[pairs["compared"] > 0].to_dict("records"):
        fields = {
            "column": row["cut"], "questions": questions, "apart": int(row["questions_apart"]),
            "compared": int(row["compared"]), "level": level, "n": n,
        }  # fmt: skip
        code = "tables.apart" if row["questions_apart"] else "tables.alike"
        claims.append(Claim(code, fields, "D", headline=True))
    return tuple(claims)
