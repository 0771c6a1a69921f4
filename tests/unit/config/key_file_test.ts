/** The text of the key file; reading and writing it are in the integration tests. */
import { formatKeyFile, parseKeyFile } from "../../../src/config/key_file.ts";
import { OperatorError } from "../../../src/util/operator_error.ts";
import { NodePrivate } from "../../../src/keys/node_key.ts";
import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "../../support/assert.ts";

const HEX = "008bdfbd7d70e41e89b6b3b05caf3d116111d16db52fc242641fb782a0335047";

/** Made by derper 1.102.5, byte by byte. */
const GO_FILE = `{\n\t"PrivateKey": "privkey:${HEX}"\n}`;

/** The message with which `text` is refused. */
function refusal(text: string): string {
  return assertThrows(() => parseKeyFile(text, "dir/k"), OperatorError)
    .message;
}

Deno.test("parseKeyFile() reads the Go derper's file", () => {
  assertEquals(parseKeyFile(GO_FILE, "k").reveal(), `privkey:${HEX}`);
});

Deno.test("formatKeyFile() has the bytes of the Go derper's file", () => {
  const key = NodePrivate.parse(`privkey:${HEX}`);
  assert(key);
  assertEquals(formatKeyFile(key), GO_FILE);
});

Deno.test("parseKeyFile() reads what formatKeyFile() writes", () => {
  const key = NodePrivate.generate();
  assertEquals(parseKeyFile(formatKeyFile(key), "k").reveal(), key.reveal());
});

Deno.test("parseKeyFile() takes other white space and further fields", () => {
  const text = `\n {"a":[1],"PrivateKey":"privkey:${HEX.toUpperCase()}"}\r\n`;
  assertEquals(parseKeyFile(text, "k").reveal(), `privkey:${HEX}`);
});

Deno.test("parseKeyFile() names the file and what is wrong in one line", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["", "it is empty"],
    [" \n", "it is empty"],
    ["privkey:" + HEX, "no JSON object"],
    [GO_FILE.slice(0, -1), "no JSON object"],
    ["[]", "no JSON object"],
    ["null", "no JSON object"],
    [`"privkey:${HEX}"`, "no JSON object"],
    ["\0".repeat(93), "no JSON object"],
    ["{}", 'no "PrivateKey"'],
    ['{"__proto__":{"PrivateKey":"x"}}', 'no "PrivateKey"'],
    ['{"PrivateKey":7}', "not a string"],
    ['{"PrivateKey":null}', "not a string"],
    [`{"PrivateKey":"${HEX}"}`, 'does not start with "privkey:"'],
    [`{"PrivateKey":"nodekey:${HEX}"}`, 'does not start with "privkey:"'],
    [`{"PrivateKey":"privkey:${HEX}0"}`, "64 hexadecimal digits"],
    [`{"PrivateKey":"privkey:${HEX.slice(1)}g"}`, "64 hexadecimal digits"],
    [`{"PrivateKey":"privkey:${"0".repeat(64)}"}`, "all zero"],
  ];
  for (const [text, words] of cases) {
    const message = refusal(text);
    assert(message.startsWith('Cannot use key file "dir/k": '), message);
    assertStringIncludes(message, words);
    assert(!message.includes("\n"));
  }
});

Deno.test("parseKeyFile() takes a perturbed file or refuses it without quoting it", () => {
  for (let at = 0; at < GO_FILE.length; at++) {
    for (const put of ["", "x", '"', "\0", "\ud800", "0"]) {
      const text = GO_FILE.slice(0, at) + put + GO_FILE.slice(at + 1);
      try {
        assert(/^privkey:[0-9a-f]{64}$/.test(parseKeyFile(text, "k").reveal()));
      } catch (error) {
        assert(error instanceof OperatorError);
        assert(!error.message.includes(HEX.slice(0, 6)));
        assert(!error.message.includes(HEX.slice(-6)));
        assertEquals(error.cause, undefined);
      }
    }
  }
});
