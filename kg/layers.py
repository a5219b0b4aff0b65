"""The kinds of omics that a cell line may have: one entry a layer, from which edges, profiles and ablations follow.

A new kind of omics is a new entry of `LAYERS`, and a step of `kg.schema_changes` for stores that are there already.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pharmagraph.kg.errors import InputError
from pharmagraph.kg.kinds import EdgeKind, Ends, Property

Rule = Literal["strongest", "beyond", "below"]
"""Which values become edges: a share of each cell line's, the farthest from their means; those with a magnitude above a
threshold; or those below a threshold."""


_VALUE = Property("value", "float", "as the source gives it", required=True)


@dataclass(frozen=True)
class Layer:
    """One kind of omics.

    Attributes
    ----------
    name
        As commands, profiles and ablations call it.
    edges, about
        Type of its edges from CellLine, and a sentence for the docs.
    value
        Property of the edges with the value, and of the docs.
    rule, threshold
        Which values become edges.
    standardised
        Whether values are standardised for each feature over the cell lines of a file.
    profile
        Whether all values are kept as profiles, beside the edges.
    features
        Label at the other end of the edges.
    more
        Further properties of its edges.
    relation
        Whether models get its edges as a relation of their own; else they get its profiles alone.
    also
        Other words for it.
    """

    name: str
    edges: str
    about: str
    value: Property = _VALUE
    rule: Rule = "beyond"
    threshold: float = 0.0
    standardised: bool = False
    profile: bool = True
    features: str = "Gene"
    more: tuple[Property, ...] = ()
    relation: bool = False
    also: tuple[str, ...] = ()

    @property
    def ends(self) -> Ends:
        """Labels that its edges join."""
        return ("CellLine", self.features)

    @property
    def option(self) -> str:
        """Its name on the command line."""
        return self.name.replace("_", "-")

    def kind(self, dataset: Property) -> EdgeKind:
        """Its kind of edges."""
        return EdgeKind(self.edges, (self.ends,), self.about, (self.value, *self.more, dataset))


_Z = Property("z", "float", "signed z score over cell lines", "standard deviations", required=True)
_EVENT = (
    Property("driver", "boolean", "whether the source lists it as a driver of cancer"),
    Property("event", "string", "name of the driver event: mutation, fusion or recurrent segment"),
)

LAYERS = (
    Layer(
        "expression", "EXPRESSES", "Expression far from the gene's mean over cell lines.", _Z,
        rule="strongest", standardised=True, relation=True,
    ),
    Layer(
        "mutation", "MUTATED", "A mutation of the gene in the cell line.",
        profile=False, more=_EVENT, relation=True, also=("mutated",),
    ),
    Layer("copy_number", "COPY_NUMBER", "A copy number away from the diploid.", more=_EVENT, relation=True),
    Layer("methylation", "METHYLATED", "Promoter methylation of the gene.", relation=True, also=("methylated",)),
    Layer(
        "dependency", "DEPENDS_ON", "The effect on the cell line's growth of knocking the gene out by CRISPR.",
        Property(
            "effect", "float", "gene effect: 0 none, -1 the median of common essential genes", required=True
        ),
        rule="below", threshold=-0.5, relation=True, also=("crispr",),
    ),
    Layer("hotspot", "HOTSPOT_MUTATED", "A mutation of the gene at a recurrent place, in the cell line."),
    Layer(
        "proteomics", "PROTEIN_LEVEL", "Amount of the gene's protein far from its mean over cell lines.", _Z,
        rule="strongest", standardised=True,
    ),
    Layer(
        "metabolomics", "METABOLITE_LEVEL", "Amount of the metabolite far from its mean over cell lines.", _Z,
        rule="strongest", standardised=True, features="Metabolite",
    ),
)  # fmt: skip
"""All layers."""


def layer(name: str) -> Layer:
    """The layer of a name.

    Raises
    ------
    InputError
        If there is none; it names those there are.
    """
    asked = name.strip().lower().replace("-", "_")
    for one in LAYERS:
        if asked in (one.name, *one.also):
            return one
    raise InputError(f'no layer "{name}"; there are {", ".join(one.name for one in LAYERS)}')
