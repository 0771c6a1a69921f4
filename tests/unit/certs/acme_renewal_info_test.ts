/** The name that a certificate has at its ACME server, and the advice on its renewal. */
import {
  parseRenewalInfo,
  renewalId,
} from "../../../src/certs/acme_renewal_info.ts";
import { parsePem } from "../../../src/certs/pem.ts";
import { assertEquals, assertThrows } from "../../support/assert.ts";
import { LEAF_CERT, ROOT_CERT } from "../../support/certs/chain.ts";

/** RFC 9773, appendix A. */
const EXAMPLE = `-----BEGIN CERTIFICATE-----
MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt
cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS
BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu
7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf
qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B
yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb
+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK
-----END CERTIFICATE-----
`;
const NOW = new Date("2026-01-01T00:00:00Z");

const idOf = (pem: string) => renewalId(parsePem(pem)[0]!.bytes);

Deno.test("renewalId() gives the names of RFC 9773 and of OpenSSL's certificates", () => {
  assertEquals(idOf(EXAMPLE), "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
  assertEquals(idOf(LEAF_CERT), "UVGouYsa5xDw9Zv8ICb3itYKTYQ.Aw");
});

Deno.test("renewalId() gives none without an authority key identifier", () => {
  assertEquals(idOf(ROOT_CERT), undefined);
  assertThrows(() => renewalId(new Uint8Array(10)), SyntaxError);
});

Deno.test("parseRenewalInfo() takes a window and when to ask again", () => {
  const suggestedWindow = {
    start: "2026-02-01T00:00:00Z",
    end: "2026-02-02T00:00:00Z",
  };
  const parse = (retryAfter?: string) =>
    parseRenewalInfo({ suggestedWindow }, { retryAfter, now: NOW });
  assertEquals(parse("21600"), {
    start: new Date("2026-02-01T00:00:00Z"),
    end: new Date("2026-02-02T00:00:00Z"),
    retryAfterMs: 21_600_000,
  });
  assertEquals(
    parse("Thu, 01 Jan 2026 01:00:00 GMT")?.retryAfterMs,
    3_600_000,
  );
  for (const nonsense of ["-1", "soon", "0", undefined]) {
    assertEquals(parse(nonsense)?.retryAfterMs, undefined);
  }
  assertEquals(parse("999999999999")?.retryAfterMs, 86_400_000);
});

Deno.test("parseRenewalInfo() takes nonsense for no advice", () => {
  const start = "2026-02-01T00:00:00Z";
  const cases: unknown[] = [
    undefined,
    null,
    [],
    "window",
    {},
    { suggestedWindow: null },
    { suggestedWindow: { start } },
    { suggestedWindow: { start, end: start } },
    { suggestedWindow: { start, end: "2026-01-01T00:00:00Z" } },
    { suggestedWindow: { start: "x", end: start } },
  ];
  for (const data of cases) {
    const info = parseRenewalInfo(data, { retryAfter: undefined, now: NOW });
    assertEquals(info, undefined);
  }
});
