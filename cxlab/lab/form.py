"""The form: a field for each declared parameter, checked as one types, and the button that runs a report.

Texts of data are escaped here: a widget shows HTML as it comes. Nothing of a cell's own is needed, and the
kernel stays free while a report is made.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Annotated, Any, Literal, get_args, get_origin

import ipywidgets as widgets

from cxlab.catalogues import problem_line
from cxlab.cells import Parameter
from cxlab.errors import CxlabError, Message, Problem
from cxlab.lab.given import Given, address, quoted, written
from cxlab.lab.running import Running
from cxlab.progress import spoken_left
from cxlab.runs.batch import durations
from cxlab.speech import half, language_of_messages, said
from cxlab.values import wanted

INK = "color:var(--jp-ui-font-color1,inherit);line-height:1.4"
LINK = "color:var(--jp-content-link-color,revert);text-decoration:underline"
WRONG = "color:var(--jp-error-color1,#b00020);font-weight:bold"
TOLD = 12  # last lines of a run that failed


class Form:
    """A notebook's parameters as fields.

    Attributes
    ----------
    given : Given
        What the fields hold.
    box : widgets.VBox
        To be displayed; twice the same one is the same form.
    """

    def __init__(self, given: Given) -> None:
        self.given = given
        self._running: Running | None = None
        self._expected: float | None = None
        self._rows = {p.name: Row(p, given, self._give) for p in given.declared.parameters}
        self._wrong, self._command, self._status = (widgets.HTML() for _ in range(3))
        wide = {"width": "auto"}
        run, stop = said(Message("Run as report")), said(Message("Stop"))
        self._run = widgets.Button(description=run, button_style="primary", layout=wide)
        self._stop = widgets.Button(description=stop, disabled=True, layout=wide)
        self._bar = widgets.FloatProgress(min=0, max=1, layout={"width": "14em", "display": "none"})
        self._run.on_click(lambda _: self._start())
        self._stop.on_click(lambda _: self._running and self._running.stop())
        title = Message("Parameters of {notebook}", notebook=given.notebook.stem)
        note = Message("They hold for the report, and for the cells below once these are run.")
        head = f"<strong>{escape(said(title))}</strong><br>{escape(said(note))}"
        buttons = widgets.HBox([self._run, self._stop, self._bar], layout={"align_items": "center"})
        rows = [row.box for row in self._rows.values()]
        self.box = widgets.VBox(
            [_html(head), *rows, self._wrong, self._command, buttons, self._status],
            layout={"padding": "8px 0", "max_width": "60em"},
        )
        self._check()

    def _give(self, name: str, text: str) -> None:
        self.given.give(name, text)
        self._check()

    def _check(self) -> None:
        """Show what is wrong, where it is wrong; and, where nothing is, the command that runs the same."""
        problems, general = self.given.problems()
        for name, row in self._rows.items():
            row.tell(problems.get(name))
        self._wrong.value = "" if general is None else _paragraph(_mistake(_told(general)))
        self._run.disabled = bool(problems or general or self._running)
        same = quoted(["cxlab", *self.given.arguments()])
        self._command.value = "" if problems or general else _paragraph(f"<code>{escape(same)}</code>")

    def _start(self) -> None:
        try:
            study = self.given.study()
        except CxlabError:  # the notebook was saved anew meanwhile
            self._check()
            return
        self._expected = durations(study).get(study.entries[0].id)
        self._running = Running(self.given.command(), self._follow)
        self._run.disabled, self._stop.disabled = True, False
        try:
            self._running.start()
        except OSError as error:
            self._running.lines.append(str(error))
            self._running.code = 1
            self._follow(self._running)

    def _follow(self, running: Running) -> None:
        """Show how far the run is; from its thread."""
        if running.code is None:
            self._bar.layout.display = "" if self._expected else "none"
            self._bar.value = min(running.seconds / self._expected, 0.98) if self._expected else 0
            told = [*running.lines[-1:], said(Message("{seconds} s so far", seconds=int(running.seconds)))]
            if self._expected and running.seconds < self._expected:
                told.append(said(spoken_left(self._expected - running.seconds)))
            self._status.value = _paragraph(escape(" · ".join(told)), role="status")
            return
        self._bar.layout.display = "none"
        self._status.value = self._ended(running)
        self._running, self._stop.disabled = None, True
        self._check()

    def _ended(self, running: Running) -> str:
        page, root = running.page, self.given.root
        if page is None or not page.is_relative_to(root):
            lines = escape("\n".join(running.lines[-TOLD:]))
            failed = escape(said(Message("No report came of it. This is what was said:")))
            pre = f"<pre style='{INK};white-space:pre-wrap'>{lines}</pre>"
            return _paragraph(_mistake(failed), role="alert") + pre
        # Without its referrer Jupyter would take the request for one of another site.
        link = f"<a href='{escape(address(page, root))}' target='_blank' rel='noopener' style='{LINK}'>"
        opened = escape(said(Message("open the report")))
        file = escape(str(page.relative_to(root)))
        return _paragraph(f"<strong>{link}{opened}</a></strong> · <code>{file}</code>", role="status")


class Row:
    """A field, and beside it what it takes or what is wrong with what it holds.

    Parameters
    ----------
    parameter : Parameter
    given : Given
    give : callable
        Called with the name and the text, whenever that changes.
    """

    def __init__(self, parameter: Parameter, given: Given, give: Callable[[str, str], None]) -> None:
        name = parameter.name
        text = given.texts.get(name, written(parameter.default))
        self._field = _field(parameter, text, given)
        self._field.disabled = not given.changeable(name)
        self._field.observe(lambda change: give(name, change["new"]), names="value")
        takes = [half(parameter.description)]
        if not isinstance(self._field, widgets.Dropdown):
            takes.append(said(wanted(parameter.kind)))
        self._help = f"<small>{escape('; '.join(filter(None, takes)))}</small>"
        self._beside = _html(self._help, flex="1 1 22em")
        self.box = widgets.HBox(
            [self._field, self._beside], layout={"flex_flow": "row wrap", "align_items": "baseline"}
        )

    def tell(self, problem: Problem | None) -> None:
        """Show a problem, or what the field takes."""
        told = _mistake(problem_line(problem, language_of_messages())) if problem else ""
        self._beside.value = f"<div role='alert' style='{INK}'>{told}</div>" if told else _inked(self._help)
        self._field.layout.border_left = (
            f"3px solid {'var(--jp-error-color1,#b00020)' if told else 'transparent'}"
        )


def _field(parameter: Parameter, text: str, given: Given) -> Any:
    kind = parameter.kind
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    common = {
        "description": parameter.name,
        "style": {"description_width": "10em"},
        "layout": {"width": "30em", "max_width": "100%"},
    }
    if kind is bool:
        options = [(said(Message("yes")), "true"), (said(Message("no")), "false")]
        return widgets.Dropdown(
            options=options, value=text if text in ("true", "false") else "false", **common
        )
    if get_origin(kind) is Literal and text in (choices := [str(each) for each in get_args(kind)]):
        return widgets.Dropdown(options=choices, value=text, **common)
    if parameter.name == "client":
        clients = sorted(p.parent.name for p in (given.root / "data").glob("*/client.yaml"))
        return widgets.Combobox(options=clients, value=text, continuous_update=True, **common)
    return widgets.Text(value=text, continuous_update=True, **common)


def _told(error: CxlabError) -> str:
    language = language_of_messages()
    return "\n".join([said(error.message), *(problem_line(p, language) for p in error.problems)])


def _mistake(text: str) -> str:
    return f"<span style='{WRONG}' aria-hidden='true'>✗</span> {escape(text)}"


def _paragraph(content: str, *, role: str = "") -> str:
    return f"<div style='{INK}'{f' role={role!r}' if role else ''}>{content}</div>"


def _inked(content: str) -> str:
    return f"<div style='{INK}'>{content}</div>"


def _html(content: str, **layout: str) -> Any:
    return widgets.HTML(_inked(content), layout={"max_width": "100%", **layout})
