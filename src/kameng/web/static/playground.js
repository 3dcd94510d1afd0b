// The signing playground: builds a request from the API's document, signs it here, shows it as code and sends it to
// this host. Key and secret stay in the page's fields.
import { asked } from "./kameng.js";
import { programs } from "./programs.js";

const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
const bytes = (text) => new TextEncoder().encode(text);
const SCHEME = "KAMENG-HMAC-SHA256";

/** Percent-encoded as servers and our examples do: nothing but unreserved characters stays. */
const escaped = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

export async function canonical({ method, path, query, body }, ts, nonce) {
  const digest = hex(await crypto.subtle.digest("SHA-256", bytes(body)));
  return [method, path, query, ts, nonce, digest].join("\n");
}

export async function signature(secret, text) {
  const signer = await crypto.subtle.importKey("raw", bytes(secret), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return hex(await crypto.subtle.sign("HMAC", signer, bytes(text)));
}

class SigningPlayground extends HTMLElement {
  async connectedCallback() {
    this.nonce = hex(crypto.getRandomValues(new Uint8Array(16)));
    this.language = "python";
    if (!crypto.subtle) {
      this.field("fault").textContent = this.dataset.insecure;
      this.field("send").disabled = true;
      return;
    }
    const answer = await fetch(this.dataset.document);
    this.document = await answer.json();
    this.list();
    this.field("operation").addEventListener("change", () => this.choose());
    this.addEventListener("input", () => this.show());
    this.field("again").addEventListener("click", () => this.renew());
    this.field("send").addEventListener("click", () => this.send());
    for (const chip of this.querySelectorAll("[data-language]")) chip.addEventListener("click", () => this.speak(chip));
    this.choose();
    this.toggleAttribute("data-ready", true);
  }

  field(id) {
    return this.querySelector(`#${id}`);
  }

  list() {
    const groups = new Map();
    for (const [path, methods] of Object.entries(this.document.paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        if (!operation.security) continue;
        const tag = operation.tags[0];
        if (!groups.has(tag)) groups.set(tag, []);
        groups.get(tag).push({ method: method.toUpperCase(), path, operation });
      }
    }
    this.operations = [...groups.values()].flat();
    const select = this.field("operation");
    let index = 0;
    for (const [tag, operations] of groups) {
      const group = document.createElement("optgroup");
      group.label = tag;
      for (const one of operations) group.append(new Option(`${one.operation.summary} — ${one.method} ${one.path}`, index++));
      select.append(group);
    }
    const wanted = new URLSearchParams(location.search).get("operation") ?? "placeOrder";
    select.value = this.operations.findIndex((one) => one.operation.operationId === wanted);
  }

  /** The fields of the chosen endpoint. */
  choose() {
    this.chosen = this.operations[this.field("operation").value];
    const { operation } = this.chosen;
    this.field("about").textContent = operation.description.split("\n\n")[0].replaceAll("`", "");
    this.field("to-docs").href = `/docs#/${operation.tags[0]}/${operation.operationId}`;
    const box = this.field("parameters");
    box.replaceChildren(...(operation.parameters ?? []).map((one) => this.parameter(one)));
    const media = operation.requestBody?.content["application/json"];
    this.field("body-field").hidden = !media;
    this.field("body").value = media ? JSON.stringify(this.example(media.example ?? {}), null, 2) : "";
    this.show();
  }

  parameter(one) {
    const row = document.createElement("div");
    row.className = "field";
    const label = document.createElement("label");
    label.htmlFor = `p-${one.name}`;
    label.textContent = one.name;
    const input = document.createElement("input");
    Object.assign(input, { id: `p-${one.name}`, autocomplete: "off", spellcheck: false });
    input.dataset.in = one.in;
    input.dataset.name = one.name;
    const hint = document.createElement("span");
    hint.className = "hint";
    hint.id = `p-${one.name}-hint`;
    hint.textContent = one.description ?? one.schema?.description ?? "";
    input.setAttribute("aria-describedby", hint.id);
    row.append(label, input, hint);
    return row;
  }

  /** An example that can be sent: goods that are on sale here, and a reference that nobody has used. */
  example(value) {
    const fresh = () => `play-${hex(crypto.getRandomValues(new Uint8Array(5)))}`;
    if (Array.isArray(value)) return value.map((one) => this.example(one));
    if (typeof value !== "object" || value === null) return value;
    const made = {};
    for (const [name, inner] of Object.entries(value)) {
      if (name === "client_ref") made[name] = fresh();
      else if (name === "sku") made[name] = value.account ? inner : this.dataset.sku;
      else if (name !== "max_price") made[name] = this.example(inner);
    }
    return made;
  }

  request() {
    let { path } = this.chosen;
    const query = [];
    for (const input of this.querySelectorAll("#parameters input")) {
      const text = input.value.trim();
      if (input.dataset.in === "path") path = path.replace(`{${input.dataset.name}}`, escaped(text || "0"));
      else if (input.dataset.in === "query" && text) query.push(`${escaped(input.dataset.name)}=${escaped(text)}`);
    }
    return { method: this.chosen.method, path, query: query.join("&"), body: this.field("body").value.trim() };
  }

  async show() {
    const request = this.request();
    const key = this.field("key").value.trim();
    const secret = this.field("secret").value.trim();
    const ts = Math.floor(Date.now() / 1000);
    const text = await canonical(request, ts, this.nonce);
    const sig = secret ? await signature(secret, text) : "…";
    this.field("canonical").textContent = text;
    this.field("authorization").textContent = `${SCHEME} key=${key || "ak_…"},ts=${ts},nonce=${this.nonce},sig=${sig}`;
    const code = programs[this.language]({ ...request, base: this.dataset.base, key: key || "ak_test_…" });
    this.field("code").textContent = code;
    this.field("copy-code").dataset.copy = code;
    return { request, header: this.field("authorization").textContent, isSigned: Boolean(key && secret) };
  }

  renew() {
    this.nonce = hex(crypto.getRandomValues(new Uint8Array(16)));
    const body = this.field("body");
    try {
      if (body.value) body.value = JSON.stringify(this.example(JSON.parse(body.value)), null, 2);
    } catch { /* what is no JSON stays as it is */ }
    this.show();
  }

  speak(chip) {
    this.language = chip.dataset.language;
    for (const one of this.querySelectorAll("[data-language]")) one.setAttribute("aria-pressed", one === chip);
    this.show();
  }

  async send() {
    const fault = this.field("fault");
    fault.textContent = "";
    const { request, header, isSigned } = await this.show();
    if (!isSigned) return void (fault.textContent = this.dataset.noKey);
    try {
      if (request.body) JSON.parse(request.body);
    } catch {
      return void (fault.textContent = this.dataset.badBody);
    }
    const isLive = !this.field("key").value.trim().startsWith("ak_test_");
    if (isLive && request.method !== "GET" && !(await asked(this.dataset.live))) return;
    const headers = { Authorization: header, ...(request.body ? { "Content-Type": "application/json" } : {}) };
    const began = performance.now();
    try {
      const answer = await fetch(request.path + (request.query ? `?${request.query}` : ""), {
        method: request.method, headers, body: request.body || undefined, credentials: "omit",
      });
      const text = await answer.text();
      this.field("status").textContent = `${answer.status} ${answer.statusText} · ${Math.round(performance.now() - began)} ms`;
      this.tell(text, isLive ? "" : "?sandbox=1");
    } catch {
      fault.textContent = this.dataset.unreachable;
    }
    this.nonce = hex(crypto.getRandomValues(new Uint8Array(16)));
  }

  tell(text, suffix) {
    const box = this.field("answer");
    let found = null;
    try {
      found = JSON.parse(text);
    } catch { /* shown as it is */ }
    box.textContent = found ? JSON.stringify(found, null, 2) : text;
    box.hidden = false;
    const isOrder = typeof found?.id === "string" && "client_ref" in found && "sku" in found;
    this.field("onward").hidden = !isOrder;
    if (isOrder) this.field("to-order").href = `/merchant/orders/${found.id}${suffix}`;
  }
}

customElements.define("signing-playground", SigningPlayground);
