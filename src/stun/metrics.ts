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
  /** Requests that got no answer because the relay can't relay; derper has no such value. */
  unhealthy = 0;
  /** Requests that came over IPv4. */
  ipv4 = 0;
  /** Requests that came over IPv6. */
  ipv6 = 0;

  /** All values by derper's name; a label is written as in Prometheus' text format. */
  snapshot(): Record<string, number> {
    return {
      'stun_counter_requests{disposition="read_error"}': this.readErrors,
      'stun_counter_requests{disposition="not_stun"}': this.notStun,
      'stun_counter_requests{disposition="write_error"}': this.writeErrors,
      'stun_counter_requests{disposition="success"}': this.successes,
      'stun_counter_requests{disposition="unhealthy"}': this.unhealthy,
      'stun_counter_addrfamily{family="ipv4"}': this.ipv4,
      'stun_counter_addrfamily{family="ipv6"}': this.ipv6,
    };
  }
}
