"""Tables of the explorer: names stand in place of ids, files keep both, and columns without a value are left out."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from pharmagraph.explorer.asking import Answer
from pharmagraph.explorer.tables import LONG, SEEN, table

ROWS: list[dict[str, Any]] = [
    {"drug": "PLX4720", "name": "PLX-4720", "cell_line": "HT144", "response": 1, "known": True, "q": None},
    {"drug": "MG132", "name": None, "cell_line": "A375", "response": 0, "known": False, "q": None},
]


def made(answer: Answer, **more: Any) -> Any:
    """The table as the browser gets it."""
    return json.loads(
        json.dumps(table(answer, "Pairs", file="pairs", **more).to_plotly_json(), default=_plain)
    )


def _plain(component: Any) -> Any:
    return component.to_plotly_json()


def parts(made_: Any, kind: str) -> list[dict[str, Any]]:
    """All elements of a kind within a component, in order."""
    if isinstance(made_, list):
        return [found for one in made_ for found in parts(one, kind)]
    if not isinstance(made_, dict):
        return []
    here = [made_] if made_.get("type") == kind else []
    return here + parts(made_.get("props", {}).get("children"), kind)


def text(made_: Any) -> str:
    if isinstance(made_, list):
        return "".join(map(text, made_))
    return text(made_["props"].get("children")) if isinstance(made_, dict) else str(made_ or "")


def test_a_name_stands_for_its_id_and_links_to_it() -> None:
    shown = made(Answer([*ROWS[0]], ROWS))
    assert [text(head) for head in parts(shown, "Th")] == ["drug", "cell line", "response", "known"]
    cells = [text(one) for one in parts(shown, "Td")]
    assert cells == ["PLX-4720", "HT144", "sensitive", "yes", "MG132", "A375", "resistant", "no"]
    assert next(link["props"]["href"] for link in parts(shown, "Link")) == "/drug/PLX4720"
    (button,) = [b for b in parts(shown, "Button") if "data-csv" in b["props"]]
    saved = list(csv.DictReader(io.StringIO(button["props"]["data-csv"])))
    assert [*saved[0]] == [*ROWS[0]]  # the file has ids, names, values and empty columns
    assert (saved[0]["drug"], saved[0]["name"], saved[0]["response"]) == ("PLX4720", "PLX-4720", "1")


def test_a_query_of_the_user_is_shown_as_it_was_asked() -> None:
    shown = made(Answer([*ROWS[0]], ROWS), as_asked=True)
    assert [text(head) for head in parts(shown, "Th")] == [c.replace("_", " ") for c in ROWS[0]]
    assert text(parts(shown, "Td")[0]) == "PLX4720"


def test_names_that_come_beside_the_rows_stand_for_ids() -> None:
    shown = made(Answer(["cell_line"], ROWS), names={"cell_line": {"HT144": "HT-144"}})
    assert [text(one) for one in parts(shown, "Td")] == ["HT-144", "A375"]


def test_a_column_of_a_long_text_may_wrap_and_many_rows_are_counted() -> None:
    rows = [{"well": f"A{n}", "reason": "x" * (LONG if n else 1)} for n in range(SEEN + 1)]
    shown = made(Answer(["well", "reason"], rows))
    assert [head["props"].get("className") for head in parts(shown, "Th")] == ["", "long"]
    assert text(parts(shown, "P")[0]) == f"Pairs; {SEEN + 1} rows."


def test_a_share_is_called_one_unless_a_user_named_the_column() -> None:
    answer = Answer(["tissue", "sensitive"], [{"tissue": "skin", "sensitive": 0.5}])
    assert "share sensitive" in text(made(answer))
    assert "share" not in text(made(answer, as_asked=True))
