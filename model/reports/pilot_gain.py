"""What pilots bring: held-out drugs or cell lines predicted with 0, 5, 10, 20 measured responses, as a table.

``python -m pharmagraph.model.reports.pilot_gain STORE --split unseen-drug`` prints it (docs/pilots.md). A model is
fitted to a fold's training pairs alone. The pairs that are judged are the same for every number of pilots and every way
of choosing them: those that no way has chosen.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from pharmagraph.kg import folders
from pharmagraph.kg import heterograph as graphs
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.kg.heterograph.arrays import SavedArrays
from pharmagraph.model.certainty.calibrate import calibrate
from pharmagraph.model.certainty.certainty import LEVEL, Certainty
from pharmagraph.model.certainty.intervals import Interval
from pharmagraph.model.evaluation.drawn import drawn
from pharmagraph.model.evaluation.plan import Plan
from pharmagraph.model.networks.default import RelationalNetwork
from pharmagraph.model.networks.posterior import Observed, covariance_times
from pharmagraph.model.predictor import Entity, Predictor
from pharmagraph.model.predictor.pilots import Kind, Pilots
from pharmagraph.model.presets.choices import Split
from pharmagraph.model.presets.config import load_preset
from pharmagraph.model.responses.measured import Responses, joined
from pharmagraph.model.responses.splits import Fold
from pharmagraph.model.runs import freeze
from pharmagraph.model.runs.certain import judged
from pharmagraph.model.runs.certain_with_pilots import judged_with_pilots
from pharmagraph.model.runs.folder import GRAPH
from pharmagraph.model.runs.pilots_hidden import calibrated_with_pilots
from pharmagraph.model.training.expectation import with_expected
from pharmagraph.model.training.fitted import Fitted
from pharmagraph.model.training.from_graph import fit_graph

COUNTS = (0, 5, 10, 20)
"""Numbers of pilots."""

N_JUDGED = 20
"""Fewest other held-out pairs that an entity needs in order to be judged."""

WITHOUT = {"axial": False, "relational": False}
"""Components that the fits do without, since they read the network; the process and the factorisation stay."""

_FIGURES = (
    "Pearson's r", "RMSE of ln IC50", f"share inside {LEVEL:.0%} intervals", "width of these (ln µmol/l)"
)  # fmt: skip

Figures = Mapping[tuple[str, int], np.ndarray]
"""Way of choosing and number of pilots → of each entity Pearson's r and RMSE (ln IC50), and where intervals were made
the share of its responses inside and their mean width (ln µmol/l), (n_entities, 2 or 4)."""


@dataclass(frozen=True)
class Chosen:
    """One held-out entity, and its pilots as positions among the fold's held-out pairs, the first to measure first.

    Attributes
    ----------
    process
        What conditions its predictions.
    pilots
        By way of choosing, ``greedy`` and ``random``.
    judged
        Positions of the pairs that no way has chosen.
    """

    process: Pilots
    pilots: Mapping[str, np.ndarray]
    judged: np.ndarray


def choose(
    predictor: Predictor, test: Responses, kind: Kind, generator: np.random.Generator
) -> Iterator[Chosen]:
    """Pilots of every entity of a fold that has enough held-out pairs."""
    own, n = (test.drug if kind == "drug" else test.cell_line), max(COUNTS)
    for number in np.unique(own):
        pairs = np.flatnonzero(own == number)
        if len(pairs) < 2 * n + N_JUDGED:
            continue
        process, others = Pilots(predictor, Entity(int(number)), kind), _other(test, kind)[pairs]
        at = dict(zip(others.tolist(), pairs.tolist(), strict=True))
        greedy = np.array([at[other] for other in process.suggested(n, others)[0].tolist()])
        drawn = generator.permutation(pairs)[:n]
        judged = np.setdiff1d(pairs, np.concatenate([greedy, drawn]))
        yield Chosen(process, {"greedy": greedy, "random": drawn}, judged)


def conditioned(
    test: Responses, kind: Kind, chosen: Sequence[Chosen], predictor: Predictor, certainty: Certainty | None
) -> dict[tuple[str, int], np.ndarray]:
    """Figures by way of choosing and number of pilots; of intervals at `LEVEL`, too, where there is a certainty."""
    other = _other(test, kind)
    found: dict[tuple[str, int], list[tuple[float, ...]]] = {}
    for one in chosen:
        for way, pilots in one.pilots.items():
            for n in COUNTS:
                some = pilots[:n]
                predicted = one.process.conditioned(other[some], test.ln_ic50[some])[other[one.judged]]
                figures: tuple[float, ...] = _figures(test.ln_ic50[one.judged], predicted)
                if certainty is not None:
                    interval = _interval(predictor, certainty, one, other[some], other[one.judged], predicted)
                    figures += _held(interval, test.ln_ic50[one.judged])
                found.setdefault((way, n), []).append(figures)
    return {key: np.array(rows) for key, rows in found.items()}


def _interval(
    predictor: Predictor,
    certainty: Certainty,
    one: Chosen,
    at: np.ndarray,
    judged_at: np.ndarray,
    predicted: np.ndarray,
) -> Interval:
    """Intervals of an entity's judged pairs with pilots, or with none."""
    others, of_drug = [Entity(int(n)) for n in judged_at], one.process.kind == "drug"
    names = ["the other"] * len(others)
    own = [one.process.entity], ["the entity"]
    sides = ((own[0], others), (own[1], names)) if of_drug else ((others, own[0]), (names, own[1]))
    table = predicted[:, None] if of_drug else predicted[None]
    if len(at):
        found = judged_with_pilots(
            certainty, predictor, one.process, at.tolist(), others, table, sides[1], LEVEL
        )
    else:
        found = judged(certainty, predictor, *sides[0], table, sides[1], LEVEL)
    return found.interval


