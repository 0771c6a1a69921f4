/** The relay behind proxies that a test plays itself, over TCP and over a unix socket. */
import { NodePrivate } from "../../src/keys/node_key.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
} from "../support/assert.ts";
import { runProgram } from "../support/relay_program.ts";
import { ProxiedRelay, statusOf } from "../support/proxied_relay.ts";
import { TestClient } from "../support/test_client.ts";
import { decodePeerPresent, WATCH_CONNS } from "../../src/derp/messages.ts";
import { FrameType } from "../../src/derp/frame.ts";
import { MeshKey } from "../../src/keys/mesh_key.ts";

const LINE = "PROXY TCP4 203.0.113.9 192.0.2.1 40000 443\r\n";
const OPERATOR = "PROXY TCP4 100.64.0.9 192.0.2.1 40000 443\r\n";
const MESH_KEY = "1b".repeat(32);

Deno.test("derper -trusted-proxies knows clients by the PROXY protocol and by X-Forwarded-For", async () => {
  await using relay = await ProxiedRelay.start([
    ...["-trusted-proxies", "127.0.0.1"],
  ]);
  const [one, other, silent] = [1, 2, 3].map(() => NodePrivate.generate());
  using client = await relay.client(one!, LINE);
  assertEquals(await relay.whereabouts(one!), "203.0.113.9 40000");
  using quiet = await relay.client(silent!);
  assertMatch(await relay.whereabouts(silent!) ?? "", /^127\.0\.0\.1 [1-9]/);

  const version2 = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" +
    "\xcb\0\x71\x07\xc0\0\x02\x01\x9c\x41\x01\xbb";
  using second = await relay.client(other!, version2);
  assertEquals(await relay.whereabouts(other!), "203.0.113.7 40001");
  const packet = new Uint8Array(1000).fill(7);
  await client.sendPacket(second.publicKey, packet);
  assertEquals((await second.expectPacket()).packet, packet);
  await second.sendPacket(client.publicKey, packet);
  assertEquals((await client.expectPacket()).packet, packet);
  quiet.close();
});

Deno.test("derper -trusted-proxies tells admission and mesh peers the client's address", async () => {
  const dir = await Deno.makeTempDir();
  await Deno.writeTextFile(`${dir}/mesh.key`, MESH_KEY, { mode: 0o600 });
  const known = NodePrivate.generate();
  await Deno.writeTextFile(`${dir}/keys`, `${known.publicKey}\n`);
  await using relay = await ProxiedRelay.start([
    ...["-trusted-proxies", "127.0.0.1", "-mesh-psk-file", `${dir}/mesh.key`],
    ...["-verify-keys-file", `${dir}/keys`],
  ], { dir });
  const meshKey = MeshKey.parse(MESH_KEY)!;
  using watcher = await TestClient.overHttp(await relay.connect(), {
    key: NodePrivate.generate(),
    meshKey,
  });
  await watcher.write(WATCH_CONNS);
  await watcher.expect(FrameType.PeerPresent); // itself

  using client = await relay.client(known, LINE);
  const { ip, port } = decodePeerPresent(
    await watcher.expect(FrameType.PeerPresent),
  );
  assertEquals([ip, port], ["203.0.113.9", 40000]);
  await relay.child.line(/admitted \[.{5}\] .*from 203\.0\.113\.9 by/);

  await assertRejects(() => relay.client(NodePrivate.generate(), LINE));
  await relay.child.line(/refused \[.{5}\] from 203\.0\.113\.9: /);
  assert(client);
});

Deno.test("derper judges operators by the address that a trusted proxy tells", async () => {
  await using relay = await ProxiedRelay.start([
    ...["-trusted-proxies", "127.0.0.1"],
  ]);
  for (
    const [fields, header, status] of [
      ["X-Forwarded-For: 100.64.0.9\r\n", "", 200],
      ["X-Real-IP: 100.64.0.9\r\n", "", 200],
      ["", OPERATOR, 200],
      ["X-Forwarded-For: 203.0.113.9\r\n", "", 403],
      ["X-Forwarded-For: 100.64.0.9, 203.0.113.9\r\n", "", 403],
      ["X-Forwarded-For: 127.0.0.1\r\n", "", 403],
      ["X-Real-IP: ::1\r\n", "", 403],
      ["Forwarded: for=100.64.0.9\r\n", "", 403],
      ["X-Forwarded-For: 100.64.0.9\r\n", LINE, 403],
      ["", LINE, 403],
      ["", "PROXY UNKNOWN\r\n", 403],
      ["", "PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n", 403],
      ["", "", 403],
      ["X-Forwarded-For: nobody\r\n", "", 400],
    ] as const
  ) {
    const answer = await relay.get("/debug/", fields, header);
    assertEquals(statusOf(answer), status, `${header}${fields}`);
  }
  await relay.child.line(/refused \/debug\/ to a client behind the proxy 127/);
});

