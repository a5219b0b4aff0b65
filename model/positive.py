"""Numbers that stay positive while they learn: parameters hold what softplus makes them of."""

from __future__ import annotations

import torch
from torch import Tensor


def before_softplus(values: list[float]) -> Tensor:
    """The numbers that softplus makes these of, float32 (n_values,)."""
    return torch.log(torch.expm1(torch.tensor(values)))
