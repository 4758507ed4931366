// Where every name leads to this machine: an HTTP proxy as programs know it from HTTPS_PROXY, for those that cannot be told
// where a name is.

import { createServer, request } from "node:http";
import { connect } from "node:net";

export class Names {
  /** `ports` are the ones that are elsewhere here than where they are asked for. */
  static async open(ports) {
    const names = new Names();
    const port = (asked) => ports[asked] ?? Number(asked);
    names.server = createServer((question, answer) => {
      const url = new URL(question.url);
      const options = { host: "127.0.0.1", port: port(url.port || 80), path: url.pathname + url.search, headers: question.headers };
      const passed = request(options, (answered) => {
        answer.writeHead(answered.statusCode, answered.headers);
        answered.pipe(answer);
      });
      passed.on("error", () => answer.destroy()).end();
    });
    names.server.on("connect", (question, socket, head) => {
      const there = connect(port(question.url.split(":").pop()), "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 Connected\r\n\r\n");
        there.write(head);
        there.pipe(socket).pipe(there);
      });
      for (const end of [there, socket]) end.on("error", () => (there.destroy(), socket.destroy()));
    });
    await new Promise((resolve) => names.server.listen(0, "127.0.0.1", resolve));
    names.url = `http://127.0.0.1:${names.server.address().port}`;
    return names;
  }

  close() {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }
}
