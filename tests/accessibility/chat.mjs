// Two people at the chat's page in two windows of Chromium, each at a gateway of their own, by the keyboard alone. Whatever
// happens to the gateways, both have to see the whole conversation, in the same order, each message once; and axe-core has to
// find nothing.
//
//   node chat.mjs TOOLS PAGE PAGE [PICTURES]
//
// TOOLS is the folder with `node_modules`; the pages are of two gateways that know each other. What happens to the gateways
// is done by whoever started this: it is asked for by a line, and answers with one. Prints a line a finding, and ends with 1 if
// there is one. With PICTURES, a folder, it leaves pictures of the windows there.

import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { started } from './browser.mjs';

const [tools, first, second, pictures] = process.argv.slice(2);
const WITHIN_MS = 20_000;
const ROOM = 'Harbour';
const { browser, axe } = await started(tools);
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const findings = [];
const said = [];

function finding(what) {
    findings.push(what);
    console.log(what);
}

// Asks for something to be done to the gateways, and waits until it is.
async function ask(what) {
    console.log(`ask ${what}`);
    if ((await answers.next()).done) throw new Error(`nobody answers “${what}”`);
}

async function opened(name, page) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    const window = await context.newPage();
    window.setDefaultTimeout(WITHIN_MS);
    window.on('pageerror', (error) => finding(`${name}: ${error}`));
    window.on('console', (line) => line.text().includes('Content Security Policy') && finding(`${name}: ${line.text()}`));
    await window.goto(page);
    return { name, window };
}

// Presses Tab until this has the focus.
async function tabTo({ name, window }, id) {
    for (let presses = 0; presses < 20; presses += 1) {
        if ((await window.evaluate(() => document.activeElement.id)) === id) return;
        await window.keyboard.press('Tab');
    }
    throw new Error(`${name}: Tab does not lead to #${id}`);
}

async function entered(person) {
    const { name, window } = person;
    await tabTo(person, 'user');
    await window.keyboard.type(name);
    await tabTo(person, 'room');
    await window.keyboard.press('ControlOrMeta+a');
    await window.keyboard.type(ROOM);
    await window.keyboard.press('Enter');
    await status(person, 'live at');
    // Whoever has entered can speak at once.
    await focused(person, 'text');
}

async function focused({ name, window }, id) {
    const has = await window.evaluate(() => document.activeElement.id);
    if (has !== id) finding(`${name}: the focus is at #${has}, not at #${id}`);
}

async function says(person, ...texts) {
    await tabTo(person, 'text');
    for (const text of texts) {
        await person.window.keyboard.type(text);
        await person.window.keyboard.press('Enter');
        said.push(`${person.name}: ${text}`);
    }
}

// Waits until the status says these words; returns all that it says.
async function status({ name, window }, words) {
    const place = window.locator('#status', { hasText: words });
    await place.waitFor().catch(async () => {
        const events = await window.locator('#events').innerText();
        throw new Error(`${name}: the status never says “${words}” but “${await window.locator('#status').innerText()}”\n${events}`);
    });
    return place.innerText();
}

// What has happened to a window's connection so far, and what happens then: waits until it has these words.
const happened = ({ window }) => window.locator('#events li').count();

async function happens({ name, window }, before, words) {
    const isThere = ([before, words]) => [...document.querySelectorAll('#events li')].slice(before).some((item) => item.textContent.includes(words));
    await window.waitForFunction(isThere, [before, words]).catch(() => finding(`${name}: it never happens: ${words}`));
}

// What a window shows: the sequence, the sender and the text of each record.
const shown = ({ window }) =>
    window.evaluate(() =>
        [...document.querySelectorAll('#records li[data-sequence]')].map((item) => [
            Number(item.dataset.sequence),
            item.querySelector('.who') ? `${item.querySelector('.who').textContent}: ${item.querySelector('.text').textContent}` : item.textContent,
        ]));

// Waits until everybody has all that was said; then they must have it in one order, without a gap or a repetition.
async function agree(...people) {
    const before = findings.length;
    for (const { name, window } of people) {
        const isWhole = (count) => document.querySelectorAll('#records li[data-sequence]').length >= count && document.getElementById('pending').hidden;
        await window.waitForFunction(isWhole, said.length).catch(() => finding(`${name} does not get all ${said.length} messages`));
    }
    const [one, ...others] = await Promise.all(people.map(shown));
    const isInOrder = one.every(([sequence], at) => sequence === at + 1);
    if (!isInOrder) finding(`${people[0].name} sees a gap or a repetition: ${JSON.stringify(one)}`);
    const missing = said.filter((message) => one.filter(([, text]) => text === message).length !== 1);
    if (missing.length > 0 || one.length !== said.length) finding(`not there once: ${JSON.stringify(missing)} in ${JSON.stringify(one)}`);
    for (const other of others) {
        if (JSON.stringify(other) !== JSON.stringify(one)) finding(`they see ${JSON.stringify(one)} and ${JSON.stringify(other)}`);
    }
    if (findings.length > before) throw new Error('they do not agree, so the rest says nothing');
}

