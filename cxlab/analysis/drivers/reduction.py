"""Tables larger than memory: read where they are, come back as sums of products for each resampling unit.

What a driver analysis needs of the people is linear in the products of their answers: ratings filled with
zero, who rated what, the outcome, controls. Two passes over the table add them up, the first to check the
columns and to find a rough centre (sums about it lose no digits), the second by unit; between them clusters
are counted. They are written once as narwhals expressions and run on pandas, over Parquet, on
a DuckDB relation and on whatever else narwhals wraps.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from cxlab.analysis import engines
from cxlab.analysis.columns import as_floats, check_frame, is_yes_or_no, named
from cxlab.analysis.drivers import inputs
from cxlab.analysis.drivers.outcomes import UNITS
from cxlab.analysis.dropped import INCOMPLETE, NO_DRIVER, WEIGHT_ZERO, check_entered, missing
from cxlab.analysis.estimates import LOW_BASE, MINIMUM_CUSTOMERS
from cxlab.analysis.scales import CODES, NEGATIVE_CODES, scale_ends, unlikely
from cxlab.analysis.survey import Design
from cxlab.errors import AnalysisError, Message, Problem

Array = np.ndarray[Any, Any]

MOST_UNITS = 2000  # clusters that are resampled as they are; more are put into buckets
_PART = 200_000  # rows of a table in memory that are multiplied out at once
_PRIME, _STEP = 2_147_483_647, 48_271  # what numbers of rows are scattered with
_OUTCOMES = ("numeric", "nps", "binary")


@dataclass(frozen=True, slots=True, eq=False)
class Buckets:
    """A table reduced to sums for each resampling unit.

    `sums` (units, v, v) are weighted sums of products of 1, the outcome, each driver filled with zero where
    not rated, the `asked` controls, all about a rough `centre` (v,), and of a used/not-used flag for each
    driver in `partial` (places in `names`); `squares` (p,) of the outcome's square among who rated each
    driver. `design` has the units' strata. `n` and `raters` (p,) count people, `weight2` and `raters2` (p,)
    sum squared weights, `weight3` cubed ones; `complete` is the share of people that rated all.
    """

    outcome: str
    names: tuple[str, ...]
    asked: tuple[str, ...]
    partial: tuple[int, ...]
    sums: Array
    squares: Array
    centre: Array
    design: Design
    n: int
    raters: Array
    weight2: float
    weight3: float
    raters2: Array
    complete: float
    dropped: Mapping[str, int]
    unit: str
    scales: Mapping[str, tuple[float, float]]
    settings: Mapping[str, Any]


def reduced(
    table: Any,
    outcome: str,
    drivers: Sequence[str],
    *,
    outcome_type: str = "numeric",
    weights: str | None = None,
    strata: str | None = None,
    cluster: str | None = None,
    controls: Sequence[str] = (),
    not_applicable: str = "indicator",
    scales: Mapping[str, Sequence[float]] | None = None,
    min_rated: int = LOW_BASE,
    buckets: int = 500,
) -> Buckets:
    """Reduce a table to the sums that `importance_of` needs, where the table is.

    Parameters
    ----------
    table : DataFrame or lazy table
        A pandas frame, the path of a Parquet file, a folder or a pattern of them, a DuckDB relation, a
        PySpark frame. Not changed.
    outcome, drivers, weights, strata, not_applicable, min_rated
        As in `importance`.
    outcome_type : {"numeric", "nps", "binary"}
        As in `importance`; ordered classes are not known before the table is read.
    cluster : str, optional
        What is resampled. Up to 2,000 clusters as they are; more must be whole numbers (also the number of
        each row), which are scattered over `buckets`. Without it the rows of a table in memory are scattered
        by their place; a table that stays in an engine has no places and needs it.
    controls : sequence of str
        Numbers and booleans.
    scales : mapping of str to (low, high), optional
        Declared scales; those of ``table.attrs["scales"]`` by default.
    buckets : int
        Resampling units of each stratum where there are too many clusters, or none.

    Returns
    -------
    Buckets
        For `importance_of`. Its size does not depend on the number of rows.

    Raises
    ------
    AnalysisError
        With all problems at once, as `importance`; text and categories as controls, ordered outcomes, and
        clusters in words that are more than 2,000 are not available here.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> answers = pd.DataFrame(rng.integers(1, 8, (900, 2)), columns=["ease", "price"])
    >>> answers["overall"] = answers["ease"] + rng.normal(size=900)
    >>> held = reduced(answers, "overall", ["ease", "price"], buckets=50)
    >>> held.n, held.sums.shape
    (900, (50, 4, 4))
    """
    drivers, controls = named(drivers), named(controls)
    _check_options(outcome_type, not_applicable, min_rated, buckets)
    scales = (getattr(table, "attrs", {}).get("scales") or {}) if scales is None else scales
    scales = {column: scale_ends(column, ends) for column, ends in dict(scales).items()}
    problems = inputs.of_roles(outcome, drivers, controls, weights)
    numeric = [outcome, *drivers, *controls, *([weights] if weights else [])]
    with engines.opened(_numbered(table, numeric)) as wrapped:
        reading = _Reading(
            outcome, drivers, controls, weights, strata, cluster, outcome_type, not_applicable == "listwise"
        )
        seen, grouping, dropped = _checked(wrapped, reading, scales, problems, buckets)
        rows = _second_pass(wrapped, reading, seen, grouping)
    return _collected(
        rows, reading, seen, dropped, scales, min_rated,
        {"buckets": buckets, "weights": weights, "strata": strata, "cluster": cluster, "controls": controls,
         "outcome_type": outcome_type, "not_applicable": not_applicable, "min_rated": min_rated},
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Reading:
    """Which columns are read as what; within the engine they have names of their own."""

    outcome: str
    drivers: list[str]
    controls: list[str]
    weights: str | None
    strata: str | None
    cluster: str | None
    kind: str
    listwise: bool

    @property
    def numbers(self) -> dict[str, str]:
        """Own names of the outcome, drivers and controls, with their columns."""
        own = {"cx_y": self.outcome}
        own |= {f"cx_x{k}": column for k, column in enumerate(self.drivers)}
        return own | {f"cx_c{k}": column for k, column in enumerate(self.controls)}

    @property
    def rated(self) -> list[str]:
        return [f"cx_x{k}" for k in range(len(self.drivers))]


def _check_options(kind: str, not_applicable: str, min_rated: int, buckets: int) -> None:
    for name, given, allowed in (
        ("outcome_type", kind, _OUTCOMES),
        ("not_applicable", not_applicable, ("indicator", "listwise")),
    ):
        if given not in allowed:
            raise AnalysisError(
                "{name} is {given!r}; allowed: {allowed}", name=name, given=given, allowed=", ".join(allowed)
            )
    for name, count, least in (("min_rated", min_rated, MINIMUM_CUSTOMERS), ("buckets", buckets, 30)):
        if not isinstance(count, int | np.integer) or count < least:
            raise AnalysisError(
                "{name} is {given!r}; give a whole number, {least} or more",
                name=name,
                given=count,
                least=least,
            )


def _numbered(table: Any, columns: Sequence[str]) -> Any:
    """Give numbers, and yes and no, that a frame of pandas holds as objects or categories their type."""
    if not isinstance(table, pd.DataFrame):
        return table
    check_frame(table)
    read = {
        column: table[column].astype("boolean") if is_yes_or_no(table[column]) else as_floats(table[column])
        for column in dict.fromkeys(columns)
        if column in table and table[column].dtype.kind == "O"
    }
    return table.assign(**{column: held for column, held in read.items() if held is not None})


def _is_number(kind: Any) -> bool:
    return bool(kind.is_numeric() or kind == nw.Boolean)


def _text(column: str) -> Problem:
    return Problem(
        found=Message("text or categories"),
        allowed=Message("numbers"),
        action=Message("recode it to numbers under values, or declare the code as missing, in client.yaml"),
        column=column,
    )


def _no_places() -> Problem:
    return Problem(
        found=Message("a table that stays in its engine, without `cluster`"),
        allowed=Message("a column that says what is resampled"),
        action=Message("name the clusters, or a column of whole numbers that numbers the rows"),
    )


def _parts(wrapped: Any) -> Iterator[Any]:
    """Give the table as lazy parts: one that stays in its engine whole, one in memory by blocks of rows."""
    if not isinstance(wrapped, nw.DataFrame):
        yield wrapped
        return
    for start in range(0, max(len(wrapped), 1), _PART):
        yield (
            wrapped[start : start + _PART]
            .with_row_index("cx_row")
            .with_columns(nw.col("cx_row") + start)
            .lazy()
        )


def _collect(frame: Any) -> pd.DataFrame:
    return pd.DataFrame(frame.collect("pandas").to_native())


def _typed(part: Any, reading: _Reading) -> Any:
    """Read the columns as floats under their own names, missing as null, and why a row does not enter."""
    own = {name: nw.col(column).cast(nw.Float64) for name, column in reading.numbers.items()}
    own["cx_w"] = nw.lit(1.0) if reading.weights is None else nw.col(reading.weights).cast(nw.Float64)
    if reading.strata is not None:
        own["cx_s"] = nw.col(reading.strata)
    if reading.cluster is not None:
        own["cx_k"] = nw.col(reading.cluster)
    if isinstance(part, nw.LazyFrame) and "cx_row" in part.collect_schema():
        own["cx_row"] = nw.col("cx_row")
    frame = part.select(**own).with_columns(
        **{name: nw.col(name).fill_nan(None) for name in [*reading.numbers, "cx_w"]}
    )
    flags = {f"cx_u{k}": nw.when(nw.col(x).is_null()).then(0.0).otherwise(1.0)
             for k, x in enumerate(reading.rated)}  # fmt: skip
    frame = frame.with_columns(**flags)
    used = nw.sum_horizontal(*flags)
    reasons = [nw.col("cx_w") == 0, nw.col("cx_y").is_null()]
    reasons += [nw.col(f"cx_c{k}").is_null() for k in range(len(reading.controls))]
    reasons += [used == 0]
    reasons += [used < len(flags)] if reading.listwise else []
    why = nw.lit(0)
    for number in range(len(reasons), 0, -1):
        why = nw.when(reasons[number - 1]).then(nw.lit(number)).otherwise(why)
    return frame.with_columns(cx_why=why)


def _checked(
    wrapped: Any,
    reading: _Reading,
    scales: Mapping[str, Sequence[float]],
    problems: list[Problem],
    buckets: int,
) -> tuple[dict[str, float], Any, dict[str, int]]:
    """Check the columns, as well as `problems`; return their bounds, each row's unit, and who is dropped."""
    schema = dict(wrapped.collect_schema())
    numbers = [*reading.numbers.values(), *([reading.weights] if reading.weights else [])]
    design = [column for column in (reading.weights, reading.strata, reading.cluster) if column is not None]
    problems += inputs.of_absence(schema, [*reading.numbers.values(), *design])
    problems += [_text(c) for c in dict.fromkeys(numbers) if c in schema and not _is_number(schema[c])]
    if not isinstance(wrapped, nw.DataFrame) and reading.cluster is None:
        problems.append(_no_places())
    if problems:
        raise AnalysisError("these columns cannot enter a driver analysis", problems=problems)
    seen = _first_pass(wrapped, reading)
    problems = _problems(seen, reading, scales)
    grouping, found = _grouping(wrapped, reading, schema, buckets)
    problems += found
    if problems:
        raise AnalysisError("these columns cannot enter a driver analysis", problems=problems)
    dropped = _dropped(seen, reading)
    check_entered(np.array([seen["kept"] > 0]), dropped)
    return seen, grouping, dropped


