/** One process of the relay after another on the same ports, with clients that never find them closed. */
import { assert, assertEquals } from "../support/assert.ts";
import type { Child } from "../support/child.ts";
import { freePorts } from "../support/free_ports.ts";
import { runProgram } from "../support/relay_program.ts";
import { ReturningClients } from "../support/returning_clients.ts";
import { bindingRequest } from "../support/stun_client.ts";

const HOST = "127.0.0.1";
/** 1,000 take 20 s on two cores: UPGRADE_CLIENTS=1000 UPGRADE_DRAIN=10 */
const CLIENTS = Number(Deno.env.get("UPGRADE_CLIENTS") ?? 40);
const DRAIN_SECONDS = Number(Deno.env.get("UPGRADE_DRAIN") ?? 2);
/** Newcomers under way at any time, so that some wait to be accepted when the old process stops. */
const NEWCOMERS = 8;

/** Where relays share a directory and ports. */
class Place implements AsyncDisposable {
  readonly dir = Deno.makeTempDirSync();
  readonly ports = freePorts("tcp", "tcp", "udp") as [number, number, number];
  readonly #relays: Child[] = [];

  /** A relay that is ready. */
  async start(...args: string[]): Promise<Child> {
    const { dir, ports: [tcp, http, udp] } = this;
    const relay = runProgram(dir, [
      ...["-a", `${HOST}:${tcp}`, "-http-port", `${http}`],
      ...["-stun-port", `${udp}`, "-c", `${dir}/key`],
      ...["-hostname", HOST, "-certmode", "manual", "-certdir", dir],
      ...args,
    ]);
    this.#relays.push(relay);
    await relay.line(/ready: /);
    return relay;
  }

  certificate(): string {
    return Deno.readTextFileSync(`${this.dir}/${HOST}.crt`);
  }

  /** Whether somebody answers STUN within a while. */
  async answersStun(): Promise<boolean> {
    const socket = Deno.listenDatagram({
      transport: "udp",
      hostname: HOST,
      port: 0,
    });
    const timer = setTimeout(() => socket.close(), 500);
    try {
      const to = { transport: "udp", hostname: HOST, port: this.ports[2] };
      await socket.send(bindingRequest(), to as Deno.NetAddr);
      await socket.receive();
      socket.close();
      return true;
    } catch {
      return false;
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const relay of this.#relays) await relay.stop();
    await Deno.remove(this.dir, { recursive: true });
  }
}

Deno.test("an upgrade with -reuse-port and -drain refuses no client, closes them evenly, and leaves nobody behind", async () => {
  await using place = new Place();
  const flags = ["-reuse-port", "-drain", `${DRAIN_SECONDS}s`];
  const old = await place.start(...flags);
  await using clients = new ReturningClients(
    place.ports[0],
    place.certificate(),
  );
  await clients.come(CLIENTS);
  for (let i = 0; i < NEWCOMERS; i++) clients.keepComing();
  await place.start(...flags);
  assertEquals(clients.departures.length, 0); // who is connected stays so
  const admissions = clients.admissions;
  const beginMs = performance.now();
  await old.stop("SIGTERM");
  await clients.allConnected(CLIENTS);
  assertEquals(clients.failures, []);
  assertEquals(clients.departures.length, CLIENTS); // each was sent away once
  assert(clients.admissions > admissions + CLIENTS); // and newcomers came
  for (const { texts, restartings } of clients.departures) {
    assertEquals(texts, ["the relay is about to stop or restart"]);
    assertEquals(restartings, 1);
  }
  assert(await place.answersStun());
  const thirds = [0, 0, 0];
  for (const { ms } of clients.departures) {
    const third = Math.floor((ms - beginMs) / (DRAIN_SECONDS * 1000 / 3));
    thirds[Math.min(2, third)]!++;
  }
  for (const count of thirds) assert(count > CLIENTS / 6, `${thirds}`);
});