// What axe-core finds in a window on a wide and a narrow screen, in light and in dark.
async function accessible({ name, window }, what) {
    await window.evaluate(axe);
    for (const width of [1280, 390]) {
        await window.setViewportSize({ width, height: 900 });
        for (const colorScheme of ['light', 'dark']) {
            await window.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
            const found = await window.evaluate(() => globalThis.axe.run({ resultTypes: ['violations'] }));
            for (const rule of found.violations) finding(`${name}, ${what} at ${width}, ${colorScheme}: ${rule.id}: ${rule.nodes.map((node) => node.html)}`);
            const wider = await window.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
            if (wider > 0) finding(`${name}, ${what} at ${width}: ${wider} pixels wider than the screen`);
            if (pictures) await window.screenshot({ path: join(pictures, `${what}-${width}-${colorScheme}.png`), fullPage: true });
        }
    }
    await window.setViewportSize({ width: 1280, height: 900 });
}

// What the page does when it is told this by a gateway, after it has missed two records.
async function closedWith({ window }, code) {
    await window.evaluate((code) => {
        const [socket, items] = [state.socket, [...document.querySelectorAll('#records li[data-sequence]')]];
        items.slice(-2).forEach((item) => item.remove());
        state.last -= 2;
        closed(code);
        socket.close();
    }, code);
}

async function removed({ name, window }) {
    const { origin } = new URL(first);
    const room = await window.evaluate(() => state.room);
    const json = { 'content-type': 'application/json' };
    const reply = await fetch(`${origin}/tokens`, { method: 'POST', headers: json, body: '{"user":"host"}' });
    const { token } = await reply.json();
    await fetch(`${origin}/rooms/${room}/members/${name}`, { method: 'DELETE', headers: { authorization: `Bearer ${token}` } });
    said.push(`${name} is no longer a member`);
}

async function conversation() {
    const [ann, bob] = [await opened('ann', first), await opened('bob', second)];
    await accessible(ann, 'form');
    await entered(ann);
    await entered(bob);
    await says(ann, 'Good morning!');
    await says(bob, 'Good morning, Ann. The ferry is late again, they say by an hour; shall we wait for it here?');
    await says(ann, 'Yes.', 'Is there tea?');
    await agree(ann, bob);

    // The gateway of one of them is killed; the other one's is there.
    await ask('kill one');
    const told = await status(ann, 'resumed at');
    const places = [new URL(first).host, new URL(second).host];
    if (!told.startsWith(`lost gateway ${places[0]}; resumed at ${places[1]} after `)) finding(`ann is told “${told}”`);
    await says(bob, 'There is.', 'And cake.');
    await says(ann, 'Then I stay.');
    await agree(ann, bob);

    // Both are killed: what is said now waits.
    await ask('kill all');
    for (const person of [ann, bob]) await status(person, 'coming back');
    await says(ann, 'Can you hear me?', 'I cannot hear you.');
    await says(bob, 'Now it is raining.');
    for (const [{ name, window }, count] of [[ann, 2], [bob, 1]]) {
        const waiting = await window.locator('#pending li').count();
        if (waiting !== count) finding(`${name} has ${waiting} messages that wait, not ${count}`);
    }
    if (pictures) await ann.window.screenshot({ path: join(pictures, 'away.png'), fullPage: true });
    await ask('let them live');
    for (const person of [ann, bob]) await status(person, 'resumed at');
    await agree(ann, bob);

    let before = await happened(bob);
    await tabTo(bob, 'drop');
    await bob.window.keyboard.press('Enter');
    await happens(bob, before, 'resumed at');
    for (const code of [4009, 4010, 4011]) {
        before = await happened(bob);
        await closedWith(bob, code);
        await happens(bob, before, 'resumed at');
        await agree(ann, bob);
    }
    // What was sent and not acknowledged is sent again, and is there once.
    await bob.window.evaluate(() => {
        say('Did you get this?');
        leave('it is closed before it answers');
    });
    said.push('bob: Did you get this?');
    await agree(ann, bob);
    await says(bob, 'The sun is back.');
    await accessible(ann, 'talk');

    // Whoever is removed is told so, and can come again: also as somebody new, who reads what was said.
    await removed(bob);
    await status(bob, 'stopped: you are no longer a member of this room');
    await accessible(bob, 'over');
    await tabTo(bob, 'user');
    await bob.window.keyboard.press('Enter');
    await status(bob, 'live at');
    const eve = await opened('eve', second);
    await entered(eve);
    await says(eve, 'What did I miss?');
    await agree(ann, bob, eve);
}

await conversation().catch((error) => finding(error.stack));
await browser.close();
console.log(`${said.length} messages, ${findings.length} findings`);
process.exit(findings.length === 0 ? 0 : 1);
