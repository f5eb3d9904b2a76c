/**
 * What the log says of the supervision tree. Nothing that is restarted, given up or left running is passed over in silence (G11).
 */
import type { TreeEvent } from '@heirloom/supervisor';
import type { Logger } from './process-log.js';

/** Logs what happened in the tree. */
export function logTreeEvent(logger: Logger, event: TreeEvent): void {
  switch (event.type) {
    case 'child_restarting': {
      const { path, incarnation, delayMs = 0 } = event;
      logger.warn({ path, incarnation, delayMs }, 'a child is restarted');
      return;
    }
    case 'child_start_failed':
      logger.error({ path: event.path, err: event.error, willRestart: event.willRestart }, 'a start failed');
      return;
    case 'kill_overdue':
      logger.error({ path: event.path }, 'a killed process does not end; it is fenced off');
      return;
    case 'supervisor_gave_up':
      logger.error({ path: event.path, err: event.error }, 'a supervisor gave up');
      return;
    case 'supervisor_auto_shutdown': {
      const { path, child } = event;
      logger.info({ path, child }, 'a supervisor shuts down, as its significant children have ended');
      return;
    }
  }
}
