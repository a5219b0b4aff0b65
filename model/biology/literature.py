"""Counts PubMed abstracts that name both a drug and a gene, and compares them with the number expected by chance.

A raw count is large if both are popular; the count relative to independence is informative. Answers are kept in a
file, so that a search that was cut off goes on, and one that was done can be repeated without a network.
"""

from __future__ import annotations

import http.client
import json
import os
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pharmagraph.kg.errors import InputError, ServiceUnavailableError, shortened

EUTILS = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils"
KEY_VARIABLE = "NCBI_API_KEY"
RATE, RATE_WITH_KEY = 3.0, 10.0
"""Requests per second that NCBI allows without a key, and with one."""
RETRIES = 4
TIMEOUT = 20.0
LONGEST = 1 << 20
"""Bytes of an answer; one with a count has a few hundred."""
ALL_RECORDS = "all[sb]"
"""The search term that matches every record, which gives the size of PubMed."""


@dataclass
class PubMed:
    """Numbers of abstracts by search term, from a file of answers or from NCBI's E-utilities.

    Parameters
    ----------
    answers
        File of answers, one JSON object per line; created if it does not exist.
    offline
        Answer from the file alone.
    url
        URL of the E-utilities; tests use another one.
    rate
        Requests per second; by default NCBI's limit.
    wait
        Function that sleeps for a number of seconds.
    """

    answers: Path
    offline: bool = False
    url: str = EUTILS
    rate: float | None = None
    wait: Callable[[float], None] = time.sleep
    _counts: dict[str, int] = field(default_factory=dict, init=False)
    _next: float = field(default=0.0, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise InputError(f'"{shortened(self.url)}" is not an address; give one that begins with https://')
        if not self.answers.is_file():
            return
        written = self.answers.read_bytes().splitlines()
        for line in written:
            try:
                entry = json.loads(line)
                self._counts[str(entry["term"])] = int(entry["count"])
            except (
                ValueError,
                KeyError,
                TypeError,
            ):  # an incomplete line, written when the work was cut off
                continue
        if any(line.strip() for line in written[:-1]) and not self._counts:
            raise InputError(
                f"{self.answers} is no file of PubMed's answers, and is left as it is; give another --answers"
            )

    def count(self, term: str) -> int:
        """Number of abstracts that match a term.

        Raises
        ------
        ServiceUnavailableError
            If the file has no answer and PubMed does not respond; earlier answers stay in the file.
        InputError
            If PubMed does not accept the term.
        """
        with self._lock:
            if term not in self._counts:
                if self.offline:
                    raise ServiceUnavailableError(
                        f"{self.answers} has no answer for {term}; ask again without --offline"
                    )
                self._counts[term] = self._ask(term)
                self._keep(term, self._counts[term])
            return self._counts[term]

    def _keep(self, term: str, count: int) -> None:
        self.answers.parent.mkdir(parents=True, exist_ok=True)
        with self.answers.open("a+b") as file:
            if file.tell():  # an incomplete line must not merge with this one
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    file.write(b"\n")
            file.write(json.dumps({"term": term, "count": count}).encode() + b"\n")

    def _ask(self, term: str) -> int:
        parameters = {"db": "pubmed", "term": term, "retmode": "json", "retmax": "0", "tool": "pharmagraph"}
        key = os.environ.get(KEY_VARIABLE)
        if key:
            parameters["api_key"] = key
        request = f"{self.url}/esearch.fcgi?{urllib.parse.urlencode(parameters)}"
        reason = ""
        for attempt in range(RETRIES + 1):
            self._pace(self.rate or (RATE_WITH_KEY if key else RATE))
            try:
                answer = json.loads(_fetched(request))
                if not _is_limit(answer):
                    return _count(answer, term)
                reason, pause = "too many requests", 2.0**attempt
            except urllib.error.HTTPError as error:
                reason = f"HTTP {error.code}"
                if error.code not in {408, 429} and error.code < 500:
                    raise ServiceUnavailableError(f"PubMed refused the search for {term}: {reason}") from None
                pause = _seconds(error.headers.get("Retry-After")) or 2.0**attempt
            except (ValueError, RecursionError):  # no JSON, no text, or brackets without end
                reason, pause = "an answer that is no JSON", 2.0**attempt
            except (
                OSError,
                http.client.HTTPException,
            ) as error:  # no route, unknown host, timeout or broken connection
                reason, pause = str(getattr(error, "reason", error)), 2.0**attempt
            if attempt < RETRIES:
                self.wait(pause)
        raise ServiceUnavailableError(
            f"PubMed did not answer ({reason}, {RETRIES + 1} tries); the same command goes on from what was found"
        )

    def _pace(self, rate: float) -> None:
        now = time.monotonic()
        if self._next > now:
            self.wait(self._next - now)
        self._next = max(now, self._next) + 1 / rate


@dataclass(frozen=True)
class CoOccurrence:
    """Numbers of abstracts with a drug and a gene.

    Attributes
    ----------
    drug, gene
        Names that were searched.
    publications
        Number of abstracts that name both.
    expected
        Number expected under independence: abstracts with the drug times abstracts with the gene, over all abstracts.
    p
        Hypergeometric probability of at least so many abstracts.
    """

    drug: str
    gene: str
    publications: int
    expected: float
    p: float


def co_occurrence(pubmed: PubMed, drug: str, gene: str) -> CoOccurrence:
    """Search a drug, a gene and both.

    Raises
    ------
    ServiceUnavailableError
        If PubMed does not respond.
    """
    from scipy.stats import hypergeom

    n_all = pubmed.count(ALL_RECORDS)
    n_drug, n_gene = pubmed.count(phrase(drug)), pubmed.count(phrase(gene))
    both = pubmed.count(f"{phrase(drug)} AND {phrase(gene)}") if n_drug and n_gene else 0
    expected = n_drug * n_gene / n_all if n_all else 0.0
    p = float(hypergeom.sf(both - 1, n_all, n_drug, n_gene)) if n_all else 1.0
    return CoOccurrence(drug, gene, both, expected, p)


def search(
    pubmed: PubMed,
    pairs: Iterable[tuple[str, str]],
    *,
    advance: Callable[[CoOccurrence], None] = lambda found: None,
) -> tuple[list[CoOccurrence], ServiceUnavailableError | None]:
    """Search pairs until all are done or PubMed stops answering.

    Returns
    -------
    list, error or None
        The results in order, and the error if the search stopped early.
    """
    found: list[CoOccurrence] = []
    for drug, gene in pairs:
        try:
            found.append(co_occurrence(pubmed, drug, gene))
        except ServiceUnavailableError as error:
            return found, error
        advance(found[-1])
    return found, None


def phrase(name: str) -> str:
    """The search term for a name: a phrase in title or abstract."""
    return '"' + name.replace('"', " ").strip() + '"[tiab]'


def _count(answer: object, term: str) -> int:
    """The count in an answer; 0 for a phrase that PubMed does not know, whatever it searched instead."""
    result = answer.get("esearchresult") if isinstance(answer, dict) else None
    if not isinstance(result, dict) or "count" not in result:
        error = (answer.get("error") if isinstance(answer, dict) else None) or (result or {}).get("ERROR")
        raise InputError(
            f"PubMed did not understand the search for {term}: {error or 'no count in its answer'}"
        )
    unknown = (result.get("errorlist") or {}).get("phrasesnotfound") or (result.get("warninglist") or {}).get(
        "quotedphrasesnotfound"
    )
    if unknown:
        return 0
    count = str(result["count"])
    if not (count.isascii() and count.isdigit() and len(count) < 16):
        raise ServiceUnavailableError(
            f'PubMed counts "{shortened(count)}" abstracts for {term}, which is no number; try again later'
        )
    return int(count)


def _fetched(request: str) -> bytes:
    """What the service answers, unless it is longer or takes longer than an answer does.

    Raises
    ------
    OSError
        If it cannot be had.
    """
    deadline = time.monotonic() + 2 * TIMEOUT
    parts, length = [], 0
    with urllib.request.urlopen(request, timeout=TIMEOUT) as response:  # nosec B310 # http(s) alone, by PubMed
        while part := response.read1(1 << 16):
            parts.append(part)
            length += len(part)
            if length > LONGEST or time.monotonic() > deadline:
                raise OSError("an answer without end")
    return b"".join(parts)


def _is_limit(answer: object) -> bool:
    return isinstance(answer, dict) and "rate limit" in str(answer.get("error", "")).lower()


def _seconds(text: str | None) -> float | None:
    try:
        return min(float(text), 60.0) if text else None
    except ValueError:
        return None
