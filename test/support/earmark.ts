// Runs the built `earmark` as a user does, and makes what its commands need: a folder, recordings, a small model.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { run } from '../../src/cli/run.ts';
import { inputShape } from '../../src/features/input.ts';
import { defaultFeatures, type FeatureSettings, parseFeatureSettings } from '../../src/features/settings.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { int64s, sizeOf, tensor } from '../../src/graph/types.ts';
import { architecture } from '../../src/model/architectures.ts';
import { type AudioModel, encodeModel } from '../../src/model/model-file.ts';
import { classifier, initialWeights, parametersOf } from '../../src/model/network.ts';

const program = fileURLToPath(new URL('../../bin/earmark.js', import.meta.url));

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs `earmark …` in a folder. @param env what differs in its environment */
export function earmark(
  args: readonly string[],
  cwd: string = tmpdir(),
  env: NodeJS.ProcessEnv = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], {
      cwd,
      env: { ...process.env, EARMARK_DEBUG: '', ...env },
    });
    const outcome: Outcome = { code: null, stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        outcome[name] += text;
      });
    }
    child.on('error', reject).on('close', (code) => resolve({ ...outcome, code }));
  });
}

/** Runs `earmark …` in a folder, from the sources and in this process, which is faster. */
export async function earmarkHere(args: readonly string[], cwd: string): Promise<Outcome> {
  const outcome: Outcome = { code: null, stdout: '', stderr: '' };
  const into = (name: 'stdout' | 'stderr') =>
    new Writable({
      decodeStrings: false,
      write(text: string, _, done) {
        outcome[name] += text;
        done();
      },
    });
  const before = process.cwd();
  process.chdir(cwd);
  try {
    outcome.code = await run(args, { stdout: into('stdout'), stderr: into('stderr'), env: {} });
  } finally {
    process.chdir(before);
  }
  return outcome;
}

/** A folder that is removed when the test has finished. */
export function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'earmark-cli-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A model with fresh weights that knows ten digits: what it says is of no use, but it says it like any other. */
export function untrainedModel(
  features: FeatureSettings = defaultFeatures('logmel', 8000, 0.5),
  labels: readonly string[] = [...'0123456789'],
): AudioModel {
  const network = architecture('mel-cnn', labels.length);
  const input = [1, ...inputShape(features)];
  const weights = initialWeights(parametersOf(network, input), 1);
  return { graph: classifier(network, input, weights), labels, features, facts: {} };
}

/** Samples through a convolution of 17 taps, a maximum and a dense layer. */
export function waveformModel(): AudioModel {
  const features = parseFeatureSettings({ kind: 'waveform', sampleRate: 8000, clipSamples: 4000 });
  const noise = (dims: number[]) =>
    tensor(
      Array.from({ length: sizeOf(dims) }, (_, i) => Math.sin(1 + 3 * i * i)),
      dims,
    );
  const g = new GraphBuilder();
  const x = g.emit('Unsqueeze', [g.input('input', 'float32', ['N', 4000]), int64s([1])]);
  const pooled = g.emit('GlobalMaxPool', [g.relu(g.emit('Conv', [x, noise([8, 1, 17])]))]);
  const logits = g.emit('Gemm', [g.emit('Flatten', [pooled]), noise([8, 3])]);
  g.output(logits);
  return { graph: g.build('waveform'), labels: ['a', 'b', 'c'], features, facts: {} };
}

/** Writes {@link untrainedModel} to a folder. @returns its path */
export function modelFile(folder: string, model: AudioModel = untrainedModel()): string {
  const path = join(folder, 'model.onnx');
  writeFileSync(path, encodeModel(model));
  return path;
}
