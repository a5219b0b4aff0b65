"""What it is worth to fit a censored ln IC50 as a bound: against the bound as its value, and against leaving it out.

python -m benchmarks.censoring --store ladybug:///gdsc1.lbug [--dataset GDSC1] [--drugs 60]
                               [--tissues lung_nsclc,breast,leukemia] [--way "10 uM for all"] [--format table|json]

The values of a screen are censored on purpose among the training pairs of one fold, so that the truth is known. Two
ways: every drug has one highest concentration (10 µmol/l), or each is censored at the quantile 0.7 of its own values.
The figures are on held-out pairs with their true values: all of them, and those beyond the bound. The last row of a way
was trained on the true values. The network is the default one's Gaussian process and factors.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pharmagraph.kg.console import Format, note, print_rows
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.model.metrics.scores import pearson, per_entity, r2, rmse
from pharmagraph.model.presets.choices import Split
from pharmagraph.model.presets.config import load_preset
from pharmagraph.model.responses.censoring import Bounds
from pharmagraph.model.responses.measured import Responses, responses
from pharmagraph.model.responses.splits import folds

HIGHEST = math.log(10.0)
"""ln of the highest concentration of all drugs, µmol/l."""
QUANTILE = 0.7


def _highest(found: Responses) -> np.ndarray:
    return np.full(len(found), HIGHEST, np.float32)


def _quantile(found: Responses) -> np.ndarray:
    bound = np.zeros(found.n_drugs, np.float32)
    for drug in np.unique(found.drug):
        bound[drug] = np.quantile(found.ln_ic50[found.drug == drug], QUANTILE)
    return bound[found.drug]


WAYS: dict[str, Callable[[Responses], np.ndarray]] = {
    "10 uM for all": _highest,
    "0.7 of each drug": _quantile,
}


def arms(training: Responses, bound: np.ndarray) -> Iterator[tuple[str, Responses]]:
    """The training pairs as each arm sees them; values above their bound, (n,), are censored."""
    side = (training.ln_ic50 > bound).astype(np.int8)
    capped = replace(training, ln_ic50=np.minimum(training.ln_ic50, bound))
    yield "as a bound", replace(capped, bounds=Bounds(side, bound))
    yield "as the value", capped
    yield "left out", training.take(side == 0)
    yield "true values", training


def measure(graph: Heterograph, ways: Sequence[str]) -> Iterator[dict[str, Any]]:
    """A row for each way to censor and each arm, on one random fold of five."""
    from pharmagraph.model.inputs.tensors import network_tensors
    from pharmagraph.model.training.ensemble import fit
    from pharmagraph.model.training.expectation import with_expected

    config = load_preset(
        "default",
        network={"axial": False, "process_genes": False, "gene_part": False},
        training={"members": 1},
    )
    everything = responses(graph, "regression")
    tensors = network_tensors(graph, config.network)
    fold = next(folds(everything, graph, Split.random, 5))
    bounds = {name: way(everything) for name, way in WAYS.items() if name in ways}
    test = everything.take(fold.test)
    for name, bound in bounds.items():
        beyond = test.ln_ic50 > bound[fold.test]
        for arm, training in arms(everything.take(fold.train), bound[fold.train]):
            started = time.perf_counter()
            training = with_expected(training, tensors)
            fitted = fit(tensors, training, config, seed=0, task="regression")
            seconds = time.perf_counter() - started
            said, true = (
                fitted.predict(test.drug, test.cell_line).astype(np.float64),
                test.ln_ic50.astype(np.float64),
            )
            of_drugs = per_entity(pearson, true, said, test.drug, classes=False)
            yield {
                "censored at": name, "share": float(beyond.mean()), "censored values": arm,
                "rmse": rmse(true, said), "r2": r2(true, said), "pearson per drug": float(np.nanmean(of_drugs)),
                "rmse beyond": rmse(true[beyond], said[beyond]), "rmse within": rmse(true[~beyond], said[~beyond]),
                "s": seconds,
            }  # fmt: skip


def main() -> None:
    """The command line."""
    from pharmagraph.kg import heterograph
    from pharmagraph.kg.store import open_store

    parser = argparse.ArgumentParser(prog="python -m benchmarks.censoring")
    parser.add_argument("--store", required=True, metavar="URL")
    parser.add_argument("--dataset", default="GDSC1")
    parser.add_argument("--drugs", type=int, default=60)
    parser.add_argument("--tissues", default="lung_nsclc,breast,leukemia")
    parser.add_argument("--way", action="append", choices=list(WAYS))
    parser.add_argument("--format", type=Format, default=Format.table, choices=list(Format))
    given = parser.parse_args()
    with open_store(given.store, read_only=True) as store:
        ids = sorted(store.read_edges("TESTED_ON", ("Drug", "CellLine"), ["src"])["src"].unique().to_pylist())
        chosen = np.random.default_rng(0).permutation(ids)[: given.drugs].tolist()
        graph = heterograph.export(
            store, datasets=[given.dataset], drugs=chosen, tissues=given.tissues.split(",")
        )
    rows = []
    for row in measure(graph, given.way or list(WAYS)):
        rows.append(row)
        note(f"{row['censored at']}, {row['censored values']}: {row['s']:.0f} s")
    print_rows(rows, given.format)


if __name__ == "__main__":
    main()
