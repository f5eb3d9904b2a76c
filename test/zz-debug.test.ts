import { it } from 'vitest';
import { testDirectory } from './support/directory.js';
import { bankReference, faultsIn, patientRoot, startTestRuntime } from './support/runtime.js';
it('debug', { timeout: 15000 }, async () => {
  await using directory = await testDirectory();
  const bankRef = bankReference();
  const test = await startTestRuntime({ directory: directory.path, root: patientRoot(bankRef) }, { faults: faultsIn({ 'keeper 1': [{ point: 'keeper.batch:received', hit: 2, action: 'kill' }], 'keeper 2': [{ point: 'keeper.batch:received', hit: 2, action: 'kill' }] }) });
  console.log('up', test.runtime.keeper.pid);
  const bank = test.runtime.worker(bankRef);
  const t = setTimeout(() => { for (const l of test.log.lines) console.log(l.level, l.message, JSON.stringify(l.fields)); }, 4000);
  for (let i = 0; i < 10; i++) console.log(i, await bank.with({timeoutMs: 5000}).call.deposit(i, 'a', 1).catch((e) => e.message));
  clearTimeout(t);
  for (const l of test.log.lines) console.log(l.level, l.message, JSON.stringify(l.fields));
  await test.runtime.close();
});
