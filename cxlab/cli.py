"""The command `cxlab`: what a person types, in words; every room is entered only when it is needed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from cxlab import (
    __version__,
    audit_commands,
    client_commands,
    custody,
    delivery_commands,
    edit_commands,
    kernel_commands,
    run_commands,
    shelf_commands,
)
from cxlab.errors import CxlabError, InputError, Message, ParameterError
from cxlab.runs.cores import cores
from cxlab.runs.interruption import interruptible
from cxlab.speech import language_of_messages, said, say

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from cxlab.runs.batch import Batch
    from cxlab.runs.study import Study

INTERRUPTED, USAGE = 130, 2
DEMO_CLIENTS = ("fibra_cordillera", "nada")
DEMO_STUDY = "fibra_cordillera"
DEMO_DELIVERED = "fibra_cruda"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    0: all well; 1: some entry failed; 2 to 5: refused (see `cxlab.errors`); 6: not verified;
    130: interrupted; 143: told to end.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    given = _parser().parse_args(arguments)
    if given.command is None:
        _parser().print_help()
        return 0
    try:
        with interruptible():
            code: int = given.command(given)
    except CxlabError as error:
        return _refuse(error, debug=given.debug)
    except KeyboardInterrupt as asked:
        print(said(Message("interrupted: nothing was left half published")), file=sys.stderr)
        return getattr(asked, "code", INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    return code


def _refuse(error: CxlabError, *, debug: bool) -> int:
    if debug:
        raise error
    text = str(error)
    if language_of_messages() != "en":
        from cxlab.reporting.words import explain

        text = explain(error, language_of_messages())
    print(text, file=sys.stderr)
    return error.exit_code


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        refusal = Message("{message}; see {program} --help", message=message, program=self.prog)
        sys.stderr.write(f"{said(refusal)}\n")
        raise SystemExit(USAGE)


# What argparse says by itself and a person may meet; each is looked up as it stands.
ARGPARSE = (
    Message("usage: "), Message("positional arguments"), Message("options"), Message("expected one argument"),
    Message("show this help message and exit"), Message("show program's version number and exit"),
    Message("argument %(argument_name)s: %(message)s"), Message("invalid %(type)s value: %(value)r"),
    Message("invalid choice: %(value)r (choose from %(choices)s)"), Message("unrecognized arguments: %s"),
    Message("the following arguments are required: %s"), Message("ignored explicit argument %r"),
    Message("ambiguous option: %(option)s could match %(matches)s"),
)  # fmt: skip


def _teach_argparse() -> None:
    """Let argparse speak the language of messages: it asks the two gettext names of its module."""
    if language_of_messages() != "en":
        known = {str(each) for each in ARGPARSE}
        vars(argparse)["_"] = lambda text: said(Message(text)) if text in known else text


def _parser() -> argparse.ArgumentParser:
    _teach_argparse()
    parser = _Parser(
        prog="cxlab", description=said(Message("A client's files in, reproducible reports out."))
    )
    version = said(Message("show program's version number and exit"))
    parser.add_argument("--version", action="version", version=f"cxlab {__version__}", help=version)
    debug = said(Message("show the whole traceback of an error"))
    parser.add_argument("--debug", action="store_true", help=debug)
    parser.set_defaults(command=None)
    commands = parser.add_subparsers(title=said(Message("commands")), metavar=said(Message("COMMAND")))

    def command(
        name: str, run: Callable[[argparse.Namespace], int], summary: Message
    ) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = commands.add_parser(
            name, help=said(summary), description=said(summary)
        )
        made.add_argument(
            "--root",
            metavar=said(Message("FOLDER")),
            help=said(Message("the workbench; by default the nearest one")),
        )
        made.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=debug)
        made.set_defaults(command=run)
        return made

    command("demo", _demo, Message("build the demo clients, run their study, say which page to open"))
    new = command("new", _new, Message("make a client's folder with a commented client.yaml, or a new wave"))
    new.add_argument("client", metavar=said(Message("CLIENT")))
    new.add_argument(
        "--wave",
        default="",
        metavar=said(Message("WAVE")),
        help=said(Message("a new wave of a client that is there: its folder, and what changed in its files")),
    )
    check = command(
        "check",
        _check,
        Message("read a client's files, map and validate them; say what was left out and why"),
    )
    check.add_argument("client", metavar=said(Message("CLIENT")))
    client_commands.add_commands(command)
    command("list", _list, Message("name the notebooks, the clients and the studies"))
    _run_arguments(command("run", _run, Message("run a notebook or a study and publish its pages")))
    run_commands.add_commands(command)
    delivery_commands.add_commands(command)
    audit_commands.add_commands(command)
    edit_commands.add_commands(command)
    shelf_commands.add_commands(command)
    custody.add_commands(command)
    kernel_commands.add_commands(command)
    return parser


def _run_arguments(run: argparse.ArgumentParser) -> None:
    run.add_argument("target", metavar=said(Message("NOTEBOOK|STUDY.yaml")))
    run.add_argument(
        "--client",
        default="",
        metavar=said(Message("CLIENT")),
        help=said(Message("whose data (by default what the study or the notebook says)")),
    )
    run.add_argument(
        "--language",
        default="",
        choices=["es", "en"],
        metavar="es|en",
        help=said(Message("of the reports (by default what the study or the notebook says)")),
    )
    run.add_argument(
        "-p",
        dest="given",
        action="append",
        default=[],
        metavar=said(Message("NAME=VALUE")),
        help=said(Message("a parameter; may be repeated")),
    )
    limit = Message("for each notebook (by default what the study says, else no limit); none: no limit")
    room = Message("for each kernel, such as 2 GB (Linux; by default what the study says, else no limit)")
    run.add_argument(
        "--timeout",
        metavar=said(Message("SECONDS")),
        help=said(limit),
    )
    run.add_argument(
        "--memory",
        metavar=said(Message("SIZE")),
        help=said(room),
    )
    at_once = Message(
        "how many notebooks at once (by default one for each core: {count} here)", count=cores()
    )
    run.add_argument("--workers", type=int, metavar="N", help=said(at_once))
    fresh = said(Message("run also what has not changed since it was published"))
    run.add_argument("--fresh", action="store_true", help=fresh)
    away = said(Message("run on a Dask cluster: tls://HOST:PORT, or tcp://127.0.0.1:PORT on this machine"))
    run.add_argument("--cluster", default="", metavar=said(Message("ADDRESS")), help=away)
    unsafe = said(Message("let tcp:// of --cluster lead to another machine, without authentication"))
    run.add_argument("--insecure", action="store_true", help=unsafe)
    to = said(Message("then send the pages there, such as s3://bucket/folder; only what is not there yet"))
    run.add_argument("--to", default="", metavar="URL", help=to)


def _root(given: argparse.Namespace) -> Path:
    from cxlab.workbench import workbench

    return workbench(given.root)


def _demo(given: argparse.Namespace) -> int:
    from cxlab import demo

    root = _root(given)
    say(Message("building the demo clients: {clients}", clients=", ".join(DEMO_CLIENTS)))
    demo.build(root)
    for client in DEMO_CLIENTS:
        if code := _checked(root, client):
            return code
    from cxlab.runs.study import read_study

    code = _published(read_study(root / "reports" / f"{DEMO_STUDY}.yaml", root=root))
    say(
        Message(
            "{client} holds files as clients send them, to be mapped: cxlab map {client} --wave {wave}",
            client=DEMO_DELIVERED,
            wave="2025T1",
        )
    )
    return code


def _new(given: argparse.Namespace) -> int:
    if given.wave:
        from cxlab.client_commands import new_wave

        return new_wave(_root(given), given.client, given.wave)
    from cxlab.intake import client

    folder = client.new(_root(given), given.client)
    say(
        Message(
            "made {folder}: put the files in raw/, then: cxlab map {client} "
            "(or declare them in client.yaml by hand)",
            folder=folder,
            client=given.client,
        )
    )
    return 0


def _check(given: argparse.Namespace) -> int:
    return _checked(_root(given), given.client)


def _checked(root: Path, client: str) -> int:
    """Check a client and print everything that was found; return 2 if it stops there."""
    from cxlab.intake import dataset
    from cxlab.progress import Watching

    with Watching() as watching:
        report = dataset.check(root, client, strict=False, on_step=watching.see)
    for line in report.lines(language_of_messages()):
        print(line)
    say(Message("the whole review, to forward: {path}", path=root / "data" / client / "revision.xlsx"))
    if not report.problems:
        _check_deck(root, client)
        return 0
    refusal = Message(
        "{client}: {count} problems; nothing was written", client=client, count=len(report.problems)
    )
    print(said(refusal), file=sys.stderr)
    return InputError.exit_code


def _check_deck(root: Path, client: str) -> None:
    """Refuse a template of slides that cannot be used, naming the layouts that it has."""
    from cxlab.intake.client import load

    if load(root / "data" / client).deck is None:
        return
    from cxlab.reporting.deck import checked
    from cxlab.runs.pages import template_of

    template, layouts = template_of(root, client)
    checked(template or b"", layouts)


def _list(given: argparse.Namespace) -> int:
    from cxlab.runs.entries import notebooks

    root = _root(given)
    say(Message("notebooks"))
    for path in notebooks(root):
        print(f"  {path.stem:<24} {client_commands.headline(path)}")
    say(Message("clients"))
    for folder in sorted(p for p in (root / "data").iterdir() if (p / "client.yaml").is_file()):
        print(f"  {folder.name}")
    say(Message("studies"))
    for path in sorted((root / "reports").glob("*.yaml")):
        print(f"  {path.relative_to(root)}")
    return 0


def _run(given: argparse.Namespace) -> int:
    from cxlab.runs.study import of_notebook, read_study

    root = _root(given)
    if given.workers is not None and given.workers < 1:
        raise ParameterError("--workers {count}: at least 1", count=given.workers)
    to = shelf_commands.place_of(given.to)
    held = {key: getattr(given, key) for key in ("timeout", "memory") if getattr(given, key) is not None}
    asked = {
        "root": root,
        "client": given.client,
        "language": given.language,
        "given": _given(given.given),
        "held": held,
    }
    target = Path(given.target)
    if target.suffix in (".yaml", ".yml"):
        path = target if target.is_file() else root / "reports" / target.name
        study = read_study(path, **asked)
    else:
        study = of_notebook(given.target, **asked)
    with ExitStack() as elsewhere:
        executor = None
        if given.cluster:
            from cxlab.runs.cluster import cluster

            executor = elsewhere.enter_context(cluster(given.cluster, insecure=given.insecure))
        code = _published(study, workers=given.workers, fresh=given.fresh, executor=executor)
    return shelf_commands.sent(study, to, code)


def _given(pairs: Sequence[str]) -> dict[str, Any]:
    from cxlab.values import Plain, shown

    values: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        name = name.strip()
        if not equals or not name:
            raise ParameterError("-p {pair} is not name=value", pair=shown(pair))
        if name in values:
            raise ParameterError("-p {name} is given twice", name=shown(name))
        values[name] = Plain(value)
    return values


def _published(
    study: Study, *, workers: int | None = None, fresh: bool = False, executor: Executor | None = None
) -> int:
    # jsonschema would compile the grammar of international addresses, over a second, for nothing.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    from cxlab.progress import Progress, Tally
    from cxlab.runs.batch import durations, run_study

    tally = Tally((entry.id for entry in study.entries), durations(study))
    try:
        with Progress(tally) as progress:
            batch = run_study(study, workers=workers, watch=progress.see, fresh=fresh, executor=executor)
    except KeyboardInterrupt:
        if tally.ended and not fresh:
            rest = Message("{count}: the same command goes on with the rest", count=tally.count)
            print(said(rest), file=sys.stderr)
        raise
    _summarise(batch)
    return 1 if batch.failed else 0


def _summarise(batch: Batch) -> None:
    for note in batch.notes:
        print(said(note), file=sys.stderr)
    of_all = {"skipped": len(batch.skipped), "all": len(batch.reports)}
    of_all["done"] = of_all["all"] - of_all["skipped"] - len(batch.failed)
    if batch.skipped:
        say(Message("{done} published, {skipped} skipped (unchanged), of {all}", **of_all))
    else:
        say(Message("{done} of {all} published", **of_all))
    for report in batch.failed:
        say(
            Message("failed: {entry}; its notebook is in {folder}", entry=report.entry.id, folder=report.kept)
        )
    page = batch.reports[0].page if len(batch.reports) == 1 and batch.reports[0].page else batch.index
    say(Message("open {page}", page=page.as_uri()))
    print(page)
