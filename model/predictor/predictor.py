r"""Predicts pairs from a run's arrays: known drugs and cell lines, new ones, and known ones with a gene changed.

The prediction of a pair is a table that the run keeps. An entity that is new, or changed, has another row of
similarities :math:`e` than any in the table; with the solution S of the Gaussian process of a member,

.. math:: f(c, d) = k_c^\top S k_d + e_c^\top S k_d + k_c^\top S e_d + e_c^\top S e_d,

where k is the row of a known entity, 0 for a new one. The factorisation is evaluated from the entity's components. What
the run was trained on stays as it is: a changed cell line does not change what was learned from its responses.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from safetensors import safe_open

from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.heterograph.arrays import SavedArrays
from pharmagraph.model.inputs.changes import Change, require_float32
from pharmagraph.model.predictor.asked_for import Entity, Parts, Side
from pharmagraph.model.predictor.features import Features, Floats, Omics
from pharmagraph.model.predictor.frozen import Units
from pharmagraph.model.predictor.gene_part import GenePart
from pharmagraph.model.predictor.reading import reading

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE = "predictor.safetensors"
GENE_ATTENTION = "gene_attention.safetensors"


class Predictor(Units):
    """The arrays of a run's folder that predictions need.

    Parameters
    ----------
    folder
        The run's.
    graph
        The run's.

    Raises
    ------
    ModelError
        If a file cannot be read.
    """

    def __init__(self, folder: Path, graph: SavedArrays) -> None:
        self.path = folder / FILE
        with reading(self.path):
            opened: Any = safe_open(self.path, framework="numpy")
            self._file: Any = opened
            about = json.loads(self._file.metadata()["about"])
        super().__init__(about)
        self._require_shape(graph)
        attention = folder / GENE_ATTENTION
        self.features = Features(graph, _Constants(self), attention if attention.is_file() else None)

    @staticmethod
    def of(folder: Path, graph: SavedArrays) -> Predictor | None:
        """A run's predictor; None where its components cannot do without the network."""
        return Predictor(folder, graph) if (folder / FILE).is_file() else None

    def _require_shape(self, graph: SavedArrays) -> None:
        """Refuse arrays of another run, or a list of nodes that is not whole: each would be taken for its neighbour."""
        with reading(self.path):
            n_cell_lines, n_drugs = self._file.get_slice("logit").get_shape()
            found = (len(graph.ids("Drug")), len(graph.ids("CellLine")))
        if found != (n_drugs, n_cell_lines):
            raise ModelError(
                f"{self.path} is of {n_drugs} drugs and {n_cell_lines} cell lines, and the run's graph has {found[0]} "
                f"and {found[1]}; bring back the files of one run, or train again: cli train"
            )

    def ids(self, kind: str) -> list[str]:
        """Ids of the run's drugs, or cell lines (``cell_line``)."""
        return self.features.drugs if kind == "drug" else self.features.cell_lines

    def array(self, name: str) -> Floats:
        """An array by name."""
        with reading(self.path):
            values: Floats = self._file.get_tensor(name)
        return values

    def was_measured(self, drugs: Sequence[Entity], cell_lines: Sequence[Entity]) -> npt.NDArray[np.bool_]:
        """Whether the run was trained on each pair, (n_cell_lines, n_drugs)."""
        of_drugs, of_cell_lines = Side(drugs), Side(cell_lines)
        with reading(self.path):
            measured = self.array("measured")[np.ix_(of_cell_lines.at, of_drugs.at)] > 0
        found: npt.NDArray[np.bool_] = measured & np.outer(of_cell_lines.known, of_drugs.known)
        return found

    def parts(self, drug: int, cell_line: int) -> Parts:
        """The output for a drug and a cell line of the run, as a sum."""
        with reading(self.path):
            slope = sum(member["slope"] for member in self.members) / len(self.members)
            intercept = sum(member["intercept"] for member in self.members) / len(self.members)
            of_drug, of_cell_line = (
                slope * float(self.array(name)[at])
                for name, at in (("drug_offset", drug), ("cell_line_offset", cell_line))
            )
            of_drug += intercept
            for number, member in enumerate(self.members):
                if member["gaussian_process"]:
                    constant = float(self.array(f"{number}/constants")[drug])
                    of_drug += member["slope"] * member["gaussian_process"] * constant / len(self.members)
            effects = values = np.empty(0)
            gene = kind = np.empty(0, np.int64)
            if (part := self.gene_part) is not None:
                at = np.flatnonzero(of_part := part.effects(np.array([drug]))[0])
                gene, kind, effects = part.gene[at], part.kind[at], of_part[at]
                values = part.values(self.features.omics(cell_line))[at].astype(np.float64)
            output = float(self._known[cell_line, drug])
        return Parts(output, of_drug, of_cell_line, gene, kind, values, effects)

    def in_units(self, output: float) -> float:
        """A part of the output as a part of the prediction's sum: logits stay, the others become ln µmol/l."""
        return output if self.task == "classification" else -output * self._deviation

    @property
    def mean(self) -> float:
        """What is added to the sum of all parts: the mean ln IC50 of the training pairs, or nothing for logits."""
        return 0.0 if self.task == "classification" else self._mean

    @cached_property
    def gene_part(self) -> GenePart | None:
        """What single genes add to predictions; None where the run's networks have no gene part."""
        if "genes/effect" not in self._file.keys():  # noqa: SIM118  (no mapping)
            return None
        return GenePart(self.array, len(self.members))

    @cached_property
    def _known(self) -> Floats:
        return self.array("logit")

    def new_drug(self, smiles: str) -> Entity:
        """A drug that is not in the run's graph, by its structure."""
        return self.new_drugs([smiles])[0]

    def new_drugs(self, smiles: Sequence[str]) -> list[Entity]:
        """Several of them: their similarities are made together."""
        if not smiles:
            return []
        with reading(self.path):
            views = self.features.views(smiles)
            similarities, structure = self.features.drug_similarities(views), self.features.structure(views)
            overlaps = self.features.new_overlaps(similarities) if self._uses_genes else [None] * len(smiles)
            effects = (
                [None] * len(smiles)
                if self.gene_part is None
                else self.gene_part.of_new_drugs(similarities, self.features)
            )
        return [
            Entity(None, *of_one) for of_one in zip(similarities, overlaps, structure, effects, strict=True)
        ]

    def new_cell_line(self, z: Mapping[str, float]) -> Entity:
        """A cell line that is not in the run's graph, by its expression (gene symbol → standard deviations)."""
        with reading(self.path):
            omics = self.features.new_omics(z)
            values = None if self.gene_part is None else self.gene_part.values(omics)
            return Entity(
                None, self.features.cell_line_similarities(omics, new=True), None, omics.expression, values
            )

    def changed(self, drug: int, cell_line: int, change: Change, gene: int) -> tuple[Entity, Entity]:
        """A drug and a cell line of the run, with one change of the drug's targets or of the cell line's genes.

        Parameters
        ----------
        gene
            Number of the gene; that of another gene than the change's makes a null.

        Raises
        ------
        ModelError
            If there is nothing to change.
        """
        return self.changed_together(drug, cell_line, [(change, gene)])

    def changed_together(
        self, drug: int, cell_line: int, changes: Sequence[tuple[Change, int]]
    ) -> tuple[Entity, Entity]:
        """The same with several changes at once, each with the number of its gene; errors as of `changed`."""
        with reading(self.path):
            before = after = self.features.omics(cell_line)
            of_targets = [one for one in changes if one[0].kind == "target"]
            for change, gene in changes:
                if change.kind != "target":
                    value = self._value(change, gene)
                    what = "z" if change.kind == "expression" else "value"
                    require_float32(f"{what} of {change.gene}", value)
                    after = self.features.changed(after, change.kind, gene, value)
            line = Entity(cell_line) if after is before else self._between(cell_line, before, after)
            return self._with_targets(drug, of_targets), line

    def _between(self, cell_line: int, before: Omics, after: Omics) -> Entity:
        rows = self.features.cell_line_similarities
        genes = (
            None if self.gene_part is None else self.gene_part.values(after) - self.gene_part.values(before)
        )
        return Entity(
            cell_line, rows(after) - rows(before), None, after.expression - before.expression, genes
        )

    def _value(self, change: Change, gene: int) -> float:
        if change.value is not None:
            return change.value
        column = self.features.expression[:, gene]
        if not column.any():
            raise ModelError(f"{change.gene} has no expression in the run's graph; nothing would change")
        return min(float(column[column != 0].min()), 0.0)

    def _with_targets(self, drug: int, changes: Sequence[tuple[Change, int]]) -> Entity:
        known = dict[int, bool]()
        for change, gene in changes:
            had = bool(self.features.targets[drug, gene])
            if not change.value and not had:
                raise ModelError(f"{change.gene} is no known target of this drug in the run's graph")
            if bool(change.value) != had:
                known[gene] = not had
        if not known:
            return Entity(drug)
        overlap = genes = None
        if self._uses_genes:
            row = self.features.with_targets(drug, known)
            before = self.features.overlaps(self.features.given[drug], drug)
            overlap = self.features.overlaps(row, drug) - before
        if (part := self.gene_part) is not None:
            targets = self.features.targets[drug].copy()
            targets[list(known)] = list(known.values())
            genes = part.of_drug(drug, targets, self.features)
            genes = genes - part.of_drug(drug, self.features.targets[drug], self.features)
        return Entity(drug, None, overlap, None, genes)

    @cached_property
    def _uses_genes(self) -> bool:
        return any("of_genes" in member for member in self.members)

    def predict(self, drugs: Sequence[Entity], cell_lines: Sequence[Entity]) -> npt.NDArray[np.float64]:
        """Probability, or ln IC50 (ln µmol/l), of every pair, (n_cell_lines, n_drugs); errors as in `outputs`."""
        return self.prediction(self.outputs(drugs, cell_lines))

    def outputs(self, drugs: Sequence[Entity], cell_lines: Sequence[Entity]) -> npt.NDArray[np.float64]:
        """Logit, or standardised −ln IC50, of every pair, (n_cell_lines, n_drugs).

        Raises
        ------
        ModelError
            If arrays do not fit together, or a prediction is no finite number.
        """
        with reading(self.path):
            if all(entity.as_trained for entity in (*drugs, *cell_lines)):
                output: npt.NDArray[Any] = self._known[np.ix_(Side(cell_lines).at, Side(drugs).at)]
            else:
                output = self._outputs(Side(drugs), Side(cell_lines))
        if not np.isfinite(output).all():
            raise ModelError(
                f"{self.path} gives a prediction that is no finite number; if you gave values of expression, "
                "give smaller ones, or train again: cli train"
            )
        return output.astype(np.float64)

    def _outputs(self, drugs: Side, cell_lines: Side) -> npt.NDArray[np.float64]:
        """Blended outputs of the ensemble, (n_cell_lines, n_drugs)."""
        known = np.outer(cell_lines.known, drugs.known)
        out = np.where(known, self._known[np.ix_(cell_lines.at, drugs.at)], 0.0)
        offset = self.offset(drugs, cell_lines)
        for member, components in self.of_members(drugs, cell_lines, known):
            rest = sum((share * table for share, table in components), np.zeros(known.shape))
            alone = np.where(known, 0.0, member["slope"] * offset + member["intercept"])
            out += (member["slope"] * rest + alone) / len(self.members)
        return out if self.gene_part is None else out + self._genes(drugs, cell_lines)

    def offset(self, drugs: Side, cell_lines: Side) -> npt.NDArray[np.float64]:
        """Means of known drugs and cell lines that were taken out before the fit, (n_cell_lines, n_drugs)."""
        of_cell_lines = np.where(cell_lines.known, self.array("cell_line_offset")[cell_lines.at], 0)
        found: npt.NDArray[np.float64] = np.add.outer(
            of_cell_lines, np.where(drugs.known, self.array("drug_offset")[drugs.at], 0)
        )
        return found

    def of_members(
        self, drugs: Side, cell_lines: Side, known: npt.NDArray[np.bool_]
    ) -> Iterator[tuple[dict[str, float], list[tuple[float, npt.NDArray[np.float64]]]]]:
        """Each member with the weights of its components and their outputs, (n_cell_lines, n_drugs)."""
        features = (self._components("cell_line", cell_lines), self._components("drug", drugs))
        for number, member in enumerate(self.members):
            found = []
            if share := member["gaussian_process"]:
                found.append((share, self._process(number, drugs, cell_lines, known)))
            if share := member["factors"]:
                found.append((share, self._factors(number, drugs, cell_lines, features, known)))
            yield member, found

    def _genes(self, drugs: Side, cell_lines: Side) -> npt.NDArray[np.float64]:
        """What single genes add for new entities, and what a change adds to it for known ones."""
        part = self.gene_part
        assert part is not None  # or nothing is added
        of_drugs, of_cell_lines = drugs.genes(part.n_columns), np.zeros((0, 0))
        found: npt.NDArray[np.float64] = np.zeros((len(cell_lines.at), len(drugs.at)))
        if cell_lines.any_genes:
            of_cell_lines = cell_lines.genes(part.n_columns)
            found += of_cell_lines @ of_drugs.T
            effects = part.effects(drugs.at) * drugs.known[:, None]
            found += of_cell_lines @ effects.T
        if drugs.any_genes:
            found += (
                part.values_of_all(self.features)[cell_lines.at] * cell_lines.known[:, None]
            ) @ of_drugs.T
        return found

    def _process(
        self, number: int, drugs: Side, cell_lines: Side, known: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.float64]:
        """Posterior mean of one member; for pairs of known entities, what is added to it by a change."""
        of_member = {
            name: self.array(f"{number}/{name}") for name in ("left", "right", "source", "constants")
        }
        member = self.members[number]
        n_cell_lines, n_drugs = of_member["source"].shape
        of_drugs = drugs.rows(
            n_drugs, self.array(f"{number}/drug_weights"), member["drug_constant"], member.get("of_genes")
        )
        of_cell_lines = cell_lines.rows(
            n_cell_lines, self.array(f"{number}/cell_line_weights"), member["cell_line_constant"]
        )
        scale = self.array(f"{number}/drug_scale")
        scaled = of_drugs * scale * np.where(drugs.known, scale[drugs.at], 1.0)[:, None]
        found = of_cell_lines @ of_member["source"] @ scaled.T
        found += np.where(cell_lines.known[:, None], of_member["left"][cell_lines.at] @ scaled.T, 0)
        found += np.where(drugs.known, of_cell_lines @ of_member["right"][:, drugs.at], 0)
        level = np.zeros(len(of_drugs))
        if "level" in member:  # regression in which drug means are predicted, too
            rows = drugs.rows(n_drugs, self.array(f"{number}/level_weights"), member["level"])
            level = rows @ self.array(f"{number}/level_source")
        constant = np.where(drugs.known, of_member["constants"][drugs.at], member["bias"] + level)
        return found + np.where(known, 0.0, constant)

    def _components(self, kind: str, side: Side) -> npt.NDArray[np.float64] | None:
        """Principal components of new entities, and differences of changed ones, (n, k); None without factors."""
        if not any(member["factors"] for member in self.members) or not side.has_features:
            return None
        axes, mean = self.array(f"{kind}_axes"), self.array(f"{kind}_mean")
        return side.features(axes, mean)

    def _factors(
        self,
        number: int,
        drugs: Side,
        cell_lines: Side,
        components: tuple[npt.NDArray[np.float64] | None, npt.NDArray[np.float64] | None],
        known: npt.NDArray[np.bool_],
    ) -> npt.NDArray[np.float64]:
        """Output of one member's factorisation; for pairs of known entities, what is added to it by a change."""
        sides = []
        for kind, side, own in zip(("cell_line", "drug"), (cell_lines, drugs), components, strict=True):
            fitted = self.array(f"{number}/{kind}_factors")[:, side.at]
            if own is None:
                sides.append((fitted, fitted))
                continue
            mapped = own @ self.array(f"{number}/{kind}_map")
            new = mapped + self.array(f"{number}/{kind}_constant")
            now = np.where(side.known[:, None], fitted + mapped, new)
            sides.append((np.where(side.known[:, None], fitted, 0), now))
        (c_before, c_now), (d_before, d_now) = sides
        return _product(c_now, d_now) - np.where(known, _product(c_before, d_before), 0)


class _Constants(Mapping[str, Floats]):
    """The predictor's arrays ``constants/…``, read when they are needed."""

    NAMES = ("width", "coordinates", "to_coordinates")

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    def __getitem__(self, name: str) -> Floats:
        return self._predictor.array(f"constants/{name}")

    def __iter__(self) -> Iterator[str]:
        return iter(self.NAMES)

    def __len__(self) -> int:
        return len(self.NAMES)


def _product(cell_lines: npt.NDArray[Any], drugs: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Products of factors and sums of biases, which are the last column, mean over starts, (n_cell_lines, n_drugs)."""
    product = np.einsum("scr,sdr->scd", cell_lines[..., :-1], drugs[..., :-1])
    table: npt.NDArray[np.float64] = (product + cell_lines[..., -1:] + drugs[..., -1][:, None]).mean(0)
    return table
