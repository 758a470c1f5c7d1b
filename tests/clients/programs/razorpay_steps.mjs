// What a shop with Razorpay's own npm client does and is answered, step by step, under `mockpay run`.
// Arguments: the sandbox's address, a key's id and secret. Prints JSON: step -> what the client's own objects say.
import { refusal, require, run, serve, webhook } from "./steps.mjs";

const Razorpay = require("razorpay");
const { validatePaymentVerification } = require("razorpay/dist/utils/razorpay-utils");
const [base, key_id, key_secret] = process.argv.slice(2);
const client = new Razorpay({ key_id, key_secret });
const CARD = { number: "4100280000001007", expiry_month: "08", expiry_year: "30", cvv: "123", name: "Asha" };
const BUYER = { currency: "INR", email: "asha@example.in", contact: "9000090000", method: "card" };

const order = (more) => client.orders.create({ amount: 50_000, currency: "INR", ...more });
const refused = (act) => refusal(act, ({ statusCode, error }) => [statusCode, error.code, error.description]);

function begin({ id, amount }, number = CARD.number, through = client) {
  return through.payments.createPaymentJson({ ...BUYER, amount, order_id: id, card: { ...CARD, number } });
}

async function pay(made) {
  const { razorpay_payment_id: id } = await begin(made);
  return client.payments.otpSubmit(id, { otp: "1234" });
}

async function create_and_pay() {
  const made = await order({ notes: { basket: "1" } });
  const { razorpay_order_id: order_id, razorpay_payment_id: payment_id, razorpay_signature: signature } = await pay(made);
  const believed = (names) => validatePaymentVerification(names, signature, key_secret);
  const { status, method, card } = await client.payments.fetch(payment_id, { "expand[]": "card" });
  const paid = await client.orders.fetch(made.id);
  const signed = [believed({ order_id, payment_id }), believed({ order_id, payment_id: `${payment_id}x` })];
  return [made.status, ...signed, status, method, card.last4, paid.status, paid.notes];
}

async function authorise_and_capture() {
  const { razorpay_payment_id: id } = await pay(await order({ payment: { capture: "manual" } }));
  const { status } = await client.payments.fetch(id);
  const other = await refused(() => client.payments.capture(id, 500, "INR"));
  const taken = await client.payments.capture(id, 50_000, "INR");
  return [status, other, taken.status, await refused(() => client.payments.capture(id, 50_000, "INR"))];
}

async function refunds() {
  const { razorpay_payment_id: id } = await pay(await order());
  const first = await client.payments.refund(id, { amount: 10_000 });
  const second = await client.payments.refund(id, { amount: 15_000 });
  const over = await refused(() => client.payments.refund(id, { amount: 25_001 }));
  const { amount_refunded, refund_status } = await client.payments.fetch(id);
  const rest = await client.payments.refund(id, {});
  return [(await client.refunds.fetch(first.id)).amount, second.amount, over, amount_refunded, refund_status, rest.amount];
}

async function decline() {
  const { razorpay_payment_id: id } = await begin(await order(), "4100280000080001");
  return refused(() => client.payments.otpSubmit(id, { otp: "1234" }));
}

async function challenge() {
  const made = await order();
  const { razorpay_payment_id: id } = await begin(made);
  const failed = await refused(() => client.payments.otpSubmit(id, { otp: "333333" }));
  await pay(made);
  return [failed, (await client.orders.fetchPayments(made.id)).items.map(({ status }) => status)];
}

// This client cannot send X-Refund-Idempotency; a refund's receipt is what keeps a second one away.
async function receipt_twice() {
  const { razorpay_payment_id: id } = await pay(await order());
  const wanted = { amount: 100, receipt: "refund-1" };
  await client.payments.refund(id, wanted);
  return (await refused(() => client.payments.refund(id, wanted))).slice(0, 2);
}

// A payment whose answer is lost on its way: the client tells nothing of it, the order does.
async function lost_answer() {
  const losing = await serve(async (request, response, body) => {
    const { host, connection, "content-length": length, ...headers } = request.headers;
    await (await fetch(`${base}/gw/razorpay${request.url}`, { method: request.method, headers, body })).text();
    response.destroy();
  });
  const unlucky = new Razorpay({ key_id, key_secret });
  unlucky.api.rq.defaults.baseURL = losing;
  const made = await order({ notes: { mockpay_outcome: "auth=frictionless" } });
  const nothing = (await refusal(() => begin(made, CARD.number, unlucky), (error) => error.statusCode ?? null)) === null;
  const { items } = await client.orders.fetchPayments(made.id);
  return [nothing, items.map(({ status }) => status)];
}

async function paging() {
  const made = [];
  for (let n = 0; n < 5; n += 1) made.unshift((await order({ receipt: "pages" })).id);
  const pages = [];
  for (const skip of [0, 2, 4]) pages.push((await client.orders.all({ receipt: "pages", count: 2, skip })).items);
  return [pages.map(({ length }) => length), JSON.stringify(pages.flat().map(({ id }) => id)) === JSON.stringify(made)];
}

// An event that the client's own verifier takes, and the same one a byte longer, which it refuses.
async function webhook_verified() {
  const { url, arrived } = await webhook();
  const secret = "a-secret-of-the-shop";
  await client.webhooks.create({ url, secret, events: { "payment.captured": true } });
  const { razorpay_payment_id: id } = await pay(await order());
  const { headers, body } = await arrived;
  const believed = (text) => Razorpay.validateWebhookSignature(text, headers["x-razorpay-signature"], secret);
  const { event, payload } = JSON.parse(body);
  return [event, payload.payment.entity.id === id, believed(body), believed(`${body} `)];
}

await run([
  create_and_pay,
  authorise_and_capture,
  refunds,
  decline,
  challenge,
  receipt_twice,
  lost_answer,
  paging,
  webhook_verified,
]);
