"""Which node a name means."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pharmagraph.ingest.names import (
    Matcher,
    aliases_of,
    cell_line_id,
    drug_id,
    is_gene_symbol,
    unmatched_note,
)
from pharmagraph.kg.errors import NotFoundError
from pharmagraph.kg.names import index_of, require


@pytest.mark.parametrize("written", ["PLX-4720", "plx4720", "PLX 4720"])
def test_case_and_punctuation_do_not_make_another_drug(written: str) -> None:
    assert drug_id(written) == "PLX4720"


def test_synonyms_lead_to_one_drug() -> None:
    assert drug_id("17-AAG") == drug_id("Tanespimycin") == "TANESPIMYCIN"
    assert "17-AAG" in aliases_of("TANESPIMYCIN", kind="drug")


@pytest.mark.parametrize("written", ["NCI-H1299", "H1299", "NCIH1299", "nci_h1299"])
def test_nci_lines_get_their_prefix_back(written: str) -> None:
    assert cell_line_id(written) == "NCIH1299"


@pytest.mark.parametrize(("one", "other"), [("KM-H2", "KMH-2"), ("TT", "T-T")])
def test_lines_that_differ_by_a_hyphen_are_two(one: str, other: str) -> None:
    assert cell_line_id(one) != cell_line_id(other)


@given(st.text(max_size=20))
def test_an_id_is_its_own_id(name: str) -> None:
    assert drug_id(drug_id(name)) == drug_id(name)
    assert cell_line_id(cell_line_id(name)) == cell_line_id(name)


@pytest.mark.parametrize("symbol", ["TP53", "HLA-DRA", "C10orf10", "OK/SW-CL.58", "NKX2-1", "MT-CO1"])
def test_gene_symbols_have_their_form(symbol: str) -> None:
    assert is_gene_symbol(symbol)


@pytest.mark.parametrize("text", ["", "7157", "HIV-1 protease", "tp53", "TP53;MDM2", "TP53 "])
def test_what_is_no_gene_symbol(text: str) -> None:
    assert not is_gene_symbol(text)


def test_matcher_finds_by_id_name_and_alias() -> None:
    matcher = Matcher({"NSC740": ("Methotrexate", "MTX"), "ERLOTINIB": ("Erlotinib", None)}, drug_id)
    assert [
        matcher.find(n) for n in ("NSC740", "NSC-740", "methotrexate", "mtx", "erlotinib", "aspirin")
    ] == [
        *("NSC740",) * 4,
        "ERLOTINIB",
        None,
    ]


def test_what_could_not_be_matched_is_reported_by_name_and_count() -> None:
    assert unmatched_note("drugs", ["b", "a", "a"], "are not in the graph") == (
        "drugs that are not in the graph: 2 (a, b)",
    )
    assert unmatched_note("drugs", [], "are not in the graph") == ()


def test_an_index_holds_the_names_and_aliases_of_every_node() -> None:
    drugs = pa.table(
        {"id": ["A", "B"], "name": ["Alpha", None], "aliases": [["Al", "A-1"], None], "smiles": ["C", "C"]}
    )
    assert index_of(drugs) == {"A": ["Alpha", "Al", "A-1"], "B": [None]}
    assert index_of(pa.table({"id": ["TP53"]})) == {"TP53": [None]}


def test_a_required_name_that_nobody_has_is_an_error_that_offers_the_nearest() -> None:
    names = {"A": ["erlotinib", "Tarceva"], "B": ["gefitinib"]}
    assert require("drug", "tarceva", names) == "A"
    with pytest.raises(NotFoundError, match=r'no drug "erlotinb" in the graph; did you mean erlotinib'):
        require("drug", "erlotinb", names)
    with pytest.raises(NotFoundError, match="see: cli status"):
        require("drug", "something else", names, "see: cli status")
