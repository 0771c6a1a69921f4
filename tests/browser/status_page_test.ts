/** The status page in a real browser: Debian's Chromium, headless. */
import { FrameType } from "../../src/derp/frame.ts";
import { NodePrivate } from "../../src/keys/node_key.ts";
import { StatusPage } from "../../src/debug/status/status_page.ts";
import { systemClock } from "../../src/util/clock.ts";
import {
  assert,
  assertEquals,
  assertStringIncludes,
} from "../support/assert.ts";
import {
  Chromium,
  hasChromium,
  type PageOptions,
} from "../support/chromium.ts";
import {
  fakeFacts,
  type FakeSession,
  fakeSession,
  HOSTILE,
} from "../support/fake_sessions.ts";
import { startHttpServer } from "../support/http_server.ts";
import { noTurn } from "../support/no_turn.ts";
import { RunningDerper } from "../support/running_derper.ts";

const IS_LIVE = "document.getElementById('live').className === 'live'";
const NODES =
  "[...document.querySelectorAll('td.node')].map((cell) => cell.textContent).join()";

const isThere = await hasChromium();

/** A test in a browser, which not every machine has. */
function browserTest(name: string, fn: () => Promise<void>): void {
  const skipped = isThere ? "" : ": SKIPPED, there is no chromium here";
  Deno.test({ name: `status page ${name}${skipped}`, ignore: !isThere, fn });
}

/** A relay whose list of keys gives nodes the names that others chose. */
async function startRelay(names: ReadonlyMap<NodePrivate, string>) {
  const keysFile = await Deno.makeTempFile();
  const lines = [...names].map(([key, name]) => `${key.publicKey} ${name}\n`);
  await Deno.writeTextFile(keysFile, lines.join(""));
  const relay = await RunningDerper.start({
    verification: {
      sockets: [],
      urls: [],
      urlFailOpen: false,
      keysFile,
      policy: "each-kind",
      cacheTtlMs: 0,
      staleTtlMs: 0,
      reverifyIntervalMs: 0,
    },
  });
  await Deno.remove(keysFile);
  return relay;
}

/** A page about made-up sessions, for what a whole relay takes too long to have. */
function startFake(sessions: FakeSession[]) {
  const page = new StatusPage(fakeFacts(sessions), systemClock);
  const server = startHttpServer({
    clock: systemClock,
    turn: noTurn,
    secure: false,
    handler: ({ url }) => {
      const { pathname, searchParams } = new URL(url);
      return page.answer(pathname.slice("/debug/".length), searchParams) ??
        new Response(null, { status: 404 });
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}/debug/`,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

browserTest(
  "follows who comes and goes, with hostile names as text and nothing blocked",
  async () => {
    const [named, hostile] = [NodePrivate.generate(), NodePrivate.generate()];
    await using relay = await startRelay(
      new Map([[named, "laptop"], [hostile, HOSTILE]]),
    );
    await using browser = await Chromium.start();
    const page = await browser.open(
      `https://127.0.0.1:${relay.derper.port}/debug/?sort=node`,
    );
    await page.until(IS_LIVE);
    assertEquals(await page.evaluate(NODES), "");
    using client = await relay.client({ key: hostile });
    await page.until(`${NODES} !== ""`);
    const shown = `${HOSTILE} ${hostile.publicKey.shortString()}`;
    assertEquals(await page.evaluate(NODES), shown);
    {
      using _other = await relay.client({ key: named });
      await page.until(
        `${NODES}.startsWith("${
          HOSTILE[0]
        }img") && ${NODES}.includes("laptop")`,
      );
    }
    await page.until(`!${NODES}.includes("laptop")`);
    await client.send(FrameType.NotePreferred, Uint8Array.of(1));
    await page.until(
      "document.querySelector('td.home').textContent === 'home'",
    );
    assertEquals(
      await page.evaluate(
        "document.images.length + document.querySelectorAll('main script').length",
      ),
      0,
    );
    assertStringIncludes(`${await page.evaluate("document.title")}`, "derper");
    assertEquals(page.complaints, []);
  },
);

