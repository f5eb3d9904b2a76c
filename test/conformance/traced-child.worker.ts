/**
 * A child of a replayed supervisor: it does at once what it is told, by signals and by its supervisor, and writes down what
 * happens to it.
 *
 * Its lines go to the end of a file that all children of a scenario share, so their order is that in which things happened.
 * SIGKILL leaves no line, as it leaves none in Erlang.
 */
import { appendFileSync } from 'node:fs';
import { args, defineWorker } from 'heirloom/worker';

export default defineWorker({
  args: args<[log: string, child: string]>(),
  tables: {},
  init({ args: [log, child] }) {
    let endsItself = false;
    const write = (what: string): void => appendFileSync(log, `${JSON.stringify([what, child])}\n`);
    const endItself = (end: () => void) => (): void => {
      endsItself = true;
      write('exit');
      end();
    };
    process.on(
      'SIGUSR2',
      endItself(() => {
        throw new Error('a crash on purpose');
      }),
    );
    // What OTP calls normal and shutdown is one thing to a process: it ends with 0 although nobody has told it to.
    for (const signal of ['SIGTERM', 'SIGHUP'])
      process.on(
        signal,
        endItself(() => process.exit(0)),
      );
    process.on('exit', () => {
      if (!endsItself) write('terminate');
    });
    write('start');
  },
  calls: {},
});
