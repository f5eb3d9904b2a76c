import { expect, test } from 'vitest';
import * as surface from '../src/index.js';
import * as launch from '../src/process-url.js';

test('exports to the authors of workers what is listed here, and nothing else', () => {
  expect(Object.keys(surface).sort()).toEqual([
    'CallError',
    'HANDLER_TIMEOUT_MS_DEFAULT',
    'HANDLER_TIMEOUT_MS_MAX',
    'NAME_CHARS_MAX',
    'RESERVED_NAMES',
    'WorkerError',
    'args',
    'defineWorker',
    'isInsideWorkerProcess',
    'isWorkerDefinition',
    'row',
    'table',
    'workerRef',
  ]);
});

test('exports to the embedding process what is listed here, and nothing else', () => {
  expect(Object.keys(launch).sort()).toEqual([
    'ASKS_OPEN_MAX',
    'CALL_TO_DISCARD',
    'MAILBOX_BYTES_MAX',
    'MAILBOX_CALLS_MAX',
    'REMOTE_READS',
    'REMOTE_WRITES',
    'SUSPECT_WINDOW',
    'TABLE_CALL_PREFIX',
    'THREAD_KILLED_CODE',
    'TIMERS_MAX',
    'TIMER_CALL_PREFIX',
    'askError',
    'byName',
    'checkCastName',
    'encodeCastArguments',
    'encodeWorkerBootstrap',
    'isAskedWrite',
    'onAbort',
    'outputTaken',
    'targetDetails',
    'targetName',
    'workerProcess',
    'workerThread',
  ]);
  expect(launch.workerProcess.pathname).toMatch(/\/process\.js$/);
});
