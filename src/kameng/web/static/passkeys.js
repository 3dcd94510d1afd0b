// <pass-key>: asks the server what to sign, the device to sign it, and the server to believe it.
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (char) => char.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const listed = (list) => (list ?? []).map((one) => ({ ...one, id: bytes(one.id) }));

// What only exists as bytes in the browser, and only as text in JSON.
function asked(options) {
  return {
    ...options,
    challenge: bytes(options.challenge),
    ...(options.user && { user: { ...options.user, id: bytes(options.user.id) } }),
    ...(options.allowCredentials && { allowCredentials: listed(options.allowCredentials) }),
    ...(options.excludeCredentials && { excludeCredentials: listed(options.excludeCredentials) }),
  };
}

function told(credential) {
  const { response } = credential;
  const parts = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  const given = parts.filter((name) => response[name]).map((name) => [name, text(response[name])]);
  return { id: credential.id, rawId: text(credential.rawId), type: credential.type, clientExtensionResults: {}, response: Object.fromEntries(given) };
}

async function post(path, body) {
  const headers = { "x-kameng-token": document.body.dataset.token, "hx-request": "true", "content-type": "application/json" };
  const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  const onward = answer.headers.get("hx-redirect");
  if (onward) {
    location.assign(onward);
    return null;
  }
  if (!answer.ok) throw new Error(answer.status === 422 ? await answer.text() : String(answer.status));
  return answer.json();
}

customElements.define("pass-key", class extends HTMLElement {
  connectedCallback() {
    if (!window.PublicKeyCredential) return;
    this.hidden = false;
    this.querySelector("button").addEventListener("click", () => this.use());
  }

  async use() {
    const button = this.querySelector("button");
    const status = this.querySelector("[role=status]");
    button.disabled = true;
    status.textContent = "";
    try {
      const options = await post(this.dataset.ask, {});
      if (!options) return;
      const publicKey = asked(options);
      const credential = await (publicKey.user ? navigator.credentials.create({ publicKey }) : navigator.credentials.get({ publicKey }));
      const name = this.querySelector("input")?.value ?? "";
      await post(this.dataset.answer, { credential: told(credential), name, next: this.dataset.next });
    } catch (error) {
      status.textContent = error instanceof DOMException ? this.dataset.cancelled : error.message;
    } finally {
      button.disabled = false;
    }
  }
});
