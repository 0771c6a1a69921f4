import { noTurn } from "../../support/no_turn.ts";
import { Buffer } from "node:buffer";
import { connDuplex } from "../../../src/net/node_duplex.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { connPair } from "../../support/conn_pair.ts";
import { settle } from "../../support/fake_clock.ts";

Deno.test("connDuplex() reads what the connection brings, each time in memory of its own", async () => {
  using pair = connPair({ maxReadBytes: 2 });
  const duplex = connDuplex(pair.server, noTurn);
  const chunks: Buffer[] = [];
  duplex.on("data", (chunk) => chunks.push(chunk));
  const ended = new Promise((resolve) => duplex.once("end", resolve));
  await pair.client.write(Buffer.from("abcde"));
  pair.client.closeWrite();
  await ended;
  assertEquals(chunks.map(String), ["ab", "cd", "e"]);
  duplex.destroy();
  await settle();
});

Deno.test("connDuplex() writes corked chunks at once, and calls back when they are taken", async () => {
  using pair = connPair({ bufferBytes: 4 });
  const duplex = connDuplex(pair.server, noTurn);
  let isTaken = false;
  duplex.cork();
  duplex.write("ab");
  duplex.write("cdefg", () => isTaken = true);
  duplex.uncork();
  await settle();
  assertEquals(pair.client.readableBytes, 4);
  assert(!isTaken);
  assertEquals(
    String(Buffer.from(await pair.client.readExactly(7))),
    "abcdefg",
  );
  await settle();
  assert(isTaken);
  duplex.destroy();
  await settle();
});

Deno.test("connDuplex() closes the connection when the stream has ended, after what was written", async () => {
  using pair = connPair();
  const duplex = connDuplex(pair.server, noTurn);
  const closed = new Promise((resolve) => duplex.once("close", resolve));
  duplex.end("last");
  await closed;
  assert(pair.server.closed);
  assertEquals(String(Buffer.from(await pair.client.readToEnd())), "last");
});

Deno.test("connDuplex() is destroyed with the error of a broken connection", async () => {
  const error = new Deno.errors.ConnectionReset("gone");
  for (const use of ["resume", "write"] as const) {
    using pair = connPair();
    const duplex = connDuplex(pair.server, noTurn);
    const failed = new Promise((resolve) => duplex.once("error", resolve));
    pair.server.reset(error);
    if (use === "resume") duplex.resume();
    else duplex.write("x");
    assert((await failed) instanceof Error);
    assert(duplex.destroyed && pair.server.closed);
  }
});
