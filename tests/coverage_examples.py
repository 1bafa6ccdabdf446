"""A small client's tables, made by hand: what the tests of coverage count and draw."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlab.analysis import coverage
from cxlab.analysis.estimates import Result, masked

LEDGER = ["table", "file", "read", "used", "excluded", "reason"]
TARGETS = pd.DataFrame(
    {
        "variable": ["channel"] * 3 + ["region"] * 3,
        "category": ["app", "store", "call_center", "RM", "V", "XII"],
        "share": [0.3, 0.4, 0.3, 0.6, 0.37, 0.03],
    }
)
LONG = "Conocimiento de quien atiende la llamada y capacidad de resolver en el primer contacto"


def ledger() -> pd.DataFrame:
    """Two files of surveys with previews and header rows, one of customers, all of it used."""
    rows = [
        ("survey_responses", "raw/ola1.csv", 114, 100, 14, ""),
        ("survey_responses", "raw/ola1.csv", None, None, 2, "header rows"),
        ("survey_responses", "raw/ola1.csv", None, None, 12, "previews"),
        ("survey_responses", "raw/ola2.sav", 300, 298, 2, ""),
        ("survey_responses", "raw/ola2.sav", None, None, 2, "previews"),
        ("customers", "raw/crm.csv", 5000, 5000, 0, ""),
    ]
    return pd.DataFrame(rows, columns=LEDGER)


def answers() -> pd.DataFrame:
    """400 answers: most of them by app, 17 from the far south, two questions asked of callers only."""
    k = np.arange(400)
    region = np.where(k < 240, "RM", np.where(k < 383, "V", "XII"))
    channel = np.where(k % 4 < 3, "app", np.where(k % 8 == 3, "store", "call_center"))
    frame = pd.DataFrame(
        {
            "response_id": [f"r{n}" for n in k],
            "customer_id": [f"c{n}" for n in k],
            "wave_id": np.where(k % 2, "w2", "w1"),
            "region": region,
            "channel": channel,
            "ease": np.where(k % 50 == 0, np.nan, 1.0 + k % 7),
            "attr_wait": np.where(k % 5 < 3, np.nan, 1.0 + k % 7),
            "attr_knowledge": np.where(k % 5 < 3, np.nan, 1.0 + k % 6),
            "attr_late": np.where(k % 2, np.nan, 4.0),
        }
    )
    frame.attrs["scales"] = {
        "ease": (1, 7), "attr_wait": (1, 7), "attr_knowledge": (1, 7), "attr_late": (1, 7)
    }  # fmt: skip
    return frame


def reasons() -> pd.DataFrame:
    """Why answers are missing; `attr_late` is in one of the files only, so no reason speaks of the rest."""
    rows = [
        ("ease", "refused", 5), ("ease", "missing", 3), ("attr_wait", "not_asked", 230),
        ("attr_wait", "blank", 10), ("attr_knowledge", "blank", 240), ("attr_late", "dont_know", 20),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["column", "reason", "n"])


def contacts() -> pd.DataFrame:
    """2,000 contacts of two types on two channels; complaints at the store are few."""
    k = np.arange(2000)
    kind = np.where(k % 10 < 7, "use", "complaint")
    channel = np.where((k % 10 == 9) & (k % 40 == 9), "store", np.where(k % 2, "app", "call_center"))
    return pd.DataFrame(
        {
            "interaction_id": k,
            "customer_id": [f"c{n % 700}" for n in k],
            "ts_start": pd.Timestamp("2025-01-01") + pd.to_timedelta(k % 60, unit="D"),
            "interaction_type": kind,
            "channel": channel,
        }
    )


def named(seed: int = 0) -> pd.DataFrame:
    """400 answers that name the contact they speak of."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"interaction_id": rng.choice(2000, size=400, replace=False)})


def flow() -> Result:
    return coverage.flow(ledger())


def bases() -> Result:
    levels = ["region", "channel", "region x channel"]
    return masked(coverage.bases(answers(), levels, wave="wave_id", targets=TARGETS))


def missing() -> Result:
    return masked(coverage.missing(answers(), reasons=reasons()))


def measured() -> Result:
    return masked(coverage.measured(contacts(), named()))


def representation() -> Result:
    return masked(coverage.representation(answers(), targets=TARGETS))
