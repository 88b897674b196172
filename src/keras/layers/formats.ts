// Where channels stand: Keras' two data formats, both drawn with the channels right after the batch.
import type { Call } from '../call.ts';
import type { Value } from '../canvas.ts';
import type { Settings } from '../settings.ts';

const FORMATS = ['channels_last', 'channels_first'] as const;

export function formatOf(settings: Settings): (typeof FORMATS)[number] {
  return settings.word('data_format', FORMATS);
}

/** The input as [N, C, …positions]. */
export function channelsFirst(call: Call): string {
  return formatOf(call.settings) === 'channels_last'
    ? call.canvas.first(call.x, call.name).name
    : call.plain();
}

/** A value [N, C, …positions], as what the layer gives. */
export function inFormat(call: Call, name: string): Value {
  return { name, order: formatOf(call.settings) === 'channels_last' ? 'first' : 'keras' };
}
