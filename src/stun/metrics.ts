/** What the STUN responder counts; published as the set `stun`, with derper's names. */

/** Counters of one STUN responder. */
export class StunMetrics {
  /** Failed reads of the socket. */
  readErrors = 0;
  /** Datagrams that got no answer, for whatever reason. */
  notStun = 0;
  /** Answers that the system didn't take. */
  writeErrors = 0;
  /** Answers sent. */
  successes = 0;
  /** Requests that came over IPv4. */
  ipv4 = 0;
  /** Requests that came over IPv6. */
  ipv6 = 0;

  /** All values by metric name, then by value of the metric's one label: `disposition` and `family`. */
  snapshot(): StunSnapshot {
    return {
      counter_requests: {
        read_error: this.readErrors,
        not_stun: this.notStun,
        write_error: this.writeErrors,
        success: this.successes,
      },
      counter_addrfamily: { ipv4: this.ipv4, ipv6: this.ipv6 },
    };
  }
}

/** The values of `StunMetrics` under the names that derper publishes. */
export interface StunSnapshot {
  readonly counter_requests: {
    readonly read_error: number;
    readonly not_stun: number;
    readonly write_error: number;
    readonly success: number;
  };
  readonly counter_addrfamily: { readonly ipv4: number; readonly ipv6: number };
}
