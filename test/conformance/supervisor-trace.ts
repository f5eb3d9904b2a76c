/** Traces of one supervisor whose children exit and are managed: their steps, and reading them. */
import type { AutoShutdown, RestartType, Strategy } from '@heirloom/supervisor';
import { AUTO_SHUTDOWNS } from '@heirloom/supervisor';
import { readId, showStep } from './ets-trace.js';
import { TraceFields } from './trace-fields.js';
import type { TraceLine } from './trace-lines.js';

const STRATEGIES = ['one_for_one', 'one_for_all', 'rest_for_one'] as const satisfies readonly Strategy[];
const RESTART_TYPES = ['permanent', 'transient', 'temporary'] as const satisfies readonly RestartType[];
const EXITS = ['crash', 'kill', 'normal', 'shutdown'] as const;
/** What is asked of the supervisor itself. */
const REQUESTS = ['restart_child', 'terminate_child', 'delete_child'] as const;
const LOGGED = ['start', 'exit', 'terminate'] as const;

/** Every kind of step there is in traces. */
export const SUPERVISOR_STEPS = ['exit', ...REQUESTS] as const;

/** What happened to a child: it was started, it ended by itself, it was told to end by its supervisor. */
export type LogEntry = readonly [what: (typeof LOGGED)[number], child: string];

export interface TracedChild {
  readonly id: string;
  readonly restart: RestartType;
  readonly significant: boolean;
}

export type SupervisorCommand =
  | { readonly do: 'exit'; readonly id: string; readonly reason: (typeof EXITS)[number] }
  | { readonly do: (typeof REQUESTS)[number]; readonly id: string };

/** How things stand after a step; of a supervisor that is dead, only the log tells. */
export interface SupervisorOutcome {
  /** Whether a request was granted. */
  readonly ok?: boolean;
  readonly log: readonly LogEntry[];
  readonly supervisor: 'alive' | 'dead';
  /** In start order. */
  readonly children?: readonly { readonly id: string; readonly alive: boolean }[];
}

export interface SupervisorStep {
  readonly command: SupervisorCommand;
  readonly outcome: SupervisorOutcome;
  /** The step without its outcome, as it stands in the trace. */
  readonly shown: string;
}

export interface SupervisorScenario {
  readonly id: number | string;
  readonly strategy: (typeof STRATEGIES)[number];
  readonly maxRestarts: number;
  readonly autoShutdown: AutoShutdown;
  /** In start order. */
  readonly children: readonly TracedChild[];
  readonly startLog: readonly LogEntry[];
  readonly steps: readonly SupervisorStep[];
  /** The order of the terminations at the end; undefined when the supervisor is dead by then. */
  readonly shutdownLog: readonly LogEntry[] | undefined;
}

/** Reads a scenario. Throws `TraceFormatError` for whatever is not in the format. */
export function readSupervisorScenario(line: TraceLine): SupervisorScenario {
  const fields = new TraceFields(line.place, line.value);
  const scenario = {
    id: readId(fields),
    strategy: fields.oneOf('strategy', STRATEGIES),
    maxRestarts: readCount(fields, 'max_restarts'),
    autoShutdown: fields.oneOf('auto_shutdown', AUTO_SHUTDOWNS),
    children: fields.list('children').map(({ place, value }) => readChild(new TraceFields(place, value))),
    startLog: readLog(fields, 'start_log'),
    steps: fields.list('events').map(({ place, value }) => readStep(place, value)),
    shutdownLog: fields.value('shutdown') === null ? undefined : readShutdown(fields.object('shutdown')),
  };
  fields.done();
  checkChildren(fields, scenario);
  return scenario;
}

/** What OTP refuses, so that there is no recording of it. */
function checkChildren(fields: TraceFields, { children, autoShutdown }: SupervisorScenario): void {
  for (const [place, { id, restart, significant }] of children.entries()) {
    if (children.findIndex((other) => other.id === id) < place) fields.refuse('children', id, 'ids that are different');
    if (!significant) continue;
    if (autoShutdown === 'never') fields.refuse('auto_shutdown', autoShutdown, `another one, as ${id} is significant`);
    if (restart === 'permanent') fields.refuse('children', id, 'no child that is permanent and significant');
  }
}

function readCount(fields: TraceFields, name: string): number {
  const count = fields.integer(name);
  return count >= 0 ? count : fields.refuse(name, count, 'an integer that is not negative');
}

function readChild(fields: TraceFields): TracedChild {
  const child = {
    id: fields.string('id'),
    restart: fields.oneOf('restart', RESTART_TYPES),
    significant: fields.boolean('significant'),
  };
  fields.done();
  return child;
}

function readStep(place: string, value: unknown): SupervisorStep {
  const fields = new TraceFields(place, value);
  const what = fields.oneOf('do', SUPERVISOR_STEPS);
  const id = fields.string('id');
  const command: SupervisorCommand =
    what === 'exit' ? { do: what, id, reason: fields.oneOf('reason', EXITS) } : { do: what, id };
  const granted = what === 'exit' ? {} : { ok: fields.boolean('ok') };
  const log = readLog(fields, 'log');
  const supervisor = fields.oneOf('supervisor', ['alive', 'dead']);
  const children =
    supervisor === 'dead'
      ? {}
      : { children: fields.list('children').map((child) => readStanding(new TraceFields(child.place, child.value))) };
  fields.done();
  return { command, outcome: { ...granted, log, supervisor, ...children }, shown: showStep(command) };
}

function readStanding(fields: TraceFields): { id: string; alive: boolean } {
  const standing = { id: fields.string('id'), alive: fields.boolean('alive') };
  fields.done();
  return standing;
}

function readShutdown(fields: TraceFields): readonly LogEntry[] {
  const log = readLog(fields, 'log');
  fields.done();
  return log;
}

function readLog(fields: TraceFields, name: string): readonly LogEntry[] {
  return fields.list(name).map(({ place, value }) => {
    const entry = new TraceFields(place, Object.fromEntries(Object.entries(value ?? {})));
    const [what, child] = [entry.oneOf('0', LOGGED), entry.string('1')];
    entry.done();
    return [what, child];
  });
}
