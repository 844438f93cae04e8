// Opens pages in Chromium, on a wide and on a narrow screen, in light and in dark, and says what is wrong with them:
// what axe-core finds, and what only a drawn page shows (words that are cut or covered, a page that is wider than the
// screen, a picture that scrolls without saying so).
//
//   node check.mjs TOOLS PAGE...
//
// TOOLS is the folder with `node_modules`. Prints a line a finding, and ends with 1 if there is one.

import { basename, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { started } from './browser.mjs';

const [tools, ...pages] = process.argv.slice(2);
const WIDTHS = [1280, 390];
const SCHEMES = ['light', 'dark'];

// What axe-core finds: each node is a finding. Only what is about colours is asked in the other scheme.
async function violations(page, scheme) {
    const options = { resultTypes: ['violations'] };
    if (scheme !== SCHEMES[0]) options.runOnly = { type: 'rule', values: ['color-contrast'] };
    const found = await page.evaluate((options) => globalThis.axe.run(options), options);
    return found.violations.flatMap((rule) =>
        rule.nodes.map((node) => `${rule.id}: ${node.target.join(' ')}: ${node.failureSummary.replace(/\s+/g, ' ')}`));
}

// Runs in the page.
function looks() {
    const found = [];
    const wider = document.documentElement.scrollWidth - document.documentElement.clientWidth;
    if (wider > 0) found.push(`the page is ${wider} pixels wider than the screen`);
    // What a screen of this width does not show is nowhere.
    const shown = (thing) => thing.getClientRects().length > 0;
    const said = (text) => `“${text.textContent.trim()}”`;
    const meets = (one, other) =>
        Math.min(one.right, other.right) - Math.max(one.left, other.left) > 1.5 &&
        Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > 2.5;
    for (const drawing of [...document.querySelectorAll('svg[viewBox]')].filter(shown)) {
        const frame = drawing.getBoundingClientRect();
        const texts = [...drawing.querySelectorAll('text')].filter(shown);
        const boxes = texts.map((text) => text.getBoundingClientRect());
        texts.forEach((text, at) => {
            const box = boxes[at];
            const beyond = [frame.left - box.left, frame.top - box.top, box.right - frame.right, box.bottom - frame.bottom];
            if (Math.max(...beyond) > 1) found.push(`${said(text)} is cut`);
            if (text.textContent.includes('…')) found.push(`${said(text)} is shortened`);
            texts.slice(at + 1).forEach((other, after) => {
                if (meets(box, boxes[at + 1 + after])) found.push(`${said(text)} and ${said(other)} overlap`);
            });
            for (const whisker of drawing.querySelectorAll('.whisker')) {
                const line = whisker.getBoundingClientRect();
                const inside = line.left < box.right && line.right > box.left && line.top < box.bottom && line.bottom > box.top;
                if (inside) found.push(`a whisker covers ${said(text)}`);
            }
        });
    }
    for (const region of [...document.querySelectorAll('.scroll')].filter(shown)) {
        const hidden = region.scrollWidth - region.clientWidth;
        const hint = region.previousElementSibling;
        const hinted = hint?.classList.contains('swipe') && getComputedStyle(hint).display !== 'none';
        const label = region.getAttribute('aria-label');
        if (hidden > 40 && [...region.querySelectorAll('svg.plot, svg.bar, svg.topology')].some(shown) && !hinted) found.push(`“${label}” scrolls and does not say so`);
        if (hidden <= 0 && hinted) found.push(`“${label}” says that it scrolls and does not`);
    }
    return [...new Set(found)];
}

const { browser: open, axe } = await started(tools);
let findings = 0;

async function check(path) {
    const page = await open.newPage();
    await page.goto(pathToFileURL(resolve(path)).href);
    await page.evaluate(axe);
    for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 900 });
        for (const colorScheme of SCHEMES) {
            await page.emulateMedia({ colorScheme });
            const found = await violations(page, colorScheme);
            // How it is laid out does not depend on its colours.
            if (colorScheme === SCHEMES[0]) found.push(...(await page.evaluate(looks)));
            for (const finding of found) console.log(`${basename(path)} at ${width}, ${colorScheme}: ${finding}`);
            findings += found.length;
        }
    }
    await page.close();
}

// Two at a time, which is as many processors as the smallest machine has.
const left = [...pages];
const worker = async () => {
    for (let path = left.shift(); path; path = left.shift()) await check(path);
};
await Promise.all([worker(), worker()]);
await open.close();
console.log(`${pages.length} pages, ${findings} findings`);
process.exitCode = findings === 0 ? 0 : 1;
