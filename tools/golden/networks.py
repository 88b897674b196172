"""Small networks of the kinds that audio and image classifiers are made of, in PyTorch, and their relevances by zennit.

What has no module in PyTorch but a rule in LRP is one here: `Add`, `Mean`, `Gate`. While `Reference.on`, they compute in the
form that zennit's hooks understand; otherwise as people write them, so that this is what is exported.
"""
import contextlib
import zlib

import numpy
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from zennit import rules
from zennit.composites import Composite
from zennit.layer import Sum


class Reference:
    on = False

    @staticmethod
    @contextlib.contextmanager
    def form():
        Reference.on = True
        try:
            yield
        finally:
            Reference.on = False


class Add(nn.Module):
    """a + b; to zennit its Sum of a stack."""

    def __init__(self):
        super().__init__()
        self.sum = Sum()

    def forward(self, a, b):
        return self.sum(torch.stack([a, b], -1)) if Reference.on else a + b


class Mean(nn.Module):
    """The mean over some axes, an average pooling (rule Norm)."""

    def __init__(self, dims, keepdim=False):
        super().__init__()
        self.dims, self.keepdim = dims, keepdim

    def forward(self, x):
        return x.mean(self.dims, keepdim=self.keepdim)


class Gate(nn.Module):
    """x · g, where the gate g is a constant to relevance: it goes to x unchanged. The gradient has both factors."""

    def forward(self, x, g):
        if not (Reference.on and Reference.relevance):
            return x * g
        return x + (x * g - x).detach()


Reference.relevance = True


class Residual(nn.Module):
    def __init__(self, body, shortcut=None, after=None):
        super().__init__()
        self.body, self.shortcut, self.add, self.after = body, shortcut or nn.Identity(), Add(), after or nn.Identity()

    def forward(self, x):
        return self.after(self.add(self.body(x), self.shortcut(x)))


class Branches(nn.Module):
    """Concatenation of what several paths make of the same input."""

    def __init__(self, *branches):
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.branches], 1)


class Squeeze(nn.Module):
    """Squeeze-and-excitation (Hu et al. 2018)."""

    def __init__(self, channels, activation=nn.Sigmoid):
        super().__init__()
        self.gate = Gate()
        self.path = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, 4, 1), nn.ReLU(), nn.Conv2d(4, channels, 1), activation()
        )

    def forward(self, x):
        return self.gate(x, self.path(x))


class MelNorm(nn.Module):
    """Batch norm over mel bins, the last axis, as PANNs have it (Kong et al. 2020)."""

    def __init__(self, bins):
        super().__init__()
        self.norm = nn.BatchNorm2d(bins)

    def forward(self, x):
        return self.norm(x.transpose(1, 3)).transpose(1, 3)


class TimePooling(nn.Module):
    """The mean over mel bins, then maximum plus mean over time."""

    def __init__(self):
        super().__init__()
        self.bins, self.time, self.add = Mean(3), Mean(2), Add()

    def forward(self, x):
        x = self.bins(x)
        return self.add(torch.max(x, dim=2)[0], self.time(x))


def cbr(i, o, k, activation=nn.ReLU, **kw):
    return nn.Sequential(nn.Conv2d(i, o, k, bias=False, **kw), nn.BatchNorm2d(o), activation())


def pooled(channels, classes=5):
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes)]


def plain():
    return nn.Sequential(
        nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.5), nn.Linear(8 * 3 * 4, 12), nn.ReLU(), nn.Linear(12, 5),
    )  # fmt: skip


def vgg():
    conv = lambda i, o: [nn.Conv2d(i, o, 3, padding=1), nn.ReLU(inplace=True)]  # noqa: E731
    return nn.Sequential(
        nn.Sequential(*conv(1, 4), *conv(4, 4), nn.MaxPool2d(2), *conv(4, 8), *conv(8, 8), nn.MaxPool2d(2)),
        nn.AdaptiveAvgPool2d((2, 5)), nn.Flatten(1),
        nn.Sequential(nn.Linear(80, 10), nn.ReLU(inplace=True), nn.Dropout(), nn.Linear(10, 5)),
    )  # fmt: skip


def resnet():
    def block(i, o, stride):
        body = nn.Sequential(*cbr(i, o, 3, stride=stride, padding=1), *cbr(o, o, 3, nn.Identity, padding=1))
        same = i == o and stride == 1
        return Residual(body, None if same else cbr(i, o, 1, nn.Identity, stride=stride), nn.ReLU())

    stem = [*cbr(1, 4, 7, stride=2, padding=3), nn.MaxPool2d(3, 2, 1)]
    return nn.Sequential(*stem, block(4, 4, 1), block(4, 8, 2), *pooled(8))


