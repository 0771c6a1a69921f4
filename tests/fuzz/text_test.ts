/** Perturbed text into the parsers of keys and addresses. */
import { MeshKey } from "../../src/keys/mesh_key.ts";
import { BoxKey } from "../../src/keys/nacl_box.ts";
import { NodePrivate, NodePublic } from "../../src/keys/node_key.ts";
import { fromHex, toHex } from "../../src/util/bytes.ts";
import { formatIp, parseIp, unmapIp } from "../../src/util/ip.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { fuzz } from "../support/fuzz.ts";
import { testKey } from "../support/test_keys.ts";

fuzz("keys", (random) => {
  const hex = toHex(random.bytes(32));
  const prefix = random.pick(["nodekey:", "privkey:", "", "NODEKEY:"]);
  const text = random.oneIn(3)
    ? prefix + hex
    : random.perturbText(prefix + hex.toUpperCase());
  const isHex = (rest: string) => /^[0-9a-f]{64}$/i.test(rest);
  const asPublic = NodePublic.parse(text);
  assertEquals(
    asPublic?.toString(),
    text.startsWith("nodekey:") && isHex(text.slice(8))
      ? `nodekey:${text.slice(8).toLowerCase()}`
      : undefined,
  );
  const asPrivate = NodePrivate.parse(text);
  assertEquals(
    asPrivate?.reveal(),
    text.startsWith("privkey:") && isHex(text.slice(8))
      ? `privkey:${text.slice(8).toLowerCase()}`
      : undefined,
  );
  assertEquals(
    MeshKey.parse(text)?.reveal(),
    isHex(text) ? text.toLowerCase() : undefined,
  );
  const bytes = fromHex(text, 32);
  assertEquals(
    bytes && toHex(bytes),
    isHex(text) ? text.toLowerCase() : undefined,
  );
});

const ALICE = testKey(2);
const BOB = testKey(3);
const MESSAGE = new TextEncoder().encode("a message of some length");

fuzz("nacl_box", (random) => {
  const box = ALICE.sealTo(BOB.publicKey, MESSAGE);
  const wrong = random.perturb(box);
  const opened = BOB.openFrom(ALICE.publicKey, wrong);
  assertEquals(
    opened && toHex(opened),
    toHex(wrong) === toHex(box) ? toHex(MESSAGE) : undefined,
  );
  // Any 32 bytes are a public key, some of low order; none throws.
  const key = random.oneIn(4)
    ? new Uint8Array(32).fill(random.pick([0, 0xff]))
    : random.bytes(32);
  assertEquals(BOB.openFrom(NodePublic.fromBytes(key), box), undefined);
  assertEquals(new BoxKey(random.bytes(32)).publicKey.length, 32);
});

fuzz("ip", (random) => {
  const text = random.oneIn(2)
    ? random.perturbText(random.pick(ADDRESSES))
    : Array.from(
      { length: random.below(20) },
      () => random.pick([..."0123456789af::::.."]),
    ).join("");
  const ip = parseIp(text);
  unmapIp(text);
  if (ip !== undefined) {
    assertEquals(ip.length, 16);
    assertEquals(parseIp(formatIp(ip)), ip);
  }
  if (!/^[0-9a-f:.]*:[0-9a-f:.]*$/i.test(text)) return;
  // The URL standard's parser of IPv6 is another one for the same grammar.
  assert(URL.canParse(`http://[${text}]/`) === (ip !== undefined), text);
});

const ADDRESSES = [
  "192.0.2.1",
  "::ffff:192.0.2.1",
  "2001:db8::7",
  "1:2:3:4:5:6:7:8",
  "64:ff9b::1.2.3.4",
  "fe80::1%eth0",
  "::",
];
