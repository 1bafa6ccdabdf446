"""One notebook with one set of parameters, executed by papermill through an engine of ours.

The engine validates the injected parameters before any cell runs, gives the notebook a kernel of this
environment, and judges the run by facts: which cells were answered, and how. papermill's own notes on
status are not used: after a dead kernel they say that every cell was completed.
"""

from __future__ import annotations

import copy
import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
import papermill
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NotebookExecutionManager, papermill_engines
from papermill.exceptions import PapermillExecutionError
from papermill.iorw import write_ipynb

from cxlab.errors import ParameterError, RunError
from cxlab.parameters import assigned, declaration, source, tagged
from cxlab.runs.canonical import canonical
from cxlab.runs.engine import CxlabEngine as Engine
from cxlab.runs.kernels import KERNEL, Kernels, used_by
from cxlab.runs.limits import UNLIMITED, Limits, hold_memory
from cxlab.runs.outcome import Outcome, Status, read, written
from cxlab.runs.provenance import INJECTED
from cxlab.runs.settling import SEED, prepare
from cxlab.runs.surroundings import surroundings

SILENT = logging.getLogger("cxlab.runs")  # the outcome says it all, once
SILENT.addHandler(logging.NullHandler())
SILENT.propagate = False
NO_MEMORY = ("MemoryError", "OutOfMemoryException")  # how numpy's, arrow's and duckdb's end


@dataclass
class Run:
    """What the engine is told, and what it notes down, of one execution."""

    folder: Path
    root: Path | None = None
    limits: Limits = UNLIMITED
    environment: Mapping[str, str] = field(default_factory=dict)
    kernels: Kernels = field(default_factory=Kernels)
    watch: Callable[[int, int], None] | None = None
    answered: dict[int, str] = field(default_factory=dict)
    process: Any = None
    began: dict[int, float] = field(default_factory=dict)
    seconds: dict[int, float] = field(default_factory=dict)
    errors: dict[int, tuple[str, str]] = field(default_factory=dict)
    notebook: NotebookNode | None = None

    def begin(self, *, cell: NotebookNode, cell_index: int) -> None:  # noqa: ARG002
        """Note when a cell is sent."""
        self.began[cell_index] = time.monotonic()

    def note(self, *, cell: NotebookNode, cell_index: int, execute_reply: Mapping[str, Any]) -> None:  # noqa: ARG002
        """Note how the kernel answered a cell."""
        content = execute_reply["content"]
        self.seconds[cell_index] = time.monotonic() - self.began[cell_index]
        self.answered[cell_index] = content["status"]
        if content["status"] != "ok":
            self.errors[cell_index] = (str(content.get("ename", "")), str(content.get("evalue", "")))
        if self.watch:
            self.watch(len(self.answered), cell_index)

    def strike(self, notebook: NotebookNode) -> None:
        """Take the count of a cell that was begun and never answered: it must not look executed."""
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type == "code" and index not in self.answered:
                cell.execution_count = None

    def unfinished(self, notebook: NotebookNode) -> int:
        """Return the index of the first code cell that did not end well, -1 when all did."""
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type != "code" or not cell.source.strip():
                continue
            failed = any(output.output_type == "error" for output in cell.get("outputs", ()))
            if self.answered.get(index) != "ok" or cell.execution_count is None or failed:
                return index
        return -1


class CxlabEngine(Engine):
    """The papermill engine ``cxlab``: ours, and that of ``papermill --engine cxlab in.ipynb out.ipynb``."""

    @classmethod
    def execute_notebook(
        cls,
        nb: NotebookNode,
        kernel_name: str,  # noqa: ARG003
        output_path: str | None = None,
        **options: Any,
    ) -> NotebookNode:
        """Validate the injected parameters, execute, and return the canonical notebook.

        Raises
        ------
        ParameterError
            Before any cell runs: no parameters cell, or injected values that it does not allow.
        RunError
            If a cell left the notebook before its end.
        """
        run: Run = options.get("run") or Run(Path.cwd())
        nb = settled(nb)
        # It gets no path: what it would save in between looks finished when it is not.
        notes = NotebookExecutionManager(nb, progress_bar=options.get("progress_bar", False))
        notes.notebook_start()
        try:
            _executed(notes, run, options)
        except BaseException:
            run.strike(nb)
            if output_path:
                write_ipynb(canonical(copy.deepcopy(nb)), output_path)
            raise
        finally:
            notes.cleanup_pbar()
            run.notebook = canonical(copy.deepcopy(nb))
        at = run.unfinished(nb)
        if at >= 0 and run.errors.get(at, ("",))[0] == "SystemExit":
            raise RunError("a cell left the notebook before its end: {line}", line=_first_line(nb, at))
        banner_free: NotebookNode = copy.deepcopy(run.notebook)
        return banner_free  # papermill puts its banners into what it gets


