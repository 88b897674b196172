"""Writes test/golden/metrics.json: scores of classifiers as scikit-learn and SciPy compute them.

    python -m venv venv && venv/bin/pip install scikit-learn && venv/bin/python tools/golden/metrics.py
    npx biome format --write test/golden/metrics.json
"""
import json
import pathlib

import numpy
import scipy
import sklearn
from scipy.stats import binomtest
from sklearn import metrics

random = numpy.random.default_rng(5)


def case(name, n, classes, sharpness, unseen=()):
    """Answers of a classifier that is right more often the larger `sharpness` is; `unseen` classes are never the true one."""
    true = random.choice([k for k in range(classes) if k not in unseen], n)
    logits = random.normal(size=(n, classes)) + sharpness * numpy.eye(classes)[true]
    probabilities = numpy.exp(logits) / numpy.exp(logits).sum(1, keepdims=True)
    predicted, labels = probabilities.argmax(1), list(range(classes))
    confidence, right = probabilities.max(1), probabilities.argmax(1) == true
    # Guo et al. 2017: fifteen bins, open below and closed above.
    edges = numpy.linspace(0, 1, 16)
    held = [(confidence > low) & (confidence <= high) for low, high in zip(edges, edges[1:])]
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        true, predicted, labels=labels, zero_division=numpy.nan
    )
    nulls = lambda values: [None if numpy.isnan(v) else float(v) for v in values]
    return dict(
        name=name,
        true=true.tolist(),
        probabilities=probabilities.tolist(),
        accuracy=metrics.accuracy_score(true, predicted),
        balancedAccuracy=metrics.balanced_accuracy_score(true, predicted),
        macroF1=metrics.f1_score(true, predicted, average="macro"),
        precision=nulls(precision),
        recall=nulls(recall),
        f1=[None if s == 0 and not (predicted == k).any() else float(v) for k, (v, s) in enumerate(zip(f1, support))],
        confusion=metrics.confusion_matrix(true, predicted, labels=labels).tolist(),
        nll=metrics.log_loss(true, probabilities, labels=labels),
        brier=metrics.brier_score_loss(true, probabilities, labels=labels, scale_by_half=False),
        ece=float(sum(h.mean() * abs(right[h].mean() - confidence[h].mean()) for h in held if h.any())),
        bins=[int(h.sum()) for h in held],
    )


def wilson(k, n):
    found = binomtest(k, n).proportion_ci(0.95, "wilson")
    return dict(k=k, n=n, low=found.low, high=found.high)


folds = random.uniform(0.8, 1, 5)
golden = dict(
    versions={m.__name__: m.__version__ for m in (numpy, scipy, sklearn)},
    cases=[
        case("four classes", 200, 4, 2),
        case("two classes, hardly told apart", 60, 2, 0.3),
        case("a class without clips", 40, 5, 1, unseen=(3,)),
        case("a class neither there nor predicted", 12, 6, 12, unseen=(1, 4)),
    ],
    wilson=[wilson(k, n) for n in (1, 2, 7, 50, 300, 6000) for k in sorted({0, 1, n // 3, n - 1, n})],
    spread=dict(values=folds.tolist(), mean=folds.mean(), sd=folds.std(ddof=1)),
)
path = pathlib.Path(__file__).parents[2] / "test/golden/metrics.json"
path.write_text(json.dumps(golden, indent=1) + "\n")
