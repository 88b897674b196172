# Makes corpus/digits: ten spoken digits by espeak-ng, 40 voices, 2 takes, 8 kHz. The commands are in README.md beside this.
"""Usage: python tools/corpus/make.py OUT    (with espeak-ng on the PATH)"""
import json
import subprocess
import sys
import tempfile
from math import gcd
from pathlib import Path

import numpy as np
from scipy.io import wavfile
from scipy.signal import firwin, resample_poly

DIGITS = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine']
ACCENTS = ['en', 'en-us', 'en-gb-scotland', 'en-gb-x-rp', 'en-gb-x-gbclan', 'en-gb-x-gbcwmd', 'en-029', 'en-us-nyc']

# Voice variants of espeak-ng-data/voices/!v that sound like a person: no whisper, robot, strong echo or Klatt voice, and
# one of each family whose files differ in a line or two (Diogo, Henrique, Hugo, michel, miguel: Hugo).
# Every voice is used once, so that no split by speaker can have one variant on both sides.
VARIANTS = [
    'Alex', 'Andrea', 'Andy', 'Annie', 'Denis', 'f1', 'Gene', 'marcelo',
    'Hugo', 'f2', 'Jacky', 'm1', 'victor', 'anika', 'Mario', 'f3',
    'Nguyen', 'aunty', 'antonio', 'm2', 'ed', 'f4', 'grandpa', 'belinda',
    'gustave', 'f5', 'm3', 'm4', 'm5', 'grandma', 'm6', 'steph',
    'm7', 'shelby', 'm8', 'paul', 'pedro', 'zac', 'quincy', 'robert',
]
TEST = slice(3, None, 4)  # every fourth voice: both sexes, all eight accents

RATE = 8000
EDGE_DB = -45  # an edge is silent while it is this far below the clip's loudest 5 ms
MARGIN, FADE = 0.010, 0.005  # seconds kept around the word, and faded at either end


def voices():
    """The 40 voices: accents go round, shifted by one every 8; rate in words a minute, pitch in espeak's 0-99."""
    for i, variant in enumerate(VARIANTS):
        rate, pitch = 140 + 6 * (i * 3 % 5), 38 + 2 * (i * 5 % 7)
        yield variant.lower(), {
            'variant': variant,
            'accent': ACCENTS[(i + i // 8) % 8],
            'sex': sex(variant),
            'peakDb': -2 - i * 7 % 9,
            'rates': [rate, rate + 30],
            'pitches': [pitch, pitch + 16],
        }


def sex(variant):
    """What the variant's own file states; None where it states nothing."""
    for line in (Path(data_folder()) / 'voices' / '!v' / variant).read_text().splitlines():
        if line.split()[:1] == ['gender']:
            return line.split()[1].lower()
    return None


def espeak(*arguments):
    return subprocess.run(['espeak-ng', *arguments], check=True, capture_output=True).stdout


def data_folder():
    return espeak('--version').decode().split('Data at:')[1].strip()


def speak(word, voice, take):
    """The word as float64 samples in [-1, 1) and their rate; amplitude 40 of 200 keeps espeak itself from clipping."""
    with tempfile.NamedTemporaryFile(suffix='.wav') as file:
        espeak('-v', f"{voice['accent']}+{voice['variant']}", '-s', str(voice['rates'][take]),
               '-p', str(voice['pitches'][take]), '-a', '40', '-w', file.name, word)
        rate, samples = wavfile.read(file.name)
    if np.abs(samples.astype(int)).max() >= 32767:
        raise SystemExit(f'{word} by {voice} clips')
    return samples / 32768, rate


def resample(x, rate):
    """To 8 kHz: polyphase, Kaiser window (beta 12, stop band below -110 dB), pass band to 3.75 kHz."""
    up, down = RATE // gcd(RATE, rate), rate // gcd(RATE, rate)
    taps = firwin(2 * 128 * down + 1, 0.97 / down, window=('kaiser', 12.0))
    return resample_poly(x, up, down, window=taps)


def trim(x):
    """Cuts silent edges, keeps a margin, fades both ends with half a Hann window."""
    frame = RATE // 200
    power = np.convolve(x * x, np.ones(frame) / frame, mode='same')
    loud = np.flatnonzero(power > power.max() * 10 ** (EDGE_DB / 10))
    margin, fade = int(MARGIN * RATE), int(FADE * RATE)
    x = x[max(0, loud[0] - margin):loud[-1] + margin + 1].copy()
    ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(fade) + 0.5) / fade)
    x[:fade] *= ramp
    x[-fade:] *= ramp[::-1]
    return x


def main(out):
    recordings = out / 'recordings'
    recordings.mkdir(parents=True, exist_ok=True)
    table = dict(voices())
    for speaker, voice in table.items():
        clips = {(d, take): trim(resample(*speak(word, voice, take))) for take in range(2) for d, word in enumerate(DIGITS)}
        # One gain for all that a voice says: its loudest sample lies at peakDb (full scale = 0 dB).
        gain = 10 ** (voice['peakDb'] / 20) / max(np.abs(x).max() for x in clips.values())
        for (digit, take), x in clips.items():
            if len(x) < 0.15 * RATE:
                raise SystemExit(f'{digit}_{speaker}_{take} is {len(x) / RATE:.2f} s short')
            wavfile.write(recordings / f'{digit}_{speaker}_{take}.wav', RATE, np.round(x * gain * 32767).astype('<i2'))
    version = espeak('--version').decode().split(':')[1].split()[0]
    facts = {'name': 'espeak digits', 'synthetic': True, 'madeWith': f'espeak-ng {version}', 'sampleRate': RATE, 'speakers': table}
    write_json(out / 'voices.json', facts)
    write_json(out / 'split.json', {'testSpeakers': list(table)[TEST]})


def write_json(path, value):
    """One line for each voice: indented two levels deep only."""
    lines = []
    for key, v in value.items():
        if isinstance(v, dict):
            rows = ',\n'.join(f'    {json.dumps(k)}: {json.dumps(row)}' for k, row in v.items())
            lines.append(f'  {json.dumps(key)}: {{\n{rows}\n  }}')
        else:
            lines.append(f'  {json.dumps(key)}: {json.dumps(v)}')
    path.write_text('{\n' + ',\n'.join(lines) + '\n}\n')


if __name__ == '__main__':
    main(Path(sys.argv[1]))
