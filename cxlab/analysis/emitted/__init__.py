"""What the company emits, beside what customers perceive: is it delivered, is it seen, does it matter.

`agreement` and `icc` say how far evaluators who saw the same agree (`agreement_apart`: in each group),
`components` how many visits it takes to know a unit. `checked` joins the checks of the visits; from them
`compliance` says what is delivered, `perceived` whether it matters to customers, `ladder` what was designed,
emitted and perceived, and `alignment` whether the standards are about what matters; `beside` how other
companies attend. `seen_twice` gives the visits of two evaluators to `agreement`.
"""

from cxlab.analysis.emitted.apart import agreement_apart
from cxlab.analysis.emitted.beside import beside
from cxlab.analysis.emitted.checks import checked, seen_twice, visit_scores
from cxlab.analysis.emitted.delivered import Compliance, compliance
from cxlab.analysis.emitted.felt import Perceived, perceived
from cxlab.analysis.emitted.iccs import Icc, icc
from cxlab.analysis.emitted.raters import Agreement, agreement
from cxlab.analysis.emitted.steps import Alignment, Ladder, aligned, alignment, ladder
from cxlab.analysis.emitted.variance import Components, components

__all__ = [
    "Agreement",
    "Alignment",
    "Compliance",
    "Components",
    "Icc",
    "Ladder",
    "Perceived",
    "agreement",
    "agreement_apart",
    "aligned",
    "alignment",
    "beside",
    "checked",
    "compliance",
    "components",
    "icc",
    "ladder",
    "perceived",
    "seen_twice",
    "visit_scores",
]
