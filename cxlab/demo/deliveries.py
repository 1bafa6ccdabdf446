"""Fibra Cordillera as its files arrive: two deliveries, dirty, and nothing said of how to read them.

`build` writes them under data/fibra_cruda with a client.yaml that declares no file, and truth.json,
which lists every dirt, how it must be told and what becomes of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cxlab.demo import brands, contacts, exports, extracts, fieldwork, inventory, lifetimes, people, raw
from cxlab.demo.dirt import Dirt
from cxlab.demo.ruts import ruts

SEED = 20250715
CLIENT = "fibra_cruda"
CUSTOMERS = 3_000
RESPONSES = 600
INTERVIEWS = 120
CONTACTS = 16_000  # over the whole life of the customers; one quarter of them is sent
WAVES = {"2025T1": "2025-03-03", "2025T2": "2025-06-02"}


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """What the deliveries are made of.

    Attributes
    ----------
    customers : DataFrame
        Traits, dates, invented name and address of everyone.
    responses : dict of str to DataFrame
        For each wave, who answered, with the answers and the traits.
    contacts, interviews : DataFrame
    """

    customers: pd.DataFrame
    responses: Mapping[str, pd.DataFrame]
    contacts: pd.DataFrame
    interviews: pd.DataFrame


def draw(seed: int = SEED) -> Drawn:
    """Draw the client from the same generators as Fibra Cordillera, smaller."""
    rngs = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(4)]
    traits = people.draw_people(rngs[0], CUSTOMERS)
    answers = people.draw_answers(rngs[0], traits)
    lives = lifetimes.draw_lifetimes(rngs[1], answers)
    days = rngs[2].integers(0, fieldwork.FIELD_DAYS, CUSTOMERS)
    served = fieldwork.in_service(lives, days, WAVES)
    answers["recommend"] = fieldwork.recommend_scores(answers.pop("recommendation").to_numpy(), served)
    name, surname, mail = raw.invented_people(CUSTOMERS)
    who = pd.DataFrame({"customer_id": ruts(CUSTOMERS, seed), "name": name, "surname": surname, "mail": mail})
    customers = pd.concat([who, traits, lives, answers], axis=1)
    rate = fieldwork.answer_rates(customers)
    given = fieldwork.leave_open(rngs[2], answers)
    first, last = (pd.Timestamp(day) for day in extracts.QUARTER)
    held = contacts.draw_contacts(
        rngs[3], customers, answers["attr_resolution"].to_numpy(), lifetimes.OBSERVATION_END, CONTACTS
    )
    return Drawn(
        customers=customers,
        responses={wave: _answered(rngs[2], wave, customers, given, served, days, rate) for wave in WAVES},
        contacts=held[held["ts_start"].between(first, last)].reset_index(drop=True),
        interviews=brands.draw_interviews(rngs[3], brands.BRANDS, INTERVIEWS),
    )


def _answered(
    rng: np.random.Generator,
    wave: str,
    customers: pd.DataFrame,
    given: pd.DataFrame,
    served: pd.DataFrame,
    days: Any,
    rate: Any,
) -> pd.DataFrame:
    responses = fieldwork.draw_responses(rng, customers, served, days, rate, RESPONSES, {wave: WAVES[wave]})
    of_them = responses["position"].to_numpy()
    kept = customers[["customer_id", "name", "surname", "mail", "called"]].iloc[of_them]
    parts = [responses, kept.reset_index(drop=True), given.iloc[of_them].reset_index(drop=True)]
    return pd.concat(parts, axis=1)


def write(folder: Path, seed: int = SEED) -> list[Dirt]:
    """Write both deliveries under a client's folder; return what was planted in them."""
    drawn = draw(seed)
    dirt: list[Dirt] = []
    for wave, responses in drawn.responses.items():
        (folder / "raw" / wave).mkdir(parents=True, exist_ok=True)
        dirt += inventory.in_survey(exports.write_survey(folder, wave, responses, seed))
        dirt += inventory.in_crm(extracts.write_crm(folder, wave, drawn.customers, seed))
    rng = np.random.default_rng([seed, 4])
    dirt += inventory.in_benchmark(extracts.write_benchmark(folder, "2025T1", drawn.interviews, rng))
    dirt += inventory.in_contacts(extracts.write_contacts(folder, "2025T2", drawn.contacts))
    return dirt


def truth(dirt: list[Dirt], seed: int) -> str:
    """Return truth.json: every dirt, in the order of the files."""
    note = (
        "told: how each dirt must be told first (problem: the check stops; warning; ledger: listed or "
        "counted; change: shown by `cxlab new fibra_cruda --wave 2025T2`). declare: what a person answers "
        "in client.yaml or mapping.xlsx. then: what becomes of it."
    )
    content = {
        "client": "Fibra Cordillera S.A. (archivos como llegan)",
        "seed": seed,
        "note": note,
        "dirt": [asdict(each) for each in dirt],
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"
