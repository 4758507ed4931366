// A proxy that does what bad proxies do, between a client and the server.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/**
 * Starts it. `fault` is one of
 * - `none`: hands everything on;
 * - `cut`: closes the client's connection in the middle of an answer;
 * - `double`: sends every request twice at once, and answers with the second answer;
 * - `retry`: takes the first answer and throws it away, sends the request again, and answers with that;
 * - `old`: speaks HTTP/1.0 with the server;
 * - `idle`: closes the server's connection half a second after an answer, keeping the client's.
 * One request a connection of the client's but for `idle`.
 */
export async function proxy(vestibule, fault) {
  const { hostname, port } = new URL(vestibule.url);
  const upstream = () => connect(Number(port), hostname);
  const server = createServer((client) => {
    client.on('error', () => {});
    if (fault === 'idle') return pipe(client, upstream());
    collect(client).then(
      async (asked) => {
        const bytes = fault === 'old' ? old(asked) : closing(asked);
        const answers = fault === 'double' ? await Promise.all([ask(upstream(), bytes), ask(upstream(), bytes)]) : [await ask(upstream(), bytes)];
        if (fault === 'retry') answers.push(await ask(upstream(), bytes));
        const answer = answers.at(-1);
        client.end(fault === 'cut' ? answer.subarray(0, Math.floor(answer.length / 2)) : answer);
      },
      () => client.destroy(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

/** The whole of one request. */
function collect(client) {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    client.on('data', (piece) => {
      bytes = Buffer.concat([bytes, piece]);
      const end = bytes.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = Number(bytes.subarray(0, end).toString('latin1').match(/^content-length:\s*(\d+)/im)?.[1] ?? 0);
      if (bytes.length >= end + 4 + length) resolve(bytes);
    });
    client.on('close', reject);
  });
}

/** Everything that the server answers until it closes the connection. */
async function ask(socket, bytes) {
  const pieces = [];
  socket.on('data', (piece) => pieces.push(piece));
  socket.on('error', () => {});
  socket.write(bytes);
  await once(socket, 'close').catch(() => {});
  return Buffer.concat(pieces);
}

function closing(bytes) {
  return header(bytes, (head) => `${head.replace(/^connection:.*\r\n/gim, '')}\r\nConnection: close`);
}

function old(bytes) {
  return header(bytes, (head) => head.replace(' HTTP/1.1', ' HTTP/1.0').replace(/^connection:.*\r\n/gim, ''));
}

function header(bytes, change) {
  const end = bytes.indexOf('\r\n\r\n');
  return Buffer.concat([Buffer.from(change(bytes.subarray(0, end).toString('latin1')), 'latin1'), bytes.subarray(end)]);
}

function pipe(client, vestibule) {
  let timer;
  vestibule.on('error', () => {});
  client.pipe(vestibule);
  vestibule.on('data', (piece) => {
    client.write(piece);
    clearTimeout(timer);
    timer = setTimeout(() => {
      vestibule.destroy();
      client.destroy();
    }, 500);
  });
  vestibule.on('close', () => client.destroy());
  client.on('close', () => vestibule.destroy());
}
