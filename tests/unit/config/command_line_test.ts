/** What command lines mean, and all that can be wrong with one. */
import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "../../support/assert.ts";
import { configOf, parse, PLAIN, problemsOf, run, TLS } from "./read_line.ts";

Deno.test("parseCommandLine() makes a configuration of derper's defaults", () => {
  assertEquals(configOf("-stun", { uid: 0 }), {
    listen: { port: 443 },
    certificate: {
      kind: "acme",
      directory: "https://acme-v02.api.letsencrypt.org/directory",
      certDir: "/home/u/.cache/tailscale/derper-certs",
      ipCerts: false,
    },
    httpPort: 80,
    stunPort: 3478,
    stunHealthGate: true,
    reusePort: false,
    log: { level: "info", format: "text" },
    derp: true,
    hostname: "derp.tailscale.com",
    keyFile: "/var/lib/derper/derper.key",
    home: { kind: "default" },
    meshWith: [],
    bootstrapDns: { published: [], unpublished: [] },
    tcpKeepAliveMs: 600_000,
    tcpUserTimeoutMs: 15_000,
    tcpWriteTimeoutMs: 2_000,
    drainMs: 0,
    dev: false,
  });
});

Deno.test("parseCommandLine() puts every flag where it belongs", () => {
  const line = "-a 127.0.0.1:8443 -http-port 8080 -stun-port 3333 -c k " +
    "-certmode manual -certdir d -hostname 127.0.0.1 -derp=false -home blank " +
    "-verify-clients -socket s -verify-client-url http://v/ " +
    "-verify-client-url-fail-open=false -mesh-psk-file m " +
    "-mesh-with a,b:99/::1 -tcp-keepalive-time 1m -tcp-user-timeout 2s " +
    "-tcp-write-timeout 0 -accept-connection-limit 2.5 " +
    "-accept-connection-burst 7 -rate-config r -bootstrap-dns-names x,y " +
    "-unpublished-bootstrap-dns-names v,w/t -metrics-addr 127.0.0.1:9090 " +
    "-stun-health-gate=false -verify-keys-file n -verify-headscale https://h " +
    "-verify-headscale-key-file hk -verify-tailscale-api - " +
    "-verify-tailscale-client-id-file ti " +
    "-verify-tailscale-client-secret-file ts -verify-policy all " +
    "-verify-cache-ttl 5m -verify-stale-ttl 24h -reverify-interval 1h " +
    "-reuse-port -drain 10s -log-level debug -log-format json";
  assertEquals(run(line).notes, []);
  assertEquals(configOf(line), {
    listen: { hostname: "127.0.0.1", port: 8443 },
    certificate: { kind: "manual", certDir: "d" },
    httpPort: 8080,
    stunPort: 3333,
    stunHealthGate: false,
    metricsAddress: { hostname: "127.0.0.1", port: 9090 },
    accept: { perSecond: 2.5, burst: 7 },
    reusePort: true,
    log: { level: "debug", format: "json" },
    derp: false,
    hostname: "127.0.0.1",
    keyFile: "k",
    home: { kind: "blank" },
    meshPskFile: "m",
    meshWith: [
      { host: "a", port: 443, dialHost: "a" },
      { host: "b", port: 99, dialHost: "::1" },
    ],
    verification: {
      sockets: ["s"],
      urls: ["http://v/"],
      urlFailOpen: false,
      keysFile: "n",
      headscale: { url: "https://h", keyFile: "hk" },
      tailscaleApi: {
        tailnet: "-",
        clientIdFile: "ti",
        clientSecretFile: "ts",
      },
      policy: "all",
      cacheTtlMs: 300_000,
      staleTtlMs: 86_400_000,
      reverifyIntervalMs: 3_600_000,
    },
    rateConfigFile: "r",
    bootstrapDns: {
      published: ["x", "y"],
      unpublished: [{ name: "v" }, { name: "w", rolloutRecord: "t" }],
    },
    tcpKeepAliveMs: 60_000,
    tcpUserTimeoutMs: 2_000,
    tcpWriteTimeoutMs: 0,
    drainMs: 10_000,
    dev: false,
  });
});

