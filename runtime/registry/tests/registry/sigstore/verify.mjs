// Verifies a bundle with @sigstore/verify: verify.mjs MODULES BUNDLE KEY. Exit code 0 if this key has signed it, and 1 with the
// reason if not. Prints the payload that is signed.
import { createRequire } from "node:module";
import { createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";

const [modules, bundleFile, keyFile] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const { bundleFromJSON } = require("@sigstore/bundle");
const { Verifier, toSignedEntity, toTrustMaterial } = require("@sigstore/verify");

const publicKey = createPublicKey(readFileSync(keyFile));
const bundle = bundleFromJSON(JSON.parse(readFileSync(bundleFile, "utf8")));
const nobody = { certificateAuthorities: [], timestampAuthorities: [], tlogs: [], ctlogs: [] };
const trust = toTrustMaterial(nobody, () => ({ publicKey, validFor: () => true }));
try {
  new Verifier(trust, { ctlogThreshold: 0, tlogThreshold: 0, timestampThreshold: 0 }).verify(toSignedEntity(bundle));
} catch (error) {
  console.error(`${error.code}: ${error.message}`);
  process.exit(1);
}
console.log(bundle.content.dsseEnvelope.payload.toString("utf8"));
