/** As many STUN requests as the relay answers, from one Worker. */
import { LoopTurn } from "../../src/net/loop_turn.ts";
import { TurnBudget } from "../../src/util/turn_budget.ts";
import { bindingRequest } from "../support/stun_client.ts";
import { giveWay } from "./give_way.ts";

/** How many requests are under way per socket: more than one turn of the relay takes, less than a socket buffer holds. */
const WINDOW = 64;
const SOCKETS = 4;
/** Requests without an answer are taken for lost after this. */
const LOST_AFTER_MS = 100;
const ANSWER_BYTES = 256;
const BINDING_SUCCESS = [0x01, 0x01];

/** What the relay answered. */
export interface StunResult {
  readonly answers: number;
  readonly seconds: number;
}

/** Served by `stun_worker.ts`. */
export class StunLoad {
  readonly #turn = new LoopTurn();
  #sockets: Deno.DatagramConn[] = [];
  #timers: ReturnType<typeof setInterval>[] = [];
  #answers = 0;
  #sinceMs = 0;

  /** Begins to ask. */
  begin(hostname: string, port: number): Promise<void> {
    const to = { transport: "udp", hostname, port } as const;
    giveWay();
    this.#sinceMs = performance.now();
    for (let i = 0; i < SOCKETS; i++) {
      const socket = Deno.listenDatagram({ ...to, port: 0 });
      this.#sockets.push(socket);
      void this.#ask(socket, to); // ends when the socket is closed
    }
    return Promise.resolve();
  }

  /** Counts anew from here on. */
  mark(): Promise<void> {
    this.#answers = 0;
    this.#sinceMs = performance.now();
    return Promise.resolve();
  }

  /** Stops to ask; rejects where nothing was answered. */
  end(): Promise<StunResult> {
    const seconds = (performance.now() - this.#sinceMs) / 1000;
    for (const timer of this.#timers) clearInterval(timer);
    for (const socket of this.#sockets) socket.close();
    if (this.#answers === 0) throw new Error("No STUN request was answered");
    return Promise.resolve({ answers: this.#answers, seconds });
  }

  async #ask(socket: Deno.DatagramConn, to: Deno.NetAddr): Promise<void> {
    const budget = new TurnBudget(this.#turn);
    const request = bindingRequest(); // one for all: only the number counts
    const send = () => void socket.send(request, to).catch(() => {});
    let answered = 0;
    let answeredBefore = 0;
    this.#timers.push(setInterval(() => {
      if (answered === answeredBefore) {
        for (let i = 0; i < WINDOW; i++) send();
      }
      answeredBefore = answered;
    }, LOST_AFTER_MS));
    for (let i = 0; i < WINDOW; i++) send();
    const buffer = new Uint8Array(ANSWER_BYTES);
    try {
      for (;;) {
        const [answer] = await socket.receive(buffer);
        if (BINDING_SUCCESS.some((byte, i) => answer[i] !== byte)) continue;
        answered++;
        this.#answers++;
        send();
        await budget.spend(answer.length, 0);
      }
    } catch {
      // Closed at the end.
    }
  }
}
