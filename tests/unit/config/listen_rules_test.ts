/** The rules for ports, and for how many connections are accepted. */
import {
  assert,
  assertEquals,
  assertStringIncludes,
} from "../../support/assert.ts";
import { configOf, PLAIN, problemsOf, run, TLS } from "./read_line.ts";

Deno.test("parseCommandLine() has a plain-HTTP port beside TLS, with -1 for none", () => {
  assertEquals(configOf(`${TLS} -http-port 0`).httpPort, 0);
  assert(!("httpPort" in configOf(`${TLS} -http-port -1`)));
  assert(!("httpPort" in configOf(`${PLAIN} -http-port 81`)));
  for (const port of ["-2", "65536", "8443"]) {
    const problems = problemsOf(`${TLS} -http-port ${port}`);
    assertEquals(problems.length, 1);
    assertStringIncludes(problems[0]!, `Invalid -http-port "${port}": `);
  }
  assertEquals(
    configOf("-a :0 -certmode manual -c k -http-port 0").httpPort,
    0,
  );
  assertEquals(configOf("-a :80 -c k").listen.port, 80);
});

Deno.test("parseCommandLine() checks the STUN port where STUN is on", () => {
  assertEquals(configOf(`${PLAIN} -stun-port 0`).stunPort, 0);
  assert(!("stunPort" in configOf(`${PLAIN} -stun=false -stun-port -1`)));
  for (const port of ["-1", "65536"]) {
    const problems = problemsOf(`${PLAIN} -stun-port ${port}`);
    assertEquals(problems.length, 1);
    assertStringIncludes(problems[0]!, `Invalid -stun-port "${port}": `);
  }
});

Deno.test("parseCommandLine() has metrics on an address that nothing else has", () => {
  assert(!("metricsAddress" in configOf(TLS)));
  assertEquals(configOf(`${TLS} -metrics-addr :9090`).metricsAddress, {
    port: 9090,
  });
  for (const [flag, port] of [["-a", 8443], ["-http-port", 80]]) {
    for (const address of [`:${port}`, `127.0.0.1:${port}`]) {
      const problems = problemsOf(`${TLS} -metrics-addr ${address}`);
      assertEquals(problems.length, 1);
      assertStringIncludes(
        problems[0]!,
        `Invalid -metrics-addr "${address}": ${flag}`,
      );
    }
  }
  const apart = "-a 10.0.0.1:443 -certmode manual -c k -metrics-addr [::1]:443";
  assertEquals(configOf(apart).metricsAddress?.hostname, "::1");
  assertEquals(configOf("-a :0 -c k -metrics-addr :0").metricsAddress?.port, 0);
  assertEquals(problemsOf(`${PLAIN} -metrics-addr 9090`).length, 1);
});

Deno.test("parseCommandLine() limits accepted connections by a rate and a burst together", () => {
  const limit = "-accept-connection-limit";
  const burst = "-accept-connection-burst";
  assertEquals(configOf(`${TLS} ${limit} 0.5 ${burst} 3`).accept, {
    perSecond: 0.5,
    burst: 3,
  });
  assert(!("accept" in configOf(TLS)));
  assert(!("accept" in configOf(`${PLAIN} ${limit} 1 ${burst} 1`)));
  const alone = [
    [`${limit} 10`, `${limit} "10" has no effect without ${burst}`],
    [`${burst} 10`, `${burst} "10" has no effect without ${limit}`],
  ];
  for (const [flags, note] of alone) {
    const { config, notes } = run(`${TLS} ${flags}`);
    assert(!("accept" in config));
    assertEquals(notes, [note!]);
  }
  assertEquals(problemsOf(`${TLS} ${limit} -1 ${burst} 0`), [
    `Invalid ${limit} "-1": it takes a number above 0`,
    `Invalid ${burst} "0": it takes at least 1, for with less no connection is accepted`,
  ]);
});
