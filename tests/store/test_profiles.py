"""Profiles in a store: loaded twice, replaced, and cut off between the panel and its values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pharmagraph import ingest
from pharmagraph.ingest import assemble
from pharmagraph.ingest.bundle import Bundle, DatasetCard
from pharmagraph.ingest.load import load
from pharmagraph.kg import profiles
from pharmagraph.kg.heterograph import export
from pharmagraph.kg.profiles import PROFILE, Profiles
from pharmagraph.kg.store import GraphStore

NAN = float("nan")


def bundle(genes: str, values: list[list[float]]) -> Bundle:
    """Cell lines A, B, … with a value for each gene."""
    lines = [chr(ord("A") + n) for n in range(len(values))]
    nodes = {
        "CellLine": assemble.node_table("CellLine", {"id": lines, "name": lines}),
        "Gene": assemble.node_table("Gene", {"id": list(genes)}),
    }
    one = Profiles.of("mine", "expression", lines, list(genes), np.array(values))
    return Bundle("mine", (DatasetCard("mine", "test"),), nodes, {}, profiles=(one,))


def held(store: GraphStore) -> dict[tuple[str, str], float]:
    """Cell line and gene → value, of what was measured."""
    return {
        (line, gene): float(value)
        for one in profiles.read(store)
        for line, row in zip(one.cell_lines, one.values, strict=True)
        for gene, value in zip(one.genes, row, strict=True)
        if not np.isnan(value)
    }


def test_a_load_replaces_the_profiles_of_its_dataset(store: GraphStore) -> None:
    ingest.synthetic(store, drugs=4, cells=6, genes=12)
    others = {key: value for key, value in held(store).items() if len(key[0]) > 1}
    assert len(others) == 6 * 12
    load(store, bundle("XYZ", [[1, 2, 3], [4, NAN, 6], [7, 8, 9]]))
    assert not load(store, bundle("XYZ", [[1, 2, 3], [4, NAN, 6], [7, 8, 9]])).changed
    load(store, bundle("ZW", [[-3, 0], [-6.5, NAN]]))
    assert held(store) == others | {("A", "Z"): -3, ("A", "W"): 0, ("B", "Z"): -6.5}
    assert {kind: store.counts()[kind] for kind in ("OmicsProfile", "GenePanel")} == {
        "OmicsProfile": 6 + 2,
        "GenePanel": 2,
    }


def test_a_load_that_is_cut_off_leaves_the_former_values_and_can_be_finished(
    store: GraphStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new panel is there by then; the stored values must not be read in its order."""
    load(store, bundle("XYZ", [[1, 2, 3], [4, 5, 6]]))
    before, graph = held(store), export(store).fingerprint()
    upsert = store.upsert_nodes

    def cut_off(label: str, table: Any) -> Any:
        if label == PROFILE:
            raise KeyboardInterrupt
        return upsert(label, table)

    with monkeypatch.context() as patch:
        patch.setattr(store, "upsert_nodes", cut_off)
        with pytest.raises(KeyboardInterrupt):
            load(store, bundle("ZYX", [[30, 20, 10], [60, 50, 40]]))
    assert held(store) == before and export(store).fingerprint() == graph
    load(store, bundle("ZYX", [[30, 20, 10], [60, 50, 40]]))
    assert held(store) == {key: 10 * value for key, value in before.items()}
    assert store.counts()["GenePanel"] == 1
