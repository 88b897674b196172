// WAV: every coding that is read, what encoders write around it, and every way in which a file can be broken.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeShared, sharedPath } from '../../test/support/shared.ts';
import { AudioError } from '../errors.ts';
import { assertAudible } from './audio.ts';
import { decodeWav, encodeWav } from './wav.ts';

const ascii = (text: string) => [...new TextEncoder().encode(text)];
const little = (value: number, width: number) =>
  Array.from({ length: width }, (_, i) => Math.floor(value / 2 ** (8 * i)) & 255);
const chunk = (id: string, content: number[], size = content.length) => [
  ...ascii(id),
  ...little(size, 4),
  ...content,
  ...(content.length % 2 ? [0] : []),
];
const bytesOf = (data: ArrayBufferView) => [...new Uint8Array(data.buffer, data.byteOffset, data.byteLength)];

interface Format {
  code?: number;
  channels?: number;
  rate?: number;
  bits?: number;
  align?: number;
  /** What follows the 16 bytes that every 'fmt ' chunk has. */
  more?: number[];
}

const format = ({ code = 1, channels = 1, rate = 8000, bits = 16, align, more = [] }: Format = {}) =>
  chunk('fmt ', [
    ...little(code, 2),
    ...little(channels, 2),
    ...little(rate, 4),
    ...little(0, 4),
    ...little(align ?? (channels * bits) / 8, 2),
    ...little(bits, 2),
    ...more,
  ]);

const wav = (...chunks: number[][]) => {
  const body = [...ascii('WAVE'), ...chunks.flat()];
  return Uint8Array.from([...ascii('RIFF'), ...little(body.length, 4), ...body]);
};
const samplesOf = (bytes: Uint8Array) => [...decodeWav(bytes, 'x.wav').samples];
const pcm16 = bytesOf(Int16Array.of(0, 16384, -32768, 32767));

it('property: every 16-bit value is itself, divided by 2¹⁵, wherever it lies', () => {
  const values = Int16Array.from({ length: 2 ** 16 }, (_, i) => i - 2 ** 15);
  const bytes = wav(format(), chunk('data', bytesOf(values)));
  const odd = new Uint8Array(bytes.length + 1).subarray(1);
  odd.set(bytes);
  for (const file of [bytes, odd]) {
    const { samples } = decodeWav(file);
    expect(samples.length).toBe(values.length);
    expect(samples.findIndex((s, i) => s !== values[i] / 2 ** 15)).toBe(-1);
  }
});

it('samples are put where there is room for them: of one channel, all of them', () => {
  const room = new Float32Array(4);
  const fitting = decodeWav(wav(format(), chunk('data', pcm16)), 'x.wav', { room }).samples;
  expect(fitting.buffer).toBe(room.buffer);
  expect([...fitting]).toEqual([0, 0.5, -1, 32767 / 32768]);
  for (const options of [{ channels: 2 }, { bits: 8 }]) {
    const { samples } = decodeWav(wav(format(options), chunk('data', pcm16)), 'x.wav', { room });
    expect(samples.buffer).not.toBe(room.buffer);
  }
  const longer = decodeWav(wav(format(), chunk('data', [...pcm16, 0, 0])), 'x.wav', { room }).samples;
  expect([...longer]).toEqual([0, 0.5, -1, 32767 / 32768, 0]);
  expect([...fitting]).toEqual([0, 0.5, -1, 32767 / 32768]);
});

