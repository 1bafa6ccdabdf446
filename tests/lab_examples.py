"""A workbench with one small client and one small paper, for the tests of JupyterLab."""

import nbformat
from intake_clients import write_client
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from cxlab.intake import dataset

IMPORTS = "import cxlab\nfrom cxlab.parameters import Annotated, Field, Literal"
PARAMETERS = """client: str = "acme"  # cliente · client
language: Literal["es", "en"] = "es"  # idioma · language
by: list[str] = []  # columnas · columns
where: str = ""  # filas · rows
level: Annotated[float, Field(gt=0.5, lt=1)] = 0.95  # nivel de confianza · confidence level
whole: bool = True  # toda la tabla · the whole table"""
OPENED = (
    "paper = cxlab.open(client, where=where, language=language)\nanswers = paper.table('survey_responses')"
)


def workbench(root, *, parameters=PARAMETERS, checked=()):
    """Write data/acme, data/other and notebooks/little.ipynb; return the notebook's path."""
    for client in ("acme", "other"):
        write_client(root, name=client)
    for client in checked:
        dataset.check(root, client)
    (root / "notebooks").mkdir(exist_ok=True)
    declared = new_code_cell(parameters, metadata={"tags": ["parameters"]}, id="declared")
    cells = [
        new_markdown_cell("# ¿Qué dicen?", metadata={"tags": ["lang-es"]}, id="es"),
        new_markdown_cell("# What do they say?", metadata={"tags": ["lang-en"]}, id="en"),
        new_code_cell(IMPORTS, id="imports"),
        declared,
        new_code_cell(OPENED, id="opened"),
        new_code_cell("print('level', level)", id="told"),
    ]
    path = root / "notebooks" / "little.ipynb"
    metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    nbformat.write(new_notebook(cells=cells, metadata=metadata), path)
    return path
