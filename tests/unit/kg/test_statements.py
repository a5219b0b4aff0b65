"""Queries that are no text, which the engines cannot be given."""

from __future__ import annotations

import pytest

from pharmagraph.kg.errors import QueryError
from pharmagraph.kg.statements import require_reading


def test_a_query_with_half_a_character_is_refused() -> None:
    with pytest.raises(QueryError, match="character 8 is not text in UTF-8"):
        require_reading("RETURN \udcff")
