/** The order of a chain. */
import { checkOrder, parseChain } from "../../../src/certs/chain.ts";
import { OperatorError } from "../../../src/util/operator_error.ts";
import { formatPem } from "../../../src/certs/pem.ts";
import { assertEquals, assertThrows } from "../../support/assert.ts";
import {
  ISSUER_CERT,
  LEAF_CERT,
  LEAF_KEY,
  ROOT_CERT,
} from "../../support/certs/chain.ts";
import { KEYS } from "../../support/certs/keys.ts";

const check = (...pems: string[]) =>
  checkOrder(parseChain(pems.join(""), "/c"), "/c");

Deno.test("parseChain() takes the certificates and leaves the rest", () => {
  const text = `text\n${LEAF_KEY}${LEAF_CERT}\n${ISSUER_CERT}`;
  assertEquals(parseChain(text, "/c").length, 2);
});

Deno.test("parseChain() says what is no chain, and why", () => {
  const refused: readonly [string, string][] = [
    ["words", 'Certificate "/c" holds no PEM "CERTIFICATE" block'],
    [LEAF_KEY, 'Certificate "/c" holds no PEM "CERTIFICATE" block'],
    [LEAF_CERT.slice(0, 200), 'Certificate "/c" is damaged PEM text'],
    [
      LEAF_CERT + formatPem("CERTIFICATE", Uint8Array.of(0x30, 0)),
      'Certificate "/c" is damaged: block 2 of 2 is not an X.509 certificate',
    ],
  ];
  for (const [text, message] of refused) {
    assertThrows(() => parseChain(text, "/c"), OperatorError, message);
  }
});

Deno.test("checkOrder() accepts a chain with and without its root", () => {
  check(LEAF_CERT);
  check(LEAF_CERT, ISSUER_CERT);
  check(LEAF_CERT, ISSUER_CERT, ROOT_CERT);
});

Deno.test("checkOrder() accepts two certificates of one issuer, as cross-signing makes them", () => {
  check(LEAF_CERT, ISSUER_CERT, ISSUER_CERT, ROOT_CERT);
});

Deno.test("checkOrder() names the first certificate that is out of order", () => {
  const refused: readonly [string[], string][] = [
    [[LEAF_CERT, ROOT_CERT, ISSUER_CERT], "certificate 2 of 3 issued none"],
    [[ISSUER_CERT, LEAF_CERT], "certificate 2 of 2 issued none"],
    [[LEAF_CERT, ISSUER_CERT, KEYS[0]!.cert], "certificate 3 of 3 issued none"],
  ];
  for (const [pems, message] of refused) {
    assertThrows(
      () => check(...pems),
      OperatorError,
      `Certificate "/c" is out of order: ${message}`,
    );
  }
});
