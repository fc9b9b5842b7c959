'use strict';
// Segment's Node client sends every kind of call to an intake, and what it sent is printed as one JSON document.
//
//   node node.js URL WRITE_KEY

const { Analytics } = require('@segment/analytics-node');

const [url, writeKey] = process.argv.slice(2);
const sent = new Map();
const failed = [];
const analytics = new Analytics({ writeKey, host: url, flushAt: 20, flushInterval: 200 });
// What goes over the wire, by the client's own word; a repetition has the same ids.
analytics.on('http_request', ({ body }) => {
  for (const call of JSON.parse(body).batch) sent.set(call.messageId, call);
});
analytics.on('error', (error) => failed.push(String(error.reason ?? error.code ?? error)));

async function main() {
  analytics.identify({ userId: 'n1', traits: { email: 'n1@example.com', name: 'Zoë', age: 30, vip: true } });
  analytics.group({ userId: 'n1', groupId: 'g1', traits: { name: 'Rosebud', employees: 12 } });
  analytics.track({ userId: 'n1', event: 'Order Placed', properties: { total: 12.5, tags: ['a', 'b'], note: '' } });
  analytics.page({ anonymousId: 'anon', name: 'Home', properties: { url: 'https://example.com/?a=1' } });
  analytics.screen({ userId: 'n1', name: 'Basket' });
  analytics.alias({ userId: 'n1', previousId: 'anon' });
  for (let n = 0; n < 100; n += 1) {
    analytics.track({ userId: `n${n % 3}`, event: 'Counted', properties: { n } });
  }
  await analytics.closeAndFlush();
  console.log(JSON.stringify({ sent: [...sent.values()], failed }));
}

main();
