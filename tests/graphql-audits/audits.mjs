// Runs the audits of graphql-http against a server, and says which do not pass.
//
//   node audits.mjs TOOLS URL
//
// TOOLS is the folder with `node_modules`. Prints a line for each audit that does not pass, then how many there were; ends
// with 1 if one of them is a MUST or a SHOULD of the specification.

import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const [tools, url] = process.argv.slice(2);
const require = createRequire(join(resolve(tools), 'package.json'));
const { serverAudits } = require('graphql-http');

const audits = serverAudits({ url, fetchFn: fetch });
let [passed, missed] = [0, 0];
for (const audit of audits) {
  const result = await audit.fn();
  if (result.status === 'ok') {
    passed += 1;
    continue;
  }
  console.log(`${audit.name}: ${result.reason}`);
  if (!audit.name.startsWith('MAY')) missed += 1;
}
console.log(`${audits.length} audits, ${passed} pass; ${missed} of MUST and SHOULD do not`);
process.exit(missed === 0 ? 0 : 1);
