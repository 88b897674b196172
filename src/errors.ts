// The one error hierarchy: every failure a user can cause says what, expected, got and what to do.

/** The parts of an error's text. Only `what` is required; the others are added where they are known. */
export interface ErrorParts {
  /** What is wrong, and with what: "clip.wav: not a WAV file". */
  what: string;
  /** What would have been accepted. */
  expected?: string;
  /** What was found instead. */
  got?: string;
  /** What the user can do about it. */
  todo?: string;
  /** The error underneath, if any. */
  cause?: unknown;
}

/** Base of all errors that Earmark raises on purpose; its message is one line, without a stack worth printing. */
export class EarmarkError extends Error {
  // Written out, as in every class below: a minified bundle renames classes.
  override readonly name: string = 'EarmarkError';
  readonly parts: ErrorParts;

  constructor(parts: ErrorParts | string) {
    const p = typeof parts === 'string' ? { what: parts } : parts;
    const found = [p.expected && `expected ${p.expected}`, p.got && `got ${p.got}`]
      .filter(Boolean)
      .join(', ');
    const sentence = found ? `${p.what}: ${found}` : p.what;
    super(oneLine(p.todo ? `${sentence.replace(/[.]$/, '')}. ${p.todo}` : sentence), { cause: p.cause });
    this.parts = p;
  }
}

/** A recording that cannot be decoded, or holds nothing that can be used. */
export class AudioError extends EarmarkError {
  override readonly name: string = 'AudioError';
}
/** A folder of recordings, a label or a split that does not fit together. */
export class CorpusError extends EarmarkError {
  override readonly name: string = 'CorpusError';
}
/** Feature settings that contradict each other or the signal. */
export class FeatureError extends EarmarkError {
  override readonly name: string = 'FeatureError';
}
/** A graph that is not valid ONNX, or uses what a pass cannot handle. */
export class GraphError extends EarmarkError {
  override readonly name: string = 'GraphError';
}
/** A model file that lacks what is asked of it: labels, feature settings, a classifier's output. */
export class ModelError extends EarmarkError {
  override readonly name: string = 'ModelError';
}
/** Training that cannot start or go on. */
export class TrainingError extends EarmarkError {
  override readonly name: string = 'TrainingError';
}
/** An unknown explanation method, rule or parameter. */
export class MethodError extends EarmarkError {
  override readonly name: string = 'MethodError';
}
/** A file or folder that cannot be read or written. */
export class FileError extends EarmarkError {
  override readonly name: string = 'FileError';
}
/** A command line that cannot be understood. */
export class UsageError extends EarmarkError {
  override readonly name: string = 'UsageError';
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').trim();
}
