/** The relay behind nginx and HAProxy as Debian has them, set up as the README says. */
import { NodePrivate } from "../../src/keys/node_key.ts";
import { DenoConn } from "../../src/net/deno_conn.ts";
import { isConnectionLost } from "../../src/net/conn.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "../support/assert.ts";
import { KEYS } from "../support/certs/keys.ts";
import { Child, eventually } from "../support/child.ts";
import { answer, ProxiedRelay, statusOf } from "../support/proxied_relay.ts";
import { TestClient } from "../support/test_client.ts";

const NGINX = "/usr/sbin/nginx";
const HAPROXY = "/usr/sbin/haproxy";
/** Clients come by IPv6, proxies by IPv4 or the socket, so they can't be taken for each other. */
const HOST = "::1";
const PAIR = KEYS[2]!;
const NAME = "127.0.0.1"; // in its certificate

const README = new URL("../../README.md", import.meta.url);

/** The one block of the README's section that begins like this. */
async function example(beginning: string): Promise<string> {
  const [, section = ""] = (await Deno.readTextFile(README))
    .split("\n### Behind a proxy\n");
  const blocks = section.split(/\n###? /)[0]!.matchAll(
    /```\w+\n([^]*?\n)```\n/g,
  );
  const found = [...blocks].map(([, text]) => text!)
    .filter((text) => text.startsWith(beginning));
  assertEquals(found.length, 1, `${beginning} in ${README}`);
  return found[0]!;
}

/** Replaces what has to be different in a test; each has to be there. */
function changed(
  text: string,
  changes: Readonly<Record<string, string>>,
): string {
  for (const [from, to] of Object.entries(changes)) {
    assertStringIncludes(text, from);
    text = text.replaceAll(from, to);
  }
  return text;
}

function freePorts<T extends string>(...names: T[]): Record<T, number> {
  const listeners = names.map(() => Deno.listen({ hostname: HOST, port: 0 }));
  const ports = listeners.map(({ addr }, i) => [
    names[i]!,
    (addr as Deno.NetAddr).port,
  ]);
  for (const listener of listeners) listener.close();
  return Object.fromEntries(ports);
}

/** A relay started by a command line of the README, and a directory for its proxy. */
class Site implements AsyncDisposable {
  readonly relay: ProxiedRelay;
  readonly dir: string;
  readonly ports = freePorts("https", "http");
  #proxy: Child | undefined;

  private constructor(relay: ProxiedRelay, dir: string) {
    this.relay = relay;
    this.dir = dir;
  }

  static async start(command: string): Promise<Site> {
    const dir = await Deno.makeTempDir();
    await Deno.writeTextFile(`${dir}/crt`, PAIR.cert);
    await Deno.writeTextFile(`${dir}/key.pem`, PAIR.key);
    await Deno.writeTextFile(`${dir}/both`, `${PAIR.cert}\n${PAIR.key}`);
    const path = command.includes("unix:") ? `${dir}/sock` : undefined;
    const [, trusted = ""] = /-trusted-proxies (\S+)/.exec(command) ?? [];
    const relay = await ProxiedRelay.start(["-trusted-proxies", trusted], {
      dir,
      ...path !== undefined && { path },
    });
    return new Site(relay, dir);
  }

  /** Runs nginx with an example in place of the files that Debian includes. */
  async nginx(
    where: "main" | "http",
    example: string,
    changes: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const text = changed(example, {
      "listen 443 ssl;": `listen [${HOST}]:${this.ports.https} ssl;`,
      "/etc/ssl/derp.example.com.crt": `${this.dir}/crt`,
      "/etc/ssl/private/derp.example.com.key": `${this.dir}/key.pem`,
      "/run/derper/derper.sock": `${this.dir}/sock`,
      ...changes,
    });
    await Deno.writeTextFile(`${this.dir}/derper.conf`, text);
    const include = `include ${this.dir}/derper.conf;`;
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
      .map((kind) => `${kind}_temp_path ${this.dir}/${kind};`).join(" ");
    await Deno.writeTextFile(
      `${this.dir}/nginx.conf`,
      `load_module /usr/lib/nginx/modules/ngx_stream_module.so;
user root;
daemon off;
worker_processes 1;
pid ${this.dir}/nginx.pid;
error_log stderr;
events {}
${where === "main" ? include : ""}
http { access_log off; ${temporary} ${where === "http" ? include : ""} }
`,
    );
    await this.#run(NGINX, "-p", this.dir, "-c", `${this.dir}/nginx.conf`);
  }

