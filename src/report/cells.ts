// A table drawn as coloured cells with their values in them: rows and columns have names.
import { hex, ink, type Rgb, textOn } from './colours.ts';
import { fitText, group, rect, text, textWidth } from './svg.ts';

/** The ground of a table, and of a cell that holds nothing. */
export const emptyCell: Rgb = [247, 247, 247];

export interface CellTable {
  rows: readonly string[];
  columns: readonly string[];
  rowName: string;
  columnName: string;
  /** A cell without a value is empty and may be left to the ground. */
  cell: (row: number, column: number) => { colour: Rgb; value: string };
  /** A further column of plain text at the right: its head, and a value for each row. */
  margin?: { name: string; values: readonly string[] };
  cellWidth: number;
  cellHeight: number;
}

/** Draws the table, row 0 at the top; values are left out where a cell is too small for them. */
export function cellsSvg(table: CellTable): { svg: string; width: number; height: number } {
  const { rows, columns, margin, cellWidth: w, cellHeight: h } = table;
  const widest = (names: readonly string[], size: number) =>
    Math.max(0, ...names.map((n) => textWidth(n, size)));
  const nameRoom = Math.min(160, widest(rows, 12) * 1.05 + 8);
  const left = 20 + nameRoom;
  const slanted = widest(columns, 11) > w - 4;
  const headRoom = slanted ? Math.min(110, widest(columns, 11)) * 0.71 + 14 : 20;
  const [width, height] = [columns.length * w, rows.length * h];
  const legible = h >= 13 && w >= 20;
  const cells = rows.flatMap((_, r) =>
    columns.flatMap((_, c) => {
      const { colour, value } = table.cell(r, c);
      const box = rect(c * w, r * h, w, h, {
        fill: hex(colour),
        stroke: '#ffffff',
        'stroke-width': legible ? 1 : 0,
      });
      if (value === '') return legible ? [box] : [];
      if (!legible) return [box];
      return [box, text((c + 0.5) * w, (r + 0.5) * h + 4, value, { anchor: 'middle', fill: textOn(colour) })];
    }),
  );
  const rowNames = rows.map((name, r) =>
    h < 11 ? '' : text(-7, (r + 0.5) * h + 4, fitText(name, nameRoom, 12), { anchor: 'end', size: 12 }),
  );
  const columnNames = columns.map((name, c) => {
    if (w < 11) return '';
    const label = fitText(name, 110, 11);
    return slanted
      ? text((c + 0.5) * w, -7, label, { rotate: -45 })
      : text((c + 0.5) * w, -7, label, { anchor: 'middle' });
  });
  const extra = margin?.values.map((value, r) => text(width + 10, (r + 0.5) * h + 4, value)) ?? [];
  const marginRoom = margin ? 10 + widest([margin.name, ...margin.values], 12) : 0;
  const extraRoom = Math.max(marginRoom, slanted ? headRoom : 0);
  const marginName = margin ? text(width + 10, -7, margin.name, { fill: ink.muted }) : '';
  return {
    svg: group(
      left,
      18 + headRoom,
      rect(0, 0, width, height, { fill: hex(emptyCell) }),
      ...cells,
      ...rowNames,
      ...columnNames,
      ...extra,
      marginName,
      text(-left + 11, height / 2, table.rowName, {
        anchor: 'middle',
        rotate: -90,
        fill: ink.muted,
        size: 12,
      }),
      text(0, -headRoom - 6, table.columnName, { fill: ink.muted, size: 12 }),
    ),
    width: left + width + extraRoom,
    height: 18 + headRoom + height + 2,
  };
}
