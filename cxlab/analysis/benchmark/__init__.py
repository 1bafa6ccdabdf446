"""A company beside its peers, where both sides carry their own error.

`compare` gives the difference with each peer and a verdict that has paid for having looked many times;
`cells` drills down, as exploration; `gaps` is its map, to the best and to the median with joint intervals;
`pooled` reads small cells together, for the eye and never for a test. `standardise` splits a gap into the mix
of customers and what remains; `published` and `published_scores` compare with numbers from print. `league`
ranks everybody with simultaneous rank intervals (`rank_sets`), `best_in_class` says who is best once it is
discounted that the best was chosen for its result, `funnel` who is further off than its base explains.
"""

from cxlab.analysis.benchmark.best import Best, best_in_class
from cxlab.analysis.benchmark.between import Between, tau_squared
from cxlab.analysis.benchmark.funnel import Funnel, funnel, funnel_limits, over_dispersion
from cxlab.analysis.benchmark.gaps import Gaps, gaps
from cxlab.analysis.benchmark.league import League, league, rank_sets
from cxlab.analysis.benchmark.peers import Comparison, cells, compare
from cxlab.analysis.benchmark.pooled import Pooled, pooled, shrunken
from cxlab.analysis.benchmark.published import PublishedComparison, published, published_scores
from cxlab.analysis.benchmark.standardised import Standardised, standardise
from cxlab.analysis.benchmark.variance import VarianceShares, variance_shares

__all__ = [
    "Best",
    "Between",
    "Comparison",
    "Funnel",
    "Gaps",
    "League",
    "Pooled",
    "PublishedComparison",
    "Standardised",
    "VarianceShares",
    "best_in_class",
    "cells",
    "compare",
    "funnel",
    "funnel_limits",
    "gaps",
    "league",
    "over_dispersion",
    "pooled",
    "published",
    "published_scores",
    "rank_sets",
    "shrunken",
    "standardise",
    "tau_squared",
    "variance_shares",
]
