"""Options of networks and of their training, and the presets that set them. The comments of `presets/*.yaml` explain
each option."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from importlib import resources
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    ValidationError,
    field_validator,
    model_validator,
)

from pharmagraph.kg.errors import ModelError, UnknownPresetError, shortened
from pharmagraph.model.presets.choices import OMICS, Convolution

PRESETS = ("default", "fast", "drgt", "drgt-nci60", "drgt-gdsc1", "drgt-gdsc2", "drgt-ctrp")

BY_NEIGHBOURS = ("gatv2", "gat", "transformer")
"""Convolutions in which a node's state depends on its own in-neighbours alone."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AdjacencyConfig(_Strict):
    """Sizes of the published network over one adjacency; `drgt.yaml` explains each option."""

    gene_share: float = Field(ge=0, le=1)
    other_genes: float = Field(ge=0, default=0.0)
    input_channels: int = Field(ge=1, le=4096)
    head_channels: tuple[Annotated[int, Field(ge=1, le=4096)], ...] = Field(min_length=1, max_length=64)
    norm: Literal["layer", "batch", "graph"]
    activation: Literal["relu", "gelu"]
    layer_dropout: tuple[float, ...] = Field(min_length=1)
    hidden_layers: int = Field(ge=0, le=64)
    hidden_dropout: float = Field(ge=0, lt=1)
    kernel_width: float = Field(gt=0, default=1.0)
    cell_lines_from_drug_rows: bool = False
    add_means: bool = False

    @model_validator(mode="after")
    def _one_each(self) -> AdjacencyConfig:
        if len(self.head_channels) != len(self.layer_dropout):
            raise ValueError("head_channels and layer_dropout need one number a layer each")
        return self


