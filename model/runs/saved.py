"""Saves a fitted ensemble in a folder and loads it: configuration as JSON, weights as safetensors, graph, pairs.

No file is a pickle. Held-out responses are in the folder only as edges of the graph. A folder has a format number,
which is checked before anything else is read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from pharmagraph.kg import heterograph as graphs
from pharmagraph.kg.errors import InputError, ModelError
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.model.inputs.messages import MessageBuilder, Messages
from pharmagraph.model.inputs.tensors import GraphTensors, network_tensors
from pharmagraph.model.networks.make import make_network
from pharmagraph.model.presets.config import Config
from pharmagraph.model.responses.measured import Responses
from pharmagraph.model.responses.scale import Scale, visible_pairs
from pharmagraph.model.targets.gene_attention import GeneAttention
from pharmagraph.model.training.ensemble import Fitted
from pharmagraph.model.training.member import Member

CONFIG, WEIGHTS, PAIRS, GRAPH = "config.json", "weights.safetensors", "training_pairs.parquet", "graph"
GENE_ATTENTION = "gene_attention.safetensors"
FORMAT = 2
"""Number of the folder's format; raised when files or names of weights change. Folders of format 1 have no number."""


def save(
    fitted: Fitted, heterograph: Heterograph, training: Responses, folder: Path, *, about: dict[str, Any]
) -> None:
    """Write everything that a prediction needs.

    Parameters
    ----------
    fitted
        The ensemble.
    heterograph
        The graph that it was fitted on.
    training
        The pairs that it was fitted to.
    folder
        Made if it is not there.
    about
        Values for JSON, kept beside the configuration: seed, split, metrics and so on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = [WEIGHTS, PAIRS, GRAPH]
    state = {
        f"{i}.{name}": t.detach().cpu().contiguous()
        for i, m in enumerate(fitted.members)
        for name, t in m.network.state_dict().items()
    }
    if fitted.gene_attention is not None:
        gene_attention = {
            f.name: getattr(fitted.gene_attention, f.name).cpu().contiguous() for f in fields(GeneAttention)
        }
        save_file(gene_attention, folder / GENE_ATTENTION)
        files.append(GENE_ATTENTION)
    save_file(state, folder / WEIGHTS)
    members = [{"best_epoch": m.best_epoch, "validation": m.validation} for m in fitted.members]
    text = json.dumps(
        {
            "format": FORMAT,
            "files": files,
            **about,
            "config": fitted.config.model_dump(mode="json"),
            "scale": asdict(fitted.scale),
            "members": members,
        },
        indent=2,
    )
    (folder / CONFIG).write_text(text + "\n")
    columns = {
        "drug": heterograph.names("Drug", training.drug),
        "cell_line": heterograph.names("CellLine", training.cell_line),
        "label": pa.array(training.response),
        "ln_ic50": pa.array(training.ln_ic50),
    }
    pq.write_table(pa.table(columns), folder / PAIRS)
    graphs.save(heterograph, folder / GRAPH)


def load_graph(folder: Path) -> Heterograph:
    """The graph that a run was fitted on.

    Raises
    ------
    ModelError
        If the folder holds no run, a run of another format, or lacks a file, or the graph cannot be read.
    """
    _checked(folder)
    with _reading(folder / GRAPH):
        try:
            return graphs.load(folder / GRAPH)
        except InputError as error:  # it says how to export a graph, which does not help here
            raise ValueError(str(error).partition(";")[0]) from error


def load(folder: Path, heterograph: Heterograph, *, device: str = "cpu") -> Fitted:
    """Read what `save` wrote.

    Parameters
    ----------
    folder
        The run's.
    heterograph
        `load_graph` of the folder. New drugs and cell lines that are to be predicted come after its own.
    device
        ``cpu`` or ``cuda``.

    Raises
    ------
    ModelError
        If the folder holds no run, a run of another format, or lacks a file; if a file cannot be read or has other
        sizes; or if the graph has new drugs or cell lines that the preset's network cannot predict.
    """
    about = _checked(folder)
    with _reading(folder / CONFIG):
        config = Config.model_validate(about["config"])
        scale = Scale(**about["scale"])
        fits = [(int(member["best_epoch"]), float(member["validation"])) for member in about["members"]]
        if not fits:
            raise ValueError("it lists no networks")
    with _reading(folder / WEIGHTS):
        state = load_file(folder / WEIGHTS, device=device)
    tensors = network_tensors(heterograph, config.network).to(device)
    members = []
    for index, (best_epoch, validation) in enumerate(fits):
        network = make_network(tensors, config, scale.task, index)
        prefix = f"{index}."
        _load_state(
            network,
            {k.removeprefix(prefix): t for k, t in state.items() if k.startswith(prefix)},
            config.preset,
        )
        members.append(Member(network.eval(), best_epoch, validation))
    gene_attention = None
    if GENE_ATTENTION in about["files"]:
        with _reading(folder / GENE_ATTENTION):
            gene_attention = GeneAttention(**load_file(folder / GENE_ATTENTION, device=device))
    messages = _messages(tensors, config, scale, _training_pairs(folder, heterograph), gene_attention)
    return Fitted(config, scale, tensors, tuple(members), messages, float("nan"), gene_attention)


def on_graph(fitted: Fitted, folder: Path, heterograph: Heterograph) -> Fitted:
    """The ensemble that `load` read, on another graph of the same nodes; the weights are not read again."""
    tensors = network_tensors(heterograph, fitted.config.network).to(fitted.device)
    training = _training_pairs(folder, heterograph)
    messages = _messages(tensors, fitted.config, fitted.scale, training, fitted.gene_attention)
    return replace(fitted, tensors=tensors, messages=messages)


def _messages(
    tensors: GraphTensors,
    config: Config,
    scale: Scale,
    training: Responses,
    gene_attention: GeneAttention | None,
) -> Messages:
    weight = gene_attention.on(tensors) if gene_attention is not None else None
    builder = MessageBuilder(tensors, config.network, scale.means, weight)
    return builder.build(visible_pairs(training, scale, tensors.device))


def _load_state(network: nn.Module, state: dict[str, Tensor], preset: str) -> None:
    """Load weights; tensors with a row for each drug or cell line get zeros for the new ones."""
    of_entities = _entity_axes(network)
    expected = network.state_dict()
    for name in (*expected, *state):
        if name not in state or name not in expected:
            has = "has no" if name in expected else "has other"
            raise ModelError(
                f'the run {has} weights "{name}", so it was trained by another version; train again: cli train'
            )
    for name, wanted in expected.items():
        have = state[name]
        if have.shape == wanted.shape:
            continue
        axis = of_entities.get(name)
        if axis is not None:
            have, wanted = have.movedim(axis, 0), wanted.movedim(axis, 0)
        if axis is None or have.shape[1:] != wanted.shape[1:] or len(have) > len(wanted):
            raise ModelError(
                f"preset {preset} cannot predict drugs or cell lines that were not in its graph; use the preset default"
            )
        later = have.new_zeros(len(wanted) - len(have), *have.shape[1:])
        state[name] = torch.cat([have, later]).movedim(0, axis)
    network.load_state_dict(state)


def _entity_axes(network: nn.Module) -> dict[str, int]:
    """Name of a tensor that its module lists in ``ENTITY_AXES`` → the axis of its drugs or cell lines."""
    return {
        f"{at}.{name}".removeprefix("."): axis
        for at, module in network.named_modules()
        for name, axis in getattr(module, "ENTITY_AXES", {}).items()
    }


def training_pairs(folder: Path) -> pa.Table:
    """The pairs that a run was fitted to: ``drug``, ``cell_line`` (ids), ``label`` (0 or 1), ``ln_ic50`` (ln µmol/l).

    Raises
    ------
    ModelError
        As `load_graph`.
    """
    _checked(folder)
    with _reading(folder / PAIRS):
        return pq.read_table(folder / PAIRS)


def _training_pairs(folder: Path, heterograph: Heterograph) -> Responses:
    table = training_pairs(folder)
    drug = {str(i): n for n, i in enumerate(heterograph.ids["Drug"])}
    cell_line = {str(i): n for n, i in enumerate(heterograph.ids["CellLine"])}
    with _reading(folder / PAIRS):
        return Responses(
            np.array([drug[i] for i in table["drug"].to_pylist()], np.int64),
            np.array([cell_line[i] for i in table["cell_line"].to_pylist()], np.int64),
            table["label"].to_numpy().astype(np.float32),
            table["ln_ic50"].to_numpy().astype(np.float32),
            len(drug),
            len(cell_line),
        )


def _checked(folder: Path) -> dict[str, Any]:
    """What is in a folder's ``config.json``, once its format and its files are those of a run that can be loaded."""
    if not (folder / CONFIG).is_file():
        raise ModelError(
            f"{folder} holds no trained run (no {CONFIG}); bring it back, or train again: cli train"
        )
    with _reading(folder / CONFIG):
        about: dict[str, Any] = json.loads((folder / CONFIG).read_text())
        found = about.get("format", 1)
        files = [folder / name for name in about["files"]] if found == FORMAT else []
    if found != FORMAT:
        newer = "update pharmagraph, or " if isinstance(found, int) and found > FORMAT else ""
        raise ModelError(
            f"{folder} was written in format {found} of a run's folder, this version reads format {FORMAT}; "
            f"{newer}train again: cli train"
        )
    for file in files:
        if not file.exists():
            raise ModelError(f"{folder} lacks {file.name}; bring it back, or train again: cli train")
    return about


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Say in one line that a file of a run cannot be read, whatever its reader raises."""
    try:
        yield
    except (ModelError, MemoryError):
        raise
    except Exception as error:  # JSON, Parquet, safetensors and pydantic each have errors of their own
        why = (str(error).splitlines() or [""])[0] or type(error).__name__
        raise ModelError(f"{path} cannot be read ({why}); train again: cli train") from error
