"""Writes test/golden/resample.json: a signal at other rates, by soxr as librosa calls it and by SciPy.

Needs librosa 0.11 with soxr, and SciPy:
    python3 tools/golden/resample.py
    npx biome format --write test/golden/resample.json

The signal lies within 60 % of the lower rate's band, where all three filters are flat.
"""
import json
import math
import pathlib

import librosa
import numpy
import scipy
import soxr

PAIRS = [(48000, 16000), (44100, 16000), (8000, 11025), (44100, 15999)]
SECONDS = 0.02


def signal(rate, low):
    n = round(SECONDS * rate)
    t = numpy.arange(n)
    tones = sum(numpy.sin(2 * numpy.pi * 0.025 * j * low / rate * t + j) for j in range(1, 13)) / 12
    return tones * numpy.sin(numpy.pi * (t + 0.5) / n) ** 4


def by_scipy(y, source, target):
    g = math.gcd(source, target)
    up, down = target // g, source // g
    most = max(up, down)
    window = scipy.signal.firwin(2 * 64 * most + 1, 1 / most, window=("kaiser", 14))
    return scipy.signal.resample_poly(y, up, down, window=window)


cases = []
for source, target in PAIRS:
    y = signal(source, min(source, target))
    by_soxr = librosa.resample(y, orig_sr=source, target_sr=target)
    cases.append({
        "from": source,
        "to": target,
        "soxr": [float(f"{v:.9g}") for v in by_soxr],
        "scipy": [float(f"{v:.9g}") for v in by_scipy(y, source, target)],
    })
    print(source, target, len(y), len(by_soxr), numpy.abs(by_soxr - by_scipy(y, source, target)).max())
versions = {"librosa": librosa.__version__, "soxr": soxr.__version__, "scipy": scipy.__version__}
path = pathlib.Path(__file__).parents[2] / "test" / "golden" / "resample.json"
path.write_text(json.dumps({"versions": versions, "seconds": SECONDS, "cases": cases}) + "\n")
