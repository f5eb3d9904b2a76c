/** The names of the calls that a worker has for its timers; what they do is in timer-calls.ts. */

/** What the name of a call begins with that runs a timer; the handler's follows. No call of a definition may begin with `$`. */
export const TIMER_CALL_PREFIX = '$timer.';
/** Takes out a timer that killed its worker too often. */
export const CALL_TO_DISCARD = '$discardTimer';
