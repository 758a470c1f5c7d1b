// What Node's own clients get, by https, by an agent of one's own, with roots of one's own, and by fetch. Prints JSON.
import https from "node:https";
import tls from "node:tls";

const CONFIG = "https://amazonpay.amazon.in/getDynamicConfig?key=serverSideSDKNODE";

function byHttps(options) {
  return new Promise((resolve, reject) => {
    https.get(CONFIG, options, (answer) => {
      let body = "";
      answer.on("data", (piece) => (body += piece));
      answer.on("end", () => resolve(JSON.parse(body).publicKey));
    }).on("error", reject);
  });
}

async function byReplacedDefaultRoots() {
  tls.setDefaultCACertificates(tls.getCACertificates("bundled"));
  return byHttps({ agent: new https.Agent() });
}

const metrics = await fetch("http://amazonpay.amazon.in/publishMetrics/x", { method: "POST", body: "{}" });
console.log(JSON.stringify({
  https: await byHttps({}),
  "own agent": await byHttps({ agent: new https.Agent({ keepAlive: true }) }),
  "own roots": await byHttps({ agent: new https.Agent({ ca: tls.rootCertificates }) }),
  fetch: (await (await fetch(CONFIG)).json()).publicKey,
  metrics: metrics.status,
  // Not before 22.19.
  ...(tls.setDefaultCACertificates && { "default roots replaced": await byReplacedDefaultRoots() }),
}));
process.exit(0); // a kept connection would hold the program
