"""How contacts hang together as journeys: switches of channel, what they cost, what is remembered (T13).

A change of channel by itself costs nothing. It loses the context more often than not, and then the customer
has to repeat; having to repeat is what costs. What a customer later says of the whole relation follows the
end of their journeys more than the rest.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

Array = np.ndarray[Any, Any]

KEY = 13  # of the stream: far from those that are spawned one by one, so that none of them moves
GAP_DAYS = 14
# Chances at a switch: that the context is lost; having to repeat if so and if not; the same answer.
CONTEXT_LOST, REPEATED_LOST, REPEATED_KEPT, SAME_ANSWER = 0.55, 0.85, 0.12, 0.80
REPEATED = 0.08  # at any other contact
REPEATED_ALIKE = 0.25  # of a client in whose data there is nothing: at every contact
PANEL, PANEL_ANSWERS, ANSWERS = 0.12, 0.85, 0.12  # share of customers who answer nearly always; and the rest
# Of the score of a journey (1-7): its mean, what repeating takes, SD of the rest; per SD of the PXI, and of
# the satisfaction for the last one before the customer's survey.
JOURNEY = (5.15, -1.13, 1.05)
JOURNEY_PXI, LAST = 0.30, 1.00
# Of the score of a contact: its mean, what repeating takes, SD of the rest; per SD of the PXI.
CONTACT = (5.1, -0.60, 1.20)
CONTACT_PXI = 0.10
# In one process the channels differ; in all others they are alike.
PROCESS = "complaint"
CHANNEL_SHIFT = {"store": 0.45, "app": 0.25, "web": 0.0, "call_center": -0.75}
# Where nobody asks: who leaves by themselves, and who pays a debt in person.
NOT_ASKED = (("cancellation", "app"), ("cancellation", "web"), ("collections", "store"))
EMOTIONS = {"calm": 0.22, "trust": 0.20, "joy": 0.13, "indifference": 0.27, "frustration": 0.18}
# Touchpoint: whether it was designed, and for which emotion; in one of them it is felt.
DESIGN = {
    "solution": (0, "calm"), "bill": (1, "trust"), "procedures": (0, "trust"), "app": (1, "calm"),
    "call": (0, "trust"), "store_visit": (1, "joy"),
}  # fmt: skip
MET_IN, MET = ("use", "app"), 0.42  # and its emotion by so many


def draw_journeys(
    stream: np.random.SeedSequence,
    interactions: pd.DataFrame,
    customers: pd.DataFrame,
    responses: pd.DataFrame,
    *,
    differs: bool,
) -> pd.DataFrame:
    """Add to each contact what its customer had to do and thought of it.

    Parameters
    ----------
    stream : SeedSequence
        Its own, so that nothing drawn before changes.
    interactions : DataFrame
        Contacts, as `contacts.draw_contacts` gives them.
    customers : DataFrame
        customer_id, the three items of the PXI and overall_sat of everybody.
    responses : DataFrame
        position (row in `customers`) and responded_at of who answered the survey.
    differs : bool
        False where nothing goes with anything.

    Returns
    -------
    DataFrame
        The contacts, in their order, with repeat_info (0/1), context_transferred and answer_consistent
        (0/1, known of switches), touchpoint_score and journey_score (1-7, the latter at the end of a
        journey), emotion.
    """
    rngs = [np.random.default_rng(child) for child in stream.spawn(6)]
    person = pd.Index(customers["customer_id"]).get_indexer(interactions["customer_id"])
    order, number, switch = _episodes(interactions, person)
    n = len(interactions)
    lost, draw = rngs[0].random(n) < CONTEXT_LOST, rngs[0].random(n)
    chance = np.where(switch, np.where(lost, REPEATED_LOST, REPEATED_KEPT), REPEATED)
    repeated = draw < (chance if differs else REPEATED_ALIKE)
    same = rngs[1].random(n) < SAME_ANSWER
    rate = np.where(rngs[2].random(len(customers)) < PANEL, PANEL_ANSWERS, ANSWERS)[person]
    contact = _contact_scores(rngs[3], interactions, customers, person, repeated, differs=differs)
    last = np.zeros(n, dtype=bool)
    last[order] = np.diff(number[order], append=-1) != 0
    asked = last & (rngs[4].random(n) < rate)
    any_repeat = np.bincount(number, repeated)[number] > 0
    journey = _journey_scores(
        rngs[4], interactions, customers, responses, person, any_repeat, asked, differs=differs
    )
    answered, felt = rngs[3].random(n) < rate, _emotions(rngs[5], interactions, differs=differs)
    for kind, channel in NOT_ASKED if differs else ():
        answered &= ~((interactions["interaction_type"] == kind) & (interactions["channel"] == channel))
    said = np.full(n, None, dtype=object)
    said[answered] = felt[answered]
    return interactions.assign(
        repeat_info=repeated.astype(int),
        context_transferred=np.where(switch, (~lost).astype(float), np.nan),
        answer_consistent=np.where(switch, same.astype(float), np.nan),
        touchpoint_score=np.where(answered, contact, np.nan),
        journey_score=np.where(asked, journey, np.nan),
        emotion=said,
    )


def design() -> pd.DataFrame:
    """Return the canonical table of what was designed."""
    rows = [(name, "2024-1", designed, emotion) for name, (designed, emotion) in DESIGN.items()]
    return pd.DataFrame(rows, columns=["touchpoint_id", "design_version", "designed", "target_emotion"])


def _episodes(contacts: pd.DataFrame, person: Array) -> tuple[Array, Array, Array]:
    """Return the order of the contacts, the journey of each, and which of them switch channel."""
    about = pd.factorize(contacts["interaction_type"])[0]
    day = contacts["ts_start"].to_numpy().astype("datetime64[D]").astype(np.int64)
    order = np.lexsort((np.arange(len(contacts)), day, about, person))
    goes_on = (np.diff(person[order]) == 0) & (np.diff(about[order]) == 0) & (np.diff(day[order]) <= GAP_DAYS)
    number, switch = np.empty(len(contacts), dtype=np.int64), np.zeros(len(contacts), dtype=bool)
    number[order] = np.concatenate([[0], np.cumsum(~goes_on)])
    channel = pd.factorize(contacts["channel"])[0][order]
    switch[order[1:]] = goes_on & (np.diff(channel) != 0)
    return order, number, switch


def _sd(values: Array) -> Array:
    return np.asarray((values - values.mean()) / values.std())


def _pxi(customers: pd.DataFrame) -> Array:
    items = customers[["effectiveness", "ease", "pleasantness"]].to_numpy(dtype=float)
    return _sd(((items >= 6).astype(float) - (items <= 3)).mean(axis=1))


def _rated(values: Array) -> Array:
    return np.clip(np.rint(values), 1.0, 7.0)


def _contact_scores(
    rng: np.random.Generator, contacts: pd.DataFrame, customers: pd.DataFrame, person: Array,
    repeated: Array, *, differs: bool,
) -> Array:  # fmt: skip
    mean, cost, spread = CONTACT
    latent = mean + spread * rng.standard_normal(len(contacts))
    if differs:
        shift = contacts["channel"].map(CHANNEL_SHIFT).to_numpy(dtype=float)
        latent += CONTACT_PXI * _pxi(customers)[person] + cost * repeated
        latent += np.where(contacts["interaction_type"] == PROCESS, shift, 0.0)
    return _rated(latent)


def _journey_scores(
    rng: np.random.Generator, contacts: pd.DataFrame, customers: pd.DataFrame, responses: pd.DataFrame,
    person: Array, repeated: Array, asked: Array, *, differs: bool,
) -> Array:  # fmt: skip
    mean, cost, spread = JOURNEY
    latent = mean + spread * rng.standard_normal(len(contacts))
    if not differs:
        return _rated(latent)
    surveyed = np.full(len(customers), np.datetime64("NaT"), dtype="datetime64[D]")
    surveyed[responses["position"]] = responses["responded_at"].to_numpy().astype("datetime64[D]")
    day = contacts["ts_start"].to_numpy().astype("datetime64[D]")
    before = np.flatnonzero(asked & (day < surveyed[person]))
    final = before[np.lexsort((np.arange(len(before)), day[before], person[before]))]
    final = final[np.diff(person[final], append=-1) != 0]
    latent += JOURNEY_PXI * _pxi(customers)[person] + cost * repeated
    latent[final] += LAST * _sd(customers["overall_sat"].to_numpy(dtype=float))[person[final]]
    return _rated(latent)


def _emotions(rng: np.random.Generator, contacts: pd.DataFrame, *, differs: bool) -> Array:
    names = np.array(list(EMOTIONS), dtype=object)
    felt = rng.choice(names, size=len(contacts), p=list(EMOTIONS.values()))
    if differs:
        here = (contacts["interaction_type"] == MET_IN[0]) & (contacts["channel"] == MET_IN[1])
        # Of those who would have felt something else, as many more as it takes.
        more = (MET - EMOTIONS["calm"]) / (1 - EMOTIONS["calm"])
        felt = np.where(here & (rng.random(len(contacts)) < more), "calm", felt)
    return np.asarray(felt, dtype=object)
