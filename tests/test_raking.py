"""Raking on the combinations that occur is raking of the rows."""

import numpy as np
import pandas as pd
import pytest
from places import placed

from cxlab.analysis import metrics
from cxlab.errors import AnalysisError


def sample(rows, sizes, seed=0):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({f"v{k}": rng.permutation(np.arange(rows) % size) for k, size in enumerate(sizes)})
    shares = [rng.dirichlet(np.full(size, 200.0)) for size in sizes]
    targets = pd.concat(
        pd.DataFrame({"variable": f"v{k}", "category": range(len(share)), "share": share})
        for k, share in enumerate(shares)
    )
    return table.assign(base=rng.uniform(0.5, 2, rows)), targets, shares


def by_rows(table, shares, base):
    """Deming and Stephan, row by row."""
    weights = base.copy()
    for _ in range(500):
        for k, share in enumerate(shares):
            held = table[f"v{k}"].to_numpy()
            weights = weights * (share * base.sum() / np.bincount(held, weights=weights))[held]
    return weights


@pytest.mark.parametrize("sizes", [(2, 3, 5), (4, 5, 6, 7)], ids=["all counted", "few of many"])
@pytest.mark.parametrize("base", [None, "base"])
def test_combinations_are_raked_as_rows_are(sizes, base):
    table, targets, shares = sample(120 if len(sizes) < 4 else 60, sizes)
    assert (np.prod(np.array(sizes) + 1) > 4 * len(table) + 1000) == (len(sizes) == 4)
    start = np.ones(len(table)) if base is None else table["base"].to_numpy()
    found = metrics.rake(table, targets, base_weight=base)
    assert found.weights.to_numpy() == pytest.approx(by_rows(table, shares, start), rel=1e-9)
    n = found.table.set_index(["variable", "category"])["n"]
    assert n["v1"].tolist() == np.bincount(table["v1"]).tolist()
    before = found.table.set_index(["variable", "category"])["before"]["v1"]
    assert before.to_numpy() == pytest.approx(np.bincount(table["v1"], weights=start) / start.sum())


@pytest.mark.parametrize(
    "kind", [lambda v: v.astype(str), lambda v: v.astype(float), lambda v: v.astype("Int16"),
             lambda v: v.astype("uint8"), lambda v: v.astype("category")]
)  # fmt: skip
def test_what_a_category_is_written_with_decides_nothing(kind):
    table, targets, _ = sample(200, (2, 4))
    expected = metrics.rake(table, targets).weights
    assert metrics.rake(table.assign(v1=kind(table["v1"])), targets).weights.tolist() == expected.tolist()


def test_far_apart_numbers_and_gaps_are_categories_too():
    table, targets, _ = sample(200, (2, 3))
    far = {0: -5, 1: 7, 2: 10**12}
    moved = targets.assign(category=[*targets["category"][:2], *(far[k] for k in range(3))])
    expected = metrics.rake(table, targets).weights
    found = metrics.rake(table.assign(v1=table["v1"].map(far)), moved)
    assert found.weights.tolist() == expected.tolist()
    with pytest.raises(AnalysisError, match=r"row 3, column v1: found no value \(2 rows\)"):
        metrics.rake(table.assign(v1=table["v1"].mask(table.index.isin([2, 9]))), targets)
    with pytest.raises(AnalysisError, match="column v1: found categories without a target: 8"):
        metrics.rake(table.assign(v1=table["v1"].replace(2, 8)), targets)


@pytest.mark.parametrize("where", ["path", "duckdb"])
@pytest.mark.parametrize("base", [None, "base"])
def test_a_table_elsewhere_is_raked_by_its_combinations(where, base, tmp_path):
    table, targets, _ = sample(300, (2, 3))
    table.loc[:4, "base"] = 0.0
    expected = metrics.rake(table, targets, base_weight=base)
    found = metrics.rake(placed(table, where, tmp_path), targets, base_weight=base)
    pd.testing.assert_frame_equal(found.table, expected.table, rtol=1e-9)
    pd.testing.assert_frame_equal(found.tables["checks"], expected.tables["checks"], rtol=1e-9)
    assert found.n_used == 300
    assert [c.code for c in found.claims] == [c.code for c in expected.claims]
    factor = found.weights.loc[list(zip(table["v0"], table["v1"], strict=True))].to_numpy()
    start = 1.0 if base is None else table["base"].to_numpy()
    assert factor * start == pytest.approx(expected.weights.to_numpy(), rel=1e-9)


def test_what_a_table_elsewhere_cannot_have(tmp_path):
    table, targets, _ = sample(200, (2, 3))
    elsewhere = placed(table.assign(v1=table["v1"].mask(table.index < 3)), "duckdb", tmp_path)
    with pytest.raises(AnalysisError, match=r"column v1: found no value \(3 rows\)"):
        metrics.rake(elsewhere, targets)
    with pytest.raises(AnalysisError, match="trim caps the weights of rows"):
        metrics.rake(elsewhere, targets, trim=3)
    with pytest.raises(AnalysisError, match="weights were made of the rows of a table in memory"):
        metrics.score(elsewhere, "nps", weights=metrics.rake(table, targets))
