/** A way to clients of another relay of the mesh. */
export interface PacketForwarder {
  /** Sends the payload `from[start..end)` of a SendPacket on as ForwardPacket from `source`. */
  forwardPacket(
    source: Uint8Array,
    from: Uint8Array,
    start: number,
    end: number,
  ): void;
}
