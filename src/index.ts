// The public API in Node: what runs anywhere, and what reads files or calls native code.
// biome-ignore-all assist/source/organizeImports: the order is the pipeline's, not the alphabet's

export * from './everywhere.ts';

export { makeFolder, readBytes, writeFileAtomic } from './files/atomic.ts';
export { type ReadOptions, readAudio } from './audio/read.ts';
export { type AudioStream, type StreamOptions, streamAudio } from './audio/stream.ts';
export { type DownloadOptions, download } from './corpus/download.ts';
export { embeddedCorpusPath, loadEmbedded } from './corpus/embedded.ts';
export { loadCorpus } from './corpus/load.ts';
export type { ManifestOptions } from './corpus/manifest.ts';
export { resolveFolds, resolveSplit } from './corpus/split-file.ts';
export { type UnpackOptions, unpack } from './corpus/unpack.ts';
export { cacheFolder, pruneCache } from './hearing/cache.ts';
export { type HearOptions, hearRecordings, measureRecordings } from './hearing/hear.ts';
export { BatchThreads, type KeptRecording } from './hearing/batches.ts';
export type { PoolOptions } from './hearing/pool.ts';
export type { Heard as HeardRecording, Recording } from './hearing/task.ts';
export { type ModelFile, readModelFile, readOnnx } from './model/read.ts';
export { readNetwork } from './model/read-network.ts';
export { nodeRuntime, openRuntime } from './runtime/node.ts';
export { fontFaces } from './report/fonts.ts';
export { type PngOptions, svgToPng } from './report/png.ts';
