/** Random choices that can be made again from their seed. */

/** George Marsaglia's xorshift32; good enough to perturb bytes with. */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = Math.imul(seed + 1, 0x9e3779b1) | 1;
    for (let i = 0; i < 8; i++) this.#next();
  }

  /** 0 to `n` - 1. */
  below(n: number): number {
    return Math.floor(this.#next() / 2 ** 32 * n);
  }

  /** True once in `n` times. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }

  /** A copy with a few bytes flipped, cut, doubled or made up; at times none. */
  perturb(bytes: Uint8Array): Uint8Array {
    const copy = [...bytes];
    for (let changes = this.below(4); changes > 0; changes--) {
      const at = this.below(copy.length + 1);
      switch (this.below(5)) {
        case 0: // one bit
          if (at < copy.length) copy[at]! ^= 1 << this.below(8);
          break;
        case 1: // cut short
          copy.length = at;
          break;
        case 2: // taken out
          copy.splice(at, 1 + this.below(8));
          break;
        case 3: // put in
          copy.splice(at, 0, ...this.bytes(1 + this.below(8)));
          break;
        default: // an extreme value
          if (at < copy.length) copy[at] = this.pick([0, 0x7f, 0x80, 0xff]);
      }
    }
    return Uint8Array.from(copy);
  }

  /** The same for text. */
  perturbText(text: string): string {
    const bytes = this.perturb(new TextEncoder().encode(text));
    return new TextDecoder().decode(bytes);
  }

  #next(): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return state >>> 0;
  }
}
