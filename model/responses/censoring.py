"""Bounds of censored responses: which pairs have one, and what a value beyond its bound is expected to be.

The IC50 of a drug that does not kill half of the cells at any tested concentration is known to lie above the highest
one, and nothing more. Taken for the bound itself, a drug looks more potent than it is, and more alike to others. It
enters the fit as in regression with censored normal values (Tobin, Econometrica 26 (1958) 24): losses are the
probability of the value being beyond its bound, and where a value has to stand, as among the responses that others are
predicted from, its expectation given the rest stands (Dempster, Laird and Rubin, J. R. Stat. Soc. B 39 (1977) 1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Bounds:
    """The bounds of responses.

    Attributes
    ----------
    side
        1 where ln IC50 is above ``value``, -1 where it is below, 0 where it is known, int8 (n,).
    value
        Bound in ln(µmol/l), float32 (n,); of no meaning where ``side`` is 0.
    expected
        Whether the responses have expectations in place of these bounds (`training.expectation.with_expected`).
    """

    side: np.ndarray
    value: np.ndarray
    expected: bool = False

    def take(self, rows: np.ndarray) -> Bounds | None:
        """The bounds at some positions, or where a mask is true; None where none of them is one."""
        side = self.side[rows].copy()
        return Bounds(side, self.value[rows].copy(), self.expected) if side.any() else None


def beyond(
    bound: np.ndarray, side: np.ndarray, mean: np.ndarray, deviation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What is expected of a normal value that is known to be beyond a bound.

    Parameters
    ----------
    bound, side
        The value is above the bound where ``side`` is 1, below it where it is -1; (n,).
    mean, deviation
        Of the value before the bound is known, (n,).

    Returns
    -------
    ndarray
        Its mean, (n,).
    ndarray
        Its mean squared distance from ``mean``, (n,).
    """
    from scipy.special import log_ndtr

    standard = side * (bound - mean) / deviation
    hazard = np.exp(-0.5 * standard**2 - 0.5 * np.log(2 * np.pi) - log_ndtr(-standard))
    return mean + side * deviation * hazard, deviation**2 * (1 + standard * hazard)


def tobit_loss(output: Tensor, bound: Tensor, side: Tensor, deviation: float) -> Tensor:
    """−log of the probability that a normal value around an output is beyond its bound, in the unit of both, (n,)."""
    found: Tensor = -torch.special.log_ndtr(side * (output - bound) / deviation)
    return found
