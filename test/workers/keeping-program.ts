/**
 * A program that asks supervisors which keep their children for one thing after the other, and is killed meanwhile:
 * `node keeping-program.js DIRECTORY POINT HIT`. It prints `N` on a line of its own when the N-th request is answered.
 */
import { writeSync } from 'node:fs';
import { startRuntime } from 'heirloom';
import { armFailpoints } from 'heirloom/testing';
import { keepingRequests, keepingTree } from './keeping-tree.js';

const [directory = '', point = '', hit = '1'] = process.argv.slice(2);
const tree = keepingTree();
const runtime = await startRuntime({ directory, root: tree.root, keeper: { standby: false } });
armFailpoints([{ point, hit: Number(hit), action: 'kill' }]);
for (const [index, request] of keepingRequests(tree).entries()) {
  await request(runtime);
  writeSync(1, `${index + 1}\n`);
}
await runtime.close();
