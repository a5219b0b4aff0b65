"""Units of responses and expression are told from header, option and values; where these disagree, one line says so."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest

from pharmagraph.ingest.bundle import Bundle
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.sources import tables
from pharmagraph.kg.errors import InputError

LINES = [f"L{n}" for n in range(12)]
DRUGS = ["Erlotinib", "Imatinib"]
GENERATOR = np.random.default_rng(3)
LN_UM = GENERATOR.normal(1, 2, (2, 12)).round(4)
"""ln µmol/l, by drug and cell line."""


def responses(header: str, values: np.ndarray) -> str:
    rows = [
        f"{drug},{line},{values[i, j]:.9g}" for i, drug in enumerate(DRUGS) for j, line in enumerate(LINES)
    ]
    return "\n".join([f"drug,cell_line,{header}", *rows]) + "\n"


def read(folder: Path, text: str, expression: str = "", *units: str, reject: bool = False) -> Bundle:
    (folder / "responses.csv").write_text(text, encoding="utf-8")
    if expression:
        (folder / "expression.csv").write_text(expression, encoding="utf-8")
    return tables.read(folder, Rejections(keep_going=reject), without_smiles=True, units=units, share=1.0)


def ln_ic50(bundle: Bundle) -> np.ndarray:
    rows = bundle.edges["TESTED_ON", ("Drug", "CellLine")].to_pylist()
    of = {(r["src"], r["dst"]): r["ln_ic50"] for r in rows}
    return np.array([[of[drug.upper(), line] for line in LINES] for drug in DRUGS])


CONCENTRATION = np.exp(LN_UM)
HEADERS = {
    "ln_ic50": LN_UM,
    "LN_IC50": LN_UM,
    "ln IC50 (µM)": LN_UM,
    "IC50 (nM)": CONCENTRATION * 1e3,
    "ic50_nM": CONCENTRATION * 1e3,
    "IC50 [nmol/l]": CONCENTRATION * 1e3,
    "ic50_um": CONCENTRATION,
    "IC50 (μM)": CONCENTRATION,
    "IC50 in µM": CONCENTRATION,
    "IC50 micromolar": CONCENTRATION,
    "IC50_M": CONCENTRATION / 1e6,
    "ic50 (pM)": CONCENTRATION * 1e6,
    "IC50 (mM)": CONCENTRATION / 1e3,
    "pIC50": 6 - np.log10(CONCENTRATION),
    "-log10 IC50 (M)": 6 - np.log10(CONCENTRATION),
    "neg_log10_ic50_M": 6 - np.log10(CONCENTRATION),
    "log10_ic50_M": np.log10(CONCENTRATION) - 6,
    "log10(IC50 [nM])": np.log10(CONCENTRATION) + 3,
    "ln_ic50_nM": LN_UM + math.log(1e3),
}


@pytest.mark.parametrize("header", HEADERS)
def test_a_header_that_says_a_unit_is_converted_and_that_is_said(tmp_path: Path, header: str) -> None:
    bundle = read(tmp_path, responses(header, HEADERS[header]))
    assert ln_ic50(bundle) == pytest.approx(LN_UM, abs=1e-6)
    said = [note for note in bundle.notes if "ic50: " in note]
    if header.casefold() == "ln_ic50":
        assert said == []
    else:
        (note,) = said
        assert f'from the header "{header}"' in note
        assert note.endswith("kept" if header == "ln IC50 (µM)" else "converted to ln µM")


OPTIONS = {
    ("IC50", "ic50=nM"): CONCENTRATION * 1e3,
    ("IC50", "ic50=µM"): CONCENTRATION,
    ("IC50", "ic50=log10 M"): np.log10(CONCENTRATION) - 6,
    ("IC50", "ic50=pIC50"): 6 - np.log10(CONCENTRATION),
    ("logIC50", "ic50=log10_uM"): np.log10(CONCENTRATION),
    ("ln_ic50", "ic50=ln_nM"): LN_UM + math.log(1e3),
    ("IC50 (nM)", "IC50=nm"): CONCENTRATION * 1e3,
}


@pytest.mark.parametrize(("header", "option"), OPTIONS)
def test_an_option_says_what_the_header_does_not(tmp_path: Path, header: str, option: str) -> None:
    bundle = read(tmp_path, responses(header, OPTIONS[header, option]), "", option)
    assert ln_ic50(bundle) == pytest.approx(LN_UM, abs=1e-6)
    assert any("the option" in note or "and the option" in note for note in bundle.notes)


@pytest.mark.parametrize(
    ("header", "option"),
    [("IC50 (nM)", "ic50=uM"), ("ln_ic50", "ic50=uM"), ("pIC50", "ic50=log10_M"), ("log_ic50_M", "ic50=nM")],
)
def test_an_option_against_the_header_is_refused(tmp_path: Path, header: str, option: str) -> None:
    with pytest.raises(InputError, match=r"says .*another unit; correct the one that is wrong"):
        read(tmp_path, responses(header, CONCENTRATION), "", option)


UNDECIDED = {
    "IC50": "says no unit",
    "ic 50": "says no unit",
    "log IC50": "no base",
    "log10 IC50": "says no unit",
}


@pytest.mark.parametrize("header", UNDECIDED)
def test_a_unit_that_nothing_says_is_asked_for(tmp_path: Path, header: str) -> None:
    values = CONCENTRATION * 1e3 if "log" not in header else np.log10(CONCENTRATION) + 3
    with pytest.raises(InputError, match=r"half of them up to .* or pass units=.ic50=") as caught:
        read(tmp_path, responses(header, values))
    assert "\n" not in str(caught.value)


CONTRADICTIONS = {
    "nM in ln_ic50": ("ln_ic50", CONCENTRATION * 1e3, "ic50_nM"),
    "M in ln_ic50": ("ln_ic50", CONCENTRATION / 1e6, "ic50_"),
    "µM in ln_ic50": ("ln_ic50", np.minimum(CONCENTRATION, 10) / 4, "ic50_"),
    "pIC50 in ln_ic50": ("ln_ic50", 6 - np.log10(np.minimum(CONCENTRATION, 500)), "pIC50"),
    "log10 M in ln_ic50": ("ln_ic50", np.log10(CONCENTRATION) - 12, ""),
    "log10 M in pIC50": ("pIC50", np.log10(CONCENTRATION) - 6, "log10_ic50_M"),
    "M in nM": ("IC50 (nM)", CONCENTRATION / 1e6, "ic50_"),
    "nM in µM": ("ic50_uM", CONCENTRATION * 1e3 * 10, "ic50_"),
    "nM in M": ("IC50 (M)", CONCENTRATION * 1e3, "ic50_"),
    "logarithms in nM": ("IC50 (nM)", LN_UM, "ic50_"),
    "nM in log10 M": ("log10_ic50_M", CONCENTRATION * 1e3, "ic50_"),
}


@pytest.mark.parametrize("kind", CONTRADICTIONS)
def test_values_that_contradict_a_header_are_refused_with_one_of_them(tmp_path: Path, kind: str) -> None:
    header, values, named = CONTRADICTIONS[kind]
    with pytest.raises(InputError) as caught:
        read(tmp_path, responses(header, values))
    said = str(caught.value)
    assert f"column {header}: " in said and "\n" not in said and named in said
    row, value = int(said.split("row ")[1].split(",")[0]), float(said.split('"')[1])
    assert value == pytest.approx(values.reshape(-1)[row - 2], rel=1e-4)


def test_an_unlikely_unit_is_taken_if_the_user_says_it(tmp_path: Path) -> None:
    weak = np.abs(LN_UM) / 2 + 4
    with pytest.raises(InputError, match=r"pass units=.ic50=ln_uM. if ln µM is right"):
        read(tmp_path, responses("ln_ic50", weak))
    assert ln_ic50(read(tmp_path, responses("ln_ic50", weak), "", "ic50=ln_uM")) == pytest.approx(weak)


def test_an_option_alone_does_not_outweigh_the_values(tmp_path: Path) -> None:
    text = responses("IC50", CONCENTRATION * 1e4)
    with pytest.raises(InputError, match=r"ic50=nM., or call the column ic50_uM, too, if µM is right"):
        read(tmp_path, text, "", "ic50=uM")
    found = ln_ic50(read(tmp_path, text.replace("IC50", "ic50_uM"), "", "ic50=uM"))
    assert found == pytest.approx(LN_UM + math.log(1e4), abs=1e-6)


def test_a_concentration_of_zero_is_a_bad_row_and_no_other_unit(tmp_path: Path) -> None:
    values = CONCENTRATION.copy()
    values[0, :4] = 0
    with pytest.raises(InputError, match='row 2, column ic50_uM: "0" is no concentration'):
        read(tmp_path, responses("ic50_uM", values))
    bundle = read(tmp_path, responses("ic50_uM", values), reject=True)
    assert bundle.edges["TESTED_ON", ("Drug", "CellLine")].num_rows == 20


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("ic50=parsec", '"parsec" is no unit of ic50; it is one of pM, nM'),
        ("ic50=log M", "is no unit of ic50"),
        ("ec50=nM", '"ec50" is not a measure'),
        ("nM", '"nM" is not a measure'),
        ("auc=nM", "is one of fraction, percent, area"),
        ("expression=", "is one of log2, tpm, counts, linear, z"),
    ],
)
def test_an_option_that_is_none_is_refused(tmp_path: Path, option: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(tmp_path, responses("ln_ic50", LN_UM), "", option)


def test_two_columns_of_ic50_are_refused_and_ln_ic50_goes_first(tmp_path: Path) -> None:
    text = responses("IC50 (nM)", CONCENTRATION)
    both = "\n".join(f"{r},{'pIC50' if r.startswith('drug') else 6}" for r in text.splitlines())
    with pytest.raises(InputError, match=r"IC50 .nM. and pIC50 may each be ln_ic50"):
        read(tmp_path, both)
    rows = responses("ln_ic50", LN_UM).splitlines()
    beside = "\n".join(f"{row},{'pIC50' if row.startswith('drug') else 6}" for row in rows)
    assert ln_ic50(read(tmp_path, beside)) == pytest.approx(LN_UM)


AREAS = GENERATOR.uniform(0.2, 1.0, (2, 12)).round(4)


@pytest.mark.parametrize(
    ("header", "option", "factor"),
    [
        ("auc", None, 1), ("AUC", None, 1), ("AUC (%)", None, 100), ("auc_percent", None, 100), ("pct_auc", None, 100),
        ("auc_fraction", None, 1), ("auc", "auc=percent", 100), ("auc", "auc=fraction", 1),
    ],
)  # fmt: skip
def test_areas_become_fractions(tmp_path: Path, header: str, option: str | None, factor: int) -> None:
    bundle = read(tmp_path, responses(header, AREAS * factor), "", *([option] if option else []))
    rows = bundle.edges["TESTED_ON", ("Drug", "CellLine")].to_pylist()
    assert [r["auc"] for r in rows] == pytest.approx(AREAS.reshape(-1).tolist())
    assert any("divided by 100" in note for note in bundle.notes) == (factor == 100)


@pytest.mark.parametrize(
    ("header", "option", "factor", "way"),
    [
        ("auc", None, 100, "auc=percent"), ("auc", None, 12, "auc=area"), ("auc_percent", None, 1, "rename the column"),
        ("auc_fraction", None, 100, "rename the column"), ("auc", "auc=fraction", 100, "auc=percent"),
        ("auc_percent", "auc=fraction", 1, "correct the one that is wrong"),
    ],
)  # fmt: skip
def test_areas_that_contradict_their_unit_are_refused(
    tmp_path: Path, header: str, option: str | None, factor: int, way: str
) -> None:
    with pytest.raises(InputError, match=way):
        read(tmp_path, responses(header, AREAS * factor), "", *([option] if option else []))


def test_an_area_of_another_kind_is_kept_if_the_user_says_so(tmp_path: Path) -> None:
    bundle = read(tmp_path, responses("auc", AREAS * 12), "", "auc=area")
    rows = bundle.edges["TESTED_ON", ("Drug", "CellLine")].to_pylist()
    assert [r["auc"] for r in rows] == pytest.approx((AREAS * 12).reshape(-1).tolist())


GENES = [f"G{n}" for n in range(250)]
LOG2 = GENERATOR.normal(4, 2, (12, 250)).clip(0, None).round(3)
LOG2[:, 0] += 9
LINEAR = np.exp2(LOG2) - 1
TPM = LINEAR / LINEAR.sum(axis=1, keepdims=True) * 1e6
COUNTS = np.round(LINEAR * 7)
CPM = COUNTS / COUNTS.sum(axis=1, keepdims=True) * 1e6
Z = (LOG2 - LOG2.mean(axis=0)) / LOG2.std(axis=0)


def expression(header: str, values: np.ndarray) -> str:
    rows = [
        f"{line},{gene},{values[i, j]:.9g}" for i, line in enumerate(LINES) for j, gene in enumerate(GENES)
    ]
    return "\n".join([f"cell_line,gene,{header}", *rows]) + "\n"


SCALES = {
    ("value", ""): (LOG2, LOG2, "by the values logarithms, kept"),
    ("expression", ""): (LOG2, LOG2, "by the values logarithms, kept"),
    ("log2(TPM+1)", ""): (LOG2, LOG2, "by the header .* logarithms, kept"),
    ("TPM", ""): (TPM, np.log2(TPM + 1), "by the header .* TPM, made"),
    ("value (TPM)", ""): (TPM, np.log2(TPM + 1), "by the header .* TPM, made"),
    ("counts", ""): (COUNTS, np.log2(CPM + 1), "by the header .* counts, made"),
    ("expected_count", ""): (COUNTS + 0.25, None, "by the header .* counts, made"),
    ("FPKM", ""): (LINEAR, LOG2, "by the header .* linear values, made"),
    ("value", "expression=tpm"): (TPM, np.log2(TPM + 1), "by the option TPM"),
    ("value", "expression=counts"): (COUNTS, np.log2(CPM + 1), "by the option counts"),
    ("value", "expression=linear"): (LINEAR, LOG2, "by the option linear"),
    ("z", ""): (Z, Z, "by the header .* z scores, kept"),
    ("value", "expression=z"): (Z, Z, "by the option z scores"),
}


@pytest.mark.parametrize(("header", "option"), SCALES)
def test_expression_becomes_logarithms_and_that_is_said(tmp_path: Path, header: str, option: str) -> None:
    values, logarithms, said = SCALES[header, option]
    text = responses("ln_ic50", LN_UM)
    bundle = read(tmp_path, text, expression(header, values), *([option] if option else []))
    (note,) = [n for n in bundle.notes if ": expression: " in n]
    assert re.search(said, note)
    if logarithms is None:
        return
    found = {row["id"]: row for row in bundle.nodes["Gene"].to_pylist()}
    z = option.endswith("=z") or header == "z"
    for j in (0, 7, 249):
        mean = None if z else pytest.approx(logarithms[:, j].mean(), abs=1e-5)
        assert found[GENES[j]].get("expression_mean") == mean


SCALE_CONTRADICTIONS = {
    "TPM in value": ("value", TPM, "expression=tpm"),
    "counts in value": ("value", COUNTS, "expression=counts"),
    "linear in value": ("value", LINEAR, "expression=linear"),
    "logarithms in tpm": ("tpm", LOG2, "expression=log2"),
    "z in tpm": ("tpm", Z, "expression=z"),
    "TPM in log2": ("log2_tpm", TPM, "expression=tpm"),
    "TPM in z": ("z", TPM, "expression=tpm"),
    "logarithms in z": ("z", LOG2, "expression=log2"),
    "fractions in counts": ("counts", LINEAR, "expression="),
    "negative counts": ("counts", COUNTS - 5, "expression="),
}


@pytest.mark.parametrize("kind", SCALE_CONTRADICTIONS)
def test_expression_that_contradicts_its_header_is_refused(tmp_path: Path, kind: str) -> None:
    header, values, way = SCALE_CONTRADICTIONS[kind]
    with pytest.raises(InputError, match=way) as caught:
        read(tmp_path, responses("ln_ic50", LN_UM), expression(header, values))
    said = str(caught.value)
    row, value = int(said.split("row ")[1].split(",")[0]), float(said.split('"')[1])
    assert value == pytest.approx(values.reshape(-1)[row - 2], rel=1e-4) and "\n" not in said


def test_an_option_against_the_header_of_expression_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"says tpm, and .*another scale"):
        read(tmp_path, responses("ln_ic50", LN_UM), expression("tpm", TPM), "expression=counts")
