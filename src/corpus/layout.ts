// The layouts of recordings on disk that are recognised, and what a layout's reader finds.
import type { Clip, Layout } from './clip.ts';
import type { Listing } from './disk.ts';

/** What each layout looks like, as errors say it. */
export const layouts: Record<Layout, string> = {
  audiomnist: "AudioMNIST's (data/NN/D_NN_R.wav: digit D, speaker NN, repetition R)",
  fsdd: "the Free Spoken Digit Dataset's (D_SPEAKER_R.wav, or recordings/D_SPEAKER_R.wav)",
  'speech-commands': "Speech Commands' (WORD/HASH_nohash_N.wav: the speaker's hash, repetition N)",
  folders: 'a folder per class (CLASS/anything.wav)',
  manifest: 'a manifest (a CSV, TSV or JSONL file with the columns path and label)',
};

/** What a layout's reader found in a place. */
export interface Found {
  clips: Clip[];
  /** Recordings that do not lie or are not named as the layout wants. */
  leftOut: string[];
  /** What a user should know. */
  notes: string[];
  name?: string;
  synthetic?: boolean;
  testSpeakers?: string[];
}

/** Reads a layout where `place` has it, else `null`; `above` is the folder that holds `place`, if that may be read. */
export type LayoutReader = (place: Listing, above?: Listing) => Promise<Found | null>;
