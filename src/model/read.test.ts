// Models on disk: external data files beside them, and none from elsewhere.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import {
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileError, ModelError } from '../errors.ts';
import { readOnnx } from './read.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'earmark-read-'));
  mkdirSync(join(folder, 'model/data'), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A model whose only constant, [4] float32, lies elsewhere. */
function writeModel(entries: Record<string, string>): string {
  const path = join(folder, 'model/model.onnx');
  const initializer = create(TensorProtoSchema, {
    name: 'w',
    dataType: 1,
    dims: [4n],
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: Object.entries(entries).map(([key, value]) =>
      create(StringStringEntryProtoSchema, { key, value }),
    ),
  });
  const graph = create(GraphProtoSchema, {
    name: 'g',
    initializer: [initializer],
    node: [create(NodeProtoSchema, { opType: 'Identity', name: 'copy', input: ['w'], output: ['y'] })],
    output: [create(ValueInfoProtoSchema, { name: 'y' })],
  });
  const opsetImport = [create(OperatorSetIdProtoSchema, { domain: '', version: 18n })];
  writeFileSync(
    path,
    toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 8n, opsetImport, graph })),
  );
  return path;
}

/** The numbers 0, 1, 2, … as float32. */
const numbers = (count: number) => new Uint8Array(Float32Array.from({ length: count }, (_, i) => i).buffer);
const weights = async (path: string) => Array.from((await readOnnx(path)).constants.get('w')?.data ?? []);

describe('external data', () => {
  it('are read from the folder of the model, and from folders in it', async () => {
    writeFileSync(join(folder, 'model/w.bin'), numbers(4));
    expect(await weights(writeModel({ location: 'w.bin' }))).toEqual([0, 1, 2, 3]);
    writeFileSync(join(folder, 'model/data/w.bin'), numbers(4));
    expect(await weights(writeModel({ location: 'data/w.bin' }))).toEqual([0, 1, 2, 3]);
  });

  it('are cut out by offset and length', async () => {
    writeFileSync(join(folder, 'model/w.bin'), numbers(9));
    expect(await weights(writeModel({ location: 'w.bin', offset: '8', length: '16' }))).toEqual([2, 3, 4, 5]);
    expect(await weights(writeModel({ location: 'w.bin', offset: '20' }))).toEqual([5, 6, 7, 8]);
  });

  it.each<[string, Record<string, string>]>([
    ['beyond the end', { offset: '24', length: '16' }],
    ['from behind the end on', { offset: '40' }],
    ['from a negative offset', { offset: '-4', length: '16' }],
    ['of a length that is no number', { length: 'all' }],
  ])('%s are refused, naming constant and file', async (_, part) => {
    writeFileSync(join(folder, 'model/w.bin'), numbers(9));
    const reading = readOnnx(writeModel({ location: 'w.bin', ...part }));
    await expect(reading).rejects.toThrow(ModelError);
    await expect(reading).rejects.toThrow(/"w".*"w\.bin"/);
  });

  it('of a missing file are refused, naming both files', async () => {
    const reading = readOnnx(writeModel({ location: 'gone.bin' }));
    await expect(reading).rejects.toThrow(FileError);
    await expect(reading).rejects.toThrow(/"gone\.bin" of .*model\.onnx.*no such file/);
  });

  it.each([
    '../secret.bin',
    'data/../../secret.bin',
    '..\\secret.bin',
    '/etc/hostname',
    'C:\\secret.bin',
    '',
    '.',
  ])('at "%s" are refused', async (location) => {
    writeFileSync(join(folder, 'secret.bin'), numbers(4));
    const reading = readOnnx(writeModel({ location }));
    await expect(reading).rejects.toThrow(ModelError);
    await expect(reading).rejects.toThrow(/outside of its folder/);
  });

  it('behind a link that leaves the folder are refused, behind one that stays are not', async () => {
    writeFileSync(join(folder, 'secret.bin'), numbers(4));
    symlinkSync(join(folder, 'secret.bin'), join(folder, 'model/link.bin'));
    await expect(readOnnx(writeModel({ location: 'link.bin' }))).rejects.toThrow(/outside of its folder/);
    symlinkSync(folder, join(folder, 'model/up'));
    await expect(readOnnx(writeModel({ location: 'up/secret.bin' }))).rejects.toThrow(
      /outside of its folder/,
    );
    writeFileSync(join(folder, 'model/w.bin'), numbers(4));
    symlinkSync('w.bin', join(folder, 'model/alias.bin'));
    expect(await weights(writeModel({ location: 'alias.bin' }))).toEqual([0, 1, 2, 3]);
  });
});

describe('size', () => {
  // Files with holes: no byte of them is on the disk.
  const hollow = (path: string, bytes: number) => {
    writeFileSync(path, '');
    truncateSync(path, bytes);
  };

  it('a model over 2 GB is refused before it is read', async () => {
    const path = join(folder, 'model/model.onnx');
    hollow(path, 2 ** 31 + 1);
    await expect(readOnnx(path)).rejects.toThrow(/too large: expected at most 2 GB/);
  });

  it('and so is one with its external data', async () => {
    hollow(join(folder, 'model/w.bin'), 2 ** 31 - 10);
    const reading = readOnnx(writeModel({ location: 'w.bin', length: '16' }));
    await expect(reading).rejects.toThrow(ModelError);
    await expect(reading).rejects.toThrow(/external data included, got 2\.0 GB/);
  });
});

it('a missing model is a FileError', async () => {
  await expect(readOnnx(join(folder, 'no/model.onnx'))).rejects.toThrow(FileError);
});
