// What a shop with Stripe's own npm client does and is answered, step by step, under `mockpay run`.
// Arguments: the sandbox's address, a secret key. Prints JSON: step -> what the client's own objects say.
import { refusal, require, run, serve, webhook } from "./steps.mjs";

const Stripe = require("stripe");
const [base, key] = process.argv.slice(2);
const client = new Stripe(key, { maxNetworkRetries: 0 });
const WANTED = { amount: 49_900, currency: "inr", payment_method: "pm_card_visa", confirm: true };

const pay = (changes) => client.paymentIntents.create({ ...WANTED, ...changes });
const refused = (act) =>
  refusal(act, (error) => [error.type.replace(/^Stripe/, ""), error.statusCode, error.code ?? null, error.decline_code ?? null]);

async function create_and_pay() {
  const intent = await pay({ metadata: { order: "O-1" }, expand: ["latest_charge", "payment_method"] });
  const again = await client.paymentIntents.retrieve(intent.id);
  return [intent.status, again.amount_received, intent.latest_charge.paid, intent.payment_method.card.brand];
}

async function authorise_and_capture() {
  const intent = await pay({ capture_method: "manual" });
  const taken = await client.paymentIntents.capture(intent.id, { amount_to_capture: 40_000 });
  const other = await client.paymentIntents.cancel((await pay({ capture_method: "manual" })).id);
  return [intent.status, taken.status, taken.amount_received, other.status];
}

async function refunds() {
  const intent = await pay();
  const first = await client.refunds.create({ payment_intent: intent.id, amount: 10_000 });
  const over = await refused(() => client.refunds.create({ payment_intent: intent.id, amount: 39_901 }));
  const second = await client.refunds.create({ charge: intent.latest_charge });
  const charge = await client.charges.retrieve(intent.latest_charge);
  return [first.status, second.amount, charge.refunded, over, (await client.refunds.retrieve(first.id)).amount];
}

async function decline() {
  return refused(() => pay({ payment_method: "pm_card_visa_chargeDeclinedInsufficientFunds" }));
}

async function replay() {
  const wanted = { amount: 500, currency: "inr" };
  const options = { idempotencyKey: "order-1" };
  const first = await client.paymentIntents.create(wanted, options);
  const again = await client.paymentIntents.create(wanted, options);
  const other = await refused(() => client.paymentIntents.create({ ...wanted, amount: 600 }, options));
  return [first.id === again.id, again.lastResponse.headers["idempotent-replayed"], other];
}

// The first answer is lost on its way; the client itself sends the same key again.
async function lost_answer() {
  const seen = [];
  const losing = await serve(async (request, response, body) => {
    const { host, connection, "content-length": length, ...headers } = request.headers;
    const answer = await fetch(`${base}/gw/stripe${request.url}`, { method: request.method, headers, body });
    const text = await answer.text();
    seen.push([headers["idempotency-key"], answer.headers.get("idempotent-replayed")]);
    if (seen.length === 1) return response.destroy();
    return response.end(text);
  });
  const { hostname, port } = new URL(losing);
  const unlucky = new Stripe(key, { host: hostname, port, protocol: "http", maxNetworkRetries: 2 });
  const intent = await unlucky.paymentIntents.create({ ...WANTED, amount: 700, metadata: { order: "lost" } });
  const found = await client.paymentIntents.search({ query: "metadata['order']:'lost'" });
  const keys = new Set(seen.map(([name]) => name));
  return [intent.status, keys.size, seen.map(([, replayed]) => replayed), found.data.length];
}

async function paging() {
  const customer = await client.customers.create({ email: "asha@example.in" });
  const made = [];
  for (const amount of [500, 501, 502, 503, 504]) {
    made.unshift((await client.paymentIntents.create({ amount, currency: "inr", customer: customer.id })).id);
  }
  const listed = [];
  for await (const { id } of client.paymentIntents.list({ limit: 2, customer: customer.id })) listed.push(id);
  return JSON.stringify(listed) === JSON.stringify(made);
}

async function challenge() {
  const intent = await pay({ payment_method: "pm_card_threeDSecure2Required", return_url: "http://127.0.0.1/back" });
  return [intent.status, intent.next_action.redirect_to_url.url, intent.id];
}

// An event that the client's own verifier takes, and the same one a byte longer, which it refuses.
async function webhook_verified() {
  const { url, arrived } = await webhook();
  const endpoint = await client.webhookEndpoints.create({ url, enabled_events: ["payment_intent.succeeded"] });
  const intent = await pay();
  const { headers, body } = await arrived;
  const signature = headers["stripe-signature"];
  const event = client.webhooks.constructEvent(body, signature, endpoint.secret);
  const same = (await client.events.retrieve(event.id)).id === event.id;
  const tampered = await refusal(
    () => client.webhooks.constructEvent(`${body} `, signature, endpoint.secret),
    (error) => (error.type === "StripeSignatureVerificationError" ? "refused" : String(error)),
  );
  await client.webhookEndpoints.del(endpoint.id);
  const left = (await client.webhookEndpoints.list()).data.length;
  return [event.type, event.data.object.id === intent.id, same, tampered, left];
}

await run([
  create_and_pay,
  authorise_and_capture,
  refunds,
  decline,
  replay,
  lost_answer,
  paging,
  challenge,
  webhook_verified,
]);