describe('codings', () => {
  const cases: [string, Format, number[], number[]][] = [
    ['8 bit, unsigned', { bits: 8 }, [0, 128, 192, 255], [-1, 0, 0.5, 127 / 128]],
    ['16 bit', {}, pcm16, [0, 0.5, -1, 32767 / 32768]],
    ['24 bit', { bits: 24 }, [0, 0, 64, 0, 0, 128, 255, 255, 255], [0.5, -1, -(2 ** -23)]],
    ['32 bit', { bits: 32 }, bytesOf(Int32Array.of(2 ** 30, -(2 ** 31))), [0.5, -1]],
    ['float 32', { code: 3, bits: 32 }, bytesOf(Float32Array.of(0.25, -1.5)), [0.25, -1.5]],
    ['float 64', { code: 3, bits: 64 }, bytesOf(Float64Array.of(0.25, -1.5)), [0.25, -1.5]],
  ];
  it.each(cases)('%s', (_, fmt, data, expected) => {
    expect(samplesOf(wav(format(fmt), chunk('data', data)))).toEqual(expected);
  });

  // The largest, the smallest and a middle value of either sign, as CPython 3.11's audioop gives them in 16 bits.
  it.each<[string, number, number[], number[]]>([
    ['A-law', 6, [0xaa, 0x2a, 0xd5, 0x55, 0x9a, 0x1a], [32256, -32256, 8, -8, 4032, -4032]],
    ['µ-law', 7, [0x80, 0x00, 0xff, 0x7f, 0xbf, 0x3f], [32124, -32124, 0, 0, 1980, -1980]],
  ])('%s', (_, code, data, expected) => {
    const samples = samplesOf(wav(format({ code, bits: 8 }), chunk('data', data)));
    expect(samples.map((s) => s * 2 ** 15)).toEqual(expected);
  });

  it('the extensible format, by its GUID', () => {
    const guid = [3, 0, 0, 0, 0, 0, 16, 0, 128, 0, 0, 170, 0, 56, 155, 113];
    const more = [...little(22, 2), ...little(32, 2), ...little(4, 4), ...guid];
    const fmt = format({ code: 0xfffe, bits: 32, more });
    expect(samplesOf(wav(fmt, chunk('data', bytesOf(Float32Array.of(0.5)))))).toEqual([0.5]);
    const unknown = format({ code: 0xfffe, bits: 32, more: more.map((b) => b ^ 1) });
    expect(() => samplesOf(wav(unknown, chunk('data', [0, 0, 0, 0])))).toThrow(/unsupported WAV coding/);
  });

  it('channels are mixed by their mean', () => {
    const data = bytesOf(Int16Array.of(16384, 0, -32768, 32767, 32767, 32767));
    const [first, second] = samplesOf(wav(format({ channels: 3 }), chunk('data', data)));
    expect(first).toBeCloseTo((0.5 + 0 - 1) / 3, 7);
    expect(second).toBeCloseTo(32767 / 32768, 7);
  });

  it('property: what was encoded comes back, to the last bit', () => {
    const values = fc.array(fc.integer({ min: -(2 ** 15), max: 2 ** 15 - 1 }), { minLength: 1 });
    fc.assert(
      fc.property(
        values,
        fc.constantFrom(16, 24, 32),
        fc.integer({ min: 1, max: 192000 }),
        (v, bits, rate) => {
          const audio = { samples: Float32Array.from(v, (x) => x / 2 ** 15), sampleRate: rate };
          expect(decodeWav(encodeWav(audio, { bits: bits as 16 | 24 | 32 }))).toEqual(audio);
        },
      ),
    );
  });

  it('samples beyond the range are clipped when encoded', () => {
    const audio = { samples: Float32Array.of(2, -2), sampleRate: 8000 };
    expect(samplesOf(encodeWav(audio))).toEqual([32767 / 32768, -1]);
  });
});

