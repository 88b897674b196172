// The part of the public API that runs anywhere, in a browser too, in the order of the pipeline.
// biome-ignore-all assist/source/organizeImports: the order is the pipeline's, not the alphabet's

export * from './errors.ts';

// files: NumPy's arrays
export { decodeNpy, encodeNpy, type NpyArray, type NpyDtype, type NpyTypes } from './files/npy.ts';
export { decodeNpz, encodeNpz } from './files/npz.ts';

// audio: bytes to samples
export { type Audio, assertAudible, makeAudio } from './audio/audio.ts';
export { decodeAudio } from './audio/decode.ts';
export type { AudioLimits } from './audio/limits.ts';
export { type Measured, measure as measureAudio } from './audio/measure.ts';
export { createResampler, type Resampler, resample } from './audio/resample.ts';
export type { ByteSource } from './audio/source.ts';
export { decodeWav, encodeWav } from './audio/wav.ts';

// corpus: labelled clips, and a training and a test side
export { audit, type Finding, type FindingKind, type Found as AuditedClip } from './corpus/audit.ts';
export { type PublicCorpus, publicCorpora } from './corpus/catalogue.ts';
export { type Clip, type Corpus, type Layout, labelsOf, speakersOf } from './corpus/clip.ts';
export { foldsOf, type SplitName } from './corpus/folds.ts';
export {
  describeSplit,
  type Fold,
  type Split,
  type SplitKind,
  speakerSides,
  splitOfKept,
} from './corpus/split.ts';
export { defaultSplit, type SplitOptions, splitCorpus } from './corpus/split-kinds.ts';
export { type Validation, validationSplit } from './corpus/validation.ts';

// features: samples to matrices, by librosa's names
export { type FittedClip, fitClip } from './features/clip.ts';
export { type DctNorm, type DctOptions, type DctType, dct } from './features/dct.ts';
export { amplitudeToDb, type DecibelOptions, powerToDb } from './features/decibel.ts';
export {
  type Axis,
  fromLayout,
  inputDims,
  type InputLayout,
  toLayout,
} from './features/layout.ts';
export { type InputRange, inputRange } from './features/range.ts';
export {
  binFrequencies,
  frameTimes,
  inputFromMelPower,
  inputShape,
  melPower,
  modelInput,
  paddedFrames,
} from './features/input.ts';
export { type IstftOptions, istft } from './features/istft.ts';
export type { Matrix } from './features/matrix.ts';
export {
  hzToMel,
  type MelNorm,
  type MelOptions,
  type MelspectrogramOptions,
  melFilters,
  melFrequencies,
  melspectrogram,
  melToHz,
} from './features/mel.ts';
export { type CepstrumOptions, type MfccOptions, mfcc } from './features/mfcc.ts';
export type { PadMode, Signal } from './features/pad.ts';
export {
  defaultFeatures,
  FEATURE_KINDS,
  type FeatureKind,
  type FeatureSettings,
  parseFeatureSettings,
  relevantSettings,
  SCALINGS,
} from './features/settings.ts';
export { type ComplexMatrix, type StftOptions, spectrogram, stft } from './features/stft.ts';
export { getWindow, windowNames } from './features/window.ts';

// graph: computation as ONNX
export { GraphBuilder, type Operand } from './graph/builder.ts';
export { gradient } from './graph/gradient.ts';
export { type DecodeOptions, decodeOnnx, type External, encodeOnnx } from './graph/onnx.ts';
export type { Attributes, OpName } from './graph/ops.ts';
export { print } from './graph/print.ts';
export {
  type Dim,
  type DType,
  type Graph,
  type Node,
  type NodeOf,
  type Shape,
  type Tensor,
  tensor,
  type ValueInfo,
  type ValueType,
} from './graph/types.ts';
export { verify } from './graph/verify.ts';

// keras: what Keras saves to graphs
export {
  type ImportedLayer,
  importKeras,
  type KerasImport,
  type KerasImportOptions,
} from './keras/import.ts';

// runtime: graphs to numbers
export {
  DEVICES,
  type Device,
  float32,
  int64,
  type Runtime,
  type RuntimeTensor,
  type Session,
  type SessionOptions,
  type Tensors,
} from './runtime/runtime.ts';

// model: layers to a classifier that knows its labels and features
export {
  ARCHITECTURES,
  type Architecture,
  type ArchitectureName,
  architecture,
  architectureOf,
  architectures,
  type Listens,
} from './model/architectures.ts';
export { multiplyAdds, parameterCount } from './model/count.ts';
export type { Layer, Mask, Network, Parameter } from './model/layers.ts';
export { type FinalActivation, type Logits, logitsOf, probabilitiesOf } from './model/logits.ts';
export {
  type AudioModel,
  type Description,
  decodeModel,
  describedModel,
  descriptionOf,
  encodeModel,
} from './model/model-file.ts';
export { classifier, initialWeights, parametersOf, type Weights } from './model/network.ts';
export { type NetworkOf, parseNetwork } from './model/network-json.ts';

// augmentation: recordings varied, and as the examples of a fit
export { augmentedInput } from './augmentation/augmented.ts';
export { type Examples, examplesInMemory } from './augmentation/examples.ts';
export {
  AUGMENTATIONS,
  type Augmentation,
  augmentationFromText,
  parseAugmentation,
} from './augmentation/settings.ts';

