"""Writes test/golden/audio/: short recordings in every format that is read, as the reference encoders write them,
and what the reference decoders make of them, mixed to mono (.npy, float32).

    apt-get install flac vorbis-tools opus-tools lame ffmpeg sndfile-programs    # 1.4.2, 1.4.2, 0.2, 3.100, 5.1.9, 1.2.0
    python -m venv venv && venv/bin/pip install numpy && venv/bin/python tools/golden/audio.py
"""
import pathlib
import subprocess
import tempfile

import numpy

OUT = pathlib.Path(__file__).parents[2] / "test/golden/audio"
SECONDS = 0.12
random = numpy.random.default_rng(1)


def run(*command):
    return subprocess.run([str(c) for c in command], check=True, capture_output=True).stdout


def chirp(rate, channels):
    """A sine from 200 Hz to a third of the rate, out of phase and softer in each further channel."""
    t = numpy.arange(round(rate * SECONDS)) / rate
    phase = 2 * numpy.pi * (200 * t + (rate / 3 - 200) / (2 * SECONDS) * t * t)
    return numpy.stack([0.3 * 0.7**c * numpy.sin(phase + c) for c in range(channels)], 1)


def raw(samples, bits):
    """Little-endian integers, as the encoders take them."""
    whole = numpy.round(samples * 2.0 ** (bits - 1)).astype("<i4")
    return whole.view("u1").reshape(*whole.shape, 4)[..., : bits // 8].tobytes()


def reference(*command):
    return numpy.frombuffer(run("ffmpeg", "-v", "error", *command, "-f", "f32le", "-c:a", "pcm_f32le", "-"), "<f4")


def store(name, channels, samples):
    mono = samples.reshape(-1, channels).astype("f8").mean(1).astype("<f4")
    numpy.save(OUT / (name + ".npy"), mono)


def flac(name, samples, rate, bits, *options):
    with tempfile.NamedTemporaryFile(suffix=".raw") as f:
        f.write(raw(samples, bits))
        f.flush()
        shape = ["--endian=little", "--sign=signed", f"--channels={samples.shape[1]}", f"--bps={bits}", "--no-padding"]
        run("flac", "-s", "-f", "--serial-number=1", "--force-raw-format", *shape, f"--sample-rate={rate}", *options, "-o", OUT / name, f.name)
    whole = numpy.round(samples * 2.0 ** (bits - 1)) / 2.0 ** (bits - 1)
    store(name, samples.shape[1], whole)


def wav(path, samples, rate):
    shape = ["-f", "s16le", "-ar", str(rate), "-ac", str(samples.shape[1])]
    subprocess.run(["ffmpeg", "-v", "error", "-y", *shape, "-i", "-", str(path)], input=raw(samples, 16), check=True)


OUT.mkdir(exist_ok=True)
silence = numpy.zeros((600, 2))
silence[300:] = random.integers(-8, 8, (300, 2)) / 2**7  # wasted bits and, in the first half, constant channels
noise = random.uniform(-1, 1 - 2**-23, (500, 1))
flac("fixed.flac", chirp(8000, 1), 8000, 16, "-0")
flac("lpc-mid-side.flac", chirp(16000, 2), 16000, 16, "-8")
flac("ogg.oga", chirp(16000, 2), 16000, 16, "--ogg")
flac("verbatim-24.flac", noise, 48000, 24)
flac("constant-wasted.flac", silence, 44100, 16, "-5", "-b", "192")

with tempfile.TemporaryDirectory() as folder:
    source = pathlib.Path(folder) / "source.wav"
    for name, rate, channels, quality in [
        ("low.ogg", 8000, 1, -1),
        ("middle.ogg", 44100, 2, 4),
        ("high.ogg", 48000, 1, 10),
        ("surround.ogg", 16000, 6, 2),
    ]:
        wav(source, chirp(rate, channels), rate)
        run("oggenc", "-Q", "-s", 1, "-q", quality, source, "-o", OUT / name)
        decoded = pathlib.Path(folder) / "decoded.wav"
        run("sndfile-convert", "-float32", OUT / name, decoded)  # libvorbis; ffmpeg's own misses the exact end
        store(name, channels, reference("-i", decoded))
    for name, rate, channels, options in [
        ("speech.opus", 16000, 1, ["--bitrate", "12", "--speech"]),
        ("music.opus", 48000, 2, ["--bitrate", "64", "--music"]),
    ]:
        wav(source, chirp(rate, channels), rate)
        run("opusenc", "--quiet", "--serial", 1, *options, source, OUT / name)
        decoded = pathlib.Path(folder) / "decoded.wav"
        run("opusdec", "--quiet", "--rate", 48000, "--float", "--no-dither", OUT / name, decoded)
        store(name, channels, reference("-i", decoded))
    for name, rate, channels, options in [
        ("mpeg-1.mp3", 44100, 2, ["-V", "4"]),
        ("mpeg-2.mp3", 16000, 1, ["-b", "32"]),
    ]:
        wav(source, chirp(rate, channels), rate)
        run("lame", "--quiet", *options, source, OUT / name)
        store(name, channels, reference("-i", OUT / name))
    # AAC is decoded by browsers only, each with a delay of its own: no reference samples.
    wav(source, chirp(44100, 2), 44100)
    run("ffmpeg", "-v", "error", "-y", "-i", source, "-c:a", "aac", "-bitexact", OUT / "aac.m4a")
