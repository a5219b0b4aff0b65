"""The network of the presets `default` and `fast`: a blend of up to four components that predict pairs.

Its inputs are made in `inputs`, from what a step may see; it is fitted in `training`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from pharmagraph.model.inputs.messages import Messages
from pharmagraph.model.inputs.tensors import GraphTensors
from pharmagraph.model.inputs.views import DRUG_KERNELS
from pharmagraph.model.networks.axial import AxialAttention
from pharmagraph.model.networks.blended_attention import blended
from pharmagraph.model.networks.encoder import Encoder, Identities
from pharmagraph.model.networks.factors import Factors
from pharmagraph.model.networks.gaussian_process import GaussianProcessComponent
from pharmagraph.model.networks.network import Attended, Logits, Network
from pharmagraph.model.networks.relational import PairDecoder, RelationalLayer
from pharmagraph.model.presets.choices import Task
from pharmagraph.model.presets.config import NetworkConfig


class RelationalNetwork(Network):
    """Relational attention over the graph, axial attention over the responses, a Gaussian process, and factors.

    Parameters
    ----------
    tensors
        Give the numbers of entities, and the features whose principal components are inputs.
    config
        Components and widths.
    task
        What is predicted; the starting point of the Gaussian process depends on it.
    """

    def __init__(self, tensors: GraphTensors, config: NetworkConfig, task: Task = "classification") -> None:
        super().__init__(config.components)
        n_cell_line_kernels = tensors.cell_line_kernels.shape[-1]
        self.encoder = Encoder(tensors, config)
        self.identities = (
            Identities(tensors.n_drugs, tensors.n_cell_lines, config) if config.uses_states else None
        )
        self.layers = nn.ModuleList(
            RelationalLayer(config) for _ in range(config.layers * config.uses_states)
        )
        self.decoder = PairDecoder(config) if config.relational else None
        self.axial = AxialAttention(config, len(DRUG_KERNELS), n_cell_line_kernels) if config.axial else None
        self.gaussian_process = (
            GaussianProcessComponent(config, task, n_cell_line_kernels) if config.gaussian_process else None
        )
        self.factors = (
            Factors(
                (tensors.n_drugs, tensors.n_cell_lines),
                (config.drug_components, config.cell_line_components),
                config.factor_starts,
                config.factor_rank,
            )
            if config.factors
            else None
        )

    def states(
        self, tensors: GraphTensors, messages: Messages
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Last states of all nodes, and the last layer's attention (n_edges, heads) a relation.

        Both are empty where no component reads states.
        """
        if self.identities is None:
            return {}, {}
        first = self.encoder(tensors, messages)
        of_drug, of_cell_line = self.identities.numbers(messages)
        if of_drug.shape[1]:
            first["Drug"] = first["Drug"] + self.identities.to_drug(of_drug)
            first["CellLine"] = first["CellLine"] + self.identities.to_cell_line(of_cell_line)
        states = {kind: functional.gelu(state) for kind, state in first.items()}
        attention: dict[str, Tensor] = {}
        for layer in self.layers:
            states, attention = layer(states, messages)
        return states, attention

    def forward(self, tensors: GraphTensors, messages: Messages, drug: Tensor, cell_line: Tensor) -> Logits:
        """Logits, or standardised values, of pairs given by node numbers (n_pairs,)."""
        states, _ = self.states(tensors, messages)
        residuals = []
        if self.decoder is not None:
            residuals.append(self.relational(states, messages, drug, cell_line))
        if self.axial is not None:
            residuals.append(self.axial(tensors, messages.visible, drug, cell_line))
        if self.gaussian_process is not None:
            with torch.autocast(drug.device.type, enabled=False):  # eigenvectors and the solver need float32
                whole = {kind: state.float() for kind, state in states.items()}
                residuals.append(self.gaussian_process(tensors, whole, messages, drug, cell_line))
        if self.factors is not None and not self.training:
            residuals.append(self.factors(self.encoder.components(tensors), drug, cell_line))
        offset = messages.offset(drug, cell_line)
        return Logits(tuple(residuals), offset, self.component_weights, self.calibration)

    def relational(
        self, states: dict[str, Tensor], messages: Messages, drug: Tensor, cell_line: Tensor
    ) -> Tensor:
        """Output of the relational component for pairs given by node numbers, (n_pairs,)."""
        assert self.decoder is not None and self.identities is not None  # the network has this component
        logits: Tensor = self.decoder(states, drug, cell_line)
        logits = logits + self.identities.logits(messages, drug, cell_line)
        return logits

    def attention(self, tensors: GraphTensors, messages: Messages) -> dict[str, Attended]:
        """Relation → attention, mean over heads: each component's, by its weight in the prediction.

        Relations in which only components of weight 0 attend are absent.
        """
        states, weights = self.states(tensors, messages)
        found = {r: (messages.edges[r], w.mean(1)) for r, w in weights.items()}
        axial = self.axial.attention(tensors, messages.visible) if self.axial is not None else {}
        component_weights = self.weight_of()
        contributions = None
        if self.gaussian_process is not None and component_weights["gaussian_process"] > 0:
            contributions = self.gaussian_process.contributions(tensors, states, messages)
        found = blended(found, axial, contributions, messages, component_weights)
        return {r: Attended.within(*edges_and_weight) for r, edges_and_weight in found.items()}

    def penalty(self, numbers: float, drug_bias: float, cell_line_bias: float) -> Tensor:
        """Negative log density of the Gaussian priors of identities, to be added to the summed loss."""
        if self.identities is None:
            return self.encoder.gene_identity.weight.new_zeros(())
        return self.identities.penalty(numbers, drug_bias, cell_line_bias)

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """``identity``, ``axial``, ``gaussian_process`` and ``rest``: each has a learning rate of its own."""
        identity = self.identities.of_entities() if self.identities is not None else []
        axial = list(self.axial.parameters()) if self.axial is not None else []
        process = self.gaussian_process.hyperparameters() if self.gaussian_process is not None else []
        apart = {id(p) for p in identity + axial + process}
        return {
            "identity": identity,
            "axial": axial,
            "gaussian_process": process,
            "rest": [p for p in self.parameters() if id(p) not in apart],
        }
