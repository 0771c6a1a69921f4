/** Server-sent events, read one by one. */

/** One event with its data as JSON, where it has any. */
export interface ReadEvent {
  readonly event: string;
  // deno-lint-ignore no-explicit-any -- a test knows what it expects
  readonly data: any;
}

/** Reads a response's events. */
export class EventReader {
  readonly #chunks: ReadableStreamDefaultReader<string>;
  #text = "";

  constructor({ body }: Response) {
    const decoder = new TextDecoderStream() as TransformStream<
      Uint8Array,
      string
    >;
    this.#chunks = body!.pipeThrough(decoder).getReader();
  }

  /** The next event with that name; undefined where the stream ends before. */
  async next(event: string): Promise<ReadEvent | undefined> {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      if (end < 0) {
        const { value, done } = await this.#chunks.read();
        if (done) return undefined;
        this.#text += value;
        continue;
      }
      const lines = this.#text.slice(0, end).split("\n");
      this.#text = this.#text.slice(end + 2);
      if (!lines.includes(`event:${event}`)) continue;
      const data = lines.filter((line) => line.startsWith("data:"))
        .map((line) => line.slice(5)).join("\n");
      return { event, data: JSON.parse(data) };
    }
  }

  /** Goes away. */
  async cancel(): Promise<void> {
    await this.#chunks.cancel();
  }
}
