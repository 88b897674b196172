// Writes SVG as text: elements, escaped labels, and the sheet that every figure is drawn on.
import { ink, paper } from './colours.ts';

/** A finished picture and the numbers behind it; `data` survives `JSON.stringify`. Sizes are in CSS pixels (1/96 inch). */
export interface Figure<Data> {
  svg: string;
  width: number;
  height: number;
  data: Data;
}

export type Attributes = Record<string, string | number | undefined>;

/** Family of the font in assets/fonts, with what to take where it is not installed. */
const fontFamily = "'Source Sans 3', 'Source Sans Pro', 'Helvetica Neue', Arial, sans-serif";

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Any string as the text of an element or the value of an attribute, in XML and HTML; what XML cannot hold becomes U+FFFD. */
export function escapeText(text: string): string {
  return text
    .replace(/[\p{Surrogate}\p{Noncharacter_Code_Point}\p{Control}]/gu, (c) =>
      /[\t\n\r]/.test(c) ? ' ' : '\uFFFD',
    )
    .replace(/[&<>"']/g, (c) => entities[c]!);
}

/** `<name attributes>children</name>`; attributes that are undefined are left out, numbers are rounded to 1/100. */
export function element(name: string, attributes: Attributes, ...children: string[]): string {
  const list = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(
      ([key, value]) =>
        ` ${key}="${typeof value === 'number' ? Math.round(value * 100) / 100 : escapeText(value!)}"`,
    );
  const open = name + list.join('');
  return children.length > 0 ? `<${open}>${children.join('')}</${name}>` : `<${open}/>`;
}

export interface TextStyle {
  size?: number;
  weight?: number;
  fill?: string;
  anchor?: 'start' | 'middle' | 'end';
  /** Turned about its own position, in degrees clockwise. */
  rotate?: number;
}

/** A line of text whose baseline starts, is centred or ends at (x, y). */
export function text(x: number, y: number, content: string, style: TextStyle = {}): string {
  const round = (v: number) => Math.round(v * 100) / 100;
  return element(
    'text',
    {
      x,
      y,
      'font-size': style.size,
      'font-weight': style.weight,
      fill: style.fill,
      'text-anchor': style.anchor === 'start' ? undefined : style.anchor,
      transform: style.rotate === undefined ? undefined : `rotate(${style.rotate} ${round(x)} ${round(y)})`,
    },
    escapeText(content),
  );
}

export function line(x1: number, y1: number, x2: number, y2: number, style: Attributes = {}): string {
  return element('line', { x1, y1, x2, y2, stroke: ink.axis, 'stroke-width': 0.75, ...style });
}

export function rect(x: number, y: number, width: number, height: number, style: Attributes = {}): string {
  return element('rect', { x, y, width, height, ...style });
}

/** A picture of pixels, given as a data URI, with hard edges between them. */
export function image(x: number, y: number, width: number, height: number, href: string): string {
  const box = { x, y, width, height, preserveAspectRatio: 'none' };
  return element('image', { ...box, 'image-rendering': 'optimizeSpeed', href });
}

/** Moves what it holds. */
export function group(x: number, y: number, ...children: string[]): string {
  return element(
    'g',
    { transform: `translate(${Math.round(x * 100) / 100} ${Math.round(y * 100) / 100})` },
    ...children,
  );
}

/** Width of a text in pixels, from rounded advance widths of the font (em); good to some per cent. */
export function textWidth(content: string, size: number): number {
  let em = 0;
  for (const c of content) {
    if (/[ijlI.,:;|!'’‘() ]/.test(c)) em += 0.27;
    else if (/[mwMW@%—…]/.test(c)) em += 0.82;
    else if (/[A-Z&Σ“”]/.test(c)) em += 0.58;
    else em += c > '\u2e80' ? 1 : 0.5;
  }
  return em * size;
}

/** The text, or its two ends around an ellipsis where it is wider than `width`. */
export function fitText(content: string, width: number, size: number): string {
  let characters = [...content];
  if (textWidth(content, size) <= width) return content;
  while (characters.length > 2 && textWidth(`${characters.join('')}…`, size) > width) {
    characters = characters.toSpliced(Math.floor(characters.length / 2), 1);
  }
  const middle = Math.ceil(characters.length / 2);
  return `${characters.slice(0, middle).join('')}…${characters.slice(middle).join('')}`;
}

/** Parts joined by middle dots into lines no wider than `width`. */
export function wrapParts(parts: readonly string[], width: number, size: number): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const joined = lines.length > 0 ? `${lines.at(-1)} · ${part}` : part;
    if (lines.length > 0 && textWidth(joined, size) <= width) lines[lines.length - 1] = joined;
    else lines.push(fitText(part, width, size));
  }
  return lines;
}

/** Drawings one below the other. */
export function below(
  bodies: readonly { width: number; height: number; svg: string }[],
  gap: number,
): { width: number; height: number; svg: string } {
  const tops = bodies.map((_, i) => bodies.slice(0, i).reduce((y, body) => y + body.height + gap, 0));
  return {
    svg: bodies.map((body, i) => (i === 0 ? body.svg : group(0, tops[i]!, body.svg))).join(''),
    width: Math.max(...bodies.map((body) => body.width)),
    height: tops.at(-1)! + bodies.at(-1)!.height,
  };
}

/** A white sheet with a heading at its top left; `body` is placed below the heading. */
export function sheet(
  heading: { title: string; subtitle?: readonly string[] },
  body: { width: number; height: number; svg: string },
): { svg: string; width: number; height: number } {
  const margin = 14;
  // A small drawing does not cut its title.
  const inner = Math.max(body.width, Math.min(520, textWidth(heading.title, 16.8)));
  const width = Math.ceil(inner + 2 * margin);
  const lines = wrapParts(heading.subtitle ?? [], inner, 12.6);
  const top = margin + 22 + lines.length * 16 + 8;
  const height = Math.ceil(top + body.height + margin);
  const svg = element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      role: 'img',
      'aria-label': heading.title,
      'font-family': fontFamily,
      'font-size': 11,
      fill: ink.text,
    },
    // SVG 1.1's optimizeSpeed is what resvg takes for hard pixel edges; browsers want CSS's word.
    '<style>@supports (image-rendering:pixelated){image{image-rendering:pixelated}}</style>',
    rect(0, 0, width, height, { fill: paper }),
    text(margin, margin + 14, fitText(heading.title, inner, 16.8), { size: 16, weight: 600 }),
    ...lines.map((l, i) => text(margin, margin + 33 + 16 * i, l, { size: 12, fill: ink.muted })),
    group(margin, top, body.svg),
  );
  return { svg, width, height };
}
