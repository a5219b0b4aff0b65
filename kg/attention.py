"""Attention tables: their columns, the scores of ATTENDS edges made from them, and the values of base edges.

An attention table has one row for each edge of one relation: the node ``src`` attends to the node ``dst``. Its columns
are `COLUMNS`. A drug may attend to a gene as a target (one row), and to features of it as what decides its response (a
row for each feature); the objective tells which. The functions are pure: no store is opened here.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pharmagraph.kg.errors import InputError
from pharmagraph.kg.run_kinds import FEATURES, OBJECTIVES, RESPONSE, TARGET
from pharmagraph.kg.schema import ARROW, Ends, Property

BASE_EDGES: dict[Ends, tuple[str, ...]] = {
    ("Drug", "Gene"): ("TARGETS",),
    ("CellLine", "Gene"): ("EXPRESSES", "MUTATED", "COPY_NUMBER", "METHYLATED"),
    ("Drug", "CellLine"): ("TESTED_ON",),
    ("Drug", "Drug"): ("SIMILAR_TO",),
    ("CellLine", "CellLine"): ("SIMILAR_TO",),
}
"""The base edges that carry the attention of a promoted run, by the ends of the attention."""

FEATURE_OF: dict[str, str] = {
    "EXPRESSES": "expression",
    "MUTATED": "mutation",
    "COPY_NUMBER": "copy_number",
    "DEPENDS_ON": "dependency",
}
"""The feature of a gene that the base edges of a type hold."""

ALWAYS_KEPT: dict[Ends, str] = {("Drug", "Gene"): "TARGETS"}
"""Base edges whose pairs have an ATTENDS edge in the store whatever its rank, so that users find known targets."""

COLUMNS: tuple[Property, ...] = (
    Property("src", "string", "id of the node that attends", required=True),
    Property("dst", "string", "id of the node that it attends to", required=True),
    Property(
        "weight", "float", "attention coefficient, mean over heads and networks", required=True, minimum=0, maximum=1
    ),
    Property("competitors", "integer", "edges in the same softmax, this one included", required=True, minimum=1),
    Property("spread", "float", "standard deviation of the weight over networks", minimum=0),
    Property(
        "stability", "float", "rank-biased overlap of the node's first 20 between networks", minimum=0, maximum=1
    ),
    Property("q", "float", "false discovery rate against permuted or traded responses", minimum=0, maximum=1),
    Property("objective", "string", "what attention to genes is fitted to; null is target", choices=OBJECTIVES),
    Property("feature", "string", "what of the gene is attended to, for response alone", choices=FEATURES),
    Property("effect", "float", "change of the prediction per unit of the feature, for response alone"),
)  # fmt: skip
"""Columns of an attention table; those that are not required may be missing, or null where there is no value."""
KEPT = tuple(column.name for column in COLUMNS if not column.required)
"""Columns that go from the attention table to the ATTENDS edge as they are."""


def attention_table(columns: Mapping[str, pa.Array | pa.ChunkedArray | np.ndarray]) -> pa.Table:
    """Columns → an attention table, with the types of `COLUMNS` and in their order.

    Parameters
    ----------
    columns
        Name → values, (n_edges,). Ids may be dictionary-encoded, and stay so. NaN becomes null.

    Raises
    ------
    InputError
        If a required column is missing, or a column is none of `COLUMNS`.
    """
    for name in columns:
        if name not in {column.name for column in COLUMNS}:
            known = ", ".join(column.name for column in COLUMNS)
            raise InputError(f"an attention table has no column {name}; it has {known}")
    typed = {}
    for column in COLUMNS:
        if column.name in columns:
            values = columns[column.name]
            values = pa.array(values, from_pandas=True) if isinstance(values, np.ndarray) else values
            ids = column.type == "string" and pa.types.is_dictionary(values.type)
            typed[column.name] = values if ids else values.cast(ARROW[column.type])
        elif column.required:
            raise InputError(f"an attention table needs the column {column.name}: {column.about}")
    return pa.table(typed)


def with_objective(ends: Ends, table: pa.Table) -> pa.Table:
    """An attention table that says the objective of every edge from a drug to a gene.

    Parameters
    ----------
    ends
        Labels of the relation's ends.
    table
        An attention table. Attention of drugs to genes without an objective is fitted to known targets.

    Raises
    ------
    InputError
        If an objective or a feature is none of those that there are, an edge of another objective than response has a
        feature or an effect, or a drug's edge of the objective response has no feature.
    """
    named = {c.name: c for c in COLUMNS if c.choices or c.name == "effect"}
    for name, column in named.items():
        if name in table.column_names:
            at = table.column_names.index(name)
            table = table.set_column(at, name, table[name].cast(ARROW[column.type]))
            _require_choice(table, column)
    if ends == ("Drug", "Gene"):
        if "objective" in table.column_names:
            told = pc.fill_null(table["objective"], TARGET)
            table = table.set_column(table.column_names.index("objective"), "objective", told)
        else:
            table = table.append_column("objective", pa.repeat(pa.scalar(TARGET), table.num_rows))
    response = _is_response(table)
    for name in ("feature", "effect"):
        if name in table.column_names:
            given = table[name].is_valid().to_numpy()
            _refuse(table, given & ~response, f"has a value of {name}, which only the objective response has")
    if ends == ("Drug", "Gene") and response.any():
        none = np.ones(table.num_rows, bool)
        if "feature" in table.column_names:
            none = table["feature"].is_null().to_numpy()
        _refuse(table, none & response, f"has the objective response and no feature ({', '.join(FEATURES)})")
    return table


def of_objective(table: pa.Table, objective: str) -> pa.Table:
    """The rows of an attention table of drugs and genes that are of one of `OBJECTIVES`."""
    return table.filter(pc.equal(with_objective(("Drug", "Gene"), table)["objective"], objective))


def scores(table: pa.Table) -> pa.Table:
    """Rank, percentile and excess of every edge of one relation, among the edges of the same objective.

    Parameters
    ----------
    table
        An attention table; the columns of ``KEPT`` are taken over where it has them.

    Returns
    -------
    pyarrow.Table
        ``src``, ``dst``, ``weight``, ``rank`` (1 is the source's most attended of the objective; ties go to the
        smaller ``dst``), ``percentile`` (% of the objective's edges with less weight), ``excess`` (weight times
        competitors: 1 is what an edge gets without preference) and the columns of ``KEPT``, ordered by source,
        then objective (target first), then rank.

    Raises
    ------
    InputError
        If a weight is no number in [0, 1], or an edge has no competitors.
    """
    weight = weights(table)
    competitors = table["competitors"].to_numpy().astype(np.float64)
    if (competitors < 1).any():
        raise InputError("an attention table counts fewer than one competitor; train the run anew")
    objective = _codes(table, "objective", OBJECTIVES)
    group = _places(table["src"]) * (len(OBJECTIVES) + 1) + objective
    feature = _codes(table, "feature", FEATURES)
    order = np.lexsort((feature, _places(table["dst"]), -weight, group))
    code = group[order]
    first = np.flatnonzero(np.r_[True, code[1:] != code[:-1]]) if len(code) else np.empty(0, np.int64)
    rank = np.arange(len(code)) - np.repeat(first, np.diff(np.r_[first, len(code)])) + 1
    percentile = np.empty(len(weight))
    for value in np.unique(objective):
        of_value = objective == value
        among = np.sort(weight[of_value])
        percentile[of_value] = 100.0 * np.searchsorted(among, weight[of_value], side="left") / len(among)
    columns = {
        "src": table["src"].take(pa.array(order)),
        "dst": table["dst"].take(pa.array(order)),
        "weight": pa.array(np.minimum(weight[order], 1.0)),
        "rank": pa.array(rank, pa.int64()),
        "percentile": pa.array(percentile[order]),
        "excess": pa.array(weight[order] * competitors[order]),
    }
    for name in KEPT:
        if name in table.column_names:
            columns[name] = table[name].take(pa.array(order))
    return pa.table(columns)


def weights(table: pa.Table) -> np.ndarray:
    """The weights of an attention table, float64 (n_edges,).

    Raises
    ------
    InputError
        If one is no number in [0, 1].
    """
    try:
        weight = table["weight"].to_numpy().astype(np.float64)
    except ValueError as error:
        raise InputError(f"attention is no number ({error}); train the run anew") from None
    outside = ~((weight >= 0) & (weight <= 1 + 1e-6))  # NaN is outside, too
    if outside.any():
        row = int(np.argmax(outside))
        edge = f"{table['src'][row].as_py()} → {table['dst'][row].as_py()}"
        raise InputError(
            f"attention of {edge} is {weight[row]}, not a share between 0 and 1; train the run anew"
        )
    return weight


def require_edges(table: pa.Table) -> None:
    """Refuse an attention table whose ends are no texts, or that has an edge twice.

    Raises
    ------
    InputError
        Naming what is wrong.
    """
    for end in ("src", "dst"):
        kind = table[end].type
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)) or table[end].null_count:
            raise InputError(f"column {end} holds no ids; train the run anew")
        if pc.any(pc.equal(table[end].cast(pa.string()), "")).as_py():
            raise InputError(f"column {end} holds an empty id; train the run anew")
    names = [name for name in ("src", "dst", "objective", "feature") if name in table.column_names]
    key = pa.table([table[name].cast(pa.string()) for name in names], names)
    if key.group_by(names).aggregate([]).num_rows < key.num_rows:
        raise InputError("an edge is in it twice; train the run anew")


def strongest(scored: pa.Table, k: int, always: pa.Table | None = None) -> pa.Table:
    """The rows of each source's k most attended edges of each objective, and all rows of some pairs.

    Parameters
    ----------
    scored
        The result of `scores`.
    k
        Edges of a source and objective.
    always
        Pairs (``src``, ``dst``) that are kept whatever their rank.
    """
    kept = pc.less_equal(scored["rank"], k).to_numpy()
    if always is not None and always.num_rows:
        ends = [pc.unique(always[end]) for end in ("src", "dst")]
        pairs, wanted = (
            [pc.fill_null(pc.index_in(t[end].cast(pa.string()), of), -1).to_numpy() for end, of in
             zip(("src", "dst"), ends, strict=True)]
            for t in (scored, always)
        )  # fmt: skip
        n = len(ends[1])
        both = (pairs[0] >= 0) & (pairs[1] >= 0)
        kept = kept | (both & np.isin(pairs[0] * n + pairs[1], wanted[0] * n + wanted[1]))
    return scored.filter(pa.array(kept))


def on_base_edges(type_: str, ends: Ends, table: pa.Table) -> pa.Table:
    """The attention of one relation as values for its base edges of one type.

    Known targets carry the attention that is fitted to known targets. Edges from cell lines carry the attention to the
    feature that they hold, and where a pair has none, the attention to the gene without a feature.

    Parameters
    ----------
    type_
        Type of the base edges.
    ends
        Labels of the relation's ends. Between nodes of one label both directions have attention, and the edge,
        stored once with the smaller id first, gets their mean.
    table
        An attention table.

    Returns
    -------
    pyarrow.Table
        ``src``, ``dst``, ``attention``.
    """
    table = _of_base_edges(type_, ends, table)
    pairs = table.select(["src", "dst"]).append_column("attention", table["weight"])
    if ends[0] != ends[1]:
        return pairs
    swapped = pc.greater(pairs["src"], pairs["dst"])
    small = pc.if_else(swapped, pairs["dst"], pairs["src"])
    large = pc.if_else(swapped, pairs["src"], pairs["dst"])
    both = pa.table({"src": small, "dst": large, "attention": pairs["attention"]})
    mean = both.group_by(["src", "dst"]).aggregate([("attention", "mean")])
    return mean.rename_columns({"attention_mean": "attention"}).select(["src", "dst", "attention"])


def _of_base_edges(type_: str, ends: Ends, table: pa.Table) -> pa.Table:
    """The rows of an attention table that base edges of a type carry, each pair once."""
    if ends == ("Drug", "Gene"):
        return of_objective(table, TARGET)
    if "feature" not in table.column_names or not table["feature"].null_count < table.num_rows:
        return table
    held = pc.fill_null(pc.equal(table["feature"], FEATURE_OF.get(type_, "")), False)
    own, plain = table.filter(held), table.filter(table["feature"].is_null())
    pairs = [
        pc.binary_join_element_wise(*(t[e].cast(pa.string()) for e in ("src", "dst")), "\x1f")
        for t in (own, plain)
    ]
    return pa.concat_tables([own, plain.filter(pc.invert(pc.is_in(pairs[1], pc.unique(pairs[0]))))])


def _codes(table: pa.Table, name: str, choices: tuple[str, ...]) -> np.ndarray:
    """Each row's value of a column as its position among the choices, or their number where it has none, int64 (n,)."""
    if name not in table.column_names:
        return np.full(table.num_rows, len(choices))
    at = pc.index_in(table[name].cast(pa.string()), pa.array(choices))
    codes: np.ndarray = pc.fill_null(at, len(choices)).to_numpy().astype(np.int64)
    return codes