  /** Runs HAProxy with a section behind defaults like Debian's. */
  async haproxy(text: string): Promise<void> {
    await Deno.writeTextFile(
      `${this.dir}/haproxy.cfg`,
      `defaults
  mode http
  option httplog
  option dontlognull
  timeout connect 5000
  timeout client 50000
  timeout server 50000
${text}`,
    );
    await this.#run(HAPROXY, "-db", "-f", `${this.dir}/haproxy.cfg`);
  }

  async #run(...command: string[]): Promise<void> {
    try {
      this.#proxy = new Child(command);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      throw new Error(
        `There is no ${
          command[0]
        }; apt-get install nginx-light libnginx-mod-stream haproxy`,
      );
    }
    const proxy = this.#proxy;
    await eventually(
      () => this.connect().then((conn) => conn, () => undefined),
      () => `${command.join(" ")}: ${proxy.lines.join("\n")}`,
    ).then((conn) => conn.close());
  }

  /** A TLS connection to the proxy. */
  async connect(): Promise<DenoConn> {
    const tcp = await Deno.connect({ hostname: HOST, port: this.ports.https });
    return new DenoConn(
      await Deno.startTls(tcp, { hostname: NAME, caCerts: [PAIR.cert] }),
    );
  }

  /** A DERP client that comes by the proxy. */
  async client(
    key: NodePrivate = NodePrivate.generate(),
  ): Promise<TestClient> {
    const conn = await this.connect();
    try {
      return await TestClient.overHttp(conn, { key, host: "derp.example.com" });
    } catch (error) {
      conn.close();
      throw error;
    }
  }

  /** The answer to one request by the proxy. */
  async get(path: string, fields = ""): Promise<string> {
    const head = `GET ${path} HTTP/1.1\r\nHost: derp.example.com\r\n`;
    return await answer(
      await this.connect(),
      `${head}${fields}Connection: close\r\n\r\n`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#proxy?.stop("SIGTERM");
    await this.relay[Symbol.asyncDispose]();
  }
}

/** What all of them have to do: pass packets on both ways, and say who the client is. */
async function checkRelaying(
  site: Site,
  { port }: { port: RegExp },
): Promise<void> {
  const key = NodePrivate.generate();
  using one = await site.client(key);
  using other = await site.client();
  const whereabouts = await site.relay.whereabouts(key);
  const [ip, at] = whereabouts?.split(" ") ?? [];
  assertEquals(ip, HOST);
  assertMatch(at!, port);
  for (let i = 0; i < 100; i++) {
    const packet = new Uint8Array(1 + 10 * i).fill(i);
    await one.sendPacket(other.publicKey, packet);
    const received = await other.expectPacket();
    assertEquals(received.packet, packet);
    await other.sendPacket(one.publicKey, received.packet);
    assertEquals((await one.expectPacket()).packet, packet);
  }
  const probe = await site.get("/derp/probe");
  assertEquals(statusOf(probe), 200);
}

/** Whoever comes by a proxy can't make himself somebody else. */
async function checkLiars(site: Site): Promise<void> {
  for (
    const fields of [
      "",
      "X-Forwarded-For: 100.64.0.9\r\n",
      "X-Forwarded-For: 100.64.0.9\r\nX-Forwarded-For: 127.0.0.1\r\n",
      "X-Real-IP: 100.64.0.9\r\n",
      "X-Forwarded-For: 127.0.0.1\r\nX-Real-IP: 127.0.0.1\r\n",
      "Forwarded: for=100.64.0.9\r\n",
    ]
  ) {
    assertEquals(statusOf(await site.get("/debug/", fields)), 403, fields);
  }
}

const REAL_PORT = /^[1-9]\d*$/;
const NO_PORT = /^0$/;

