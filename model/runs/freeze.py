"""A fitted ensemble → the arrays that `Predictor` reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save_file
from torch import Tensor
from torch.nn import functional

from pharmagraph.model.inputs.gene_pairs import correlations
from pharmagraph.model.inputs.similarities import components_of_expression, squared_distances, width_of
from pharmagraph.model.networks.default import RelationalNetwork
from pharmagraph.model.networks.factors import KINDS
from pharmagraph.model.predictor.predictor import FILE
from pharmagraph.model.predictor.reading import writing
from pharmagraph.model.responses.visible import SHRINKAGE, SIGN_PAIRS, Visible, residuals
from pharmagraph.model.training.fitted import Fitted
from pharmagraph.model.training.gene_effects import EnsembleEffects, gene_effects

WITHOUT_NETWORK = frozenset({"gaussian_process", "factors"})
"""Components of which a new entity's output follows from its similarities and features alone."""


def can_freeze(fitted: Fitted) -> bool:
    """Whether all components with a weight in the prediction are among `WITHOUT_NETWORK`."""
    return all(
        isinstance(member.network, RelationalNetwork)
        and all(name in WITHOUT_NETWORK or not weight for name, weight in member.network.weight_of().items())
        for member in fitted.members
    )


def save(fitted: Fitted, folder: Path) -> str:
    """Write the predictor of an ensemble that `can_freeze` into a run's folder; returns the file's name."""
    arrays, about = freeze(fitted)
    with writing(folder / FILE):
        save_file(arrays, folder / FILE, metadata={"about": json.dumps(about)})
    return FILE


