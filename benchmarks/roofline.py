"""Compares the C++ kernel with this machine's limits: operations and bytes that each pass needs, and rates reached.

    python -m benchmarks.roofline [--case gdsc] [--threads N] [--format table|json]

Times are processor times divided by threads, the minimum of several runs, so that other work on the machine hardly
counts.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch

from benchmarks.gatv2 import CASES
from pharmagraph.kg.console import Format, print_rows
from pharmagraph.model.kernels import Csr, Dropout, Relation
from pharmagraph.model.kernels.cpu import attend

# Per edge, head and channel with one edge feature (docs/kernels.md); a multiply-add is two.
FLOPS = {"forward": 7, "backward": 11}


def seconds(work: Callable[[], object], threads: int, repetitions: int = 8) -> float:
    """Minimum processor time of `work`, per thread."""
    work()
    best = float("inf")
    for _ in range(repetitions):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best / threads


def machine(threads: int) -> tuple[float, float]:
    """Copy bandwidth (bytes read and written per second) and rate of sgemm (operations per second)."""
    n = 1 << 26
    source, target = torch.ones(n), torch.empty(n)
    a, b = torch.rand(2048, 2048), torch.rand(2048, 2048)
    out = torch.empty(2048, 2048)
    return 8 * n / seconds(lambda: target.copy_(source), threads), 2 * 2048**3 / seconds(
        lambda: torch.mm(a, b, out=out), threads
    )


def passes(name: str, threads: int) -> list[dict[str, object]]:
    """Forward and backward pass of one case: operations, bytes, times, and shares of the machine's rates."""
    case = CASES[name]
    src, dst, n = case.edges()
    heads, channels, n_edges = case.heads, case.channels, len(src)
    graph = Csr.from_edges(src, dst, n, n)
    torch.manual_seed(0)
    x_src, x_dst = (torch.randn(n, heads, channels, requires_grad=True) for _ in range(2))
    att = torch.randn(heads, channels, requires_grad=True)
    weight = torch.randn(heads, 1, channels, requires_grad=True)
    relation = Relation(graph, x_src, x_dst, att, torch.rand(n_edges, 1), weight)

    def forward() -> torch.Tensor:
        options = {"negative_slope": 0.2, "dropout": Dropout(), "shared_softmax": False, "attention": False}
        return attend([relation], **options)[0]  # type: ignore[arg-type]

    out = forward()
    grad = torch.randn_like(out)
    times = {
        "forward": seconds(forward, threads),
        "backward": seconds(lambda: out.backward(grad, retain_graph=True), threads),
    }
    nodes, edges = 4.0 * n * heads * channels, 4.0 * n_edges
    # features in and out, scores once, source and feature of each edge per head; backward also reads the walking order
    needed = {
        "forward": 4 * nodes + edges * heads * 3 + 3 * edges,
        "backward": 7 * nodes + edges * heads * (2 + 1 + 0.5),
    }
    copy, sgemm = machine(threads)
    return [
        {
            "case": name,
            "pass": step,
            "threads": threads,
            "ms": 1e3 * times[step],
            "ns per edge and head": 1e9 * times[step] * threads / (n_edges * heads),
            "Gflop": FLOPS[step] * n_edges * heads * channels / 1e9,
            "of sgemm": FLOPS[step] * n_edges * heads * channels / times[step] / sgemm,
            "MB needed": needed[step] / 1e6,
            "of copy": needed[step] / times[step] / copy,
            "sgemm Gflop/s": sgemm / 1e9,
            "copy GB/s": copy / 1e9,
        }
        for step in FLOPS
    ]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.roofline")
    parser.add_argument("--case", default="gdsc", choices=list(CASES))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--format", type=Format, default=Format.table, choices=list(Format))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print_rows(passes(options.case, options.threads), options.format)


if __name__ == "__main__":
    main()
