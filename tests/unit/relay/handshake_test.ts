/** ServerKey and ClientInfo: what is let in, and what ends it. */
import { noTurn } from "../../support/no_turn.ts";
import { ProtocolError } from "../../../src/derp/errors.ts";
import { FrameType } from "../../../src/derp/frame.ts";
import { encodeFrame, encodeServerKey } from "../../../src/derp/messages.ts";
import { type Conn, writeAll } from "../../../src/net/conn.ts";
import {
  type DerpStart,
  HandshakeTimeoutError,
  type Hello,
  shakeHands,
} from "../../../src/relay/handshake.ts";
import { concatBytes, toHex } from "../../../src/util/bytes.ts";
import { assert, assertEquals, assertRejects } from "../../support/assert.ts";
import { clientHello } from "../../support/client_hello.ts";
import { connPair, type ConnPairOptions } from "../../support/conn_pair.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";
import { testKey, testMeshKey } from "../../support/test_keys.ts";

const SERVER = testKey(1);
const A = testKey(2);
const NONE = new Uint8Array();

/** A handshake under way. */
function begin(start: Partial<DerpStart> = {}, pair: ConnPairOptions = {}) {
  const clock = new FakeClock();
  const { client, server } = connPair(pair);
  const hello = shakeHands(
    server,
    { preface: NONE, rest: NONE, notIdeal: false, ...start },
    { serverKey: SERVER, clock, turn: noTurn },
  );
  hello.catch(() => {}); // a test may look at it later
  return { client, server, clock, hello };
}

/** The error that a client causes who sends these bytes first. */
async function errorOf(first: Uint8Array): Promise<ProtocolError> {
  const { client, clock, hello } = begin();
  await writeAll(client, first);
  const error = await assertRejects(() => hello, ProtocolError);
  assertEquals(clock.pending, 0);
  return error;
}

Deno.test("shakeHands() sends preface and ServerKey in one write, and reads ClientInfo", async () => {
  const preface = new TextEncoder().encode("HTTP/1.1 101\r\n\r\n");
  const { client, clock, hello } = begin({ preface });
  const read = new Uint8Array(1000);
  const bytes = await client.read(read);
  assertEquals(
    toHex(read.subarray(0, bytes!)),
    toHex(concatBytes(preface, encodeServerKey(SERVER.publicKey))),
  );
  await writeAll(
    client,
    clientHello(A, `{"version":2,"meshKey":"${"07".repeat(32)}"}`),
  );
  const { key, info } = (await hello)!;
  assert(key.equals(A.publicKey));
  assertEquals(info.version, 2);
  assert(info.meshKey?.equals(testMeshKey(7)));
  assertEquals(clock.pending, 0);
});

Deno.test("shakeHands() takes ClientInfo from what the client sent with its request, whole or in part", async () => {
  const frame = clientHello(A);
  for (const inRest of [1, 5, 40, frame.length - 1, frame.length]) {
    const { client, hello } = begin({ rest: frame.slice(0, inRest) });
    await writeAll(client, frame.subarray(inRest));
    assert((await hello)!.key.equals(A.publicKey), `${inRest} bytes`);
  }
});

Deno.test("shakeHands() hands on what follows ClientInfo", async () => {
  const rest = concatBytes(clientHello(A), Uint8Array.of(0x10, 0, 0, 0, 0));
  const { hello } = begin({ rest });
  const { reader } = (await hello) as Hello;
  reader.setLimits({ 0x10: { minBytes: 0, maxBytes: 0 } });
  assert(reader.next());
  assertEquals(reader.type, FrameType.WatchConns);
});

Deno.test("shakeHands() takes a ClientInfo in reads of one byte, and one of 256 KiB", async () => {
  const slow = begin({}, { maxReadBytes: 1 });
  await writeAll(slow.client, clientHello(A));
  assert((await slow.hello)!.key.equals(A.publicKey));

  const room = 256 * 1024 - 32 - 24 - 16;
  const json = `{"version":2,"AppName":"${"x".repeat(room - 26)}"}`;
  const large = begin({}, { bufferBytes: 300_000 });
  await writeAll(large.client, clientHello(A, json));
  assertEquals((await large.hello)!.info.version, 2);
});

Deno.test("shakeHands() refuses any other frame first, known or not", async () => {
  for (const type of [0x00, 0x01, 0x04, 0x0a, 0x10, 0x12, 0x99, 0xff]) {
    const error = await errorOf(
      Uint8Array.from([type, 0, 0, 0, 1, 1]),
    );
    assertEquals(error.code, "frame_order");
    assert(/^first frame is \w+, not ClientInfo$/.test(error.message));
  }
});

