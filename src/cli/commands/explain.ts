// `earmark explain`: for each recording what its model listened to, as pictures, numbers and arrays.

import { basename, join, parse } from 'node:path';
import { type Command, Option } from 'commander';
import { UsageError } from '../../errors.ts';
import { fromLayout, inputDims, toLayout } from '../../features/layout.ts';
import { inputRange } from '../../features/range.ts';
import { makeFolder, writeFileAtomic } from '../../files/atomic.ts';
import { defaultMethodOf } from '../../hertz/default-method.ts';
import { profileOf } from '../../hertz/profile.ts';
import { spectrumOf } from '../../hertz/spectrum.ts';
import { logitsOf, probabilitiesOf } from '../../model/logits.ts';
import type { AudioModel } from '../../model/model-file.ts';
import type { CompileOptions } from '../../relevance/compile.ts';
import { Explainer, PREDICTED, RUNNER_UP } from '../../relevance/explainer.ts';
import { DEFAULT_METHOD, parseMethod } from '../../relevance/method.ts';
import { svgToPng } from '../../report/png.ts';
import { openRuntime } from '../../runtime/node.ts';
import type { Device } from '../../runtime/runtime.ts';
import { FILES_HELP, splitFiles } from '../boxed.ts';
import { checkContrast, classOf } from '../classes.ts';
import { forEachClip, type HeardClip } from '../clips.ts';
import { deviceOption } from '../device.ts';
import { arraysOf, DOMAINS, type Domain, type ExplainedClip, factsOf, pictureOf } from '../explained-clip.ts';
import type { Frame, Result, Terminal } from '../frame.ts';
import { type ListenFlags, listenOptions, writeSounds } from '../listen.ts';
import { explainLong } from '../long.ts';
import { methodHelp, readMethod, startOption } from '../method.ts';
import { type DescriptionFiles, descriptionOptions, ranking, readModel } from '../model.ts';
import { distinctNames } from '../names.ts';
import { jsonOption, positiveNumber } from '../options.ts';

export interface ExplainOptions extends DescriptionFiles, ListenFlags {
  /** Unless given, the one of the model's kind of input. */
  readonly method?: string;
  /** `predicted`, a label, or a class number. */
  readonly target: string;
  /** `runner-up`, a label, or a class number: what the target is explained against. */
  readonly against?: string;
  readonly start?: CompileOptions['start'];
  readonly domain: Domain;
  /** What the recordings are, where the user knows. */
  readonly label?: string;
  /** Length of windows that slide over each recording, and from one to the next (a quarter of that), in s. */
  readonly window?: number;
  readonly hop?: number;
  readonly device?: Device;
  /** Folder to write to. */
  readonly out: string;
}

const EXAMPLE = `
Of each recording it writes NAME.png and NAME.svg (the input, its relevance, and
both together; of a waveform the samples and the relevance along them), NAME.json
(logits, probabilities, target, method, shares of relevance, and the ledger where
the method conserves relevance) and NAME.npz (features, relevance, axes). Below the
maps stand the shares of relevance by third octave, by band of speech and by time.
With --domain spectrum maps are in hertz and seconds: through the model's mel filters
back to the bins of its transform, for waveforms by the short-time DFT.
With --window a window slides over each recording, however long. The picture has a
track of the classes, the spectrogram and the relevance on one axis of time, where
each moment holds the mean of the windows that hear it; the JSON has each window's
start, end, label and probability. Each window is fitted to the model's clip as a
recording would be; windows 60 dB below the loudest are marked as silent.
With --listen it writes WAV files, equally loud, at the model's sample rate: what speaks
for the class (NAME.for.wav) and against it (NAME.against.wav), as the clip's short-time
spectrum through masks of its relevance, and the clip as the model hears it
(NAME.whole.wav); of waveforms also the samples by their relevance (NAME.weighted.wav).

Examples:
  earmark explain my-seven.wav
  earmark explain runs/fsdd/model.onnx three.wav --method gamma:gamma=0.5 --out maps
  earmark explain runs/fsdd/model.onnx three.wav --against runner-up --out why-not
  earmark explain runs/fsdd/model.onnx three.wav --listen --sharpness 1 --out sounds
  earmark explain runs/fsdd/model.onnx talk.flac --window 1 --hop 0.25 --out talk`;

