/** ACME by the library `acme-client`, over fetch; RFC 9773, which it lacks, is added here. */
import { isJsonObject } from "../util/json.ts";
import process from "node:process";
import type { Authorization, Client, Order } from "acme-client";
import { type Clock, delay } from "../util/clock.ts";
import { type AcmeHttpOptions, acmeRequest } from "./acme_http.ts";
import { refusalOf, withRefused } from "./acme_refusal.ts";
import { isAboutReplacing, orderRequest } from "./acme_order.ts";
import { parseRenewalInfo, renewalId } from "./acme_renewal_info.ts";
import {
  AcmeError,
  type AcmeServer,
  type CertificateOrder,
  type RenewalInfo,
} from "./acme_server.ts";

/** Binds the account to one that the CA knows already (RFC 8555, 7.3.4). */
export interface ExternalAccount {
  readonly kid: string;
  /** The HMAC key, base64 or base64url. */
  readonly key: string;
}

/** Whom to ask, and as whom. */
export interface LibraryAcmeOptions {
  readonly directoryUrl: string;
  /** Empty for none. */
  readonly email: string;
  readonly externalAccount: ExternalAccount | undefined;
  /** Authorities to trust besides the usual ones, as PEM. */
  readonly caCerts: string[];
  /** Of the machine: what it measures is the server. */
  readonly clock: Clock;
}

/** The library, and what its requests go over. */
interface Session {
  readonly library: typeof import("acme-client");
  readonly client: Client;
  readonly directory: Record<string, unknown>;
  readonly signal: AbortSignal;
}

/** For everything from the account to the chain. */
const DEADLINE_MS = 5 * 60 * 1000;
/** For one certificate; an order that takes its time needs some 70. */
const MAX_REQUESTS = 200;
const FIRST_POLL_MS = 250;
const MAX_POLL_MS = 5_000;
/** Base64url (RFC 8555, 8.3). */
const TOKEN = /^[\w-]+$/;

/** An ACME server on the network. */
export class LibraryAcmeServer implements AcmeServer {
  readonly #options: LibraryAcmeOptions;

  constructor(options: LibraryAcmeOptions) {
    this.#options = options;
  }

