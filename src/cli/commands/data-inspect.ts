// `earmark data inspect`: what is in a corpus: layout, classes, speakers, lengths, sample rates.
import type { Command } from 'commander';
import { type Corpus, labelsOf, speakersOf } from '../../corpus/clip.ts';
import type { Recording } from '../../hearing/task.ts';
import type { Frame, Result, Terminal } from '../frame.ts';
import { table } from '../table.ts';
import { addCorpusArguments, type CorpusWishes, measuredCorpus } from './data-corpus.ts';

export function addDataInspect(data: Command, { terminal, give }: Frame): void {
  const command = data
    .command('inspect')
    .summary('what is in a corpus')
    .description('Show what is in a corpus: layout, classes, speakers, lengths, sample rates.');
  addCorpusArguments(command)
    .addHelpText('after', '\nExample:\n  earmark data inspect recordings')
    .action(async (path: string, options: CorpusWishes & { json?: boolean }) =>
      give(await inspectCorpus(path, options, terminal), options.json),
    );
}

/** @throws FileError, CorpusError */
export async function inspectCorpus(path: string, wishes: CorpusWishes, terminal: Terminal): Promise<Result> {
  const { corpus, measured } = await measuredCorpus(path, wishes, terminal);
  const json = factsOf(
    corpus,
    measured.map((m) => (m instanceof Error ? undefined : m)),
  );
  return { text: textOf(json), json };
}

/** @param read each clip, measured; undefined where it cannot be read */
function factsOf(corpus: Corpus, read: readonly (Recording | undefined)[]) {
  const { clips, layout, name, note } = corpus;
  const found = read.filter((m) => m !== undefined);
  const lengths = found.map((m) => m.samples / m.sampleRate).sort((a, b) => a - b);
  /** Linear between neighbours, as numpy.quantile. */
  const at = (q: number) => {
    const place = q * (lengths.length - 1);
    const [below, above] = [lengths[Math.floor(place)] ?? 0, lengths[Math.ceil(place)] ?? 0];
    return below + (place % 1) * (above - below);
  };
  const labels = labelsOf(clips).map((label) => {
    const own = clips.flatMap((clip, i) => (clip.label === label ? [i] : []));
    return {
      label,
      clips: own.length,
      speakers: speakersOf(own.map((i) => clips[i])).length,
      seconds: own.reduce((sum, i) => sum + (read[i] ? read[i].samples / read[i].sampleRate : 0), 0),
    };
  });
  const streamed = found.filter((m) => m.streamed).length;
  const notes = [
    ...(note === undefined ? [] : [note]),
    ...(found.length < clips.length ? ['`earmark data audit` says why recordings are unreadable'] : []),
    ...(streamed > 0
      ? [`${streamed} WAV headers do not say the length; what follows them counts as sound`]
      : []),
  ];
  return {
    corpus: name,
    layout,
    clips: clips.length,
    unreadable: clips.length - found.length,
    seconds: {
      total: lengths.reduce((a, b) => a + b, 0),
      least: at(0),
      median: at(0.5),
      p95: at(0.95),
      most: at(1),
    },
    sampleRates: count(found.map((m) => `${m.sampleRate}`)),
    labels,
    speakers: count(clips.flatMap((clip) => clip.speaker ?? [])),
    columns: [...new Set(clips.flatMap((clip) => Object.keys(clip.columns)))],
    ...(notes.length > 0 && { note: notes.join('; ') }),
  };
}

/** More speakers than so many are counted, not named. */
const SPEAKERS_NAMED = 12;

function textOf(facts: ReturnType<typeof factsOf>): string {
  const { corpus, layout, clips, unreadable, seconds, sampleRates, labels, speakers, columns, note } = facts;
  const s = (value: number) => value.toFixed(2);
  const counted = (counts: Record<string, number>) =>
    Object.entries(counts)
      .map(([value, n]) => `${value} (${n})`)
      .join(', ');
  const voices = Object.values(speakers);
  const among = `${Math.min(...voices)} to ${Math.max(...voices)} recordings of each`;
  const rows = [
    ['layout', layout],
    ['recordings', `${clips}${unreadable > 0 ? `, ${unreadable} of them unreadable` : ''}`],
    [
      'length, s',
      `${s(seconds.least)} to ${s(seconds.most)}, median ${s(seconds.median)}, 95 % up to ${s(seconds.p95)}; ${s(seconds.total)} in all`,
    ],
    ['sample rate, Hz', counted(sampleRates) || 'unknown'],
    [
      'speakers',
      voices.length > SPEAKERS_NAMED ? `${voices.length}, ${among}` : counted(speakers) || 'unknown',
    ],
    ['columns', columns.join(', ') || 'none'],
    ...(note === undefined ? [] : [['note', note]]),
  ];
  const classes = labels.map((l) => [l.label, `${l.clips}`, `${l.speakers}`, s(l.seconds)]);
  return [
    `${corpus}:`,
    ...table(rows),
    '',
    ...table([['class', 'recordings', 'speakers', 'seconds'], ...classes]),
  ].join('\n');
}

/** How often each value occurs, the values in order. */
function count(values: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values.toSorted()) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
