from __future__ import annotations

import torch
from torch import Tensor, nn


class PrincipalComponents(nn.Module):
    """A projection fixed by the features of the graph it was made on, kept with the weights.

    Parameters
    ----------
    rows
        (n, width) it is made on; None to load it later.
    width, n_components
        Sizes.
    """

    mean: Tensor
    axes: Tensor

    def __init__(self, width: int, n_components: int, rows: Tensor | None = None) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("axes", torch.zeros(width, n_components))
        if rows is not None:
            self._fit(rows, n_components)

    def _fit(self, rows: Tensor, n_components: int) -> None:
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
        """``(n, width)`` → ``(n, n_components)``."""
        return (rows - self.mean) @ self.axes