  /** See {@linkcode AcmeServer.issue}. */
  async issue(order: CertificateOrder, signal: AbortSignal): Promise<string> {
    const deadline = new AbortController();
    const cancel = this.#options.clock.after(
      DEADLINE_MS,
      () => deadline.abort(),
    );
    try {
      return await this.#issue(
        order,
        AbortSignal.any([signal, deadline.signal]),
      );
    } catch (error) {
      if (!deadline.signal.aborted) throw error;
      throw new Error("the ACME server has not finished within 5 minutes");
    } finally {
      cancel();
    }
  }

  /** See {@linkcode AcmeServer.renewalInfo}. */
  async renewalInfo(
    certificate: Uint8Array,
    signal: AbortSignal,
  ): Promise<RenewalInfo | undefined> {
    const id = renewalId(certificate);
    if (id === undefined) return undefined;
    const { clock } = this.#options;
    using client = this.#connect();
    const http = { client, clock, signal };
    const { renewalInfo } = await this.#directory(http);
    if (typeof renewalInfo !== "string") return undefined;
    const url = `${renewalInfo.replace(/\/$/, "")}/${id}`;
    const { data, headers } = await acmeRequest({ url, method: "GET" }, http);
    const retryAfter = headers["retry-after"];
    return parseRenewalInfo(data, { retryAfter, now: clock.date() });
  }

  async #issue(order: CertificateOrder, signal: AbortSignal): Promise<string> {
    const { clock, directoryUrl, externalAccount } = this.#options;
    using client = this.#connect();
    const http = { client, clock, signal };
    const directory = await this.#directory(http);
    const library = await loadLibrary(http, directory);
    const session: Session = {
      library,
      client: new library.Client({
        directoryUrl,
        accountKey: order.accountKey,
        ...(externalAccount && {
          externalAccountBinding: {
            kid: externalAccount.kid,
            hmacKey: externalAccount.key,
          },
        }),
      }),
      directory,
      signal,
    };
    await this.#signIn(session.client);
    const placed = await this.#place(order, session);
    await this.#authorize(placed, { order, session });
    return await this.#finalize(placed, { order, session });
  }

  /** An external account can often be used once only, so an account that exists does without. */
  async #signIn(client: Client): Promise<void> {
    const { email } = this.#options;
    const contact = email === "" ? {} : { contact: [`mailto:${email}`] };
    try {
      await client.createAccount({ onlyReturnExisting: true, ...contact });
    } catch (error) {
      const isUnknown = error instanceof AcmeError &&
        error.type === "accountDoesNotExist";
      if (!isUnknown) throw error;
      await client.createAccount({ termsOfServiceAgreed: true, ...contact });
    }
  }

  async #place(order: CertificateOrder, session: Session): Promise<Order> {
    const { client } = session;
    const { request, replaces } = orderRequest(order, session.directory);
    try {
      if (replaces !== undefined) {
        try {
          return await client.createOrder({ ...request, ...replaces });
        } catch (error) {
          if (!isAboutReplacing(error)) throw error;
        }
      }
      return await client.createOrder(request);
    } catch (error) {
      throw withRefused(error, order.names);
    }
  }

  /** Answers the challenges until the server has looked at all of them. */
  async #authorize(
    placed: Order,
    { order, session }: { order: CertificateOrder; session: Session },
  ): Promise<void> {
    const { client, signal } = session;
    const tokens: string[] = [];
    try {
      const open = (await client.getAuthorizations(placed))
        .filter(({ status }) => status === "pending");
      for (const authorization of open) {
        const challenge = httpChallenge(authorization);
        order.answers.set(
          challenge.token,
          await client.getChallengeKeyAuthorization(challenge),
        );
        tokens.push(challenge.token);
        await client.completeChallenge(challenge);
      }
      const { status } = await this.#poll(placed, {
        client,
        signal,
        while: ["pending"],
      });
      if (status === "invalid") {
        throw refusalOf(await client.getAuthorizations(placed), placed);
      }
    } finally {
      for (const token of tokens) order.answers.delete(token);
    }
  }

  async #finalize(
    placed: Order,
    { order, session }: { order: CertificateOrder; session: Session },
  ): Promise<string> {
    const { client, library, signal } = session;
    const [, csr] = await library.crypto.createCsr(
      { altNames: [...order.names] },
      order.certificateKey,
    );
    await client.finalizeOrder(placed, csr);
    const done = await this.#poll(placed, {
      client,
      signal,
      while: ["pending", "ready", "processing"],
    });
    if (done.status !== "valid") {
      throw refusalOf(await client.getAuthorizations(done), done);
    }
    const chain: unknown = await client.getCertificate(done);
    if (typeof chain === "string") return chain;
    throw new Error("the ACME server answers with no certificate");
  }

  /** Asks for the order until it has another status. */
  async #poll(
    placed: Order,
    { client, signal, while: statuses }: {
      client: Client;
      signal: AbortSignal;
      while: readonly string[];
    },
  ): Promise<Order> {
    const { clock } = this.#options;
    for (
      let waitMs = FIRST_POLL_MS;;
      waitMs = Math.min(waitMs * 2, MAX_POLL_MS)
    ) {
      const order = await client.getOrder(placed);
      if (!statuses.includes(order.status)) return order;
      await delay(clock, waitMs, signal);
      signal.throwIfAborted();
    }
  }

  async #directory(
    http: AcmeHttpOptions,
  ): Promise<Record<string, unknown>> {
    const url = this.#options.directoryUrl;
    const { data } = await acmeRequest({ url, method: "GET" }, http);
    if (isJsonObject(data) && typeof data.newOrder === "string") return data;
    throw new Error(`"${url}" is no ACME directory`);
  }

  #connect(): Deno.HttpClient {
    return Deno.createHttpClient({ caCerts: this.#options.caCerts });
  }
}

/** Loaded when needed, as it takes 25 MB and half a second, and a certificate lasts for weeks. */
async function loadLibrary(
  http: AcmeHttpOptions,
  { newAccount }: Record<string, unknown>,
): Promise<Session["library"]> {
  const library = await importLibrary();
  let left = MAX_REQUESTS;
  // Its own HTTP asks again by itself, has no bounds, and knows nothing of our CAs.
  // This is for all clients of the process, of which there is one.
  library.axios.defaults.adapter = async (config) => {
    if (left-- === 0) throw new Error("the ACME server comes to no end");
    const { url = "", method = "get", data: body } = config;
    const headers = { "content-type": "application/jose+json" };
    const request = { url, method: method.toUpperCase(), body, headers };
    const answer = await acmeRequest(request, http);
    // Without one the library would ask for ever.
    if (url === newAccount && answer.status < 300 && !answer.headers.location) {
      throw new AcmeError("the ACME server doesn't give the account's URL");
    }
    return { ...answer, statusText: "", config };
  };
  return library;
}

/** Its `debug` reads the whole environment as it loads, and the relay may read a few names only. */
async function importLibrary(): Promise<Session["library"]> {
  const { env } = process;
  process.env = {};
  try {
    return (await import("acme-client")).default;
  } finally {
    process.env = env;
  }
}

function httpChallenge(
  { identifier, challenges }: Authorization,
): Authorization["challenges"][number] {
  const challenge = challenges.find(({ type }) => type === "http-01");
  if (challenge === undefined) {
    throw new AcmeError(
      `the ACME server offers no HTTP-01 challenge for ${identifier.value}`,
    );
  }
  if (TOKEN.test(challenge.token)) return challenge;
  throw new AcmeError("the ACME server's challenge has a malformed token");
}