Deno.test("shakeHands() refuses what is no DERP by its first five bytes", async () => {
  for (const text of ["GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02\0\x01\0"]) {
    const error = await errorOf(new TextEncoder().encode(text));
    assertEquals(error.code, "frame_order");
  }
});

Deno.test("shakeHands() refuses a ClientInfo of under 56 bytes or over 256 KiB by its header", async () => {
  for (
    const length of [[0, 0, 0, 55], [0, 4, 0, 1], [0xff, 0xff, 0xff, 0xff]]
  ) {
    const error = await errorOf(Uint8Array.of(FrameType.ClientInfo, ...length));
    assertEquals(error.code, "frame_length");
  }
});

Deno.test("shakeHands() refuses a box that does not open", async () => {
  const frame = clientHello(A);
  const otherServer = A.sealTo(testKey(9).publicKey, new Uint8Array(20));
  const wrong = [
    frame.with(frame.length - 1, frame.at(-1)! ^ 1),
    frame.with(40, frame[40]! ^ 1), // in the nonce
    frame.with(5, frame[5]! ^ 1), // in the key
    encodeFrame(FrameType.ClientInfo, A.publicKey.bytes, otherServer),
    encodeFrame(FrameType.ClientInfo, new Uint8Array(100)), // key of low order
    encodeFrame(FrameType.ClientInfo, new Uint8Array(56)),
  ];
  for (const bytes of wrong) {
    const error = await errorOf(bytes);
    assertEquals(error.code, "client_info");
    assert(/does not open with key \[.{5}\]$/.test(error.message));
  }
});

Deno.test("shakeHands() refuses a box of bad JSON, or of JSON that is no object", async () => {
  for (const json of ["", "{", "[]", "null", "2", '{"version":"2"}']) {
    const error = await errorOf(clientHello(A, json));
    assertEquals(error.code, "client_info");
  }
});

Deno.test("shakeHands() resolves to undefined when the client leaves before it has said who it is", async () => {
  for (const bytes of [0, 1, 5, 60]) {
    const { client, clock, hello } = begin();
    await writeAll(client, clientHello(A).subarray(0, bytes));
    client.close();
    assertEquals(await hello, undefined);
    assertEquals(clock.pending, 0);
  }
});

Deno.test("shakeHands() passes on how a connection broke", async () => {
  const { client, clock, hello } = begin();
  await settle();
  client.reset();
  await assertRejects(() => hello, Deno.errors.ConnectionReset);
  assertEquals(clock.pending, 0);
});

Deno.test("shakeHands() gives up and closes the connection after 10 s of silence", async () => {
  const { server, clock, hello } = begin();
  await clock.advance(9_999);
  assert(!server.closed);
  await clock.advance(1);
  assert(server.closed);
  await assertRejects(() => hello, HandshakeTimeoutError, "10 s");
  assertEquals(clock.pending, 0);
});

Deno.test("shakeHands() gives up after 10 s on who sends a byte now and then", async () => {
  const { client, server, clock, hello } = begin();
  const frame = clientHello(A);
  for (let i = 0; i < 10; i++) {
    await writeAll(client, frame.subarray(i, i + 1));
    await clock.advance(1000);
  }
  assert(server.closed);
  await assertRejects(() => hello, HandshakeTimeoutError);
});

Deno.test("shakeHands() gives up after 10 s on who doesn't take ServerKey", async () => {
  const { server, clock, hello } = begin({}, { bufferBytes: 10 });
  await clock.advance(10_000);
  assert(server.closed);
  await assertRejects(() => hello, HandshakeTimeoutError);
});

Deno.test("shakeHands() tells a late client from one that left where closing ends a read quietly", async () => {
  const clock = new FakeClock();
  const ended = Promise.withResolvers<null>();
  const quiet: Conn = {
    remote: { ip: "192.0.2.1", port: 1 },
    read: () => ended.promise,
    write: (data) => Promise.resolve(data.length),
    close: () => ended.resolve(null),
  };
  const hello = shakeHands(
    quiet,
    { preface: NONE, rest: NONE, notIdeal: false },
    { serverKey: SERVER, clock, turn: noTurn },
  );
  hello.catch(() => {});
  await clock.advance(10_000);
  await assertRejects(() => hello, HandshakeTimeoutError);
});
