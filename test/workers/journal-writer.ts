/**
 * A process that streams frames into a journal until it is killed: `node journal-writer.js SOCKET one-way|two-way`.
 *
 * It prints the number of each frame that it knows to be with the operating system, as one line, written before it goes on.
 */
import { connect, FrameKind } from '@heirloom/wire';
import { writeSync } from 'node:fs';

const [path = '', way = 'one-way'] = process.argv.slice(2);
const FRAME_BYTES = 512;
const PRINTED_BYTES = 8;
const FRAMES_AHEAD_BYTES = 64 * 1024;

const connection = await connect(path, {
  hello: { role: 'journal', token: new Uint8Array(32) },
  kinds: new Set(way === 'one-way' ? [] : [FrameKind.ack]),
  ...(way === 'one-way' ? { oneWay: 'write' } : {}),
  onFrame: () => undefined,
  onClose: () => undefined,
});

const padding = new Uint8Array(FRAME_BYTES);
let sent = 0;
let printed = 0;

function stream(): void {
  if (connection.queuedBytes === 0 && printed < sent) {
    // Nothing waits in this process, so everything that was sent is with the operating system.
    printed = sent;
    writeSync(1, `${String(printed).padStart(PRINTED_BYTES - 1)}\n`);
  }
  for (let i = 0; i < 5 && connection.queuedBytes < FRAMES_AHEAD_BYTES; i++) {
    sent++;
    connection.send(FrameKind.batch, (writer) => {
      writer.uint53(sent);
      writer.raw(padding);
    });
  }
  connection.flushNow();
  setImmediate(stream);
}
stream();
