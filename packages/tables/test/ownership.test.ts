/**
 * Ownership by the named cases of the conformance list (N28–N32, C03, C04), and against a model that has no index.
 *
 * Mutations that make this fail, each tried: an heir is known by its name alone; a dead heir is recorded; the heir is forgotten
 * when the table moves; tables leave in the order of creation; the name of a deleted table stays taken; a rename to a taken
 * name frees the old one first; a writer may give a public table away.
 */
import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { Ownership, TableError } from '@heirloom/tables';
import type { Access, TableErrorCode } from '@heirloom/tables';
import { OwnershipModel } from './ownership-model.js';
import type { ModelResult } from './ownership-model.js';

let ownership: Ownership;

function create(by: string, table: string, more: { access?: Access; name?: string; heir?: string } = {}): void {
  const { access = 'protected', name, heir } = more;
  ownership.create(by, { table, type: 'set', access, name, heir, heirData: `for ${heir}` });
}

function refusal(operation: () => unknown): TableErrorCode | undefined {
  try {
    operation();
    return undefined;
  } catch (error) {
    if (error instanceof TableError) return error.code;
    throw error;
  }
}

beforeEach(() => {
  ownership = new Ownership();
  for (const process of ['owner', 'heir', 'other']) ownership.spawn(process);
});

describe('names', () => {
  it('C03: finds a named table until it is deleted, and frees its name at once', () => {
    create('owner', 't1', { name: 'accounts' });
    expect(ownership.whereis('accounts')).toBe('t1');
    ownership.deleteTable('owner', 't1');
    expect(ownership.whereis('accounts')).toBeUndefined();
    create('other', 't2', { name: 'accounts' });
    expect(ownership.whereis('accounts')).toBe('t2');
    expect(refusal(() => ownership.checkRead('owner', 't1'))).toBe('ERR_TABLE_UNKNOWN');
    expect(ownership.info('t1')).toBeUndefined();
  });

  it('C04: refuses a taken name and leaves the first table as it is', () => {
    create('owner', 't1', { name: 'accounts' });
    expect(refusal(() => create('other', 't2', { name: 'accounts' }))).toBe('ERR_TABLE_NAME');
    expect(ownership.whereis('accounts')).toBe('t1');
    expect(ownership.all()).toEqual(['t1']);
  });

  it('N32: renames a named table; the old name is dead, the table is not', () => {
    create('owner', 't1', { name: 'old' });
    ownership.rename('owner', 't1', 'new');
    expect([ownership.whereis('old'), ownership.whereis('new')]).toEqual([undefined, 't1']);
    expect(ownership.info('t1')?.name).toBe('new');
  });

  it('N32: refuses a rename to a name in use, also to its own, and changes nothing', () => {
    create('owner', 't1', { name: 'one' });
    create('owner', 't2', { name: 'two' });
    for (const name of ['one', 'two']) {
      expect(refusal(() => ownership.rename('owner', 't1', name))).toBe('ERR_TABLE_NAME');
    }
    expect([ownership.whereis('one'), ownership.whereis('two')]).toEqual(['t1', 't2']);
  });

  it('N32: renaming an unnamed table makes no name, unless it is asked to', () => {
    create('owner', 't1');
    ownership.rename('owner', 't1', 'only told');
    expect(ownership.whereis('only told')).toBeUndefined();
    expect(ownership.info('t1')?.name).toBe('only told');
    ownership.rename('owner', 't1', 'found', true);
    expect(ownership.whereis('found')).toBe('t1');
    ownership.rename('owner', 't1', 'found', false);
    expect(ownership.whereis('found')).toBeUndefined();
  });
});

