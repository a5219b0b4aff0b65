"""Whatever a parser is given, it ends soon with a result or an error of ours.

``make fuzz`` tries `PHARMAGRAPH_TEST_FUZZ` inputs for each parser, here a few.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.recorded import VARIABLE, record
from pharmagraph.kg.errors import PharmagraphError
from tests.faults.parsers import PARSERS, Parser

CASES = int(os.environ.get("PHARMAGRAPH_TEST_FUZZ", "40"))
SECONDS = 2.0
LONGEST = 400
"""Characters of a message: one that repeats all that it was given is of no use."""


@st.composite
def inputs(draw: st.DrawFn, parser: Parser) -> bytes:
    """The sound example after a few changes, or anything."""
    if draw(st.integers(0, 9)) == 0:
        return draw(
            st.binary(max_size=200) | st.text(max_size=100).map(lambda t: t.encode("utf-8", "surrogatepass"))
        )
    found = parser.sound
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(found)))
        end = draw(st.integers(at, min(len(found), at + 30)))
        piece = draw(
            st.sampled_from([b"", found[at:end] * 2, found[at:end] * 50, *(parser.words or (b"\x00",))])
            | st.binary(max_size=4)
            | st.text(max_size=4).map(lambda t: t.encode("utf-8", "surrogatepass"))
        )
        found = found[:at] + piece + found[end:]
    return found


def attempt(parser: Parser, tried: bytes) -> float:
    """Read something; the seconds of work that it took, if it ended as it should."""
    with TemporaryDirectory() as folder:
        begun = time.process_time()
        try:
            parser.read(tried, Path(folder))
        except PharmagraphError as error:
            said = str(error)
        else:
            said = "read"
        assert 0 < len(said) < LONGEST + len(folder) * 3, said[:600]
        taken = time.process_time() - begun
        assert taken < SECONDS
        return taken


@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_ends_soon_with_a_result_or_an_error_of_ours(name: str) -> None:
    parser, taken, begun, wrong = PARSERS[name], [0.0], time.perf_counter(), 1

    @given(inputs(parser))
    @settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def ends(tried: bytes) -> None:
        taken.append(attempt(parser, tried))

    try:
        ends()
        wrong = 0
    finally:
        seconds, slowest = round(time.perf_counter() - begun, 1), round(max(taken), 3)
        record("fuzz", parser=name, cases=len(taken) - 1, wrong=wrong, slowest=slowest, seconds=seconds)


@pytest.mark.parametrize("name", sorted(set(PARSERS) - {"run config"}))
def test_the_example_of_a_parser_is_sound(name: str, tmp_path: Path) -> None:
    PARSERS[name].read(PARSERS[name].sound, tmp_path)


def test_a_parser_that_fails_with_another_error_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)  # it is no parser of the program
    PARSERS["broken"] = Parser(b"12", lambda tried, _: int(tried))
    try:
        with pytest.raises(ValueError, match="invalid literal"):
            test_a_parser_ends_soon_with_a_result_or_an_error_of_ours("broken")
    finally:
        del PARSERS["broken"]
