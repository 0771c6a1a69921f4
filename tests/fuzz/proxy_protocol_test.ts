/** Perturbed beginnings of connections into the parser of the PROXY protocol. */
import {
  MAX_PROXY_HEADER_BYTES,
  parseProxyHeader,
} from "../../src/net/proxy_protocol.ts";
import { concatBytes } from "../../src/util/bytes.ts";
import { canonicalIp } from "../../src/util/ip.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { fuzz } from "../support/fuzz.ts";
import type { SeededRandom } from "../support/seeded_random.ts";

const SIGNATURE = [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10];

function line(random: SeededRandom): Uint8Array {
  const ip = (): string =>
    random.pick(["192.0.2.1", "2001:db8::7", "::ffff:1.2.3.4", "1.2.3.256"]);
  const port = () => random.below(70_000);
  const family = random.pick(["TCP4", "TCP6", "UNKNOWN"]);
  const text = `PROXY ${family} ${ip()} ${ip()} ${port()} ${port()}\r\n`;
  return new TextEncoder().encode(text);
}

function binary(random: SeededRandom): Uint8Array {
  const length = random.pick([0, 11, 12, 36, 40, 216, 300, 2032, 2033, 65_535]);
  const command = random.pick([0x20, 0x21, 0x21, 0x22, 0x11]);
  const family = random.pick([0, 0x11, 0x12, 0x21, 0x31, 0x44]);
  const head = [...SIGNATURE, command, family, length >> 8, length & 0xff];
  return concatBytes(
    Uint8Array.from(head),
    random.bytes(Math.min(length, 3000)),
  );
}

fuzz("proxy_protocol", (random) => {
  const header = random.oneIn(2) ? line(random) : binary(random);
  const rest = new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n");
  const data = random.perturb(concatBytes(header, rest));
  const whole = parseProxyHeader(data);
  if (whole.kind === "header") {
    const { bytes, source } = whole;
    assert(bytes <= data.length && bytes <= MAX_PROXY_HEADER_BYTES);
    if (source !== undefined) {
      assertEquals(canonicalIp(source.ip), source.ip);
      assert(source.port >= 0 && source.port <= 65_535);
    }
  } else if (whole.kind === "unfinished") {
    assert(data.length < MAX_PROXY_HEADER_BYTES);
  }
  // One byte at a time it is unfinished, until it is what it is.
  for (let length = 0; length <= data.length; length++) {
    const part = parseProxyHeader(data.subarray(0, length));
    if (part.kind === "unfinished") continue;
    assertEquals(part, whole);
    break;
  }
});
