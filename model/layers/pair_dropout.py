"""Dropout of rows that belong to pairs: what is dropped of a pair does not depend on which process predicts it."""

from __future__ import annotations

from torch import Tensor, nn


class PairDropout(nn.Module):
    """Drops numbers of a tensor whose rows are pairs.

    Where the pairs of a step are divided over processes, each draws the numbers of all pairs and keeps those of its
    own. So a step drops the same numbers, and leaves torch's generator in the same state, with any number of processes.

    Parameters
    ----------
    dropout
        What drops numbers of a tensor of any shape.

    Attributes
    ----------
    part
        Rows of this process, and the number of all rows; None where they are not divided.
    """

    def __init__(self, dropout: nn.Module) -> None:
        super().__init__()
        self.dropout = dropout
        self.part: tuple[slice, int] | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Drop numbers of ``(n_rows, ...)``."""
        if self.part is None or not self.training:
            dropped: Tensor = self.dropout(x)
            return dropped
        rows, n = self.part
        factor: Tensor = self.dropout(x.new_ones(n, *x.shape[1:]))[rows]
        return x * factor


def divide(network: nn.Module, part: tuple[slice, int] | None) -> None:
    """Tell the layers of a network which rows its next step has."""
    for module in network.modules():
        if isinstance(module, PairDropout):
            module.part = part
