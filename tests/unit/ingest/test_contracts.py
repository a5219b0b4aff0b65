"""The contracts agree with the schema they are drawn from, and refuse what it forbids."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pytest

from pharmagraph.ingest.contracts import FILES, contract, validate
from pharmagraph.ingest.longform import read_long
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.kg import schema
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.schema import EdgeKind, NodeKind, Property

KINDS: tuple[NodeKind | EdgeKind, ...] = (*schema.NODES, *schema.EDGES)
NAMES = [k.label if isinstance(k, NodeKind) else k.type for k in KINDS]
GOOD = {"string": "x", "strings": ["x"], "integer": 1, "float": 0.5, "boolean": True}


def row(kind: NodeKind | EdgeKind) -> dict[str, object]:
    return {p.name: p.choices[0] if p.choices else GOOD[p.type] for p in kind.columns}


def table(kind: NodeKind | EdgeKind, /, **values: object) -> pa.Table:
    types = pa.schema([(p.name, schema.ARROW[p.type]) for p in kind.columns])
    return pa.Table.from_pylist([row(kind) | values], schema=types)


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_contract_has_the_columns_of_the_schema_and_no_other(kind: NodeKind | EdgeKind) -> None:
    columns = contract(kind).columns
    assert list(columns) == [p.name for p in kind.columns]
    assert {n for n, c in columns.items() if c.required} == {p.name for p in kind.columns if p.required}
    assert {n for n, c in columns.items() if not c.nullable} == {p.name for p in kind.columns if p.required}


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_a_good_row_passes_with_and_without_what_may_be_missing(kind: NodeKind | EdgeKind) -> None:
    whole = table(kind)
    assert validate(kind, whole).equals(whole)
    required = whole.select([p.name for p in kind.columns if p.required])
    assert validate(kind, required).equals(required)


FORBIDDEN = [
    *((k, p, None) for k in KINDS for p in k.columns if p.required),
    *((k, p, "") for k in KINDS for p in k.columns if p.required and p.type == "string"),
    *((k, p, p.minimum - 1) for k in KINDS for p in k.columns if p.minimum is not None),
    *((k, p, p.maximum + 1) for k in KINDS for p in k.columns if p.maximum is not None),
    *((k, p, "other" if p.type == "string" else 7) for k in KINDS for p in k.columns if p.choices),
    *((k, p, v) for k in KINDS for p in k.columns if p.type == "float" for v in (float("nan"), float("inf"))),
]


@pytest.mark.parametrize(("kind", "column", "value"), FORBIDDEN, ids=lambda v: getattr(v, "name", None))
def test_what_the_schema_forbids_is_refused_in_one_line(
    kind: NodeKind | EdgeKind, column: Property, value: object
) -> None:
    if column.type == "integer" and value is not None:
        value = int(value)  # type: ignore[call-overload]
    with pytest.raises(InputError, match=re.escape(column.name)) as caught:
        validate(kind, table(kind, **{column.name: value}))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_a_key_that_repeats_is_refused(kind: NodeKind | EdgeKind) -> None:
    with pytest.raises(InputError, match="more than once"):
        validate(kind, pa.concat_tables([table(kind), table(kind)]))


def test_a_foreign_column_is_refused() -> None:
    with pytest.raises(InputError, match="column colour is not in the schema"):
        validate(schema.node("Gene"), pa.table({"id": ["TP53"], "colour": ["red"]}))


def test_file_contracts_name_properties_of_the_schema() -> None:
    """A file's optional columns are what the graph calls them."""
    drug = {p.name for p in schema.node("Drug").columns}
    cell = {p.name for p in schema.node("CellLine").columns}
    response = {p.name for p in schema.edge("TESTED_ON").columns}
    assert drug.issuperset({*FILES["drugs"].optional} - {"broad_id", "chembl_id"})  # these become aliases
    assert cell.issuperset(FILES["cells"].optional)
    assert response.issuperset({*FILES["responses"].optional} - {"bound"})  # it becomes ln_ic50


@pytest.mark.parametrize("sign", ["\x0b", "\n", "\x7f"])
def test_a_control_character_in_a_name_is_refused(sign: str) -> None:
    table = pa.table({"id": ["D1", f"D{sign}2"], "name": ["one", "two"]})
    with pytest.raises(InputError, match=f"Drug, column id: .* control character U\\+{ord(sign):04X}"):
        validate(schema.node("Drug"), table)


def test_a_row_with_a_control_character_is_a_bad_row(tmp_path: Path) -> None:
    (tmp_path / "responses.csv").write_text("drug,cell_line,ln_ic50\nA,C,1\nVert\x0bical,C,2\n")
    found = Rejections(keep_going=True)
    rows = read_long(tmp_path / "responses.csv", "responses", found, kind="TESTED_ON")
    assert [row["drug"] for row in rows] == ["A"]
    assert [(r.row, r.column, r.reason) for r in found.rejected] == [
        (3, "drug", "holds the control character U+000B; remove it")
    ]
