"""Puts expectations in the place of bounds among training pairs: the E-step of a regression with censored values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from pharmagraph.model.inputs.tensors import GraphTensors
from pharmagraph.model.networks.gaussian_process import ResponseProcess
from pharmagraph.model.presets.choices import Split
from pharmagraph.model.responses.censoring import beyond
from pharmagraph.model.responses.inner_folds import draw_chunks
from pharmagraph.model.responses.measured import Responses
from pharmagraph.model.responses.scale import Scale, visible_pairs
from pharmagraph.model.responses.splits import Fold
from pharmagraph.model.responses.visible import SCALE_PAIRS, Means

CHUNKS = 4
"""Parts of the pairs that are predicted in turn from the others, so that no bound speaks for itself."""
ROUNDS = 12
"""Most rounds of prediction and expectation."""
ENOUGH = 0.01
"""Root mean square change of the expectations, in standard deviations of ln IC50, at which rounds stop."""


def with_expected(training: Responses, tensors: GraphTensors) -> Responses:
    """Training pairs whose censored ln IC50 are what is expected of them beyond their bounds.

    Every pair is predicted from others by the Gaussian process of the network at its starting weights. A censored value
    is then the mean of the normal distribution around its prediction that is left beyond its bound. The deviation is
    that of the drug's pairs around their predictions, the conditional one for censored pairs. The new values are among
    those that the next round predicts from.

    Parameters
    ----------
    training
        Training pairs only; as they are if none is censored, or expectations are in place.
    tensors
        The graph's similarities.
    """
    if training.bounds is None or training.bounds.expected:
        return training
    measured = np.flatnonzero(np.isfinite(training.ln_ic50))
    pairs = training.take(measured)
    assert pairs.bounds is not None
    side, bound = pairs.bounds.side, pairs.bounds.value.astype(np.float64)
    at = np.flatnonzero(side)
    process = ResponseProcess(
        tensors.drug_kernels.shape[-1], tensors.cell_line_kernels.shape[-1], "regression"
    ).to(tensors.device)
    chunks = draw_chunks(pairs, Split.random, CHUNKS, np.random.default_rng(0))
    values = np.where(side, bound, pairs.ln_ic50)
    deviation = np.full(len(pairs), values.std())
    for _ in range(ROUNDS):
        before = values[at]
        mean = _predicted(replace(pairs, ln_ic50=values.astype(np.float32)), chunks, process, tensors)
        square = (values - mean) ** 2
        _, square[at] = beyond(bound[at], side[at], mean[at], deviation[at])
        deviation = _by_drug(square, pairs.drug)
        values[at], _ = beyond(bound[at], side[at], mean[at], deviation[at])
        if np.sqrt(np.mean((values[at] - before) ** 2)) < ENOUGH * values.std():
            break
    whole = training.ln_ic50.copy()
    whole[measured[at]] = values[at]
    return replace(training, ln_ic50=whole, bounds=replace(training.bounds, expected=True))


@torch.inference_mode()
def _predicted(
    pairs: Responses, chunks: list[Fold], process: ResponseProcess, tensors: GraphTensors
) -> np.ndarray:
    """ln IC50 of every pair, predicted from the pairs of the other chunks, float64 (n,)."""
    scale, means = Scale.of(pairs, "regression"), Means.of(Split.random)
    kernels = (tensors.drug_kernels, tensors.cell_line_kernels)
    found = np.empty(len(pairs))
    for chunk in chunks:
        asked = pairs.take(chunk.test)
        drug, cell_line = (torch.from_numpy(i).to(tensors.device) for i in (asked.drug, asked.cell_line))
        visible, offsets = visible_pairs(pairs.take(chunk.train), scale, tensors.device).without_means(means)
        rest = process.logits(kernels, visible, drug, cell_line, drug_scale=visible.drug_scales(means))
        output = offsets.of_pairs(drug, cell_line) + rest
        found[chunk.test] = scale.prediction(output).cpu().numpy()
    return found


def _by_drug(square: np.ndarray, drug: np.ndarray) -> np.ndarray:
    """Root mean square of each pair's drug, shrunk towards that of all pairs, float64 (n,)."""
    total = np.bincount(drug, square) + SCALE_PAIRS * square.mean()
    of_drug: np.ndarray = np.sqrt(total / (np.bincount(drug) + SCALE_PAIRS))
    return of_drug[drug]