export function addExplain(program: Command, { terminal, give }: Frame): void {
  const [featuresOption, labelsOption] = descriptionOptions();
  const [listenOption, sharpnessOption] = listenOptions();
  program
    .command('explain')
    .summary('which times and frequencies decided, as pictures and numbers')
    .description('Show which times and frequencies decided what a model takes recordings for.')
    .argument('<files...>', FILES_HELP)
    .addOption(featuresOption)
    .addOption(labelsOption)
    .option(
      '--method <method>',
      `NAME[:key=value,…] from the list below, or FILE.json (default: "${DEFAULT_METHOD}", of MFCCs and samples "${defaultMethodOf('mfcc')}")`,
    )
    .option('--target <what>', 'the class to explain: predicted, a label, or a number from 0', 'predicted')
    .option('--against <what>', 'why the target and not this: runner-up, a label, or a number from 0')
    .addOption(startOption())
    .addOption(
      new Option(
        '--domain <what>',
        "features: the model's own input; spectrum: hertz and seconds (of MFCCs always both)",
      )
        .choices(DOMAINS)
        .default('features'),
    )
    .addOption(listenOption)
    .addOption(sharpnessOption)
    .option('--window <s>', 'explain long recordings through a window of that length', positiveNumber)
    .option('--hop <s>', 'from one window to the next (default: a quarter of the window)', positiveNumber)
    .option('--label <text>', 'the true label, for the title (else read from names like 3_theo_0.wav)')
    .option('--out <dir>', 'folder to write to; made where it is missing', 'explained')
    .addOption(deviceOption())
    .addOption(jsonOption())
    .addHelpText('after', `${methodHelp()}\n${EXAMPLE}`)
    .action(async (files: string[], options: ExplainOptions & { json?: boolean }) => {
      const { model, audio } = splitFiles(files, terminal);
      give(await explain(model, audio, options, terminal), options.json);
    });
}

/**
 * @throws FileError, ModelError, GraphError, MethodError, UsageError where nothing can be explained; recordings that
 * cannot be used are reported and left out
 */
export async function explain(
  modelPath: string,
  audio: readonly string[],
  {
    method: methodText,
    target: targetText,
    against: againstText,
    start,
    domain,
    label,
    window,
    hop,
    device = 'cpu',
    out,
    listen,
    sharpness,
    ...files
  }: ExplainOptions,
  terminal: Terminal,
): Promise<Result> {
  if (window === undefined && hop !== undefined) {
    throw new UsageError({ what: '--hop', expected: '--window with it', got: 'none' });
  }
  if (window !== undefined && listen) {
    throw new UsageError({ what: '--listen', expected: 'clips as the model hears them', got: '--window' });
  }
  const given = methodText === undefined ? undefined : await readMethod(methodText);
  const model = await readModel(modelPath, files);
  const { kind } = model.features;
  const method = given ?? parseMethod(defaultMethodOf(kind));
  if (!given && method.name !== DEFAULT_METHOD) {
    const heard = kind === 'mfcc' ? 'MFCCs' : 'samples';
    terminal.note(
      `method ${method.name}, since the model hears ${heard}: in hertz ${DEFAULT_METHOD} cancels (--method takes others)`,
    );
  }
  const target = classOf('--target', targetText, model.labels);
  const against = againstText === undefined ? undefined : classOf('--against', againstText, model.labels);
  if (against !== undefined) checkContrast([target], [against]);
  const range = inputRange(model.features);
  const explainer = await Explainer.open(await openRuntime(device, terminal.note), model.graph, {
    method,
    ledger: window === undefined ? 'auto' : false,
    perUnit: true,
    against: against !== undefined,
    ...(start && { start }),
    ...(range && { range }),
  });
  const distinct = distinctNames();
  if (window !== undefined) {
    const asked = {
      window,
      hop: hop ?? window / 4,
      target,
      domain,
      ...(against !== undefined && { against }),
    };
    const result = await explainLong(explainer, model, modelPath, audio, asked, terminal, (name) =>
      join(out, distinct(name)),
    );
    await explainer.release();
    return result;
  }
  let told = false;
  const { results, failed } = await forEachClip(audio, model.features, terminal, async (clip) => {
    const trueLabel = label ?? labelInName(clip.file, model.labels);
    const explained = await explainClip(explainer, model, clip, {
      target,
      against,
      trueLabel,
      modelPath,
      domain,
    });
    if (explained.target === explained.against) {
      terminal.note(
        `${clip.file}: predicted as “${model.labels[explained.target]}” itself, so that nothing is left to explain against it`,
      );
    }
    const times = cancelling(explained);
    if (times > 5 && !told) {
      told = true;
      terminal.note(
        `in hertz, relevance for and against cancels (of ${clip.file}, Σ |R| is ${times.toFixed(0)} times the input's); it does so less by methods whose first rule is proportional to the input, such as gamma`,
      );
    }
    await makeFolder(out);
    const path = join(out, distinct(parse(clip.file).name));
    const sounds = listen ? await writeSounds(explained, path, sharpness) : undefined;
    return writeClip(explained, path, sounds);
  });
  await explainer.release();
  const lines = results.map(({ png, facts: { file, predicted, probability } }) =>
    [file, predicted, probability.toFixed(4), png].join('\t'),
  );
  const json = results.map(({ png, facts: { ledger, ...facts } }) => ({ ...facts, png }));
  return { text: lines.join('\n'), json, incomplete: failed > 0 };
}

