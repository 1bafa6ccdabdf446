"""What a file of durations cannot tell: when customers came, and when what goes with leaving was measured."""

import numpy as np
import pandas as pd
import pytest

from cxlab.analysis import survival
from cxlab.reporting.claims import caveats
from cxlab.reporting.words import Words

UNDATED = "no_calendar_dates"


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(3)
    months = rng.integers(2, 30, 400).astype(float)
    return pd.DataFrame(
        {
            "months": months,
            "left": rng.integers(0, 2, 400),
            "price": rng.normal(20, 5, 400),
            "since": np.ones(400),
            "start_date": pd.Timestamp("2024-01-01"),
        }
    )


def said(result):
    return {code for claim in result.claims for code in claim.caveats}


def test_a_file_without_dates_says_so(table):
    bare = table.drop(columns="start_date")
    assert UNDATED in said(survival.retention(bare, "months", "left"))
    assert {UNDATED, "covariates_undated"} <= said(survival.hazards(bare, "months", "left", ["price"]))


def test_dates_or_an_entry_answer_it(table):
    for known, entry in ((table, None), (table.drop(columns="start_date"), "since")):
        found = said(survival.retention(known, "months", "left", entry=entry))
        found |= said(survival.hazards(known, "months", "left", ["price"], entry=entry))
        assert not found & {UNDATED, "covariates_undated"}


@pytest.mark.parametrize(("language", "word"), [("es", "no traen fechas"), ("en", "no dates")])
def test_it_is_told_in_both_languages(table, language, word):
    claim = survival.retention(table.drop(columns="start_date"), "months", "left").claims[0]
    assert any(word in text for text in caveats(claim, Words(language)))
