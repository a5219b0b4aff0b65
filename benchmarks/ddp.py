"""Times an epoch of one network that is fitted by one process and by several that divide its pairs.

    python -m benchmarks.ddp --store ladybug:///made.lbug [--presets fast,default] [--processes 1,2] [--epochs 6]
                             [--format table|json]

A row a preset and number of processes: seconds of an epoch by the clock and of rank 0's processor (medians without the
first epoch), and how many times faster each is than one process. The clock shows the machine as it is, with all that
others run on it. Processor time leaves out the waiting for a core and for other ranks: what a rank still computes
itself. The last column is the largest difference of a prediction (probability) from that of one process.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from pharmagraph.kg import heterograph
from pharmagraph.kg.console import Format, note, print_rows
from pharmagraph.kg.store import open_store
from pharmagraph.model import launching
from pharmagraph.model.presets.config import load_preset
from pharmagraph.model.responses.measured import responses
from pharmagraph.model.training.fitted import Fitted
from pharmagraph.model.training.from_graph import fit_graph


def fit(url: str, preset: str, epochs: int, times: list[tuple[float, float]]) -> Fitted:
    """Fit one network; after each epoch, the clock and this process's processor time are noted."""
    with open_store(url, read_only=True, create=False) as store:
        graph = heterograph.export(store)
    config = load_preset(preset, training={"epochs": epochs, "members": 1, "validate_every": epochs})
    return fit_graph(
        graph, responses(graph), config, seed=0,
        report=lambda *_: times.append((time.perf_counter(), time.process_time())),
    )  # fmt: skip


def serve(url: str, preset: str, epochs: int) -> None:
    """Be another rank of `fit`."""
    fit(url, preset, epochs, [])


def worker(url: str, preset: str, epochs: int, processes: int, predictions: Path) -> dict[str, Any]:
    """Fit, with this process as rank 0, and write the predictions of all pairs."""
    times: list[tuple[float, float]] = []
    if processes == 1:
        fitted = fit(url, preset, epochs, times)
    else:
        launching.require_room(processes, "cpu")
        with launching.started(processes, serve, (url, preset, epochs)):
            fitted = fit(url, preset, epochs, times)
    n_drugs, n_cell_lines = fitted.tensors.n_drugs, fitted.tensors.n_cell_lines
    np.save(predictions, fitted.predict(*np.divmod(np.arange(n_drugs * n_cell_lines), n_cell_lines)))
    # the last epoch ends with figures on the inner fold
    clock, processor = (np.diff([one[side] for one in times[:-1]]) for side in (0, 1))
    return {
        "preset": preset, "pairs": int(fitted.messages.visible.measured.sum()), "processes": processes,
        "epoch_s": statistics.median(clock), "processor_s": statistics.median(processor),
    }  # fmt: skip


def run(url: str, presets: Sequence[str], processes: Sequence[int], epochs: int) -> list[dict[str, Any]]:
    """All rows; each fit has a new process."""
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for preset in presets:
            alone: dict[str, Any] = {}
            for count in processes:
                predictions = Path(folder, f"{count}.npy")
                note(f"{preset}, {count} processes")
                words = ["--store", url, "--presets", preset, "--epochs", str(epochs)]
                done = subprocess.run(
                    [sys.executable, "-m", "benchmarks.ddp", *words, "--worker", str(count), str(predictions)],
                    stdout=subprocess.PIPE, text=True, check=True,
                )  # fmt: skip
                row = json.loads(done.stdout)
                if not alone:
                    alone = row | {"predicted": np.load(predictions)}
                row["faster"] = alone["epoch_s"] / row["epoch_s"]
                row["less_processor"] = alone["processor_s"] / row["processor_s"]
                row["differs"] = float(np.abs(np.load(predictions) - alone["predicted"]).max())
                rows.append(row)
    return rows


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--store", required=True)
    parser.add_argument("--presets", default="fast,default")
    parser.add_argument("--processes", default="1,2", help="the first is what others are compared with")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--format", choices=[f.value for f in Format], default=Format.table.value)
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    presets = asked.presets.split(",")
    if asked.worker:
        count, predictions = asked.worker
        print(json.dumps(worker(asked.store, presets[0], asked.epochs, int(count), Path(predictions))))
        return
    with suppress(KeyboardInterrupt):
        rows = run(asked.store, presets, [int(n) for n in asked.processes.split(",")], asked.epochs)
        print_rows(rows, Format(asked.format))


if __name__ == "__main__":
    main()
