/** The flags that say who may use the relay: derper's own first. */
import type { FlagTable } from "./go_flag.ts";

/** A part of the flag table. */
export const VERIFICATION_FLAGS = {
  "socket": {
    type: "string",
    default: "",
    help:
      "unix socket of tailscaled for -verify-clients, where it isn't /var/run/tailscale/tailscaled.sock; several for several tailnets, separated by commas or each with a -socket of its own",
    repeats: true,
  },
  "verify-client-url": {
    type: "string",
    default: "",
    help:
      "http or https URL of an admission controller, asked for each client; several as with -socket",
    repeats: true,
  },
  "verify-client-url-fail-open": {
    type: "bool",
    default: "true",
    help: "admit clients while -verify-client-url can't be reached",
  },
  "verify-clients": {
    type: "bool",
    default: "false",
    help: "admit only clients that the tailscaled of this machine knows",
  },
  "reverify-interval": {
    type: "duration",
    default: "0",
    help:
      "how often connected clients are verified again, which ends the connections of those who lost access; 0 for never",
    ours: true,
  },
  "verify-cache-ttl": {
    type: "duration",
    default: "0",
    help:
      "how long a verified client may come back without being verified again; 0 for not at all",
    ours: true,
  },
  "verify-headscale": {
    type: "string",
    default: "",
    help:
      "http or https URL of a headscale server: admit its nodes; needs -verify-headscale-key-file",
    ours: true,
  },
  "verify-headscale-key-file": {
    type: "string",
    default: "",
    help: "file with an API key of -verify-headscale",
    ours: true,
  },
  "verify-keys-file": {
    type: "string",
    default: "",
    help:
      'file with the node keys to admit: a "nodekey:..." and perhaps a name on each line, or what "tailscale status --json" prints; taken anew when it changes',
    ours: true,
  },
  "verify-policy": {
    type: "string",
    default: "",
    help:
      "who has to admit a client: any source, or all of them; nothing given for one of each kind, as derper: one of the tailscaleds, one of the URLs, and so on",
    ours: true,
  },
  "verify-stale-ttl": {
    type: "duration",
    default: "0",
    help:
      "how long a verified client may come back while its source of verification fails; 0 for not at all",
    ours: true,
  },
  "verify-tailscale-api": {
    type: "string",
    default: "",
    help:
      'tailnet, or "-" for that of the OAuth client: admit its nodes by the Tailscale API; needs -verify-tailscale-client-id-file and -verify-tailscale-client-secret-file',
    ours: true,
  },
  "verify-tailscale-client-id-file": {
    type: "string",
    default: "",
    help: "file with the id of an OAuth client that may read devices",
    ours: true,
  },
  "verify-tailscale-client-secret-file": {
    type: "string",
    default: "",
    help: "file with the secret of -verify-tailscale-client-id-file",
    ours: true,
  },
} as const satisfies FlagTable;
