// The pictures of one explained clip: what went in, what spoke for and against, and both together.
import type { Profile } from '../hertz/profile.ts';
import {
  type ClipData,
  type ClipPicture,
  checkedAxes,
  clipData,
  type Grid,
  type Levels,
  largest,
  levels,
  type MapData,
  mapData,
  scaler,
  sum,
} from './clip.ts';
import { overlayColour, relevanceColour, spectrogramColour } from './colours.ts';
import { barRooms, type ColourBar, isLong, type Panel, panelsSvg } from './panels.ts';
import { profileSvg } from './profile.ts';
import { below, type Figure, sheet } from './svg.ts';
import { formatNumber, formatPercent, linearTicks, type Tick } from './ticks.ts';

/** Features, their axes, and relevance of the same shape. */
export type RelevanceMap = Pick<ClipPicture, 'features' | 'times' | 'frequencies' | 'featureLabel'> & {
  relevance: Grid;
};

export interface ExplanationPicture extends ClipPicture {
  /** Of the shape of the features. */
  relevance: Grid;
  /** Whether the features are a spectrogram in hertz, and not what the model hears. */
  inHertz?: boolean;
  /** The same in hertz and seconds, drawn below; for features whose rows are no frequencies. */
  spectrum?: RelevanceMap;
  /** In which bands and when relevance lies. */
  profile?: Profile;
}

/** The numbers behind an explanation's picture. */
export interface ExplanationData extends ClipData {
  spectrum?: MapData;
  profile?: Profile;
}

export interface ComparisonPicture extends ClipPicture {
  /** The relevance for two classes, the predicted one first. */
  relevances: readonly [ClassRelevance, ClassRelevance];
  /** Whether the features are a spectrogram in hertz, and not what the model hears. */
  inHertz?: boolean;
}

export interface ClassRelevance {
  /** Title of the panel, such as "For “five” (predicted)". */
  title: string;
  relevance: Grid;
  /** Shares from 0 to 1 of |relevance| where the clip is silent and where it was padded; null where not known. */
  silence: number | null;
  padding: number | null;
}

const TITLES = ['Input', 'Relevance', 'Relevance over the input'];
const HERTZ_TITLES = ['Spectrogram', 'Relevance in hertz', 'Relevance over the spectrogram'];

/**
 * Three panels: the features, the relevance in colours symmetric about zero, and the relevance laid over the features
 * in grey with an opacity that follows |relevance|. Below them the same in hertz and seconds, and in which bands and when
 * relevance lies, where these are given.
 *
 * @throws EarmarkError where shapes differ or a value is not finite
 */
export function explanationFigure(picture: ExplanationPicture): Figure<ExplanationData> {
  const { spectrum, profile } = picture;
  const own = mapsOf(picture, picture.inHertz ? HERTZ_TITLES : TITLES);
  const maps = [own, ...(spectrum ? [mapsOf(spectrum, HERTZ_TITLES)] : [])];
  const stacked = maps.some(({ axes }) => isLong(axes));
  const rooms = own.panels.map((_, i) => Math.max(...maps.map(({ panels }) => barRooms(panels)[i]!)));
  const drawn = maps.map(({ axes, panels }) => panelsSvg(axes, panels, { stacked, rooms }));
  const bodies = profile ? [...drawn, profileSvg(profile, drawn[0]!)] : drawn;
  const data = {
    ...clipData(picture, [{ title: 'Relevance', relevance: picture.relevance }], own.limit),
    ...(spectrum && { spectrum: mapData(spectrum) }),
    ...(profile && { profile }),
  };
  return { ...sheet(picture, below(bodies, 20)), data };
}

function mapsOf(picture: RelevanceMap & { limit?: number; rowLabel?: string }, titles: readonly string[]) {
  const { features, relevance } = picture;
  const axes = checkedAxes(picture, [relevance]);
  const limit = picture.limit ?? largest(relevance);
  const level = levels(features);
  const scaled = scaler(relevance, limit);
  const bar = relevanceBar([relevance], limit);
  const panels: Panel[] = [
    featurePanel(picture, level, titles[0]),
    {
      title: limit === 0 ? `${titles[1]} (0 everywhere)` : titles[1]!,
      colour: (r, c) => relevanceColour(scaled(r, c)),
      bar,
    },
    {
      title: titles[2]!,
      colour: (r, c) => overlayColour(level.at(r, c), scaled(r, c)),
      bar: {
        ...bar,
        // On the lightest and on the darkest ground.
        columns: [0, 1].map((ground) => (position: number) => overlayColour(ground, 2 * position - 1)),
      },
    },
  ];
  return { axes, panels, limit };
}