def densenet():
    def layer(i):
        return Branches(nn.Identity(), nn.Sequential(nn.BatchNorm2d(i), nn.ReLU(), *cbr(i, 6, 1), nn.Conv2d(6, 3, 3, padding=1)))

    transition = nn.Sequential(nn.BatchNorm2d(10), nn.ReLU(), nn.Conv2d(10, 5, 1, bias=False), nn.AvgPool2d(2, 2))
    stem = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
    return nn.Sequential(stem, layer(4), layer(7), transition, layer(5), nn.BatchNorm2d(8), nn.ReLU(), *pooled(8))


def inception():
    block = Branches(
        cbr(4, 3, 1),
        nn.Sequential(cbr(4, 2, 1), cbr(2, 3, 3, padding=1)),
        nn.Sequential(cbr(4, 2, 1), cbr(2, 2, (1, 5), padding=(0, 2)), cbr(2, 2, (5, 1), padding=(2, 0))),
        nn.Sequential(nn.MaxPool2d(3, 1, 1), cbr(4, 2, 1)),
        nn.Sequential(nn.AvgPool2d(3, 1, 1), cbr(4, 2, 1)),
    )
    return nn.Sequential(cbr(1, 4, 3, stride=2), nn.MaxPool2d(3, 2, ceil_mode=True), block, cbr(12, 6, 3), *pooled(6))


def mobilenet_v2():
    def inverted(i, o, stride):
        body = nn.Sequential(
            cbr(i, 8, 1, nn.ReLU6), cbr(8, 8, 3, nn.ReLU6, stride=stride, padding=1, groups=8), cbr(8, o, 1, nn.Identity)
        )
        return Residual(body) if i == o and stride == 1 else body

    stem = cbr(1, 4, 3, nn.ReLU6, stride=2, padding=1)
    return nn.Sequential(stem, inverted(4, 4, 1), inverted(4, 6, 2), Mean([2, 3]), nn.Dropout(), nn.Linear(6, 5))


def mobilenet_v3():
    body = nn.Sequential(
        cbr(4, 8, 1, nn.Hardswish), cbr(8, 8, 5, nn.Hardswish, padding=2, groups=8), Squeeze(8, nn.Hardsigmoid),
        cbr(8, 4, 1, nn.Identity),
    )  # fmt: skip
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 10), nn.Hardswish(), nn.Linear(10, 5)]
    return nn.Sequential(cbr(1, 4, 3, nn.Hardswish, stride=2, padding=1), Residual(body), *head)


def efficientnet():
    body = nn.Sequential(cbr(4, 8, 1, nn.SiLU), cbr(8, 8, 3, nn.SiLU, padding=1, groups=8), Squeeze(8), cbr(8, 4, 1, nn.Identity))
    return nn.Sequential(cbr(1, 4, 3, nn.SiLU, stride=2, padding=1), Residual(body), cbr(4, 8, 1, nn.SiLU), *pooled(8))


def convmixer():
    spatial = nn.Sequential(nn.Conv2d(6, 6, 5, groups=6, padding=2), nn.GELU(), nn.BatchNorm2d(6))
    return nn.Sequential(
        nn.Conv2d(1, 6, 2, stride=2), nn.GELU(), nn.BatchNorm2d(6), Residual(spatial), nn.Conv2d(6, 8, 1), nn.GELU(), *pooled(8)
    )


def gelu_tanh():
    gelu = nn.GELU("tanh")
    return nn.Sequential(nn.Conv2d(1, 4, 3, stride=2), gelu, nn.Conv2d(4, 6, 3, padding=1), gelu, nn.AvgPool2d(2), nn.Flatten(), nn.Linear(72, 5))


def alexnet():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, stride=1, padding=2), nn.ReLU(), nn.LocalResponseNorm(5), nn.MaxPool2d(3, 2),
        nn.Conv2d(6, 8, 3, padding=1, groups=2), nn.ReLU(), nn.LocalResponseNorm(3, 2e-2, 0.5, 2.0), nn.MaxPool2d(3, 2),
        nn.Flatten(), nn.Linear(8 * 3 * 4, 10), nn.ReLU(), nn.Linear(10, 5),
    )  # fmt: skip


