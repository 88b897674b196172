// The arguments of librosa's feature functions as options: which kind takes which, and what each may be.
import { type Command, InvalidArgumentError } from 'commander';
import { UsageError } from '../errors.ts';
import { finiteNumber, wholeNumber } from './options.ts';

export const KINDS = ['stft', 'mel', 'logmel', 'mfcc'] as const;
export type Kind = (typeof KINDS)[number];

/** Arguments by their names in this library: librosa's in camel case. */
export type Arguments = Readonly<Record<string, unknown>>;

type Read = (text: string) => unknown;

/** librosa's None is `none`. */
const orNone =
  (read: Read): Read =>
  (text) =>
    text === 'none' ? null : read(text);
const word: Read = (text) => text;
const count = wholeNumber(1);

/** 'slaney', or the p of a p-norm; infinity is `inf`. */
const melNorm: Read = orNone((text) => {
  if (text === 'slaney') return text;
  if (/^[+-]?inf$/i.test(text)) return Number.POSITIVE_INFINITY * (text.startsWith('-') ? -1 : 1);
  return finiteNumber(text);
});
const reference: Read = (text) => (text === 'max' ? text : finiteNumber(text));
/** Whether an argument is true: `--x`, `--no-x`. */
const FLAG = 'flag';

const stft = {
  nFft: count,
  hopLength: orNone(count),
  winLength: orNone(count),
  window: word,
  center: FLAG,
  padMode: word,
} as const;
const melFilters = { nMels: count, fmin: finiteNumber, fmax: orNone(finiteNumber), htk: FLAG } as const;
const mel = { ...stft, power: finiteNumber, ...melFilters, norm: melNorm } as const;
const decibel = { ref: reference, amin: finiteNumber, topDb: orNone(finiteNumber) } as const;
const cepstrum = {
  nMfcc: count,
  dctType: wholeNumber(1),
  norm: orNone(word),
  lifter: finiteNumber,
  melNorm,
} as const;

const TAKES: Readonly<Record<Kind, Readonly<Record<string, Read | typeof FLAG>>>> = {
  stft,
  mel,
  logmel: { ...mel, ...decibel },
  mfcc: { ...mel, ...cepstrum },
};

const ABOUT: Readonly<Record<string, string>> = {
  nFft: 'length of the transform in samples',
  hopLength: 'samples from one frame to the next, or none',
  winLength: 'samples under the window, or none',
  window: "the window's name",
  center: 'frames are centred (--no-center: they begin) at their sample',
  padMode: 'how the signal goes on beyond its ends',
  power: 'exponent of the magnitude',
  nMels: 'number of mel filters',
  fmin: 'lowest frequency in Hz',
  fmax: 'highest frequency in Hz, or none',
  htk: "HTK's mel scale (--no-htk: Slaney's)",
  norm: 'mel, logmel: scaling of the filters, slaney, none or a number; mfcc: of the DCT, ortho, backward, forward or none',
  ref: 'what is 0 dB: a number, or max',
  amin: 'smallest power that is told apart from 0',
  topDb: 'range in dB below the largest value, or none',
  nMfcc: 'number of coefficients',
  dctType: 'type of the DCT: 1, 2 or 3',
  lifter: 'L of the lifter 1 + (L/2) sin(πn/L)',
  melNorm: 'scaling of the mel filters, as --norm of mel',
};

const dashed = (name: string) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** Adds every argument of every kind to a command. */
export function addArguments(command: Command): Command {
  for (const [name, about] of Object.entries(ABOUT)) {
    const takers = KINDS.filter((kind) => name in TAKES[kind]);
    const described = takers.length === KINDS.length ? about : `${about} [${takers.join(', ')}]`;
    if (takers.some((kind) => TAKES[kind][name] === FLAG)) {
      command.option(dashed(name), described).option(`--no-${dashed(name).slice(2)}`);
    } else {
      command.option(`${dashed(name)} <value>`, described);
    }
  }
  return command;
}

/**
 * The arguments that were given, read as the kind wants them.
 * @param given every option of the command, by its camel-case name
 * @throws UsageError for an argument that the kind does not take, or a value that it cannot have
 */
export function readArguments(kind: Kind, given: Readonly<Record<string, unknown>>): Arguments {
  const names = Object.keys(ABOUT).filter((name) => given[name] !== undefined);
  return Object.fromEntries(names.map((name) => [name, readArgument(kind, name, given[name])]));
}

function readArgument(kind: Kind, name: string, value: unknown): unknown {
  const read = TAKES[kind][name];
  if (read === undefined) {
    const expected = Object.keys(TAKES[kind]).map(dashed).join(', ');
    throw new UsageError({ what: `${kind} does not take ${dashed(name)}`, expected });
  }
  if (read === FLAG) return value;
  try {
    return read(value as string);
  } catch (cause) {
    if (!(cause instanceof InvalidArgumentError)) throw cause;
    throw new UsageError({ what: `${dashed(name)} ${value}: ${cause.message}`, cause });
  }
}
