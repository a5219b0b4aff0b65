"""The changes of each schema version against the one before it; no other module knows of former schemas."""

from __future__ import annotations

from dataclasses import dataclass

from pharmagraph.kg import schema
from pharmagraph.kg.kinds import Ends


@dataclass(frozen=True)
class AddProperty:
    """A property that a kind has from a version on; it is null in rows that were stored before."""

    version: int
    of: str
    name: str

    @property
    def about(self) -> str:
        """One line for the dry run."""
        return f"{self.of} gets the property {self.name}"


@dataclass(frozen=True)
class FillProperty:
    """A property of edges between two labels that is null no more from a version on.

    Attributes
    ----------
    value
        What it was understood to be where it was null.
    """

    version: int
    of: str
    ends: Ends
    name: str
    value: str

    @property
    def about(self) -> str:
        """One line for the dry run."""
        return (
            f"{self.of}.{self.name} from {self.ends[0]} to {self.ends[1]} is {self.value} where it is empty"
        )


@dataclass(frozen=True)
class RenameProperty:
    """A property that has another name from a version on; its values are kept."""

    version: int
    of: str
    old: str
    name: str

    @property
    def about(self) -> str:
        """One line for the dry run."""
        return f"{self.of}.{self.old} becomes {self.of}.{self.name}"


@dataclass(frozen=True)
class ReplaceProperty:
    """A property that takes the place of another from a version on: its values are told from the old ones.

    Attributes
    ----------
    value
        Cypher, the new value of a node or edge ``x`` whose old value is not null.
    """

    version: int
    of: str
    old: str
    name: str
    value: str

    @property
    def about(self) -> str:
        """One line for the dry run."""
        return f"{self.of}.{self.name} takes the place of {self.of}.{self.old}"


@dataclass(frozen=True)
class AddKind:
    """A label or a relationship type that exists from a version on."""

    version: int
    of: str

    @property
    def about(self) -> str:
        """One line for the dry run."""
        return f"{self.of} is new"


SchemaChange = AddProperty | FillProperty | RenameProperty | ReplaceProperty | AddKind

CHANGES: tuple[SchemaChange, ...] = (
    AddProperty(2, "ATTENDS", "q"),
    AddProperty(2, "ATTENDS", "stability"),
    AddProperty(2, "ATTENDS", "publications"),
    AddProperty(2, "ATTENDS", "expected_publications"),
    AddProperty(2, "ATTENDS", "publications_p"),
    AddKind(2, "ENRICHED"),
    ReplaceProperty(
        3,
        "Run",
        "layer",
        "gene_attention",
        "CASE WHEN x.layer STARTS WITH 'targets' THEN 'targets' ELSE 'network' END",
    ),
    AddProperty(3, "Run", "unused_attention"),
    AddProperty(4, "Gene", "ensembl_id"),
    AddProperty(4, "Gene", "aliases"),
    AddProperty(4, "Gene", "common_essential"),
    AddProperty(4, "Gene", "selective"),
    AddProperty(4, "Gene", "expression_mean"),
    AddProperty(4, "Gene", "expression_deviation"),
    AddProperty(4, "CellLine", "passport_id"),
    AddProperty(4, "CellLine", "ccle_name"),
    AddProperty(4, "CellLine", "problem"),
    AddProperty(4, "CellLine", "msi"),
    AddProperty(4, "MUTATED", "driver"),
    AddProperty(4, "MUTATED", "event"),
    AddProperty(4, "COPY_NUMBER", "driver"),
    AddProperty(4, "COPY_NUMBER", "event"),
    AddKind(4, "HOMOLOGOUS"),
    AddKind(4, "DEPENDS_ON"),
    AddKind(5, "GenePanel"),
    AddKind(5, "OmicsProfile"),
    AddProperty(6, "ATTENDS", "objective"),
    AddProperty(6, "ATTENDS", "feature"),
    AddProperty(6, "ATTENDS", "effect"),
    FillProperty(6, "ATTENDS", ("Drug", "Gene"), "objective", "target"),
    AddProperty(7, "TESTED_ON", "censored"),
    AddProperty(7, "TESTED_ON", "e_inf"),
    AddProperty(7, "TESTED_ON", "hill"),
    AddProperty(7, "TESTED_ON", "r2"),
    AddProperty(7, "TESTED_ON", "flags"),
    AddProperty(7, "Drug", "parent_inchikey"),
    AddKind(8, "Ingest"),
    AddKind(8, "Metabolite"),
    AddKind(8, "HOTSPOT_MUTATED"),
    AddKind(8, "PROTEIN_LEVEL"),
    AddKind(8, "METABOLITE_LEVEL"),
    AddProperty(8, "Dataset", "marked"),
    AddProperty(8, "OmicsProfile", "gone"),
    AddProperty(8, "SIMILAR_TO", "gone"),
    AddProperty(8, "TARGETS", "gone"),
    AddProperty(8, "EXPRESSES", "gone"),
    AddProperty(8, "MUTATED", "gone"),
    AddProperty(8, "COPY_NUMBER", "gone"),
    AddProperty(8, "METHYLATED", "gone"),
    AddProperty(8, "TESTED_ON", "gone"),
    AddProperty(8, "INTERACTS_WITH", "gone"),
    AddProperty(8, "HOMOLOGOUS", "gone"),
    AddProperty(8, "DEPENDS_ON", "gone"),
    AddProperty(8, "MEMBER_OF", "gone"),
    AddProperty(9, "PREDICTED", "calibrated"),
    AddProperty(9, "PREDICTED", "level"),
)
"""All changes in order; version 1 is the first and has none."""


def is_node(of: str) -> bool:
    """Whether a change's kind is a label."""
    return any(kind.label == of for kind in schema.NODES)
