"""Writes test/golden/zennit: random networks as ONNX files, and their relevances by zennit 0.5.1 for every rule and composite.

    python tools/golden/relevance.py   # torch 1.13 and zennit 0.5.1
    npx biome format --write test/golden

NAME.onnx is the network as PyTorch exports it; NAME.npz holds `input` (two of them), `logits` and relevances in float64, by
method as `parseMethod` reads it; deviations.json says how far zennit's own float32 is from its float64, over the largest.
"""
import json
import pathlib
import shutil
import warnings

import numpy
import torch
from networks import CONVOLUTION, GRADIENTS, Reference, Residual, composite, example, measured, relevance, seeded
from torch import nn
from zennit import composites, rules
from zennit.core import Stabilizer

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "test/golden/zennit"
warnings.filterwarnings("ignore")
LOW, HIGH = -3.0, 3.5
BOX = f"low={LOW},high={HIGH}"


def each(rule, **kw):
    return lambda: composite(lambda: rule(**kw), lambda: rule(**kw))


def box():
    return rules.ZBox(torch.tensor(LOW), torch.tensor(HIGH))


METHODS = {
    "epsilon": each(rules.Epsilon),
    "epsilon:epsilon=0.25": each(rules.Epsilon, epsilon=0.25),
    "epsilon:epsilon=0.1,relative": each(rules.Epsilon, epsilon=Stabilizer(epsilon=0.1, norm_scale=True)),
    "epsilon:epsilon=0.01,bias=ignore": each(rules.Epsilon, epsilon=0.01, zero_params="bias"),
    "zplus": each(rules.ZPlus),
    "zplus:stabilizer=0.1,bias=ignore": each(rules.ZPlus, stabilizer=0.1, zero_params="bias"),
    "alpha2-beta1": each(rules.AlphaBeta),
    "alpha-beta:alpha=3.5,beta=2.5": each(rules.AlphaBeta, alpha=3.5, beta=2.5),
    "alpha-beta:alpha=1,beta=0,bias=ignore": each(rules.AlphaBeta, alpha=1.0, beta=0.0, zero_params="bias"),
    "gamma": each(rules.Gamma),
    "gamma:gamma=1.5,stabilizer=0.01": each(rules.Gamma, gamma=1.5, stabilizer=0.01),
    "gamma:gamma=0.5,bias=ignore": each(rules.Gamma, gamma=0.5, zero_params="bias"),
    "wsquare": each(rules.WSquare),
    "wsquare:bias=ignore": each(rules.WSquare, zero_params="bias"),
    "flat": each(rules.Flat),
    "epsilon-plus": composites.EpsilonPlus,
    "epsilon-plus-flat": composites.EpsilonPlusFlat,
    "epsilon-alpha2-beta1": composites.EpsilonAlpha2Beta1,
    "epsilon-alpha2-beta1-flat": composites.EpsilonAlpha2Beta1Flat,
    f"epsilon-gamma-box:{BOX}": lambda: composites.EpsilonGammaBox(torch.tensor(LOW), torch.tensor(HIGH)),
    "excitation-backprop": composites.ExcitationBackprop,
    "gradient": GRADIENTS["gradient"],
    "guided-backprop": composites.GuidedBackprop,
    "deconvnet": composites.DeconvNet,
}

RECTIFIED = ("guided-backprop", "deconvnet")  # zennit has them for ReLU only


