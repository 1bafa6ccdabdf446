"""What a sweep of an analysis over its choices shows: how the estimate moves, and which choice moves it.

`points` reads the specifications, `choices` divides their variance, `claims` says what stands.
"""

from cxlab.analysis.sensitivity.curve import SpecificationCurve, specification_curve

__all__ = ["SpecificationCurve", "specification_curve"]
