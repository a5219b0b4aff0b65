"""The processes of one training: how they join, what they tell each other, and which pairs each of them predicts.

Rank 0 leads: it writes the run. The others serve the steps of the fits and end with the last one. They are started on
this machine by `started_ranks`, or by torchrun. Process groups are those of torch; nothing is pickled here. Without
`joined`, every function answers for a process alone.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.rendezvous import rendezvous

from pharmagraph.kg import folders
from pharmagraph.kg.errors import ModelError, PharmagraphError

PATIENCE = timedelta(hours=2)
"""After which a rank that does not answer counts as lost, such as one whose machine has no power. One that ends is
noticed at once. Rank 0 works alone for minutes where others wait. Set by hand."""
JOINING = timedelta(minutes=5)
"""How long ranks that torchrun started wait for each other before the first step. Set by hand."""

TORCHRUN = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
"""What torchrun sets in the environment of each process."""
_LAST_PORT = 65_535
_BY_TORCHRUN = f"start by torchrun, which sets all of them, or take them out: unset {' '.join(TORCHRUN)}"


@dataclass(frozen=True)
class Rank:
    """One process of a training.

    Attributes
    ----------
    number, size
        Its number, from 0, and how many there are.
    on_machine, of_machine
        The same among those of its machine.
    by_torchrun
        Whether torchrun has started it.
    """

    number: int = 0
    size: int = 1
    on_machine: int = 0
    of_machine: int = 1
    by_torchrun: bool = False

    @property
    def leads(self) -> bool:
        """Whether it writes and tells."""
        return self.number == 0

    @property
    def alone(self) -> bool:
        """Whether there are no others."""
        return self.size == 1


class ServedError(Exception):
    """Ends a rank other than 0: its part is done, or rank 0 says what went wrong.

    Attributes
    ----------
    code
        Exit code.
    """

    def __init__(self, code: int = 0) -> None:
        super().__init__(code)
        self.code = code


_rank = Rank()
_ended = False
_divides = False
_agreed = False


def rank() -> Rank:
    """This process; alone unless it has joined others."""
    return _rank


def of_torchrun() -> Rank | None:
    """What torchrun says this process is; None where it has not started it, or nothing else.

    Raises
    ------
    ModelError
        If only some of its variables are set, or one is no number that it could set: each process would train alone.
    """
    here = [name for name in TORCHRUN if name in os.environ]
    if not here:
        return None
    if missing := [name for name in TORCHRUN if name not in os.environ]:
        raise ModelError(f"{here[0]} is set in the environment and {missing[0]} is not; {_BY_TORCHRUN}")
    found = {}
    for name in TORCHRUN:
        text = os.environ[name]
        if not text.strip():
            raise ModelError(f"{name} is empty in the environment; {_BY_TORCHRUN}")
        if name != "MASTER_ADDR":
            if not (text.isascii() and text.isdigit() and len(text) < 10):
                raise ModelError(f'{name} is "{text}" in the environment, which is no number; {_BY_TORCHRUN}')
            found[name] = int(text)
    for name, of in (("RANK", "WORLD_SIZE"), ("LOCAL_RANK", "LOCAL_WORLD_SIZE")):
        if found[name] >= found[of]:
            raise ModelError(
                f"{name} is {found[name]} in the environment, and {of} is {found[of]}; {_BY_TORCHRUN}"
            )
    if found["MASTER_PORT"] > _LAST_PORT:
        raise ModelError(
            f"MASTER_PORT is {found['MASTER_PORT']} in the environment, and no port; {_BY_TORCHRUN}"
        )
    number, size, on_machine, of_machine = (found[name] for name in TORCHRUN[:4])
    return None if size < 2 else Rank(number, size, on_machine, of_machine, by_torchrun=True)


@contextmanager
def joined(one: Rank, meeting: Path | None = None) -> Iterator[None]:
    """Be a rank within the block; the ranks wait here for each other.

    Parameters
    ----------
    one
        Which one.
    meeting
        A file through which the ranks of one machine find each other; those of torchrun need none.

    Raises
    ------
    ModelError
        If ranks of torchrun do not find each other in `JOINING`.
    """
    global _rank, _ended, _agreed
    _ended = _agreed = False
    before = {name: os.environ.get(name) for name in ("GLOO_SOCKET_IFNAME", "OMP_NUM_THREADS")}
    os.environ["OMP_NUM_THREADS"] = (
        "1"  # Lightning would set as many threads as there are cores for each rank
    )
    if meeting is not None and sys.platform == "linux":
        os.environ["GLOO_SOCKET_IFNAME"] = "lo"  # nobody else's business
    try:
        dist.init_process_group(
            "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo",
            init_method=None if meeting is None else meeting.resolve().as_uri(),
            store=_store_of_torchrun(one) if meeting is None else None,
            rank=one.number,
            world_size=one.size,
            timeout=PATIENCE,
        )
        _rank = one
        yield
    finally:
        _leave()
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _store_of_torchrun(one: Rank) -> Any:
    """Where the ranks of torchrun tell each other their addresses, once all of them are there."""
    try:
        store, *_ = next(rendezvous("env://", one.number, one.size, timeout=JOINING))
    except dist.DistError as error:
        place = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
        raise ModelError(
            f"rank {one.number} of {one.size} did not find the others at {place} within "
            f"{JOINING.total_seconds():.0f} s ({str(error).splitlines()[0].rstrip('.')}); start all of them, and let "
            f"every machine reach that address"
        ) from None
    store.set_timeout(PATIENCE)
    return store


def end_of_steps() -> None:
    """After the last fit: rank 0 goes on alone.

    Raises
    ------
    ServedError
        On every other rank.
    """
    global _ended
    served, _ended = not _rank.leads, True
    _leave()
    if served:
        raise ServedError


def steps_have_ended() -> bool:
    """Whether the ranks have done their part, so that none can be lost."""
    return _ended


def _leave() -> None:
    global _rank
    _rank = Rank()
    if dist.is_initialized():
        with suppress(RuntimeError):  # of a group that has lost a rank
            dist.destroy_process_group()


@contextmanager
def dividing() -> Iterator[None]:
    """Divide the pairs of steps within the block; every rank is in it."""
    global _divides
    _divides = not _rank.alone
    try:
        yield
    finally:
        _divides = False


def rows(n: int) -> slice:
    """Those of n rows that are this rank's in a divided step; all of them otherwise."""
    if not _divides:
        return slice(0, n)
    return slice(n * _rank.number // _rank.size, n * (_rank.number + 1) // _rank.size)


def averaged(gradient: Tensor) -> Tensor:
    """The mean over ranks in a divided step, whole on each of them; otherwise as it is."""
    if not _divides:
        return gradient
    whole = gradient.contiguous().clone()
    dist.all_reduce(whole)
    return whole / _rank.size


def sent_by_first(content: bytes) -> bytes:
    """What rank 0 gives here."""
    if _rank.alone:
        return content
    size = torch.tensor([len(content)])
    dist.broadcast(size, 0)
    sent = torch.empty(int(size), dtype=torch.uint8)
    if _rank.leads and content:
        sent = torch.frombuffer(bytearray(content), dtype=torch.uint8)
    dist.broadcast(sent, 0)
    return sent.numpy().tobytes()


def told_by_first(value: Any) -> Any:
    """The number, text or None that rank 0 gives here."""
    return value if _rank.alone else json.loads(sent_by_first(json.dumps(value).encode()))


@contextmanager
def file_of_first(path: Path | None) -> Iterator[Path | None]:
    """The file that rank 0 gives here, on every rank; on others a copy that lasts as long as the block."""
    if not told_by_first(path is not None):
        yield None
    elif _rank.leads:
        assert path is not None
        if not _rank.alone:
            sent_by_first(path.read_bytes())
        yield path
    else:
        with folders.temporary() as folder:
            copy = folder / "kept"
            copy.write_bytes(sent_by_first(b""))
            yield copy


def _gathered(value: dict[str, str]) -> list[dict[str, str]]:
    """What every rank gives here, by rank."""
    own = json.dumps(value).encode()
    sizes = [torch.zeros(1, dtype=torch.int64) for _ in range(_rank.size)]
    dist.all_gather(sizes, torch.tensor([len(own)]))
    most = int(max(sizes))
    parts = [torch.zeros(most, dtype=torch.uint8) for _ in range(_rank.size)]
    dist.all_gather(parts, torch.frombuffer(bytearray(own.ljust(most)), dtype=torch.uint8))
    return [json.loads(part.numpy().tobytes()) for part in parts]


def require_alike(what: Mapping[str, str]) -> None:
    """Go on where all ranks say the same.

    Parameters
    ----------
    what
        What the training depends on, in words → a digest or a version.

    Raises
    ------
    ModelError
        On rank 0: which rank has other data, or could not begin, and why.
    ServedError
        On every other rank then.
    """
    global _agreed
    if _rank.alone:
        return
    _agreed = True
    first, *others = _gathered(dict(what))
    told = next((t for n, one in enumerate(others, 1) if (t := _difference(n, first, one))), None)
    if told is None:
        return
    raise ModelError(told) if _rank.leads else ServedError(1)


def _difference(number: int, first: Mapping[str, str], other: Mapping[str, str]) -> str | None:
    if why := other.get("error"):
        return f"rank {number}: {why}"
    differing = [name for name in first if first[name] != other.get(name)]
    if not differing:
        return None
    said = ", ".join(f"{name} ({other.get(name)}, rank 0: {first[name]})" for name in differing)
    return (
        f"rank {number} has another {said}; give all ranks the same graph, options and version of pharmagraph"
    )


def tell_error(error: PharmagraphError) -> None:
    """On a rank other than 0, which cannot begin: let rank 0 say why, where all meet in `require_alike`.

    Later errors are raised again: rank 0 sees that this rank is lost.
    """
    if _agreed:
        raise error
    with suppress(RuntimeError):  # rank 0 has ended, too
        _gathered({"error": str(error)})


def is_loss(error: BaseException) -> bool:
    """Whether torch says in this error that the connection to another rank is lost."""
    return isinstance(error, dist.DistError) or (isinstance(error, RuntimeError) and "gloo" in str(error))
