"""Notebooks are papers: prose in two languages, one declaration, calls and nothing else."""

import ast
import json
import re
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
COMMON = {"client", "language", "seed", "level", "by", "where"}
FORBIDDEN = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.While, ast.Try, ast.With,
    ast.If, ast.ListComp, ast.DictComp, ast.SetComp, ast.GeneratorExp,
)  # fmt: skip
SECTIONS = {
    "es": ["Pregunta", "Datos", "Método", "Respuesta", "Controles", "Lo que esto no muestra", "Procedencia"],
    "en": ["Question", "Data", "Method", "Answer", "Checks", "What this does not show", "Provenance"],
}

pytestmark = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)


def cells(path, kind):
    return [c for c in json.loads(path.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == kind]


def text(cell):
    return "".join(cell["source"])


def prose(path, language):
    return [text(c) for c in cells(path, "markdown") if f"lang-{language}" in c["metadata"].get("tags", [])]


def test_code_is_calls_only(path):
    for cell in cells(path, "code"):
        tree = ast.parse(text(cell))  # magics do not parse
        found = [type(n).__name__ for n in ast.walk(tree) if isinstance(n, FORBIDDEN)]
        assert not found, f"{found} in {text(cell)!r}: move it to cxlab/"
        lines = [line for line in text(cell).splitlines() if line.strip()]
        declares = "parameters" in cell["metadata"].get("tags", [])
        assert len(lines) <= (24 if declares else 10), (
            f"a cell of {len(lines)} lines: split it or move it to cxlab/"
        )


def test_no_outputs_in_git(path):
    for cell in cells(path, "code"):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


def test_imports_stand_first_and_are_public(path):
    code = cells(path, "code")
    for k, cell in enumerate(code):
        for node in ast.walk(ast.parse(text(cell))):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module]
                assert k == 0, "imports belong to the first code cell"
                assert all(n.split(".")[0] in {"cxlab", "pandas"} for n in names), names


def test_one_declaration_with_the_common_parameters(path):
    tagged = [c for c in cells(path, "code") if "parameters" in c["metadata"].get("tags", [])]
    assert len(tagged) == 1
    assert cells(path, "code")[1] == tagged[0], "the parameters stand in the second code cell"
    declared = {n.target.id for n in ast.parse(text(tagged[0])).body}
    # What a published sweep is split by is chosen by its row; its filter is that of its points.
    assert declared >= (COMMON - {"by"} if "study" in declared else COMMON)
    for line in text(tagged[0]).splitlines():
        assert re.search(r"  # \S", line), f"no comment says what it is: {line}"


def test_every_declared_parameter_is_used(path):
    code = cells(path, "code")
    declared = {n.target.id for n in ast.parse(text(code[1])).body}
    used = {n.id for c in code[2:] for n in ast.walk(ast.parse(text(c))) if isinstance(n, ast.Name)}
    assert declared <= used, f"never used: {declared - used}"


@pytest.mark.parametrize("language", ["es", "en"])
def test_each_language_tells_the_whole_paper(path, language):
    paper = prose(path, language)
    titles = re.findall(r"^# (.+)$", "\n".join(paper), re.MULTILINE)
    assert len(titles) == 1, titles
    assert titles[0].endswith("?"), "the title is the question"
    headings = re.findall(r"^## (.+)$", "\n".join(paper), re.MULTILINE)
    assert [h for h in headings if h in SECTIONS[language]] == SECTIONS[language]
    words = len(" ".join(paper).split())
    lines = sum(len(text(c).splitlines()) for c in cells(path, "code")) - len(
        text(cells(path, "code")[1]).splitlines()
    )
    assert words >= 8 * lines


def test_every_markdown_cell_has_a_language(path):
    for cell in cells(path, "markdown"):
        assert {"lang-es", "lang-en"} & set(cell["metadata"].get("tags", [])), text(cell)[:60]


@pytest.mark.parametrize("language", ["es", "en"])
def test_no_finding_is_typed_in_prose(path, language):
    for cell in prose(path, language):
        if "## Método" in cell or "## Method" in cell:
            continue
        assert not re.search(r"\d+[.,]\d+|\d ?%", cell), f"a number typed in prose: {cell[:80]}"
