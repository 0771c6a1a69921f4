/** A program for tests: a TLS port that another process may have as well. Arguments: its name and the port. */
import { NEW, TlsServer } from "./tls_server.ts";

if (import.meta.main) serve();

/** SIGUSR1 changes the certificate; SIGTERM hands the port over and ends the program. */
function serve(): void {
  const [name = "", port = "0"] = Deno.args;
  const tls = new TlsServer({
    address: { hostname: "127.0.0.1", port: Number(port) },
    reusePort: true,
    handler: () => new Response(name),
  });
  Deno.addSignalListener("SIGUSR1", () => tls.server.setTls(NEW));
  Deno.addSignalListener("SIGTERM", async () => {
    await tls.server.handOver(10_000);
    await tls[Symbol.asyncDispose]();
    Deno.exit(0);
  });
  Deno.stdout.writeSync(new TextEncoder().encode(`on ${tls.server.port}\n`));
}
