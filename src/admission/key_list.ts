/** Lists of the nodes that may use the relay, with their names. */
import type { NodePublic } from "../keys/node_key.ts";

/** Longer names are of no use to anybody. */
const MAX_NAME_CHARS = 100;

const KEY_PATTERN = /^nodekey:[0-9a-f]{64}$/;
const ZERO_KEY = `nodekey:${"0".repeat(64)}`;

/** Names by node key, `nodekey:` and 64 lower-case hexadecimal digits; undefined for a node without one. */
export type NodeNames = ReadonlyMap<string, string | undefined>;

/** Node keys to look up; it never changes, a new list takes its place. */
export class KeyList {
  readonly names: NodeNames;

  constructor(names: NodeNames) {
    this.names = names;
  }

  get size(): number {
    return this.names.size;
  }

  has(key: NodePublic): boolean {
    return this.names.has(key.toString());
  }

  /** What the list calls the node; undefined where it has no name, or isn't in it. */
  nameOf(key: NodePublic): string | undefined {
    return this.names.get(key.toString());
  }

  /** How many of these keys `other` lacks. */
  countNotIn(other: KeyList): number {
    let count = 0;
    for (const key of this.names.keys()) {
      if (!other.names.has(key)) count++;
    }
    return count;
  }
}

/** A key as the lists have it; undefined where `text` is no node key, or the one that is all zero, which nobody has. */
export function listedKey(text: unknown): string | undefined {
  if (typeof text !== "string") return undefined;
  const key = text.toLowerCase();
  return KEY_PATTERN.test(key) && key !== ZERO_KEY ? key : undefined;
}

/** What to call a node: by its DNS name without the dot at its end, else by another one. */
export function nodeName(dns: unknown, other: unknown): string | undefined {
  const name = typeof dns === "string" ? dns.replace(/\.$/, "") : undefined;
  return listedName(name) ?? listedName(other);
}

/** A name in one short line, as files and log lines can have it; undefined where nothing is left. */
export function listedName(text: unknown): string | undefined {
  if (typeof text !== "string") return undefined;
  const line = text.slice(0, MAX_NAME_CHARS).replace(
    /[\p{Cc}\p{Cs}\s]+/gu,
    " ",
  );
  return line.trim() || undefined;
}
