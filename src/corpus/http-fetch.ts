// Asks a server over HTTP, through the proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name; says what no answer means.
import { FileError } from '../errors.ts';
import { Offline, Transient } from './http-range.ts';

/** That a host cannot be found or reached at all: there is no network, or only one behind a proxy. */
const UNREACHABLE = ['ENOTFOUND', 'EAI_AGAIN', 'ENETUNREACH', 'EHOSTUNREACH', 'ENETDOWN'];
const PROXIES = ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY'];

/** Asks for a file as it is, not compressed. @throws Transient where nobody answers; FileError for an address of a proxy that is none */
export async function request(
  url: string,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<Response> {
  const options = { headers: { 'accept-encoding': 'identity', ...headers }, signal };
  const ask = await throughProxy();
  try {
    return ask ? await ask(url, options) : await fetch(url, options);
  } catch (cause) {
    const { message, code } = innermost(cause);
    if (!UNREACHABLE.includes(code ?? '')) throw new Transient(`no answer (${message || code})`);
    throw new Offline(`no way to ${new URL(url).host} (${message || code})`);
  }
}

/** Node's own `fetch` knows no proxies before Node 24. */
async function throughProxy(): Promise<typeof fetch | undefined> {
  const named = PROXIES.find((name) => process.env[name]);
  if (!named) return undefined;
  const undici = await import('undici');
  try {
    const dispatcher = new undici.EnvHttpProxyAgent({ proxyTunnel: false });
    return ((url: string, options: RequestInit) =>
      undici.fetch(url, { ...options, dispatcher } as import('undici').RequestInit)) as typeof fetch;
  } catch (cause) {
    const expected = 'the address of a proxy, such as http://proxy.example:3128';
    throw new FileError({ what: named, expected, got: process.env[named], cause });
  }
}

/** The reason below "fetch failed"; of several addresses that were tried, the first's. */
function innermost(error: unknown): { message: string; code?: string } {
  if (error instanceof AggregateError) return innermost(error.errors[0]);
  if (error instanceof Error) return error.cause ? innermost(error.cause) : error;
  return { message: `${error}` };
}
