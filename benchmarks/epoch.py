"""Times one training epoch of a preset on a store with this project's layers, and with PyG's layers in their place.

python -m benchmarks.epoch --store ladybug:///nci60.lbug [--preset drgt] [--implementations cpu,pyg,pyg-read]
                           [--rounds 2] [--format table|json] [--profile]

Data, projections, heads and optimiser are the same in both; only the adjacency network (preset drgt) can use PyG's
layers. ``pyg`` sends messages to all nodes in every layer, as is usual with PyG. ``pyg-read`` sends none to genes in
the last layer, as this project's network does, since the head does not read them. The rate is in training pairs per
second. ``--profile`` prints instead the share of each operation in one epoch's processor time, on one thread.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks import Row
from benchmarks.measure import measure
from pharmagraph.kg.console import Format, print_rows
from pharmagraph.model.kernels import Csr
from pharmagraph.model.layers.conversions import to_pyg


class PygInPlace(nn.Module):
    """PyG's layer with the weights and the interface of `GATv2Conv`."""

    def __init__(self, ours: Any) -> None:
        super().__init__()
        self.layer = to_pyg(ours)

    def forward(
        self,
        x: Tensor | tuple[Tensor, Tensor],
        graph: Csr,
        edge_attr: Tensor,
        *,
        return_attention: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """Arguments and results are those of `model.layers.gatv2.GATv2Conv`."""
        edge_index = torch.stack([graph.unsort(graph.src.long()), graph.unsort(graph.dst())])
        out, (_, attention) = self.layer(x, edge_index, edge_attr, return_attention_weights=True)
        return out, attention


def prepare(store_url: str, preset: str, implementation: str) -> tuple[Callable[[], None], int]:
    """A function that runs one epoch each time it is called, and the number of training pairs."""
    from pharmagraph.kg import heterograph
    from pharmagraph.kg.store import open_store
    from pharmagraph.model.inputs.messages import MessageBuilder
    from pharmagraph.model.inputs.tensors import network_tensors
    from pharmagraph.model.presets.choices import Split
    from pharmagraph.model.presets.config import load_preset
    from pharmagraph.model.responses.measured import responses
    from pharmagraph.model.responses.scale import Scale
    from pharmagraph.model.responses.splits import folds
    from pharmagraph.model.targets.run import fit_gene_attention
    from pharmagraph.model.training.member import prepare

    config = load_preset(preset)
    with open_store(store_url, read_only=True) as store:
        graph = heterograph.export(store)
    measured = responses(graph, "classification")
    training = measured.take(next(folds(measured, graph, Split.random, 5)).train)
    tensors = network_tensors(graph, config.network)
    attends = fit_gene_attention(graph, tensors, training, config, task="classification", seed=0)
    blind = attends.on(tensors, blind=True) if attends is not None else None
    fitting = prepare(
        tensors,
        MessageBuilder(tensors, config.network, None, blind),
        training,
        config,
        Scale.of(training, "classification"),
        Split.random,
        seed=0,
    )
    if implementation.startswith("pyg"):
        network: Any = fitting.network
        network.convs = nn.ModuleList(PygInPlace(conv) for conv in network.convs)
        if implementation == "pyg":
            network.n_read = network.n_nodes
    optimiser = fitting.configure_optimizers()["optimizer"]

    def epoch() -> None:
        fitting.on_train_epoch_start()
        for chunk in range(config.training.chunks):
            optimiser.zero_grad()
            fitting.training_step(torch.tensor(chunk), chunk).backward()
            fitting.configure_gradient_clipping(optimiser)
            optimiser.step()

    return epoch, len(training)


def profile(store_url: str, preset: str) -> list[dict[str, Any]]:
    """Operations that take at least a hundredth of an epoch's processor time, the longest first."""
    torch.set_num_threads(1)
    epoch, _ = prepare(store_url, preset, "cpu")
    epoch()  # work that is done only once, such as sorting edges, must not count
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as recorded:
        epoch()
    averages = recorded.key_averages()
    total = sum(a.self_cpu_time_total for a in averages)
    rows = [{"operation": a.key, "share": a.self_cpu_time_total / total, "calls": a.count} for a in averages]
    return sorted((r for r in rows if r["share"] >= 0.01), key=lambda r: -r["share"])


def worker(store_url: str, preset: str, implementation: str, turn: int) -> Row:
    """Time one implementation's epochs, in this process."""
    epoch, n_pairs = prepare(store_url, preset, implementation)
    result = measure(epoch, most=10)
    return Row(
        case=f"{preset} epoch, {n_pairs} pairs",
        implementation=implementation,
        seconds=result.seconds,
        rate=n_pairs / result.seconds,
        peak_mb=result.peak_mb,
        round=turn,
    )


def run(store_url: str, preset: str, implementations: Sequence[str], rounds: int) -> list[Row]:
    """All timings; implementations take turns within a round, each in a new process."""
    rows = []
    for turn in range(1, rounds + 1):
        for implementation in implementations:
            given = ["--store", store_url, "--preset", preset, "--worker", implementation, str(turn)]
            command = [sys.executable, "-m", "benchmarks.epoch", *given]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                raise SystemExit(f"{preset} with {implementation} failed: {done.stderr.strip()[-500:]}")
            rows.append(json.loads(done.stdout.splitlines()[-1]))
    return rows


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.epoch")
    parser.add_argument("--store", required=True, metavar="URL")
    parser.add_argument("--preset", default="drgt")
    parser.add_argument("--implementations", default="cpu,pyg,pyg-read")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--format", type=Format, default=Format.table, choices=list(Format))
    parser.add_argument("--worker", nargs=2, metavar=("IMPLEMENTATION", "ROUND"), help=argparse.SUPPRESS)
    parser.add_argument("--profile", action="store_true", help="shares of operations in place of times")
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(worker(options.store, options.preset, options.worker[0], int(options.worker[1]))))
        return
    if options.profile:
        print_rows(profile(options.store, options.preset), options.format)
        return
    rows = run(options.store, options.preset, options.implementations.split(","), options.rounds)
    print_rows(rows, options.format)


if __name__ == "__main__":
    main()
