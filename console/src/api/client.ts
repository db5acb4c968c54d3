import { Problem, type ProblemBody } from './problem';

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

export interface Ask {
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as it is, with `contentType`: files. */
  raw?: Blob;
  contentType?: string;
  /** The version the change is based on; another one on the server answers 412. */
  ifMatch?: string;
  /** The same key and body are carried out once, however often they arrive. Made up when absent. */
  idempotencyKey?: string;
  signal?: AbortSignal;
}

export interface Reply<T> {
  body: T;
  status: number;
  etag: string | null;
}

/** The one way to the server. Anything but 2xx is thrown as a {@link Problem}. */
export async function send<T>(method: Method, path: string, ask: Ask = {}): Promise<Reply<T>> {
  const headers = new Headers({ Accept: 'application/json, application/problem+json' });
  if (method === 'POST') headers.set('Idempotency-Key', ask.idempotencyKey ?? crypto.randomUUID());
  if (ask.ifMatch) headers.set('If-Match', ask.ifMatch);
  const body = ask.raw ?? (ask.body === undefined && method !== 'POST' ? undefined : JSON.stringify(ask.body ?? {}));
  if (body !== undefined) headers.set('Content-Type', ask.contentType ?? 'application/json');

  const response = await reach(path, { method, headers, credentials: 'same-origin', ...(body !== undefined && { body }), ...(ask.signal && { signal: ask.signal }) });
  const content = await read(response);
  if (!response.ok) {
    throw new Problem(response.status, problemBody(content), response.headers.get('X-Request-Id'), seconds(response.headers.get('Retry-After')));
  }
  return { body: content as T, status: response.status, etag: response.headers.get('ETag') };
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await send<T>('GET', path, signal ? { signal } : {})).body;
}

export async function post<T>(path: string, body?: unknown): Promise<T> {
  return (await send<T>('POST', path, { body })).body;
}

export async function patch<T>(path: string, body: unknown): Promise<T> {
  return (await send<T>('PATCH', path, { body })).body;
}

export async function remove(path: string): Promise<void> {
  await send('DELETE', path);
}

async function reach(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Problem(0, { code: 'unreachable' });
  }
}

async function read(response: Response): Promise<unknown> {
  if (response.status === 204) return undefined;
  const text = await response.text();
  if (text === '') return undefined;
  if (!/\bjson\b/.test(response.headers.get('Content-Type') ?? '')) return text;
  return JSON.parse(text);
}

function problemBody(content: unknown): ProblemBody {
  return typeof content === 'object' && content !== null ? (content as ProblemBody) : {};
}

function seconds(header: string | null): number | null {
  const value = Number(header);
  return header !== null && Number.isFinite(value) ? value : null;
}
