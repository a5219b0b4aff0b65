"""Keeps the solutions of a run's Gaussian processes in its folder, so that no command solves them again.

A solution is where the solver begins: with the same responses it is found to be one, and a new drug or cell line,
which has no response, changes nothing in it. A file with other numbers costs iterations and changes no prediction by
more than the solver's tolerance.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from pharmagraph.model.inputs.tensors import GraphTensors
from pharmagraph.model.networks.default import RelationalNetwork
from pharmagraph.model.networks.gaussian_process import GaussianProcessComponent
from pharmagraph.model.runs.folder import reading
from pharmagraph.model.runtime import reproducible
from pharmagraph.model.training.fitted import Fitted, Member

FILE = "process.safetensors"


@reproducible()
@torch.inference_mode()
def save(fitted: Fitted, folder: Path) -> str | None:
    """Write the solution of each network whose process has a part in predictions; the file's name if there is one."""
    found = {}
    for number, member in enumerate(fitted.members):
        network = member.network
        if (process := _process(member)) is not None and isinstance(network, RelationalNetwork):
            states, _ = network.states(fitted.tensors, fitted.messages)
            solution = process.solution(fitted.tensors, states, fitted.messages)
            found[str(number)] = solution.cpu().contiguous()
    if not found:
        return None
    save_file(found, folder / FILE)
    return FILE


def give(folder: Path, members: Sequence[Member], tensors: GraphTensors) -> None:
    """Let each process begin at its solution, with zeros for new drugs and cell lines.

    Raises
    ------
    ModelError
        If the file cannot be read, or holds other tables than those of the run's networks.
    """
    device = tensors.drug_kernels.device
    with reading(folder / FILE):
        for name, table in load_file(folder / FILE, device=str(device)).items():
            process = _process(members[int(name)]) if name in map(str, range(len(members))) else None
            if process is None:
                raise ValueError(f'"{name}" is no network with a Gaussian process')
            n_cell_lines, n_drugs = tensors.n_cell_lines, tensors.n_drugs
            if table.dim() != 2 or table.shape[0] > n_cell_lines or table.shape[1] > n_drugs:
                raise ValueError(
                    f"a solution of {tuple(table.shape)} is not of {n_cell_lines} cell lines, {n_drugs} drugs"
                )
            if table.dtype != torch.float32 or not bool(torch.isfinite(table).all()):
                raise ValueError("a solution has numbers that are not finite, or of another type")
            start = table.new_zeros(n_cell_lines, n_drugs)
            start[: table.shape[0], : table.shape[1]] = table
            process.start = start


def _process(member: Member) -> GaussianProcessComponent | None:
    """The process of a network; None where it has no part in predictions."""
    network = member.network
    if not isinstance(network, RelationalNetwork) or network.gaussian_process is None:
        return None
    weights = dict(zip(network.components, network.component_weights.tolist(), strict=True))
    return network.gaussian_process if weights["gaussian_process"] else None
