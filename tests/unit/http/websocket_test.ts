/** DERP over WebSocket, frame by frame. */
import { ProtocolError } from "../../../src/derp/errors.ts";
import { writeAll } from "../../../src/net/conn.ts";
import { concatBytes, readUint16 } from "../../../src/util/bytes.ts";
import { assert, assertEquals, assertRejects } from "../../support/assert.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";
import { bytes, exchange, serve } from "../../support/http_exchange.ts";
import {
  BINARY,
  CLOSE,
  frame,
  HANDSHAKE,
  open,
  pattern,
  readFrame,
  TEXT,
  upgradeTo,
} from "../../support/websocket.ts";

Deno.test("WebSocketConn ends on text, on what is too long, and on broken frames, and says so", async () => {
  for (
    const [code, sent] of [
      [1003, frame(TEXT, bytes("DERP"))],
      [1009, Uint8Array.of(BINARY, 0xff, 0, 0, 0, 0, 0, 4, 0, 1)],
      [
        1009,
        Uint8Array.of(
          BINARY,
          0xff,
          0xff,
          0xff,
          0xff,
          0xff,
          0xff,
          0xff,
          0xff,
          0xff,
        ),
      ],
      [1002, Uint8Array.of(BINARY, 0x01, 0x00)],
      [1002, frame(0xc2, bytes("compressed"))],
      [1002, frame(0x83, bytes("reserved"))],
    ] as const
  ) {
    await using socket = await open();
    await writeAll(socket.client, sent);
    for (let i = 0; i < 2; i++) { // it stays so
      await assertRejects(
        () => socket.conn.read(new Uint8Array(9)),
        ProtocolError,
        "WebSocket: ",
      );
    }
    const { first, payload } = await readFrame(socket.client);
    assertEquals([first, readUint16(payload, 0)], [CLOSE, code]);
  }
});

Deno.test("WebSocketConn.close() lets a close frame go out that is under way", async () => {
  await using socket = await open(undefined, { bufferBytes: 3 });
  await writeAll(socket.client, frame(TEXT, bytes("DERP")));
  await assertRejects(
    () => socket.conn.read(new Uint8Array(9)),
    ProtocolError,
    "a text message, and DERP is binary",
  );
  socket.conn.close();
  assertEquals((await readFrame(socket.client)).first, CLOSE);
});

Deno.test("WebSocketConn.write() sends messages of less than 32 KiB", async () => {
  await using socket = await open();
  const data = pattern(100_000);
  const writing = writeAll(socket.conn, data);
  const parts: Uint8Array[] = [];
  for (let length = 0; length < data.length;) {
    const { first, payload } = await readFrame(socket.client);
    assertEquals(first, BINARY);
    assert(payload.length < 32 * 1024, `${payload.length} bytes`);
    parts.push(payload);
    length += payload.length;
  }
  await writing;
  assertEquals(concatBytes(...parts), data);
});

Deno.test("WebSocketConn.write() resolves when the connection has taken the message", async () => {
  await using socket = await open(undefined, { bufferBytes: 1000 });
  let isWritten = false;
  const writing = writeAll(socket.conn, pattern(1500)).then(() =>
    isWritten = true
  );
  await settle();
  assert(!isWritten);
  assertEquals((await readFrame(socket.client)).payload, pattern(1500));
  await writing;
  assert(isWritten);
});

Deno.test("WebSocketConn.write() rejects when the connection breaks, and after close()", async () => {
  await using socket = await open(undefined, { bufferBytes: 1000 });
  const writing = writeAll(socket.conn, pattern(5000));
  const failed = assertRejects(() => writing, Error, "The WebSocket is closed");
  await settle();
  socket.client.close();
  await failed;
  socket.conn.close();
  await assertRejects(
    () => socket.conn.write(pattern(1)),
    Error,
    "The WebSocket is closed",
  );
});

Deno.test("WebSocketConn.close() ends what waits, at once and twice", async () => {
  await using socket = await open(undefined, { bufferBytes: 1000 });
  const reading = socket.conn.read(new Uint8Array(9));
  const writing = writeAll(socket.conn, pattern(5000));
  const failed = assertRejects(() => writing, Error, "The WebSocket is closed");
  await settle();
  socket.conn.close();
  socket.conn.close();
  assertEquals(await reading, null);
  await failed;
  assertEquals((await socket.client.readToEnd()).length, 1000);
});

Deno.test("WebSocketUpgrade.open() refuses a bad handshake", async () => {
  const upgrade = upgradeTo(() => Promise.reject(new Error("accepted")));
  for (
    const request of [
      HANDSHAKE.replace("AAAAAAAAAAAAAAAAAAAAAA==", "AAAA"),
      HANDSHAKE.replace("Version: 13", "Version: 7"),
      HANDSHAKE.replace("chat, derp", "chat,, derp"),
      HANDSHAKE.replace("Sec-WebSocket-Key", "Sec-WebSocket-Quay"),
    ]
  ) {
    const { responses, end } = await exchange(request, { upgrade });
    assertEquals(responses.map(({ status }) => status), [400], request);
    assertEquals(end, { kind: "upgraded" }, request);
  }
});

Deno.test("WebSocketUpgrade.open() gives up on who doesn't take the refusal", async () => {
  const clock = new FakeClock();
  const upgrade = upgradeTo(() => Promise.reject(new Error("accepted")), clock);
  using served = serve({ upgrade }, { bufferBytes: 100, maxWriteBytes: 100 });
  await writeAll(
    served.client,
    bytes(HANDSHAKE.replace("Version: 13", "Version: 7")),
  );
  while (clock.pending === 0) await settle();
  await clock.advance(30_000);
  assertEquals(await served.end, { kind: "upgraded" });
  assert(served.server.closed);
  assertEquals(clock.pending, 0);
});
