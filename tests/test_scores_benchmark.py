"""The benchmark of scores runs where no peer is installed, and peers that are find what we find."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def scores():
    sys.path.insert(0, str(ROOT / "benchmarks"))  # as where the file is run
    spec = importlib.util.spec_from_file_location("scores", ROOT / "benchmarks" / "scores.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.path.remove(str(ROOT / "benchmarks"))
    return module


@pytest.mark.parametrize("cluster", [None, "cluster"])
def test_cells_are_those_of_pandas_and_of_statsmodels_and_from_a_file(scores, cluster, tmp_path):
    table = scores.block(0, 20_000)
    ours = scores.cells_by_cxlab(table, cluster)
    assert scores.apart("pandas", scores.cells_by_pandas(table, cluster), ours) < 1e-9
    assert scores.apart("statsmodels", scores.cells_by_statsmodels(table, cluster), ours) > 1e-4
    wrong = {**ours, "error": [1.01 * e for e in ours["error"]]}
    with pytest.raises(SystemExit):
        scores.apart("pandas", wrong, ours)
    scores.write(tmp_path / "table.parquet", 20_000)
    assert scores.cells_from_file(str(tmp_path / "table.parquet"), cluster)["rows"] == 20_000


def test_raked_margins_are_met_and_who_is_absent_is_not_asked(scores):
    table = scores.sampled(2000)
    found = scores.rake_by_cxlab(table)
    for name, shares in scores.shares().items():
        met = np.bincount(table[name], weights=found["weights"]) / found["weights"].sum()
        assert met == pytest.approx(shares, abs=1e-10)
    assert scores.present(["statsmodels", "nobody_has_this"]) == ["statsmodels"]
