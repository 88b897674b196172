"""Mel spectrograms by librosa in worker processes, one request a line on standard input, one answer a line on standard output.

python features.py PROCESSES answers with versions, then takes
  {"paths": […], "settings": {…}, "out": FILE}   answers {"ms": …}; FILE.npy is the first recording's spectrogram
Processes are started, and librosa is imported and has run once, before the clock starts.
"""
import json
import multiprocessing
import sys
import time

import librosa
import numpy


def mel(job):
    path, s = job
    y, rate = librosa.load(path, sr=s["sampleRate"])
    y = librosa.util.fix_length(y, size=s["clipSamples"])
    return librosa.feature.melspectrogram(
        y=y, sr=rate, n_fft=s["nFft"], hop_length=s["hopLength"], win_length=s["winLength"], n_mels=s["nMels"]
    )


def main():
    processes = int(sys.argv[1])
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        print(json.dumps({"librosa": librosa.__version__, "numpy": numpy.__version__}), flush=True)
        for line in sys.stdin:
            request = json.loads(line)
            jobs = [(path, request["settings"]) for path in request["paths"]]
            start = time.perf_counter()
            first, *_ = list(pool.imap(mel, jobs, chunksize=8))
            ms = 1000 * (time.perf_counter() - start)
            numpy.save(request["out"], first)
            print(json.dumps({"ms": ms}), flush=True)


main()
