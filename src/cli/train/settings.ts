// Training settings as they are typed: optimizers and schedules by name, with their amounts.
import { UsageError } from '../../errors.ts';
import { OPTIMIZERS, type Optimizer } from '../../training/optimizers.ts';
import type { Schedule } from '../../training/schedule.ts';

/** Every schedule with all that can be said of it, but for its rate. */
const SCHEDULES = {
  constant: { kind: 'constant', warmUp: 0 },
  step: { kind: 'step', every: 5, factor: 0.5, warmUp: 0 },
  cosine: { kind: 'cosine', end: 0, warmUp: 0.1 },
  'one-cycle': { kind: 'one-cycle', rise: 0.3, startDivisor: 25, endDivisor: 1e4, warmUp: 0 },
} as const satisfies { [K in Schedule['kind']]: Omit<Extract<Schedule, { readonly kind: K }>, 'rate'> };

/** `adamw`, `sgd:momentum=0.8,nesterov=true`. @throws UsageError */
export function optimizerFromText(text: string): Optimizer {
  return named('optimizer', text, OPTIMIZERS);
}

/** `cosine`, `step:every=3,factor=0.2`. @throws UsageError */
export function scheduleFromText(text: string, rate: number): Schedule {
  return { ...named('schedule', text, SCHEDULES), rate };
}

export const optimizerHelp = `${helpOf(OPTIMIZERS)}`;
export const scheduleHelp = `${helpOf(SCHEDULES)}`;

type Settings = Readonly<Record<string, string | number | boolean>>;

/** `NAME[:key=value,…]` as the settings of that name with changes. */
function named<T extends Settings>(what: string, text: string, known: Readonly<Record<string, T>>): T {
  const [name, rest] = text.split(/:(.*)/s);
  const settings = known[name];
  if (!settings) {
    throw new UsageError({ what: `unknown ${what} "${name}"`, expected: Object.keys(known).join(', ') });
  }
  const changes = (rest ? rest.split(',') : []).map((part) => {
    const [key, value = ''] = part.split('=').map((s) => s.trim());
    const before = key === 'kind' ? undefined : settings[key];
    const now =
      typeof before === 'boolean' ? { true: true, false: false }[value] : Number(value || Number.NaN);
    if (before === undefined || now === undefined || Number.isNaN(now)) {
      throw new UsageError({
        what: `${what} ${name}`,
        expected: `amounts like ${describe(settings)}`,
        got: part,
      });
    }
    return [key, now];
  });
  return { ...settings, ...Object.fromEntries(changes) };
}

/** `momentum=0.9,nesterov=false` */
function describe({ kind: _, ...amounts }: Settings): string {
  return Object.entries(amounts)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}

function helpOf(known: Readonly<Record<string, Settings>>): string {
  return Object.entries(known)
    .map(([name, settings]) => `${name}:${describe(settings)}`)
    .join('; ');
}
