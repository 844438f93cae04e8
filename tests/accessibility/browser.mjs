// Debian's own Chromium, driven by playwright-core, and axe-core: nothing is downloaded.

import { accessSync, constants, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

// The program on the PATH.
function program() {
    for (const folder of process.env.PATH.split(':')) {
        for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
            const program = join(folder, name);
            try {
                accessSync(program, constants.X_OK);
                return program;
            } catch {
                // The next one.
            }
        }
    }
    throw new Error('no chromium on the PATH');
}

// The packages in this folder, started: a browser, and the script of axe-core.
export async function started(tools) {
    const require = createRequire(join(resolve(tools), 'package.json'));
    const { chromium } = require('playwright-core');
    const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
    return { browser: await chromium.launch({ executablePath: program(), args: ['--no-sandbox'] }), axe };
}
