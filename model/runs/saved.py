"""A fitted ensemble in a folder and back: configuration as JSON, weights as safetensors, its graph and training pairs.

Nothing in the folder is a pickle of ours, and nothing held out is in it but as a part of the graph.
"""

from __future__ import annotations

import json
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
from pharmagraph.kg.errors import ModelError
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


def save(
    fitted: Fitted, heterograph: Heterograph, training: Responses, folder: Path, *, about: dict[str, Any]
) -> None:
    """Write all that a prediction needs.

    Parameters
    ----------
    fitted, heterograph, training
        The ensemble, what it was fitted on, and the pairs.
    folder
        Made where it is not there.
    about
        Kept beside the configuration: seed, split, metrics and so on.
    """
    folder.mkdir(parents=True, exist_ok=True)
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
    save_file(state, folder / WEIGHTS)
    members = [{"best_epoch": m.best_epoch, "validation": m.validation} for m in fitted.members]
    text = json.dumps(
        {
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
    """The graph a run was fitted on.

    Raises
    ------
    ModelError
        If the folder is not that of a run.
    """
    if not (folder / CONFIG).is_file() or not (folder / WEIGHTS).is_file():
        raise ModelError(
            f"{folder} holds no trained run ({CONFIG} and {WEIGHTS}); bring it back, or train again: cli train"
        )
    return graphs.load(folder / GRAPH)


def load(folder: Path, heterograph: Heterograph, *, device: str = "cpu") -> Fitted:
    """Read what `save` wrote.

    Parameters
    ----------
    folder
        Of a run.
    heterograph
        `load_graph` of it, with drugs or cell lines added after its own where some are to be predicted.
    device
        ``cpu`` or ``cuda``.

    Raises
    ------
    ModelError
        If a file is missing or of other sizes, or new entities are asked of a network that has none.
    """
    about = json.loads((folder / CONFIG).read_text())
    config = Config.model_validate(about["config"])
    tensors = network_tensors(heterograph, config.network).to(device)
    scale = Scale(**about["scale"])
    state = load_file(folder / WEIGHTS, device=device)
    members = []
    for index, member in enumerate(about["members"]):
        network = make_network(tensors, config, scale.task, index)
        prefix = f"{index}."
        _load_state(
            network,
            {k.removeprefix(prefix): t for k, t in state.items() if k.startswith(prefix)},
            config.preset,
        )
        members.append(Member(network.eval(), member["best_epoch"], member["validation"]))
    gene_attention = (
        GeneAttention(**load_file(folder / GENE_ATTENTION, device=device))
        if (folder / GENE_ATTENTION).is_file()
        else None
    )
    messages = _messages(tensors, config, scale, _training_pairs(folder, heterograph), gene_attention)
    return Fitted(config, scale, tensors, tuple(members), messages, float("nan"), gene_attention)


def on_graph(fitted: Fitted, folder: Path, heterograph: Heterograph) -> Fitted:
    """What `load` read, on another graph of the same nodes: the networks are not read again."""
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
    """Load weights; tensors with a place for each drug or cell line get zeros for those that came later."""
    of_entities = _entity_axes(network)
    for name, wanted in network.state_dict().items():
        if name not in state:
            raise ModelError(
                f'the run has no "{name}", it was trained by another version; train again: cli train'
            )
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
    """Name of a tensor that its module has in ``ENTITY_AXES`` → the axis on which drugs or cell lines have places."""
    return {
        f"{at}.{name}".removeprefix("."): axis
        for at, module in network.named_modules()
        for name, axis in getattr(module, "ENTITY_AXES", {}).items()
    }


def _training_pairs(folder: Path, heterograph: Heterograph) -> Responses:
    table = pq.read_table(folder / PAIRS)
    drug = {str(i): n for n, i in enumerate(heterograph.ids["Drug"])}
    cell_line = {str(i): n for n, i in enumerate(heterograph.ids["CellLine"])}
    return Responses(
        np.array([drug[i] for i in table["drug"].to_pylist()], np.int64),
        np.array([cell_line[i] for i in table["cell_line"].to_pylist()], np.int64),
        table["label"].to_numpy().astype(np.float32),
        table["ln_ic50"].to_numpy().astype(np.float32),
        len(drug),
        len(cell_line),
    )
