import { IpRange } from "../../../src/util/ip_range.ts";
import { assert, assertEquals } from "../../support/assert.ts";

Deno.test("IpRange.contains() compares as many bits as the range says", () => {
  for (
    const [range, ip, expected] of [
      ["10.0.0.0/8", "10.255.255.255", true],
      ["10.0.0.0/8", "11.0.0.0", false],
      ["10.9.9.9/8", "10.1.2.3", true], // bits behind the length don't count
      ["100.64.0.0/10", "100.127.255.255", true],
      ["100.64.0.0/10", "100.128.0.0", false],
      ["100.64.0.0/10", "100.63.255.255", false],
      ["192.0.2.1/32", "192.0.2.1", true],
      ["192.0.2.1/32", "192.0.2.0", false],
      ["0.0.0.0/0", "203.0.113.9", true],
      ["2001:db8::/33", "2001:db8:7fff::1", true],
      ["2001:db8::/33", "2001:db8:8000::1", false],
      ["::1/128", "::1", true],
      ["::1/128", "::2", false],
      ["::/0", "2001:db8::1", true],
    ] as const
  ) {
    assertEquals(
      IpRange.parse(range)?.contains(ip),
      expected,
      `${ip} in ${range}`,
    );
  }
});

Deno.test("IpRange.contains() keeps IPv4 and IPv6 apart, and knows no zones", () => {
  assert(!IpRange.parse("::/0")?.contains("192.0.2.1"));
  assert(!IpRange.parse("0.0.0.0/0")?.contains("2001:db8::1"));
  assert(!IpRange.parse("fe80::/10")?.contains("fe80::1%eth0"));
  assert(!IpRange.parse("0.0.0.0/0")?.contains("relay.test"));
  assert(!IpRange.parse("0.0.0.0/0")?.contains(""));
});

Deno.test("IpRange.parse() takes nothing but an address and a length", () => {
  for (
    const text of [
      "",
      "10.0.0.0",
      "10.0.0.0/",
      "10.0.0.0/33",
      "10.0.0.0/-1",
      "10.0.0.0/08",
      "10.0.0/8",
      "010.0.0.0/8",
      "::/129",
      "fe80::1%eth0/64",
      "10.0.0.0/8/8",
      "10.0.0.0/8 ",
      "relay.test/8",
    ]
  ) {
    assertEquals(IpRange.parse(text), undefined, text);
  }
});
