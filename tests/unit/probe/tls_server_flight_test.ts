/** What is read of a TLS server's first bytes; those here are OpenSSL's. */
import {
  encodeClientHello,
  TlsVersion,
} from "../../../src/probe/tls_client_hello.ts";
import {
  NotTlsError,
  ServerFlight,
} from "../../../src/probe/tls_server_flight.ts";
import { concatBytes, fromHex, toHex } from "../../../src/util/bytes.ts";
import { assert, assertEquals, assertThrows } from "../../support/assert.ts";
import { fuzz } from "../../support/fuzz.ts";

const TLS13 = bytes(
  "160303005a020000560303d97559b9025645ca24d9fe20672760b4d001aa43b39f925b42" +
    "403999f20b46f500130100002e002b0002030400330024001d0020439437d0c9a382692b" +
    "47bc2b6b976a70bb7066f16e8550b82a75ae86ae7c7d4e140303000101",
);
const TLS12_HELLO =
  "160303005d0200005903030e810f48264c58b0e8ac7b8736900004a5c" +
  "50f149aa7b9f1444f574e47524401208c7853a0df84df03111d115da5c6f501259f170795" +
  "2994a9c3389aa1103d95d0c02b000011ff01000100000b000403000102001700" +
  "00";
/** Two certificates of three bytes and one. */
const CERTIFICATES = "16030300110b00000d00000a0000030102030000" + "0104";
const TLS12 = bytes(TLS12_HELLO + CERTIFICATES);

function bytes(hex: string): Uint8Array {
  return fromHex(hex, hex.length / 2)!;
}

function read(...parts: readonly Uint8Array[]): ServerFlight {
  const flight = new ServerFlight();
  for (const part of parts) if (!flight.isDone) flight.push(part);
  return flight;
}

Deno.test("encodeClientHello() offers what OpenSSL understands", () => {
  const random = new Uint8Array(64).map((_, i) => i);
  const hello = { serverName: "a.test", offersTls13: true, random };
  assertEquals(
    toHex(encodeClientHello(hello)),
    "16030100b7010000b30303000102030405060708090a0b0c0d0e0f101112131415161718" +
      "191a1b1c1d1e1f000018130113021303c02bc02fc02cc030cca9cca8009c009d00ff01" +
      "0000720000000b0009000006612e74657374000a00080006001d00170018000b000201" +
      "00000d00160014040305030603080408050806040105010601080700170000002b0005" +
      "0403040303003300260024001d0020202122232425262728292a2b2c2d2e2f30313233" +
      "3435363738393a3b3c3d3e3f",
  );
  const older = { serverName: undefined, offersTls13: false, random };
  const text = toHex(encodeClientHello(older));
  assert(!text.includes("002b0005") && !text.includes(toHex(random)));
});

Deno.test("ServerFlight reads the version of TLS 1.3, and that is all", () => {
  const flight = read(TLS13);
  assert(flight.isDone);
  assertEquals(flight.version, TlsVersion.tls13);
  assertEquals(flight.certificates, undefined);
});

Deno.test("ServerFlight reads the certificates of TLS 1.2, whole or byte by byte", () => {
  const single = [...TLS12].map((byte) => Uint8Array.of(byte));
  for (const flight of [read(TLS12), read(...single)]) {
    assert(flight.isDone);
    assertEquals(flight.version, TlsVersion.tls12);
    assertEquals(flight.certificates?.map(toHex), ["010203", "04"]);
  }
});

Deno.test("ServerFlight reads a message that goes over two records", () => {
  const body = bytes(CERTIFICATES).subarray(5);
  const record = (part: Uint8Array) =>
    concatBytes(Uint8Array.of(22, 3, 3, 0, part.length), part);
  const flight = read(
    bytes(TLS12_HELLO),
    record(body.subarray(0, 6)),
    record(body.subarray(6)),
  );
  assertEquals(flight.certificates?.length, 2);
});

Deno.test("ServerFlight ends with an alert", () => {
  const flight = read(bytes("15030300020228"));
  assert(flight.isDone);
  assertEquals(flight.alert, 40);
});

Deno.test("ServerFlight refuses what isn't TLS, at the first byte where it can", () => {
  const cases = [
    new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n"),
    new TextEncoder().encode("S"),
    bytes("160303ffff"),
    bytes("1603030004" + "02ffffff"),
    bytes("16030300060200000203" + "03"),
    bytes("160303000a0b000006000010000001"),
  ];
  for (const wrong of cases) {
    assertThrows(() => read(wrong), NotTlsError);
  }
});

fuzz("tls_server_flight", (random) => {
  const wrong = random.perturb(random.pick([TLS12, TLS13]));
  const cut = random.below(wrong.length + 1);
  try {
    const flight = read(wrong.subarray(0, cut), wrong.subarray(cut));
    const total = (flight.certificates ?? [])
      .reduce((sum, { length }) => sum + length, 0);
    assert(total <= wrong.length);
  } catch (error) {
    assert(error instanceof NotTlsError, String(error));
  }
});
