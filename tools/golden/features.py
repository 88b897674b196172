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
    # Inverse transforms of spectra that no signal has: shorter and longer than the frames, odd, not centred.
    ("istft", "chirp", 900, dict(n_fft=128, hop_length=32, length=900)),
    ("istft", "chirp", 900, dict(n_fft=128, hop_length=50, win_length=100, window="hamming", length=700)),
    ("istft", "decay", 300, dict(n_fft=101, hop_length=25, length=500)),
    ("istft", "decay", 300, dict(n_fft=64, hop_length=16, window="hamming", center=False, length=300)),
    ("istft", "chirp", 500, dict(n_fft=60, win_length=31, length=500)),
]


def _db(S, **arguments):
    return librosa.power_to_db(S, **arguments)


def _mel(y, sr, **arguments):
    return librosa.feature.melspectrogram(y=y, sr=sr, **arguments)


# Inputs of models as their makers compute them, beside the settings that say the same.
INPUTS = [
    (
        "PANNs-like: dB re 1, reflected ends",
        dict(kind="logmel", sampleRate=8000, clipSamples=2000, nFft=256, hopLength=80, padMode="reflect", nMels=64, fmin=50,
             fmax=3800, scaling="power_to_db", ref=1, amin=1e-10, topDb=None),
        lambda y: _db(_mel(y, 8000, n_fft=256, hop_length=80, pad_mode="reflect", n_mels=64, fmin=50, fmax=3800), top_db=None),
    ),
    (
        "YAMNet-like: log of mel magnitude, frames by bins",
        dict(kind="logmel", sampleRate=16000, clipSamples=2400, nFft=512, winLength=400, hopLength=160, center=False, power=1,
             nMels=64, fmin=125, fmax=7500, htk=True, norm=None, scaling="log", offset=0.001, layout=["batch", "time", "bin"]),
        lambda y: numpy.log(_mel(y, 16000, n_fft=512, win_length=400, hop_length=160, center=False, power=1, n_mels=64,
                                 fmin=125, fmax=7500, htk=True, norm=None) + 0.001).T,
    ),
    (
        "librosa's MFCCs by default",
        dict(kind="mfcc", sampleRate=8000, clipSamples=3000, scaling="power_to_db", nMfcc=40),
        lambda y: librosa.feature.mfcc(y=y, sr=8000, n_mfcc=40),
    ),
    (
        "MFCCs of another transform, standardized by coefficient",
        dict(kind="mfcc", sampleRate=8000, clipSamples=1500, nFft=256, hopLength=100, nMels=40, scaling="power_to_db", nMfcc=4,
             dctType=3, dctNorm=None, lifter=3, mean=[-900, 100, 10.5, 0], std=[300, 50, 20, 0.5]),
        lambda y: (librosa.feature.mfcc(y=y, sr=8000, n_fft=256, hop_length=100, n_mels=40, n_mfcc=4, dct_type=3, norm=None,
                                        lifter=3)
                   - numpy.array([[-900], [100], [10.5], [0]])) / numpy.array([[300], [50], [20], [0.5]]),
    ),
    (
        "spectrogram in dB re its maximum, as amplitude_to_db",
        dict(kind="spectrogram", sampleRate=8000, clipSamples=1200, nFft=255, hopLength=128, scaling="power_to_db", ref="max",
             topDb=60),
        lambda y: librosa.amplitude_to_db(numpy.abs(librosa.stft(y, n_fft=255, hop_length=128)), ref=numpy.max, top_db=60),
    ),
    (
        "magnitude spectrogram, channels last",
        dict(kind="spectrogram", sampleRate=8000, clipSamples=1200, nFft=255, hopLength=128, power=1, scaling="none",
             layout=["batch", "time", "bin", "channel"]),
        lambda y: numpy.abs(librosa.stft(y, n_fft=255, hop_length=128)).T,
    ),
    (
        "levels from -80 to 0 dB as 0 to 1",
        dict(kind="logmel", sampleRate=8000, clipSamples=2000, nFft=256, hopLength=80, nMels=40),
        lambda y: 1 + _db(_mel(y, 8000, n_fft=256, hop_length=80, n_mels=40), ref=numpy.max, amin=1e-30) / 80,
    ),
    (
        "levels standardized by bin over the clip, as sklearn.preprocessing.scale(axis=1)",
        dict(kind="logmel", sampleRate=8000, clipSamples=2000, nFft=256, hopLength=80, nMels=40, standardize="bins"),
        lambda y: _standardized(1 + _db(_mel(y, 8000, n_fft=256, hop_length=80, n_mels=40), ref=numpy.max, amin=1e-30) / 80),
    ),
    (
        "logarithms of parts of the maximum, each bin less its mean, by the deviation of all",
        dict(kind="logmel", sampleRate=8000, clipSamples=2000, nFft=256, hopLength=80, nMels=40, scaling="log", ref="max",
             offset=1e-6, standardize="bin-means"),
        lambda y: _centred(_relative_log(_mel(y, 8000, n_fft=256, hop_length=80, n_mels=40))),
    ),
    (
        "samples divided by their largest, zeros after them",
        dict(kind="waveform", sampleRate=8000, clipSamples=700, normalize="peak", align="start"),
        lambda y: librosa.util.fix_length(librosa.util.normalize(y), size=700)[None],
    ),
    (
        "samples divided by their root mean square, standardized",
        dict(kind="waveform", sampleRate=8000, clipSamples=500, normalize="rms", mean=0.1, std=2,
             layout=["batch", "channel", "time"]),
        lambda y: (y / numpy.sqrt(numpy.mean(y**2)) - 0.1)[None] / 2,
    ),
]


