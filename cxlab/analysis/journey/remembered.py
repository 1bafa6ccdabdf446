"""What customers remember of their journeys: the mean, the worst, the best, or the end.

The later score of the whole relation is explained by one summary of the journeys before it at a time, and
each is judged by the error that it makes for a customer whom it has not seen (leave-one-out). With few
customers none can be told from another, and that is what is said.

References
----------
Kahneman, Fredrickson, Schreiber & Redelmeier 1993, doi:10.1111/j.1467-9280.1993.tb00589.x (peak and end).
Allen 1974, doi:10.1080/00401706.1974.10489157 (PRESS).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from cxlab.analysis.covariates import numbers
from cxlab.analysis.estimates import (
    LOW_BASE,
    Claim,
    Result,
    adjusted,
    check_columns,
    check_level,
    check_numbers,
    flags,
    stated,
    t_quantile,
    whole_from,
)
from cxlab.analysis.findings import base_caveats
from cxlab.analysis.journey.episodes import Episodes, of_episodes
from cxlab.errors import AnalysisError, Message

Array = np.ndarray[Any, Any]

FEWEST = 3
MEAN, WORST, BEST, END, PEAK_END = "mean", "worst", "best", "end", "peak_end"
SUMMARIES = (MEAN, WORST, BEST, END, PEAK_END)
ROW = [
    "summary", "estimate", "left_error", "difference", "std_error", "conf_low", "conf_high", "p_value",
    "p_adjusted", "n", "flag",
]  # fmt: skip
_FEW = Message("customers with fewer than {fewest} scored journeys before their answer")


@dataclass(frozen=True, eq=False, kw_only=True)
class Remembered(Result):
    """Summaries of journeys against the later score; see `remembered` for the columns."""


def remembered(
    found: Episodes,
    surveys: pd.DataFrame,
    score: str,
    *,
    relational: str = "overall_sat",
    answered: str = "responded_at",
    fewest: int = FEWEST,
    level: float = 0.95,
) -> Remembered:
    """Say which summary of a customer's journeys foretells best what they later say of the whole.

    Parameters
    ----------
    found : Episodes
        What `episodes` returned.
    surveys : DataFrame
        One row per answer: the customer, when, and the score of the whole relation.
    score : str
        Column of the contacts with the score of a journey; empty: nothing is compared.
    relational, answered : str
        Columns of `surveys`.
    fewest : int
        Scored journeys, ended before the answer, that a customer must have.
    level : float
        Confidence level.

    Returns
    -------
    Remembered
        ``table``: ``summary`` (mean, worst, best, end, peak_end: half worst, half end), ``estimate`` (part
        of the variance of the later score foretold for customers left out; below zero, worse than its
        mean), ``left_error`` (root of the mean squared error, in its units), ``difference`` (of the part
        to that of the mean), ``std_error``, ``conf_low``, ``conf_high``, ``p_value``,
        ``p_adjusted`` (Holm), ``n`` (customers), ``flag``. Without 30 such customers there are no rows.

    Examples
    --------
    >>> from cxlab.analysis.journey.episodes import episodes
    >>> rng = np.random.default_rng(1); notes = rng.integers(1, 8, (200, 3)).astype(float)
    >>> log = pd.DataFrame({"customer_id": np.repeat(range(200), 3), "channel": "app",
    ...     "ts_start": np.tile(pd.to_datetime(["2025-01-01", "2025-03-01", "2025-05-01"]), 200),
    ...     "note": notes.reshape(-1)})
    >>> later = pd.DataFrame({"customer_id": range(200), "responded_at": pd.Timestamp("2025-06-01"),
    ...     "overall_sat": notes[:, 2] + rng.normal(0, 0.5, 200)})
    >>> remembered(episodes(log), later, "note").claims[0].fields["summary"]
    'end'
    """
    check_level(level)
    check_numbers(("fewest", fewest, lambda k: whole_from(k, 2), Message("a whole number, 2 or more")))
    settings = {
        "level": level, "score": score, "relational": relational, "fewest": fewest, "unit": "share",
    }  # fmt: skip
    if not score or surveys.empty or not {found.person, relational, answered} <= set(surveys.columns):
        return _nothing(settings, 0)
    check_columns(found.contacts, [score])
    table, later, left = _customers(found, surveys, score, relational, answered, fewest)
    if len(later) < LOW_BASE or np.ptp(later) == 0:
        return _nothing(settings, len(later))
    rows = _compared(table, later, level)
    tests = rows[rows["p_value"].notna()]
    tests = tests.assign(hypothesis=[f"remembered: {name} against the mean" for name in tests["summary"]])
    said, otherwise = _claims(tests, rows, settings, level)
    return Remembered(
        table=rows,
        keys=("summary", "hypothesis"),
        tables={"tests": tests[["hypothesis", "p_value", "p_adjusted"]]},
        n_used=len(later),
        n_dropped={Message(_FEW, fewest=fewest): left} if left else {},
        settings=settings,
        claims=stated(tests, said, otherwise, level),
        otherwise=otherwise,
    )


def _nothing(settings: dict[str, Any], customers: int) -> Remembered:
    told = {"customers": customers, "needed": LOW_BASE, "fewest": settings["fewest"]}
    return Remembered(
        table=pd.DataFrame(columns=ROW),
        keys=("summary",),
        settings=settings,
        claims=(Claim("journey.remembered_few", told, "D"),),
    )


def _customers(
    found: Episodes, surveys: pd.DataFrame, score: str, relational: str, answered: str, fewest: int
) -> tuple[pd.DataFrame, Array, int]:
    """Return the summaries of each customer's journeys before their last answer, and that answer."""
    values, problems = numbers(found.contacts, score)
    later, more = numbers(surveys, relational)
    if problems or more:
        raise AnalysisError("these covariates cannot be used", problems=[*problems, *more])
    ends = found.contacts[found.when].to_numpy().astype("datetime64[ns]").astype(np.int64).astype(float)
    first = (found.contacts["place"] == 0).to_numpy()
    journeys = pd.DataFrame(
        {
            "person": found.contacts.loc[first, found.person].to_numpy(),
            "score": of_episodes(found, values, "last"),
            "ended": of_episodes(found, ends, "any"),
        }
    )
    answers = pd.DataFrame(
        {"person": surveys[found.person].to_numpy(), "said": later, "at": surveys[answered].to_numpy()}
    ).dropna()
    answers["at"] = answers["at"].astype("datetime64[ns]").astype(np.int64).astype(float)
    last = answers.sort_values("at", kind="stable").drop_duplicates("person", keep="last")
    both = journeys.dropna().merge(last, on="person")
    both = both[both["ended"] < both["at"]].sort_values(["person", "ended"], kind="stable")
    grouped = both.groupby("person", sort=True)
    whole = grouped.agg(
        mean=("score", "mean"), worst=("score", "min"), best=("score", "max"), end=("score", "last"),
        said=("said", "first"), count=("score", "size"),
    )  # fmt: skip
    enough = whole[whole["count"] >= fewest]
    enough = enough.assign(peak_end=(enough["worst"] + enough["end"]) / 2)
    return enough, enough["said"].to_numpy(dtype=float), len(whole) - len(enough)