Deno.test("parseCommandLine() freezes the configuration through and through", () => {
  const config = configOf(
    `${TLS} -verify-clients -mesh-psk-file m -mesh-with a -bootstrap-dns-names x`,
  );
  const parts: readonly object[] = [
    config,
    config.listen,
    config.home,
    config.certificate!,
    config.bootstrapDns,
    config.bootstrapDns.published,
    config.meshWith,
    config.meshWith[0]!,
    config.verification!,
    config.verification!.sockets,
  ];
  for (const part of parts) assert(Object.isFrozen(part));
  assertThrows(() => Object.assign(config, { dev: true }), TypeError);
});

Deno.test("parseCommandLine() answers -h and -version without looking further", () => {
  const help = parse("-stun-port 70000 -h -nope");
  assert(help.kind === "help");
  assertStringIncludes(help.text, '(default ":443")');
  assertEquals(parse("-version -stun-port 70000"), { kind: "version" });
  assertEquals(parse("-version=false -version").kind, "version");
  assertEquals(parse("-version -nope").kind, "problems");
  assertEquals(parse("-nope -h").kind, "problems");
});

Deno.test("parseCommandLine() shows the usage where flags were not understood", () => {
  const misread = parse("-nope -c k");
  assert(misread.kind === "problems");
  assertStringIncludes(misread.usage ?? "", "Usage of derper:\n");
  const misused = parse("-a x -c k");
  assert(misused.kind === "problems");
  assert(!("usage" in misused));
});

Deno.test("parseCommandLine() reports all problems at once, each with its flag and value", () => {
  const wrong: readonly (readonly [string, string])[] = [
    ["-a", "x"],
    ["-certmode", "nix"],
    ["-key-file", ""],
    ["-hostname", "https://x"],
    ["-http-port", "70000"],
    ["-stun-port", "-7"],
    ["-home", "there"],
    ["-mesh-with", "m:x"],
    ["-verify-client-url", "u"],
    ["-verify-headscale", "h"],
    ["-verify-headscale-key-file", ""],
    ["-verify-tailscale-api", "a/b"],
    ["-verify-tailscale-client-id-file", ""],
    ["-verify-tailscale-client-secret-file", ""],
    ["-verify-policy", "some"],
    ["-verify-cache-ttl", "-1s"],
    ["-verify-stale-ttl", "x"],
    ["-reverify-interval", "5ms"],
    ["-tcp-keepalive-time", "-3s"],
    ["-tcp-user-timeout", "-2s"],
    ["-tcp-write-timeout", "2"],
    ["-ace", "true"],
    ["-accept-connection-limit", "0"],
    ["-accept-connection-burst", "0"],
    ["-acme-ip-certs", "true"],
    ["-bootstrap-dns-names", "a:1"],
    ["-unpublished-bootstrap-dns-names", "a/b/c"],
    ["-metrics-addr", "9090"],
    ["-secrets-url", "setec"],
    ["-secrets-cache-dir", ""],
    ["-nope", "n"],
    ["-verify-clients", "maybe"],
  ];
  const line = wrong.map(([flag, value]) => `${flag}=${value}`).join(" ");
  const problems = problemsOf(`${line} -cert-file f stray`);
  for (const [flag, value] of wrong) {
    const naming = problems.filter((problem) =>
      problem.includes(` ${flag} "${value}"`) ||
      problem.includes(` "${flag}" with "${value}"`)
    );
    assertEquals(naming.length, 1, flag);
  }
  assert(problems.some((problem) => problem.includes('"stray"')));
  assert(problems.some((problem) => problem.includes('-c ""')));
  assertEquals(problems.length, wrong.length + 2);
  for (const problem of problems) {
    assert(/^[A-Z].*[^.]$/.test(problem), problem);
  }
});

Deno.test("parseCommandLine() judges the other flags by what a malformed boolean meant", () => {
  assertEquals(problemsOf("-dev=yes -a x"), [
    'Invalid -dev "yes": it takes true or false',
  ]);
  assertEquals(problemsOf(`${PLAIN} -stun=off -stun-port -1`), [
    'Invalid -stun "off": it takes true or false',
  ]);
});
