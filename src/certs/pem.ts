/** PEM text (RFC 7468): what certificates and private keys are kept in. */

/** One block. `encrypted` tells a key with a passphrase, in either of its two forms. */
export interface PemBlock {
  readonly label: string;
  readonly bytes: Uint8Array;
  readonly encrypted: boolean;
}

const LINE_CHARACTERS = 64;

/**
 * The blocks of `text`, whatever else stands between them: programs write
 * explanations there. Throws a SyntaxError for a block that is cut off or damaged.
 */
export function parsePem(text: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  let open: { label: string; lines: string[] } | undefined;
  for (const line of text.split("\n").map((line) => line.trim())) {
    const [, edge, label] = /^-----(BEGIN|END) (.+)-----$/.exec(line) ?? [];
    if (edge === undefined || label === undefined) {
      open?.lines.push(line);
    } else if (edge === "BEGIN" && open === undefined) {
      open = { label, lines: [] };
    } else if (edge === "END" && open?.label === label) {
      blocks.push(toBlock(label, open.lines));
      open = undefined;
    } else {
      throw new SyntaxError(`Cannot read PEM: "${line}" is out of place`);
    }
  }
  if (open !== undefined) {
    throw new SyntaxError(`Cannot read PEM: no END line for "${open.label}"`);
  }
  return blocks;
}

/** Base64 between a BEGIN and an END line. */
export function formatPem(label: string, bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  const base64 = btoa(binary);
  let lines = "";
  for (let i = 0; i < base64.length; i += LINE_CHARACTERS) {
    lines += base64.slice(i, i + LINE_CHARACTERS) + "\n";
  }
  return `-----BEGIN ${label}-----\n${lines}-----END ${label}-----\n`;
}

/** `lines` may begin with headers, "name: value", as OpenSSL writes in front of an encrypted key. */
function toBlock(label: string, lines: readonly string[]): PemBlock {
  const isHeader = (line: string) => line.includes(":");
  return {
    label,
    bytes: decodeBase64(lines.filter((line) => !isHeader(line)).join("")),
    encrypted: label.startsWith("ENCRYPTED ") ||
      lines.some((line) => isHeader(line) && line.includes("ENCRYPTED")),
  };
}

function decodeBase64(base64: string): Uint8Array {
  let binary: string;
  try {
    binary = atob(base64);
  } catch {
    throw new SyntaxError("Cannot read PEM: its text is not base64");
  }
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
