"""Fits the network to training folds, ranks genes for the drugs of a truth, and changes them in held-out cell lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pharmagraph.kg import folders
from pharmagraph.kg import heterograph as graphs
from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.kg.heterograph.arrays import SavedArrays
from pharmagraph.model.evaluation import journal
from pharmagraph.model.evaluation.biomarkers.knock_outs import UNITS, KnockOuts
from pharmagraph.model.evaluation.biomarkers.scorers import (
    NETWORK,
    SIGNED,
    network_scores,
    of_genes,
    rank,
    simple_scores,
)
from pharmagraph.model.evaluation.biomarkers.truth import Pair, Truth
from pharmagraph.model.inputs.gene_features import GeneFeatures
from pharmagraph.model.inputs.tensors import GraphTensors, network_tensors
from pharmagraph.model.inputs.views import GENE_FEATURES
from pharmagraph.model.predictor import Predictor
from pharmagraph.model.presets.choices import Split, Task
from pharmagraph.model.presets.config import Config, load_preset
from pharmagraph.model.responses.groups import Groups
from pharmagraph.model.responses.measured import Responses, dataset_name, responses
from pharmagraph.model.responses.splits import Fold, folds
from pharmagraph.model.runs import freeze
from pharmagraph.model.runtime import give_back_memory, reproducible
from pharmagraph.model.training.fitted import Fitted
from pharmagraph.model.training.from_graph import fit_graph

DEPTH = 10
"""First genes of a drug in which a known one has to be, and which are compared between fits."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Settings:
    """How the network is fitted.

    Attributes
    ----------
    task
        Classes, or ln IC50.
    preset
        Name or path. Components but the Gaussian process and the factors are left out: what they make of a changed cell
        line would need the whole network again for every gene.
    members
        Networks averaged; the preset's unless given.
    n_folds
        Folds of unseen cell lines.
    seeds
        Seeds of the fits; knock-outs are those of the first.
    """

    task: Task = "regression"
    preset: str = "default"
    members: int | None = None
    n_folds: int = 5
    seeds: tuple[int, ...] = (0,)

    def config(self) -> Config:
        """The preset's options."""
        training = {} if self.members is None else {"members": self.members}
        config = load_preset(self.preset, training=training)
        return config.without(set(config.network.components) - freeze.WITHOUT_NETWORK)


@dataclass(frozen=True)
class Screen:
    """A graph with its responses and folds, prepared once.

    Attributes
    ----------
    tested
        Whether each drug has responses, bool (n_drugs,).
    measured
        Whether a kind of omics has values of each gene that vary between cell lines, bool (n_genes,).
    """

    heterograph: Heterograph
    tensors: GraphTensors
    responses: Responses
    tested: np.ndarray
    measured: np.ndarray

    @classmethod
    def of(cls, heterograph: Heterograph, settings: Settings) -> Screen:
        """Read the graph."""
        found = responses(heterograph, settings.task)
        tensors = network_tensors(heterograph, settings.config().network)
        tested, measured = np.zeros(tensors.n_drugs, bool), np.zeros(tensors.n_genes, bool)
        tested[found.drug] = True
        measured[GeneFeatures.of(tensors).gene.numpy()] = True
        return cls(heterograph, tensors, found, tested, measured)


def evaluate_biomarkers(
    screen: Screen,
    truth: Truth,
    settings: Settings,
    *,
    only: Sequence[int] | None = None,
    finished: Path | None = None,
    report: Callable[[str], None] | None = None,
) -> list[Row]:
    """What every fit finds of the truth.

    Parameters
    ----------
    screen, truth, settings
        Data, what is looked for, and how.
    only
        Folds to evaluate, counted from 0; by default all.
    finished
        A file of finished folds, one JSON object per line. Folds in it are not fitted again, and new ones are added.
    report
        Called with a message for each fold and seed that is done.

    Returns
    -------
    list of dict
        For every fold, seed and pair of the truth ``ranks`` (scorer → rank of the gene, None where it is not in the
        list), ``signs`` (scorer → whether the feature works the right way, None where the scorer does not use it),
        ``lists`` (scorer → the drug's first genes) and, of the first seed, ``moves`` (`KnockOuts.moves`).

    Raises
    ------
    ModelError
        If a fold does not exist, or the network has no gene part.
    """
    if only and max(only) >= settings.n_folds:
        raise ModelError(
            f"--fold {max(only)} is not among {settings.n_folds} folds, which are counted from 0"
        )
    groups = Groups.of(screen.heterograph)
    cut = list(
        folds(screen.responses, screen.heterograph, Split.unseen_cell, settings.n_folds, groups=groups)
    )
    key = _key(screen, truth, settings)
    done = {(entry["fold"], entry["model"]): entry["rows"] for entry in journal.entries(finished, key)}
    found: list[Row] = []
    with folders.temporary() as place:
        folder = Path(place)
        for number, fold in enumerate(cut):
            if only is not None and number not in only:
                continue
            simple: dict[str, np.ndarray] | None = None  # the same for every seed
            for seed in settings.seeds:
                name = f"seed {seed}"
                rows = done.get((number, name))
                if rows is None:
                    rows, simple = _fold(screen, truth, settings, fold, groups, seed, folder, simple)
                    journal.append(finished, {"of": key, "fold": number, "model": name, "rows": rows})
                    give_back_memory()
                found += [{"fold": number, "seed": seed, **row} for row in rows]
                if report is not None:
                    first = sum(within(row["ranks"]["network"]) for row in rows)
                    report(f"fold {number}, {name}: {first} of {len(rows)} in the first {DEPTH}")
    return found


