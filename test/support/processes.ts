/** What processes there are, as the operating system says. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Whether a process exists and is not a zombie. */
export async function isRunning(pid: number): Promise<boolean> {
  return (await processes()).some((process) => process.pid === pid && !process.state.startsWith('Z'));
}

/** Whether a process is stopped, as by SIGSTOP. */
export async function isStopped(pid: number): Promise<boolean> {
  return (await processes()).some((process) => process.pid === pid && process.state.startsWith('T'));
}

export interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly state: string;
  readonly command: string;
}

export async function processes(): Promise<ProcessRow[]> {
  const { stdout } = await promisify(execFile)('ps', ['-eo', 'pid=,ppid=,stat=,args='], {
    maxBuffer: 16 * 1024 * 1024,
  });
  return stdout.split('\n').flatMap((line) => {
    const [, pid, parent, state, command] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    if (pid === undefined || parent === undefined || state === undefined || command === undefined) return [];
    return [{ pid: Number(pid), parent: Number(parent), state, command }];
  });
}

/** The processes of a runtime that are below this one. */
export async function descendants(pid: number = process.pid): Promise<ProcessRow[]> {
  return (await processesBelow(pid)).filter(({ command }) => command.includes('heirloom'));
}

/** Every process below one, whatever it is. */
export async function processesBelow(pid: number): Promise<ProcessRow[]> {
  const all = (await processes()).filter(({ state }) => !state.startsWith('Z'));
  const below = (parent: number): ProcessRow[] =>
    all.filter((row) => row.parent === parent).flatMap((row) => [row, ...below(row.pid)]);
  return below(pid);
}
