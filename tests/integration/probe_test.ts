/** `derper probe` against our relay, the Go derper, and what is no relay at all. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "../support/assert.ts";
import { testKey } from "../support/test_keys.ts";
import { probeJson, RELAYS, startOurs } from "../support/probed_relay.ts";
import { runCommand } from "../support/relay_program.ts";
import { KEYS } from "../support/certs/keys.ts";

const HOST = "127.0.0.1";

for (const [name, start] of RELAYS) {
  Deno.test(`derper probe finds nothing wrong with ${name}, but that it is open`, async () => {
    await using relay = await start();
    const { code, result, find } = await probeJson(
      ...[relay.url, "-stun-port", `${relay.stunPort}`, "-http-port", "-1"],
      ...["-cert-name", relay.certName, "-mesh-psk-file", relay.meshKeyFile],
    );
    const notOk = result.checks.filter(({ status }) => status !== "ok");
    assertEquals(
      notOk.map(({ check, status }) => `${check}: ${status}`),
      [
        "TCP over IPv6: skipped",
        "STUN over IPv6: skipped",
        "captive portal check: skipped",
        "strangers: warn",
      ],
    );
    assertEquals(code, 0);
    assert(result.ok);
    assertEquals(result.checks.length, 25);
    assertMatch(find("STUN over IPv4").seen, /^sees us as 127\.0\.0\.1 port /);
    assertMatch(find("relaying").seen, /\(median of 10\)$/);
    assert(find("relaying").measured!.roundTripMs! > 0);
    assert(find("certificate end").measured!.daysLeft! > 300);
    assertMatch(find("strangers").advice!, /-verify-clients/);
  });

  Deno.test(`derper probe calls it good that ${name} turns strangers away`, async () => {
    await using controller = Deno.serve(
      { hostname: HOST, port: 0, onListen: () => {} },
      () => Response.json({ Allow: false }),
    );
    const verify = `-verify-client-url=http://${HOST}:${controller.addr.port}/`;
    await using relay = await start(verify);
    const flags = [
      ...[relay.url, "-stun-port", `${relay.stunPort}`, "-http-port", "-1"],
      ...["-cert-name", relay.certName],
    ];
    const stranger = await probeJson(...flags);
    assertEquals(stranger.code, 0);
    assertEquals(stranger.find("strangers").status, "ok");
    assertEquals(stranger.find("relaying").status, "skipped");
    assertEquals(
      stranger.find("wrong mesh key").seen,
      "turned away, as any stranger",
    );
    const member = await probeJson(
      ...[...flags, "-mesh-psk-file", relay.meshKeyFile],
    );
    assertEquals(member.code, 0);
    assertEquals(member.find("relaying").status, "ok");
    assertEquals(member.find("mesh key").status, "ok");
  });

  Deno.test(`derper probe fails where ${name} has another mesh key`, async () => {
    await using relay = await start();
    const { code, find } = await probeJson(
      ...[relay.url, "-stun-port", `${relay.stunPort}`, "-http-port", "-1"],
      ...["-cert-name", relay.certName, "-mesh-psk-file", relay.wrongKeyFile],
    );
    assertEquals(code, 1);
    assertEquals(find("mesh key").status, "FAIL");
    assertStringIncludes(find("mesh key").advice!, "-mesh-psk-file");
  });
}

Deno.test("derper probe without a URL tries the relay that the flags describe", async () => {
  await using relay = await startOurs();
  const flags = [
    ...["-a", `${HOST}:${relay.port}`, "-hostname", HOST, "-http-port=-1"],
    ...["-certmode=manual", "-stun-port", `${relay.stunPort}`],
  ];
  const { code, stdout, stderr } = await runCommand("probe", ...flags);
  assertEquals(stderr, "");
  assertEquals(code, 0, stdout);
  const lines = stdout.trimEnd().split("\n");
  assertEquals(lines[0], relay.url);
  assertMatch(lines.at(-1)!, /^\d+ ok, 1 warn, \d skipped$/);
  assertStringIncludes(stdout, `"CertName": "${relay.certName}"`);
  assertMatch(stdout, /^ok {7}TCP on this machine {6}127\.0\.0\.1 in /m);
  assertMatch(stdout, /^warn {5}strangers [^\n]*\n {34}-> close it with /m);
});

Deno.test("derper probe fails where verification is on and a stranger is let in", async () => {
  await using relay = await startOurs();
  const { code, find } = await probeJson(
    ...["-a", `${HOST}:${relay.port}`, "-hostname", HOST, "-http-port=-1"],
    ...["-certmode=manual", "-stun-port", `${relay.stunPort}`],
    "-verify-clients",
  );
  assertEquals(code, 1);
  assertEquals(find("strangers").status, "FAIL");
});

Deno.test("derper probe warns where strangers are turned away and no flag says so", async () => {
  const dir = await Deno.makeTempDir();
  const list = `${dir}/keys`;
  await Deno.writeTextFile(list, `${testKey(1).publicKey}\n`);
  try {
    await using relay = await startOurs("-verify-keys-file", list);
    const flags = [
      ...["-a", `${HOST}:${relay.port}`, "-hostname", HOST, "-http-port=-1"],
      ...["-certmode=manual", "-stun-port", `${relay.stunPort}`],
    ];
    const without = await probeJson(...flags);
    assertEquals(without.find("strangers").status, "warn");
    const same = await probeJson(...flags, "-verify-keys-file", list);
    assertEquals(same.find("strangers").status, "ok");
    assertEquals(same.code, 0);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("derper probe doesn't tell the mesh key to a relay with another certificate", async () => {
  await using relay = await startOurs();
  const flags = [
    ...[relay.url, "-stun-port=-1", "-http-port=-1"],
    ...["-mesh-psk-file", relay.meshKeyFile],
  ];
  const other = `sha256-raw:${"0".repeat(64)}`;
  for (const more of [[], ["-cert-name", other]]) {
    const { code, find } = await probeJson(...flags, ...more);
    assertEquals(code, 1);
    const trust = find("certificate trust");
    assertEquals(trust.status, "FAIL");
    assertStringIncludes(`${trust.seen}${trust.advice}`, relay.certName);
    assertEquals(find("mesh key").status, "skipped");
    assertEquals(find("relaying").status, "ok");
  }
});

Deno.test("derper probe finds nothing wrong with a relay that has no page", async () => {
  await using relay = await startOurs("-home", "404");
  const { code, find } = await probeJson(
    ...[relay.url, "-stun-port", `${relay.stunPort}`, "-http-port=-1"],
    ...["-cert-name", relay.certName],
  );
  assertEquals(code, 0);
  const { status, seen } = find("GET /");
  assertEquals([status, seen], ["ok", "status 404"]);
});

Deno.test("derper probe needs no STUN, but misses it", async () => {
  await using relay = await startOurs("-stun=false");
  using socket = silentSocket();
  const { code, find } = await probeJson(
    ...[relay.url, "-stun-port", `${socket.port}`, "-http-port=-1"],
    ...["-cert-name", relay.certName, "-timeout=1s"],
  );
  assertEquals(code, 1);
  const row = find("STUN over IPv4");
  assertEquals(row.status, "FAIL");
  assertEquals(row.seen, `UDP port ${socket.port}: no answer within 1 s`);
});

/** A UDP port that never answers. */
function silentSocket() {
  const socket = Deno.listenDatagram({
    transport: "udp",
    hostname: HOST,
    port: 0,
  });
  const { port } = socket.addr as Deno.NetAddr;
  return { port, [Symbol.dispose]: () => socket.close() };
}