def _left_out(x: Array, y: Array) -> Array:
    """Return the errors of a straight line for each row, fitted without it."""
    centred, n = x - x.mean(), len(x)
    spread = (centred**2).sum()
    if spread == 0:
        return np.asarray((y - y.mean()) * n / (n - 1))
    fitted = y.mean() + centred * ((centred @ y) / spread)
    return np.asarray((y - fitted) / (1 - 1 / n - centred**2 / spread))


def _compared(table: pd.DataFrame, later: Array, level: float) -> pd.DataFrame:
    squares = {name: _left_out(table[name].to_numpy(dtype=float), later) ** 2 for name in SUMMARIES}
    alone = _left_out(np.zeros(len(later)), later) ** 2
    n, rows = len(later), []
    for name in SUMMARIES:
        mistake = squares[name].mean()
        row = {"summary": name, "estimate": 1 - mistake / alone.mean(), "left_error": np.sqrt(mistake)}
        row |= {"n": n, "flag": flags([n])[0]}
        told = dict.fromkeys(("difference", "std_error", "conf_low", "conf_high", "p_value"), np.nan)
        if name != MEAN:
            gap = (squares[MEAN] - squares[name]) / alone.mean()
            error = float(gap.std(ddof=1) / np.sqrt(n))
            half = t_quantile(level, n - 1) * error
            told = {"difference": gap.mean(), "std_error": error}
            told |= {"conf_low": gap.mean() - half, "conf_high": gap.mean() + half}
            told["p_value"] = float(2 * stats.t.sf(abs(gap.mean()) / error, n - 1)) if error else np.nan
        rows.append(row | told)
    frame = pd.DataFrame(rows)
    return frame.assign(p_adjusted=adjusted(frame["p_value"], "holm"))[ROW]


def _claims(
    tests: pd.DataFrame, rows: pd.DataFrame, settings: dict[str, Any], level: float
) -> tuple[list[Claim], tuple[Claim, ...]]:
    plain = rows.set_index("summary").loc[MEAN]
    n = int(plain["n"])
    common = {"score": settings["score"], "relational": settings["relational"], "n": n, "level": level}
    said: list[Claim] = []
    better = tests[tests["difference"] > 0].sort_values("estimate", ascending=False, kind="stable")
    for row in better.to_dict("records"):
        fields = {
            **common, "unit": "share", "summary": row["summary"], "hypothesis": row["hypothesis"],
            "estimate": float(row["estimate"]), "mean_explained": float(plain["estimate"]),
        }  # fmt: skip
        said.append(Claim("journey.remembered", fields, "D", base_caveats(n, np.inf), headline=not said))
    best = rows.loc[rows["estimate"].idxmax()]
    open_fields = {
        **common, "unit": "share", "summary": best["summary"], "best": float(best["estimate"]),
        "mean_explained": float(plain["estimate"]),
    }  # fmt: skip
    code = "journey.remembered_open" if best["estimate"] > 0 else "journey.remembered_nothing"
    return said, (Claim(code, open_fields, "D", base_caveats(n, np.inf)),)
