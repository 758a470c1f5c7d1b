// A small shop: /buy sends the buyer to Amazon Pay, /return and /ipn bring the news, and nothing is believed unsigned.
import { createServer } from "node:http";
import { text } from "node:stream/consumers";

export class Shop {
  constructor(amazonPay) {
    this.amazonPay = amazonPay;
    this.orders = new Map(); // our number -> { amount, state, orderId }
    this.refunds = new Map(); // our reference -> { refundId, state }
    this.server = createServer((request, response) => this.#answer(request, response));
  }

  /** Listen on a free port; the shop's address. */
  async open(host = "127.0.0.1") {
    await new Promise((resolve) => this.server.listen(0, host, resolve));
    this.url = `http://${host}:${this.server.address().port}`;
    return this.url;
  }

  close() {
    this.server.close();
    this.server.closeAllConnections?.();
  }

  /** Give money back; the news that it has arrived comes later. */
  async refund(number, amount) {
    const reference = `${number}-R${this.refunds.size + 1}`;
    const refund = await this.amazonPay.refund({ orderId: this.orders.get(number).orderId, reference, amount });
    this.refunds.set(reference, refund);
    return reference;
  }

  async #answer(request, response) {
    try {
      const url = new URL(request.url, this.url);
      if (url.pathname === "/buy") this.#buy(url.searchParams, response);
      else if (url.pathname === "/return") response.end(this.#returned(url.searchParams));
      else if (url.pathname === "/ipn") response.end(await this.#notified(request));
      else response.writeHead(404).end();
    } catch (error) {
      response.writeHead(400).end(error.message); // for /ipn: Amazon does not try a refused notification again
    }
  }

  #buy(query, response) {
    const [number, amount] = [query.get("number"), query.get("amount")];
    this.orders.set(number, { amount, state: "NEW" });
    const redirectUrl = `${this.url}/return`;
    response.writeHead(302, { Location: this.amazonPay.paymentUrl({ amount, sellerOrderId: number, redirectUrl }) }).end();
  }

  #returned(query) {
    const { status, sellerOrderId, amazonOrderId, orderTotalAmount } = this.amazonPay.verifyReturn(query);
    if (status === "SUCCESS" && this.orders.get(sellerOrderId).amount !== orderTotalAmount) {
      throw new Error("That is not what the order costs.");
    }
    this.#record(sellerOrderId, status, amazonOrderId);
    return `Your payment: ${status}\n`;
  }

  async #notified(request) {
    const { type, reference, state, orderId } = await this.amazonPay.verifyNotification(await text(request));
    if (type === "PaymentRefund") Object.assign(this.refunds.get(reference), { state });
    else this.#record(reference, state === "Completed" ? "SUCCESS" : "FAILURE", orderId);
    return "OK";
  }

  /** Return and notification come in any order, and more than once: what is paid stays paid. */
  #record(number, state, orderId) {
    const order = this.orders.get(number);
    if (order.state !== "SUCCESS") Object.assign(order, { state, orderId });
  }
}
