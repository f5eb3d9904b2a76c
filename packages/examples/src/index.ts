export { demonstrate, KEEPER_KILLS, WORKER_KILLS } from './demonstration.js';
export { FlightBoardError } from './errors.js';

export type { TableComparison } from './comparison.js';
export type { DemonstrationOptions } from './demonstration.js';
export type { FlightBoardErrorCode } from './errors.js';
export type { Malformed } from './flight-record.js';
export type { Progress } from './progress-bar.js';
export type { Heading } from './report.js';
export type { FlightBoardResult, RecoveryTimes } from './result.js';