browserTest(
  "has a policy that blocks what a hostile name would bring, were it not text",
  async () => {
    await using relay = await startRelay(
      new Map([[NodePrivate.generate(), "x"]]),
    );
    await using browser = await Chromium.start();
    const url = `https://127.0.0.1:${relay.derper.port}/debug/`;
    const page = await browser.open(url);
    await page.until(IS_LIVE);
    await page.evaluate(
      `document.body.insertAdjacentHTML("beforeend", ${
        JSON.stringify(HOSTILE)
      })`,
    );
    await page.until("document.images.length === 1");
    while (!page.complaints.some((text) => text.includes("script-src"))) {
      await page.evaluate("new Promise((done) => setTimeout(done, 20))");
    }
    assert(await page.evaluate("document.title") !== "owned");
  },
);

browserTest("shows rates that change while one looks", async () => {
  const busy = fakeSession(1);
  await using fake = startFake([busy, fakeSession(2)]);
  await using browser = await Chromium.start();
  const page = await browser.open(fake.url);
  await page.until(IS_LIVE);
  busy.receivedBytes += 10_000_000;
  await page.until(
    "/[MG]B\\/s/.test(document.querySelector('td.in').textContent)",
  );
  await page.until("document.querySelector('td.in').textContent === '0 B/s'");
  assertEquals(page.complaints, []);
});

browserTest("is dark where that is wanted, and light else", async () => {
  await using fake = startFake([]);
  await using browser = await Chromium.start();
  const brightness = async (options: PageOptions) => {
    const page = await browser.open(fake.url, options);
    const color = await page.evaluate(
      "getComputedStyle(document.body).backgroundColor",
    );
    const [red = 0] = `${color}`.match(/\d+/g)!.map(Number);
    return red;
  };
  assert(await brightness({ isDark: true }) < 50);
  assert(await brightness({ isDark: false }) > 200);
});

browserTest("fits a phone and a desk, and needs no scripts", async () => {
  const sessions = Array.from({ length: 150 }, (_, n) =>
    fakeSession(n, {
      admitted: { by: 'tailscaled at "/run/t.sock"', node: `node-${n}` },
      receivedBytes: 10 ** (n % 16),
      writer: { sentBytes: 1e15, droppedPackets: 1e6, queuedBytes: 5e5 },
      remote: { ip: "2001:db8:1234:5678:9abc:def0:1234:5678", port: n },
    }));
  await using fake = startFake(sessions);
  await using browser = await Chromium.start();
  const widest = "document.documentElement.scrollWidth";
  for (const width of [390, 768, 1280]) {
    for (const hasScripts of [true, false]) {
      const page = await browser.open(`${fake.url}?page=2`, {
        width,
        hasScripts,
      });
      if (hasScripts) await page.until(IS_LIVE);
      const [scrollWidth, rows] = await page.evaluate(
        `[${widest}, document.querySelectorAll("td.node").length]`,
      ) as number[];
      assertEquals([scrollWidth, rows], [width, 50], `${width} ${hasScripts}`);
      assertEquals(page.complaints, []);
    }
  }
});

browserTest(
  "says that it has lost the relay, and finds the next one there",
  async () => {
    const relay = await RunningDerper.start();
    const { port } = relay.derper;
    await using browser = await Chromium.start();
    const page = await browser.open(`https://127.0.0.1:${port}/debug/`);
    await page.until(IS_LIVE);
    await relay[Symbol.asyncDispose]();
    await page.until("document.getElementById('live').className === 'lost'");
    await using next = await RunningDerper.start({
      listen: { hostname: "127.0.0.1", port },
    });
    using client = await next.client();
    await page.until(
      `${IS_LIVE} && ${NODES} === "${client.publicKey.shortString()}"`,
    );
  },
);
