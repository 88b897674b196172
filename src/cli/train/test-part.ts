// Classifies the test part and explains each clip: for what it was taken for and, where that is wrong, for what it is.
import { type MeasuredClip, measureClip } from '../../analysis/summary.ts';
import { type Clip, pathInside } from '../../corpus/clip.ts';
import { binFrequencies, inputShape, paddedFrames } from '../../features/input.ts';
import { fromLayout, inputDims } from '../../features/layout.ts';
import type { Matrix } from '../../features/matrix.ts';
import { type Spectrum, spectrumOf } from '../../hertz/spectrum.ts';
import { probabilitiesOf } from '../../model/logits.ts';
import type { AudioModel } from '../../model/model-file.ts';
import { Explainer, PREDICTED } from '../../relevance/explainer.ts';
import type { Method } from '../../relevance/method.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { Terminal } from '../frame.ts';
import { ranking } from '../model.ts';
import type { Part } from './part.ts';
import type { Surveyed } from './survey.ts';

/** A clip of the test part, classified and explained. */
export interface TestedClip {
  readonly clip: Clip;
  /** Inside the corpus. */
  readonly path: string;
  readonly label: string;
  readonly speaker: string | null;
  readonly predicted: string;
  readonly probability: number;
  readonly logits: readonly number[];
  readonly probabilities: readonly number[];
  /** Where its relevance lies. */
  readonly measured: MeasuredClip;
}

/** A clip's relevance for a class. */
export interface ClassMaps {
  /** [bins, frames] */
  readonly relevance: Matrix;
  /** The same in hertz and seconds, of models whose rows are no frequencies: MFCCs and samples. */
  readonly spectrum?: Spectrum;
}

/** The matrices of a clip, which are kept of few. */
export interface Maps extends ClassMaps {
  /** [bins, frames] */
  readonly features: Matrix;
  /** For the true class, of a misclassified clip. */
  readonly ofTrue?: ClassMaps;
}

export interface TestedPart {
  readonly tested: readonly TestedClip[];
  /** Of misclassified clips, up to {@link MOST_ERRORS_DRAWN}, and of one clip of each class. */
  readonly maps: ReadonlyMap<TestedClip, Maps>;
  readonly errors: readonly TestedClip[];
  readonly ofEachClass: readonly TestedClip[];
}

/** The most misclassified clips that are drawn, and the most classes of which one clip is. */
const MOST_ERRORS_DRAWN = 10;
const MOST_CLASSES_DRAWN = 20;

/** Values of all inputs that are explained at once. */
const AT_ONCE = 2 ** 20;

