"""What pilots bring: held-out drugs or cell lines predicted with 0, 5, 10, 20 measured responses, as a table.

``python -m pharmagraph.model.reports.pilot_gain STORE --split unseen-drug`` prints it (docs/pilots.md). A model is
fitted to a fold's training pairs alone. The pairs that are judged are the same for every number of pilots and every way
of choosing them: those that no way has chosen.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pharmagraph.kg import heterograph as graphs
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.kg.heterograph.arrays import SavedArrays
from pharmagraph.model.evaluation.plan import Plan
from pharmagraph.model.predictor import Entity, Predictor
from pharmagraph.model.predictor.pilots import Kind, Pilots
from pharmagraph.model.presets.choices import Split
from pharmagraph.model.presets.config import load_preset
from pharmagraph.model.responses.measured import Responses, joined
from pharmagraph.model.responses.splits import Fold
from pharmagraph.model.runs import freeze
from pharmagraph.model.runs.folder import GRAPH
from pharmagraph.model.training.from_graph import fit_graph

COUNTS = (0, 5, 10, 20)
"""Numbers of pilots."""

N_JUDGED = 20
"""Fewest other held-out pairs that an entity needs in order to be judged."""

WITHOUT = {"axial": False, "relational": False}
"""Components that the fits do without, since they read the network; the process and the factorisation stay."""


@dataclass(frozen=True)
class Chosen:
    """One entity of a fold: positions of its pilots among the fold's held-out pairs, the first to measure first.

    Attributes
    ----------
    number
        Of the drug, or the cell line.
    pilots
        By way of choosing, ``greedy`` and ``random``.
    judged
        Positions of the pairs that no way has chosen.
    """

    number: int
    pilots: Mapping[str, np.ndarray]
    judged: np.ndarray


def choose(
    predictor: Predictor, test: Responses, kind: Kind, n: int, generator: np.random.Generator
) -> Iterator[Chosen]:
    """Pilots of every entity of a fold that has enough held-out pairs."""
    own, other = (test.drug, test.cell_line) if kind == "drug" else (test.cell_line, test.drug)
    for number in np.unique(own):
        pairs = np.flatnonzero(own == number)
        if len(pairs) < 2 * n + N_JUDGED:
            continue
        process = Pilots(predictor, Entity(int(number)), kind)
        at = {int(o): int(p) for o, p in zip(other[pairs], pairs, strict=True)}
        greedy = np.array([at[int(o)] for o in process.suggested(n, other[pairs])[0]])
        drawn = generator.permutation(pairs)[:n]
        yield Chosen(int(number), {"greedy": greedy, "random": drawn}, np.setdiff1d(pairs, [*greedy, *drawn]))


def conditioned(
    predictor: Predictor, test: Responses, kind: Kind, chosen: Sequence[Chosen]
) -> dict[tuple[str, int], np.ndarray]:
    """Way and number of pilots → Pearson's r and RMSE (ln IC50) of each entity, (n_entities, 2)."""
    other = test.cell_line if kind == "drug" else test.drug
    found: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for one in chosen:
        process = Pilots(predictor, Entity(one.number), kind)
        for way, pilots in one.pilots.items():
            for n in COUNTS:
                some = pilots[:n]
                predicted = process.conditioned(other[some], test.ln_ic50[some])[other[one.judged]]
                found.setdefault((way, n), []).append(figures(test.ln_ic50[one.judged], predicted))
    return {key: np.array(rows) for key, rows in found.items()}


def figures(measured: np.ndarray, predicted: np.ndarray) -> tuple[float, float]:
    """Pearson's r, 0 where predictions are all equal, and RMSE."""
    rmse = float(np.sqrt(((measured - predicted) ** 2).mean()))
    if predicted.std() == 0 or measured.std() == 0:
        return 0.0, rmse
    return float(np.corrcoef(measured, predicted)[0, 1]), rmse


