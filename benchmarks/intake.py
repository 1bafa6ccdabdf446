"""How long `cxlab check` takes and what it needs, from a hundred thousand customers to ten million.

    python benchmarks/intake.py [--rows 100000 1000000 10000000] [--surveys 1000000] [--keep FOLDER]

Makes a client as a CRM would export it (an id, three dates, categories, amounts, two columns that nobody
maps) and a survey of some of its customers in a temporary folder, checks each in a process of its own and
prints seconds, rows a second, the peak of resident memory and how both grow with the rows. Beside it, in
a process of its own too, what `pandas.read_csv` takes to read the same files as text and check nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc

BLOCK = 500_000
PLANS, REGIONS = ["Fibra 300", "Fibra 600", "Fibra 1000", "Móvil", "Hogar"], ["RM", "V", "VIII", "X", "II"]
DECLARATION = """
name: Benchmark
data_date: 2025-06-30
sources:
  - file: raw/crm.csv
    table: customers
    names: {FOLIO: customer_id, ALTA: start_date, BAJA: end_date, CORTE: observation_end, PLAN: plan,
            REGION: region, SEGMENTO: segment, CARGO: attr_price, PRODUCTOS: attr_products, CONSUMO: attr_use}
"""
SURVEY = """
  - file: raw/survey.csv
    table: survey_responses
    names: {Folio: response_id, Cliente: customer_id, Fecha: responded_at, Q1: recommend, Q2: effectiveness,
            Q3: ease, Q4: attr_bill, Q5: attr_shop, Region: region, Modo: mode}
    scales: {recommend: [0, 10], effectiveness: [1, 7], ease: [1, 7], attr_bill: [1, 7], attr_shop: [1, 7]}
"""


def days(rng: np.random.Generator, first: str, last: str, size: int) -> pa.Array:
    """Return dates between two days, as ISO text."""
    low, high = np.datetime64(first, "D"), np.datetime64(last, "D")
    return pa.array((low + rng.integers(0, (high - low).astype(int) + 1, size)).astype("datetime64[D]")).cast(
        pa.string()
    )


def of(rng: np.random.Generator, values: list[str], size: int) -> pa.Array:
    """Return values drawn at random."""
    return pa.DictionaryArray.from_arrays(rng.integers(0, len(values), size), pa.array(values)).cast(
        pa.string()
    )


def folios(first: int, size: int, letter: str) -> pa.Array:
    """Return ids that repeat nowhere and are in no order."""
    numbers = (np.arange(first, first + size, dtype=np.int64) * 611_953 + 17) % 999_999_937
    return pa.array(np.char.add(letter, np.char.zfill(numbers.astype(str), 9)))


def customers(rng: np.random.Generator, first: int, size: int) -> pa.Table:
    """Return rows of a customer list."""
    left = rng.random(size) < 0.3
    end = pa.array(
        np.where(left, days(rng, "2024-01-01", "2025-06-29", size).to_numpy(zero_copy_only=False), "")
    )
    return pa.table(
        {
            "FOLIO": folios(first, size, "C"),
            "ALTA": days(rng, "2015-01-01", "2023-12-31", size),
            "BAJA": end,
            "CORTE": of(rng, ["2025-06-30"], size),
            "PLAN": of(rng, PLANS, size),
            "REGION": of(rng, REGIONS, size),
            "SEGMENTO": of(rng, ["Personas", "Pymes", "Empresas"], size),
            "CARGO": of(rng, [f"{n}.990" for n in range(9, 60)], size),
            "PRODUCTOS": pa.array(rng.integers(1, 6, size)),
            "CONSUMO": pa.array(np.round(rng.lognormal(3, 1, size), 2)),
            "EJECUTIVO": of(rng, [f"ejecutivo {n}" for n in range(400)], size),
            "OBSERVACION": of(rng, ["", "", "", "llamó, sin respuesta", 'visita "pendiente"'], size),
        }
    )


def surveys(rng: np.random.Generator, first: int, size: int, known: int) -> pa.Table:
    """Return answers of customers."""
    whose = folios(0, known, "C") if known <= 2 * BLOCK else folios(0, 2 * BLOCK, "C")
    return pa.table(
        {
            "Folio": folios(first, size, "R"),
            "Cliente": whose.take(pa.array(rng.integers(0, len(whose), size))),
            "Fecha": days(rng, "2024-01-01", "2025-06-28", size),
            "Q1": pa.array(rng.integers(0, 11, size)),
            **{f"Q{n}": pa.array(rng.integers(1, 8, size)) for n in range(2, 6)},
            "Region": of(rng, REGIONS, size),
            "Modo": of(rng, ["email", "phone", "web"], size),
        }
    )


def write(path: Path, rows: int, block) -> None:
    """Write a table of many rows, block by block."""
    writer = None
    for first in range(0, rows, BLOCK):
        table = block(np.random.default_rng(first), first, min(BLOCK, rows - first))
        writer = writer or pc.CSVWriter(path, table.schema)
        writer.write_table(table)
    writer.close()


def make(root: Path, rows: int, answers: int) -> None:
    """Make the client's folder."""
    folder = root / "data" / "big"
    (folder / "raw").mkdir(parents=True)
    write(folder / "raw" / "crm.csv", rows, customers)
    if answers:
        write(folder / "raw" / "survey.csv", answers, lambda *at: surveys(*at, rows))
    (folder / "client.yaml").write_text(DECLARATION + (SURVEY if answers else ""), encoding="utf-8")


