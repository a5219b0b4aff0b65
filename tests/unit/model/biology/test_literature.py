"""PubMed as a server on loopback plays it: limits, faults, phrases it does not know, and answers kept in a file."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from scipy.stats import hypergeom

from pharmagraph.kg.errors import InputError, ServiceUnavailableError
from pharmagraph.model.biology.literature import ALL_RECORDS, PubMed, co_occurrence, phrase, search
from tests.pubmed import COUNTS, FakePubMed


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakePubMed]:
    monkeypatch.delenv("NCBI_API_KEY", raising=False)
    fake = FakePubMed()
    thread = threading.Thread(target=fake.serve_forever, daemon=True)
    thread.start()
    yield fake
    fake.shutdown()
    fake.server_close()


@pytest.fixture
def waits() -> list[float]:
    return []


def _pubmed(server: FakePubMed, waits: list[float], rate: float | None = 1e9) -> PubMed:
    return PubMed(Path("answers.jsonl"), url=server.url, rate=rate, wait=waits.append)


def test_a_pair_is_weighed_against_independence(server: FakePubMed, waits: list[float]) -> None:
    found = co_occurrence(_pubmed(server, waits), "erlotinib", "TP53")
    assert found.publications == 60
    assert found.expected == pytest.approx(2_000 * 30_000 / 1_000_000)
    assert found.p == pytest.approx(hypergeom.sf(59, 1_000_000, 2_000, 30_000))
    assert found.p > 0.3  # as many as chance gives is no finding, however many


def test_an_answer_is_asked_for_once_and_replays_offline(server: FakePubMed, waits: list[float]) -> None:
    pubmed = _pubmed(server, waits)
    first = co_occurrence(pubmed, "erlotinib", "EGFR")
    n_asked = len(server.asked)
    assert co_occurrence(pubmed, "erlotinib", "EGFR") == first and len(server.asked) == n_asked
    replay = PubMed(Path("answers.jsonl"), offline=True, url=server.url)
    assert co_occurrence(replay, "erlotinib", "EGFR") == first and len(server.asked) == n_asked


def test_offline_without_an_answer_is_said(server: FakePubMed) -> None:
    with pytest.raises(ServiceUnavailableError, match="ask again without --offline"):
        PubMed(Path("answers.jsonl"), offline=True).count("x")


def test_a_phrase_pubmed_does_not_know_counts_nothing(server: FakePubMed, waits: list[float]) -> None:
    found = co_occurrence(_pubmed(server, waits), "NSC-999", "EGFR")
    assert (found.publications, found.expected, found.p) == (0, 0.0, 1.0)


def test_faults_that_pass_are_waited_out(server: FakePubMed, waits: list[float]) -> None:
    server.faults = [429, 503, 500]
    assert _pubmed(server, waits).count(ALL_RECORDS) == 1_000_000
    assert waits[0] == 7.0 and len(server.asked) == 4


def test_partial_results_are_kept_and_the_search_goes_on(server: FakePubMed, waits: list[float]) -> None:
    pairs = [("erlotinib", "EGFR"), ("erlotinib", "TP53")]
    pubmed = _pubmed(server, waits)
    co_occurrence(pubmed, *pairs[0])
    server.faults = [503] * 5
    found, error = search(pubmed, pairs)
    assert len(found) == 1 and "goes on from what was found" in str(error)
    with Path("answers.jsonl").open("a") as file:
        file.write('{"term": "cut o')
    n_asked = len(server.asked)
    again, error = search(_pubmed(server, waits), pairs)
    assert len(again) == 2 and error is None and len(server.asked) == n_asked + 2
    assert len(search(PubMed(Path("answers.jsonl"), offline=True), pairs)[0]) == 2


def test_a_limit_said_inside_an_answer_is_a_limit(server: FakePubMed, waits: list[float]) -> None:
    with pytest.raises(ServiceUnavailableError, match="too many requests, 5 tries"):
        _pubmed(server, waits).count("limited")


def test_a_refused_search_is_not_tried_again(server: FakePubMed, waits: list[float]) -> None:
    server.faults = [400]
    with pytest.raises(ServiceUnavailableError, match="HTTP 400"):
        _pubmed(server, waits).count(ALL_RECORDS)
    with pytest.raises(InputError, match="Invalid query"):
        _pubmed(server, waits).count("[")
    assert not waits


def test_requests_keep_to_the_limit_which_is_higher_with_a_key(
    server: FakePubMed, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    pubmed = _pubmed(server, waits, rate=None)
    for term in list(COUNTS)[:4]:
        pubmed.count(term)
    assert sum(waits) > 3 * 0.2  # three pauses of a third of a second, less what the requests took
    monkeypatch.setenv("NCBI_API_KEY", "secret")
    waits.clear()
    pubmed = _pubmed(server, waits, rate=None)
    pubmed.count('"TP53"[tiab]')
    assert server.asked[-1]["api_key"] == "secret" and not waits


def test_the_key_is_in_no_file_and_no_message(
    server: FakePubMed, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NCBI_API_KEY", "secret")
    pubmed = _pubmed(server, waits)
    pubmed.count(ALL_RECORDS)
    server.faults = [400]
    with pytest.raises(ServiceUnavailableError) as error:
        pubmed.count(phrase("EGFR"))
    assert "secret" not in str(error.value) + Path("answers.jsonl").read_text()


def test_no_server_at_all_is_said(waits: list[float]) -> None:
    pubmed = PubMed(Path("answers.jsonl"), url="http://127.0.0.1:9", wait=waits.append)
    with pytest.raises(ServiceUnavailableError, match="PubMed did not answer"):
        pubmed.count(ALL_RECORDS)
    assert len(waits) >= 4
