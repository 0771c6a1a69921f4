/** The command that shows an operator why a client was refused. */
import type { Verification } from "./config.ts";
import { HIDDEN } from "./go_flag.ts";

/** A command line that asks what the relay asked about `key`, ready to paste into a shell; passwords in URLs are left out. */
export function verifyCommandLine(
  { sockets, urls, keysFile, headscale, tailscaleApi, ...how }: Verification,
  key: { toString(): string },
): string {
  const words = ["derper", "verify", `${key}`];
  const add = (flag: string, value: string | undefined) => {
    if (value !== undefined) words.push(`-${flag}`, quote(value));
  };
  if (sockets.length > 0) words.push("-verify-clients");
  for (const socket of sockets) add("socket", socket);
  for (const url of urls) add("verify-client-url", withoutSecrets(url));
  if (urls.length > 0 && !how.urlFailOpen) {
    words.push("-verify-client-url-fail-open=false");
  }
  add("verify-keys-file", keysFile);
  add("verify-headscale", headscale?.url);
  add("verify-headscale-key-file", headscale?.keyFile);
  add("verify-tailscale-api", tailscaleApi?.tailnet);
  add("verify-tailscale-client-id-file", tailscaleApi?.clientIdFile);
  add("verify-tailscale-client-secret-file", tailscaleApi?.clientSecretFile);
  add("verify-policy", how.policy === "each-kind" ? undefined : how.policy);
  return words.join(" ");
}

/** A URL may have a password in front of its host or in its query. */
function withoutSecrets(url: string): string {
  return url
    .replace(/^(https?:\/\/)[^/?#]*@/i, `$1${HIDDEN}@`)
    .replace(/[?#].*/s, `?${HIDDEN}`);
}

/** As one word of a POSIX shell. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word)
    ? word
    : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
