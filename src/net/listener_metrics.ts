/** What a TLS listener counts; published as the set `tls_listener`, with derper's names. */

/** Counters of one listener, through all its certificates. */
export class ListenerMetrics {
  /** Accepted connections, those over the limit not counted. */
  accepted = 0;
  /** Connections over the limit. */
  rejected = 0;

  /** All values by derper's name. */
  snapshot(): Record<string, number> {
    return {
      tls_listener_counter_accepted_connections: this.accepted,
      tls_listener_counter_rejected_connections: this.rejected,
    };
  }
}
