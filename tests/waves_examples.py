"""Charts and splits of waves as the analysis returns them, for the tests of figures."""

import numpy as np
import pandas as pd

from cxlab.analysis import waves
from cxlab.analysis.estimates import Result

SHARES = {
    "steady": [60, 62, 58, 61, 59, 60, 63, 57, 60, 61, 60, 59],
    "fallen": [60, 62, 58, 61, 59, 60, 63, 57, 60, 61, 60, 30],
}


def answers(shares: list[int], size: int = 100) -> pd.DataFrame:
    months = [f"2024-{k + 1:02d}" for k in range(len(shares))]
    scores = np.concatenate([np.repeat([10, 0], [p, size - p]) for p in shares])
    return pd.DataFrame({"period": np.repeat(months, size), "recommend": scores})


def chart(kind: str = "fallen") -> Result:
    return waves.chart(answers(SHARES[kind]), "nps", wave="period", baseline=10)


def change(metric: str = "nps", *, standing: bool = True) -> Result:
    """Two waves in which the mix of plans, and where `standing` the level, differ."""
    rows = [("W1", "a", 10, 60), ("W1", "a", 0, 40), ("W1", "b", 10, 40), ("W1", "b", 0, 60)]
    lift = 30 if standing else 0
    rows += [("W2", "a", 10, 30 + lift), ("W2", "a", 0, 40 - lift), ("W2", "b", 10, 52), ("W2", "b", 0, 78)]
    table = pd.DataFrame(
        [row[:3] for row in rows for _ in range(row[3])], columns=["wave", "plan", "recommend"]
    )
    table["overall"] = table["recommend"].map({10: 5, 0: 1})
    column = "recommend" if metric == "nps" else "overall"
    return waves.change(table, metric, columns=column, wave="wave", mix="plan", segment="plan")