def _first_pass(wrapped: Any, reading: _Reading) -> dict[str, float]:
    """Count, bound and centre every column; and count the rows that do not enter, by reason."""
    rows = []
    codes = [float(code) for code in (*CODES, *NEGATIVE_CODES)]
    named_columns = [*reading.numbers, "cx_w"]
    for part in _parts(wrapped):
        frame = _typed(part, reading)
        extra: dict[str, Any] = {}
        for name in named_columns:
            held = nw.col(name)
            finite = nw.when(held.is_finite()).then(held)
            coded = held.is_in(codes)
            extra |= {
                f"{name}_fin": finite,
                f"{name}_inf": nw.when(held.is_finite()).then(0).otherwise(1),
                f"{name}_code": nw.when(coded).then(held),
                f"{name}_rest": nw.when(~coded).then(held),
                f"{name}_frac": nw.when((held != held.floor()) & ~held.is_null()).then(1).otherwise(0),
                f"{name}_null": nw.when(held.is_null()).then(1).otherwise(0),
            }
        for number in range(1, 4 + len(reading.controls) + reading.listwise):
            extra[f"why_{number}"] = nw.when(nw.col("cx_why") == number).then(1).otherwise(0)
        extra["kept"] = nw.when(nw.col("cx_why") == 0).then(1).otherwise(0)
        for role in ("cx_s", "cx_k"):
            if (reading.strata if role == "cx_s" else reading.cluster) is not None:
                extra[f"{role}_null"] = nw.when(nw.col(role).is_null()).then(1).otherwise(0)
        asked = {"rows": nw.len()}
        for name in extra:
            if name.endswith(("_fin", "_code", "_rest")):
                asked |= {f"{name}_min": nw.col(name).min(), f"{name}_max": nw.col(name).max()}
            if name.endswith("_fin") or not name.endswith(("_code", "_rest")):
                asked[f"{name}_sum"] = nw.col(name).sum()
        # Null is neither finite nor a fraction: it counts in `_null` alone.
        found = _collect(frame.with_columns(**extra).select(**asked)).iloc[0]
        rows.append({name: float("nan") if pd.isna(held) else float(held) for name, held in found.items()})
    every = pd.DataFrame(rows)
    seen = {
        str(c): float(every[c].min() if str(c).endswith("_min") else every[c].max()
                      if str(c).endswith("_max") else every[c].sum())
        for c in every
    }  # fmt: skip
    return {name.removesuffix("_sum") if name.startswith(("why", "kept")) else name: value
            for name, value in seen.items()}  # fmt: skip


