// Gives tests a cache of their own, empty at the start, so that none sees what other code has computed.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export default function cache(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'earmark-cache-'));
  process.env.XDG_CACHE_HOME = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
