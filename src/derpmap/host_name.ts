/** What people write in place of a host name. */
import { hostnameIp } from "../certs/names.ts";

/** RFC 1035, section 2.3.4, and underscores, which real names have. */
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i;
const NAME_CHARACTERS = 253;

/** What keeps `text` from being a host name or an IP address; undefined where nothing does. */
export function hostNameMistake(text: string): string | undefined {
  if (hostnameIp(text) !== undefined || isHostName(text)) return undefined;
  const [, scheme = ""] = /^\s*([a-z][a-z0-9+.-]*:\/\/+)/i.exec(text) ?? [];
  const host = text.trim().slice(scheme.length).replace(/[/?#].*$/s, "");
  const [, bracketed, named, port] =
    /^(?:\[(.*)\]|([^:]*))(:\d*)?$/s.exec(host) ?? [];
  const name = bracketed ?? named ?? host;
  if (hostnameIp(name) === undefined && !isHostName(name)) {
    return "it is no host name and no IP address";
  }
  const why = scheme !== "" ? `leave out ${scheme}, ` : "";
  const where = port === undefined ? "" : "; the port has a field of its own";
  return `${why}write "${name}"${where}`;
}

function isHostName(text: string): boolean {
  const labels = text.replace(/\.$/, "").split(".");
  return text.length <= NAME_CHARACTERS &&
    labels.every((label) => LABEL.test(label)) &&
    !/^\d+$/.test(labels.at(-1)!); // what ends in a number is meant to be an IPv4 address
}
