import type { Field } from '../../api/meta';

/** The first records of a CSV file, for choosing columns. The server reads the whole file; this only looks at it. */
export function readCsv(text: string, limit: number): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = '';
  let quoted = false;
  const endCell = () => {
    row.push(cell);
    cell = '';
  };
  const endRow = () => {
    endCell();
    if (row.length > 1 || row[0] !== '') rows.push(row);
    row = [];
  };
  for (let at = 0; at < text.length && rows.length < limit; at += 1) {
    const char = text[at] ?? '';
    if (quoted) {
      if (char !== '"') cell += char;
      else if (text[at + 1] === '"') {
        cell += '"';
        at += 1;
      } else quoted = false;
    } else if (char === '"' && cell === '') quoted = true;
    else if (char === ',') endCell();
    else if (char === '\n') endRow();
    else if (char !== '\r') cell += char;
  }
  if (rows.length < limit && (cell !== '' || row.length > 0)) endRow();
  return rows;
}

/** Which field a column most likely means: its name or its label, whatever the spelling; each field once. */
export function guessMapping(columns: string[], fields: [string, Pick<Field, 'label'>][]): (string | null)[] {
  const taken = new Set<string>();
  return columns.map((column) => {
    const found = fields.find(([name, field]) => !taken.has(name) && [plain(name), plain(field.label)].includes(plain(column)));
    if (!found) return null;
    taken.add(found[0]);
    return found[0];
  });
}

/** `Key People`, `key_people` and `key-people` are one word. */
function plain(text: string): string {
  return text
    .replace(/^\uFEFF/, '')
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');
}