class Draw:
    """A random sequence of layers of one or two spatial dimensions; `torch` and `merged` are the same but for batch norm."""

    def __init__(self, seed):
        self.random = numpy.random.RandomState(seed)
        self.dims = 1 + seed % 2
        self.activations = [nn.ReLU] if seed % 3 else [nn.LeakyReLU, nn.ELU, nn.Softplus, nn.SELU, nn.Softsign, nn.ReLU6, nn.PReLU]
        self.rectified = self.activations == [nn.ReLU]

    def one(self, *choices):
        return choices[self.random.randint(len(choices))]

    def kind(self, name):
        return getattr(nn, f"{name}{self.dims}d")

    def some(self, *choices):
        """A number for each spatial axis."""
        return tuple(self.one(*choices) for _ in range(self.dims))

    def activation(self):
        return self.one(*self.activations)()

    def conv(self, i, o=None, **kw):
        o = o or self.one(4, 6)
        group = self.one(1, 1, 2) if i % 2 == 0 and o % 2 == 0 else 1
        options = dict(stride=self.some(1, 1, 2), dilation=self.some(1, 1, 2), padding=self.some(0, 1, 2), groups=group, bias=self.one(True, True, False))
        return self.kind("Conv")(i, o, self.some(2, 3), **{**options, **kw}), o

    def block(self, i):
        """Layers for `i` channels, and how many channels they give."""
        what = self.one("conv", "normed", "norm first", "transposed", "residual", "max", "average", "average")
        if what == "normed":
            conv, o = self.conv(i)
            return [conv, self.kind("BatchNorm")(o), self.activation()], o
        if what == "norm first":
            conv, o = self.conv(i, padding=0, groups=1)
            return [self.activation(), self.kind("BatchNorm")(i), conv, self.activation()], o
        if what == "transposed":
            stride = self.some(1, 2)
            options = dict(stride=stride, padding=self.some(0, 1), groups=self.one(1, 2) if i % 2 == 0 else 1, output_padding=tuple(s - 1 for s in stride))
            return [self.kind("ConvTranspose")(i, 4, 3, **options), self.activation()], 4
        if what == "residual":
            convs = [self.kind("Conv")(i, i, 3, padding=1), self.activation(), self.kind("Conv")(i, i, 1)]
            return [Residual(nn.Sequential(*convs), None, self.activation())], i
        if what == "max":
            kernel = self.one((2, 2, 0, 1), (3, 2, 1, 1), (3, 1, 1, 1), (2, 1, 0, 2))
            return [self.kind("MaxPool")(*kernel, ceil_mode=bool(self.random.randint(2)))], i
        if what == "average":
            return [self.kind("AvgPool")(*self.one((2, 2, 0), (3, 2, 1), (3, 1, 1)), count_include_pad=bool(self.random.randint(2)))], i
        conv, o = self.conv(i)
        return [conv, self.activation()], o

    def network(self):
        first, channels = self.conv(2, groups=1)
        layers = [first, self.activation()]
        for _ in range(3):
            more, channels = self.block(channels)
            layers += more
        shape = (2, 24) if self.dims == 1 else (2, 11, 9)
        size = nn.Sequential(*layers).eval()(torch.zeros(1, *shape)).shape
        if self.random.randint(2):
            layers, width = [*layers, self.kind("AdaptiveAvgPool")(1), nn.Flatten()], channels
        else:
            layers, width = [*layers, nn.Flatten()], int(numpy.prod(size[1:]))
        return nn.Sequential(*layers, nn.Linear(width, 6), self.activation(), nn.Linear(6, 4)), shape


def merge_norms(model):
    """A copy with batch norms merged into the convolution before them, or else into the unpadded one after them."""
    import copy

    layers, norm = list(copy.deepcopy(model)), nn.modules.batchnorm._BatchNorm
    for i, layer in enumerate(layers):
        if not isinstance(layer, norm):
            continue
        k = layer.weight.data / (layer.running_var + layer.eps).sqrt()
        c = layer.bias.data - k * layer.running_mean
        near = layers[i - 1] if isinstance(layers[i - 1], CONVOLUTION) else layers[i + 1]
        bias = torch.zeros_like(c) if near.bias is None else near.bias.data
        wide = [1] * (near.weight.dim() - 2)
        if near is layers[i - 1]:
            bias = k * bias + c
            near.weight.data = near.weight.data * k.view(-1, 1, *wide)
        else:
            bias = torch.zeros(len(near.weight)).to(bias) if near.bias is None else bias
            bias = bias + (near.weight.data * c.view(1, -1, *wide)).flatten(1).sum(1)
            near.weight.data = near.weight.data * k.view(1, -1, *wide)
        near.bias = nn.Parameter(bias)
        layers[i] = nn.Identity()
    return nn.Sequential(*layers).eval()


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    deviations, seed = {}, 0
    while len(deviations) < 24:
        seed += 1
        draw = Draw(seed)
        try:
            model, shape = draw.network()
        except RuntimeError:  # nothing is left of the input
            continue
        name = f"random_{seed}"
        model, x = seeded(model, name), example(shape, name)
        with torch.no_grad():
            logits = model.double()(x.double()).numpy()
        arrays, far = {"input": x, "logits": logits}, {}
        for method, make in METHODS.items():
            if method in RECTIFIED and not draw.rectified:
                continue
            if not relevance(merge_norms(model.double()), x, method, make, torch.float64).any():  # all units are dead
                continue
            arrays[method], far[method] = measured(merge_norms, model, x, method, make)
        deviations[name] = far
        torch.onnx.export(
            model.float(), x, str(FOLDER / f"{name}.onnx"), opset_version=17, input_names=["input"], output_names=["output"],
            dynamic_axes={"input": {0: "batch"}, "output": {0: "batch"}},
        )  # fmt: skip
        numpy.savez_compressed(FOLDER / f"{name}.npz", **{k: numpy.asarray(v, "float32") for k, v in arrays.items()})
    (FOLDER / "deviations.json").write_text(json.dumps(deviations, indent=2) + "\n")


if __name__ == "__main__":
    main()
