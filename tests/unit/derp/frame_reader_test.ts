/** Byte streams into frames, whatever the reads. */
import { ProtocolError } from "../../../src/derp/errors.ts";
import { CLIENT_LIMITS, FrameType } from "../../../src/derp/frame.ts";
import { FrameReader } from "../../../src/derp/frame_reader.ts";
import { encodeFrame } from "../../../src/derp/messages.ts";
import { concatBytes, fromHex, toHex } from "../../../src/util/bytes.ts";
import { assert, assertEquals, assertThrows } from "../../support/assert.ts";
import { packetOf } from "../../support/packets.ts";

const NONE = new Uint8Array();
const SMALL_BYTES = 2 * 1024;

/** A frame as text: its type and its payload in hexadecimal. */
function frameText(reader: FrameReader): string {
  return `${reader.type}:${toHex(reader.payload())}`;
}

/** Feeds `stream` to `reader`, at most `readBytes` at a time; the frames that came out. */
function feed(
  reader: FrameReader,
  stream: Uint8Array,
  readBytes = Infinity,
): string[] {
  const frames: string[] = [];
  for (let at = 0; at < stream.length;) {
    const space = reader.space();
    const part = stream.subarray(at, at + Math.min(space.length, readBytes));
    space.set(part);
    reader.filled(part.length);
    at += part.length;
    while (reader.next()) frames.push(frameText(reader));
  }
  return frames;
}

/** A frame with any type and any announced length. */
function header(type: number, payloadBytes: number): Uint8Array {
  const bytes = new Uint8Array(5);
  bytes[0] = type;
  new DataView(bytes.buffer).setUint32(1, payloadBytes);
  return bytes;
}

