/** Addresses, names and URLs of flags. */
import {
  acmeUrlMistake,
  certNameMistake,
  httpUrlMistake,
  isSameAddress,
  parseBootstrapName,
  parseListenAddress,
  parseMeshTarget,
} from "../../../src/config/addresses.ts";
import {
  assert,
  assertEquals,
  assertStringIncludes,
} from "../../support/assert.ts";

/** Asserts that `actual` is a mistake and says `words`. */
function assertMistake(actual: unknown, words: string): void {
  assert(typeof actual === "string", `no mistake: ${JSON.stringify(actual)}`);
  assertStringIncludes(actual, words);
}

Deno.test("parseListenAddress() takes ports, addresses and names", () => {
  const cases: readonly (readonly [string, string | undefined, number])[] = [
    [":443", undefined, 443],
    [":0", undefined, 0],
    [":65535", undefined, 65535],
    [":https", undefined, 443],
    [":http", undefined, 80],
    ["127.0.0.1:0443", "127.0.0.1", 443],
    ["0.0.0.0:80", "0.0.0.0", 80],
    ["[::1]:443", "::1", 443],
    ["[::]:https", "::", 443],
    ["[fe80::1%eth0]:443", "fe80::1%eth0", 443],
    ["[127.0.0.1]:80", "127.0.0.1", 80],
    ["localhost:8443", "localhost", 8443],
    ["derp.example.com.:1", "derp.example.com.", 1],
  ];
  for (const [text, hostname, port] of cases) {
    assertEquals(
      parseListenAddress(text),
      hostname === undefined ? { port } : { hostname, port },
    );
  }
});

Deno.test("parseListenAddress() says what is wrong", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["", "no port"],
    ["443", "no port"],
    ["localhost", "no port"],
    ["127.0.0.1:", "no port"],
    ["[::1]", "no port"],
    ["::1:443", "brackets"],
    ["::1", "brackets"],
    ["a:b:c", "brackets"],
    [":65536", '"65536"'],
    [":-1", '"-1"'],
    [":8e1", '"8e1"'],
    [":stun", '"stun"'],
    [": 80", '" 80"'],
    ["[host]:80", "brackets"],
    ["[]:80", "brackets"],
    ["10.0.0.256:80", '"10.0.0.256"'],
    ["a b:80", '"a b"'],
    ["*:80", '"*"'],
    ["https://x:80", "brackets"],
  ];
  for (const [text, words] of cases) {
    assertMistake(parseListenAddress(text), words);
  }
});

Deno.test("parseMeshTarget() takes a host, a port and a host to dial", () => {
  const cases: readonly (readonly [string, string, number, string])[] = [
    ["derp1.example.com", "derp1.example.com", 443, "derp1.example.com"],
    ["h:8443", "h", 8443, "h"],
    ["h/10.0.0.1", "h", 443, "10.0.0.1"],
    ["h:99/dial.example", "h", 99, "dial.example"],
    ["10.0.0.2:99", "10.0.0.2", 99, "10.0.0.2"],
    ["[::1]:99", "::1", 99, "::1"],
    ["[::1]", "::1", 443, "::1"],
    ["h/::1", "h", 443, "::1"],
    ["h/[::1]", "h", 443, "::1"],
  ];
  for (const [text, host, port, dialHost] of cases) {
    assertEquals(parseMeshTarget(text), { host, port, dialHost });
  }
});

Deno.test("parseMeshTarget() says what is wrong", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["", "empty entry"],
    ["https://h", "leave out the scheme"],
    ["h/d/x", "more than one slash"],
    ["h/d:443", "leave out the port behind the slash"],
    ["h/[::1]:443", "leave out the port behind the slash"],
    ["h/", '""'],
    ["/d", '""'],
    ["h:", "the port is no number"],
    ["h:0", "the port is no number"],
    ["h:70000", "the port is no number"],
    ["::1", "brackets"],
    ["a b", '"a b"'],
    ["user@h", '"user@h"'],
    ["h/a b", '"a b"'],
  ];
  for (const [text, words] of cases) {
    assertMistake(parseMeshTarget(text), words);
  }
});