def transposed():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.LeakyReLU(0.1),
        nn.ConvTranspose2d(4, 6, (4, 3), stride=2, padding=1, output_padding=(0, 1)), nn.BatchNorm2d(6), nn.ELU(),
        nn.Conv2d(6, 4, 3, stride=2, dilation=2), nn.PReLU(4), nn.Flatten(), nn.Linear(4 * 6 * 8, 5),
    )  # fmt: skip


def audionet():
    def block(i, o):
        return [nn.Conv1d(i, o, 3, padding=1), nn.ReLU(), nn.MaxPool1d(2)]

    layers = [*block(1, 4), *block(4, 6), *block(6, 8), *block(8, 8), *block(8, 8)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(80, 16), nn.ReLU(), nn.Dropout(), nn.Linear(16, 5))


def wav2letter():
    def block(i, o, k, **kw):
        return [nn.Conv1d(i, o, k, **kw), nn.ReLU()]

    layers = [*block(1, 6, 16, stride=5, padding=6), *block(6, 8, 5, padding=2), *block(8, 8, 7, padding=3), *block(8, 5, 1)]
    return nn.Sequential(*layers, Mean(-1), nn.LogSoftmax(-1))


def yamnet():
    def separable(i, o, stride):
        return nn.Sequential(cbr(i, i, 3, stride=stride, padding=1, groups=i), cbr(i, o, 1))

    layers = [cbr(1, 4, 3, stride=2, padding=1), separable(4, 6, 1), separable(6, 8, 2), separable(8, 8, 1)]
    return nn.Sequential(*layers, *pooled(8), nn.Sigmoid())


def panns():
    def block(i, o):
        return nn.Sequential(cbr(i, o, 3, padding=1), cbr(o, o, 3, padding=1), nn.AvgPool2d(2))

    head = [nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 5), nn.Sigmoid()]
    return nn.Sequential(MelNorm(20), block(1, 4), block(4, 6), TimePooling(), *head)


SPECTROGRAM, WAVE = (1, 16, 20), (1, 320)
NETWORKS = {
    **{f.__name__: (f, SPECTROGRAM) for f in (plain, vgg, resnet, densenet, inception, mobilenet_v2, mobilenet_v3)},
    **{f.__name__: (f, SPECTROGRAM) for f in (efficientnet, convmixer, alexnet, transposed, yamnet, panns)},
    **{f.__name__: (f, WAVE) for f in (audionet, wav2letter)},
    "gelu_tanh": (gelu_tanh, SPECTROGRAM),
}


def seeded(model, name):
    """Weights that any version of PyTorch makes alike, in evaluation mode: He-like, small biases, batch norms of both signs."""
    draw = numpy.random.RandomState(zlib.crc32(name.encode()) % 2**32)
    for module in model.modules():
        if hasattr(module, "running_mean"):
            n = len(module.running_mean)
            values = draw.randn(n) * 0.2, draw.rand(n) + 0.5, draw.choice([1, 1, 1, -1], n) * (draw.rand(n) + 0.5), draw.randn(n) * 0.2
            for target, value in zip((module.running_mean, module.running_var, module.weight, module.bias), values):
                target.data = torch.from_numpy(value).float()
        elif isinstance(module, nn.PReLU):
            module.weight.data = torch.from_numpy(draw.rand(module.weight.numel()) * 0.5).float()
        elif getattr(module, "weight", None) is not None:
            w = module.weight
            fan = w[0].numel() if not isinstance(module, nn.modules.conv._ConvTransposeNd) else w.numel() / w.shape[1] / 4
            w.data = torch.from_numpy(draw.randn(*w.shape) * (2 / fan) ** 0.5).float()
            if module.bias is not None:
                module.bias.data = torch.from_numpy(draw.randn(len(module.bias)) * 0.1).float()
    return model.eval()


