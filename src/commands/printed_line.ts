/** Lines for the standard output. */

/** Some of `text` comes from a file or a server, so nothing in it may move the cursor. */
export function printedLine(text: string): string {
  return `${text.replace(/\p{Cc}|[\u2028\u2029]/gu, " ")}\n`;
}
