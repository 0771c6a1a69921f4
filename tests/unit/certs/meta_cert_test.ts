/** The meta certificate, against what Go's crypto/x509 makes of the same fields and key. */
import { createPrivateKey, createPublicKey, verify } from "node:crypto";
import { Buffer } from "node:buffer";
import { DerReader, DerTag } from "../../../src/certs/der_reader.ts";
import { makeMetaCert } from "../../../src/certs/meta_cert.ts";
import { parsePem } from "../../../src/certs/pem.ts";
import { parseCertificate } from "../../../src/certs/x509.ts";
import { NodePublic } from "../../../src/keys/node_key.ts";
import { toHex } from "../../../src/util/bytes.ts";
import { assert, assertEquals } from "../../support/assert.ts";

const SERVER_KEY = NodePublic.fromBytes(
  Uint8Array.from({ length: 32 }, (_, i) => 0xa0 + i),
);
/** Ed25519 with the seed 01 02 … 20. */
const SIGNER = createPrivateKey({
  key: Buffer.from(
    "302e020100300506032b657004220420" +
      "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20",
    "hex",
  ),
  format: "der",
  type: "pkcs8",
});
/** By Go 1.26.8, made on 2026-11-21T12:34:56Z. */
const FROM_GO =
  "3082016330820115a003020102020102300506032b657030523150304e060355040313" +
  "47646572706b6579613061316132613361346135613661376138613961616162616361" +
  "6461656166623062316232623362346235623662376238623962616262626362646265" +
  "6266301e170d3236313032323132333435365a170d3236313232313132333435365a30" +
  "523150304e06035504031347646572706b657961306131613261336134613561366137" +
  "6138613961616162616361646165616662306231623262336234623562366237623862" +
  "39626162626263626462656266302a300506032b657003210079b5562e8fe654f94078" +
  "b112e8a98ba7901f853ae695bed7e0e3910bad049664a310300e300c0603551d130101" +
  "ff04023000300506032b6570034100e0a6045e73dd3a3c694b5b4e54f7c8f5974b6da3" +
  "9ddecb43468043ff29478928bc67227d10403567595cbaac24473cee686892882c930a" +
  "afa077ddd1e09e1e0b";
/** The same made on 2049-12-21T12:34:56Z: it ends in 2050, which has another form of date. */
const FROM_GO_2050 =
  "3082016530820117a003020102020102300506032b657030523150304e060355040313" +
  "47646572706b6579613061316132613361346135613661376138613961616162616361" +
  "6461656166623062316232623362346235623662376238623962616262626362646265" +
  "62663020170d3439313132313132333435365a180f3230353030313230313233343536" +
  "5a30523150304e06035504031347646572706b65796130613161326133613461356136" +
  "6137613861396161616261636164616561666230623162326233623462356236623762" +
  "386239626162626263626462656266302a300506032b657003210079b5562e8fe654f9" +
  "4078b112e8a98ba7901f853ae695bed7e0e3910bad049664a310300e300c0603551d13" +
  "0101ff04023000300506032b6570034100e68c11a1949719d16b133c1a43e226e39911" +
  "ca6ed71d97274d403cb726ac78dac629ff26cb4f3a82b55afe98603ba4f4c5df39b222" +
  "e5f280dd3783f6d5de9a06";

function derOf(pem: string): Uint8Array {
  const [block, ...others] = parsePem(pem);
  assertEquals([block?.label, others.length], ["CERTIFICATE", 0]);
  return block!.bytes;
}

Deno.test("makeMetaCert() makes the bytes that Go makes", () => {
  for (
    const [now, expected] of [
      ["2026-11-21T12:34:56Z", FROM_GO],
      ["2049-12-21T12:34:56Z", FROM_GO_2050],
    ] as const
  ) {
    const pem = makeMetaCert(SERVER_KEY, new Date(now), { signer: SIGNER });
    assertEquals(toHex(derOf(pem)), expected);
  }
});

Deno.test("makeMetaCert() names the server key and is valid 30 days either side", () => {
  const now = new Date("2026-11-21T12:34:56.789Z");
  const parsed = parseCertificate(derOf(makeMetaCert(SERVER_KEY, now)));
  const subject = new TextDecoder().decode(parsed.subject);
  assert(subject.endsWith(`derpkey${SERVER_KEY.hex()}`));
  assertEquals(parsed.issuer, parsed.subject);
  assertEquals(parsed.notBefore.toISOString(), "2026-10-22T12:34:56.000Z");
  assertEquals(parsed.notAfter.toISOString(), "2026-12-21T12:34:56.000Z");
});

Deno.test("makeMetaCert() signs with a new key each time, and the signature holds", () => {
  const now = new Date("2026-11-21T12:34:56Z");
  const made = [1, 2].map(() => derOf(makeMetaCert(SERVER_KEY, now)));
  assert(toHex(made[0]!) !== toHex(made[1]!));
  for (const bytes of made) {
    const certificate = new DerReader(bytes).enter(DerTag.sequence);
    const signed = certificate.read(DerTag.sequence).whole;
    certificate.read(DerTag.sequence);
    const signature = certificate.readBitString();
    const publicKey = createPublicKey({
      key: Buffer.concat([
        Buffer.from("302a300506032b6570032100", "hex"),
        parseCertificate(bytes).publicKey,
      ]),
      format: "der",
      type: "spki",
    });
    assert(verify(null, signed, publicKey, signature));
  }
});
