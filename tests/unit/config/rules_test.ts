/** Each rule for flags that goes beyond their types. */
import { parseCommandLine } from "../../../src/config/command_line.ts";
import {
  assert,
  assertEquals,
  assertStringIncludes,
} from "../../support/assert.ts";
import {
  configOf,
  PLAIN,
  problemsOf,
  run,
  surroundings,
  TLS,
} from "./read_line.ts";

const KEY = "0123456789abcdef".repeat(4);
const VARIABLE = "TAILSCALE_DERPER_MESH_KEY";

Deno.test("parseCommandLine() serves TLS on port 443 and with -certmode manual", () => {
  assert(configOf(PLAIN).tls === false);
  assert(configOf(TLS).tls === true);
  for (const address of [":443", ":https", "[::1]:443", "10.0.0.1:0443"]) {
    assert(configOf(`-a ${address} -certmode manual -c k`).tls === true);
  }
  for (const mode of ["letsencrypt", "gcp"]) {
    assert(configOf(`${PLAIN} -certmode ${mode}`).tls === false);
    assertEquals(problemsOf(`-a :443 -c k -certmode ${mode}`), [
      `Invalid -certmode "${mode}": it is the default and not supported yet, use -certmode manual with the files in -certdir`,
    ]);
  }
  assertEquals(problemsOf("-c k").length, 1);
  assertEquals(problemsOf(`${PLAIN} -certmode off`), [
    'Invalid -certmode "off": it takes manual, letsencrypt or gcp',
  ]);
});

Deno.test("parseCommandLine() checks the certificate's flags where there is one", () => {
  const bad = "-certdir= -hostname https://x";
  assertEquals(problemsOf(`${TLS} ${bad}`), [
    'Invalid -certdir "": name the directory of the certificate',
    'Invalid -hostname "https://x": it is a URL, give the host name in it alone',
  ]);
  assertEquals(configOf(`${PLAIN} ${bad}`).hostname, "https://x");
  assertEquals(problemsOf(TLS, { env: {} }).length, 1);
});

Deno.test("parseCommandLine() with -dev overrides -a and throws the key away", () => {
  const { config, notes } = run("-dev -a nonsense -c k");
  assertEquals(config.listen, { port: 3340 });
  assert(config.tls === false);
  assert(config.dev === true);
  assert(!("keyFile" in config));
  assertEquals(notes, [
    '-a "nonsense" has no effect with -dev, which listens on :3340',
    '-c "k" has no effect with -dev, which throws its key away',
  ]);
  // As derper: -certmode manual means TLS even here.
  assert(configOf("-dev -certmode manual").tls === true);
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
    'Invalid -mesh-with "a": a mesh needs a key, give it with -mesh-psk-file',
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

Deno.test("parseCommandLine() takes a page, nothing or a redirect for -home", () => {
  assertEquals(configOf(`${PLAIN} -home=`).home, { kind: "default" });
  assertEquals(configOf(`${PLAIN} -home blank`).home, { kind: "blank" });
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
      `Invalid -home "${home}": it takes "blank", or a URL with http:// or https://`,
    ]);
  }
});

Deno.test("parseCommandLine() checks the flags of verification", () => {
  assertEquals(
    configOf(`${PLAIN} -verify-clients`).verifyClients?.socket,
    "/var/run/tailscale/tailscaled.sock",
  );
  const url = configOf(`${PLAIN} -verify-client-url https://v`).verifyClientUrl;
  assertEquals(url, { url: "https://v", failOpen: true });
  assertEquals(problemsOf(`${PLAIN} -verify-client-url v:80`), [
    'Invalid -verify-client-url "v:80": it is no URL that starts with http:// or https://',
  ]);
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
  const config = configOf(
    `${PLAIN} -tcp-keepalive-time 0 -tcp-user-timeout 1ns -tcp-write-timeout 596h`,
  );
  assertEquals(config.tcpKeepAliveMs, 15_000); // what Go makes of 0
  assertEquals(config.tcpUserTimeoutMs, 1);
  assertEquals(config.tcpWriteTimeoutMs, 2_145_600_000);
});

Deno.test("parseCommandLine() notes flags that have no effect", () => {
  const line = `${PLAIN} -http-port 81 -certdir d -stun=false -stun-port 1 ` +
    "-socket s -verify-client-url-fail-open=false";
  assertEquals(run(line).notes, [
    '-http-port "81" has no effect without TLS',
    '-certdir "d" has no effect without TLS',
    '-stun-port "1" has no effect with -stun=false',
    '-socket "s" has no effect without -verify-clients',
    '-verify-client-url-fail-open "false" has no effect without -verify-client-url',
  ]);
});