def _problems(
    seen: Mapping[str, float], reading: _Reading, scales: Mapping[str, Sequence[float]]
) -> list[Problem]:
    """Say what is wrong with columns, from their bounds alone."""
    if not seen["rows"]:
        raise AnalysisError("the table has no rows; nothing can be estimated")
    problems = []
    for name, column in reading.numbers.items():
        endless = int(seen[f"{name}_inf_sum"] - seen[f"{name}_null_sum"])
        if endless:
            problems.append(
                Problem(
                    found=Message("an infinite value"), allowed=Message("a finite number"), column=column,
                    action=Message("correct it or declare it as missing in client.yaml"), count=endless,
                )
            )  # fmt: skip
            continue
        problems += _off(name, column, seen, reading, scales)
    if reading.weights is not None:
        bad = int(seen["cx_w_inf_sum"]) or int(seen["cx_w_fin_min"] < 0)
        if bad:
            low = f"{seen['cx_w_fin_min']:g}" if seen["cx_w_fin_min"] < 0 else "nan"
            problems.append(
                Problem(
                    found=low, allowed=Message("a finite number, zero or more"), column=reading.weights,
                    action=Message("correct the weight or exclude the row in client.yaml"), count=bad,
                )
            )  # fmt: skip
        elif not seen["cx_w_fin_max"] > 0:
            problems += inputs.of_design(
                AnalysisError(
                    "weights column {column!r} sums to zero; nothing can be estimated", column=reading.weights
                )
            )
    for role, named_by, key in (("strata", reading.strata, "cx_s"), ("cluster", reading.cluster, "cx_k")):
        if named_by is not None and seen[f"{key}_null_sum"]:
            problems += inputs.of_design(
                AnalysisError(
                    "{role} column {column!r} is empty in {count} rows; "
                    "complete it or exclude those rows in client.yaml",
                    role=role, column=named_by, count=int(seen[f"{key}_null_sum"]),
                )
            )  # fmt: skip
    return problems


