"""Importance of blocks of the questionnaire: that of `importance` with these groups, or nothing if none."""

import numpy as np
import pandas as pd
import pytest

from cxlab.analysis.drivers import blocks, importance, importance_of_blocks
from cxlab.errors import AnalysisError

DRIVERS = ["ease", "price", "app", "name"]
ITEMS = pd.DataFrame({"item_id": DRIVERS, "dimension": ["interaction", "product", "interaction", "brand"]})


def survey():
    rng = np.random.default_rng(3)
    ratings = pd.DataFrame(rng.integers(1, 8, (300, 4)), columns=DRIVERS).astype(float)
    return ratings.assign(overall=ratings["ease"] + 0.5 * ratings["name"] + rng.normal(0, 1, 300))


def test_blocks_of_the_questionnaire_are_the_groups():
    result = importance_of_blocks(survey(), "overall", DRIVERS, ITEMS, by="dimension", resamples=50, seed=1)
    groups = blocks(ITEMS, DRIVERS, "dimension")
    same = importance(survey(), "overall", DRIVERS, groups=groups, resamples=50, seed=1)
    pd.testing.assert_frame_equal(result.table, same.table)
    assert len(result.tables["separation"]) == 3
    assert result.table["driver"][0] == "dimension: interaction"


def test_without_a_column_to_group_by_there_is_nothing():
    result = importance_of_blocks(survey(), "overall", DRIVERS, pd.DataFrame(), by="")
    assert result.table.empty
    assert not result.claims


def test_a_driver_without_a_tag_is_named():
    with pytest.raises(AnalysisError, match="app is not in the questionnaire"):
        importance_of_blocks(survey(), "overall", DRIVERS, ITEMS.drop(index=2), by="dimension")
