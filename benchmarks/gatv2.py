"""Times one GATv2 layer, forward and backward: this project's, DGL's and PyG's, each in a process of its own.

python -m benchmarks.gatv2 [--cases nci60,small] [--implementations cpu,dgl] [--rounds 3]
                           [--format table|json] [--plot FILE] [--threads N]

PyG's layer and this project's use one feature per edge. DGL's layer supports none: it is compared with ``cpu-bare`` and
``numba-bare``, this project's layer without edge features, so that both sides of a ratio compute the same.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks import Row
from benchmarks.measure import measure
from pharmagraph.kg.console import Format, print_rows


@dataclass(frozen=True)
class Case:
    """A graph of drugs, cell lines and genes, with half of the cell line–gene pairs and a quarter of the screen as
    edges.

    It can grow in two ways that keep degrees constant. ``studies``: so many copies of that size, without edges between
    them. ``spread``: so many times more nodes of each kind, with edges that many times less likely, so that a node's
    neighbours are scattered in memory.
    """

    n_drugs: int
    n_cell_lines: int
    n_genes: int
    heads: int
    channels: int
    implementations: tuple[str, ...] = ("cpu", "numba", "pyg", "cpu-bare", "numba-bare", "dgl")
    studies: int = 1
    spread: int = 1

    def edges(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], int]:
        """Sources and destinations of the edges, and the number of nodes."""
        rng = np.random.default_rng(0)
        n_drugs, n_cell_lines, n_genes = (
            n * self.spread for n in (self.n_drugs, self.n_cell_lines, self.n_genes)
        )
        n = n_drugs + n_cell_lines + n_genes
        sources, destinations = [], []
        for first in range(0, n * self.studies, n):
            cell_line, gene = _pairs(rng, n_cell_lines, n_genes, 0.5 / self.spread)
            drug, tested = _pairs(rng, n_drugs, n_cell_lines, 0.25 / self.spread)
            cell_line, tested = cell_line + first + n_drugs, tested + first + n_drugs
            drug, gene = drug + first, gene + first + n_drugs + n_cell_lines
            itself = np.arange(first, first + n)
            sources += [cell_line, gene, drug, tested, itself]
            destinations += [gene, cell_line, tested, drug, itself]
        return np.concatenate(sources), np.concatenate(destinations), n * self.studies


def _pairs(
    rng: np.random.Generator, n_rows: int, n_columns: int, share: float
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Sample each pair with probability `share`; gaps are sampled (geometric), so memory is that of the sampled
    pairs."""
    expected = n_rows * n_columns * share
    gaps = rng.geometric(share, int(expected + 10 * expected**0.5 + 100))
    drawn = np.cumsum(gaps) - 1
    row, column = np.divmod(drawn[drawn < n_rows * n_columns], n_columns)
    return row, column


CASES = {
    "gdsc": Case(300, 850, 2000, 4, 93),
    "nci60": Case(976, 60, 2900, 2, 64),
    "20M": Case(300, 100, 1950, 2, 32, ("cpu",), studies=100),
    "20M-spread": Case(300, 100, 1950, 2, 32, ("cpu",), spread=100),
    "2M": Case(300, 100, 1950, 2, 32, ("cpu",), studies=10),
    "2M-spread": Case(300, 100, 1950, 2, 32, ("cpu",), spread=10),
    "200k": Case(300, 100, 1950, 2, 32, ("cpu",)),
    "34k": Case(100, 60, 500, 2, 32),
    "2k": Case(20, 20, 80, 2, 32),
}


def work(case: Case, implementation: str) -> tuple[Callable[[], object], int]:
    """A function that does one forward and backward pass, and the number of edges."""
    kernel, _, bare = implementation.partition("-")
    if kernel in ("numba", "reference"):
        os.environ["PHARMAGRAPH_KERNELS"] = kernel
    import torch

    torch.manual_seed(0)
    src, dst, n = case.edges()
    width = case.heads * case.channels
    x = torch.randn(n, width, requires_grad=True)
    edge_attr = torch.rand(len(src), 1)
    layer: Callable[[], torch.Tensor]
    if implementation == "dgl":
        from pharmagraph.kg.heterograph.dgl import require_dgl

        dgl = require_dgl()
        from dgl.nn import GATv2Conv as DglConv

        graph = dgl.graph((torch.as_tensor(src), torch.as_tensor(dst)), num_nodes=n).formats(
            ["csr", "csc", "coo"]
        )
        graph.create_formats_()
        dgl_layer = DglConv(width, case.channels, case.heads)

        def layer() -> torch.Tensor:
            return dgl_layer(graph, x)

    elif implementation == "pyg":
        from torch_geometric.nn import GATv2Conv as PygConv

        pyg_layer = PygConv(width, case.channels, heads=case.heads, edge_dim=1, add_self_loops=False)
        edge_index = torch.as_tensor(np.stack([src, dst]))

        def layer() -> torch.Tensor:
            return pyg_layer(x, edge_index, edge_attr)

    else:
        from pharmagraph.model.kernels import Csr
        from pharmagraph.model.layers.gatv2 import GATv2Conv

        our_layer = GATv2Conv(width, case.channels, case.heads, edge_dim=None if bare else 1)
        csr = Csr.from_edges(src, dst, n, n)

        def layer() -> torch.Tensor:
            return our_layer(x, csr, None if bare else edge_attr)

    return lambda: layer().sum().backward(), len(src)


