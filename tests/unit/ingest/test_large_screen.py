"""A screen of any size has the same rows whatever the block, no edge twice, and the degrees of real graphs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest
from rdkit import Chem

from pharmagraph.ingest.contracts import validate
from pharmagraph.ingest.sources import large_edges
from pharmagraph.ingest.sources.large_screen import Key, LargeScreen, structures
from pharmagraph.ingest.threshold import limits, parse
from pharmagraph.kg import schema
from pharmagraph.kg.errors import InputError

SCREEN = LargeScreen(drugs=150, cells=120, genes=400, density=0.8, neighbours=4, seed=3)


@pytest.fixture(scope="module")
def whole() -> dict[Key, pa.Table]:
    return together(SCREEN)


def together(screen: LargeScreen, block: int = 1 << 30) -> dict[Key, pa.Table]:
    return {key: plain(blocks) for key, blocks in screen.edges(block=block).items()}


def plain(blocks: Iterator[pa.Table]) -> pa.Table:
    """One table without dictionaries."""

    def written_out(column: pa.ChunkedArray) -> pa.ChunkedArray:
        return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column

    tables = [pa.table({name: written_out(t[name]) for name in t.column_names}) for t in blocks]
    return pa.concat_tables(tables).combine_chunks()


def degrees(table: pa.Table, column: str) -> np.ndarray:
    return np.sort(np.unique(table[column].to_numpy(zero_copy_only=False), return_counts=True)[1])[::-1]


@pytest.mark.parametrize("block", [1, 1000])
def test_rows_do_not_depend_on_the_block(
    whole: dict[Key, pa.Table], block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = {key: list(of) for key, of in SCREEN.edges(block=block).items()}
    for key, table in whole.items():
        assert plain(iter(blocks[key])).equals(table)
    monkeypatch.setattr(large_edges, "UNIT", 1 << 12)
    assert all(
        len(list(of)) > 1 for (type_, _), of in SCREEN.edges(block=block).items() if type_ == "TESTED_ON"
    )


def test_the_same_seed_gives_the_same_rows_and_another_does_not(whole: dict[Key, pa.Table]) -> None:
    other = together(LargeScreen(drugs=150, cells=120, genes=400, density=0.8, neighbours=4, seed=4))
    again = together(LargeScreen(drugs=150, cells=120, genes=400, density=0.8, neighbours=4, seed=3))
    for key, table in whole.items():
        assert again[key].equals(table)
        assert key[0] == "MEMBER_OF" or not other[key].equals(table)


def test_every_table_keeps_its_contract_and_is_ordered_by_source(whole: dict[Key, pa.Table]) -> None:
    nodes = {label: set(table["id"].to_pylist()) for label, table in SCREEN.nodes().items()}
    for label, table in SCREEN.nodes().items():
        validate(schema.node(label), table)
    for (type_, ends), table in whole.items():
        validate(schema.edge(type_), table)
        src, dst = (table[c].to_pylist() for c in ("src", "dst"))
        assert src == sorted(src) and len(set(zip(src, dst, strict=True))) == len(src)
        assert set(src) <= nodes[ends[0]] and set(dst) <= nodes[ends[1]]
        if schema.edge(type_).symmetric:
            assert all(a < b for a, b in zip(src, dst, strict=True))


def test_about_as_many_edges_as_were_expected() -> None:
    screen = LargeScreen(drugs=300, cells=300, genes=2000, share=0.05)
    for key, blocks in screen.edges().items():
        n = sum(block.num_rows for block in blocks)
        assert n == pytest.approx(screen.expected()[key], rel=0.2), key


def test_few_drugs_have_many_targets_and_few_genes_many_partners() -> None:
    screen = LargeScreen(drugs=1000, cells=20, genes=2000)
    edges = screen.edges()
    for key, column in (
        (("TARGETS", ("Drug", "Gene")), "src"),
        (("INTERACTS_WITH", ("Gene", "Gene")), "src"),
    ):
        n = degrees(plain(edges[key]), column)
        assert n[0] > 10 * np.median(n) and n.mean() > np.median(n)


def test_nearly_every_pair_is_tested_and_the_strongest_genes_are_shown(whole: dict[Key, pa.Table]) -> None:
    tested = whole["TESTED_ON", ("Drug", "CellLine")]
    assert tested.num_rows / (150 * 120) == pytest.approx(0.8, abs=0.02)
    assert set(degrees(whole["EXPRESSES", ("CellLine", "Gene")], "src")) == {80}
    similar = whole["SIMILAR_TO", ("Drug", "Drug")]
    n = np.unique(
        np.concatenate([similar[c].to_numpy(zero_copy_only=False) for c in ("src", "dst")]),
        return_counts=True,
    )[1]
    assert len(n) == 150 and n.min() >= 4


def test_labels_follow_the_rule_over_all_cell_lines_of_a_drug(whole: dict[Key, pa.Table]) -> None:
    tested = whole["TESTED_ON", ("Drug", "CellLine")]
    names, drug = np.unique(tested["src"].to_numpy(zero_copy_only=False), return_inverse=True)
    ln_ic50 = tested["ln_ic50"].to_numpy()
    limit = limits(ln_ic50, drug, len(names), parse("drug-median"))[drug]
    assert (tested["response"].to_numpy() == (ln_ic50 <= limit)).all()
    assert tested["threshold"][0].as_py() == f"drug-median = {limit[0]:.4f} ln(µmol/l)"


def test_a_cell_line_that_expresses_the_targets_more_is_more_sensitive() -> None:
    latent = SCREEN.latent
    unit = next(large_edges.responses(latent, 1.0, parse("drug-median")))
    drive = latent.activity[unit["dst"].astype(int), latent.drug_class[unit["src"].astype(int)]]
    assert np.corrcoef(drive, unit["ln_ic50"].astype(float))[0, 1] < -0.5


def test_ids_are_in_order_beyond_the_digits_of_the_small_screen() -> None:
    ids = LargeScreen(drugs=10_001, cells=4, genes=8).ids["Drug"].to_pylist()
    assert ids == sorted(ids) and ids[0] == "SYNTHETICDRUG00001"


def test_every_drug_has_a_structure_of_its_own() -> None:
    written = structures(np.arange(2000) * 12 // 2000)
    assert len({Chem.MolToSmiles(Chem.MolFromSmiles(s)) for s in written}) == 2000


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"drugs": 1}, "drugs 1 is too few"),
        ({"genes": 2**31}, "genes 2,147,483,648 is more than node numbers allow"),
        ({"density": 0.0}, "density 0 is not above 0 and at most 1"),
        ({"share": 1.5}, "share 1.5 is not above 0"),
        ({"threshold": "best"}, 'threshold "best" is not a rule'),
    ],
)
def test_sizes_out_of_bounds_are_refused(given: dict[str, object], said: str) -> None:
    sizes = {"drugs": 10, "cells": 10, "genes": 10} | given
    with pytest.raises(InputError, match=f"^{said}"):
        LargeScreen(**sizes)  # type: ignore[arg-type]


def test_a_density_that_differs_a_little_is_another_screen() -> None:
    """Six digits were compared, so that another screen counted as loaded already."""
    one, other = (LargeScreen(10, 10, 10, density=density) for density in (0.5, 0.50000001))
    assert one.card != other.card and "density 0.5, share 0.2," in one.card.version
