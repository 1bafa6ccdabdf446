"""The catalogues: both languages have every text, with the same fields; every message has its Spanish."""

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

import cxlab
from cxlab.catalogues import LOCALE

PACKAGE = Path(cxlab.__file__).parent
CODE = re.compile(
    r"(score|drivers|retention|hazards|incidence|benchmark|intake|sensitivity|risk|economics|emitted|journey|waves|diagnosis)"
    r"\.[a-z_]+"
)
KEY = re.compile(r"[a-z_]+\.[^ ].*")


def read(language: str) -> Catalog:
    with (LOCALE / language / "LC_MESSAGES" / "cxlab.po").open("rb") as source:
        return read_po(source, locale=language)


@pytest.fixture(scope="module")
def catalogues() -> dict[str, dict[str, Message]]:
    found = {}
    for language in ("es", "en"):
        messages = [m for m in read(language) if m.id]
        found[language] = {m.id[0] if isinstance(m.id, tuple) else m.id: m for m in messages}
    return found


@pytest.mark.parametrize("language", ["es", "en"])
def test_no_text_is_there_twice(language):
    lines = (LOCALE / language / "LC_MESSAGES" / "cxlab.po").read_text(encoding="utf-8").splitlines()
    keys = [line for line in lines if line.startswith("msgid ") and line != 'msgid ""']
    assert len(keys) == len({*keys}), sorted({key for key in keys if keys.count(key) > 1})


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def texts(message: Message) -> tuple[str, ...]:
    return message.string if isinstance(message.string, tuple) else (message.string,)


def templates() -> Iterator[tuple[str, Path]]:
    """First constant arguments of calls to `*Error(` and `Message(`, and where they stand."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and node.args):
                continue
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            first = node.args[0]
            said = isinstance(first, ast.Constant) and isinstance(first.value, str)
            if said and (called.endswith("Error") or called == "Message"):
                yield first.value, path


def says_something(template: str) -> bool:
    return any(c.isalpha() for text, *_ in string.Formatter().parse(template) for c in text)


def test_every_message_has_its_spanish(catalogues):
    missing = {t: p for t, p in templates() if says_something(t) and t not in catalogues["es"]}
    listed = "\n".join(f"  {p.relative_to(PACKAGE.parent)}: {t!r}" for t, p in missing.items())
    assert not missing, f"add a msgstr for each of these to {LOCALE}/es/LC_MESSAGES/cxlab.po:\n{listed}"


def test_spanish_messages_keep_the_fields(catalogues):
    for template, _ in templates():
        if template in catalogues["es"]:
            said = catalogues["es"][template].string
            assert said, template
            assert fields(said) == fields(template), f"{template!r} and {said!r} have other fields"


def test_both_languages_have_every_code(catalogues):
    coded = {
        language: {key for key in messages if KEY.fullmatch(key) and " " not in key.partition(".")[0]}
        for language, messages in catalogues.items()
    }
    english = set(catalogues["en"])
    assert english <= set(catalogues["es"]), sorted(english - set(catalogues["es"]))
    assert {k for k in coded["es"] if k.split(".")[0] in {e.split(".")[0] for e in english}} <= english


def test_texts_of_a_code_have_the_same_fields(catalogues):
    for key, message in catalogues["en"].items():
        # An index stands with one article or the other, as each language needs.
        wanted = [{f.removeprefix("a_") for f in fields(text)} for text in texts(message)]
        found = [{f.removeprefix("a_") for f in fields(text)} for text in texts(catalogues["es"][key])]
        assert found == wanted, key
        assert all(texts(message)), key
        assert all(texts(catalogues["es"][key])), key


def test_nothing_is_fuzzy_or_left_over(catalogues):
    for language in ("es", "en"):
        assert not [m.id for m in read(language) if m.id and m.fuzzy]


def test_every_claim_of_an_analysis_has_a_sentence(catalogues):
    used: dict[str, Path] = {}
    for path in sorted((PACKAGE / "analysis").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
                used[node.value] = path
    assert len(used) >= 15
    for code, path in used.items():
        known = [k for k in catalogues["en"] if k == f"claim.{code}" or k.startswith(f"claim.{code}.")]
        assert known, f"{path.name} claims {code!r}: add claim.{code} to both catalogues"
