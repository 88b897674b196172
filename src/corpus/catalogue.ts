// The public corpora that can be downloaded, and the facts about each that a user decides by.

/** A public corpus. */
export interface PublicCorpus {
  /** What is recorded. */
  readonly what: string;
  readonly clips: number;
  readonly classes: number;
  readonly speakers: number;
  /** Hz. */
  readonly sampleRate: number;
  readonly licence: string;
  /** Where its authors describe it. */
  readonly page: string;
  /** The archive: zip or tar.gz. */
  readonly url: string;
  /** Size of the archive. */
  readonly bytes: number;
  /** Whether size (and hash) are those of a fixed file; else estimated, as GitHub packs it anew and says no size. */
  readonly exact: boolean;
  /** Of the archive, where its bytes are fixed. */
  readonly sha256?: string;
  /** Most bytes that may come out of it. */
  readonly unpacked: number;
}

const MB = 1e6;

/**
 * Counts are those of the authors' descriptions. Size and hash of Speech Commands are those that TensorFlow Datasets and
 * torchaudio pin; FSDD's size is that of its 3,000 recordings, deflated; AudioMNIST's is a guess from their length.
 *
 * By the name that `earmark data` knows them by.
 */
export const publicCorpora: Readonly<Record<string, PublicCorpus>> = {
  audiomnist: {
    what: 'AudioMNIST: spoken English digits, 50 recordings of each by each speaker',
    clips: 30_000,
    classes: 10,
    speakers: 60,
    sampleRate: 48_000,
    licence: 'MIT',
    page: 'https://github.com/soerenab/AudioMNIST',
    url: 'https://github.com/soerenab/AudioMNIST/archive/refs/heads/master.zip',
    bytes: 1000 * MB,
    exact: false,
    unpacked: 8000 * MB,
  },
  fsdd: {
    what: 'Free Spoken Digit Dataset: spoken English digits, trimmed',
    clips: 3000,
    classes: 10,
    speakers: 6,
    sampleRate: 8000,
    licence: 'CC BY-SA 4.0',
    page: 'https://github.com/Jakobovski/free-spoken-digit-dataset',
    url: 'https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/v1.0.10.zip',
    bytes: 16 * MB,
    exact: false,
    unpacked: 400 * MB,
  },
  'speech-commands': {
    what: 'Speech Commands 0.02: single spoken English words of about 1 s',
    clips: 105_829,
    classes: 35,
    speakers: 2618,
    sampleRate: 16_000,
    licence: 'CC BY 4.0',
    page: 'https://arxiv.org/abs/1804.03209',
    url: 'https://storage.googleapis.com/download.tensorflow.org/data/speech_commands_v0.02.tar.gz',
    bytes: 2_428_923_189,
    exact: true,
    sha256: 'af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58',
    unpacked: 8000 * MB,
  },
};
