/** The kernel's table of TCP sockets, as far as it tells who listens. */
import { countInTable, tableAddress } from "../../../src/net/port_group.ts";
import { parseIp, shortestIp } from "../../../src/util/ip.ts";
import { assertEquals } from "../../support/assert.ts";

const HEAD =
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";

function line(number: number, address: string, state: string): string {
  return `   ${number}: ${address} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 1686 1 0 100 0 0 10 0`;
}

function sockaddr(ip: string, port: number): Uint8Array {
  const address = new Uint8Array(128);
  const bytes = shortestIp(parseIp(ip)!);
  address[0] = bytes.length === 4 ? 2 : 10;
  address.set([port >> 8, port & 0xff], 2);
  address.set(bytes, bytes.length === 4 ? 4 : 8);
  return address;
}

Deno.test("tableAddress() writes addresses as the kernel's table does", () => {
  assertEquals(tableAddress(sockaddr("127.0.0.1", 443)), "0100007F:01BB");
  assertEquals(
    tableAddress(sockaddr("2001:db8::1", 3340)),
    "B80D0120000000000000000001000000:0D0C",
  );
});

Deno.test("countInTable() counts the listeners at one address, up to the first connection", () => {
  const own = "0100007F:01BB";
  const table = [
    HEAD,
    line(0, own, "0A"),
    line(1, "00000000:01BB", "0A"),
    line(2, own, "0A"),
    line(3, own, "01"),
    line(4, own, "0A"), // never so in fact
    "",
  ].join("\n");
  assertEquals(countInTable(table, own), 2);
  assertEquals(countInTable("", own), 0);
  assertEquals(countInTable(HEAD, own), 0);
});
