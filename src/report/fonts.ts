// The font that ships in assets/fonts (Source Sans 3, SIL Open Font License), for PNG files and for pages. Node only.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { FileError } from '../errors.ts';

/** Paths of the TrueType files: regular and semi-bold. */
export function fontFiles(): string[] {
  return ['SourceSans3-Regular.ttf', 'SourceSans3-SemiBold.ttf'].map(shipped);
}

/** CSS that holds the font for Latin and Greek letters, so that a page shows its figures as they were drawn. */
export function fontFaces(): string {
  const ranges = {
    'SourceSans3-Latin.woff2':
      'U+0000-00FF,U+0131,U+0152-0153,U+02C6,U+02DA,U+02DC,U+2000-206F,U+20AC,U+2122,U+2212,U+FFFD',
    'SourceSans3-Greek.woff2': 'U+0370-0377,U+037A-037F,U+0384-038A,U+038C,U+038E-03A1,U+03A3-03FF',
  };
  const faces = Object.entries(ranges).map(([name, range]) => {
    const data = readFileSync(shipped(name)).toString('base64');
    const source = `url(data:font/woff2;base64,${data}) format('woff2')`;
    return `@font-face { font-family: 'Source Sans 3'; font-weight: 200 900; src: ${source}; unicode-range: ${range}; }`;
  });
  return faces.join('\n');
}

/** assets/fonts lies two folders up from the sources and one up from the build. */
function shipped(name: string): string {
  const places = ['../../assets/fonts/', '../assets/fonts/'].map((f) =>
    fileURLToPath(new URL(f + name, import.meta.url)),
  );
  const found = places.find((file) => existsSync(file));
  if (!found)
    throw new FileError({ what: `${places[0]}: font file is missing`, todo: 'Install the package again.' });
  return found;
}