@torch.inference_mode()
def freeze(fitted: Fitted) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays by name, and what is a number or a word.

    Returns
    -------
    dict
        ``logit``: blended outputs of all pairs, (n_cell_lines, n_drugs), and what new entities need, as `Predictor`
        reads it.
    dict
        ``task``, ``mean``, ``deviation``, and the weights and constants of each member.
    """
    tensors, messages = fitted.tensors, fitted.messages
    coordinates, to_coordinates = components_of_expression(tensors.expression)
    found: dict[str, Tensor] = {
        "constants/width": width_of(squared_distances(tensors.expression))[None],
        "constants/coordinates": coordinates,
        "constants/to_coordinates": to_coordinates,
        "measured": messages.visible.measured.to(torch.uint8),
        "drug_offset": messages.offsets.drug,
        "cell_line_offset": messages.offsets.cell_line,
    }
    offset = messages.offsets.cell_line[:, None] + messages.offsets.drug
    logit, members = torch.zeros_like(offset), []
    for number, member in enumerate(fitted.members):
        network = member.network
        assert isinstance(network, RelationalNetwork)
        weights = network.weight_of()
        slope, intercept = network.calibration.tolist()
        about = {name: weights.get(name, 0.0) for name in WITHOUT_NETWORK}
        about |= {"slope": slope, "intercept": intercept}
        residual = torch.zeros_like(offset)
        if about["gaussian_process"]:
            table, arrays, constants = _process(fitted, network)
            residual += about["gaussian_process"] * table
            found |= {f"{number}/{name}": values for name, values in arrays.items()}
            about |= constants
        if about["factors"]:
            table, arrays = _factors(fitted, network)
            residual += about["factors"] * table
            found |= {f"{number}/{name}": values for name, values in arrays.items()}
            components = {
                "drug": network.encoder.drug_components,
                "cell_line": network.encoder.cell_line_components,
            }
            for kind, projection in components.items():  # the same in every member
                found |= {f"{kind}_mean": projection.mean, f"{kind}_axes": projection.axes}
        logit += (slope * (offset + residual) + intercept) / len(fitted.members)
        members.append(about)
    found["logit"] = logit
    if (effects := gene_effects(fitted)) is not None:
        found |= _genes(fitted, effects)
    scale = fitted.scale
    return (
        {name: np.ascontiguousarray(values.cpu().numpy()) for name, values in found.items()},
        {"task": scale.task, "mean": scale.mean, "deviation": scale.deviation, "members": members},
    )


def _process(
    fitted: Fitted, network: RelationalNetwork
) -> tuple[Tensor, dict[str, Tensor], dict[str, float]]:
    """Output of the Gaussian process for all pairs, (n_cell_lines, n_drugs), its arrays and its constants."""
    process = network.gaussian_process
    assert process is not None
    tensors, messages = fitted.tensors, fitted.messages
    states, _ = network.states(tensors, messages)
    terms = process.contributions(tensors, states, messages)
    left, right = terms.kernel_c @ terms.source, terms.source @ terms.kernel_d
    constants = process.constants(tensors, messages)
    pattern = left @ terms.kernel_d
    if terms.genes is not None:
        pattern = pattern + terms.genes.total
    if terms.levels is not None:
        constants = constants + terms.levels.sum(1)
    arrays = {
        "source": terms.source,
        "left": left,
        "right": right,
        "constants": constants,
        "drug_weights": functional.softplus(process.of_drugs),
        "cell_line_weights": functional.softplus(process.of_cell_lines),
        "drug_scale": messages.drug_scale,
        "kernel_c": terms.kernel_c,
        "kernel_d": terms.kernel_d / torch.outer(messages.drug_scale, messages.drug_scale),
    }
    positive = functional.softplus
    numbers = {
        ("drug_constant", "cell_line_constant"): positive(process.constant),
        ("identity_d", "identity_c"): positive(process.identity),
        ("profiles_d", "profiles_c"): positive(process.of_profiles),
        ("precision", "untested"): positive(process.precision),
        ("of_class", "of_strength"): process.observed,
        ("scale", "bias", "of_drug_mean"): torch.stack([process.scale, process.bias, process.of_drug_mean]),
    }
    about = {
        name: value
        for names, values in numbers.items()
        for name, value in zip(names, values.tolist(), strict=True)
    }
    about["sign_pairs"] = SIGN_PAIRS
    if process.of_genes is not None and messages.overlap is not None:
        about["of_genes"] = float(functional.softplus(process.of_genes))
    if process.levels is not None and messages.drug_means_in:
        weights, constant, source = process.level_source(tensors, messages)
        identity, inverse, variance = process.level_uncertainty(tensors, messages)
        arrays |= {"level_weights": weights, "level_source": source}
        arrays |= {"level_inverse": inverse, "level_variance": variance}
        about |= {"level": constant, "level_identity": identity}
    return pattern + constants, arrays, about


def _factors(fitted: Fitted, network: RelationalNetwork) -> tuple[Tensor, dict[str, Tensor]]:
    """Output of the factorisation for all pairs, (n_cell_lines, n_drugs), and its arrays."""
    factors = network.factors
    assert factors is not None
    components = network.encoder.components(fitted.tensors)
    of_drugs, of_cell_lines = factors.of_entities(components)
    arrays = {
        f"{kind}_{name}": factors.get_buffer(f"{kind}_{name}")
        for kind in KINDS
        for name in ("map", "constant")
    }
    arrays |= {"drug_factors": of_drugs, "cell_line_factors": of_cell_lines}
    return factors.table(components), arrays


def _genes(fitted: Fitted, effects: EnsembleEffects) -> dict[str, Tensor]:
    """What single genes add to the predictions of the run's drugs, and what the attention of another drug is made of.

    Columns that no drug of the run attends to have no learned weight; a new drug attends to none of them either. A drug
    with another known target may: ``unit`` tells how these go with the responses.
    """
    pairs, visible = effects.pairs, fitted.messages.visible
    used, position = torch.unique(pairs.column, return_inverse=True)
    residual = residuals(visible.value, visible.measured)
    own = correlations(pairs.values[:, used], residual, visible.measured)
    found = {
        "drug": pairs.drug, "column": position, "effect": effects.effect.mean(0),
        "kind": pairs.features.kind[used], "gene": pairs.features.gene[used],
        "mean": pairs.features.mean[used], "deviation": pairs.features.deviation[used],
        "n_read": torch.tensor([fitted.config.network.n_response_genes]),
        "own": own.half(), "known": visible.known_drugs.to(torch.uint8), "unit": _unit(visible, residual).half(),
    }  # fmt: skip
    for number, (member, weights) in enumerate(zip(fitted.members, effects.weights, strict=True)):
        assert isinstance(member.network, RelationalNetwork)  # it has effects
        process = member.network.gaussian_process
        assert process is not None and process.gene_part is not None
        part = process.gene_part
        found |= {
            f"{number}/weights": weights[:, used], f"{number}/edge": part.edge.weight, f"{number}/bias": part.edge.bias,
            f"{number}/att": part.att.weight, f"{number}/kinds": functional.softplus(part.weights),
        }  # fmt: skip
    return {f"genes/{name}": values for name, values in found.items()}


def _unit(visible: Visible, residual: Tensor) -> Tensor:
    """Residual responses of every drug as what `correlations` multiplies with a column, (n_cell_lines, n_drugs)."""
    count = visible.measured.sum(0)
    return functional.normalize(residual, dim=0) * count / (count + SHRINKAGE)