interface Asked {
  readonly target: number;
  readonly against: number | undefined;
  readonly trueLabel: string | null;
  readonly modelPath: string;
  readonly domain: Domain;
}

async function explainClip(
  explainer: Explainer,
  { graph, labels, features: settings }: AudioModel,
  clip: HeardClip,
  { target, against, trueLabel, modelPath, domain }: Asked,
): Promise<ExplainedClip> {
  const shape = [clip.features.rows, clip.features.columns] as const;
  const input = toLayout(clip.features, settings.layout);
  const got = await explainer.explain(
    input,
    inputDims(settings.layout, shape),
    [target],
    against === undefined ? {} : { against: [against] },
  );
  const logits = Array.from(got.logits);
  const ranked = ranking(logits);
  const [predicted] = ranked;
  const explained = target === PREDICTED ? predicted : target;
  const relevance = fromLayout(got.relevance, settings.layout, shape);
  const perUnit = got.perUnit && fromLayout(got.perUnit, settings.layout, shape);
  const spectrum = spectrumOf(
    { samples: clip.fit.samples, input: clip.features, relevance, ...(perUnit && { perUnit }) },
    settings,
  );
  const other = against === RUNNER_UP ? ranked.find((k) => k !== explained) : against;
  return {
    clip,
    settings,
    model: modelPath,
    labels,
    trueLabel,
    logits,
    probabilities: probabilitiesOf(got.logits, logitsOf(graph).activation),
    predicted,
    target: explained,
    ...(other !== undefined && { against: other }),
    method: explainer.method.name,
    start: explainer.explanation.start,
    relevance,
    ledger: got.ledger,
    domain,
    spectrum,
    profile: profileOf(spectrum, settings),
  };
}

/** Σ |R| of the bins in parts of that of the input. */
function cancelling({ relevance, spectrum }: ExplainedClip): number {
  const amount = (values: Float32Array | Float64Array) =>
    Float64Array.from(values, Math.abs).reduce((a, b) => a + b, 0);
  const before = amount(relevance.data);
  return before === 0 ? 0 : amount(spectrum.relevance.data) / before;
}

/** Writes a clip's four files; the JSON comes last, so that where it is the others are. */
async function writeClip(explained: ExplainedClip, path: string, listen: object | undefined) {
  const facts = { ...factsOf(explained), listen };
  const { svg } = pictureOf(explained);
  const png = `${path}.png`;
  await writeFileAtomic(`${path}.npz`, arraysOf(explained));
  await writeFileAtomic(`${path}.svg`, svg);
  await writeFileAtomic(png, svgToPng(svg));
  await writeFileAtomic(`${path}.json`, `${JSON.stringify(facts, null, 2)}\n`);
  return { png, facts };
}

/** The label in names of the form LABEL_SPEAKER_REPETITION.wav (or .flac, …), where the model knows it. */
function labelInName(file: string, labels: readonly string[]): string | null {
  const [, label] = /^([^_]+)_[^_]+_\d+\.\w+$/.exec(basename(file)) ?? [];
  return label !== undefined && labels.includes(label) ? label : null;
}