def retrained(
    heterograph: Heterograph,
    training: Responses,
    test: Responses,
    plan: Plan,
    chosen: Sequence[Chosen],
    n: int,
) -> np.ndarray:
    """The same after a fit to the training pairs and n random pilots of every entity of the fold, (n_entities, 2)."""
    more = test.take(np.concatenate([one.pilots["random"][:n] for one in chosen]))
    fitted = fit_graph(
        heterograph, joined(training, more), load_preset("default", **plan.options()), seed=plan.seed,
        task="regression", split=Split.random, groups=plan.groups(heterograph),
    )  # fmt: skip
    rows = []
    for one in chosen:
        predicted = fitted.predict(test.drug[one.judged], test.cell_line[one.judged])
        rows.append(figures(test.ln_ic50[one.judged], predicted.astype(np.float64)))
    return np.array(rows)


def of_fold(
    heterograph: Heterograph, measured: Responses, fold: Fold, plan: Plan, retrain: Sequence[int] = ()
) -> dict[tuple[str, int], np.ndarray]:
    """Way and number of pilots → figures of each held-out entity of a fold."""
    training, test = measured.take(fold.train), measured.take(fold.test)
    kind: Kind = "drug" if plan.split is Split.unseen_drug else "cell_line"
    fitted = fit_graph(
        heterograph, training, load_preset("default", **plan.options()), seed=plan.seed, task="regression",
        split=plan.split, groups=plan.groups(heterograph),
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="pharmagraph-") as name:
        folder = Path(name)
        freeze.save(fitted, folder)
        graphs.save(heterograph, folder / GRAPH)
        predictor = Predictor(folder, SavedArrays(folder / GRAPH))
        chosen = list(choose(predictor, test, kind, max(COUNTS), np.random.default_rng(plan.seed)))
        found = conditioned(predictor, test, kind, chosen)
    for n in retrain:
        found["retrained, random", n] = retrained(heterograph, training, test, plan, chosen, n)
    return found


def table(split: Split, found: Sequence[Mapping[tuple[str, int], np.ndarray]]) -> str:
    """The folds' entities together, as Markdown."""
    entities = "drugs" if split is Split.unseen_drug else "cell lines"
    n = sum(len(fold["greedy", 0]) for fold in found)
    lines = [
        f"| {n} held-out {entities} | " + " | ".join(f"{count} pilots" for count in COUNTS) + " |",
        "|---" * (len(COUNTS) + 1) + "|",
    ]
    for number, figure in enumerate(("Pearson's r", "RMSE of ln IC50")):
        for way in ("greedy", "random", "retrained, random"):
            cells = []
            for count in COUNTS:
                rows = [fold[way, count] for fold in found if (way, count) in fold]
                cells.append(f"{np.concatenate(rows)[:, number].mean():.3f}" if rows else "not run")
            lines.append(f"| {figure}, {way} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table of a store."""
    from pharmagraph.kg.store import open_store

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("store")
    parser.add_argument("--dataset", default="GDSC1")
    parser.add_argument("--split", choices=["unseen-drug", "unseen-cell"], default="unseen-drug")
    parser.add_argument("--fold", type=int, action="append", help="counted from 0; all five unless given")
    parser.add_argument("--members", type=int, default=1)
    parser.add_argument(
        "--retrain", type=int, action="append", default=[], help="also fit with this many pilots"
    )
    parser.add_argument("--seed", type=int, default=0)
    asked: Any = parser.parse_args(arguments)
    with open_store(asked.store, read_only=True) as store:
        heterograph = graphs.export(store, datasets=[asked.dataset])
    changes = {"network": WITHOUT, "training": {"members": asked.members}}
    plan = Plan(Split(asked.split), task="regression", seed=asked.seed, changes=changes)
    measured, cut = plan.cut(heterograph)
    found, started = [], time.monotonic()
    for number in asked.fold or range(len(cut)):
        found.append(of_fold(heterograph, measured, cut[number], plan, asked.retrain))
        print(f"fold {number}: {time.monotonic() - started:.0f} s so far", flush=True)
    print(table(plan.split, found))


if __name__ == "__main__":
    main()
