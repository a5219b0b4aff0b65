"""Which node a name means."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pharmagraph.ingest.names import (
    aliases_of,
    cell_line_id,
    drug_id,
    is_gene_symbol,
    unmatched_note,
)
from pharmagraph.kg.errors import AmbiguousNameError, NotFoundError
from pharmagraph.kg.names import Names, fold, fold_cell_line, fold_gene, index_of


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


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("(+)-JQ1", "(-)-JQ1"),
        ("(+)-JQ1", "JQ1"),
        ("+JQ1", "-JQ1"),
        ("(±)-JQ1", "(+)-JQ1"),
        ("trans-(+)-X", "trans-(-)-X"),
        ("HCT116 p53(+/+)", "HCT116 p53(-/-)"),
        ("100.0", "1000"),
        ("1.5", "15"),
        ("HCC-1.1", "HCC-11"),
        ("697.5", "6975"),
        ("10.01", "10.1"),
    ],
)
def test_folding_keeps_signs_and_points_between_digits(one: str, other: str) -> None:
    assert drug_id(one) != drug_id(other)
    assert cell_line_id(one) != cell_line_id(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("100.0", "100"),
        ("697.00", "697"),
        (" 100.0 ", "100"),
        ("(+)-JQ1", "(+) jq 1"),
        ("+JQ1", "(+)-JQ1"),
        ("(-)-JQ1", "(−)-JQ1"),
        ("(±)-JQ1", "(+/-)-JQ1"),
        ("Trichostatin.A", "Trichostatin A"),
        ("BAY 43-9006", "bay43_9006"),
        ("(5Z)-7-Oxozeaenol", "5Z-7-oxozeaenol"),
    ],
)
def test_folding_joins_what_is_written_otherwise(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("written", "id_"),
    [
        ("UWB1.289", "UWB1289"),
        ("Hep 3B2.1-7", "HEP3B217"),
        ("Panc 02.03", "PANC0203"),
        ("HEL 92.1.7", "HEL9217"),
        ("IOSE-364(-)", "IOSE364"),
    ],
)
def test_public_cell_lines_with_a_point_or_a_sign_keep_their_ids(written: str, id_: str) -> None:
    assert cell_line_id(written) == id_ == cell_line_id(id_)


@pytest.mark.parametrize(
    ("written", "id_"),
    [
        ("Nutlin-3a (-)", "NUTLIN3A"),
        ("(-)-Parthenolide", "PARTHENOLIDE"),
        ("(+)-Camptothecin", "CAMPTOTHECIN"),
    ],
)
def test_public_drugs_of_one_mirror_image_keep_their_ids(written: str, id_: str) -> None:
    assert drug_id(written) == id_ == drug_id(id_)


@pytest.mark.parametrize(
    "written", ["EGFR (1956)", "egfr", "ENSG00000146648.12", "ensg00000146648", "hgnc:3236", "1956", "1956.0"]
)
def test_a_gene_is_found_by_each_of_its_ids(written: str) -> None:
    genes = pa.table(
        {
            "id": ["EGFR", "EGFL7"],
            "hgnc_id": ["HGNC:3236", None],
            "entrez_id": [1956, 51162],
            "ensembl_id": ["ENSG00000146648", "ENSG00000172889"],
        }
    )
    assert index_of("Gene", genes).find(written) == "EGFR"


def test_files_find_a_node_by_id_name_alias_and_the_table_of_aliases() -> None:
    names = {"NSC740": ("Methotrexate", "MTX"), "ERLOTINIB": ("Erlotinib", None), "TANESPIMYCIN": (None,)}
    known = Names("drug", names, drug_id)
    assert [
        known.find(n) for n in ("NSC740", "NSC-740", "methotrexate", "mtx", "erlotinib", "17-AAG", "aspirin")
    ] == [*("NSC740",) * 4, "ERLOTINIB", "TANESPIMYCIN", None]


LINES = Names(
    "cell line",
    {
        "TT": ("TT", "ACH-000757"),
        "TTOESOPHAGUS": ("T-T", "TT-alias"),
        "X1": ("X one", "shared"),
        "X2": ("X-2", "shared"),
    },
    fold_cell_line,
)


@pytest.mark.parametrize(
    ("written", "id_"),
    [
        ("TT", "TT"),
        ("T-T", "TTOESOPHAGUS"),
        ("TTOESOPHAGUS", "TTOESOPHAGUS"),
        ("tt oesophagus", "TTOESOPHAGUS"),
        ("ach_000757", "TT"),
        ("tt alias", "TTOESOPHAGUS"),
        ("x-1", "X1"),
        ("X ONE", "X1"),
    ],
)
def test_a_stored_spelling_wins_over_any_folding(written: str, id_: str) -> None:
    assert LINES.find(written) == id_


@pytest.mark.parametrize(
    ("written", "candidates"),
    [
        ("t_t", ("TT", "TTOESOPHAGUS (T-T)")),
        ("tt", ("TT", "TTOESOPHAGUS (T-T)")),
        ("T T", ("TT", "TTOESOPHAGUS (T-T)")),
        ("shared", ("X1 (X one)", "X2 (X-2)")),
        ("SHARED", ("X1 (X one)", "X2 (X-2)")),
    ],
)
def test_a_name_that_fits_several_nodes_is_refused_with_all_of_them(
    written: str, candidates: tuple[str, ...]
) -> None:
    with pytest.raises(AmbiguousNameError) as refused:
        LINES.find(written)
    assert refused.value.candidates == candidates
    for candidate in candidates:
        assert candidate in str(refused.value)
        id_ = candidate.split(" ")[0]
        assert LINES.find(id_) == id_


def test_an_own_name_wins_over_the_alias_of_another() -> None:
    genes = Names("gene", {"CAP1": (None,), "BRD4": (None, "CAP1", "CAP-1")}, fold_gene)
    assert genes.find("CAP1") == genes.find("cap1") == "CAP1"
    assert genes.find("CAP-1") == "BRD4"  # the alias is written so


def test_what_could_not_be_matched_is_reported_by_name_and_count() -> None:
    assert unmatched_note("drugs", ["b", "a", "a"], "are not in the graph") == (
        "drugs that are not in the graph: 2 (a, b)",
    )
    assert unmatched_note("drugs", [], "are not in the graph") == ()


def test_an_index_holds_the_names_aliases_and_ids_of_every_node() -> None:
    drugs = pa.table(
        {
            "id": ["A", "B"],
            "name": ["Alpha", None],
            "aliases": [["Al", "A-1"], None],
            "smiles": ["C", "C"],
            "pubchem_cid": [2244, None],
        }
    )
    assert index_of("Drug", drugs).names == {"A": ["Alpha", "Al", "A-1", "2244"], "B": [None]}
    assert index_of("Gene", pa.table({"id": ["TP53"]})).names == {"TP53": [None]}


def test_a_required_name_that_nobody_has_is_an_error_that_offers_the_nearest() -> None:
    names = Names("drug", {"A": ["erlotinib", "Tarceva"], "B": ["gefitinib"]})
    assert names.require("tarceva") == "A"
    with pytest.raises(NotFoundError, match=r'no drug "erlotinb" in the graph; did you mean erlotinib'):
        names.require("erlotinb")
    with pytest.raises(NotFoundError, match="see: cli status"):
        names.require("something else")


def test_a_long_text_is_shortened_in_the_message() -> None:
    with pytest.raises(NotFoundError) as refused:
        Names("gene", {"TP53": ()}).require("A" * 10_000_000)
    assert len(str(refused.value)) < 120


def test_many_look_ups_fold_the_index_once() -> None:
    folded: list[str] = []

    def counted(name: str) -> str:
        folded.append(name)
        return fold(name)

    names = Names("gene", {f"G-{n}": (None, f"alias-{n}") for n in range(1000)}, counted)
    for n in range(1000):
        assert names.find(f"g{n}") == f"G-{n}"
        assert names.find(f"Alias {n}") == f"G-{n}"
    assert len(folded) <= 1000 * 2 + 1000 + 1000  # the look-ups, the ids, the aliases


def test_a_salt_is_offered_before_names_that_look_alike() -> None:
    known = ["Momelotinib", "Erlotinib hydrochloride", "Tepotinib", "Erlotin"]
    assert NotFoundError("drug", "erlotinib", known).near == ["Erlotinib hydrochloride"]
