/** IP addresses as text and as 16 bytes. */
import { toHex } from "../../../src/util/bytes.ts";
import {
  canonicalIp,
  formatIp,
  isLoopback,
  isMappedIpv4,
  networkOf,
  parseIp,
  parseIpv4,
  unmapIp,
} from "../../../src/util/ip.ts";
import { assert, assertEquals } from "../../support/assert.ts";

/** Text and the 16 bytes it stands for. */
const ADDRESSES: Record<string, string> = {
  "192.0.2.1": "00000000000000000000ffffc0000201",
  "0.0.0.0": "00000000000000000000ffff00000000",
  "255.255.255.255": "00000000000000000000ffffffffffff",
  "::": "00000000000000000000000000000000",
  "::1": "00000000000000000000000000000001",
  "1::": "00010000000000000000000000000000",
  "2001:db8::7": "20010db8000000000000000000000007",
  "2001:DB8:0:0:0:0:0:7": "20010db8000000000000000000000007",
  "1:2:3:4:5:6:7:8": "00010002000300040005000600070008",
  "1:2:3:4:5:6:7::": "00010002000300040005000600070000",
  "::2:3:4:5:6:7:8": "00000002000300040005000600070008",
  "::ffff:192.0.2.1": "00000000000000000000ffffc0000201",
  "64:ff9b::192.0.2.33": "0064ff9b0000000000000000c0000221",
  "1:2:3:4:5:6:1.2.3.4": "00010002000300040005000601020304",
  "fe80::1%eth0": "fe800000000000000000000000000001",
};

/** Text that is no address. */
const NO_ADDRESSES = [
  "",
  ":",
  ":::",
  "1",
  "1:2:3:4:5:6:7",
  "1:2:3:4:5:6:7:8:9",
  "1::2::3",
  ":1:2:3:4:5:6:7",
  "1:2:3:4:5:6:7:",
  "1:2:3:4::5:6:7:8",
  "12345::",
  "g::",
  "::1.2.3",
  "::1.2.3.4:5",
  "1.2.3.4::",
  "1:2:3:4:5:6:7:1.2.3.4",
  "1.2.3",
  "1.2.3.4.5",
  "256.0.0.1",
  "01.2.3.4",
  "1.2.3.-4",
  "1.2.3.4 ",
  "1.2.3.4%eth0",
  "%eth0",
  "[::1]",
];

Deno.test("parseIp() reads every form of RFC 4291, section 2.2", () => {
  for (const [text, hex] of Object.entries(ADDRESSES)) {
    const ip = parseIp(text);
    assertEquals(ip && toHex(ip), hex, text);
  }
});

Deno.test("parseIp() takes nothing else", () => {
  for (const text of NO_ADDRESSES) {
    assertEquals(parseIp(text), undefined, JSON.stringify(text));
  }
});

Deno.test("parseIpv4() takes four numbers up to 255 without leading zeros", () => {
  assertEquals(parseIpv4("10.0.255.9"), Uint8Array.of(10, 0, 255, 9));
  for (const text of ["", "1.2.3", "00.0.0.0", "1.2.3.256", "1.2.3.4\n"]) {
    assertEquals(parseIpv4(text), undefined, JSON.stringify(text));
  }
});

Deno.test("formatIp() writes what parseIp() reads as the same address", () => {
  for (const hex of Object.values(ADDRESSES)) {
    const ip = Uint8Array.from(hex.match(/../g)!, (byte) => parseInt(byte, 16));
    assertEquals(toHex(parseIp(formatIp(ip))!), hex);
  }
  assertEquals(formatIp(parseIp("::ffff:1.2.3.4")!), "1.2.3.4");
  assertEquals(formatIp(parseIp("2001:db8::7")!), "2001:db8:0:0:0:0:0:7");
});

Deno.test("isMappedIpv4() knows ::ffff:0:0/96 and nothing else", () => {
  assert(isMappedIpv4(parseIp("::ffff:1.2.3.4")!));
  for (const text of ["::1.2.3.4", "::fffe:1.2.3.4", "1::ffff:1.2.3.4"]) {
    assert(!isMappedIpv4(parseIp(text)!), text);
  }
});

Deno.test("unmapIp() makes IPv4 of a mapped address and cuts off a zone", () => {
  assertEquals(unmapIp("::ffff:192.0.2.1"), "192.0.2.1");
  assertEquals(unmapIp("192.0.2.1"), "192.0.2.1");
  assertEquals(unmapIp("fe80::1%eth0"), "fe80::1");
  assertEquals(unmapIp("2001:db8::7"), "2001:db8::7");
  assertEquals(unmapIp("no address"), "no address");
});

Deno.test("networkOf() is the address of IPv4, and the /64 of IPv6", () => {
  assertEquals(networkOf("192.0.2.1"), "192.0.2.1");
  assertEquals(networkOf("::ffff:192.0.2.1"), "192.0.2.1");
  const here = networkOf("2001:db8:0:7::1");
  assertEquals(networkOf("2001:db8:0:7:ffff::2"), here);
  assert(networkOf("2001:db8:0:8::1") !== here);
  assert(networkOf("2001:db8:1:7::1") !== here);
  assertEquals(networkOf("somewhere"), "somewhere");
});

Deno.test("canonicalIp() writes an address as the runtime does", () => {
  for (
    const [text, expected] of [
      ["192.0.2.1", "192.0.2.1"],
      ["::ffff:192.0.2.1", "192.0.2.1"],
      ["2001:DB8:0:0:0:0:0:7", "2001:db8::7"],
      ["2001:db8:0:0:1:0:0:0", "2001:db8:0:0:1::"],
      ["0:0:0:0:0:0:0:1", "::1"],
      ["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"],
      ["fe80::1%eth0", "fe80::1"],
    ] as const
  ) assertEquals(canonicalIp(text), expected, text);
  for (const text of NO_ADDRESSES) assertEquals(canonicalIp(text), undefined);
});

Deno.test("isLoopback() knows all of 127.0.0.0/8, and ::1", () => {
  for (const yes of ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"]) {
    assert(isLoopback(yes), yes);
  }
  for (const no of ["10.0.0.1", "::", "::2", "localhost", "128.0.0.1"]) {
    assert(!isLoopback(no), no);
  }
});