def _off(
    name: str,
    column: str,
    seen: Mapping[str, float],
    reading: _Reading,
    scales: Mapping[str, Sequence[float]],
) -> list[Problem]:
    """Say whether a column leaves its scale, or holds codes of no answer beside ratings."""
    ends = np.array([seen[f"{name}_{part}"] for part in ("fin_min", "fin_max")])
    whole = not seen[f"{name}_frac_sum"]
    kind = reading.kind if name == "cx_y" else "numeric"
    if kind != "numeric":
        low, high = (0.0, 10.0) if kind == "nps" else (0.0, 1.0)
        if np.isnan(ends).all() or (ends[0] >= low and ends[1] <= high and whole):
            return []
        return [
            Problem(
                found=Message("from {low:g} to {high:g}", low=float(ends[0]), high=float(ends[1])),
                allowed=Message("whole numbers from {low} to {high}", low=int(low), high=int(high)),
                action=Message("declare the code as missing or not applicable, in client.yaml"),
                column=column,
            )
        ]
    declared = scales.get(column)
    bounds = ends if declared is not None or not whole else np.array(
        [seen[f"{name}_{part}"] for part in ("rest_min", "rest_max", "code_min", "code_max")]
    )  # fmt: skip
    found = unlikely(column, bounds, None if declared is None else (float(declared[0]), float(declared[1])))
    return [Problem(p.found, p.allowed, p.action, column=column) for p in found]


