/** What a packet of a benchmark carries. */
import { PacketStamp, STAMP_BYTES } from "../../bench/packet_stamp.ts";
import { looksLikeDisco } from "../../../src/derp/disco.ts";
import { assert, assertEquals } from "../../support/assert.ts";

Deno.test("PacketStamp reads what another one wrote, anywhere in a buffer", () => {
  const packet = new PacketStamp(200).write(1234.5, 7);
  const buffer = new Uint8Array(333);
  buffer.set(packet, 100);
  const reader = new PacketStamp(0);
  assertEquals(reader.readSentMs(buffer, 300, 7), 1234.5);
  assertEquals(reader.readSentMs(buffer, 300, 8), undefined);
});

Deno.test("PacketStamp makes packets of the size and kind that is wanted", () => {
  const disco = new PacketStamp(62, "disco").write(1, 1);
  const other = new PacketStamp(62).write(1, 1);
  assertEquals([disco.length, other.length], [62, 62]);
  assert(looksLikeDisco(disco, 0, 62));
  assert(!looksLikeDisco(other, 0, 62));
  assertEquals(new PacketStamp(3).write(1, 1).length, STAMP_BYTES);
});
