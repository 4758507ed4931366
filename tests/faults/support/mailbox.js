// An email server that can be taken away, refuse, dawdle and hang up.
import { once } from 'node:events';
import { SMTPServer } from 'smtp-server';

export class MailServer {
  /** Whom emails were taken for, one for each time. */
  taken = [];
  /** Emails that were begun, taken or not. */
  tries = 0;
  /** What becomes of an email: `take`, `busy` (451), `unknown` (550), `cut` (hangs up within the data), `slow` (says nothing). */
  manner = 'take';

  /** A server that is not there yet, on a port that is known. */
  constructor(port) {
    this.port = port;
  }

  get url() {
    return `smtp://127.0.0.1:${this.port}`;
  }

  async open() {
    this.server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS', 'AUTH'],
      logger: false,
      closeTimeout: 100,
      onMailFrom: (from, session, done) => {
        this.tries += 1;
        this.tried ??= performance.now();
        if (this.manner !== 'slow') done();
      },
      onRcptTo: (address, session, done) => {
        if (this.manner === 'busy') done(refusal(451, 'come back later'));
        else if (this.manner === 'unknown') done(refusal(550, 'no such mailbox'));
        else done();
      },
      onData: (stream, session, done) => {
        if (this.manner === 'cut') {
          stream.once('data', () => this.server.connections.forEach((connection) => connection._socket.destroy()));
        }
        stream.resume();
        stream.once('end', () => {
          if (this.manner !== 'take') return;
          for (const { address } of session.envelope.rcptTo) this.taken.push(address);
          done();
        });
      },
    });
    this.server.on('error', () => {});
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server.server, 'listening');
  }

  async close() {
    if (!this.server) return;
    this.server.connections.forEach((connection) => connection._socket.destroy());
    await new Promise((resolve) => this.server.close(resolve));
    this.server = undefined;
  }
}

function refusal(responseCode, words) {
  return Object.assign(new Error(words), { responseCode });
}
