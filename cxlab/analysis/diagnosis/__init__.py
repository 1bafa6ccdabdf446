"""What the reports of a study say together: the chain from design to money, told from their claims alone.

`links` places a claim in the chain, `worth` ranks it, `contradictions` sets claims beside each other,
`diagnosed` puts them together. Nothing is computed on customers here: the claims were masked before they
were published, and none gets a stronger grade than it came with.
"""

from cxlab.analysis.diagnosis.diagnosed import Diagnosis, diagnose

__all__ = ["Diagnosis", "diagnose"]
