/**
 * The check of a whole tree of specs, done once before anything is started.
 *
 * Every refusal is ERR_SUPERVISOR_SPEC. Its message names the path of the spec, the field and the value, and says what to
 * write instead; `details` carries `path`, `field` and `value`. The order of the checks is OTP's where OTP has them.
 */
import {
  AUTO_SHUTDOWNS,
  CHILDREN_MAX,
  DEPTH_MAX,
  DURATION_MS_MAX,
  INTENSITY_MAX,
  STRATEGIES,
  type AnySpec,
  type AutoShutdown,
  type SupervisorSpec,
} from './child-spec.js';
import { problemOf } from './backoff.js';
import { showValue } from '@heirloom/tables';
import { SupervisorError } from './errors.js';

const RESTART_TYPES: readonly string[] = ['permanent', 'transient', 'temporary'];

/** Refuses a tree of specs that could not run, with ERR_SUPERVISOR_SPEC; returns when all of it is sound. */
export function checkSpec(root: SupervisorSpec): void {
  if ((root as AnySpec | undefined)?.type !== 'supervisor') {
    refuse(
      [],
      'type',
      (root as AnySpec | undefined)?.type,
      "the root of a tree is a supervisor spec: set type: 'supervisor'",
    );
  }
  if (root.significant === true) {
    refuse([root.id], 'significant', true, 'the root has no supervisor that its end could end: leave it out');
  }
  checkAny(root, [], 'any_significant');
}

/**
 * Refuses specs of children that could not run under a supervisor at this path, with ERR_SUPERVISOR_SPEC
 * (supervisor:check_childspecs/2). What is significant is refused when the auto-shutdown is `'never'`.
 */
export function checkChildSpecs(
  specs: readonly AnySpec[],
  autoShutdown: AutoShutdown = 'any_significant',
  path: readonly string[] = [],
): void {
  if (!Array.isArray(specs)) refuse(path, 'children', specs, 'list the specs of the children');
  checkChildren(specs, path, autoShutdown);
}

function checkAny(spec: AnySpec, parentPath: readonly string[], autoShutdown: AutoShutdown): void {
  if (typeof spec.id !== 'string' || spec.id === '') {
    refuse(parentPath, 'id', spec.id, 'every child needs an id: give it a string that is not empty');
  }
  const path = [...parentPath, spec.id];
  if (spec.restart !== undefined && !RESTART_TYPES.includes(spec.restart)) {
    refuse(path, 'restart', spec.restart, `use one of ${RESTART_TYPES.join(', ')}`);
  }
  checkSignificant(path, spec, autoShutdown);
  checkShutdown(path, spec.shutdown);
  const problem = spec.backoff === undefined ? undefined : problemOf(spec.backoff);
  if (problem !== undefined) refuse(path, problem.field, problem.value, problem.hint);
  if (spec.type === 'supervisor') {
    checkSupervisor(spec, path);
    return;
  }
  if ((spec as { type: unknown }).type !== 'worker') {
    refuse(path, 'type', (spec as { type: unknown }).type, "use 'worker' or 'supervisor'");
  }
  if (!('start' in spec)) refuse(path, 'start', undefined, 'say how the child is started');
  checkStartTimeout(path, spec.startTimeoutMs);
}

function checkSignificant(
  path: readonly string[],
  { significant, restart }: AnySpec,
  autoShutdown: AutoShutdown,
): void {
  if (significant !== undefined && typeof significant !== 'boolean') {
    refuse(path, 'significant', significant, 'use true or false');
  }
  if (!(significant ?? false)) return;
  if (autoShutdown === 'never') {
    const hint =
      "its supervisor's autoShutdown is 'never': set that to 'any_significant' or 'all_significant', or leave this out";
    refuse(path, 'significant', significant, hint);
  }
  if (restart === undefined || restart === 'permanent') {
    refuse(
      path,
      'significant',
      significant,
      "a permanent child never ends for good: make it 'transient' or 'temporary'",
    );
  }
}

