"""How long `cxlab check` takes and what it needs, from a hundred thousand customers to ten million.

    python benchmarks/intake.py [--rows 100000 1000000 10000000] [--surveys 1000000] [--within FOLDER]

Makes a client as a CRM would export it (an id, three dates, categories, amounts, two columns that nobody
maps; every text in quotes) and, beside the largest, a survey of its customers, in a temporary folder. Each
is checked in a process of its own; printed are seconds of the clock and of the processor, rows a second,
the peak of resident memory, and how seconds grow with ten times the rows. Beside it, also in a process of
its own: `pandas.read_csv` of the same files, as text, which checks nothing and keeps all columns.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
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


def write(path: Path, rows: int, block: Callable[[np.random.Generator, int, int], pa.Table]) -> None:
    """Write a table of many rows, block by block."""
    schema = block(np.random.default_rng(0), 0, 1).schema
    with pc.CSVWriter(path, schema) as writer:
        for first in range(0, rows, BLOCK):
            writer.write_table(block(np.random.default_rng(first), first, min(BLOCK, rows - first)))


def make(root: Path, rows: int, answers: int) -> None:
    """Make the client's folder."""
    folder = root / "data" / "big"
    (folder / "raw").mkdir(parents=True)
    write(folder / "raw" / "crm.csv", rows, customers)
    if answers:
        write(folder / "raw" / "survey.csv", answers, lambda *at: surveys(*at, rows))
    (folder / "client.yaml").write_text(DECLARATION + (SURVEY if answers else ""), encoding="utf-8")


# What a process says of itself when it is done. Where /proc tells the peak, it is of this process alone.
TOLD = """
from pathlib import Path
status = Path("/proc/self/status")
if status.exists():
    peak = 1024 * int(status.read_text().partition("VmHWM:")[2].split()[0])
else:
    import resource
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(json.dumps({"seconds": time.perf_counter() - start, "cpu": time.process_time() - cpu, "peak": peak}))
"""
CHECK = """
import json, sys, time
from cxlab.intake import dataset
start, cpu = time.perf_counter(), time.process_time()
dataset.check(sys.argv[1], "big")
"""
NAIVE = """
import json, sys, time
from pathlib import Path
import pandas as pd
start, cpu = time.perf_counter(), time.process_time()
paths = sorted(Path(sys.argv[1]).glob("data/big/raw/*.csv"))
frames = [pd.read_csv(path, dtype=str, keep_default_na=False) for path in paths]
"""


def measured(code: str, root: Path) -> dict[str, float]:
    """Run a program over a folder in a process of its own; return seconds, cpu and peak (bytes)."""
    package = str(Path(__file__).resolve().parents[1])
    environment = {**os.environ, "CXLAB_ID_KEY": "a key for benchmarks only", "PYTHONPATH": package}
    command = [sys.executable, "-c", code + TOLD, str(root)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


HEAD = (
    "customers",
    "answers",
    "MB",
    "seconds",
    "cpu s",
    "rows/s",
    "peak MB",
    "x cpu",
    "pandas s",
    "pandas MB",
)


def main() -> None:
    """Measure and print one line for each size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--surveys", type=int, default=1_000_000, help="answers beside the largest list")
    parser.add_argument("--within", type=Path, help="folder for the temporary files (20 GB of room)")
    given = parser.parse_args()
    print("".join(f"{name:>11}" for name in HEAD))
    before: tuple[int, float] | None = None
    for rows in sorted(given.rows):
        answers = given.surveys if rows == max(given.rows) else 0
        with tempfile.TemporaryDirectory(dir=given.within) as folder:
            root = Path(folder)
            make(root, rows, answers)
            size = sum(path.stat().st_size for path in root.glob("data/big/raw/*.csv"))
            check, naive = measured(CHECK, root), measured(NAIVE, root)
        whole = rows + answers
        grown = f"{10 * (check['cpu'] / whole) / (before[1] / before[0]):.1f}" if before else ""
        cells = (
            f"{rows:,}", f"{answers:,}", f"{size / 1e6:,.0f}",
            f"{check['seconds']:,.1f}", f"{check['cpu']:,.1f}", f"{whole / check['seconds']:,.0f}",
            f"{check['peak'] / 1e6:,.0f}", grown,
            f"{naive['seconds']:,.1f}", f"{naive['peak'] / 1e6:,.0f}",
        )  # fmt: skip
        print("".join(f"{cell:>11}" for cell in cells), flush=True)
        before = (whole, check["cpu"])


if __name__ == "__main__":
    main()
