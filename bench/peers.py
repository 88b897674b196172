"""Relevance by zennit and Captum on PyTorch, one request a line on standard input, one answer a line on standard output.

python peers.py THREADS answers with versions, then takes
  {"network": DIR}                      DIR/layers.json (null: ResNet-18), DIR/weights/*.npy, DIR/input.npy
  {"open": LIBRARY, "method": METHOD}   runs it once, leaves DIR/logits.npy and DIR/relevance.npy
  {"run": true}                         runs it again: {"ms": …}
Batch norms are merged and hooks registered before the clock starts; each run is one forward and one backward pass.
"""
import contextlib
import json
import pathlib
import sys
import time
from importlib.metadata import version

import numpy
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

try:
    import zennit
    from zennit import composites, layer, rules, types
except ImportError:
    zennit = None
try:
    import captum
    from captum.attr import LRP
    from captum.attr._utils import custom_modules
    from captum.attr._utils.lrp_rules import Alpha1_Beta0_Rule, EpsilonRule
except ImportError:
    captum = None


class Sum(nn.Module):
    """a + b, as a module of the library whose hooks are to see it."""

    def __init__(self, library):
        super().__init__()
        self.stacked = layer.Sum() if library == "zennit" else None
        self.pair = custom_modules.Addition_Module() if library == "captum" else None

    def forward(self, a, b):
        if self.stacked:
            return self.stacked(torch.stack([a, b], -1))
        return self.pair(a, b) if self.pair else a + b


def then(module, x):
    """A layer that may have been merged into the one before."""
    return module(x) if module else x


class Residual(nn.Module):
    def __init__(self, i, o, stride, library):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(i, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o)
        self.conv2, self.bn2 = nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o)
        self.downsample = None
        if i != o or stride != 1:
            self.downsample = nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o))
        self.relu1, self.relu2, self.sum = nn.ReLU(), nn.ReLU(), Sum(library)

    def forward(self, x):
        y = then(self.bn2, self.conv2(self.relu1(then(self.bn1, self.conv1(x)))))
        return self.relu2(self.sum(y, self.downsample(x) if self.downsample else x))


