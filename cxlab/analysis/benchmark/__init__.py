"""A company beside its peers, where both sides carry their own error.

`compare` gives the difference with each peer and a verdict that has paid for having looked many times;
`cells` drills down, as exploration. `league` ranks everybody with simultaneous rank intervals (`rank_sets`).
"""

from cxlab.analysis.benchmark.league import League, league, rank_sets
from cxlab.analysis.benchmark.peers import Comparison, cells, compare

__all__ = ["Comparison", "League", "cells", "compare", "league", "rank_sets"]
