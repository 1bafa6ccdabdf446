"""What importance of a table larger than memory costs: ten drivers, DuckDB over a Parquet file.

    python benchmarks/drivers_large.py [--rows 1000000 10000000] [--memory 2GB]

Writes surveys (NPS, ten ratings of 1 to 7, half of them not applicable to many, weights, four strata) block
by block into a temporary folder; each is reduced to 500 buckets in every stratum and analysed with 1,000
bootstrap samples in a process of its own. Printed are the size of the file, seconds of the clock and of the
processor of the reduction, seconds of the analysis, and the peak of resident memory over that of imports.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from measuring import peak

BLOCK = 500_000
DRIVERS = [f"d{k}" for k in range(10)]


def block(start: int, size: int) -> pa.Table:
    rng = np.random.default_rng(start)
    ratings = 4 + 1.4 * (0.8 * rng.normal(size=(size, 10)) + 0.6 * rng.normal(size=(size, 1)))
    table = pd.DataFrame(np.clip(np.round(ratings), 1, 7), columns=DRIVERS)
    outcome = table.to_numpy() @ np.linspace(0.5, 0.05, 10) + 1.5 * rng.normal(size=size)
    for k in range(5, 10):
        table[f"d{k}"] = table[f"d{k}"].where(rng.random(size) > 0.1 * k - 0.3)
    table = table.astype("Int8").assign(
        nps=np.clip(np.round(1.1 * outcome - 5), 0, 10).astype("int8"),
        weight=rng.uniform(0.5, 2, size),
        zone=rng.choice(list("abcd"), size),
        response=np.arange(start, start + size),
    )
    return pa.Table.from_pandas(table, preserve_index=False)


def write(path: Path, rows: int) -> None:
    first = block(0, min(BLOCK, rows))
    with pq.ParquetWriter(path, first.schema) as writer:
        writer.write_table(first)
        for start in range(BLOCK, rows, BLOCK):
            writer.write_table(block(start, min(BLOCK, rows - start)))


def measure(path: str, memory: str) -> None:
    import duckdb

    from cxlab.analysis.drivers import importance_of, reduced

    duckdb.execute(f"SET memory_limit = '{memory}'")
    before = peak()
    clock, processor = time.perf_counter(), time.process_time()
    held = reduced(
        duckdb.read_parquet(path), "nps", DRIVERS, outcome_type="nps", weights="weight", strata="zone",
        cluster="response",
    )  # fmt: skip
    seconds, busy = time.perf_counter() - clock, time.process_time() - processor
    clock = time.perf_counter()
    importance_of(held, resamples=1000)
    print(json.dumps([seconds, busy, time.perf_counter() - clock, peak() - before]))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--memory", default="2GB")
    parser.add_argument("--measure")
    given = parser.parse_args()
    if given.measure:
        measure(given.measure, given.memory)
        return
    print("      rows  MB file  reduce s  (cpu s)  analyse s  MB over imports")
    with tempfile.TemporaryDirectory() as folder:
        for rows in given.rows:
            path = Path(folder) / f"{rows}.parquet"
            write(path, rows)
            command = [sys.executable, __file__, "--measure", str(path), "--memory", given.memory]
            said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            seconds, busy, analysis, memory = json.loads(said)
            size = path.stat().st_size / 1e6
            print(f"{rows:10,}  {size:7.0f}  {seconds:8.1f}  {busy:7.1f}  {analysis:9.1f}  {memory:15.0f}")


if __name__ == "__main__":
    main()
