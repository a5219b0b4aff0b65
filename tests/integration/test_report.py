"""Reports open without a network, hold what the store holds, and escape what users named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pytest

from pharmagraph.kg import runs
from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.names import find_drug
from pharmagraph.kg.store import GraphStore, open_store
from pharmagraph.model.biology.annotate import attended
from pharmagraph.model.explain.faithfulness.curves import Curve
from pharmagraph.model.reports.charts import bars, lines, table
from pharmagraph.model.reports.html import drug_report, run_report

EVIL = '<script>alert("x")</script>'


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraphStore]:
    folder = tmp_path_factory.mktemp("report")
    with open_store(f"ladybug://{folder}/graph.lbug") as graph:
        graph.create_schema()
        graph.upsert_nodes("Drug", pa.table({"id": ["D1", "D2"], "name": ["erlotinib", EVIL]}))
        graph.upsert_nodes("CellLine", pa.table({"id": ["C1"], "name": ["A-549"], "tissue": [EVIL]}))
        graph.upsert_nodes("Gene", pa.table({"id": ["EGFR", "KRAS"]}))
        graph.upsert_nodes("Pathway", pa.table({"id": ["P1"], "name": ["EGFR signalling"]}))
        known = pa.table({"src": ["D1"], "dst": ["EGFR"], "dataset": ["T"]})
        graph.upsert_edges("TARGETS", ("Drug", "Gene"), known)
        tested = pa.table(
            {"src": ["D1", "D2"], "dst": ["C1", "C1"], "response": [1, 0], "dataset": ["T"] * 2}
        )
        graph.upsert_edges("TESTED_ON", ("Drug", "CellLine"), tested)
        table_ = pa.table(
            {
                "src": ["D1", "D1", "D2"],
                "dst": ["EGFR", "KRAS", "KRAS"],
                "weight": [0.75, 0.25, 1.0],
                "competitors": [2, 2, 1],
                "spread": [0.1, 0.2, None],
            }
        )
        predicted = pa.table({"src": ["D1"], "dst": ["C1"], "probability": [0.9]})
        about = {"id": "r1", "preset": "x", "metrics": {"auroc pooled": 0.9}}
        runs.register(graph, about, {("Drug", "Gene"): table_}, predicted, folder=folder / "r1")
        runs.promote(graph, "r1")
        enriched = pa.table(
            {
                "src": ["D1"],
                "dst": ["P1"],
                "run_id": ["r1"],
                "test": ["ranks"],
                "score": [0.9],
                "p": [0.001],
                "q": [0.01],
            }
        )
        graph.upsert_edges("ENRICHED", ("Drug", "Pathway"), enriched)
        yield graph


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _tags(page: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = _Tags()
    parser.feed(page)
    assert not parser.open
    return parser.found


def test_a_page_asks_for_nothing_from_outside(store: GraphStore) -> None:
    for page in (drug_report(store, find_drug(store, "erlotinib")), run_report(store)):
        for tag, attributes in _tags(page):
            assert tag not in {"script", "link", "img", "iframe"}
            assert not {"src", "href"} & set(attributes)
        assert "url(" not in page and "@import" not in page


def test_a_drugs_page_holds_genes_pathways_and_tissues(store: GraphStore) -> None:
    page = drug_report(store, find_drug(store, "erlotinib"))
    for text in ("EGFR", "KRAS", "EGFR signalling", "A-549", "share sensitive"):
        assert text in page
    assert page.count('class="marked"') == 1  # the known target


def test_names_are_escaped(store: GraphStore) -> None:
    page = drug_report(store, find_drug(store, "D2"))
    assert "<script" not in page and "&lt;script&gt;" in page


def test_a_runs_page_holds_figures_recovery_and_faithfulness(store: GraphStore) -> None:
    curve = Curve(np.array([1, 5]), np.array([0.5, 0.9]), np.array([0.1, 0.4]))
    page = run_report(store, curve=curve)
    assert "auroc pooled" in page and "1 known targets" in page and "gene edges removed" in page
    assert "gene edges removed" not in run_report(store)


def test_a_page_about_a_run_without_attention_to_genes_says_why(store: GraphStore, tmp_path: Path) -> None:
    why = "the component that attends there, relational, has weight 0 in the prediction"
    about = {"id": "r2", "preset": "x", "gene_attention": "none", "unused_attention": {"Drug→Gene": why}}
    nothing = pa.table({"src": pa.array([], pa.string()), "dst": [], "probability": []})
    runs.register(store, about, {}, nothing, folder=tmp_path / "r2")
    page = run_report(store, "r2")
    assert (
        f"The run has no attention of drugs to genes: {why}." in page and "<h2>Held-out figures</h2>" in page
    )
    with pytest.raises(ModelError, match=f"no attention between drugs and genes: {why}; train"):
        attended(store, "r2")
    runs.delete(store, "r2")


def test_a_drug_without_attention_has_no_page(store: GraphStore) -> None:
    with pytest.raises(ModelError, match="keeps no attention"):
        drug_report(store, {"id": "D9", "name": "unseen"})


def test_bars_are_as_long_as_their_values() -> None:
    svg = bars([("a", 1.0, None), ("b", 2.0, 0.5), ("<c>", 0.0, None)])
    ElementTree.fromstring(svg)
    widths = [float(w) for w in re.findall(r'<rect[^>]*width="([\d.]+)"', svg)]
    assert widths[1] == pytest.approx(2 * widths[0], rel=0.01) and widths[2] < 1
    assert "&lt;c&gt;" in svg and svg.count("<line") == 1


def test_lines_leave_out_what_is_no_number() -> None:
    svg = lines([("a", [1.0, 2.0, 3.0], [0.5, float("nan"), 1.0])], x_label="x", y_label="y")
    ElementTree.fromstring(svg)
    points = re.findall(r'points="([^"]+)"', svg)[0].split()
    assert len(points) == 2
    assert lines([("a", [], [])], x_label="x", y_label="y") == "<p>Nothing to show.</p>"


def test_a_table_has_its_columns_in_order() -> None:
    html = table([{"b": 0.12345, "a": None}], ["a", "b"])
    assert html.index("<th>a") < html.index("<th>b") and "0.123" in html


def test_the_command_writes_the_file_it_names(store: GraphStore, tmp_path: Path) -> None:
    from pharmagraph.model.commands.report import report

    report(drug="erlotinib", store=store.url)
    assert (tmp_path / "erlotinib.html").read_text().startswith("<!doctype html>")
