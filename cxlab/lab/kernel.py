"""The extension of IPython that kernels of `cxlab lab` load: it places the form and hands over its values.

The form is what the cell before the parameters cell displays, so that it stands above it and the notebook
on disk stays as it is. When the parameters cell runs, what the form gives is assigned after it, as an
injected cell would do; while the form holds a mistake the cell is refused: nothing goes on with a default.
"""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.error import InputRejected
from IPython.display import display

from cxlab.catalogues import problem_line
from cxlab.errors import CxlabError, Message, WorkbenchError
from cxlab.lab import CLIENT, SPECS
from cxlab.lab.given import Given
from cxlab.parameters import TAG, source
from cxlab.speech import language_of_messages, said
from cxlab.workbench import workbench

if TYPE_CHECKING:
    from cxlab.lab.form import Form

NOTEBOOK = "JPY_SESSION_NAME"  # Jupyter's: the file that a kernel was started for


class RefusedError(InputRejected):
    """A cell that does not run, with nothing but the reason for its traceback."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class Placed:
    """The form of one notebook in its kernel.

    Parameters
    ----------
    notebook : Path
    root : Path
    client : str
        Whose data to begin with; empty: what the notebook says.
    """

    def __init__(self, notebook: Path, root: Path, client: str = "") -> None:
        self._notebook, self._root = notebook, root
        self._texts = {"client": client} if client else {}
        self._form: Form | None = None
        self._made_of: Any = None  # the parameters cell, as it was saved
        self._running: Any = None
        self._gone = False

    def before(self, info: Any) -> None:
        """Take note of the cell that is going to run."""
        self._running = info

    def after(self, result: Any) -> None:
        """Display the form, once the cell that it belongs to has run."""
        cells = self._cells()
        place, at = _places(cells)
        if place is not None and at is not None and result.success and _is(result.info, cells[place]):
            if self._form is None or self._made_of != cells[at]["source"]:
                self._made_of = cells[at]["source"]
                self._make()
            if self._form:
                display(self._form.box)  # type: ignore[no-untyped-call]

    def visit(self, tree: ast.Module) -> ast.Module:
        """Assign what the form gives after the parameters, if these are what is going to run.

        Raises
        ------
        RefusedError
            While something that was given is not valid.
        """
        cells = self._cells()
        _, at = _places(cells)
        if at is None or self._running is None or not _is(self._running, cells[at]):
            return tree
        given = self._form.given if self._form else self._read()
        if given is None or not given.texts:
            return tree
        try:
            values = given.values()
        except CxlabError as error:
            raise RefusedError(spoken(error)) from None
        told = ", ".join(f"{name} = {given.texts[name]}" for name in values)
        print(said(Message("given by the form: {given}", given=told)))  # noqa: T201
        tree.body += ast.parse(source(values)).body
        return tree

    def _make(self) -> None:
        from cxlab.lab.form import Form  # widgets are paid for by who sees them

        given = self._read()
        self._form = Form(given) if given else None

    def _read(self) -> Given | None:
        """Return what is given, told afresh from the notebook as it was saved; say what is wrong with it."""
        texts = self._form.given.texts if self._form else self._texts
        try:
            return Given(self._notebook, self._root, dict(texts))
        except CxlabError as error:
            print(spoken(error))  # noqa: T201
            return None

    def _cells(self) -> list[Mapping[str, Any]]:
        try:
            cells = json.loads(self._notebook.read_bytes())["cells"]
            return [cell for cell in cells if cell["cell_type"] == "code"]
        except (OSError, ValueError, KeyError, TypeError):
            if not self._gone:
                print(said(Message("this notebook was moved or renamed: start its kernel anew for its form")))  # noqa: T201
            self._gone = True
            return []


def spoken(error: CxlabError) -> str:
    """Return an error and its problems in the language of messages."""
    language = language_of_messages()
    return "\n".join([said(error.message), *(f"- {problem_line(p, language)}" for p in error.problems)])


def _places(cells: list[Mapping[str, Any]]) -> tuple[int | None, int | None]:
    """Return which cell shows the form, and which declares the parameters."""
    at = next((k for k, cell in enumerate(cells) if TAG in cell["metadata"].get("tags", ())), None)
    return (None if at is None else max(at - 1, 0)), at


def _is(info: Any, cell: Mapping[str, Any]) -> bool:
    """Tell whether a cell of the file is the one that runs: by its id, and by its text where it has none."""
    if info.cell_id and "id" in cell:
        return bool(info.cell_id == cell["id"])
    return bool(info.raw_cell.strip() == "".join(cell["source"]).strip())


def load_ipython_extension(shell: Any) -> None:
    """Place the form in the notebook that this kernel was started for, if it is one of a workbench."""
    # What a cell starts, such as papermill, inherits the notebook's name and must not meet its form.
    paths = os.environ.get("JUPYTER_PATH", "").split(os.pathsep)
    os.environ["JUPYTER_PATH"] = os.pathsep.join(path for path in paths if path != str(SPECS))
    notebook = Path(os.environ.get(NOTEBOOK, ""))
    if notebook.suffix != ".ipynb" or not notebook.is_file():
        return
    try:
        root = workbench()
    except WorkbenchError:
        return
    placed = Placed(notebook.resolve(), root, os.environ.get(CLIENT, ""))
    shell.events.register("pre_run_cell", placed.before)
    shell.events.register("post_run_cell", placed.after)
    shell.ast_transformers.append(placed)
