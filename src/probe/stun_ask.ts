/** Asks a STUN server for our address, as a node does: by UDP, more than once where nothing comes. */
import {
  answers,
  decodeBindingSuccess,
  encodeBindingRequest,
} from "../stun/request.ts";
import { type Clock, delay } from "../util/clock.ts";
import { formatIp, parseIp, parseIpv4 } from "../util/ip.ts";

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
  try {
    const txId = crypto.getRandomValues(new Uint8Array(12));
    const request = encodeBindingRequest(txId);
    const to = {
      transport: "udp",
      hostname: server.address,
      port: server.port,
    } as const;
    let sentMs = clock.nowMs();
    await socket.send(request, to);
    const again = (async () => {
      await delay(clock, RETRY_MS, done.signal);
      while (!done.signal.aborted) {
        sentMs = clock.nowMs();
        await socket.send(request, to).catch(() => {}); // the first one went
        await delay(clock, RETRY_MS, done.signal);
      }
    })();
    const answer = await receive(socket, txId);
    const roundTripMs = clock.nowMs() - sentMs;
    close();
    await again;
    return { ...answer, roundTripMs };
  } finally {
    signal.removeEventListener("abort", close);
    close();
  }
}

/** The first answer to our request; whatever else comes is none of our business. */
async function receive(
  socket: Deno.DatagramConn,
  txId: Uint8Array,
): Promise<{ ip: string; port: number }> {
  for (;;) {
    const [message] = await socket.receive();
    const answer = decodeBindingSuccess(message);
    if (answer === undefined || !answers(answer, txId)) continue;
    const { ip, port } = answer;
    const text = ip.length === 4 ? ip.join(".") : shortIpv6(ip);
    return { ip: text, port };
  }
}

/** As RFC 5952 writes it, which the URL parser does. */
function shortIpv6(ip: Uint8Array): string {
  const text = formatIp(ip);
  return parseIp(text) === undefined
    ? text
    : new URL(`http://[${text}]`).hostname.slice(1, -1);
}
