/** Fetching from servers that say who may use the relay. */
import { messageOf } from "../util/error_message.ts";

/**
 * Idle connections are given up before common servers close them (after 5 s or
 * more), so that no question meets a connection that is just being closed.
 */
const IDLE_MS = 4_000;

/** A client that trusts `caCerts` (PEM) besides the usual authorities; to be closed. */
export function serverClient(caCerts: string[]): Deno.HttpClient {
  return Deno.createHttpClient({ caCerts, poolIdleTimeout: IDLE_MS });
}

/** Why `fetch` failed, without the URL, which may hold a password, and without addresses. */
export function fetchReason(error: unknown): string {
  const inner = error instanceof Error && error.cause instanceof Error
    ? error.cause
    : error;
  return messageOf(inner)
    .replace(/ ?\bfor (url \(\S*\)|https?:\/\/\S+( \([^)]*\))?)/g, "")
    .replace(/^error sending request( from \S+)?: /, "");
}
