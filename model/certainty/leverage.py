r"""How much the training pairs say about any pair: the posterior variance of the Gaussian process.

The covariance is the Kronecker product of a cell-line and a drug kernel. The noise of an observation is the inverse of
its precision, which differs from pair to pair, so that no eigenbasis diagonalises both. Here the precision of a pair is
replaced by the product of its row's and its column's mean precision over the overall mean. Then

.. math:: v(c, d) = k_{cc} k_{dd} - \sum_{ij} \frac{(k_c^\top u_i)^2 (k_d^\top v_j)^2}{\lambda_i \mu_j + 1}

is exact, with the generalised eigenvectors u and v of both kernels. It is exact in the original problem where
precisions are such products, as where every pair was measured; a test states how far it is off elsewhere. The term of
single genes is left out. The variance is a scale to compare pairs by: `intervals` turns it into coverage.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Leverage:
    """The posterior variance of pairs of any entities, by their kernel rows.

    Attributes
    ----------
    basis_c, basis_d
        Generalised eigenvectors, rows of entities without observations being 0, (n_cell_lines, n_c) and (n_drugs, n_d).
    shrink
        1 over one plus the product of eigenvalues, (n_c, n_d).
    """

    basis_c: Array
    basis_d: Array
    shrink: Array

    @classmethod
    def of(cls, kernel_c: Array, kernel_d: Array, precision: Array) -> Leverage:
        """From both kernels, (n, n), and the precisions of observations, 0 where none, (n_cell_lines, n_drugs)."""
        rows, columns = np.flatnonzero(precision.any(1)), np.flatnonzero(precision.any(0))
        of_pairs = precision[np.ix_(rows, columns)].astype(np.float64)
        mean = of_pairs.mean() if of_pairs.size else 1.0
        value_c, basis_c = _eigen(kernel_c, rows, of_pairs.mean(1))
        value_d, basis_d = _eigen(kernel_d, columns, of_pairs.mean(0) / mean)
        return cls(basis_c, basis_d, (1 / (np.outer(value_c, value_d) + 1)).astype(np.float32))

    def variance(self, rows_c: Array, own_c: Array, rows_d: Array, own_d: Array) -> Array:
        """Posterior variance of every pair, in squares of the process's unit, (n_asked_cell_lines, n_asked_drugs).

        Parameters
        ----------
        rows_c, rows_d
            Covariances of the entities that are asked for with those of the run, (n_asked, n).
        own_c, own_d
            Covariance of each with itself, (n_asked,).
        """
        known = (rows_c @ self.basis_c) ** 2 @ self.shrink @ ((rows_d @ self.basis_d) ** 2).T
        found: Array = np.maximum(np.outer(own_c, own_d) - known, 0)
        return found

    def arrays(self) -> dict[str, Array]:
        """What `from_arrays` reads."""
        return {"basis_c": self.basis_c, "basis_d": self.basis_d, "shrink": self.shrink}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> Leverage:
        """From `arrays`."""
        return cls(arrays["basis_c"], arrays["basis_d"], arrays["shrink"])


def _eigen(
    kernel: Array, at: npt.NDArray[np.int64], precision: npt.NDArray[np.float64]
) -> tuple[Array, Array]:
    """Eigenvalues of a kernel in units of the noise, and its generalised eigenvectors, (n,) and (n_all, n)."""
    root = np.sqrt(precision)
    values, vectors = np.linalg.eigh(root[:, None] * kernel[np.ix_(at, at)].astype(np.float64) * root)
    basis = np.zeros((len(kernel), len(at)), np.float32)
    basis[at] = root[:, None] * vectors
    return np.maximum(values, 0).astype(np.float32), basis
