"""The mean response of a drug that was never measured, its level, predicted from drugs of similar structure.

Drugs that act on the same genes divide cell lines alike but are not equally strong: features that predict the pattern
of a drug's responses mislead about their mean. So in regression of unseen drugs the Gaussian process explains the
pattern without drug means, and the means are predicted here.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

START_WEIGHTS = {"kernel": 0.15, "constant": 0.1, "identity": 0.3, "noise": 0.5}
"""Weights of each similarity, of the constant and of the identity, and the variance of a single response around its
drug's level, before anything is learned; in squared standard deviations of ln IC50. Set by hand."""


class DrugLevels(nn.Module):
    """A Gaussian process over drugs whose kernel is a weighted sum of fixed similarities, a constant and the identity.

    Parameters
    ----------
    n_kernels
        Number of fixed similarities.
    """

    def __init__(self, n_kernels: int) -> None:
        super().__init__()
        kernel, *others = START_WEIGHTS.values()
        self.weights = nn.Parameter(before_softplus([kernel] * n_kernels + others))

    def terms(self, kernels: Tensor, mean: Tensor, count: Tensor) -> Tensor:
        """Contribution of each drug to the level of each.

        Parameters
        ----------
        kernels
            Fixed similarities, (n_drugs, n_drugs, n_kernels).
        mean, count
            Mean and number of each drug's visible responses, (n_drugs,); a drug with the number 0 contributes nothing.

        Returns
        -------
        Tensor
            (n_drugs, n_drugs), from columns to rows; a drug's level is the sum of its row.
        """
        covariance, observed, known = self._system(kernels, count)
        found = torch.zeros_like(covariance)
        found[:, known] = torch.linalg.solve(observed, covariance[known]).T * mean[known]
        return found

    def source(self, kernels: Tensor, mean: Tensor, count: Tensor) -> tuple[Tensor, float, Tensor]:
        """What the level of a new drug is made of; parameters as in `terms`.

        Returns
        -------
        Tensor
            Weights of the fixed similarities, (n_kernels,).
        float
            Constant that is added to their weighted sum.
        Tensor
            Its level is the product of these sums with this, (n_drugs,).
        """
        _, observed, known = self._system(kernels, count)
        source = torch.zeros_like(mean)
        source[known] = torch.linalg.solve(observed, mean[known])
        weights = functional.softplus(self.weights)
        return weights[:-3], float(weights[-3]), source

    def uncertainty(self, kernels: Tensor, count: Tensor) -> tuple[float, Tensor, Tensor]:
        """What the variance of a level is made of; parameters as in `terms`.

        Returns
        -------
        float
            Variance that a drug has alone.
        Tensor
            Inverse covariance of the observed means, 0 elsewhere: with the covariances k of a new drug and the known
            ones, its level has its own variance less ``k @ inverse @ k``; (n_drugs, n_drugs).
        Tensor
            Variance of the level of each drug, (n_drugs,).
        """
        covariance, observed, known = self._system(kernels, count)
        inverse = torch.zeros_like(covariance)
        inverse[known[:, None], known] = torch.linalg.inv(observed)
        left = covariance.diagonal() - ((covariance @ inverse) * covariance).sum(1)
        return float(functional.softplus(self.weights)[-2]), inverse, left.clamp(min=0)

    def _system(self, kernels: Tensor, count: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Covariance of all drugs, that of the observed means with their noise, and the numbers of these drugs."""
        weights = functional.softplus(self.weights)
        constant, identity, noise = weights[-3:]
        known = torch.nonzero(count).flatten()
        covariance = (
            kernels @ weights[:-3] + constant + identity * torch.eye(len(kernels), device=count.device)
        )
        return covariance, covariance[known][:, known] + torch.diag(noise / count[known]), known


def before_softplus(values: list[float]) -> Tensor:
    """Inverse of softplus, float32 (n_values,)."""
    return torch.log(torch.expm1(torch.tensor(values)))