Deno.test("derper believes no proxy that isn't trusted, and says which flag would", async () => {
  for (const args of [[], ["-trusted-proxies", "10.0.0.0/8,unix"]]) {
    await using relay = await ProxiedRelay.start(args);
    assertEquals(statusOf(await relay.get("/debug/")), 200);
    for (const field of ["X-Forwarded-For", "X-Real-IP", "Forwarded"]) {
      const answer = await relay.get("/debug/", `${field}: 100.64.0.9\r\n`);
      assertEquals(statusOf(answer), 403, field);
    }
    const lines = relay.child.matching(/restart with -trusted-proxies/);
    assertEquals(lines.length, 1);
    assertMatch(lines[0]!, /a proxy at 127\.0\.0\.1 that isn't trusted/);
  }
});

Deno.test("derper ends a connection with a wrong PROXY header, that one alone", async () => {
  const malformed = "PROXY TCP4 203.0.113.9\r\n";
  const tooLong = "\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff";
  for (
    const [trusted, wrong, why] of [
      ["127.0.0.1", malformed, /its PROXY header can't be used: it has no two/],
      ["127.0.0.1", tooLong, /can't be used: it is over 2048 bytes$/],
      ["10.0.0.0/8", LINE, /PROXY header, but isn't among -trusted-proxies$/],
    ] as const
  ) {
    await using relay = await ProxiedRelay.start([
      ...["-trusted-proxies", trusted],
    ]);
    using before = await relay.client(NodePrivate.generate());
    for (let i = 0; i < 5; i++) {
      assertEquals(await relay.get("/", "", wrong), "");
    }
    using after = await relay.client(NodePrivate.generate());
    await before.sendPacket(after.publicKey, Uint8Array.of(1));
    assertEquals((await after.expectPacket()).packet, Uint8Array.of(1));
    await relay.child.line(why);
    const lines = relay.child.matching(/closed a connection from 127\.0\.0\.1/);
    assertEquals(lines.length, 1);
  }
});

Deno.test("derper says once that a proxy drops the headers of an upgrade", async () => {
  await using relay = await ProxiedRelay.start([]);
  for (let i = 0; i < 3; i++) {
    assertEquals(statusOf(await relay.get("/derp")), 426);
  }
  await relay.child.line(
    /came without its Upgrade and Connection headers: .*nginx needs/,
  );
  const lines = relay.child.matching(/a request for \/derp from/);
  assertEquals(lines.length, 1);
});

Deno.test("derper -a unix:PATH listens on a socket for its group, and removes it", async () => {
  const dir = await Deno.makeTempDir();
  const path = `${dir}/derper.sock`;
  await using relay = await ProxiedRelay.start(["-trusted-proxies", "unix"], {
    dir,
    path,
  });
  const { isSocket, mode } = await Deno.lstat(path);
  assertEquals([isSocket, mode! & 0o777], [true, 0o660]);
  const [one, other] = [NodePrivate.generate(), NodePrivate.generate()];
  using client = await relay.client(one, LINE);
  using second = await relay.client(other);
  assertEquals(await relay.whereabouts(one), "203.0.113.9 40000");
  assertEquals(await relay.whereabouts(other), "127.0.0.1 0");
  await client.sendPacket(second.publicKey, Uint8Array.of(1, 2));
  assertEquals((await second.expectPacket()).packet, Uint8Array.of(1, 2));
  assertEquals(statusOf(await relay.get("/debug/")), 403);
  assertEquals(relay.child.matching(/socket options/), []);
  for await (const { name } of Deno.readDir(dir)) {
    assert(name === "derper.sock" || !name.startsWith("derper"), name);
  }
  await relay.stop();
  await assertRejects(() => Deno.lstat(path), Deno.errors.NotFound);
});

Deno.test("derper -a unix:PATH doesn't trust the socket by itself", async () => {
  const dir = await Deno.makeTempDir();
  const path = `${dir}/derper.sock`;
  await using relay = await ProxiedRelay.start(
    ["-trusted-proxies", "127.0.0.1"],
    { dir, path },
  );
  await relay.child.line(/Without "unix" in -trusted-proxies nobody's address/);
  for (const fields of ["", "X-Forwarded-For: 100.64.0.9\r\n"]) {
    assertEquals(statusOf(await relay.get("/debug/", fields)), 403);
  }
  assertEquals(await relay.get("/", "", LINE), "");
  using client = await relay.client(NodePrivate.generate());
  assert(client);
});

Deno.test("derper -a unix:PATH replaces a socket that nobody listens on, and nothing else", async () => {
  const dir = await Deno.makeTempDir();
  const path = `${dir}/derper.sock`;
  const killed = await ProxiedRelay.start([], { dir, path });
  await killed.child.stop("SIGKILL");
  assert((await Deno.lstat(path)).isSocket);
  await using relay = await ProxiedRelay.start([], { dir, path });
  assertEquals(statusOf(await relay.get("/")), 200);

  const refuses = async (at: string): Promise<string> => {
    await using second = runProgram(dir, [
      ...["-a", `unix:${at}`, "-c", `${dir}/key`, "-stun=false"],
    ]);
    return (await second.line(/Cannot listen on unix socket .*/))[0];
  };
  assertMatch(await refuses(path), /\(-a\): another program listens on it;/);
  await Deno.writeTextFile(`${dir}/file`, "mine");
  assertMatch(await refuses(`${dir}/file`), /there is a file that is no sock/);
  assertEquals(await Deno.readTextFile(`${dir}/file`), "mine");
  assertMatch(await refuses(`${dir}/no/s`), /its directory doesn't exist;/);
  assertEquals(statusOf(await relay.get("/")), 200);
});

Deno.test("derper -a unix:PATH -reuse-port takes the socket over", async () => {
  const dir = await Deno.makeTempDir();
  const path = `${dir}/derper.sock`;
  const args = ["-reuse-port", "-trusted-proxies", "unix"];
  await using old = await ProxiedRelay.start(args, { dir, path });
  const key = NodePrivate.generate();
  using stays = await old.client(key);
  await using next = await ProxiedRelay.start(args, { dir, path });
  using comes = await next.client(NodePrivate.generate());
  assertEquals(await next.whereabouts(key), undefined); // it is with the old one
  assert(stays);
  await old.stop();
  assert((await Deno.lstat(path)).isSocket);
  using later = await next.client(NodePrivate.generate());
  await comes.sendPacket(later.publicKey, Uint8Array.of(3));
  assertEquals((await later.expectPacket()).packet, Uint8Array.of(3));
});
