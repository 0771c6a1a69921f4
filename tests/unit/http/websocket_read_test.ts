/** DERP over WebSocket, frame by frame. */
import { writeAll } from "../../../src/net/conn.ts";
import { concatBytes } from "../../../src/util/bytes.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { settle } from "../../support/fake_clock.ts";
import { bytes } from "../../support/http_exchange.ts";
import {
  BINARY,
  CLOSE,
  frame,
  open,
  pattern,
  PING,
  readExactly,
  readFrame,
} from "../../support/websocket.ts";

Deno.test("WebSocketConn.read() gives one stream of whatever messages there are", async () => {
  await using socket = await open();
  const data = pattern(3000);
  const cuts = [0, 1, 2, 130, 130, 1000, 3000];
  for (const [i, cut] of cuts.slice(1).entries()) {
    await writeAll(socket.client, frame(BINARY, data.subarray(cuts[i]!, cut)));
  }
  assertEquals(await readExactly(socket.conn, 3000), data);
});

Deno.test("WebSocketConn.read() gives a message in parts", async () => {
  await using socket = await open();
  await writeAll(socket.client, frame(BINARY, pattern(10)));
  const into = new Uint8Array(4);
  assertEquals(await socket.conn.read(into), 4);
  assertEquals(await socket.conn.read(into.subarray(0, 1)), 1);
  assertEquals(await readExactly(socket.conn, 5), pattern(10).subarray(5));
});

Deno.test("WebSocketConn.read() waits for a message", async () => {
  await using socket = await open();
  const into = new Uint8Array(10);
  const reading = socket.conn.read(into);
  await writeAll(socket.client, frame(BINARY, new Uint8Array(0)));
  await writeAll(socket.client, frame(BINARY, pattern(7)));
  assertEquals(await reading, 7);
});

Deno.test("WebSocketConn.read() has what was sent together with the handshake", async () => {
  await using socket = await open(frame(BINARY, pattern(200)));
  assertEquals(await readExactly(socket.conn, 200), pattern(200));
});

Deno.test("WebSocketConn.read() understands one byte at a time", async () => {
  await using socket = await open(frame(BINARY, pattern(300)), {
    maxReadBytes: 1,
  });
  assertEquals(await readExactly(socket.conn, 300), pattern(300));
});

Deno.test("WebSocketConn.read() puts fragments together", async () => {
  await using socket = await open();
  await writeAll(socket.client, frame(0x02, pattern(5)));
  await writeAll(socket.client, frame(PING, bytes("x")));
  await writeAll(socket.client, frame(0x80, pattern(9).subarray(5)));
  assertEquals(await readExactly(socket.conn, 9), pattern(9));
  assertEquals(await readFrame(socket.client), {
    first: 0x8a,
    payload: bytes("x"),
  });
});

Deno.test("WebSocketConn.read() ends when the client closes, and the close is answered", async () => {
  await using socket = await open();
  await writeAll(socket.client, frame(BINARY, bytes("x")));
  await writeAll(socket.client, frame(CLOSE, Uint8Array.of(3, 232)));
  assertEquals(await socket.conn.read(new Uint8Array(9)), 1);
  assertEquals(await socket.conn.read(new Uint8Array(9)), null);
  assertEquals(await readFrame(socket.client), {
    first: CLOSE,
    payload: Uint8Array.of(3, 232),
  });
  assertEquals(await socket.client.readToEnd(), new Uint8Array(0));
});

Deno.test("WebSocketConn.read() ends when the connection does", async () => {
  for (const leave of ["close", "closeWrite", "reset"] as const) {
    await using socket = await open();
    const reading = socket.conn.read(new Uint8Array(9));
    socket.client[leave]();
    assertEquals(await reading, null, leave);
  }
});

Deno.test("WebSocketConn.read() takes no more from the network than it must", async () => {
  await using socket = await open();
  const message = frame(BINARY, pattern(10_000));
  let sent = 0;
  const sending = (async () => {
    for (; sent < 100; sent++) await writeAll(socket.client, message);
  })();
  for (let before = -1; before !== sent;) {
    before = sent;
    await settle();
  }
  // 64 KiB wait for read(), 64 KiB are in the pair, 16 KiB in each of the streams between.
  assert(
    sent >= 12 && sent <= 18,
    `${sent} messages of 10,000 bytes were taken`,
  );
  const all = await readExactly(socket.conn, 1_000_000);
  assertEquals(all.subarray(990_000), pattern(10_000));
  await sending;
});

Deno.test("WebSocketConn.read() takes no more messages from the network than it must, however small", async () => {
  await using socket = await open(undefined, { bufferBytes: 8 * 1024 });
  const message = frame(BINARY, bytes("x"));
  const hundred = concatBytes(...Array.from({ length: 100 }, () => message));
  let sent = 0;
  const sending = (async () => {
    for (; sent < 20_000; sent += 100) await writeAll(socket.client, hundred);
  })();
  for (let before = -1; before !== sent;) {
    before = sent;
    await settle();
  }
  // 1,024 and the rest of a chunk of 16 KiB wait for read(), two such chunks and 8 KiB are before that.
  assert(sent > 1024 && sent < 9_000, `${sent} messages of 7 bytes were taken`);
  assertEquals(
    await readExactly(socket.conn, 20_000),
    bytes("x".repeat(20_000)),
  );
  await sending;
});
