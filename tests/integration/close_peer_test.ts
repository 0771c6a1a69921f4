/** `derper close-peer` against our relay and the Go derper. */
import { NodePrivate } from "../../src/keys/node_key.ts";
import { DenoConn } from "../../src/net/deno_conn.ts";
import { readServedChain } from "../../src/probe/served_chain.ts";
import { plainDialer } from "../../src/probe/dialer.ts";
import { formatPem } from "../../src/certs/pem.ts";
import { assertEquals, assertMatch } from "../support/assert.ts";
import { type ProbedRelay, RELAYS } from "../support/probed_relay.ts";
import { runCommand } from "../support/relay_program.ts";
import { TestClient } from "../support/test_client.ts";

const HOST = "127.0.0.1";

async function connect({ port }: ProbedRelay): Promise<TestClient> {
  const { chain } = await readServedChain(
    plainDialer(HOST, port),
    HOST,
    new AbortController().signal,
  );
  const caCerts = chain!.map(({ bytes }) => formatPem("CERTIFICATE", bytes));
  const tls = await Deno.connectTls({ hostname: HOST, port, caCerts });
  const conn = new DenoConn(tls);
  return await TestClient.overHttp(conn, { key: NodePrivate.generate() });
}

for (const [name, start] of RELAYS) {
  Deno.test(`derper close-peer closes a client of ${name}, and no other`, async () => {
    await using relay = await start();
    using client = await connect(relay);
    using other = await connect(relay);
    const key = `${client.publicKey}`;
    const { url, certName, meshKeyFile } = relay;
    const flags = ["-mesh-psk-file", meshKeyFile, "-cert-name", certName];
    const closed = await runCommand("close-peer", key, url, ...flags);
    assertEquals(closed.stderr, "");
    assertEquals(
      closed.stdout,
      `${key} was connected to ${url} and has been closed\n`,
    );
    assertEquals(closed.code, 0);
    await client.expectEnd();
    await other.sendPacket(other.publicKey, new Uint8Array(3));
    assertEquals((await other.expectPacket()).packet.length, 3);
    const again = await runCommand("close-peer", url, key, ...flags);
    assertEquals(again.code, 1);
    assertMatch(again.stdout, / is not connected to .*, which has 1 client; /);
  });

  Deno.test(`derper close-peer says that ${name} has another mesh key`, async () => {
    await using relay = await start();
    using client = await connect(relay);
    const { url, certName, wrongKeyFile } = relay;
    const { code, stdout, stderr } = await runCommand(
      ...["close-peer", `${client.publicKey}`, url],
      ...["-mesh-psk-file", wrongKeyFile, "-cert-name", certName],
    );
    assertEquals([code, stdout], [1, ""]);
    assertMatch(
      stderr,
      /^derper: 127\.0\.0\.1:\d+ doesn't accept the mesh key: [^\n]+\n$/,
    );
    await client.sendPacket(client.publicKey, new Uint8Array(3));
    assertEquals((await client.expectPacket()).packet.length, 3);
  });
}

Deno.test("derper close-peer says in one line what it can't use", async () => {
  const dir = await Deno.makeTempDir();
  const file = `${dir}/mesh`;
  await Deno.writeTextFile(file, "ab".repeat(32), { mode: 0o600 });
  await using page = Deno.serve(
    { hostname: HOST, port: 0, onListen: () => {} },
    () => new Response("welcome"),
  );
  const here = `http://${HOST}:${page.addr.port}`;
  const key = `nodekey:${"01".repeat(32)}`;
  const psk = ["-mesh-psk-file", file];
  const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
    [["nodekey:00", here, ...psk], 2, /^Invalid node key "nodekey:00"/],
    [[key, ...psk], 2, /^Give the URL of one relay/],
    [[key, here], 2, /^Give the file with the relay's mesh key/],
    [[key, "http://a.test", ...psk], 2, /the mesh key needs https/],
    [[key, here, ...psk, "-x"], 2, /^Unknown flag "-x"/],
    [[key, here, "-mesh-psk-file", "/no"], 1, /^Cannot use mesh key file/],
    [[key, here, ...psk], 1, /^Cannot use http:.*the answer to the upgrade is/],
    [[key, `https://${HOST}:1`, ...psk], 1, /^Cannot use https:.*: refused; /],
    [[key, "https://a.invalid", ...psk], 1, /: the name has no address; /],
  ];
  try {
    for (const [args, expected, message] of cases) {
      const { code, stdout, stderr } = await runCommand("close-peer", ...args);
      assertEquals([code, stdout], [expected, ""], stderr);
      assertMatch(stderr.replace(/^derper: /, ""), message);
      assertEquals(stderr.trimEnd().split("\n").length, 1);
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
