"""A company beside its peers, where both sides carry their own error.

`compare` gives the difference with each peer and a verdict that has paid for having looked many times;
`cells` drills down, as exploration; `standardise` splits a gap into the mix of customers and what remains;
`published` and `published_scores` compare with numbers from print. `league` ranks everybody with
simultaneous rank intervals (`rank_sets`).
"""

from cxlab.analysis.benchmark.league import League, league, rank_sets
from cxlab.analysis.benchmark.peers import Comparison, cells, compare
from cxlab.analysis.benchmark.published import PublishedComparison, published, published_scores
from cxlab.analysis.benchmark.standardised import Standardised, standardise

__all__ = [
    "Comparison",
    "League",
    "PublishedComparison",
    "Standardised",
    "cells",
    "compare",
    "league",
    "published",
    "published_scores",
    "rank_sets",
    "standardise",
]