def _executed(notes: Any, run: Run, options: Mapping[str, Any]) -> None:
    """Run the cells on a kernel of this environment, whatever kernel the notebook names."""
    deadline = None if run.limits.timeout is None else time.monotonic() + run.limits.timeout

    def left(_cell: Any) -> int:
        return max(1, round((deadline or 0) - time.monotonic()))

    with run.kernels.manager() as manager:

        def held(**_: Any) -> None:
            run.process = process = getattr(manager.provisioner, "process", None)
            if run.limits.memory is not None and process is not None:
                hold_memory(process.pid, run.limits.memory)

        client = PapermillNotebookClient(
            notes,
            km=manager,
            kernel_name=KERNEL,
            startup_timeout=options.get("start_timeout", 60),
            timeout=options.get("execution_timeout"),
            timeout_func=None if deadline is None else left,
            log=SILENT,
            log_output=options.get("log_output", False),
            stdout_file=options.get("stdout_file"),
            stderr_file=options.get("stderr_file"),
            shutdown_kernel="immediate",
            record_timing=False,
            store_widget_state=False,
            force_raise_errors=True,
            skip_cells_with_tag="",
            on_cell_start=held,
            on_cell_execute=run.begin,
            on_cell_executed=run.note,
        )
        private = Path(manager.connection_file).parent
        environment = {SEED: str(_seed(notes.nb)), **run.environment}
        environment = surroundings(private, root=run.root, environment=environment)
        prepare(Path(environment["IPYTHONDIR"]))
        # What a child process prints is in the notebook; a kernel would repeat it among our own lines.
        with open(os.devnull, "wb") as nowhere:
            client.execute(cwd=str(run.folder), env=environment, stdout=nowhere.fileno(), cleanup_kc=True)


def _seed(notebook: NotebookNode) -> int:
    """Return the seed that a notebook was given, or declares; 0 where it knows none."""
    given = tagged(notebook, INJECTED)
    name = "notebook"
    values = assigned(given[0], notebook=name) if given else declaration(notebook, name=name).validate({})
    seed = values.get("seed")
    return seed if isinstance(seed, int) else 0


papermill_engines.register("cxlab", CxlabEngine)  # as the entry point does for an installed package


def settled(notebook: NotebookNode) -> NotebookNode:
    """Return the notebook with its injected cell validated and written as every run of it would.

    Raises
    ------
    ParameterError
        If there is no parameters cell, or what is injected does not fit it.
    """
    name = str(notebook.metadata.get("papermill", {}).get("input_path") or "notebook")
    declared = declaration(notebook, name=Path(name).stem)
    injected = tagged(notebook, INJECTED)
    given = {
        key: value for cell in injected for key, value in assigned(cell, notebook=declared.notebook).items()
    }
    return with_parameters(notebook, declared.validate(given)) if injected else notebook


def with_parameters(notebook: NotebookNode, values: Mapping[str, Any]) -> NotebookNode:
    """Return a copy of `notebook` with `values` in an injected cell after its parameters cell."""
    notebook = copy.deepcopy(notebook)
    cells = [cell for cell in notebook.cells if INJECTED not in cell.metadata.get("tags", ())]
    at = next(i for i, cell in enumerate(cells) if "parameters" in cell.metadata.get("tags", ()))
    injected = nbformat.v4.new_code_cell(source(values), metadata={"tags": [INJECTED]})  # type: ignore[no-untyped-call]
    injected.metadata["papermill"] = {}
    notebook.cells = [*cells[: at + 1], injected, *cells[at + 1 :]]
    return notebook


