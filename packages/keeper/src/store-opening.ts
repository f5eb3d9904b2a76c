/**
 * Opening a store: making the directory and a new file, checking an old one, and reading what the keeper has in memory.
 *
 * Nothing is written to a store that is refused. The caller holds the directory's lock.
 */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { open } from 'lmdb';
import type { Database, RootDatabase, RootDatabaseOptions } from 'lmdb';
import { HeirloomError } from '@heirloom/tables';
import { encodeValue, isArmed } from '@heirloom/wire';
import { readBootId } from './boot-id.js';
import type { CommitKill } from './commit-kill.js';
import { isNoRoom } from './disk-error.js';
import { StoreError } from './errors.js';
import type { DatabaseName } from './layout.js';
import {
  DATABASE_OPTIONS,
  ENVIRONMENT_OPTIONS,
  FORMAT_KEY,
  MAIL_KEY,
  OUTCOME_TOTALS_KEY,
  STATE_KEY,
  STORE_FILE,
  STORE_FILE_NEW,
  STORE_FORMAT_VERSION,
  databasesOf,
  readU64,
  senderOf,
  u32Key,
} from './layout.js';
import { checkOpeningRoom } from './opening-room.js';
import { Store } from './store.js';
import type { StoreContents } from './store.js';
import { NO_OUTCOMES, decodeOutcomeTotals } from './outcome-store.js';
import { checkStoreFile, damaged } from './store-file.js';
import type { CheckDepth } from './store-file.js';
import { NO_MAIL, decodeMailState, decodeOutbox } from './stored-mail.js';
import { decodeEpoch, decodeShapeFields, decodeState, decodeTable } from './stored-record.js';
import type { StoreState } from './stored-record.js';
import { TableCatalog, newTable } from './table-catalog.js';

type Databases = StoreContents['databases'];

/** Makes the store's directory if it is not there. Throws StoreError ERR_STORE_DIRECTORY. */
export function ensureStoreDirectory(directory: string): void {
  try {
    makeDirectory(directory);
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw directoryError(directory, cause);
  }
}

/** Makes a directory and its parents. Node's own way to do that never returns where nothing can be made, as below /proc. */
function makeDirectory(directory: string): void {
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true) return;
  const parent = dirname(directory);
  if (parent !== directory) makeDirectory(parent);
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    // Another start may have made it meanwhile; a file in its place is an error.
    if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
}

/**
 * Opens the store of a directory, or makes a new one there.
 * Throws StoreError ERR_STORE_DIRECTORY, ERR_STORE_DAMAGED, ERR_STORE_VERSION or ERR_STORE_DISK_FULL.
 */
export async function openStore(
  directory: string,
  commitKill?: CommitKill,
  depth: CheckDepth = 'beginning',
): Promise<Store> {
  ensureStoreDirectory(directory);
  const path = join(directory, STORE_FILE);
  try {
    checkOpeningRoom(directory, path);
  } catch (cause) {
    throw directoryError(directory, cause);
  }
  if (!existsSync(path)) await createStore(directory, path);
  checkStoreFile(path, depth);
  const environment = openEnvironment(path);
  try {
    return new Store(readContents(path, environment), commitKill);
  } catch (cause) {
    await environment.close();
    throw cause instanceof HeirloomError ? cause : damaged(path, 'its records cannot be read', cause);
  }
}

async function createStore(directory: string, path: string): Promise<void> {
  const newPath = join(directory, STORE_FILE_NEW);
  try {
    for (const leftOver of [newPath, `${newPath}-lock`, `${path}-lock`]) rmSync(leftOver, { force: true });
    const environment = open<Buffer, Buffer>(newPath, ENVIRONMENT_OPTIONS);
    const databases = openDatabases(environment, STORE_FORMAT_VERSION, true);
    environment.transactionSync(() => {
      databases.meta.putSync(FORMAT_KEY, u32Key(STORE_FORMAT_VERSION));
      databases.meta.putSync(STATE_KEY, Buffer.from(encodeValue(initialState())));
    });
    await environment.close();
    rmSync(`${newPath}-lock`, { force: true });
    renameSync(newPath, path);
    flushDirectory(directory);
  } catch (cause) {
    throw directoryError(directory, cause);
  }
}

