"""Cards of drugs, genes and cell lines: what a notebook shows of them is what the store holds."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa
import pytest

import pharmagraph as pg
from pharmagraph.kg.cards import ROWS
from pharmagraph.kg.errors import InputError, NotFoundError
from pharmagraph.opening import Store, open_store

HOSTILE = "<img src=x onerror=alert(1)>\n\"quoted\" & 'too' 🧬\x1b[31m"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A made-up screen, with hostile names and a promoted run's attention on one drug."""
    with open_store(f"ladybug://{tmp_path_factory.mktemp('cards') / 'graph.lbug'}") as graph:
        pg.ingest.synthetic(graph, drugs=12, cells=16, genes=40)
        hostile = {"id": "hostile", "name": HOSTILE, "mechanism": HOSTILE, "smiles": "CC(=O)Oc1ccccc1C(=O)O"}
        graph.upsert_nodes("Drug", pa.Table.from_pylist([hostile]))
        lines = [row["id"] for row in graph.node_rows("CellLine", ["id"])][:3]
        tested = {
            "src": ["hostile"] * 3,
            "dst": lines,
            "dataset": ["synthetic"] * 3,
            "ln_ic50": [2.0, -1.0, None],
            "response": [0, 1, None],
        }
        graph.upsert_edges("TESTED_ON", ("Drug", "CellLine"), pa.table(tested))
        genes = [row["id"] for row in graph.node_rows("Gene", ["id"])][:2]
        targets = {"src": ["hostile"], "dst": genes[:1], "source": [HOSTILE], "dataset": ["synthetic"]}
        graph.upsert_edges("TARGETS", ("Drug", "Gene"), pa.table(targets))
        run = {"id": ["run"], "preset": ["fast"], "promoted": [True], "status": ["complete"]}
        graph.upsert_nodes("Run", pa.table(run))
        attends = {
            "src": ["hostile"] * 2,
            "dst": genes,
            "run_id": ["run"] * 2,
            "objective": ["response"] * 2,
            "feature": ["expression"] * 2,
            "effect": [0.5, -0.25],
            "weight": [0.75, 0.25],
            "rank": [1, 2],
        }
        graph.upsert_edges("ATTENDS", ("Drug", "Gene"), pa.table(attends))
        yield graph


class Tags(HTMLParser):
    """The tags of a page, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_card_of_a_drug_has_its_responses_targets_and_genes(store: Store) -> None:
    card = store.drug(HOSTILE)
    responses = card.table("responses")
    assert list(responses["ln_ic50"].dropna()) == [-1.0, 2.0] and len(responses) == 3
    assert set(responses["tissue"]) <= set(
        store.read_nodes("CellLine", ["id", "tissue"])["tissue"].to_pylist()
    )
    assert list(card.table("targets")["gene"]) == list(card.table("genes")["gene"])[:1]
    genes = card.table("genes")
    assert list(genes["effect"]) == [0.5, -0.25] and list(genes["known"]) == [True, False]
    assert len(card.table("attention")) == 0


def test_a_card_shows_hostile_names_as_text(store: Store) -> None:
    html = store.drug("hostile")._repr_html_()
    page = Tags(html)
    assert "img" not in page.tags and "script" not in page.tags
    assert page.tags.count("svg") == 1
    assert "<img src=x onerror=alert(1)>\n\"quoted\" & 'too' 🧬" in page.text
    assert "\x1b" not in html
    shown = repr(store.drug("hostile"))
    assert "\x1b" not in shown and shown.splitlines()[0].startswith("Drug <img src=x onerror=alert(1)> ")
    assert len(shown.splitlines()[1:]) == len([line for line in shown.splitlines() if line.startswith("  ")])


def test_a_card_says_how_many_rows_it_leaves_out(store: Store) -> None:
    card = store.cell_line("synthetic-line-0001")
    n = len(card.table("responses"))
    assert n == len(store.read_edges("TESTED_ON", ("Drug", "CellLine"), equals={"dst": card.id})) > ROWS
    html = card._repr_html_()
    assert f"({ROWS} of {n})" in html
    assert html.count("<tr") == len(card._identities()) + 1 + ROWS


def test_the_card_of_a_gene_names_its_drugs(store: Store) -> None:
    gene = store.drug("hostile").table("genes")["gene"][0]
    card = store.gene(gene.lower())
    assert "hostile" in set(card.table("targeted_by")["drug"])
    assert list(card.table("drugs")["effect"]) == [0.5]
    assert card.properties["curie"] == f"pharmagraph.gene:{gene}"


def test_a_plot_has_every_measured_row_once(store: Store) -> None:
    card = store.drug("synthetic-drug-0001")
    responses = card.table("responses")
    drawn = sorted(y for trace in card.plot().data for y in trace.y)
    assert drawn == sorted(responses["ln_ic50"].dropna())
    effects = store.drug("hostile").plot("genes")
    assert list(effects.data[0].x) == [0.5, -0.25]


def test_what_is_not_there_is_said(store: Store) -> None:
    with pytest.raises(NotFoundError, match="did you mean"):
        store.drug("synthetic-drug-00012")
    with pytest.raises(TypeError, match="give a text"):
        store.gene(7)  # type: ignore[arg-type]
    with pytest.raises(InputError, match='no table "gens"; there are responses, targets, genes, attention'):
        store.drug("hostile").table("gens")
    with pytest.raises(InputError, match="no figure; these have one: responses, genes"):
        store.drug("hostile").plot("targets")
    with pytest.raises(InputError, match='no rows of "genes"'):
        store.drug("synthetic-drug-0001").plot("genes")


def test_without_a_promoted_run_the_tables_of_a_run_are_empty(tmp_path: Path) -> None:
    with open_store(f"ladybug://{tmp_path / 'graph.lbug'}") as graph:
        pg.ingest.synthetic(graph, drugs=5, cells=6, genes=20)
        card = graph.drug("synthetic-drug-0001")
        assert len(card.table("genes")) == 0 and "rank" in card.table("genes")
        assert f"measured on {len(card.table('responses'))} cell lines in synthetic" in repr(card)
