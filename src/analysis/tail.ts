// The last samples of a recording that comes in blocks, by their place in it.

export class Tail {
  #samples: Float32Array = new Float32Array(0);
  #begin = 0;
  #end = 0;

  /** Samples so far. */
  get end(): number {
    return this.#end;
  }

  push(block: Float32Array): void {
    const kept = this.#end - this.#begin;
    if (this.#samples.length - kept < block.length) {
      const larger = new Float32Array(2 * (kept + block.length));
      larger.set(this.slice(this.#begin, this.#end));
      this.#samples = larger;
      this.#origin = this.#begin;
    } else if (this.#end - this.#origin + block.length > this.#samples.length) {
      this.#samples.copyWithin(0, this.#begin - this.#origin, this.#end - this.#origin);
      this.#origin = this.#begin;
    }
    this.#samples.set(block, this.#end - this.#origin);
    this.#end += block.length;
  }

  /** Where in the recording the memory begins. */
  #origin = 0;

  /** A copy of the samples from one place up to another, as far as they are here. */
  slice(from: number, to: number): Float32Array {
    const [begin, end] = [Math.max(from, this.#begin), Math.min(to, this.#end)];
    return this.#samples.slice(begin - this.#origin, Math.max(begin, end) - this.#origin);
  }

  /** Drops what comes before a place. */
  forget(before: number): void {
    this.#begin = Math.min(this.#end, Math.max(this.#begin, before));
  }
}
