/** The frames that were captured from the Go derper. */
import { fromHex } from "../../src/util/bytes.ts";

const FILE = new URL("../golden/derp_frames.txt", import.meta.url);

/** What the file has, by name. */
export class GoldenFrames {
  readonly #lines = new Map<string, string>();

  static async read(): Promise<GoldenFrames> {
    const golden = new GoldenFrames();
    for (const line of (await Deno.readTextFile(FILE)).split("\n")) {
      const space = line.indexOf(" ");
      if (line.startsWith("#") || space < 0) continue;
      golden.#lines.set(line.slice(0, space), line.slice(space + 1));
    }
    return golden;
  }

  /** The hexadecimal of one frame. */
  hex(name: string): string {
    const [hex] = this.text(name).split(" ");
    return hex!;
  }

  /** One frame. */
  bytes(name: string): Uint8Array {
    const hex = this.hex(name);
    const bytes = fromHex(hex, hex.length / 2);
    if (bytes === undefined) throw new Error(`${name} is no hexadecimal`);
    return bytes;
  }

  /** All that follows the name. */
  text(name: string): string {
    const text = this.#lines.get(name);
    if (text === undefined) throw new Error(`No golden frame ${name}`);
    return text;
  }
}
