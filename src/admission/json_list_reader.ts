/** Reads a long list in a JSON object while it arrives: neither its text nor all it says is ever held at a time. */

/** Of one element; a device has a few KiB. */
const MAX_ELEMENT_CHARS = 1024 * 1024;

/** Of all that isn't an element, a comma and a placeholder for each included. */
const MAX_REST_CHARS = 4 * 1024 * 1024;

/** Where the list's name is looked for: right before its bracket. */
const NAME_CHARS = 100;

const QUOTE = 0x22, BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b, CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b, CLOSE_OBJECT = 0x7d;

/**
 * Takes `{"<name>": [{…}, {…}], …}` in pieces. Each object in the list is
 * parsed by itself and replaced by a 0; what is left is parsed at the end, so
 * that nothing passes that `JSON.parse` wouldn't take.
 */
export class JsonListReader {
  readonly #name: string;
  readonly #namePattern: RegExp;
  readonly #onElement: (element: unknown) => void;
  #depth = 0;
  #isInList = false;
  #isInString = false;
  #isEscaped = false;
  /** What has come of the element that is being read; undefined between elements. */
  #element: string | undefined;
  /** All that isn't an element, and the end of it. */
  #rest = "";
  #restEnd = "";
  #isBegun = false;
  #count = 0;

  constructor(name: string, onElement: (element: unknown) => void) {
    this.#name = name;
    this.#namePattern = new RegExp(`(^|[^\\\\])"${name}"\\s*:\\s*$`);
    this.#onElement = onElement;
  }

  /** Takes the next piece. @throws SyntaxError as soon as it can't be what is expected */
  push(text: string): void {
    this.#begin(text);
    let from = 0;
    for (let i = 0; i < text.length; i++) {
      const char = text.charCodeAt(i);
      if (this.#isInString) this.#inString(char);
      else if (char === QUOTE) this.#isInString = true;
      else if (char === OPEN_OBJECT || char === OPEN_LIST) {
        if (this.#isElementStart(char)) {
          this.#keep(text.slice(from, i));
          this.#element = "";
          from = i;
        } else if (this.#depth === 1 && char === OPEN_LIST) {
          const before = text.slice(Math.max(from, i - NAME_CHARS), i);
          this.#isInList = this.#namePattern.test(this.#restEnd + before);
        }
        this.#depth++;
      } else if (char === CLOSE_OBJECT || char === CLOSE_LIST) {
        this.#depth--;
        if (this.#depth === 1) this.#isInList = false;
        if (this.#depth === 2 && this.#element !== undefined) {
          this.#keep(text.slice(from, i + 1));
          this.#endElement();
          from = i + 1;
        }
      }
    }
    this.#keep(text.slice(from));
  }

  /** To be called behind the last piece. @throws SyntaxError where that wasn't all of a list */
  end(): void {
    const json: unknown = JSON.parse(this.#rest + (this.#element ?? ""));
    const list = typeof json === "object" && json !== null &&
      Object.getOwnPropertyDescriptor(json, this.#name)?.value;
    if (!Array.isArray(list)) throw new SyntaxError(`No "${this.#name}"`);
    if (list.length !== this.#count) {
      throw new SyntaxError(`Not only objects in "${this.#name}"`);
    }
  }

  /** Anything but an object is given up before more of it is read. */
  #begin(text: string): void {
    if (this.#isBegun || text.trim() === "") return;
    if (!text.trimStart().startsWith("{")) throw new SyntaxError("No object");
    this.#isBegun = true;
  }

  #inString(char: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (char === BACKSLASH) this.#isEscaped = true;
    else if (char === QUOTE) this.#isInString = false;
  }

  #isElementStart(char: number): boolean {
    return this.#isInList && this.#depth === 2 && char === OPEN_OBJECT;
  }

  #keep(text: string): void {
    if (this.#element === undefined) this.#keepRest(text);
    else this.#element += text;
    if ((this.#element?.length ?? 0) > MAX_ELEMENT_CHARS) {
      throw new SyntaxError("Too long");
    }
  }

  #keepRest(text: string): void {
    this.#rest += text;
    // Not cut from #rest, which may be long, and there may be many lists.
    const end = this.#restEnd + text.slice(-NAME_CHARS);
    this.#restEnd = end.slice(-NAME_CHARS);
    if (this.#rest.length > MAX_REST_CHARS) throw new SyntaxError("Too long");
  }

  #endElement(): void {
    const element: unknown = JSON.parse(this.#element!);
    this.#element = undefined;
    this.#keepRest("0");
    this.#count++;
    this.#onElement(element);
  }
}
