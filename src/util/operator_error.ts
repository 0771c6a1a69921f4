/** What an operator has to put right. */

/** Its message is one line that says what happened, to what, and what to do; it is shown as it stands. */
export class OperatorError extends Error {
  override readonly name = "OperatorError";
}
