// The sandbox's control API, as far as these tests need it: `mockpay serve`, at MOCKPAY_URL.
const SANDBOX = (process.env.MOCKPAY_URL || "http://127.0.0.1:8420").replace(/\/+$/, "");
const TOKEN = process.env.MOCKPAY_ADMIN_TOKEN; // a server that is not on loopback wants one

async function call(method, path, body) {
  const headers = { "Content-Type": "application/json", ...(TOKEN && { Authorization: `Bearer ${TOKEN}` }) };
  const reply = await fetch(`${SANDBOX}/_mockpay/v1${path}`, { method, headers, body: JSON.stringify(body) });
  const answer = await reply.json();
  if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${answer.detail}`);
  return answer;
}

/** A seller with a world of its own, so tests never meet; its clock stands still until `advance`. */
export async function newSeller(shopUrl) {
  const made = await call("POST", "/sellers", { return_urls: [`${shopUrl}/*`], ipn_url: `${shopUrl}/ipn` });
  const path = `/sellers/${made.seller_id}`;
  await call("PUT", `${path}/clock`, { mode: "frozen" });
  const orders = async (query) => (await call("GET", `${path}/orders?${new URLSearchParams(query)}`)).items;
  return {
    credentials: {
      sellerId: made.seller_id,
      accessKey: made.access_key,
      secretKey: made.secret_key,
      publicKey: made.environment.AMAZONPAY_PUBLIC_KEY,
      baseUrl: SANDBOX,
    },
    /** By our own number, or by the token in the address of the payment's page. */
    findOrder: async (query) => (await orders(query))[0],
    /** Pay as a buyer would, without a browser; again to answer what the payment then `waits_for`. */
    pay: (orderId, typed) => call("POST", `${path}/orders/${orderId}/pay`, typed),
    /** The newest one-time password that the buyer was sent. */
    otp: async () => (await call("GET", `${path}/inbox?kind=otp`)).items[0].otp,
    /** Let time pass; when this returns, all that was due has happened and the shop has been notified. */
    advance: (goal) => call("POST", `${path}/clock/advance`, goal),
  };
}
