// The speakers of AudioMNIST's published folds: data, as its authors' audiomnist/train/splits.py lists them.
// Source: https://github.com/soerenab/AudioMNIST; Becker et al., "AudioMNIST: Exploring Explainable Artificial Intelligence
// for audio analysis on a simple benchmark", Journal of the Franklin Institute 361(1), 2024.

/** Groups of speakers, and which of them train, validate and test in each fold (a letter to a group). */
export interface PublishedFolds {
  readonly groups: Readonly<Record<string, readonly number[]>>;
  readonly folds: readonly { readonly train: string; readonly validation: string; readonly test: string }[];
}

/** Five folds of all 60 speakers, 36 to train, 12 to validate, 12 to test. */
const digit: PublishedFolds = {
  groups: {
    A: [28, 56, 7, 19, 35, 1, 6, 16, 23, 34, 46, 53],
    B: [36, 57, 9, 24, 37, 2, 8, 17, 29, 39, 48, 54],
    C: [43, 58, 14, 25, 38, 3, 10, 20, 30, 40, 49, 55],
    D: [12, 47, 59, 15, 27, 41, 4, 11, 21, 31, 44, 50],
    E: [26, 52, 60, 18, 32, 42, 5, 13, 22, 33, 45, 51],
  },
  folds: [
    { train: 'ABC', validation: 'D', test: 'E' },
    { train: 'BCD', validation: 'E', test: 'A' },
    { train: 'CDE', validation: 'A', test: 'B' },
    { train: 'DEA', validation: 'B', test: 'C' },
    { train: 'EAB', validation: 'C', test: 'D' },
  ],
};

/** Four folds of the 12 women and 12 of the men, 12 to train, 6 to validate, 6 to test; in each group the women come first. */
const sex: PublishedFolds = {
  groups: {
    a: [36, 47, 56, 2, 44, 50],
    b: [26, 12, 57, 25, 37, 45],
    c: [43, 28, 52, 48, 53, 41],
    d: [58, 59, 60, 7, 23, 38],
  },
  folds: [
    { train: 'ab', validation: 'c', test: 'd' },
    { train: 'bc', validation: 'd', test: 'a' },
    { train: 'cd', validation: 'a', test: 'b' },
    { train: 'da', validation: 'b', test: 'c' },
  ],
};

/** By the kind of split. */
export const audiomnistFolds = { 'audiomnist-digit': digit, 'audiomnist-sex': sex } as const;
