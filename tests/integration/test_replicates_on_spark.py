"""`cli ingest replicates` gives the same rows on Spark with two executors as on Polars."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
MASTER = "local-cluster[2,1,1024]"
"""Two executors of one core and 1,024 MB, each a process of its own."""


@pytest.fixture(scope="module")
def pyspark(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pyspark; the test is skipped where it, or Java, cannot be had."""
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java")
    folder = tmp_path_factory.mktemp("pyspark")
    uv = shutil.which("uv") or CHECKOUT / ".tools" / "bin" / "uv"
    install = [
        uv,
        "pip",
        "install",
        "--quiet",
        "--python",
        sys.executable,
        "--target",
        folder,
        "pyspark>=4,<5",
    ]
    try:
        subprocess.run(install, check=True, timeout=300)
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"pyspark cannot be installed: {error}")
    return folder


def raw(folder: Path) -> Path:
    """Responses in three files of Parquet: replicates, bounds, two spellings, empty cells."""
    generator = np.random.default_rng(0)
    n, parts = 3_000, folder / "raw"
    table = pd.DataFrame(
        {
            "drug": generator.choice(["Erlotinib", "erlotinib", "Lapatinib", "SN-38"], n),
            "cell_line": generator.choice([f"line {i}" for i in range(40)], n),
            "IC50 (nM)": [f"{x:.6g}" for x in np.exp(generator.normal(7, 2, n))],
            "auc": np.where(generator.random(n) < 0.1, np.nan, generator.random(n)),
        }
    )
    bounds = generator.random(n) < 0.3
    table.loc[bounds, "IC50 (nM)"] = ">" + table.loc[bounds, "IC50 (nM)"]
    table.loc[generator.random(n) < 0.05, "IC50 (nM)"] = "n/a"
    parts.mkdir()
    for number in range(3):
        part = table.iloc[number::3]
        auc = pd.array(
            part["auc"].where(part["auc"].notna(), None), dtype="Float64"
        )  # NaN is no number, null is none
        part.assign(auc=auc).to_parquet(parts / f"part-{number}.parquet", index=False)
    return parts


@pytest.mark.packaging
@pytest.mark.once
def test_spark_with_two_executors_writes_the_rows_that_polars_writes(pyspark: Path, tmp_path: Path) -> None:
    parts = raw(tmp_path)
    frames = {}
    for engine, options in {"polars": [], "spark": ["--master", MASTER]}.items():
        out = tmp_path / f"{engine}.parquet"
        words = ["ingest", "replicates", parts, "--out", out, "--engine", engine, *options]
        done = subprocess.run(
            [sys.executable, "-m", "pharmagraph.cli", *words],
            env=os.environ | {"PYTHONPATH": os.pathsep.join([str(CHECKOUT), str(pyspark)])},
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert f"by {engine}" in done.stdout and "Erlotinib (also erlotinib)" in done.stderr
        frames[engine] = pd.read_parquet(out)
    pd.testing.assert_frame_equal(frames["polars"], frames["spark"], rtol=1e-12)
    assert len(frames["spark"]) == 120 and frames["spark"]["replicates"].sum() > 2_900
