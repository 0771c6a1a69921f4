/** Frames that are no packets, byte for byte. */
import { ProtocolError } from "../../../src/derp/errors.ts";
import {
  FRAME_HEADER_BYTES,
  FrameType,
  PeerGoneReason,
} from "../../../src/derp/frame.ts";
import {
  decodePeerPresent,
  decodeServerKey,
  encodeFrame,
  encodeHealth,
  encodePeerGone,
  encodePeerPresent,
  encodePong,
  encodeRestarting,
  encodeServerKey,
  KEEP_ALIVE,
  type PeerPresent,
  WATCH_CONNS,
} from "../../../src/derp/messages.ts";
import { concatBytes, toHex } from "../../../src/util/bytes.ts";
import { assert, assertEquals, assertThrows } from "../../support/assert.ts";
import { testKey } from "../../support/test_keys.ts";

const KEY = testKey(2).publicKey;

function payloadOf(frame: Uint8Array): Uint8Array {
  return frame.subarray(FRAME_HEADER_BYTES);
}

Deno.test("encodeFrame() writes type, length and all parts", () => {
  const frame = encodeFrame(
    FrameType.Health,
    Uint8Array.of(1),
    new Uint8Array(),
    Uint8Array.of(2, 3),
  );
  assertEquals(toHex(frame), "1400000003010203");
  assertEquals(toHex(encodeFrame(FrameType.WatchConns)), "1000000000");
});

Deno.test("KEEP_ALIVE and WATCH_CONNS are empty frames", () => {
  assertEquals(toHex(KEEP_ALIVE), "0600000000");
  assertEquals(toHex(WATCH_CONNS), "1000000000");
});

Deno.test("encodeServerKey() and decodeServerKey() agree; bytes to come are ignored", () => {
  const frame = encodeServerKey(KEY);
  assertEquals(
    toHex(frame),
    "0100000028" + "44455250f09f9491" + KEY.hex(),
  );
  assert(decodeServerKey(payloadOf(frame)).equals(KEY));
  const longer = concatBytes(payloadOf(frame), Uint8Array.of(1, 2, 3));
  assert(decodeServerKey(longer).equals(KEY));
});

Deno.test("decodeServerKey() refuses a magic number with any one bit changed", () => {
  for (let bit = 0; bit < 64; bit++) {
    const payload = payloadOf(encodeServerKey(KEY)).slice();
    payload[bit >> 3]! ^= 1 << (bit & 7);
    const error = assertThrows(() => decodeServerKey(payload), ProtocolError);
    assertEquals(error.code, "magic");
  }
});

Deno.test("encodePeerGone() writes key and reason", () => {
  assertEquals(
    toHex(encodePeerGone(KEY, PeerGoneReason.Disconnected)),
    `0800000021${KEY.hex()}00`,
  );
  assertEquals(
    toHex(encodePeerGone(KEY, PeerGoneReason.NotHere)),
    `0800000021${KEY.hex()}01`,
  );
});

Deno.test("encodePeerPresent() and decodePeerPresent() agree on IPv4, IPv6 and flags", () => {
  const peers: [Omit<PeerPresent, "key">, string][] = [
    [
      { ip: "192.0.2.1", port: 1234, flags: 1 },
      "00000000000000000000ffffc000020104d201",
    ],
    [
      { ip: "2001:db8:0:0:0:0:0:7", port: 65_535, flags: 15 },
      "20010db8000000000000000000000007ffff0f",
    ],
    [
      { ip: "0:0:0:0:0:0:0:0", port: 0, flags: 0 },
      "00000000000000000000000000000000000000",
    ],
  ];
  for (const [peer, hex] of peers) {
    const frame = encodePeerPresent({ key: KEY, ...peer });
    assertEquals(toHex(frame), `0900000033${KEY.hex()}${hex}`);
    const { key, ...rest } = decodePeerPresent(payloadOf(frame));
    assert(key.equals(KEY));
    assertEquals(rest, peer);
  }
});

Deno.test("encodePeerPresent() leaves an unknown address zero, and a zone out", () => {
  const ipOf = (ip: string) =>
    toHex(
      encodePeerPresent({ key: KEY, ip, port: 0, flags: 0 }).subarray(37, 53),
    );
  assertEquals(ipOf(""), "00".repeat(16));
  assertEquals(ipOf("unix"), "00".repeat(16));
  assertEquals(ipOf("fe80::1%eth0"), "fe80000000000000" + "0000000000000001");
});

Deno.test("decodePeerPresent() does without what old relays leave out", () => {
  const whole = payloadOf(encodePeerPresent({
    key: KEY,
    ip: "192.0.2.1",
    port: 7,
    flags: 2,
  }));
  const { key, ...noFlags } = decodePeerPresent(whole.subarray(0, 50));
  assert(key.equals(KEY));
  assertEquals(noFlags, { ip: "192.0.2.1", port: 7, flags: 0 });
  for (let length = 32; length < 50; length++) {
    const { key, ...rest } = decodePeerPresent(whole.subarray(0, length));
    assert(key.equals(KEY));
    assertEquals(rest, { ip: "", port: 0, flags: 0 });
  }
  const longer = concatBytes(whole, Uint8Array.of(9, 9));
  assertEquals(decodePeerPresent(longer).flags, 2);
});

Deno.test("encodePong() answers with the first 8 bytes of the Ping", () => {
  const ping = Uint8Array.from({ length: 1000 }, (_, i) => i + 1);
  const pong = "1300000008" + "0102030405060708";
  assertEquals(toHex(encodePong(ping)), pong);
  assertEquals(toHex(encodePong(ping.subarray(0, 8))), pong);
});

Deno.test("encodeHealth() writes the text as UTF-8, and nothing at all to clear it", () => {
  assertEquals(toHex(encodeHealth("")), "1400000000");
  assertEquals(
    toHex(encodeHealth("slow \u2026")),
    "1400000008" + "736c6f7720e280a6",
  );
});

Deno.test("encodeRestarting() writes both times in milliseconds, big endian", () => {
  assertEquals(
    toHex(encodeRestarting({ reconnectInMs: 258, tryForMs: 5000 })),
    "1500000008" + "00000102" + "00001388",
  );
  assertEquals(
    toHex(encodeRestarting({ reconnectInMs: 0, tryForMs: 2 ** 32 - 1 })),
    "1500000008" + "00000000" + "ffffffff",
  );
});
