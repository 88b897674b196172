// Configurations of Keras 1 in the words of Keras 2.
import { ModelError } from '../errors.ts';
import { isJson, type Json } from './settings.ts';

/** Layers that were called otherwise; of those with a rank, axes are listed one by one in Keras 1. */
const CLASSES: Readonly<Record<string, string>> = {
  Convolution1D: 'Conv1D',
  Convolution2D: 'Conv2D',
  AtrousConvolution1D: 'Conv1D',
  AtrousConvolution2D: 'Conv2D',
  SeparableConvolution2D: 'SeparableConv2D',
};
const MERGES: Readonly<Record<string, string>> = {
  sum: 'Add',
  mul: 'Multiply',
  ave: 'Average',
  max: 'Maximum',
  concat: 'Concatenate',
};
const SETTINGS: Readonly<Record<string, string>> = {
  nb_filter: 'filters',
  subsample: 'strides',
  subsample_length: 'strides',
  stride: 'strides',
  filter_length: 'kernel_size',
  pool_length: 'pool_size',
  border_mode: 'padding',
  atrous_rate: 'dilation_rate',
  bias: 'use_bias',
  output_dim: 'units',
  concat_axis: 'axis',
  length: 'size',
};
const FORMATS: Readonly<Record<string, string>> = { tf: 'channels_last', th: 'channels_first' };

/**
 * A model's configuration, with each layer as Keras 2 would write it.
 * @param name how errors call the file
 * @throws ModelError where a layer means what Keras 2 has no words for
 */
export function upgraded(config: Json, name: string): Json {
  const { class_name: className, config: settings } = config;
  const layers = isJson(settings) ? settings.layers : settings;
  if (Array.isArray(layers)) {
    const each = layers.map((layer) => (isJson(layer) ? upgraded(layer, name) : layer));
    return { ...config, config: isJson(settings) ? { ...settings, layers: each } : each };
  }
  if (typeof className !== 'string' || !isJson(settings)) return config;
  const words = Object.entries(settings).map(([key, value]) => [SETTINGS[key] ?? key, value] as const);
  const own: Record<string, unknown> = Object.fromEntries(words);
  const where = `${name}: ${className} "${settings.name}"`;
  if (settings.nb_row !== undefined) own.kernel_size = [settings.nb_row, settings.nb_col];
  if (typeof settings.dim_ordering === 'string') own.data_format = FORMATS[settings.dim_ordering];
  if (own.data_format === 'channels_first' && own.filters !== undefined) {
    throw refused(
      `${where}: dim_ordering`,
      'tf',
      'th, in which Keras 1 kept kernels in the order of its backend',
    );
  }
  if (className === 'BatchNormalization' && settings.mode !== 0) {
    throw refused(`${where}: mode`, '0', JSON.stringify(settings.mode));
  }
  if (className !== 'Merge') return { ...config, class_name: CLASSES[className] ?? className, config: own };
  const merge = MERGES[String(settings.mode)];
  if (!merge) throw refused(`${where}: mode`, Object.keys(MERGES).join(', '), JSON.stringify(settings.mode));
  return { ...config, class_name: merge, config: own };
}

function refused(what: string, expected: string, got: string): ModelError {
  return new ModelError({
    what,
    expected,
    got,
    todo: 'Load the model in Keras 2 (2.0 to 2.3), and save it again.',
  });
}
