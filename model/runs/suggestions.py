"""What to test next by a saved run: which untested pairs, and why each; torch is not loaded.

How they are chosen is in `suggest.acquisition`; what is believed of them follows from the run's kernels and from what
`certainty.leverage` keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.wording import named
from pharmagraph.model.certainty.certainty import FILE, LEVEL
from pharmagraph.model.certainty.intervals import Interval
from pharmagraph.model.predictor import Predictor
from pharmagraph.model.runs.asked import Asked
from pharmagraph.model.runs.certain import certainty_of
from pharmagraph.model.runs.differing_genes import Differing
from pharmagraph.model.runs.folder import checked
from pharmagraph.model.runs.pair_kernels import PairKernels, by_network, by_predictor
from pharmagraph.model.runs.predictions import blocks_of, graph_of
from pharmagraph.model.suggest.acquisition import (
    Acquisition,
    Chosen,
    Limits,
    at_random,
    by_score,
    diverse,
    expected_gain,
)
from pharmagraph.model.suggest.belief import Floats, Numbers, OfKernels, Pairs

MOST_CARED, MOST_CANDIDATES = 512, 40_000
"""Pairs, drawn at random, that stand for all that one cares for in the expected gain; and candidates that are compared:
of more, half are the least sure and half are drawn at random."""


@dataclass(frozen=True)
class Wanted:
    """What may be tested, and what for.

    Attributes
    ----------
    drugs
        Numbers of the run's drugs that one wants to know.
    compounds
        New ones: name → SMILES.
    cell_lines
        Numbers of the cell lines that one wants to know.
    available
        Numbers of the cell lines that can be tested.
    stocks
        Id or name of a drug → pairs for which there is enough, None if there is no limit; None where all are there.
    per_drug, per_cell
        Most pairs of a drug, and of a cell line.
    tested
        Ids of drugs and cell lines that were tested together.
    """

    drugs: Sequence[int]
    compounds: Mapping[str, str]
    cell_lines: Sequence[int]
    available: Sequence[int]
    stocks: Mapping[str, int | None] | None = None
    per_drug: int | None = None
    per_cell: int | None = None
    tested: Mapping[str, set[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Suggestion:
    """Pairs to test, the first first.

    Attributes
    ----------
    pairs
        ``drug``, ``cell_line``, ``probability`` or ``ln_ic50``, ``low``, ``high``, ``score`` and ``reason``.
    notes
        What else there is to say.
    """

    pairs: list[dict[str, Any]]
    notes: list[str]


class Suggester:
    """A run that tells what to test next.

    Parameters
    ----------
    folder
        The run's.
    run_id
        What messages call it.

    Raises
    ------
    ModelError
        If it is not calibrated, or has no Gaussian process.
    """

    def __init__(self, folder: Path, run_id: str) -> None:
        about = checked(folder)
        if FILE not in about["files"]:
            raise ModelError(
                f"run {run_id} has no calibration: it was made before runs had one, or had too few pairs to hide; "
                "train again: cli train --promote"
            )
        self.graph, *_ = graph_of(folder)
        certainty = certainty_of(folder, about, None)
        if certainty is None or certainty.leverage is None:
            raise ModelError(
                f"run {run_id} cannot tell what to test: that follows from its Gaussian process, which has no part in "
                "its predictions; train one that has: cli train --preset default --promote"
            )
        self.folder, self.certainty = folder, certainty
        self.predictor = Predictor.of(folder, self.graph)

    def ids(self, kind: str) -> list[str]:
        """Ids of the run's nodes of a kind, such as ``Drug``."""
        return self.graph.ids(kind)

    def suggest(
        self,
        wanted: Wanted,
        by: Acquisition,
        n: int,
        *,
        genes: Sequence[str] = (),
        seed: int = 0,
        advance: Callable[[], None] = lambda: None,
    ) -> Suggestion:
        """Choose pairs.

        Parameters
        ----------
        wanted
            What may be tested.
        by
            How to choose.
        n
            How many pairs; fewer where limits leave fewer.
        genes
            Ids of the genes that may decide the responses to the drug, for ``targets``.
        seed
            Of all draws.
        advance
            Called after each pair.

        Raises
        ------
        ModelError
            If no pair is left to choose from, or nothing is known by which to choose.
        """
        drugs = [Asked(self.ids("Drug")[number], number) for number in wanted.drugs]
        drugs += [Asked(name, smiles=smiles) for name, smiles in wanted.compounds.items()]
        names = [drug.name for drug in drugs]
        lines = sorted({*wanted.cell_lines, *wanted.available})
        line_names = [self.ids("CellLine")[number] for number in lines]
        untested = np.array([[c not in wanted.tested.get(d, ()) for c in line_names] for d in names], bool)
        untested = untested.reshape(len(names), len(lines))
        may = untested & np.isin(lines, wanted.available)
        if wanted.stocks is not None:
            may &= np.array([name in wanted.stocks for name in names], bool)[:, None]
        if not may.any():
            raise ModelError(
                "no untested pair is left to choose from; give more drugs, cell lines, or new compounds: "
                f"{named('compounds')} FILE"
            )
        notes: list[str] = []
        cell_lines = [Asked(name, number) for name, number in zip(line_names, lines, strict=True)]
        predicted, interval = self._predicted(drugs, cell_lines)
        may, widths = self._judged(by, may, interval, notes)
        cared = untested & np.isin(lines, wanted.cell_lines)
        table = _Table(drugs, cell_lines, wanted.tested)
        candidates, pairs_cared = self._shortened(table, may, cared if cared.any() else may, seed, notes)
        stock = {names.index(k): v for k, v in (wanted.stocks or {}).items() if v is not None and k in names}
        limits = Limits(candidates, per_drug=wanted.per_drug, per_cell=wanted.per_cell, stock=stock)
        chosen, why = self._chosen(
            table, by, n, candidates, pairs_cared, limits, widths, genes, seed, advance, notes
        )
        if len(chosen.at) < n:
            notes.append(
                f"{len(chosen.at):,} of {n:,} pairs: limits, stocks and what was tested leave no more; the other wells "
                "stay empty"
            )
        column = "probability" if self.certainty.task == "classification" else "ln_ic50"
        found = []
        for at, score in zip(chosen.at, chosen.score, strict=True):
            d, c = int(candidates[0][at]), int(candidates[1][at])
            found.append({
                "drug": names[d], "cell_line": line_names[c], column: float(predicted[c, d]),
                "low": _given(interval.low[c, d]), "high": _given(interval.high[c, d]), "score": float(score),
                "reason": f"{why(int(at), float(score))}; {_counted(names[d], wanted.tested)}",
            })  # fmt: skip
        return Suggestion(found, notes)

    def _judged(
        self, by: Acquisition, may: npt.NDArray[np.bool_], interval: Interval, notes: list[str]
    ) -> tuple[npt.NDArray[np.bool_], Floats]:
        """Pairs that can be compared, and how wide the interval of each is, (n_drugs, n_cell_lines)."""
        if interval.probability is not None:
            widths = (interval.probability * (1 - interval.probability)).T
        else:
            widths = (interval.high - interval.low).T
        if by is not Acquisition.uncertainty:
            return may, widths
        there = may & np.isfinite(widths)
        if not there.any():
            raise ModelError(
                "none of these pairs has a calibrated interval, by which uncertainty is told: the run had too few "
                f"pairs to hide of their kind; choose by {named('by')} gain, or train on more: cli train"
            )
        if (lost := int(may.sum() - there.sum())) > 0:
            notes.append(
                f"{lost:,} pairs without a calibrated interval are left out; {named('by')} gain compares them"
            )
        return there, widths

    def _shortened(
        self,
        table: _Table,
        may: npt.NDArray[np.bool_],
        cared: npt.NDArray[np.bool_],
        seed: int,
        notes: list[str],
    ) -> tuple[Pairs, Pairs]:
        """Candidates and pairs that one cares for, as many as can be compared."""
        generator = np.random.default_rng([seed, 41])
        candidates, every = np.flatnonzero(may), np.flatnonzero(cared)
        n_lines = may.shape[1]
        if len(every) > MOST_CARED:
            every = np.sort(generator.permutation(every)[:MOST_CARED])
        if len(candidates) > MOST_CANDIDATES:
            variance = self._belief(table, _pairs(candidates, n_lines), _pairs(every, n_lines)).variance
            order = np.argsort(-variance, kind="stable")
            half = MOST_CANDIDATES // 2
            rest = generator.permutation(order[half:])[:half]
            notes.append(
                f"{MOST_CANDIDATES:,} of {len(candidates):,} untested pairs are compared: the {half:,} least sure, and "
                "others drawn at random"
            )
            candidates = candidates[np.sort(np.concatenate([order[:half], rest]))]
        return _pairs(candidates, n_lines), _pairs(every, n_lines)

    def _chosen(
        self,
        table: _Table,
        by: Acquisition,
        n: int,
        candidates: Pairs,
        cared: Pairs,
        limits: Limits,
        widths: Floats,
        genes: Sequence[str],
        seed: int,
        advance: Callable[[], None],
        notes: list[str],
    ) -> tuple[Chosen, Callable[[int, float], str]]:
        """The chosen candidates, and a sentence for each by its position and score."""
        unit = "ln µmol/l" if self.certainty.task == "regression" else "logits"
        if by is Acquisition.random:
            return at_random(n, limits, seed), lambda at, score: "drawn at random"
        if by is Acquisition.uncertainty:
            chosen = by_score(widths[candidates].astype(np.float64), n, limits)
            if self.certainty.task == "regression":
                return chosen, lambda at, score: f"its {LEVEL:.0%} interval is {score:.2f} ln µmol/l wide"
            return chosen, lambda at, score: f"calibrated odds are near even (p(1-p) = {score:.3f})"
        if by is Acquisition.targets:
            (drug,) = table.drugs
            lines = [line.number or 0 for line in table.cell_lines]
            differing = Differing.of(self.graph, genes, notes)
            belief_ = differing.belief(lines, candidates[1], table.tested.get(drug.name, set()))
            chosen = diverse(belief_, n, limits, advance)
            return (
                chosen,
                lambda at, score: f"tells genes apart: {differing.said(lines[int(candidates[1][at])])}",
            )
        belief = self._belief(table, candidates, cared)
        if by is Acquisition.diverse:
            chosen = diverse(belief, n, limits, advance)
            return chosen, lambda at, score: f"unlike the pairs before it: ±{score:.2f} {unit} given them"
        chosen = expected_gain(belief, belief.whole, n, limits, advance)
        notes.append(
            f"expected to take {100 * chosen.score.sum():.2g}% of the variance of the pairs asked about "
            f"({len(cared[0]):,} of them compared)"
        )
        return chosen, lambda at, score: f"takes {100 * score:.2g}% of the variance of the pairs asked about"

    def _predicted(self, drugs: Sequence[Asked], cell_lines: Sequence[Asked]) -> tuple[Floats, Interval]:
        """Predictions and intervals of all pairs, (n_cell_lines, n_drugs)."""
        blocks = list(
            blocks_of(
                self.folder,
                self.predictor,
                drugs,
                cell_lines,
                certainty=self.certainty,
                level=None,
                device="cpu",
            )
        )
        of_blocks = [block.judged.interval for block in blocks if block.judged is not None]
        return np.concatenate([block.values for block in blocks], 1), _beside(of_blocks)

    def _belief(self, table: _Table, candidates: Pairs, cared: Pairs) -> OfKernels:
        leverage, kernels = self.certainty.leverage, self._kernels(table)
        assert leverage is not None  # as __init__ requires
        scale = self.certainty.process_scale * kernels.drug_scale
        if self.certainty.task == "regression":
            scale = scale * self.certainty.deviation_of_labels
        bases = kernels.of_cell_lines @ leverage.basis_c, kernels.of_drugs @ leverage.basis_d
        return OfKernels(
            kernels.cell_lines, kernels.drugs, bases, leverage.shrink, scale, kernels.noise, candidates, cared
        )

    def _kernels(self, table: _Table) -> PairKernels:
        if table.kernels is None:
            given = table.drugs, table.cell_lines
            table.kernels = (
                by_network(self.folder, *given)
                if self.predictor is None
                else by_predictor(self.predictor, *given)
            )
        return table.kernels


@dataclass
class _Table:
    """The drugs and cell lines of one question. Pairs are numbered by their positions here; kernels are made once."""

    drugs: Sequence[Asked]
    cell_lines: Sequence[Asked]
    tested: Mapping[str, set[str]]
    kernels: PairKernels | None = None


def _beside(intervals: Sequence[Interval]) -> Interval:
    """Intervals of some drugs, then of others, on the same cell lines."""
    low, high = (np.concatenate([getattr(i, end) for i in intervals], 1) for end in ("low", "high"))
    probability = [i.probability for i in intervals if i.probability is not None]
    return Interval(low, high, np.concatenate(probability, 1) if probability else None)


def _pairs(flat: Numbers, n_lines: int) -> Pairs:
    return flat // n_lines, flat % n_lines


def _counted(drug: str, tested: Mapping[str, set[str]]) -> str:
    n = len(tested.get(drug, ()))
    return f"the drug was {f'tested on {n:,} cell line' if n else 'not tested'}{'s' * (n > 1)} before"


def _given(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
