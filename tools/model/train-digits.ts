// Trains the digit classifier that ships in models/digits, and measures what it makes of speakers it has not heard.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readAudio } from '../../src/audio/read.ts';
import { resample } from '../../src/audio/resample.ts';
import { type Examples, examplesInMemory } from '../../src/augmentation/examples.ts';
import type { Augmentation } from '../../src/augmentation/settings.ts';
import { type Clip, labelsOf } from '../../src/corpus/clip.ts';
import { foldsOf } from '../../src/corpus/folds.ts';
import { loadCorpus } from '../../src/corpus/load.ts';
import { resolveSplit } from '../../src/corpus/split-file.ts';
import { EarmarkError } from '../../src/errors.ts';
import { inputShape } from '../../src/features/input.ts';
import { writeFileAtomic } from '../../src/files/atomic.ts';
import { BatchThreads } from '../../src/hearing/batches.ts';
import { encodeModel } from '../../src/model/model-file.ts';
import { classifier, type Weights } from '../../src/model/network.ts';
import { nodeRuntime } from '../../src/runtime/node.ts';
import { evaluate, score } from '../../src/training/evaluate.ts';
import { fit as fitted } from '../../src/training/fit.ts';
import { CONDITIONS, EPOCHS, FEATURES, FIT_DIGITS, NETWORK, VARIED } from './digits.ts';

const USAGE = `Usage: npm run model:digits -- FSDD [--measure] [--seeds 0,1,2] [--threads 2]

FSDD is a folder with the Free Spoken Digit Dataset. Writes models/digits/model.onnx, trained on all of it. With --measure
it writes models/digits/evaluation.json instead: for each seed the official split, and each speaker left out in turn; what
the file holds already is not measured again.`;

/** A test: who or what was left out, and how many of its clips were recognised under each condition. */
interface Measured {
  readonly test: string;
  readonly seed: number;
  readonly epochs: number;
  readonly clips: number;
  readonly correct: Readonly<Record<keyof typeof CONDITIONS, number>>;
}

const INPUT = [1, ...inputShape(FEATURES)];
const folder = new URL('../../models/digits/', import.meta.url).pathname;
const synthetic = await loadCorpus(new URL('../../corpus/digits', import.meta.url).pathname);
const labels = labelsOf(synthetic.clips);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    measure: { type: 'boolean', default: false },
    seeds: { type: 'string', default: '0' },
    threads: { type: 'string', default: '2' },
  },
});
if (positionals.length !== 1) {
  console.error(USAGE);
  process.exit(2);
}
const people = await loadCorpus(positionals[0]!);
const seeds = values.seeds.split(',').map(Number);
const runtime: typeof nodeRuntime = {
  ...nodeRuntime,
  open: (graph) => nodeRuntime.open(graph, { threads: Number(values.threads) }),
};

/** Voices of the synthetic corpus' test side choose the epoch; the others are trained on, beside people. */
const { train, test } = await resolveSplit(synthetic, join(synthetic.root, 'split.json'));
const voices = train.map((i) => synthetic.clips[i]!);
const watched = await inMemory(
  test.flatMap((i) => [synthetic.clips[i]!, synthetic.clips[i]!]),
  VARIED,
);

/** Clips under one condition, the same at each call. */
async function inMemory(clips: readonly Clip[], condition: Augmentation): Promise<Examples> {
  const recordings = await Promise.all(
    clips.map(async ({ path, label }) => {
      const { samples } = await resample(await readAudio(path), FEATURES.sampleRate);
      return { samples, label: labels.indexOf(label) };
    }),
  );
  const { labels: classes, inputs } = examplesInMemory(recordings, FEATURES, condition);
  return { labels: classes, inputs: (chosen) => inputs(chosen, chosen) };
}

async function trained(clips: readonly Clip[], seed: number, what: string): Promise<Weights> {
  const all = [...clips, ...voices];
  const kept = mkdtempSync(join(tmpdir(), 'earmark-digits-'));
  const threads = new BatchThreads(FEATURES, VARIED, kept);
  try {
    const recordings = (await threads.keep(all.map(({ path }) => path))).map((recording) => {
      if (recording instanceof EarmarkError) throw recording;
      return recording;
    });
    const classes = all.map(({ label }) => labels.indexOf(label));
    const training = threads.examples(recordings, classes);
    const { weights, history, bestEpoch } = await fitted(
      runtime,
      NETWORK,
      INPUT,
      training,
      watched,
      { ...FIT_DIGITS, seed },
      {
        onProgress: ({ last }) => {
          if (last && process.stderr.isTTY) process.stderr.write(`\r${what}: epoch ${last.epoch} `);
        },
      },
    );
    const { loss, validationAccuracy, seconds } = history[bestEpoch - 1]!;
    console.log(
      `${what}, seed ${seed}: epoch ${bestEpoch} of ${history.length}, loss ${loss.toFixed(3)}, synthetic voices ${(100 * validationAccuracy).toFixed(1)} %, ${seconds.toFixed(0)} s`,
    );
    return weights;
  } finally {
    await threads.close();
    rmSync(kept, { recursive: true });
  }
}

async function measured(weights: Weights, clips: readonly Clip[]): Promise<Measured['correct']> {
  const counts = Object.entries(CONDITIONS).map(async ([name, condition]) => {
    const examples = await inMemory(clips, condition);
    const logits = await evaluate(runtime, NETWORK, INPUT, weights, examples);
    return [name, Math.round(score(logits, examples.labels).accuracy * clips.length)];
  });
  return Object.fromEntries(await Promise.all(counts)) as Measured['correct'];
}

async function measureAll(): Promise<void> {
  const path = join(folder, 'evaluation.json');
  const rows: Measured[] = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : [];
  const splits = [...foldsOf(people, 'loso'), ...foldsOf(people, 'official')];
  for (const seed of seeds) {
    for (const { fold, ...sides } of splits) {
      const name = fold?.name ?? 'official split';
      if (rows.some((row) => row.test === name && row.seed === seed && row.epochs === EPOCHS)) continue;
      const weights = await trained(
        sides.train.map((i) => people.clips[i]!),
        seed,
        name,
      );
      const clips = sides.test.map((i) => people.clips[i]!);
      const correct = await measured(weights, clips);
      rows.push({ test: name, seed, epochs: EPOCHS, clips: clips.length, correct });
      console.log(name, correct, `of ${clips.length}`);
      await writeFileAtomic(path, `${JSON.stringify(rows, null, 2)}\n`);
    }
  }
}

async function trainBox(): Promise<void> {
  const weights = await trained(people.clips, seeds[0]!, 'all speakers');
  const facts = {
    corpus: `${people.name} and ${synthetic.name} (${voices.length} synthetic clips)`,
    clips: people.clips.length + voices.length,
    speakers: new Set(people.clips.map(({ speaker }) => speaker)).size,
    seed: seeds[0],
    epochs: FIT_DIGITS.epochs,
    augmentation: 'strong',
    licence: 'CC BY-SA 4.0; see models/digits/LICENSE',
  };
  const graph = classifier(NETWORK, INPUT, weights);
  await writeFileAtomic(
    join(folder, 'model.onnx'),
    encodeModel({ graph, labels, features: FEATURES, facts }),
  );
}

await (values.measure ? measureAll() : trainBox());