CHECK = """
import json, resource, sys, time
from cxlab.intake import dataset
start = time.perf_counter()
report = dataset.check(sys.argv[1], "big")
used = {name: entry["rows"] for name, entry in report.tables.items()}
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"seconds": time.perf_counter() - start, "peak": peak, "rows": used}))
"""
NAIVE = """
import json, resource, sys, time
from pathlib import Path
import pandas as pd
start = time.perf_counter()
paths = Path(sys.argv[1]).glob("data/big/raw/*.csv")
frames = [pd.read_csv(path, dtype=str, keep_default_na=False) for path in paths]
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"seconds": time.perf_counter() - start, "peak": peak}))
"""


def measured(code: str, root: Path) -> dict:
    """Run a program over a folder in a process of its own; return what it says of itself."""
    environment = {**os.environ, "CXLAB_ID_KEY": "a key for benchmarks only"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(root)], capture_output=True, text=True, env=environment, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure and print one line for each size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--surveys", type=int, default=1_000_000, help="answers beside the largest list")
    parser.add_argument("--keep", type=Path, help="make the files here, and leave them")
    given = parser.parse_args()
    print(
        f"{'customers':>11} {'answers':>9} {'MB':>6} {'seconds':>8} {'rows/s':>9} {'peak MB':>8} "
        f"{'x time':>7} {'pandas s':>9} {'pandas MB':>10}"
    )
    before: dict = {}
    for rows in sorted(given.rows):
        answers = given.surveys if rows == max(given.rows) else 0
        with tempfile.TemporaryDirectory(dir=given.keep) as folder:
            root = Path(folder)
            make(root, rows, answers)
            size = sum(path.stat().st_size for path in root.glob("data/big/raw/*.csv"))
            found, naive = measured(CHECK, root), measured(NAIVE, root)
        grown = (
            f"{found['seconds'] / before['seconds'] * before['rows'] / (rows + answers) * 10:.1f}"
            if before
            else ""
        )
        print(
            f"{rows:>11,} {answers:>9,} {size / 1e6:>6.0f} {found['seconds']:>8.1f} "
            f"{(rows + answers) / found['seconds']:>9,.0f} {found['peak'] / 1e6:>8,.0f} {grown:>7} "
            f"{naive['seconds']:>9.1f} {naive['peak'] / 1e6:>10,.0f}",
            flush=True,
        )
        before = {"seconds": found["seconds"], "rows": rows + answers}


if __name__ == "__main__":
    main()
