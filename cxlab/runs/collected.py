"""All results of a sweep as one tidy table: a row for each row of a result and each point, as published.

Nothing is computed here, and what a page hides is not in what it published: the numbers are those of
results.json of intact runs. Points that failed, and those that were never published, have a row each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from cxlab.errors import AnalysisError, Message, ParameterError
from cxlab.intake import where
from cxlab.parameters import nearest
from cxlab.reporting.units import unit_of
from cxlab.runs.outputs import MAIN
from cxlab.runs.points import canonical, readable
from cxlab.runs.provenance import json_digest
from cxlab.runs.publish import Shelf
from cxlab.runs.published import folder_of, read_run
from cxlab.runs.retold import retold
from cxlab.runs.stages import failure_of, points_on
from cxlab.values import shown
from cxlab.workbench import workbench

Row = dict[str, Any]
CHOICE, KEY = "choice_", "key_"
FIRST = ("entry", "point", "status")
WHICH = ("result", "kind", "table", "measure")
NUMBERS = ("estimate", "std_error", "conf_low", "conf_high", "n", "n_eff")
LAST = ("flag", "unit", "message")
OURS = {*FIRST, *WHICH, *NUMBERS, *LAST}
SUPPRESSED, MADE_OF, ASKED = "suppressed", "made_of", "parameters"
SOME = 12  # rows that a message names


def collect(study: str, entry: str | None = None, *, root: str | Path | None = None) -> pd.DataFrame:
    """Return all results of a sweep, or of a whole study, as one tidy table; see `cxlab.runs.collect`."""
    shelf = Shelf(folder_of(study, workbench(root)))
    entries = points_on(shelf)
    if entry is not None and entry not in entries:
        close = nearest(entry, entries)
        raise ParameterError(
            "{study} has no entry {entry}; it has {entries}. {hint}",
            study=shelf.folder.name,
            entry=shown(entry),
            entries=", ".join(entries) or "-",
            hint=Message("Did you mean {nearest}?", nearest=close)
            if close
            else Message("Run the study first."),
        )
    rows: list[Row] = []
    for name, points in entries.items():
        if entry in (None, name):
            rows += _sweep(shelf, name, points)
    return _framed(rows)


def _sweep(shelf: Shelf, name: str, points: Mapping[str, Mapping[str, Any]]) -> Iterator[Row]:
    parameters: dict[str, Mapping[str, Any]] = {}
    rows: dict[str, list[Row]] = {}
    current = shelf.current()
    for point, choices in points.items():
        failure = failure_of(shelf.folder, point)
        if failure or point not in current:
            parameters[point] = {**choices, **failure.get("parameters", {})}
            told = {"status": "failed", "message": retold(str(failure.get("message", "")))}
            rows[point] = [told if failure else {"status": "unpublished"}]
            continue
        run = read_run(shelf.folder / "runs" / current[point])
        # Also a notebook that does not ask whose data it is reads those of its study's client.
        of = {"client": run.manifest["client"]} if "client" in run.manifest else {}
        parameters[point] = {**of, **choices, **run.manifest.get("parameters", {})}
        made_of = _made_of(run.manifest)
        found = [*_results(run.results["results"])] or [{"status": "done"}]
        rows[point] = [{**row, MADE_OF: made_of} for row in found]
    varied = _varied(parameters, points)
    for point, found in rows.items():
        chosen = {f"{CHOICE}{key}": readable(parameters[point].get(key)) for key in varied}
        same = {"entry": name, "point": point, ASKED: parameters[point], **chosen}
        yield from ({**same, **row} for row in found)


def _varied(
    parameters: Mapping[str, Mapping[str, Any]], points: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Return the parameters that points were given and that are not the same in all of them."""
    named = dict.fromkeys(key for choices in points.values() for key in choices)
    return [key for key in named if len({readable(held.get(key)) for held in parameters.values()}) > 1]


