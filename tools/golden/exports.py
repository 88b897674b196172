"""Writes test/golden/exports: small classifiers as PyTorch's two exporters, Keras, tf2onnx and scikit-learn write them.

    python tools/golden/exports.py torchscript   # torch 1.13 and zennit 0.5.1; also the references of PyTorch's networks
    python tools/golden/exports.py dynamo        # torch 2.15, onnxscript 0.7, zennit 0.5.1
    python tools/golden/exports.py keras         # tensorflow-cpu 2.21, tf2onnx 1.17
    python tools/golden/exports.py scikit        # scikit-learn 1.9, skl2onnx 1.20
    npx biome format --write test/golden

NETWORK.EXPORTER.onnx is a file as exported; NETWORK.npz holds `input` (two of them), `output` (what the framework computes)
and, by method, relevances in float64; exports.json lists the files and how far the reference's float32 is from its float64.
"""
import json
import pathlib
import sys
import warnings
import zlib

import numpy

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "test/golden/exports"
INDEX = FOLDER / "exports.json"
warnings.filterwarnings("ignore")


def record(kind, entries):
    """Merges entries into exports.json, sorted, one a line."""
    index = json.loads(INDEX.read_text()) if INDEX.exists() else {"files": {}, "deviations": {}}
    index[kind].update(entries)
    INDEX.write_text(json.dumps({k: dict(sorted(v.items())) for k, v in sorted(index.items())}, indent=2) + "\n")


def save(network, **arrays):
    numpy.savez_compressed(FOLDER / f"{network}.npz", **{k: numpy.asarray(v, "float32") for k, v in arrays.items()})


def draws(name):
    return numpy.random.RandomState(zlib.crc32(name.encode()) % 2**32)


# PyTorch


def without_traces(path):
    """Drops the stack traces that the exporter notes at each node; they name the folders of the machine."""
    import onnx

    model = onnx.load(path)
    for graph in [model.graph, *model.functions]:
        for node in graph.node:
            del node.metadata_props[:]
    onnx.save(model, path)


def torch_networks():
    import torch
    from networks import NETWORKS, example, seeded

    for name, (make, shape) in NETWORKS.items():
        model, x = seeded(make(), name), example(shape, name)
        with torch.no_grad():
            output = model(x).numpy()
        yield name, model, x, output


def torchscript():
    import torch
    from networks import METHODS, reference

    deviations, files = {}, {}
    for i, (name, model, x, output) in enumerate(torch_networks()):
        opset, dynamic = [11, 12, 13, 14, 15, 16, 17][i % 7], i % 3 > 0
        file = f"{name}.torchscript.onnx"
        torch.onnx.export(
            model, x if dynamic else x[:1], str(FOLDER / file), opset_version=opset, input_names=["input"], output_names=["output"],
            dynamic_axes={"input": {0: "batch"}, "output": {0: "batch"}} if dynamic else None,
        )  # fmt: skip
        files[file] = {"network": name, "exporter": f"torch.onnx.export {torch.__version__}", "opset": opset}
        arrays, deviations[name] = reference(model, x, METHODS)
        save(name, input=x, output=output, **arrays)
    record("files", files)
    record("deviations", deviations)


def dynamo():
    import torch

    files = {}
    for i, (name, model, x, output) in enumerate(torch_networks()):
        opset, dynamic = [18, 20, 21, 22, 23][i % 5], i % 3 < 2
        file = f"{name}.dynamo.onnx"
        try:
            torch.onnx.export(
                model, (x if dynamic else x[:1],), str(FOLDER / file), opset_version=opset, dynamo=True, external_data=False, verbose=False,
                dynamic_shapes=({0: torch.export.Dim("batch")},) if dynamic else None,
            )  # fmt: skip
        except Exception as error:
            print(f"{file}: not exported: {str(error)[:300]}")
            continue
        without_traces(FOLDER / file)
        expected = numpy.load(FOLDER / f"{name}.npz")["output"]
        assert numpy.abs(expected - output).max() < 1e-5, name
        files[file] = {"network": name, "exporter": f"torch.onnx.export dynamo {torch.__version__}", "opset": opset}
    record("files", files)


# Keras


def keras_networks():
    import keras
    from keras import layers as L

    def finish(x, y):
        return keras.Model(x, y)

    x = L.Input((16, 20, 1), name="spectrogram")
    y = L.MaxPool2D()(L.ReLU()(L.BatchNormalization()(L.Conv2D(6, 3, padding="same")(x))))
    y = L.MaxPool2D(3, 2, padding="same")(L.Conv2D(8, (3, 5), activation="relu")(y))
    y = L.Dense(5, activation="softmax")(L.Dropout(0.5)(L.Dense(10, activation="relu")(L.Flatten()(y))))
    yield "keras_cnn", finish(x, y)

    x = L.Input((16, 20, 1))
    y = L.ReLU(6.0)(L.BatchNormalization()(L.Conv2D(4, 3, strides=2, padding="same", use_bias=False)(x)))
    z = L.ReLU(6.0)(L.BatchNormalization()(L.DepthwiseConv2D(3, padding="same", use_bias=False)(y)))
    y = L.Add()([y, L.BatchNormalization()(L.Conv2D(4, 1, use_bias=False)(z))])
    y = L.SeparableConv2D(6, 3, strides=2, padding="same", activation="silu")(y)
    yield "keras_mobilenet", finish(x, L.Dense(5)(L.GlobalAveragePooling2D()(y)))

    x = L.Input((320, 1))
    y = L.MaxPool1D(4)(L.Conv1D(6, 8, strides=2, activation="relu")(x))
    y = L.LeakyReLU(0.1)(L.BatchNormalization()(L.Conv1D(8, 3, padding="same")(y)))
    y = L.Concatenate()([L.GlobalMaxPooling1D()(y), L.GlobalAveragePooling1D()(y)])
    yield "keras_waveform", finish(x, L.Dense(5, activation="sigmoid")(y))

    x = L.Input((16, 20, 1))
    y = L.Conv2DTranspose(4, 3, strides=2, padding="same", activation="elu")(L.Conv2D(4, 3, strides=2, padding="same")(x))
    y = L.AveragePooling2D(2)(L.Conv2D(6, 3, activation=lambda z: keras.activations.gelu(z, approximate=True), dilation_rate=2)(y))
    yield "keras_transposed", finish(x, L.Dense(5)(L.Reshape((-1,))(y)))


