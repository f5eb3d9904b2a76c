/**
 * The runtime with ports of a test's own: another process driver, and faults armed in the processes. Not for production.
 */
export { startRuntimeWith } from './runtime.js';

export type { FaultTarget, RuntimePorts } from './router.js';
export type { ChildHandle, ProcessExit, ProcessPort, SpawnOptions } from '@heirloom/supervisor';
export type { Fault, FaultAction } from '@heirloom/wire';