// training: examples to weights, and how good they are
export { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from './training/checkpoint.ts';
export { evaluate } from './training/evaluate.ts';

export {
  type Epoch,
  FIT,
  type FitOptions,
  type FitProgress,
  type FitSurroundings,
  type Fitted,
  fit,
} from './training/fit.ts';
export { type Calibration, calibration, type Forecast, type ReliabilityBin } from './training/calibration.ts';
export { type Interval, wilson } from './training/interval.ts';
export { type ClassScore, type Classified, type Metrics, measure, type Tally } from './training/metrics.ts';
export {
  type FoldSpread,
  type FoldsSummary,
  summariseFolds,
  type TestedFold,
} from './training/metrics-folds.ts';
export { type Mix, type TargetOptions, targets } from './training/loss.ts';
export { type Adam, type AdamW, OPTIMIZERS, type Optimizer, type Sgd } from './training/optimizers.ts';
export { type Course, learningRate, type Schedule } from './training/schedule.ts';
export { RECIPES, type Recipe } from './training/recipes.ts';
export { compileStep, type Step, type StepOptions } from './training/step.ts';

// relevance: a classifier to its explanation
export { type CompileOptions, compile, type Explanation, type LayerRelevance } from './relevance/compile.ts';
export { type Composite, parseComposite } from './relevance/composite.ts';
export {
  type Explained,
  Explainer,
  type ExplainerOptions,
  type ExplainOptions,
  PREDICTED,
  RUNNER_UP,
} from './relevance/explainer.ts';
export { Explainers } from './relevance/explainers.ts';
export { type InspectedNode, type Inspection, inspect } from './relevance/inspect.ts';
export { type Ledger, type LedgerLayer, type LedgerRow, readLedger } from './relevance/ledger.ts';
export { DEFAULT_METHOD, type Method, type MethodEntry, methods, parseMethod } from './relevance/method.ts';
export {
  type CompileFileOptions,
  compileFile,
  EXPLANATION_KEY,
  type ExplanationFacts,
  type PortableExplanation,
} from './relevance/portable.ts';
export type { Rule, RuleName } from './relevance/rules.ts';

// hertz: relevance in hertz and seconds, and in which bands it lies
export {
  dftRelevance,
  type PerUnit,
  perUnitOf,
  type ShortTimeOptions,
  type ShortTimeRelevance,
  shortTimeRelevance,
} from './hertz/dft.ts';
export { defaultMethodOf } from './hertz/default-method.ts';
export { type CarriedBack, type HertzStep, throughFrontEnd } from './hertz/front-end.ts';
export type { Books } from './hertz/linear.ts';
export {
  type Listening,
  type ListenOptions,
  listen,
  masked,
  type Sound,
  type SoundName,
} from './hertz/listen.ts';
export { type Masks, relevanceMasks } from './hertz/mask.ts';
export { type BandShare, type Profile, profileOf } from './hertz/profile.ts';
export { type Heard, type Spectrum, spectrumOf } from './hertz/spectrum.ts';

// analysis: many explanations to what they have in common
export { type Band, bandEdges, frequencyBands } from './analysis/bands.ts';
export type { Comparison, GroupShares, ShareDifference } from './analysis/comparison.ts';
export type { Cells, ClipExplanation } from './analysis/explained.ts';
export { correlation, type Shares, sharesOf } from './analysis/shares.ts';
export type { Difference, Spread } from './analysis/statistics.ts';
export {
  type Analysis,
  type AnalysisSettings,
  analyse,
  type ClassBands,
  type ContrastWithTrue,
  type MeasuredClip,
  measureClip,
  summarise,
} from './analysis/summary.ts';
export {
  type ClipFrames,
  classTrack,
  overlapAdd,
  type RelevanceLine,
  type TimeColumns,
} from './analysis/timeline.ts';
export { type SlidingWindow, slidingWindows, type WindowOptions } from './analysis/windows.ts';

// report: explanations to pictures and a page
export type { Accuracy, AccuracyRow } from './report/accuracy.ts';
export { type BandsData, bandsFigure, type CorrectWrongData, correctWrongFigure } from './report/bands.ts';
export type { ClipData, ClipPicture, Grid, MapData } from './report/clip.ts';
export { type ConfusionData, confusionFigure } from './report/confusion.ts';
export { type LearningCurvesOptions, learningCurvesFigure } from './report/curves.ts';
export {
  type ClassRelevance,
  type ComparisonPicture,
  comparisonFigure,
  describePrediction,
  type ExplanationData,
  type ExplanationPicture,
  explanationFigure,
  type Prediction,
  type RelevanceMap,
} from './report/explanation.ts';
export { describeSpread, type FoldsData, foldsFigure } from './report/folds.ts';
export { demoPage, type Page, type PageFigure, type PageSection, type PageTable } from './report/page.ts';
export { type ReliabilityData, reliabilityFigure } from './report/reliability.ts';
export { type SpeakersData, speakersFigure } from './report/speakers.ts';
export { spectrumMap } from './report/spectrum.ts';
export type { Figure } from './report/svg.ts';
export { type TimelineData, type TimelinePicture, timelineFigure } from './report/timeline.ts';
export { type WaveformData, type WaveformPicture, waveformFigure } from './report/waveform.ts';
