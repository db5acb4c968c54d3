import { toMajor } from '../values/money';
import { opsFor, type Clause, type Filter, type Op } from './clauses';
import { signs, type Types } from './write';

/**
 * The builder's own text back as clauses; null for everything else, which stays in the box for free text. Only what
 * `writeFilter` writes is understood, so that nothing is ever shown as something it is not.
 */
export function readFilter(source: string, types: Types): Filter | null {
  const tokens = tokenize(source);
  if (tokens === null) return null;
  if (tokens.length === 0) return { join: 'and', clauses: [] };
  const split = splitTop(tokens);
  if (split === null) return null;
  const clauses = split.parts.map((part) => readClause(part, types));
  return clauses.every((clause) => clause !== null) ? { join: split.join, clauses } : null;
}

const pattern = /\s*(?:("(?:[^"\\]|\\.)*")|(-?\d+(?:\.\d+)?)|([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)|(==|!=|<=|>=|&&|\|\||[<>!()[\],]))/y;

function tokenize(source: string): string[] | null {
  const tokens: string[] = [];
  const text = source.trim();
  pattern.lastIndex = 0;
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text);
    if (match === null) return null;
    tokens.push(match[0].trim());
  }
  return tokens;
}

function splitTop(tokens: string[]): { join: Filter['join']; parts: string[][] } | null {
  const parts: string[][] = [[]];
  const joins = new Set<string>();
  let depth = 0;
  for (const token of tokens) {
    if (token === '(' || token === '[') depth += 1;
    if (token === ')' || token === ']') depth -= 1;
    if (depth === 0 && (token === '&&' || token === '||')) {
      joins.add(token);
      parts.push([]);
    } else {
      parts.at(-1)?.push(token);
    }
  }
  return joins.size > 1 ? null : { join: joins.has('||') ? 'or' : 'and', parts };
}

function readClause(tokens: string[], types: Types): Clause | null {
  const clause = readAny(tokens, types);
  const type = clause ? types[clause.field] : undefined;
  return clause && type && opsFor(type).includes(clause.op) ? clause : null;
}

function readAny(tokens: string[], types: Types): Clause | null {
  const [a = '', b = '', c = ''] = tokens;
  const is = (...shape: string[]) => tokens.length === shape.length && shape.every((want, at) => want === '*' || want === tokens[at]);

  if (is('*', '==', 'null')) return made(a, 'empty', '');
  if (is('*', '!=', 'null')) return made(a, 'filled', '');
  if (is('*', '==', 'true')) return made(a, 'yes', '');
  if (is('*', '==', 'false')) return made(a, 'no', '');
  if (is('*', '==', 'actor.id')) return made(a, 'mine', '');
  if (is('size', '(', '*', ')', '==', '0')) return made(c, 'empty', '');
  if (is('size', '(', '*', ')', '>', '0')) return made(c, 'filled', '');
  if (is('*', '(', '*', ')')) {
    if (a.endsWith('.contains')) return made(a.slice(0, -9), 'contains', unquote(c));
    return a.endsWith('.startsWith') ? made(a.slice(0, -11), 'startsWith', unquote(c)) : null;
  }
  if (is('*', 'in', '*')) return made(c, 'has', unquote(a));
  if (is('!', '(', '*', 'in', '*', ')')) return made(tokens[4] ?? '', 'hasNot', unquote(c));
  if (b === 'in' && c === '[' && tokens.at(-1) === ']') return readOneOf(a, tokens.slice(3, -1));
  if (a === '(' && tokens.length === 9) return readMoney(tokens);
  const op = opOf(b);
  if (op && is('*', '*', 'timestamp', '(', '*', ')')) return made(a, op, unquote(tokens[4] ?? ''));
  if (op && tokens.length === 3) return made(a, op, types[a] === 'integer' ? c : unquote(c));
  return null;
}

const made = (field: string, op: Op, value: string | null): Clause | null => (value === null ? null : { field, op, value });

function readOneOf(field: string, inner: string[]): Clause | null {
  const values = inner.filter((_, at) => at % 2 === 0).map(unquote);
  const commas = inner.filter((_, at) => at % 2 === 1);
  return values.length > 0 && commas.every((comma) => comma === ',') && values.every((value) => value !== null && !value.includes(',')) ? { field, op: 'oneOf', value: values.join(',') } : null;
}

/** `(amount.currency == "EUR" && amount.minor >= 1250)` */
function readMoney(tokens: string[]): Clause | null {
  const [, first = '', equal, quoted = '', and, second = '', sign = '', minor = ''] = tokens;
  const field = first.replace(/\.currency$/, '');
  const currency = unquote(quoted);
  const op = opOf(sign);
  if (first !== `${field}.currency` || second !== `${field}.minor` || equal !== '==' || and !== '&&' || currency === null || !op) return null;
  return { field, op, value: String(toMajor(Number(minor), currency)), currency };
}

function opOf(sign: string): Op | undefined {
  return (Object.keys(signs) as (keyof typeof signs)[]).find((op) => signs[op] === sign);
}

function unquote(token: string): string | null {
  try {
    const value: unknown = JSON.parse(token);
    return typeof value === 'string' ? value : null;
  } catch {
    return null;
  }
}
