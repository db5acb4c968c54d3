/** What the server says when it refuses: RFC 9457, with a stable `code` and the request's id. */
export interface ProblemBody {
  type?: string;
  title?: string;
  status?: number;
  detail?: string;
  code?: string;
  request_id?: string;
  errors?: FieldFault[];
  [more: string]: unknown;
}

export interface FieldFault {
  field: string;
  code?: string;
  message: string;
}

/** A refused or failed request. `status` is 0 when the server could not be reached at all. */
export class Problem extends Error {
  readonly status: number;
  readonly body: ProblemBody;
  readonly requestId: string | null;
  /** Seconds the server asks us to wait, from `Retry-After`. */
  readonly retryAfter: number | null;

  constructor(status: number, body: ProblemBody, requestId: string | null = null, retryAfter: number | null = null) {
    super(body.detail ?? body.title ?? `HTTP ${status}`);
    this.name = 'Problem';
    this.status = status;
    this.body = body;
    this.requestId = body.request_id ?? requestId;
    this.retryAfter = retryAfter;
  }

  get code(): string {
    return this.body.code ?? '';
  }

  get faults(): FieldFault[] {
    return this.body.errors ?? [];
  }

  /** Worth trying again: the server or the network had a bad moment. */
  get passing(): boolean {
    return this.status === 0 || this.status === 429 || this.status === 502 || this.status === 503 || this.status === 504;
  }
}

export function isProblem(error: unknown, status?: number): error is Problem {
  return error instanceof Problem && (status === undefined || error.status === status);
}
