/** `derper derpmap` as an operator runs it, beside a relay, with Tailscale's own prober to judge the map. */
import { generateKeyPairSync } from "node:crypto";
import { DerTag } from "../../src/certs/der_reader.ts";
import { der } from "../../src/certs/der_writer.ts";
import {
  extension,
  makeCertificate,
} from "../../src/certs/make_certificate.ts";
import { formatPem } from "../../src/certs/pem.ts";
import { answersCaptiveCheck } from "../../src/commands/captive_check.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "../support/assert.ts";
import { findGoDerper } from "../support/go_derper.ts";
import { RelayProgram, runCommand } from "../support/relay_program.ts";
import { RunningDerper } from "../support/running_derper.ts";

const HOST = "127.0.0.1";
const prober = findGoDerper()?.replace(/derper$/, "derpprobe");

/** Calls `use` with a directory that is gone afterwards. */
async function withDir<T>(use: (dir: string) => Promise<T>): Promise<T> {
  const dir = await Deno.makeTempDir();
  try {
    return await use(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** What Tailscale's prober says of a map. */
async function probe(
  map: string,
  { certFile, flags = [] }: { certFile: string; flags?: readonly string[] },
): Promise<{ code: number; text: string }> {
  return await withDir(async (dir) => {
    await Deno.writeTextFile(`${dir}/map.json`, map);
    const url = `file://${dir}/map.json`;
    const { code, stderr } = await new Deno.Command(prober!, {
      args: [`-derp-map=${url}`, "-once", "-spread=false", ...flags],
      clearEnv: true,
      env: { HOME: dir, SSL_CERT_FILE: certFile },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).output();
    return { code, text: new TextDecoder().decode(stderr) };
  });
}

/** Makes a certificate for localhost that signs itself. */
async function makeLocalhost(dir: string): Promise<string> {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const name = der(0x82, new TextEncoder().encode("localhost")); // dNSName
  const certificate = makeCertificate({
    serial: Uint8Array.of(1),
    commonName: "localhost",
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 86_400_000 * 30),
    extensions: [
      extension(0x11, der(DerTag.sequence, name), { isCritical: false }),
    ],
  }, privateKey);
  const path = `${dir}/localhost.crt`;
  await Deno.writeTextFile(path, formatPem("CERTIFICATE", certificate));
  await Deno.writeTextFile(
    `${dir}/localhost.key`,
    privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
  );
  return path;
}

/** A relay with a certificate that it made itself, and its flags. */
async function startRelay(): Promise<
  { relay: RunningDerper; flags: string[] }
> {
  const stunPort = freeUdpPort();
  const relay = await RunningDerper.start({ stunPort });
  const { port, httpPort } = relay.derper;
  const flags = [
    ...["-hostname", HOST, "-a", `${HOST}:${port}`],
    ...["-certmode", "manual", "-certdir", relay.dir],
    ...["-stun-port", `${stunPort}`, "-http-port", `${httpPort}`],
  ];
  return { relay, flags };
}

function freeUdpPort(): number {
  const socket = Deno.listenDatagram({
    transport: "udp",
    hostname: HOST,
    port: 0,
  });
  socket.close();
  return (socket.addr as Deno.NetAddr).port;
}

const SKIPPED = prober ? "" : ": SKIPPED, there is no derpprobe here";

Deno.test({
  name: `derper derpmap prints an address that derpprobe can use${SKIPPED}`,
  ignore: prober === undefined,
  fn: async () => {
    const { relay, flags } = await startRelay();
    await using _ = relay;
    const { code, stdout } = await runCommand(
      ...["derpmap", ...flags, "-format", "json"],
    );
    assertEquals(code, 0);
    // Its mesh probe wants a name from TLS, which an address isn't.
    const { code: found, text } = await probe(stdout, {
      certFile: `${relay.dir}/${HOST}.crt`,
      flags: ["-mesh-interval=0"],
    });
    assertEquals(found, 0, text);
    assertMatch(text, /good: derp\/myderp\/900a\/tls: /);
    assertMatch(text, /good: derp\/myderp\/900a\/udp: /);
  },
});

Deno.test({
  name: `derper derpmap pins a certificate by which derpprobe relays${SKIPPED}`,
  ignore: prober === undefined,
  fn: () =>
    withDir(async (dir) => {
      const certFile = await makeLocalhost(dir);
      const manual = ["-certmode", "manual", "-certdir", dir];
      const named = ["-hostname", "localhost", ...manual, "-http-port=-1"];
      await using relay = await RelayProgram.start(named);
      const { stdout } = await runCommand(
        ...["derpmap", ...named, "-a", `${HOST}:${relay.port}`, "-stun=false"],
        ...["-format", "json"],
      );
      const good = await probe(stdout, { certFile });
      assertEquals(good.code, 0, good.text);
      assertMatch(good.text, /good: derp\/myderp\/900a\/900a\/mesh: /);
      const other = `sha256-raw:${"00".repeat(32)}`;
      const wrong = stdout.replace(/sha256-raw:[0-9a-f]{64}/, other);
      assert(wrong !== stdout);
      const bad = await probe(wrong, { certFile });
      assertEquals(bad.code, 1);
      assertMatch(bad.text, /bad: .*mesh: .*cert hash does not match/);
    }),
});

Deno.test("derper derpmap asks the relay where it can't read the certificate", async () => {
  const { relay, flags } = await startRelay();
  await using _ = relay;
  const line = ["derpmap", ...flags, "-format=json"];
  const read = await runCommand(...line);
  const asked = await runCommand(...line, "-certdir", `${relay.dir}/none`);
  assertStringIncludes(asked.stdout, '"CertName": "sha256-raw:');
  assertEquals(asked.stdout, read.stdout);
  assertEquals([read.code, asked.code], [0, 0]);
});

Deno.test("derper derpmap -check takes all three forms that it prints, and names mistakes", async () => {
  const { relay, flags } = await startRelay();
  await using _ = relay;
  await withDir(async (dir) => {
    for (const format of ["acl", "headscale", "json"]) {
      const { stdout } = await runCommand(
        ...["derpmap", "-format", format, ...flags],
      );
      const path = `${dir}/${format}`;
      await Deno.writeTextFile(path, stdout);
      const { code, stdout: mistakes, stderr } = await runCommand(
        ...["derpmap", "-check", path, ...flags],
      );
      // All that is wrong with it is where the test's relay is.
      const name = format === "headscale" ? "hostname" : "HostName";
      assertMatch(
        mistakes,
        new RegExp(`^\\S+\\.${name}: 127\\.0\\.0\\.1 is private, .*\\n$`),
      );
      assertEquals(code, 1);
      assertMatch(stderr, /: 1 region, 1 node, 1 mistake\n$/);
    }
    const text = await Deno.readTextFile(`${dir}/headscale`);
    await Deno.writeTextFile(
      `${dir}/wrong.yaml`,
      text.replace(/derpport: .*/, "derpport: 1").replace(
        /hostname: .*/,
        "hostname: localhost\n        IPv6: 2001:db8::1",
      ),
    );
    const { stdout } = await runCommand(
      ...["derpmap", "-check", `${dir}/wrong.yaml`, ...flags],
      "-hostname=localhost",
    );
    const lines = stdout.split("\n");
    const path = "regions.900.nodes[0].";
    assertEquals(lines[0], `${path}IPv6: write ipv6`);
    assertMatch(stdout, /\.derpport: clients would use 1, and the relay has /);
    assertMatch(stdout, /\.ipv6: "localhost" resolves to \S.*, not to 2001:/);
  });
});

Deno.test("derper derpmap -check finds nothing in a good file, and exits with 0", async () => {
  await withDir(async (dir) => {
    const path = `${dir}/policy.hujson`;
    await Deno.writeTextFile(
      path,
      `{
\t// who may do what
\t"acls": [],
\t"derpMap": {"Regions": {"900": {
\t\t"RegionID": 900, "RegionCode": "a", "RegionName": "A",
\t\t"Nodes": [{"Name": "900a", "RegionID": 900, "HostName": "203.0.113.7"}],
\t}}},
}
`,
    );
    const { code, stdout, stderr } = await runCommand(
      "derpmap",
      "-check",
      path,
    );
    assertEquals(stdout, "");
    assertMatch(stderr, /: 1 region, 1 node, no mistakes\n$/);
    assertEquals(code, 0);
  });
});

Deno.test("derper derpmap says in one line what can't be used", async () => {
  await withDir(async (dir) => {
    await Deno.writeTextFile(`${dir}/broken`, '{"derpMap": {"Regions": ');
    const manual = ["-certmode", "manual", "-certdir", dir];
    const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
      [[], 2, /^derper: Give the relay's own flags, -hostname/],
      [["-x"], 2, /^derper: Unknown flag "-x"/],
      [["-check", `${dir}/none`], 2, /^derper: .*does not exist\n$/],
      [["-check", dir], 2, /^derper: .*it is a directory; .*\n$/],
      [["-check", `${dir}/broken`], 1, /^derper: .*: 1 mistake\n$/],
      [["-hostname", HOST, ...manual], 1, /^derper: .*\.crt".*start the relay/],
    ];
    for (const [args, expected, pattern] of cases) {
      const { code, stderr } = await runCommand("derpmap", ...args);
      assertMatch(stderr, pattern);
      assertEquals(code, expected, stderr);
    }
  });
});

Deno.test("answersCaptiveCheck() knows a relay's answer from others", async () => {
  await using relay = await RunningDerper.start();
  assert(await answersCaptiveCheck(HOST, relay.derper.httpPort!));
  await using portal = Deno.serve(
    { hostname: HOST, port: 0, onListen: () => {} },
    () => new Response(null, { status: 204 }),
  );
  assert(!await answersCaptiveCheck(HOST, portal.addr.port));
  const { port } = portal.addr;
  await portal.shutdown();
  assert(!await answersCaptiveCheck(HOST, port));
});

Deno.test("-home-file shows an operator's page, again on SIGHUP, and keeps it where the file is gone", async () => {
  await withDir(async (dir) => {
    const path = `${dir}/home.html`;
    await Deno.writeTextFile(path, "<p>one");
    const args = ["-home-file", path];
    await using relay = await RelayProgram.start(args);
    assertEquals(await relay.page("/"), "<p>one");
    await Deno.remove(path);
    const mark = relay.child.mark;
    relay.child.signal("SIGHUP");
    await relay.child.line(/the home page stays as it is: .*home\.html/, mark);
    assertEquals(await relay.page("/any"), "<p>one");
    const opens = relay.child.matching(/this is an open relay/);
    assertStringIncludes(opens.join(), "to close it, restart it with -verify-");
  });
  const none = await runCommand("-home-file", "/none", "-dev", "-stun=false");
  assertEquals(none.code, 1);
  assertMatch(none.stderr, /derper: Cannot read home page "\/none": /);
});
