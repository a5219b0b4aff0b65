"""The search over all names: exact spellings before beginnings, parts and typing errors."""

from __future__ import annotations

import pytest

from pharmagraph.kg.names import Names, fold_cell_line, fold_gene
from pharmagraph.kg.search import SearchIndex


@pytest.fixture(scope="module")
def index() -> SearchIndex:
    drugs = {
        "ERLOTINIB": ["Erlotinib", "Tarceva", "OSI-774"],
        "GEFITINIB": ["Gefitinib", None],
        "X1": ["<b>'x'"],
    }
    genes = {"EGFR": [None, "ERBB1", "HGNC:3236"], "EGF": [None], "ERBB2": [None, "HER2"]}
    return SearchIndex(
        {
            "Drug": Names("drug", drugs),
            "Gene": Names("gene", genes, fold_gene),
            "CellLine": Names("cell line", {"A375": ["A-375", "A375_SKIN"]}, fold_cell_line),
            "Tissue": Names("tissue", {"skin": ()}),
        }
    )


@pytest.mark.parametrize(
    ("text", "id_", "exact"),
    [
        ("erlotinib", "ERLOTINIB", True),
        ("tarceva", "ERLOTINIB", True),
        ("OSI 774", "ERLOTINIB", True),
        ("EGF", "EGF", True),
        ("her-2", "ERBB2", True),
        ("HGNC:3236", "EGFR", True),
        ("a 375", "A375", True),
        ("A375_SKIN", "A375", True),
        ("Skin", "skin", True),
        ("erlo", "ERLOTINIB", False),
        ("fitin", "GEFITINIB", False),
        ("erlotnib", "ERLOTINIB", False),
        ("gefitnibb", "GEFITINIB", False),
        ("<B>'X'", "X1", True),
    ],
)
def test_the_first_hit_is_what_was_meant(index: SearchIndex, text: str, id_: str, exact: bool) -> None:
    first = index.find(text)[0]
    assert (first.id, first.exact) == (id_, exact)


def test_a_node_is_shown_once_and_says_by_which_name(index: SearchIndex) -> None:
    found = index.find("er")
    assert [hit.id for hit in found] == sorted({hit.id for hit in found}, key=[h.id for h in found].index)
    assert index.find("tarceva")[0].spelling == "Tarceva"
    assert index.find("tarceva")[0].name == "Erlotinib"


def test_beginnings_come_before_parts_and_no_more_than_asked_for(index: SearchIndex) -> None:
    assert [hit.id for hit in index.find("egf", 2)] == ["EGF", "EGFR"]


@pytest.mark.parametrize("text", ["", "   ", "💊", "qqqq", "x" * 10_000])
def test_what_is_like_nothing_finds_nothing(index: SearchIndex, text: str) -> None:
    assert index.find(text) == []
