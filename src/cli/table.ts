// Aligned columns for terminals and pipes.

export type Column<Row> = {
  readonly title: string
  readonly of: (row: Row) => string
  readonly align?: 'right'
  /** Least width, so that rows printed one by one line up. */
  readonly width?: number
  readonly paint?: (text: string, row: Row) => string
}

const gap = '  '

/** The title line and a line per row. Colours are added after measuring. Trailing blanks are left out. */
export function tableLines<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string[] {
  const cells = rows.map((row) => columns.map((column) => column.of(row)))
  const widths = columns.map((column, index) =>
    cells.reduce((widest, row) => Math.max(widest, row[index]!.length), Math.max(column.title.length, column.width ?? 0)),
  )
  return [line(columns, columns.map((column) => column.title), widths), ...cells.map((row, index) => line(columns, row, widths, rows[index]))] // prettier-ignore
}

/** One more line of a table whose columns have fixed widths. */
export function tableLine<Row>(columns: readonly Column<Row>[], row: Row): string {
  const widths = columns.map((column) => Math.max(column.title.length, column.width ?? 0))
  return line(columns, columns.map((column) => column.of(row)), widths, row) // prettier-ignore
}

function line<Row>(columns: readonly Column<Row>[], cells: readonly string[], widths: readonly number[], row?: Row): string {
  const painted = columns.map((column, index) => {
    const cell = cells[index]!
    const blanks = ' '.repeat(Math.max(0, widths[index]! - cell.length))
    const shown = row !== undefined && column.paint !== undefined ? column.paint(cell, row) : cell
    if (column.align === 'right') return blanks + shown
    return index === columns.length - 1 ? shown : shown + blanks
  })
  return painted.join(gap).trimEnd()
}
