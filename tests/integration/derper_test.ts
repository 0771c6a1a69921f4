/** A whole relay over real TLS, TCP and UDP on the loopback interface. */
import { MeshKey } from "../../src/keys/mesh_key.ts";
import { encodeFrame } from "../../src/derp/messages.ts";
import { FrameType } from "../../src/derp/frame.ts";
import { NodePrivate } from "../../src/keys/node_key.ts";
import { OperatorError } from "../../src/util/operator_error.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "../support/assert.ts";
import { RunningDerper } from "../support/running_derper.ts";

const PACKET = new TextEncoder().encode("packet");

Deno.test("Derper relays packets between two clients over TLS", async () => {
  await using relay = await RunningDerper.start();
  using a = await relay.client();
  using b = await relay.client();
  for (const size of [0, 1, 1400, 65_536]) {
    const packet = crypto.getRandomValues(new Uint8Array(size));
    await a.sendPacket(b.publicKey, packet);
    const got = await b.expectPacket();
    assertEquals(got.source, a.publicKey.hex());
    assertEquals(got.packet, packet);
  }
});

Deno.test("Derper starts DERP at once with Derp-Fast-Start, and not its HTTP answer", async () => {
  await using relay = await RunningDerper.start();
  using conn = await relay.connect();
  const request =
    "GET /derp HTTP/1.1\r\nHost: x\r\nUpgrade: DERP\r\nConnection: Upgrade\r\nDerp-Fast-Start: 1\r\n\r\n";
  await conn.write(new TextEncoder().encode(request));
  const first = new Uint8Array(1024);
  const bytes = await conn.read(first);
  assertEquals(
    [bytes, first[0], new TextDecoder().decode(first.subarray(5, 9))],
    [45, FrameType.ServerKey, "DERP"],
  );
});

Deno.test("Derper serves its pages, and on the plain port the way to them", async () => {
  await using relay = await RunningDerper.start();
  using client = Deno.createHttpClient({ caCerts: [relay.certificate] });
  const base = `https://127.0.0.1:${relay.derper.port}`;
  const probe = await fetch(`${base}/derp/probe`, { client });
  await probe.body?.cancel();
  assertEquals(probe.status, 200);
  assertEquals(probe.headers.get("access-control-allow-origin"), "*");
  const plain = await fetch(`http://127.0.0.1:${relay.derper.httpPort}/x?y`, {
    redirect: "manual",
    client,
  });
  await plain.body?.cancel();
  assertEquals(plain.status, 302);
  assertEquals(
    plain.headers.get("location"),
    `https://127.0.0.1:${relay.derper.httpPort}/x?y`,
  );
});

Deno.test("Derper goes on when a client sends garbage in place of TLS, half a head, or an endless one", async () => {
  await using relay = await RunningDerper.start();
  const { port } = relay.derper;
  using garbage = await Deno.connect({ hostname: "127.0.0.1", port });
  await garbage.write(
    crypto.getRandomValues(new Uint8Array(4096)).fill(0xff, 0, 1),
  );
  using _silent = await Deno.connect({ hostname: "127.0.0.1", port });
  using half = await relay.connect();
  await half.write(new TextEncoder().encode("GET /derp HTTP/1.1\r\nUpgr"));
  using endless = await relay.connect();
  const answer = readAll(endless);
  await endless.write(
    new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n"),
  );
  const field = new TextEncoder().encode(`X-A: ${"a".repeat(1000)}\r\n`);
  try {
    for (let i = 0; i < 100; i++) await endless.write(field);
  } catch {
    // The relay has closed it meanwhile, as it should.
  }
  assertEquals((await answer).slice(0, 12), "HTTP/1.1 431");
  // TLS ends with an alert (21), or the connection just ends.
  const alert = new Uint8Array(1);
  const bytes = await garbage.read(alert).catch(() => null);
  if (bytes !== null) assertEquals(alert[0], 21);
  using a = await relay.client();
  await a.sendPacket(a.publicKey, PACKET);
  assertEquals((await a.expectPacket()).packet, PACKET);
});

Deno.test("Derper ends a client that announces a frame of 4 GiB, and nobody else", async () => {
  await using relay = await RunningDerper.start();
  using a = await relay.client();
  using b = await relay.client();
  await a.write(Uint8Array.of(FrameType.SendPacket, 0xff, 0xff, 0xff, 0xff));
  assertEquals(await a.expectEnd(), []);
  await b.sendPacket(b.publicKey, PACKET);
  assertEquals((await b.expectPacket()).packet, PACKET);
});

