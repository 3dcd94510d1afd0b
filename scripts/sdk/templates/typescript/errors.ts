/**
 * What can go wrong: `ApiError` and its kinds, one for each code; `NoAnswer` if none came.
 * Go by the class, or by `retry`: `never`, `same_key` (the same `client_ref` again), `new_key`, `query_first`.
 */

/** Whatever goes wrong. */
export class KamengError extends Error {}

/** No answer came, however often it was tried: the request may have arrived. */
export class NoAnswer extends KamengError {}

/** The platform refused, and says why in both languages. */
export class ApiError extends KamengError {
  readonly status: number;
  readonly code: string;
  readonly retry: string;
  readonly outcome: string;
  readonly title: string;
  readonly titleZh: string;
  readonly detail: string;
  readonly detailZh: string;
  readonly field: string;
  readonly requestId: string;

  constructor(status: number, problem: { readonly [name: string]: unknown }) {
    const text = (name: string, otherwise = ""): string => {
      const found = problem[name];
      return typeof found === "string" ? found : otherwise;
    };
    super(`${status} ${text("code")}: ${text("title")} ${text("detail")}`.trimEnd());
    this.name = new.target.name;
    this.status = status;
    this.code = text("code");
    this.retry = text("retry", "query_first");
    this.outcome = text("outcome", "unknown");
    this.title = text("title");
    this.titleZh = text("title_zh");
    this.detail = text("detail");
    this.detailZh = text("detail_zh");
    this.field = text("field");
    this.requestId = text("request_id");
  }
}

@classes@

const KINDS: { readonly [code: string]: typeof ApiError } = {
@codes@
};

/** The error of its code; `ApiError` itself for codes that are newer than this SDK. */
export function errorOf(status: number, problem: { readonly [name: string]: unknown }): ApiError {
  const Kind = KINDS[String(problem["code"])] ?? ApiError;
  return new Kind(status, problem);
}
