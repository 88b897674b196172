// The public API in Node: what runs anywhere, and what reads files or calls native code.
// biome-ignore-all assist/source/organizeImports: the order is the pipeline's, not the alphabet's

export * from './everywhere.ts';

export { makeFolder, readBytes, writeFileAtomic } from './files/atomic.ts';
export { type ReadOptions, readAudio } from './audio/read.ts';
export { embeddedCorpusPath, loadEmbedded } from './corpus/embedded.ts';
export { loadCorpus } from './corpus/load.ts';
export { resolveFolds, resolveSplit } from './corpus/split-file.ts';
export { type ModelFile, readModelFile, readOnnx } from './model/read.ts';
export { nodeRuntime } from './runtime/node.ts';
export { fontFaces } from './report/fonts.ts';
export { type PngOptions, svgToPng } from './report/png.ts';
