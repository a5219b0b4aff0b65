"""A fitted ensemble and its networks, as training leaves them and as a run's folder gives them back.

Nothing here trains, so a run that is loaded does without Lightning.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from pharmagraph.model.inputs.messages import Messages
from pharmagraph.model.inputs.tensors import GraphTensors
from pharmagraph.model.networks.default import RelationalNetwork
from pharmagraph.model.networks.gaussian_process import GaussianProcessComponent
from pharmagraph.model.networks.network import Network
from pharmagraph.model.presets.config import Config
from pharmagraph.model.responses.scale import Scale
from pharmagraph.model.runtime import reproducible
from pharmagraph.model.targets.gene_attention import GeneAttention
from pharmagraph.model.training.factor_fits import FactorFits


@dataclass(frozen=True)
class Member:
    """One fitted network.

    Attributes
    ----------
    network
        In evaluation mode, with the weights of its best epoch.
    best_epoch
        Counted from 1.
    validation
        AUROC (R² for regression) on its inner fold at that epoch.
    inner_number
        Number of its inner fold of random pairs (`responses.inner_folds`); None where other pairs were set aside, and
        in a run that was loaded.
    factor_fits
        Fits its factors to other pairs; None where it has none, and in a run that was loaded.
    """

    network: Network
    best_epoch: int
    validation: float
    inner_number: int | None = None
    factor_fits: FactorFits | None = None

    def process(self) -> tuple[RelationalNetwork, GaussianProcessComponent] | None:
        """The network and its Gaussian process; None where that has no part in the prediction."""
        network = self.network
        if not isinstance(network, RelationalNetwork) or network.gaussian_process is None:
            return None
        return (network, network.gaussian_process) if network.weight_of()["gaussian_process"] else None


@dataclass(frozen=True)
class Fitted:
    """An ensemble that was fitted to training pairs.

    Attributes
    ----------
    members
        Networks whose outputs are averaged.
    messages
        Made of all training pairs; every prediction reads them.
    seconds_per_epoch
        Median over epochs and members.
    gene_attention
        Attention of drugs to genes, where it was fitted to known targets beforehand.
    threshold
        Probability from which a pair is best called sensitive, chosen on inner folds of random pairs; not saved in a
        run's folder.
    """

    config: Config
    scale: Scale
    tensors: GraphTensors
    members: tuple[Member, ...]
    messages: Messages
    seconds_per_epoch: float
    gene_attention: GeneAttention | None = None
    threshold: float | None = None

    @reproducible()
    def predict(self, drug: np.ndarray, cell_line: np.ndarray, *, batch: int = 200_000) -> np.ndarray:
        """Probability, or ln IC50, of pairs given by node numbers; float32 (n_pairs,)."""
        found = []
        for start in range(0, len(drug), batch):
            of_drug, of_cell_line = (
                torch.from_numpy(np.asarray(i[start : start + batch], np.int64)).to(self.device)
                for i in (drug, cell_line)
            )
            with torch.inference_mode():
                outputs = [
                    m.network(self.tensors, self.messages, of_drug, of_cell_line).blended
                    for m in self.members
                ]
            found.append(self.scale.prediction(torch.stack(outputs).mean(0)).cpu().numpy())
        return np.concatenate(found) if found else np.empty(0, np.float32)

    def component_weights(self) -> dict[str, float]:
        """Component of the network → its weight in the prediction, mean over members."""
        mean = torch.stack([m.network.component_weights for m in self.members]).mean(0)
        return dict(zip(self.members[0].network.components, mean.tolist(), strict=True))

    @property
    def device(self) -> torch.device:
        """Device of the tensors and networks."""
        return self.tensors.device
