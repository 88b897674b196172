// A worker thread of pool.ts: does one task after the other.
import { parentPort } from 'node:worker_threads';
import { perform, type Task } from './task.ts';

parentPort?.on('message', async (task: Task) => {
  const answer = await perform(task);
  if (!('value' in answer && 'power' in answer.value)) return parentPort?.postMessage(answer);
  const { power, fit } = answer.value;
  const data = power.data.slice(); // what was remembered lies in the file's buffer
  parentPort?.postMessage({ ...answer, value: { fit, power: { ...power, data } } }, [data.buffer]);
});
