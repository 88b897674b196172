// Every kind of graph that the verifier refuses, and what it says.
import { expect, it } from 'vitest';
import { GraphError } from '../errors.ts';
import type { Graph, Node } from './types.ts';
import { tensor } from './types.ts';
import { verify } from './verify.ts';

const node = (op: string, inputs: string[], outputs: string[], attributes: object = {}): Node =>
  ({ op, name: `${op}_${outputs[0]}`, inputs, outputs, attributes }) as unknown as Node;
const relu = node('Relu', ['x'], ['y']);

const sound: Graph = {
  name: 'sound',
  inputs: [{ name: 'x', dtype: 'float32', shape: ['N', 4] }],
  outputs: [{ name: 'y', dtype: 'float32', shape: ['N', 4] }],
  constants: new Map([['c', tensor([1, 2, 3, 4])]]),
  nodes: [relu],
  metadata: {},
};

it('a sound graph comes back as it is', () => {
  expect(verify(sound)).toBe(sound);
});

const output = (shape: (string | number)[], dtype = 'float32') =>
  [{ name: 'y', dtype, shape }] as Graph['outputs'];

it.each<[string, Partial<Graph>, RegExp]>([
  [
    'a use before the definition',
    { nodes: [node('Neg', ['y'], ['z']), relu] },
    /Neg "Neg_z" uses "y", which is not defined/,
  ],
  ['a use of nothing', { nodes: [relu, node('Add', ['y', 'nowhere'], ['z'])] }, /uses "nowhere"/],
  ['a value given twice', { nodes: [relu, node('Neg', ['x'], ['y'])] }, /"y" is defined twice \(by Neg/],
  [
    'an input given twice',
    { inputs: [...sound.inputs, ...sound.inputs] },
    /"x" is defined twice \(by the inputs\)/,
  ],
  [
    'a constant named as an input',
    { constants: new Map([['x', tensor([1])]]) },
    /"x" is defined twice \(by the constants\)/,
  ],
  [
    'two nodes of one name',
    { nodes: [relu, { ...relu, inputs: ['y'], outputs: ['z'] }] },
    /two nodes are named "Relu_y"/,
  ],
  ['a result without a name', { nodes: [relu, node('Neg', ['x'], [''])] }, /gives a value without a name/],
  [
    'a constant that does not fill its shape',
    { constants: new Map([['c', { dtype: 'float32', dims: [3], data: new Float32Array(2) }]]) },
    /constant "c" does not fill its shape: expected 3 numbers, got 2/,
  ],
  [
    'too few inputs',
    { nodes: [relu, node('Add', ['x'], ['z'])] },
    /Add "Add_z": number of inputs: expected 2, got 1/,
  ],
  ['too many inputs', { nodes: [relu, node('Conv', ['x', 'c', 'c', 'c'], ['z'])] }, /expected 2 to 3, got 4/],
  [
    'too many results',
    { nodes: [node('Relu', ['x'], ['y', 'z'])] },
    /number of outputs: expected 1 to 1, got 2/,
  ],
  ['no result', { nodes: [relu, node('Relu', ['x'], [])] }, /number of outputs/],
  [
    'an unknown attribute',
    { nodes: [node('Relu', ['x'], ['y'], { slope: 1 })] },
    /unknown attribute "slope"/,
  ],
  [
    'an omitted input that the op needs',
    { nodes: [relu, node('Add', ['', 'x'], ['z'])] },
    /input 0 is missing/,
  ],
  [
    'shapes that do not fit',
    { constants: new Map([['c', tensor([1, 2, 3])]]), nodes: [relu, node('Add', ['x', 'c'], ['z'])] },
    /do not broadcast/,
  ],
  [
    'types that do not fit',
    { constants: new Map([['c', tensor([1], [], 'int64')]]), nodes: [relu, node('Add', ['x', 'c'], ['z'])] },
    /element types differ: expected float32, got int64/,
  ],
  [
    'an output that is not computed',
    { outputs: [{ name: 'z', dtype: 'float32', shape: [] }] },
    /output "z" is not computed/,
  ],
  [
    'an output of another type',
    { outputs: output(['N', 4], 'int64') },
    /expected int64\[N, 4\], got float32\[N, 4\]/,
  ],
  ['an output of another extent', { outputs: output(['N', 5]) }, /expected float32\[N, 5\]/],
  ['an output of another rank', { outputs: output(['N']) }, /declared with another type/],
])('%s', (_, change, message) => {
  const broken = { ...sound, ...change };
  expect(() => verify(broken)).toThrow(GraphError);
  expect(() => verify(broken)).toThrow(message);
});