def keras():
    import tensorflow as tf
    import tf2onnx
    from keras import __version__ as version

    files, deviations = {}, {}
    for i, (name, model) in enumerate(keras_networks()):
        draw = draws(name)
        for w in model.weights:
            scale = (2 / max(numpy.prod(w.shape[:-1]), 1)) ** 0.5 if len(w.shape) > 1 else 0.2
            value = draw.rand(*w.shape) + 0.5 if w.name in ("gamma", "moving_variance") else draw.randn(*w.shape) * scale
            w.assign(value.astype("float32"))
        inputs = draw.randn(2, *model.input_shape[1:]).astype("float32")
        output = model(inputs, training=False).numpy()
        linear = name in ("keras_mobilenet", "keras_transposed")
        extra = {}
        if linear:
            with tf.GradientTape() as tape:
                x = tf.constant(inputs)
                tape.watch(x)
                y = model(x, training=False)
                logit = tf.reduce_max(y, axis=1)
            extra = {"logits": output, "gradient": tape.gradient(logit, x).numpy()}
            deviations[name] = {"gradient": 3e-6}  # computed in float32
        save(name, input=inputs, output=output, **extra)
        opset = [11, 13, 15, 18][i]
        signature = [tf.TensorSpec((None, *model.input_shape[1:]), tf.float32, name="x")]
        file = f"{name}.tf2onnx.onnx"
        run = tf.function(lambda x, model=model: model(x, training=False))
        tf2onnx.convert.from_function(run, input_signature=signature, opset=opset, output_path=str(FOLDER / file))
        files[file] = {"network": name, "exporter": f"tf2onnx {tf2onnx.__version__}", "opset": opset}
        file = f"{name}.keras.onnx"
        model.export(str(FOLDER / file), format="onnx", verbose=False)
        files[file] = {"network": name, "exporter": f"keras {version}", "opset": 0}
    record("files", files)
    record("deviations", deviations)


# scikit-learn


def mlp_epsilon(model, x, epsilon=1e-6):
    """ε-LRP of a multilayer perceptron with ReLUs, tanhs or logistic units, from the largest logit."""
    act = {"relu": lambda z: z * (z > 0), "tanh": numpy.tanh, "logistic": lambda z: 1 / (1 + numpy.exp(-z))}[model.activation]
    above, zs, last = [x], [], len(model.coefs_) - 1
    for i, (w, b) in enumerate(zip(model.coefs_, model.intercepts_)):
        zs.append(above[-1] @ w + b)
        above.append(zs[-1] if i == last else act(zs[-1]))
    r = zs[-1] * (zs[-1] == zs[-1].max(1, keepdims=True))
    for w, a, z in reversed(list(zip(model.coefs_, above, zs))):
        r = a * ((r / (z + numpy.where(z < 0, -epsilon, epsilon))) @ w.T)
    return zs[-1], r


def scikit():
    import skl2onnx
    import sklearn
    from skl2onnx.common.data_types import FloatTensorType
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    files, deviations = {}, {}
    cases = [("relu", 4, True, 12), ("tanh", 3, False, 15), ("logistic", 5, False, 18), ("relu", 2, False, 18), ("relu", 3, "scaled", 17)]
    for activation, classes, column, opset in cases:
        name = f"mlp_{activation}_{classes}" + ("_scaled" if column == "scaled" else "")
        draw = draws(name)
        x, labels = draw.randn(60, 12), numpy.arange(60) % classes
        target = numpy.array([f"word{i}" for i in labels]) if column is True else labels
        mlp = MLPClassifier((8, 6), activation=activation, max_iter=30, random_state=1)
        model = make_pipeline(StandardScaler(), mlp) if column == "scaled" else mlp
        model.fit(x + 0.5 * labels[:, None], target)
        inputs = draw.randn(2, 12).astype("float32")
        extra = {}
        if classes > 2 and model is mlp:
            logits, relevances = mlp_epsilon(model, inputs.astype("float64"))
            extra, deviations[name] = {"logits": logits, "epsilon": relevances}, {"epsilon": 3e-6}
        save(name, input=inputs, output=model.predict_proba(inputs), **extra)
        for suffix, options in (("", {"zipmap": False}), *([("_zipmap", {})] if column is True else [])):
            proto = skl2onnx.convert_sklearn(
                model, initial_types=[("input", FloatTensorType([None, 12]))], target_opset={"": opset, "ai.onnx.ml": 3},
                options={id(model): options} if options else None,
            )  # fmt: skip
            file = f"{name}.skl2onnx{suffix}.onnx"
            (FOLDER / file).write_bytes(proto.SerializeToString())
            if not suffix:
                files[file] = {"network": name, "exporter": f"skl2onnx {skl2onnx.__version__}", "opset": opset}
    record("files", files)
    record("deviations", deviations)


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    {"torchscript": torchscript, "dynamo": dynamo, "keras": keras, "scikit": scikit}[sys.argv[1]]()
