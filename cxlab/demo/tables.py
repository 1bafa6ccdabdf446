"""The drawn parts put together as canonical tables, as intake will give them back from the raw files."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from cxlab.demo import lifetimes, organisation
from cxlab.demo.questionnaire import CODEBOOK
from cxlab.intake.tables.relationship import with_duration, with_last_survey

SCORES = ("effectiveness", "ease", "pleasantness", "recommend", "overall_sat", "ces")
DRIVERS = ("attr_resolution", "attr_billing", "attr_ease", "attr_app", "attr_kindness", "attr_ambience")
CALL_DRIVERS = ("attr_call_wait", "attr_call_knowledge")
ITEMS = (*SCORES, *DRIVERS, *CALL_DRIVERS)
CUSTOMER = (
    "customer_id",
    "start_date",
    "end_date",
    "observation_end",
    "segment",
    "region",
    "plan",
    "channel",
    "end_type",
    "lock_in_end",
    "acq_channel",
    "campaign_id",
    "acq_cost",
    "arpu",
    "margin_monthly",
    "attr_promo",
    "attr_price",
    "attr_promised_speed",
    "attr_promise_kept",
    "attr_sales_list",
    "attr_first_days_late",
    "attr_retention_call",
)
RESPONSE = (
    "response_id",
    "customer_id",
    "wave_id",
    "responded_at",
    "mode",
    "channel",
    "segment",
    "region",
    "plan",
)


def assemble(
    customers: pd.DataFrame,
    responses: pd.DataFrame,
    answers: pd.DataFrame,
    *,
    targets: pd.DataFrame,
    interviews: pd.DataFrame,
    scores: pd.DataFrame,
    conduct: Mapping[str, pd.DataFrame],
    responsibility: Mapping[str, Mapping[str, float]],
    ranking: pd.DataFrame,
) -> dict[str, pd.DataFrame]:
    """Return the canonical tables by name.

    Parameters
    ----------
    customers : DataFrame
        Traits, dates, prices and conduct of every customer, one row each.
    responses : DataFrame
        Who answered, as `fieldwork.draw_responses` gives it.
    answers : DataFrame
        What every customer would answer, rows as in `customers`.
    targets, interviews, scores, ranking : DataFrame
        Already canonical.
    conduct : mapping of str to DataFrame
        Canonical tables of what customers do, by name.
    responsibility : mapping of str to mapping of str to float
        Share of each area in each touchpoint.
    """
    survey = responses.drop(columns="position")
    survey.insert(1, "customer_id", customers["customer_id"].to_numpy()[responses["position"]])
    given = answers.iloc[responses["position"]].reset_index(drop=True)
    survey = pd.concat([survey[[*RESPONSE, "weight"]], given[list(ITEMS)]], axis=1)
    survey["status"] = "complete"
    return {
        "customers": _with_survey(customers, survey),
        "survey_responses": survey,
        "items": CODEBOOK.copy(),
        **conduct,
        "benchmark_responses": interviews,
        "benchmark_scores": scores,
        "population_targets": targets,
        "areas": organisation.areas(),
        "touchpoints": organisation.touchpoints(),
        "area_touchpoint": organisation.responsibilities(responsibility),
        "management_ranking": ranking,
    }


def _with_survey(customers: pd.DataFrame, survey: pd.DataFrame) -> pd.DataFrame:
    """Add duration and event, and what each customer answered before leaving, if surveyed."""
    out = customers.assign(observation_end=pd.Timestamp(lifetimes.OBSERVATION_END).as_unit("ns"))
    timed, _ = with_duration(out[list(CUSTOMER)])
    joined, _, _ = with_last_survey(timed, survey)
    return joined