Deno.test("Derper refuses mesh frames without the mesh key and takes them with it", async () => {
  const meshKey = MeshKey.parse("5".repeat(64))!;
  await using relay = await RunningDerper.start({ meshKey });
  using stranger = await relay.client();
  using peer = await relay.client({ meshKey });
  await stranger.send(FrameType.WatchConns);
  assertEquals(await stranger.expectEnd(), []);
  await peer.send(FrameType.WatchConns);
  const payload = await peer.expect(FrameType.PeerPresent);
  assertEquals(payload.length, 51);
});

Deno.test("Derper closes a client that stops reading, while its sender goes on", async () => {
  await using relay = await RunningDerper.start({ tcpWriteTimeoutMs: 500 });
  using sender = await relay.client();
  using deaf = await relay.client();
  const big = encodeFrame(
    FrameType.SendPacket,
    deaf.publicKey.bytes,
    new Uint8Array(65_536),
  );
  for (let i = 0; i < 1_000; i++) await sender.write(big);
  while (relay.derper.relay.metrics.clientWriteTimeouts === 0) {
    await sender.sendPacket(sender.publicKey, PACKET);
    assertEquals((await sender.expectPacket()).packet, PACKET);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const values = relay.derper.relay.metrics.snapshot();
  const dropped =
    values['derp_packets_dropped{reason="queue_head",kind="other"}']!;
  assert(dropped > 0, "no packet was dropped");
});

Deno.test("Derper links to another relay and forwards both ways", async () => {
  const meshKey = MeshKey.parse("7".repeat(64))!;
  await using first = await RunningDerper.start({ meshKey });
  const certFile = `${first.dir}/127.0.0.1.crt`;
  Deno.env.set("DENO_CERT", certFile);
  const target = {
    host: "127.0.0.1",
    port: first.derper.port,
    dialHost: "127.0.0.1",
  };
  await using second = await RunningDerper.start({
    meshKey,
    meshWith: [target],
  });
  Deno.env.delete("DENO_CERT");
  using a = await first.client();
  using b = await second.client();
  // b's relay has dialled a's: it learns of a, and sends there what b has for a.
  while (second.derper.relay.table.lookUp(a.publicKey.bytes, 0) === undefined) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await b.sendPacket(a.publicKey, PACKET);
  const got = await a.expectPacket();
  assertEquals(got.source, b.publicKey.hex());
  assertEquals(got.packet, PACKET);
  assertEquals(first.derper.relay.metrics.packetsForwardedIn, 1);
});

Deno.test("Derper admits by an admission controller, and refuses silently", async () => {
  const member = NodePrivate.generate();
  await using controller = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const { NodePublic } = await request.json();
      return Response.json({
        Allow: NodePublic === member.publicKey.toString(),
      });
    },
  );
  const url = `http://127.0.0.1:${controller.addr.port}/verify`;
  await using relay = await RunningDerper.start({
    verification: {
      sockets: [],
      urls: [url],
      urlFailOpen: true,
      policy: "each-kind",
      cacheTtlMs: 0,
      staleTtlMs: 0,
      reverifyIntervalMs: 0,
    },
  });
  using admitted = await relay.client({ key: member });
  await admitted.sendPacket(member.publicKey, PACKET);
  assertEquals((await admitted.expectPacket()).packet, PACKET);
  await assertRejects(() => relay.client(), Error, "ServerInfo");
});

Deno.test("Derper.start() leaves nothing behind when the plain port is taken", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr as Deno.NetAddr;
  const error = await assertRejects(
    () => RunningDerper.start({ httpPort: port }),
    OperatorError,
  );
  assertStringIncludes(error.message, `:${port} (-http-port)`);
  assertStringIncludes(error.message, "in use");
});

async function readAll(conn: Deno.Conn): Promise<string> {
  const decoder = new TextDecoder();
  const into = new Uint8Array(4096);
  let text = "";
  for (;;) {
    const bytes = await conn.read(into).catch(() => null);
    if (bytes === null) return text;
    text += decoder.decode(into.subarray(0, bytes), { stream: true });
  }
}
