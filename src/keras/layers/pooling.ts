// Keras' pooling, over windows and over all positions.
import type { Call, Kind } from '../call.ts';
import { channelsFirst, inFormat } from './formats.ts';

const OPS = { max: ['MaxPool', 'GlobalMaxPool'], average: ['AveragePool', 'GlobalAveragePool'] } as const;

/** Padding 'same' counts for neither the maximum nor the average. */
const pooling = (of: keyof typeof OPS, rank: number): Kind => ({
  draw: (call) => {
    const { settings } = call;
    const kernel_shape = settings.extents('pool_size', rank, 2);
    const same = settings.word('padding', ['valid', 'same'] as const) === 'same';
    const attributes = {
      kernel_shape,
      strides: settings.extents('strides', rank, kernel_shape),
      ...(same && { auto_pad: 'SAME_UPPER' }),
    };
    return inFormat(call, call.emit(OPS[of][0], [channelsFirst(call)], attributes));
  },
});

const globalPooling = (of: keyof typeof OPS): Kind => ({
  draw: (call: Call) => {
    const pooled = call.emit(OPS[of][1], [channelsFirst(call)]);
    if (call.settings.flag('keepdims', false)) return inFormat(call, pooled);
    return { name: call.emit('Flatten', [pooled], { axis: 1 }, 'flat'), order: 'keras' };
  },
});

export const POOLING: Readonly<Record<string, Kind>> = {
  MaxPooling1D: pooling('max', 1),
  MaxPooling2D: pooling('max', 2),
  AveragePooling1D: pooling('average', 1),
  AveragePooling2D: pooling('average', 2),
  GlobalMaxPooling1D: globalPooling('max'),
  GlobalMaxPooling2D: globalPooling('max'),
  GlobalAveragePooling1D: globalPooling('average'),
  GlobalAveragePooling2D: globalPooling('average'),
};
