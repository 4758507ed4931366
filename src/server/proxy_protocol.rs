//! The PROXY protocol, version 2: before the HTTP begins, the proxy says for whom it connects.
//!
//! Source: HAProxy's `proxy-protocol.txt`, section 2.2. A header is a signature of twelve bytes,
//! the version with the command, the family with the transport, the length of the rest, and the
//! addresses. Version 1, a line of text, is refused: where a line ends is a matter of reading
//! ahead, and every proxy that writes version 1 can write version 2.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use tokio::io::{AsyncRead, AsyncReadExt as _};

const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

/// Addresses take 216 bytes at most; the rest is extensions (TLVs), which are skipped.
const MOST: usize = 4096;

/// Reads exactly the header. `None` when the proxy speaks for itself, as its health checks do.
///
/// # Errors
/// When what comes is no such header, or the connection ends.
pub(super) async fn read(
    connection: &mut (impl AsyncRead + Unpin),
) -> io::Result<Option<SocketAddr>> {
    let mut head = [0; 16];
    connection.read_exact(&mut head).await?;
    let [signature @ .., command, family, high, low] = head;
    if signature != SIGNATURE {
        let is_old = head.starts_with(b"PROXY ");
        return Err(fault(if is_old {
            "version 1 of the protocol; set the proxy to version 2"
        } else {
            "no header"
        }));
    }
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > MOST {
        return Err(fault("a header that is too long"));
    }
    let mut rest = vec![0; length];
    connection.read_exact(&mut rest).await?;
    match command {
        0x20 => Ok(None),
        0x21 => client(family, &rest).map(Some),
        _ => Err(fault("an unknown version or command")),
    }
}

/// The source of the connection: TCP over IPv4 or IPv6. A client of a Unix socket or of UDP does
/// not come to us.
fn client(family: u8, rest: &[u8]) -> io::Result<SocketAddr> {
    let (address, ports) = match family {
        0x11 => {
            let (address, rest) =
                rest.split_first_chunk::<4>().ok_or_else(|| fault("an address cut short"))?;
            (IpAddr::from(Ipv4Addr::from(*address)), rest.get(4..))
        }
        0x21 => {
            let (address, rest) =
                rest.split_first_chunk::<16>().ok_or_else(|| fault("an address cut short"))?;
            (IpAddr::from(Ipv6Addr::from(*address)), rest.get(16..))
        }
        _ => return Err(fault("neither TCP over IPv4 nor over IPv6")),
    };
    match ports {
        Some([high, low, _, _, ..]) => {
            Ok(SocketAddr::new(address, u16::from_be_bytes([*high, *low])))
        }
        _ => Err(fault("an address cut short")),
    }
}

fn fault(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[command, family], &length, rest].concat()
    }

    /// Client address that was read, and the bytes left for HTTP.
    async fn read_all(mut bytes: &[u8]) -> (Result<Option<SocketAddr>, String>, Vec<u8>) {
        let read = read(&mut bytes).await.map_err(|error| error.to_string());
        (read, bytes.to_vec())
    }

    #[actix_web::test]
    async fn the_client_is_who_the_proxy_says_and_not_a_byte_of_the_request_is_taken() {
        let ports = [0x9c, 0x40, 0, 80];
        let four = [&[203, 0, 113, 9, 10, 0, 0, 1][..], &ports].concat();
        let mut bytes = header(0x21, 0x11, &[&four[..], b"\x03\0\x04abcd"].concat());
        bytes.extend(b"GET / HTTP/1.1\r\n");
        let (client, rest) = read_all(&bytes).await;
        assert_eq!(
            (client, rest),
            (Ok("203.0.113.9:40000".parse().ok()), b"GET / HTTP/1.1\r\n".to_vec())
        );
        let six =
            [&"2001:db8::7".parse::<Ipv6Addr>().unwrap().octets()[..], &[0; 16], &ports].concat();
        assert_eq!(
            read_all(&header(0x21, 0x21, &six)).await.0,
            Ok("[2001:db8::7]:40000".parse().ok())
        );
        assert_eq!(read_all(&header(0x20, 0, b"")).await.0, Ok(None));
    }

    #[actix_web::test]
    async fn what_is_no_header_of_version_two_is_refused() {
        let (four, many) = ([203, 0, 113, 9, 10, 0, 0, 1, 0, 1, 0], vec![0; MOST + 1]);
        for (bytes, named) in [
            (b"PROXY TCP4 203.0.113.9 10.0.0.1 40000 80\r\n".to_vec(), "version 1"),
            (b"GET / HTTP/1.1\r\nHost: localhost\r\n".to_vec(), "no header"),
            (header(0x21, 0x11, &four), "cut short"),
            (header(0x21, 0x21, &four), "cut short"),
            (header(0x21, 0x12, &four), "neither"),
            (header(0x21, 0x31, &[0; 216]), "neither"),
            (header(0x11, 0x11, &four), "unknown version"),
            (header(0x22, 0x11, &four), "unknown version"),
            (header(0x21, 0x11, &many), "too long"),
            (SIGNATURE.to_vec(), "early eof"),
        ] {
            let error = read_all(&bytes).await.0.unwrap_err();
            assert!(error.contains(named), "{error} is not {named}");
        }
    }
}
