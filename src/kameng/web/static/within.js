// <pay-within>: WeChat's own sheet, inside WeChat. It opens by itself once, and again by the button; what WeChat says of
// it is believed by nobody: the page asks the provider.
const OPENED = "kameng:opened";

customElements.define("pay-within", class extends HTMLElement {
  connectedCallback() {
    this.querySelector("button")?.addEventListener("click", () => this.open());
    if (sessionStorage.getItem(OPENED) === this.dataset.sheet) return;
    if (window.WeixinJSBridge) this.first();
    else document.addEventListener("WeixinJSBridgeReady", () => this.first(), { once: true });
  }

  first() {
    sessionStorage.setItem(OPENED, this.dataset.sheet);
    this.open();
  }

  open() {
    window.WeixinJSBridge?.invoke("getBrandWCPayRequest", JSON.parse(this.dataset.sheet), (answer) => {
      if (answer.err_msg === "get_brand_wcpay_request:ok") document.querySelector("#paid")?.click();
    });
  }
});
