/** Asks a STUN server for our address, as a node does: by UDP, more than once where nothing comes. */
import { decodeBindingSuccess, encodeBindingRequest } from "../stun/request.ts";
import { toHex } from "../util/bytes.ts";
import { type Clock, delay } from "../util/clock.ts";
import { formatShortIp, parseIpv4 } from "../util/ip.ts";

/** How long until the request is sent again. */
const RETRY_MS = 400;

/** What the server says. */
export interface StunAnswer {
  /** Where the request came from, as the server saw it. */
  readonly ip: string;
  readonly port: number;
  readonly roundTripMs: number;
}

/** Asks until there is an answer, or until the signal aborts. */
export async function askStun(
  server: { readonly address: string; readonly port: number },
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<StunAnswer> {
  const isIpv4 = parseIpv4(server.address) !== undefined;
  const socket = Deno.listenDatagram({
    transport: "udp",
    hostname: isIpv4 ? "0.0.0.0" : "::",
    port: 0,
  });
  const done = new AbortController();
  const close = () => {
    if (done.signal.aborted) return;
    done.abort();
    socket.close();
  };
  signal.addEventListener("abort", close);
  /** When each request was sent, by its transaction: far away, the answer to the first comes after the second is sent. */
  const sentMs = new Map<string, number>();
  const send = async () => {
    const txId = crypto.getRandomValues(new Uint8Array(12));
    sentMs.set(toHex(txId), clock.nowMs());
    await socket.send(encodeBindingRequest(txId), {
      transport: "udp",
      hostname: server.address,
      port: server.port,
    });
  };
  try {
    await send();
    const again = (async () => {
      await delay(clock, RETRY_MS, done.signal);
      while (!done.signal.aborted) {
        await send().catch(() => {}); // the first one went
        await delay(clock, RETRY_MS, done.signal);
      }
    })();
    const { ip, port, askedMs } = await receive(socket, sentMs);
    const roundTripMs = clock.nowMs() - askedMs;
    close();
    await again;
    return { ip, port, roundTripMs };
  } finally {
    signal.removeEventListener("abort", close);
    close();
  }
}

/** The first answer to one of our requests; whatever else comes is none of our business. */
async function receive(
  socket: Deno.DatagramConn,
  sentMs: ReadonlyMap<string, number>,
): Promise<{ ip: string; port: number; askedMs: number }> {
  for (;;) {
    const [message] = await socket.receive();
    const answer = decodeBindingSuccess(message);
    const askedMs = answer && sentMs.get(toHex(answer.txId));
    if (answer === undefined || askedMs === undefined) continue;
    return { ip: formatShortIp(answer.ip), port: answer.port, askedMs };
  }
}
