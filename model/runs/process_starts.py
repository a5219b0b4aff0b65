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
from pharmagraph.model.predictor.reading import reading, writing
from pharmagraph.model.runtime import reproducible
from pharmagraph.model.training.fitted import Fitted, Member

FILE = "process.safetensors"


@reproducible()
@torch.inference_mode()
def save(fitted: Fitted, folder: Path) -> str | None:
    """Write the solution of each network whose process has a part in predictions; the file's name if there is one."""
    found = {}
    for number, member in enumerate(fitted.members):
        if (there := member.process()) is not None:
            network, process = there
            states, _ = network.states(fitted.tensors, fitted.messages)
            solution = process.solution(fitted.tensors, states, fitted.messages)
            found[str(number)] = solution.cpu().contiguous()
    if not found:
        return None
    with writing(folder / FILE):
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
    there = ((str(number), member.process()) for number, member in enumerate(members))
    processes = {number: both[1] for number, both in there if both is not None}
    with reading(folder / FILE):
        for name, table in load_file(folder / FILE, device=str(device)).items():
            if name not in processes:
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
            processes[name].start = start
