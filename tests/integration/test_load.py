"""Loading into a real embedded store: what is sent is held, twice changes nothing, interruptions are mended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pharmagraph.ingest.bundle import Bundle, DatasetCard
from pharmagraph.ingest.known import known
from pharmagraph.ingest.load import Report, load
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.sources import interactions, omics, pathways, synthetic, tables, targets
from pharmagraph.kg.changes import Change
from pharmagraph.kg.errors import InputError, StoreError
from pharmagraph.kg.store import GraphStore, open_store

EXPRESSES = ("EXPRESSES", ("CellLine", "Gene"))
TESTED_ON = ("TESTED_ON", ("Drug", "CellLine"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[GraphStore]:
    with open_store(f"ladybug://{tmp_path}/graph.lbug") as opened:
        yield opened


@pytest.fixture(scope="module")
def screen() -> Bundle:
    return synthetic.read(drugs=12, cells=16, genes=40, seed=1)


def unchanged(report: Report) -> bool:
    return not report.changed and all(s.change.total == s.change.unchanged for s in report.steps)


def test_the_store_holds_what_was_sent(store: GraphStore, screen: Bundle) -> None:
    report = load(store, screen)
    for label, table in screen.nodes.items():
        assert store.read_nodes(label, table.column_names).equals(table.sort_by("id"))
    for (type_, ends), table in screen.edges.items():
        held = store.read_edges(type_, ends, table.column_names)
        order = [("src", "ascending"), ("dst", "ascending")]
        assert held.sort_by(order).equals(table.cast(held.schema).sort_by(order))
    assert {s.change.inserted for s in report.steps} == {s.change.total for s in report.steps}
    (card,) = store.read_nodes("Dataset").to_pylist()
    assert card["id"] == "synthetic"
    assert json.loads(card["row_counts"])["Drug-TESTED_ON-CellLine"] == screen.edges[TESTED_ON].num_rows


def test_second_ingest_changes_nothing(store: GraphStore, screen: Bundle) -> None:
    load(store, screen)
    before = store.read_nodes("Dataset").to_pylist()
    assert unchanged(load(store, screen))
    assert store.read_nodes("Dataset").to_pylist() == before


def test_edges_that_left_the_source_leave_the_graph(store: GraphStore) -> None:
    wide, narrow = (synthetic.read(drugs=12, cells=16, genes=40, share=s) for s in (0.5, 0.1))
    load(store, wide)
    report = load(store, narrow)
    (step,) = (s for s in report.steps if s.kind == "EXPRESSES")
    assert step.removed == wide.edges[EXPRESSES].num_rows - narrow.edges[EXPRESSES].num_rows
    assert store.read_edges(*EXPRESSES).num_rows == narrow.edges[EXPRESSES].num_rows
    assert unchanged(load(store, narrow))


def test_another_datasets_edges_stay(store: GraphStore, screen: Bundle) -> None:
    load(store, screen)
    other = synthetic.read(drugs=8, cells=10, genes=24, name="other")
    load(store, other)
    load(store, replace(other, edges={**other.edges, EXPRESSES: other.edges[EXPRESSES].slice(0, 5)}))
    assert (
        store.read_edges(*EXPRESSES, equals={"dataset": "synthetic"}).num_rows
        == screen.edges[EXPRESSES].num_rows
    )
    assert store.read_edges(*EXPRESSES, equals={"dataset": "other"}).num_rows == 5


def test_a_source_that_knows_less_erases_nothing(store: GraphStore) -> None:
    def bundle(name: str, **columns: object) -> Bundle:
        table = pa.Table.from_pylist(
            [{"id": "ERLOTINIB", "name": "Erlotinib", **columns}],
            schema=pa.schema(
                [
                    ("id", pa.string()),
                    ("name", pa.string()),
                    ("smiles", pa.string()),
                    ("aliases", pa.list_(pa.string())),
                ]
            ),
        )
        return Bundle(name, (DatasetCard(name, "test"),), {"Drug": table}, {})

    load(store, bundle("one", smiles="CCO", aliases=["Tarceva"]))
    load(store, bundle("two", aliases=["OSI-774"]))
    (drug,) = store.read_nodes("Drug").to_pylist()
    assert (drug["smiles"], drug["aliases"]) == ("CCO", ["OSI-774", "Tarceva"])


class _Interrupted:
    """A store whose n-th write of edges fails, as when the power does."""

    def __init__(self, store: GraphStore, fails_at: int) -> None:
        self._store, self._left = store, fails_at

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def upsert_edges(self, type_: str, ends: tuple[str, str], table: pa.Table) -> Change:
        self._left -= 1
        if self._left < 0:
            raise KeyboardInterrupt
        return self._store.upsert_edges(type_, ends, table)


@pytest.mark.parametrize("fails_at", [0, 3])
def test_a_load_that_was_cut_off_is_finished_by_the_next(
    store: GraphStore, screen: Bundle, fails_at: int
) -> None:
    with pytest.raises(KeyboardInterrupt):
        load(_Interrupted(store, fails_at), screen)  # type: ignore[arg-type]
    assert store.read_nodes("Dataset").num_rows == 0
    load(store, screen)
    assert store.read_nodes("Dataset").num_rows == 1
    assert unchanged(load(store, screen))


class _Forgetful(_Interrupted):
    """A store that says it wrote all and did not."""

    def upsert_edges(self, type_: str, ends: tuple[str, str], table: pa.Table) -> Change:
        self._store.upsert_edges(type_, ends, table.slice(1))
        return Change(inserted=table.num_rows)


def test_a_store_that_lost_rows_is_found_out(store: GraphStore, screen: Bundle) -> None:
    with pytest.raises(StoreError, match=r"\d+ rows were sent and the store holds \d+"):
        load(_Forgetful(store, 0), screen)  # type: ignore[arg-type]
    assert store.read_nodes("Dataset").num_rows == 0


def test_a_table_that_breaks_its_contract_writes_nothing(store: GraphStore, screen: Bundle) -> None:
    bad = screen.edges[TESTED_ON].set_column(3, "response", pa.array([7] * screen.edges[TESTED_ON].num_rows))
    with pytest.raises(InputError, match="TESTED_ON: column response"):
        load(store, replace(screen, edges={**screen.edges, TESTED_ON: bad}))
    assert store.schema_version() is None


def test_targets_join_by_name_and_report_the_rest(store: GraphStore, screen: Bundle, tmp_path: Path) -> None:
    load(store, screen)
    file = tmp_path / "mine.csv"
    file.write_text(
        "drug,gene,action\nSynthetic Drug 0001,SYNTHETICG00030,inhibitor\nAspirin,PTGS1,inhibitor\n"
    )
    bundle = targets.read(file, known(store, needs="Drug"), Rejections())
    load(store, bundle)
    (edge,) = store.read_edges("TARGETS", ("Drug", "Gene"), equals={"dataset": "mine"}).to_pylist()
    assert (edge["src"], edge["dst"], edge["action"]) == ("SYNTHETICDRUG0001", "SYNTHETICG00030", "inhibitor")
    assert bundle.notes == ("drugs that are not in the graph: 1 (Aspirin)",)


def test_an_unknown_gene_is_named_with_the_nearest(store: GraphStore, screen: Bundle, tmp_path: Path) -> None:
    load(store, screen)
    file = tmp_path / "mine.csv"
    file.write_text("drug,gene\nSynthetic Drug 0001,SYNTHETICG0030\n")
    graph = known(store, needs="Drug")
    with pytest.raises(
        InputError,
        match=r'mine.csv, row 2, column gene: "SYNTHETICG0030" is not a gene of the graph; did you mean SYNTHETICG0',
    ):
        targets.read(file, graph, Rejections())
    bundle = targets.read(file, graph, Rejections(), new_genes=True)
    assert bundle.nodes["Gene"].column("id").to_pylist() == ["SYNTHETICG0030"]


def test_interactions_are_stored_once_with_the_smaller_symbol_first(
    store: GraphStore, screen: Bundle, tmp_path: Path
) -> None:
    load(store, screen)
    file = tmp_path / "ppi.csv"
    file.write_text(
        "gene_a,gene_b,method\nSYNTHETICG00002,SYNTHETICG00001,MI:0018(two hybrid)\n"
        "SYNTHETICG00001,SYNTHETICG00002,MI:0004(affinity)\nSYNTHETICG00001,SYNTHETICG00001,x\nSYNTHETICG00001,TP53,x\n"
    )
    bundle = interactions.read(file, known(store, needs="Gene"), Rejections())
    (edge,) = bundle.edges["INTERACTS_WITH", ("Gene", "Gene")].to_pylist()
    assert edge == {
        "src": "SYNTHETICG00001",
        "dst": "SYNTHETICG00002",
        "source": "affinity; two hybrid",
        "dataset": "ppi",
    }
    missing = "genes that are not in the graph, which leaves out 1 rows: 1 (TP53)"
    assert bundle.notes == (missing, "read as a table")
    load(store, bundle)


def test_pathways_keep_source_and_licence(store: GraphStore, screen: Bundle, tmp_path: Path) -> None:
    load(store, screen)
    file = tmp_path / "sets.gmt"
    file.write_text(
        "R1:Signalling\treactome (CC BY 4.0)\tSYNTHETICG00001\tTP53\nR2:Other\tpid (CC0 1.0)\tTP53\n"
    )
    load(store, pathways.read(file, known(store, needs="Gene"), Rejections()))
    rows = {r["id"]: r for r in store.read_nodes("Pathway").to_pylist()}
    assert "R2" not in rows
    assert (rows["R1"]["name"], rows["R1"]["source"], rows["R1"]["licence"]) == (
        "Signalling",
        "reactome",
        "CC BY 4.0",
    )


@pytest.mark.parametrize("layout", ["long", "wide"])
def test_omics_join_by_cell_line(store: GraphStore, screen: Bundle, tmp_path: Path, layout: str) -> None:
    load(store, screen)
    file = tmp_path / "mut.csv"
    file.write_text(
        "cell_line,gene,value\nsynthetic-line-0001,SYNTHETICG00001,1\nsynthetic-line-0002,SYNTHETICG00001,0\n"
        if layout == "long"
        else ",synthetic-line-0001,synthetic-line-0002,HeLa\nSYNTHETICG00001,1,0,1\n"
    )
    load(store, omics.read(file, "methylated", known(store, needs="CellLine"), Rejections()))
    (edge,) = store.read_edges("METHYLATED", ("CellLine", "Gene")).to_pylist()
    assert (edge["src"], edge["dst"], edge["value"]) == ("SYNTHETICLINE0001", "SYNTHETICG00001", 1.0)


def _statistics(store: GraphStore) -> dict[str, tuple[float, float]]:
    rows = store.read_nodes("Gene", ["id", "expression_mean", "expression_deviation"]).to_pylist()
    return {r["id"]: (r["expression_mean"], r["expression_deviation"]) for r in rows}


def test_later_expression_replaces_the_statistics_of_its_genes(
    store: GraphStore, screen: Bundle, tmp_path: Path
) -> None:
    load(store, screen)
    before = _statistics(store)
    planted = synthetic.plant(drugs=12, cells=16, genes=40, seed=1).expression
    assert list(before.values()) == [
        pytest.approx(pair) for pair in zip(planted.mean(0), planted.std(0), strict=True)
    ]
    ids = screen.nodes["CellLine"]["id"].to_pylist()[:3]
    path = tmp_path / "more.csv"
    path.write_text(
        f"gene,{','.join(ids)}\nSYNTHETICG00001,1,2,6\nSYNTHETICG00002,0,0,9\nSYNTHETICG00003,3,,5\n"
    )
    bundle = omics.read(path, "expression", known(store, needs="CellLine"), Rejections())
    load(store, bundle)
    after = _statistics(store)
    for gene, values in (("1", [1, 2, 6]), ("2", [0, 0, 9]), ("3", [3, 5])):
        assert after.pop(f"SYNTHETICG0000{gene}") == pytest.approx((np.mean(values), np.std(values)))
    assert after.items() <= before.items() and len(after) == 37
    assert unchanged(load(store, bundle))


def test_own_tables_become_a_screen(store: GraphStore, tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    folder.mkdir()
    (folder / "responses.csv").write_text(
        "drug,cell_line,ln_ic50,response\nErlotinib,A549,1.5,\nErlotinib,HeLa,9,\nTarceva X,A549,,1\n"
    )
    (folder / "drugs.csv").write_text("drug,smiles,max_phase\nErlotinib,CCO,4\n")
    (folder / "cells.csv").write_text("cell_line,tissue\nA549,lung\n")
    (folder / "expression.csv").write_text("cell_line,gene,value\nA549,TP53,1\nHeLa,TP53,3\n")
    load(store, tables.read(folder, Rejections(), without_smiles=True))
    rows = {(r["src"], r["dst"]): r for r in store.read_edges(*TESTED_ON).to_pylist()}
    assert rows["ERLOTINIB", "A549"]["response"] == 1  # 1.5 is below 5.25 - 0.8 × 3.75 = 2.25
    assert rows["ERLOTINIB", "A549"]["threshold"] == "z:-0.8 = 2.2500 ln(µmol/l)"
    assert rows["ERLOTINIB", "HELA"]["response"] == 0
    assert rows["TARCEVAX", "A549"]["threshold"] == "label as the file gives it"
    z = {r["src"]: r["z"] for r in store.read_edges(*EXPRESSES).to_pylist()}
    assert z == {"A549": -1.0, "HELA": 1.0}
    assert _statistics(store) == {"TP53": (2.0, 1.0)}
    assert unchanged(load(store, tables.read(folder, Rejections(), without_smiles=True)))


def test_networks_need_a_screen_first(store: GraphStore) -> None:
    store.create_schema()
    with pytest.raises(InputError, match="holds no Drug to join this to; load a screen first"):
        known(store, needs="Drug")
