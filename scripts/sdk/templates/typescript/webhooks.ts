/** Webhooks: whether a call comes from the platform (Standard Webhooks 1.0, `v1`). */

import { createHmac, timingSafeEqual } from "node:crypto";

import { KamengError } from "./errors.ts";

/** Not from the platform, or too old: answer 400 and do nothing. */
export class WebhookNotGenuine extends KamengError {}

/** What the webhook says. `secret` is the endpoint's `whsec_…`; `body` the very bytes that came. */
export function verifyWebhook(
  secret: string,
  headers: { readonly [name: string]: string | undefined },
  body: Uint8Array | string,
  options: { readonly toleranceS?: number; readonly nowS?: number } = {},
): unknown {
  const sent = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value ?? ""]));
  const id = sent.get("webhook-id") ?? "";
  const timestamp = sent.get("webhook-timestamp") ?? "";
  if (!id || !/^\d+$/.test(timestamp)) throw new WebhookNotGenuine("webhook-id or webhook-timestamp is missing");
  const nowS = options.nowS ?? Date.now() / 1000;
  if (Math.abs(nowS - Number(timestamp)) > (options.toleranceS ?? 300)) {
    throw new WebhookNotGenuine("webhook-timestamp is too far from now");
  }
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const mac = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest("base64");
  const wanted = Buffer.from(`v1,${mac}`);
  const fits = (sent.get("webhook-signature") ?? "").split(" ").some((one) => {
    const given = Buffer.from(one);
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  });
  if (!fits) throw new WebhookNotGenuine("no signature fits");
  return JSON.parse(typeof body === "string" ? body : new TextDecoder().decode(body));
}
