"""A least calibrated probability that nothing can be compared with is refused."""

from __future__ import annotations

import pytest

from pharmagraph.kg.errors import InputError, ModelError
from pharmagraph.kg.wording import typed
from pharmagraph.model.runs.predictions import require_answers


def test_it_is_named_as_who_gave_it_knows_it() -> None:
    with pytest.raises(
        InputError, match=r"^at_least 0\.3 is no probability of the likelier class; give 0\.5"
    ):
        require_answers(None, 0.3)
    with typed(), pytest.raises(InputError, match=r"^--at-least 0\.3 is no probability"):
        require_answers(None, 0.3)
    with pytest.raises(ModelError, match=r"^at_least is for runs that predict classes and are calibrated"):
        require_answers(None, 0.8)
    require_answers(None, None)
