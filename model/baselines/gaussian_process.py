"""Gaussian process on the whole drug × cell-line table: several structure kernels × several kernels of cell lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pharmagraph.model.baselines.calibration import INTERCEPT, SLOPE, link, with_calibration
from pharmagraph.model.baselines.problem import Options, Problem
from pharmagraph.model.networks.gaussian_process import ResponseProcess
from pharmagraph.model.presets.choices import Split, Task
from pharmagraph.model.responses.inner_parts import draw_chunks
from pharmagraph.model.responses.measured import Responses
from pharmagraph.model.responses.scale import Scale
from pharmagraph.model.responses.visible import Means, Visible

LEARNING_RATES: Mapping[Task, float] = {"classification": 0.1, "regression": 0.2}


@dataclass(frozen=True)
class GaussianProcess:
    """`model.networks.gaussian_process.ResponseProcess` on fixed similarities and profiles of the training responses.

    It is the network's own kernel part without states of any network. The weights of all kernels and both precisions
    descend the loss of training pairs that are predicted from the others, whole drugs or cell lines where those will
    be asked for unseen. Where pairs are asked for at random their probabilities are calibrated on an inner part; of
    unseen entities an inner part holds too few to say.
    """

    epochs: int = 12
    chunks: int = 4

    def choose(self, problem: Problem) -> Options:
        """Weights, precisions, what is observed, and the link."""
        learned = self._learned(problem)
        if problem.split is not Split.random:
            return {**learned, SLOPE: 1.0, INTERCEPT: 0.0}
        return with_calibration(problem, self.score, learned)

    def predict(
        self, problem: Problem, options: Options, drug: np.ndarray, cell_line: np.ndarray
    ) -> np.ndarray:
        """As `Baseline.predict`."""
        return link(problem, options, self.score(problem, options, drug, cell_line))

    def score(
        self, problem: Problem, options: Options, drug: np.ndarray, cell_line: np.ndarray
    ) -> np.ndarray:
        """Logits of classes; ln IC50 for regression."""
        process = _process(problem).eval()
        with torch.no_grad():
            for name, (parameter, at) in _numbers(problem, process).items():
                parameter[at] = options[name]
            output = _output(problem, process, _kernels(problem), problem.training, drug, cell_line)
        mean, width = problem.scale
        output = output if problem.task == "classification" else output * width + mean
        return output.numpy().astype(np.float64)

    def _learned(self, problem: Problem) -> Options:
        process, kernels, training = _process(problem).train(), _kernels(problem), problem.training
        optimiser = torch.optim.Adam(process.parameters(), lr=LEARNING_RATES[problem.task])
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, self.epochs * self.chunks)
        generator = np.random.default_rng([problem.seed, 11])
        value = torch.from_numpy(problem.value).float()
        for _ in range(self.epochs):
            for chunk in draw_chunks(training, problem.split, self.chunks, generator, problem.groups):
                if not len(chunk.train) or not len(chunk.test):
                    continue
                asked = training.take(chunk.test)
                output = _output(
                    problem, process, kernels, training.take(chunk.train), asked.drug, asked.cell_line
                )
                optimiser.zero_grad()
                if problem.task == "classification":
                    functional.binary_cross_entropy_with_logits(
                        output, (value[chunk.test] + 1) / 2
                    ).backward()
                else:
                    functional.mse_loss(output, value[chunk.test]).backward()
                optimiser.step()
                schedule.step()
        numbers = _numbers(problem, process)
        return {name: float(p.detach()[at]) for name, (p, at) in numbers.items()}


def _process(problem: Problem) -> ResponseProcess:
    sizes = (len(problem.features.drug_kernels), len(problem.features.cell_line_kernels))
    return ResponseProcess(*sizes, problem.task)


def _output(
    problem: Problem,
    process: ResponseProcess,
    kernels: tuple[Tensor, Tensor],
    given: Responses,
    drug: np.ndarray,
    cell_line: np.ndarray,
) -> Tensor:
    """Logits of pairs, (n_pairs,), or ln IC50 in training standard deviations.

    Means of drugs and cell lines that have been seen, which are most of ln IC50, are taken out before and given back
    after, as the network has it: the process explains the rest, in units of a drug's spread.
    """
    visible = _visible(problem, given)
    of_drug, of_cell_line = torch.from_numpy(drug), torch.from_numpy(cell_line)
    if problem.task == "classification":
        return process.logits(kernels, visible, of_drug, of_cell_line)
    seen = Means.of(problem.split)
    drug_mean, cell_line_mean = visible.means(seen)
    visible = visible.without(drug_mean, cell_line_mean)
    rest = process.logits(kernels, visible, of_drug, of_cell_line, spread=visible.spreads(seen))
    return drug_mean[of_drug] + cell_line_mean[of_cell_line] + rest


def _numbers(problem: Problem, process: ResponseProcess) -> dict[str, tuple[nn.Parameter, int | tuple[()]]]:
    """Option → where it lies among the parameters; they are kept before softplus, as they were learned."""
    sides = {
        "drug": (process.of_drugs, problem.features.drug_kernels),
        "cell_line": (process.of_cell_lines, problem.features.cell_line_kernels),
    }
    found: dict[str, tuple[nn.Parameter, int | tuple[()]]] = {}
    for side, (name, (weights, kernels)) in enumerate(sides.items()):
        found |= {f"{name} {kernel}": (weights, at) for at, kernel in enumerate(kernels)}
        found |= {
            f"{name} profile": (process.of_profiles, side), f"{name} constant": (process.constant, side),
            f"{name} identity": (process.identity, side),
        }  # fmt: skip
    return found | {
        "precision": (process.precision, 0), "untested": (process.precision, 1),
        "class": (process.observed, 0), "strength": (process.observed, 1), "scale": (process.scale, ()),
        "bias": (process.bias, ()), "drug mean": (process.of_drug_mean, ()),
    }  # fmt: skip


def _kernels(problem: Problem) -> tuple[Tensor, Tensor]:
    training, features = problem.training, problem.features
    return (
        _stacked(features.drug_kernels, training.n_drugs),
        _stacked(features.cell_line_kernels, training.n_cell_lines),
    )


def _stacked(kernels: Mapping[str, Tensor], n: int) -> Tensor:
    return torch.stack(list(kernels.values()), dim=-1) if kernels else torch.zeros(n, n, 0)


def _visible(problem: Problem, responses: Responses) -> Visible:
    """What is observed: classes and strengths, or ln IC50 in training standard deviations; all of the given pairs."""
    if problem.task == "classification":
        value = Scale("classification").strength(responses)
    else:
        value = torch.from_numpy(problem.value_of(responses)).float()
    return Visible.of(
        torch.from_numpy(responses.drug), torch.from_numpy(responses.cell_line), value,
        torch.from_numpy(problem.value_of(responses) > 0),
        (responses.n_cell_lines, responses.n_drugs),
    )  # fmt: skip