def _grouping(
    wrapped: Any, reading: _Reading, schema: Mapping[str, Any], buckets: int
) -> tuple[Any, list[Problem]]:
    """Return the expression of the unit that a row belongs to."""
    if reading.cluster is None:
        return _scattered(nw.col("cx_row").cast(nw.Int64), buckets), []
    known = wrapped.select(cx_k=nw.col(reading.cluster).n_unique())
    different = int((known if isinstance(known, nw.DataFrame) else known.collect("pandas"))["cx_k"][0])
    if different <= MOST_UNITS:
        return nw.col("cx_k"), []
    if schema[reading.cluster].is_integer():
        return _scattered(nw.col("cx_k").cast(nw.Int64), buckets), []
    problem = Problem(
        found=Message("{count} clusters that are no whole numbers", count=different),
        allowed=Message("whole numbers, or at most {most} clusters", most=MOST_UNITS),
        action=Message("number the clusters, or group them"),
        column=reading.cluster,
    )
    return nw.lit(0), [problem]


def _scattered(number: Any, buckets: int) -> Any:
    """Give each number its bucket as if thrown: a file in some order must not spread itself evenly.

    Squares modulo a prime, in whole numbers below 2**63, which every engine has alike.
    """
    mixed = number.abs() % _PRIME
    for _ in range(3):
        mixed = (mixed * mixed + mixed * _STEP + _STEP) % _PRIME
    return mixed % buckets


def _dropped(seen: Mapping[str, float], reading: _Reading) -> dict[str, int]:
    reasons = [WEIGHT_ZERO, missing(reading.outcome), *(missing(c) for c in reading.controls), NO_DRIVER]
    reasons += [INCOMPLETE] if reading.listwise else []
    counted = {reason: int(seen[f"why_{k + 1}"]) for k, reason in enumerate(reasons)}
    return {reason: count for reason, count in counted.items() if count}


def _scored(kind: str) -> Any:
    y = nw.col("cx_y")
    if kind == "nps":
        return nw.when(y <= 6).then(-100.0).otherwise(nw.when(y >= 9).then(100.0).otherwise(0.0))
    return y * 100.0 if kind == "binary" else y


def _centres(seen: Mapping[str, float], reading: _Reading) -> dict[str, float]:
    """Rough means: any number near the middle will do, the same for every engine."""
    count = {name: max(seen["rows"] - seen[f"{name}_null_sum"], 1.0) for name in reading.numbers}
    middle = {name: round(seen[f"{name}_fin_sum"] / count[name], 2) for name in reading.numbers}
    if reading.kind != "numeric":
        middle["cx_y"] = 0.0
    return middle


def _variables(seen: Mapping[str, float], reading: _Reading) -> list[str]:
    """Names of what is multiplied: outcome, drivers, controls, flags of drivers that some did not rate."""
    some = [k for k, x in enumerate(reading.rated) if seen[f"{x}_null_sum"] and not reading.listwise]
    return ["cx_y", *reading.rated, *(f"cx_c{k}" for k in range(len(reading.controls))),
            *(f"cx_u{k}" for k in some)]  # fmt: skip


def _second_pass(wrapped: Any, reading: _Reading, seen: Mapping[str, float], unit: Any) -> pd.DataFrame:
    """Sum the products by stratum and unit."""
    middle, variables = _centres(seen, reading), _variables(seen, reading)
    keys = [*(["cx_s"] if reading.strata is not None else []), "cx_unit"]
    found = []
    for part in _parts(wrapped):
        frame = _typed(part, reading).filter(nw.col("cx_why") == 0)
        centred = {"cx_y": _scored(reading.kind) - middle["cx_y"]}
        for name in (n for n in reading.numbers if n != "cx_y"):
            centred[name] = (nw.col(name) - middle[name]).fill_null(0.0)
        frame = frame.with_columns(cx_unit=unit, **centred)
        w, w2 = nw.col("cx_w"), nw.col("cx_w") * nw.col("cx_w")
        products = {"p_1": w, "q_1": w2, "q_0": w2 * w}
        products |= {f"p_{a}": w * nw.col(a) for a in variables}
        products |= {
            f"p_{a}_{b}": w * nw.col(a) * nw.col(b)
            for k, a in enumerate(variables) for b in variables[k:]
        }  # fmt: skip
        for k in range(len(reading.drivers)):
            flag = nw.col(f"cx_u{k}")
            products |= {f"n_{k}": flag, f"q_{k + 2}": w2 * flag,
                         f"y_{k}": w * flag * nw.col("cx_y") * nw.col("cx_y")}  # fmt: skip
        everything = nw.sum_horizontal(*(f"cx_u{k}" for k in range(len(reading.drivers))))
        products["all"] = nw.when(everything == len(reading.drivers)).then(w).otherwise(0.0)
        products["n"] = nw.lit(1.0)
        summed = frame.select(*(nw.col(k) for k in keys), **products)
        with warnings.catch_warnings():
            # Hundreds of sums are put side by side one by one, which costs nothing beside them.
            warnings.simplefilter("ignore", pd.errors.PerformanceWarning)
            found.append(_collect(summed.group_by(*keys).agg(*(nw.col(name).sum() for name in products))))
    rows = pd.concat(found, ignore_index=True)
    return rows.groupby(keys, sort=True, observed=True).sum().reset_index()


