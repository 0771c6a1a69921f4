/** A request that can't be served, as an exception within this folder. */

/** Ends in an answer with `status` and the message as its text; the message is constant, never what a client sent. */
export class HttpError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = "HttpError";
    this.status = status;
  }
}
