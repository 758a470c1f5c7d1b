// What a shop with PayU's own npm client does and is answered, step by step, under `mockpay run`.
// Arguments: the sandbox's address, a seller, its key and salt. Prints JSON: step -> what the client says.
import { require, run, webhook } from "./steps.mjs";

const PayU = require("payu-websdk");
const [base, seller, key, salt] = process.argv.slice(2);
const client = new PayU({ key, salt }, "TEST");
const CARD = { method: "card", number: "4111111111111111", expiry: "08/40", cvv: "123", name: "Asha" };
const UPI = { method: "upi", vpa: "success@mockpay" };
const FORM = {
  amount: "499.00",
  productinfo: "Brass bell",
  firstname: "Asha",
  email: "asha@example.in",
  phone: "9000000000",
  surl: "http://127.0.0.1/success",
  furl: "http://127.0.0.1/failure",
};

const MARKS = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#34;": '"', "&#39;": "'", "&#x2F;": "/", "&amp;": "&" };
const unescape = (text) => text.replace(/&[^;]+;/g, (mark) => MARKS[mark] ?? mark);

// Where an HTML form is posted, and what.
function posted(html) {
  const inputs = [...html.matchAll(/<input [^>]*name="([^"]*)" value="([^"]*)"/g)];
  const fields = Object.fromEntries(inputs.map(([, name, value]) => [unescape(name), unescape(value)]));
  return [unescape(html.match(/<form [^>]*action="([^"]*)"/)[1]), fields];
}

// What the sandbox is asked by its control API.
async function ask(method, path, body) {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(`${base}/_mockpay/v1/sellers/${seller}${path}`, { method, headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(await answer.text());
}

// The address of the page to which the client's form leads, or the text of a refusal.
async function open(txnid) {
  const [url, fields] = posted(client.paymentInitiate({ ...FORM, txnid }));
  const answer = await fetch(url, { method: "POST", body: new URLSearchParams(fields), redirect: "manual" });
  const page = answer.headers.get("location");
  return page === null ? answer.text() : new URL(page, url).href;
}

// A payment to its end: where the buyer's browser posts its result, and the result.
async function pay(txnid, typed = UPI) {
  const page = await open(txnid);
  await ask("POST", `/orders/${txnid}/pay`, typed);
  return posted(await (await fetch(`${page}return`)).text());
}

const status = async (txnid) => (await client.verifyPayment(txnid)).transaction_details[txnid].status;
const valid = (result) => client.hasher.validateResponseHash(result);
// What the client makes of a result, and of one that was changed on its way.
const believed = (result) => [valid(result), valid({ ...result, amount: "1.00" })];
const told = ({ status, error_code = null, msg }) => [status, error_code, msg];

async function create_and_pay() {
  const [url, result] = await pay("T-1");
  const today = new Date(result.addedon).toLocaleDateString("sv");
  const listed = await client.getTransactionDetails(today, today);
  const [{ txnid }] = listed.Transaction_details;
  return [url, result.unmappedstatus, believed(result), await status("T-1"), txnid];
}

async function refunds() {
  const [, { mihpayid }] = await pay("T-2");
  const answers = [];
  for (const [n, amount] of ["100.00", "150.00", "249.01", "249.00"].entries()) {
    answers.push(await client.cancelRefundTransaction(mihpayid, `R-${n}`, amount));
  }
  const { request_id } = answers[0];
  const [action] = Object.values((await client.checkActionStatus(request_id)).transaction_details[request_id]);
  return [answers.map(told), action.action, action.amt, action.status];
}

async function decline() {
  const [url, result] = await pay("T-3", { method: "upi", vpa: "insufficient@mockpay" });
  return [url, result.status, result.error, believed(result), await status("T-3")];
}

async function challenge() {
  const ends = [];
  for (const otp of ["333333", "123456"]) {
    const [url, result] = await pay(`T-4-${otp}`, { ...CARD, otp });
    ends.push([url, result.mode, result.status, result.error, believed(result)]);
  }
  return ends;
}

async function replay() {
  const [, { mihpayid }] = await pay("T-5");
  const again = await open("T-5");
  const twice = [];
  for (let n = 0; n < 2; n += 1) twice.push(told(await client.cancelRefundTransaction(mihpayid, "R-5", "10.00")));
  return [again.includes("Duplicate transaction id"), twice];
}

// The buyer has paid, and their browser never comes back with the result.
async function lost_answer() {
  const page = await open("T-6");
  const before = await status("T-6");
  await ask("POST", "/orders/T-6/pay", UPI);
  return [page.startsWith("http"), before, await status("T-6")];
}

async function webhook_verified() {
  const { url, arrived } = await webhook();
  await ask("PATCH", "", { ipn_url: url });
  await pay("T-7");
  const result = Object.fromEntries(new URLSearchParams((await arrived).body.toString()));
  return [result.txnid, result.status, believed(result)];
}

await run([create_and_pay, refunds, decline, challenge, replay, lost_answer, webhook_verified]);