/**
 * The features of a clip beside its relevance for two classes, both in the same colour scale, with the shares of
 * relevance on silence and padding below.
 *
 * @throws EarmarkError where shapes differ or a value is not finite
 */
export function comparisonFigure(picture: ComparisonPicture): Figure<ClipData> {
  const matrices = picture.relevances.map((r) => r.relevance);
  const axes = checkedAxes(picture, matrices);
  const limit = picture.limit ?? Math.max(...matrices.map(largest));
  const bar = relevanceBar(matrices, limit);
  const panels = picture.relevances.map(({ title, relevance, silence, padding }): Panel => {
    const scaled = scaler(relevance, limit);
    const shares = [share('silence', silence), share('padding', padding)].filter((s) => s !== null);
    const notes = [`Σ relevance ${formatNumber(sum(relevance))}`];
    if (shares.length > 0) notes.push(`|relevance| on ${shares.join(', on ')}`);
    return { title, colour: (r, c) => relevanceColour(scaled(r, c)), bar, notes };
  });
  const [title] = picture.inHertz ? HERTZ_TITLES : TITLES;
  const input = featurePanel(picture, levels(picture.features), title);
  const data = clipData(picture, picture.relevances, limit);
  return {
    ...sheet(picture, panelsSvg(axes, [input, ...panels])),
    data,
  };
}

/** What is said above a picture of a clip. */
export interface Prediction {
  file: string;
  /** null where it is not known. */
  trueLabel: string | null;
  predictedLabel: string;
  /** Of the predicted class, 0 to 1. */
  probability: number;
  method: string;
  /** The class that was explained, its logit, and the sum of all relevance. */
  targetLabel: string;
  logit: number;
  relevanceSum: number;
  /** The class that it was explained against, and its logit, where there was one. */
  against?: { label: string; logit: number };
}

/** Title and subtitle of a picture in one wording for all. */
export function describePrediction(p: Prediction): { title: string; subtitle: string[] } {
  const predicted = `predicted “${p.predictedLabel}” (${formatPercent(p.probability)})`;
  const said = p.trueLabel === null ? `P${predicted.slice(1)}` : `True “${p.trueLabel}”, ${predicted}`;
  const title = p.against ? `${said}: why “${p.targetLabel}” and not “${p.against.label}”` : said;
  const logitOf = (label: string, logit: number) => `logit of “${label}” ${formatNumber(logit)}`;
  const less = p.against ? ` less ${logitOf(p.against.label, p.against.logit)}` : '';
  const explained = logitOf(p.targetLabel, p.logit) + less;
  return { title, subtitle: [p.file, p.method, explained, `Σ relevance ${formatNumber(p.relevanceSum)}`] };
}

function featurePanel(
  picture: Pick<ClipPicture, 'featureLabel'>,
  { low, high, at }: Levels,
  title = 'Input',
): Panel {
  return {
    title,
    colour: (r, c) => spectrogramColour(at(r, c)),
    bar: { label: picture.featureLabel, ticks: linearTicks(low, high, 5), columns: [spectrogramColour] },
  };
}

/** A bar from −limit to +limit; the ends say so where larger relevance was cut off, and all-zero relevance has only its 0. */
export function relevanceBar(matrices: readonly Grid[], limit: number): ColourBar {
  const columns = [(position: number) => relevanceColour(2 * position - 1)];
  const label = 'relevance';
  if (limit === 0) return { label, ticks: [{ position: 0.5, label: '0' }], columns };
  const beyond = Math.max(...matrices.map(largest)) > limit;
  const ticks = [-1, -0.5, 0, 0.5, 1].map((v): Tick => {
    const sign = beyond && Math.abs(v) === 1 ? (v < 0 ? '≤ ' : '≥ ') : '';
    return { position: (v + 1) / 2, label: sign + formatNumber(v * limit) };
  });
  return { label, ticks, columns };
}

const share = (where: string, value: number | null) =>
  value === null ? null : `${where} ${formatPercent(value)}`;
