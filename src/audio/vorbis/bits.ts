// Reads Vorbis's bit stream: the lowest bit of each byte first (Vorbis I, section 2).

/** Reading beyond the end of a packet. */
export class EndOfPacket extends Error {}

/** A position in a packet that is read bit by bit, least significant first. */
export class PacketReader {
  readonly #data: Uint8Array;
  #bit = 0;

  constructor(data: Uint8Array, byte = 0) {
    this.#data = data;
    this.#bit = 8 * byte;
  }

  /** One bit. @throws EndOfPacket */
  bit(): number {
    const at = this.#bit++;
    const byte = this.#data[at >> 3];
    if (byte === undefined) throw new EndOfPacket();
    return (byte >> (at & 7)) & 1;
  }

  /** An unsigned number of 0 to 32 bits. @throws EndOfPacket */
  unsigned(width: number): number {
    let value = 0;
    for (let have = 0; have < width; ) {
      const byte = this.#data[this.#bit >> 3];
      if (byte === undefined) throw new EndOfPacket();
      const offset = this.#bit & 7;
      const take = Math.min(8 - offset, width - have);
      value += ((byte >> offset) & ((1 << take) - 1)) * 2 ** have;
      this.#bit += take;
      have += take;
    }
    return value;
  }

  /** Whether a flag is set. @throws EndOfPacket */
  flag(): boolean {
    return this.bit() === 1;
  }
}

/** Bits that a number takes: ⌊log₂ x⌋ + 1, 0 for 0 (9.2.1). */
export const ilog = (x: number) => 32 - Math.clz32(x);
