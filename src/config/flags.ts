/** The flag table: derper's names, types and defaults, with help texts of our own. */
import type { FlagTable } from "./go_flag.ts";
import type { Surroundings } from "./surroundings.ts";
import { VERIFICATION_FLAGS } from "./verification_flags.ts";

/** Every flag of derper, and those marked `ours`. One marked `unsupported` is known so that it can be refused by name. */
export const FLAGS = {
  "a": {
    type: "string",
    default: ":443",
    help:
      'address to serve HTTPS or HTTP on: ":port", "ip:port" or "[ipv6]:port"; without an IP it is every address of the machine. It is HTTPS where the port is 443 or -certmode is manual. "unix:PATH" is HTTP on a unix socket, for a proxy',
  },
  "accept-connection-burst": {
    type: "int",
    default: "9223372036854775807",
    help:
      "TLS connections that may come at once above -accept-connection-limit, which does nothing without it",
  },
  "accept-connection-limit": {
    type: "float",
    default: "+Inf",
    help: "TLS connections accepted per second; more are closed at once",
  },
  "ace": {
    type: "bool",
    default: "false",
    help:
      "serve CONNECT requests to control servers (experimental in derper, and refused here)",
    unsupported: "derper has it as an undocumented experiment",
  },
  "acme-directory": {
    type: "string",
    default: "",
    help:
      "https URL of the directory of another ACME server than that of -certmode",
    ours: true,
  },
  "acme-eab-key": {
    type: "string",
    default: "",
    help: "HMAC key of -acme-eab-kid, in base64",
    secret: true,
  },
  "acme-eab-kid": {
    type: "string",
    default: "",
    help:
      "key ID of the account to bind the ACME account to; -certmode gcp needs it",
  },
  "acme-email": {
    type: "string",
    default: "",
    help: "mail address of the ACME account; -certmode gcp needs it",
  },
  "acme-ip-certs": {
    type: "bool",
    default: "false",
    help:
      "get certificates for the IP addresses of the relay too, those that last about six days; needs -certmode letsencrypt",
  },
  "bootstrap-dns-names": {
    type: "string",
    default: "",
    help: "host names, separated by commas, that /bootstrap-dns resolves",
  },
  "c": {
    type: "string",
    default: "",
    help:
      "file with the private key of the relay; it is made where it is missing. For root the default is /var/lib/derper/derper.key, others must name one",
  },
  "cert-file": {
    type: "string",
    default: "",
    help:
      "file with the certificate and those above it, in place of -certdir; means -certmode manual",
    ours: true,
  },
  "certdir": {
    type: "string",
    default: certDir,
    help:
      "directory of the certificate: <hostname>.crt and <hostname>.key with -certmode manual, else the ACME account and all that comes of it",
  },
  "certmode": {
    type: "string",
    default: "letsencrypt",
    help:
      "where the certificate comes from: letsencrypt or gcp (Google) by ACME, which has to reach port 80, or manual from -certdir",
  },
  "derp": {
    type: "bool",
    default: "true",
    help: "relay packets; without it /derp answers 404",
  },
  "dev": {
    type: "bool",
    default: "false",
    help:
      "try things out: serve on :3340 instead of -a, with a key that is thrown away",
  },
  "drain": {
    type: "duration",
    default: "0s",
    help:
      "time over which SIGTERM closes the connections of clients one after the other, so that they don't all come back at once; 0 closes them together",
    ours: true,
  },
  "home": {
    type: "string",
    default: "",
    help:
      'what / shows: nothing given for a short page, "blank" for an empty one, "404" for none, or a URL to redirect to',
  },
  "home-file": {
    type: "string",
    default: "",
    help:
      "HTML file that / shows, with all it needs in it; read again on SIGHUP",
    ours: true,
  },
  "hostname": {
    type: "string",
    default: "derp.tailscale.com",
    help:
      "name of the relay in its certificate, or its IP address: that needs -acme-ip-certs, or -certmode manual, which makes a self-signed certificate where -certdir has none",
  },
  "http-port": {
    type: "int",
    default: "80",
    help:
      "TCP port for plain HTTP beside HTTPS, on the address of -a; -1 for none",
  },
  "key-file": {
    type: "string",
    default: "",
    help: "file with the private key of -cert-file",
    ours: true,
  },
  "log-format": {
    type: "string",
    default: "text",
    help: "text, or json: one JSON object a line",
    ours: true,
  },
  "log-level": {
    type: "string",
    default: "info",
    help:
      "lowest level of log lines that are written: debug, info, warning or error; with debug nothing is summed up",
    ours: true,
  },
  "mesh-psk-file": {
    type: "string",
    default: meshPskFile,
    help:
      "file with the key that the relays of a mesh share: 64 hexadecimal digits, white space around them is ignored",
  },
  "mesh-with": {
    type: "string",
    default: "",
    help:
      "relays to mesh with, separated by commas: host, host:port or host/dialhost, where dialhost is dialled in place of host. This relay itself may be among them",
  },
  "metrics-addr": {
    type: "string",
    default: "",
    help:
      'address to serve /metrics, /healthz and /readyz on, as ":9090" or "127.0.0.1:9090"; nothing given for none',
    ours: true,
  },
  "rate-config": {
    type: "string",
    default: "",
    help: "JSON file with limits for what clients send; read again on SIGHUP",
  },
  "reuse-port": {
    type: "bool",
    default: "false",
    help:
      "share the ports with another relay of the same user that has this flag too: for an upgrade, the new one is started before the old one is stopped",
    ours: true,
  },
  "secrets-cache-dir": {
    type: "string",
    default: ({ env }) => join(env("HOME") ?? "", ".cache", "derper-secrets"),
    help:
      "file (as in derper, in spite of its name) to keep the mesh key of -secrets-url in",
  },
  "secrets-path-prefix": {
    type: "string",
    default: "prod/derp",
    help: "where -secrets-url has the mesh key: PREFIX/meshkey",
  },
  "secrets-url": {
    type: "string",
    default: "",
    help:
      "URL of a setec server that has the mesh key, in place of -mesh-psk-file",
  },
  "stun": {
    type: "bool",
    default: "true",
    help: "answer STUN requests, on the address of -a",
  },
  "stun-health-gate": {
    type: "bool",
    default: "true",
    help:
      "leave STUN requests unanswered while this relay can't relay, so that clients choose another",
    ours: true,
  },
  "stun-port": {
    type: "int",
    default: "3478",
    help: "UDP port for STUN",
  },
  "tcp-keepalive-time": {
    type: "duration",
    default: "10m0s",
    help: "idle time after which TCP asks whether the other end is still there",
  },
  "tcp-user-timeout": {
    type: "duration",
    default: "15s",
    help:
      "time that sent data may stay unacknowledged before TCP gives the connection up; 0 leaves it to the system",
  },
  "tcp-write-timeout": {
    type: "duration",
    default: "2s",
    help:
      "time that a write to a client may take before its connection is closed; 0 for no limit",
  },
  "trusted-proxies": {
    type: "string",
    default: "",
    help:
      'proxies that may say whose requests they pass on, by X-Forwarded-For, X-Real-IP or, without TLS, the PROXY protocol: IP addresses and ranges as "10.0.0.0/8", separated by commas, and "unix" for those on the socket of -a unix:PATH',
    ours: true,
  },
  "unpublished-bootstrap-dns-names": {
    type: "string",
    default: "",
    help:
      "further names of /bootstrap-dns that its list doesn't show; with name/record only for as many percent of clients as the TXT record says",
  },
  ...VERIFICATION_FLAGS,
  "version": {
    type: "bool",
    default: "false",
    help: "print the version and exit",
  },
} as const satisfies FlagTable;

/** Where Go keeps a user's caches, and below it what derper does. */
function certDir({ env }: Surroundings): string {
  const leaf = ["tailscale", "derper-certs"];
  const cache = env("XDG_CACHE_HOME") ?? "";
  if (cache !== "") return cache.startsWith("/") ? join(cache, ...leaf) : "";
  const home = env("HOME") ?? "";
  return home === "" ? "" : join(home, ".cache", ...leaf);
}

/** derper looks for a mesh key in two places when it isn't told one. */
function meshPskFile({ env, exists }: Surroundings): string {
  const places = [
    "/home/derp/keys/derp-mesh.key",
    join(env("HOME") ?? "", "keys", "derp-mesh.key"),
  ];
  return places.find(exists) ?? "";
}

function join(...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join("/").replace(/\/{2,}/g, "/");
}
