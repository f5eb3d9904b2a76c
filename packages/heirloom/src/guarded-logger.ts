/**
 * The program's logger behind a guard: whatever it throws stays here, as the runtime writes to it in the middle of its work.
 *
 * What could not be logged is lost to the logger, so the first failure is told by `process.emitWarning`
 * (HEIRLOOM_LOGGER), once for each runtime.
 */
import { wrongOption } from './option-check.js';
import type { Logger } from './process-log.js';

type Method = 'debug' | 'info' | 'warn' | 'error';

const METHODS: readonly Method[] = ['debug', 'info', 'warn', 'error'];

/** Throws RuntimeError ERR_RUNTIME_OPTION when the logger lacks a method. */
export function guardLogger(logger: Logger): Logger {
  // Whatever it is, asking for its methods is harmless; pino's are its prototype's.
  const methods = logger as Partial<Logger> | null | undefined;
  const missing = [...METHODS, 'child' as const].find((name) => typeof methods?.[name] !== 'function');
  if (missing !== undefined) {
    throw wrongOption('logger', logger, `has no method ${missing}(): give a pino logger, or one with its methods`);
  }
  return guarded(logger, { isTold: false });
}

function guarded(logger: Logger, warning: { isTold: boolean }): Logger {
  const failed = (error: unknown): void => {
    if (!warning.isTold) tell(error);
    warning.isTold = true;
  };
  const safely = <Result>(act: () => Result, otherwise: Result): Result => {
    try {
      const result: unknown = act();
      // A logger may be asynchronous, against its type: a rejection that nobody takes would end the program.
      if (result instanceof Promise) result.catch(failed);
      return result as Result;
    } catch (error) {
      failed(error);
      return otherwise;
    }
  };
  const write =
    (method: Method) =>
    (fields: object, message: string): void =>
      safely(() => logger[method](fields, message), undefined);
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (bindings) =>
      guarded(
        safely(() => logger.child(bindings), logger),
        warning,
      ),
  };
}

function tell(error: unknown): void {
  const reason = error instanceof Error ? error.message : 'it threw what is no error';
  process.emitWarning(`A logger given to startRuntime threw, and lines are lost: ${reason}`, {
    code: 'HEIRLOOM_LOGGER',
  });
}
