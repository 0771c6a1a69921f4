/** Calls from the benchmark to its Workers, each of which serves one object. */
import { messageOf } from "../../src/util/error_message.ts";

interface Call {
  readonly id: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** In the Worker: answers calls of `target`'s methods. */
export function serve(target: object): void {
  const methods = target as Record<string, (...args: unknown[]) => unknown>;
  const scope = self as unknown as Worker;
  scope.onmessage = async ({ data }: MessageEvent<Call>) => {
    const { id, method, args } = data;
    try {
      scope.postMessage({ id, result: await methods[method]!(...args) });
    } catch (error) {
      scope.postMessage({ id, error: messageOf(error) });
    }
  };
}

// deno-lint-ignore no-explicit-any
type Method = (...args: any[]) => Promise<unknown>;
type MethodsOf<T> = {
  [M in keyof T]: T[M] extends Method ? T[M] : never;
};

/** In the benchmark: a Worker that serves a `T`. Disposing of it ends the Worker with all its connections. */
export class Thread<T> implements Disposable {
  readonly #worker: Worker;
  readonly #calls = new Map<number, PromiseWithResolvers<unknown>>();
  #lastId = 0;

  /** `module` calls `serve()` with a `T`. */
  constructor(module: URL) {
    this.#worker = new Worker(module, { type: "module" });
    this.#worker.onmessage = ({ data }: MessageEvent<Answer>) => {
      const call = this.#calls.get(data.id);
      this.#calls.delete(data.id);
      if (data.error === undefined) call?.resolve(data.result);
      else call?.reject(new Error(data.error));
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      for (const call of this.#calls.values()) {
        call.reject(new Error(`The load failed: ${event.message}`));
      }
      this.#calls.clear();
    };
  }

  /** Calls a method in the Worker; its arguments and its result are copied. */
  call<M extends keyof T & string>(
    method: M,
    ...args: Parameters<MethodsOf<T>[M]>
  ): ReturnType<MethodsOf<T>[M]> {
    const call = Promise.withResolvers<unknown>();
    const id = ++this.#lastId;
    this.#calls.set(id, call);
    this.#worker.postMessage({ id, method, args } satisfies Call);
    return call.promise as ReturnType<MethodsOf<T>[M]>;
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}