def content_of(path: Path) -> bytes:
    """Return the bytes of a notebook's file.

    Raises
    ------
    ParameterError
        If it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ParameterError(
            "{notebook} cannot be read: {reason}", notebook=str(path), reason=error.strerror
        ) from error


def opened(path: Path, content: bytes | None = None) -> NotebookNode:
    """Return a notebook as format 4, without outputs of earlier runs.

    Parameters
    ----------
    path : Path
    content : bytes, optional
        Of its file, where that was read before, or is on another machine.

    Raises
    ------
    ParameterError
        If it cannot be read, or is not a notebook.
    """
    content = content_of(path) if content is None else content
    try:
        notebook = read(content)
    except Exception as error:
        raise ParameterError(
            "{notebook} is not a notebook: {reason}", notebook=str(path), reason=str(error)[:200]
        ) from error
    notebook.nbformat_minor = 5
    for position, cell in enumerate(notebook.cells):
        cell.setdefault("id", f"cell-{position}")
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def execute(
    notebook: Path,
    parameters: Mapping[str, Any],
    *,
    content: bytes | None = None,
    root: Path | None = None,
    limits: Limits = UNLIMITED,
    environment: Mapping[str, str] | None = None,
    kernels: Kernels | None = None,
    watch: Callable[[int, int], None] | None = None,
) -> Outcome:
    """Execute a notebook with validated parameters; whatever happens in it is an outcome, not an error.

    Parameters
    ----------
    notebook : Path
        The notebook; its kernel works in its folder.
    parameters : mapping
        Validated values (see `cxlab.parameters.Declaration.validate`), written as an injected cell.
    content : bytes, optional
        What the notebook's file holds, where that was read before, or is on another machine.
    root : Path, optional
        The workbench, handed to the kernel as CXLAB_ROOT.
    limits : Limits, optional
        Seconds for the whole notebook, and memory for its kernel.
    environment : mapping, optional
        Further environment variables of the kernel.
    kernels : Kernels, optional
        Where the kernel is registered, so that a caller can end it.
    watch : callable, optional
        Called after each cell with how many were answered, and the index of the last.
    """
    run = Run(notebook.resolve().parent, root, limits, environment or {}, kernels or Kernels(), watch)
    prepared = with_parameters(opened(notebook, content), parameters)
    started, error = datetime.now(UTC), None
    try:
        papermill.execute_notebook(
            prepared, None, engine_name="cxlab", progress_bar=False, kernel_name=KERNEL, run=run
        )
    except (PapermillExecutionError, RunError):
        pass  # the notes say which cell, and why
    except (KeyboardInterrupt, Exception) as caught:
        error = caught
    return _outcome(run, run.notebook or canonical(prepared), error, started)


def _outcome(run: Run, notebook: NotebookNode, error: BaseException | None, started: datetime) -> Outcome:
    at = run.unfinished(notebook)
    name, value = run.errors.get(at, (type(error).__name__ if error else "", str(error or "")))
    return Outcome(
        status=_status(run, at, name, error),
        content=written(notebook),
        cell=_count(notebook, at),
        line=_first_line(notebook, at) if at >= 0 else "",
        error_name=name,
        error_value=value,
        started=started,
        finished=datetime.now(UTC),
        limits=run.limits,
        seconds={_count(notebook, index): took for index, took in run.seconds.items()},
        kernel=used_by(run.process),
    )


def _status(run: Run, at: int, name: str, error: BaseException | None) -> Status:
    if run.kernels.stopped or isinstance(error, KeyboardInterrupt):
        return "interrupted"
    if at < 0 and error is None:
        return "done"
    if isinstance(error, CellTimeoutError):
        return "timeout"
    if isinstance(error, DeadKernelError):
        return "kernel died"
    if run.limits.memory is not None and name.endswith(NO_MEMORY):
        return "out of memory"
    if at in run.errors:
        return "exited" if name == "SystemExit" else "raised"
    return "not started" if not run.answered else "kernel died"


def _count(notebook: NotebookNode, index: int) -> int:
    """Return which code cell stands at an index, from 1; 0 for none."""
    return sum(cell.cell_type == "code" for cell in notebook.cells[: index + 1])


def _first_line(notebook: NotebookNode, index: int) -> str:
    line = next((line.strip() for line in notebook.cells[index].source.splitlines() if line.strip()), "")
    return line if len(line) <= 80 else f"{line[:76]} ..."
