// Verifies and signs messages with the three npm packages that Clerk's users have.
// Standard input is a JSON list of calls, standard output the JSON list of their results. Bodies are in base64.
import { readFileSync } from "node:fs";
import { verifyWebhook } from "@clerk/backend/webhooks";
import { Webhook as StandardWebhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";

const unbranded = (headers) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.replace("svix-", "webhook-"), value]));

const packages = {
  svix: (secret, headers, body) => new SvixWebhook(secret).verify(body, headers),
  standardwebhooks: (secret, headers, body) => new StandardWebhook(secret).verify(body, unbranded(headers)),
  "@clerk/backend": (secret, headers, body) =>
    verifyWebhook(new Request("http://127.0.0.1/", { method: "POST", headers, body }), { signingSecret: secret }),
};

// Returns the packages that accept a message.
async function verify({ secret, headers, body }) {
  const accepted = [];
  for (const [name, call] of Object.entries(packages)) {
    try {
      await call(secret, headers, Buffer.from(body, "base64"));
      accepted.push(name);
    } catch {
      // The message is refused.
    }
  }
  return accepted;
}

// Returns the signatures of the packages that can sign.
function sign({ secret, id, timestamp, body }) {
  const moment = new Date(timestamp * 1000);
  const text = Buffer.from(body, "base64").toString();
  return [SvixWebhook, StandardWebhook].map((Webhook) => new Webhook(secret).sign(id, moment, text));
}

const results = [];
for (const call of JSON.parse(readFileSync(0, "utf8"))) {
  results.push(call.sign ? sign(call) : await verify(call));
}
process.stdout.write(JSON.stringify(results));
