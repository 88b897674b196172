"""Writes test/golden/features.json: what librosa computes for arguments off the beaten path.

    python -m venv venv && venv/bin/pip install librosa==0.11.0 && venv/bin/python tools/golden/features.py
    npx biome format --write test/golden/features.json

The signals are formulas, so that the file holds results only: of each matrix its shape, its root mean square and
eight elements spread evenly over it, the first and the last among them.
"""
import json
import pathlib
import warnings

import librosa
import numpy
import scipy

warnings.filterwarnings("ignore")  # short signals and empty filters are among the cases

SIGNALS = {  # n samples; the test computes the same
    "chirp": lambda n: numpy.sin(0.05 * numpy.arange(n) + 4e-4 * numpy.arange(n) ** 2),
    "decay": lambda n: numpy.exp(-numpy.arange(n) / 300) * numpy.cos(0.7 * numpy.arange(n)) + 0.01,
}

WINDOWS = """barthann bartlett blackman blackmanharris bohman boxcar cosine exponential flattop hamming hann lanczos
nuttall parzen taylor triang tukey""".split()
ALIASES = "brthan brt blk bkh bman rectangular halfcosine poisson flat hamm han sinc nut par taylorwin tri tuk".split()

CASES = [
    # Windows: even, odd and shorter than the frame; n_fft even, odd and not a power of two.
    *[("stft", "chirp", 900, dict(n_fft=128, hop_length=50, win_length=100, window=w)) for w in WINDOWS],
    *[("stft", "decay", 300, dict(n_fft=101, hop_length=40, window=w)) for w in ALIASES],
    ("stft", "chirp", 2000, dict(n_fft=455, hop_length=200)),
    ("stft", "chirp", 3000, dict(n_fft=1200, hop_length=300, win_length=801)),
    ("stft", "chirp", 500, dict(n_fft=7)),
    # Padding: every mode, with overlapping and separate ends, longer than the signal, and a signal of one sample.
    *[
        ("stft", "decay", n, dict(n_fft=64, hop_length=hop, window="boxcar", pad_mode=mode))
        for mode in ("constant", "edge", "linear_ramp", "reflect", "symmetric")
        for n, hop in ((320, 32), (320, 64), (330, 13), (40, 16), (5, 8), (1, 8))
    ],
    ("stft", "chirp", 1000, dict(n_fft=256, center=False)),
    # Mel: scales, ranges, norms, powers.
    *[
        ("mel", "chirp", 1500, dict(sr=8000, n_fft=512, n_mels=40, norm=norm, htk=htk, power=power, fmin=fmin, fmax=fmax))
        for norm, htk, power, fmin, fmax in (
            ("slaney", True, 2.0, 0, None),
            (None, False, 1.0, 50, 3500),
            (1, False, 2.0, 20, None),
            (2, True, 1.5, 300.5, 3800),
            (0.5, False, 2.0, 0, 4000),
            (float("inf"), False, 0.5, 0, 3000),
            (float("-inf"), False, 2.0, 0, None),
        )
    ],
    ("mel", "decay", 1500, dict(sr=16000, n_fft=400, hop_length=160, win_length=400, n_mels=80, window="hamming")),
    ("mel", "decay", 700, dict()),
    # Decibels.
    *[
        ("logmel", "decay", 1500, dict(sr=8000, n_fft=256, hop_length=80, n_mels=32, **db))
        for db in (
            dict(ref="max"),
            dict(ref=0.01, top_db=None),
            dict(ref="max", top_db=20.0),
            dict(amin=1e-3, top_db=60.0),
            dict(amin=1e-20, top_db=None),
        )
    ],
    # Cosine transforms and lifters.
    *[
        ("mfcc", "chirp", 1500, dict(sr=8000, n_fft=256, hop_length=100, n_mels=40, dct_type=t, norm=norm, lifter=lifter))
        for t in (1, 2, 3)
        for norm, lifter in (("ortho", 0), (None, 0), ("forward", 22), ("ortho", 0.5))
    ],
    ("mfcc", "decay", 800, dict(n_mfcc=40, n_mels=32)),
    ("mfcc", "decay", 800, dict(n_mfcc=13, mel_norm=None, htk=True, power=1.0, pad_mode="reflect", n_fft=300)),
]


def compute(kind, y, arguments):
    if kind == "stft":
        return numpy.abs(librosa.stft(y, **arguments))
    if kind == "mel":
        return librosa.feature.melspectrogram(y=y, **arguments)
    if kind == "mfcc":
        return librosa.feature.mfcc(y=y, **arguments)
    db = {k: arguments.pop(k) for k in ("ref", "amin", "top_db") if k in arguments}
    if db.get("ref") == "max":
        db["ref"] = numpy.max
    return librosa.power_to_db(librosa.feature.melspectrogram(y=y, **arguments), **db)


def golden(kind, signal, n, arguments):
    result = compute(kind, SIGNALS[signal](n), dict(arguments))
    picks = [(result.size - 1) * i // 7 for i in range(8)]
    infinite = {k: str(v) for k, v in arguments.items() if v in (float("inf"), float("-inf"))}
    return {
        "kind": kind,
        "signal": signal,
        "samples": n,
        "arguments": {**arguments, **infinite},
        "shape": list(result.shape),
        "rms": float(f"{numpy.sqrt(numpy.mean(result**2)):.7g}"),
        "elements": [float(f"{result.flat[i]:.7g}") for i in picks],
    }


cases = [golden(*case) for case in CASES]
versions = {"librosa": librosa.__version__, "scipy": scipy.__version__, "numpy": numpy.__version__}
lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
path = pathlib.Path(__file__).parents[2] / "test" / "golden" / "features.json"
path.write_text(f'{{"versions":{json.dumps(versions)},"cases":[\n{lines}\n]}}\n')
print(f"{len(cases)} cases, {path.stat().st_size} bytes")
