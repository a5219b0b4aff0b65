"""Silences or mutates a gene in held-out cell lines and asks for the whole prediction again, beside random genes.

Cell lines are those that have most of the gene, or lack the mutation. The gene is set to the lowest value that a
training cell line has, or mutated. A gene whose copies are lost is silenced, too: its expression goes with its copies.
The null are genes of like variance that are changed by as many of their own standard deviations in the same cell lines.
What the run was trained on stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from pharmagraph.model.evaluation.biomarkers.truth import Pair
from pharmagraph.model.predictor import Entity, Predictor
from pharmagraph.model.predictor.one_gene import OneGene
from pharmagraph.model.presets.choices import Task
from pharmagraph.model.responses.measured import Responses

N_CELL_LINES = 3
"""Held-out cell lines of a fold that a gene is changed in, those with most of it. Set by hand."""

N_NULL = 99
"""Random genes that are changed likewise."""

LIKE_VARIANCE = 0.05
"""Fraction of the genes, those nearest in variance, from which random genes are drawn; at least `N_NULL` genes."""

SIGNIFICANT = 0.05
"""Largest share of genes, this one included, that move the prediction as far as a knock-out that counts as right."""

SMALLEST_SIZE = 0.2
"""How far a knock-out has to move the prediction to count as right, in one of `UNITS`."""

UNITS: dict[Task, str] = {
    "classification": "logits",
    "regression": "standard deviations of the drug's ln IC50",
}
"""Task → unit of the size of a knock-out. A probability near 0 or 1 hardly moves, so its logit is taken."""

CHANGED = {
    "expression": ("expression",),
    "mutation": ("mutation",),
    "copy_number": ("copy_number", "expression"),
}
"""Kind of a feature → kinds of omics in which a gene is changed; the first has to be measured."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class KnockOut:
    """What a change of one gene does to the predictions for one drug.

    Attributes
    ----------
    size
        Mean change over cell lines, in one of `UNITS`, deviations being those of the drug's training responses;
        positive where the cell lines move the way that the gene's effect says.
    p
        Share of genes, this one included, that move the prediction as far either way.
    n_cell_lines
        Cell lines that were changed.
    """

    size: float
    p: float
    n_cell_lines: int

    @property
    def right(self) -> bool:
        """Whether the prediction moves the right way, far enough, and farther than by chance."""
        return self.size >= SMALLEST_SIZE and self.p <= SIGNIFICANT

    @classmethod
    def of(cls, moves: Sequence[Sequence[float]]) -> KnockOut | None:
        """From moves of cell lines, the gene's first and then those of random genes; None without any."""
        if not len(moves):
            return None
        table = np.asarray(moves, np.float64)
        own, *null = np.nanmean(table[:, np.isfinite(table).any(0)], axis=0).tolist()
        at_least = sum(abs(one) >= abs(own) for one in null)
        return cls(own, (1 + at_least) / (1 + len(null)), len(moves))


