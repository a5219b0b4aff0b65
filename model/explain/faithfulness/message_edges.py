"""The drug–gene edges of a fitted response network: predictions without some of them, and rankings of them.

The rankings are attention, attention through all layers, integrated gradients, and the attention of networks whose
weights were drawn anew: a ranking that survives that says nothing of what was learned. The arithmetic of removal is
`curves.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from pharmagraph.kg.errors import ModelError
from pharmagraph.model.explain.faithfulness.curves import (
    rollout,
)
from pharmagraph.model.explain.faithfulness.interventions import (
    RELATION,
    layer_matrices,
    scaled_messages,
    without_edges,
)
from pharmagraph.model.inputs.messages import Messages
from pharmagraph.model.networks.default import RelationalNetwork
from pharmagraph.model.networks.make import make_network
from pharmagraph.model.training.ensemble import Fitted

COUNTS = (1, 2, 5, 10, 20)
N_RANDOM = 3
N_STEPS = 8
"""Of the integral of gradients."""
N_SIGNS = 2
"""Draws of signs of the predictions whose gradients are integrated: the mean alone would let them cancel."""
ATTENTION, ROLLOUT, GRADIENTS, UNFITTED, ATTENDS = (
    "attention", "attention rollout", "integrated gradients", "attention, randomised weights", "ATTENDS",
)  # fmt: skip


@dataclass(frozen=True)
class GeneEdges:
    """The gene edges of a fitted ensemble, and the predictions that are watched.

    Attributes
    ----------
    fitted
        With the relation ``drug_from_gene``.
    drug, gene
        Node numbers of the ends of each edge, int64 (n_edges,).
    pairs
        Drugs and cell lines that are predicted, int64 (2, n_pairs): the training pairs of drugs that are compared.
    """

    fitted: Fitted
    drug: np.ndarray
    gene: np.ndarray
    pairs: np.ndarray

    @classmethod
    def of(cls, fitted: Fitted, *, more_than: int) -> GeneEdges:
        """Compare the drugs that have more than so many gene edges.

        Raises
        ------
        ModelError
            If the network has no such relation, or no drug that many edges and a measured response.
        """
        if RELATION not in fitted.messages.edges:
            raise ModelError(
                f"preset {fitted.config.preset} has no relation {RELATION}; its predictions use no gene edges"
            )
        edges = fitted.messages.edges[RELATION]
        drug, gene = edges.dst.cpu().numpy(), edges.src.cpu().numpy()
        cell_line, of = np.nonzero(fitted.messages.visible.measured.cpu().numpy())
        able = np.bincount(drug, minlength=fitted.tensors.n_drugs)[of] > more_than
        if not able.any():
            raise ModelError(
                f"no drug of the run has more than {more_than} gene edges and a measured response; take away fewer"
            )
        return cls(fitted, drug, gene, np.stack([of[able], cell_line[able]]))

    def predict(self, kept: np.ndarray) -> np.ndarray:
        """Logits (or standardised values: probabilities saturate) of the pairs with some edges only, (n_pairs,)."""
        messages = without_edges(self.fitted, RELATION, torch.from_numpy(kept))
        with torch.inference_mode():
            outputs = [self._outputs(m.network, messages) for m in self.fitted.members]
        logits: np.ndarray = torch.stack(outputs).mean(0).cpu().numpy()
        return logits

    def _outputs(self, network: nn.Module, messages: Messages) -> Tensor:
        drug, cell_line = (torch.from_numpy(end).to(self.fitted.device) for end in self.pairs)
        found: Tensor = network(self.fitted.tensors, messages, drug, cell_line).blended
        return found

    def attention(self) -> np.ndarray:
        """Of the last layer, mean over heads and members, (n_edges,)."""
        return self._attention([m.network for m in self.fitted.members])

    def unfitted_attention(self, *, seed: int) -> np.ndarray:
        """The same of networks of the same make that were never fitted, (n_edges,)."""
        torch.manual_seed(seed)
        networks = [
            make_network(self.fitted.tensors, self.fitted.config, self.fitted.scale.task, n).eval()
            for n in range(len(self.fitted.members))
        ]
        return self._attention(networks)

    def _attention(self, networks: Sequence[nn.Module]) -> np.ndarray:
        with torch.inference_mode():
            found = [n.attention(self.fitted.tensors, self.fitted.messages)[RELATION] for n in networks]  # type: ignore[operator]
        mean: np.ndarray = torch.stack([a.weight for a in found]).mean(0).cpu().numpy()
        return mean

    def rollout(self) -> np.ndarray:
        """Attention through all layers and relations, mean over members, (n_edges,)."""
        total = np.zeros(len(self.drug))
        drugs, row = np.unique(self.drug, return_inverse=True)
        for network in self._relational():
            layers, first_gene = layer_matrices(network, self.fitted)
            through = rollout(layers, drugs)
            total += np.asarray(through[row, first_gene + self.gene]).ravel()
        return total / len(self.fitted.members)

    def integrated_gradients(self, *, seed: int) -> np.ndarray:
        """Gradient attribution of the predictions to the edges' messages, from none of them to all, (n_edges,).

        Sundararajan, Taly and Yan, arXiv 1703.01365, by captum. Predictions are summed with random signs, and the
        root of the mean square over draws is taken: what matters is how much an edge moves them, not where to.
        """
        from captum.attr import IntegratedGradients

        device, n_edges = self.fitted.device, len(self.drug)
        counts = torch.from_numpy(np.bincount(self.pairs[0])[self.pairs[0]].astype(np.float32)).to(device)
        generator = torch.Generator().manual_seed(seed)
        squares = np.zeros(n_edges)
        for _ in range(N_SIGNS):
            sign = (2 * torch.randint(0, 2, (len(counts),), generator=generator) - 1).to(
                device
            ) / counts.sqrt()

            def signed(masks: Tensor, sign: Tensor = sign) -> Tensor:
                return torch.stack([self._masked(mask) @ sign for mask in masks])

            found = IntegratedGradients(signed).attribute(
                torch.ones(1, n_edges, device=device),
                baselines=0.0,
                n_steps=N_STEPS,
                method="riemann_middle",
                internal_batch_size=1,
            )
            squares += found[0].detach().cpu().numpy().astype(np.float64) ** 2
        return np.sqrt(squares / N_SIGNS)

    def _masked(self, mask: Tensor) -> Tensor:
        outputs = []
        for network in self._relational():
            with scaled_messages(network, self.fitted.messages.edges[RELATION], mask):
                outputs.append(self._outputs(network, self.fitted.messages))
        return torch.stack(outputs).mean(0)

    def _relational(self) -> list[RelationalNetwork]:
        return [m.network for m in self.fitted.members if isinstance(m.network, RelationalNetwork)]
