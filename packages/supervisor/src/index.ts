export {
  AUTO_SHUTDOWNS,
  CHILDREN_MAX,
  DEPTH_MAX,
  DURATION_MS_MAX,
  INTENSITY_DEFAULT,
  INTENSITY_MAX,
  PERIOD_DEFAULT_MS,
  STRATEGIES,
  WORKER_SHUTDOWN_DEFAULT_MS,
} from './child-spec.js';
export { exitVerdict } from './child-exit.js';
export { childLifecycleMachine } from './child-machine.js';
export { countChildren, getChildSpec, whichChildren } from './child-report.js';
export { realClock, VirtualClock } from './clock.js';
export { SupervisorError } from './errors.js';
export { processPort, unstartedChild } from './process-driver.js';
export { BOOTSTRAP_BYTES_MAX } from './process-port.js';
export { checkChildSpecs, checkSpec } from './spec-check.js';
export { stepSupervisor } from './supervisor-core.js';
export { SupervisorHandle } from './supervisor-handle.js';
export { newSupervisor } from './supervisor-state.js';
export { KEEPER_SUPERVISOR_ID, TOP_ID, topSupervisor } from './top.js';
export { KILL_WAIT_DEFAULT_MS, SupervisionTree } from './tree.js';

export type { Backoff } from './backoff.js';
export type { ChildDriver, StartContext, StartingChild } from './child-driver.js';
export type { ChildExit, ExitReason, ExitVerdict } from './child-exit.js';
export type { ChildEffect, ChildEvent, ChildLifecycle, ChildStateName, ChildTimer } from './child-machine.js';
export type { ChildOperation, ChildRefusal, ChildReply, ChildRequest } from './child-operation.js';
export type {
  AnySpec,
  AutoShutdown,
  ChildPolicy,
  ChildSpec,
  InstanceSpec,
  RestartType,
  Shutdown,
  Strategy,
  SupervisorSpec,
} from './child-spec.js';
export type { ChildCounts, ChildListing } from './child-report.js';
export type { Clock, Timer } from './clock.js';
export type { SupervisorErrorCode } from './errors.js';
export type { ChildHandle, ProcessExit, ProcessPort, SpawnOptions } from './process-port.js';
export type { RestartLimit, RestartTally } from './restart-limit.js';
export type { RestartCount, RestartWindow } from './restart-window.js';
export type { StartedChild, SupervisorPort } from './supervisor-handle.js';
export type { RestartPlan } from './strategy.js';
export type {
  ChildRecord,
  Pause,
  Round,
  StartFailure,
  SupervisorEffect,
  SupervisorEvent,
  SupervisorOptions,
  SupervisorPhase,
  SupervisorState,
} from './supervisor-state.js';
export type { TopOptions } from './top.js';
export type { ChildStatus, TreeOptions } from './tree.js';
export type { ChildOccurrence, ChildTreeEvent, LocalEvent, SupervisorTreeEvent, TreeEvent } from './tree-event.js';
