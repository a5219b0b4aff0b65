"""Attention over edges: one interface, implementations chosen by device and by what the machine has."""

from pharmagraph.model.kernels.choice import attend, status, warm
from pharmagraph.model.kernels.csr import Csr
from pharmagraph.model.kernels.dropout import Dropout
from pharmagraph.model.kernels.relation import Relation

__all__ = ["Csr", "Dropout", "Relation", "attend", "status", "warm"]
