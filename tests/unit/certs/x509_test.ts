/** The certificate fields that decide whether it can be served. */
import { parsePem } from "../../../src/certs/pem.ts";
import { isForHostname, listNames } from "../../../src/certs/names.ts";
import { parseCertificate } from "../../../src/certs/x509.ts";
import { equalBytes, toHex } from "../../../src/util/bytes.ts";
import { assert, assertEquals, assertThrows } from "../../support/assert.ts";
import {
  ISSUER_CERT,
  LEAF_CERT,
  NAMELESS_CERT,
  ROOT_CERT,
} from "../../support/certs/chain.ts";

const derOf = (pem: string) => parsePem(pem)[0]!.bytes;
const LEAF = derOf(LEAF_CERT);

Deno.test("parseCertificate() reads dates, names and public key", () => {
  const leaf = parseCertificate(LEAF);
  assertEquals(leaf.notBefore.toISOString(), "2026-11-21T14:59:16.000Z"); // UTCTime
  assertEquals(leaf.notAfter.toISOString(), "2126-10-28T14:59:16.000Z"); // GeneralizedTime
  assertEquals(leaf.dnsNames, ["derp.test", "*.wild.test"]);
  assertEquals(leaf.ips.map(toHex), [
    "7f000001",
    "20010db8000000000000000000000001",
  ]);
  assertEquals(leaf.publicKey.length, 65); // an uncompressed point of P-256
  assertEquals(leaf.publicKey[0], 4);
});

Deno.test("parseCertificate() gives names that link a chain", () => {
  const [leaf, issuer, root] = [LEAF_CERT, ISSUER_CERT, ROOT_CERT]
    .map((pem) => parseCertificate(derOf(pem)));
  assert(equalBytes(leaf!.issuer, issuer!.subject));
  assert(equalBytes(issuer!.issuer, root!.subject));
  assert(equalBytes(root!.issuer, root!.subject));
  assert(!equalBytes(leaf!.issuer, root!.subject));
});

Deno.test("parseCertificate() finds no names where there is no subjectAltName", () => {
  assertEquals(listNames(parseCertificate(derOf(NAMELESS_CERT))), []);
});

Deno.test("parseCertificate() refuses every truncation, and a byte too many", () => {
  for (let length = 0; length < LEAF.length; length++) {
    assertThrows(
      () => parseCertificate(LEAF.subarray(0, length)),
      SyntaxError,
    );
  }
  assertThrows(
    () => parseCertificate(Uint8Array.of(...LEAF, 0)),
    SyntaxError,
    "more follows",
  );
});

Deno.test("parseCertificate() throws nothing but SyntaxError for perturbed bytes", () => {
  let refused = 0;
  for (let i = 0; i < LEAF.length; i++) {
    for (const flip of [0x01, 0x20, 0x80, 0xff]) {
      const bytes = LEAF.slice();
      bytes[i]! ^= flip;
      try {
        listNames(parseCertificate(bytes));
      } catch (error) {
        assert(error instanceof SyntaxError, `byte ${i}: ${error}`);
        refused++;
      }
    }
  }
  assert(refused > 100);
});

Deno.test("parseCertificate() refuses a date that doesn't exist", () => {
  // The first UTCTime, 261121145916Z, with month 61 and with a letter.
  const at = LEAF.findIndex((_, i) =>
    LEAF[i] === 0x17 && LEAF[i + 1] === 13 && LEAF[i + 2] === 0x32
  );
  for (const [offset, value] of [[4, 0x36], [5, 0x41]] as const) {
    const bytes = LEAF.slice();
    bytes[at + offset] = value;
    assertThrows(() => parseCertificate(bytes), SyntaxError, "is no date");
  }
});

Deno.test("isForHostname() compares names without regard to case and a final dot", () => {
  const leaf = parseCertificate(LEAF);
  for (const name of ["derp.test", "DERP.Test", "derp.test."]) {
    assert(isForHostname(leaf, name), name);
  }
  for (const name of ["", ".", "test", "a.derp.test", "derp.test.evil"]) {
    assert(!isForHostname(leaf, name), name);
  }
});

Deno.test("isForHostname() lets a wildcard stand for one label", () => {
  const leaf = parseCertificate(LEAF);
  assert(isForHostname(leaf, "a.wild.test"));
  assert(isForHostname(leaf, "*.wild.test"));
  for (
    const name of ["wild.test", ".wild.test", "a.b.wild.test", "awild.test"]
  ) {
    assert(!isForHostname(leaf, name), name);
  }
});

Deno.test("isForHostname() compares addresses by value", () => {
  const leaf = parseCertificate(LEAF);
  for (
    const ip of [
      "127.0.0.1",
      "::ffff:127.0.0.1",
      "2001:db8::1",
      "2001:DB8:0::1",
    ]
  ) {
    assert(isForHostname(leaf, ip), ip);
  }
  for (const ip of ["127.0.0.2", "::1", "2001:db8::1%eth0"]) {
    assert(!isForHostname(leaf, ip), ip);
  }
});

Deno.test("isForHostname() takes no address from a DNS name", () => {
  const leaf = { ...parseCertificate(LEAF), ips: [], dnsNames: ["127.0.0.1"] };
  assert(!isForHostname(leaf, "127.0.0.1"));
});

Deno.test("listNames() writes IPv6 in its short form", () => {
  assertEquals(listNames(parseCertificate(LEAF)), [
    "derp.test",
    "*.wild.test",
    "127.0.0.1",
    "2001:db8::1",
  ]);
});

Deno.test("listNames() has no characters that could break a line", () => {
  const bytes = LEAF.slice();
  const at = LEAF.findIndex((_, i) => LEAF[i] === 0x82 && LEAF[i + 1] === 9);
  bytes[at + 2] = 0x0a; // d
  assertEquals(parseCertificate(bytes).dnsNames[0], "?erp.test");
});