/** @throws MethodError where the method is not for this model */
export async function testPart(
  runtime: Runtime,
  { graph, labels, features: settings }: Pick<AudioModel, 'graph' | 'labels' | 'features'>,
  { corpus }: Surveyed,
  { clips, recordings, examples, samples }: Part,
  method: Method,
  { progress }: Terminal,
): Promise<TestedPart> {
  const toHertz = binFrequencies(settings) === null;
  const explainer = await Explainer.open(runtime, graph, { method, perUnit: toHertz });
  const shape = inputShape(settings);
  const size = shape[0] * shape[1];
  const { clipSamples } = settings;

  /** The chosen clips' inputs, logits, and relevance for `targets`. */
  const explain = async (chosen: readonly number[], targets: readonly number[], given?: Float32Array) => {
    const inputs = given ?? (await examples.inputs(chosen));
    const heard = settings.kind === 'mfcc' ? await samples(chosen) : new Float32Array();
    const got = await explainer.explain(inputs, inputDims(settings.layout, shape, chosen.length), targets);
    const own = (all: Float32Array, at: number): Matrix => {
      const { rows, columns, data } = fromLayout(
        all.subarray(at * size, (at + 1) * size),
        settings.layout,
        shape,
      );
      return { rows, columns, data: Float64Array.from(data) };
    };
    const spectrum = (at: number) =>
      spectrumOf(
        {
          samples: heard.subarray(at * clipSamples, (at + 1) * clipSamples),
          input: own(inputs, at),
          relevance: own(got.relevance, at),
          ...(got.perUnit && { perUnit: own(got.perUnit, at) }),
        },
        settings,
      );
    return chosen.map((_, at) => ({
      input: inputs.subarray(at * size, (at + 1) * size),
      features: own(inputs, at),
      relevance: own(got.relevance, at),
      ...(toHertz && { spectrum: spectrum(at) }),
      logits: Array.from(got.logits.slice(at * labels.length, (at + 1) * labels.length)),
    }));
  };
  const explainTrue = (wrong: readonly { i: number; input: Float32Array }[]) => {
    const inputs = new Float32Array(wrong.length * size);
    wrong.forEach(({ input }, at) => {
      inputs.set(input, at * size);
    });
    return explain(
      wrong.map(({ i }) => i),
      wrong.map(({ i }) => examples.labels[i]!),
      inputs,
    );
  };

  /** Some clips, explained for what they are taken for, and for what they are where that is wrong. */
  const explainBoth = async (chosen: readonly number[]) => {
    const results = await explain(
      chosen,
      chosen.map(() => PREDICTED),
    );
    const classified = results.map((result, at) => {
      const probabilities = probabilitiesOf(result.logits, null);
      return { ...result, i: chosen[at]!, probabilities, predicted: ranking(probabilities)[0] as number };
    });
    const wrong = classified.filter(({ i, predicted }) => predicted !== examples.labels[i]);
    const ofTrue = wrong.length ? await explainTrue(wrong) : [];
    return classified.map((result) => {
      const at = wrong.indexOf(result);
      return at < 0 ? result : { ...result, ofTrue: ofTrue[at]! };
    });
  };

  progress.start(clips.length, 'testing and explaining');
  const tested: TestedClip[] = [];
  const atOnce = Math.max(1, Math.min(256, Math.floor(AT_ONCE / size)));
  try {
    for (let first = 0; first < clips.length; first += atOnce) {
      const chosen = clips.map((_, i) => i).slice(first, first + atOnce);
      for (const result of await explainBoth(chosen)) {
        const { i, features, relevance, spectrum, logits, probabilities, predicted } = result;
        const ofTrue = 'ofTrue' in result ? result.ofTrue : undefined;
        const clip = clips[i]!;
        const facts = {
          path: pathInside(corpus, clip),
          label: labels[examples.labels[i]!]!,
          speaker: clip.speaker,
          predicted: labels[predicted]!,
          probability: probabilities[predicted]!,
        };
        const measured = measureClip(
          {
            ...facts,
            features,
            ...mapsOf({ relevance }, ofTrue),
            ...(spectrum && { inHertz: mapsOf(spectrum, ofTrue?.spectrum) }),
            paddedFrames: paddedFrames(settings, recordings[i]!.fit),
          },
          settings,
        );
        tested.push({ clip, ...facts, logits, probabilities, measured });
      }
      progress.update(tested.length);
    }
    const errors = tested.filter((t) => t.label !== t.predicted).slice(0, MOST_ERRORS_DRAWN);
    const ofEachClass = labels
      .slice(0, MOST_CLASSES_DRAWN)
      .flatMap((label) => typicalOf(tested, label) ?? []);
    const drawn = [...new Set([...errors, ...ofEachClass])];
    const maps = await explainBoth(drawn.map((t) => tested.indexOf(t)));
    return { tested, maps: new Map(drawn.map((t, at) => [t, maps[at]!])), errors, ofEachClass };
  } finally {
    progress.stop();
    await explainer.release();
  }
}

/** The relevance for the predicted class and, where it is known, for the true one. */
function mapsOf(own: Pick<ClassMaps, 'relevance'>, ofTrue: Pick<ClassMaps, 'relevance'> | undefined) {
  return { relevance: own.relevance, ...(ofTrue && { relevanceOfTrue: ofTrue.relevance }) };
}

/** Of a class' recordings that were recognised, the one in the middle by probability; any where none was. */
function typicalOf(tested: readonly TestedClip[], label: string): TestedClip | undefined {
  const own = tested.filter((t) => t.label === label);
  const right = own.filter((t) => t.predicted === label).sort((a, b) => a.probability - b.probability);
  return right[right.length >> 1] ?? own[0];
}
