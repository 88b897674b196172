// Decodes Opus in Ogg with libopus in WebAssembly: RFC 7845.
import { OpusDecoder } from 'opus-decoder';
import { AudioError } from '../errors.ts';
import { betweenGranules, type Decoded } from './granules.ts';
import { type AudioBlock, mixed } from './mono.ts';
import type { Packet } from './ogg.ts';

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

/** An Opus stream's blocks, a packet each, at 48 kHz. @throws AudioError where the packets are damaged */
export async function* opusBlocks(packets: Iterator<Packet>, name: string): AsyncGenerator<AudioBlock> {
  const head = readHead(packets.next().value!.data, name);
  packets.next(); // comments
  const { channels, preSkip, streams: streamCount, coupled: coupledStreamCount, mapping } = head;
  const decoder = new OpusDecoder({
    channels,
    streamCount,
    coupledStreamCount,
    channelMappingTable: mapping,
  });
  function* decoded(): Generator<Decoded> {
    let i = 0;
    for (let next = packets.next(); !next.done; next = packets.next(), i++) {
      const { data, granule } = next.value;
      assertDuration(data, name);
      if (data.length > MAX_PACKET * channels) throw damaged(name, `${data.length} bytes in packet ${i}`);
      const { channelData, samplesDecoded, errors } = decoder.decodeFrame(data);
      if (errors.length > 0) throw damaged(name, `${errors[0].message} in packet ${i}`);
      yield { samples: mixed(channelData, samplesDecoded, head.gain), granule };
    }
  }
  try {
    await decoder.ready;
    for (const samples of betweenGranules(decoded(), preSkip, name)) yield { samples, sampleRate: RATE };
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

/** Refuses packets of more than 120 ms by their first bytes (RFC 6716, 3.1 and 3.2). @throws AudioError */
function assertDuration(data: Uint8Array, name: string): void {
  const toc = data[0];
  if (toc === undefined) throw damaged(name, 'an empty packet');
  const config = toc >> 3;
  const frame = config < 16 ? FRAMES[config] : CELT_FRAMES[config & 3];
  const code = toc & 3;
  const frames = code === 0 ? 1 : code < 3 ? 2 : (data[1] ?? 0) & 63;
  if (frames === 0 || frame * frames > 5760) throw damaged(name, 'a packet longer than 120 ms');
}

function damaged(name: string, got: string): AudioError {
  return new AudioError({ what: `${name}: the Opus stream is damaged`, got });
}
