/** A DNS server on 127.0.0.1 that answers A, AAAA and TXT questions from a table. */
import { concatBytes, readUint16, writeUint16 } from "../../src/util/bytes.ts";
import { parseIp, parseIpv4 } from "../../src/util/ip.ts";

const TYPE_A = 1;
const TYPE_TXT = 16;
const TYPE_AAAA = 28;
const HEADER_BYTES = 12;
const NO_SUCH_NAME = 3;

/** The records of a name; a name without any is not there, one with `fails` is answered with that code. */
export interface DnsRecords {
  readonly ips?: readonly string[];
  /** Each TXT record in its parts. */
  readonly texts?: readonly (readonly string[])[];
  /** For example 2, SERVFAIL. */
  readonly fails?: number;
}

export class DnsServer implements AsyncDisposable {
  readonly records = new Map<string, DnsRecords>();
  /** While set, no question is answered. */
  isSilent = false;
  questions = 0;
  readonly #socket = Deno.listenDatagram({
    transport: "udp",
    hostname: "127.0.0.1",
    port: 0,
  });
  readonly #done = this.#serve();

  get address(): Deno.NetAddr {
    return this.#socket.addr as Deno.NetAddr;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await this.#done;
  }

  async #serve(): Promise<void> {
    for await (const [question, from] of this.#socket) {
      this.questions++;
      if (!this.isSilent) await this.#socket.send(this.#answer(question), from);
    }
  }

  #answer(question: Uint8Array): Uint8Array {
    const { name, end } = readName(question);
    const type = readUint16(question, end);
    const records = this.records.get(name);
    const data = rdata(records, type);
    const header = question.slice(0, HEADER_BYTES);
    header[2] = 0x84; // answer, authoritative
    header[3] = records === undefined ? NO_SUCH_NAME : records.fails ?? 0;
    writeUint16(header, data.length, 6);
    writeUint16(header, 0, 8);
    writeUint16(header, 0, 10); // without the question's EDNS
    const answers = data.map((bytes) => {
      // A pointer to the question's name, type, class IN, 0 s to live, length.
      const head = new Uint8Array([
        0xc0,
        HEADER_BYTES,
        0,
        type,
        0,
        1,
        ...[0, 0, 0, 0],
        0,
        0,
      ]);
      writeUint16(head, bytes.length, 10);
      return concatBytes(head, bytes);
    });
    const asked = question.subarray(HEADER_BYTES, end + 4);
    return concatBytes(header, asked, ...answers);
  }
}

/** The question's name without its last dot, and where it ends. */
function readName(question: Uint8Array): { name: string; end: number } {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  while (question[at]! > 0) {
    const next = at + 1 + question[at]!;
    labels.push(new TextDecoder().decode(question.subarray(at + 1, next)));
    at = next;
  }
  return { name: labels.join(".").toLowerCase(), end: at + 1 };
}

function rdata(records: DnsRecords = {}, type: number): Uint8Array[] {
  const { ips = [], texts = [] } = records;
  const isIpv4 = (ip: string) => parseIpv4(ip) !== undefined;
  switch (type) {
    case TYPE_A:
      return ips.filter(isIpv4).map((ip) => parseIpv4(ip)!);
    case TYPE_AAAA:
      return ips.filter((ip) => !isIpv4(ip)).map((ip) => parseIp(ip)!);
    case TYPE_TXT:
      return texts.map((parts) => concatBytes(...parts.map(characterString)));
    default:
      return [];
  }
}

/** RFC 1035, section 3.3: a length and so many characters. */
function characterString(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  return concatBytes(Uint8Array.of(bytes.length), bytes);
}