const PING = encodeFrame(FrameType.Ping, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
const PING_TEXT = "18:0102030405060708";

Deno.test("FrameReader.next() takes pinned bytes apart", () => {
  const stream = fromHex(
    "070000000101" + // NotePreferred
      "10000000" + "00" + // WatchConns
      "12000000083132333435363738" + // Ping
      "0400000023" + "aa".repeat(32) + "686579", // SendPacket
    6 + 5 + 13 + 40,
  )!;
  const reader = new FrameReader(CLIENT_LIMITS, NONE);
  assertEquals(feed(reader, stream), [
    "7:01",
    "16:",
    "18:3132333435363738",
    "4:" + "aa".repeat(32) + "686579",
  ]);
});

Deno.test("FrameReader.next() finds the same frames in reads of any size", () => {
  const stream = concatBytes(
    PING,
    encodeFrame(FrameType.SendPacket, packetOf(32)),
    encodeFrame(FrameType.SendPacket, packetOf(1432)),
    header(0x0b, 300), // unknown
    packetOf(300),
    encodeFrame(FrameType.SendPacket, packetOf(5000)),
    encodeFrame(FrameType.WatchConns),
    PING,
  );
  const whole = feed(new FrameReader(CLIENT_LIMITS, NONE), stream);
  assertEquals(whole.length, 7);
  for (const readBytes of [1, 2, 3, 5, 7, 16, 299, 1024, 2048]) {
    const reader = new FrameReader(CLIENT_LIMITS, NONE);
    assertEquals(feed(reader, stream, readBytes), whole, `${readBytes} bytes`);
  }
});

Deno.test("FrameReader.next() is true with a frame's last byte and not before", () => {
  const reader = new FrameReader(CLIENT_LIMITS, NONE);
  for (const [i, byte] of PING.entries()) {
    assert(!reader.next());
    reader.space()[0] = byte;
    reader.filled(1);
    assertEquals(reader.next(), i === PING.length - 1);
  }
  assertEquals(frameText(reader), PING_TEXT);
  assert(!reader.next());
});

Deno.test("FrameReader begins with the bytes that it is given, however many", () => {
  for (const count of [1, 150, 300, 10_000]) {
    const stream = concatBytes(...Array<Uint8Array>(count).fill(PING));
    const reader = new FrameReader(CLIENT_LIMITS, stream);
    stream.fill(0); // it has a copy
    const frames: string[] = [];
    while (reader.next()) frames.push(frameText(reader));
    assertEquals(frames, Array<string>(count).fill(PING_TEXT));
    assertEquals(feed(reader, PING), [PING_TEXT]);
  }
});

Deno.test("FrameReader.payload() is a view, not a copy", () => {
  const reader = new FrameReader(CLIENT_LIMITS, PING);
  assert(reader.next());
  assert(reader.payload().buffer === reader.buffer.buffer);
});

Deno.test("FrameReader.next() refuses lengths out of bounds as soon as they are announced", () => {
  const wrong: [number, number][] = [
    [FrameType.SendPacket, 31],
    [FrameType.SendPacket, 32 + 65_536 + 1],
    [FrameType.SendPacket, 0xffffffff],
    [FrameType.NotePreferred, 0],
    [FrameType.NotePreferred, 2],
    [FrameType.ForwardPacket, 63],
    [FrameType.ForwardPacket, 64 + 65_536 + 1],
    [FrameType.WatchConns, 1],
    [FrameType.ClosePeer, 31],
    [FrameType.ClosePeer, 33],
    [FrameType.Ping, 7],
    [FrameType.Ping, 1001],
    [FrameType.Ping, 0x80000000],
  ];
  for (const [type, payloadBytes] of wrong) {
    const reader = new FrameReader(CLIENT_LIMITS, header(type, payloadBytes));
    const error = assertThrows(() => reader.next(), ProtocolError);
    assertEquals(error.code, "frame_length");
    assert(error.message.includes(`frame of ${payloadBytes} bytes`));
    assertEquals(reader.buffer.length, SMALL_BYTES);
  }
});

Deno.test("FrameReader.next() takes lengths at either bound", () => {
  for (const [name, limit] of Object.entries(CLIENT_LIMITS)) {
    for (const bytes of [limit!.minBytes, limit!.maxBytes]) {
      const frame = concatBytes(header(Number(name), bytes), packetOf(bytes));
      const frames = feed(new FrameReader(CLIENT_LIMITS, NONE), frame, 8192);
      assertEquals(frames, [`${name}:${toHex(packetOf(bytes))}`]);
    }
  }
});

Deno.test("FrameReader.next() reports an unknown frame once, by its header, and skips its bytes", () => {
  const reader = new FrameReader(CLIENT_LIMITS, NONE);
  assertEquals(feed(reader, header(0x99, 1_000_000)), ["153:"]);
  for (let left = 1_000_000; left > 0;) {
    const part = Math.min(left, 1500);
    // What is skipped looks like frames.
    const bytes = concatBytes(...Array<Uint8Array>(116).fill(PING));
    assertEquals(feed(reader, bytes.subarray(0, part)), []);
    left -= part;
  }
  assertEquals(feed(reader, PING), [PING_TEXT]);
  assert(reader.buffer.length <= 64 * 1024);
});

Deno.test("FrameReader.next() counts down the largest length of an unknown frame", () => {
  const reader = new FrameReader(CLIENT_LIMITS, NONE);
  assertEquals(feed(reader, header(0, 0xffffffff)), ["0:"]);
  let left = 0xffffffff;
  while (left > 0) { // says that bytes were read without writing any
    const bytes = Math.min(left, reader.space().length);
    reader.filled(bytes);
    assert(!reader.next());
    left -= bytes;
  }
  assertEquals(feed(reader, PING), [PING_TEXT]);
});

Deno.test("FrameReader.space() is never empty, and never over four times what was sent", () => {
  const stream = concatBytes(
    header(FrameType.SendPacket, 65_568),
    packetOf(65_568),
  );
  for (const readBytes of [1000, 2048, 16_384, 65_536]) {
    const reader = new FrameReader(CLIENT_LIMITS, NONE);
    for (let at = 0; at < stream.length;) {
      const space = reader.space();
      assert(space.length > 0);
      assert(reader.buffer.length <= Math.max(SMALL_BYTES, 4 * at), `${at}`);
      const part = stream.subarray(at, at + Math.min(space.length, readBytes));
      space.set(part);
      reader.filled(part.length);
      at += part.length;
      assertEquals(reader.next(), at === stream.length);
    }
    assertEquals(toHex(reader.payload()), toHex(packetOf(65_568)));
  }
});

/** Unknown frames of no length, about `bytes` of them. */
function emptyFrames(bytes: number): Uint8Array {
  const count = Math.floor(bytes / 5);
  return concatBytes(...Array<Uint8Array>(count).fill(header(0x99, 0)));
}

Deno.test("FrameReader grows to 32 KiB while reads fill it, and is small again when little comes", () => {
  const reader = new FrameReader(CLIENT_LIMITS, NONE);
  const stream = emptyFrames(400_000);
  const sizes: number[] = [];
  for (let at = 0; at < stream.length;) {
    const space = reader.space();
    sizes.push(reader.buffer.length);
    const part = stream.subarray(at, at + space.length);
    space.set(part);
    reader.filled(part.length);
    at += part.length;
    while (reader.next());
  }
  assertEquals(sizes.slice(0, 5), [2048, 8192, 32_768, 32_768, 32_768]);
  assertEquals(Math.max(...sizes), 32_768);
  for (let i = 0; i < 3; i++) assertEquals(feed(reader, PING), [PING_TEXT]);
  assertEquals(reader.buffer.length, SMALL_BYTES);
});

Deno.test("FrameReader.setLimits() applies to the frames that are in the buffer already", () => {
  const reader = new FrameReader({}, concatBytes(header(0x99, 0), PING));
  assert(reader.next());
  reader.setLimits(CLIENT_LIMITS);
  assert(reader.next());
  assertEquals(frameText(reader), PING_TEXT);
});
