// `earmark data audit`: what is wrong with a corpus, before a model learns it.
import type { Command } from 'commander';
import { audit } from '../../corpus/audit.ts';
import { resolveSplit } from '../../corpus/split-file.ts';
import type { Frame, Result, Terminal } from '../frame.ts';
import { counted } from '../table.ts';
import { addCorpusArguments, type CorpusWishes, measuredCorpus } from './data-corpus.ts';

export interface AuditWishes extends CorpusWishes {
  /** A kind of split, or the path of a file. */
  readonly split?: string;
  /** Whether findings fail the command. */
  readonly strict?: boolean;
}

const HELP = `
Looks for recordings that cannot be read, are silent (peak below -60 dB), clipped, have a direct
current, are of unusual length, have a WAV header without their length, occur twice (by their
samples, in whatever file) or have another sample rate; with --split, for speakers and sounds that
are on both sides.

Example:
  earmark data audit recordings --split random --strict`;

/** Recordings named in a line of text; --json names them all. */
const NAMED = 5;

export function addDataAudit(data: Command, { terminal, give }: Frame): void {
  const command = data
    .command('audit')
    .summary('what is wrong with a corpus')
    .description(
      'Find what is wrong with a corpus. The exit code is 0 all the same, unless --strict is given.',
    );
  addCorpusArguments(command)
    .option('--split <kind|file>', 'speaker, official, random, or a JSON file: compare the two sides')
    .option('--strict', 'exit with 1 where something is found')
    .addHelpText('after', HELP)
    .action(async (path: string, options: AuditWishes & { json?: boolean }) =>
      give(await auditCorpus(path, options, terminal), options.json),
    );
}

/** @throws FileError, CorpusError */
export async function auditCorpus(path: string, wishes: AuditWishes, terminal: Terminal): Promise<Result> {
  const { corpus, measured } = await measuredCorpus(path, wishes, terminal);
  const split = wishes.split === undefined ? undefined : await resolveSplit(corpus, wishes.split, {});
  const findings = audit(corpus, measured, split);
  const lines = findings.flatMap(({ kind, what, clips }) => {
    const more = clips.length > NAMED ? [`  … ${clips.length - NAMED} more`] : [];
    return [`${kind}: ${what}`, ...clips.slice(0, NAMED).map((name) => `  ${name}`), ...more];
  });
  const whole = `${counted(corpus.clips.length, 'recording')}${split ? `, ${split.note}` : ''}`;
  const text = [
    `${corpus.name}: ${findings.length === 0 ? 'nothing found' : counted(findings.length, 'finding')} (${whole})`,
    ...(corpus.note === undefined ? [] : [`note: ${corpus.note}`]),
    ...lines,
  ].join('\n');
  const json = {
    corpus: corpus.name,
    clips: corpus.clips.length,
    ...(corpus.note !== undefined && { note: corpus.note }),
    ...(split && { split: split.note }),
    findings,
  };
  return { text, json, incomplete: (wishes.strict ?? false) && findings.length > 0 };
}
