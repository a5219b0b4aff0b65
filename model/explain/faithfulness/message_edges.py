"""The drug–gene edges over which a fitted network passes messages: predictions without some of them, and rankings.

The rankings are attention, attention rollout through all layers, integrated gradients, and the attention of networks
with random weights: a ranking that those networks give, too, shows nothing of what was learned.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.wording import option
from pharmagraph.model.explain.faithfulness.curves import rollout
from pharmagraph.model.explain.faithfulness.interventions import (
    layer_matrices,
    scaled_messages,
    without_edges,
)
from pharmagraph.model.explain.faithfulness.masked_edges import GENES, Importance, Kept, Ranking
from pharmagraph.model.inputs.messages import Messages
from pharmagraph.model.networks.blended_attention import attending_components
from pharmagraph.model.networks.default import RelationalNetwork
from pharmagraph.model.networks.make import make_network
from pharmagraph.model.networks.network import Network
from pharmagraph.model.training.fitted import Fitted

N_STEPS = 8
"""Steps of the integral of gradients."""
N_SIGNS = 2
"""Random signs of the predictions whose gradients are integrated; with equal signs effects would cancel."""
ATTENTION, ROLLOUT, GRADIENTS, UNFITTED, ATTENDS = (
    "attention", "attention rollout", "integrated gradients", "attention, randomised weights", "ATTENDS",
)  # fmt: skip


@dataclass(frozen=True)
class MessageEdges:
    """The gene edges of a fitted ensemble, and the training pairs whose predictions are compared.

    Attributes
    ----------
    fitted
        Its network has the relation ``drug_from_gene``.
    ends
        Of that relation: drugs and genes, node numbers, int64 (n_edges,).
    pairs
        Training pairs of the drugs that are compared: drugs and cell lines, node numbers, int64 (2, n_pairs).
    seed
        Of signs and random weights.
    stored
        Weight of each edge in an attention fitted to known targets, (n_edges,); None if the run has none.
    """

    fitted: Fitted
    ends: Mapping[str, tuple[np.ndarray, np.ndarray]]
    pairs: np.ndarray
    seed: int = 0
    stored: np.ndarray | None = None

    @classmethod
    def of(cls, fitted: Fitted, *, more_than: int, seed: int = 0) -> MessageEdges:
        """Compare the drugs that have more than so many gene edges.

        Raises
        ------
        ModelError
            If the network has no such relation, if the component that attends in it has weight 0 in the prediction, or
            if no drug has so many edges and a measured response.
        """
        if GENES not in fitted.messages.edges:
            raise ModelError(
                f"preset {fitted.config.preset} has no relation {GENES}; its predictions use no gene edges"
            )
        weights = fitted.component_weights()
        if not any(weights[c] > 0 for c in attending_components(GENES, weights, fitted.messages.edges)):
            raise ModelError(
                "predictions of the run use no gene edges: the component that attends to genes, relational, has weight "
                "0 in the prediction; train with another seed or preset"
            )
        edges = fitted.messages.edges[GENES]
        drug, gene = edges.dst.cpu().numpy(), edges.src.cpu().numpy()
        cell_line, of = np.nonzero(fitted.messages.visible.measured.cpu().numpy())
        able = np.bincount(drug, minlength=fitted.tensors.n_drugs)[of] > more_than
        if not able.any():
            raise ModelError(
                f"no drug of the run has more than {more_than} gene edges and a measured response; remove fewer, "
                "such as 1 and 5"
            )
        return cls(fitted, {GENES: (drug, gene)}, np.stack([of[able], cell_line[able]]), seed)

    def predict(self, kept: Kept) -> np.ndarray:
        """Logits (in regression standardised ln IC50) of the pairs from the kept edges, (n_pairs,)."""
        mask = kept.get(GENES, np.ones(self._n_edges, bool))
        messages = without_edges(self.fitted, GENES, torch.from_numpy(mask))
        with torch.inference_mode():
            outputs = [self._outputs(m.network, messages) for m in self.fitted.members]
        logits: np.ndarray = torch.stack(outputs).mean(0).cpu().numpy()
        return logits

    def _outputs(self, network: Network, messages: Messages) -> Tensor:
        drug, cell_line = (torch.from_numpy(end).to(self.fitted.device) for end in self.pairs)
        found: Tensor = network(self.fitted.tensors, messages, drug, cell_line).blended
        return found

    def attention(self) -> Importance:
        """Attention of the last layer, mean over heads and members."""
        return self._attention([m.network for m in self.fitted.members])

    def unfitted(self) -> Importance:
        """The same of networks of the same make with random weights, which were never fitted."""
        torch.manual_seed(self.seed)
        networks = [
            make_network(
                self.fitted.tensors, self.fitted.config, self.fitted.scale.task, n, like=member.network
            ).eval()
            for n, member in enumerate(self.fitted.members)
        ]
        return self._attention(networks)

    def _attention(self, networks: Sequence[Network]) -> Importance:
        with torch.inference_mode():
            found = [n.attention(self.fitted.tensors, self.fitted.messages) for n in networks]
        weights = [attended[GENES].weight for attended in found if GENES in attended]
        if not weights:
            conv = self.fitted.config.network.conv
            raise ModelError(
                f"the run has no attention to genes: its conv is {conv}; train with {option('conv', 'gatv2')}"
            )
        return {GENES: torch.stack(weights).mean(0).cpu().numpy()}

    def rollout(self) -> np.ndarray:
        """Attention through all layers and relations, mean over members, (n_edges,)."""
        drug, gene = self.ends[GENES]
        total = np.zeros(self._n_edges)
        drugs, row = np.unique(drug, return_inverse=True)
        for network in self._relational():
            layers, first_gene = layer_matrices(network, self.fitted)
            through = rollout(layers, drugs)
            total += np.asarray(through[row, first_gene + gene]).ravel()
        return total / len(self.fitted.members)

    def gradients(self, relation: str) -> np.ndarray:
        """Integrated gradients of the predictions by the edges' messages, from no message to all, (n_edges,).

        Sundararajan, Taly and Yan, arXiv 1703.01365, by captum. Predictions are summed with random signs, and the root
        of the mean square over signs is taken: the size of an edge's effect counts, not its direction.
        """
        from captum.attr import IntegratedGradients

        device, n_edges = self.fitted.device, self._n_edges
        counts = torch.from_numpy(np.bincount(self.pairs[0])[self.pairs[0]].astype(np.float32)).to(device)
        generator = torch.Generator().manual_seed(self.seed)
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

    def rankings(self) -> list[Ranking]:
        """Rollout is of relational networks; gradients are of those with GATv2."""
        network = self.fitted.config.network
        found: dict[str, Callable[[], np.ndarray]] = {
            ATTENTION: lambda: self.attention()[GENES],
            UNFITTED: lambda: self.unfitted()[GENES],
        }
        if network.kind == "relational":
            found[ROLLOUT] = self.rollout
            if network.conv == "gatv2":
                found[GRADIENTS] = partial(self.gradients, GENES)
        if (stored := self.stored) is not None:
            found[ATTENDS] = lambda: stored
        return [
            Ranking(name, (GENES,), lambda _, compute=compute: {GENES: compute()})  # type: ignore[misc]
            for name, compute in found.items()
        ]

    @property
    def _n_edges(self) -> int:
        return len(self.ends[GENES][0])

    def _masked(self, mask: Tensor) -> Tensor:
        outputs = []
        for network in self._relational():
            with scaled_messages(network, self.fitted.messages.edges[GENES], mask):
                outputs.append(self._outputs(network, self.fitted.messages))
        return torch.stack(outputs).mean(0)

    def _relational(self) -> list[RelationalNetwork]:
        return [m.network for m in self.fitted.members if isinstance(m.network, RelationalNetwork)]
