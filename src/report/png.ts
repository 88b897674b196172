// SVG to PNG in Node, with the font that ships with the package: no font of the machine is looked at.
import { existsSync } from 'node:fs';
import { Resvg } from '@resvg/resvg-js';
import { FileError } from '../errors.ts';
import { fontFiles } from './fonts.ts';

export interface PngOptions {
  /** Pixels of the picture per CSS pixel of the figure; 2 gives 192 dpi at the figure's own size. */
  scale?: number;
  /** Further TTF or OTF files, for labels in scripts beyond Latin, Greek and Cyrillic. */
  fonts?: readonly string[];
}

/**
 * Draws an SVG.
 *
 * @returns the bytes of a PNG file, `scale` times as wide and high as the figure
 * @throws FileError where a font file is missing or the text is not SVG
 */
export function svgToPng(svg: string, { scale = 2, fonts = [] }: PngOptions = {}): Uint8Array {
  const missing = fonts.find((file) => !existsSync(file));
  if (missing) throw new FileError({ what: `${missing}: font file is missing` });
  const font = {
    loadSystemFonts: false,
    fontFiles: [...fontFiles(), ...fonts],
    defaultFontFamily: 'Source Sans 3',
  };
  try {
    return new Resvg(svg, { font, fitTo: { mode: 'zoom', value: scale } }).render().asPng();
  } catch (cause) {
    throw new FileError({ what: 'a figure could not be drawn as PNG', got: String(cause), cause });
  }
}
