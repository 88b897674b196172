"""Writes test/golden/keras: small models as Keras saves them, .keras and .h5, with inputs and predictions.

    python tools/golden/keras.py           # run once with each: tensorflow-cpu 2.21 and Keras 3.15 or 3.0, tensorflow-cpu 2.15 and 2.12 (Keras 2)
    python tools/golden/keras.py notebook  # the notebook's network at its full size, to check by hand: notebook.keras, .h5, .npz here
    npx biome format --write test/golden

MODEL.VERSION.keras and .h5 are files as saved; MODEL.VERSION.npz holds `input` (two of them) and `output`, what Keras predicts;
keras.json lists the files. Keras 1's are written by keras1.py.
"""
import json
import os
import pathlib
import sys
import warnings
import zlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path = [p for p in sys.path if pathlib.Path(p or ".").resolve() != pathlib.Path(__file__).resolve().parent]
import keras
import numpy
from keras import layers as L

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "test/golden/keras"
INDEX = FOLDER / "keras.json"
THREE = keras.__version__.startswith("3")
warnings.filterwarnings("ignore")


def notebook(shape=(16, 34, 1), widths=(4, 6, 6, 8), hidden=12, classes=10):
    """The notebook's layers: Conv2D ReLU, BatchNormalization, MaxPooling2D, Dropout, four times; Flatten, Dense, softmax."""
    layers = [L.Input(shape)]
    for width in widths:
        layers += [L.Conv2D(width, 3, padding="same", activation="relu"), L.BatchNormalization(), L.MaxPooling2D(2), L.Dropout(0.3)]
    layers += [L.Flatten(), L.Dense(hidden, activation="relu"), L.Dropout(0.5), L.Dense(classes, activation="softmax")]
    model = keras.Sequential(layers)
    model.compile("adam", "categorical_crossentropy")
    return model


def unbuilt():
    """Without an Input: the shape is the first layer's, or the model's."""
    model = keras.Sequential([L.Conv1D(3, 3, activation="relu"), L.GlobalAveragePooling1D(), L.Dense(2)])
    model.build((None, 12, 5))
    return model


def mobile():
    x = L.Input((15, 18, 2), name="spectrogram")
    y = L.ReLU(6.0)(L.BatchNormalization(scale=False)(L.Conv2D(4, 3, strides=2, padding="same", use_bias=False)(x)))
    z = L.DepthwiseConv2D((3, 2), padding="same", depth_multiplier=2, use_bias=True, activation="relu")(y)
    z = L.Conv2D(4, 1, groups=2, name="grouped")(z)
    y = L.Add(name="residual")([y, L.BatchNormalization(center=False, epsilon=1e-2)(z)])
    z = L.SeparableConv2D(6, 3, strides=2, padding="same", depth_multiplier=2, activation="elu")(y)
    y = L.AveragePooling2D(3, 2, padding="same")(L.Conv2D(6, (3, 2), dilation_rate=(1, 2), padding="same", activation="tanh")(y))
    y = L.Concatenate()([y, z])
    s = L.Dense(12, activation="sigmoid")(L.Dense(3, activation="relu")(L.GlobalAveragePooling2D(keepdims=True)(y)))
    y = L.Multiply()([y, s])
    y = L.MaxPooling2D((2, 1), strides=(1, 2), padding="same")(y)
    y = L.Maximum()([y, L.Average()([y, L.GaussianNoise(0.1)(L.SpatialDropout2D(0.2)(y)), y])])
    return keras.Model(x, L.Softmax()(L.Dense(5)(L.GlobalMaxPooling2D()(y))))


