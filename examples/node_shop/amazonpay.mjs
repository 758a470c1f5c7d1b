// Amazon Pay (India) as a shop's server needs it: the buyer's way there and back, refunds, notifications.
// Nothing but Node's own modules. Written from the wire's public facts, not from Amazon's SDK.
import * as crypto from "node:crypto";

const PAY = "https://amazonpay.amazon.in/initiatePayment";
const OPERATIONS = "https://mws.amazonservices.in/OffAmazonPayments_Sandbox/2013-01-01"; // live: without _Sandbox
const SIGNATURE = { SignatureMethod: "HmacSHA256", SignatureVersion: "2" };

export class AmazonPay {
  /** `baseUrl`: where tests have all of Amazon's hosts; leave it out to call Amazon. */
  constructor({ sellerId, accessKey, secretKey, publicKey, baseUrl }) {
    Object.assign(this, { sellerId, accessKey, secretKey, baseUrl });
    this.publicKey = crypto.createPublicKey({ key: Buffer.from(publicKey, "base64"), format: "der", type: "spki" });
  }

  /** Where the buyer pays: a signed form, encrypted by a key of its own, which only Amazon can unwrap. */
  paymentUrl({ amount, sellerOrderId, redirectUrl }) {
    const fields = {
      orderTotalAmount: amount,
      orderTotalCurrencyCode: "INR",
      sellerOrderId,
      sellerId: this.sellerId,
      startTime: String(Math.floor(Date.now() / 1000)),
      isSandbox: "true",
    };
    // Signed as encoded once, sent as encoded twice; the access key once in both, the signature last.
    const once = mapValues(fields, encodeTwiceInUtf8);
    const signature = this.#signature("POST", new URL("https://amazonpay.amazon.in/"), {
      ...once,
      ...SIGNATURE,
      AWSAccessKeyId: this.accessKey,
    });
    const sent = { ...mapValues(once, encodeTwiceInUtf8), AWSAccessKeyId: this.accessKey };
    const plaintext = `${pairs(sent)}&Signature=${encodeURIComponent(signature)}`;

    const [key, iv] = [crypto.randomBytes(16), crypto.randomBytes(12)];
    const cipher = crypto.createCipheriv("aes-128-gcm", key, iv);
    const payload = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
    const padding = crypto.constants.RSA_PKCS1_OAEP_PADDING;
    const wrapped = crypto.publicEncrypt({ key: this.publicKey, padding, oaepHash: "sha1" }, key);

    const url = this.#at(PAY);
    const sealed = mapValues({ payload, key: wrapped, iv }, (octets) => octets.toString("base64"));
    url.search = new URLSearchParams({ ...sealed, redirectUrl });
    return url.href;
  }

  /** What the buyer's browser brings back; throws unless Amazon signed exactly this. */
  verifyReturn(query) {
    const { signature = "", ...result } = Object.fromEntries(query);
    const expected = this.#signature("POST", new URL("https://amazonpay.amazon.in/"), {
      ...mapValues(result, encodeTwiceInUtf8),
      ...SIGNATURE,
      AWSAccessKeyId: this.accessKey,
    });
    const [theirs, ours] = [Buffer.from(signature), Buffer.from(expected)];
    if (theirs.length !== ours.length || !crypto.timingSafeEqual(theirs, ours)) {
      throw new Error("Amazon has not signed this return.");
    }
    return result;
  }

  /** The order as Amazon has it, by our own number; undefined if nobody came to pay it. */
  async findOrder(sellerOrderId) {
    const query = { QueryId: sellerOrderId, QueryIdType: "SellerOrderId", PaymentDomain: "IN_INR" };
    const xml = await this.#call("ListOrderReference", query);
    const orderId = text(xml, "AmazonOrderReferenceId");
    return orderId && { orderId, state: text(xml, "State"), reason: text(xml, "ReasonCode") };
  }

  /** Ask for a refund. The answer is Pending; the same `reference` again is the same refund. */
  async refund({ orderId, reference, amount }) {
    const xml = await this.#call("RefundPayment", {
      AmazonTransactionId: orderId,
      AmazonTransactionIdType: "OrderReferenceId",
      RefundReferenceId: reference,
      "RefundAmount.Amount": amount,
      "RefundAmount.CurrencyCode": "INR",
    });
    return { refundId: text(xml, "AmazonRefundId"), state: text(xml, "State") };
  }

  /** Pending, Completed or Declined. */
  async refundState(refundId) {
    return text(await this.#call("GetRefundDetails", { AmazonRefundId: refundId }), "State");
  }

  /** What Amazon notifies us of (IPN, an SNS message); throws unless Amazon signed it, and for us. */
  async verifyNotification(body) {
    const envelope = JSON.parse(body);
    const { protocol, host, pathname } = new URL(envelope.SigningCertURL);
    if (protocol !== "https:" || !/^sns\.[a-z0-9-]{3,}\.amazonaws\.com$/.test(host) || !pathname.endsWith(".pem")) {
      throw new Error("The certificate is not at Amazon's address.");
    }
    const certificate = await (await fetch(this.#at(envelope.SigningCertURL))).text();
    const signed = ["Message", "MessageId", "Timestamp", "TopicArn", "Type"];
    const canonical = signed.map((name) => `${name}\n${envelope[name]}\n`).join("");
    const hash = envelope.SignatureVersion === "2" ? "RSA-SHA256" : "RSA-SHA1";
    if (!crypto.verify(hash, Buffer.from(canonical), certificate, Buffer.from(envelope.Signature, "base64"))) {
      throw new Error("Amazon has not signed this notification.");
    }
    const { NotificationType: type, SellerId, NotificationData: xml } = JSON.parse(envelope.Message);
    if (SellerId !== this.sellerId) throw new Error("This notification is for another seller.");
    return {
      type, // OrderReferenceNotification (a payment) or PaymentRefund
      reference: text(xml, type === "PaymentRefund" ? "RefundReferenceId" : "SellerReferenceId"),
      state: text(xml, "State"),
      orderId: text(xml, "OrderID"),
    };
  }

  async #call(action, fields) {
    const url = this.#at(OPERATIONS);
    const parameters = {
      ...fields,
      ...SIGNATURE,
      Action: action,
      Version: "2013-01-01",
      SellerId: this.sellerId,
      AWSAccessKeyId: this.accessKey,
      Timestamp: new Date().toISOString(),
    };
    const signature = this.#signature("POST", url, mapValues(parameters, encodeRfc3986));
    const reply = await fetch(url, { method: "POST", body: new URLSearchParams({ ...parameters, Signature: signature }) });
    const xml = await reply.text();
    if (!reply.ok) throw new Error(`${action}: ${text(xml, "Code")}: ${text(xml, "Message")}`);
    return xml;
  }

  /** Signature version 2: four lines, the parameters in the byte order of their names. */
  #signature(verb, url, encoded) {
    const sorted = Object.fromEntries(Object.entries(encoded).sort(([a], [b]) => (a < b ? -1 : 1)));
    const lines = [verb, url.host, url.pathname, pairs(sorted)].join("\n");
    return crypto.createHmac("sha256", this.secretKey).update(lines).digest("base64");
  }

  #at(address) {
    return this.baseUrl ? new URL(new URL(address).pathname, this.baseUrl) : new URL(address);
  }
}

const mapValues = (fields, change) => Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, change(value)]));
const pairs = (fields) => Object.entries(fields).map(([name, value]) => `${name}=${value}`).join("&");

/** As Amazon's clients for India write text: its UTF-8, taken for Latin-1, percent-encoded as UTF-8. */
const encodeTwiceInUtf8 = (value) => encodeURIComponent(Buffer.from(value).toString("latin1"));

/** encodeURIComponent leaves five marks bare that the server-to-server signature wants encoded. */
const encodeRfc3986 = (value) =>
  encodeURIComponent(value).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);

/** The text of the first such element. Use an XML parser for notes and names, which may hold entities. */
const text = (xml, name) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
