"""How strong drugs are on average, of those that will be asked for unseen: from drugs of similar structure.

Drugs that act on the same genes divide cell lines alike, but are not equally strong: what says much of the pattern of a
drug's responses misleads about their mean. So in regression of unseen drugs the kernel part takes drugs' means out of
what it explains, and predicts them here.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class DrugLevels(nn.Module):
    """A Gaussian process over drugs: a weighted sum of fixed similarities, a constant and the identity.

    Parameters
    ----------
    n_kernels
        Fixed similarities of drugs.
    """

    def __init__(self, n_kernels: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(before_softplus([0.15] * n_kernels + [0.1, 0.3, 0.5]))

    def terms(self, kernels: Tensor, mean: Tensor, count: Tensor) -> Tensor:
        """What each drug's level draws from each.

        Parameters
        ----------
        kernels
            Fixed similarities, (n_drugs, n_drugs, n_kernels).
        mean, count
            Of each drug's visible responses, (n_drugs,); a count of 0 where none may be contributions on.

        Returns
        -------
        Tensor
            (n_drugs, n_drugs); a drug's level is the sum of its row.
        """
        weights = functional.softplus(self.weights)
        constant, identity, noise = weights[-3:]
        known = torch.nonzero(count).flatten()
        covariance = (
            kernels @ weights[:-3] + constant + identity * torch.eye(len(kernels), device=mean.device)
        )
        observed = covariance[known][:, known] + torch.diag(noise / count[known])
        found = torch.zeros_like(covariance)
        found[:, known] = torch.linalg.solve(observed, covariance[known]).T * mean[known]
        return found


def before_softplus(values: list[float]) -> Tensor:
    """The numbers that softplus makes these of, float32 (n_values,)."""
    return torch.log(torch.expm1(torch.tensor(values)))
