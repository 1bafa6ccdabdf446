"""Where the clock starts: at the beginning, or anew at something that happened to each customer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from cxlab.analysis.columns import as_floats
from cxlab.analysis.dropped import check_entered
from cxlab.analysis.survival.observed import Observed
from cxlab.errors import AnalysisError, Message
from cxlab.periods import completed

Window = tuple[str, str]
_NO_MONTH = Message("not one whole month observed")


def restarted(who: Observed, since: str | None) -> Observed:
    """Start the clock of each customer at the column `since`, one of the labels: months from the beginning.

    Only those still here, and still observed, after that moment are at risk of anything after it; the
    others are left out and counted. Whoever is set beside them from the beginning instead would be credited
    with having lasted until then (immortal time).

    Raises
    ------
    AnalysisError
        If the column holds no numbers, or negative or infinite ones, or nobody is observed after it.

    Examples
    --------
    >>> from cxlab.analysis.survival.observed import observed
    >>> seen = pd.DataFrame({"months": [5, 20, 30], "left": [1, 1, 0], "free": [12, 12, 12]})
    >>> who = observed(seen, "months", "left", entry=None, weights=None, needed=["free"])
    >>> after = restarted(who, "free")
    >>> after.duration.tolist(), dict(after.dropped)
    ([8.0, 18.0], {'gone or last seen by then (free)': 1})
    """
    if since is None:
        return who
    start = as_floats(who.labels[since])
    if start is None or not np.isfinite(start).all() or (start < 0).any():
        raise AnalysisError(
            "column {column!r} starts the clock, and holds something else than months from the beginning; "
            "give numbers of zero or more",
            column=since,
        )
    kept = who.duration > start
    gone = int(who.count[~kept].sum())
    dropped = {**who.dropped}
    if gone:
        dropped[Message("gone or last seen by then ({column})", column=since)] = gone
    check_entered(kept, dropped)
    after = who.part(kept)
    own = start[kept]
    return replace(
        after, duration=after.duration - own, entry=np.maximum(after.entry - own, 0.0), dropped=dropped
    )


def in_whole_months(who: Observed, window: Window | None) -> Observed:
    """End each customer's observation with the last month that was seen whole.

    `window` names two labels, the dates on which a customer began and on which observation of them ended.
    The month in which it ends is seen in part: counted whole, as a month of risk like the others, it makes
    the risk of the last months, and of the youngest cohorts, look small.

    Examples
    --------
    >>> from cxlab.analysis.survival.observed import observed
    >>> seen = pd.DataFrame({"months": [3, 3], "left": [1, 0], "from": ["2024-01-01"] * 2,
    ...     "to": ["2024-03-15", "2024-04-01"]}).assign(**{"from": pd.Timestamp("2024-01-01")})
    >>> seen["to"] = pd.to_datetime(seen["to"])
    >>> who = observed(seen, "months", "left", entry=None, weights=None, needed=["from", "to"])
    >>> whole = in_whole_months(who, ("from", "to"))
    >>> whole.duration.tolist(), whole.event.tolist()
    ([2.0, 3.0], [False, False])
    """
    if window is None:
        return who
    for column in window:
        if not pd.api.types.is_datetime64_any_dtype(who.labels[column]):
            raise AnalysisError(
                "column {column!r} holds no dates; read it as dates in client.yaml", column=column
            )
    months = completed(who.labels[window[0]], who.labels[window[1]]).to_numpy(dtype=float)
    cut = who.duration > months
    end = np.where(cut, months, who.duration)
    kept = end > who.entry
    gone = int(who.count[~kept].sum())
    dropped = dict(who.dropped)
    if gone:
        dropped[_NO_MONTH] = gone
    check_entered(kept, dropped)
    after = who.part(kept)
    return replace(after, duration=end[kept], event=(who.event & ~cut)[kept], dropped=dropped)
