// Reads FLAC's bit stream: numbers of any width, the highest bit first.

/** Reading beyond the end. */
export class EndOfBits extends Error {}

/** A position in bytes that are read bit by bit, most significant first. */
export class BitReader {
  readonly #bytes: Uint8Array;
  #next: number;
  /** The lowest `#have` bits of `#cache` are those that come next; at most 32. */
  #cache = 0;
  #have = 0;

  constructor(bytes: Uint8Array, start = 0) {
    this.#bytes = bytes;
    this.#next = start;
  }

  /** Offset of the byte that holds the next bit. */
  get byte(): number {
    return this.#next - (this.#have >> 3);
  }

  /** An unsigned number of 0 to 32 bits. @throws EndOfBits */
  unsigned(width: number): number {
    if (width > 24) {
      const low = width - 16;
      return this.unsigned(16) * 2 ** low + this.unsigned(low);
    }
    while (this.#have < width) this.#fill();
    this.#have -= width;
    return (this.#cache >>> this.#have) & ((1 << width) - 1);
  }

  /** A number of 1 to 33 bits in two's complement. @throws EndOfBits */
  signed(width: number): number {
    if (width > 32) return -this.unsigned(1) * 2 ** 32 + this.unsigned(32);
    const value = this.unsigned(width);
    return value >= 2 ** (width - 1) ? value - 2 ** width : value;
  }

  /** How many zeros come before the next one, which is read, too. @throws EndOfBits */
  unary(): number {
    let zeros = 0;
    for (;;) {
      const rest = this.#have === 0 ? 0 : (this.#cache << (32 - this.#have)) >>> 0;
      if (rest !== 0) {
        const run = Math.clz32(rest);
        this.#have -= run + 1;
        return zeros + run;
      }
      zeros += this.#have;
      this.#have = 0;
      this.#fill();
    }
  }

  /** Skips to the next whole byte. */
  align(): void {
    this.#have -= this.#have % 8;
  }

  #fill(): void {
    if (this.#next >= this.#bytes.length) throw new EndOfBits();
    this.#cache = (this.#cache << 8) | this.#bytes[this.#next++];
    this.#have += 8;
  }
}
