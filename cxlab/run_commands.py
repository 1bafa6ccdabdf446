"""The commands on what is published: `cxlab diff A B`, `cxlab verify RUN`, `cxlab export RUN`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxlab.errors import CxlabError, Message, ParameterError, VerifyError
from cxlab.speech import said, say, size_of
from cxlab.workbench import workbench

if TYPE_CHECKING:
    from cxlab.reporting.words import Words
    from cxlab.runs.compared.diff import Difference
    from cxlab.runs.published import Run

_RUN = Message("RUN|STUDY")
_RUN_HELP = Message("study/entry, a run's folder or id; or a study")
Command = Callable[[str, Callable[[argparse.Namespace], int], Message], argparse.ArgumentParser]


def add_commands(command: Command) -> None:
    """Add them to the command line, whose `command` makes the parser of one."""
    added = command("diff", _diff, Message("say what moved between two published runs or studies, and why"))
    for name in ("before", "after"):
        added.add_argument(name, metavar=said(_RUN), help=said(_RUN_HELP))
    added.add_argument("--json", action="store_true", help=said(Message("as JSON, for programs")))
    page = Message("as a page that a client can read (by default beside the pages of the second)")
    added.add_argument("--html", nargs="?", const="", metavar=said(Message("FILE")), help=said(page))
    summary = Message("run a published run or study again and compare the bytes, or only re-hash it")
    verify = command("verify", _verify, summary)
    verify.add_argument("run", metavar=said(_RUN), help=said(_RUN_HELP))
    verify.epilog = said(
        Message(
            "exit code 6: the bytes or hashes differ; 0 also where it was not run again, as its lines say"
        )
    )
    only = said(Message("only hold the files to the hashes of their manifest"))
    verify.add_argument("--hashes", action="store_true", help=only)
    verify.add_argument("--json", action="store_true", help=said(Message("as JSON, for programs")))
    _export_arguments(
        command("export", _export, Message("pack published runs for publication, with all but the data"))
    )


def _diff(given: argparse.Namespace) -> int:
    """Compare entry by entry; one that may not be compared is named, and the others go on."""
    from cxlab.runs.compared.diff import diff
    from cxlab.runs.published import named

    root = workbench(given.root)
    sides = named(given.before, root), named(given.after, root)
    pairs = _paired(*sides)
    found: list[Difference] = []
    refused: list[CxlabError] = []
    for before, after in pairs:
        try:
            found.append(diff(before, after, root=root))
        except CxlabError as error:
            if len(pairs) == 1:
                raise
            refused.append(error)
    both = {run.entry for pair in pairs for run in pair}
    apart = [[entry for entry in side if entry not in both] for side in sides]
    if given.html is not None:
        from cxlab.runs.compared.diff_file import write

        path = write(found, pairs, apart, [each.message for each in refused], root=root, to=given.html)
        say(Message("open {page}", page=path.as_uri()))
        print(path)
    elif given.json:
        print(json.dumps(_content(found, apart, refused), ensure_ascii=False, indent=1))
    else:
        _tell(found, apart, pairs, root)
    for each in refused:
        print(said(each.message), file=sys.stderr)
    return 1 if refused else 0


def _paired(before: Mapping[str, Run], after: Mapping[str, Run]) -> list[tuple[Run, Run]]:
    if len(before) == len(after) == 1:
        return [(next(iter(before.values())), next(iter(after.values())))]
    pairs = [(run, after[entry]) for entry, run in before.items() if entry in after]
    if not pairs:
        raise ParameterError(
            "the two have no entry in common: {before}; {after}; name two runs as STUDY/ENTRY",
            before=", ".join(before) or "-",
            after=", ".join(after) or "-",
        )
    return pairs


def _content(found: list[Difference], apart: list[list[str]], refused: list[CxlabError]) -> dict[str, Any]:
    return {
        "schema": 1,
        "compared": [{**asdict(each), "empty": each.empty} for each in found],
        "only_before": apart[0],
        "only_after": apart[1],
        "refused": [str(error.message) for error in refused],
    }


def _tell(found: list[Difference], apart: list[list[str]], pairs: list[tuple[Run, Run]], root: Path) -> None:
    from cxlab.runs.compared.diff_lines import lines

    after = {run.name: run for _, run in pairs}
    for place, each in enumerate(found):
        if place:
            print("\n" + "─" * 40)
        for line in lines(each, _words(after[each.after], root)):
            print(line)
    for message, names in zip(_APART, apart, strict=True):
        if names:
            print(f"{said(message)}: {', '.join(names)}")


def _export_arguments(added: argparse.ArgumentParser) -> None:
    added.add_argument("name", metavar=said(_RUN), help=said(_RUN_HELP))
    added.add_argument(
        "--ro-crate",
        action="store_true",
        help=said(Message("as an RO-Crate: notebooks, reports, tables, figures, manifests, methods")),
    )
    added.add_argument(
        "--to",
        default="",
        metavar=said(Message("PLACE")),
        help=said(Message("a folder, or a file that ends in .zip (NAME.ro-crate.zip, here)")),
    )
    added.add_argument(
        "--author",
        action="append",
        default=[],
        metavar=said(Message("NAME")),
        help=said(Message('who answers for it, as "Family, Given (ORCID)"; once for each')),
    )
    added.add_argument(
        "--license",
        default="",
        metavar="SPDX",
        help=said(Message("SPDX id of the license, e.g. CC-BY-4.0")),
    )


def _export(given: argparse.Namespace) -> int:
    """Pack runs, and say what a reader of the package will miss."""
    from cxlab.runs.crate.packed import packed
    from cxlab.runs.crate.written import write
    from cxlab.runs.published import named

    if not given.ro_crate:
        raise ParameterError("say which kind of package: --ro-crate")
    root = workbench(given.root)
    runs = [*named(given.name, root).values()]
    files = packed(runs, root=root, authors=given.author, license=given.license)
    called = str(runs[0].manifest["study"]) + (f"-{runs[0].entry}" if len(runs) == 1 else "")
    path = write(files, Path(given.to or f"{called}.ro-crate.zip"))
    size = size_of(sum(map(len, files.values())))
    say(
        Message(
            "written: {path} ({n} files, {size}); no data, no client.yaml", path=path, n=len(files), size=size
        )
    )
    if not given.author:
        say(Message("no CITATION.cff: nobody is named as author (--author)"))
    if not given.license:
        say(Message("no license is stated (--license)"))
    return 0


_APART = (Message("entries only before"), Message("entries only after"))


def _words(run: Run, root: Path) -> Words:
    """Return the language of a run's page, and the labels of its client as they are now."""
    from cxlab.intake.client import load
    from cxlab.reporting.words import Words

    language = "en" if run.manifest.get("language") == "en" else "es"
    try:
        labels = load(root / "data" / str(run.manifest.get("client") or "")).labels_mapping()
    except CxlabError:
        labels = {}
    return Words(language, labels=labels)


def _verify(given: argparse.Namespace) -> int:
    """Verify run by run; whatever does not verify is told, and the others go on."""
    from cxlab.runs.published import folders
    from cxlab.runs.verified.verify import verified
    from cxlab.runs.verified.verify_lines import lines

    root = workbench(given.root)
    every = []
    for each in verified(folders(given.run, root), root=root, hashes=given.hashes):
        every.append(each)
        for line in [] if given.json else lines(each, said):
            print(line, flush=True)
    if given.json:
        content = {"schema": 1, "verified": [{**asdict(each), "good": each.good} for each in every]}
        print(json.dumps(content, ensure_ascii=False, indent=1))
    if wrong := [each for each in every if not each.good]:
        raise VerifyError("{wrong} of {all} are not verified", wrong=len(wrong), all=len(every))
    return 0
