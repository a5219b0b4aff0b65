"""Times training by neighbour sampling, and inference layer by layer, on random graphs in mapped files.

    python -m benchmarks.sampled [--sizes 1,3,10] [--steps 40] [--format table|json] [--docs]

A size is in millions of edges; a graph has 20 edges a node. How often a node is a destination, and how often a source,
falls with its rank r as r^-0.75, so that few nodes have very many neighbours; ranks are spread at random over node
numbers. The arrays are written a block at a time. Each size is trained and inferred in a process of its own, with 2
heads of 32 channels and one edge feature.

Training: the median time of a step after the first five, divided by its pairs, for small steps and for large ones, and
the nodes and edges that a step reads. Inference: edges a second of exact layers, attention of the last one included.
Each by the clock and in seconds of all cores together, which a busy machine changes less; and the peak of memory above
what Python and torch take when loaded, mapped pages of the files included. Training is on one thread, as every fit is;
inference on those that torch has. With `--docs` the rows go to docs/sampled.json, and as tables to docs/sampling.md.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import peak_mb
from benchmarks.recorded import commit, today, with_figures
from pharmagraph.kg.console import Format, note, print_rows

EDGES_A_NODE, EXPONENT, WARM_UP = 20, 0.75, 5
BLOCK = 1_000_000
"""Edges that are drawn and written at once, and that inference computes at once."""
N_PAIRS = 100_000
DOCS = Path(__file__).resolve().parent.parent / "docs"
FIGURES, PAGE = DOCS / "sampled.json", DOCS / "sampling.md"
BEGIN, END = "<!-- figures: python -m benchmarks.sampled --docs -->\n", "<!-- end of figures -->\n"
STEPS = ((64, (5, 5)), (512, (10, 10)))
"""Pairs of a step, and most neighbours of a node for each layer."""


def write_graph(folder: Path, n_edges: int, seed: int = 0) -> int:
    """Write a random graph as files of `Incoming.open`; its number of nodes is returned."""
    generator = np.random.default_rng(seed)
    n_nodes = max(n_edges // EDGES_A_NODE, 1)
    node_of_rank = generator.permutation(n_nodes).astype(np.int32)
    popularity = np.arange(1, n_nodes + 1, dtype=float) ** -EXPONENT
    degree = np.empty(n_nodes, np.int64)
    degree[node_of_rank] = generator.multinomial(n_edges, popularity / popularity.sum())
    np.save(folder / "indptr.npy", np.concatenate([[0], np.cumsum(degree)]))
    source = _file(folder / "source.npy", np.int32, n_edges)
    edge = _file(folder / "edge.npy", np.int64, n_edges)
    weight = _file(folder / "weight.npy", np.float32, n_edges)
    for start in range(0, n_edges, BLOCK):
        stop = min(start + BLOCK, n_edges)
        # of a number u in [0, 1), u^(1 / (1 - a)) is distributed as r^-a
        rank = generator.random(stop - start) ** (1 / (1 - EXPONENT)) * n_nodes
        source[start:stop] = node_of_rank[rank.astype(np.int64)]
        edge[start:stop] = np.arange(start, stop)
        weight[start:stop] = generator.random(stop - start)
    return n_nodes


def _file(path: Path, kind: type, n: int) -> np.memmap[Any, Any]:
    return np.lib.format.open_memmap(path, mode="w+", dtype=kind, shape=(n,))


def worker(folder: Path, n_steps: int) -> dict[str, Any]:
    """The figures of one graph, in this process."""
    import torch

    from pharmagraph.model.inputs.neighbourhoods import Incoming
    from pharmagraph.model.training.sampled import NodePairs, fit_sampled

    before = peak_mb()
    incoming = Incoming.open(folder, "weight")
    generator = np.random.default_rng(1)
    drug, cell_line = (generator.integers(0, incoming.n_dst, N_PAIRS) for _ in range(2))
    pairs = NodePairs(drug, cell_line, generator.integers(0, 2, N_PAIRS))
    training = []
    for pairs_a_step, neighbours in STEPS:
        clock: list[float] = []
        processor: list[float] = []

        def note_time(*_: object, clock: list[float] = clock, processor: list[float] = processor) -> None:
            clock.append(time.perf_counter())
            processor.append(time.process_time())

        fitted = fit_sampled(
            incoming, pairs, neighbours=neighbours, pairs_a_step=pairs_a_step, most_steps=n_steps + WARM_UP,
            epochs=1 + (n_steps + WARM_UP) * pairs_a_step // N_PAIRS, tell=note_time,
        )  # fmt: skip
        blocks = incoming.sample(np.unique(drug[: 2 * pairs_a_step]), neighbours, generator)
        training.append(
            {
                "edges": incoming.n_edges,
                "pairs a step": pairs_a_step,
                "neighbours": ", ".join(map(str, neighbours)),
                "nodes a step": len(blocks[0].node),
                "edges a step": sum(len(block.edge) for block in blocks),
                "us a pair": 1e6 * statistics.median(np.diff(clock)[WARM_UP - 1 :]) / pairs_a_step,
                "processor us a pair": 1e6
                * statistics.median(np.diff(processor)[WARM_UP - 1 :])
                / pairs_a_step,
                "peak MB": peak_mb() - before,
            }
        )
    attention = np.lib.format.open_memmap(
        folder / "attention.npy", mode="w+", dtype=np.float32, shape=(incoming.n_edges, 2)
    )
    start, used = time.perf_counter(), time.process_time()
    fitted.network.states(incoming, block_edges=BLOCK, attention=attention)
    seconds, used = time.perf_counter() - start, time.process_time() - used
    reached = np.diff(incoming.indptr) > 0
    sums = np.add.reduceat(attention[:, 0], np.asarray(incoming.indptr[:-1])[reached])
    assert abs(sums - 1).max() < 1e-3, "attention into a node does not sum to one"
    n_layers = len(neighbours)
    inference = {
        "edges": incoming.n_edges,
        "nodes": incoming.n_dst,
        "edges/s a layer": n_layers * incoming.n_edges / seconds,
        "edges a processor second a layer": n_layers * incoming.n_edges / used,
        "peak MB": peak_mb() - before,
        "files MB": sum(path.stat().st_size for path in folder.iterdir()) / 1e6,
        "threads": torch.get_num_threads(),
    }
    return {"training": training, "inference": inference}


def page(told: dict[str, Any], text: str) -> str:
    """The page with these figures in place of its former ones."""
    from pharmagraph.model.reports.measured import table  # it loads what a worker's memory should not count

    tables = [
        f"Commit {told['commit']}, {told['day']}.\n\n",
        table(
            (
                "edges", "pairs a step", "neighbours", "nodes a step", "edges a step", "µs a pair",
                "processor µs a pair", "peak MB",
            ),
            [
                (
                    f"{r['edges']:,}", str(r["pairs a step"]), r["neighbours"], f"{r['nodes a step']:,}",
                    f"{r['edges a step']:,}", f"{r['us a pair']:,.0f}", f"{r['processor us a pair']:,.0f}",
                    f"{r['peak MB']:,.0f}",
                )
                for r in sorted(told["training"], key=lambda r: (r["pairs a step"], r["edges"]))
            ],
        ),
        "\n",
        table(
            ("edges", "nodes", "edges/s a layer", "edges a processor second", "threads", "peak MB", "files MB"),
            [
                (
                    f"{r['edges']:,}", f"{r['nodes']:,}", f"{r['edges/s a layer']:,.0f}",
                    f"{r['edges a processor second a layer']:,.0f}", str(r["threads"]), f"{r['peak MB']:,.0f}",
                    f"{r['files MB']:,.0f}",
                )
                for r in told["inference"]
            ],
        ),
    ]  # fmt: skip
    return with_figures(text, BEGIN, END, "\n" + "".join(tables) + "\n")


def main() -> None:
    """The command line."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sampled", description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="1,3,10", help="millions of edges, comma-separated")
    parser.add_argument("--steps", type=int, default=40, help="steps that are timed")
    parser.add_argument("--format", type=Format, default=Format.table, choices=list(Format))
    parser.add_argument("--docs", action="store_true", help="also write the rows and tables to docs/")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        print(json.dumps(worker(given.worker, given.steps)))
        return
    training, inference = [], []
    for size in given.sizes.split(","):
        with tempfile.TemporaryDirectory() as folder:
            note(f"{size} million edges")
            write_graph(Path(folder), round(float(size) * 1e6))
            command = [
                sys.executable,
                "-m",
                "benchmarks.sampled",
                "--worker",
                folder,
                "--steps",
                str(given.steps),
            ]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                raise SystemExit(f"{size} million edges failed: {done.stderr.strip()[-500:]}")
            found = json.loads(done.stdout.splitlines()[-1])
            training += found["training"]
            inference.append(found["inference"])
    print_rows(training, given.format)
    print_rows(inference, given.format)
    if given.docs:
        told = {"commit": commit(), "day": today(), "training": training, "inference": inference}
        FIGURES.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        PAGE.write_text(page(told, PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
