"""Where fork, fcntl and resource do not exist (Windows) cxlab imports and runs all the same."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

WITHOUT = """
import os, sys
for name in ("fcntl", "resource"):
    sys.modules[name] = None  # importing it raises ImportError
if hasattr(os, "fork"):
    del os.fork
import importlib, pkgutil, cxlab
for module in pkgutil.walk_packages(cxlab.__path__, "cxlab."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
from cxlab.cli import main
sys.exit(main(["run", sys.argv[1], "--client", "nobody", "--root", sys.argv[2]]))
"""


@pytest.mark.runs_notebooks
def test_imports_and_runs_without_fork_fcntl_and_resource(tmp_path):
    root = tmp_path / "mesa de trabajo ñandú"
    for folder in ("notebooks", "data/nobody", "reports"):
        (root / folder).mkdir(parents=True)
    (root / "data/nobody/client.yaml").write_text(
        "name: Nobody\nlanguage: en\nsources: []\n", encoding="utf-8"
    )
    parameters = nbformat.v4.new_code_cell('client: str = "x"  # client', metadata={"tags": ["parameters"]})
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell("# Who?"),
            parameters,
            nbformat.v4.new_code_cell("print(client)"),
        ]
    )
    nbformat.write(notebook, root / "notebooks" / "pequeño.ipynb")
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT, "pequeño", str(root)],
        capture_output=True,
        text=True,
        env=dict(os.environ),
    )
    assert ran.returncode == 0, ran.stderr
    pages = list(Path(root, "reports", "built").rglob("report.html"))
    assert len(pages) == 1
    assert "nobody" in pages[0].read_text(encoding="utf-8")
