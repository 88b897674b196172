// Unpacks a zip or tar.gz archive that is not trusted: nothing lands outside its folder, links and devices are refused.
import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { crc32, createGunzip } from 'node:zlib';
import { extract as tarReader } from 'tar-stream';
import { openPromise as openZip } from 'yauzl';
import { FileError } from '../errors.ts';
import { diskError } from '../files/atomic.ts';

export interface UnpackOptions {
  /** Most bytes that may come out (2³⁴), counted as they come, whatever the archive says. */
  maxBytes?: number;
  /** Most files and folders (1,000,000). */
  maxFiles?: number;
  /** Told the number of files that are there. */
  onProgress?: (files: number) => void;
}

/**
 * Unpacks an archive to a folder that does not exist yet or is empty; the folder appears with all that is in it, or not at
 * all.
 *
 * @throws FileError where the archive is damaged, larger than allowed, or holds what no corpus should: a path that leads
 *   out of the folder, a link, a device, the same file twice; where the folder holds something; where the disk is full
 */
export async function unpack(archive: string, folder: string, options: UnpackOptions = {}): Promise<void> {
  await assertFree(folder);
  const temporary = `${folder}.${randomUUID().slice(0, 8)}.tmp`;
  try {
    await mkdir(temporary);
    const store = new Store(archive, temporary, options);
    const [a, b] = await firstBytes(archive);
    if (a === 0x50 && b === 0x4b) await unzip(archive, store);
    else if (a === 0x1f && b === 0x8b) await untar(archive, store);
    else throw damaged(archive, 'neither a zip archive nor gzip');
    await rmdir(folder).catch(() => {});
    await rename(temporary, folder);
  } catch (cause) {
    await rm(temporary, { recursive: true, force: true });
    throw cause instanceof FileError ? cause : diskError(`cannot unpack ${archive} to ${folder}`, cause);
  }
}

/** Refuses a folder that holds something. @throws FileError */
export async function assertFree(folder: string): Promise<void> {
  const names = await readdir(folder).catch((cause) => {
    if (cause.code === 'ENOENT') return [];
    throw diskError(`cannot write to ${folder}`, cause);
  });
  if (names.length === 0) return;
  const got = `${names.length} entries, such as ${names[0]}`;
  throw new FileError({
    what: folder,
    expected: 'a new or empty folder',
    got,
    todo: 'Name another with --out.',
  });
}

/** Where an archive's files go, and what they may be. */
class Store {
  private readonly archive: string;
  private readonly root: string;
  private readonly maxBytes: number;
  private readonly maxFiles: number;
  private readonly onProgress: UnpackOptions['onProgress'];
  private bytes = 0;
  private entries = 0;
  private files = 0;

  constructor(
    archive: string,
    root: string,
    { maxBytes = 2 ** 34, maxFiles = 1e6, onProgress }: UnpackOptions,
  ) {
    this.archive = archive;
    this.root = root;
    this.maxBytes = maxBytes;
    this.maxFiles = maxFiles;
    this.onProgress = onProgress;
  }

  async folder(name: string): Promise<void> {
    await mkdir(this.place(name), { recursive: true });
  }

  /** Writes a file. @returns its CRC-32 */
  async file(name: string, content: AsyncIterable<Buffer>): Promise<number> {
    const path = this.place(name);
    await mkdir(dirname(path), { recursive: true });
    let sum = 0;
    const count = async function* (this: Store, source: AsyncIterable<Buffer>) {
      for await (const chunk of source) {
        this.bytes += chunk.length;
        if (this.bytes > this.maxBytes) throw this.refused(`more than ${this.maxBytes} bytes`);
        sum = crc32(chunk, sum);
        yield chunk;
      }
    }.bind(this);
    await pipeline(content, count, createWriteStream(path, { flags: 'wx' })).catch((cause) => {
      throw cause.code === 'EEXIST' ? this.refused(`${name} twice`) : cause;
    });
    this.onProgress?.(++this.files);
    return sum;
  }

  refused(got: string): FileError {
    const todo = 'It is not unpacked.';
    return new FileError({
      what: `${this.archive}: not an archive of recordings`,
      got: JSON.stringify(got),
      todo,
    });
  }

  /** The path of an entry, which lies below the root. */
  private place(name: string): string {
    if (++this.entries > this.maxFiles) throw this.refused(`more than ${this.maxFiles} files`);
    const parts = name.split('/').filter((part) => part !== '' && part !== '.');
    const leadsOut = name.startsWith('/') || parts.includes('..') || /[\\\0]|^[a-z]:/i.test(name);
    if (leadsOut) throw this.refused(`a path that leads elsewhere, ${name}`);
    return join(this.root, ...parts);
  }
}

/** The type of file in a zip entry's Unix mode; 0 where another system made it. */
const TYPE_MASK = 0o170000;
const REGULAR = 0o100000;
const FOLDER = 0o040000;

async function unzip(archive: string, store: Store): Promise<void> {
  const zip = await openZip(archive, { lazyEntries: true, autoClose: false }).catch((cause) => {
    throw damaged(archive, cause.message, cause);
  });
  try {
    for await (const entry of zip.eachEntry()) {
      const { fileName } = entry;
      const type = (entry.externalFileAttributes >>> 16) & TYPE_MASK;
      if (![0, REGULAR, FOLDER].includes(type)) throw store.refused(`a link or a device, ${fileName}`);
      if (fileName.endsWith('/')) await store.folder(fileName);
      else {
        const sum = await store.file(fileName, await zip.openReadStreamPromise(entry));
        if (sum !== entry.crc32) throw damaged(archive, `${fileName} with a wrong checksum`);
      }
    }
  } catch (cause) {
    const { message } = cause as Error;
    if (/^(invalid relative path|absolute path|invalid characters in fileName)/.test(message)) {
      throw store.refused(`a path that leads elsewhere, ${message.replace(/^[^:]*: /, '')}`);
    }
    throw isOfDisk(cause) ? cause : damaged(archive, message, cause);
  } finally {
    zip.close();
  }
}

async function untar(archive: string, store: Store): Promise<void> {
  const extract = tarReader();
  const unpacked = pipeline(createReadStream(archive), createGunzip(), extract);
  unpacked.catch(() => {}); // seen below, once the entries that came before are stored
  try {
    for await (const entry of extract) {
      const { name, type } = entry.header;
      if (type === 'directory') {
        await store.folder(name);
        entry.resume();
      } else if (type === 'file' || type === 'contiguous-file') {
        await store.file(name, entry as AsyncIterable<Buffer>);
      } else throw store.refused(`a ${type}, ${name}`);
    }
    await unpacked;
  } catch (cause) {
    extract.destroy();
    throw isOfDisk(cause) ? cause : damaged(archive, (cause as Error).message, cause);
  }
}

/** Whether an error is one of ours, or of the file system. */
function isOfDisk(cause: unknown): boolean {
  return cause instanceof FileError || (cause instanceof Error && 'syscall' in cause);
}

async function firstBytes(path: string): Promise<Uint8Array> {
  const file = await open(path).catch((cause) => {
    throw diskError(`cannot read the archive ${path}`, cause);
  });
  try {
    return (await file.read(new Uint8Array(2), 0, 2, 0)).buffer;
  } finally {
    await file.close();
  }
}

function damaged(archive: string, got: string, cause?: unknown): FileError {
  const todo = 'Download it again.';
  return new FileError({
    what: `${archive}: the archive is damaged`,
    expected: 'a zip or tar.gz archive',
    got,
    todo,
    cause,
  });
}
