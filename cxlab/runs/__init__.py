"""Notebook times parameters to published run: study files, execution, atomic publication."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["collect"]


def collect(study: str, entry: str | None = None, *, root: str | Path | None = None) -> pd.DataFrame:
    """Return all results of a sweep as one tidy table, as they were published: nothing is computed.

    Parameters
    ----------
    study : str
        A study that was run: its name, its file, or the folder of its pages.
    entry : str, optional
        A name of the study file; without it, all of them.
    root : path, optional
        The workbench; by default the folder around the current one.

    Returns
    -------
    DataFrame
        A row for each estimate and point:

        - entry, point : name in the study file, and id of the page
        - status : done, suppressed (its base is too small: no number is there), failed, or unpublished
        - choice_PARAMETER : for each parameter that is not the same in all points of its sweep, as text
        - result, kind, table, measure : where it is: place on the page, kind of result, table, its column
        - the key columns of the results by their names (``key_NAME`` where the name is one of these)
        - estimate, std_error, conf_low, conf_high, n, n_eff, flag, unit : as published
        - message : why a point failed

        A point that failed or that is not published has one row. ``attrs["parameters"]`` holds
        what was asked of all points alike, ``attrs["mixed"]`` names the tables, or
        ``sources`` and ``versions``, that are not the same under all points: run at different times.

    Raises
    ------
    ParameterError
        If no such study or entry is published; the nearest name is said.
    RunError
        If a run is not as it was published.
    """
    from cxlab.runs import collected  # pandas is paid for by who collects

    return collected.collect(study, entry, root=root)
