/** What is said to do about a link that isn't made. */
import { withAdvice } from "../../../src/mesh/link_advice.ts";
import { assertEquals, assertMatch } from "../../support/assert.ts";

const CASES: readonly (readonly [string, RegExp])[] = [
  [
    "failed to lookup address information: Name or service not known",
    /known; .*-mesh-with/,
  ],
  ["invalid peer certificate: UnknownIssuer", /UnknownIssuer; .*DENO_CERT/],
  [
    'invalid peer certificate: certificate not valid for name "b.test"; certificate is only valid for DnsName("a.test")',
    /"a\.test"\); .*name\/address/,
  ],
];

for (const [why, expected] of CASES) {
  Deno.test(`withAdvice() says what to do about "${why.slice(0, 40)}"`, () => {
    assertMatch(withAdvice(why), expected);
  });
}

Deno.test("withAdvice() leaves alone what explains itself", () => {
  assertEquals(withAdvice("Connection refused"), "Connection refused");
});
