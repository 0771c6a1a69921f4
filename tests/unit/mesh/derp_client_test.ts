/** The client's side of the upgrade and the handshake. */
import { decodeClientInfo } from "../../../src/derp/client_info.ts";
import { ProtocolError } from "../../../src/derp/errors.ts";
import { FrameType, HELLO_LIMITS } from "../../../src/derp/frame.ts";
import { FrameReader } from "../../../src/derp/frame_reader.ts";
import { encodeFrame, encodeServerKey } from "../../../src/derp/messages.ts";
import { introduce, upgradeToDerp } from "../../../src/mesh/derp_client.ts";
import { ConnectionLostError, writeAll } from "../../../src/net/conn.ts";
import { concatBytes } from "../../../src/util/bytes.ts";
import { assert, assertEquals, assertRejects } from "../../support/assert.ts";
import { connPair, type ConnPairOptions } from "../../support/conn_pair.ts";
import { readHead, SWITCHING } from "../../support/http_head.ts";
import { testKey, testMeshKey } from "../../support/test_keys.ts";

const SERVER = testKey(1);
const CLIENT = { host: "derp.test:8443", key: testKey(2) };
const SERVER_KEY = encodeServerKey(SERVER.publicKey);

/** A client whose server says `answer` and then ends, or not. */
async function upgrade(
  answer: Uint8Array,
  { ends = false, ...pair }: ConnPairOptions & { ends?: boolean } = {},
) {
  const { client, server } = connPair(pair);
  await writeAll(server, answer);
  if (ends) server.closeWrite();
  return { client, server, hello: upgradeToDerp(client, CLIENT) };
}

Deno.test("upgradeToDerp() asks as HTTP/1.1 wants it and reads the relay's key", async () => {
  const { server, hello } = await upgrade(concatBytes(SWITCHING, SERVER_KEY));
  assert((await hello).serverKey.equals(SERVER.publicKey));
  const { head } = (await readHead(server))!;
  assertEquals(head.split("\r\n"), [
    "GET /derp HTTP/1.1",
    "Host: derp.test:8443",
    "Upgrade: DERP",
    "Connection: Upgrade",
  ]);
});

Deno.test("upgradeToDerp() reads an answer that comes a byte at a time", async () => {
  const { hello } = await upgrade(concatBytes(SWITCHING, SERVER_KEY), {
    maxReadBytes: 1,
  });
  assert((await hello).serverKey.equals(SERVER.publicKey));
});

Deno.test("upgradeToDerp() hands on what came behind ServerKey", async () => {
  const { hello } = await upgrade(
    concatBytes(SWITCHING, SERVER_KEY, encodeFrame(FrameType.KeepAlive)),
  );
  const { reader } = await hello;
  assert(reader.next());
  assertEquals(reader.type, FrameType.KeepAlive);
});

Deno.test("upgradeToDerp() refuses any other answer", async () => {
  for (
    const text of [
      "HTTP/1.1 200 OK\r\n\r\n",
      "HTTP/1.1 426 Upgrade Required\r\nUpgrade: DERP\r\n\r\n",
      "HTTP/1.0 101 x\r\n\r\n",
      "HTTP/1.1 1010\r\n\r\n",
      "SSH-2.0-OpenSSH\r\n\r\n",
      "\r\n\r\n",
    ]
  ) {
    const { hello } = await upgrade(new TextEncoder().encode(text));
    const error = await assertRejects(() => hello, ProtocolError);
    assertEquals(error.code, "frame_order");
  }
});

Deno.test("upgradeToDerp() reads no more than 4 KiB of an answer", async () => {
  const { client, hello } = await upgrade(new Uint8Array(10_000).fill(97));
  await assertRejects(() => hello, ProtocolError, "too long");
  assertEquals(client.readableBytes, 10_000 - 4096);
});

Deno.test("upgradeToDerp() tells where a connection ended", async () => {
  for (const bytes of [0, 20, SWITCHING.length, SWITCHING.length + 10]) {
    const answer = concatBytes(SWITCHING, SERVER_KEY).subarray(0, bytes);
    const { hello } = await upgrade(answer, { ends: true });
    const error = await assertRejects(() => hello, ConnectionLostError);
    const stage = bytes < SWITCHING.length
      ? "closed instead of upgraded"
      : "closed the connection before ServerKey";
    assert(error.message.includes(stage), error.message);
  }
});

Deno.test("introduce() sends ClientInfo that only the relay can read, with the mesh key", async () => {
  const { client, server, hello } = await upgrade(
    concatBytes(SWITCHING, SERVER_KEY),
  );
  const introducing = introduce(client, await hello, {
    ...CLIENT,
    meshKey: testMeshKey(7),
    isProber: true,
  });
  const { rest } = (await readHead(server))!;
  const reader = new FrameReader(HELLO_LIMITS, rest);
  while (!reader.next()) {
    reader.filled((await server.read(reader.space()))!);
  }
  const { publicKey } = CLIENT.key;
  assertEquals(reader.payload().subarray(0, 32), publicKey.bytes);
  const json = SERVER.openFrom(publicKey, reader.payload().subarray(32))!;
  const { meshKey, ...info } = decodeClientInfo(json);
  assertEquals(info, { version: 2, canAckPings: true, isProber: true });
  assert(meshKey?.equals(testMeshKey(7)));
  const box = SERVER.sealTo(publicKey, new TextEncoder().encode("{}"));
  await writeAll(server, encodeFrame(FrameType.ServerInfo, box));
  await introducing;
});

Deno.test("introduce() refuses what is no ServerInfo of the relay", async () => {
  const box = SERVER.sealTo(CLIENT.key.publicKey, Uint8Array.of(123, 125));
  const foreign = testKey(9).sealTo(CLIENT.key.publicKey, new Uint8Array(2));
  const answers: [Uint8Array, string, string][] = [
    [encodeFrame(FrameType.KeepAlive), "frame_order", "KeepAlive frame"],
    [encodeFrame(FrameType.ServerInfo, foreign), "server_info", "not open"],
    [
      encodeFrame(FrameType.ServerInfo, box.with(30, box[30]! ^ 1)),
      "server_info",
      "not open",
    ],
    [
      encodeFrame(FrameType.ServerInfo, box.subarray(0, 23)),
      "frame_length",
      "23",
    ],
  ];
  for (const [answer, code, text] of answers) {
    const { client, hello } = await upgrade(
      concatBytes(SWITCHING, SERVER_KEY, answer),
    );
    const ready = await hello;
    const error = await assertRejects(
      () => introduce(client, ready, CLIENT),
      ProtocolError,
      text,
    );
    assertEquals(error.code, code);
  }
});

Deno.test("introduce() says that the relay closed the connection, as it does with whom it refuses", async () => {
  const { client, hello } = await upgrade(concatBytes(SWITCHING, SERVER_KEY), {
    ends: true,
  });
  const ready = await hello;
  await assertRejects(
    () => introduce(client, ready, CLIENT),
    ConnectionLostError,
    "closed the connection before ServerInfo",
  );
});
