"""One seed, two Pythons: the environments that `make test` sets up give the same run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
OTHER = CHECKOUT / ".venv313" / "bin" / "python"
TRAINS = """
import hashlib, json, sys
from pathlib import Path
from pharmagraph.ingest.commands import synthetic
from pharmagraph.kg import runs
from pharmagraph.kg.store import open_store
from pharmagraph.model.presets.config import load_preset
from pharmagraph.model.runs.trained import train
url = 'ladybug://graph.lbug'
synthetic(drugs=24, cells=20, genes=60, store=url, quiet=True)
with open_store(url) as store:
    config = load_preset('fast', training={'epochs': 5})
    run = train(store, config, folder=Path('runs'), seed=3, device='cpu')
    (row,) = runs.runs(store)
    predicted = store.read_edges('PREDICTED', ('Drug', 'CellLine'), ['src', 'dst', 'probability'])
rows = sorted(map(tuple, zip(*(column.to_pylist() for column in predicted.columns))))
found = {'metrics': run.figures, 'data': row['data_fingerprint'], 'predicted': rows}
Path('found.json').write_text(json.dumps([sys.version_info[:2], found]))
"""


def _trained(python: str | Path, folder: Path) -> list[Any]:
    folder.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [str(python), "-c", TRAINS], cwd=folder, env=environment, capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: list[Any] = json.loads((folder / "found.json").read_text())
    return found


@pytest.mark.skipif(not OTHER.exists(), reason="no environment of Python 3.13; make test sets it up")
def test_a_seed_gives_the_same_graph_metrics_and_predictions_on_both_pythons(tmp_path: Path) -> None:
    version, here = _trained(sys.executable, tmp_path / "here")
    other_version, there = _trained(OTHER, tmp_path / "there")
    assert version != other_version
    assert len(here["predicted"]) > 100
    assert here == there
