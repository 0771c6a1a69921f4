/** The certificate for an address. */
import { X509Certificate } from "node:crypto";
import { isForHostname } from "../../../src/certs/names.ts";
import { parsePem } from "../../../src/certs/pem.ts";
import { parsePrivateKey } from "../../../src/certs/private_key.ts";
import { makeSelfSigned } from "../../../src/certs/self_signed.ts";
import { parseCertificate } from "../../../src/certs/x509.ts";
import { toHex } from "../../../src/util/bytes.ts";
import { assert, assertEquals } from "../../support/assert.ts";

/** Object identifiers and values of the extensions, as DER has them. */
const EXTENSIONS = {
  "key usage, critical: signature and key encipherment":
    "0603551d0f0101ff0404030205a0",
  "extended key usage: server": "0603551d25040c300a06082b06010505070301",
  "basic constraints, critical: no CA": "0603551d130101ff04023000",
};

for (
  const [ip, subjectAltName] of [
    ["192.0.2.7", "0603551d110408300687" + "04c0000207"],
    [
      "2001:db8::7",
      "0603551d110414301287" + "1020010db8000000000000000000000007",
    ],
  ] as const
) {
  Deno.test(`makeSelfSigned() makes a certificate that is for ${ip}`, () => {
    const now = new Date("2026-11-21T12:34:56Z");
    const { certPem, keyPem } = makeSelfSigned(ip, now);
    const certificate = parseCertificate(parsePem(certPem)[0]!.bytes);
    assert(isForHostname(certificate, ip));
    assertEquals(certificate.issuer, certificate.subject);
    assert(new TextDecoder().decode(certificate.subject).endsWith(ip));
    assertEquals(
      certificate.notBefore.toISOString(),
      "2026-11-21T11:34:56.000Z",
    );
    assertEquals(
      certificate.notAfter.toISOString(),
      "2036-11-21T12:34:56.000Z",
    );
    const key = parsePrivateKey(keyPem, "/k");
    assertEquals(key.publicKey, certificate.publicKey);
    const hex = toHex(certificate.bytes);
    assert(hex.includes(subjectAltName), "subjectAltName");
    for (const [what, expected] of Object.entries(EXTENSIONS)) {
      assert(hex.includes(expected), what);
    }
  });
}

Deno.test("makeSelfSigned() never makes the same key or serial number twice", () => {
  const made = [1, 2].map(() => makeSelfSigned("192.0.2.7", new Date()));
  assert(made[0]!.keyPem !== made[1]!.keyPem);
  assert(made[0]!.certPem !== made[1]!.certPem);
});

Deno.test("makeSelfSigned() signs with the key that it certifies", () => {
  const { certPem } = makeSelfSigned("192.0.2.7", new Date());
  const certificate = new X509Certificate(certPem);
  assert(certificate.verify(certificate.publicKey));
});
