/** Each rule for flags that goes beyond their types. */
import { parseCommandLine } from "../../../src/config/command_line.ts";
import {
  assert,
  assertEquals,
  assertStringIncludes,
} from "../../support/assert.ts";
import { configOf, PLAIN, problemsOf, run, surroundings } from "./read_line.ts";

const KEY = "0123456789abcdef".repeat(4);
const VARIABLE = "TAILSCALE_DERPER_MESH_KEY";

Deno.test("parseCommandLine() with -dev overrides -a and throws the key away", () => {
  const { config, notes } = run("-dev -a nonsense -c k");
  assertEquals(config.listen, { port: 3340 });
  assert(!("certificate" in config));
  assert(config.dev === true);
  assert(!("keyFile" in config));
  assertEquals(notes, [
    '-a "nonsense" has no effect with -dev, which listens on :3340',
    '-c "k" has no effect with -dev, which throws its key away',
  ]);
  // As derper: -certmode manual means TLS even here.
  assert("certificate" in configOf("-dev -certmode manual"));
});

Deno.test("parseCommandLine() takes the mesh key from the environment with -dev alone", () => {
  const env = { HOME: "/h", [VARIABLE]: ` ${KEY}\n` };
  const { config, notes } = run("-dev -mesh-with a -mesh-psk-file m", { env });
  assertEquals(config.meshKey?.reveal(), KEY);
  assertEquals(config.meshWith.length, 1);
  assert(!("meshPskFile" in config));
  assertEquals(notes, [
    `-mesh-psk-file "m" has no effect with -dev, which takes ${VARIABLE}`,
  ]);
  assert(!("meshKey" in configOf(PLAIN, { env })));
  assert(!("meshKey" in configOf("-dev", { env: { [VARIABLE]: "" } })));
});

Deno.test("parseCommandLine() names a wrong mesh key's variable and never its value", () => {
  const key = KEY.slice(1) + "x";
  for (const text of [key, KEY + "0", "0".repeat(64), " "]) {
    const problems = problemsOf("-dev -mesh-with a", {
      env: { [VARIABLE]: text },
    });
    assertEquals(problems.length, 1);
    assertStringIncludes(problems[0]!, VARIABLE);
    assert(!problems[0]!.includes(key.slice(0, 8)));
    assert(!problems[0]!.includes("00000000"));
  }
});

Deno.test("parseCommandLine() wants a mesh key for -mesh-with", () => {
  assertEquals(problemsOf(`${PLAIN} -mesh-with a`), [
    'Invalid -mesh-with "a": a mesh needs a key, give it with -mesh-psk-file or -secrets-url',
  ]);
  assertEquals(problemsOf("-dev -mesh-with a -mesh-psk-file m"), [
    `Invalid -mesh-with "a": a mesh needs a key, give it with ${VARIABLE}`,
  ]);
  const file = "/home/derp/keys/derp-mesh.key";
  const config = configOf(`${PLAIN} -mesh-with a`, { files: [file] });
  assertEquals(config.meshPskFile, file);
});

Deno.test("parseCommandLine() checks each entry of -mesh-with", () => {
  const mesh = `${PLAIN} -mesh-psk-file m`;
  const world = surroundings();
  const spaced = parseCommandLine(
    [...mesh.split(" "), "-mesh-with", "a, b:1 "],
    world,
  );
  assert(spaced.kind === "run");
  assertEquals(spaced.config.meshWith.map(({ host }) => host), ["a", "b"]);
  const list = "a,,b/c/d,e:0,f";
  const problems = problemsOf(`${mesh} -mesh-with ${list}`);
  assertEquals(problems.length, 3);
  for (const problem of problems) {
    assertStringIncludes(problem, `Invalid -mesh-with "${list}": `);
  }
});

Deno.test("parseCommandLine() wants -c of everybody but root", () => {
  for (const uid of [1000, null]) {
    const problems = problemsOf("-a :8080", { uid });
    assertEquals(problems.length, 1);
    assertStringIncludes(problems[0]!, 'Invalid -c "": name the file');
  }
  const { config, notes } = run("-a :8080", { uid: 0 });
  assertEquals(config.keyFile, "/var/lib/derper/derper.key");
  assertEquals(notes.length, 1);
  assertEquals(configOf("-a :8080 -c x", { uid: 0 }).keyFile, "x");
});

