"""Importance of blocks: drivers that the questionnaire puts together, divided as blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from cxlab.analysis.drivers.blocks import blocks
from cxlab.analysis.drivers.shares import importance
from cxlab.analysis.estimates import Result


def importance_of_blocks(
    table: pd.DataFrame,
    outcome: str,
    drivers: Sequence[str],
    items: pd.DataFrame,
    *,
    by: str,
    **choices: Any,
) -> Result:
    """Divide what explains an outcome among blocks of drivers: is it the brand, the product, the contact.

    Parameters
    ----------
    table, outcome, drivers, choices
        As in `cxlab.analysis.drivers.importance`.
    items, by : DataFrame, str
        The questionnaire and its column that tags each driver, as in `cxlab.analysis.drivers.blocks`; with
        an empty `by` no blocks are asked for, and the result's tables are empty.

    Returns
    -------
    Result
        Of `importance` with the blocks as its groups; ``tables["separation"]`` says of each two whether
        those who answered tell them apart.

    Raises
    ------
    AnalysisError
        As `importance` and `blocks`.

    Examples
    --------
    >>> answers = pd.DataFrame({"overall": [7, 5, 6, 2, 3, 4, 6, 1] * 4, "ease": [7, 4, 6, 2, 3, 5, 6, 2] * 4,
    ...                         "price": [3, 5, 6, 2, 5, 3, 4, 3] * 4, "app": [5, 3, 6, 2, 4, 4, 7, 2] * 4})
    >>> items = pd.DataFrame({"item_id": ["ease", "price", "app"],
    ...                       "dimension": ["interaction", "product", "interaction"]})
    >>> result = importance_of_blocks(answers, "overall", ["ease", "price", "app"], items,
    ...                               by="dimension", resamples=0)
    >>> result.table["driver"].tolist()
    ['dimension: interaction', 'dimension: product']
    """
    if by:
        return importance(table, outcome, drivers, groups=blocks(items, drivers, by), **choices)
    return Result(
        table=pd.DataFrame(),
        keys=("driver",),
        estimate_column="share",
        tables={"separation": pd.DataFrame()},
        settings={"outcome": outcome, "by": by},
    )
