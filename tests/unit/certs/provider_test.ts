/** The served certificate. */
import {
  type CertificateFacts,
  ServedCertificate,
} from "../../../src/certs/provider.ts";
import { assert, assertEquals } from "../../support/assert.ts";

const FACTS: CertificateFacts = {
  names: ["derp.test"],
  notBefore: new Date("2026-01-01T00:00:00Z"),
  notAfter: new Date("2026-01-31T00:00:00Z"),
  sha256: "00".repeat(32),
  selfSigned: false,
  chainLength: 1,
};
const SERVED = new ServedCertificate(FACTS, { cert: "chain", key: "secret" });

Deno.test("ServedCertificate.daysLeft() counts whole days, and below zero", () => {
  const daysLeft = (now: string) => SERVED.daysLeft(new Date(now));
  assertEquals(daysLeft("2026-01-01T00:00:00Z"), 30);
  assertEquals(daysLeft("2026-01-01T00:00:01Z"), 29);
  assertEquals(daysLeft("2026-01-30T12:00:00Z"), 0);
  assertEquals(daysLeft("2026-01-31T00:00:01Z"), -1);
});

Deno.test("ServedCertificate gives its key to the listener and to no printer", () => {
  assertEquals(SERVED.tlsKeyPair(), { cert: "chain", key: "secret" });
  for (
    const text of [Deno.inspect(SERVED), JSON.stringify(SERVED), `${SERVED}`]
  ) {
    assert(!text.includes("secret"), text);
  }
});
