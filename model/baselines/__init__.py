"""Simple models that a network has to beat, one a module, behind one interface.

A baseline chooses its options on inner folds of the training pairs, then predicts the pairs that it is asked for. Of a
held-out pair it is given only the features of the drug and the cell line.
"""

from pharmagraph.model.baselines.additive import Additive
from pharmagraph.model.baselines.blend import Blend
from pharmagraph.model.baselines.elastic_net import ElasticNet
from pharmagraph.model.baselines.ensemble_mf import EnsembleMF
from pharmagraph.model.baselines.factorisation import Factorisation
from pharmagraph.model.baselines.features import Features, require_features
from pharmagraph.model.baselines.gaussian_process import GaussianProcess
from pharmagraph.model.baselines.kernel_ridge import KernelRidge
from pharmagraph.model.baselines.means import CellLineMean, DrugMean, Mean, MeanEffects
from pharmagraph.model.baselines.perceptron import Perceptron
from pharmagraph.model.baselines.problem import Baseline, Problem
from pharmagraph.model.baselines.side_information import SideInformation
from pharmagraph.model.baselines.trees import GradientBoosting, RandomForest, XGBoost

BASELINES: dict[str, Baseline] = {
    "mean": Mean(),
    "drug-mean": DrugMean(),
    "cell-line-mean": CellLineMean(),
    "mean-effects": MeanEffects(),
    "additive": Additive(),
    "factorisation": Factorisation(),
    "side-information": SideInformation(),
    "kernel-ridge": KernelRidge(),
    "gaussian-process": GaussianProcess(),
    "gradient-boosting": GradientBoosting(),
    "xgboost": XGBoost(),
    "random-forest": RandomForest(),
    "elastic-net": ElasticNet(),
    "perceptron": Perceptron(),
    "ensemble-mf": EnsembleMF(),
    "blend": Blend(GaussianProcess(), Factorisation(), SideInformation()),
}
"""Name on the command line → baseline."""

__all__ = ["BASELINES", "Baseline", "Features", "Problem", "require_features"]