/** Speaks in its own way to whoever connects; undefined for silence. */
async function speaker(
  text: string | undefined,
): Promise<AsyncDisposable & { port: number }> {
  const listener = Deno.listen({ hostname: HOST, port: 0 });
  const conns: Deno.Conn[] = [];
  const accepted = (async () => {
    for await (const conn of listener) {
      conns.push(conn);
      if (text !== undefined) {
        await conn.write(new TextEncoder().encode(text)).catch(() => 0);
      }
    }
  })();
  return await Promise.resolve({
    port: listener.addr.port,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepted;
      for (const conn of conns) conn.close();
    },
  });
}

Deno.test("derper probe has clear rows for what is no relay", async () => {
  await using page = Deno.serve(
    { hostname: HOST, port: 0, onListen: () => {} },
    () => new Response("<h1>Welcome to nginx!</h1>"),
  );
  await using secure = Deno.serve(
    { hostname: HOST, port: 0, onListen: () => {}, ...KEYS[0]! },
    () => new Response("no", { status: 404 }),
  );
  await using garbage = await speaker("SSH-2.0-OpenSSH_9.6\r\n\x1b[31m");
  await using silent = await speaker(undefined);
  const closed = page.addr.port === 1 ? 2 : 1;
  const cases: readonly (readonly [string, string, RegExp])[] = [
    [`http://${HOST}:${page.addr.port}`, "DERP", /HTTP\/1\.1 200 OK/],
    [`https://${HOST}:${secure.addr.port}`, "GET /derp", /404 in place of 426/],
    [`https://${HOST}:${garbage.port}`, "TLS", /^no TLS: /],
    [`http://${HOST}:${garbage.port}`, "GET /derp", /no HTTP: "SSH-2\.0/],
    [`https://${HOST}:${silent.port}`, "TLS", /no answer within 0\.3 s/],
    [`http://${HOST}:${silent.port}`, "GET /derp", /no answer within 0\.3 s/],
    [`https://${HOST}:${closed}`, "TCP over IPv4", /: refused$/],
    ["https://relay.invalid", "name", /^relay\.invalid has no address$/],
  ];
  const flags = ["-stun-port=-1", "-http-port=-1", "-timeout=300ms"];
  await Promise.all(cases.map(async ([url, check, seen]) => {
    const { code, result, find } = await probeJson(url, ...flags);
    assertEquals(code, 1, url);
    assert(!result.ok);
    assertEquals(find(check).status, "FAIL", url);
    assertMatch(find(check).seen, seen);
    for (const { status, seen, advice } of result.checks) {
      assert(!/\bat .*:\d+:\d+\)?$/m.test(seen), seen); // of a stack trace
      assertEquals(
        status === "FAIL" || status === "warn",
        advice !== undefined,
      );
    }
  }));
});

Deno.test("derper probe exits with 2 for a line that can't be used, and with 1 for a file that can't be read", async () => {
  const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
    [[], 2, /^derper: Which relay\? Give its URL/],
    [["derp.example.com"], 2, /^derper: Invalid URL "derp.example.com"/],
    [["https://a.test", "-x"], 2, /^derper: Unknown flag "-x"/],
    [["https://a.test", "-timeout=0s"], 2, /^derper: Invalid -timeout/],
    [["https://a.test", "-stun-port=0"], 2, /^derper: Invalid -stun-port/],
    [["https://a.test", "-cert-name=a.test"], 2, /^derper: Invalid -cert-name/],
    [
      ["https://a.test", "-mesh-psk-file=/nowhere/key"],
      1,
      /^derper: Cannot use mesh key file "\/nowhere\/key": it does not exist/,
    ],
  ];
  for (const [args, expected, message] of cases) {
    const { code, stdout, stderr } = await runCommand("probe", ...args);
    assertEquals(code, expected);
    assertEquals(stdout, "");
    assertMatch(stderr, message);
    assertEquals(stderr.trimEnd().split("\n").length, 1);
  }
});