def _relative_log(S):
    return numpy.log(S / S.max() + 1e-6)


def _centred(S):
    centred = S - S.mean(axis=1, keepdims=True)
    return centred / centred.std()


def _standardized(S):
    return (S - S.mean(axis=1, keepdims=True)) / S.std(axis=1, keepdims=True)


def compute(kind, y, arguments):
    if kind == "stft":
        return numpy.abs(librosa.stft(y, **arguments))
    if kind == "mel":
        return librosa.feature.melspectrogram(y=y, **arguments)
    if kind == "mfcc":
        return librosa.feature.mfcc(y=y, **arguments)
    if kind == "istft":
        length = arguments.pop("length")
        X = librosa.stft(y, **arguments)
        k, t = numpy.indices(X.shape)
        masked = X * (0.5 + 0.5 * numpy.cos(0.3 * k + 0.7 * t)) * numpy.exp(0.2j * k)
        return librosa.istft(masked, **arguments, length=length)[None]
    db = {k: arguments.pop(k) for k in ("ref", "amin", "top_db") if k in arguments}
    if db.get("ref") == "max":
        db["ref"] = numpy.max
    return librosa.power_to_db(librosa.feature.melspectrogram(y=y, **arguments), **db)


def summary(result):
    picks = [(result.size - 1) * i // 7 for i in range(8)]
    return {
        "shape": list(result.shape),
        "rms": float(f"{numpy.sqrt(numpy.mean(result**2)):.7g}"),
        "elements": [float(f"{result.flat[i]:.7g}") for i in picks],
    }


def golden_input(about, settings, compute_input):
    samples = 500 if settings["kind"] == "waveform" else settings["clipSamples"]
    y = SIGNALS["decay"](samples).astype(numpy.float32).astype(float)  # as recordings are held
    return {"about": about, "signal": "decay", "samples": samples, "settings": settings, **summary(compute_input(y))}


def golden(kind, signal, n, arguments):
    result = compute(kind, SIGNALS[signal](n), dict(arguments))
    infinite = {k: str(v) for k, v in arguments.items() if v in (float("inf"), float("-inf"))}
    return {
        "kind": kind,
        "signal": signal,
        "samples": n,
        "arguments": {**arguments, **infinite},
        **summary(result),
    }


cases = [golden(*case) for case in CASES]
versions = {"librosa": librosa.__version__, "scipy": scipy.__version__, "numpy": numpy.__version__}
lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
path = pathlib.Path(__file__).parents[2] / "test" / "golden" / "features.json"
inputs = ",\n".join(json.dumps(golden_input(*case), separators=(",", ":")) for case in INPUTS)
path.write_text(f'{{"versions":{json.dumps(versions)},"cases":[\n{lines}\n],"inputs":[\n{inputs}\n]}}\n')
print(f"{len(cases)} cases, {len(INPUTS)} inputs, {path.stat().st_size} bytes")
