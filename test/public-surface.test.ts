/**
 * What users can import is this list and nothing else; a change of it is a decision and not an accident. The lists of the
 * packages below `heirloom` are in their own tests.
 *
 * Fails when: an export is added, renamed or dropped without its line here; a module that users import has a default export
 * or passes on another one whole; its declarations lead to those of lmdb.
 */
import { readdir, readFile } from 'node:fs/promises';
import * as main from 'heirloom';
import * as testing from 'heirloom/testing';
import * as workerSide from 'heirloom/worker';
import * as tables from '@heirloom/tables';
import * as workerPackage from '@heirloom/worker';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const PACKAGES = new URL('../packages/', import.meta.url);

interface Surface {
  readonly values: readonly string[];
  /** Types that have no value: interfaces, aliases and what is exported by `export type`. */
  readonly types: readonly string[];
}

function programOf(path: string): ts.Program {
  return ts.createProgram([path], {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    noLib: true,
    types: [],
  });
}

function surfaceOf(namespace: object, declarations: string): Surface {
  const path = new URL(`heirloom/dist/${declarations}`, PACKAGES).pathname;
  const program = programOf(path);
  const source = program.getSourceFile(path);
  const module = source && program.getTypeChecker().getSymbolAtLocation(source);
  const names = module === undefined ? [] : program.getTypeChecker().getExportsOfModule(module);
  const values = Object.keys(namespace).sort();
  const types = names.map(({ name }) => name).filter((name) => !values.includes(name));
  return { values, types: types.sort() };
}

/** Names as a person lists them. */
function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}

