/** The relay answers the frames of Go's client with what the Go derper answered. */
import { encodeServerInfo } from "../../../src/derp/client_info.ts";
import { FRAME_HEADER_BYTES } from "../../../src/derp/frame.ts";
import { MeshKey } from "../../../src/keys/mesh_key.ts";
import type { NodePrivate } from "../../../src/keys/node_key.ts";
import { writeAll } from "../../../src/net/conn.ts";
import {
  concatBytes,
  fromHex,
  readUint32,
  toHex,
} from "../../../src/util/bytes.ts";
import { assertEquals } from "../../support/assert.ts";
import type { ConnPairOptions, MemoryConn } from "../../support/conn_pair.ts";
import { GoldenFrames } from "../../support/golden_frames.ts";
import { discoPacket } from "../../support/packets.ts";
import { TestRelay } from "../../support/test_relay.ts";
import { testKey } from "../../support/test_keys.ts";

const golden = await GoldenFrames.read();
const MESH_KEY = MeshKey.parse("0123456789abcdef".repeat(4))!;
const A = { name: "a", key: testKey(2), ip: "192.0.2.1", port: 1234 };
const B = { name: "b", key: testKey(3), ip: "2001:db8::7", port: 65_535 };
const W = { name: "w", key: testKey(4), ip: "192.0.2.9", port: 9 };

interface Golden {
  readonly name: string;
  readonly key: NodePrivate;
  readonly ip: string;
  readonly port: number;
}

/** The next frame, as hexadecimal. */
async function nextHex(conn: MemoryConn): Promise<string> {
  const header = await conn.readExactly(FRAME_HEADER_BYTES);
  const payload = await conn.readExactly(readUint32(header, 1));
  return toHex(header) + toHex(payload);
}

async function writeHex(conn: MemoryConn, ...hex: string[]): Promise<void> {
  const text = hex.join("");
  await writeAll(conn, fromHex(text, text.length / 2)!);
}

/** Connects with the captured ClientInfo and checks what Go's client would see. */
async function connect(
  relay: TestRelay,
  who: Golden,
  pair: ConnPairOptions,
): Promise<MemoryConn> {
  const clientAddress = { ip: who.ip, port: who.port };
  const { client } = relay.accept({ ...pair, clientAddress });
  assertEquals(await nextHex(client), golden.hex("ServerKey"));
  await writeAll(client, golden.bytes(`ClientInfo.${who.name}`));
  const info = await nextHex(client);
  const wanted = golden.hex(`ServerInfo.${who.name}`);
  assertEquals(info.length, wanted.length);
  assertEquals(info.slice(0, 10), wanted.slice(0, 10));
  const box = fromHex(info.slice(10), info.length / 2 - 5)!;
  assertEquals(
    who.key.openFrom(testKey(1).publicKey, box),
    encodeServerInfo(),
  );
  return client;
}

async function replay(relay: TestRelay, pair: ConnPairOptions): Promise<void> {
  const a = await connect(relay, A, pair);
  const w = await connect(relay, W, pair);
  await writeHex(w, "1000000000"); // WatchConns
  assertEquals(
    [await nextHex(w), await nextHex(w)].sort(),
    [golden.hex("PeerPresent.a"), golden.hex("PeerPresent.w")].sort(),
  );
  const b = await connect(relay, B, pair);
  assertEquals(await nextHex(w), golden.hex("PeerPresent.b"));
  await writeHex(b, "0400000025", A.key.publicKey.hex(), "68656c6c6f");
  assertEquals(await nextHex(a), golden.hex("RecvPacket"));
  await writeHex(a, "120000000f", "313233343536373869676e6f726564");
  assertEquals(await nextHex(a), golden.hex("Pong"));
  const nobody = "aa".repeat(32);
  await writeHex(a, "040000005e", nobody, toHex(discoPacket(62)));
  assertEquals(await nextHex(a), golden.hex("PeerGone.notHere"));
  const forwarded = nobody + A.key.publicKey.hex() + "666f72776172646564";
  await writeHex(w, "0a00000049", forwarded);
  assertEquals(await nextHex(a), golden.hex("RecvPacket.forwarded"));
  b.close();
  assertEquals(await nextHex(a), golden.hex("PeerGone.disconnected"));
  assertEquals(await nextHex(w), golden.hex("PeerGone.watcher"));
  await relay.clock.advance(65_000);
  assertEquals(await nextHex(a), golden.hex("KeepAlive"));
  assertEquals([a, w].map((conn) => conn.readableBytes), [0, 5]);
}

Deno.test("golden: the relay says to Go's client what derper says", async () => {
  await using relay = new TestRelay({ meshKey: MESH_KEY });
  await replay(relay, {});
});

Deno.test("golden: the relay says the same when bytes come and go one at a time", async () => {
  await using relay = new TestRelay({ meshKey: MESH_KEY });
  await replay(relay, { maxReadBytes: 1, maxWriteBytes: 1 });
});

Deno.test("golden: the relay says the same when the client's first frames come with its request", async () => {
  await using relay = new TestRelay({ meshKey: MESH_KEY });
  const ping = fromHex("12000000083132333435363738", 13)!;
  const preface = new TextEncoder().encode("HTTP/1.1 101 x\r\n\r\n");
  const { client } = relay.accept({}, {
    preface,
    rest: concatBytes(golden.bytes("ClientInfo.a"), ping),
  });
  assertEquals(await client.readExactly(preface.length), preface);
  assertEquals(await nextHex(client), golden.hex("ServerKey"));
  const info = await nextHex(client);
  assertEquals(info.length, golden.hex("ServerInfo.a").length);
  assertEquals(await nextHex(client), golden.hex("Pong"));
  client.close();
});