def within(rank_: float | None) -> bool:
    """Whether a rank is among the first `DEPTH`."""
    return rank_ is not None and rank_ <= DEPTH


def _key(screen: Screen, truth: Truth, settings: Settings) -> Row:
    pairs = [[p.drug_number, p.gene_number, p.feature, p.effect] for p in truth.pairs]
    about = {name: value for name, value in asdict(settings).items() if name != "seeds"}
    return {
        **about, "dataset": dataset_name(screen.heterograph), "data": screen.heterograph.fingerprint(),
        "first seed": settings.seeds[0], "config": journal.digest(settings.config().model_dump(mode="json")),
        "truth": journal.digest(pairs), "sizes in": UNITS[settings.task],
    }  # fmt: skip


@reproducible()
def _fold(
    screen: Screen,
    truth: Truth,
    settings: Settings,
    fold: Fold,
    groups: Groups,
    seed: int,
    folder: Path,
    simple: dict[str, np.ndarray] | None,
) -> tuple[list[Row], dict[str, np.ndarray]]:
    """Rows of one fit, and `simple_scores` of the fold, which are computed unless they are given."""
    training, held_out = screen.responses.take(fold.train), screen.responses.take(fold.test)
    fitted = fit_graph(
        screen.heterograph, training, settings.config(), seed=seed, task=settings.task,
        split=Split.unseen_cell, groups=groups, tensors=screen.tensors,
    )  # fmt: skip
    features = GeneFeatures.of(screen.tensors)
    drugs = sorted({pair.drug_number for pair in truth.pairs})
    if simple is None:
        visible = fitted.messages.visible
        simple = simple_scores(screen.tensors, features, visible, drugs, seed=settings.seeds[0])
    by_scorer = {NETWORK: network_scores(fitted, drugs)} | simple
    rows = rankings(by_scorer, drugs, truth.pairs, features, screen.heterograph.ids["Gene"])
    if seed == settings.seeds[0]:
        knock_outs = KnockOuts(predictor_of(fitted, screen.heterograph, folder), training, held_out)
        for row, pair in zip(rows, truth.pairs, strict=True):
            row["moves"] = knock_outs.moves(pair, seed=seed)
    return rows, simple


def predictor_of(fitted: Fitted, heterograph: Heterograph, folder: Path) -> Predictor:
    """What answers for changed cell lines without the network; written to a folder, with the graph once.

    Raises
    ------
    ModelError
        If a component of the network has a weight that needs it.
    """
    if not freeze.can_freeze(fitted):
        raise ModelError("the preset's predictions of changed cell lines need its network; use default")
    graph = folder / "graph"
    if not graph.exists():
        graphs.save(heterograph, graph)
    freeze.save(fitted, folder)
    return Predictor(folder, SavedArrays(graph))


def rankings(
    by_scorer: Mapping[str, np.ndarray],
    drugs: Sequence[int],
    pairs: Sequence[Pair],
    features: GeneFeatures,
    ids: np.ndarray,
) -> list[Row]:
    """``ranks``, ``signs`` and ``lists`` of every pair, as in `evaluate_biomarkers`.

    Parameters
    ----------
    by_scorer
        Scorer → scores of the columns of ``features`` for ``drugs``, (n_drugs, n_columns).
    ids
        Of all genes of the graph.
    """
    gene, kind = features.gene.numpy(), features.kind.numpy()
    rows: list[Row] = [{"ranks": {}, "signs": {}, "lists": {}} for _ in pairs]
    for scorer, table in by_scorer.items():
        best = [of_genes(row, gene, len(ids)) for row in table]
        for row, pair in zip(rows, pairs, strict=True):
            at = drugs.index(pair.drug_number)
            first = np.argsort(-best[at], kind="stable")[:DEPTH]
            row["ranks"][scorer] = rank(best[at], pair.gene_number)
            row["lists"][scorer] = [str(ids[g]) for g in first if best[at][g] > 0]
            if scorer in SIGNED:
                columns = (gene == pair.gene_number) & np.isin(
                    kind, [GENE_FEATURES.index(k) for k in _like(pair)]
                )
                row["signs"][scorer] = _sign(table[at][columns], pair.effect)
    return rows


def _like(pair: Pair) -> tuple[str, ...]:
    """Kinds of omics of which more means the same as more of the pair's feature."""
    return ("mutation",) if pair.kind == "mutation" else ("expression", "copy_number")


def _sign(score: np.ndarray, effect: int) -> bool | None:
    """Whether the largest score has the sign of the effect; None where all are 0."""
    largest = max(score.tolist(), key=abs, default=0.0)
    return bool(largest * effect > 0) if largest else None
