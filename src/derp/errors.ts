/** What ends a connection because its bytes break the protocol. */

/** Which rule was broken; also the kind under which such lines are limited in the log. */
export type ProtocolErrorCode =
  | "frame_length"
  | "frame_order"
  | "client_info"
  | "magic"
  | "server_info"
  | "permission"
  | "websocket";

/** Thrown by decoders and by the frame handlers; ends that one connection. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
  readonly code: ProtocolErrorCode;

  constructor(code: ProtocolErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
