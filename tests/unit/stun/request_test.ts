/** The client's side of STUN, against what our own server and others say. */
import {
  classifyDatagram,
  ResponseEncoder,
} from "../../../src/stun/message.ts";
import {
  decodeBindingSuccess,
  encodeBindingRequest,
} from "../../../src/stun/request.ts";
import { fromHex, toHex } from "../../../src/util/bytes.ts";
import { parseIp, parseIpv4 } from "../../../src/util/ip.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { fuzz } from "../../support/fuzz.ts";

/** Sent by Tailscale's stunc 1.102.5. */
const STOCK_REQUEST = "000100142112a442c02f88a9219a7346af6f5a08" +
  "802200087461696c6e6f646580280004f21d7792";
const TX_ID = bytes(STOCK_REQUEST).slice(8, 20);
/** RFC 5769, section 2.2: 192.0.2.1, port 32853, behind a SOFTWARE attribute. */
const SAMPLE = bytes(
  "0101003c2112a442b7e7a701bc34d686fa87dfae" +
    "8022000b7465737420766563746f7220" +
    "002000080001a147e112a643" +
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7" +
    "80280004c07d4c96",
);

function bytes(hex: string): Uint8Array {
  return fromHex(hex, hex.length / 2)!;
}

Deno.test("encodeBindingRequest() is what a stock client sends", () => {
  assertEquals(toHex(encodeBindingRequest(TX_ID)), STOCK_REQUEST);
  assertEquals(classifyDatagram(encodeBindingRequest(TX_ID)), "request");
});

Deno.test("decodeBindingSuccess() reads the sample of RFC 5769, behind other attributes", () => {
  const answer = decodeBindingSuccess(SAMPLE)!;
  assertEquals([...answer.ip], [192, 0, 2, 1]);
  assertEquals(answer.port, 32853);
  assertEquals(answer.txId, SAMPLE.slice(8, 20));
});

Deno.test("decodeBindingSuccess() reads what our server says, of either family", () => {
  const request = encodeBindingRequest(TX_ID);
  const encoder = new ResponseEncoder();
  for (const ip of [parseIpv4("203.0.113.9")!, parseIp("2001:db8::9")!]) {
    const answer = decodeBindingSuccess(encoder.encode(request, ip, 40_000))!;
    assertEquals(toHex(answer.ip), toHex(ip));
    assertEquals(answer.port, 40_000);
    assertEquals(answer.txId, TX_ID);
  }
});

Deno.test("decodeBindingSuccess() takes nothing else", () => {
  const wrong = [
    new Uint8Array(),
    bytes(STOCK_REQUEST),
    SAMPLE.slice(0, 40),
    new ResponseEncoder().encode(SAMPLE, parseIpv4("1.2.3.4")!, 1).slice(0, 31),
  ];
  for (const message of wrong) {
    assertEquals(decodeBindingSuccess(message), undefined);
  }
});

fuzz("binding_success", (random) => {
  const answer = decodeBindingSuccess(random.perturb(SAMPLE));
  if (answer === undefined) return;
  assert(answer.ip.length === 4 || answer.ip.length === 16);
  assert(answer.port >= 0 && answer.port <= 65_535);
});
