// Sign and send one order. Needs Node 18 or later, nothing else.
//
//   export KAMENG_URL=https://localhost:8443 KAMENG_KEY=ak_test_… KAMENG_SECRET=ks_…
//   node sign_and_order.mjs 100123 1
//   node sign_and_order.mjs 100077 1 '{"phone": "13800138000"}'
//
// KAMENG_REF            your own order number (client_ref). The same one again never orders twice.
// KAMENG_CA             file with the certificate to trust, for a self-signed server
// KAMENG_INSECURE_TLS   1: trust any certificate. For a first try on your own machine only.

import { createHash, createHmac, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";

const PATH = "/api/v1/orders";

/** The value of the Authorization header. */
function authorization(key, secret, method, path, query, body) {
  const ts = Math.floor(Date.now() / 1000);
  const nonce = randomBytes(16).toString("base64url");
  const digest = createHash("sha256").update(body).digest("hex");
  const canonical = [method, path, query, ts, nonce, digest].join("\n");
  const signature = createHmac("sha256", secret).update(canonical).digest("hex");
  return `KAMENG-HMAC-SHA256 key=${key},ts=${ts},nonce=${nonce},sig=${signature}`;
}

function tls(env) {
  if (env.KAMENG_INSECURE_TLS === "1") {
    console.error("warning: the server's certificate is not checked");
    return { rejectUnauthorized: false };
  }
  return env.KAMENG_CA ? { ca: readFileSync(env.KAMENG_CA) } : {};
}

function send(url, options, body) {
  return new Promise((resolve, reject) => {
    const request = (url.protocol === "https:" ? https : http).request(url, options, async (response) => {
      const parts = [];
      for await (const part of response) parts.push(part);
      resolve({ status: response.statusCode, text: Buffer.concat(parts).toString() });
    });
    request.on("timeout", () => request.destroy(new Error("no answer within 30 s")));
    request.on("error", reject);
    request.end(body);
  });
}

const [sku, quantity = "1", account] = process.argv.slice(2);
if (!sku) {
  console.error("usage: sign_and_order.mjs SKU [QUANTITY [ACCOUNT_JSON]]");
  process.exit(2);
}
const { env } = process;
const order = {
  client_ref: env.KAMENG_REF || `demo-${randomBytes(8).toString("hex")}`,
  sku,
  quantity: Number(quantity),
  ...(account && { account: JSON.parse(account) }),
};
const body = Buffer.from(JSON.stringify(order)); // sign the very bytes that are sent
const headers = {
  "Content-Type": "application/json",
  "Content-Length": body.length,
  Authorization: authorization(env.KAMENG_KEY, env.KAMENG_SECRET, "POST", PATH, "", body),
};
const url = new URL(env.KAMENG_URL.replace(/\/$/, "") + PATH);
const { status, text } = await send(url, { method: "POST", headers, timeout: 30_000, ...tls(env) }, body);
console.log(status);
console.log(text);
process.exitCode = status >= 200 && status < 300 ? 0 : 1;
