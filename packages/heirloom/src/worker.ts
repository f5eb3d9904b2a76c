/** What a worker's module imports: the definition of a worker and of its tables. */
export { defineWorker, row, table } from '@heirloom/worker';
