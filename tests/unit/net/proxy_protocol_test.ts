/** The header of the PROXY protocol, with bytes as in its specification. */
import {
  MAX_PROXY_HEADER_BYTES,
  parseProxyHeader,
} from "../../../src/net/proxy_protocol.ts";
import { concatBytes, fromHex } from "../../../src/util/bytes.ts";
import { assert, assertEquals } from "../../support/assert.ts";

const SIGNATURE = "0d0a0d0a000d0a515549540a";
/** From 192.0.2.1 port 40000 to 198.51.100.1 port 443. */
const TCP4 = `${SIGNATURE}2111000cc0000201c63364019c4001bb`;
/** From 2001:db8::7 port 40000 to 2001:db8::1 port 443. */
const TCP6 =
  `${SIGNATURE}2121002420010db800000000000000000000000720010db80000000000000000000000019c4001bb`;

function text(line: string): Uint8Array {
  return Uint8Array.from(line, (char) => char.charCodeAt(0));
}

function hex(digits: string): Uint8Array {
  return fromHex(digits, digits.length / 2)!;
}

function why(data: Uint8Array): string {
  const header = parseProxyHeader(data);
  return header.kind === "malformed" ? header.why : header.kind;
}

Deno.test("parseProxyHeader() reads version 1", () => {
  for (
    const [line, ip, port] of [
      ["PROXY TCP4 192.0.2.1 198.51.100.1 40000 443", "192.0.2.1", 40000],
      ["PROXY TCP4 255.255.255.255 0.0.0.0 0 65535", "255.255.255.255", 0],
      ["PROXY TCP6 2001:DB8::7 2001:db8::1 1 443", "2001:db8::7", 1],
      ["PROXY TCP6 2001:db8:0:0:0:0:0:7 ::1 1 443", "2001:db8::7", 1],
      ["PROXY TCP6 ::ffff:192.0.2.1 ::1 1 443", "192.0.2.1", 1],
    ] as const
  ) {
    assertEquals(parseProxyHeader(text(`${line}\r\nGET / HTTP/1.1\r\n`)), {
      kind: "header",
      bytes: line.length + 2,
      source: { ip, port },
    });
  }
});

Deno.test("parseProxyHeader() finds no source where version 1 says UNKNOWN", () => {
  for (const rest of ["", " ", " ffff:f...f:ffff ::1 65535 x"]) {
    const line = `PROXY UNKNOWN${rest}\r\n`;
    const header = { kind: "header", bytes: line.length, source: undefined };
    assertEquals(parseProxyHeader(text(line)), header as never);
  }
});

Deno.test("parseProxyHeader() refuses what is no header of version 1", () => {
  for (
    const [line, reason] of [
      ["PROXY \r\n", "neither TCP4, TCP6 nor UNKNOWN"],
      ["PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n", "neither TCP4"],
      ["PROXY UNKNOWNS\r\n", "neither TCP4"],
      ["PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n", "CR LF"],
      ["PROXY TCP4 192.0.2.1\n", "CR LF"],
      ["PROXY TCP4 192.0.2.1 2001:db8::1 1 2\r\n", "two addresses of TCP4"],
      ["PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n", "two addresses of TCP4"],
      ["PROXY TCP4 192.0.2.1  192.0.2.2 1 2\r\n", "two addresses of TCP4"],
      ["PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n", "two addresses of TCP6"],
      ["PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n", "two addresses of TCP6"],
      ["PROXY TCP4 192.0.2.1 192.0.2.2\r\n", "no two ports"],
      ["PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n", "no two ports"],
      ["PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n", "no two ports"],
      ["PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n", "no two ports"],
      ["PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n", "no two ports"],
      ["PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n", "no two ports"],
      [`PROXY UNKNOWN ${"x".repeat(92)}\r\n`, "over 107 bytes"],
    ] as const
  ) {
    assert(why(text(line)).includes(reason), `${line}: ${why(text(line))}`);
  }
  const longest = `PROXY UNKNOWN ${"x".repeat(91)}\r\n`;
  assertEquals(longest.length, 107);
  assertEquals(parseProxyHeader(text(longest)).kind, "header");
  assertEquals(why(text(longest.slice(0, 106))), "unfinished");
});

