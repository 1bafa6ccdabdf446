"""What the company emits, beside what customers perceive: is it delivered, is it seen, does it matter.

`agreement` says how far evaluators who saw the same agree beyond chance.
"""

from cxlab.analysis.emitted.raters import Agreement, agreement

__all__ = ["Agreement", "agreement"]
