/** Certificates that are refused: each fault has its one line. */
import { OperatorError } from "../../src/util/operator_error.ts";
import { formatPem } from "../../src/certs/pem.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { ENCRYPTED_PKCS8 } from "../support/certs/bad_keys.ts";
import { listDir, load, withDir } from "../support/certs/cert_dir.ts";
import {
  ISSUER_CERT,
  LEAF_CERT,
  LEAF_KEY,
  NAMELESS_CERT,
  ROOT_CERT,
} from "../support/certs/chain.ts";
import { KEYS } from "../support/certs/keys.ts";

const CHAIN = LEAF_CERT + ISSUER_CERT;

/** Files, host name, and how the one line about them begins; DIR stands for their directory. */
type Refused = readonly [Record<string, string>, string, string];

const CRT = 'Certificate "DIR/derp.test.crt"';
const KEY = 'Private key "DIR/derp.test.key"';
const crt = 'certificate "DIR/derp.test.crt"';
const key = 'private key "DIR/derp.test.key"';

function pair(crt: string, key: string, name = "derp.test") {
  return { [`${name}.crt`]: crt, [`${name}.key`]: key };
}

const REFUSED: readonly Refused[] = [
  [
    {},
    "derp.test",
    'No certificate for "derp.test": neither "DIR/derp.test.crt" nor "DIR/derp.test.key" exists; put',
  ],
  [
    { "derp.test.crt": CHAIN },
    "derp.test",
    '"DIR/derp.test.key" is missing, only "DIR/derp.test.crt" exists; put the missing file there',
  ],
  [
    {},
    "дерп",
    'Cannot look for a certificate: -hostname "дерп" is no host name',
  ],
  [pair("", LEAF_KEY), "derp.test", `Cannot use ${crt}: it is empty; put`],
  [pair(CHAIN, ""), "derp.test", `Cannot use ${key}: it is empty; put`],
  [
    pair("x".repeat(2 ** 20 + 1), LEAF_KEY),
    "derp.test",
    `Cannot use ${crt}: it is larger than 1024 KiB; put`,
  ],
  [
    pair(CHAIN, "x".repeat(2 ** 20 + 1)),
    "derp.test",
    `Cannot use ${key}: it is larger than 1024 KiB; put`,
  ],
  [pair("x".repeat(2 ** 20), LEAF_KEY), "derp.test", `${CRT} holds no PEM`],
  [
    pair(LEAF_KEY, LEAF_KEY),
    "derp.test",
    `${CRT} holds no PEM "CERTIFICATE" block; write`,
  ],
  [
    pair(CHAIN, CHAIN),
    "derp.test",
    `${KEY} holds no PEM "PRIVATE KEY" block; write`,
  ],
  [
    pair(CHAIN.slice(0, 900), LEAF_KEY),
    "derp.test",
    `${CRT} is damaged PEM text; copy`,
  ],
  [
    pair(formatPem("CERTIFICATE", Uint8Array.of(1, 2)), LEAF_KEY),
    "derp.test",
    `${CRT} is damaged: block 1 of 1 is not an X.509 certificate; copy`,
  ],
  [pair(CHAIN, ENCRYPTED_PKCS8), "derp.test", `${KEY} is encrypted; write`],
  [
    pair(CHAIN, KEYS[0]!.key),
    "derp.test",
    `${KEY} does not belong to certificate "DIR/derp.test.crt"; put`,
  ],
  [
    pair(ISSUER_CERT + LEAF_CERT, LEAF_KEY),
    "derp.test",
    `${CRT} is out of order: its private key belongs to certificate 2 of 2; put`,
  ],
  [
    pair(LEAF_CERT + ROOT_CERT + ISSUER_CERT, LEAF_KEY),
    "derp.test",
    `${CRT} is out of order: certificate 2 of 3 issued none of those before it; put`,
  ],
  [
    pair(CHAIN, LEAF_KEY, "other.test"),
    "other.test",
    'Certificate "DIR/other.test.crt" is not valid for "other.test" but for derp.test, *.wild.test, 127.0.0.1, 2001:db8::1; set',
  ],
  [
    pair(CHAIN, LEAF_KEY, "127.0.0.2"),
    "127.0.0.2",
    'Certificate "DIR/127.0.0.2.crt" is not valid for "127.0.0.2" but for derp.test',
  ],
  [
    pair(NAMELESS_CERT, KEYS[2]!.key),
    "derp.test",
    `${CRT} is not valid for "derp.test": it has no subjectAltName`,
  ],
];

