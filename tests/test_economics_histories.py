"""Customers without a contract: from their purchases to the history that BG/NBD takes."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxlab.analysis import economics
from cxlab.errors import AnalysisError

REAL = os.environ.get("CXLAB_REAL_DATA", "")


@pytest.mark.skipif(not REAL, reason="CXLAB_REAL_DATA names no folder of real files")
def test_the_published_histories_come_from_the_purchases():
    """The 2,357 customers of CDNOW, seen until the end of September 1997."""
    names = ["master", "customer_id", "ts", "units", "spent"]
    sold = pd.read_csv(Path(REAL) / "cdnow_sample.txt", sep=r"\s+", header=None, names=names)
    sold["ts"] = pd.to_datetime(sold["ts"].astype(str))
    found = economics.histories(sold, until="1997-09-30")
    published = pd.read_csv(Path(REAL) / "cdnow_customers_summary.csv").set_index("ID")
    assert len(found) == 2357
    assert (found["frequency"] == published["frequency"].reindex(found.index)).all()
    for ours, theirs in (("recency", "recency"), ("age", "T")):
        assert found[ours].to_numpy() == pytest.approx(published[theirs].reindex(found.index), abs=0.006)


def sales(kind="purchase"):
    day = pd.Timestamp("2024-01-01")
    rows = [
        (f"c{k}", day + pd.Timedelta(days=7 * k % 50 + 21 * j), kind)
        for k in range(60)
        for j in range(k % 4 + 1)
    ]
    return pd.DataFrame(rows, columns=["customer_id", "ts", "kind"])


def test_purchases_of_one_day_are_one_and_later_ones_do_not_count():
    twice = pd.concat([sales(), sales()])
    pd.testing.assert_frame_equal(economics.histories(twice), economics.histories(sales()))
    early = economics.histories(sales(), until="2024-01-31")
    assert (early["age"] <= 30 / 7).all()
    assert (early["recency"] <= early["age"]).all()
    days = economics.histories(sales(), unit="day")
    assert (days["age"] / 7).to_numpy() == pytest.approx(economics.histories(sales())["age"].to_numpy())


def test_where_nobody_buys_without_a_contract_there_is_nothing_to_tell():
    for table in (pd.DataFrame(), sales("upsell"), sales().drop(columns="kind")):
        found = economics.repeat_buying(table)
        assert found.table.empty
        assert "counts" in found.tables
        assert found.claims == ()


def uneven(n=600):
    """Buyers who differ: each has a rate of buying and a chance of stopping after every purchase."""
    rng = np.random.default_rng(5)
    rate, life = rng.gamma(0.6, 1 / 6, n), rng.geometric(rng.beta(0.8, 2.5, n))
    weeks = np.cumsum(rng.exponential(1 / rate[:, None], (n, 80)), axis=1)
    seen = (weeks <= 52) & (np.arange(80) < life[:, None])
    who, which = np.nonzero(seen)
    again = pd.DataFrame({"customer_id": who, "days": np.ceil(7 * weeks[who, which])})
    first = pd.DataFrame({"customer_id": range(n), "days": 0.0})
    sold = pd.concat([first, again], ignore_index=True)
    return sold.assign(
        ts=pd.Timestamp("2024-01-01") + pd.to_timedelta(sold["days"], unit="D"), kind="purchase"
    )


def test_repeat_buying_is_the_model_of_the_histories():
    own = economics.histories(uneven())
    direct = economics.bg_nbd(own["frequency"], own["recency"], own["age"])
    found = economics.repeat_buying(pd.concat([uneven(), sales("upsell")]))
    assert found.table["estimate"].tolist() == direct.table["estimate"].tolist()
    assert [c.code for c in found.claims] == ["economics.purchases"]
    with pytest.raises(AnalysisError, match="level"):
        economics.repeat_buying(uneven(), level=2)
