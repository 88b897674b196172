// `earmark data inspect`: what is in a corpus: layout, classes, speakers, lengths, sample rates.
import type { Command } from 'commander';
import { labelsOf, speakersOf } from '../../corpus/clip.ts';
import { loadCorpus } from '../../corpus/load.ts';
import { cacheFolder } from '../../hearing/cache.ts';
import { measureRecordings } from '../../hearing/hear.ts';
import type { Frame, Result, Terminal } from '../frame.ts';
import { jsonOption } from '../options.ts';
import { table } from '../table.ts';

export interface CorpusWishes {
  /** Of a manifest, the column of the classes. */
  readonly label?: string;
  /** Whether what is measured is kept. */
  readonly cache?: boolean;
}

export function addDataInspect(data: Command, { terminal, give }: Frame): void {
  data
    .command('inspect')
    .summary('what is in a corpus')
    .description('Show what is in a corpus: layout, classes, speakers, lengths, sample rates.')
    .argument('<dir>', 'folder of recordings, or a manifest')
    .option('--label <column>', "of a manifest, the column of the classes (default: 'label')")
    .option('--no-cache', 'measure all recordings anew')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  earmark data inspect recordings')
    .action(async (path: string, options: CorpusWishes & { json?: boolean }) =>
      give(await inspectCorpus(path, options, terminal), options.json),
    );
}

/** A corpus and its recordings, measured. @throws FileError, CorpusError */
export async function measuredCorpus(path: string, wishes: CorpusWishes, { note, progress }: Terminal) {
  const corpus = await loadCorpus(path, wishes.label === undefined ? {} : { label: wishes.label });
  progress.start(corpus.clips.length, 'measuring recordings');
  const measured = await measureRecordings(
    corpus.clips.map((clip) => clip.path),
    { ...(wishes.cache !== false && { cache: cacheFolder() }), onProgress: progress.update, onNote: note },
  );
  progress.stop();
  return { corpus, measured };
}

/** @throws FileError, CorpusError */
export async function inspectCorpus(path: string, wishes: CorpusWishes, terminal: Terminal): Promise<Result> {
  const { corpus, measured } = await measuredCorpus(path, wishes, terminal);
  const { clips, layout, name, note } = corpus;
  const read = measured.map((m) => (m instanceof Error ? undefined : m));
  const lengths = read.flatMap((m) => (m ? [m.samples / m.sampleRate] : [])).sort((a, b) => a - b);
  const at = (q: number) => lengths[Math.floor(q * (lengths.length - 1))] ?? 0;
  const rates = count(read.flatMap((m) => (m ? [`${m.sampleRate}`] : [])));
  const byLabel = labelsOf(clips).map((label) => {
    const own = clips.flatMap((clip, i) => (clip.label === label ? [i] : []));
    const total = own.reduce((sum, i) => sum + (read[i] ? read[i].samples / read[i].sampleRate : 0), 0);
    return {
      label,
      clips: own.length,
      speakers: speakersOf(own.map((i) => clips[i])).length,
      seconds: total,
    };
  });
  const speakers = count(clips.flatMap((clip) => clip.speaker ?? []));
  const json = {
    corpus: name,
    layout,
    clips: clips.length,
    unreadable: measured.length - lengths.length,
    seconds: {
      total: lengths.reduce((a, b) => a + b, 0),
      least: at(0),
      median: at(0.5),
      p95: at(0.95),
      most: at(1),
    },
    sampleRates: rates,
    labels: byLabel,
    speakers,
    columns: [...new Set(clips.flatMap((clip) => Object.keys(clip.columns)))],
    ...(note !== undefined && { note }),
  };
  const s = (value: number) => value.toFixed(2);
  const facts = [
    ['layout', layout],
    ['recordings', `${clips.length}${json.unreadable > 0 ? `, ${json.unreadable} of them unreadable` : ''}`],
    [
      'length, s',
      `${s(at(0))} to ${s(at(1))}, median ${s(at(0.5))}, 95 % up to ${s(at(0.95))}; ${s(json.seconds.total)} in all`,
    ],
    [
      'sample rate, Hz',
      Object.entries(rates)
        .map(([rate, n]) => `${rate} (${n})`)
        .join(', '),
    ],
    [
      'speakers',
      Object.entries(speakers)
        .map(([who, n]) => `${who} (${n})`)
        .join(', ') || 'unknown',
    ],
    ['columns', json.columns.join(', ') || 'none'],
    ...(note ? [['note', note]] : []),
  ];
  const labels = byLabel.map((l) => [l.label, `${l.clips}`, `${l.speakers}`, s(l.seconds)]);
  const text = [
    `${name}:`,
    ...table(facts),
    '',
    ...table([['class', 'recordings', 'speakers', 'seconds'], ...labels]),
  ];
  return { text: text.join('\n'), json };
}

/** How often each value occurs, the values in order. */
function count(values: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values.toSorted()) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
