// What Node's own clients get, by https and by fetch. Prints JSON.
import https from "node:https";

const CONFIG = "https://amazonpay.amazon.in/getDynamicConfig?key=serverSideSDKNODE";

function byHttps(url) {
  return new Promise((resolve, reject) => {
    https.get(url, (answer) => {
      let body = "";
      answer.on("data", (piece) => (body += piece));
      answer.on("end", () => resolve(JSON.parse(body)));
    }).on("error", reject);
  });
}

const metrics = await fetch("http://amazonpay.amazon.in/publishMetrics/x", { method: "POST", body: "{}" });
console.log(JSON.stringify({
  https: (await byHttps(CONFIG)).publicKey,
  fetch: (await (await fetch(CONFIG)).json()).publicKey,
  metrics: metrics.status,
}));
