// The state of a fit between two steps, and the file that holds it.
import { FileError, TrainingError } from '../errors.ts';
import { crc32 } from '../files/crc.ts';
import {
  decodeSafetensors,
  encodeSafetensors,
  type Safetensors,
  type StoredTensor,
} from '../files/safetensors.ts';
import type { Weights } from '../model/network.ts';
import type { Epoch } from './fit.ts';

/** All that a fit needs to go on as if it had not stopped. */
export interface Checkpoint {
  /** Everything that has to be the same for that: network, input, options, recordings; by name. */
  readonly plan: Readonly<Record<string, unknown>>;
  /** Weights, running statistics and the optimizer's moments after `step` steps. */
  readonly state: Weights;
  /** Of the weights, where they are averaged. */
  readonly average?: Weights;
  readonly step: number;
  /** The epoch that is under way, from 1, and how many of its batches are done. */
  readonly epoch: number;
  readonly batch: number;
  /** Of those batches. */
  readonly lossSum: number;
  readonly hits: number;
  readonly history: readonly Epoch[];
  /** Of training so far, s. */
  readonly seconds: number;
  /** The best weights on validation, their epoch (0: none yet), and their score: accuracy, −loss. */
  readonly best: {
    readonly weights: Weights;
    readonly epoch: number;
    readonly score: readonly [number, number];
  };
}

const FORMAT = 'earmark checkpoint 2';

/** A checkpoint as a safetensors file: `state.<name>`, `average.<name>`, `best.<name>`, the rest as JSON in its metadata, with a checksum of all. */
export function encodeCheckpoint({ state, average, best, ...rest }: Checkpoint): Uint8Array {
  const flat = (prefix: string, weights: Weights): [string, StoredTensor][] =>
    Object.entries(weights).map(([name, data]) => [`${prefix}.${name}`, { dims: [data.length], data }]);
  const tensors = Object.fromEntries([
    ...flat('state', state),
    ...flat('average', average ?? {}),
    ...flat('best', best.weights),
  ]);
  const progress = JSON.stringify({ ...rest, best: { epoch: best.epoch, score: best.score } });
  return encodeSafetensors({
    tensors,
    metadata: { format: FORMAT, progress, checksum: checksumOf(progress, tensors) },
  });
}

function wholeFile(bytes: Uint8Array, name: string): Safetensors {
  try {
    return decodeSafetensors(bytes, name);
  } catch (cause) {
    if (!(cause instanceof FileError)) throw cause;
    throw new FileError({ ...cause.parts, todo: 'Train anew with --replace.', cause });
  }
}

/** CRC-32 of the progress, then of each tensor's name and bytes, as hexadecimal digits. */
function checksumOf(progress: string, tensors: Safetensors['tensors']): string {
  const text = (value: string) => new TextEncoder().encode(value);
  let sum = crc32(text(progress));
  for (const [name, { data }] of Object.entries(tensors)) {
    sum = crc32(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), crc32(text(name), sum));
  }
  return sum.toString(16);
}

/**
 * Reads what {@link encodeCheckpoint} wrote.
 * @param name how errors call the file
 * @throws FileError, TrainingError where the bytes are no whole checkpoint of this version
 */
export function decodeCheckpoint(bytes: Uint8Array, name = 'checkpoint'): Checkpoint {
  const { tensors, metadata } = wholeFile(bytes, name);
  if (metadata.format !== FORMAT) {
    throw new TrainingError({
      what: `${name}: not a checkpoint of this version`,
      expected: FORMAT,
      got: metadata.format ?? 'no format',
      todo: 'Go on with the version of Earmark that wrote it, or train anew with --replace.',
    });
  }
  const { progress = '', checksum } = metadata;
  if (checksum !== checksumOf(progress, tensors)) {
    throw new TrainingError({
      what: `${name}: the checkpoint is damaged`,
      expected: `checksum ${checksumOf(progress, tensors)}`,
      got: checksum ?? 'none',
      todo: 'Train anew with --replace.',
    });
  }
  const { best, ...rest } = JSON.parse(progress);
  const part = (prefix: string): Weights =>
    Object.fromEntries(
      Object.entries(tensors)
        .filter(([key]) => key.startsWith(`${prefix}.`))
        .map(([key, { data }]) => [key.slice(prefix.length + 1), data]),
    );
  const average = part('average');
  const averaged = Object.keys(average).length > 0 && { average };
  return { ...rest, state: part('state'), ...averaged, best: { ...best, weights: part('best') } };
}

/**
 * Makes sure that what was saved is of the fit that is to go on.
 * @param name how errors call what was saved
 * @throws TrainingError that names what differs
 */
export function checkPlan(saved: Checkpoint['plan'], now: Checkpoint['plan'], name = 'the checkpoint'): void {
  const text = (value: unknown) => JSON.stringify(value) ?? 'nothing';
  for (const key of new Set([...Object.keys(saved), ...Object.keys(now)])) {
    if (text(saved[key]) === text(now[key])) continue;
    throw new TrainingError({
      what: `${name} is of another training: its ${key} differs`,
      ...difference(saved[key], now[key]),
      todo: 'Resume with the options it was started with, or train anew with --replace.',
    });
  }
}

/** The first entry in which two plain values differ, as text. */
function difference(saved: unknown, now: unknown, path = ''): { expected: string; got: string } {
  const isObject = (v: unknown): v is Record<string, unknown> => typeof v === 'object' && v !== null;
  if (isObject(saved) && isObject(now)) {
    const keys = new Set([...Object.keys(saved), ...Object.keys(now)]);
    for (const key of keys) {
      if (JSON.stringify(saved[key]) !== JSON.stringify(now[key])) {
        return difference(saved[key], now[key], path ? `${path}.${key}` : key);
      }
    }
  }
  const short = (v: unknown) => `${path ? `${path} ` : ''}${(JSON.stringify(v) ?? 'nothing').slice(0, 80)}`;
  return { expected: short(saved), got: short(now) };
}
