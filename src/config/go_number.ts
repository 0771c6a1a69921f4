/** Numbers and truth values as Go's flags read them. */

/** The spellings of Go's strconv.ParseBool. */
export function parseGoBool(text: string): boolean | undefined {
  if (/^(?:1|t|T|true|TRUE|True)$/.test(text)) return true;
  return /^(?:0|f|F|false|FALSE|False)$/.test(text) ? false : undefined;
}

/**
 * Decimal, 0x, 0o and 0b, and a leading 0 for octal, as Go's flags take them,
 * as far as 64 bits reach; beyond 2^53 the result is the nearest that there is.
 */
export function parseGoInt(text: string): number | undefined {
  const match = /^([+-]?)(0|[1-9]\d*|0[xX][\da-fA-F]+|0[oO]?[0-7]+|0[bB][01]+)$/
    .exec(text);
  if (match === null) return undefined;
  const size = BigInt(match[2]!.replace(/^0(?=\d)/, "0o"));
  const value = match[1] === "-" ? -size : size;
  return value === BigInt.asIntN(64, value) ? Number(value) : undefined;
}

/** Decimal numbers with or without exponent, and the infinities; NaN is no number to us. */
export function parseGoFloat(text: string): number | undefined {
  const infinity = /^([+-]?)inf(?:inity)?$/i.exec(text);
  if (infinity) return infinity[1] === "-" ? -Infinity : Infinity;
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) {
    return undefined;
  }
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}
