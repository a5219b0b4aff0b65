"""What is made of a structure that a user types."""

from __future__ import annotations

import time

import pytest
from rdkit import Chem

from pharmagraph.kg import fingerprints, structures
from pharmagraph.kg.errors import InputError

ASPIRIN = "CC(=O)OC1=CC=CC=C1C(=O)O"


@pytest.mark.parametrize("text", ["CCCP", "BSO", "NO", "CO", "CC", "CCCl", "BrCCBr", "I-BOP", "OSI", "SNS"])
def test_letters_alone_may_be_a_name(text: str) -> None:
    assert structures.may_be_a_name(text) and not structures.unreadable(text)


@pytest.mark.parametrize(
    "text",
    ["C=C", "CC(C)C", "C1CCCCC1", "c1ccccc1", "cccc", "[Na+]", "C#N", "C.C", "N[C@@H](C)O", "CC/C=C/C"],
)
def test_digits_bonds_brackets_and_aromatic_atoms_make_a_structure(text: str) -> None:
    assert not structures.may_be_a_name(text)


@pytest.mark.parametrize("text", ["CC(=O", "C1CC", "c1ccccc", "[Na", "SN-38", "(+)-JQ1", "CC=X", "C" * 9999])
def test_what_may_be_meant_as_a_structure(text: str) -> None:
    assert structures.may_be_meant_as_structure(text)


@pytest.mark.parametrize(
    "text", ["erlotinib", "5-FU", "Nutlin-3a (-)", "CHIR-99021", "GDC0449", "PLX-4720", ""]
)
def test_what_can_only_be_meant_as_a_name(text: str) -> None:
    assert not structures.may_be_meant_as_structure(text)


@pytest.mark.parametrize(
    ("salt", "parent", "parts"),
    [
        ("CC(=O)[O-].[Na+]", "CC(=O)O", 2),
        ("CN.Cl", "CN", 2),
        ("C[NH3+].[Cl-]", "CN", 2),
        (f"{ASPIRIN}.O", ASPIRIN, 2),
        (
            "CS(=O)(=O)O.COCCOc1cc2ncnc(Nc3cccc(C#C)c3)c2cc1OCCOC",
            "COCCOc1cc2ncnc(Nc3cccc(C#C)c3)c2cc1OCCOC",
            2,
        ),
        ("OC(=O)C=CC(=O)O.CCNc1ccccc1CC", "CCNc1ccccc1CC", 2),
        ("C[NH3+].F[P-](F)(F)(F)(F)F", "CN", 2),
        ("[K+].[K+].[O-]C(=O)CCC(=O)[O-]", "O=C(O)CCC(=O)O", 3),
        ("C[N+](C)(C)C.[Br-]", "C[N+](C)(C)C", 2),
        ("CCO.c1ccccc1CCN", "c1ccccc1CCN", 2),
    ],
)
def test_the_parent_of_a_salt_or_a_mixture_is_taken(salt: str, parent: str, parts: int) -> None:
    found = structures.read(salt)
    assert Chem.CanonSmiles(found.smiles) == Chem.CanonSmiles(parent) and found.parts == parts
    assert found.inchikeys == (
        Chem.MolToInchiKey(Chem.MolFromSmiles(salt)),
        Chem.MolToInchiKey(Chem.MolFromSmiles(parent)),
    )


def test_one_molecule_stays_as_it_is_written() -> None:
    for smiles in (ASPIRIN, "C[NH3+]", "OC(=O)C[NH3+]", "[O-]C=O"):
        found = structures.read(smiles)
        assert (found.smiles, found.parts, len(found.inchikeys)) == (smiles, 1, 1)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("CC(=O)OX", "syntax error at position 8"),
        ("CCP(=O", "extra open parentheses at position 4"),
        ("CC)C", "extra close parentheses at position 3"),
        ("c1ccccc", "unclosed ring"),
        ("C(C)(C)(C)(C)C", "atom # 0 C, 5, is greater than permitted"),
        ("CO(C)C", "atom # 1 O, 3, is greater than permitted"),
        ("[Na", "syntax error at position 3"),
        ("", "empty or has a blank"),
        ("CCN compound", "empty or has a blank"),
        ("[H][H]", "no atom but hydrogen"),
        ("*CC", "no element"),
        ("cn", "non-ring atom 0 marked aromatic"),
        ("C~N", "a bond of no kind"),
        ("InChI=1S/CH4/h1H4", "is an InChI; give a SMILES"),
        ("\u041ec1ccccc1", "at position 1 stands U+041E CYRILLIC CAPITAL LETTER O"),
        ("CCO\u200b", "at position 4 stands U+200B ZERO WIDTH SPACE"),
        ("\x01CC", "at position 1 stands U+0001"),
        ("C\udcff", "at position 2 stands U+DCFF"),
    ],
)
def test_what_cannot_be_read_says_where_it_is_wrong(text: str, reason: str) -> None:
    with pytest.raises(InputError, match="is not a structure that can be predicted") as refused:
        structures.read(text)
    assert reason in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("C" * (structures.MAX_ATOMS + 1), "501 atoms besides hydrogen, and 500 are allowed"),
        ("C" * 5000, "5,000 atoms"),
        ("C" * 100_000, "100,000 characters, and 10,000 are allowed"),
        ("[13CH2]" * 1500, "10,500 characters"),
    ],
)
def test_what_is_too_large_is_refused_at_once(text: str, reason: str) -> None:
    start = time.monotonic()
    with pytest.raises(InputError) as refused:
        structures.read(text)
    assert reason in str(refused.value) and len(str(refused.value)) < 250
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("smiles", ["\u041ec1ccccc1", "CCO\u041e", "\x01CCO", "CCO "])
def test_a_letter_of_another_alphabet_is_no_atom_that_may_be_left_out(smiles: str) -> None:
    assert Chem.MolFromSmiles(smiles) is not None, "RDKit reads it without its first or last character"
    assert not fingerprints.is_structure(smiles)


def test_the_largest_that_is_allowed_is_read() -> None:
    assert structures.read("C" * structures.MAX_ATOMS).parts == 1
