"""Waves of one client: what changed, whether it is more than noise, what made it, whether it is sustained.

`chart` watches an index against limits frozen by a baseline; `contrast` tests one declared change; `change`
splits it into who answers, what is asked, how it is asked and the rest, and by segment; `sustained` asks
whether it is good every time and everywhere.
"""

from cxlab.analysis.waves.change import Change, change
from cxlab.analysis.waves.chart import Chart, chart
from cxlab.analysis.waves.contrast import Contrast, contrast
from cxlab.analysis.waves.sustained import Sustained, sustained

__all__ = ["Change", "Chart", "Contrast", "Sustained", "change", "chart", "contrast", "sustained"]
