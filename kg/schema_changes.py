"""The changes of each schema version against the one before it; no other module knows of former schemas."""

from __future__ import annotations

from dataclasses import dataclass

from pharmagraph.kg import schema


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
class AddKind:
    """A label or a relationship type that exists from a version on."""

    version: int
    of: str

    @property
    def about(self) -> str:
        """One line for the dry run."""
        return f"{self.of} is new"


SchemaChange = AddProperty | RenameProperty | AddKind

CHANGES: tuple[SchemaChange, ...] = (
    AddProperty(2, "ATTENDS", "q"),
    AddProperty(2, "ATTENDS", "stability"),
    AddProperty(2, "ATTENDS", "publications"),
    AddProperty(2, "ATTENDS", "expected_publications"),
    AddProperty(2, "ATTENDS", "publications_p"),
    AddKind(2, "ENRICHED"),
)
"""All changes in order; version 1 is the first and has none."""


def is_node(of: str) -> bool:
    """Whether a change's kind is a label."""
    return any(kind.label == of for kind in schema.NODES)
