r"""What a few measured responses of one drug, or of one cell line, change in its predictions; nothing is fitted again.

The Gaussian process of every member is conditioned on them. Before that, the values of the drug over all cell lines
have the covariance that the training pairs leave,

.. math:: S = \kappa K - K Q \,\mathrm{diag}_i\Big(\sum_j \frac{u_j^2}{\lambda_i \mu_j + \sigma^2}\Big)\, Q^\top K,

with :math:`\kappa` the kernel of the drug with itself, K the kernel of the cell lines, Q and :math:`\lambda` its
eigenvectors and eigenvalues, :math:`\mu` the eigenvalues of the kernel of the other drugs, and u the drug's row of that
kernel in their eigenvectors. This is the posterior covariance of the process where every pair was measured with one
precision; with untested pairs, :math:`\sigma^2` is the inverse of the mean precision. The drug's own training pairs are
conditioned on as they are. Weights of genes, and the factorisation, stay as they were. A cell line has the same with
the roles exchanged.

What is conditioned on is the difference of each pilot from the present prediction. A class is what the process observes
of a class in training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from pharmagraph.kg.errors import ModelError
from pharmagraph.model.predictor.asked_for import Entity
from pharmagraph.model.predictor.frozen import Frozen
from pharmagraph.model.predictor.predictor import Predictor

Matrix = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]
Kind = Literal["drug", "cell_line"]

N_OF_EXPRESSION = 7
"""How many of the first similarities of cell lines a line has with itself of which expression alone is known."""


@dataclass(frozen=True)
class Uncertainty:
    """What a member does not know of one entity, for all entities of the other kind, in units of its output.

    Attributes
    ----------
    pattern
        Posterior covariance, (n, n).
    level
        Posterior variance of the entity's mean, which is added to all of them.
    noise
        Variance of a measurement, (n,).
    """

    pattern: Matrix
    level: float
    noise: Matrix

    @property
    def covariance(self) -> Matrix:
        """Of pattern and level together, (n, n)."""
        return self.pattern + self.level


class Pilots:
    """Conditions the predictions of one drug, or one cell line, on measurements.

    Parameters
    ----------
    predictor
        Of the run, or the arrays of an ensemble.
    entity
        The drug or the cell line, new or known.
    kind
        Which of both it is.
    like
        Of another one of the kind that has no training pairs either: it has done half of the work.

    Raises
    ------
    ModelError
        If the run's predictions have no Gaussian process, or its folder does not keep the kernels.
    """

    def __init__(
        self, predictor: Predictor | Frozen, entity: Entity, kind: Kind, like: Pilots | None = None
    ) -> None:
        self.predictor, self.entity, self.kind = predictor, entity, kind
        self._members = [n for n, m in enumerate(predictor.members) if m["gaussian_process"]]
        if not self._members:
            raise ModelError(
                "the run's predictions have no Gaussian process, which alone learns from pilots; train with --preset "
                "default"
            )
        if any("precision" not in predictor.members[n] for n in self._members):
            raise ModelError("the run was trained before runs kept what pilots need; train again: cli train")
        measured = predictor.array("measured") > 0
        self._measured: npt.NDArray[np.bool_] = measured.T if kind == "drug" else measured  # own kind first
        self._number = entity.number if entity.number is not None else -1
        shared = like is not None and not len(self.measured)
        self._peers: dict[int, _Peers] = like._peers if like is not None and shared else {}

    @cached_property
    def measured(self) -> Numbers:
        """Numbers of the entities of the other kind with which the run was trained on this one."""
        found = self._measured[self._number] if self._number >= 0 else self._measured[:1] * False
        return np.flatnonzero(found)

    @cached_property
    def outputs(self) -> Matrix:
        """Outputs without pilots, for all entities of the other kind, (n,)."""
        others = [Entity(n) for n in range(self._measured.shape[1])]
        if self.kind == "drug":
            return self.predictor.outputs([self.entity], others)[:, 0]
        return self.predictor.outputs(others, [self.entity])[0]

    @cached_property
    def unknown(self) -> list[Uncertainty]:
        """What each member that has a process does not know of the entity."""
        return [self._unknown(number) for number in self._members]

    def conditioned(
        self,
        at: Sequence[int] | Numbers,
        measured: Sequence[float] | Matrix,
        unknown: Sequence[Uncertainty] | None = None,
    ) -> Matrix:
        """Predictions for all entities of the other kind with the pilots, (n,).

        Parameters
        ----------
        at
            Number of the cell line, or of the drug, of each pilot, each once.
        measured
            Their ln IC50 (ln µmol/l), or 1 for sensitive and 0 for resistant; (n_pilots,).
        unknown
            `unknown` by another computation; of the patterns only the columns ``at`` are read.
        """
        return self.predictor.prediction(self.conditioned_outputs(at, measured, unknown))

    def conditioned_outputs(
        self,
        at: Sequence[int] | Numbers,
        measured: Sequence[float] | Matrix,
        unknown: Sequence[Uncertainty] | None = None,
    ) -> Matrix:
        """As `conditioned`, in the unit of outputs."""
        where, values = np.asarray(at, np.int64), np.asarray(measured, np.float64)
        outputs = self.outputs
        if len(where):
            of_members = zip(self._members, self.unknown if unknown is None else unknown, strict=True)
            changes = [self._change(n, left, where, values) for n, left in of_members]
            outputs = outputs + np.sum(changes, axis=0) / len(self.predictor.members)
        return outputs

    def deviation(self, at: Sequence[int] | Numbers) -> Matrix:
        """Standard deviation of what is predicted with pilots at some positions, in the unit of outputs, (n,).

        It is that of the process, without the noise of a measurement.
        """
        where, variances = np.asarray(at, np.int64), []
        for number, left in zip(self._members, self.unknown, strict=True):
            columns = left.pattern[:, where] + left.level
            observed = columns[where] + np.diag(left.noise[where])
            gone = (columns * np.linalg.solve(observed, columns.T).T).sum(1) if len(where) else 0.0
            variance = np.maximum(left.pattern.diagonal() + left.level - gone, 0)
            variances.append(self.predictor.members[number]["slope"] ** 2 * variance)
        found: Matrix = np.sqrt(np.mean(variances, axis=0))
        return found

    def suggested(self, n: int, among: Sequence[int] | Numbers | None = None) -> tuple[Numbers, Matrix]:
        """Which entities of the other kind to measure, by greedy reduction of the variance of all predictions.

        Parameters
        ----------
        n
            How many.
        among
            Numbers to choose from; all that are in training pairs, and were not measured with this one, unless given.

        Returns
        -------
        ndarray
            Numbers, the first to measure first, int64 (n,).
        ndarray
            Share of the variance of all predictions that is gone with it and those before it, (n,).
        """
        known = np.flatnonzero(self._measured.any(0))
        free = np.setdiff1d(known if among is None else np.asarray(among, np.int64), self.measured)
        covariance = np.mean([one.covariance for one in self.unknown], axis=0)
        noise = np.mean([one.noise for one in self.unknown], axis=0)
        judged = np.union1d(known, free)
        whole = covariance[judged, judged].sum()
        chosen, gone = [], []
        for _ in range(min(n, len(free))):
            variance = covariance[free, free] + noise[free]
            best = int(free[np.argmax((covariance[np.ix_(judged, free)] ** 2).sum(0) / variance)])
            column = covariance[:, best].copy()
            covariance = covariance - np.outer(column, column) / (column[best] + noise[best])
            free = free[free != best]
            chosen.append(best)
            gone.append(1 - covariance[judged, judged].sum() / whole)
        return np.array(chosen, np.int64), np.array(gone)

    def _unknown(self, number: int) -> Uncertainty:
        about, array = self.predictor.members[number], self.predictor.array
        own, other = ("d", "c") if self.kind == "drug" else ("c", "d")
        kernel = array(f"{number}/kernel_{other}").astype(np.float64)
        itself, row = self._row(number, own)
        if number not in self._peers:
            at = np.flatnonzero(self._measured.any(1))
            at, present = at[at != self._number], np.flatnonzero(self._measured.any(0))
            of_peers = array(f"{number}/kernel_{own}").astype(np.float64)[np.ix_(at, at)]
            noise = 1 / self._mean_precision(about, at, present)
            self._peers[number] = _Peers.of(kernel, present, of_peers, at, noise)
        left = itself * kernel - self._peers[number].explained(row)
        scale = about["scale"] * self._scales(number)
        pattern = _conditioned(left, self.measured, 1 / about["precision"]) * np.outer(scale, scale)
        return Uncertainty(pattern, self._level(number), scale**2 / about["precision"])

    def _change(self, number: int, left: Uncertainty, at: Numbers, measured: Matrix) -> Matrix:
        """What pilots change in a member's output, (n,): first the level, then the pattern of what is left."""
        about = self.predictor.members[number]
        present = (self.outputs[at] - about["intercept"]) / about["slope"]
        noise = np.diag(left.noise[at])
        if self.predictor.task == "classification":
            sign = 2 * measured - 1
            observed = about["scale"] * (about["of_class"] + about["of_strength"]) * sign
            rest, level = self._constant(number)[at] + observed - present, self._of_mean_class(number, sign)
        else:
            rest = self.predictor.standardised(measured) - present
            whole = left.covariance[np.ix_(at, at)] + noise
            level = left.level * float(np.linalg.solve(whole, rest).sum())
            rest = rest - level
        pattern = left.pattern[:, at] @ np.linalg.solve(left.pattern[np.ix_(at, at)] + noise, rest)
        changed: Matrix = about["slope"] * (level + pattern)
        return changed

    def _row(self, number: int, own: str) -> tuple[float, Matrix]:
        """The kernel of the entity with itself once it has responses, and with its own kind, (n,)."""
        about = self.predictor.members[number]
        kernel = self.predictor.array(f"{number}/kernel_{own}")
        if self._number >= 0:
            known = self._measured[self._number].any()
            itself = float(kernel[self._number, self._number])
            return itself + (0.0 if known else about[f"profiles_{own}"]), kernel[self._number].astype(
                np.float64
            )
        weights = self.predictor.array(f"{number}/{self.kind}_weights").astype(np.float64)
        row, itself = np.full(len(kernel), about[f"{self.kind}_constant"]), about[f"{self.kind}_constant"]
        itself += about[f"identity_{own}"] + about[f"profiles_{own}"]
        itself += float(weights.sum() if self.kind == "drug" else weights[:N_OF_EXPRESSION].sum())
        if self.entity.similarities is not None:
            row += self.entity.similarities @ weights
        if self.entity.overlap is not None and "of_genes" in about:
            row += about["of_genes"] * self.entity.overlap
            itself += about["of_genes"]
        return itself, row

    def _mean_precision(self, about: dict[str, float], peers: Numbers, present: Numbers) -> float:
        share = float(self._measured[np.ix_(peers, present)].mean()) if len(peers) else 1.0
        return about["precision"] * (share + about["untested"] * (1 - share))

    def _scales(self, number: int) -> Matrix:
        """Scale of the drug, or of each drug, of the entity's pairs, (n,)."""
        scale = self.predictor.array(f"{number}/drug_scale").astype(np.float64)
        if self.kind == "cell_line":
            return scale
        return np.full(self._measured.shape[1], scale[self._number] if self._number >= 0 else 1.0)

    def _level(self, number: int) -> float:
        """Variance of the entity's level: of what `DrugLevels` leaves, or of a mean that was taken out of responses."""
        if self.predictor.task == "classification":
            return 0.0
        about, array = self.predictor.members[number], self.predictor.array
        if self.kind == "drug" and "level" in about:
            if self._number >= 0:
                return float(array(f"{number}/level_variance")[self._number])
            assert self.entity.similarities is not None  # it is new
            weights = array(f"{number}/level_weights")
            row = self.entity.similarities @ weights + about["level"]
            itself = float(weights.sum()) + about["level"] + about["level_identity"]
            return max(itself - float(row @ array(f"{number}/level_inverse") @ row), 0.0)
        offsets = array(f"{self.kind}_offset")[self._measured.any(1)]
        return float((offsets.astype(np.float64) ** 2).mean()) / (1 + len(self.measured))

    def _constant(self, number: int) -> Matrix:
        """What is added to the process of all pairs of a run of classes, (n,)."""
        constants = self.predictor.array(f"{number}/constants").astype(np.float64)
        if self.kind == "cell_line":
            return constants
        constant = constants[self._number] if self._number >= 0 else self.predictor.members[number]["bias"]
        return np.full(self._measured.shape[1], constant)

    def _of_mean_class(self, number: int, sign: Matrix) -> float:
        """What the mean class of a drug without training pairs adds, as it does for those with some."""
        if self.kind == "cell_line" or len(self.measured):
            return 0.0
        about = self.predictor.members[number]
        mean: float = about["of_drug_mean"] * float(sign.sum()) / (len(sign) + about["sign_pairs"])
        return mean


