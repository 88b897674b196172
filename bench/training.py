"""A training step by PyTorch, one request a line on standard input, one answer a line on standard output.

python training.py THREADS answers with its version, then takes
  {"open": DIR}    DIR/network.json: layers, optimizer, clipNorm; DIR/weights/*.npy, DIR/input.npy, DIR/target.npy
  {"run": true}    one step: {"ms": …, "cpu": milliseconds of all threads, "loss": …}
Forward, soft cross-entropy, backward and the optimizer's update, all in float32; batches lie in memory.
"""
import json
import pathlib
import sys
import time

import numpy
import torch
from torch import nn

ACTIVATIONS = {"relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU, "elu": nn.ELU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}


class Padded(nn.Module):
    """Zeros, or for a maximum −∞, at each end of each axis in front of a layer that takes one number for both ends."""

    def __init__(self, layer, begin, end, value=0.0):
        super().__init__()
        self.layer, self.value = layer, value
        self.pads = [n for pair in reversed(list(zip(begin, end))) for n in pair]

    def forward(self, x):
        return self.layer(nn.functional.pad(x, self.pads, value=self.value))


class Residual(nn.Module):
    def __init__(self, body, shortcut):
        super().__init__()
        self.body, self.shortcut = body, shortcut

    def forward(self, x):
        return self.body(x) + self.shortcut(x)


def ends(padding, extent):
    """Padding at the begin and at the end of each axis."""
    if padding == "valid":
        return [0] * len(extent), [0] * len(extent)
    if padding == "same":
        begin = [(k - 1) // 2 for k in extent]
        return begin, [k - 1 - b for k, b in zip(extent, begin)]
    half = len(padding) // 2
    return (padding, padding) if len(padding) == len(extent) else (padding[:half], padding[half:])


def each(value, rank):
    return [value] * rank if isinstance(value, int) else value


def build(layers, weights, prefix=""):
    """A module of the layers, with weights by our names."""
    counts, modules = {}, []
    for layer in layers:
        kind = layer["kind"]
        base = {"batchnorm": "bn", "dense": "fc"}.get(kind, kind)
        counts[base] = counts.get(base, 0) + 1
        name = f"{prefix}{base}{counts[base]}"
        modules += made(layer, kind, name, {k[len(name) + 1 :]: v for k, v in weights.items() if k.startswith(f"{name}.")})
    return nn.Sequential(*modules)


def made(layer, kind, name, own):
    if kind == "residual":
        shortcut = {k[len("shortcut.") :]: v for k, v in own.items() if k.startswith("shortcut.")}
        return [Residual(build(layer["layers"], own), build(layer.get("shortcut") or [], shortcut))]
    if kind == "flatten":
        return [nn.Flatten()]
    if kind == "dropout":
        return [nn.Dropout(layer["rate"])]
    if kind in ACTIVATIONS:
        return [ACTIVATIONS[kind]()]
    if kind == "globalpool":
        pool = nn.AdaptiveMaxPool2d if layer["of"] == "max" else nn.AdaptiveAvgPool2d
        return [pool(1), nn.Flatten()]
    if kind == "dense":
        out, width = own["weight"].shape
        return [loaded(nn.Linear(width, out, bias="bias" in own), own)]
    if kind == "batchnorm":
        return [loaded(nn.BatchNorm2d(len(own["weight"])), own)]
    extent = layer.get("kernel") or layer["size"]
    pick = lambda name: getattr(nn, f"{name}{len(extent)}d")  # noqa: E731
    if kind == "conv":
        dilation = each(layer.get("dilation", 1), len(extent))
        begin, end = ends(layer.get("padding", "same"), [d * (k - 1) + 1 for d, k in zip(dilation, extent)])
        out, per_group, *kernel = own["weight"].shape
        groups = layer.get("groups", 1)
        stride = each(layer.get("stride", 1), len(extent))
        arguments = dict(stride=stride, dilation=dilation, groups=groups, bias="bias" in own)
        make = lambda padding: loaded(pick("Conv")(per_group * groups, out, kernel, padding=padding, **arguments), own)  # noqa: E731
        return [make(begin)] if begin == end else [Padded(make(0), begin, end)]
    begin, end = ends(layer.get("padding", "valid"), extent)
    stride = each(layer.get("stride", extent), len(extent))
    if kind == "maxpool":
        pool = pick("MaxPool")
        return [pool(extent, stride, begin)] if begin == end else [Padded(pool(extent, stride), begin, end, -numpy.inf)]
    assert begin == end, "averages over one-sided padding"
    return [pick("AvgPool")(extent, stride, begin, count_include_pad=False)]


def loaded(module, own):
    module.load_state_dict({k: torch.from_numpy(v) for k, v in own.items()}, strict=False)
    return module


def optimizer_of(model, o):
    decays = [dict(params=[p for p in model.parameters() if (p.dim() > 1) == w], weight_decay=o["weightDecay"] * w) for w in (True, False)]
    if o["kind"] == "sgd":
        return torch.optim.SGD(decays, lr=1e-3, momentum=o["momentum"], nesterov=o["nesterov"])
    make = torch.optim.Adam if o["kind"] == "adam" else torch.optim.AdamW
    return make(decays, lr=1e-3, betas=(o["beta1"], o["beta2"]), eps=o["epsilon"])


def opened(folder):
    told = json.loads((folder / "network.json").read_text())
    weights = {path.stem: numpy.load(path) for path in (folder / "weights").iterdir()}
    model = build(told["layers"], weights).train()
    optimizer = optimizer_of(model, told["optimizer"])
    x, target = (torch.from_numpy(numpy.load(folder / f"{name}.npy")) for name in ("input", "target"))

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = -(target * model(x).log_softmax(1)).sum()
        loss.backward()
        if told["clipNorm"]:
            nn.utils.clip_grad_norm_(model.parameters(), told["clipNorm"])
        optimizer.step()
        return loss.item()

    return step


def main():
    torch.set_num_threads(int(sys.argv[1]))
    answers, sys.stdout = sys.stdout, sys.stderr

    def answer(**what):
        print(json.dumps(what), file=answers, flush=True)

    answer(torch=torch.__version__)
    step = None
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            if "open" in asked:
                step = opened(pathlib.Path(asked["open"]))
                answer(done=True)
            else:
                begin, cpu = time.perf_counter(), time.process_time()
                loss = step()
                answer(ms=(time.perf_counter() - begin) * 1000, cpu=(time.process_time() - cpu) * 1000, loss=loss)
        except Exception as error:
            answer(error=f"{type(error).__name__}: {error}")


main()
