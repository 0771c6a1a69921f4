/** Private keys of every kind and form. */
import { OperatorError } from "../../../src/util/operator_error.ts";
import { formatPem, parsePem } from "../../../src/certs/pem.ts";
import { parsePrivateKey } from "../../../src/certs/private_key.ts";
import { parseCertificate } from "../../../src/certs/x509.ts";
import { assert, assertEquals, assertThrows } from "../../support/assert.ts";
import {
  ED448,
  ENCRYPTED_PKCS8,
  ENCRYPTED_SEC1,
  RSA_1024,
  SECP256K1_PKCS8,
  SECP256K1_SEC1,
} from "../../support/certs/bad_keys.ts";
import { KEYS } from "../../support/certs/keys.ts";

for (const { name, cert, key } of KEYS) {
  Deno.test(`parsePrivateKey() finds the public key of ${name}`, () => {
    const certificate = parseCertificate(parsePem(cert)[0]!.bytes);
    const parsed = parsePrivateKey(key, "/k");
    assertEquals(parsed.publicKey, certificate.publicKey);
    assertEquals(parsed.pem, key);
  });
}

Deno.test("parsePrivateKey() skips what stands in front of the key", () => {
  const { cert, key } = KEYS[3]!;
  const parameters = formatPem("EC PARAMETERS", Uint8Array.of(5, 0));
  const parsed = parsePrivateKey(cert + parameters + key, "/k");
  assertEquals(parsed.pem, key);
});

Deno.test("parsePrivateKey() says what it can't serve, and why", () => {
  const { cert, key } = KEYS[2]!;
  const cut = parsePem(key)[0]!.bytes.slice(0, 60);
  const kind =
    'Private key "/k" is of a kind that cannot be served; use RSA of 2048';
  const refused: readonly [string, string][] = [
    [ENCRYPTED_PKCS8, 'Private key "/k" is encrypted'],
    [ENCRYPTED_SEC1, 'Private key "/k" is encrypted'],
    [SECP256K1_PKCS8, kind],
    [SECP256K1_SEC1, kind],
    [ED448, kind],
    [RSA_1024, kind],
    [formatPem("OPENSSH PRIVATE KEY", Uint8Array.of(1)), kind],
    [cert, 'Private key "/k" holds no PEM "PRIVATE KEY" block'],
    ["\x30\x82\x04", 'Private key "/k" holds no PEM "PRIVATE KEY" block'],
    [key.slice(0, 100), 'Private key "/k" is damaged PEM text'],
    [formatPem("PRIVATE KEY", cut), 'Private key "/k" is damaged'],
  ];
  for (const [text, message] of refused) {
    const error = assertThrows(
      () => parsePrivateKey(text, "/k"),
      OperatorError,
      message,
    );
    assert(!error.message.includes("\n") && !error.message.endsWith("."));
  }
});

Deno.test("parsePrivateKey() throws nothing but OperatorError for perturbed bytes", () => {
  let refused = 0;
  for (const { key } of [KEYS[1]!, KEYS[2]!, KEYS[3]!, KEYS.at(-1)!]) {
    const { label, bytes } = parsePem(key)[0]!;
    for (let i = 0; i < Math.min(bytes.length, 80); i++) {
      const perturbed = bytes.slice();
      perturbed[i]! ^= 0x81;
      try {
        parsePrivateKey(formatPem(label, perturbed), "/k");
      } catch (error) {
        assert(error instanceof OperatorError, `byte ${i}: ${error}`);
        refused++;
      }
    }
  }
  assert(refused > 40);
});