def _held(interval: Interval, measured: np.ndarray) -> tuple[float, float]:
    """Share of responses inside, and mean width."""
    low, high = interval.low.ravel(), interval.high.ravel()
    return float(((low <= measured) & (measured <= high)).mean()), float((high - low).mean())


def exactness(
    fitted: Fitted, test: Responses, kind: Kind, chosen: Sequence[Chosen]
) -> dict[tuple[str, int], np.ndarray]:
    """What the exact posterior covariance, genes included, changes for random pilots of some entities.

    Returns
    -------
    dict
        ``approximate`` and ``exact``: figures with the covariance of `Pilots` and with the exact one. ``difference``:
        of both covariances, relative to the norm, and of predictions (root mean square, ln IC50), (n_entities, 2).
    """
    n, other = max(COUNTS), _other(test, kind)
    rows: dict[str, list[tuple[float, float]]] = {"approximate": [], "exact": [], "difference": []}
    for one in chosen:
        pilots = one.pilots["random"][:n]
        at, value, judged = other[pilots], test.ln_ic50[pilots], other[one.judged]
        (left,) = one.process.unknown
        pattern = left.pattern.copy()
        pattern[:, at] = exact_columns(fitted, one.process, at)
        approximate = one.process.conditioned(at, value)[judged]
        exact = one.process.conditioned(at, value, [replace(left, pattern=pattern)])[judged]
        rows["approximate"].append(_figures(test.ln_ic50[one.judged], approximate))
        rows["exact"].append(_figures(test.ln_ic50[one.judged], exact))
        relative = np.linalg.norm((pattern - left.pattern)[:, at]) / np.linalg.norm(pattern[:, at])
        rows["difference"].append((float(relative), float(np.sqrt(((exact - approximate) ** 2).mean()))))
    return {(name, n): np.array(figures) for name, figures in rows.items()}


