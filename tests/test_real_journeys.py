"""Journeys on two public logs: what was counted apart, from the files, by plain Python."""

import os
import shutil
from pathlib import Path

import pytest

from cxlab.analysis import journey
from cxlab.intake.dataset import check, open_dataset

PROJECT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    if not os.environ.get("CXLAB_REAL_DATA"):
        pytest.skip("set CXLAB_REAL_DATA to the folder of the real files")
    root = tmp_path_factory.mktemp("real")

    def log(name):
        (root / "data" / name).mkdir(parents=True)
        shutil.copy(PROJECT / "data" / name / "client.yaml", root / "data" / name)
        check(root, name)
        return open_dataset(root, name).read("interactions")

    return log


def test_the_help_desk_closes_what_it_resolves_and_each_hand_over_goes_with_days(read):
    log = read("helpdesk")
    steps = journey.episodes(log, step="stage", episode="customer_id")
    assert (steps.n_used, steps.table["episodes"].iloc[0]) == (4_660, 1_000)
    moves = journey.transitions(steps).table.set_index(["from", "to"])["moves"]
    assert moves.sum() == 3_660
    assert moves[("Resolve ticket", "Closed")] == 998
    assert moves[("Take in charge ticket", "Resolve ticket")] == 787
    assert moves[("Take in charge ticket", "Wait")] == 273
    people = journey.episodes(log, step="unit_id", episode="customer_id")
    assert people.contacts["switch"].sum() == 1_887
    # Nearly every case changes hands, so there is nobody to compare with; each change counts.
    assert not journey.hand_offs(people, "days").claims
    each = journey.hand_offs(people, "days", per="switch")
    assert [c.code for c in each.claims] == ["journey.switch", "journey.switch_left"]
    assert each.table["difference"].iloc[0] == pytest.approx(1.18, abs=0.005)


def test_who_changes_device_books_more_because_they_come_more_often(read):
    found = journey.episodes(read("airbnb"))
    whole = found.table.iloc[0]
    assert (whole["episodes"], whole["n"], found.contacts.groupby("episode")["switch"].any().sum()) == (
        941, 401, 195,
    )  # fmt: skip
    cost = journey.hand_offs(found, "attr_booking")
    assert cost.table["difference"].iloc[0] == pytest.approx(53 / 195 - 13 / 746)
    clean = next(c for c in cost.claims if c.code == "journey.switch_clean")
    assert clean.fields["through"] == "contacts"
    assert abs(clean.fields["estimate"]) < 0.03