describe('heirs', () => {
  it('N28: the heir owns the table when the owner ends, with what was given for it, and the heir stays on record', () => {
    create('owner', 't1', { access: 'private', heir: 'heir', name: 'accounts' });
    expect(ownership.end('owner')).toEqual({
      transfers: [{ table: 't1', from: 'owner', to: 'heir', data: 'for heir' }],
      deleted: [],
    });
    expect(ownership.info('t1')).toMatchObject({ owner: 'heir', heir: 'heir', name: 'accounts' });
    ownership.checkWrite('heir', 't1');
    expect(refusal(() => ownership.checkRead('other', 't1'))).toBe('ERR_TABLE_ACCESS');
  });

  it('N28: an heir that became the owner takes the table with it', () => {
    create('owner', 't1', { heir: 'heir', name: 'accounts' });
    ownership.end('owner');
    expect(ownership.end('heir')).toEqual({ transfers: [], deleted: ['t1'] });
    expect(ownership.whereis('accounts')).toBeUndefined();
  });

  it('N29: an heir that is dead when it is named counts as none', () => {
    ownership.end('heir');
    create('owner', 't1', { heir: 'heir' });
    expect(ownership.info('t1')?.heir).toBeUndefined();
    create('owner', 't2', { heir: 'other' });
    ownership.setHeir('owner', 't2', 'heir');
    expect(ownership.info('t2')?.heir).toBeUndefined();
  });

  it('N29: an heir that dies before the owner stays on record and is passed over', () => {
    create('owner', 't1', { heir: 'heir' });
    ownership.end('heir');
    expect(ownership.info('t1')?.heir).toBe('heir');
    expect(ownership.end('owner')).toEqual({ transfers: [], deleted: ['t1'] });
  });

  it('N29: a later process of the same name inherits nothing', () => {
    create('owner', 't1', { heir: 'heir' });
    ownership.end('heir');
    ownership.spawn('heir');
    expect(ownership.end('owner')).toEqual({ transfers: [], deleted: ['t1'] });
  });

  it('moves several tables in the order in which their owner had come to them', () => {
    for (const table of ['t1', 't2', 't3']) create('owner', table, { heir: 'heir' });
    ownership.giveAway('owner', 't1', 'other', 'gift');
    ownership.giveAway('other', 't1', 'owner', 'gift');
    expect(ownership.end('owner').transfers.map(({ table }) => table)).toEqual(['t2', 't3', 't1']);
  });

  it('lets nobody act who is not alive', () => {
    create('owner', 't1', { access: 'public' });
    ownership.end('other');
    const acts = [
      () => ownership.checkWrite('other', 't1'),
      () => ownership.giveAway('owner', 't1', 'other', 0),
      () => ownership.end('other'),
      () => create('other', 't2'),
      () => ownership.spawn('owner'),
    ];
    expect(acts.map(refusal)).toEqual(acts.map(() => 'ERR_TABLE_PROCESS'));
  });
});

describe('giving away', () => {
  it('N30: goes there and back, and the heir stays', () => {
    create('owner', 't1', { heir: 'heir' });
    expect(ownership.giveAway('owner', 't1', 'other', 'gift')).toEqual({
      table: 't1',
      from: 'owner',
      to: 'other',
      data: 'gift',
    });
    expect(ownership.info('t1')).toMatchObject({ owner: 'other', heir: 'heir' });
    ownership.giveAway('other', 't1', 'owner', 'thanks');
    expect(ownership.info('t1')).toMatchObject({ owner: 'owner', heir: 'heir' });
  });

  it('N30: is for the owner, to another process that is alive; access is lost at once', () => {
    create('owner', 't1', { access: 'private' });
    create('owner', 't2', { access: 'public' });
    ownership.end('heir');
    expect(refusal(() => ownership.giveAway('owner', 't1', 'owner', 0))).toBe('ERR_TABLE_OWNER');
    expect(refusal(() => ownership.giveAway('owner', 't1', 'heir', 0))).toBe('ERR_TABLE_PROCESS');
    expect(refusal(() => ownership.giveAway('other', 't2', 'owner', 0))).toBe('ERR_TABLE_OWNER');
    ownership.giveAway('owner', 't1', 'other', 0);
    expect(refusal(() => ownership.checkRead('owner', 't1'))).toBe('ERR_TABLE_ACCESS');
    ownership.giveAway('owner', 't2', 'other', 0);
    expect(refusal(() => ownership.checkWrite('owner', 't2'))).toBeUndefined();
  });

  it('N30: comes back with the heir’s data when the receiver ends', () => {
    create('owner', 't1', { heir: 'owner' });
    ownership.giveAway('owner', 't1', 'other', 'gift');
    expect(ownership.end('other').transfers).toEqual([{ table: 't1', from: 'other', to: 'owner', data: 'for owner' }]);
  });
});

