/** What another process uses, as Linux tells it in /proc. */

/** utime and stime are in units of a hundredth of a second on every Linux (USER_HZ). */
const TICKS_PER_SECOND = 100;

/** User and system time of all threads since the start. */
export function cpuSeconds(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  // The name in parentheses may hold anything; behind it stand fields 3, 4, …
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** The memory that is resident. */
export function residentKb(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(status);
  if (match) return Number(match[1]);
  throw new Error(`Process ${pid} has no memory; it has ended`);
}

/** The process that has the listening TCP port, among `pid` and what it has started: a command may be a script. */
export function listeningProcess(
  pid: number,
  port: number,
): number | undefined {
  const inode = listenerInode(port);
  if (inode === undefined) return undefined;
  return withDescendants(pid).find((each) => hasSocket(each, inode));
}

function listenerInode(port: number): string | undefined {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const LISTEN = "0A";
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    for (const line of readOrEmpty(table).split("\n").slice(1)) {
      const fields = line.trim().split(/\s+/);
      if (fields[1]?.endsWith(suffix) && fields[3] === LISTEN) return fields[9];
    }
  }
  return undefined;
}

function withDescendants(pid: number): number[] {
  const children = readOrEmpty(`/proc/${pid}/task/${pid}/children`);
  const pids = children.split(" ").filter(Boolean).map(Number);
  return [pid, ...pids.flatMap(withDescendants)];
}

function hasSocket(pid: number, inode: string): boolean {
  try {
    for (const { name } of Deno.readDirSync(`/proc/${pid}/fd`)) {
      const target = Deno.readLinkSync(`/proc/${pid}/fd/${name}`);
      if (target === `socket:[${inode}]`) return true;
    }
  } catch {
    // It has just ended, or closed the file that we looked at.
  }
  return false;
}

function readOrEmpty(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

/** Throws where this process, and so the relays that it starts, can't have as many connections. */
export function requireOpenFiles(files: number): void {
  const limits = Deno.readTextFileSync("/proc/self/limits");
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(limits)?.[1];
  if (hard === "unlimited" || Number(hard) >= files) return;
  throw new Error(
    `It takes ${files} open files, and the limit is ${hard}; raise it, for example by "ulimit -n ${files}" as root`,
  );
}
