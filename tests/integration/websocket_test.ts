/** DERP over WebSocket with the runtime's own client. */
import { noTurn } from "../support/no_turn.ts";
import { derpUpgrade } from "../../src/http/derp_upgrade.ts";
import { NodePublic } from "../../src/keys/node_key.ts";
import { type Conn, writeAll } from "../../src/net/conn.ts";
import { systemClock } from "../../src/util/clock.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { type HttpServer, startHttpServer } from "../support/http_server.ts";

function start(accept: (conn: Conn) => Promise<void>): HttpServer {
  const publicKey = NodePublic.fromBytes(new Uint8Array(32));
  return startHttpServer({
    clock: systemClock,
    secure: false,
    turn: noTurn,
    handler: () => new Response("not upgraded"),
    upgrade: derpUpgrade({ publicKey, accept }, systemClock, noTurn),
  });
}

async function echo(conn: Conn): Promise<void> {
  const chunk = new Uint8Array(50_000);
  for (let n; (n = await conn.read(chunk)) !== null;) {
    await writeAll(conn, chunk.subarray(0, n));
  }
  conn.close();
}

async function open(port: number): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/derp`, "derp");
  socket.binaryType = "arraybuffer";
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  socket.onerror = null;
  return socket;
}

function closed(socket: WebSocket): Promise<CloseEvent> {
  return new Promise((resolve) => socket.onclose = resolve);
}

Deno.test("derpUpgrade() carries bytes both ways over a WebSocket", async () => {
  await using server = start(echo);
  const socket = await open(server.port);
  assertEquals([socket.protocol, socket.extensions], ["derp", ""]);
  const sizes = [1, 100_000, 0, 200_000, 32_768, 65_536, 7];
  const total = sizes.reduce((sum, size) => sum + size);
  const data = Uint8Array.from({ length: total }, (_, i) => i * 31 >> 3);
  const received = new Uint8Array(total);
  let filled = 0;
  const done = new Promise<void>((resolve, reject) => {
    socket.onmessage = ({ data }) => {
      if (data.byteLength >= 32 * 1024) {
        return reject(new Error(`${data.byteLength} bytes in one message`));
      }
      received.set(new Uint8Array(data), filled);
      filled += data.byteLength;
      if (filled === total) resolve();
    };
  });
  let sent = 0;
  for (const size of sizes) socket.send(data.slice(sent, sent += size));
  await done;
  assertEquals(received, data);
  const closing = closed(socket);
  socket.close(1000, "done");
  const { code, wasClean } = await closing;
  assertEquals([code, wasClean], [1000, true]);
});

Deno.test("derpUpgrade() tells a client that sends text why it ends", async () => {
  await using server = start(echo);
  const socket = await open(server.port);
  const closing = closed(socket);
  socket.send("DERP");
  assertEquals((await closing).code, 1003);
});

Deno.test("derpUpgrade() ends the WebSocket when the relay closes", async () => {
  await using server = start((conn) => {
    conn.close();
    return Promise.resolve();
  });
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}/derp`, "derp");
  socket.onerror = () => {};
  assert(!(await closed(socket)).wasClean);
});