function checkShutdown(path: readonly string[], shutdown: unknown): void {
  if (shutdown === undefined || shutdown === 'brutal_kill' || shutdown === 'infinity') return;
  if (!isWhole(shutdown, 0, DURATION_MS_MAX)) {
    const hint = `use 'brutal_kill', 'infinity' or whole milliseconds from 0 to ${DURATION_MS_MAX}`;
    refuse(path, 'shutdown', shutdown, hint);
  }
}

function checkStartTimeout(path: readonly string[], timeout: unknown): void {
  if (timeout === undefined || timeout === 'infinity') return;
  if (!isWhole(timeout, 1, DURATION_MS_MAX)) {
    refuse(path, 'startTimeoutMs', timeout, `use 'infinity' or whole milliseconds from 1 to ${DURATION_MS_MAX}`);
  }
}

function checkSupervisor(spec: SupervisorSpec, path: readonly string[]): void {
  if (path.length > DEPTH_MAX) refuse(path, 'children', path.length, `nest at most ${DEPTH_MAX} levels of supervisors`);
  if (!STRATEGIES.includes(spec.strategy)) {
    refuse(path, 'strategy', spec.strategy, `use one of ${STRATEGIES.join(', ')}`);
  }
  if (spec.intensity !== undefined && !isWhole(spec.intensity, 0, INTENSITY_MAX)) {
    refuse(path, 'intensity', spec.intensity, `use a whole number of restarts from 0 to ${INTENSITY_MAX}`);
  }
  if (spec.periodMs !== undefined && !isWhole(spec.periodMs, 1, DURATION_MS_MAX)) {
    refuse(path, 'periodMs', spec.periodMs, `use whole milliseconds from 1 to ${DURATION_MS_MAX}`);
  }
  const { autoShutdown = 'never', childrenMax = CHILDREN_MAX } = spec;
  if (!AUTO_SHUTDOWNS.includes(autoShutdown)) {
    refuse(path, 'autoShutdown', autoShutdown, `use one of ${AUTO_SHUTDOWNS.join(', ')}`);
  }
  if (!isWhole(childrenMax, 1, CHILDREN_MAX)) {
    refuse(path, 'childrenMax', childrenMax, `use a whole number of children from 1 to ${CHILDREN_MAX}`);
  }
  if (!Array.isArray(spec.children)) refuse(path, 'children', spec.children, 'list the children in start order');
  if (spec.strategy === 'simple_one_for_one') checkTemplate(spec, path);
  if (spec.children.length > childrenMax) {
    refuse(path, 'children', spec.children.length, `give it at most ${childrenMax}; nest supervisors for more`);
  }
  checkChildren(spec.children, path, autoShutdown);
}

function checkTemplate({ autoShutdown = 'never', children }: SupervisorSpec, path: readonly string[]): void {
  if (autoShutdown !== 'never') {
    refuse(path, 'autoShutdown', autoShutdown, 'simple_one_for_one does not shut down by itself: leave it out');
  }
  if (children.length !== 1) {
    refuse(
      path,
      'children',
      children.length,
      'give simple_one_for_one exactly one child, the template of its instances',
    );
  }
}

function checkChildren(children: readonly AnySpec[], path: readonly string[], autoShutdown: AutoShutdown): void {
  const ids = new Set<string>();
  for (const child of children as readonly (AnySpec | null | undefined)[]) {
    if (typeof child !== 'object' || child === null) refuse(path, 'children', child, 'every child is a spec object');
    if (ids.has(child.id)) refuse(path, 'children', child.id, 'two children share this id: rename one of them');
    ids.add(child.id);
    checkAny(child, path, autoShutdown);
  }
}

function isWhole(value: unknown, min: number, max: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
}

function refuse(path: readonly string[], field: string, value: unknown, hint: string): never {
  const where = path.length === 0 ? 'the tree' : `"${path.join('/')}"`;
  throw new SupervisorError('ERR_SUPERVISOR_SPEC', `The spec of ${where} has ${field} ${showValue(value)}; ${hint}.`, {
    path,
    field,
    value,
  });
}
