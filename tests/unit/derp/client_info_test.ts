/** The JSON of ClientInfo and ServerInfo. */
import {
  type ClientInfo,
  decodeClientInfo,
  encodeClientInfo,
  encodeServerInfo,
} from "../../../src/derp/client_info.ts";
import { ProtocolError } from "../../../src/derp/errors.ts";
import { assert, assertEquals, assertThrows } from "../../support/assert.ts";
import { testMeshKey } from "../../support/test_keys.ts";

const MESH_HEX = "07".repeat(32);
const PLAIN = { version: 2, canAckPings: false, isProber: false };

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function decode(json: string): ClientInfo {
  return decodeClientInfo(utf8(json));
}

Deno.test("encodeClientInfo() writes the fields of tailscale's client", () => {
  const text = (info: ClientInfo) =>
    new TextDecoder().decode(encodeClientInfo(info));
  assertEquals(
    text({ version: 2, canAckPings: true, isProber: false }),
    '{"version":2,"CanAckPings":true,"IsProber":false}',
  );
  assertEquals(
    text({ ...PLAIN, meshKey: testMeshKey(7) }),
    `{"meshKey":"${MESH_HEX}","version":2,"CanAckPings":false,"IsProber":false}`,
  );
});

Deno.test("decodeClientInfo() reads what encodeClientInfo() writes", () => {
  for (const canAckPings of [true, false]) {
    for (const isProber of [true, false]) {
      const info = { version: 3, canAckPings, isProber };
      assertEquals(decodeClientInfo(encodeClientInfo(info)), info);
      const withKey = { ...info, meshKey: testMeshKey(7) };
      const { meshKey, ...rest } = decodeClientInfo(encodeClientInfo(withKey));
      assert(meshKey?.equals(testMeshKey(7)));
      assertEquals(rest, info);
    }
  }
});

Deno.test("decodeClientInfo() gives what is left out Go's zero value", () => {
  const zero = { version: 0, canAckPings: false, isProber: false };
  assertEquals(decode("{}"), zero);
  assertEquals(decode(' {"version": null, "IsProber": null} '), zero);
  assertEquals(decode('{"version":2}'), PLAIN);
});

Deno.test("decodeClientInfo() ignores fields that it doesn't know", () => {
  assertEquals(
    decode('{"version":2,"AppName":"x","new":{"deep":[1,{}]},"__proto__":{}}'),
    PLAIN,
  );
});

Deno.test("decodeClientInfo() takes fields from the JSON and from nowhere else", () => {
  assertEquals(decode('{"__proto__":{"version":9,"IsProber":true}}'), {
    version: 0,
    canAckPings: false,
    isProber: false,
  });
});

Deno.test("decodeClientInfo() takes a mesh key of zeros or none as no mesh key", () => {
  for (const key of ['""', "null", `"${"0".repeat(64)}"`]) {
    assertEquals(decode(`{"version":2,"meshKey":${key}}`), PLAIN);
  }
});

Deno.test("decodeClientInfo() refuses what is no JSON object", () => {
  for (
    const json of [
      "",
      "null",
      "true",
      "2",
      '"text"',
      "[]",
      "[{}]",
      "{",
      '{"version":2',
      '{"version":2}}',
      "{'version':2}",
      "\0",
    ]
  ) {
    const error = assertThrows(() => decode(json), ProtocolError);
    assertEquals(error.code, "client_info");
  }
  assertThrows(
    () => decodeClientInfo(Uint8Array.of(0xff, 0xfe, 0x7b)),
    ProtocolError,
  );
});

Deno.test("decodeClientInfo() refuses a field of another type, by its name", () => {
  const wrong: Record<string, string[]> = {
    version: ['"2"', "true", "{}", "[]"],
    CanAckPings: ["1", '"true"', "{}"],
    IsProber: ["0", '""', "[]"],
    meshKey: [
      "1",
      "{}",
      '"x"',
      `"${MESH_HEX.slice(1)}"`,
      `"${MESH_HEX}0"`,
      `"${MESH_HEX}\\n"`,
      `" ${MESH_HEX}"`,
    ],
  };
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) {
      const error = assertThrows(
        () => decode(`{"${name}":${value}}`),
        ProtocolError,
        `wrong value in "${name}"`,
      );
      assertEquals(error.code, "client_info");
    }
  }
});

Deno.test("decodeClientInfo() doesn't quote the client's mesh key in its error", () => {
  const error = assertThrows(
    () => decode(`{"meshKey":"${MESH_HEX}0"}`),
    ProtocolError,
  );
  assert(!error.message.includes("0707"), error.message);
});

Deno.test("decodeClientInfo() bears deep nesting", () => {
  const deep = "[".repeat(100_000);
  assertThrows(() => decode(deep), ProtocolError);
  const closed = `{"x":${deep}${"]".repeat(100_000)}}`;
  try { // the parser may have a limit of its own
    assertEquals(decode(closed).version, 0);
  } catch (error) {
    assert(error instanceof ProtocolError, String(error));
  }
});

Deno.test("encodeServerInfo() tells the protocol's version", () => {
  assertEquals(new TextDecoder().decode(encodeServerInfo()), '{"version":2}');
});