Deno.test("derper works behind nginx as a web server, as the README says", async () => {
  await using site = await Site.start(await example("derper -a unix:"));
  const { http } = site.ports;
  await site.nginx("http", await example("server {"), {
    "listen 80;": `listen [${HOST}]:${http};`,
  });
  await checkRelaying(site, { port: NO_PORT });
  await checkLiars(site);
  assertEquals(statusOf(await site.get("/")), 200);
  const tcp = await Deno.connect({ hostname: HOST, port: http });
  const challenge = "GET /generate_204 HTTP/1.1\r\nHost: derp.example.com\r\n" +
    "X-Tailscale-Challenge: abc\r\nConnection: close\r\n\r\n";
  const captive = await answer(new DenoConn(tcp), challenge);
  assertEquals(statusOf(captive), 204);
  assertStringIncludes(captive, "response abc");
});

Deno.test("derper says which headers nginx drops where the README's lines are missing", async () => {
  await using site = await Site.start(await example("derper -a unix:"));
  await site.nginx("http", await example("server {"), {
    "listen 80;": "",
    "proxy_set_header Upgrade $http_upgrade;": "",
    "proxy_set_header Connection upgrade;": "",
  });
  await assertRejects(() => site.client());
  await assertRejects(() => site.client());
  await site.relay.child.line(/without its Upgrade and Connection headers: /);
  const lines = site.relay.child.matching(/a request for \/derp from/);
  assertEquals(lines.length, 1);
  assertStringIncludes(lines[0]!, `from ${HOST} came`);
});

Deno.test("derper serves clients and says so where nginx drops the Connection header alone", async () => {
  await using site = await Site.start(await example("derper -a unix:"));
  await site.nginx("http", await example("server {"), {
    "listen 80;": "",
    "proxy_set_header Connection upgrade;": "",
  });
  await checkRelaying(site, { port: NO_PORT });
  await site.relay.child.line(/came without its Connection header: /);
});

Deno.test("derper works behind nginx for TLS alone, as the README says", async () => {
  await using site = await Site.start(await example("derper -a unix:"));
  await site.nginx("main", await example("stream {"));
  await checkRelaying(site, { port: REAL_PORT });
  await checkLiars(site);
});

Deno.test("derper works behind HAProxy, as the README says, and with version 1 of the PROXY protocol", async () => {
  for (const version of ["send-proxy-v2", "send-proxy"]) {
    await using site = await Site.start(await example("derper -a :3340"));
    const { address } = site.relay;
    assert("port" in address);
    await site.haproxy(
      changed(await example("listen derp"), {
        "bind :443": `bind ipv6@${HOST}:${site.ports.https}`,
        "/etc/haproxy/derp.example.com.pem": `${site.dir}/both`,
        "127.0.0.1:3340": `127.0.0.1:${address.port}`,
        "send-proxy-v2": `${version} check inter 100`, // its checks say LOCAL
      }),
    );
    await checkRelaying(site, { port: REAL_PORT });
    await checkLiars(site);
    assertEquals(site.relay.child.matching(/PROXY header/), []);
  }
});

Deno.test("derper works behind HAProxy in HTTP mode with option forwardfor", async () => {
  await using site = await Site.start("derper -trusted-proxies 127.0.0.1");
  const { address } = site.relay;
  assert("port" in address);
  await site.haproxy(`listen derp
  bind ipv6@${HOST}:${site.ports.https} ssl crt ${site.dir}/both
  option forwardfor
  timeout tunnel 5m
  server relay 127.0.0.1:${address.port}
`);
  await checkRelaying(site, { port: NO_PORT });
  await checkLiars(site);
  await site.relay.child.line(/one of them comes from the client itself/);
});

Deno.test("derper ends what a proxy sends that isn't trusted, and says which flag would change that", async () => {
  await using site = await Site.start("derper -trusted-proxies 10.0.0.0/8");
  const { address } = site.relay;
  assert("port" in address);
  await site.haproxy(
    changed(await example("listen derp"), {
      "bind :443": `bind ipv6@${HOST}:${site.ports.https}`,
      "/etc/haproxy/derp.example.com.pem": `${site.dir}/both`,
      "127.0.0.1:3340": `127.0.0.1:${address.port}`,
    }),
  );
  const error = await assertRejects(() => site.client());
  assert(isConnectionLost(error), String(error));
  await site.relay.child.line(
    /connection from 127\.0\.0\.1: it sent a PROXY header, but isn't among -trusted-proxies/,
  );
});
