/** The short self-test for containers: does the relay answer, and can it relay? */
import { formatHostPort, parseIp } from "../util/ip.ts";
import { OperatorError } from "../util/operator_error.ts";
import type { Budget } from "./budget.ts";
import { type Dial, plainDialer, withConn } from "./dialer.ts";
import { explain } from "./failure.ts";
import { probeMistake } from "./http_check.ts";
import { httpGet } from "./http_get.ts";
import { harmless } from "./table.ts";
import { secureDial } from "./secure_dial.ts";
import { askStun } from "./stun_ask.ts";
import { hostHeader, type Place } from "./target.ts";

/** Of a reason that the relay gives. */
const QUOTED_CHARS = 200;

/** What is asked. */
export interface HealthOptions {
  readonly place: Place;
  /** What is dialled: loopback for a relay on this machine. */
  readonly address: string;
  readonly isLocal: boolean;
  /** Absent where STUN is off. */
  readonly stunPort?: number | undefined;
  /** Where `/readyz` is; absent where it isn't. */
  readonly metrics?: { readonly address: string; readonly port: number };
  readonly pin?: string | undefined;
  readonly budget: Budget;
  readonly caCerts: string[];
}

/** One line, and whether it is good news. */
export interface HealthReport {
  readonly isHealthy: boolean;
  readonly line: string;
}

/** What keeps the relay from being healthy. */
class Unhealthy extends Error {}

/** Asks all three at once; the first that is wrong is told, the relay's own reason before others. */
export async function checkHealth(
  options: HealthOptions,
): Promise<HealthReport> {
  const checks = [
    checkReady(options),
    checkProbe(options),
    askForStun(options),
  ];
  const results = await Promise.allSettled(checks);
  const said: string[] = [];
  for (const result of results) {
    if (result.status === "fulfilled") {
      if (result.value !== undefined) said.push(result.value);
    } else if (result.reason instanceof Unhealthy) {
      const line = harmless(`unhealthy: ${result.reason.message}`);
      return { isHealthy: false, line };
    } else {
      throw result.reason;
    }
  }
  return { isHealthy: true, line: `healthy: ${said.join(", ")}` };
}

async function checkReady(
  { metrics, budget }: HealthOptions,
): Promise<string | undefined> {
  if (metrics === undefined) return undefined;
  const { address, port } = metrics;
  const where = formatHostPort(address, port);
  const dial = plainDialer(address, port);
  const { status, body } = await attempt(
    `/readyz at ${where}`,
    port,
    () =>
      budget.within((signal) =>
        httpGet(dial, signal, { host: where, path: "/readyz" })
      ),
  );
  if (status === 200) return "ready";
  if (status !== 503) {
    throw new Unhealthy(
      `/readyz at ${where} answers status ${status}; is that the relay's -metrics-addr?`,
    );
  }
  const reason = body.trim().split("\n")[0]!.slice(0, QUOTED_CHARS);
  throw new Unhealthy(`not ready: ${reason || "its log says why"}`);
}

async function checkProbe(options: HealthOptions): Promise<string> {
  const { place, address, isLocal, budget, caCerts, pin } = options;
  const protocol = place.isTls ? "HTTPS" : "HTTP";
  const where = `${protocol} at ${formatHostPort(address, place.port)}`;
  const answer = await attempt(where, place.port, async () => {
    const dial = await secureDial({
      place,
      address,
      budget,
      caCerts,
      pin,
      trustsAny: isLocal && pin === undefined,
    });
    const host = hostHeader(place);
    return await budget.within((signal) =>
      httpGet(dial, signal, { host, path: "/derp/probe" })
    );
  });
  const mistake = probeMistake(answer);
  if (mistake === undefined) return `${where} answers`;
  throw new Unhealthy(
    answer.status === 503
      ? `${where} answers ${mistake}; its log says why`
      : `${where} answers /derp/probe with ${mistake}; is it a relay?`,
  );
}

async function askForStun(
  { place, address, stunPort: port, budget }: HealthOptions,
): Promise<string | undefined> {
  if (port === undefined) return undefined;
  const ip = parseIp(address) !== undefined ? address : await attempt(
    `TCP at ${formatHostPort(address, place.port)}`,
    place.port,
    () => resolve(plainDialer(address, place.port), budget),
  );
  await attempt(
    `STUN on UDP port ${port}`,
    port,
    () =>
      budget.within((signal) =>
        askStun({ address: ip, port }, { clock: budget.clock, signal })
      ),
  );
  return "STUN answers";
}

/** UDP goes to an address, not to a name: to the one that TCP has found. */
async function resolve(dial: Dial, budget: Budget): Promise<string> {
  return await budget.within((signal) =>
    withConn(dial, signal, ({ remote: { ip } }) => Promise.resolve(ip))
  );
}

/** Turns what fails into one line. */
async function attempt<T>(
  where: string,
  port: number,
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    if (cause instanceof OperatorError) throw new Unhealthy(cause.message);
    const { seen, advice } = explain(cause, `port ${port}`);
    throw new Unhealthy(`${where}: ${seen}; ${advice}`, { cause });
  }
}
