/** Headless Chromium, driven by its DevTools protocol. */

const PROGRAM = "chromium";
const START_TIMEOUT_MS = 20_000;
const STEP_TIMEOUT_MS = 15_000;

/** What an answer or event of the protocol may hold. */
type Fields = Record<string, unknown>;

interface Waiting {
  resolve(result: Fields): void;
  reject(error: Error): void;
}

/** How a page is looked at. */
export interface PageOptions {
  readonly width?: number;
  readonly height?: number;
  readonly isDark?: boolean;
  readonly hasScripts?: boolean;
}

/** Whether the program is there. */
export async function hasChromium(): Promise<boolean> {
  try {
    const command = new Deno.Command(PROGRAM, { args: ["--version"] });
    return (await command.output()).success;
  } catch {
    return false;
  }
}

/** A browser with a profile of its own; certificates of tests are taken as they are. */
export class Chromium implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #dir: string;
  readonly #socket: WebSocket;
  readonly #errors: Promise<void>;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Map<
    string,
    (method: string, fields: Fields) => void
  >();
  #lastId = 0;

  private constructor(
    { child, dir, socket, errors }: {
      child: Deno.ChildProcess;
      dir: string;
      socket: WebSocket;
      errors: Promise<void>;
    },
  ) {
    this.#child = child;
    this.#dir = dir;
    this.#socket = socket;
    this.#errors = errors;
    socket.onmessage = ({ data }) => this.#take(JSON.parse(data));
  }

  static async start(): Promise<Chromium> {
    const dir = await Deno.makeTempDir();
    const child = new Deno.Command(PROGRAM, {
      args: [
        "--headless=new",
        "--no-sandbox",
        "--remote-debugging-port=0",
        `--user-data-dir=${dir}`,
        "--ignore-certificate-errors",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--no-first-run",
        "--hide-scrollbars",
      ],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const address = Promise.withResolvers<string>();
    const errors = readErrors(child.stderr, address.resolve);
    const timer = setTimeout(
      () => address.reject(new Error("Chromium doesn't start")),
      START_TIMEOUT_MS,
    );
    try {
      const socket = new WebSocket(await address.promise);
      await new Promise((resolve, reject) => {
        socket.onopen = resolve;
        socket.onerror = reject;
      });
      return new Chromium({ child, dir, socket, errors });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Opens a page and waits until it is loaded. */
  async open(url: string, options: PageOptions = {}): Promise<BrowserPage> {
    const { targetId } = await this.send("Target.createTarget", {
      url: "about:blank",
    });
    const { sessionId } = await this.send("Target.attachToTarget", {
      targetId,
      flatten: true,
    });
    const page = new BrowserPage(this, `${sessionId}`);
    this.#listeners.set(`${sessionId}`, (...event) => page.note(...event));
    await page.load(url, options);
    return page;
  }

  /** One command; a session's is about its page. */
  send(
    method: string,
    params: Fields = {},
    sessionId?: string,
  ): Promise<Fields> {
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<Fields>();
    const timer = setTimeout(
      () => reject(new Error(`No answer to ${method}`)),
      STEP_TIMEOUT_MS,
    );
    this.#waiting.set(id, { resolve, reject });
    this.#socket.send(JSON.stringify({ id, method, params, sessionId }));
    return promise.finally(() => {
      clearTimeout(timer);
      this.#waiting.delete(id);
    });
  }

  #take(
    { id, result, error, method, params, sessionId }: {
      id?: number;
      result?: Fields;
      error?: { message: string };
      method?: string;
      params?: Fields;
      sessionId?: string;
    },
  ): void {
    if (id !== undefined) {
      const waiting = this.#waiting.get(id);
      if (error) waiting?.reject(new Error(error.message));
      else waiting?.resolve(result ?? {});
    } else if (method !== undefined && sessionId !== undefined) {
      this.#listeners.get(sessionId)?.(method, params ?? {});
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#socket.onclose = resolve);
    await this.send("Browser.close");
    await closed;
    await this.#child.status;
    await this.#errors;
    await Deno.remove(this.#dir, { recursive: true });
  }
}

/** One page; whatever it complains about is kept. */
export class BrowserPage {
  readonly #browser: Chromium;
  readonly #sessionId: string;
  readonly #loaded = Promise.withResolvers<void>();
  /** Errors on the console, uncaught ones, and what its policy blocked. */
  readonly complaints: string[] = [];

  constructor(browser: Chromium, sessionId: string) {
    this.#browser = browser;
    this.#sessionId = sessionId;
  }

  async load(url: string, options: PageOptions): Promise<void> {
    const { width = 1280, height = 900, isDark = false, hasScripts = true } =
      options;
    for (const domain of ["Page", "Runtime", "Log", "Audits"]) {
      await this.#send(`${domain}.enable`);
    }
    await this.#send("Emulation.setDeviceMetricsOverride", {
      width,
      height,
      deviceScaleFactor: 1,
      mobile: width < 600,
    });
    const value = isDark ? "dark" : "light";
    await this.#send("Emulation.setEmulatedMedia", {
      features: [{ name: "prefers-color-scheme", value }],
    });
    await this.#send("Emulation.setScriptExecutionDisabled", {
      value: !hasScripts,
    });
    await this.#send("Page.navigate", { url });
    await this.#loaded.promise;
  }

  /** The value of a JavaScript expression, or of its promise. */
  async evaluate(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = await this.#send("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails !== undefined) {
      throw new Error(JSON.stringify(exceptionDetails));
    }
    return (result as Fields)["value"];
  }

  /** Waits until an expression is true. */
  async until(expression: string): Promise<void> {
    const deadlineMs = Date.now() + STEP_TIMEOUT_MS;
    while (!await this.evaluate(expression)) {
      if (Date.now() > deadlineMs) throw new Error(`Never: ${expression}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Called for each event. */
  note(method: string, fields: Fields): void {
    const entry = fields["entry"] as Fields | undefined;
    if (method === "Page.loadEventFired") this.#loaded.resolve();
    if (
      method === "Runtime.exceptionThrown" || method === "Audits.issueAdded" ||
      method === "Runtime.consoleAPICalled" ||
      method === "Log.entryAdded" && entry?.["level"] === "error"
    ) this.complaints.push(`${method} ${JSON.stringify(fields)}`);
  }

  #send(method: string, params: Fields = {}): Promise<Fields> {
    return this.#browser.send(method, params, this.#sessionId);
  }
}

/** Reads to the end, for a full pipe would stop the program. */
async function readErrors(
  stderr: ReadableStream<Uint8Array>,
  onAddress: (address: string) => void,
): Promise<void> {
  let text = "";
  for await (const part of stderr.pipeThrough(new TextDecoderStream())) {
    text = (text + part).slice(-10_000);
    const address = /DevTools listening on (ws:\S+)\s/.exec(text)?.[1];
    if (address !== undefined) onAddress(address);
  }
}
