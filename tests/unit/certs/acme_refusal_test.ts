/** The ACME server's words for what it doesn't certify. */
import { refusalOf, withRefused } from "../../../src/certs/acme_refusal.ts";
import { AcmeError } from "../../../src/certs/acme_server.ts";
import { assert, assertEquals } from "../../support/assert.ts";

const authorization = (
  value: string,
  status: "invalid" | "valid",
  error?: unknown,
) => ({
  identifier: { type: "dns", value },
  status,
  challenges: [
    { type: "dns-01", url: "", status: "pending" as const, token: "" },
    {
      type: "http-01",
      url: "",
      status,
      token: "",
      ...(error ? { error } : {}),
    },
  ],
  url: "",
});

Deno.test("refusalOf() tells each name that failed, and why", () => {
  const type = "urn:ietf:params:acme:error:connection";
  const refusal = refusalOf([
    authorization("a.test", "invalid", { type, detail: "timeout" }),
    authorization("b.test", "valid"),
    authorization("c.test", "invalid"),
    authorization("d.test", "invalid", { detail: { a: 1 } }),
  ], {});
  assertEquals(
    refusal.message,
    "a.test: timeout (connection); c.test: the ACME server gives no reason; d.test: no detail",
  );
  assertEquals(refusal.refused, ["a.test", "c.test", "d.test"]);
});

Deno.test("refusalOf() tells the order's own error where no name has one", () => {
  const order = { error: { detail: "CAA forbids it", type: "urn:x:caa" } };
  assertEquals(refusalOf([], order).message, "CAA forbids it (caa)");
  assertEquals(refusalOf([], order).refused, []);
});

Deno.test("withRefused() finds the names in a refusal's text", () => {
  const names = ["a.test", "10.0.0.1"];
  const type = "rejectedIdentifier";
  const found = withRefused(new AcmeError("no 10.0.0.1", { type }), names);
  assert(found instanceof AcmeError);
  assertEquals(found.refused, ["10.0.0.1"]);
  for (
    const other of [
      new AcmeError("no 10.0.0.1", { type: "rateLimited" }),
      new AcmeError("no 10.0.0.1", { type, refused: ["a.test"] }),
      new Error("10.0.0.1"),
    ]
  ) assertEquals(withRefused(other, names), other);
});
