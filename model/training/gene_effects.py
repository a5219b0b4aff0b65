"""What single genes add to the predictions of a fitted ensemble: a sum of attention, values and learned weights."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from pharmagraph.model.inputs.gene_pairs import GenePairs
from pharmagraph.model.networks.contributions import GeneEffects
from pharmagraph.model.training.fitted import Fitted, Member


@dataclass(frozen=True)
class EnsembleEffects:
    """Effects of genes on the outputs of an ensemble: logits of a sensitive response, or standardised −ln IC50.

    Attributes
    ----------
    pairs
        A drug and a column of `GeneFeatures` each.
    effect
        By network: change of the ensemble's output for each deviation of the column if all networks were like this one,
        float32 (n_members, n_pairs).
    attention
        By network, all pairs of a drug summing to 1, float32 (n_members, n_pairs).
    weights
        Of every network, head and column (`GeneEffects.weights`), (n_members, n_heads, n_columns).
    unit
        What effects of a drug are divided by to be comparable, (n_drugs,): 1 for logits; in regression the root mean
        square of the drug's training responses around their mean, in the unit of the output.
    """

    pairs: GenePairs
    effect: Tensor
    attention: Tensor
    weights: Tensor
    unit: Tensor

    def of_drug(self, drug: int) -> tuple[np.ndarray, np.ndarray]:
        """Columns that a drug attends to and their effects for each deviation, (n,) each."""
        rows = self.pairs.drug == drug
        return self.pairs.column[rows].cpu().numpy(), self.effect[:, rows].mean(0).cpu().numpy()


@torch.inference_mode()
def gene_effects(fitted: Fitted) -> EnsembleEffects | None:
    """Effects of genes on the predictions of an ensemble; None where no network has a gene part with a weight."""
    found = [one for member in fitted.members if (one := _of_member(fitted, member)) is not None]
    if len(found) < len(fitted.members):
        return None
    effect, attention, weights = (
        torch.stack([getattr(one, name) for one in found]) for name in ("effect", "attention", "weights")
    )
    return EnsembleEffects(found[0].pairs, effect, attention, weights, _unit(fitted))


def _of_member(fitted: Fitted, member: Member) -> GeneEffects | None:
    if (there := member.process()) is None:
        return None
    network, process = there
    states, _ = network.states(fitted.tensors, fitted.messages)
    genes = process.contributions(fitted.tensors, states, fitted.messages).genes
    if genes is None:
        return None
    share = float(network.calibration[0]) * network.weight_of()["gaussian_process"]
    return replace(genes, effect=share * genes.effect, weights=share * genes.weights)


def _unit(fitted: Fitted) -> Tensor:
    visible = fitted.messages.visible
    if fitted.scale.task == "classification":
        return torch.ones_like(visible.value[0])
    measured = visible.measured
    count = measured.sum(0).clamp(min=1)
    centred = (visible.value - (visible.value * measured).sum(0) / count) * measured
    deviation = (centred.square().sum(0) / count).sqrt()
    return torch.where(deviation > 0, deviation, deviation.new_tensor(1.0))


@torch.inference_mode()
def variance_through_genes(fitted: Fitted, effects: EnsembleEffects) -> float:
    """Share of what sets cell lines apart for a drug that comes through single genes, in an ensemble's outputs.

    It is the covariance of the genes' sum with the whole output over the variance of the output, each without the means
    of drugs; the remainder comes through similar drugs and cell lines. Over measured drugs and cell lines.
    """
    visible = fitted.messages.visible
    drugs, cell_lines = (
        torch.nonzero(known).flatten() for known in (visible.known_drugs, visible.known_cell_lines)
    )
    drug, cell_line = drugs.repeat(len(cell_lines)), cell_lines.repeat_interleave(len(drugs))
    outputs = torch.stack(
        [m.network(fitted.tensors, fitted.messages, drug, cell_line).blended for m in fitted.members]
    )
    whole = outputs.mean(0).view(len(cell_lines), len(drugs))
    mean = GeneEffects(
        effects.pairs, effects.effect.mean(0), effects.attention.mean(0), effects.weights.mean(0)
    )
    genes = mean.total[cell_lines][:, drugs]
    whole, genes = whole - whole.mean(0), genes - genes.mean(0)
    return float((whole * genes).sum() / whole.square().sum().clamp(min=torch.finfo(whole.dtype).tiny))