describe('what encoders write around the samples', () => {
  const expected = [0, 0.5, -1, 32767 / 32768];
  const data = chunk('data', pcm16);
  const head = [...ascii('RIFF'), 255, 255, 255, 255, ...ascii('WAVE'), ...format()];
  it.each([
    [
      'other chunks before and after, one of odd size',
      wav(chunk('JUNK', [1, 2, 3]), format(), data, chunk('id3 ', [7])),
    ],
    ['a view into a larger buffer', Uint8Array.from([9, 9, 9, ...wav(format(), data)]).subarray(3)],
    ['a stream, length 0xFFFFFFFF', Uint8Array.from([...head, ...chunk('data', pcm16, 0xffffffff)])],
    ['a stream, length 0x7FFFF000', Uint8Array.from([...head, ...chunk('data', pcm16, 0x7ffff000)])],
    ['a stream, length 0', Uint8Array.from([...head, ...chunk('data', pcm16, 0)])],
    ['BW64', Uint8Array.from([...ascii('BW64'), ...wav(format(), data).subarray(4)])],
    ['bytes after the last whole frame', wav(format(), chunk('data', [...pcm16, 5]))],
    [
      'RF64',
      Uint8Array.from([
        ...[...ascii('RF64'), 255, 255, 255, 255, ...ascii('WAVE')],
        ...chunk('ds64', [...little(0, 8), ...little(pcm16.length, 8), ...little(4, 8), ...little(0, 4)]),
        ...format(),
        ...chunk('data', pcm16, 0xffffffff),
        ...chunk('LIST', [1, 2, 3, 4]),
      ]),
    ],
  ])('%s', (_, bytes) => {
    expect(samplesOf(bytes)).toEqual(expected);
  });
});

it.each([0xffffffff, 0x7ffff000, 0, pcm16.length])(
  'tells that a header does not say the length: %d',
  (length) => {
    const stream = [...ascii('RIFF'), 255, 255, 255, 255, ...ascii('WAVE'), ...format()];
    const { streamed } = decodeWav(Uint8Array.from([...stream, ...chunk('data', pcm16, length)]));
    expect(streamed).toBe(length === pcm16.length ? undefined : true);
  },
);

describe('extremes', () => {
  it('one sample', () => {
    expect(samplesOf(wav(format(), chunk('data', [0, 64])))).toEqual([0.5]);
  });

  it('384 kHz, 64-bit float', () => {
    const bytes = wav(
      format({ code: 3, bits: 64, rate: 384000 }),
      chunk('data', bytesOf(Float64Array.of(0.25))),
    );
    expect(decodeWav(bytes)).toEqual({ samples: Float32Array.of(0.25), sampleRate: 384000 });
  });

  it('1,000 channels', () => {
    const frame = Int16Array.from({ length: 1000 }, (_, c) => 32 * (c - 499));
    const bytes = wav(format({ channels: 1000 }), chunk('data', bytesOf(Int16Array.of(...frame, ...frame))));
    expect(samplesOf(bytes)).toEqual([16 / 32768, 16 / 32768]);
  });

  it('ten hours are refused by the header, before any sample is read', () => {
    const seconds = 36_000;
    const head = wav(format({ rate: 16000 }), chunk('data', [], 32000 * seconds));
    const reads: number[] = [];
    const source = {
      size: head.length + 32000 * seconds,
      read: (start: number, length: number) => {
        reads.push(length);
        return head.subarray(start, start + length);
      },
    };
    expect(() => decodeWav(source, 'talk.wav')).toThrow(
      'talk.wav: the recording is too long: expected at most 1 h 9 min at 16000 Hz, got 10 h 0 min. ' +
        'Cut it, e.g. `ffmpeg -i talk.wav -f segment -segment_time 4194 part-%03d.wav`, or let a window slide over it (--window).',
    );
    expect(Math.max(...reads)).toBeLessThan(100);
  });

  it('pieces fit together: 3 million samples from a source', () => {
    const values = Int16Array.from({ length: 3_000_000 }, (_, i) => (i * 7919) % 32768);
    const { samples } = decodeWav(
      encodeWav({ samples: Float32Array.from(values, (v) => v / 32768), sampleRate: 8000 }),
    );
    expect(samples.length).toBe(values.length);
    expect(samples.findIndex((s, i) => s * 32768 !== values[i])).toBe(-1);
  });
});

