"""From a screen to identities, dependencies and queries about them, by commands on a real embedded file."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from typer.testing import CliRunner, Result

from pharmagraph.ingest.commands import app
from pharmagraph.kg.store import open_store

N_LINES, N_GENES = 12, 30


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"ladybug://{tmp_path}/graph.lbug"


def run(*words: object) -> Result:
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def test_a_table_of_gene_effects_by_depmap_id_is_loaded_after_the_identities(
    url: str, tmp_path: Path
) -> None:
    run("synthetic", "--drugs", 6, "--cells", N_LINES, "--genes", N_GENES, "--store", url, "--quiet")
    with open_store(url, read_only=True) as store:
        names = store.read_nodes("CellLine", ["name"])["name"].to_pylist()
        genes = store.read_nodes("Gene", ["id"])["id"].to_pylist()
    ach = [f"ACH-{n:06d}" for n in range(1, N_LINES + 1)]
    with (tmp_path / "Model.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["ModelID", "CellLineName", "StrippedCellLineName", "OncotreeLineage", "RRID"])
        writer.writerows([a, n, "", "Lung", ""] for a, n in zip(ach, names, strict=True))
        writer.writerow(["ACH-999999", "stranger", "", "Bone", ""])
    effects = np.random.default_rng(0).normal(-0.2, 0.5, (N_LINES, N_GENES)).round(4)
    effects[0, 0] = np.nan
    columns = {f"{g} ({n + 1})": effects[:, n] for n, g in enumerate(genes)}
    parquet.write_table(pa.table({"ModelID": ach} | columns), tmp_path / "effects.parquet")

    refused = CliRunner().invoke(
        app, ["dependencies", str(tmp_path / "effects.parquet"), "--store", url, "--quiet"]
    )
    assert "cli ingest cells FILE, then run this again" in str(refused.exception)
    first = run("cells", tmp_path / "Model.csv", "--store", url, "--quiet").output
    assert f"{N_LINES} of the graph's {N_LINES} cell lines are in the file: {N_LINES} by name" in first
    loaded = run("dependencies", tmp_path / "effects.parquet", "--store", url, "--quiet").output
    expected = {
        (names[i], genes[j], effects[i, j])
        for i, j in zip(*np.nonzero(np.nan_to_num(effects) < -0.5), strict=True)
    }
    assert f"{len(expected)} of {effects.size - 1} effects are below -0.5" in loaded
    with open_store(url, read_only=True) as store:
        rows = store.query(
            "MATCH (c:CellLine)-[e:DEPENDS_ON]->(g:Gene) RETURN c.name AS line, g.id AS gene, e.effect AS effect"
        ).to_pylist()
        dataset = {row["id"]: row for row in store.read_nodes("Dataset").to_pylist()}
    assert {(row["line"], row["gene"], row["effect"]) for row in rows} == expected
    assert f'"CellLine-DEPENDS_ON-Gene": {len(expected)}' in dataset["effects"]["row_counts"]
    for words in (("cells", "Model.csv"), ("dependencies", "effects.parquet")):
        again = run(words[0], tmp_path / words[1], "--store", url, "--quiet").output
        assert "Nothing to change: the store already holds all of it." in again
