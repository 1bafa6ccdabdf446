"""What scores with their errors and raking cost: ours beside peers on the same rows, and to 1e7 rows.

    python benchmarks/scores.py [--rows 1000000] [--raked 10000 1000000] [--ours 100000 1000000 10000000]

Every measurement is made in a process of its own, after its imports, the least of the repeats counting:
seconds of the clock and of the processor, and the peak of the process's resident memory.

First an NPS in 200 cells (10 regions x 20 branches), weighted, with linearised errors, once with rows that
were drawn one by one and once with 400 clusters. Timed from a frame in memory to a table:

- `metrics.score`: all checks of the rows, estimates, errors, intervals, effective sizes, a test of each cell
  against the rest, claims; beneath, its cells alone, from numbers to estimates and errors;
- pandas: estimates and errors in vectorised `groupby`, with nothing checked and no intervals;
- svy, samplics (archived): what they give for a domain; statsmodels: a weighted regression on a constant
  for each cell, whose errors (HC1, or by cluster) are of the cell as a sample of its own.

Estimates must agree to 1e-9, errors to 1e-6; statsmodels' to 2 %, the difference of what they are.

Then raking to three margins of 2, 6 and 10 categories: `metrics.rake` with its checks, margins and design
effect, beneath its factors alone, beside svy, samplics, weightipy and ipfn, each as it comes (all stop at
looser margins than ours, met to 1e-12). Weights must agree to 1 %.

Last, ours alone from a Parquet file, by DuckDB, which looks for repeated ids too.

Peers are for comparison only, never dependencies; those that are absent are said to be skipped:

    svy, samplics, weightipy, ipfn   python -m venv --system-site-packages peers, peers/bin/pip install
                                     svy samplics weightipy ipfn "pandas<3", then run this file with
                                     peers/bin/python
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from measuring import timed

Array = np.ndarray[Any, Any]

BLOCK = 500_000
MARGINS = {"sex": 2, "age": 6, "region": 10}
SLOWEST = {"samplics": 100_000}  # rows of the table of cells; beyond, an hour


def block(start: int, size: int) -> pd.DataFrame:
    """Respondents of 200 branches, whose answers depend on the branch and are alike within clusters."""
    rng = np.random.default_rng(start)
    region, branch, cluster = (rng.integers(0, k, size) for k in (10, 20, 400))
    level = 7.5 + 0.1 * region - 0.05 * branch + 0.3 * np.sin(cluster)
    return pd.DataFrame({
        "recommend": np.clip(np.round(level + 2.5 * rng.normal(size=size)), 0, 10),
        "region": pd.Series([f"region {k}" for k in range(10)]).to_numpy()[region],
        "branch": pd.Series([f"branch {k:02d}" for k in range(20)]).to_numpy()[branch],
        "cluster": cluster, "weight": rng.lognormal(0, 0.5, size),
        "response_id": np.arange(start, start + size),
    })  # fmt: skip


def sampled(rows: int) -> pd.DataFrame:
    """Respondents with the categories that are raked, apart from the population by up to a half."""
    rng = np.random.default_rng(rows)
    return pd.DataFrame(
        {name: rng.choice(k, rows, p=rng.dirichlet(np.full(k, 50.0))) for name, k in MARGINS.items()}
    )


def shares() -> dict[str, Array]:
    rng = np.random.default_rng(1)
    return {name: rng.dirichlet(np.full(k, 30.0)) for name, k in MARGINS.items()}


def write(path: Path, rows: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    first = pa.Table.from_pandas(block(0, min(BLOCK, rows)), preserve_index=False)
    with pq.ParquetWriter(path, first.schema) as writer:
        writer.write_table(first)
        for start in range(BLOCK, rows, BLOCK):
            part = block(start, min(BLOCK, rows - start))
            writer.write_table(pa.Table.from_pandas(part, preserve_index=False))


def nps(table: pd.DataFrame) -> Array:
    given = table["recommend"].to_numpy()
    return 100.0 * (given >= 9) - 100.0 * (given <= 6)


# A table of cells.


def cells_by_cxlab(table: pd.DataFrame, cluster: str | None) -> dict[str, Any]:
    from cxlab.analysis import metrics, survey

    by = ["region", "branch"]
    metrics.score(table.iloc[:2000], "nps", by=by, weights="weight")
    used, found = timed(lambda: metrics.score(table, "nps", by=by, weights="weight", cluster=cluster))

    def alone() -> Any:
        parts = survey.partition(table, by)
        design = survey.design_of(table, "weight", None, cluster)
        count = len(parts.keys)
        return survey.cells(nps(table), np.ones(len(table)), design, parts.codes, count).groups(np.eye(count))

    part, _ = timed(alone)
    return {**used, "alone": part, **of_cells(found.table, "estimate", "std_error")}


def of_cells(table: pd.DataFrame, estimate: str, error: str) -> dict[str, list[float]]:
    """Estimates and errors in the order of region and branch."""
    rows = table.sort_values(["region", "branch"])
    return {"estimate": rows[estimate].tolist(), "error": rows[error].tolist()}


def cells_by_pandas(table: pd.DataFrame, cluster: str | None) -> dict[str, Any]:
    by = ["region", "branch"]

    def run() -> pd.DataFrame:
        held = table[[*by, "weight", *([cluster] if cluster else [])]].assign(u=nps(table))
        held["wu"] = held["weight"] * held["u"]
        sums = held.groupby(by)[["weight", "wu"]].sum()
        estimate = (sums["wu"] / sums["weight"]).rename("estimate")
        held = held.join(estimate, on=by)
        held["e"] = held["weight"] * (held["u"] - held["estimate"])
        units = len(held)
        if cluster:
            held = held.groupby([*by, cluster], as_index=False)["e"].sum()
            units = held[cluster].nunique()
        squares = held.assign(e=held["e"] ** 2).groupby(by)["e"].sum() * units / (units - 1)
        return pd.DataFrame({"estimate": estimate, "error": np.sqrt(squares) / sums["weight"]}).reset_index()

    used, found = timed(run)
    return {**used, **of_cells(found, "estimate", "error")}


def cells_by_svy(table: pd.DataFrame, cluster: str | None) -> dict[str, Any]:
    import polars
    import svy

    held = polars.from_pandas(table.assign(u=nps(table)))
    design = svy.Design(wgt="weight", psu=cluster)
    used, found = timed(lambda: svy.Sample(held, design).estimation.mean("u", by=["region", "branch"]))
    return {**used, **of_cells(pd.DataFrame(found.to_polars().to_dicts()), "est", "se")}


def cells_by_samplics(table: pd.DataFrame, cluster: str | None) -> dict[str, Any]:
    from samplics.estimation import TaylorEstimator
    from samplics.utils.types import PopParam

    domain = table["region"] + "|" + table["branch"]
    unit = np.arange(len(table)) if cluster is None else table[cluster].to_numpy()
    asked = TaylorEstimator(PopParam.mean)
    used, _ = timed(lambda: asked.estimate(nps(table), table["weight"].to_numpy(), psu=unit, domain=domain))
    found = asked.to_dataframe()
    found[["region", "branch"]] = found["_domain"].str.split("|", expand=True)
    return {**used, **of_cells(found, "_estimate", "_stderror")}


def cells_by_statsmodels(table: pd.DataFrame, cluster: str | None) -> dict[str, Any]:
    from statsmodels.regression.linear_model import WLS

    def run() -> pd.DataFrame:
        rows = []
        for (region, branch), part in table.assign(u=nps(table)).groupby(["region", "branch"]):
            model = WLS(part["u"].to_numpy(), np.ones(len(part)), weights=part["weight"].to_numpy())
            how = {"groups": part[cluster].to_numpy()} if cluster else None
            fit = model.fit(cov_type="cluster" if cluster else "HC1", cov_kwds=how)
            rows.append((region, branch, fit.params[0], fit.bse[0]))
        return pd.DataFrame(rows, columns=["region", "branch", "estimate", "error"])

    used, found = timed(run)
    return {**used, **of_cells(found, "estimate", "error")}


# Raking.


def rake_by_cxlab(table: pd.DataFrame) -> dict[str, Any]:
    from cxlab.analysis import crossing, metrics

    targets = pd.concat(
        pd.DataFrame({"variable": name, "category": range(len(held)), "share": held})
        for name, held in shares().items()
    )
    metrics.rake(sampled(1000), targets)
    used, found = timed(lambda: metrics.rake(table, targets))
    wanted = {name: pd.Series(held, index=[*map(str, range(len(held)))]) for name, held in shares().items()}

    def alone() -> Any:
        cells = crossing.crossed(table, [*MARGINS], None)
        margins = [cells.places(k, wanted[name].index) for k, name in enumerate(MARGINS)]
        return cells.of_rows(crossing.factors(margins, [*wanted.values()], cells.base, [*MARGINS])[0])

    part, _ = timed(alone)
    return {**used, "alone": part, "weights": found.weights.to_numpy()}


def rake_by_svy(table: pd.DataFrame) -> dict[str, Any]:
    import polars
    import svy

    held = polars.from_pandas(table.assign(w=1.0))
    wanted = {name: dict(enumerate((held * len(table)).tolist())) for name, held in shares().items()}
    used, found = timed(lambda: svy.Sample(held, svy.Design(wgt="w")).weighting.rake(controls=wanted))
    return {**used, "weights": found.data["rk_wgt"].to_numpy()}


def rake_by_samplics(table: pd.DataFrame) -> dict[str, Any]:
    from samplics.weighting import SampleWeight

    wanted = {name: dict(enumerate((held * len(table)).tolist())) for name, held in shares().items()}
    margins = {name: table[name].to_numpy() for name in MARGINS}
    ones = np.ones(len(table))
    used, found = timed(lambda: SampleWeight().rake(ones, margins=margins, control=wanted))
    return {**used, "weights": np.asarray(found)}


def rake_by_weightipy(table: pd.DataFrame) -> dict[str, Any]:
    import weightipy

    wanted = {name: dict(enumerate((100 * held).tolist())) for name, held in shares().items()}
    scheme = weightipy.scheme_from_dict(wanted)
    used, found = timed(lambda: weightipy.weight_dataframe(table, scheme))
    return {**used, "weights": found["weights"].to_numpy()}


def rake_by_ipfn(table: pd.DataFrame) -> dict[str, Any]:
    from ipfn import ipfn

    wanted = [
        pd.Series(held * len(table), index=pd.RangeIndex(len(held), name=name), name="total")
        for name, held in shares().items()
    ]
    held = table.assign(total=1.0)
    used, found = timed(lambda: ipfn.ipfn(held, wanted, [[name] for name in MARGINS]).iteration())
    return {**used, "weights": found["total"].to_numpy()}


# From a file.


def cells_from_file(path: str, cluster: str | None) -> dict[str, Any]:
    from cxlab.analysis import engines, metrics

    _ = engines  # the imports of the engine are not counted
    by = ["region", "branch"]
    used, found = timed(lambda: metrics.score(path, "nps", by=by, weights="weight", cluster=cluster))
    return {**used, "rows": found.n_used}


CELLS = {
    "cxlab": cells_by_cxlab, "pandas": cells_by_pandas, "svy": cells_by_svy, "samplics": cells_by_samplics,
    "statsmodels": cells_by_statsmodels,
}  # fmt: skip
RAKES = {
    "cxlab": rake_by_cxlab, "svy": rake_by_svy, "samplics": rake_by_samplics,
    "weightipy": rake_by_weightipy, "ipfn": rake_by_ipfn,
}  # fmt: skip


def measure(kind: str, package: str, rows: int, cluster: str | None, path: str) -> dict[str, Any]:
    """Run one package in this process; of weights keep a few to compare."""
    warnings.simplefilter("ignore")  # peers deprecate and are archived
    if kind == "file":
        return cells_from_file(path, cluster)
    if kind == "cells":
        return CELLS[package](pd.read_parquet(path), cluster)
    found = RAKES[package](sampled(rows))
    weights = np.asarray(found.pop("weights"), dtype=float)
    return {**found, "estimate": (weights[:500] / weights.mean()).tolist()}


def measured(repeats: int, *asked: object) -> dict[str, Any]:
    """Measure in processes of their own; return what the one told that took the processor least."""
    src = os.pathsep.join([str(Path(__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, __file__, "--measure", *("" if a is None else str(a) for a in asked)]
    found = []
    for _ in range(repeats):
        said = subprocess.run(
            command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": src}, check=False
        )
        if said.returncode:
            print(said.stderr[-2000:])
            raise SystemExit(1)
        found.append(json.loads(said.stdout.splitlines()[-1]))
    return min(found, key=lambda one: float(one["cpu"]))


def present(packages: Sequence[str]) -> list[str]:
    """Return the packages that are here."""
    return [name for name in packages if importlib.util.find_spec(name)]


def apart(package: str, theirs: dict[str, Any], ours: dict[str, Any]) -> float:
    """Return the greatest difference of estimates or errors; stop where it is more than it may be."""
    loose = {"statsmodels": 2e-2}.get(package, 1e-6)
    found = [np.abs(np.subtract(theirs["estimate"], ours["estimate"])).max()]
    allowed = [1e-9 * 100 if "error" in ours else 1e-2]
    if "error" in ours:
        found.append(np.abs(np.divide(theirs["error"], ours["error"]) - 1).max())
        allowed.append(loose)
    if any(not f <= a for f, a in zip(found, allowed, strict=True)):
        print(f"{package} finds other numbers: apart by {found}, allowed {allowed}")
        raise SystemExit(1)
    return float(found[-1])


def line(package: str, one: dict[str, Any], *rest: str) -> str:
    return f"{package:16} {one['seconds']:9.4f} {one['cpu']:9.4f} {one['peak']:8,.0f}" + "".join(rest)


def compared(
    kind: str, rows: int, packages: Sequence[str], cluster: str | None, path: str, times: int
) -> None:
    ours = measured(max(times, 3), kind, "cxlab", rows, cluster, path)
    print(f"{rows:>11,}  {line('cxlab', ours)}")
    print(f"{'':11}  {line('  alone', ours['alone'])}")
    for package in packages:
        if kind == "cells" and rows > SLOWEST.get(package, rows):
            print(f"{'':11}  {package:16} skipped: too long with more than {SLOWEST[package]:,} rows")
            continue
        theirs = measured(times, kind, package, rows, cluster, path)
        off = apart(package, theirs, ours)
        ratios = [theirs["cpu"] / one["cpu"] for one in (ours, ours["alone"])]
        more = f" {ratios[0]:9.1f}x {ratios[1]:9.1f}x {off:11.0e}"
        print(f"{'':11}  {line(package, theirs, more)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="*", default=[1_000_000], help="of the table of cells")
    parser.add_argument("--raked", type=int, nargs="*", default=[10_000, 1_000_000])
    parser.add_argument("--ours", type=int, nargs="*", default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--repeats", type=int, default=1, help="of peers; ours three times or more")
    parser.add_argument("--measure", nargs=5, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        kind, package, rows, cluster, path = given.measure
        print(json.dumps(measure(kind, package, int(rows), cluster or None, path)))
        return
    print(f"{datetime.now():%Y-%m-%d %H:%M}, {platform.platform()}, {os.cpu_count()} cores")
    gone = sorted({*CELLS, *RAKES} - {"cxlab", *present([*CELLS, *RAKES])})
    if gone:
        print(f"not installed here and skipped (see --help): {', '.join(gone)}")
    head = f"{'':16} {'seconds':>9} {'cpu':>9} {'peak MB':>8} {'cpu':>10} {'of alone':>10} {'differs by':>11}"
    with tempfile.TemporaryDirectory() as folder:
        for cluster in (None, "cluster"):
            print(f"\n200 cells, {'400 clusters' if cluster else 'independent rows'}\n{'rows':>11}  {head}")
            for rows in given.rows:
                path = Path(folder) / f"{rows}.parquet"
                if not path.exists():
                    write(path, rows)
                peers = [name for name in present([*CELLS]) if name != "cxlab"]
                compared("cells", rows, peers, cluster, str(path), given.repeats)
        print(f"\nraking\n{'rows':>11}  {head}")
        for rows in given.raked:
            peers = [name for name in present([*RAKES]) if name != "cxlab"]
            compared("rake", rows, peers, None, "", given.repeats)
        print(f"\nfrom Parquet\n{'rows':>11} {'MB file':>8} {'':16} {'seconds':>9} {'cpu':>9} {'peak MB':>8}")
        for rows in given.ours:
            path = Path(folder) / f"{rows}.parquet"
            if not path.exists():
                write(path, rows)
            for cluster in (None, "cluster"):
                one = measured(1, "file", "cxlab", rows, cluster, path)
                size = path.stat().st_size / 1e6
                print(f"{rows:>11,} {size:8.1f} {line('clustered' if cluster else '', one)}", flush=True)


if __name__ == "__main__":
    main()
