"""Where the last step of learning on some responses left the solver, so that the next one begins there."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass
class LastStep:
    """The solution of the Gaussian process in the last step on the same responses; a step replaces it.

    From step to step kernels change little, so that fewer iterations lead from one solution to the next. It does not
    hold for the solution of the backward pass, whose right-hand side is another one in every step.

    Attributes
    ----------
    solution
        Of the responses, (n_cell_lines, n_drugs); None before the first step.
    """

    solution: Tensor | None = None