def waveform():
    x = L.Input((64, 1))
    y = L.MaxPooling1D(4, 2, padding="same")(L.Conv1D(6, 8, strides=2, padding="same", activation="relu")(x))
    y = L.LeakyReLU(**({"negative_slope": 0.1} if THREE else {"alpha": 0.1}))(L.Conv1D(4, 3, padding="causal", dilation_rate=2)(y))
    y = L.PReLU(shared_axes=[1])(L.BatchNormalization()(y))
    y = L.PReLU()(L.SeparableConv1D(5, 3, padding="same")(L.ZeroPadding1D((1, 2))(y)))
    y = L.UpSampling1D(2)(L.Cropping1D((2, 1))(y))
    y = L.Conv1DTranspose(3, 4, strides=3, padding="same", activation="softplus")(L.Conv1DTranspose(4, 2, strides=3)(y))
    y = L.AveragePooling1D(2)(y)
    z = L.ELU(0.5)(L.Conv1D(3, 5, strides=3)(y))
    y = L.Concatenate()([L.GlobalMaxPooling1D()(y), L.GlobalAveragePooling1D()(z), L.Flatten()(L.MaxPooling1D(20)(z))])
    return keras.Model(x, L.Dense(3, activation="sigmoid")(y))


def arrangement():
    x = L.Input((12, 20))
    norm = L.Normalization(axis=-1)
    norm.adapt(numpy.random.RandomState(1).normal(2, 3, (50, 12, 20)).astype("float32"))
    y = L.Reshape((12, -1, 2))(L.Rescaling(0.5, offset=0.25)(norm(x)))
    y = L.Permute((2, 1, 3))(y)
    y = L.Conv2D(4, 3, activation="relu")(L.ZeroPadding2D(((1, 0), (0, 2)))(y))
    y = L.LayerNormalization(epsilon=1e-2)(L.Cropping2D(((1, 0), (1, 2)))(y))
    y = L.Dense(6, activation="relu")(y)
    y = L.UpSampling2D((2, 1))(L.BatchNormalization(axis=2)(y))
    y = L.Conv2DTranspose(4, 3, strides=2, padding="same", output_padding=1)(L.Conv2D(3, 3, strides=2, padding="same")(y))
    y = L.Conv2DTranspose(3, (2, 3), strides=(3, 1), activation="selu")(L.LayerNormalization(axis=[1, 2, 3], scale=False)(y))
    y = L.Subtract()([y, L.Conv2D(3, 1, use_bias=False)(y)])
    y = L.BatchNormalization()(L.Flatten()(L.MaxPooling2D(3)(y)))
    y = L.Dense(8, activation="relu")(L.Dropout(0.4)(y))
    return keras.Model(x, L.Activation("softmax")(L.Rescaling(0.05)(L.Dense(4)(y))))


def nested():
    x = L.Input((10, 12, 1))
    inner = keras.Sequential([L.Input((10, 12, 1)), L.Conv2D(4, 3, activation="relu"), L.BatchNormalization(), L.Conv2D(3, 1)], name="features")
    inner.layers[0].trainable = False
    a = L.Input((8, 10, 3))
    tower = keras.Model(a, L.Add()([L.Conv2D(3, 3, padding="same", activation="relu")(a), a]), name="tower")
    deep = keras.Sequential([L.Input((8, 10, 3)), tower, L.BatchNormalization(), L.Conv2D(2, 3, name="last")], name="deep")
    shared = L.Dense(6, activation="relu", name="shared")
    y = deep(inner(x))
    y = L.Concatenate()([shared(L.GlobalAveragePooling2D()(y)), shared(L.GlobalMaxPooling2D()(y)), L.Flatten()(inner(L.ReLU()(x)))])
    b = L.Input((2,))
    y = keras.Model(b, L.Dense(2, activation="tanh", name="twist")(b), name="twice")(keras.layers.Dense(2)(y))
    frozen = L.Dense(5, name="frozen")
    frozen.trainable = False
    return keras.Model(x, L.Dense(3, activation="softmax")(frozen(y)))