@torch.inference_mode()
def exact_columns(fitted: Fitted, process: Pilots, at: np.ndarray) -> np.ndarray:
    """Posterior covariance of all pairs of an unseen entity with some of them, by one linear system each, (n, n_at)."""
    network, number, of_drug = fitted.members[0].network, process.entity.number, process.kind == "drug"
    assert (
        isinstance(network, RelationalNetwork) and network.gaussian_process is not None and number is not None
    )
    component, messages, tensors = network.gaussian_process, fitted.messages, fitted.tensors
    states, _ = network.states(tensors, messages)
    kernel_c, kernel_d, precision, _, scale = component.system(tensors, states, messages)
    genes = component.gene_term(messages)
    observed = Observed(kernel_c, kernel_d, precision, genes)
    itself = functional.softplus(component.of_profiles)[0 if of_drug else 1]
    columns = []
    for pilot in at.tolist():
        one = torch.zeros_like(precision)
        one[(pilot, number) if of_drug else (number, pilot)] = 1
        prior = covariance_times(one, kernel_c, kernel_d, genes)
        left = prior - covariance_times(observed.weights(prior), kernel_c, kernel_d, genes)
        alike = (
            itself * (kernel_c if of_drug else kernel_d)[pilot]
        )  # its profile is like itself and like no other
        columns.append((left[:, number] if of_drug else left[number]) + alike)
    units = component.scale * (scale[number].repeat(len(kernel_c)) if of_drug else scale)
    found: np.ndarray = (torch.stack(columns, 1) * torch.outer(units, units[at])).double().numpy()
    return found


def retrained(
    heterograph: Heterograph,
    training: Responses,
    test: Responses,
    plan: Plan,
    chosen: Sequence[Chosen],
    n: int,
) -> np.ndarray:
    """Figures after a fit to the training pairs and n random pilots of every entity of the fold, (n_entities, 2)."""
    more = test.take(np.concatenate([one.pilots["random"][:n] for one in chosen]))
    fitted = fit_graph(
        heterograph, joined(training, more), load_preset("default", **plan.options()), seed=plan.seed,
        task="regression", split=Split.random, groups=plan.groups(heterograph),
    )  # fmt: skip
    rows = []
    for one in chosen:
        predicted = fitted.predict(test.drug[one.judged], test.cell_line[one.judged])
        rows.append(_figures(test.ln_ic50[one.judged], predicted.astype(np.float64)))
    return np.array(rows)


def of_fold(
    heterograph: Heterograph,
    measured: Responses,
    fold: Fold,
    plan: Plan,
    retrain: Sequence[int] = (),
    n_exact: int = 0,
) -> Figures:
    """Figures of the held-out entities of a fold.

    Parameters
    ----------
    retrain
        Numbers of pilots with which a model is also fitted anew.
    n_exact
        Entities of which the covariance is also computed exactly.
    """
    training, test = measured.take(fold.train), measured.take(fold.test)
    kind: Kind = "drug" if plan.split is Split.unseen_drug else "cell_line"
    fitted = fit_graph(
        heterograph, training, load_preset("default", **plan.options()), seed=plan.seed, task="regression",
        split=plan.split, groups=plan.groups(heterograph),
    )  # fmt: skip
    with folders.temporary() as name:
        folder = Path(name)
        freeze.save(fitted, folder)
        graphs.save(heterograph, folder / GRAPH)
        predictor = Predictor(folder, SavedArrays(folder / GRAPH))
        chosen = list(choose(predictor, test, kind, np.random.default_rng(plan.seed)))
        found = conditioned(test, kind, chosen, predictor, _certainty(heterograph, fitted, training, plan))
        if n_exact:
            found |= exactness(fitted, test, kind, chosen[:n_exact])
    for n in retrain:
        found["retrained, random", n] = retrained(heterograph, training, test, plan, chosen, n)
    return found


def _certainty(heterograph: Heterograph, fitted: Fitted, training: Responses, plan: Plan) -> Certainty | None:
    """How sure predictions are, with pilots and without; None where too few entities can be hidden for `LEVEL`."""
    training = with_expected(training, fitted.tensors)
    tissue, groups = heterograph.nodes["CellLine"]["tissue"].numpy(), plan.groups(heterograph)
    found = calibrate(fitted, training, tissue, seed=plan.seed, groups=groups, kinds=[plan.split])
    if found is None or not found.has(plan.split, LEVEL):
        return None
    found = calibrated_with_pilots(found, fitted, training, tissue, seed=plan.seed, groups=groups)
    enough = all(found.with_pilots.of(plan.split, n, LEVEL) is not None for n in COUNTS if n)
    return found if enough else None