class NetworkConfig(_Strict):
    """Components and sizes of a network; `default.yaml` explains each option."""

    kind: Literal["relational", "adjacency"]
    conv: Convolution
    omics: tuple[str, ...] | None = None
    relations: tuple[str, ...]
    channels: int = Field(ge=1, le=4096)
    heads: int = Field(ge=1, le=64)
    layers: int = Field(ge=1, le=16)
    relational: bool = True
    dropout: float = Field(ge=0, lt=1)
    attention_dropout: float = Field(ge=0, lt=1)
    identity_channels: int = Field(ge=0, le=1024)
    drug_components: int = Field(ge=1)
    cell_line_components: int = Field(ge=1)
    gene_components: int = Field(ge=1)
    n_expressed_genes: int = Field(ge=0)
    n_screened_genes: int = Field(ge=0)
    n_associated_genes: int = Field(ge=0)
    n_genes_near_targets: int = Field(ge=0)
    axial: bool
    axial_heads: int = Field(ge=1, le=64)
    axial_dropout: float = Field(ge=0, lt=1)
    axial_neighbours: int = Field(ge=1)
    gaussian_process: bool
    process_states: Literal["always", "alternate", "never"] = "always"
    process_genes: bool = False
    gene_part: bool = False
    n_response_genes: int = Field(ge=1, default=50)
    factors: bool = False
    factor_starts: int = Field(ge=1, le=256, default=4)
    factor_rank: int = Field(ge=1, le=1024, default=16)
    adjacency: AdjacencyConfig | None = None

    @property
    def components(self) -> tuple[str, ...]:
        """Names of the components whose outputs are blended into the prediction."""
        if self.kind == "adjacency":
            return ("adjacency",)
        names = ("relational", "axial", "gaussian_process", "factors")
        return tuple(name for name in names if getattr(self, name))

    @property
    def uses_states(self) -> bool:
        """Whether anything reads the node states that the attention layers end with."""
        return self.relational or (self.gaussian_process and self.process_states != "never")

    @property
    def uses_gene_part(self) -> bool:
        """Whether single genes have a part of their own in predictions."""
        return self.kind == "relational" and self.gaussian_process and self.gene_part

    @property
    def uses_gene_attention(self) -> bool:
        """Whether predictions use the attention of drugs to genes that is fitted to known targets."""
        return self.kind == "relational" and self.gaussian_process and self.process_genes

    @field_validator("omics")
    @classmethod
    def _known_omics(cls, omics: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for one in omics or ():
            if one not in OMICS:
                raise ValueError(f'"{shortened(one)}" is no omics; there are {", ".join(OMICS)}')
        return omics

    @field_validator("relations")
    @classmethod
    def _known(cls, relations: tuple[str, ...]) -> tuple[str, ...]:
        from pharmagraph.model.presets.relations import RELATIONS

        for relation in relations:
            if relation not in RELATIONS:
                raise ValueError(
                    f'"{shortened(relation)}" is not a relation; there are {", ".join(RELATIONS)}'
                )
        return relations

    @model_validator(mode="after")
    def _divides(self) -> NetworkConfig:
        if self.channels % self.heads:
            raise ValueError(f"channels {self.channels} cannot be shared by {self.heads} heads")
        if self.kind == "adjacency" and self.adjacency is None:
            raise ValueError('kind adjacency needs the section "adjacency"; copy it from the preset drgt')
        return self


@dataclass(frozen=True)
class Sampling:
    """How a network over one adjacency is trained on drawn neighbours.

    Attributes
    ----------
    neighbours
        Most edges into one node that a step reads, for each layer, the first layer's first; 0 for all.
    block_edges
        Edges that are computed at once where all are needed: for predictions and attention.
    """

    neighbours: tuple[int, ...]
    block_edges: int


class TrainingConfig(_Strict):
    """How networks are fitted; `default.yaml` and `drgt.yaml` explain each option."""

    members: int = Field(ge=1, le=64)
    epochs: int = Field(ge=1, le=100_000)
    patience: int = Field(ge=1)
    validate_every: int = Field(ge=1)
    validation_fraction: float = Field(gt=0, lt=0.5)
    mask_supervision: bool
    chunks: int = Field(ge=1, le=100)
    redraw_chunks: bool = True
    learning_rate: float = Field(gt=0)
    identity_learning_rate: float = Field(gt=0)
    axial_learning_rate: float = Field(gt=0)
    process_learning_rate: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    axial_weight_decay: float = Field(ge=0)
    identity_penalty: float = Field(ge=0)
    drug_bias_penalty: float = Field(ge=0)
    cell_line_bias_penalty: float = Field(ge=0)
    factor_map_penalties: tuple[PositiveFloat, ...] = Field(min_length=1, default=(100.0,))
    untested_weight: float = Field(ge=0)
    untested_pairs: int = Field(ge=0)
    expected_weights: dict[str, float] = Field(default_factory=dict)
    expected_unseen_weights: dict[str, float] | None = None
    regression_weights: dict[Literal["unseen-drug", "unseen-cell", "unseen-both"], dict[str, float]] = Field(
        default_factory=dict
    )
    calibrate: bool = False
    optimiser: Literal["adamw", "adam"] = "adamw"
    clip: float = Field(gt=0)
    precision: Literal[32, "bf16"] = 32
    schedule: Literal["cosine", "constant"]
    neighbours: tuple[Annotated[int, Field(ge=0, lt=2**31)], ...] | None = None
    block_edges: int = Field(ge=1, default=1_000_000)

    @property
    def sampling(self) -> Sampling | None:
        """How neighbours are drawn; None where every step reads the whole graph."""
        return None if self.neighbours is None else Sampling(self.neighbours, self.block_edges)

    @model_validator(mode="after")
    def _enough_chunks(self) -> TrainingConfig:
        if self.mask_supervision and self.chunks < 2:
            raise ValueError("chunks must be 2 or more with mask_supervision: something has to pass messages")
        return self


class TargetsConfig(_Strict):
    """How attention of drugs to genes is fitted to known targets; `default.yaml` explains each option."""

    members: int = Field(ge=1, le=64)
    steps: int = Field(ge=1, le=100_000)
    candidate_genes: int = Field(ge=0)


class Config(_Strict):
    """All options of a run: a preset with the caller's changes.

    If ``targets`` is None, attention to genes is not fitted to known targets: it is that of the network.
    """

    preset: str
    network: NetworkConfig
    training: TrainingConfig
    targets: TargetsConfig | None = None

    @model_validator(mode="after")
    def _can_sample(self) -> Config:
        neighbours, network = self.training.neighbours, self.network
        if neighbours is None:
            return self
        if network.kind != "adjacency" or network.adjacency is None:
            raise ValueError(
                f"training.neighbours needs network.kind adjacency (drgt), not {network.kind}; set it to null"
            )
        if network.adjacency.norm != "layer":
            raise ValueError(
                f"training.neighbours cannot be with network.adjacency.norm {network.adjacency.norm}, which reads all "
                "nodes; set the norm to layer, or the neighbours to null"
            )
        if network.conv not in BY_NEIGHBOURS:
            raise ValueError(
                f"training.neighbours cannot be with network.conv {network.conv}; set it to "
                f"{', '.join(BY_NEIGHBOURS)}, or the neighbours to null"
            )
        n_layers = len(network.adjacency.head_channels)
        if len(neighbours) != n_layers:
            raise ValueError(
                f"training.neighbours has {len(neighbours)} numbers for {n_layers} layers; give one a layer"
            )
        return self

    def for_split(self, split: str) -> Config:
        """The options for a split: without node states in kernels where entities will be unseen (docs/model.md)."""
        return self.with_states("never") if split.startswith("unseen") else self

    def of_member(self, number: int) -> Config:
        """The options of one network of the ensemble, counted from 0: ``alternate`` becomes ``always`` or ``never``."""
        if self.network.process_states != "alternate":
            return self
        return self.with_states("never" if number % 2 else "always")

    def inner_number(self, number: int) -> int:
        """Number of a network's inner fold. Networks 0 and 1, 2 and 3, … share one where they alternate: they are
        compared."""
        return number // 2 if self.network.process_states == "alternate" else number

    def with_states(self, when: str) -> Config:
        """The options with another ``process_states``."""
        return self._with_network(process_states=when)

    def without(self, components: Collection[str]) -> Config:
        """The options of a network that lacks some of its components."""
        return self._with_network(**dict.fromkeys(components, False))

    def _with_network(self, **changes: Any) -> Config:
        return self.model_copy(update={"network": self.network.model_copy(update=changes)})


def load_preset(
    name: str, *, network: dict[str, Any] | None = None, training: dict[str, Any] | None = None
) -> Config:
    """Read a preset and change options.

    Parameters
    ----------
    name
        One of the shipped presets, or the path of a YAML file with the same options. ``drgt`` has its settings for
        NCI-60; `by_dataset.fitting_preset` names the one for a graph's data set.
    network, training
        Options that replace the preset's.

    Raises
    ------
    UnknownPresetError
        If there is no such preset.
    ModelError
        If an option is unknown or missing, or a value is out of its range.
    """
    from pathlib import Path

    import yaml

    dataset = None
    if name in PRESETS:
        file, _, dataset = name.partition("-")
        text = (
            resources.files("pharmagraph.model")
            .joinpath("presets", f"{file}.yaml")
            .read_text(encoding="utf-8")
        )
    elif Path(name).is_file():
        try:
            text = Path(name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise ModelError(f"{name}: not UTF-8 text; give the path of a YAML file") from None
    else:
        raise UnknownPresetError(
            f'no preset "{name}"; there are {", ".join(PRESETS)}, or give the path of a YAML file'
        )
    try:
        options = yaml.safe_load(text)
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", -1) + 1
        raise ModelError(f"{name}, line {line}: not YAML; compare with the shipped presets") from None
    if not isinstance(options, dict):
        raise ModelError(f"{name}: not a list of options; compare with the shipped presets")
    of_dataset = options.pop("by_dataset", {}).get(dataset, {}) if name in PRESETS else {}
    for part, changes in (("network", network), ("training", training)):
        section = options.get(part)
        if isinstance(section, dict):
            _change(section, of_dataset.get(part, {}))
            _change(section, changes or {})
    options["preset"] = name
    try:
        return Config.model_validate(options)
    except ValidationError as error:
        raise ModelError(f"preset {name}: {_first(error)}") from None


def _change(section: dict[str, Any], changes: dict[str, Any]) -> None:
    """Replace options; of a section within it, those that are named."""
    for name, value in changes.items():
        if isinstance(value, dict) and isinstance(section.get(name), dict):
            _change(section[name], value)
        else:
            section[name] = value


def _first(error: ValidationError) -> str:
    """The first of pydantic's complaints as one line."""
    first = error.errors()[0]
    if not first["loc"]:  # of options of several sections, which the message names
        return first["msg"].removeprefix("Value error, ")
    option = shortened(".".join(str(part) for part in first["loc"])) or "options"
    if first["type"] == "extra_forbidden":
        return f'unknown option "{option}"; the options are in the shipped presets'
    if first["type"] == "missing":
        return f'option "{option}" is missing; the options are in the shipped presets'
    return f'option "{option}" is "{shortened(str(first["input"]))}": {first["msg"].removeprefix("Value error, ")}'
