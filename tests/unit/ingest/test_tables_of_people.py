"""Tables as other people write them become the screen that they mean, or one line says what is wrong and where."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pharmagraph.ingest.bundle import Bundle
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.sources import tables
from pharmagraph.kg.errors import InputError, RowError

SMILES = {"Erlotinib": "CCO", "Gefitinib": "CCCO", "Imatinib": "CCN", "Sorafenib": "CCCN"}
LINES = ["A375", "A549", "MCF7", "HT-29", "PC-3"]
GENES = ["EGFR", "TP53", "KRAS"]
VALUES = np.random.default_rng(0).normal(1, 2, (len(SMILES), len(LINES))).round(3)
LEVELS = np.random.default_rng(1).normal(5, 2, (len(LINES), len(GENES))).round(3)

RESPONSES = "drug,cell_line,ln_ic50\n" + "".join(
    f"{drug},{line},{VALUES[i, j]}\n" for i, drug in enumerate(SMILES) for j, line in enumerate(LINES)
)
DRUGS = "drug,smiles\n" + "".join(f"{drug},{smiles}\n" for drug, smiles in SMILES.items())
EXPRESSION = "cell_line,gene,value\n" + "".join(
    f"{line},{gene},{LEVELS[i, j]}\n" for i, line in enumerate(LINES) for j, gene in enumerate(GENES)
)


def read(
    folder: Path,
    *,
    reject: bool = False,
    without_smiles: bool = False,
    threshold: str = "z:-0.8",
    **files: str,
) -> tuple[Bundle, Rejections]:
    """The bundle of a folder with these files; responses and drugs are good unless given."""
    for name, text in ({"responses": RESPONSES, "drugs": DRUGS} | files).items():
        if text:
            (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    rejections = Rejections(keep_going=reject)
    bundle = tables.read(folder, rejections, threshold=threshold, without_smiles=without_smiles)
    return bundle, rejections


def edges(bundle: Bundle, type_: str = "TESTED_ON") -> pa.Table:
    (table,) = (t for (kind, _), t in bundle.edges.items() if kind == type_)
    return table


def measured(bundle: Bundle) -> dict[tuple[str, str], float]:
    rows = edges(bundle).to_pylist()
    return {(r["src"], r["dst"]): r["ln_ic50"] for r in rows if r["ln_ic50"] is not None}


def drugs(bundle: Bundle) -> dict[str, dict[str, object]]:
    return {r["id"]: r for r in bundle.nodes["Drug"].to_pylist()}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return read(tmp_path_factory.mktemp("plain"), expression=EXPRESSION)[0]


AS_WRITTEN = {
    "semicolons": RESPONSES.replace(",", ";"),
    "tabs": RESPONSES.replace(",", "\t"),
    "capitals": RESPONSES.replace("drug,cell_line,ln_ic50", "DRUG,Cell_Line,LN_IC50"),
    "blanks in the header": RESPONSES.replace("drug,cell_line,ln_ic50", " drug , cell line ,ln_ic50 "),
    "other order": "".join(",".join(reversed(line.split(","))) + "\n" for line in RESPONSES.splitlines()),
    "quotes": "".join(",".join(f'"{c}"' for c in line.split(",")) + "\n" for line in RESPONSES.splitlines()),
    "empty cells behind": RESPONSES.replace("\n", ",,,\n"),
    "lines of Windows": RESPONSES.replace("\n", "\r\n"),
    "minus signs": RESPONSES.replace(",-", ",\u2212"),
    "blanks that do not break": RESPONSES.replace(",", "\u00a0,\u00a0"),
    "a word for no value": RESPONSES + "Erlotinib,K-562,NA\nGefitinib,K-562,#N/A\nImatinib,K-562,-\n",
    "one more column": "".join(f"{r},{'note' if r.startswith('drug') else 'x'}\n" for r in RESPONSES.splitlines()),
}  # fmt: skip


@pytest.mark.parametrize("kind", AS_WRITTEN)
def test_the_same_screen_is_read_however_it_is_written(tmp_path: Path, plain: Bundle, kind: str) -> None:
    bundle, rejections = read(tmp_path, responses=AS_WRITTEN[kind])
    assert measured(bundle) == measured(plain)
    said = {
        "a word for no value": [("row without a value", 3)],
    }.get(kind, [])
    assert [(r.reason, r.rows) for r in rejections.rejected] == said
    notes = " ".join(bundle.notes)
    assert ("cells behind the last column in 20 rows" in notes) == (kind == "empty cells behind")
    assert ("not read: note" in notes) == (kind == "one more column")


@pytest.mark.parametrize("name", ["responses.tsv", "responses.txt", "responses.csv.gz"])
def test_a_file_may_have_another_ending(tmp_path: Path, plain: Bundle, name: str) -> None:
    text = RESPONSES if "csv" in name else RESPONSES.replace(",", "\t")
    content = text.encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    assert measured(read(tmp_path, responses="")[0]) == measured(plain)
    with pytest.raises(InputError, match=r"has both responses.csv and responses\.|has both responses"):
        read(tmp_path)


BAD = {
    "decimal comma": ("Erlotinib,K-562,3,576", 'row 22: "Erlotinib" has 4 cells .* write 3.576'),
    "decimal comma in quotes": ('Erlotinib,K-562,"3,576"', 'column ln_ic50: "3,576" .*decimal comma; write 3.576'),
    "an underscore": ("Erlotinib,K-562,1_0", '"1_0" is not a finite number'),
    "about a value": ("Erlotinib,K-562,~10", '"~10" is not a finite number: it is censored'),
    "infinite": ("Erlotinib,K-562,Inf", '"Inf" is not a finite number: it is infinite'),
    "NaN": ("Erlotinib,K-562,NaN", '"NaN" is not a finite number'),
    "too few cells": ("Erlotinib,K-562", "row 22: .* has 2 cells where the header has 3"),
    "an open quote": ('"Erlotinib,K-562,1', "row 22: .*opens a quote"),
    "a drug twice": ("erlotinib,a-375,1", 'row 22: "erlotinib, a-375" is already in row 2 under another spelling'),
    "the same row": ("Erlotinib,A375,1", 'row 22, column cell_line: "Erlotinib, A375" is already in row 2; keep one'),
    "no drug": (",A375,1", 'row 22, column drug: "" is empty'),
    "a drug that is nothing": ("None,A375,1", 'row 22, column drug: "None" is a word for nothing'),
    "a cell line that is nothing": ("Erlotinib,NA,1", 'column cell_line: "NA" is a word for nothing'),
    "a quoted cell line that is nothing": ('Erlotinib,"N/A",1', 'column cell_line: "N/A" is a word for nothing'),
    "a control character": ("Erlo\x0btinib,K-562,1", r"holds the control character U\+000B"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_row_stops_the_load_or_is_the_only_one_left_out(
    tmp_path: Path, plain: Bundle, kind: str
) -> None:
    row, message = BAD[kind]
    text = RESPONSES + row + "\n"
    with pytest.raises(RowError, match=message) as caught:
        read(tmp_path, responses=text)
    assert "\n" not in str(caught.value)
    bundle, rejections = read(tmp_path, responses=text, reject=True)
    assert measured(bundle) == measured(plain)
    assert [r.row for r in rejections.rejected] == [22]


NOT_A_TABLE = {
    "a header alone": ("drug,cell_line,ln_ic50\n", "has no response below its header"),
    "nothing": ("\n", "is empty"),
    "no value column": ("drug,cell_line\nA,B\n", 'no column "ln_ic50" or "auc" or "response"'),
    "IC50": ("drug,cell_line,IC50\nA,B,1\n", 'the column "IC50" says no unit; .* call it ic50_uM'),
    "a column twice": ("drug,cell_line,ln_ic50,ln_ic50\nA,B,1,2\n", '"ln_ic50" is there twice; keep one'),
    "a column in two cases": ("drug,cell_line,ln_ic50,LN_IC50\nA,B,1,2\n", '"ln_ic50" and "LN_IC50" is there twice'),
    "no cell lines": ("drug,cells,ln_ic50\nA,B,1\n", 'no column "cell_line"'),
    "no value at all": ("drug,cell_line,ln_ic50\nErlotinib,A375,NA\n", "the only row of"),
    "no drug with a structure": ("drug,cell_line,ln_ic50\nX,A375,1\nX,A549,2\n", "the only drug of .*without_smiles"),
}  # fmt: skip


@pytest.mark.parametrize("kind", NOT_A_TABLE)
@pytest.mark.parametrize("reject", [False, True])
def test_a_file_without_responses_is_one_line(tmp_path: Path, kind: str, reject: bool) -> None:
    text, message = NOT_A_TABLE[kind]
    with pytest.raises(InputError, match=message) as caught:
        read(tmp_path, responses=text, reject=reject)
    assert "\n" not in str(caught.value)


GENE_WORDS = {
    "1-Mar": "is a date.*MARCHF1 or MTARC1",
    "Mar-01": "is a date.*MARCHF1",
    "2023-03-01": "is a date.*MARCHF1 or MTARC1",
    "3/9/2023": "is a date.*MARCHF9 or SEPTIN3",
    "13-Sep": "is a date",
    "4-Jul": "is a date",
    "Oct-04": "is a date.*POU5F1",
    "43891": "is a number.* the date 1 March",
    "44621": "is a number.* the date 1 March",
    "2.31E+13": "is a number",
    "None": "is a word for nothing",
    "Unknown": "is a word for nothing",
    "TRUE": "is a word for nothing",
    "NAN": "is a word for nothing",
    "#N/A": "is a word for nothing",
    "egfr": "is not a gene symbol",
}


@pytest.mark.parametrize("gene", GENE_WORDS)
def test_what_a_spreadsheet_made_of_a_gene_is_a_bad_row(tmp_path: Path, gene: str) -> None:
    text = EXPRESSION + "".join(f"{line},{gene},{n}\n" for n, line in enumerate(LINES))
    with pytest.raises(RowError, match=f'row 17, column gene: "{re.escape(gene)}" {GENE_WORDS[gene]}'):
        read(tmp_path, expression=text)
    bundle, rejections = read(tmp_path, expression=text, reject=True)
    assert bundle.nodes["Gene"]["id"].to_pylist() == sorted(GENES)
    assert [(r.value, r.rows) for r in rejections.rejected] == [(gene, 5)]


OTHER_IDS = {
    "ENSG00000146648": "Ensembl id",
    "ENSG00000146648.17": "Ensembl id",
    "ENSMUSG00000020122": "Ensembl id",
    "NM_005228.5": "RefSeq id",
    "1007_s_at": "probe id",
    "ILMN_1762337": "probe id",
    "A_23_P100001": "probe id",
    "HGNC:3236": "HGNC id",
    "Tspan6": "symbol of another species",
    "Trp53": "symbol of another species",
    "H2-Ab1": None,
}


@pytest.mark.parametrize("gene", [g for g, kind in OTHER_IDS.items() if kind])
def test_ids_of_another_kind_are_counted_and_named(tmp_path: Path, gene: str) -> None:
    text = EXPRESSION + "".join(f"{line},{gene},{n}\n" for n, line in enumerate(LINES))
    bundle, rejections = read(tmp_path, expression=text)
    assert bundle.nodes["Gene"]["id"].to_pylist() == sorted(GENES)
    assert [(r.value, r.rows) for r in rejections.rejected] == [(gene, 5)]
    assert any(str(OTHER_IDS[gene]) in note and f"1 ({gene})" in note for note in bundle.notes)


@pytest.mark.parametrize(
    "gene", ["C1orf112", "HLA-A", "NKX2-1", "MARCH1", "SEPT7", "DEC1", "AC000111.1", "OCT4", "TRUE1"]
)
def test_human_symbols_of_odd_forms_are_genes(tmp_path: Path, gene: str) -> None:
    text = EXPRESSION + "".join(f"{line},{gene},{n}\n" for n, line in enumerate(LINES))
    assert gene in read(tmp_path, expression=text)[0].nodes["Gene"]["id"].to_pylist()


def test_a_table_of_other_ids_alone_is_one_line(tmp_path: Path) -> None:
    text = EXPRESSION
    for n, gene in enumerate(GENES):
        text = text.replace(gene, f"ENSG0000000000{n}")
    with pytest.raises(InputError, match="has no gene left; give HGNC symbols"):
        read(tmp_path, expression=text)


@pytest.mark.parametrize("written", ["{}_SKIN", "{}_HAEMATOPOIETIC_AND_LYMPHOID_TISSUE", "{} ", "{}-"])
def test_a_tissue_behind_a_cell_lines_name_is_no_part_of_it(
    tmp_path: Path, plain: Bundle, written: str
) -> None:
    text = EXPRESSION
    for line in LINES:
        text = text.replace(f"{line},", f"{written.format(line.replace('-', ''))},")
    bundle, _ = read(tmp_path, expression=text)
    assert bundle.nodes["CellLine"].num_rows == len(LINES)
    found, expected = (edges(b, "EXPRESSES").drop_columns("dataset") for b in (bundle, plain))
    assert found == expected


def test_cell_lines_without_expression_are_named(tmp_path: Path) -> None:
    text = EXPRESSION.replace("A375,", "A375X,").replace("MCF7,", "MCF77,")
    bundle, _ = read(tmp_path, expression=text)
    assert "cell lines that have responses and no expression: 2 (A375, MCF7)" in bundle.notes


@pytest.mark.parametrize("prefix", ["X", "line ", "ACH-00000", "1"])
def test_tables_without_a_common_cell_line_stop_the_load(tmp_path: Path, prefix: str) -> None:
    text = "".join(f"{prefix}{row}\n" if n else f"{row}\n" for n, row in enumerate(EXPRESSION.splitlines()))
    said = f"have no cell line in common: A375 in one, {prefix}A375 in the other"
    with pytest.raises(InputError, match=said):
        read(tmp_path, expression=text)


ANNOTATIONS = {
    "max_phase": ["0.5", "-1", "5", "IV", "1e30", "three"],
    "pubchem_cid": ["none", "several", "0", "-3", "1.5", "9" * 30],
}


@pytest.mark.parametrize(("column", "value"), [(c, v) for c, values in ANNOTATIONS.items() for v in values])
def test_an_odd_annotation_costs_the_value_alone(tmp_path: Path, column: str, value: str) -> None:
    text = f"drug,smiles,{column}\n" + "".join(
        f"{drug},{smiles},{value if drug == 'Imatinib' else '4.0'}\n" for drug, smiles in SMILES.items()
    )
    bundle, rejections = read(tmp_path, drugs=text)
    assert {d: r[column] for d, r in drugs(bundle).items()} == {
        "ERLOTINIB": 4, "GEFITINIB": 4, "IMATINIB": None, "SORAFENIB": 4
    }  # fmt: skip
    assert drugs(bundle)["IMATINIB"]["smiles"] == "CCN"
    assert [(r.file, r.row, r.value) for r in rejections.rejected] == [
        (f"{tmp_path.name}/drugs.csv", 4, value)
    ]


def test_a_drug_without_structure_is_left_out_and_counted_unless_kept(tmp_path: Path) -> None:
    text = DRUGS.replace("Imatinib,CCN", "Imatinib,")
    bundle, rejections = read(tmp_path, drugs=text)
    assert sorted(drugs(bundle)) == ["ERLOTINIB", "GEFITINIB", "SORAFENIB"] and edges(bundle).num_rows == 15
    assert [(r.reason, r.value, r.rows) for r in rejections.rejected] == [
        ("drug without SMILES", "Imatinib", 5)
    ]
    assert any("no structure and are left out" in n and "1 (Imatinib)" in n for n in bundle.notes)
    kept, _ = read(tmp_path, drugs=text, without_smiles=True)
    assert len(drugs(kept)) == 4 and edges(kept).num_rows == 20


TIED = {
    "all the same": [5.0] * 5,
    "one value": [1.0],
    "capped": [1.0, 5.0, 5.0, 5.0, 5.0],
    "capped but one, small": [-2.0, 8.0, 8.0, 8.0],
    "two of the same": [3.3, 3.3],
}


@pytest.mark.parametrize("kind", TIED)
@pytest.mark.parametrize("threshold", ["drug-median", "drug-quantile:0.5", "z:-0.8", "outlier:0.05", "ln:0"])
def test_a_rule_that_cannot_tell_gives_no_label(tmp_path: Path, kind: str, threshold: str) -> None:
    rows = "".join(f"Imatinib,{line},{value}\n" for line, value in zip(LINES, TIED[kind], strict=False))
    others = "".join(f"{row}\n" for row in RESPONSES.splitlines() if not row.startswith("Imatinib"))
    bundle, _ = read(tmp_path, responses=others + rows, threshold=threshold)
    of_drug = [r for r in edges(bundle).to_pylist() if r["src"] == "IMATINIB"]
    labels = [r["response"] for r in of_drug]
    capped = kind.startswith("capped")
    if threshold == "ln:0":
        assert labels == [int(value <= 0) for value in TIED[kind]]
    elif not capped or threshold in {"drug-median", "drug-quantile:0.5"}:
        assert labels == [None] * len(labels) and all(r["threshold"] is None for r in of_drug)
    else:
        assert None not in labels and 0 in labels
    named = any(f"have no label by {threshold}" in n and "(Imatinib)" in n for n in bundle.notes)
    assert named == (None in labels)
    assert all(r["response"] is not None for r in edges(bundle).to_pylist() if r["src"] != "IMATINIB")


@pytest.mark.parametrize("column", ["auc", "response"])
def test_a_table_without_ln_ic50_loads(tmp_path: Path, column: str) -> None:
    text = f"drug,cell_line,{column}\n" + "".join(
        f"{drug},{line},{(i + j) % 2}\n" for i, drug in enumerate(SMILES) for j, line in enumerate(LINES)
    )
    rows = edges(read(tmp_path, responses=text)[0]).to_pylist()
    assert [r[column] for r in rows] == [(i + j) % 2 for i in range(4) for j in range(5)]
    assert all(r["ln_ic50"] is None for r in rows)


@pytest.mark.parametrize("word", ["1_0", "0,5", "", "x", "inf", "NA"])
def test_a_threshold_is_a_number_as_a_cell_is(tmp_path: Path, word: str) -> None:
    with pytest.raises(InputError, match=f'"{word}" is not standard deviations'):
        read(tmp_path, threshold=f"z:{word}")
