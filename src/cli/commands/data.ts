// `earmark data`: lists public corpora, downloads one, says what is in a corpus, and what is wrong with it.
import type { Command } from 'commander';
import { publicCorpora } from '../../corpus/catalogue.ts';
import type { Frame, Result } from '../frame.ts';
import { jsonOption } from '../options.ts';
import { table } from '../table.ts';
import { addDataAudit } from './data-audit.ts';
import { addDataDownload } from './data-download.ts';
import { addDataInspect } from './data-inspect.ts';

const EXAMPLE = `
Example:
  earmark data download fsdd --out fsdd
  earmark data inspect fsdd
  earmark data audit fsdd --split speaker`;

export function addData(program: Command, frame: Frame): void {
  const data = program
    .command('data')
    .summary('download, look through and check corpora of recordings')
    .description('Download, look through and check corpora of recordings.')
    .addHelpText('after', EXAMPLE);
  data
    .command('list')
    .summary('the public corpora that can be downloaded')
    .description('List the public corpora that can be downloaded: size, licence, address.')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  earmark data list')
    .action(({ json }: { json?: boolean }) => frame.give(listCorpora(), json));
  addDataDownload(data, frame);
  addDataInspect(data, frame);
  addDataAudit(data, frame);
}

/** What can be downloaded. */
export function listCorpora(): Result {
  const rows = Object.entries(publicCorpora).map(([name, c]) => [
    name,
    `${c.clips}`,
    `${c.classes}`,
    `${c.speakers}`,
    `${c.sampleRate}`,
    megabytes(c.bytes, c.exact),
    c.licence,
  ]);
  const head = ['name', 'clips', 'classes', 'speakers', 'Hz', 'download', 'licence'];
  const where = Object.entries(publicCorpora).flatMap(([name, c]) => [
    `${name}: ${c.what}`,
    `  ${c.page}`,
    `  ${c.url}`,
  ]);
  return { text: [...table([head, ...rows]), '', ...where].join('\n'), json: publicCorpora };
}

/** A size as people read it; about, where it is not exact. */
export function megabytes(bytes: number, exact: boolean): string {
  return `${exact ? '' : 'about '}${Math.round(bytes / 1e6)} MB`;
}
