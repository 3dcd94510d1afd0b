// The API's reference: Swagger UI over our document, and a console that signs what is tried out.
// The key stays in this page's memory. Nothing here talks to another host.

const form = document.getElementById("signing");
const said = form.querySelector("output");
const box = document.getElementById("reference");

const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
const bytes = (text) => new TextEncoder().encode(text);

/** The value of Authorization for this request; null without a key. */
async function authorization(method, url, body) {
  const key = form.elements.key.value.trim();
  const secret = form.elements.secret.value.trim();
  if (!key || !secret) return null;
  const ts = Math.floor(Date.now() / 1000);
  const nonce = hex(crypto.getRandomValues(new Uint8Array(16)));
  const digest = hex(await crypto.subtle.digest("SHA-256", bytes(body ?? "")));
  const canonical = [method.toUpperCase(), url.pathname, url.search.slice(1), ts, nonce, digest].join("\n");
  const hmac = { name: "HMAC", hash: "SHA-256" };
  const signer = await crypto.subtle.importKey("raw", bytes(secret), hmac, false, ["sign"]);
  const sig = hex(await crypto.subtle.sign("HMAC", signer, bytes(canonical)));
  return `KAMENG-HMAC-SHA256 key=${key},ts=${ts},nonce=${nonce},sig=${sig}`;
}

/** Swagger UI asks this before it sends anything. */
async function sign(request) {
  const url = new URL(request.url, location.href);
  if (request.loadSpec || url.origin !== location.origin) return request;
  const value = await authorization(request.method ?? "GET", url, request.body);
  if (value) request.headers.Authorization = value;
  return request;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const url = new URL("/api/v1/self-test", location.href);
  const value = await authorization("GET", url, "");
  const answer = await fetch(url, { headers: value ? { Authorization: value } : {} });
  const found = await answer.json();
  const chinese = document.documentElement.lang.startsWith("zh");
  if (!answer.ok) said.value = chinese ? `${found.title_zh} ${found.detail_zh ?? ""}` : `${found.title} ${found.detail ?? ""}`;
  else said.value = [`${found.organisation} · ${found.scopes.join(", ")}`, ...found.warnings.map((one) => one[chinese ? "zh" : "en"])].join("\n");
});

if (!globalThis.crypto?.subtle) {
  said.value = form.dataset.insecure;
  for (const element of form.elements) element.disabled = true;
}

// Our console signs: Swagger UI's own dialogue for keys would only mislead.
const nothing = () => null;
const withoutAuthorize = () => ({
  wrapComponents: { authorizeBtn: () => nothing, authorizeOperationBtn: () => nothing, AuthorizeBtnContainer: () => nothing },
});

SwaggerUIBundle({
  url: box.dataset.document,
  domNode: box,
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  validatorUrl: null,
  plugins: [withoutAuthorize],
  requestInterceptor: sign,
});
