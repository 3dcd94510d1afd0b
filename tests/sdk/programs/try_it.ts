// What the test has the TypeScript SDK do. Prints one JSON object.

import { Client, NoAnswer, WebhookNotGenuine, errors, verifyWebhook } from "./kameng/index.ts";

const [ref = "", sku = "", bare = ""] = process.argv.slice(2);
const { KAMENG_URL = "", KAMENG_KEY = "", KAMENG_SECRET = "", SIGNATURE = "", WEBHOOK_SECRET: secret = "" } = process.env;
const client = new Client(KAMENG_URL, KAMENG_KEY, KAMENG_SECRET);
const placed = await client.placeOrder({ client_ref: ref, sku, quantity: 2 });
const told: { [name: string]: unknown } = {
  id: placed.id, state: placed.state, total: placed.total, replayed: placed.replayed,
  secrets: (placed.cards ?? []).map((card) => card.secret),
};
const again = await client.placeOrder({ client_ref: ref, sku, quantity: 2 });
told["again"] = [again.id, again.replayed];
try {
  await client.placeOrder({ client_ref: `${ref}-bare`, sku: bare });
} catch (error) {
  if (!(error instanceof errors.SoldOut)) throw error;
  told["refused"] = [error.status, error.code, error.retry, error.outcome, error.field];
  told["said"] = error.titleZh;
}
told["found"] = (await client.listOrders({ client_ref: ref })).orders.map((order) => order.client_ref);
told["quote"] = (await client.askQuotes({ sku, quantity: 3 })).total;
try {
  await client.revealOrder(placed.id);
  told["revealed"] = true;
} catch (error) {
  if (!(error instanceof NoAnswer)) throw error;
  told["revealed"] = false;
}
const body = '{"type":"order.delivered"}';
const sent = { "Webhook-Id": "msg_1", "Webhook-Timestamp": "1763800000", "Webhook-Signature": SIGNATURE };
told["webhook"] = (verifyWebhook(secret, sent, body, { nowS: 1763800000 }) as { type: string }).type;
try {
  verifyWebhook(secret, sent, `${body} `, { nowS: 1763800000 });
} catch (error) {
  if (!(error instanceof WebhookNotGenuine)) throw error;
  told["forged"] = true;
}
console.log(JSON.stringify(told));
