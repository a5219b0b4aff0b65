"""Attention of drugs to genes as a run keeps it and its response network uses it.

Drugs that attend to the same genes are expected to act alike: the overlap of their attention is a term of the Gaussian
process's drug kernel (`inputs.similarities.kernel_of`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from pharmagraph.model.inputs.messages import MessageBuilder, Messages
from pharmagraph.model.inputs.similarities import kernel_of
from pharmagraph.model.inputs.tensors import GraphTensors
from pharmagraph.model.inputs.views import EVEN_ATTENTION, N_SHARPENED_DRUG_KERNELS, SHARPNESS
from pharmagraph.model.presets.config import NetworkConfig
from pharmagraph.model.responses.visible import Means


@dataclass(frozen=True)
class GeneAttention:
    """Fitted attention of each drug to candidate genes, before its known targets are put first.

    Attributes
    ----------
    genes
        Node numbers of the candidates, ascending, int64 (n_candidates,).
    found
        Softmax over a drug's candidates, float32 (n_drugs, n_candidates).
    blind
        The same without responses as evidence, same shape. The response network uses it while it is fitted, so that the
        response of a pair has no part in its own prediction.
    """

    genes: Tensor
    found: Tensor
    blind: Tensor

    def on(self, tensors: GraphTensors, *, blind: bool = False) -> Tensor:
        """Attention of all drugs of a graph, with the graph's known targets first, (n_drugs, n_candidates).

        New drugs, which were not in the fit, get the attention of drugs of similar structure: above all these drugs'
        known targets, and relatives of the targets after them.
        """
        device = tensors.structure.device
        found, genes = (self.blind if blind else self.found).to(device), self.genes.to(device)
        given = given_targets(tensors, genes)
        found = with_given(found, given[: len(found)])
        new = (
            tensors.drug_kernels[len(found) :, : len(found), :N_SHARPENED_DRUG_KERNELS].mean(-1) ** SHARPNESS
        )
        even = found.new_full((len(new), 1), EVEN_ATTENTION) * torch.ones_like(found[:1])
        found = torch.cat([found, torch.nn.functional.normalize(new @ found + even, p=1, dim=1)])
        return with_given(found, given)


def message_builder(
    tensors: GraphTensors, network: NetworkConfig, means: Means | None, attention: GeneAttention | None
) -> MessageBuilder:
    """What makes the messages of a network; attention to genes is that without responses as evidence."""
    if attention is None:
        return MessageBuilder(tensors, network, means)
    genes = attention.genes.to(tensors.device)
    return MessageBuilder(tensors, network, means, attention.on(tensors, blind=True), genes)


def as_predicted(messages: Messages, tensors: GraphTensors, attention: GeneAttention | None) -> Messages:
    """Messages of all training pairs as predictions read them: attention to genes has these pairs as evidence."""
    if attention is None:
        return messages
    given = attention.on(tensors)
    return replace(messages, gene_attention=given, overlap=kernel_of(given))


def given_targets(tensors: GraphTensors, genes: Tensor) -> Tensor:
    """Which candidate genes are known targets of which drugs, bool (n_drugs, n_candidates)."""
    drug, gene = tensors.targets.dst, tensors.targets.src
    position = torch.searchsorted(genes, gene).clamp(max=len(genes) - 1)
    candidate = genes[position] == gene
    given = torch.zeros(tensors.n_drugs, len(genes), dtype=torch.bool, device=genes.device)
    given[drug[candidate], position[candidate]] = True
    return given


def with_given(found: Tensor, given: Tensor) -> Tensor:
    r"""Attention with a drug's known targets first.

    .. math::
        \alpha_{dg} = \frac{1}{n_d + 1} \begin{cases} 1 & g \text{ is given} \\ p_{dg} / \sum_{h \text{ not given}}
        p_{dh} & \text{else} \end{cases}

    Parameters
    ----------
    found
        p, over a drug's candidates, (..., n_drugs, n_candidates).
    given
        Known targets, :math:`n_d` of drug d, bool (n_drugs, n_candidates).

    Returns
    -------
    Tensor
        Rows that sum to 1: known targets have equal weights, and all other genes together have that of one more target.
    """
    rest = found.masked_fill(given, 0.0)
    rest = rest / rest.sum(-1, keepdim=True).clamp(min=torch.finfo(rest.dtype).tiny)
    return (rest + given) / (given.sum(-1, keepdim=True) + 1)
