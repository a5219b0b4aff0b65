"""Saves a fitted ensemble in a folder and loads it: configuration as JSON, weights as safetensors, graph, pairs.

No file is a pickle. Held-out responses are in the folder only as edges of the graph. The folder's files and format are
those of `runs.folder`.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from pharmagraph.kg import heterograph as graphs
from pharmagraph.kg.errors import InputError, ModelError, shortened
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.model.certainty.certainty import Certainty
from pharmagraph.model.inputs.messages import Messages
from pharmagraph.model.inputs.tensors import GraphTensors, network_tensors
from pharmagraph.model.networks.make import blank_network
from pharmagraph.model.predictor.reading import writing
from pharmagraph.model.presets.choices import Task
from pharmagraph.model.presets.config import Config
from pharmagraph.model.responses.measured import Responses
from pharmagraph.model.responses.scale import Scale, visible_pairs
from pharmagraph.model.runs import freeze, process_starts
from pharmagraph.model.runs.folder import (
    CONFIG,
    FORMAT,
    GENE_ATTENTION,
    GRAPH,
    PAIRS,
    WEIGHTS,
    checked,
    reading,
    training_pairs,
)
from pharmagraph.model.targets.gene_attention import GeneAttention, as_predicted, message_builder
from pharmagraph.model.training.fitted import Fitted, Member


def save(
    fitted: Fitted,
    heterograph: Heterograph,
    training: Responses,
    folder: Path,
    *,
    about: dict[str, Any],
    certainty: Certainty | None = None,
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
    certainty
        How sure its predictions are; None where that could not be measured.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = [WEIGHTS, PAIRS, GRAPH]
    state = {
        f"{i}.{name}": t.detach().cpu().contiguous()
        for i, m in enumerate(fitted.members)
        for name, t in m.network.state_dict().items()
    }
    if freeze.can_freeze(fitted):
        files.append(freeze.save(fitted, folder))
    if fitted.gene_attention is not None:
        gene_attention = {
            f.name: getattr(fitted.gene_attention, f.name).cpu().contiguous() for f in fields(GeneAttention)
        }
        with writing(folder / GENE_ATTENTION):
            save_file(gene_attention, folder / GENE_ATTENTION)
        files.append(GENE_ATTENTION)
    if (of_process := process_starts.save(fitted, folder)) is not None:
        files.append(of_process)
    if certainty is not None:
        files.append(certainty.save(folder))
    with writing(folder / WEIGHTS):
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
    (folder / CONFIG).write_text(text + "\n", encoding="utf-8")
    columns = {
        "drug": heterograph.names("Drug", training.drug),
        "cell_line": heterograph.names("CellLine", training.cell_line),
        "label": pa.array(training.response),
        "ln_ic50": pa.array(training.ln_ic50),
    }
    if (bounds := training.bounds) is not None:
        side = pa.array(["above", "below"]).take(pa.array(bounds.side < 0, pa.int8(), mask=bounds.side == 0))
        columns |= {"censored": side, "bound": pa.array(bounds.value, mask=bounds.side == 0)}
    pq.write_table(pa.table(columns), folder / PAIRS)
    graphs.save(heterograph, folder / GRAPH)
    for path in folder.glob("*.safetensors"):  # whose writer lets nobody else read them
        shutil.copymode(folder / CONFIG, path)


def load_graph(folder: Path) -> Heterograph:
    """The graph that a run was fitted on.

    Raises
    ------
    ModelError
        If the folder holds no run, a run of another format, or lacks a file, or the graph cannot be read.
    """
    checked(folder)
    with reading(folder / GRAPH):
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
    about = checked(folder)
    with reading(folder / CONFIG):
        config = Config.model_validate(about["config"])
        scale = Scale(**about["scale"])
        fits = [(int(member["best_epoch"]), float(member["validation"])) for member in about["members"]]
        if scale.task not in get_args(Task):
            raise ValueError(f"task {scale.task!r} is none of {', '.join(get_args(Task))}")
        if not fits:
            raise ValueError("it lists no networks")
    with reading(folder / WEIGHTS):
        state = load_file(folder / WEIGHTS, device=device)
        if not all(bool(torch.isfinite(t).all()) for t in state.values() if t.is_floating_point()):
            raise ValueError("a weight is no finite number")
        known = {str(index) for index in range(len(fits))}
        if foreign := [name for name in state if name.partition(".")[0] not in known]:
            raise ValueError(f'it has weights "{shortened(foreign[0])}" of no network')
    tensors = _tensors(folder, heterograph, config).to(device)
    members = []
    for index, (best_epoch, validation) in enumerate(fits):
        network = blank_network(tensors, config, scale.task, index)
        prefix = f"{index}."
        _load_state(
            network,
            {k.removeprefix(prefix): t for k, t in state.items() if k.startswith(prefix)},
            config.preset,
        )
        members.append(Member(network.eval(), best_epoch, validation))
    if process_starts.FILE in about["files"]:
        process_starts.give(folder, members, tensors)
    gene_attention = None
    if GENE_ATTENTION in about["files"]:
        with reading(folder / GENE_ATTENTION):
            gene_attention = GeneAttention(**load_file(folder / GENE_ATTENTION, device=device))
    messages = _messages(tensors, config, scale, _training_pairs(folder, heterograph), gene_attention)
    return Fitted(config, scale, tensors, tuple(members), messages, float("nan"), gene_attention)


def on_graph(fitted: Fitted, folder: Path, heterograph: Heterograph) -> Fitted:
    """The ensemble that `load` read, on another graph of the same nodes; the weights are not read again."""
    tensors = _tensors(folder, heterograph, fitted.config).to(fitted.device)
    training = _training_pairs(folder, heterograph)
    messages = _messages(tensors, fitted.config, fitted.scale, training, fitted.gene_attention)
    return replace(fitted, tensors=tensors, messages=messages)


def _tensors(folder: Path, heterograph: Heterograph, config: Config) -> GraphTensors:
    """`network_tensors`; refuses a graph whose values make no finite tensors, as damaged features do."""
    unread = f"{folder / GRAPH} cannot be read (a feature is no finite number); train again: cli train"
    try:
        found = network_tensors(heterograph, config.network)
    except torch.linalg.LinAlgError:  # type: ignore[attr-defined]  # principal components of what is no number
        raise ModelError(unread) from None
    values = (getattr(found, field.name) for field in fields(GraphTensors))
    if not all(bool(v.isfinite().all()) for v in values if isinstance(v, Tensor) and v.is_floating_point()):
        raise ModelError(unread)
    return found


def _messages(
    tensors: GraphTensors,
    config: Config,
    scale: Scale,
    training: Responses,
    gene_attention: GeneAttention | None,
) -> Messages:
    builder = message_builder(tensors, config.network, scale.means, gene_attention)
    return as_predicted(
        builder.build(visible_pairs(training, scale, tensors.device)), tensors, gene_attention
    )


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


def _training_pairs(folder: Path, heterograph: Heterograph) -> Responses:
    table = training_pairs(folder)
    drug = {str(i): n for n, i in enumerate(heterograph.ids["Drug"])}
    cell_line = {str(i): n for n, i in enumerate(heterograph.ids["CellLine"])}
    with reading(folder / PAIRS):
        return Responses(
            np.array([drug[i] for i in table["drug"].to_pylist()], np.int64),
            np.array([cell_line[i] for i in table["cell_line"].to_pylist()], np.int64),
            table["label"].to_numpy().astype(np.float32),
            table["ln_ic50"].to_numpy().astype(np.float32),
            len(drug),
            len(cell_line),
        )
