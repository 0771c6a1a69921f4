import { noTurn } from "../../support/no_turn.ts";
import { derpUpgrade } from "../../../src/http/derp_upgrade.ts";
import { mainRoutes } from "../../../src/http/routes.ts";
import { NodePublic } from "../../../src/keys/node_key.ts";
import type { Conn } from "../../../src/net/conn.ts";
import type { DerpStart } from "../../../src/relay/handshake.ts";
import { assertEquals } from "../../support/assert.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { exchange } from "../../support/http_exchange.ts";

const HEX = "c57038a5dc1294c663e7063f84e1ad33f7459b6a9f02ae48197a540ac6d92e01";
/** What derper 1.102.5 with that key wrote before its ServerKey frame. */
const SWITCHING =
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: DERP\r\nConnection: Upgrade\r\n" +
  `Derp-Version: 2\r\nDerp-Public-Key: ${HEX}\r\n\r\n`;

const latin1 = new TextDecoder("latin1");

/** What the relay was given for a request with `fields`, or the status where it was given nothing. */
async function upgrade(
  fields: string[],
  requestLine = "GET /derp HTTP/1.1",
): Promise<
  { preface: string; rest: string; notIdeal: boolean } | number
> {
  let start: DerpStart | undefined;
  const acceptor = {
    publicKey: NodePublic.parse(`nodekey:${HEX}`)!,
    accept(conn: Conn, given: DerpStart): Promise<void> {
      start = given;
      conn.close();
      return Promise.resolve();
    },
  };
  const { responses } = await exchange(
    [requestLine, "Host: relay.test", ...fields, "", "rest"].join("\r\n"),
    {
      handler: mainRoutes({ home: { kind: "default" }, derp: true }),
      upgrade: derpUpgrade(acceptor, new FakeClock(), noTurn),
    },
  );
  if (start === undefined) return responses[0]!.status;
  return {
    preface: latin1.decode(start.preface),
    rest: latin1.decode(start.rest),
    notIdeal: start.notIdeal,
  };
}

Deno.test("derpUpgrade() hands over derper's answer, and what came behind the head", async () => {
  const start = await upgrade(["Connection: Upgrade", "Upgrade: DERP"]);
  assertEquals(start, { preface: SWITCHING, rest: "rest", notIdeal: false });
});

Deno.test("derpUpgrade() takes the protocol in any case, and a query", async () => {
  const expected = { preface: SWITCHING, rest: "rest", notIdeal: false };
  assertEquals(await upgrade(["Upgrade: derp"]), expected);
  assertEquals(
    await upgrade(["upgrade: dErP"], "GET /derp?x=1 HTTP/1.1"),
    expected,
  );
  assertEquals(
    await upgrade(["Upgrade: DERP"], "POST /derp HTTP/1.1"),
    expected,
  );
});

Deno.test("derpUpgrade() answers nothing with fast start", async () => {
  const fields = ["Upgrade: DERP", "Derp-Fast-Start: 1"];
  assertEquals(await upgrade(fields), {
    preface: "",
    rest: "rest",
    notIdeal: false,
  });
  const other = await upgrade(["Upgrade: DERP", "Derp-Fast-Start: 2"]);
  assertEquals(other, { preface: SWITCHING, rest: "rest", notIdeal: false });
});

Deno.test("derpUpgrade() says who has another ideal node", async () => {
  for (
    const [field, notIdeal] of [["Ideal-Node: 9a", true], [
      "Ideal-Node: München",
      true,
    ], ["Ideal-Node:", false]]
  ) {
    const start = await upgrade([
      "Upgrade: DERP",
      "Derp-Fast-Start: 1",
      String(field),
    ]);
    assertEquals(start, {
      preface: "",
      rest: "rest",
      notIdeal: Boolean(notIdeal),
    });
  }
});

Deno.test("derpUpgrade() takes websocket without the subprotocol for DERP", async () => {
  const expected = { preface: SWITCHING, rest: "rest", notIdeal: false };
  assertEquals(
    await upgrade(["Connection: Upgrade", "Upgrade: WebSocket"]),
    expected,
  );
  assertEquals(
    await upgrade(["Upgrade: websocket", "Sec-WebSocket-Protocol: chat"]),
    expected,
  );
});

Deno.test("derpUpgrade() leaves other requests alone", async () => {
  assertEquals(await upgrade([]), 426);
  assertEquals(await upgrade(["Connection: Upgrade", "Upgrade: h2c"]), 426);
  assertEquals(await upgrade(["Upgrade: DERP", "Content-Length: 4"]), 426);
  assertEquals(await upgrade(["Upgrade: DERP"], "GET /derp/ HTTP/1.1"), 200);
  assertEquals(await upgrade(["Upgrade: DERP"], "GET / HTTP/1.1"), 200);
  assertEquals(await upgrade(["Upgrade: DERP"], "GET /derpx HTTP/1.1"), 200);
});