def activations():
    x = L.Input((7,))
    names = ["relu", "elu", "selu", "gelu", "silu" if THREE else "swish", "sigmoid", "hard_sigmoid", "tanh", "softplus", "softsign", "exponential", "mish", "linear"]
    if THREE:
        names += ["relu6", "leaky_relu", "log_softmax", "celu", "log_sigmoid", "hard_silu"] if not keras.__version__.startswith("3.0") else ["relu6", "leaky_relu"]
    parts = [L.Activation(name)(L.Dense(4)(x)) for name in names]
    slope = "negative_slope"
    for layer in [
        L.ReLU(max_value=1.5), L.ReLU(**{slope: 0.2}), L.ReLU(max_value=1.0, **{slope: 0.1}), L.ReLU(threshold=0.5), L.ReLU(threshold=0.3, max_value=1.2),
        L.ELU(0.7), L.LeakyReLU(), L.PReLU(), L.Softmax(),
    ]:  # fmt: skip
        parts.append(layer(L.Dense(4)(x)))
    if THREE:
        parts.append(L.Dense(4, activation=L.LeakyReLU(0.4))(x))
    return keras.Model(x, L.Concatenate()(parts))


def channels_first():
    f = {"data_format": "channels_first"}
    x = L.Input((2, 10, 12))
    y = L.MaxPooling2D(2, padding="same", **f)(L.BatchNormalization(axis=1)(L.Conv2D(4, 3, padding="same", activation="relu", **f)(x)))
    y = L.AveragePooling2D(2, 1, **f)(L.ZeroPadding2D(1, **f)(y))
    y = L.Concatenate(axis=1)([y, y])
    z = L.GlobalAveragePooling2D(**f)(y)
    return keras.Model(x, L.Dense(3)(L.Concatenate()([L.Dense(4)(L.Flatten(**f)(y)), z])))


def named():
    """Layers by names that are not ASCII."""
    return keras.Sequential([L.Input((6,)), L.Dense(4, activation="relu", name="größe"), L.Dense(3, name="音")])


def draw(model, name):
    """Weights that do something, statistics of batch norms among them."""
    random = numpy.random.RandomState(zlib.crc32(name.encode()) % 2**32)
    values = []
    for w in model.weights:
        if w.name.split("/")[-1].split(":")[0] in ("mean", "variance", "count"):  # of Normalization, which was adapted
            values.append(numpy.asarray(w))
            continue
        noise = random.normal(0, (2 / max(numpy.prod(w.shape[:-1]), 1)) ** 0.5 if len(w.shape) > 1 else 0.2, w.shape)
        positive = "variance" in w.name or "gamma" in w.name
        values.append((numpy.abs(1 + noise) if positive else noise).astype("float32"))
    model.set_weights(values)
    return random


def save(model, name, folder, formats):
    random = draw(model, name)
    x = random.normal(0, 1, (2, *model.input_shape[1:])).astype("float32")
    output = numpy.asarray(model(x, training=False))
    for suffix in formats:
        older = {"save_format": "keras_v3"} if keras.__version__.startswith("2.12") and suffix == "keras" else {}
        model.save(str(folder / f"{name}.{suffix}"), **older)
    numpy.savez_compressed(folder / f"{name}.npz", input=x, output=output.astype("float32"))
    return model.count_params()


def main():
    if sys.argv[1:] == ["notebook"]:
        print(save(notebook((40, 130, 1), (64, 128, 256, 512), 256), "notebook", pathlib.Path("."), ["keras", "h5"]))
        return
    version = ".".join(keras.__version__.split(".")[:2])
    both = ["keras", "h5"]
    models = {
        "3.15": {make: both if make in (notebook, nested, named) else ["keras"] for make in (notebook, unbuilt, mobile, waveform, arrangement, nested, activations, channels_first, named)},
        "2.12": {nested: ["keras"]},
        "3.0": {notebook: both, nested: ["keras"], arrangement: ["keras"]},
        "2.15": {make: both if make in (notebook, nested) else ["h5"] for make in (notebook, unbuilt, mobile, waveform, arrangement, nested, activations)},
    }[version]  # fmt: skip
    FOLDER.mkdir(exist_ok=True)
    index = json.loads(INDEX.read_text()) if INDEX.exists() else {}
    for make, formats in models.items():
        keras.backend.clear_session()
        name = f"{make.__name__}.{version}"
        parameters = save(make(), name, FOLDER, formats)
        index.update({f"{name}.{suffix}": {"keras": keras.__version__, "parameters": parameters} for suffix in formats})
    INDEX.write_text(json.dumps(dict(sorted(index.items())), indent=2) + "\n")


main()
