/** A map by node key that looks up keys where they stand in a buffer. */
import type { NodePublic } from "../keys/node_key.ts";

interface Entry<V> {
  readonly key: NodePublic;
  readonly value: V;
  next: Entry<V> | undefined;
}

/** Node keys are proven, hence random: two of their words tell them apart but for rare chains. */
export class KeyMap<V> {
  readonly #chains = new Map<number, Entry<V>>();
  /** Odd and secret, so that nobody can look for keys that share a chain. */
  readonly #factors: Uint32Array = crypto.getRandomValues(new Uint32Array(2))
    .map((n) => n | 1);
  size = 0;

  /** The value of the key that begins at `offset` of `from`. */
  get(from: Uint8Array, offset = 0): V | undefined {
    let entry = this.#chains.get(this.#hash(from, offset));
    while (entry !== undefined && !sameKey(entry.key.bytes, from, offset)) {
      entry = entry.next;
    }
    return entry?.value;
  }

  /** Adds a key that isn't there yet. */
  add(key: NodePublic, value: V): void {
    const hash = this.#hash(key.bytes, 0);
    this.#chains.set(hash, { key, value, next: this.#chains.get(hash) });
    this.size++;
  }

  delete(key: NodePublic): void {
    const hash = this.#hash(key.bytes, 0);
    const kept: Entry<V>[] = [];
    for (
      let entry = this.#chains.get(hash);
      entry !== undefined;
      entry = entry.next
    ) {
      if (entry.key.equals(key)) this.size--;
      else kept.push(entry);
    }
    kept.forEach((entry, i) => entry.next = kept[i + 1]);
    if (kept[0] === undefined) this.#chains.delete(hash);
    else this.#chains.set(hash, kept[0]);
  }

  *values(): IterableIterator<V> {
    for (const first of this.#chains.values()) {
      for (
        let entry: Entry<V> | undefined = first;
        entry !== undefined;
        entry = entry.next
      ) {
        yield entry.value;
      }
    }
  }

  #hash(from: Uint8Array, at: number): number {
    const a = from[at]! | from[at + 1]! << 8 | from[at + 2]! << 16 |
      from[at + 3]! << 24;
    const b = from[at + 4]! | from[at + 5]! << 8 | from[at + 6]! << 16 |
      from[at + 7]! << 24;
    const mixed = Math.imul(a, this.#factors[0]!) +
      Math.imul(b, this.#factors[1]!);
    return (mixed | 0) >> 2; // V8 keeps integers of 31 bits without allocating
  }
}

function sameKey(key: Uint8Array, from: Uint8Array, offset: number): boolean {
  for (let i = 0; i < key.length; i++) {
    if (key[i] !== from[offset + i]) return false;
  }
  return true;
}