describe('what users import', () => {
  it('heirloom', () => {
    expect(surfaceOf(main, 'index.d.ts')).toEqual({
      values: words(`
        CallError HeirloomError KeeperError RuntimeError StoreError SupervisorError TabfileError TableError
        WorkerError WorkerReferenceError file2tab partitioned readTabfile startRuntime supervisor tab2file
        tabfileInfo worker
      `),
      types: words(`
        AnyTableDefinition AnyWorkerDefinition ArgsOption AutoShutdown Backoff CallErrorCode CallOptions
        CallOutcome CallsOf ChildCounts ChildListing ChildReference CloseOptions Condition CounterOperation
        CounterOptions DeadLetter DeadLetterSelection DeadLetters DefaultRow ExitPhase ExitReason ExitReport
        Explanation ExtendedInfo FieldsOf File2tabOptions FirstArgs HeartbeatSettings Inside InstanceArgs
        KeeperErrorCode KeeperSettings KeyCut KeyedRows LetterReason Logger MatchObjectOptions MatchOptions
        MatchedValues Operators PageOptions PartitionedHandle PartitionedOptions PartitionedReference Patch
        Pattern PrivateTable ProgramCastsOf QueueLimits ReadTabfileOptions ReadableTable RegisteredName
        RegistryEntry RegistryHandle RegistryKind RegistrySelection ReleasedBatch ReleasedChange ReleasedInfo
        ReleasedPosition RemoteTable RemoteTables RestartCount RestartType RetryPolicy ReverseOptions
        RowsOptions Runtime RuntimeErrorCode RuntimeEvents RuntimeOptions SelectCursor SelectOptions SelectPage
        SelectedRow Shutdown StartedChild StoreErrorCode Strategy SupervisorErrorCode SupervisorManagement
        SupervisorOptions SupervisorReference Tab2fileOptions TabfileErrorCode TabfileInfo Table TableByHandle
        TableDefinition TableErrorCode TableInMemory TableInfo TableKey TableListing TablesOf WatchOptions Where
        WhereFields WorkerDefinition WorkerDown WorkerDriver WorkerErrorCode WorkerHandle WorkerOptions
        WorkerReference WorkerReferenceErrorCode WorkerResourceLimits WritableTable WrittenTabfile
      `),
    });
  });

  it('heirloom/worker', () => {
    expect(surfaceOf(workerSide, 'worker.d.ts')).toEqual({
      values: words(`
        CallError HeirloomError TabfileError TableError WorkerError args defineWorker file2tab partitionedRef
        readTabfile row tab2file tabfileInfo table workerRef
      `),
      types: words(`
        Access AccessOf AnyHandler AnyTableDefinition AnyWorkerDefinition ArgsOf ArgsType AskOptions AskedTable
        AskedTables CallErrorCode CallOutcome CallSignatures CallsOf CastsOf Condition ContinueWith
        CounterFieldOf CounterOperation CounterOperationOf CounterOptions CounterValue DefaultRow DownMessage
        ElementResult EndReason ExitMessage Explanation ExtendedInfo FieldOf FieldValue FieldsOf File2tabOptions
        HandlerContext Handlers HeirOptions InheritedTables InitContext InputOf InputRowOf Inside KeyCut
        KeyFieldOf KeyOf KeyPartOf KeySpec KeySpecOf KeyedRows LifeTools LogWrite LookupResult
        MatchObjectOptions MatchOptions MatchedValues MigrateRow Monitor NamedTables NumericFieldOf Operators
        OtherFieldOf OwnedTable OwnerTable OwnerTables OwnerWhere PageOptions Partition PartitionedRef Patch
        Pattern PrivateTable ReadTabfileOptions ReadableTable RegisteredName Registry RegistryEntry
        RegistrySelection ReleasedInfo ReleasedPosition RemoteWorker RemoteWorkers ReverseOptions RowOf
        RowPredicate RowType RowsOptions RunningCall SelectCursor SelectOptions SelectPage SelectedRow
        SignatureOf StoredRowOf Survives Tab2fileOptions TabfileErrorCode TabfileInfo Table TableByHandle
        TableDefinition TableDefinitions TableErrorCode TableInMemory TableInfo TableKey TableOptions
        TableTransfer TableType TablesOf TerminateReason TimerHandlers TimerOptions TransferContext
        TuplePosition TypeOf Value Where WhereFields WorkerDefinition WorkerErrorCode WorkerIdentity WorkerLog
        WorkerRef WorkerTimers WritableTable WrittenTabfile
      `),
    });
  });

  it("stands on no types of the store's library, which do not compile where libraries are checked", () => {
    for (const declarations of ['index.d.ts', 'worker.d.ts', 'testing.d.ts']) {
      const path = new URL(`heirloom/dist/${declarations}`, PACKAGES).pathname;
      const files = programOf(path).getSourceFiles();
      expect(files.map(({ fileName }) => fileName).filter((name) => name.includes('/lmdb/'))).toEqual([]);
      expect(files.length).toBeGreaterThan(20);
    }
  });

  it('heirloom/testing', () => {
    expect(surfaceOf(testing, 'testing.d.ts')).toEqual({
      values: ['armFailpoints', 'startRuntimeWith'],
      types: words(`ChildHandle Fault FaultAction FaultTarget ProcessExit ProcessPort RuntimePorts SpawnOptions`),
    });
  });
});

it('every way to an error leads to the same class, so that instanceof holds in programs and in workers', () => {
  expect(workerSide.WorkerError).toBe(workerPackage.WorkerError);
  expect(main.WorkerError).toBe(workerPackage.WorkerError);
  expect([main.TableError, main.HeirloomError]).toEqual([workerSide.TableError, workerSide.HeirloomError]);
  for (const [name, value] of Object.entries(main)) {
    if (name.endsWith('Error')) expect(Object.create(value.prototype as object)).toBeInstanceOf(tables.HeirloomError);
  }
});

it('no module that a package exposes has a default export or passes on another one whole', async () => {
  for (const name of await readdir(PACKAGES)) {
    const manifest = await readFile(new URL(`${name}/package.json`, PACKAGES), 'utf8').catch(() => undefined);
    if (manifest === undefined) continue;
    const { exports } = JSON.parse(manifest) as { exports: Readonly<Record<string, { readonly default: string }>> }; // The form of every package here; another one throws below.
    for (const { default: built } of Object.values(exports)) {
      const path = built.replace(/^\.\/dist\/(.*)\.js$/, 'src/$1.ts');
      const source = await readFile(new URL(`${name}/${path}`, PACKAGES), 'utf8');
      expect(source, `packages/${name}/${path}`).not.toMatch(/^export (\*|default)/m);
    }
  }
});
