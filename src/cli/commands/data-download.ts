// `earmark data download`: a public corpus, from its host to a folder.
import { rm } from 'node:fs/promises';
import type { Command } from 'commander';
import { type PublicCorpus, publicCorpora } from '../../corpus/catalogue.ts';
import { labelsOf, speakersOf } from '../../corpus/clip.ts';
import { download } from '../../corpus/download.ts';
import { loadCorpus } from '../../corpus/load.ts';
import { assertFree, unpack } from '../../corpus/unpack.ts';
import { UsageError } from '../../errors.ts';
import type { Frame, Result, Terminal } from '../frame.ts';
import { undoneByInterrupt } from '../interrupt.ts';
import { jsonOption } from '../options.ts';

export interface DownloadWishes {
  /** The folder; the corpus' name by default. */
  readonly out?: string;
  /** Another address of the same archive. */
  readonly url?: string;
  /** SHA-256 that the archive must have. */
  readonly sha256?: string;
}

const HELP = `
The archive is downloaded beside the folder and deleted once it is unpacked. What was interrupted
goes on where it stopped, if the same command is run again and the host gives parts of files.
Hosts that pack an archive anew each time (GitHub) fix no hash; --sha256 holds them to one.

Example:
  earmark data download speech-commands --out speech-commands`;

export function addDataDownload(data: Command, { terminal, give }: Frame): void {
  data
    .command('download')
    .summary('download and unpack a public corpus')
    .description('Download a public corpus, check it and unpack it; its licence is shown first.')
    .argument('<name>', Object.keys(publicCorpora).join(', '))
    .option('--out <dir>', 'new or empty folder (default: the name)')
    .option('--url <url>', 'another address of the same archive, such as a mirror')
    .option('--sha256 <hash>', 'hash that the archive must have')
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action(async (name: string, options: DownloadWishes & { json?: boolean }) =>
      give(await downloadCorpus(name, options, terminal), options.json),
    );
}

/** @throws FileError, CorpusError, UsageError */
export async function downloadCorpus(
  name: string,
  { out = name, url, sha256 }: DownloadWishes,
  { note, progress }: Terminal,
): Promise<Result> {
  const corpus = publicCorpora[name] as PublicCorpus | undefined;
  if (!corpus) {
    const expected = `one of ${Object.keys(publicCorpora).join(', ')}`;
    throw new UsageError({ what: 'name of the corpus', expected, got: name });
  }
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/i.test(sha256)) {
    throw new UsageError({ what: '--sha256', expected: '64 hexadecimal digits', got: sha256 });
  }
  const folder = out.replace(/[\\/]+$/, '');
  await assertFree(folder);
  note(`${corpus.what}. Licence: ${corpus.licence} (${corpus.page})`);
  const archive = `${folder}.archive`;
  const from = url ?? corpus.url;
  const hash = sha256?.toLowerCase() ?? corpus.sha256;
  const expected = { ...(corpus.exact && { bytes: corpus.bytes }), ...(hash && { sha256: hash }) };
  const goOn = () => note('Interrupted. Run the same command again: it goes on where it stopped.');
  await undoneByInterrupt(goOn, async () => {
    progress.start(Math.round(corpus.bytes / 1e6), 'downloading, MB');
    await download(from, archive, {
      ...expected,
      onProgress: (done) => progress.update(Math.round(done / 1e6)),
    });
    progress.start(corpus.clips, 'unpacking');
    await unpack(archive, folder, { maxBytes: corpus.unpacked, onProgress: progress.update }).catch(
      async (error) => {
        // Without a hash it would be downloaded anew in any case.
        if (!hash) await rm(archive, { force: true });
        throw error;
      },
    );
    progress.stop();
  });
  await rm(archive, { force: true });
  const { clips, layout } = await loadCorpus(folder);
  const facts = { clips: clips.length, classes: labelsOf(clips).length, speakers: speakersOf(clips).length };
  if (facts.clips !== corpus.clips) note(`warning: ${facts.clips} recordings, not ${corpus.clips}`);
  const text = `${folder}: ${facts.clips} recordings, ${facts.classes} classes, ${facts.speakers} speakers`;
  return { text, json: { folder, url: from, licence: corpus.licence, layout, ...facts } };
}
