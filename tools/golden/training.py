"""Writes test/golden/training.json: losses, five steps of each optimizer, and learning rates, as PyTorch computes them.

    python tools/golden/training.py && npx biome format --write test/golden/training.json

with numpy and torch, all in float64. Weights decay, biases do not.
"""
import json
import pathlib

import numpy
import torch
from torch import nn
from torch.optim import lr_scheduler

draw = numpy.random.RandomState(5)


def rounded(values, digits=6):
    """Numbers that JSON holds exactly as they are used."""
    return numpy.round(values, digits)


def losses():
    """CrossEntropyLoss(weight, label_smoothing) and its gradient, and mixup's mean of two of them."""
    logits, labels = rounded(draw.randn(5, 4) * 2), [2, 0, 3, 2, 1]
    partners, share = [1, 1, 0, 2, 3], [0.9, 0.25, 1.0, 0.5, 0.0]
    weights = [0.5, 2.0, 1.25, 0.8]
    cases = []
    for weight in (None, weights):
        for smoothing in (0.0, 0.1):
            for mixed in (False, True):
                if mixed and weight:
                    continue
                z = torch.tensor(logits, requires_grad=True)
                w = torch.tensor(weight, dtype=torch.float64) if weight else None
                reduction = "none" if mixed else "mean"
                criterion = nn.CrossEntropyLoss(w, label_smoothing=smoothing, reduction=reduction)
                loss = criterion(z, torch.tensor(labels))
                if mixed:
                    s = torch.tensor(share, dtype=torch.float64)
                    loss = (s * loss + (1 - s) * criterion(z, torch.tensor(partners))).mean()
                loss.backward()
                case = dict(smoothing=smoothing, loss=loss.item(), gradient=z.grad.flatten().tolist())
                if weight:
                    case["classWeights"] = weight
                if mixed:
                    case["mix"] = dict(labels=partners, share=share)
                cases.append(case)
    return dict(logits=logits.flatten().tolist(), labels=labels, cases=cases)


OPTIMIZERS = [
    ("sgd", dict(momentum=0.0), dict()),
    ("sgd", dict(momentum=0.9), dict()),
    ("sgd", dict(momentum=0.8, weight_decay=0.05), dict(clip=0.7)),
    ("sgd", dict(momentum=0.9, nesterov=True, weight_decay=0.01), dict()),
    ("adam", dict(), dict()),
    ("adam", dict(betas=(0.8, 0.99), eps=1e-3, weight_decay=0.1), dict(clip=0.7)),
    ("adamw", dict(betas=(0.9, 0.98), eps=1e-6, weight_decay=0.2), dict()),
    ("adamw", dict(weight_decay=0.0), dict(clip=100.0)),
]
MAKE = dict(sgd=torch.optim.SGD, adam=torch.optim.Adam, adamw=torch.optim.AdamW)
RATES = [0.05, 0.05, 0.02, 0.1, 0.01]


def network():
    layers = [nn.Conv2d(1, 2, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(18, 3)]
    return nn.Sequential(*layers).double()


NAMES = {"0.weight": "conv1.weight", "0.bias": "conv1.bias", "3.weight": "fc1.weight", "3.bias": "fc1.bias"}


def steps():
    """Every batch, the weights before the first step, and those after the fifth with each optimizer."""
    start = {name: rounded(draw.randn(*p.shape) * 0.4) for name, p in network().named_parameters()}
    x, y = rounded(draw.randn(5, 4, 1, 5, 6), 3), draw.randint(0, 3, (5, 4))
    cases = []
    for kind, arguments, extra in OPTIMIZERS:
        model = network()
        model.load_state_dict({name: torch.from_numpy(values) for name, values in start.items()})
        decay = arguments.get("weight_decay", 0)
        others = {name: value for name, value in arguments.items() if name != "weight_decay"}
        groups = [
            dict(params=[p for p in model.parameters() if (p.dim() > 1) == weights], weight_decay=decay if weights else 0)
            for weights in (True, False)
        ]
        optimizer = MAKE[kind](groups, lr=1.0, **others)
        norms = []
        for step, rate in enumerate(RATES):
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.zero_grad()
            nn.CrossEntropyLoss()(model(torch.from_numpy(x[step])), torch.from_numpy(y[step])).backward()
            if "clip" in extra:
                norms.append(nn.utils.clip_grad_norm_(model.parameters(), extra["clip"]).item())
            optimizer.step()
        after = {NAMES[name]: p.detach().flatten().tolist() for name, p in model.named_parameters()}
        cases.append(dict(kind=kind, arguments=arguments, **extra, norms=norms, after=after))
    initial = {NAMES[name]: values.flatten().tolist() for name, values in start.items()}
    return dict(rates=RATES, initial=initial, x=x.reshape(5, -1).tolist(), y=y.tolist(), cases=cases)


def rates(make, count, rate=0.4):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=rate)
    scheduler = make(optimizer)
    found = []
    for _ in range(count):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def schedules():
    """Steps are PyTorch's, but for `step`, whose scheduler goes by epochs; each of those has one step here."""
    cycle = lr_scheduler.OneCycleLR
    warm = lambda o: lr_scheduler.LinearLR(o, 1 / 4, 1, 3)  # noqa: E731
    cases = [
        (dict(kind="constant", rate=0.4), 6, lambda o: lr_scheduler.ConstantLR(o, 1.0)),
        (dict(kind="step", rate=0.4, every=3, factor=0.5), 10, lambda o: lr_scheduler.StepLR(o, 3, 0.5)),
        (dict(kind="cosine", rate=0.4), 10, lambda o: lr_scheduler.CosineAnnealingLR(o, 10)),
        (dict(kind="cosine", rate=0.4, end=0.1), 7, lambda o: lr_scheduler.CosineAnnealingLR(o, 7, 0.1)),
        (
            dict(kind="cosine", rate=0.4, warmUp=4),
            12,
            lambda o: lr_scheduler.SequentialLR(o, [warm(o), lr_scheduler.CosineAnnealingLR(o, 8)], [4]),
        ),
        (dict(kind="one-cycle", rate=0.4), 20, lambda o: cycle(o, 0.4, 20)),
        (dict(kind="one-cycle", rate=0.4), 13, lambda o: cycle(o, 0.4, 13)),
        (
            dict(kind="one-cycle", rate=0.4, rise=0.4, startDivisor=10, endDivisor=100),
            15,
            lambda o: cycle(o, 0.4, 15, pct_start=0.4, div_factor=10, final_div_factor=100),
        ),
    ]
    return [dict(schedule=schedule, rates=rates(make, count)) for schedule, count, make in cases]


golden = dict(
    versions=dict(torch=torch.__version__, numpy=numpy.__version__), losses=losses(), steps=steps(), schedules=schedules()
)
path = pathlib.Path(__file__).parents[2] / "test/golden/training.json"
path.write_text(json.dumps(golden))