def _is_response(table: pa.Table) -> np.ndarray:
    """Which rows have the objective response, bool (n,)."""
    response: np.ndarray = _codes(table, "objective", OBJECTIVES) == OBJECTIVES.index(RESPONSE)
    return response


def _require_choice(table: pa.Table, column: Property) -> None:
    """Refuse a value that is none of a column's choices."""
    if not column.choices:
        return
    foreign = table[column.name].is_valid().to_numpy()
    foreign &= _codes(table, column.name, column.choices) == len(column.choices)
    if foreign.any():
        found = table[column.name][int(np.argmax(foreign))].as_py()
        _refuse(table, foreign, f'has the {column.name} "{found}"; there are {", ".join(column.choices)}')


def _refuse(table: pa.Table, wrong: np.ndarray, why: str) -> None:
    """Raise InputError for the first of the wrong rows, if there is one."""
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(f"attention of {table['src'][row].as_py()} → {table['dst'][row].as_py()} {why}")


def _places(column: pa.ChunkedArray) -> np.ndarray:
    """Each value's place among the column's values in order, int64 (n,)."""
    encoded = pc.dictionary_encode(column).unify_dictionaries().combine_chunks()
    array = encoded.chunk(0) if isinstance(encoded, pa.ChunkedArray) else encoded
    place = np.empty(len(array.dictionary), np.int64)
    place[pc.sort_indices(array.dictionary).to_numpy()] = np.arange(len(place))
    return place[array.indices.to_numpy()]


def relation_name(ends: Ends) -> str:
    """The name of a relation's file in a run's folder, without the extension."""
    return f"{ends[0]}-{ends[1]}"


def all_relations(tables: Mapping[Ends, pa.Table]) -> dict[Ends, pa.Table]:
    """The tables in the order of `BASE_EDGES`, without the empty ones, each as `with_objective` gives it.

    Raises
    ------
    InputError
        If a table is of a relation that ATTENDS does not join, or `with_objective` refuses it.
    """
    foreign = set(tables) - set(BASE_EDGES)
    if foreign:
        raise InputError(f"ATTENDS does not join {'→'.join(sorted(foreign)[0])}")
    given = [ends for ends in BASE_EDGES if ends in tables and tables[ends].num_rows]
    return {ends: with_objective(ends, tables[ends]) for ends in given}
