/** Names that an object in JSON has twice, of which parsers keep the last in silence. */

const TOKEN = /"(?:[^"\\]|\\.)*"|\/\/.*|\/\*[^]*?\*\/|[{}[\],]|\n/g;

/** One line for each such name in `text`, which is JSON, perhaps with comments. */
export function duplicateKeys(text: string): string[] {
  const found: string[] = [];
  /** Of each object around the token; undefined for a list. */
  const open: (Set<string> | undefined)[] = [];
  let line = 1;
  let isKeyNext = false;
  for (const [token] of text.matchAll(TOKEN)) {
    const names = open.at(-1);
    if (token === "{" || token === "[") {
      open.push(token === "{" ? new Set() : undefined);
      isKeyNext = token === "{";
    } else if (token === "}" || token === "]") {
      open.pop();
      isKeyNext = false;
    } else if (token === ",") {
      isKeyNext = names !== undefined;
    } else if (token.startsWith('"') && isKeyNext && names !== undefined) {
      if (names.has(token)) found.push(`line ${line}: ${token} is there twice`);
      names.add(token);
      isKeyNext = false;
    }
    line += token.split("\n").length - 1;
  }
  return found;
}
