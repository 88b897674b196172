// npm run bench:features: recordings to mel spectrograms, clips a second, beside librosa on the same files and cores.
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { readAudio } from '../src/audio/read.ts';
import { resample } from '../src/audio/resample.ts';
import { encodeWav } from '../src/audio/wav.ts';
import { loadEmbedded } from '../src/corpus/embedded.ts';
import { fitClip } from '../src/features/clip.ts';
import { melPower } from '../src/features/input.ts';
import { defaultFeatures, type FeatureSettings } from '../src/features/settings.ts';
import { decodeNpy } from '../src/files/npy.ts';
import { hearRecordings } from '../src/hearing/hear.ts';
import type { Heard } from '../src/hearing/task.ts';
import { noise } from './networks.ts';
import { median, timed, timeInTurn } from './timing.ts';

/** Files, and what is made of them. */
interface Workload {
  readonly name: string;
  readonly paths: readonly string[];
  readonly settings: FeatureSettings;
}

const PYTHON = process.env.LIBROSA_PYTHON ?? 'python3';
const cores = availableParallelism();
const folder = await mkdtemp(join(tmpdir(), 'earmark-bench-'));

/** A second of noise at 48 kHz, 16 bit: as large as AudioMNIST's recordings, which are resampled as these are. */
async function atStudioRate(count: number): Promise<string[]> {
  const paths = Array.from({ length: count }, (_, i) => join(folder, `${i}.wav`));
  const { data } = noise([48_000]);
  const samples = Float32Array.from(data as Float32Array, (s) => 0.2 * s);
  const bytes = encodeWav({ samples, sampleRate: 48_000 });
  for (const path of paths) await writeFile(path, bytes);
  return paths;
}

const start = (kind: 'logmel', rate: number, seconds: number): FeatureSettings => ({
  ...defaultFeatures(kind, rate, seconds),
  align: 'start',
});
const workloads: Workload[] = [
  {
    name: 'spoken digits, 8 kHz, 0.4 to 1 s',
    paths: (await loadEmbedded()).clips.map((clip) => clip.path),
    settings: start('logmel', 8000, 1),
  },
  {
    name: '1 s at 48 kHz, resampled to 16 kHz',
    paths: await atStudioRate(200),
    settings: start('logmel', 16_000, 1),
  },
];

/** A Python with librosa; undefined where there is none. */
async function peer() {
  const script = fileURLToPath(new URL('features.py', import.meta.url));
  const env = { ...process.env, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1', NUMBA_NUM_THREADS: '1' };
  const child = spawn(PYTHON, [script, `${cores}`], { env, stdio: ['pipe', 'pipe', 'ignore'] });
  child.on('error', () => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async () => JSON.parse((await lines.next()).value ?? 'null');
  const versions = await read();
  if (versions === null) return undefined;
  const out = join(folder, 'first.npy');
  return {
    versions: versions as Record<string, string>,
    /** @returns milliseconds */
    async run({ paths, settings }: Workload): Promise<number> {
      child.stdin.write(`${JSON.stringify({ paths, settings, out })}\n`);
      return (await read()).ms;
    },
    first: async () => decodeNpy(new Uint8Array(await readFile(out))).data as Float32Array,
    end: () => child.stdin.end(),
  };
}

/** Where a clip's time goes in one thread, in microseconds: medians; what threads cost is the rest. */
async function parts({ paths, settings }: Workload): Promise<string> {
  const spent: Record<string, number[]> = { read: [], resample: [], fit: [], 'mel spectrogram': [] };
  for (const path of [...paths.slice(0, 200), ...paths.slice(0, 200)]) {
    const [read, audio] = await timed(() => readAudio(path));
    const [resampling, { samples }] = await timed(() => resample(audio, settings.sampleRate));
    const [fitting, clip] = await timed(() => fitClip(samples, settings.clipSamples, settings.align).samples);
    const [mel] = await timed(() => melPower(clip, settings));
    for (const [i, ms] of [read, resampling, fitting, mel].entries()) Object.values(spent)[i].push(1000 * ms);
  }
  const text = Object.entries(spent).map(([name, times]) => `${name} ${median(times).toFixed(0)}`);
  return `one thread, µs a clip: ${text.join(', ')}`;
}

const librosa = await peer();
console.log(
  librosa
    ? `librosa ${librosa.versions.librosa}, NumPy ${librosa.versions.numpy}; ${cores} cores for each`
    : `${PYTHON} has no librosa: Earmark alone (LIBROSA_PYTHON names another)`,
);
for (const workload of workloads) {
  const { name, paths, settings } = workload;
  let heard: Awaited<ReturnType<typeof hearRecordings>> = [];
  const cache = join(folder, 'cache');
  const actions = [
    {
      name: 'Earmark',
      run: async () => {
        heard = await hearRecordings(paths, settings);
      },
    },
    { name: 'Earmark, remembered', run: () => hearRecordings(paths, settings, { cache }) },
    ...(librosa ? [{ name: 'librosa', clock: 'own' as const, run: () => librosa.run(workload) }] : []),
  ];
  console.log(`\n${name}: ${paths.length} clips`);
  for (const timing of await timeInTurn(actions, { seconds: 40, rounds: [3, 7] })) {
    const perSecond = ((1000 * paths.length) / timing.median).toFixed(0);
    console.log(
      `${timing.name.padEnd(22)}${perSecond.padStart(8)} clips/s  ${timing.ratio.toFixed(2).padStart(7)} × Earmark's time`,
    );
  }
  console.log(await parts(workload));
  if (librosa) {
    const [ours, theirs] = [(heard[0] as Heard).power.data, await librosa.first()];
    const most = Math.max(...theirs);
    const off = ours.reduce((d, value, i) => Math.max(d, Math.abs(value - theirs[i])), 0) / most;
    console.log(`the first clip's spectrograms differ by ${off.toExponential(1)} of the maximum`);
  }
}
librosa?.end();
await rm(folder, { recursive: true, force: true });
