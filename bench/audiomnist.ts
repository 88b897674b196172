// npm run bench:audiomnist [-- options]: a dry run of `earmark train` at AudioMNIST's size: where time and memory go.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, statfs } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { AUGMENTATIONS } from '../src/augmentation/settings.ts';
import { train } from '../src/cli/commands/train.ts';
import { describeError } from '../src/cli/describe.ts';
import type { Terminal } from '../src/cli/frame.ts';
import { undoneByInterrupt } from '../src/cli/interrupt.ts';
import { loadCorpus } from '../src/corpus/load.ts';
import { FileError, UsageError } from '../src/errors.ts';
import { BatchThreads } from '../src/hearing/batches.ts';
import { cacheFolder } from '../src/hearing/cache.ts';
import { type ArchitectureName, architectureOf, architectures } from '../src/model/architectures.ts';
import { DEFAULT_METHOD } from '../src/relevance/method.ts';
import { RECIPES } from '../src/training/recipes.ts';
import { CLIPS_PER_REPETITION, MEAN_BYTES, makeAudioMnist } from './audiomnist-corpus.ts';

const HELP = `npm run bench:audiomnist -- [options]

Makes recordings in AudioMNIST's layout, trains on the first of its folds by digit as \`earmark train\` does, tests and
explains; says what each part took in time and memory, and what all epochs of all folds would take. Everything lies in a
temporary folder (some 4 GB), which is removed in the end.

  --clips N            (30000; a multiple of ${CLIPS_PER_REPETITION})
  --epochs N           (2)
  --architecture NAME  ${architectures.join(', ')} (${architectures[0]})`;

const { values: options } = parseArgs({
  options: {
    clips: { type: 'string', default: '30000' },
    epochs: { type: 'string', default: '2' },
    architecture: { type: 'string', default: architectures[0] },
    help: { type: 'boolean' },
  },
});
/** Memory that the run may take, MB. */
const BOUND = 2000;
const FOLDS = 5;

/** What a part of the run took. */
interface Part {
  readonly name: string;
  seconds: number;
  /** Of all threads, which other work on the machine disturbs less. */
  cpu: number;
  /** The most memory of the process, all threads, MB. */
  memory: number;
}

/** The most memory since this was last asked, MB: Linux counts it anew; elsewhere it is that of the whole run. */
function peakMemory(): number {
  try {
    const [, kB] = /VmHWM:\s*(\d+)/.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    writeFileSync('/proc/self/clear_refs', '5');
    return Number(kB) / 1024;
  } catch {
    return process.resourceUsage().maxRSS / 1024;
  }
}

/** That on the wall, or CPU time of all threads. */
type Clock = 'seconds' | 'cpu';

/** Books time and memory under the part that is under way. */
class Books {
  readonly parts: Part[] = [];
  private name = '';
  private since = performance.now();
  private used = process.cpuUsage();

  /** Ends the part that is under way and goes on with another, or with more of an earlier one. */
  begin(name: string): void {
    const now = performance.now();
    const own = this.parts.find((part) => part.name === this.name);
    const memory = peakMemory();
    const { user, system } = process.cpuUsage(this.used);
    if (own) {
      own.seconds += (now - this.since) / 1000;
      own.cpu += (user + system) / 1e6;
      own.memory = Math.max(own.memory, memory);
    }
    if (name !== '' && !this.parts.some((part) => part.name === name)) {
      this.parts.push({ name, seconds: 0, cpu: 0, memory: 0 });
    }
    [this.name, this.since, this.used] = [name, now, process.cpuUsage()];
  }

  /** Seconds of some parts together. */
  sum(what: RegExp, clock: Clock): number {
    return this.parts.reduce((sum, part) => sum + (what.test(part.name) ? part[clock] : 0), 0);
  }
}

const EPOCH = 'training epoch';
const VALIDATION = 'validating, checkpoint';
const WRITING = 'figures, writing';
const AGAIN = 'reading all for another fold';

/** A terminal that books what the run says it does. */
function booking(books: Books, epochs: number): Terminal {
  let [steps, label] = [0, ''];
  return {
    note: (line) => console.log(`  ${line}`),
    progress: {
      start(total, what) {
        [steps, label] = [total, what];
        console.log(`  ${what} …`);
        books.begin(what === 'training' ? `${EPOCH} 1` : what);
      },
      update(done) {
        if (label !== 'training') return;
        // After each step; after the last of an epoch and again once it is validated.
        const perEpoch = steps / epochs;
        if (done % perEpoch === 0) books.begin(`${VALIDATION} ${done / perEpoch}`);
        if (done % perEpoch === 1) books.begin(`${EPOCH} ${Math.ceil(done / perEpoch)}`);
      },
      stop() {
        if (label === 'testing and explaining') books.begin(WRITING);
      },
      clear() {},
      log: (line) => console.log(`  ${line}`),
    },
  };
}