class KnockOuts:
    """Knock-outs in the held-out cell lines of one fold.

    Parameters
    ----------
    predictor
        Of an ensemble that was fitted to the training pairs.
    training, held_out
        Pairs of the fold.
    """

    def __init__(self, predictor: Predictor, training: Responses, held_out: Responses) -> None:
        self.predictor, self.training, self.held_out = predictor, training, held_out
        self._changes = OneGene(predictor)
        self._trained = np.unique(training.cell_line)

    def moves(self, pair: Pair, *, seed: int) -> list[list[float]]:
        """Changes of the predictions for a pair of the truth.

        Parameters
        ----------
        pair
            A drug and a gene.
        seed
            Of the choice of random genes, and of cell lines without the mutation.

        Returns
        -------
        list of list of float
            For every cell line, the gene's and those of random genes, in the unit and direction of `KnockOut.size`; NaN
            for a random gene that the cell line already has mutated. Empty where the gene has no values of the kind or
            no held-out cell line has any.
        """
        random = np.random.default_rng([seed, pair.drug_number, pair.gene_number])
        kinds = [k for k in CHANGED[pair.kind] if self._deviation[k][pair.gene_number] > 0]
        unit = self._unit(pair.drug_number)
        if pair.kind not in kinds or not unit:
            return []
        genes = [pair.gene_number, *self._like(pair, kinds, random)]
        found = []
        for cell_line in self._cell_lines(pair, random):
            moved = self._differences(pair, cell_line, genes, kinds)
            found.append((self._direction(pair) * moved / unit).tolist())
        return found

    def _direction(self, pair: Pair) -> int:
        """1 where the right move is towards a larger prediction: a higher logit, or a higher ln IC50."""
        towards_sensitive = pair.effect * (1 if pair.kind == "mutation" else -1)
        return towards_sensitive * (1 if self.predictor.task == "classification" else -1)

    def _unit(self, drug: int) -> float:
        """One of `UNITS` in the unit of `_predict`; 0 for a drug without training responses, or with one ln IC50."""
        responses = self.training.ln_ic50[self.training.drug == drug]
        if self.predictor.task == "classification":
            return float(len(responses) > 0)
        return float(responses.std()) if len(responses) else 0.0

    def _predict(self, drugs: Sequence[Entity], cell_lines: Sequence[Entity]) -> Floats:
        """Logits, or ln IC50, (n_cell_lines, n_drugs)."""
        if self.predictor.task == "classification":
            return self.predictor.outputs(drugs, cell_lines)
        return self.predictor.predict(drugs, cell_lines)

    @cached_property
    def _deviation(self) -> dict[str, Floats]:
        """Kind → standard deviation of every gene over training cell lines of which the kind is known, (n_genes,)."""
        return {kind: self._known(kind).std(0) for kind in CHANGED}

    @cached_property
    def _lowest(self) -> dict[str, Floats]:
        return {kind: self._known(kind).min(0) for kind in ("expression", "copy_number")}

    def _known(self, kind: str) -> Floats:
        table = self._changes.table(kind)[self._trained]
        known = table[table.any(1)].astype(np.float64)
        return known if len(known) else np.zeros((1, table.shape[1]))

    def _cell_lines(self, pair: Pair, random: np.random.Generator) -> list[int]:
        tested = np.unique(self.held_out.cell_line[self.held_out.drug == pair.drug_number])
        table = self._changes.table(pair.kind)
        tested = tested[table[tested].any(1)]
        value = table[tested, pair.gene_number]
        if pair.kind == "mutation":
            without = tested[value == 0]
            return sorted(random.permutation(without)[:N_CELL_LINES].tolist())
        expression = self._changes.table("expression")[tested, pair.gene_number]
        found: list[int] = tested[np.lexsort((-expression, -value))][:N_CELL_LINES].tolist()
        return found

    def _like(self, pair: Pair, kinds: Sequence[str], random: np.random.Generator) -> list[int]:
        """Random genes of like variance in the first kind, that have values of all."""
        deviation = self._deviation[kinds[0]]
        measured = np.logical_and.reduce([self._deviation[kind] > 0 for kind in kinds])
        measured[pair.gene_number] = False
        others = np.flatnonzero(measured)
        distance = np.abs(deviation[others] - deviation[pair.gene_number])
        n_near = max(N_NULL, int(LIKE_VARIANCE * len(others)))
        near = others[np.argsort(distance, kind="stable")[:n_near]]
        return sorted(random.permutation(near)[:N_NULL].tolist())

    def _differences(self, pair: Pair, cell_line: int, genes: Sequence[int], kinds: Sequence[str]) -> Floats:
        """Change of the prediction by a change of each gene, (n_genes,); of the first by its own, then likewise."""
        changed: list[Entity] | None = None
        skipped = np.zeros(len(genes), bool)
        for kind in kinds:
            amounts = self._amounts(kind, cell_line, genes)
            skipped |= np.isnan(amounts)
            entities = self._changes.changed(cell_line, kind, genes, np.nan_to_num(amounts).tolist())
            changed = (
                entities if changed is None else [_both(*two) for two in zip(changed, entities, strict=True)]
            )
        drug = [Entity(pair.drug_number)]
        before = self._predict(drug, [Entity(cell_line)])[0, 0]
        difference = self._predict(drug, changed or [])[:, 0] - before
        return np.where(skipped, np.nan, difference)

    def _amounts(self, kind: str, cell_line: int, genes: Sequence[int]) -> Floats:
        """What is added to the value of each gene, in the unit of the kind; NaN where it is mutated already."""
        value = self._changes.table(kind)[cell_line, genes].astype(np.float64)
        if kind == "mutation":
            return np.where(value == 0, 1.0, np.nan)
        deviation = self._deviation[kind][genes]
        fall = (self._lowest[kind][genes[0]] - value[0]) / deviation[0]
        amounts: Floats = fall * deviation
        return amounts


def _both(first: Entity, second: Entity) -> Entity:
    """A cell line with two changes of different kinds, which add up."""

    def added(a: Any, b: Any) -> Any:
        return b if a is None else a if b is None else a + b

    return Entity(
        first.number, added(first.similarities, second.similarities), None, added(first.features, second.features),
        added(first.genes, second.genes),
    )  # fmt: skip