@dataclass(frozen=True)
class _Peers:
    """The other entities of a kind that have training pairs, in the eigenvectors of both kernels.

    Attributes
    ----------
    at
        Their numbers.
    turn, of_peers
        Eigenvectors and eigenvalues of their kernel.
    turned, values
        The kernel of the other kind times its eigenvectors, (n, n_present), and eigenvalues.
    noise
        Variance of a measurement.
    """

    at: Numbers
    turn: Matrix
    of_peers: Matrix
    turned: Matrix
    values: Matrix
    noise: float

    @classmethod
    def of(cls, kernel: Matrix, present: Numbers, peers: Matrix, at: Numbers, noise: float) -> _Peers:
        values, vectors = np.linalg.eigh(kernel[np.ix_(present, present)])
        of_peers, turn = np.linalg.eigh(peers)
        return cls(
            at, turn, np.maximum(of_peers, 0), kernel[:, present] @ vectors, np.maximum(values, 0), noise
        )

    def explained(self, row: Matrix) -> Matrix:
        """What their pairs explain of the covariance of an entity, by its row of the kernel, (n, n)."""
        if not len(self.at):
            return np.zeros((len(self.turned), len(self.turned)))
        of_row = (self.turn.T @ row[self.at]) ** 2
        gain = (of_row / (np.multiply.outer(self.values, self.of_peers) + self.noise)).sum(1)
        explained: Matrix = (self.turned * gain) @ self.turned.T
        return explained


def _conditioned(covariance: Matrix, at: Numbers, noise: float) -> Matrix:
    """Covariance that observations at some positions leave."""
    if not len(at):
        return covariance
    observed = covariance[np.ix_(at, at)] + noise * np.eye(len(at))
    left: Matrix = covariance - covariance[:, at] @ np.linalg.solve(observed, covariance[at])
    return left