for (const [files, hostname, message] of REFUSED) {
  Deno.test(`checkManualPair() refuses: ${message}`, async () => {
    await withDir(files, async (dir) => {
      const error = await assertRejects(
        () => load(dir, hostname),
        OperatorError,
        message.replaceAll("DIR", dir),
      );
      assert(!error.message.includes("\n") && !error.message.endsWith("."));
      assertEquals(await listDir(dir), Object.keys(files).sort());
    });
  });
}

Deno.test("checkManualPair() refuses what has expired and what isn't valid yet", async () => {
  await withDir(pair(CHAIN, LEAF_KEY), async (dir) => {
    await assertRejects(
      () => load(dir, "derp.test", { now: new Date("2126-10-28T14:59:17Z") }),
      OperatorError,
      `Certificate "${dir}/derp.test.crt" expired on 2126-10-28T14:59:16.000Z; renew it`,
    );
    await assertRejects(
      () => load(dir, "derp.test", { now: new Date("2026-11-21T14:59:15Z") }),
      OperatorError,
      `Certificate "${dir}/derp.test.crt" is not valid before 2026-11-21T14:59:16.000Z, and the clock says 2026-11-21T14:59:15.000Z; set`,
    );
  });
});

Deno.test("checkManualPair() refuses a directory in the place of a file", async () => {
  await withDir({ "derp.test.crt": CHAIN }, async (dir) => {
    await Deno.mkdir(`${dir}/derp.test.key`);
    await assertRejects(
      () => load(dir, "derp.test"),
      OperatorError,
      `Cannot read private key "${dir}/derp.test.key": it is a directory; put`,
    );
  });
});

Deno.test("checkManualPair() says why it can't read a file", async () => {
  await withDir({ file: "" }, async (dir) => {
    await assertRejects(
      () => load(`${dir}/file`, "derp.test"),
      OperatorError,
      `Cannot read certificate "${dir}/file/derp.test.crt": not a directory; put`,
    );
  });
});

Deno.test("checkManualPair() makes nothing where one of the two files exists", async () => {
  for (const [present, missing] of [["crt", "key"], ["key", "crt"]]) {
    await withDir({ [`192.0.2.1.${present}`]: "kept" }, async (dir) => {
      const error = await assertRejects(
        () => load(dir, "192.0.2.1"),
        OperatorError,
      );
      assertEquals(
        error.message,
        `"${dir}/192.0.2.1.${missing}" is missing, only "${dir}/192.0.2.1.${present}" exists; put the missing file there, or remove the other to have a new pair made`,
      );
      assertEquals(await listDir(dir), [`192.0.2.1.${present}`]);
      const path = `${dir}/192.0.2.1.${present}`;
      assertEquals(await Deno.readTextFile(path), "kept");
    });
  }
});

Deno.test("checkManualPair() never takes the place of what it can't see, and leaves nothing behind", async () => {
  for (const file of ["192.0.2.1.key", "192.0.2.1.crt"]) {
    await withDir({}, async (dir) => {
      await Deno.symlink(`${dir}/elsewhere`, `${dir}/${file}`);
      await assertRejects(
        () => load(dir, "192.0.2.1"),
        OperatorError,
        `"${dir}/${file}": something else is there; put`,
      );
      assertEquals(await listDir(dir), [file]);
    });
  }
});

Deno.test("checkManualPair() wants a directory", async () => {
  await assertRejects(
    () => load("", "192.0.2.1"),
    OperatorError,
    "-certdir is empty; set",
  );
});

Deno.test("checkManualPair() says which directory it can't make", async () => {
  await withDir({ file: "" }, async (dir) => {
    await Deno.symlink(`${dir}/nowhere/at/all`, `${dir}/link`);
    await assertRejects(
      () => load(`${dir}/link`, "192.0.2.1"),
      OperatorError,
      `Cannot make private key "${dir}/link/192.0.2.1.key": `,
    );
  });
});
