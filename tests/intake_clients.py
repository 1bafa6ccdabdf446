"""Small clients on disk, for the tests of intake."""

from pathlib import Path

import pytest

from cxlab.errors import InputError
from cxlab.intake import dataset

SURVEY = """
name: Test
purpose: Tests
retain_until: 2099-12-31
sources:
  - file: raw/survey.csv
    table: survey_responses
    scales: {recommend: [0, 10]}
"""
ROWS = "response_id,recommend,region\n" + "".join(
    f"r{n},{n % 11},{'RM' if n % 2 else 'V'}\n" for n in range(40)
)


def write_client(root, declaration=SURVEY, files=None, name="acme"):
    """Write data/NAME with client.yaml and raw files (text or bytes); return the root."""
    folder = Path(root) / "data" / name
    (folder / "raw").mkdir(parents=True, exist_ok=True)
    (folder / "client.yaml").write_text(declaration, encoding="utf-8")
    for file, content in (files if files is not None else {"survey.csv": ROWS}).items():
        data = content.encode() if isinstance(content, str) else content
        (folder / "raw" / file).write_bytes(data)
    return Path(root)


def problems_of(root, name="acme"):
    """Check a client that must be refused; return its problems as text."""
    with pytest.raises(InputError) as caught:
        dataset.check(root, name)
    assert caught.value.problems, caught.value
    return [str(problem) for problem in caught.value.problems]


def refused(root, declaration=SURVEY, files=None):
    """Write and check a client that must be refused; return all its problems in one text."""
    return "\n".join(problems_of(write_client(root, declaration, files)))


def checked(root, declaration=SURVEY, files=None, table="survey_responses"):
    """Write and check a client; return one of its tables."""
    dataset.check(write_client(root, declaration, files), "acme")
    return dataset.open_dataset(root, "acme").read(table)
