// Explains clips whose answer is known, and measures how much of the relevance lies there.
import { binFrequencies, frameTimes, melPower, modelInput, tablesOf } from '../../src/features/input.ts';
import { type Matrix, multiply, zeros } from '../../src/features/matrix.ts';
import type { FeatureSettings } from '../../src/features/settings.ts';
import type { Graph } from '../../src/graph/types.ts';
import { type Spectrum, spectrumOf } from '../../src/hertz/spectrum.ts';
import { Explainer } from '../../src/relevance/explainer.ts';
import type { Method } from '../../src/relevance/method.ts';
import { nodeRuntime } from '../../src/runtime/node.ts';
import { batchTensor } from '../../src/training/loop.ts';
import { massAccuracy, rankAccuracy } from './measures.ts';
import { STREAMS, type Subject } from './subjects.ts';
import { KINDS, ONE_WINDOW, type PlantedClip, plantedClip, regionOf } from './task.ts';

/** Where relevance is looked at: at the mel bands that a model hears, or carried on to hertz and seconds. */
export type Plane = 'bands' | 'hertz';

/** A clip on such a plane. */
export interface Case {
  readonly clip: PlantedClip;
  readonly plane: Plane;
  readonly input: Matrix;
  /** 1 where the event lies, widened by a window, of the shape of the plane. */
  readonly region: Matrix;
  /** Power on the plane. */
  readonly energy: Matrix;
  readonly frequencies: Float64Array;
  readonly times: Float64Array;
}

/** What a map scores: means over clips, of those of each kind of event, too. */
export interface Score {
  /** null where no clip has positive relevance. */
  readonly mass: number | null;
  readonly rank: number;
  /** Mass accuracy by kind. */
  readonly byKind: readonly (number | null)[];
}

/** The first `count` clips of the test stream in which an event is planted that a model names rightly. */
export async function casesOf(
  { settings, input }: Subject,
  graph: Graph,
  count: number,
  plane: Plane,
): Promise<readonly Case[]> {
  const session = await nodeRuntime.open(graph);
  const cases: Case[] = [];
  for (let i = 0; cases.length < count; i++) {
    const clip = plantedClip(STREAMS.test, i);
    const x = modelInput(clip.samples, settings);
    const logits = (await session.run({ input: batchTensor([x], input) })).logits.data as Float32Array;
    if (clip.label < KINDS.length && logits.indexOf(Math.max(...logits)) === clip.label)
      cases.push(caseOf(clip, x, settings, plane));
  }
  await session.release();
  return cases;
}

function caseOf(clip: PlantedClip, input: Matrix, settings: FeatureSettings, plane: Plane): Case {
  const relevance = zeros(input.rows, input.columns);
  const { magnitude, frequencies, times } = spectrumOf({ samples: clip.samples, input, relevance }, settings);
  const region = regionOf(clip, { frequencies, times }, ONE_WINDOW);
  if (plane === 'hertz') return { clip, plane, input, region, energy: magnitude, frequencies, times };
  return {
    clip,
    plane,
    input,
    region: inMelBands(region, settings),
    energy: melPower(clip.samples, settings),
    frequencies: binFrequencies(settings) as Float64Array,
    times: frameTimes(settings),
  };
}

/** A band belongs to a region where its filter hears any of it. */
function inMelBands(region: Matrix, settings: FeatureSettings): Matrix {
  const inside = multiply(tablesOf(settings).filters, region);
  return { ...inside, data: inside.data.map((weight) => (weight > 0 ? 1 : 0)) };
}

/** The relevance of each clip's own class on the plane of its case. @throws MethodError as {@link explainedBy} */
export async function relevanceOf(
  subject: Subject,
  graph: Graph,
  method: Method,
  cases: readonly Case[],
): Promise<Matrix[]> {
  const explained = await explainedBy(subject, graph, method, cases);
  return explained.map(({ relevance, spectrum }, i) =>
    cases[i].plane === 'bands' ? relevance : spectrum.relevance,
  );
}

/**
 * The relevance of each clip's own class, of the input and in hertz and seconds.
 * @throws MethodError where the method is not for this model
 */
export async function explainedBy(
  { settings, input }: Subject,
  graph: Graph,
  method: Method,
  cases: readonly Case[],
): Promise<{ relevance: Matrix; spectrum: Spectrum }[]> {
  const { data, dims } = batchTensor(
    cases.map((c) => c.input),
    input,
  );
  const values = data as Float32Array;
  const extreme = (of: (a: number, b: number) => number) => values.reduce((a, b) => of(a, b));
  const explainer = await Explainer.open(nodeRuntime, graph, {
    method,
    perUnit: true,
    range: { low: extreme(Math.min), high: extreme(Math.max) },
  });
  const targets = cases.map(({ clip }) => clip.label);
  try {
    const got = await explainer.explain(values, dims, targets);
    return cases.map(({ clip, input: x }, i) => {
      const size = x.data.length;
      const own = (all: Float32Array) => ({
        ...x,
        data: Float64Array.from(all.subarray(i * size, (i + 1) * size)),
      });
      const relevance = own(got.relevance);
      const perUnit = got.perUnit && own(got.perUnit);
      const heard = { samples: clip.samples, input: x, relevance, ...(perUnit && { perUnit }) };
      return { relevance, spectrum: spectrumOf(heard, settings) };
    });
  } finally {
    await explainer.release();
  }
}

/** The score of one map for each case. */
export function scoreOf(maps: readonly Matrix[], cases: readonly Case[]): Score {
  const masses = maps.map(({ data }, i) => massAccuracy(data, cases[i].region.data));
  const ranks = maps.map(({ data }, i) => rankAccuracy(data, cases[i].region.data));
  return {
    mass: mean(masses),
    rank: mean(ranks) as number,
    byKind: KINDS.map((_, kind) => mean(masses.filter((_, i) => cases[i].clip.label === kind))),
  };
}

/** The mean of what there is. */
function mean(values: readonly (number | null)[]): number | null {
  const there = values.filter((v) => v !== null);
  return there.length > 0 ? there.reduce((a, b) => a + b, 0) / there.length : null;
}
