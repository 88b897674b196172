// Heat maps with axes in seconds and Hz and a colour bar each: side by side, or one below the other where time is long.
import { ink, type Rgb } from './colours.ts';
import { rasterUri } from './raster.ts';
import { element, fitText, group, image, line, rect, text, textWidth } from './svg.ts';
import { frequencyTicks, indexTicks, type Tick, timeTicks } from './ticks.ts';

/** What the rows and columns of all panels of a figure stand for. */
export interface PanelAxes {
  rows: number;
  columns: number;
  /** Centre of each frame in seconds. */
  times: ArrayLike<number>;
  /** Centre of each row in Hz, rising; null where rows are no frequencies. */
  frequencies: ArrayLike<number> | null;
  rowLabel: string;
}

export interface ColourBar {
  label: string;
  ticks: readonly Tick[];
  /** Colour at a height from 0 (bottom) to 1 (top), in one or more columns. */
  columns: readonly ((position: number) => Rgb)[];
}

export interface Panel {
  title: string;
  /** Colour of a cell; row 0 is drawn at the bottom. */
  colour: (row: number, column: number) => Rgb;
  bar: ColourBar;
  /** Lines of small text below the panel. */
  notes?: readonly string[];
}

const gutter = { left: 46, title: 20, bottom: 38, bar: 9, barGap: 7, between: 22, note: 15 };

/** A drawing and where in it, from left to right, something may stand that goes with its panels. */
export interface PanelsBody {
  svg: string;
  width: number;
  height: number;
  columns: readonly PlotColumn[];
}

export interface PlotColumn {
  x: number;
  width: number;
}

/** Whether panels stand one below the other, because time is long. */
export function isLong({ rows, columns }: Pick<PanelAxes, 'rows' | 'columns'>): boolean {
  return columns > 3.5 * rows && columns > 200;
}

/** The room that each panel's colour bar takes, its numbers and its name included. */
export function barRooms(panels: readonly Panel[]): number[] {
  return panels.map(({ bar }) => gutter.barGap + gutter.bar + labelRoom(bar) + 16);
}

/** Lays out panels that share their axes; the size includes axes, colour bars and notes. */
export function panelsSvg(
  axes: PanelAxes,
  panels: readonly Panel[],
  { stacked = isLong(axes), rooms = barRooms(panels) }: { stacked?: boolean; rooms?: readonly number[] } = {},
): PanelsBody {
  const width = stacked ? Math.min(1200, Math.max(640, 2 * axes.columns)) : 224;
  const height = stacked ? 150 : 212;
  const notesRoom = gutter.note * Math.max(...panels.map((p) => p.notes?.length ?? 0));
  const last = panels.length - 1;
  const down = stacked ? height + gutter.title + 12 + notesRoom : 0;
  const right = rooms.map((_, i) =>
    stacked ? 0 : rooms.slice(0, i).reduce((x, room) => x + width + room + gutter.between, 0),
  );
  const drawn = panels.map((panel, i) => {
    const labels = { time: !stacked || i === last, row: stacked || i === 0 };
    return group(right[i]!, i * down, panelSvg(axes, panel, width, height, labels));
  });
  return {
    svg: group(gutter.left, gutter.title, ...drawn),
    width: gutter.left + right[last]! + width + Math.max(...rooms),
    height: gutter.title + last * down + height + gutter.bottom + notesRoom,
    columns: stacked ? [{ x: gutter.left, width }] : right.map((x) => ({ x: gutter.left + x, width })),
  };
}

function panelSvg(
  axes: PanelAxes,
  panel: Panel,
  width: number,
  height: number,
  labels: { time: boolean; row: boolean },
): string {
  const { rows, columns, times, frequencies } = axes;
  const rowTicks = frequencies ? frequencyTicks(frequencies, height) : indexTicks(rows, height);
  const notesTop = height + (labels.time ? gutter.bottom : 4) + 10;
  return [
    text(0, -7, fitText(panel.title, width, 12.6), { size: 12, weight: 600 }),
    image(
      0,
      0,
      width,
      height,
      rasterUri(rows, columns, (r, c) => panel.colour(rows - 1 - r, c)),
    ),
    frame(width, height),
    bottomAxis(timeTicks(times, width), width, height, labels.time ? 'time (s)' : null),
    leftAxis(rowTicks, height, labels.row ? { text: axes.rowLabel, x: -36 } : null),
    group(width + gutter.barGap, 0, barSvg(panel.bar, height)),
    ...(panel.notes ?? []).map((note, i) => text(0, notesTop + i * gutter.note, note, { fill: ink.muted })),
  ].join('');
}

/** A colour bar with its numbers and its name, beside a drawing area of that height. */
export function barSvg(bar: ColourBar, height: number): string {
  const steps = 129;
  const across = bar.columns.length;
  const href = rasterUri(steps, across, (r, c) => bar.columns[c]!(1 - r / (steps - 1)));
  const marks = bar.ticks.flatMap(({ position, label }) => {
    const y = (1 - position) * height;
    return [line(gutter.bar, y, gutter.bar + 3, y), text(gutter.bar + 6, y + 3.7, label)];
  });
  const x = gutter.bar + labelRoom(bar) + 12;
  const label = text(x, height / 2, bar.label, { anchor: 'middle', rotate: -90, fill: ink.muted });
  return [image(0, 0, gutter.bar, height, href), frame(gutter.bar, height), ...marks, label].join('');
}

const labelRoom = (bar: ColourBar) => 8 + Math.max(0, ...bar.ticks.map((t) => textWidth(t.label, 11.5)));

/** Outline of a drawing area. */
export function frame(width: number, height: number): string {
  return rect(0, 0, width, height, { fill: 'none', stroke: ink.axis, 'stroke-width': 0.75 });
}

/** Ticks, numbers and name below a drawing area; without a name only ticks. */
export function bottomAxis(
  ticks: readonly Tick[],
  width: number,
  height: number,
  name: string | null,
): string {
  const marks = ticks.map(({ position }) => line(position * width, height, position * width, height + 4));
  if (name === null) return marks.join('');
  const numbers = ticks.map((t) => text(t.position * width, height + 15, t.label, { anchor: 'middle' }));
  const label = text(width / 2, height + 32, name, { anchor: 'middle', size: 12 });
  return [...marks, ...numbers, label].join('');
}

/** Ticks, numbers and name left of a drawing area, the name's baseline at `x`; without a name only ticks. */
export function leftAxis(
  ticks: readonly Tick[],
  height: number,
  name: { text: string; x: number } | null,
): string {
  const at = (t: Tick) => (1 - t.position) * height;
  const marks = ticks.map((t) => line(-4, at(t), 0, at(t)));
  if (name === null) return marks.join('');
  const numbers = ticks.map((t) => text(-7, at(t) + 3.7, t.label, { anchor: 'end' }));
  const label = text(name.x, height / 2, name.text, { anchor: 'middle', rotate: -90, size: 12 });
  return element('g', {}, ...marks, ...numbers, label);
}
