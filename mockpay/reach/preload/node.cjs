"use strict";
// Node (--require): sockets for the impersonated hosts are led to the sandbox, whichever agent or client opens
// them, and a client that brings its own list of roots trusts the sandbox's authority too.
const fs = require("node:fs");
const net = require("node:net");
const path = require("node:path");
const tls = require("node:tls");

const { hosts, ports, authority } = JSON.parse(fs.readFileSync(path.join(__dirname, "reach.json"), "utf8"));
const impersonated = new Set(hosts);

function portInstead(host, port) {
  return impersonated.has(String(host).toLowerCase().replace(/\.$/, "")) ? ports[port] : undefined;
}

function led(options) {
  const port = portInstead(options.host, options.port);
  return port ? Object.assign(Object.create(Object.getPrototypeOf(options)), options, { host: "127.0.0.1", port }) : options;
}

const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...args) {
  const [first, second] = args;
  if (Array.isArray(first)) {
    first[0] = led(first[0]); // as net.connect hands its arguments over
  } else if (first !== null && typeof first === "object") {
    args[0] = led(first);
  } else if (portInstead(second, first)) {
    args.splice(0, 2, portInstead(second, first), "127.0.0.1");
  }
  return connect.apply(this, args);
};

const createSecureContext = tls.createSecureContext;
tls.createSecureContext = (options) =>
  createSecureContext(options?.ca ? { ...options, ca: [options.ca, authority].flat() } : options);

// Node 22.19 and later: the roots of every client that names none can be replaced while the program runs.
const { setDefaultCACertificates } = tls;
if (setDefaultCACertificates) {
  tls.setDefaultCACertificates = (roots) => setDefaultCACertificates([...roots, authority]);
}
