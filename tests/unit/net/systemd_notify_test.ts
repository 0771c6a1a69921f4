/** Where systemd listens. */
import { unixAddress } from "../../../src/net/systemd_notify.ts";
import { toHex } from "../../../src/util/bytes.ts";
import { assertEquals } from "../../support/assert.ts";

Deno.test("unixAddress() ends a path with a zero, and begins an abstract name with one", () => {
  const hex = (path: string) => toHex(unixAddress(path)!);
  assertEquals(hex("/run/n"), "01002f72756e2f6e00");
  assertEquals(hex("@ab"), "0100006162");
});

Deno.test("unixAddress() knows no other addresses, and no path that is too long", () => {
  assertEquals(unixAddress(""), undefined);
  assertEquals(unixAddress("vsock:2:1234"), undefined);
  assertEquals(unixAddress("run/n"), undefined);
  assertEquals(unixAddress(`/${"a".repeat(106)}`)?.length, 2 + 107 + 1);
  assertEquals(unixAddress(`/${"a".repeat(107)}`), undefined);
});
