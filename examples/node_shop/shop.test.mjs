// The shop against a running sandbox: `mockpay serve`, then `npm test`. No browser, no real money, no waiting.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { AmazonPay } from "./amazonpay.mjs";
import { newSeller } from "./sandbox.mjs";
import { Shop } from "./shop.mjs";

const CARD = { method: "card", number: "4111 1111 1111 1111", expiry: "08/35", cvv: "123", name: "Asha Rao" };
let shop, seller;

beforeEach(async () => {
  shop = new Shop();
  seller = await newSeller(await shop.open(process.env.SHOP_HOST)); // the name that the sandbox knows this machine by
  shop.amazonPay = new AmazonPay(seller.credentials);
});
afterEach(() => shop.close());

/** A buyer clicks "Buy" and comes to the payment's page; the order as the sandbox has it. */
async function buy(number, amount) {
  const toAmazon = await fetch(`${shop.url}/buy?number=${number}&amount=${amount}`, { redirect: "manual" });
  const toPage = await fetch(toAmazon.headers.get("location"), { redirect: "manual" });
  const [, token] = /\/pay\/([^/]+)/.exec(toPage.headers.get("location"));
  return seller.findOrder({ token });
}

test("a payment by UPI comes back signed, and the shop believes it", async () => {
  const order = await buy("ORDER-1", "499.00");
  const paid = await seller.pay(order.order_id, { method: "upi", vpa: "success@mockpay" });
  assert.equal(await (await fetch(paid.return_url)).text(), "Your payment: SUCCESS\n");
  assert.deepEqual(shop.orders.get("ORDER-1"), { amount: "499.00", state: "SUCCESS", orderId: order.order_id });

  const asAmazonHasIt = await shop.amazonPay.findOrder("ORDER-1");
  assert.equal(asAmazonHasIt.reason, "UpfrontChargeSuccess");
});

test("a card's bank asks for a one-time password (3-D Secure): a wrong one, then the right one", async () => {
  const order = await buy("ORDER-2", "1499.00");
  const asked = await seller.pay(order.order_id, CARD);
  assert.equal(asked.waits_for, "3ds");
  const askedAgain = await seller.pay(order.order_id, { otp: "000000" });
  assert.equal(askedAgain.waits_for, "3ds");
  const paid = await seller.pay(order.order_id, { otp: await seller.otp() });
  await fetch(paid.return_url);
  assert.equal(shop.orders.get("ORDER-2").state, "SUCCESS");
});

test("a failed payment sends the buyer back to the shop once he gives up", async () => {
  const order = await buy("ORDER-3", "499.00");
  const failed = await seller.pay(order.order_id, { method: "upi", vpa: "insufficient@mockpay" });
  await fetch(failed.return_url); // by way of the page where he gives up
  assert.equal(shop.orders.get("ORDER-3").state, "FAILURE");
});

test("a failure that somebody has changed into a success is not believed", async () => {
  const order = await buy("ORDER-4", "499.00");
  const failed = await seller.pay(order.order_id, { method: "upi", vpa: "insufficient@mockpay" });
  const back = await fetch(failed.return_url, { redirect: "manual" });
  const forged = await fetch(back.headers.get("location").replace("status=FAILURE", "status=SUCCESS"));
  assert.equal(forged.status, 400);
  assert.notEqual(shop.orders.get("ORDER-4").state, "SUCCESS");
});

test("a bank that decides late: the shop hears of it by a notification", async () => {
  const order = await buy("ORDER-5", "499.00");
  const pending = await seller.pay(order.order_id, { method: "upi", vpa: "pendingok@mockpay" });
  assert.equal(pending.state, "PENDING");
  assert.equal((await shop.amazonPay.findOrder("ORDER-5")).state, "Open");
  await seller.advance({ seconds: 60 });
  assert.equal(shop.orders.get("ORDER-5").state, "SUCCESS");
});

test("a refund is Pending until the clock moves; a notification and GetRefundDetails then say Completed", async () => {
  const order = await buy("ORDER-6", "499.00");
  const paid = await seller.pay(order.order_id, { method: "upi", vpa: "success@mockpay" });
  await fetch(paid.return_url);
  const reference = await shop.refund("ORDER-6", "100.00");
  const { refundId, state } = shop.refunds.get(reference);
  assert.equal(state, "Pending");
  assert.equal(await shop.amazonPay.refundState(refundId), "Pending");

  await seller.advance({ until: "idle" });
  assert.equal(shop.refunds.get(reference).state, "Completed");
  assert.equal(await shop.amazonPay.refundState(refundId), "Completed");
});

test("a notification that Amazon has not signed is refused", async () => {
  const order = await buy("ORDER-7", "499.00");
  let sent;
  const verify = shop.amazonPay.verifyNotification.bind(shop.amazonPay);
  shop.amazonPay.verifyNotification = (body) => verify((sent = body));
  await seller.pay(order.order_id, { method: "upi", vpa: "success@mockpay" });
  await seller.advance({ seconds: 1 });
  const forged = await fetch(`${shop.url}/ipn`, { method: "POST", body: sent.replace("Completed", "Declined") });
  assert.equal(forged.status, 400);
  assert.equal(shop.orders.get("ORDER-7").state, "SUCCESS");
});