describe('N31: rights', () => {
  const ACCESS_REFUSED = 'ERR_TABLE_ACCESS';
  const rights: Record<Access, { read: string | undefined; write: string | undefined }> = {
    public: { read: undefined, write: undefined },
    protected: { read: undefined, write: ACCESS_REFUSED },
    private: { read: ACCESS_REFUSED, write: ACCESS_REFUSED },
  };

  function expectRights(of: string, table: string, { read, write }: (typeof rights)[Access]): void {
    expect(refusal(() => ownership.checkRead(of, table))).toBe(read);
    expect(refusal(() => ownership.checkWrite(of, table))).toBe(write);
    expect(refusal(() => ownership.rename(of, table, 'told', false))).toBe(write);
    for (const ownersOnly of [
      () => ownership.giveAway(of, table, 'heir', 0),
      () => ownership.setHeir(of, table, of),
      () => ownership.setAccess(of, table, 'public'),
    ]) {
      expect(refusal(ownersOnly)).toBe('ERR_TABLE_OWNER');
    }
    expect(ownership.info(table)).toMatchObject({ protection: expect.any(String) as string });
  }

  it.each(['public', 'protected', 'private'] as const)('of others to a %s table', (access) => {
    create('owner', 't1', { access });
    expectRights('other', 't1', rights[access]);
    expect(refusal(() => ownership.deleteTable('other', 't1'))).toBe(rights[access].write);
  });

  it('follow the access as its owner changes it, and the table as it moves', () => {
    create('owner', 't1');
    for (const access of ['private', 'public', 'protected'] as const) {
      ownership.setAccess('owner', 't1', access);
      expectRights('other', 't1', rights[access]);
    }
    ownership.giveAway('owner', 't1', 'other', 0);
    expectRights('owner', 't1', rights.protected);
    ownership.setHeir('other', 't1', 'heir');
    ownership.end('other');
    expectRights('owner', 't1', rights.protected);
  });
});

describe('any sequence of operations', () => {
  const process = fc.constantFrom('p1', 'p2', 'p3', 'p4');
  const table = fc.constantFrom('t1', 't2', 't3', 't4');
  const name = fc.constantFrom('alpha', 'beta');
  const access = fc.constantFrom<Access>('private', 'protected', 'public');
  const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });
  type Step = (ownership: Ownership, model: OwnershipModel) => [() => unknown, () => ModelResult];
  const step: fc.Arbitrary<Step> = fc.oneof(
    process.map((p): Step => (o, m) => [() => o.spawn(p), () => m.spawn(p)]),
    process.map((p): Step => (o, m) => [() => o.end(p), () => m.end(p)]),
    fc
      .tuple(process, table, access, optional(name), optional(process))
      .map(([by, t, a, n, heir]): Step => (o, m) => [
        () => void o.create(by, { table: t, type: 'set', access: a, name: n, heir, heirData: `${t} ${heir}` }),
        () => m.create(by, t, a, n, heir, `${t} ${heir}`),
      ]),
    fc.tuple(process, table).map(([by, t]): Step => (o, m) => [() => o.checkRead(by, t), () => m.checkRead(by, t)]),
    fc.tuple(process, table).map(([by, t]): Step => (o, m) => [() => o.checkWrite(by, t), () => m.checkWrite(by, t)]),
    fc
      .tuple(process, table, process)
      .map(([by, t, to]): Step => (o, m) => [() => o.giveAway(by, t, to, 'gift'), () => m.giveAway(by, t, to, 'gift')]),
    fc
      .tuple(process, table, optional(process))
      .map(([by, t, to]): Step => (o, m) => [
        () => o.setHeir(by, t, to, `to ${to}`),
        () => m.setHeir(by, t, to, `to ${to}`),
      ]),
    fc
      .tuple(process, table, access)
      .map(([by, t, a]): Step => (o, m) => [() => o.setAccess(by, t, a), () => m.setAccess(by, t, a)]),
    fc
      .tuple(process, table, name, optional(fc.boolean()))
      .map(([by, t, n, leads]): Step => (o, m) => [() => o.rename(by, t, n, leads), () => m.rename(by, t, n, leads)]),
    fc.tuple(process, table).map(([by, t]): Step => (o, m) => [() => o.deleteTable(by, t), () => m.deleteTable(by, t)]),
  );

  it('gives what the model gives, and leaves what the model leaves', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const real = new Ownership();
        const model = new OwnershipModel();
        for (const alive of ['p1', 'p2', 'p3']) {
          real.spawn(alive);
          model.spawn(alive);
        }
        for (const one of steps) {
          const [act, expected] = one(real, model);
          let result: unknown;
          try {
            result = act();
          } catch (error) {
            if (!(error instanceof TableError)) throw error;
            result = 'refused';
          }
          expect(result).toEqual(expected());
          expect(real.all()).toEqual(model.tables.map((each) => each.table));
          for (const each of model.tables) {
            const heir = each.heir?.split('#')[0];
            const { owner, access: protection } = each;
            expect(real.info(each.table)).toEqual({ owner, heir, protection, type: 'set', name: each.name });
          }
          for (const each of ['alpha', 'beta']) expect(real.whereis(each)).toBe(model.whereis(each));
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
