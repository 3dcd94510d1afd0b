/**
 * Kameng's Open API: `Client` signs, sends and repeats; `models` are what goes over the wire.
 * Money is a decimal as text (never a number: it stays exact), ids are text, times are RFC 3339 in UTC.
 */
export { Client, type Options } from "./client.ts";
export * as errors from "./errors.ts";
export { ApiError, KamengError, NoAnswer } from "./errors.ts";
export type * as models from "./models.ts";
export { verifyWebhook, WebhookNotGenuine } from "./webhooks.ts";
