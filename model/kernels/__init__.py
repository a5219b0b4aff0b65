"""Attention over edges: one interface, whose implementation is chosen by the device and by what the machine can
build."""

from pharmagraph.model.kernels.choice import attend, status, warm
from pharmagraph.model.kernels.csr import Csr
from pharmagraph.model.kernels.dropout import Dropout
from pharmagraph.model.kernels.relation import Relation

__all__ = ["Csr", "Dropout", "Relation", "attend", "status", "warm"]
