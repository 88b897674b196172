// Colours: a sequential map for levels, a diverging one for relevance, and the few inks of figures.
import { interpolateMagma } from 'd3-scale-chromatic';

/** Red, green and blue of sRGB, whole numbers from 0 to 255. */
export type Rgb = readonly [number, number, number];

export const paper = '#ffffff';
/** Text, secondary text, axes and grid lines. */
export const ink = { text: '#1a1a1a', muted: '#595959', axis: '#333333', grid: '#e3e3e3' } as const;
/** Two series told apart by hue in colour blindness and by lightness in grey print (Okabe & Ito 2008). */
export const series = { first: '#0072b2', second: '#e69f00' } as const;

const clamp = (v: number, low: number, high: number) => Math.min(high, Math.max(low, v));
const byte = (v: number) => Math.round(255 * clamp(v, 0, 1));

const magma: readonly Rgb[] = Array.from({ length: 256 }, (_, i) => {
  const rgb = Number.parseInt(interpolateMagma(i / 255).slice(1), 16);
  return [rgb >> 16, (rgb >> 8) & 255, rgb & 255];
});

/** Level from 0 (lowest, black) to 1 (highest, pale yellow): magma of matplotlib, whose lightness rises evenly. */
export function spectrogramColour(level: number): Rgb {
  return magma[Math.round(255 * clamp(level, 0, 1))]!;
}

/** Level from 0 (white) to 1 (mid grey): a ground that leaves room for colour on top of it. */
function groundColour(level: number): Rgb {
  const grey = byte(1 - 0.45 * clamp(level, 0, 1));
  return [grey, grey, grey];
}

/** Probability from 0 (white) to 1 (the blue of {@link series}). */
export function probabilityColour(probability: number): Rgb {
  const part = (full: number) => Math.round(255 + (full - 255) * clamp(probability, 0, 1));
  return [part(0), part(114), part(178)];
}

const hue = { red: 27, blue: 258 } as const;

/**
 * Relevance from −1 (blue) through 0 (exactly white) to +1 (red). Built in OKLCH with the same lightness and chroma on
 * both sides, so that equal amounts for and against look equally strong.
 */
export function relevanceColour(value: number): Rgb {
  const v = clamp(value, -1, 1);
  const amount = Math.abs(v);
  return oklch(
    1 - 0.56 * amount,
    0.155 * Math.sin(0.5 * Math.PI * amount) ** 0.9,
    v < 0 ? hue.blue : hue.red,
  );
}

/** Relevance from −1 to +1 as ink on a grey level from 0 to 1; its opacity is |relevance|^0.7. */
export function overlayColour(level: number, relevance: number): Rgb {
  const opacity = clamp(Math.abs(relevance), 0, 1) ** 0.7;
  const full = relevanceColour(0.9 * Math.sign(relevance));
  const mix = (under: number, over: number) => Math.round(under + (over - under) * opacity);
  const [r, g, b] = groundColour(level);
  return [mix(r, full[0]), mix(g, full[1]), mix(b, full[2])];
}

/** `#rrggbb`. */
export function hex([r, g, b]: Rgb): string {
  return `#${((r << 16) | (g << 8) | b).toString(16).padStart(6, '0')}`;
}

/** Black or white, whichever reads better on the colour (relative luminance, WCAG 2.2). */
export function textOn(colour: Rgb): string {
  const [r, g, b] = colour.map((v) =>
    v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4,
  );
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b! > 0.179 ? ink.text : paper;
}

/** OKLCH (lightness 0 to 1, chroma, hue in degrees) to sRGB; matrices of Ottosson 2020, https://bottosson.github.io/posts/oklab. */
function oklch(lightness: number, chroma: number, degrees: number): Rgb {
  const a = chroma * Math.cos((degrees * Math.PI) / 180);
  const b = chroma * Math.sin((degrees * Math.PI) / 180);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const gamma = (v: number) => byte(v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055);
  return [
    gamma(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    gamma(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    gamma(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}
