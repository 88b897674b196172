// Recognises audio files by their first bytes, so that an error can name what a file is.

const signatures: [name: string, offset: number, magic: string][] = [
  ['FLAC', 0, 'fLaC'],
  ['Ogg', 0, 'OggS'],
  ['MP3', 0, 'ID3'],
  ['MP3', 0, '\xff\xfb'],
  ['MP3', 0, '\xff\xf3'],
  ['MP3', 0, '\xff\xf2'],
  ['MP4/AAC', 4, 'ftyp'],
  ['AAC', 0, '\xff\xf1'],
  ['AAC', 0, '\xff\xf9'],
  ['AIFF', 0, 'FORM'],
  ['AU', 0, '.snd'],
  ['CAF', 0, 'caff'],
  ['WebM/Matroska', 0, '\x1a\x45\xdf\xa3'],
  ['WMA', 0, '\x30\x26\xb2\x75'],
  ['Wave64', 0, 'riff'],
  ['big-endian WAV (RIFX)', 0, 'RIFX'],
  ['NIST SPHERE', 0, 'NIST_1A'],
  ['AMR', 0, '#!AMR'],
];

/** The name of a known audio format that is not WAV, by its signature; null where none fits. */
export function otherContainer(bytes: Uint8Array): string | null {
  const head = String.fromCharCode(...bytes.subarray(0, 16));
  return signatures.find(([, offset, magic]) => head.startsWith(magic, offset))?.[0] ?? null;
}
