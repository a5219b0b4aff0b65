"""How long replicates of a large table take to average, and the peak of memory: ``cli ingest replicates``.

    python -m benchmarks.replicates [--rows 1,10,50] [--drugs 2000] [--format table|json]

Sizes are in millions of rows, of so many drugs on 1,000 cell lines, in files of a million rows each.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from benchmarks.measure import command
from pharmagraph.kg.console import Format, print_rows

PART = 1_000_000
N_CELLS = 1_000


def raw(folder: Path, millions: int, n_drugs: int) -> int:
    """Write a table of responses, a file a million rows; its bytes."""
    folder.mkdir()
    drugs = pa.array([f"drug {i}" for i in range(n_drugs)])
    cells = pa.array([f"line {i}" for i in range(N_CELLS)])
    for part in range(millions):
        generator = np.random.default_rng(part)
        columns = {
            "drug": drugs.take(pa.array(generator.integers(n_drugs, size=PART))),
            "cell_line": cells.take(pa.array(generator.integers(N_CELLS, size=PART))),
            "ln_ic50": generator.normal(2, 2, PART),
        }
        parquet.write_table(pa.table(columns), folder / f"part-{part:04}.parquet")
    return sum(file.stat().st_size for file in folder.iterdir())


def main() -> None:
    """Print a row a size."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", default="1,10,50", help="millions of rows")
    parser.add_argument("--drugs", type=int, default=2000)
    parser.add_argument("--format", type=Format, default=Format.table, choices=list(Format))
    asked = parser.parse_args()
    rows = []
    for millions in map(int, asked.rows.split(",")):
        with tempfile.TemporaryDirectory() as place:
            size = raw(Path(place) / "raw", millions, asked.drugs)
            out = Path(place) / "out.parquet"
            took = command(["ingest", "replicates", str(Path(place) / "raw"), "--out", str(out)])
            pairs = parquet.ParquetFile(out).metadata.num_rows
        rows.append(
            {
                "rows": millions * PART,
                "files, MB": round(size / 1e6),
                "pairs": pairs,
                "s": round(took.seconds, 1),
                "processor s": round(took.processor, 1),
                "rows/s": round(millions * PART / took.seconds),
                "peak MB": round(took.peak_mb),
            }
        )
    print_rows(rows, asked.format)


if __name__ == "__main__":
    main()
