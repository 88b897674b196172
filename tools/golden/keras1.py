"""Adds models as Keras 1 saves them to test/golden/keras: .h5 with inputs and predictions.

    pip install --no-deps --target OLD keras==1.2.2
    python tools/golden/keras1.py OLD   # tensorflow-cpu 2.15, whose interface of TensorFlow 1 Keras 1 is shown
    npx biome format --write test/golden
"""
import collections
import collections.abc
import inspect
import json
import os
import pathlib
import sys
import zlib

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", KERAS_BACKEND="tensorflow")
sys.path = [p for p in sys.path if pathlib.Path(p or ".").resolve() != pathlib.Path(__file__).resolve().parent]
import numpy
import tensorflow

tensorflow.compat.v1.disable_v2_behavior()
for name in [name for name in sys.modules if name.split(".")[0] == "keras"]:
    del sys.modules[name]
sys.modules["tensorflow"] = tensorflow.compat.v1
sys.path.insert(0, sys.argv[1])
collections.Iterable = collections.abc.Iterable
ArgSpec = collections.namedtuple("ArgSpec", "args varargs keywords defaults")
inspect.getargspec = lambda f: ArgSpec(*inspect.getfullargspec(f)[:4])

import keras
from keras import layers as L

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "test/golden/keras"
INDEX = FOLDER / "keras.json"
keras.backend.set_image_dim_ordering("tf")


def stack():
    return keras.models.Sequential([
        L.Convolution2D(4, 3, 3, border_mode="same", activation="relu", input_shape=(12, 14, 1)), L.BatchNormalization(), L.MaxPooling2D(), L.Dropout(0.3),
        L.ZeroPadding2D((1, 1)), L.Convolution2D(5, 3, 2, subsample=(2, 1), bias=False), L.LeakyReLU(0.2), L.AveragePooling2D((2, 2), strides=(1, 1), border_mode="same"),
        L.AtrousConvolution2D(4, 2, 2, atrous_rate=(2, 2), activation="hard_sigmoid"), L.Flatten(), L.Dense(6, activation="tanh"), L.Dense(3), L.Activation("softmax"),
    ])  # fmt: skip


def waves():
    x = L.Input((40, 2))
    y = L.MaxPooling1D(3, stride=2)(L.Convolution1D(4, 5, border_mode="same", subsample_length=2, activation="relu")(x))
    y = L.AtrousConvolution1D(3, 3, atrous_rate=2)(y)
    z = L.merge([y, L.Activation("relu")(y)], mode="sum")
    y = L.merge([L.GlobalMaxPooling1D()(z), L.GlobalAveragePooling1D()(y)], mode="concat")
    return keras.models.Model(x, L.Dense(2, activation="sigmoid")(y))


def main():
    index = json.loads(INDEX.read_text())
    for make in [stack, waves]:
        name = f"{make.__name__}.{'.'.join(keras.__version__.split('.')[:2])}"
        model = make()
        random = numpy.random.RandomState(zlib.crc32(name.encode()) % 2**32)
        for layer in model.layers:
            layer.set_weights([
                numpy.abs(random.normal(0.4, 0.3, w.get_shape().as_list())) if "running_std" in w.name else random.normal(0, 0.5, w.get_shape().as_list())
                for w in layer.weights
            ])  # fmt: skip
        x = random.normal(0, 1, (2, *model.input_shape[1:])).astype("float32")
        numpy.savez_compressed(FOLDER / f"{name}.npz", input=x, output=model.predict(x))
        model.save(str(FOLDER / f"{name}.h5"))
        index[f"{name}.h5"] = {"keras": keras.__version__, "parameters": int(model.count_params())}
    INDEX.write_text(json.dumps(dict(sorted(index.items())), indent=2) + "\n")


main()
