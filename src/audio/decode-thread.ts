// The thread that decodes recordings: whole ones for thread.ts, or one block by block for stream.ts.
import { parentPort } from 'node:worker_threads';
import { perform, type Task } from './decode-task.ts';
import { answers, type StreamAnswer, type StreamTask } from './stream-task.ts';

/** What the thread is told: a whole recording, one to stream, or that the next block of that is wanted. */
export type Order = Task | StreamTask | 'next';

let stream: AsyncGenerator<StreamAnswer> | undefined;

parentPort?.on('message', async (order: Order) => {
  if (order === 'next') {
    const { value } = (await stream?.next()) ?? {};
    parentPort?.postMessage(value, value && 'block' in value ? [value.block.samples.buffer] : []);
  } else if ('file' in order) stream = answers(order);
  else parentPort?.postMessage(...(await perform(order)));
});
parentPort?.postMessage('ready');
