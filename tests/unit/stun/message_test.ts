/** What is taken for a Binding Request, and the bytes of the answer. */
import {
  classifyDatagram,
  type DatagramKind,
  fingerprint,
  ResponseEncoder,
} from "../../../src/stun/message.ts";
import { parseIp } from "../../../src/util/ip.ts";
import { fromHex, toHex, writeUint32 } from "../../../src/util/bytes.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import {
  attribute,
  bindingRequest,
  parseBindingSuccess,
  software,
  stunMessage,
} from "../../support/stun_client.ts";

/** Sent by Tailscale's stunc 1.102.5. */
const STOCK_REQUEST = bytes(
  "000100142112a442c02f88a9219a7346af6f5a08" +
    "802200087461696c6e6f646580280004f21d7792",
);
const TX_ID = STOCK_REQUEST.slice(8, 20);
const TAILNODE = software("tailnode");

function bytes(hex: string): Uint8Array {
  return fromHex(hex, hex.length / 2)!;
}

Deno.test("classifyDatagram() takes the request of a stock client", () => {
  assertEquals(classifyDatagram(STOCK_REQUEST), "request");
});

Deno.test("fingerprint() is that of a stock client", () => {
  assertEquals(fingerprint(STOCK_REQUEST, 32), 0xf21d7792);
  assertEquals(toHex(bindingRequest(TX_ID)), toHex(STOCK_REQUEST));
});

Deno.test("classifyDatagram() takes other attributes before FINGERPRINT", () => {
  for (const length of [0, 1, 3, 4, 700]) {
    const other = attribute(0x0024, new Uint8Array(length));
    for (
      const request of [
        stunMessage(1, TX_ID, other, TAILNODE),
        stunMessage(1, TX_ID, TAILNODE, other),
        stunMessage(1, TX_ID, software("someone"), TAILNODE),
      ]
    ) {
      assertEquals(classifyDatagram(request), "request", `${length} bytes`);
    }
  }
});

const REFUSED: [string, DatagramKind, Uint8Array][] = [
  ["nothing", "not_stun", new Uint8Array(0)],
  ["19 bytes", "not_stun", STOCK_REQUEST.subarray(0, 19)],
  ["another cookie", "not_stun", changed(4, 0x20)],
  ["one of the top two bits set", "not_stun", changed(0, 0x40)],
  ["a Binding Indication", "not_binding_request", stunMessage(0x11, TX_ID)],
  ["an answer", "not_binding_request", stunMessage(0x101, TX_ID, TAILNODE)],
  ["a length too small", "malformed", changed(3, 16)],
  ["a length too large", "malformed", changed(3, 24)],
  ["an attribute beyond the end", "malformed", changed(23, 200)],
  ["half an attribute header", "malformed", cut(STOCK_REQUEST, 34)],
  ["no attribute", "wrong_software", cut(STOCK_REQUEST, 20)],
  ["no SOFTWARE", "wrong_software", stunMessage(1, TX_ID)],
  [
    "other SOFTWARE",
    "wrong_software",
    stunMessage(1, TX_ID, software("tailnodf")),
  ],
  [
    "SOFTWARE with more behind",
    "wrong_software",
    stunMessage(1, TX_ID, software("tailnode2")),
  ],
  ["no FINGERPRINT", "no_fingerprint", cut(STOCK_REQUEST, 32)],
  ["FINGERPRINT before SOFTWARE", "no_fingerprint", fingerprintFirst()],
  ["FINGERPRINT of 2 bytes", "no_fingerprint", changed(35, 2)],
  ["wrong FINGERPRINT", "wrong_fingerprint", changed(39, 0)],
  ["another transaction id", "wrong_fingerprint", changed(19, 0)],
];

for (const [name, kind, datagram] of REFUSED) {
  Deno.test(`classifyDatagram() calls ${name} ${kind}`, () => {
    assertEquals(classifyDatagram(datagram), kind);
  });
}

/** The stock request with another byte `at`. */
function changed(at: number, value: number): Uint8Array {
  return STOCK_REQUEST.with(at, value);
}

/** The first `length` bytes, with the length in the header to match. */
function cut(message: Uint8Array, length: number): Uint8Array {
  return message.slice(0, length).with(3, length - 20);
}

function fingerprintFirst(): Uint8Array {
  const request = STOCK_REQUEST.slice();
  request.set(STOCK_REQUEST.subarray(20, 32), 28);
  request.set(attribute(0x8028, new Uint8Array(4)), 20);
  writeUint32(request, fingerprint(request, 20), 24);
  return request;
}

Deno.test("classifyDatagram() takes no request that lacks bytes at its end", () => {
  for (let length = 0; length < STOCK_REQUEST.length; length++) {
    const datagram = STOCK_REQUEST.subarray(0, length);
    assert(classifyDatagram(datagram) !== "request", `${length} bytes`);
  }
});

Deno.test("classifyDatagram() takes no request with any one bit flipped", () => {
  for (let bit = 0; bit < STOCK_REQUEST.length * 8; bit++) {
    const at = bit >> 3;
    const datagram = changed(at, STOCK_REQUEST[at]! ^ 1 << (bit & 7));
    assert(classifyDatagram(datagram) !== "request", `bit ${bit}`);
  }
});

Deno.test("ResponseEncoder.encode() gives IPv6 the bytes that derper gives", () => {
  // Captured from derper 1.102.5.
  const encoder = new ResponseEncoder();
  assertEquals(
    toHex(encoder.encode(STOCK_REQUEST, parseIp("::1")!, 40404)),
    "010100182112a442c02f88a9219a7346af6f5a08002000140002bcc6" +
      "2112a442c02f88a9219a7346af6f5a09",
  );
  assertEquals(
    toHex(encoder.encode(STOCK_REQUEST, parseIp("fd00::2")!, 40405)),
    "010100182112a442c02f88a9219a7346af6f5a08002000140002bcc7" +
      "dc12a442c02f88a9219a7346af6f5a0a",
  );
});

Deno.test("ResponseEncoder.encode() gives IPv4 the bytes of RFC 5389, 15.2", () => {
  const ip = new Uint8Array([127, 0, 0, 1]);
  assertEquals(
    toHex(new ResponseEncoder().encode(STOCK_REQUEST, ip, 40404)),
    "0101000c2112a442c02f88a9219a7346af6f5a08002000080001bcc65e12a443",
  );
});

Deno.test("ResponseEncoder.encode() leaves nothing of earlier answers", () => {
  const encoder = new ResponseEncoder();
  for (let i = 0; i < 100; i++) {
    const txId = crypto.getRandomValues(new Uint8Array(12));
    const ip = crypto.getRandomValues(new Uint8Array(i % 2 ? 4 : 16));
    const port = i * 655;
    const answer = encoder.encode(bindingRequest(txId), ip, port);
    assertEquals(
      parseBindingSuccess(answer),
      { txId: toHex(txId), ip: toHex(ip), port },
    );
  }
});

Deno.test("ResponseEncoder.encode() is hardly longer than a request", () => {
  const encoder = new ResponseEncoder();
  for (const [ipBytes, length] of [[4, 32], [16, 44]] as const) {
    const ip = new Uint8Array(ipBytes);
    assertEquals(encoder.encode(STOCK_REQUEST, ip, 1).length, length);
  }
});
