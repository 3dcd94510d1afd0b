/** The client: signs every request, and repeats what may be repeated. */

import { createHash, createHmac, randomBytes } from "node:crypto";

import { ApiError, errorOf, NoAnswer } from "./errors.ts";
import type * as models from "./models.ts";

export interface Options {
  /** How long an answer may take; 30,000 unless told otherwise. */
  readonly timeoutMs?: number;
  /** How often a request is sent at most; 4 unless told otherwise. */
  readonly tries?: number;
}

interface Call {
  readonly query?: { readonly [name: string]: string | number | boolean | undefined };
  readonly body?: unknown;
  readonly mediaType?: string;
  readonly repeatable?: boolean;
  readonly signed?: boolean;
}

interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly text: string;
}

const WAIT_MAX_MS = 30_000;
const COME_AGAIN: readonly number[] = [408, 429, 503];

/**
 * Talks to one platform with one key. `url` has no path (`https://shop.example`). Orders are repeated by themselves
 * when no answer came or the platform was busy: the same `client_ref` never orders twice.
 */
export class Client {
  private readonly url: string;
  private readonly key: string;
  private readonly secret: string;
  private readonly timeoutMs: number;
  private readonly tries: number;

  constructor(url: string, key: string, secret: string, options: Options = {}) {
    this.url = url.replace(/\/$/, "");
    this.key = key;
    this.secret = secret;
    this.timeoutMs = options.timeoutMs ?? 30_000;
    this.tries = options.tries ?? 4;
  }

@operations@

  /** Any endpoint: the decoded answer, or the error. Signed afresh at every try. */
  async call(method: string, path: string, call: Call = {}): Promise<unknown> {
    const query = queryOf(call.query ?? {});
    const body = bytesOf(call.body);
    for (let attempt = 0; ; attempt++) {
      const isLast = attempt + 1 >= this.tries;
      const headers: { [name: string]: string } = {};
      if (body.length > 0) headers["content-type"] = call.mediaType ?? "application/json";
      if (call.signed !== false) headers["authorization"] = this.authorization(method, path, query, body);
      let answer: Answer;
      try {
        answer = await this.send(method, query ? `${path}?${query}` : path, body, headers);
      } catch (error) {
        if (isLast || !call.repeatable) throw new NoAnswer(`${method} ${path}: ${String(error)}`, { cause: error });
        await pause(attempt, null);
        continue;
      }
      if (answer.status < 400) return answer.text ? JSON.parse(answer.text) : undefined;
      const refusal = errorOf(answer.status, problemOf(answer.text));
      if (isLast || !COME_AGAIN.includes(answer.status) || !mayRepeat(refusal, call.repeatable ?? false)) throw refusal;
      await pause(attempt, answer.retryAfter);
    }
  }

  private authorization(method: string, path: string, query: string, body: Uint8Array): string {
    const ts = Math.floor(Date.now() / 1000);
    const nonce = randomBytes(18).toString("base64url");
    const digest = createHash("sha256").update(body).digest("hex");
    const canonical = [method, path, query, ts, nonce, digest].join("\n");
    const signature = createHmac("sha256", this.secret).update(canonical).digest("hex");
    return `KAMENG-HMAC-SHA256 key=${this.key},ts=${ts},nonce=${nonce},sig=${signature}`;
  }

  private async send(
    method: string, target: string, body: Uint8Array, headers: { [name: string]: string },
  ): Promise<Answer> {
    const response = await fetch(this.url + target, {
      method,
      headers,
      redirect: "error",
      signal: AbortSignal.timeout(this.timeoutMs),
      ...(body.length > 0 ? { body: body as Uint8Array<ArrayBuffer> } : {}),
    });
    return { status: response.status, retryAfter: response.headers.get("retry-after"), text: await response.text() };
  }
}

/** Nothing was done, or it can't be done twice. */
function mayRepeat(refusal: ApiError, repeatable: boolean): boolean {
  if (refusal.outcome === "none") return refusal.retry === "same_key";
  return repeatable && (refusal.retry === "same_key" || refusal.retry === "query_first");
}

/** What the platform asks for, else twice as long each time; never all clients at once. */
async function pause(attempt: number, retryAfter: string | null): Promise<void> {
  const asked = retryAfter !== null && /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1000 : 200 * 2 ** attempt;
  await new Promise((resolve) => setTimeout(resolve, Math.min(asked, WAIT_MAX_MS) + Math.random() * 100));
}

function queryOf(query: NonNullable<Call["query"]>): string {
  return Object.entries(query)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`)
    .join("&");
}

function bytesOf(body: unknown): Uint8Array {
  if (body === undefined) return new Uint8Array();
  return body instanceof Uint8Array ? body : new TextEncoder().encode(JSON.stringify(body));
}

function problemOf(text: string): { readonly [name: string]: unknown } {
  try {
    const found: unknown = JSON.parse(text);
    if (typeof found === "object" && found !== null) return found as { readonly [name: string]: unknown };
  } catch {
    // A proxy's page, not the platform's answer.
  }
  return { detail: text.slice(0, 200) };
}
