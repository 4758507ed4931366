// Requests as nobody's library would write them, byte by byte.

import { connect } from "node:tls";

/** Sends `bytes` over one connection and answers all that comes back until nothing does for a while, or the other side hangs up. */
export function sendRaw(place, host, bytes, quiet = 500) {
  return new Promise((resolve) => {
    const target = { host: "127.0.0.1", port: place.ports.https, servername: host, ca: place.tls.authority };
    const socket = connect(target, () => socket.write(Buffer.from(bytes, "latin1")));
    let answer = "";
    const end = () => (socket.destroy(), resolve(answer));
    socket.setTimeout(quiet, end);
    socket.on("data", (part) => (answer += part.toString("latin1"))).on("end", end).on("error", end);
  });
}

/** Ways of writing one request so that two readers may see another end of it: its head's lines, and its body. `hidden` is the
 *  request that one of them would find behind it. */
export function disagreements(hidden) {
  const chunked = `0\r\n\r\n${hidden}`;
  const long = `Content-Length: ${chunked.length}`;
  const obfuscated = [
    "Transfer-Encoding: xchunked",
    "Transfer-Encoding : chunked",
    "Transfer-Encoding:\tchunked",
    "Transfer-Encoding:\x0bchunked",
    "Transfer-Encoding: chunked\x00",
    " Transfer-Encoding: chunked",
    "X: y\nTransfer-Encoding: chunked",
    "X: y\rTransfer-Encoding: chunked",
    "Transfer-Encoding:\r\n chunked",
    "Transfer-Encoding: chunked, identity",
    "Transfer-Encoding: identity, chunked",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    'Transfer-Encoding: "chunked"',
    "Transfer_Encoding: chunked",
    "TRANSFER-ENCODING: CHUNKED",
  ];
  return [
    [[long, "Transfer-Encoding: chunked"], chunked],
    [["Transfer-Encoding: chunked", long], chunked],
    ...obfuscated.map((line) => [[long, line], chunked]),
    ...obfuscated.map((line) => [["Content-Length: 5", line], chunked]),
    [["Content-Length: 0", `Content-Length: ${hidden.length}`], hidden],
    [[`Content-Length: ${hidden.length}`, "Content-Length: 0"], hidden],
    [[`Content-Length: 0, ${hidden.length}`], hidden],
    [[`Content-Length: +${hidden.length}`], hidden],
    [[`Content-Length: 0x${hidden.length.toString(16)}`], hidden],
    [[`Content-Length: -1`], hidden],
    [[`Content_Length: ${hidden.length}`], hidden],
    [["X: y\nContent-Length: 0", `Content-Length: ${hidden.length}`], hidden],
    [["Transfer-Encoding: chunked"], `0\n\n${hidden}`],
    [["Transfer-Encoding: chunked"], `0;a\nb\r\n\r\n${hidden}`],
    [["Transfer-Encoding: chunked"], `00000000000000000000\r\n\r\n${hidden}`],
    [["Transfer-Encoding: chunked"], `10000000000000000\r\n${hidden}`],
    [["Transfer-Encoding: chunked"], `0x0\r\n\r\n${hidden}`],
    [["Transfer-Encoding: chunked"], `1\r\nab\r\n0\r\n\r\n${hidden}`],
    [["Expect: 100-continue", long], chunked],
    [["Connection: Content-Length", `Content-Length: ${hidden.length}`], hidden],
    [["Connection: Transfer-Encoding", "Transfer-Encoding: chunked", long], chunked],
  ];
}
