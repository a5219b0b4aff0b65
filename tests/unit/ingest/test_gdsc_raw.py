"""Raw data of GDSC become points of single drugs; shares are checked by hand. The files are made up, in its shape."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pharmagraph.ingest.dose_response import series
from pharmagraph.ingest.dose_response.figures import fitted
from pharmagraph.kg.errors import InputError, RowError

HEADER = (
    "RESEARCH_PROJECT,BARCODE,SCAN_ID,DATE_CREATED,SCAN_DATE,CELL_ID,MASTER_CELL_ID,COSMIC_ID,CELL_LINE_NAME,"
    "SANGER_MODEL_ID,SEEDING_DENSITY,DRUGSET_ID,ASSAY,DURATION,POSITION,TAG,DRUG_ID,CONC,INTENSITY"
)
DOSES = 10 * 3.0 ** -np.arange(7)
BLANK, FULL = 1_000, 21_000


def well(
    position: int,
    tag: str,
    intensity: float | str,
    drug: str = "",
    dose: float | str = "",
    *,
    plate: int = 1,
    line: str = "A375",
) -> str:
    return (
        f"GDSC2,{plate},{plate},2012-01-01,2012-01-04,1,2,906793,{line},SIDM00795,250,22,Glo,3,{position},{tag},{drug},"
        f"{dose},{intensity}"
    )


def controls(plate: int = 1, line: str = "A375", negative: str = "NC-1") -> list[str]:
    found = [
        (1, "B", BLANK - 100),
        (2, "B", BLANK + 100),
        (3, negative, FULL - 500),
        (4, negative, FULL + 500),
    ]
    return [well(p, tag, value, plate=plate, line=line) for p, tag, value in found]


def viability(dose: np.ndarray, ic50: float = 0.5) -> np.ndarray:
    return 1 / (1 + (dose / ic50) ** 1.5)


def treated(drug: str, plate: int = 1, line: str = "A375", first: int = 10) -> list[str]:
    values = BLANK + (FULL - BLANK) * viability(DOSES)
    return [
        well(first + n, f"L1-D{n + 1}-S", f"{value:.6f}", drug, f"{dose:.9g}", plate=plate, line=line)
        for n, (dose, value) in enumerate(zip(DOSES, values, strict=True))
    ]


def write(folder: Path, rows: list[str]) -> tuple[Path, Path]:
    raw, compounds = folder / "GDSC2_public_raw_data_27Oct23.csv", folder / "screened_compounds_rel_8.5.csv"
    raw.write_text("\n".join([HEADER, *rows]) + "\n")
    compounds.write_text(
        "DRUG_ID,SCREENING_SITE,DRUG_NAME,SYNONYMS,TARGET,TARGET_PATHWAY\n"
        '1003,SANGER,Camptothecin,"7-Ethyl-10-Hydroxy-Camptothecin, SN-38",TOP1,DNA replication\n'
    )
    return raw, compounds


def test_wells_are_shares_between_blanks_and_controls_of_their_plate(tmp_path: Path) -> None:
    rows = [
        *controls(),
        *treated("1003"),
        well(30, "L1-D1-C", 5_000, "1003", 10),
        well(31, "L9-D1-S", 5_000, "999", 10),
        well(32, "L1-D1-S", 1e6, "1003", 10),
        well(32, "FAIL", 1e6),
        well(33, "NC-0", 1e6),
        well(34, "PC1-D1-S", 1_500, "1003", 20),
        *treated("1003.0", plate=2, line="HT-29"),  # a plate without blanks and controls
    ]
    (one,), notes = series.read(*(raw := write(tmp_path, rows))[:1], compounds=raw[1])
    assert (one.drug, one.cell_line) == ("Camptothecin", "A375")
    assert one.x == pytest.approx(np.log(DOSES), abs=1e-8)
    assert one.y == pytest.approx(viability(DOSES), abs=1e-9)
    assert fitted([one])[0].ln_ic50 == pytest.approx(np.log(0.5), abs=0.01)
    name = "GDSC2_public_raw_data_27Oct23.csv: "
    assert [note.removeprefix(name) for note in notes] == [
        "values are shares of 2 controls (NC-1), above B (blanks), of the same plate",
        "wells that failed, which are left out: 1",
        "wells of several drugs, which are left out: 1",
        "wells on plates without NC-1 or B, or whose blanks are brighter, which are left out: 7",
        "wells of drugs that are not in screened_compounds_rel_8.5.csv, which are left out: 1",
    ]


def test_a_screen_without_dmso_has_medium_as_its_control(tmp_path: Path) -> None:
    raw, compounds = write(tmp_path, [*controls(negative="NC-0"), *treated("1003")])
    (one,), notes = series.read(raw, compounds=compounds)
    assert one.y == pytest.approx(viability(DOSES), abs=1e-9) and "2 controls (NC-0)" in notes[0]


def test_names_of_the_drugs_are_needed(tmp_path: Path) -> None:
    raw, compounds = write(tmp_path, [*controls(), *treated("1003")])
    with pytest.raises(InputError, match=r"drugs by number; give their names with compounds: screened_comp"):
        series.read(raw)
    with pytest.raises(InputError, match="which has its own units; leave unit out"):
        series.read(raw, compounds=compounds, unit="nM")
    own = tmp_path / "points.csv"
    own.write_text("drug,cell_line,dose_uM,viability\nA,B,1,0.5\n")
    with pytest.raises(InputError, match="is no raw data of GDSC; leave compounds out"):
        series.read(own, compounds=compounds)


def test_raw_data_and_names_of_two_releases_are_refused(tmp_path: Path) -> None:
    raw, compounds = write(tmp_path, [*controls(), *treated("5")])
    with pytest.raises(InputError, match=r"has no well of a single drug .* give files of one release"):
        series.read(raw, compounds=compounds)


def test_an_intensity_that_is_none_is_a_bad_row(tmp_path: Path) -> None:
    raw, compounds = write(tmp_path, [*controls(), *treated("1003"), well(40, "L1-D1-S", "high", "1003", 1)])
    with pytest.raises(RowError, match='row 13, column INTENSITY: "high" is not a finite number'):
        series.read(raw, compounds=compounds)