Deno.test("parseProxyHeader() reads version 2", () => {
  for (
    const [digits, ip] of [[TCP4, "192.0.2.1"], [TCP6, "2001:db8::7"]] as const
  ) {
    const data = hex(digits);
    const header = { kind: "header", bytes: data.length } as const;
    const source = { ip, port: 40000 };
    assertEquals(parseProxyHeader(data), { ...header, source });
    const rest = concatBytes(data, text("GET /"));
    assertEquals(parseProxyHeader(rest), { ...header, source });
  }
  const udp = hex(TCP4.replace("2111000c", "2112000c"));
  assertEquals(parseProxyHeader(udp), parseProxyHeader(hex(TCP4)));
  const mapped = TCP6.replace(
    "20010db8000000000000000000000007",
    "00000000000000000000ffffc0000201",
  );
  assertEquals(parseProxyHeader(hex(mapped)), {
    kind: "header",
    bytes: 52,
    source: { ip: "192.0.2.1", port: 40000 },
  });
});

Deno.test("parseProxyHeader() reads past the extensions of version 2", () => {
  const extension = "0300045a5a5a5a";
  const digits = TCP4.replace("000c", "0013") + extension;
  assertEquals(parseProxyHeader(hex(digits)), {
    kind: "header",
    bytes: 35,
    source: { ip: "192.0.2.1", port: 40000 },
  });
  assertEquals(why(hex(digits.slice(0, -2))), "unfinished");
});

Deno.test("parseProxyHeader() finds no source in a LOCAL, unspecified or unix one of version 2", () => {
  for (
    const digits of [
      `${SIGNATURE}20000000`, // what HAProxy's checks send
      `${SIGNATURE}2011000cc0000201c63364019c4001bb`,
      `${SIGNATURE}20ff0003ffffff`,
      `${SIGNATURE}21000000`,
      `${SIGNATURE}210000021234`,
      `${SIGNATURE}213100d8${"2f".repeat(216)}`,
    ]
  ) {
    assertEquals(parseProxyHeader(hex(digits)), {
      kind: "header",
      bytes: digits.length / 2,
      source: undefined,
    });
  }
});

Deno.test("parseProxyHeader() refuses what is no header of version 2", () => {
  for (
    const [digits, reason] of [
      ["1111000c", "version 1"],
      ["3111000c", "version 3"],
      ["2211000c", "command"],
      ["2113000c", "family"],
      ["2141000c", "family"],
      ["2111000b", "too short"],
      ["21210023", "too short"],
      ["213100d7", "too short"],
      ["211107f1", "over 2048 bytes"],
      ["2000ffff", "over 2048 bytes"],
    ] as const
  ) {
    const data = hex(SIGNATURE + digits); // without waiting for the rest
    assert(why(data).includes(reason), `${digits}: ${why(data)}`);
  }
  const longest = concatBytes(
    hex(`${SIGNATURE}200007f0`),
    new Uint8Array(0x7f0),
  );
  assertEquals(longest.length, MAX_PROXY_HEADER_BYTES);
  assertEquals(parseProxyHeader(longest).kind, "header");
});

Deno.test("parseProxyHeader() tells a header from something else as early as can be", () => {
  const line = "PROXY TCP4 192.0.2.1 198.51.100.1 40000 443\r\n";
  for (const whole of [text(line), hex(TCP4), hex(TCP6)]) {
    for (let length = 0; length < whole.length; length++) {
      const kind = parseProxyHeader(whole.subarray(0, length)).kind;
      assertEquals(kind, "unfinished", String(length));
    }
    assertEquals(parseProxyHeader(whole).kind, "header");
  }
  for (
    const other of [
      "GET / HTTP/1.1",
      "POST",
      "PU",
      "PROPFIND",
      "PROXY\t",
      "proxy TCP4",
      " PROXY TCP4",
      "\r\nGET",
      "\r\n\r\n\0\r\nQUIX",
      "\x16\x03\x01",
    ]
  ) assertEquals(parseProxyHeader(text(other)), { kind: "none" }, other);
});
