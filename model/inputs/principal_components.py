"""Projection onto principal components that were fixed by one graph, so that new entities get coordinates, too."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class PrincipalComponents(nn.Module):
    """A projection onto principal components, kept with the weights of the network.

    Parameters
    ----------
    rows
        Features whose principal components are computed, (n, width); None where that is done later, or they are loaded.
    width, n_components
        Number of features, and of components. Components beyond the rank of the features are 0.
    """

    mean: Tensor
    axes: Tensor

    def __init__(self, width: int, n_components: int, rows: Tensor | None = None) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("axes", torch.zeros(width, n_components))
        if rows is not None:
            self.fit(rows)

    def fit(self, rows: Tensor) -> None:
        """Compute the components of features (n, width); a graph without genes has features of width 0, and no axis."""
        if not rows.numel():
            return
        n_components = self.axes.shape[1]
        mean = rows.mean(0)
        centred = (rows - mean).double()
        gram = centred @ centred.T if len(centred) <= centred.shape[1] else centred.T @ centred
        values, vectors = torch.linalg.eigh(gram)
        rank = int((values > 1e-9 * values[-1].clamp(min=1e-9)).sum())
        k = min(n_components, rank)
        self.mean.copy_(mean)
        if not k:  # rows that are all alike have no axis
            return
        axes = vectors[:, -k:].flip(1)
        if len(centred) <= centred.shape[1]:
            axes = centred.T @ axes / values[-k:].flip(0).clamp(min=1e-12).sqrt()
        largest = axes.abs().argmax(0)
        axes = axes * torch.sign(axes[largest, torch.arange(k)])  # the sign of an axis is arbitrary: fix it
        scale = (centred @ axes)[:, : min(k, 16)].std(0).mean().clamp(min=1e-9)
        self.axes[:, :k] = (axes / scale).float()

    def forward(self, rows: Tensor) -> Tensor:
        """Coordinates of features ``(n, width)`` on the components, ``(n, n_components)``."""
        return (rows - self.mean) @ self.axes
