"""What it is worth to choose the epoch on the tested pairs, as the published code of drGT does.

python -m benchmarks.epoch_choice --store ladybug:///gdsc1.lbug --preset drgt [--task regression] [--fold 0]
                                  [--set network.conv=gat] [--format table|json]

One fit on the training pairs of a random fold. At each validation the held-out pairs are predicted as well, and told to
nobody: neither the fit nor its inner fold sees them. The row has the figure at the epoch that the inner fold chose, and
the best figure of any epoch.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import torch

from pharmagraph.kg.console import Format, print_rows


def measure(store_url: str, preset: str, task: Any, number: int, options: Sequence[str]) -> dict[str, Any]:
    """The row of one fold: figures, and the epochs that they are from."""
    from pharmagraph.kg import heterograph
    from pharmagraph.kg.store import open_store
    from pharmagraph.model.commands.options import preset_changes
    from pharmagraph.model.inputs.messages import MessageBuilder
    from pharmagraph.model.inputs.tensors import network_tensors
    from pharmagraph.model.metrics.scores import CHOSEN_BY
    from pharmagraph.model.presets.by_dataset import fitting_preset
    from pharmagraph.model.presets.choices import Split
    from pharmagraph.model.presets.config import load_preset
    from pharmagraph.model.responses.measured import dataset_name, responses
    from pharmagraph.model.responses.scale import Scale, visible_pairs
    from pharmagraph.model.responses.splits import folds
    from pharmagraph.model.training.member import fit_member, prepare

    with open_store(store_url, read_only=True) as store:
        graph = heterograph.export(store)
    config = load_preset(
        fitting_preset(preset, dataset_name(graph)), **preset_changes(None, None, None, options)
    )
    measured = responses(graph, task)
    fold = list(folds(measured, graph, Split.random, 5))[number]
    training, test = measured.take(fold.train), measured.take(fold.test)
    tensors, scale = network_tensors(graph, config.network), Scale.of(training, task)
    builder = MessageBuilder(tensors, config.network, scale.means)
    fitting = prepare(tensors, builder, training, config, scale, Split.random, seed=0)
    messages = builder.build(visible_pairs(training, scale, tensors.device))
    drug, cell_line = torch.from_numpy(test.drug), torch.from_numpy(test.cell_line)
    tested: dict[int, float] = {}

    def tell(epoch: int, validation: float | None) -> None:
        if validation is None:
            return
        fitting.network.eval()
        with torch.no_grad():
            output = fitting.network(tensors, messages, drug, cell_line).blended
        fitting.network.train()
        tested[epoch] = float(CHOSEN_BY[scale.task](test.label(scale.task), scale.prediction(output).numpy()))

    member = fit_member(fitting, "cpu", tell)
    best = max(tested, key=lambda epoch: tested[epoch])
    return {
        "dataset": dataset_name(graph), "preset": config.preset, "conv": config.network.conv, "task": task,
        "fold": number, "metric": "auroc" if task == "classification" else "r2",
        "inner fold chose": tested[member.best_epoch], "at epoch": member.best_epoch,
        "best on tested pairs": tested[best], "at its epoch": best, "epochs": max(tested),
    }  # fmt: skip


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.epoch_choice")
    parser.add_argument("--store", required=True, metavar="URL")
    parser.add_argument("--preset", default="drgt")
    parser.add_argument("--task", default="classification", choices=["classification", "regression"])
    parser.add_argument("--fold", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], metavar="PART.OPTION=VALUE")
    parser.add_argument("--format", type=Format, default=Format.table, choices=list(Format))
    given = parser.parse_args()
    print_rows([measure(given.store, given.preset, given.task, given.fold, given.set)], given.format)


if __name__ == "__main__":
    main()
