/** The file that secrets are kept in for when the setec server is down; the one that setec's own library writes. */
import { isJsonObject, type JsonObject } from "../util/json.ts";
import {
  type NamedFile,
  readSmallFile,
  replaceSmallFile,
} from "../files/small_file.ts";
import { SecretValue } from "./secret_value.ts";

const MAX_BYTES = 1024 * 1024;
/** In a directory, for those who take -secrets-cache-dir at its word. */
const NAME_IN_DIRECTORY = "secrets.json";

/**
 * Holds `{"name": {"secret": {"Value": base64, "Version": 1}, "lastAccess": "seconds since 1970"}}`.
 * Other secrets in it are kept.
 */
export class SecretCache {
  readonly #file: NamedFile;
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
    const remedy =
      "let the user that runs the relay write it, or give another -secrets-cache-dir";
    this.#file = { path, what: "secrets cache", remedy };
  }

  /** The cache at `path`, or in it where it is a directory. */
  static async at(path: string): Promise<SecretCache> {
    const base = path.replace(/(?<=.)\/+$/, "");
    return new SecretCache(
      await isDirectory(base) ? `${base}/${NAME_IN_DIRECTORY}` : base,
    );
  }

  /** The secret as it was kept, or undefined. @throws OperatorError where the file can't be read */
  async read(secretName: string): Promise<SecretValue | undefined> {
    const entry = (await this.#readAll())[secretName];
    return SecretValue.fromJson((entry as { secret?: unknown } | null)?.secret);
  }

  /** Keeps a secret. @throws OperatorError */
  async write(
    secretName: string,
    secret: SecretValue,
    now: Date,
  ): Promise<void> {
    const entries: Record<string, unknown> = await this.#readAll();
    entries[secretName] = {
      secret: secret.revealJson(),
      lastAccess: String(Math.floor(now.getTime() / 1000)),
    };
    await replaceSmallFile(this.#file, {
      text: JSON.stringify(entries),
      mode: 0o600,
      directoryMode: 0o700,
    });
  }

  /** All entries; a file that holds something else is like none, as for setec's library. */
  async #readAll(): Promise<JsonObject> {
    const file = await readSmallFile(this.#file, MAX_BYTES);
    try {
      const json: unknown = JSON.parse(file?.text ?? "");
      return isJsonObject(json) ? json : {};
    } catch {
      return {};
    }
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch {
    return false;
  }
}