def example(shape, name):
    """Two inputs."""
    draw = numpy.random.RandomState(zlib.crc32(name.encode()) // 2)
    return torch.from_numpy(draw.randn(2, *shape)).float()


def canonized(model):
    """A copy without final softmax or sigmoid, batch norms merged into the convolution right before them."""
    import copy

    model = copy.deepcopy(model)
    for part in [m for m in model.modules() if isinstance(m, nn.Sequential)]:
        for i in range(len(part) - 1):
            if isinstance(part[i], nn.modules.conv._ConvNd) and isinstance(part[i + 1], nn.modules.batchnorm._BatchNorm):
                transpose = isinstance(part[i], nn.modules.conv._ConvTransposeNd)
                part[i] = fuse_conv_bn_eval(part[i], part[i + 1], transpose)
                part[i + 1] = nn.Identity()
    if isinstance(model[-1], (nn.Sigmoid, nn.LogSoftmax, nn.Softmax)):
        model = model[:-1]
    return model.eval()


CONVOLUTION, DENSE = nn.modules.conv._ConvNd, nn.Linear
AVERAGES = (
    nn.AvgPool1d, nn.AvgPool2d, nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.modules.batchnorm._BatchNorm, Sum, Mean,
)  # fmt: skip
ACTIVATIONS = (
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Sigmoid, nn.Tanh, nn.Hardswish, nn.Hardsigmoid,
    nn.LocalResponseNorm, nn.Softplus, nn.Softsign, nn.SELU, nn.CELU,
)  # fmt: skip


def composite(convolution=None, dense=None, first=None, activation=rules.Pass, others=rules.Norm):
    """zennit's composite of a rule for each kind of layer; `first` is for the first registered one."""

    def rule(context, name, module):
        if isinstance(module, (CONVOLUTION, DENSE)):
            make = convolution if isinstance(module, CONVOLUTION) else dense
            if first and not context.get("seen"):
                make = first
            context["seen"] = True
            return make and make()
        if isinstance(module, AVERAGES):
            return others and others()
        if isinstance(module, ACTIVATIONS):
            return activation and activation()
        return None

    return Composite(rule)


def single(rule, **kw):
    return lambda: composite(lambda: rule(**kw), lambda: rule(**kw))


def preset(convolution, first=None):
    return lambda: composite(convolution, rules.Epsilon, first)


GRADIENTS = {
    "gradient": lambda: composite(activation=None, others=None),
    "guided-backprop": lambda: composite(activation=rules.ReLUGuidedBackprop, others=None),
    "deconvnet": lambda: composite(activation=rules.ReLUDeconvNet, others=None),
}
METHODS = {
    "epsilon": single(rules.Epsilon),
    "zplus": single(rules.ZPlus),
    "alpha2-beta1": single(rules.AlphaBeta),
    "gamma": single(rules.Gamma),
    "epsilon-plus-flat": preset(rules.ZPlus, rules.Flat),
    "gradient": GRADIENTS["gradient"],
}


def relevance(model, inputs, method, make, dtype):
    """Relevance of the predicted class at the input; from its logit, or from one where the method is a gradient."""
    model, x = model.to(dtype), inputs.to(dtype).clone().requires_grad_()
    from_one = method in GRADIENTS or method == "excitation-backprop"
    Reference.relevance = method not in GRADIENTS
    with Reference.form(), make().context(model) as hooked:
        logits = hooked(x)
        one = torch.nn.functional.one_hot(logits.argmax(1), logits.shape[1]).to(dtype)
        (result,) = torch.autograd.grad(logits, x, one if from_one else one * logits.detach())
    return result.detach().double().numpy()


def measured(merge, model, inputs, method, make, neighbours=5):
    """Relevances in float64, and how far float32 brings zennit from them, over the largest.

    That is the largest of: all in float32, for the inputs and for neighbours of theirs (a single draw says little of a
    largest error); only the weights, merged in float32 as exporters do.
    """

    def far(exact, other):
        return float(numpy.abs(exact - other).max() / numpy.abs(exact).max())

    exact = relevance(merge(model.double()), inputs, method, make, torch.float64)
    deviation = far(exact, relevance(merge(model.float()), inputs, method, make, torch.float64))
    draw = numpy.random.RandomState(0)
    for i in range(neighbours):
        ulps = torch.from_numpy(draw.randint(-1, 2, inputs.shape)).float() * (i > 0)
        near = inputs * (1 + ulps * 2**-23)
        double = relevance(merge(model.double()), near, method, make, torch.float64)
        single = relevance(merge(model.float()), near, method, make, torch.float32)
        deviation = max(deviation, far(double, single))
    return exact, deviation


def reference(model, inputs, methods):
    """Logits and relevances in float64, by method, and the deviations of float32."""
    with Reference.form(), torch.no_grad():
        arrays = {"logits": canonized(model.double()).double()(inputs.double()).numpy()}
    deviations = {}
    for name, make in methods.items():
        arrays[name], deviations[name] = measured(canonized, model, inputs, name, make)
    return arrays, deviations
