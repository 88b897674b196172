// Decodes Opus in Ogg with libopus in WebAssembly: RFC 7845.
import { OpusDecoder } from 'opus-decoder';
import { AudioError } from '../errors.ts';
import type { Audio } from './audio.ts';
import { type AudioLimits, assertLength } from './limits.ts';
import { MonoBuffer } from './mono.ts';
import { granuleRange, type Packet } from './ogg.ts';

/** Opus counts samples at this rate whatever the original's, and is decoded to it. */
const RATE = 48000;
/** Of a frame, in samples, by the packet's configuration (RFC 6716, 3.1): SILK, hybrid, CELT. */
const FRAMES = [480, 960, 1920, 2880, 480, 960, 1920, 2880, 480, 960, 1920, 2880, 480, 960, 480, 960];
const CELT_FRAMES = [120, 240, 480, 960];
/** Bytes for each channel that the decoder takes at once: 120 ms at 256 kbit/s. */
const MAX_PACKET = 3840;

/** The identification header (5.1). */
interface Head {
  channels: number;
  preSkip: number;
  /** Factor that the header wants applied. */
  gain: number;
  streams: number;
  coupled: number;
  mapping: number[];
}

/** Decodes the packets of an Opus stream at 48 kHz. @throws AudioError where they are damaged or too many */
export async function decodeOpus(
  packets: readonly Packet[],
  name: string,
  options: AudioLimits,
): Promise<Audio> {
  const head = readHead(packets[0].data, name);
  const audio = packets.slice(2);
  const durations = audio.map(({ data }) => packetSamples(data, name));
  const [from, end] = granuleRange(audio, durations);
  assertLength(
    durations.reduce((sum, d) => sum + d, 0),
    RATE,
    name,
    options,
  );
  const { channels, preSkip, streams: streamCount, coupled: coupledStreamCount, mapping } = head;
  const decoder = new OpusDecoder({
    channels,
    streamCount,
    coupledStreamCount,
    channelMappingTable: mapping,
  });
  try {
    await decoder.ready;
    const mono = new MonoBuffer(name, RATE, options, end);
    for (const [i, { data }] of audio.entries()) {
      if (data.length > MAX_PACKET * channels) throw damaged(name, `${data.length} bytes in packet ${i}`);
      const { channelData, samplesDecoded, errors } = decoder.decodeFrame(data);
      if (errors.length > 0) throw damaged(name, `${errors[0].message} in packet ${i}`);
      mono.add(channelData, samplesDecoded, head.gain);
    }
    return mono.finish(from + preSkip, end);
  } finally {
    decoder.free();
  }
}

function readHead(data: Uint8Array, name: string): Head {
  if (data.length < 19) throw damaged(name, 'a header that is too short');
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const channels = view.getUint8(9);
  const family = view.getUint8(18);
  const gain = 10 ** (view.getInt16(16, true) / 256 / 20);
  const preSkip = view.getUint16(10, true);
  const head = { channels, preSkip, gain };
  if (view.getUint8(8) > 15 || channels === 0 || (family === 0 && channels > 2)) {
    throw damaged(name, `version ${view.getUint8(8)} with ${channels} channels`);
  }
  if (family === 0)
    return { ...head, streams: 1, coupled: channels - 1, mapping: channels === 2 ? [0, 1] : [0] };
  const [streams, coupled, ...mapping] = [...data.subarray(19, 21 + channels)];
  const inside = mapping.every((m) => m === 255 || m < streams! + coupled!);
  if (
    family !== 1 ||
    channels > 8 ||
    mapping.length !== channels ||
    !streams ||
    coupled! > streams ||
    !inside
  ) {
    throw new AudioError({
      what: `${name}: unsupported Opus channels`,
      expected: 'mapping family 0 or 1',
      got: `${channels} channels in family ${family}`,
    });
  }
  return { ...head, streams, coupled: coupled!, mapping };
}

/** Samples in a packet, from its first bytes (RFC 6716, 3.1 and 3.2); at most 120 ms. */
function packetSamples(data: Uint8Array, name: string): number {
  const toc = data[0];
  if (toc === undefined) throw damaged(name, 'an empty packet');
  const config = toc >> 3;
  const frame = config < 16 ? FRAMES[config] : CELT_FRAMES[config & 3];
  const code = toc & 3;
  const frames = code === 0 ? 1 : code < 3 ? 2 : (data[1] ?? 0) & 63;
  if (frames === 0 || frame * frames > 5760) throw damaged(name, 'a packet longer than 120 ms');
  return frame * frames;
}

function damaged(name: string, got: string): AudioError {
  return new AudioError({ what: `${name}: the Opus stream is damaged`, got });
}
