// Runs zennit and Captum for the benchmark: a Python process that answers line by line (peers.py).
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { decodeNpy, encodeNpy, type NpyArray } from '../src/files/npy.ts';
import type { RuntimeTensor } from '../src/runtime/runtime.ts';
import type { Subject } from './networks.ts';

export type Library = 'zennit' | 'captum' | 'torch';

const NAMES: Readonly<Record<Library, string>> = { torch: 'PyTorch', zennit: 'zennit', captum: 'Captum' };

/** Methods that each has under the same name and meaning; PyTorch alone has the gradient. */
const METHODS: Readonly<Record<Library, readonly string[]>> = {
  zennit: [
    ...['epsilon', 'zplus', 'gamma', 'alpha2-beta1', 'flat', 'wsquare', 'epsilon-plus', 'epsilon-plus-flat'],
    ...['epsilon-alpha2-beta1', 'epsilon-alpha2-beta1-flat', 'epsilon-gamma-box:low=0,high=1'],
    ...['excitation-backprop', 'guided-backprop'],
  ],
  captum: ['epsilon', 'epsilon-plus'],
  torch: ['gradient'],
};

type Answer = Readonly<Record<string, string | number | boolean | null>>;

/** One Python with PyTorch. */
export class Peer {
  readonly python: string;
  private readonly child: ChildProcess;
  private readonly lines: AsyncIterator<string>;
  private readonly folder: string;
  private installed: Answer = {};

  private constructor(python: string, threads: number, folder: string) {
    this.python = python;
    this.folder = folder;
    const script = fileURLToPath(new URL('peers.py', import.meta.url));
    const env = { ...process.env, OMP_NUM_THREADS: `${threads}` };
    this.child = spawn(python, ['-W', 'ignore', script, `${threads}`], {
      env,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.child.on('error', () => {});
    this.lines = createInterface({ input: this.child.stdout as NodeJS.ReadableStream })[
      Symbol.asyncIterator
    ]();
  }

  /** Starts a Python; undefined where there is none or it has no PyTorch. @param folder what is exchanged goes there */
  static async start(python: string, threads: number, folder: string): Promise<Peer | undefined> {
    await mkdir(folder);
    const peer = new Peer(python, threads, folder);
    const { value, done } = await peer.lines.next();
    if (done) return undefined;
    peer.installed = JSON.parse(value);
    return peer;
  }

  /** `zennit 0.5.1 on PyTorch 2.9.0`, … */
  title(library: Library): string {
    return library === 'torch' ? this.name(library) : `${this.name(library)} on ${this.name('torch')}`;
  }

  /** What is installed there. */
  get versions(): string {
    const libraries = Object.keys(NAMES) as Library[];
    return libraries
      .map((library) => (this.installed[library] ? this.name(library) : `no ${NAMES[library]}`))
      .join(', ');
  }

  /** The libraries that are installed there and have a method. */
  librariesFor(method: string): Library[] {
    return (Object.keys(METHODS) as Library[]).filter(
      (library) => this.installed[library] && METHODS[library].includes(method),
    );
  }

  /** Takes over a network and its input. */
  async take({ layers }: Subject, weights: Record<string, NpyArray>, input: RuntimeTensor): Promise<void> {
    const parameters = join(this.folder, 'weights');
    await rm(parameters, { recursive: true, force: true });
    await mkdir(parameters);
    for (const [name, array] of Object.entries(weights)) {
      await writeFile(join(parameters, `${name}.npy`), encodeNpy(array));
    }
    const x: NpyArray = { shape: [...input.dims], dtype: 'float32', data: input.data as Float32Array };
    await writeFile(join(this.folder, 'input.npy'), encodeNpy(x));
    await writeFile(join(this.folder, 'layers.json'), JSON.stringify(layers ?? null));
    await this.ask({ network: this.folder });
  }

  /** Makes a method ready, and gives what it gives. */
  async open(library: Library, method: string): Promise<{ logits: NpyArray; relevance: NpyArray }> {
    await this.ask({ open: library, method: method.split(':')[0] });
    const read = async (name: string) => decodeNpy(await readFile(join(this.folder, `${name}.npy`)), name);
    return { logits: await read('logits'), relevance: await read('relevance') };
  }

  /** Milliseconds of one run of what was opened last. */
  async run(): Promise<number> {
    return Number((await this.ask({ run: true })).ms);
  }

  stop(): void {
    this.child.stdin?.end();
  }

  private name(library: Library): string {
    return `${NAMES[library]} ${this.installed[library]}`;
  }

  private async ask(question: object): Promise<Answer> {
    this.child.stdin?.write(`${JSON.stringify(question)}\n`);
    const { value, done } = await this.lines.next();
    const answer: Answer = done ? { error: 'the process has ended' } : JSON.parse(value);
    if (answer.error) throw new Error(`${this.python}: ${answer.error}`);
    return answer;
  }
}
