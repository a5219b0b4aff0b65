"""Attention of drugs to genes as a run keeps it and its response network draws on it: drugs that attend to the same
genes act alike. It is fitted in `model/targets`; what the network makes of it is the kernel part's (`kernel_of`)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from pharmagraph.model.inputs.similarities import N_SHARPENED_DRUG_KERNELS
from pharmagraph.model.inputs.tensors import GraphTensors

SHARPNESS = 4
"""Power of the similarity by which a drug that came later is given the attention of the drugs it is like."""


@dataclass(frozen=True)
class GeneAttention:
    """What a fitted attention finds for each drug, before its known targets are put first.

    Attributes
    ----------
    genes
        Node numbers of the candidates, ascending, int64 (n_candidates,).
    found
        Softmax over a drug's candidates, float32 (n_drugs, n_candidates).
    blind
        The same where no response is evidence: what the network sees while it is fitted, so that a pair that is
        predicted has no part in what it is predicted from. Same shape.
    """

    genes: Tensor
    found: Tensor
    blind: Tensor

    def on(self, tensors: GraphTensors, *, blind: bool = False) -> Tensor:
        """The attention of all drugs of a graph, with the graph's own known targets given, (n_drugs, n_candidates).

        Drugs that came after the fit attend to what the drugs of their structure attend to.
        """
        device = tensors.structure.device
        found, genes = (self.blind if blind else self.found).to(device), self.genes.to(device)
        new = (
            tensors.drug_kernels[len(found) :, : len(found), :N_SHARPENED_DRUG_KERNELS].mean(-1) ** SHARPNESS
        )
        even = found.new_full((len(new), 1), 1e-6) * torch.ones_like(found[:1])
        found = torch.cat([found, torch.nn.functional.normalize(new @ found + even, p=1, dim=1)])
        return with_given(found, given_targets(tensors, genes))


def given_targets(tensors: GraphTensors, genes: Tensor) -> Tensor:
    """Known targets among candidates, bool (n_drugs, n_candidates)."""
    drug, gene = tensors.targets.dst, tensors.targets.src
    position = torch.searchsorted(genes, gene).clamp(max=len(genes) - 1)
    candidate = genes[position] == gene
    given = torch.zeros(tensors.n_drugs, len(genes), dtype=torch.bool, device=genes.device)
    given[drug[candidate], position[candidate]] = True
    return given


def with_given(found: Tensor, given: Tensor) -> Tensor:
    r"""Attention of drugs some of whose targets are known.

    .. math::
        \alpha_{dg} = \frac{1}{n_d + 1} \begin{cases} 1 & g \text{ is given} \\ p_{dg} / \sum_{h \text{ not given}}
        p_{dh} & \text{else} \end{cases}

    Parameters
    ----------
    found
        p, over a drug's candidates, (..., n_drugs, n_candidates).
    given
        Known targets, n a drug, bool (n_drugs, n_candidates).

    Returns
    -------
    Tensor
        Rows that sum to 1: what is known comes first, and all that is not shares what one more target would have.
    """
    rest = found.masked_fill(given, 0.0)
    rest = rest / rest.sum(-1, keepdim=True).clamp(min=torch.finfo(rest.dtype).tiny)
    return (rest + given) / (given.sum(-1, keepdim=True) + 1)