describe('broken files', () => {
  const whole = wav(format(), chunk('data', pcm16));

  it('every truncation is refused', () => {
    for (let length = 0; length < whole.length; length++) {
      expect(() => decodeWav(whole.subarray(0, length)), `${length} bytes`).toThrow(AudioError);
    }
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['an empty file', new Uint8Array(0), /x\.wav: the file is empty/],
    ['cut samples', whole.subarray(0, -2), /truncated: expected 8 bytes in its 'data' chunk, got 6/],
    ['text', Uint8Array.from(ascii('this is not audio')), /x\.wav: not a WAV file/],
    ['FLAC', Uint8Array.from(ascii('fLaC then a stream')), /not a WAV file.*decodeAudio/],
    ['another RIFF', Uint8Array.from([...ascii('RIFF'), 4, 0, 0, 0, ...ascii('AVI ')]), /not a WAV file/],
    ['no fmt', wav(chunk('data', pcm16)), /no 'fmt ' chunk: got 'data'/],
    ['no data', wav(format()), /no 'data' chunk: got 'fmt '/],
    ['a short fmt', wav(chunk('fmt ', [1, 0]), chunk('data', pcm16)), /'fmt ' chunk is too short/],
    ['no samples', wav(format(), chunk('data', [])), /holds no samples/],
    [
      'sample rate 0',
      wav(format({ rate: 0 }), chunk('data', pcm16)),
      /sample rate: expected more than 0 Hz, got 0/,
    ],
    ['no channel', wav(format({ channels: 0 }), chunk('data', pcm16)), /contradicts itself/],
    ['a wrong block align', wav(format({ align: 3 }), chunk('data', pcm16)), /expected 2 bytes .* got 3/],
    ['12 bits', wav(format({ bits: 12, align: 2 }), chunk('data', pcm16)), /got 12 bit/],
    ['ADPCM', wav(format({ code: 2, bits: 4, align: 256 }), chunk('data', pcm16)), /got Microsoft ADPCM/],
    ['16-bit µ-law', wav(format({ code: 7, bits: 16 }), chunk('data', pcm16)), /got 16 bit/],
    ['chunks without end', wav(...new Array(1001).fill(chunk('JUNK', []))), /more than 1000 chunks/],
    [
      'NaN',
      wav(format({ code: 3, bits: 32 }), chunk('data', bytesOf(Float32Array.of(0, Number.NaN)))),
      /sample 1 of 2 is not a number/,
    ],
  ])('%s', (_, bytes, message) => {
    expect(() => decodeWav(bytes, 'x.wav')).toThrow(message);
    expect(() => decodeWav(bytes, 'x.wav')).toThrow(AudioError);
  });

  it('property: random bytes after a header give samples or an AudioError, nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(60), (noise, at) => {
        const bytes = Uint8Array.from([...whole, ...whole]);
        bytes.set(noise.subarray(0, bytes.length - at), at);
        try {
          expect(decodeWav(bytes).samples.length).toBeGreaterThan(0);
        } catch (error) {
          if (!(error instanceof AudioError)) throw error;
        }
      }),
    );
  });

  it('silence is for the caller to refuse', () => {
    const silent = decodeWav(wav(format(), chunk('data', [0, 0, 0, 0])), 'x.wav');
    expect(() => assertAudible(silent, 'x.wav')).toThrow(/x\.wav: the recording is silent/);
    assertAudible(decodeWav(whole));
  });
});

describeShared('data/fsdd', 'golden: a real recording', () => {
  it('has the samples that its bytes spell', () => {
    const { samples, sampleRate } = decodeWav(
      readFileSync(sharedPath('data/fsdd/recordings/0_george_0.wav')),
    );
    expect([sampleRate, samples.length]).toEqual([8000, 2384]);
    expect([...samples.subarray(0, 3)].map((s) => s * 32768)).toEqual([-1489, -962, -606]);
  });
});
