/** Private keys as Go keeps them and as the ACME library wants them. */
import { createPrivateKey } from "node:crypto";
import { makeEcKey, toPkcs8 } from "../../../src/certs/acme_key.ts";
import { parsePem } from "../../../src/certs/pem.ts";
import { parsePrivateKey } from "../../../src/certs/private_key.ts";
import { assert, assertEquals, assertThrows } from "../../support/assert.ts";
import { LEAF_KEY } from "../../support/certs/chain.ts";
import { KEYS } from "../../support/certs/keys.ts";

Deno.test("makeEcKey() makes a key that is another each time, and can be served", async () => {
  const pem = await makeEcKey();
  const [block] = parsePem(pem);
  assertEquals(block?.label, "EC PRIVATE KEY");
  // RFC 5915 of P-256 with curve and public key has 121 bytes, as Go and OpenSSL write it.
  assertEquals(block?.bytes.length, 121);
  assertEquals(parsePrivateKey(pem, "test").publicKey.length, 65);
  assert(await makeEcKey() !== pem);
});

Deno.test("toPkcs8() keeps the key, whichever form it has", async () => {
  const made = await makeEcKey();
  for (const pem of [made, LEAF_KEY, ...KEYS.map(({ key }) => key)]) {
    const pkcs8 = toPkcs8(pem);
    assertEquals(parsePem(pkcs8)[0]?.label, "PRIVATE KEY");
    assertEquals(
      parsePrivateKey(pkcs8, "test").publicKey,
      parsePrivateKey(pem, "test").publicKey,
    );
  }
  assertEquals(createPrivateKey(toPkcs8(made)).asymmetricKeyType, "ec");
});

Deno.test("toPkcs8() rejects what is no private key", () => {
  const cases = [
    "",
    "nonsense",
    LEAF_KEY.replaceAll("PRIVATE KEY", "CERTIFICATE"),
    LEAF_KEY.replaceAll("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"),
    "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n",
  ];
  for (const pem of cases) assertThrows(() => toPkcs8(pem), SyntaxError);
});
