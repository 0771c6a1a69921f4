/** The status page of a whole relay, over TLS. */
import { EventReader } from "../support/event_reader.ts";
import {
  assert,
  assertEquals,
  assertStringIncludes,
} from "../support/assert.ts";
import { RunningDerper } from "../support/running_derper.ts";
import { FrameType } from "../../src/derp/frame.ts";
import { MeshKey } from "../../src/keys/mesh_key.ts";

/** Asks a relay on the loopback interface as a browser does. */
class Visitor implements Disposable {
  readonly #client: Deno.HttpClient;
  readonly #base: string;

  constructor(relay: RunningDerper) {
    this.#client = Deno.createHttpClient({ caCerts: [relay.certificate] });
    this.#base = `https://127.0.0.1:${relay.derper.port}/debug/`;
  }

  get(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(this.#base + path, { client: this.#client, ...init });
  }

  async text(path: string): Promise<string> {
    return await (await this.get(path)).text();
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

Deno.test("Derper's status page is refused to strangers, as all below /debug/ is", async () => {
  await using relay = await RunningDerper.start();
  using visitor = new Visitor(relay);
  const headers = { "X-Forwarded-For": "203.0.113.5" }; // whoever that is
  for (const path of ["", "events", "status.css", "status.js"]) {
    const response = await visitor.get(path, { headers });
    assertEquals(response.status, 403, path);
    assertEquals(await response.text(), "debug access denied\n", path);
  }
});

Deno.test("Derper's status page tells of its clients and parts without scripts", async () => {
  await using relay = await RunningDerper.start();
  using visitor = new Visitor(relay);
  using a = await relay.client();
  using b = await relay.client();
  await a.send(FrameType.NotePreferred, Uint8Array.of(1));
  await a.sendPacket(b.publicKey, new Uint8Array(1_500));
  await b.expectPacket();
  const html = await visitor.text("?sort=total-in");
  assertStringIncludes(html, '<p class="ok">Ready</p>');
  assertStringIncludes(html, "for 127.0.0.1, self-signed");
  assertStringIncludes(html, "open to all");
  const rows = html.split("<tr").filter((row) => row.includes('class="node"'));
  assertEquals(rows.length, 2);
  assertStringIncludes(rows[0]!, a.publicKey.toString());
  assertStringIncludes(rows[0]!, '<span class="tag">home</span>');
  assertStringIncludes(rows[0]!, '<td class="n tin">1.50 kB</td>');
  assertStringIncludes(rows[1]!, b.publicKey.toString());
  assertStringIncludes(rows[1]!, '<td class="n tout">1.50 kB</td>');
  assertStringIncludes(rows[1]!, '<td class="address">127.0.0.1</td>');
  for (const link of ["varz", "vars", "traffic", "check"]) {
    assertStringIncludes(html, `href="/debug/${link}"`);
    assert((await visitor.text(link)).length > 0);
  }
});

Deno.test("Derper's event stream tells who comes and goes, and ends when the relay stops", async () => {
  const relay = await RunningDerper.start();
  using visitor = new Visitor(relay);
  const response = await visitor.get("events");
  assertEquals(response.headers.get("Content-Type"), "text/event-stream");
  const events = new EventReader(response);
  assertEquals((await events.next("parts"))!.data.count, "0");
  const client = await relay.client();
  while ((await events.next("parts"))!.data.count !== "1");
  const { data } = (await events.next("rows"))!;
  assertEquals(data.order.length, 1);
  client.conn.close();
  while ((await events.next("parts"))!.data.count !== "0");
  const next = events.next("rows"); // the row goes, then nothing more comes
  await relay[Symbol.asyncDispose]();
  await next;
  assertEquals(await events.next("parts").catch(() => undefined), undefined);
});

Deno.test("Derper lets go of event streams that nobody reads any more", async () => {
  await using relay = await RunningDerper.start();
  using visitor = new Visitor(relay);
  for (let i = 0; i < 40; i++) {
    let response = await visitor.get("events");
    // What has just been cancelled may be on its way still.
    while (response.status === 503) {
      await response.body?.cancel();
      response = await visitor.get("events");
    }
    const events = new EventReader(response);
    await events.next("parts");
    await events.cancel();
  }
});

Deno.test("Derper tells of its mesh link with the round-trip time", async () => {
  const meshKey = MeshKey.parse("7".repeat(64))!;
  await using first = await RunningDerper.start({ meshKey });
  Deno.env.set("DENO_CERT", `${first.dir}/127.0.0.1.crt`);
  const { port } = first.derper;
  const target = { host: "127.0.0.1", port, dialHost: "127.0.0.1" };
  const nobody = { host: "127.0.0.1", port: 1, dialHost: "127.0.0.1" };
  await using second = await RunningDerper.start({
    meshKey,
    meshWith: [target, nobody],
  });
  Deno.env.delete("DENO_CERT");
  using visitor = new Visitor(second);
  const row = new RegExp(
    `<td>127.0.0.1:${port}</td><td><span class="ok">linked</span></td>` +
      '<td class="n">\\d+s</td><td class="n">[0-9.]+ ms</td>',
  );
  let html = await visitor.text("");
  while (!row.test(html) || !html.includes(">down</span>")) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    html = await visitor.text("");
  }
  assertStringIncludes(html, "<td>127.0.0.1:1</td>");
  assertStringIncludes(html, "efused"); // by the system
});