def _made_of(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return what a point's numbers stand on besides its choices: tables, code, versions."""
    prints = manifest.get("fingerprint", {})
    parts = {f"table {name}": sha256 for name, sha256 in prints.get("tables", {}).items()}
    return {**parts, "sources": str(prints.get("sources")), "versions": str(prints.get("versions"))}


def _results(bundles: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    """Give a row for each estimate of each table; a table shown twice is told once."""
    seen: set[str] = set()
    for bundle in bundles:
        for table, held in bundle.get("tables", {}).items():
            said = json_digest([bundle.get("kind"), table, held])
            column = _estimated(bundle, held["columns"])
            if column and said not in seen:
                seen.add(said)
                for values in held["rows"]:
                    row = dict(zip(held["columns"], values, strict=True))
                    yield _row(bundle, table, column, row)


def _estimated(bundle: Mapping[str, Any], columns: Sequence[str]) -> str:
    named = (str(bundle.get("estimate_column", "estimate")), "estimate")
    column = next((each for each in named if each in columns), "")
    return "hazard_ratio" if column and "hazard_ratio" in columns else column


def _row(bundle: Mapping[str, Any], table: str, column: str, row: Row) -> Row:
    hidden = row.get("flag") == SUPPRESSED
    keys = {key: row[key] for key in bundle.get("keys", ()) if key in row}
    found: Row = {
        "status": SUPPRESSED if hidden else "done",
        "result": bundle.get("id"),
        "kind": bundle.get("kind"),
        "table": table,
        "measure": column,
        **{f"{KEY}{key}" if key in OURS else key: value for key, value in keys.items()},
        "flag": row.get("flag"),
        "unit": _unit(bundle, column, row),
    }
    if hidden:
        return found
    numbers: Row = {name: row.get(name) for name in NUMBERS} | {"estimate": row.get(column)}
    if column == "hazard_ratio":  # its error is that of the logarithm
        numbers["std_error"] = None
    if "n" not in row and table == MAIN:
        numbers["n"] = bundle.get("n_used")
    return {**found, **numbers}


def _unit(bundle: Mapping[str, Any], column: str, row: Row) -> str:
    fields = [claim.get("fields", {}) for claim in bundle.get("claims", ())]
    metric = row.get("metric") or bundle.get("settings", {}).get("metric") or ""
    return unit_of(column, list(row), metric, sorted(fields, key=lambda each: str(each.get("unit"))))


def _framed(rows: Sequence[Row]) -> pd.DataFrame:
    names = list(dict.fromkeys(key for row in rows for key in row))
    choices = [name for name in names if name.startswith(CHOICE)]
    keys = [name for name in names if name not in {*OURS, *choices, MADE_OF, ASKED}]
    columns = [*FIRST, *choices, *WHICH, *keys, *NUMBERS, *LAST]
    frame = pd.DataFrame([[row.get(name) for name in columns] for row in rows], columns=columns, dtype=object)
    frame[[*NUMBERS]] = frame[[*NUMBERS]].astype(float)
    frame["message"] = frame["message"].fillna("")
    frame.attrs["mixed"] = _mixed(row[MADE_OF] for row in rows if MADE_OF in row)
    frame.attrs[ASKED] = _common(row[ASKED] for row in rows if row["status"] != "unpublished")
    return frame


def _common(asked: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the parameters that are the same in all points that have them."""
    found: dict[str, dict[str, Any]] = {}
    for parameters in asked:
        for name, value in parameters.items():
            found.setdefault(name, {})[canonical(value)] = value
    return {name: next(iter(values.values())) for name, values in found.items() if len(values) == 1}


def _mixed(made_of: Iterable[Mapping[str, str]]) -> list[str]:
    """Return what is not the same under all points: they were not run on one state of data and code."""
    known: dict[str, set[str]] = {}
    for parts in made_of:
        for name, sha256 in parts.items():
            known.setdefault(name, set()).add(sha256)
    return sorted(name for name, found in known.items() if len(found) > 1)


def quantity(collected: pd.DataFrame, result: str, row: str = "") -> pd.DataFrame:
    """Return one quantity of a sweep: a row for each point, also where there is no number.

    Parameters
    ----------
    collected : DataFrame
        Of one entry, as `collect` returns it.
    result : str
        Which result: its kind (``"DriverImportance"``) or its place on the page (``"result-2"``), and after a
        stroke the name of its table if it is not the main one (``"Retention/horizons"``).
    row : str
        Which row of it, as an expression over its key columns: ``"driver == 'attr_ease'"``.

    Returns
    -------
    DataFrame
        point, status, the choices, estimate, std_error, conf_low, conf_high, n, n_eff, flag, unit, message.
        A point that is done and has no such row has an empty estimate.

    Raises
    ------
    AnalysisError
        If no point has such a result or row, or a point has several.
    """
    choices = [name for name in collected.columns if name.startswith(CHOICE)]
    columns = ["point", "status", *choices, *NUMBERS, *LAST]
    kind, _, table = result.partition("/")
    of_it = collected["table"].eq(table or MAIN) & (collected["kind"].eq(kind) | collected["result"].eq(kind))
    rows = collected[of_it]
    if rows.empty:
        ended = collected.drop_duplicates("point")["status"]
        raise AnalysisError(
            "no point has a result {result}: of {count} points {failed} failed; there are {kinds}",
            result=result,
            count=len(ended),
            failed=int(ended.eq("failed").sum()),
            kinds=", ".join(sorted(collected["kind"].dropna().unique())) or "-",
        )
    keys = rows[_keys(rows)].dropna(axis="columns", how="all").infer_objects()
    found = rows[where.mask(keys, row)]
    # The same quantity in several places of a page: the first of them.
    found = found[found["result"].eq(found.groupby("point")["result"].transform("first"))]
    twice = found[found.duplicated("point", keep=False)]
    if found.empty or len(twice):
        raise AnalysisError(
            "{result} with the row {row} is no single number of a point; its rows are {rows}",
            result=result,
            row=shown(row),
            rows=_named(keys.loc[twice.index] if len(twice) else keys),
        )
    points = collected.drop_duplicates("point").set_index("point", drop=False)
    points.attrs = {}  # pandas compares those of what it joins
    empty = points.assign(**dict.fromkeys(NUMBERS, float("nan")), flag=None, unit=None)
    empty["status"] = empty["status"].replace(SUPPRESSED, "done")  # what is suppressed there is another row
    chosen = found.set_index("point", drop=False).reindex(points.index)
    told = chosen.where(chosen["point"].notna(), empty)[columns].reset_index(drop=True)
    told.attrs = {
        **collected.attrs,
        "measure": found["measure"].iloc[0],
        "keys": keys.loc[found.index[0]].dropna().to_dict(),
    }
    return told


def sweep(study: str, entry: str, result: str, row: str, **asked: Any) -> pd.DataFrame:
    """Return one quantity of a published sweep, once its points were asked what a report says of them.

    Parameters
    ----------
    study, entry, result, row : str
        As `collect` and `quantity` take them.
    **asked
        Parameters: client, filter, level. One that is among the choices must be empty: what the points do not
        share is nothing that the report could say of them. One that their notebook lacks is not compared.

    Raises
    ------
    ParameterError
        If no such study or entry is published.
    AnalysisError
        If the points have no such number, or were asked something else.
    """
    found = collect(study, entry)
    for name, value in asked.items():
        held = [readable(found.attrs[ASKED].get(name, value))]
        if value and f"{CHOICE}{name}" in found:
            held = found[f"{CHOICE}{name}"].unique().tolist()
        if held != [readable(value)]:
            raise AnalysisError(
                "the points were run with {name} {held} and this report with {value}; give both the same",
                name=name,
                held=", ".join(each or "-" for each in held),
                value=readable(value) or "-",
            )
    return quantity(found, result, row)


def _keys(frame: pd.DataFrame) -> list[str]:
    return [name for name in frame.columns if name not in OURS and not name.startswith(CHOICE)]


def _named(keys: pd.DataFrame) -> str:
    """Return the first rows of a result as the expressions that name them."""
    rows = keys.drop_duplicates().head(SOME).to_dict("records")
    named = [
        " and ".join(f"{key} == {value!r}" for key, value in row.items() if not pd.isna(value))
        for row in rows
    ]
    return "; ".join(filter(None, named)) or "-"
