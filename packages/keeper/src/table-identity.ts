/** Where a table is found, whoever owns it: the worker that declares it, and its name there. */
export interface TableIdentity {
  readonly worker: string;
  readonly table: string;
}
