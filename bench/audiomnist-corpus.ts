// Synthetic recordings in AudioMNIST's layout and of its size: buzzes whose resonances tell digits, and pitches speakers, apart.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { hash32, random } from '../src/corpus/random.ts';

const SPEAKERS = 60;
const DIGITS = 10;
/** Clips are made by so many: as many repetitions of each digit by each speaker as there are of the first. */
export const CLIPS_PER_REPETITION = SPEAKERS * DIGITS;
const RATE = 48_000;
/** AudioMNIST's recordings have 0.4 to 1 s. */
const [SHORTEST, LONGEST] = [0.4 * RATE, RATE];
const HEADER = 44;
/** Bytes of a recording of mean length. */
export const MEAN_BYTES = HEADER + SHORTEST + LONGEST;
/** One recording in so many says another digit than it is labelled with, so that there are errors to explain. */
const MISLABELLED = 40;
/** Samples of noise that are there; each recording takes others. */
const NOISE = 2 ** 18;

/**
 * Writes data/NN/D_NN_R.wav and audioMNIST_meta.txt: 48 kHz, 16 bit, mono.
 *
 * @param repetitions of each digit by each speaker (AudioMNIST: 50)
 * @param folder to be filled
 */
export async function makeAudioMnist(folder: string, repetitions: number): Promise<void> {
  const draw = random(1);
  const noise = Float32Array.from({ length: NOISE }, () => 1200 * (draw() - 0.5));
  const speakers: Record<string, object> = {};
  for (let who = 1; who <= SPEAKERS; who++) {
    const name = `${who}`.padStart(2, '0');
    const place = join(folder, 'data', name);
    mkdirSync(place, { recursive: true });
    speakers[name] = { accent: 'none', age: `${20 + (who % 40)}`, gender: who % 5 ? 'male' : 'female' };
    const voiced = Array.from({ length: DIGITS }, (_, digit) => utterance(digit, who));
    for (let digit = 0; digit < DIGITS; digit++) {
      for (let r = 0; r < repetitions; r++) {
        const seed = hash32(hash32(who, digit), r);
        const said = seed % MISLABELLED === 0 ? (digit + 1) % DIGITS : digit;
        writeFileSync(join(place, `${digit}_${name}_${r}.wav`), recording(voiced[said], noise, seed));
      }
    }
    await setImmediate(); // so that Ctrl-C is heard
  }
  writeFileSync(join(folder, 'audioMNIST_meta.txt'), JSON.stringify(speakers, null, 2));
}

/** A second of a speaker's harmonics in two of a digit's resonances, the second of which moves; at most ±9,600. */
function utterance(digit: number, who: number): Float32Array {
  const pitch = 90 + 3 * who;
  const low = 250 + 110 * (digit % 5);
  const [from, to] = [900 + 260 * digit, 900 + 260 * ((3 * digit + 4) % DIGITS)];
  const [a, b, c] = [low, from, to].map((hz) => 2 * Math.PI * Math.round(hz / pitch) * (pitch / RATE));
  return Float32Array.from({ length: LONGEST }, (_, n) => {
    const late = n / LONGEST;
    return 4800 * (Math.sin(a * n) + (1 - late) * Math.sin(b * n) + late * Math.sin(c * n));
  });
}

/** A WAV file of an utterance as it is said this time: its length, its loudness, the noise in it. */
function recording(voiced: Float32Array, noise: Float32Array, seed: number): Uint8Array {
  const draw = random(seed);
  const length = Math.round(SHORTEST + draw() * (LONGEST - SHORTEST));
  const from = Math.floor(draw() * (NOISE - length));
  const gain = 0.3 + 0.7 * draw();
  const bytes = Buffer.alloc(HEADER + 2 * length);
  bytes.write('RIFF', 0);
  bytes.writeUInt32LE(bytes.length - 8, 4);
  bytes.write('WAVEfmt ', 8);
  // 16 bytes: PCM, one channel, rate, bytes a second, bytes a sample, bits.
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt32LE(0x0001_0001, 20);
  bytes.writeUInt32LE(RATE, 24);
  bytes.writeUInt32LE(2 * RATE, 28);
  bytes.writeUInt32LE(0x0010_0002, 32);
  bytes.write('data', 36);
  bytes.writeUInt32LE(2 * length, 40);
  const samples = new Int16Array(bytes.buffer, bytes.byteOffset + HEADER, length);
  for (let n = 0; n < length; n++) samples[n] = gain * voiced[n] + noise[from + n];
  return bytes;
}
