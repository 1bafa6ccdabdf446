"""What a notebook talks to: `open(client)` gives a paper; it reads tables and shows results.

Everything a report will hold passes through here once: tables are read with their ledger and filter,
results are masked before they are displayed, and each display carries its numbers as data.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from fnmatch import fnmatchcase
from importlib.metadata import version
from typing import Any, Literal

import pandas as pd

from cxlab.analysis.disclosure import Released
from cxlab.analysis.estimates import Result, masked
from cxlab.errors import AnalysisError, Message, ParameterError, Problem
from cxlab.intake import where as filters
from cxlab.intake.custody import handover
from cxlab.intake.dataset import Dataset, Entry, open_dataset
from cxlab.intake.declared.canonical import of_people, tables
from cxlab.intake.ledger import COLUMNS, files_behind
from cxlab.intake.rules.registry import rules
from cxlab.intake.tables.storage import content_hash
from cxlab.reporting import RESULT, html, readings, sweeps
from cxlab.reporting import bundle as bundles
from cxlab.reporting.made import PROVENANCE, Made, section
from cxlab.reporting.words import Words
from cxlab.workbench import workbench

READ = "application/vnd.cxlab.read.v1+json"
TOLD = "application/vnd.cxlab.told.v1+json"  # bases that a display shows, for pages to be compared by
# Tables of people: a filter applies to them; codebooks, targets and published scores are always whole.
FILTERED = of_people()
NAMING = frozenset(name for name, table in tables().items() if "name_es" in table.columns)
PROVENANCE_OF = ("cxlab", "pandas", "numpy", "scipy", "lifelines")


def open(client: str, *, where: str = "", language: str = "es", seed: int = 0) -> Paper:
    """Open a client's dataset for one paper.

    Parameters
    ----------
    client : str
        Folder under data/, already taken through `cxlab check`.
    where : str
        Rows to keep, as an expression over canonical columns, e.g. ``"region != 'RM'"``; it is parsed,
        never evaluated, and refused when it would leave or remove 1 to 9 customers.
    language : {"es", "en"}
        Language of sentences, labels, numbers and dates.
    seed : int
        The seed that the paper hands to every random draw; shown with the provenance.

    Raises
    ------
    InputError
        If the client is unknown, or its tables are missing or older than its files.
    ParameterError
        If the language is not one of the two.
    """
    if language not in ("es", "en"):
        raise ParameterError("language is {language!r}; allowed: es, en", language=language)
    return Paper(open_dataset(workbench(), client), where=where, language=language, seed=seed)


class Paper:
    """One notebook's way to data and to its reader; made by `open`."""

    def __init__(self, dataset: Dataset, *, where: str, language: str, seed: int) -> None:
        self.dataset = dataset
        self.where = where
        self.seed = seed
        self.words = Words(language, labels=_with_rules(dataset.labels_mapping()))
        self._reads: dict[str, dict[str, Any]] = {}
        self._shown = 0
        self._released = Released()

    def table(self, name: str, *, whole: bool = False, optional: bool = False) -> pd.DataFrame:
        """Read a canonical table, filtered by the paper's `where`, and display where its rows come from.

        Parameters
        ----------
        name : str
            Canonical table, e.g. ``"survey_responses"``.
        whole : bool
            Leave the filter out, for what speaks of everybody (weights); `select` applies it later.
        optional : bool
            Return an empty frame, and say so, where the client has no such table.

        Raises
        ------
        InputError
            If there is no such table, or the filter does not fit it.
        """
        if optional and name not in self.dataset.names:
            said = self.words.label(name) if self.words.known(f"column.{name}") else name
            self._display(html.note_html("read.absent", self.words, table=said))
            return pd.DataFrame()
        frame = self.dataset.read(name)
        frame.attrs["table"] = name
        self.words = _with_names(self.words, name, frame)
        if self.where and not whole and name in FILTERED:
            return self.select(frame)
        self._log_read(name, frame, frame)
        return frame

    def select(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of a table that the paper's `where` keeps, and display how many they are.

        Raises
        ------
        ParameterError
            If the filter does not fit the table, or would leave or remove 1 to 9 customers.
        """
        if not self.where:
            return frame
        name = str(frame.attrs.get("table", ""))
        kept = filters.apply(frame, self.where, table=name)
        if name:
            self._log_read(name, frame, kept)
        return kept

    def columns(self, frame: pd.DataFrame, patterns: Sequence[str]) -> list[str]:
        """Return the columns of `frame` that the patterns name, in the order of the patterns.

        A pattern is a name, or has ``*`` for any text: ``"attr_*"``. Columns that the event made are no
        predictors of it: naming one is refused, and a pattern passes them by and says so; as it does columns
        that tell who was asked another question, which go by their name.

        Raises
        ------
        AnalysisError
            If a pattern names no column; all of them are listed. If one names a column made by the event.
        """
        found = {p: [c for c in frame.columns if fnmatchcase(str(c), p)] for p in patterns}
        empty = [p for p, names in found.items() if not names]
        if empty:
            raise AnalysisError(
                "no column is named {patterns}; the table has {present}",
                patterns=", ".join(empty),
                present=", ".join(map(str, frame.columns)),
            )
        later = set(frame.attrs.get("after_event", ()))
        named = [pattern for pattern in patterns if pattern in later]
        if named:
            raise AnalysisError(
                "{columns} came about when the customer left, or after: it explains nothing; take it out",
                columns=", ".join(named),
            )
        names = list(dict.fromkeys(name for names in found.values() for name in names))
        deciding = set(frame.attrs.get("deciding", ())) - later - set(patterns)
        for key, apart in (("columns.after_event", later), ("columns.deciding", deciding)):
            if passed := [name for name in names if name in apart]:
                said = ", ".join(self.words.label(name) for name in passed)
                self._display(html.note_html(key, self.words, columns=said))
        return [name for name in names if name not in later | deciding]

    def ledger(self) -> pd.DataFrame:
        """Return what became of the rows of every file, and display how many lines say it.

        Returns
        -------
        DataFrame
            table, file, read, used, excluded, reason: for each file a row without reason, then one for
            each reason for which rows were left out.
        """
        rows = [row for name in self.dataset.names for row in self.dataset.entry(name).ledger_rows()]
        return self._told("ledger", pd.DataFrame(rows, columns=list(COLUMNS)))

    def missing_reasons(self, name: str) -> pd.DataFrame:
        """Return how many values of each column of a table are missing, by reason, as intake counted them.

        Parameters
        ----------
        name : str
            Canonical table.

        Returns
        -------
        DataFrame
            column, reason, n: over the whole table, whatever the paper's filter.

        Raises
        ------
        InputError
            If there is no such table.
        """
        counted = self.dataset.entry(name).na_reasons
        rows = [(column, why, n) for column, own in counted.items() for why, n in own.items()]
        return self._told(f"{name}_na_reasons", pd.DataFrame(rows, columns=["column", "reason", "n"]))

    def rules(self) -> pd.DataFrame:
        """Return how each rule of validity stood when the tables were made.

        Returns
        -------
        DataFrame
            rule (its number), severity (stop, warn), standing (ok, warnings, unchecked), warnings (how many),
            why (what there was not to check it with).
        """
        rows = [
            (each.number, rules()[each.number].severity, each.state, each.count, each.why or "")
            for each in self.dataset.standings
        ]
        return self._told(
            "rules", pd.DataFrame(rows, columns=["rule", "severity", "standing", "warnings", "why"])
        )

    def sweep(self, study: str, entry: str, *, result: str, row: str, level: float) -> pd.DataFrame:
        """Read one number of every point of a published sweep, and display what became of the points.

        Parameters
        ----------
        study, entry, result, row, level
            Published name of the study and of the sweep in it; which number, as `collected.quantity` finds
            it, and the level of its intervals. ``attrs["quantity"]`` of what comes back names it.

        Raises
        ------
        ParameterError, AnalysisError
            If there is no such sweep or number, or the points are of another client, filter or level.
        """
        from cxlab.runs import collected  # paid for by the notebooks that read runs

        asked = {"client": self.dataset.client.folder.name, "where": self.where, "level": level}
        points = collected.sweep(study, entry, result, row, **asked)
        points.attrs["quantity"] = sweeps.quantity(points, self.words)
        said = sweeps.sweep_html(points, self.words, study=study, sweep=entry)
        self._logged(f"{study}/{entry}", points, len(points), said)
        return points

    def stated(self, study: str = "", entries: Sequence[str] = (), *, level: float = 0.95) -> pd.DataFrame:
        """Read what the published reports of a study state, and display which were read and which not.

        Parameters
        ----------
        study, entries, level
            As `cxlab.runs.stated.stated` takes them; no study is the one that bears the client's name.

        Raises
        ------
        ParameterError, AnalysisError
            If there is no such study or entry, or a report is of another client.
        """
        from cxlab.runs import stated  # paid for by the notebooks that read runs

        name = study or self.dataset.client.folder.name
        client = self.dataset.client.folder.name
        found = stated.stated(name, entries, client=client, where=self.where, level=level)
        for table in found.attrs["tables"]:
            if table in self.dataset.names and table in NAMING:  # its codes are said by their names
                self.table(table, whole=True)
        self._logged(
            name, stated.told(found), len(found), readings.readings_html(found, self.words, study=name)
        )
        return found

    def show(
        self,
        result: Result,
        *,
        draw: Callable[..., Any] | None = None,
        tables: Sequence[str] = (bundles.MAIN,),
        claims: bool = True,
    ) -> None:
        """Display a result: its claims, a figure, its tables; suppressed values never leave here.

        Parameters
        ----------
        result : Result
            What an analysis returned.
        draw : function, optional
            A ``draw_x(result, *, words, ax=None)`` of `cxlab.reporting.figures`.
        tables : sequence of str
            Which tables are printed: ``"main"`` and names of ``result.tables``; one without rows is not.
            Where the main one has none, those that say why are.
        claims : bool
            Whether the claims are stated (a table shown again as a check states nothing anew).
        """
        unknown = [name for name in tables if name not in (bundles.MAIN, *result.tables)]
        if unknown:
            raise AnalysisError(
                "the result has no table {unknown}; it has {present}",
                unknown=", ".join(unknown),
                present=", ".join([bundles.MAIN, *result.tables]),
            )
        nothing = result.table.empty
        beside = [name for name in tables if name != bundles.MAIN and not result.tables[name].empty]
        if nothing and not (beside or result.claims):
            self._display(html.note_html("show.nothing", self.words))
            return
        tables = [name for name in tables if name in beside or (name == bundles.MAIN and not nothing)]
        self._shown += 1
        whole = masked(result, self._released)
        if not claims:
            whole = replace(whole, claims=())
        # What has no rows has no figure: its claims say why, or what was left out does.
        self._display_result(whole, None if nothing else draw, tables)

    def hand_over(self, name: str, frame: pd.DataFrame) -> None:
        """Write a list of customers for the client's own systems, beside its data, and display where it is.

        Parameters
        ----------
        name : str
            What the list is, e.g. ``"churn_risk"``.
        frame : DataFrame
            Pseudonyms, the first column, and numbers. None of it is displayed.

        Raises
        ------
        InputError, WorkbenchError
            As `cxlab.intake.custody.handover.hand_over`.
        """
        file = handover.hand_over(self.dataset.client, name, frame)
        self._display(
            html.note_html(f"handover.{'written' if file else 'nobody'}", self.words, file=file or "")
        )

    def provenance(self) -> None:
        """Display what this paper was made from: tables and files with their hashes, filter, seed, versions.

        A report has in this place all that is known of its run besides.
        """
        versions = {"python": platform.python_version(), **{name: version(name) for name in PROVENANCE_OF}}
        made = Made(client=self._client_name(), where=self.where, seed=self.seed, versions=versions)
        told = {"where": self.where, "seed": self.seed}
        self._display(section(made, self._reads.values(), self.words), {PROVENANCE: told})

    def _log_read(self, name: str, frame: pd.DataFrame, used: pd.DataFrame) -> None:
        entry = self.dataset.entry(name)
        read = {"table": name, "sha256": entry.sha256, "rows": len(frame), "used": len(used)}
        read |= {"until": _latest(name, frame), "files": files_behind(entry.sources)}
        self._reads[name] = read
        left_out = [
            (r["file"], self.words.reason(r["reason"]), r["excluded"])
            for r in entry.ledger_rows()
            if r["reason"]
        ]
        shown = html.read_html(
            read | entry.sums(), left_out, self.words, breaks=entry.breaks, warnings=self._warnings(entry)
        )
        self._display(shown, {READ: read})
        counted = [source for source in entry.sources if "lines" in source["how"]]
        if counted:
            lines = self.words.number(sum(int(source["how"]["lines"]) for source in counted), 0)
            said = {"lines": lines, "rows": self.words.number(sum(source["read"] for source in counted), 0)}
            self._display(html.note_html("read.counted", self.words, **said))

    def _warnings(self, entry: Entry) -> list[tuple[str, str, Message, list[str]]]:
        """Return what a reader of a table should know: rule, column, what was found and in which files.

        What is told of one column in several files is told once, of the file with most such rows.
        """
        language: Literal["es", "en"] = "en" if self.words.language == "en" else "es"
        alike: dict[tuple[int, str, str], list[Problem]] = {}
        for each in entry.told():
            column = entry.column_of(each)
            alike.setdefault((each.rule, column, "" if column else f"{each.file}{each.found}"), []).append(
                each
            )
        lines = []
        for (rule, column, _), told in alike.items():
            told.sort(key=lambda each: -each.count)
            files = [each.file for each in told] if len(told) > 1 else []
            lines.append((rules()[rule].title(language), column, self._found(told[0]), files))
        return lines

    def _found(self, problem: Problem) -> Message:
        """Return what a rule found, the client's own reasons as its labels call them."""
        found = problem.found
        if not isinstance(found, Message) or "reason" not in found.fields:
            return Message("{found}", found=found)
        return Message(
            found.template, **{**found.fields, "reason": self.words.reason(found.fields["reason"])}
        )

    def _told(self, name: str, frame: pd.DataFrame) -> pd.DataFrame:
        """Log and display what intake says of the tables, as a read: the report depends on it."""
        kind = "na_reasons" if name.endswith("_na_reasons") else name
        table = self.words.label(name.removesuffix("_na_reasons"))
        self._logged(name, frame, len(frame), html.note_html(f"told.{kind}", self.words, table=table))
        return frame

    def _logged(self, name: str, frame: pd.DataFrame, rows: int, said: str) -> None:
        read = {"table": name, "sha256": content_hash(frame), "rows": rows, "used": len(frame)}
        read["until"] = frame.attrs.get("until")
        self._reads[name] = read
        self._display(said, {READ: read})

    def _client_name(self) -> str:
        return self.dataset.client.name.get("en" if self.words.language == "en" else "es")

    def _display_result(self, whole: Result, draw: Callable[..., Any] | None, tables: Sequence[str]) -> None:
        """Display a masked result; a figure may draw from tables that are not printed beside it."""
        shown = replace(whole, tables={name: whole.tables[name] for name in tables if name != bundles.MAIN})
        data: dict[str, Any] = {}
        figure, svg = None, ""
        if draw is not None:
            from cxlab.reporting import figures  # matplotlib is paid for by the first figure

            axes = draw(whole, words=self.words)
            svg = figures.svg(axes)
            figure = {"title": figures.title(axes), "alt": figures.alt(whole, self.words, draw)}
            data["image/svg+xml"] = svg
        bundle = bundles.bundle(shown, self.words, id=f"result-{self._shown}", figure=figure)
        printed = {**bundle, "tables": {name: bundle["tables"][name] for name in tables}}
        data[RESULT] = {**bundle, "printed": list(tables)}
        if told := self._released.newly_told(shown):
            data[TOLD] = told
        self._display(html.result_html(printed, self.words, svg=svg), data)

    def _display(self, text_html: str, data: dict[str, Any] | None = None) -> None:
        from IPython.display import display

        display({"text/html": text_html, **(data or {})}, raw=True)  # type: ignore[no-untyped-call]


def _with_rules(labels: Mapping[str, Any]) -> dict[str, Any]:
    """Return the client's labels and, as those of a column `rule`, the titles of the rules of validity."""
    titles = {
        str(number): {"es": f"{number}. {rule.es}", "en": f"{number}. {rule.en}"}
        for number, rule in rules().items()
    }
    return {**labels, "values": {**labels.get("values", {}), "rule": titles}}


def _with_names(words: Words, table: str, frame: pd.DataFrame) -> Words:
    """Return the words with the names that a table gives its codes; labels in client.yaml go first."""
    if table not in tables() or not {"name_es", "name_en"} & set(frame.columns):
        return words
    key, values = tables()[table].key[0], dict(words.labels.get("values", {}))
    codes = [str(code) for code in frame[key]]
    said: dict[str, dict[str, str]] = {code: {} for code in codes}
    for language in ("es", "en"):
        given = frame.get(f"name_{language}", pd.Series(index=frame.index, dtype=object))
        for code, name in zip(codes, given, strict=True):
            if isinstance(name, str) and name.strip():
                said[code][language] = name
    own = {**{code: each for code, each in said.items() if each}, **values.get(key, {})}
    return Words(words.language, {**words.labels, "values": {**values, key: own}})


def _latest(name: str, frame: pd.DataFrame) -> str | None:
    """Return the last date of a table that is not ahead of the data: their date, as a report states it."""
    ahead = [column for column, said in tables()[name].columns.items() if said.later]
    dates = frame.select_dtypes(include=["datetime", "datetimetz"]).drop(columns=ahead, errors="ignore")
    latest = max((d for d in dates.max() if not pd.isna(d)), default=None)
    return None if latest is None else date(latest.year, latest.month, latest.day).isoformat()
