/** Perturbed byte streams into the frame reader, in reads of random sizes. */
import { ProtocolError } from "../../src/derp/errors.ts";
import {
  CLIENT_LIMITS,
  HELLO_LIMITS,
  SERVER_LIMITS,
} from "../../src/derp/frame.ts";
import { FrameReader } from "../../src/derp/frame_reader.ts";
import { concatBytes, toHex } from "../../src/util/bytes.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { fuzz } from "../support/fuzz.ts";
import type { SeededRandom } from "../support/seeded_random.ts";

/** A stream of frames, most of them well-formed, perturbed as a whole. */
function makeStream(random: SeededRandom): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let i = random.below(12); i > 0; i--) {
    const payload = random.bytes(random.pick([0, 1, 8, 32, 40, 100, 3000]));
    const header = new Uint8Array(5);
    header[0] = random.oneIn(5) ? random.below(256) : random.below(0x16);
    new DataView(header.buffer).setUint32(
      1,
      random.oneIn(20) ? random.below(2 ** 32) : payload.length,
    );
    parts.push(header, payload);
  }
  return random.perturb(concatBytes(...parts));
}

/** The frames of a stream and how it ended, fed `readBytes()` at a time. */
function readAll(
  reader: FrameReader,
  stream: Uint8Array,
  readBytes: () => number,
): string[] {
  const before = reader.buffer.length; // of what it began with
  const frames: string[] = [];
  try {
    for (let at = 0; at < stream.length;) {
      const space = reader.space();
      assert(space.length > 0);
      const part = stream.subarray(
        at,
        at + Math.min(space.length, readBytes()),
      );
      space.set(part);
      reader.filled(part.length);
      at += part.length;
      while (reader.next()) {
        frames.push(`${reader.type}:${toHex(reader.payload())}`);
      }
      assert(reader.buffer.length <= Math.max(2048, 4 * (before + at)));
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    frames.push(error.message);
  }
  return frames;
}

fuzz("frame_reader", (random) => {
  const limits = random.pick([CLIENT_LIMITS, HELLO_LIMITS, SERVER_LIMITS]);
  const stream = makeStream(random);
  const none = new Uint8Array();
  const single = readAll(new FrameReader(limits, none), stream, () => 1);
  const mixed = readAll(
    new FrameReader(limits, none),
    stream,
    () => 1 + random.below(random.pick([3, 100, 5000])),
  );
  assertEquals(mixed, single);
  const first = stream.subarray(0, random.below(stream.length + 1));
  const reader = new FrameReader(limits, first);
  const started: string[] = [];
  try {
    while (reader.next()) {
      started.push(`${reader.type}:${toHex(reader.payload())}`);
    }
  } catch (error) {
    assert(error instanceof ProtocolError);
    started.push(error.message);
    assertEquals(started, single.slice(0, started.length));
    return;
  }
  const rest = readAll(reader, stream.subarray(first.length), () => 1000);
  assertEquals([...started, ...rest], single);
});
