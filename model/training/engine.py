"""How Lightning runs a fit: on one device, or with pairs divided over ranks by its strategy ``ddp``."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from lightning_fabric.plugins.environments.cluster_environment import ClusterEnvironment
from pytorch_lightning.plugins.io import TorchCheckpointIO
from pytorch_lightning.strategies import DDPStrategy

from pharmagraph.kg import folders
from pharmagraph.kg.errors import InputError
from pharmagraph.model import ranks
from pharmagraph.model.presets.config import Config


def engine(config: Config) -> dict[str, Any]:
    """Arguments of Lightning's trainer for this process: alone, or one of the ranks of `model.ranks`.

    ``config`` is that of the network: the published one has no parameter that takes no part in the steps.
    """
    one = ranks.rank()
    if one.alone:
        return {"devices": 1}
    strategy = DDPStrategy(
        cluster_environment=_Joined(),
        find_unused_parameters=config.network.kind
        != "adjacency",  # factors, for one, take no part in the steps
        broadcast_buffers=False,  # they are constant, or made of node states, which all ranks have
    )
    return {
        "devices": one.of_machine, "num_nodes": one.size // one.of_machine, "strategy": strategy,
        "use_distributed_sampler": False,  # every rank sees every chunk, and predicts some of its pairs
    }  # fmt: skip


class WholeFile(TorchCheckpointIO):
    """Puts a checkpoint in the place of the former one once it is whole; a full disk ends no fit."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write it, if there is room."""
        with suppress(OSError, InputError), folders.whole(Path(path)) as new:
            super().save_checkpoint(checkpoint, new, storage_options)


class _Joined(ClusterEnvironment):
    """Tells Lightning of ranks that have joined already."""

    @property
    def creates_processes_externally(self) -> bool:
        return True

    @property
    def main_address(self) -> str:
        return ""

    @property
    def main_port(self) -> int:
        return 0

    @staticmethod
    def detect() -> bool:
        return torch.distributed.is_initialized()

    def world_size(self) -> int:
        return ranks.rank().size

    def set_world_size(self, size: int) -> None: ...

    def global_rank(self) -> int:
        return ranks.rank().number

    def set_global_rank(self, rank: int) -> None: ...

    def local_rank(self) -> int:
        return ranks.rank().on_machine

    def node_rank(self) -> int:
        return ranks.rank().number // ranks.rank().of_machine
