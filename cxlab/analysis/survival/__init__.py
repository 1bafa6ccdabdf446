"""How long customers stay, and what goes with leaving.

lifelines fits the Kaplan-Meier curves of customers who are seen from the start and weigh the same. Curves
with late entry or sampling weights, all errors, the log-rank test and the hazards (Efron's ties, robust
errors, tests of proportionality), which must be right together, are computed here, and held to R and
lifelines in the tests.
"""

from cxlab.analysis.survival.accelerated import Accelerated, accelerated
from cxlab.analysis.survival.cohorts import Cohorts, cohorts
from cxlab.analysis.survival.contacts import Campaign
from cxlab.analysis.survival.cutoff import Dates
from cxlab.analysis.survival.episodes import episodes, landmark
from cxlab.analysis.survival.hazards import Hazards, hazards
from cxlab.analysis.survival.incidence import Incidence, incidence
from cxlab.analysis.survival.leaks import LeakAudit, audit_leaks
from cxlab.analysis.survival.loyalty import Bonds, bonds, first_contacts, with_months
from cxlab.analysis.survival.observing import Observation, observe
from cxlab.analysis.survival.parametric import Lifetimes, lifetimes
from cxlab.analysis.survival.receipt import BiasReceipt, receipt
from cxlab.analysis.survival.restricted_mean import RestrictedMean, restricted_mean
from cxlab.analysis.survival.retention import Retention, retention
from cxlab.analysis.survival.risk import ChurnRisk, churn_risk
from cxlab.analysis.survival.shape import HazardShape, hazard_shape

__all__ = [
    "Accelerated",
    "BiasReceipt",
    "Bonds",
    "Campaign",
    "ChurnRisk",
    "Cohorts",
    "Dates",
    "HazardShape",
    "Hazards",
    "Incidence",
    "LeakAudit",
    "Lifetimes",
    "Observation",
    "RestrictedMean",
    "Retention",
    "accelerated",
    "audit_leaks",
    "bonds",
    "churn_risk",
    "cohorts",
    "episodes",
    "first_contacts",
    "hazard_shape",
    "hazards",
    "incidence",
    "landmark",
    "lifetimes",
    "observe",
    "receipt",
    "restricted_mean",
    "retention",
    "with_months",
]