function initialState(): StoreState {
  return {
    timeline: 1,
    generation: 0,
    instance: 0,
    lsn: 0,
    confirmedLsn: 0,
    nextTableId: 1,
    nextExtent: 1,
    bootId: readBootId(),
    isClean: true,
  };
}

function flushDirectory(directory: string): void {
  const descriptor = openSync(directory, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function openEnvironment(path: string): RootDatabase<Buffer, Buffer> {
  try {
    return open<Buffer, Buffer>(path, environmentOptions());
  } catch (cause) {
    const { message } = cause as Error; // The binding throws errors.
    if (/EACCES|Permission|EROFS|Read-only|EPERM/i.test(message)) throw directoryError(path, cause);
    throw damaged(path, `LMDB refuses it (${message})`, cause);
  }
}

/** The test of `power_loss` arms this point to see what becomes of a store whose flushes are all left out. */
function environmentOptions(): RootDatabaseOptions {
  return isArmed('keeper.flush:none') ? { ...ENVIRONMENT_OPTIONS, noSync: true } : ENVIRONMENT_OPTIONS;
}

/** Opens the databases of a format; those of a later one are not there. */
function openDatabases(environment: RootDatabase<Buffer, Buffer>, format: number, create: boolean): Databases {
  // The option is there, but not in the binding's types.
  const options = { ...DATABASE_OPTIONS, create };
  const opened = databasesOf(format).map((name) => [name, environment.openDB<Buffer, Buffer>(name, options)] as const);
  return Object.fromEntries(opened) as Record<DatabaseName, Database<Buffer, Buffer>>; // Each name of the format is there.
}

function readContents(path: string, environment: RootDatabase<Buffer, Buffer>): StoreContents {
  const version = readFormat(path, openDatabases(environment, 1, false));
  const databases = openDatabases(environment, version, false);
  const stateBytes = databases.meta.get(STATE_KEY);
  if (stateBytes === undefined) throw damaged(path, 'its state is missing');
  const contents = {
    path,
    environment,
    state: decodeState(path, stateBytes),
    stateBytes,
    epochs: readEpochs(path, databases),
    catalog: readCatalog(path, databases),
    unconfirmed: readUnconfirmed(databases),
    outcomes: readOutcomeTotals(path, databases),
    mail: readMail(path, databases),
    doomed: Array.from(databases.doomed.getKeys(), (key) => key.readUInt32BE(0)),
  };
  // After everything was read, as nothing is written to a store that is refused.
  return { ...contents, databases: version < STORE_FORMAT_VERSION ? convert(environment) : databases };
}

/** Which format the store has. Throws StoreError ERR_STORE_DAMAGED or ERR_STORE_VERSION. */
function readFormat(path: string, { meta }: Databases): number {
  const format = meta.get(FORMAT_KEY);
  if (format?.length !== 4) throw damaged(path, 'it does not say which version wrote it');
  const version = format.readUInt32BE(0);
  if (version > STORE_FORMAT_VERSION) {
    const message = `The store ${path} has format ${version}, and this version of Heirloom knows ${STORE_FORMAT_VERSION}. Use the newer version that wrote it.`;
    throw new StoreError('ERR_STORE_VERSION', message, { path, version, known: STORE_FORMAT_VERSION });
  }
  if (version < 1) throw damaged(path, `its format ${version} never was`);
  return version;
}

/** Gives an older store the databases that it lacks; one that was interrupted in this is still of the older format. */
function convert(environment: RootDatabase<Buffer, Buffer>): Databases {
  const databases = openDatabases(environment, STORE_FORMAT_VERSION, true);
  environment.transactionSync(() => databases.meta.putSync(FORMAT_KEY, u32Key(STORE_FORMAT_VERSION)));
  return databases;
}

function readEpochs(path: string, databases: Databases): StoreContents['epochs'] {
  const epochs: StoreContents['epochs'] = new Map();
  for (const { key, value } of databases.epochs.getRange()) epochs.set(key.toString(), decodeEpoch(path, value));
  return epochs;
}

function readCatalog(path: string, databases: Databases): TableCatalog {
  const catalog = new TableCatalog();
  for (const { key, value } of databases.tables.getRange()) {
    const { worker, extent, declaration, migration, ownership } = decodeTable(path, value);
    const table = newTable(key.readUInt32BE(0), extent, worker, declaration);
    if (ownership !== undefined) table.ownership = ownership;
    const counts = databases.counts.get(key);
    if (counts?.length !== 16) throw damaged(path, `the counts of table ${table.tableId} are missing`);
    table.size = readU64(counts, 0);
    table.nextSequence = readU64(counts, 8);
    table.migration = migration;
    catalog.add(table);
  }
  for (const { key, value } of databases.shapes.getRange()) {
    const table = catalog.byId.get(key.readUInt32BE(0));
    const shape = { id: key.readUInt32BE(4), fields: decodeShapeFields(path, value) };
    if (table === undefined) throw damaged(path, `a shape belongs to the unknown table ${key.readUInt32BE(0)}`);
    table.shapes.push(shape);
  }
  for (const table of catalog.byId.values()) table.codec.addShapes(table.shapes);
  readFeeds(path, databases, catalog);
  return catalog;
}

function readFeeds(path: string, databases: Databases, catalog: TableCatalog): void {
  // A store of an older format has none.
  const { feeds } = databases as Partial<Databases>;
  for (const { key, value } of feeds?.getRange() ?? []) {
    const table = catalog.byId.get(key.readUInt32BE(0));
    if (table === undefined || value.length !== 20) throw damaged(path, 'the record of a feed is not one');
    table.feed = {
      id: value.readUInt32BE(0),
      afterLsn: readU64(value, 4),
      bytes: readU64(value, 12),
      isAwaited: false,
    };
  }
}

function readOutcomeTotals(path: string, { meta }: Databases): StoreContents['outcomes'] {
  const stored = meta.get(OUTCOME_TOTALS_KEY);
  return stored === undefined ? NO_OUTCOMES : decodeOutcomeTotals(path, stored);
}

function readMail(path: string, databases: Databases): StoreContents['mail'] {
  // A store of an older format has none.
  const { outboxes: stored, meta } = databases as Partial<Databases> & Pick<Databases, 'meta'>;
  const outboxes: StoreContents['mail']['outboxes'] = new Map();
  for (const { key, value } of stored?.getRange() ?? []) outboxes.set(senderOf(key), decodeOutbox(path, value));
  const state = meta.get(MAIL_KEY);
  return { state: state === undefined ? NO_MAIL : decodeMailState(path, state), outboxes };
}

function readUnconfirmed(databases: Databases): StoreContents['unconfirmed'] {
  return Array.from(databases.journal.getRange(), ({ key, value }) => ({ lsn: readU64(key, 0), bytes: value.length }));
}

function directoryError(directory: string, cause: unknown): StoreError {
  const { message } = cause as Error; // Thrown by node:fs or by the binding.
  if (isNoRoom(cause)) {
    const text = `There is no room for a store in ${directory}. Make room, or use another directory.`;
    return new StoreError('ERR_STORE_DISK_FULL', text, { directory }, { cause });
  }
  const text = `The store directory ${directory} cannot be used: ${message}. Give a directory that can be made and written.`;
  return new StoreError('ERR_STORE_DIRECTORY', text, { directory }, { cause });
}
