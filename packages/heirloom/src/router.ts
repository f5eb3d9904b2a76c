/**
 * The router: the embedding process's side of every connection, and what all its parts share.
 */
import type { ProcessPort } from '@heirloom/supervisor';
import type { Connection, Fault, Server } from '@heirloom/wire';
import { acceptHello, listen } from '@heirloom/wire';
import { join } from 'node:path';
import { AskDesk } from './ask-desk.js';
import type { EventHub } from './events.js';
import type { HeartbeatOptions } from './heartbeat-monitor.js';
import { ExitDesk } from './exit-desk.js';
import { KeeperLink } from './keeper-link.js';
import { KeyedCalls } from './keyed-calls.js';
import { Lives } from './lives.js';
import { MailDesk } from './mail-desk.js';
import { PendingCalls } from './pending-call.js';
import { Registries } from './registries.js';
import { TableDirectory } from './table-directory.js';
import { TimerDesk } from './timer-desk.js';
import { TokenDesk } from './token-desk.js';
import type { Logger } from './process-log.js';
import { WORKER_DRIVER_DEFAULT } from './worker-driver.js';
import type { WorkerDriver } from './worker-driver.js';

/** How long a connection may take to say who it is. */
export const HELLO_TIMEOUT_MS = 5_000;

/** Which process faults are armed in: the n-th process (from 1) of a worker, or of the keeper. */
export interface FaultTarget {
  readonly kind: 'keeper' | 'worker';
  readonly worker: string | undefined;
  readonly processNumber: number;
}

/** What the tests put in place of the real thing. */
export interface RuntimePorts {
  readonly processes: ProcessPort;
  /** Faults to arm a process with when it is started. */
  readonly faults: (target: FaultTarget) => readonly Fault[];
  /** How long to wait for a killed process before it is given up; undefined for the default. */
  readonly killWaitMs: number | undefined;
  /** How long the journal of a process that was given up is read. */
  readonly drainTimeoutMs: number;
}

export class Router {
  readonly ports: RuntimePorts;
  readonly logger: Logger;
  readonly events: EventHub;
  readonly exits: ExitDesk;
  /** The heartbeat of workers that say nothing of it; undefined for none. */
  readonly heartbeat: HeartbeatOptions | undefined;
  /** What workers run in whose reference does not say. */
  readonly driver: WorkerDriver;
  readonly desk: TokenDesk = new TokenDesk();
  readonly calls: PendingCalls = new PendingCalls((callId) => this.asks.settled(callId));
  readonly asks: AskDesk = new AskDesk(this);
  readonly lives: Lives = new Lives({
    notify: ({ worker, epoch }, call, message) => {
      const slot = this.tables.slot(worker);
      if (slot !== undefined) this.calls.notify(slot, call, [epoch, message]);
    },
    later: (task) => void setImmediate(task),
    onDown: (down) => this.events.emit('down', down),
    isClosing: () => this.isClosing,
  });
  readonly registries: Registries;
  readonly timers: TimerDesk = new TimerDesk(this);
  readonly tables: TableDirectory = new TableDirectory();
  readonly mail: MailDesk = new MailDesk(this);
  readonly link: KeeperLink = new KeeperLink(
    (worker, outcomes) => this.calls.settle(worker, outcomes),
    (message) => this.tables.moved(message),
    this.mail,
  );
  readonly keyed: KeyedCalls = new KeyedCalls(this.calls, this.link);
  /** Whether the whole runtime ends: then no table goes to an heir. */
  isClosing = false;
  readonly socketDirectory: string;
  #server: Server | undefined;
  #lastAttachment = 0;

  constructor(
    socketDirectory: string,
    ports: RuntimePorts,
    logger: Logger,
    events: EventHub,
    driver: WorkerDriver = WORKER_DRIVER_DEFAULT,
    heartbeat?: HeartbeatOptions,
    registries: Registries = new Registries({}),
  ) {
    this.heartbeat = heartbeat;
    this.registries = registries;
    this.socketDirectory = socketDirectory;
    this.ports = ports;
    this.logger = logger;
    this.events = events;
    this.exits = new ExitDesk(logger, events);
    this.driver = driver;
  }

  get socketPath(): string {
    return join(this.socketDirectory, 'router.sock');
  }

  async open(): Promise<void> {
    this.#server = await listen(
      this.socketPath,
      (connection) => void this.#admit(connection),
      (err) => this.logger.warn({ err }, 'a connection to the router was refused'),
    );
  }

  async close(): Promise<void> {
    await this.#server?.close();
  }

  /** A number for a worker process, unique in this runtime. */
  nextAttachment(): number {
    return ++this.#lastAttachment;
  }

  async #admit(connection: Connection): Promise<void> {
    try {
      const admit = await acceptHello(connection, (role, token) => this.desk.redeem(role, token), HELLO_TIMEOUT_MS);
      admit(connection);
    } catch (error) {
      this.logger.warn({ err: error }, 'a connection to the router was refused');
    }
  }
}
