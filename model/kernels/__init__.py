"""Attention over edges: one interface, implementations chosen by device and by what the machine has."""

from model.kernels.choice import attend, status, warm
from model.kernels.csr import Csr
from model.kernels.dropout import Dropout
from model.kernels.relation import Relation

__all__ = ["Csr", "Dropout", "Relation", "attend", "status", "warm"]
