/** Who may see the pages for operators; the rule is that of derper 1.102.5. */
import {
  DebugAccess,
  type DebugAccessOptions,
} from "../../../src/debug/access.ts";
import { LogLimiter } from "../../../src/log/limited.ts";
import { OperatorError } from "../../../src/util/operator_error.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "../../support/assert.ts";
import { FakeClock } from "../../support/fake_clock.ts";

type Variables = Omit<DebugAccessOptions, "limiter">;

async function allows(
  ip: string,
  variables: Variables = {},
  proxy?: "trusted" | "unknown",
): Promise<boolean> {
  const limiter = new LogLimiter(new FakeClock());
  const access = await DebugAccess.create({ ...variables, limiter });
  const request = new Request("https://relay.test/debug/");
  return await access.allows(request, {
    remote: { ip, port: 1 },
    proxy,
    secure: true,
  });
}

Deno.test("DebugAccess allows loopback and Tailscale addresses, and nobody else", async () => {
  for (
    const [ip, expected] of [
      ["127.0.0.1", true],
      ["127.9.9.9", true],
      ["::1", true],
      ["100.64.0.1", true],
      ["100.127.255.255", true],
      ["100.115.91.255", true],
      ["100.115.92.0", false], // ChromeOS's
      ["100.115.93.255", false],
      ["100.115.94.0", true],
      ["100.63.255.255", false],
      ["100.128.0.0", false],
      ["fd7a:115c:a1e0::1", true],
      ["fd7a:115c:a1e0:ffff::1", true],
      ["fd7a:115c:a1e1::1", false],
      ["192.0.2.1", false],
      ["10.0.0.1", false],
      ["2001:db8::1", false],
      ["", false],
    ] as const
  ) {
    assertEquals(await allows(ip), expected, ip);
  }
});

Deno.test("DebugAccess allows whom TS_ALLOW_DEBUG_IP names", async () => {
  const allowIp = "192.0.2.1";
  assert(await allows("192.0.2.1", { allowIp }));
  assert(!(await allows("192.0.2.10", { allowIp })));
  assert(!(await allows("", { allowIp: undefined })));
});

Deno.test("DebugAccess allows the ranges of TS_DEBUG_TRUSTED_CIDRS", async () => {
  const trustedCidrs = " 192.0.2.0/24, ,2001:db8::/32";
  assert(await allows("192.0.2.77", { trustedCidrs }));
  assert(await allows("2001:db8::7", { trustedCidrs }));
  assert(!(await allows("198.51.100.1", { trustedCidrs })));
  assert(!(await allows("192.0.2.1", { trustedCidrs: "" })));
});

Deno.test("DebugAccess allows nobody who comes by way of a proxy that doesn't tell who it is", async () => {
  const variables = { allowIp: "192.0.2.1", trustedCidrs: "192.0.2.0/24" };
  for (const ip of ["127.0.0.1", "100.64.0.1", "192.0.2.1", "192.0.2.2"]) {
    assert(await allows(ip, variables), ip);
    assert(!(await allows(ip, variables, "unknown")), ip);
  }
});

Deno.test("DebugAccess judges by the address that a trusted proxy tells, but for loopback", async () => {
  const variables = { allowIp: "192.0.2.1", trustedCidrs: "192.0.2.0/24" };
  for (const ip of ["100.64.0.1", "192.0.2.1", "192.0.2.2"]) {
    assert(await allows(ip, variables, "trusted"), ip);
  }
  for (const ip of ["127.0.0.1", "::1", "198.51.100.1"]) {
    assert(!(await allows(ip, variables, "trusted")), ip);
  }
});

Deno.test("DebugAccess.create() names what is no range, and its variable", async () => {
  const error = await assertRejects(
    () => allows("127.0.0.1", { trustedCidrs: "10.0.0.0/8,10.0.0.0" }),
    OperatorError,
  );
  assertStringIncludes(
    error.message,
    '"10.0.0.0" in TS_DEBUG_TRUSTED_CIDRS is no range',
  );
});
