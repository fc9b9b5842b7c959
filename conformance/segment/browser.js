'use strict';
// Segment's browser client, in a page of another origin in headless Chromium, sends every kind of call to an intake; what it
// sent is printed as one JSON document.
//
//   node browser.js URL WRITE_KEY single|batching [CHROMIUM]

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');

const [url, writeKey, strategy, chromium = 'chromium'] = process.argv.slice(2);
const client = path.join(path.dirname(require.resolve('@segment/analytics-next/package.json')), 'dist/umd/index.js');
const PATIENCE_MS = 90_000;

const page = `<!doctype html><meta charset="utf-8"><title>shop</title><script src="/analytics.js"></script><script>
(async () => {
  const sent = [], failed = [];
  try {
    const delivery = ${JSON.stringify(strategy)} === 'batching'
      ? { deliveryStrategy: { strategy: 'batching', config: { size: 4, timeout: 300 } } }
      : {};
    const [analytics] = await AnalyticsNext.AnalyticsBrowser.load(
      { writeKey: ${JSON.stringify(writeKey)}, cdnURL: ${JSON.stringify(url)} },
      { integrations: { 'Segment.io': delivery } },
    );
    analytics.on('error', (error) => failed.push(String(error.reason || error.code)));
    const call = async (made) => { const context = await made; sent.push(context.event); };
    await call(analytics.page('Home', { from: 'test' }));
    await call(analytics.identify('b1', { email: 'b1@example.com', name: 'Zoë', vip: true }));
    await call(analytics.group('g1', { name: 'Rosebud' }));
    await call(analytics.track('Order Placed', { total: 12.5, tags: ['a', 'b'], note: '' }));
    await call(analytics.screen('Basket'));
    await call(analytics.alias('b2', 'b1'));
    await Promise.all(Array.from({ length: 20 }, (_, n) => call(analytics.track('Counted', { n }))));
    // What is gathered is sent within its time.
    await new Promise((done) => setTimeout(done, 2000));
  } catch (error) {
    failed.push(String(error && error.stack || error));
  }
  await fetch('/done', { method: 'POST', body: JSON.stringify({ sent, failed }) });
})();
</script>`;

const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'hubward-browser-'));
let browser;
let told = '';

/** Ends the browser with all its processes, and takes its profile away once they let go of it. */
function end(code, tries = 50) {
  clearTimeout(late);
  server.close();
  try {
    if (browser?.pid) process.kill(-browser.pid, 'SIGKILL');
  } catch {
    // They are gone already.
  }
  try {
    fs.rmSync(profile, { recursive: true, force: true });
  } catch (error) {
    if (tries > 0) {
      setTimeout(() => end(code, tries - 1), 100);
      return;
    }
    fs.writeSync(2, `${profile} is left: ${error.message}\n`);
  }
  process.exit(code);
}

const server = http.createServer((request, response) => {
  if (request.url === '/done') {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      response.end();
      fs.writeSync(1, `${Buffer.concat(parts).toString()}\n`);
      end(0);
    });
  } else if (request.url === '/analytics.js') {
    response.setHeader('content-type', 'text/javascript');
    response.end(fs.readFileSync(client));
  } else {
    response.setHeader('content-type', 'text/html');
    response.end(request.url === '/' ? page : '');
  }
});

const late = setTimeout(() => {
  fs.writeSync(2, `the page did not come to its end in ${PATIENCE_MS} ms\n${told}\n`);
  end(1);
}, PATIENCE_MS);

server.listen(0, '127.0.0.1', () => {
  const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'];
  const quiet = ['--disable-background-networking', '--disable-component-update', `--user-data-dir=${profile}`];
  browser = spawn(chromium, [...flags, ...quiet, `http://127.0.0.1:${server.address().port}/`], {
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  browser.stderr.on('data', (part) => { told = (told + part).slice(-4000); });
  browser.on('error', (error) => { fs.writeSync(2, `${chromium}: ${error.message}\n`); end(1); });
});
