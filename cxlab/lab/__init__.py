"""Notebooks in JupyterLab: a form of a notebook's parameters, and its run as a report.

`given` is what a person has given, without widgets; `form` shows it and `running` runs it; `kernel` is the
extension of IPython that places the form in a notebook. Only kernels of the kernelspec in this folder load
it, and only `cxlab lab` names that folder to Jupyter: a run, papermill or any other Jupyter never meets it.
"""

from pathlib import Path

SPECS = Path(__file__).parent  # of JUPYTER_PATH and JUPYTER_CONFIG_PATH: it holds kernels/, labconfig/
CLIENT = "CXLAB_CLIENT"  # whose data the forms begin with
