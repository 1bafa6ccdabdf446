"""How we attend beside how the best attend: compliance by interaction and channel, whatever their sector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from cxlab.analysis.benchmark import Comparison, compare
from cxlab.analysis.emitted.delivered import COLUMNS
from cxlab.analysis.estimates import Adjustment, Claim, check_columns

METRIC = "compliance"
_EMPTY = ["peer", "difference", "conf_low", "conf_high", "verdict", "n", "flag"]


def beside(checks: pd.DataFrame, *, focal: str, by: Sequence[str] = (), level: float = 0.95) -> Comparison:
    """Compare how often we meet the standards with how often each peer does, cell by cell.

    Parameters
    ----------
    checks : DataFrame
        As ``checked(..., peers=True)`` gives them: ``peer_id`` names the other company, empty for our own.
        Not changed.
    focal : str
        Our name.
    by : sequence of str
        Columns of the visit whose cells are compared one by one, such as interaction_type and channel; those
        that the visits lack are left out. By default the companies as a whole.
    level : float
        Confidence level.

    Returns
    -------
    Comparison
        As `cxlab.analysis.benchmark.compare` gives it for the metric ``rate`` (percent of checks met, each
        standard the same; rows are visits, so that checks of one visit do not count as independent), adjusted
        by Benjamini and Hochberg where there are cells, by Holm where there are none. Without peers, or with
        none of the columns of `by`, an empty table; a claim says so of the companies as a whole.

    Raises
    ------
    AnalysisError
        If a column is missing.

    Examples
    --------
    >>> checks = pd.DataFrame({"visit_id": range(200), "peer_id": [None, "best"] * 100, "trials": 1,
    ...                        "met": [1, 1, 0, 1] * 50})
    >>> beside(checks, focal="us").table[["peer", "difference", "verdict"]].values.tolist()
    [['best', -50.0, 'below']]
    """
    check_columns(checks, ["visit_id", "met", "trials"])
    cells = [column for column in by if column in checks]
    if "peer_id" not in checks or not checks["peer_id"].notna().any() or (by and not cells):
        return Comparison(
            table=pd.DataFrame(columns=_EMPTY),
            keys=("peer",),
            estimate_column="difference",
            settings={"metric": METRIC, "focal": focal, "unit": "peer_id", "level": level},
            claims=() if by else (Claim("emitted.no_peers", {}, "D"),),
            focal=focal,
        )
    named = checks.assign(peer_id=checks["peer_id"].astype(object).where(checks["peer_id"].notna(), focal))
    keys = ["visit_id", "peer_id", *cells]
    visits = named.groupby(keys, observed=True, as_index=False)[["met", "trials"]].sum()
    adjust: Adjustment = "bh" if cells else "holm"
    found = compare(
        visits, "rate", unit="peer_id", focal=focal, by=cells, columns=COLUMNS, adjust=adjust, level=level
    )
    return replace(
        found,
        settings={**found.settings, "metric": METRIC},
        claims=tuple(_named(claim) for claim in found.claims),
        otherwise=tuple(_named(claim) for claim in found.otherwise),
    )


def _named(claim: Claim) -> Claim:
    """Say compliance where the comparison says rate."""
    return replace(claim, fields={**claim.fields, "metric": METRIC})
