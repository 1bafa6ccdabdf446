"""What `papermill --engine cxlab` finds: our engine, loaded when it is used.

papermill imports its engines while it is itself being imported, so this module must not import papermill.
"""

from __future__ import annotations

from typing import Any


class CxlabEngine:
    """Stand-in that hands the work to `cxlab.runs.execute.CxlabEngine`."""

    @classmethod
    def execute_notebook(cls, nb: Any, kernel_name: str, **options: Any) -> Any:
        """Validate the notebook's parameters and execute it; see `cxlab.runs.execute.CxlabEngine`."""
        from cxlab.runs.execute import CxlabEngine as Engine

        return Engine.execute_notebook(nb, kernel_name, **options)

    @classmethod
    def nb_kernel_name(cls, nb: Any, name: str | None = None) -> str:  # noqa: ARG003
        """Return the one kernel there is: the Python of this environment."""
        return "python3"

    @classmethod
    def nb_language(cls, nb: Any, language: str | None = None) -> str:  # noqa: ARG003
        """Return python, also for a notebook that names no language."""
        return "python"