Deno.test("certNameMistake() finds none in names and addresses", () => {
  const names = [
    "derp.example.com",
    "localhost",
    "a.b-c.d.",
    "my_host.lan",
    "10.0.0.1",
    "::1",
    "2001:db8::1",
    "a".repeat(63) + ".example",
  ];
  for (const name of names) assertEquals(certNameMistake(name), undefined);
});

Deno.test("certNameMistake() names the mistake", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["", "give the name"],
    ["https://derp.example.com", "URL"],
    ["derp.example.com/derp", "slash"],
    ["../../etc/passwd", "slash"],
    ["derp.example.com:443", "leave out the port"],
    ["derp.example.com:", "leave out the port"],
    ["10.0.0.1:443", "leave out the port"],
    ["[::1]:443", "leave out the port"],
    ["[::1]", "leave out the brackets"],
    ["..", "no host name"],
    [".", "no host name"],
    ["a..b", "no host name"],
    ["-a.example", "no host name"],
    ["*.example.com", "no host name"],
    ["a b", "no host name"],
    ["10.0.0.256", "no host name"],
    ["fe80::1%eth0", "no host name"],
    ["a".repeat(64) + ".example", "no host name"],
    ["a.".repeat(126) + "example", "no host name"],
    ["derp.example.com\n", "no host name"],
  ];
  for (const [text, words] of cases) {
    assertMistake(certNameMistake(text), words);
  }
});

Deno.test("httpUrlMistake() takes http and https and nothing else", () => {
  for (
    const url of [
      "http://a",
      "https://a:1/b?c#d",
      "HTTPS://a",
      "http://[::1]/x",
    ]
  ) {
    assertEquals(httpUrlMistake(url), undefined);
  }
  const refused = [
    "",
    "a",
    "a.example",
    "ftp://a",
    "https:a",
    "https://",
    "https:///",
    "https://a b",
    "https://a:99999",
    "javascript:x",
    "https://a\n",
  ];
  for (const url of refused) assertMistake(httpUrlMistake(url), "http://");
});

Deno.test("acmeUrlMistake() takes https alone", () => {
  for (const url of ["https://a", "HTTPS://a:14000/dir"]) {
    assertEquals(acmeUrlMistake(url), undefined);
  }
  for (const url of ["", "http://a", "https:", "ftp://a", "a"]) {
    assertMistake(acmeUrlMistake(url), "https://");
  }
});

Deno.test("parseBootstrapName() takes a name, and the name of a record behind a slash", () => {
  assertEquals(parseBootstrapName("a.example"), { name: "a.example" });
  assertEquals(parseBootstrapName("a/_b.c."), {
    name: "a",
    rolloutRecord: "_b.c.",
  });
  for (const text of ["", "/", "a/", "/a", "a/b/c", "a:1", "1.2.3.4", "a b"]) {
    assertMistake(parseBootstrapName(text), JSON.stringify(text).slice(1, -1));
  }
});

Deno.test("isSameAddress() tells where two servers can't both listen", () => {
  const at = (port: number, hostname?: string) => ({
    port,
    ...hostname !== undefined && { hostname },
  });
  assert(isSameAddress(at(1), at(1)));
  assert(isSameAddress(at(1, "::1"), at(1)));
  assert(isSameAddress(at(1, "::1"), at(1, "::1")));
  assert(!isSameAddress(at(1, "::1"), at(1, "::2")));
  assert(!isSameAddress(at(1), at(2)));
  assert(!isSameAddress(at(0), at(0)));
});

Deno.test("parsers of addresses() take any text without throwing", () => {
  const pieces = [
    "[",
    "]",
    ":",
    "/",
    "::",
    "a",
    "1",
    ".",
    "%",
    "\0",
    "443",
    "-",
  ];
  let seed = 7;
  for (let round = 0; round < 3000; round++) {
    let text = "";
    for (let i = 0; i < 6; i++) {
      seed = (seed * 48271) % 2147483647;
      text += pieces[seed % pieces.length];
    }
    const listen = parseListenAddress(text);
    assert(typeof listen === "string" || listen.port <= 65535, text);
    const mesh = parseMeshTarget(text);
    assert(typeof mesh === "string" || mesh.dialHost !== "", text);
    assert(certNameMistake(text) !== "", text);
    const name = parseBootstrapName(text);
    assert(typeof name === "string" || name.name !== "", text);
  }
});
