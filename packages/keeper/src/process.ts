/**
 * The entry file of the keeper's process.
 *
 * It reads its bootstrap from the lifeline, connects to the router, and waits for `resume`: so a standby is a keeper that has
 * loaded everything and holds nothing. It dies with the embedding process (G10), and ignores a SIGINT that is meant for the
 * group.
 */
import { armFailpoints, connect, readBootstrap, watchLifeline } from '@heirloom/wire';
import { decodeBootstrap } from './bootstrap.js';
import { CONTROL_KINDS, Keeper } from './keeper.js';
import { logLinesTo } from './log-line.js';

/** How long the last message may take to leave before the process ends anyhow. */
const LAST_MESSAGE_MS = 500;

process.title = 'heirloom keeper';
process.on('SIGINT', () => undefined);

const log = logLinesTo(1);
const bootstrap = decodeBootstrap(readBootstrap());
armFailpoints(bootstrap.faults ?? []);
const lifeline = watchLifeline({ heartbeatMs: bootstrap.heartbeatMs });

let keeper: Keeper | undefined;
let exitCode: number | undefined;

const control = await connect(bootstrap.routerSocketPath, {
  hello: { role: 'control', token: bootstrap.controlToken },
  kinds: CONTROL_KINDS,
  onFrame: (kind, body) => keeper?.receive(kind, body),
  onDrain: () => keeper?.controlDrained(),
  onClose: (reason) => {
    if (exitCode === undefined)
      log('error', 'The connection to the router is over.', { kind: reason.kind, error: reason.error?.message });
    process.exit(exitCode ?? 1);
  },
});

keeper = new Keeper({
  directory: bootstrap.directory,
  socketPath: bootstrap.socketPath,
  control,
  faults: bootstrap.faults,
  limits: bootstrap.limits,
  log,
  onServing: () => lifeline.loaded(),
  exit: (code) => {
    exitCode = code;
    setTimeout(() => process.exit(code), LAST_MESSAGE_MS);
    control.close(); // Ends the process when everything has left.
  },
});