Deno.test("parseCommandLine() takes a page, nothing or a redirect for -home", () => {
  assertEquals(configOf(`${PLAIN} -home=`).home, { kind: "default" });
  assertEquals(configOf(`${PLAIN} -home blank`).home, { kind: "blank" });
  assertEquals(configOf(`${PLAIN} -home 404`).home, { kind: "not-found" });
  const file = { kind: "file", path: "a.html" } as const;
  assertEquals(configOf(`${PLAIN} -home-file a.html`).home, file);
  assertEquals(problemsOf(`${PLAIN} -home-file a.html -home blank`), [
    'Invalid -home "blank": -home-file is given too',
  ]);
  const urls = [["https://a.example", "https://a.example"], [
    "http://\u00fc.example/\u00fc",
    "http://xn--tda.example/%C3%BC",
  ]];
  for (const [text, url] of urls) {
    assertEquals(configOf(`${PLAIN} -home ${text}`).home, {
      kind: "redirect",
      url: url!,
    });
  }
  for (const home of ["Blank", "example.com", "ftp://x", "https://"]) {
    assertEquals(problemsOf(`${PLAIN} -home ${home}`), [
      `Invalid -home "${home}": it takes "blank", "404", or a URL with http:// or https://`,
    ]);
  }
});

Deno.test("parseCommandLine() bounds times by what the system takes", () => {
  const flags = ["tcp-keepalive-time", "tcp-user-timeout", "tcp-write-timeout"];
  for (const flag of flags) {
    for (const time of ["-1ns", "-5s", "597h"]) {
      const problems = problemsOf(`${PLAIN} -${flag} ${time}`);
      assertEquals(problems.length, 1);
      assertStringIncludes(problems[0]!, `Invalid -${flag} "${time}": `);
    }
  }
  assertStringIncludes(
    problemsOf(`${PLAIN} -drain 61m`)[0]!,
    'Invalid -drain "61m": it can\'t be over 1h0m0s',
  );
  const config = configOf(
    `${PLAIN} -tcp-keepalive-time 0 -tcp-user-timeout 1ns -tcp-write-timeout 596h`,
  );
  assertEquals(config.tcpKeepAliveMs, 15_000); // what Go makes of 0
  assertEquals(config.tcpUserTimeoutMs, 1);
  assertEquals(config.tcpWriteTimeoutMs, 2_145_600_000);
});

Deno.test("parseCommandLine() takes the mesh key from a setec server, rather than from a file", () => {
  const line = `${PLAIN} -mesh-with a -secrets-url https://setec.example`;
  const { config, notes } = run(`${line} -mesh-psk-file m`);
  assertEquals(config.secrets, {
    url: "https://setec.example",
    secretName: "prod/derp/meshkey",
    cachePath: "/home/u/.cache/derper-secrets",
  });
  assert(!("meshPskFile" in config));
  assertEquals(notes, ['-mesh-psk-file "m" has no effect with -secrets-url']);
  const names = [["", "meshkey"], ["/x//y/", "/x/y/meshkey"], [
    "/",
    "/meshkey",
  ]];
  for (const [prefix, name] of names) {
    const { secrets } = configOf(`${line} -secrets-path-prefix=${prefix}`);
    assertEquals(secrets?.secretName, name!);
  }
  assertEquals(problemsOf(`${PLAIN} -secrets-url x -secrets-cache-dir=`), [
    'Invalid -secrets-url "x": it is no URL that starts with http:// or https://',
    'Invalid -secrets-cache-dir "": -secrets-url needs a file to keep the mesh key in',
  ]);
  assert(!("secrets" in configOf("-dev -secrets-url https://setec.example")));
});

Deno.test("parseCommandLine() takes names to resolve, and rollout records for those not published", () => {
  const both = `${PLAIN} -bootstrap-dns-names a.example,b.example/t.example ` +
    "-unpublished-bootstrap-dns-names c.example,d.example/_t.example";
  assertEquals(configOf(both).bootstrapDns, {
    published: ["a.example", "b.example"],
    unpublished: [
      { name: "c.example" },
      { name: "d.example", rolloutRecord: "_t.example" },
    ],
  });
  for (
    const flag of ["bootstrap-dns-names", "unpublished-bootstrap-dns-names"]
  ) {
    const list = "a,,b/c/d,/t,n/,1.2.3.4,ok";
    const problems = problemsOf(`${PLAIN} -${flag} ${list}`);
    assertEquals(problems.length, 5);
    for (const problem of problems) {
      assertStringIncludes(problem, `Invalid -${flag} "${list}": `);
    }
  }
});

Deno.test("parseCommandLine() notes flags that have no effect", () => {
  const line = `${PLAIN} -http-port 81 -certdir d -stun=false -stun-port 1 ` +
    "-socket s -verify-client-url-fail-open=false -acme-eab-key c2VjcmV0 " +
    "-secrets-path-prefix p -accept-connection-limit 1 -stun-health-gate";
  assertEquals([...run(line).notes].sort(), [
    '-accept-connection-limit "1" has no effect without TLS',
    "-acme-eab-key (hidden) has no effect without TLS",
    '-certdir "d" has no effect without TLS',
    '-http-port "81" has no effect without TLS',
    '-secrets-path-prefix "p" has no effect without -secrets-url',
    '-socket "s" has no effect without -verify-clients',
    '-stun-health-gate "true" has no effect with -stun=false',
    '-stun-port "1" has no effect with -stun=false',
    '-verify-client-url-fail-open "false" has no effect without -verify-client-url',
  ]);
});
