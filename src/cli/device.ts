// `--device`: whether the CPU or a GPU computes.
import { Option } from 'commander';
import { DEVICES } from '../runtime/runtime.ts';

/** Its value is a `Device`, which `openRuntime` takes. */
export function deviceOption(): Option {
  return new Option('--device <what>', 'what computes: cpu, or webgpu (a GPU; without one, the cpu)')
    .choices(DEVICES)
    .default('cpu');
}
