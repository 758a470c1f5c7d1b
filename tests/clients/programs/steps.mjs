// What the programs of npm's clients have in common: the packages, a shop's own address, a refusal, and their answers.
import { createServer } from "node:http";
import { createRequire } from "node:module";

export const require = createRequire(`${process.env.NPM_PACKAGES}/`);

// The address of a server on loopback that hands each request's headers and body to `handle`, and answers what it returns.
export async function serve(handle) {
  const server = createServer(async (request, response) => {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    await handle(request, response, Buffer.concat(pieces));
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return `http://127.0.0.1:${server.address().port}`;
}

// A shop's address for webhooks, and the first one that comes there.
export async function webhook() {
  let arrive;
  const arrived = new Promise((resolve) => (arrive = resolve));
  const url = await serve((request, response, body) => {
    response.end();
    arrive({ headers: request.headers, body });
  });
  return { url, arrived };
}

// What an act is refused with, in the words of `tell`; null when it is not.
export async function refusal(act, tell) {
  try {
    await act();
  } catch (error) {
    return tell(error);
  }
  return null;
}

// Do each step in turn, and print what it was answered.
export async function run(steps) {
  const answers = {};
  for (const step of steps) answers[step.name] = await step();
  console.log(JSON.stringify(answers));
  process.exit(0); // a kept connection would hold the program
}
