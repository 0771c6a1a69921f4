/** The header that proxies of TCP put in front of a connection, to say whose it is: PROXY protocol, versions 1 and 2. */
import { canonicalIp, formatShortIp, parseIp, parseIpv4 } from "../util/ip.ts";
import type { RemoteAddress } from "./conn.ts";

/** A longer one is refused; the specification counts on 536 bytes to pass at once. */
export const MAX_PROXY_HEADER_BYTES = 2048;
/** With its line end; the specification's longest. */
const MAX_V1_BYTES = 107;
const V2_FIXED_BYTES = 16;
const LF = 0x0a;
const CR = 0x0d;

const V1_SIGNATURE = new TextEncoder().encode("PROXY ");
const V2_SIGNATURE = Uint8Array.of(
  ...[0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d],
  ...[0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a],
);

/** Address family and transport, and how many bytes of addresses belong to them. */
const V2_ADDRESS_BYTES: ReadonlyMap<number, number> = new Map([
  [0x00, 0], // unspecified
  [0x11, 12], // TCP over IPv4
  [0x12, 12], // UDP over IPv4: QUIC that the proxy made TCP of
  [0x21, 36], // TCP over IPv6
  [0x22, 36],
  [0x31, 216], // unix sockets
  [0x32, 216],
]);

const latin1 = new TextDecoder("latin1");

/** What the first bytes of a connection are. */
export type ProxyHeader =
  /** Something else. */
  | { readonly kind: "none" }
  /** A header, or something else: more bytes will tell. */
  | { readonly kind: "unfinished" }
  | { readonly kind: "malformed"; readonly why: string }
  | {
    readonly kind: "header";
    /** How many belong to it. */
    readonly bytes: number;
    /** Undefined where the proxy doesn't say, as for its own checks. */
    readonly source: RemoteAddress | undefined;
  };

/** Parses the beginning of a connection; at most `MAX_PROXY_HEADER_BYTES` are ever needed. */
export function parseProxyHeader(data: Uint8Array): ProxyHeader {
  const v1 = beginsWith(data, V1_SIGNATURE);
  if (v1 === "yes") return parseV1(data);
  const v2 = beginsWith(data, V2_SIGNATURE);
  if (v2 === "yes") return parseV2(data);
  return { kind: v1 === "no" && v2 === "no" ? "none" : "unfinished" };
}

function beginsWith(
  data: Uint8Array,
  signature: Uint8Array,
): "yes" | "no" | "unfinished" {
  for (let i = 0; i < signature.length; i++) {
    if (i === data.length) return "unfinished";
    if (data[i] !== signature[i]) return "no";
  }
  return "yes";
}

/** "PROXY TCP4 192.0.2.1 198.51.100.1 40000 443" and a line end. */
function parseV1(data: Uint8Array): ProxyHeader {
  const end = data.subarray(0, MAX_V1_BYTES).indexOf(LF);
  if (end < 0) {
    return data.length < MAX_V1_BYTES
      ? { kind: "unfinished" }
      : malformed(`its line is over ${MAX_V1_BYTES} bytes`);
  }
  if (data[end - 1] !== CR) return malformed("its line doesn't end in CR LF");
  const bytes = end + 1;
  const line = latin1.decode(data.subarray(V1_SIGNATURE.length, end - 1));
  if (line === "UNKNOWN" || line.startsWith("UNKNOWN ")) {
    return { kind: "header", bytes, source: undefined };
  }
  const [family, source = "", target = "", ...ports] = line.split(" ");
  if (family !== "TCP4" && family !== "TCP6") {
    return malformed("it is for neither TCP4, TCP6 nor UNKNOWN");
  }
  if (![source, target].every((text) => isOfFamily(text, family))) {
    return malformed(`it has no two addresses of ${family}`);
  }
  if (ports.length !== 2 || !ports.every(isPort)) {
    return malformed("it has no two ports");
  }
  const ip = canonicalIp(source)!;
  return { kind: "header", bytes, source: { ip, port: Number(ports[0]) } };
}

function isOfFamily(text: string, family: "TCP4" | "TCP6"): boolean {
  if (family === "TCP4") return parseIpv4(text) !== undefined;
  return text.includes(":") && !text.includes("%") &&
    parseIp(text) !== undefined;
}

function isPort(text: string): boolean {
  return /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;
}

/** 12B signature, 4 bits version, 4 bits command, 1B family and transport, 2B length; then addresses, ports, extensions. */
function parseV2(data: Uint8Array): ProxyHeader {
  if (data.length < V2_FIXED_BYTES) return { kind: "unfinished" };
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const version = view.getUint8(12) >> 4;
  const command = view.getUint8(12) & 0x0f;
  const family = view.getUint8(13);
  const bytes = V2_FIXED_BYTES + view.getUint16(14);
  if (version !== 2) return malformed(`it has version ${version}`);
  if (command > 1) return malformed("it has a command that isn't known");
  if (bytes > MAX_PROXY_HEADER_BYTES) {
    return malformed(`it is over ${MAX_PROXY_HEADER_BYTES} bytes`);
  }
  const isLocal = command === 0;
  const addressBytes = isLocal ? 0 : V2_ADDRESS_BYTES.get(family);
  if (addressBytes === undefined) {
    return malformed("it has an address family that isn't known");
  }
  if (bytes < V2_FIXED_BYTES + addressBytes) {
    return malformed("it is too short for its addresses");
  }
  if (data.length < bytes) return { kind: "unfinished" };
  const addresses = data.subarray(V2_FIXED_BYTES, bytes);
  const source = isLocal ? undefined : v2Source(addresses, family);
  return { kind: "header", bytes, source };
}

/** The addresses come before the ports, the source before the target. */
function v2Source(
  addresses: Uint8Array,
  family: number,
): RemoteAddress | undefined {
  const ipBytes = ({ 1: 4, 2: 16 } as Record<number, number>)[family >> 4];
  if (ipBytes === undefined) return undefined;
  const at = 2 * ipBytes;
  return {
    ip: formatShortIp(addresses.subarray(0, ipBytes)),
    port: addresses[at]! << 8 | addresses[at + 1]!,
  };
}

function malformed(why: string): ProxyHeader {
  return { kind: "malformed", why };
}
