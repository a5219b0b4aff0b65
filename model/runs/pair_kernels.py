"""The kernels of a run's Gaussian process between drugs and cell lines that are asked for, with or without its network.

They are those of the first network of the ensemble, as `certainty.leverage` has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pharmagraph.kg.fingerprints import FINGERPRINTS, fingerprints
from pharmagraph.kg.similarity import tanimoto
from pharmagraph.model.predictor import Predictor, doubt
from pharmagraph.model.runs.asked import Asked
from pharmagraph.model.runs.pilots import entity

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class PairKernels:
    """Covariances of what is asked for.

    Attributes
    ----------
    of_cell_lines, of_drugs
        With all of the run, (n_asked, n).
    cell_lines, drugs
        With each other, (n_asked, n_asked).
    drug_scale
        Of each drug's output, in units of the process, (n_drugs,).
    noise
        Variance of a measurement in units of the process.
    """

    of_cell_lines: Floats
    of_drugs: Floats
    cell_lines: Floats
    drugs: Floats
    drug_scale: Floats
    noise: float


def by_predictor(predictor: Predictor, drugs: Sequence[Asked], cell_lines: Sequence[Asked]) -> PairKernels:
    """Of a run that predicts without its network; cell lines are the run's."""
    entities = [entity(predictor, drug) for drug in drugs]
    lines = [entity(predictor, line) for line in cell_lines]
    of_lines, _ = doubt.kernel_rows(predictor, lines, "cell_line")
    of_drugs, own = doubt.kernel_rows(predictor, entities, "drug")
    member = predictor.members[0]
    between = _between(drugs, predictor.array("0/drug_weights"), member["drug_constant"])
    return PairKernels(
        of_lines, of_drugs, of_lines[:, [line.number or 0 for line in cell_lines]],
        _joined(drugs, of_drugs, own, between), doubt.drug_scales(predictor, entities), 1 / member["precision"],
    )  # fmt: skip


def by_network(folder: Path, drugs: Sequence[Asked], cell_lines: Sequence[Asked]) -> PairKernels:
    """Of a run that needs its network, which is run once for the known drugs and once for each new one."""
    import torch
    from torch.nn import functional

    from pharmagraph.model.inputs.edits import with_new_drug
    from pharmagraph.model.networks.default import RelationalNetwork
    from pharmagraph.model.runs import saved

    graph = saved.load_graph(folder)
    n_drugs, lines = graph.n_nodes("Drug"), [line.number or 0 for line in cell_lines]
    of_drugs, own, scales = np.empty((len(drugs), n_drugs)), np.empty(len(drugs)), np.ones(len(drugs))
    of_lines: Floats = np.empty((0, 0))
    between: Floats = np.empty((0, 0))
    noise = 0.0
    for smiles in dict.fromkeys([None, *(drug.smiles for drug in drugs)]):
        fitted = saved.load(folder, graph if smiles is None else with_new_drug(graph, smiles))
        network = fitted.members[0].network
        assert (
            isinstance(network, RelationalNetwork) and network.gaussian_process is not None
        )  # it has leverage
        process = network.gaussian_process
        with torch.inference_mode():
            states, _ = network.states(fitted.tensors, fitted.messages)
            kernel_c, kernel_d, *_, scale = process.system(fitted.tensors, states, fitted.messages)
            positive = functional.softplus
            if smiles is None:
                of_lines, noise = kernel_c.numpy()[lines], 1 / float(positive(process.precision)[0])
                weights, constant = positive(process.of_drugs).numpy(), float(positive(process.constant)[0])
                between = _between(drugs, weights, constant)
        for n, drug in enumerate(drugs):
            if drug.smiles == smiles:
                at = n_drugs if drug.number is None else drug.number
                of_drugs[n], own[n] = kernel_d[at, :n_drugs].numpy(), float(kernel_d[at, at])
                scales[n] = float(scale[at])
    return PairKernels(
        of_lines, of_drugs, of_lines[:, lines], _joined(drugs, of_drugs, own, between), scales, noise
    )


def _joined(drugs: Sequence[Asked], of_drugs: Floats, own: Floats, between: Floats) -> Floats:
    """Covariance of the drugs that are asked for with each other: new ones have another with each other."""
    number = np.array([-1 if drug.number is None else drug.number for drug in drugs])
    known, new = np.flatnonzero(number >= 0), np.flatnonzero(number < 0)
    found = np.zeros((len(drugs), len(drugs)))
    found[:, known] = of_drugs[:, number[known]]
    found[known] = found[:, known].T
    found[np.ix_(new, new)] = between
    found[np.diag_indices(len(drugs))] = own
    return found


def _between(drugs: Sequence[Asked], weights: Floats, constant: float) -> Floats:
    """Covariance of new compounds with each other, by their fingerprints, (n_new, n_new).

    Similarities that are made of all drugs of the run are left out.
    """
    structures = [drug.smiles for drug in drugs if drug.smiles is not None]
    found: Floats = np.full((len(structures), len(structures)), constant)
    if structures:
        views = fingerprints(structures)
        for name, weight in zip(FINGERPRINTS, weights, strict=False):
            found = found + weight * tanimoto(views[name], views[name])
    return found
