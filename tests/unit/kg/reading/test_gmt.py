"""Ids of registries stay whole, with the description as title; a name with an id in front is split."""

from __future__ import annotations

from pathlib import Path

import pytest

from pharmagraph.kg.reading.gmt import gene_sets


@pytest.mark.parametrize(
    ("line", "id_", "title", "description"),
    [
        ("GO:0006915\tapoptotic process\tTP53", "GO:0006915", "apoptotic process", ""),
        ("R-HSA-109582\tHemostasis\tTP53", "R-HSA-109582", "R-HSA-109582", "Hemostasis"),
        ("REAC:R-HSA-69278\tCell Cycle, Mitotic\tTP53", "REAC:R-HSA-69278", "Cell Cycle, Mitotic", ""),
        ("WP:WP179\tCell cycle\tTP53", "WP:WP179", "Cell cycle", ""),
        ("KEGG:04110\tCell cycle\tTP53", "KEGG:04110", "Cell cycle", ""),
        ("HP:0000006\tInheritance\tTP53", "HP:0000006", "Inheritance", ""),
        ("GO:0006915\thttp://x.org/1\tTP53", "GO:0006915", "GO:0006915", "http://x.org/1"),
        ("GO:0006915\t\tTP53", "GO:0006915", "GO:0006915", ""),
        ("GO:0006915 apoptotic process\tsource\tTP53", "GO:0006915", "apoptotic process", "source"),
        ("PC7_10399:a4b7 Integrin signaling\treactome (CC BY 4.0)\tTP53", "PC7_10399", "a4b7 Integrin signaling",
         "reactome (CC BY 4.0)"),
        ("apoptosis (GO:0006915)\t\tTP53", "apoptosis (GO:0006915)", "apoptosis (GO:0006915)", ""),
        ("HALLMARK_E2F\thttp://x\tTP53", "HALLMARK_E2F", "HALLMARK_E2F", "http://x"),
    ],
)  # fmt: skip
def test_a_sets_id_and_title(tmp_path: Path, line: str, id_: str, title: str, description: str) -> None:
    path = tmp_path / "a.gmt"
    path.write_text(f"{line}\tEGFR\tTP53\n")
    (one,) = gene_sets(path)
    assert (one.id, one.title, one.description, one.genes) == (id_, title, description, ("TP53", "EGFR"))


@pytest.mark.parametrize("text", ["A", "A\tb", "A\tb\t\t", "\tb\tEGFR"])
def test_a_line_without_a_name_or_genes_is_no_set(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.gmt"
    path.write_text(f"\n{text}\n")
    (one,) = gene_sets(path)
    assert not one.is_one and one.line == 2
