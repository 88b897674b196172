// Reads a network from a JSON file.
import { basename } from 'node:path';
import { ModelError } from '../errors.ts';
import { readBytes } from '../files/atomic.ts';
import { type NetworkOf, parseNetwork } from './network-json.ts';

/**
 * Reads a network that {@link parseNetwork} understands; it is called as the file unless it has a name.
 * @throws FileError where the file cannot be read, ModelError where it is not JSON or not a network
 */
export async function readNetwork(path: string): Promise<NetworkOf> {
  const text = new TextDecoder().decode(await readBytes(path, 'network'));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const got = cause instanceof Error ? cause.message : String(cause);
    throw new ModelError({ what: path, expected: 'a network as JSON', got, cause });
  }
  return parseNetwork(value, basename(path, '.json'));
}