def run(cases: Sequence[str], implementations: Sequence[str], rounds: int, threads: int | None) -> list[Row]:
    """All timings; implementations take turns within a round, each in a new process."""
    rows = []
    for name in cases:
        for turn in range(1, rounds + 1):
            for implementation in CASES[name].implementations:
                if implementation in implementations:
                    command = [
                        sys.executable,
                        "-m",
                        "benchmarks.gatv2",
                        "--worker",
                        name,
                        implementation,
                        str(turn),
                    ]
                    command += [] if threads is None else ["--threads", str(threads)]
                    done = subprocess.run(command, capture_output=True, text=True)
                    if done.returncode:
                        raise SystemExit(f"{name} with {implementation} failed: {done.stderr.strip()[-500:]}")
                    rows.append(json.loads(done.stdout.splitlines()[-1]))
    return rows


def worker(name: str, implementation: str, turn: int, threads: int | None) -> Row:
    """One timing, in this process."""
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
    once, n_edges = work(CASES[name], implementation)
    result = measure(once)
    return Row(
        case=name,
        implementation=implementation,
        seconds=result.seconds,
        rate=n_edges / result.seconds,
        peak_mb=result.peak_mb,
        round=turn,
    )


def summary(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Medians over rounds, and the ratios of time and memory to ``cpu`` (or ``cpu-bare``)."""
    table = []
    for case in dict.fromkeys(r["case"] for r in rows):
        of_case = [r for r in rows if r["case"] == case]
        for implementation in dict.fromkeys(r["implementation"] for r in of_case):
            ours = _median(
                of_case, "cpu-bare" if implementation == "dgl" or "bare" in implementation else "cpu"
            )
            seconds, peak = _median(of_case, implementation)
            edges = of_case[0]["rate"] * of_case[0]["seconds"]
            table.append(
                {
                    "case": case,
                    "edges": round(edges),
                    "implementation": implementation,
                    "seconds": seconds,
                    "ns per edge": 1e9 * seconds / edges,
                    "peak MB": peak,
                    "times ours": seconds / ours[0] if ours else None,
                    "memory, times ours": peak / ours[1] if ours and ours[1] else None,
                }
            )
    return table


def _median(rows: Sequence[Row], implementation: str) -> tuple[float, float]:
    of_it = [r for r in rows if r["implementation"] == implementation]
    if not of_it:
        return ()  # type: ignore[return-value]
    return statistics.median(r["seconds"] for r in of_it), statistics.median(r["peak_mb"] or 0 for r in of_it)


def plot(rows: Sequence[Row], path: str) -> None:
    """Plot nanoseconds per edge by case and implementation; the file's suffix decides the format."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    table = summary(rows)
    cases = list(dict.fromkeys(r["case"] for r in table))
    names = list(dict.fromkeys(r["implementation"] for r in table))
    figure, axes = pyplot.subplots(figsize=(7, 4))
    for k, name in enumerate(names):
        found = [(cases.index(r["case"]), r["ns per edge"]) for r in table if r["implementation"] == name]
        places = [at + (k - len(names) / 2 + 0.5) * 0.8 / len(names) for at, _ in found]
        axes.bar(places, [value for _, value in found], width=0.8 / len(names), label=name)
    axes.set_yscale("log")
    axes.set_xticks(range(len(cases)), cases)
    axes.set_ylabel("ns per edge, forward and backward")
    axes.legend()
    figure.tight_layout()
    figure.savefig(path)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gatv2", description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--cases", default=",".join(CASES), help=f"comma-separated among {', '.join(CASES)}")
    parser.add_argument("--implementations", default="cpu,numba,pyg,cpu-bare,numba-bare,dgl")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--format", type=Format, default=Format.table, choices=list(Format))
    parser.add_argument("--plot", metavar="FILE")
    parser.add_argument(
        "--worker", nargs=3, metavar=("CASE", "IMPLEMENTATION", "ROUND"), help=argparse.SUPPRESS
    )
    options = parser.parse_args()
    if options.worker:
        name, implementation, turn = options.worker
        print(json.dumps(worker(name, implementation, int(turn), options.threads)))
        return
    cases = options.cases.split(",")
    unknown = sorted(set(cases) - set(CASES))
    if unknown:
        parser.error(f'case "{unknown[0]}" is not one of {", ".join(CASES)}')
    rows = run(cases, options.implementations.split(","), options.rounds, options.threads)
    print_rows(rows if options.format is Format.json else summary(rows), options.format)
    if options.plot:
        plot(rows, options.plot)


if __name__ == "__main__":
    main()
