// All formats: the samples that the reference decoders give; what is refused, and how.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { AudioError } from '../errors.ts';
import { decodeNpy } from '../files/npy.ts';
import { decodeAudio } from './decode.ts';

const folder = fileURLToPath(new URL('../../test/golden/audio/', import.meta.url));
const bytesOf = (name: string) => new Uint8Array(readFileSync(folder + name));
const names = readdirSync(folder).filter((name) => /\.(flac|oga|ogg|opus|mp3)$/.test(name));

/** Largest difference to the reference. FLAC is lossless; the others' decoders differ in the order of float32 sums. */
const BOUNDS: Record<string, number> = { flac: 0, oga: 0, ogg: 1e-6, mp3: 2e-5, opus: 1e-4 };
const RATES: Record<string, number> = {
  'fixed.flac': 8000,
  'lpc-mid-side.flac': 16000,
  'ogg.oga': 16000,
  'verbatim-24.flac': 48000,
  'constant-wasted.flac': 44100,
  'low.ogg': 8000,
  'middle.ogg': 44100,
  'high.ogg': 48000,
  'surround.ogg': 16000,
  'speech.opus': 48000,
  'music.opus': 48000,
  'mpeg-1.mp3': 44100,
  'mpeg-2.mp3': 16000,
};

describe('golden: reference decoders', () => {
  it('every file has its case', () => expect(names.sort()).toEqual(Object.keys(RATES).sort()));

  it.each(Object.entries(RATES))('%s', async (name, rate) => {
    const { samples, sampleRate } = await decodeAudio(bytesOf(name), name);
    const expected = decodeNpy(readFileSync(`${folder}${name}.npy`)).data as Float32Array;
    expect([sampleRate, samples.length]).toEqual([rate, expected.length]);
    const worst = samples.reduce((w, s, i) => Math.max(w, Math.abs(s - expected[i])), 0);
    expect(worst).toBeLessThanOrEqual(BOUNDS[name.split('.')[1]]);
  });
});

describe('recognised by content', () => {
  it('behind an ID3 tag', async () => {
    const tag = [...new TextEncoder().encode('ID3'), 4, 0, 0, 0, 0, 1, 2, ...new Array(130).fill(0)];
    for (const name of ['mpeg-2.mp3', 'fixed.flac']) {
      const tagged = Uint8Array.from([...tag, ...bytesOf(name)]);
      expect(await decodeAudio(tagged, 'x.wav')).toEqual(await decodeAudio(bytesOf(name)));
    }
  });

  it.each<[string, string, RegExp]>([
    ['M4A', '\0\0\0\x20ftypM4A ', /got an M4A or MP4 file.*under patents.*ffmpeg -i x\.bin out\.flac/],
    ['3GP', '\0\0\0\x20ftyp3gp4', /got a 3GP file/],
    ['AAC', '\xff\xf1\x50\x80', /got an AAC file/],
    ['AIFF', 'FORM\0\0\0\0AIFF', /got an AIFF file\. Convert it first/],
    ['CAF', 'caff\0\x01', /got a CAF file/],
    ['WMA', '\x30\x26\xb2\x75\x8e\x66\xcf\x11', /got a WMA or ASF file/],
    ['Matroska', '\x1a\x45\xdf\xa3', /got a WebM or Matroska file/],
    ['AMR', '#!AMR\n', /got an AMR file/],
    ['MIDI', 'MThd\0\0\0\x06', /got a MIDI file, which holds notes/],
    ['AU', '.snd\0\0\0\x18', /got an AU file/],
    [
      'text',
      'a poem about sound',
      /expected WAV, FLAC, MP3, Ogg Vorbis or Opus, got another kind of file\. Should it hold sound, convert it/,
    ],
    ['nothing', '', /the file is empty/],
  ])('%s is refused by name', async (_, head, message) => {
    const bytes = Uint8Array.from(head, (c) => c.charCodeAt(0));
    const failure = decodeAudio(bytes, 'some/x.bin');
    await expect(failure).rejects.toThrow(AudioError);
    await expect(failure).rejects.toThrow(message);
  });
});

describe('damage is an error, never other samples', () => {
  const lossless = ['lpc-mid-side.flac', 'middle.ogg', 'music.opus', 'ogg.oga'];
  it.each(lossless)('a bit of %s flipped', async (name) => {
    const bytes = bytesOf(name);
    bytes[Math.floor(0.7 * bytes.length)] ^= 4;
    await expect(decodeAudio(bytes, name)).rejects.toThrow(/is damaged: got .*checksum/);
  });

  it.each(lossless)('%s cut short', async (name) => {
    const bytes = bytesOf(name).subarray(0, -3);
    await expect(decodeAudio(bytes, name)).rejects.toThrow(/is truncated/);
  });

  it('an MP3 file of one frame’s header', async () => {
    await expect(decodeAudio(bytesOf('mpeg-1.mp3').subarray(0, 4), 'x')).rejects.toThrow(
      /MP3 file is damaged/,
    );
  });
});

it.each(names)('%s is refused where it is longer than allowed', async (name) => {
  await expect(decodeAudio(bytesOf(name), name, { maxSamples: 400 })).rejects.toThrow(
    /is too long: expected at most 0 s at \d+ Hz, got 0 s\. Cut it, e\.g\. `ffmpeg -i/,
  );
});
