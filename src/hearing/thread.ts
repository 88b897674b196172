// A worker thread of pool.ts: does tasks one after the other.
import { parentPort } from 'node:worker_threads';
import { type Answer, perform, type Task } from './task.ts';

parentPort?.on('message', async (tasks: readonly Task[]) => {
  const answers: Answer[] = [];
  const moved: ArrayBuffer[] = [];
  for (const task of tasks) {
    const answer = await perform(task);
    answers.push(answer);
    if (!('value' in answer && 'power' in answer.value)) continue;
    const { power } = answer.value;
    // What was remembered lies in the file's buffer.
    if (power.data.byteLength !== power.data.buffer.byteLength) power.data = power.data.slice();
    moved.push(power.data.buffer as ArrayBuffer);
  }
  parentPort?.postMessage(answers, moved);
});
