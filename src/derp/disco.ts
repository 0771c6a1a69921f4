/** Tells Tailscale's path-discovery packets from the rest (tailscale `disco/disco.go`). */

/** 6B magic + 32B sender's disco key + 24B nonce. */
const MIN_DISCO_BYTES = 62;

/** Whether the packet `bytes[start..end)` begins as a disco packet does: "TS" and U+1F4AC in UTF-8. */
export function looksLikeDisco(
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  return end - start >= MIN_DISCO_BYTES &&
    bytes[start] === 0x54 && bytes[start + 1] === 0x53 &&
    bytes[start + 2] === 0xf0 && bytes[start + 3] === 0x9f &&
    bytes[start + 4] === 0x92 && bytes[start + 5] === 0xac;
}
