/** The rules for proxies, and for the unix socket that they come by. */
import {
  assert,
  assertEquals,
  assertStringIncludes,
} from "../../support/assert.ts";
import { configOf, PLAIN, problemsOf, run, TLS } from "./read_line.ts";

const UNIX = "-a unix:/run/derper.sock -c k";

Deno.test("parseCommandLine() takes addresses, ranges and the unix socket for trusted proxies", () => {
  assert(!("trustedProxies" in configOf(PLAIN)));
  const list = "127.0.0.1,10.0.0.0/8,::1,2001:db8::/32";
  for (const line of [PLAIN, TLS]) {
    const { ranges, unix } = configOf(`${line} -trusted-proxies ${list}`)
      .trustedProxies!;
    const trusts = (ip: string) => ranges.some((range) => range.contains(ip));
    assertEquals([ranges.length, unix], [4, false]);
    for (const ip of ["127.0.0.1", "10.9.9.9", "::1", "2001:db8::1"]) {
      assert(trusts(ip), ip);
    }
    for (const ip of ["127.0.0.2", "11.0.0.1", "::2", "2001:db9::1"]) {
      assert(!trusts(ip), ip);
    }
  }
  const unix = run(`${UNIX} -trusted-proxies unix,10.0.0.0/8`);
  assertEquals(unix.notes, []);
  assert(unix.config.trustedProxies?.unix);
  assertEquals(unix.config.trustedProxies?.ranges.length, 1);
});

Deno.test("parseCommandLine() names what is no trusted proxy", () => {
  for (
    const [text, why] of [
      ["10.0.0.0/33", '"10.0.0.0/33" is no IP address, no range'],
      ["example.com", '"example.com" is no IP address'],
      ["fe80::1%eth0", '"fe80::1%eth0" is no IP address'],
      ["10.0.0.1,", "it has an empty entry, leave out the comma"],
      ["unix:/run/derper.sock", "is no IP address"],
    ] as const
  ) {
    const problems = problemsOf(`${PLAIN} -trusted-proxies ${text}`);
    assertEquals(problems.length, 1, text);
    assertStringIncludes(
      problems[0]!,
      `Invalid -trusted-proxies "${text}": `,
    );
    assertStringIncludes(problems[0]!, why);
  }
});

Deno.test("parseCommandLine() notes trusted proxies that aren't what the operator thinks", () => {
  const notes = (line: string) => run(line).notes.join();
  assertStringIncludes(notes(`${PLAIN} -trusted-proxies 0.0.0.0/0`), '"0.0.0');
  assertStringIncludes(notes(`${PLAIN} -trusted-proxies ::/0`), "everybody");
  assertStringIncludes(
    notes(`${PLAIN} -trusted-proxies unix`),
    "has no effect without -a unix:PATH",
  );
  assertStringIncludes(notes(UNIX), 'Without "unix" in -trusted-proxies');
  assertEquals(notes(`${PLAIN} -trusted-proxies 10.0.0.0/8`), "");
});

Deno.test("parseCommandLine() listens on a unix socket, without TLS, and STUN on all addresses", () => {
  const { config } = run(UNIX);
  assertEquals(config.listen, { port: 0, path: "/run/derper.sock" });
  assertEquals(config.stunPort, 3478);
  for (const absent of ["certificate", "httpPort", "accept"]) {
    assert(!(absent in config), absent);
  }
  const manual = run(`${UNIX} -certmode manual -trusted-proxies unix`);
  assert(!("certificate" in manual.config));
  assertEquals(manual.notes, [
    '-certmode "manual" has no effect on a unix socket, where TLS is the proxy\'s',
  ]);
  const files = run(
    `${UNIX} -cert-file c -key-file d -http-port 81 -trusted-proxies unix`,
  );
  assertEquals(files.notes, [
    '-cert-file "c" has no effect without TLS',
    '-key-file "d" has no effect without TLS',
    '-http-port "81" has no effect without TLS',
  ]);
  const dev = run(`${UNIX} -dev`).config;
  assertEquals(dev.listen, { port: 3340 });
  const metrics = problemsOf(`${PLAIN} -metrics-addr unix:/run/m.sock`);
  assertStringIncludes(metrics[0]!, "Invalid -metrics-addr");
});

Deno.test("parseCommandLine() refuses a path that no unix socket can have", () => {
  for (const path of ["", "@derper", `/${"x".repeat(96)}`]) {
    const problems = problemsOf(`-a unix:${path} -c k`);
    assertEquals(problems.length, 1, path);
    assertStringIncludes(problems[0]!, `Invalid -a "unix:${path}": `);
  }
  const longest = `/${"x".repeat(95)}`;
  assertEquals(configOf(`-a unix:${longest} -c k`).listen.path, longest);
});