def table(split: Split, found: Sequence[Figures]) -> str:
    """Means over the entities of all folds, as Markdown."""
    entities = "drugs" if split is Split.unseen_drug else "cell lines"
    n = sum(len(fold["greedy", 0]) for fold in found)
    lines = [
        f"| {n} held-out {entities} | " + " | ".join(f"{count} pilots" for count in COUNTS) + " |",
        "|---" * (len(COUNTS) + 1) + "|",
    ]

    def mean(way: str, count: int, number: int) -> float | None:
        rows = [fold[way, count] for fold in found if (way, count) in fold]
        rows = [one for one in rows if one.shape[1] > number]
        return float(np.concatenate(rows)[:, number].mean()) if rows else None

    for number, figure in enumerate(_FIGURES):
        for way in ("greedy", "random", "retrained, random"):
            if number > 1 and way == "retrained, random":
                continue  # it has no intervals
            means = [mean(way, count, number) for count in COUNTS]
            cells = ["not run" if one is None else f"{one:.3f}" for one in means]
            lines.append(f"| {figure}, {way} | " + " | ".join(cells) + " |")
    most = max(COUNTS)
    exact = [fold["exact", most] for fold in found if ("exact", most) in fold]
    if exact:
        lines.append(
            f"\nExact covariance of {len(np.concatenate(exact))} {entities}, {most} random pilots: it differs by "
            f"{mean('difference', most, 0):.1%} of its norm, predictions by {mean('difference', most, 1):.3f} ln "
            f"µmol/l; Pearson's r {mean('exact', most, 0):.3f} (approximate {mean('approximate', most, 0):.3f}), RMSE "
            f"{mean('exact', most, 1):.3f} ({mean('approximate', most, 1):.3f})."
        )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table of a store."""
    from pharmagraph.kg.store import open_store

    parser = argparse.ArgumentParser(description="What pilots bring on held-out drugs or cell lines.")
    parser.add_argument("store")
    parser.add_argument("--dataset", default="GDSC1")
    parser.add_argument("--split", choices=["unseen-drug", "unseen-cell"], default="unseen-drug")
    parser.add_argument("--fold", type=int, action="append", help="counted from 0; all five unless given")
    parser.add_argument("--members", type=int, default=1)
    parser.add_argument(
        "--retrain", type=int, action="append", default=[], help="also fit with this many pilots"
    )
    parser.add_argument(
        "--exact", type=int, default=0, help="entities whose covariance is also computed exactly"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--drugs", type=int, help="draw so many of the drugs")
    parser.add_argument("--cells", type=int, help="draw so many of the cell lines")
    parser.add_argument("--epochs", type=int)
    asked: Any = parser.parse_args(arguments)
    with open_store(asked.store, read_only=True) as store:
        heterograph = graphs.export(store, datasets=[asked.dataset])
    heterograph = drawn(heterograph, {"Drug": asked.drugs, "CellLine": asked.cells}, seed=asked.seed)
    training = {"members": asked.members} | ({} if asked.epochs is None else {"epochs": asked.epochs})
    changes = {"network": WITHOUT, "training": training}
    plan = Plan(Split(asked.split), task="regression", seed=asked.seed, changes=changes)
    measured, cut = plan.cut(heterograph)
    found, started = [], time.monotonic()
    for number in asked.fold or range(len(cut)):
        found.append(of_fold(heterograph, measured, cut[number], plan, asked.retrain, asked.exact))
        print(f"fold {number}: {time.monotonic() - started:.0f} s so far", flush=True)
    print(table(plan.split, found))


def _other(test: Responses, kind: Kind) -> np.ndarray:
    """The cell line, or the drug, of each pair of a held-out drug, or cell line."""
    return test.cell_line if kind == "drug" else test.drug


def _figures(measured: np.ndarray, predicted: np.ndarray) -> tuple[float, float]:
    """Pearson's r, 0 where predictions are all equal, and RMSE."""
    rmse = float(np.sqrt(((measured - predicted) ** 2).mean()))
    if predicted.std() == 0 or measured.std() == 0:
        return 0.0, rmse
    return float(np.corrcoef(measured, predicted)[0, 1]), rmse


if __name__ == "__main__":
    main()
