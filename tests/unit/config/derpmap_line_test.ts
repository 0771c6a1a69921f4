/** The command line of `derper derpmap`. */
import {
  type DerpmapLine,
  parseDerpmapLine,
  type RelayPlace,
} from "../../../src/config/derpmap_line.ts";
import { FLAGS } from "../../../src/config/flags.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "../../support/assert.ts";
import { surroundings, type World } from "./read_line.ts";

function parse(line: string, world?: World): DerpmapLine {
  const args = line === "" ? [] : line.split(" ");
  return parseDerpmapLine(args, surroundings(world));
}

function relayOf(line: string, world?: World): RelayPlace {
  const result = parse(line, world);
  assert(result.kind === "map", JSON.stringify(result));
  return result.relay;
}

function problemsOf(line: string, world?: World): readonly string[] {
  const result = parse(line, world);
  assert(result.kind === "problems", JSON.stringify(result));
  return result.problems;
}

const HOST = "-hostname derp.example.com";
const DEFAULT = {
  hostname: "derp.example.com",
  listenPort: 443,
  derpPort: 443,
  stunPort: 3478,
  httpPort: 80,
  derp: true,
};

Deno.test("parseDerpmapLine() takes the relay's command line, and minds what a map needs alone", () => {
  assertEquals(relayOf(HOST), DEFAULT);
  assertEquals(
    relayOf(`${HOST} -c /none -verify-clients -rate-config x -mesh-with ?`),
    DEFAULT,
  );
  assertEquals(
    relayOf(
      `${HOST} -a 203.0.113.7:8443 -certmode manual -certdir d -http-port -1 -stun=false -derp=false`,
    ),
    {
      hostname: "derp.example.com",
      listenHost: "203.0.113.7",
      listenPort: 8443,
      derpPort: 8443,
      derp: false,
      certificate: { kind: "manual", certDir: "d" },
    },
  );
  assertEquals(
    relayOf(`${HOST} -cert-file c -key-file k -a :30443`).certificate,
    { kind: "files", certFile: "c", keyFile: "k" },
  );
});

Deno.test("parseDerpmapLine() takes every flag of the relay", () => {
  const values: Record<string, string> = {
    "a": ":443",
    "certmode": "letsencrypt",
    "hostname": "derp.example.com",
    "http-port": "80",
    "stun-port": "3478",
    "cert-file": "",
    "key-file": "",
    "dev": "false",
  };
  for (const [name, { type }] of Object.entries(FLAGS)) {
    const value = values[name] ?? (type === "bool" ? "true" : "anything");
    assertEquals(relayOf(`${HOST} -${name}=${value}`), DEFAULT, name);
  }
});

Deno.test("parseDerpmapLine() takes a proxy's port where the relay has plain HTTP", () => {
  const plain = `${HOST} -a 127.0.0.1:8080`;
  const { derpPort, httpPort } = relayOf(plain);
  assertEquals([derpPort, httpPort], [443, 8080]);
  assertEquals(relayOf(`${plain} -derp-port 8443`).derpPort, 8443);
  assertEquals(relayOf(`${HOST} -derp-port 8443`).derpPort, 8443);
});

Deno.test("parseDerpmapLine() takes the environment of the relay, and none for its own flags", () => {
  const env = {
    DERP_DOMAIN: "derp.example.com",
    DERP_ADDR: ":16666",
    DERP_CERT_MODE: "manual",
    DERP_CERT_DIR: "/certs",
    DERP_STUN_PORT: "16667",
    DERP_HTTP_PORT: "-1",
    DERP_VERIFY_CLIENTS: "nonsense",
    DERP_FORMAT: "nonsense",
  };
  assertEquals(relayOf("-format json", { env }), {
    hostname: "derp.example.com",
    listenPort: 16666,
    derpPort: 16666,
    stunPort: 16667,
    derp: true,
    certificate: { kind: "manual", certDir: "/certs" },
  });
});

Deno.test("parseDerpmapLine() names the region and its node", () => {
  const regionOf = (line: string) => {
    const result = parse(line);
    assert(result.kind === "map", JSON.stringify(result));
    return result.region;
  };
  assertEquals(regionOf(HOST), {
    id: 900,
    code: "myderp",
    name: "derp.example.com",
    nodeName: "900a",
  });
  assertEquals(
    regionOf(
      `${HOST} -region-id 901 -region-code b -region-name Bonn -node-name 901b`,
    ),
    { id: 901, code: "b", name: "Bonn", nodeName: "901b" },
  );
});

Deno.test("parseDerpmapLine() wants a relay, or a file to check", () => {
  assertMatch(
    problemsOf("")[0] ?? "",
    /^Give the relay's own flags, -hostname/,
  );
  assertEquals(parse("--check f"), { kind: "check", path: "f" });
  assertEquals(parse(`-check f ${HOST}`), {
    kind: "check",
    path: "f",
    relay: DEFAULT,
  });
});

Deno.test("parseDerpmapLine() tells all that is wrong", () => {
  assertEquals(
    problemsOf(
      "-hostname https://x -a :0 -stun-port 0 -format xml -region-id 12 -region-code= -derp-port 70000 stray -nope",
    ).map((problem) => problem.split(":")[0]),
    [
      'Unexpected argument "stray"',
      'Unknown flag "-nope"',
      'Invalid -stun-port "0"',
      'Invalid -hostname "https',
      'Invalid -derp-port "70000"',
      'Invalid -format "xml"',
      'Invalid -region-id "12"',
      'Invalid -region-code ""',
    ],
  );
  assertMatch(
    problemsOf(`${HOST} -a :0 -certmode manual`)[0] ?? "",
    /^Invalid -a ":0": the map needs the port/,
  );
});

Deno.test("parseDerpmapLine() answers -h with the flags that count", () => {
  const result = parse("-h");
  assert(result.kind === "help");
  for (const flag of ["check", "format", "hostname", "stun-port"]) {
    assertStringIncludes(result.text, `\n  -${flag} `);
  }
  assert(!result.text.includes("-verify-clients"));
});
