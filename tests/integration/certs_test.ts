/** Certificates from files, and served over real TLS. */
import { parsePem } from "../../src/certs/pem.ts";
import type { TlsKeyPair } from "../../src/certs/provider.ts";
import { parseCertificate } from "../../src/certs/x509.ts";
import { assert, assertEquals } from "../support/assert.ts";
import {
  listDir,
  load,
  NOW,
  SERVER_KEY,
  withDir,
} from "../support/certs/cert_dir.ts";
import {
  ISSUER_CERT,
  LEAF_CERT,
  LEAF_KEY,
  ROOT_CERT,
} from "../support/certs/chain.ts";
import { KEYS } from "../support/certs/keys.ts";

const CHAIN = LEAF_CERT + ISSUER_CERT;

/** Serves one connection with `pair`, lets a client verify it as `hostname`, and returns what it received. */
async function handshake(
  pair: TlsKeyPair,
  { hostname, ca }: { hostname: string; ca: string },
): Promise<string> {
  using listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, ...pair });
  const served = (async () => {
    using conn = await listener.accept();
    await conn.write(new TextEncoder().encode("hello"));
    await conn.read(new Uint8Array(1));
  })();
  const { port } = listener.addr as Deno.NetAddr;
  const tcp = await Deno.connect({ hostname: "127.0.0.1", port });
  const buffer = new Uint8Array(16);
  let length: number | null;
  {
    using tls = await Deno.startTls(tcp, { hostname, caCerts: [ca] });
    length = await tls.read(buffer);
    await tls.closeWrite();
  }
  await served;
  return new TextDecoder().decode(buffer.subarray(0, length ?? 0));
}

Deno.test("checkManualPair() gives the facts of the chain and appends the meta certificate", async () => {
  await withDir(
    { "derp.test.crt": CHAIN, "derp.test.key": LEAF_KEY },
    async (dir) => {
      const certificate = await load(`${dir}/`, "derp.test");
      assertEquals(certificate.facts, {
        names: ["derp.test", "*.wild.test", "127.0.0.1", "2001:db8::1"],
        notBefore: new Date("2026-11-21T14:59:16Z"),
        notAfter: new Date("2126-10-28T14:59:16Z"),
        // As `openssl x509 -outform DER | sha256sum` gives it.
        sha256:
          "b95a56b297fb67556881096a4288b77ed66b46d97671f8ddaf01aff8665ba232",
        selfSigned: false,
        chainLength: 2,
      });
      const { cert, key } = certificate.tlsKeyPair();
      assertEquals(key, LEAF_KEY);
      assert(cert.startsWith(CHAIN));
      const meta = parsePem(cert).at(-1)!;
      const { subject } = parseCertificate(meta.bytes);
      const name = new TextDecoder().decode(subject);
      assert(name.endsWith(`derpkey${SERVER_KEY.hex()}`));
      assertEquals(parsePem(cert).length, 3);
    },
  );
});

Deno.test("checkManualPair() gives a chain that a client verifies by name, wildcard and address", async () => {
  for (const hostname of ["derp.test", "relay.wild.test", "127.0.0.1"]) {
    await withDir(
      { [`${hostname}.crt`]: CHAIN, [`${hostname}.key`]: LEAF_KEY },
      async (dir) => {
        const pair = (await load(dir, hostname)).tlsKeyPair();
        assertEquals(
          await handshake(pair, { hostname, ca: ROOT_CERT }),
          "hello",
        );
      },
    );
  }
});

for (const { name, cert, key } of KEYS) {
  Deno.test(`checkManualPair() gives a key that serves TLS: ${name}`, async () => {
    await withDir(
      { "derp.test.crt": cert, "derp.test.key": key },
      async (dir) => {
        const pair = (await load(dir, "derp.test")).tlsKeyPair();
        assertEquals(
          await handshake(pair, { hostname: "derp.test", ca: cert }),
          "hello",
        );
      },
    );
  });
}

Deno.test("checkManualPair() leaves out of the file name what derper leaves out", async () => {
  await withDir(
    { "2001db81.crt": CHAIN, "2001db81.key": LEAF_KEY },
    async (dir) => {
      const { facts } = await load(dir, "2001:db8::1");
      assertEquals(facts.chainLength, 2);
    },
  );
});

Deno.test("checkManualPair() makes a pair for an address, and keeps it", async () => {
  await withDir({}, async (parent) => {
    const dir = `${parent}/a/b`;
    const made = await load(dir, "127.0.0.1");
    assertEquals(await listDir(dir), ["127.0.0.1.crt", "127.0.0.1.key"]);
    const mode = async (path: string) => (await Deno.stat(path)).mode! & 0o777;
    assertEquals(await mode(dir), 0o700);
    assertEquals(await mode(`${dir}/127.0.0.1.key`), 0o600);
    assertEquals(await mode(`${dir}/127.0.0.1.crt`), 0o644 & ~Deno.umask());
    assertEquals([made.facts.selfSigned, made.facts.chainLength], [true, 1]);
    assertEquals(made.daysLeft(NOW), 3653); // ten years, three of them leap years
    const cert = await Deno.readTextFile(`${dir}/127.0.0.1.crt`);
    const again = await load(dir, "127.0.0.1");
    assertEquals(again.facts, made.facts);
    assertEquals(again.tlsKeyPair().key, made.tlsKeyPair().key);
    assertEquals(await Deno.readTextFile(`${dir}/127.0.0.1.crt`), cert);
  });
});

Deno.test("checkManualPair() makes a pair that serves TLS", async () => {
  await withDir({}, async (dir) => {
    // The client goes by the real clock.
    const pair = (await load(dir, "127.0.0.1", { now: new Date() }))
      .tlsKeyPair();
    const cert = await Deno.readTextFile(`${dir}/127.0.0.1.crt`);
    assertEquals(
      await handshake(pair, { hostname: "127.0.0.1", ca: cert }),
      "hello",
    );
  });
});
