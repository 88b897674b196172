// Keras' layers that rearrange, pad, cut or repeat, and those that do nothing at inference.
import { ModelError } from '../../errors.ts';
import { int64s } from '../../graph/types.ts';
import type { Call, Kind } from '../call.ts';
import type { Value } from '../canvas.ts';
import { channelsFirst, formatOf, inFormat } from './formats.ts';

/** To a vector, channels last; drawn as they stand where they come first, which a dense layer after it takes into account. */
const FLATTEN: Kind = {
  draw: (call) => {
    const { x, canvas } = call;
    if (canvas.dims(x).length < 2) return x;
    const moved = formatOf(call.settings) === 'channels_first';
    const from = moved ? call.plain() : x.name;
    const dims = canvas.extents(from);
    // With one channel, or one position, the order is the same.
    const differs = dims[0] > 1 && dims.slice(1).some((d) => d > 1);
    const order = (moved || x.order === 'first') && differs ? { flat: dims } : 'keras';
    return { name: call.emit('Flatten', [from], { axis: 1 }), order };
  },
};

const RESHAPE: Kind = {
  draw: (call) => {
    const target = call.settings.list('target_shape', []);
    const size = call.canvas.dims(call.x).reduce((a, b) => a * b, 1);
    const known = target.reduce((a, d) => (d > 0 ? a * d : a), 1);
    if (size % known > 0 || (!target.includes(-1) && size !== known)) {
      call.settings.refuse('target_shape', `${size} elements`);
    }
    const shape = target.map((d) => (d > 0 ? d : size / known));
    return { name: call.emit('Reshape', [call.plain(), int64s([0, ...shape])]), order: 'keras' };
  },
};

const PERMUTE: Kind = {
  draw: (call) => {
    const dims = call.settings.list('dims', []);
    const rank = call.canvas.dims(call.x).length;
    if (dims.toSorted((a, b) => a - b).join() !== Array.from({ length: rank }, (_, i) => i + 1).join()) {
      call.settings.refuse('dims', `each of 1 to ${rank} once`);
    }
    return { name: call.emit('Transpose', [call.plain()], { perm: [0, ...dims] }), order: 'keras' };
  },
};

const zeroPadding = (rank: number): Kind => ({
  draw: (call) => {
    const margins = call.settings.margins('padding', rank, 1);
    const [begin, end] = [0, 1].map((side) => [0, 0, ...margins.map((margin) => margin[side])]);
    return inFormat(call, call.emit('Pad', [channelsFirst(call), int64s([...begin, ...end])]));
  },
});

const cropping = (rank: number): Kind => ({
  draw: (call) => {
    const margins = call.settings.margins('cropping', rank, rank === 1 ? 1 : 0);
    const x = channelsFirst(call);
    const [, ...positions] = call.canvas.extents(x);
    const starts = margins.map(([before]) => before);
    const ends = margins.map(([, after], i) => positions[i] - after);
    if (ends.some((end, i) => end <= starts[i])) {
      call.settings.refuse('cropping', `less than the input, [${positions.join(', ')}]`);
    }
    const axes = margins.map((_, i) => i + 2);
    return inFormat(call, call.emit('Slice', [x, int64s(starts), int64s(ends), int64s(axes)]));
  },
});

/** Each position `size` times, along each axis. */
const upSampling = (rank: number): Kind => ({
  draw: (call) => {
    call.settings.word('interpolation', ['nearest']);
    const size = call.settings.extents('size', rank, 2);
    const x = channelsFirst(call);
    const [channels, ...positions] = call.canvas.extents(x);
    const apart = call.emit(
      'Reshape',
      [x, int64s([0, channels, ...positions.flatMap((n) => [n, 1])])],
      {},
      'apart',
    );
    const repeated = call.emit(
      'Tile',
      [apart, int64s([1, 1, ...size.flatMap((n) => [1, n])])],
      {},
      'repeated',
    );
    const whole = positions.map((n, i) => n * size[i]);
    return inFormat(call, call.emit('Reshape', [repeated, int64s([0, channels, ...whole])]));
  },
});

const REPEAT_VECTOR: Kind = {
  draw: (call) => {
    const n = call.settings.number('n', 1);
    const [width, ...more] = call.canvas.dims(call.x);
    if (more.length > 0)
      throw new ModelError({ what: `${call.settings.where}: its input`, expected: 'a vector' });
    const apart = call.emit('Reshape', [call.plain(), int64s([0, 1, width])], {}, 'apart');
    return { name: call.emit('Tile', [apart, int64s([1, n, 1])]), order: 'keras' };
  },
};

const IDLE: Kind = { draw: (call: Call): Value => call.x, idle: true };

export const ARRANGING: Readonly<Record<string, Kind>> = {
  Flatten: FLATTEN,
  Reshape: RESHAPE,
  Permute: PERMUTE,
  ZeroPadding1D: zeroPadding(1),
  ZeroPadding2D: zeroPadding(2),
  Cropping1D: cropping(1),
  Cropping2D: cropping(2),
  UpSampling1D: upSampling(1),
  UpSampling2D: upSampling(2),
  RepeatVector: REPEAT_VECTOR,
  Dropout: IDLE,
  SpatialDropout1D: IDLE,
  SpatialDropout2D: IDLE,
  AlphaDropout: IDLE,
  GaussianDropout: IDLE,
  GaussianNoise: IDLE,
  ActivityRegularization: IDLE,
  Identity: IDLE,
};
