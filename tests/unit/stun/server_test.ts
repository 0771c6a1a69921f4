/** The STUN loop on sockets that exist in memory only. */
import { LogLimiter } from "../../../src/log/limited.ts";
import { type DatagramSocket, StunServer } from "../../../src/stun/server.ts";
import { StunMetrics } from "../../../src/stun/metrics.ts";
import { assertEquals } from "../../support/assert.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";
import {
  bindingRequest,
  parseBindingSuccess,
} from "../../support/stun_client.ts";

/** What a read of the socket gives: a datagram and its sender, or an error. */
type Arrival = { data: Uint8Array; from: string } | Error;

/** A socket on which `arrivals` come in at once, and then nothing more. */
class FakeSocket implements DatagramSocket {
  readonly addr: Deno.Addr = {
    transport: "udp",
    hostname: "192.0.2.3",
    port: 3478,
  };
  readonly sent: { data: Uint8Array; to: Deno.NetAddr }[] = [];
  sendError: Error | undefined;
  readonly #arrivals: Arrival[];
  readonly #closed = Promise.withResolvers<never>();

  constructor(...arrivals: Arrival[]) {
    this.#arrivals = arrivals;
    this.#closed.promise.catch(() => {});
  }

  receive(buffer: Uint8Array): Promise<[Uint8Array, Deno.Addr]> {
    const arrival = this.#arrivals.shift();
    if (arrival === undefined) return this.#closed.promise;
    if (arrival instanceof Error) return Promise.reject(arrival);
    const data = arrival.data.subarray(0, buffer.length); // as the kernel does
    buffer.set(data);
    const hostname = arrival.from;
    return Promise.resolve([
      buffer.subarray(0, data.length),
      { transport: "udp", hostname, port: 4242 },
    ]);
  }

  send(data: Uint8Array, to: Deno.Addr): Promise<number> {
    if (this.sendError) return Promise.reject(this.sendError);
    this.sent.push({ data: data.slice(), to: to as Deno.NetAddr });
    return Promise.resolve(data.length);
  }

  close(): void {
    this.#closed.reject(
      new Deno.errors.BadResource("Listener has been closed"),
    );
  }
}

/** A server on `socket`, whose turns of the event loop are counted. */
function serve(socket: DatagramSocket, isHealthy?: () => boolean) {
  const clock = new FakeClock();
  const metrics = new StunMetrics();
  const state = { clock, metrics, turns: 0 };
  const turn = {
    wait() {
      state.turns++;
      return Promise.resolve();
    },
  };
  const limiter = new LogLimiter(clock);
  const server = new StunServer(socket, {
    clock,
    metrics,
    limiter,
    turn,
    isHealthy,
  });
  return Object.assign(state, { server });
}

function request(from: string): Arrival {
  return { data: bindingRequest(), from };
}

Deno.test("StunServer answers each family with its own address", async () => {
  const socket = new FakeSocket(
    request("192.0.2.1"),
    request("2001:db8::7"),
    request("::ffff:192.0.2.1"),
  );
  const { server, metrics } = serve(socket);
  await settle();
  assertEquals(
    socket.sent.map(({ data, to }) => [
      parseBindingSuccess(data).ip,
      to.hostname,
    ]),
    [
      ["c0000201", "192.0.2.1"],
      ["20010db8000000000000000000000007", "2001:db8::7"],
      ["c0000201", "::ffff:192.0.2.1"],
    ],
  );
  assertEquals(metrics.snapshot(), {
    'stun_counter_requests{disposition="read_error"}': 0,
    'stun_counter_requests{disposition="not_stun"}': 0,
    'stun_counter_requests{disposition="write_error"}': 0,
    'stun_counter_requests{disposition="success"}': 3,
    'stun_counter_requests{disposition="unhealthy"}': 0,
    'stun_counter_addrfamily{family="ipv4"}': 2,
    'stun_counter_addrfamily{family="ipv6"}': 1,
  });
  await server.close();
});

Deno.test("StunServer doesn't answer what is no request, and counts it", async () => {
  const from = "192.0.2.1";
  const socket = new FakeSocket(
    { data: new Uint8Array(0), from },
    { data: bindingRequest().with(39, 1).with(38, 2), from },
    request("not an address"),
    request("192.0.2.2"),
  );
  const { server, metrics } = serve(socket);
  await settle();
  assertEquals(socket.sent.map(({ to }) => to.hostname), ["192.0.2.2"]);
  assertEquals(metrics.notStun, 3);
  assertEquals(metrics.ipv4, 1);
  await server.close();
});

Deno.test("StunServer counts an answer that can't be sent, and goes on", async () => {
  const socket = new FakeSocket(request("192.0.2.1"), request("192.0.2.1"));
  socket.sendError = new Deno.errors.PermissionDenied(
    "Operation not permitted",
  );
  const { server, metrics } = serve(socket);
  await settle();
  assertEquals(metrics.writeErrors, 2);
  assertEquals(metrics.successes, 0);
  assertEquals(metrics.ipv4, 2);
  await server.close();
});

Deno.test("StunServer pauses after a failed read, counts it, and goes on", async () => {
  const failure = new Error("Cannot allocate memory (os error 12)");
  const socket = new FakeSocket(failure, failure, request("192.0.2.1"));
  const { server, metrics, clock } = serve(socket);
  await settle();
  assertEquals(metrics.readErrors, 1);
  await clock.advance(100);
  assertEquals(metrics.readErrors, 2);
  assertEquals(socket.sent.length, 0);
  await clock.advance(100);
  assertEquals(socket.sent.length, 1);
  await server.close();
});

Deno.test("StunServer.close() ends a pause", async () => {
  const { server, clock } = serve(new FakeSocket(new Error("Broken")));
  await settle();
  assertEquals(clock.pending, 1);
  await server.close();
  assertEquals(clock.pending, 0);
});

Deno.test("StunServer lets others have a turn after every eighth datagram", async () => {
  const garbage = { data: new Uint8Array(3), from: "192.0.2.1" };
  const arrivals = Array.from(
    { length: 31 },
    (_, i) => i % 2 ? garbage : request("192.0.2.1"),
  );
  const socket = new FakeSocket(...arrivals);
  const served = serve(socket);
  await settle();
  assertEquals(served.metrics.successes, 16);
  assertEquals(served.metrics.notStun, 15);
  assertEquals(served.turns, 3);
  await served.server.close();
});

Deno.test("StunServer is silent while the relay can't relay, and counts that", async () => {
  const answers = [true, false, false, true];
  const socket = new FakeSocket(
    request("192.0.2.1"),
    request("192.0.2.2"),
    { data: new Uint8Array(3), from: "192.0.2.3" },
    request("2001:db8::7"),
    request("192.0.2.4"),
  );
  const { server, metrics } = serve(socket, () => answers.shift()!);
  await settle();
  assertEquals(socket.sent.map(({ to }) => to.hostname), [
    "192.0.2.1",
    "192.0.2.4",
  ]);
  assertEquals([metrics.successes, metrics.unhealthy, metrics.notStun], [
    2,
    2,
    1,
  ]);
  assertEquals([metrics.ipv4, metrics.ipv6], [3, 1]);
  await server.close();
});