def _collected(
    rows: pd.DataFrame,
    reading: _Reading,
    seen: Mapping[str, float],
    dropped: Mapping[str, int],
    scales: Mapping[str, Sequence[float]],
    min_rated: int,
    settings: Mapping[str, Any],
) -> Buckets:
    variables = ["1", *_variables(seen, reading)]
    count = len(reading.drivers)
    sums = np.empty((len(rows), len(variables), len(variables)))
    for k, a in enumerate(variables):
        for j in range(k, len(variables)):
            b = variables[j]
            name = "p_1" if j == 0 else f"p_{b}" if k == 0 else f"p_{a}_{b}"
            sums[:, k, j] = sums[:, j, k] = rows[name].to_numpy(dtype=float)
    raters = np.array([rows[f"n_{k}"].sum() for k in range(count)])
    n = int(rows["n"].sum())
    partial = [int(name.removeprefix("cx_u")) for name in variables if name.startswith("cx_u")]
    flags = {driver: len(variables) - len(partial) + k for k, driver in enumerate(partial)}
    bases = [0, *(flags.get(k, 0) for k in range(count))]
    _check_variation(sums.sum(axis=0), bases, raters, reading, n, min_rated)
    middle = _centres(seen, reading)
    codes = None if reading.strata is None else pd.factorize(rows["cx_s"], sort=True)[0]
    weighted = reading.weights is not None and seen["cx_w_fin_min"] < seen["cx_w_fin_max"]
    return Buckets(
        outcome=reading.outcome,
        names=tuple(reading.drivers),
        asked=tuple(reading.controls),
        partial=tuple(partial),
        sums=sums,
        squares=np.array([rows[f"y_{k}"].sum() for k in range(count)]),
        centre=np.array([0.0, *(middle[name] for name in reading.numbers), *(0.0 for _ in partial)]),
        design=Design(np.ones(len(rows)), codes, np.arange(len(rows)), weighted),
        n=n,
        raters=raters,
        weight2=float(rows["q_1"].sum()),
        weight3=float(rows["q_0"].sum()),
        raters2=np.array([rows[f"q_{k + 2}"].sum() for k in range(count)]),
        complete=float(rows["all"].sum() / rows["p_1"].sum()),
        dropped=dropped,
        unit=UNITS[reading.kind],  # type: ignore[index]
        scales={d: (float(scales[d][0]), float(scales[d][1])) for d in reading.drivers if d in scales},
        settings=settings,
    )


def _check_variation(
    total: Array, bases: Sequence[int], raters: Array, reading: _Reading, n: int, min_rated: int
) -> None:
    """Refuse columns that are constant among the rows used, and drivers that too few rated."""
    problems = []
    for k, column in enumerate([reading.outcome, *reading.drivers]):
        # The weight of who rated it: the sum of one, or of its flag.
        nobody = k > 0 and not raters[k - 1]
        spread = 0.0 if nobody else total[1 + k, 1 + k] - total[0, 1 + k] ** 2 / total[0, bases[k]]
        if not spread > 1e-12 * total[1 + k, 1 + k]:
            problems.append(
                Problem(
                    found=Message("no answer at all") if nobody else Message("one value only"),
                    allowed=Message("a column that varies among the rows used"),
                    action=Message("leave it out, or widen the filter"),
                    column=column,
                )
            )
    problems += inputs.of_raters(reading.drivers, [int(c) for c in raters], n, min_rated)
    if problems:
        raise AnalysisError("these columns cannot enter a driver analysis", problems=problems)