class ResNet18(nn.Module):
    def __init__(self, classes, library):
        super().__init__()
        self.conv1, self.bn1, self.relu = nn.Conv2d(1, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU()
        self.maxpool, self.avgpool = nn.MaxPool2d(3, 2, 1), nn.AdaptiveAvgPool2d(1)
        for n, (i, o) in enumerate([(64, 64), (64, 128), (128, 256), (256, 512)]):
            blocks = Residual(i, o, 1 if n == 0 else 2, library), Residual(o, o, 1, library)
            setattr(self, f"layer{n + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(512, classes)

    def forward(self, x):
        x = self.maxpool(self.relu(then(self.bn1, self.conv1(x))))
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
        return self.fc(self.avgpool(x).flatten(1))


class Layers(nn.Module):
    """A list of layers as `layers.json` has it, with the same names of parameters."""

    def __init__(self, layers, weights):
        super().__init__()
        counts, self.order = {}, []
        for described in layers:
            kind = described["kind"]
            prefix = {"batchnorm": "bn", "dense": "fc"}.get(kind, kind)
            counts[prefix] = counts.get(prefix, 0) + 1
            name = f"{prefix}{counts[prefix]}"
            module = self.module(described, weights.get(f"{name}.weight"))
            self.order.append(name if module else None)
            if module:
                self.add_module(name, module)

    def module(self, layer, weight):
        flat = len(layer.get("kernel", layer.get("size", [0, 0]))) == 1
        pick = lambda name: getattr(nn, f"{name}{'1d' if flat else '2d'}")  # noqa: E731
        kind = layer["kind"]
        if kind == "conv":
            o, i, *kernel = weight.shape
            bias = layer.get("bias", True)
            return pick("Conv")(i, o, tuple(kernel), layer.get("stride", 1), [(k - 1) // 2 for k in kernel], bias=bias)
        if kind == "batchnorm":
            return nn.BatchNorm2d(len(weight))
        if kind == "dense":
            return nn.Linear(weight.shape[1], weight.shape[0])
        if kind in ("maxpool", "averagepool"):
            return pick("MaxPool" if kind == "maxpool" else "AvgPool")(tuple(layer["size"]))
        if kind == "globalpool":
            return nn.AdaptiveMaxPool2d(1) if layer["of"] == "max" else nn.AdaptiveAvgPool2d(1)
        return {"relu": nn.ReLU, "dropout": nn.Dropout}[kind]() if kind != "flatten" else None

    def forward(self, x):
        for name in self.order:
            x = then(getattr(self, name), x) if name else x.flatten(1)
            if name and name.startswith("globalpool"):
                x = x.flatten(1)
        return x


def merge_batch_norms(module):
    """A batch norm whose convolution stands before it among the children goes into it."""
    last = None
    for name, child in list(module.named_children()):
        if isinstance(child, nn.BatchNorm2d) and isinstance(last, nn.Conv2d):
            for key, value in fuse_conv_bn_eval(last, child).named_parameters():
                setattr(last, key, nn.Parameter(value))
            if isinstance(module, nn.Sequential):
                del module[int(name)]
            else:
                setattr(module, name, None)
        merge_batch_norms(child)
        last = child


def network(folder, library):
    weights = {path.stem: torch.from_numpy(numpy.load(path)) for path in (folder / "weights").iterdir()}
    layers = json.loads((folder / "layers.json").read_text())
    model = Layers(layers, weights) if layers else ResNet18(len(weights["fc.bias"]), library)
    missing, unexpected = model.load_state_dict(weights, strict=False)
    assert not unexpected and all(name.endswith("num_batches_tracked") for name in missing), (missing, unexpected)
    model.eval()
    merge_batch_norms(model)
    return model


def composite(method):
    """zennit's composite for one of our methods."""
    presets = {
        "epsilon-plus": composites.EpsilonPlus,
        "epsilon-plus-flat": composites.EpsilonPlusFlat,
        "epsilon-alpha2-beta1": composites.EpsilonAlpha2Beta1,
        "epsilon-alpha2-beta1-flat": composites.EpsilonAlpha2Beta1Flat,
        "excitation-backprop": composites.ExcitationBackprop,
        "guided-backprop": composites.GuidedBackprop,
    }
    single = {
        "epsilon": lambda: rules.Epsilon(1e-6),
        "zplus": rules.ZPlus,
        "gamma": lambda: rules.Gamma(0.25),
        "alpha2-beta1": lambda: rules.AlphaBeta(2, 1),
        "flat": rules.Flat,
        "wsquare": rules.WSquare,
    }
    if method in presets:
        return presets[method]()
    if method == "epsilon-gamma-box":
        return composites.EpsilonGammaBox(low=0.0, high=1.0)
    base = composites.layer_map_base()
    return composites.LayerMapComposite([*base, (types.Linear, single[method]())])


def captum_rules(model, method):
    """Captum's rules for one of our methods; activations keep its own."""
    convolution = {"epsilon": EpsilonRule, "epsilon-plus": Alpha1_Beta0_Rule}[method]
    for module in model.modules():
        if isinstance(module, (nn.Conv1d, nn.Conv2d)):
            module.rule = convolution()
        elif not list(module.children()) and not isinstance(module, (nn.ReLU, nn.Dropout)):
            module.rule = EpsilonRule()


def attribution(library, method, folder, x, stack):
    """A function that explains the predicted classes of x: logits and relevance."""
    model = network(folder, library)
    if library == "captum":
        attributor = LRP(model)
        with torch.no_grad():
            logits = model(x)

        def explain():
            captum_rules(model, method)  # Captum takes them away after each call.
            return logits, attributor.attribute(x, target=logits.argmax(1))

        return explain
    if method != "gradient":
        stack.enter_context(composite(method).context(model))
    by_logit = method not in ("gradient", "guided-backprop", "excitation-backprop")

    def run():
        clips = x.clone().requires_grad_()
        logits = model(clips)
        start = torch.zeros_like(logits).scatter_(1, logits.argmax(1, keepdim=True), 1.0)
        (relevance,) = torch.autograd.grad(logits, clips, start * logits.detach() if by_logit else start)
        return logits, relevance

    return run


def main():
    torch.set_num_threads(int(sys.argv[1]))
    # Answers only, whatever libraries may print.
    answers, sys.stdout = sys.stdout, sys.stderr

    def answer(**what):
        print(json.dumps(what), file=answers, flush=True)

    answer(torch=torch.__version__, zennit=zennit and version("zennit"), captum=captum and captum.__version__)
    folder, stack, run = None, contextlib.ExitStack(), None
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            if "network" in asked:
                folder = pathlib.Path(asked["network"])
                answer(done=True)
            elif "open" in asked:
                stack.close()
                x = torch.from_numpy(numpy.load(folder / "input.npy"))
                run = attribution(asked["open"], asked["method"], folder, x, stack)
                logits, relevance = run()
                numpy.save(folder / "logits.npy", logits.detach().numpy())
                numpy.save(folder / "relevance.npy", relevance.detach().numpy())
                answer(done=True)
            else:
                begin = time.perf_counter()
                run()
                answer(ms=(time.perf_counter() - begin) * 1000)
        except Exception as error:
            answer(error=f"{type(error).__name__}: {error}")


main()
