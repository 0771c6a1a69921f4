/** Ports of 127.0.0.1 that nobody has at the moment. */

const HOST = "127.0.0.1";
type Transport = "tcp" | "udp";

/** One for each transport, no two of them the same. */
export function freePorts(...transports: readonly Transport[]): number[] {
  const sockets = transports.map((transport) =>
    transport === "tcp"
      ? Deno.listen({ hostname: HOST, port: 0 })
      : Deno.listenDatagram({ transport, hostname: HOST, port: 0 })
  );
  const ports = sockets.map(({ addr }) => (addr as Deno.NetAddr).port);
  for (const socket of sockets) socket.close();
  return ports;
}

/** One of them. */
export function freePort(transport: Transport = "tcp"): number {
  return freePorts(transport)[0]!;
}