async function dryRun(folder: string, clips: number, epochs: number, architecture: string): Promise<void> {
  process.env.XDG_CACHE_HOME = join(folder, 'cache');
  const books = new Books();
  books.begin('making the recordings');
  const corpus = join(folder, 'AudioMNIST');
  await makeAudioMnist(corpus, clips / CLIPS_PER_REPETITION);
  books.begin('listing, splitting');
  const run = { out: join(folder, 'run'), split: 'audiomnist-digit', method: DEFAULT_METHOD };
  const { text } = await train(corpus, { ...run, architecture, epochs, seed: 0 }, booking(books, epochs));
  console.log(text.replace(/^/gm, '  '));
  books.begin(AGAIN);
  const { features } = JSON.parse(readFileSync(join(run.out, 'config.json'), 'utf8'));
  const threads = new BatchThreads(features, AUGMENTATIONS.none, cacheFolder());
  await threads.keep((await loadCorpus(corpus)).clips.map(({ path }) => path));
  await threads.close();
  books.begin('');
  report(books, epochs, RECIPES[architecture as ArchitectureName].fit.epochs);
}

/** @param most epochs of a whole training */
function report(books: Books, epochs: number, most: number): void {
  console.log(`\n${'part'.padEnd(34)}${'s'.padStart(8)}${'cpu s'.padStart(8)}${'peak MB'.padStart(9)}`);
  for (const { name, seconds, cpu, memory } of books.parts) {
    const numbers = [
      seconds.toFixed(1).padStart(8),
      cpu.toFixed(1).padStart(8),
      memory.toFixed(0).padStart(9),
    ];
    console.log(name.padEnd(34) + numbers.join(''));
  }
  for (const clock of ['seconds', 'cpu'] as const) {
    const epoch = books.sum(/epoch|^validating/, clock) / epochs;
    const fold = most * epoch + books.sum(/^testing|^figures/, clock);
    const first = books.sum(/^listing|^checking|^reading what/, clock);
    const all = first + FOLDS * fold + (FOLDS - 1) * books.sum(/another/, clock);
    const minutes = (seconds: number) => `${(seconds / 60).toFixed(0)} min`;
    const unit = clock === 'cpu' ? ' of CPU time' : '';
    console.log(
      `\nan epoch ${epoch.toFixed(0)} s${unit}; ${most} epochs, testing and explaining ${minutes(fold)}; ` +
        `${FOLDS} folds ${minutes(all)}, less where training stops before its last epoch`,
    );
  }
  const peak = Math.max(...books.parts.map(({ memory }) => memory));
  console.log(`\nmemory: ${peak.toFixed(0)} MB of ${BOUND}`);
  if (peak > BOUND) process.exitCode = 1;
}

async function main(): Promise<void> {
  const [clips, epochs] = [Number(options.clips), Number(options.epochs)];
  architectureOf(options.architecture);
  if (!(clips > 0 && clips % CLIPS_PER_REPETITION === 0)) {
    throw new UsageError({
      what: '--clips',
      expected: `a multiple of ${CLIPS_PER_REPETITION}`,
      got: options.clips,
    });
  }
  if (!(epochs > 0 && Number.isInteger(epochs))) {
    throw new UsageError({ what: '--epochs', expected: 'a whole number from 1 on', got: options.epochs });
  }
  const { bavail, bsize } = await statfs(tmpdir());
  // The recordings, what is kept of them at the model's rate, and some more.
  const [free, needed] = [bavail * bsize, 2.5 * clips * MEAN_BYTES];
  if (free < needed) {
    const [expected, got] = [needed, free].map((bytes) => `${(bytes / 1e9).toFixed(1)} GB`);
    throw new FileError({ what: `no room in ${tmpdir()}`, expected, got });
  }
  const load = loadavg()[0]?.toFixed(1);
  const machine = `${cpus()[0]?.model}, ${availableParallelism()} cores, load ${load}, node ${process.version}`;
  console.log(`${clips} clips, ${options.architecture}; ${machine}`);
  const folder = await mkdtemp(join(tmpdir(), 'earmark-bench-'));
  const tidy = () => rmSync(folder, { recursive: true, force: true });
  try {
    await undoneByInterrupt(tidy, () => dryRun(folder, clips, epochs, options.architecture));
  } finally {
    tidy();
  }
}

if (options.help) console.log(HELP);
else {
  await main().catch((error: unknown) => {
    console.error(describeError(error));
    process.exitCode = 1;
  });
}
