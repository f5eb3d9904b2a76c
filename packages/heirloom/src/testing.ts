/**
 * The runtime with ports of a test's own: another process driver, and faults armed in the processes, this one among them. Not for production.
 */
export { startRuntimeWith } from './runtime.js';
export { armFailpoints } from '@heirloom/wire';

export type { FaultTarget, RuntimePorts } from './router.js';
export type { ChildHandle, ProcessExit, ProcessPort, SpawnOptions } from '@heirloom/supervisor';
export type { Fault, FaultAction } from '@heirloom/wire';
