"""What a reader of a crate is told in words: how it was computed, what is there, how to make it again.

Every sentence is written from facts of the run: its manifest, its results' settings, and the section of
its notebook that says the method.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from typing import Any

import yaml

from cxlab.reporting.words import Words, clean
from cxlab.runs.crate.metadata import ORCID, Described, Packed

PACKAGES = ("numpy", "pandas", "scipy", "lifelines")
_METHOD = re.compile(r"^##\s+(?:Método|Method)\s*$(.*?)(?=^##\s|\Z)", re.MULTILINE | re.DOTALL)


def methods(run: Packed, results: Sequence[Mapping[str, Any]], prose: str, words: Words) -> str:
    """Return how a run was computed: a paragraph, then each result with its settings.

    Parameters
    ----------
    run : Packed
    results : sequence of mapping
        As results.json has them.
    prose : str
        The notebook's own text, in the run's language.
    words : Words
        Its language and labels.
    """
    said = _METHOD.search(prose)
    sentences = [*_data(run, words), *_weights(run, results, words)]
    sentences.append(" ".join(said[1].split()) if said else words("crate.method.unstated"))
    sentences += _made(run, words)
    lines = [f"- {_result(result, words)}" for result in results]
    parts = [f"## {clean(run.title)}", " ".join(sentences), words("crate.method.results"), "\n".join(lines)]
    return "\n\n".join(part for part in parts if part)


def _data(run: Packed, words: Words) -> Iterator[str]:
    reads = run.manifest["inputs"]
    tables = [
        words(
            "crate.method.table",
            table=words.label(read["table"]),
            rows=words.number(read["rows"], 0),
            used=words.number(read["used"], 0),
        )
        for read in reads
        if read.get("files")
    ]
    if tables:
        yield words("crate.method.data", tables=words.listed(tables))
    until = max((str(read["until"]) for read in reads if read.get("until")), default="")
    with suppress(ValueError):
        yield words("crate.method.until", date=words.date(date.fromisoformat(until)))
    where = run.manifest["parameters"].get("where")
    yield words("crate.method.where", where=where) if where else words("crate.method.whole")


def _weights(run: Packed, results: Sequence[Mapping[str, Any]], words: Words) -> Iterator[str]:
    columns = sorted({str(w) for result in results if (w := result["settings"].get("weights"))})
    how = str(run.manifest["parameters"].get("weighting", ""))
    if columns:
        yield words("crate.method.weights", how=how or "–", columns=", ".join(columns))
    else:
        yield words("crate.method.unweighted")


def _made(run: Packed, words: Words) -> Iterator[str]:
    said = run.manifest
    level = said["parameters"].get("level")
    if isinstance(level, float):
        yield words("crate.method.level", level=words.percent(level))
    if said.get("seed") is not None:
        yield words("crate.method.seed", seed=said["seed"])
    versions = said["versions"]
    yield words(
        "crate.method.software",
        cxlab=versions.get("cxlab", "?"),
        sources=said["fingerprint"]["sources"],
        python=versions.get("python", "?"),
        packages=", ".join(f"{name} {versions[name]}" for name in PACKAGES if name in versions),
    )
    yield words("crate.method.suppressed")
    yield words(
        "crate.method.run", run=said["id"], notebook=said["notebook"], sha256=said["fingerprint"]["notebook"]
    )


def _result(result: Mapping[str, Any], words: Words) -> str:
    """Say one result: its kind, its base, what was left out, its settings."""
    out = [
        words("table.reason", count=words.number(n, 0), reason=why) for why, n in result["n_dropped"].items()
    ]
    base = words(
        "table.base",
        n=words.number(result["n_used"], 0),
        dropped=words("table.dropped", reasons=", ".join(out)) if out else "",
    )
    given = {key: value for key, value in result["settings"].items() if value not in (None, [], {}, "")}
    settings = "; ".join(f"{key} = {_setting(value)}" for key, value in given.items())
    return f"{result['kind']} ({result['id']}): {base}." + (f" `{settings}`" if settings else "")


def _setting(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_setting, value)) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_setting(each)}" for key, each in value.items()) + "}"
    return clean(f"{value:.6g}" if isinstance(value, float) else str(value)).replace("`", "'")


def readme(said: Described, runs: Sequence[Packed], words: Words) -> bytes:
    """Return README.md of a crate: what is there, what is not, and how to make it again."""
    first = runs[0].manifest
    files = {f["sha256"]: f for run in runs for read in run.manifest["inputs"] for f in read.get("files", ())}
    listed = [
        f"| {clean(f['name'])} | {words.number(f['bytes'], 0) if f.get('bytes') else '–'} | `{f['sha256']}` |"
        for f in sorted(files.values(), key=lambda f: (f["name"], f["sha256"]))
    ]
    reports = [f"- `{run.manifest['entry']}`: [{clean(run.title)}]({run.folder}/report.html)" for run in runs]
    versions = {"cxlab": first["versions"].get("cxlab", "?"), "python": first["versions"].get("python", "?")}
    parts = [
        f"# {said.name}",
        said.description,
        "\n".join(reports),
        words("crate.readme.contents"),
        words("crate.readme.absent"),
        words(
            "crate.readme.again", client=first["client"], sources=first["fingerprint"]["sources"], **versions
        ),
        "\n".join([words("crate.readme.files"), "|---|---|---|", *listed]) if listed else "",
    ]
    return ("\n\n".join(part for part in parts if part) + "\n").encode()


def citation(said: Described, runs: Sequence[Packed]) -> bytes:
    """Return CITATION.cff, of authors who were named."""
    content = {
        "cff-version": "1.2.0",
        "message": said.description,
        "type": "dataset",
        "title": said.name,
        "authors": [_author(author) for author in said.authors],
        "date-released": date.fromisoformat(said.published),
        "version": "+".join(str(run.manifest["id"]) for run in runs[:1]) if len(runs) == 1 else "",
        "license": said.license,
    }
    kept = {key: value for key, value in content.items() if value}
    text: str = yaml.safe_dump(kept, allow_unicode=True, sort_keys=False, width=1000)
    return text.encode()


def _author(author: str) -> dict[str, str]:
    orcid = ORCID.search(author)
    name = ORCID.sub("", author).replace("https://orcid.org/", "").strip(" ()<>,")
    family, _, given = (part.strip() for part in name.partition(","))
    said = {"family-names": family, "given-names": given} if given else {"name": name}
    return {**said, **({"orcid": f"https://orcid.org/{orcid[0]}"} if orcid else {})}
