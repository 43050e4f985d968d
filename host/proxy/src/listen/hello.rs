//! What a client calls its server before any of its connection is taken or passed on.

use std::time::Duration;

use bytes::BytesMut;
use rustls::server::Acceptor;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    time::timeout,
};

/// Most time until all of it is there.
const WITHIN: Duration = Duration::from_secs(10);

/// Most bytes of it.
const MOST: usize = 64 * 1024;

/// Reads on until the `ClientHello` of TLS is whole, and gives the name in it (SNI, RFC 6066 §3), if there is one.
pub(super) async fn server_name(stream: &mut (impl AsyncRead + Unpin), seen: &mut BytesMut) -> Option<String> {
    let mut acceptor = Acceptor::default();
    let mut read = 0;
    loop {
        let mut rest = seen.get(read..)?;
        while !rest.is_empty() {
            read += acceptor.read_tls(&mut rest).ok()?;
            match acceptor.accept() {
                Ok(Some(accepted)) => return accepted.client_hello().server_name().map(str::to_owned),
                Ok(None) => {}
                Err(_) => return None,
            }
        }
        read_more(stream, seen).await?;
    }
}

/// Reads on until the head of an HTTP/1 request is whole, and gives what its `Host` field says.
pub(super) async fn host_field(stream: &mut (impl AsyncRead + Unpin), seen: &mut BytesMut) -> Option<String> {
    loop {
        let mut lines = seen.split_inclusive(|&byte| byte == b'\n').filter(|line| line.ends_with(b"\n"));
        for line in lines.by_ref().map(<[u8]>::trim_ascii).skip_while(|line| line.is_empty()).skip(1) {
            if line.is_empty() {
                return None;
            }
            let colon = line.iter().position(|&byte| byte == b':');
            if let Some((name, value)) = colon.and_then(|at| line.split_at_checked(at))
                && name.eq_ignore_ascii_case(b"host")
            {
                let value = value.strip_prefix(b":").unwrap_or_default().trim_ascii();
                return std::str::from_utf8(value).ok().map(str::to_owned);
            }
        }
        read_more(stream, seen).await?;
    }
}

async fn read_more(stream: &mut (impl AsyncRead + Unpin), seen: &mut BytesMut) -> Option<()> {
    if seen.len() >= MOST {
        return None;
    }
    let read = timeout(WITHIN, stream.read_buf(seen)).await;
    matches!(read, Ok(Ok(1..))).then_some(())
}

#[cfg(test)]
mod tests {
    use std::{io::Cursor, sync::Arc};

    use rustls::{ClientConfig, ClientConnection, RootCertStore, crypto, pki_types::ServerName};

    use super::*;

    fn client_hello(host: &'static str) -> Vec<u8> {
        let provider = Arc::new(crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_root_certificates(RootCertStore::empty()).with_no_client_auth();
        let mut client = ClientConnection::new(Arc::new(config), ServerName::try_from(host).unwrap()).unwrap();
        let mut hello = Vec::new();
        client.write_tls(&mut hello).unwrap();
        hello
    }

    #[tokio::test]
    async fn the_name_in_a_client_hello_is_found_in_any_pieces() {
        for (host, expected) in [("shop.example", Some("shop.example")), ("192.0.2.1", None)] {
            let hello = client_hello(host);
            for at in [1, 5, 40, hello.len()] {
                let mut seen = BytesMut::from(&hello[..at]);
                let found = server_name(&mut Cursor::new(&hello[at..]), &mut seen).await;
                assert_eq!((found.as_deref(), &*seen), (expected, &*hello), "{at}");
            }
        }
        for broken in [&client_hello("shop.example")[..20], b"\x16\x03\x01\x00\x04nope", b"\x16"] {
            let mut seen = BytesMut::from(broken);
            assert_eq!(server_name(&mut Cursor::new(b""), &mut seen).await, None);
            assert_eq!(&*seen, broken);
        }
    }

    #[tokio::test]
    async fn the_host_field_is_found_in_any_pieces() {
        let head = b"\r\nGET / HTTP/1.1\r\nA: Host: x\r\nhOST:  shop.example:80 \r\n\r\nHost: body";
        for at in [1, 20, 45, head.len()] {
            let mut seen = BytesMut::from(&head[..at]);
            let found = host_field(&mut Cursor::new(&head[at..]), &mut seen).await;
            assert_eq!(found.as_deref(), Some("shop.example:80"), "{at}");
        }
        for head in [&b"GET / HTTP/1.0\r\n\r\nHost: a\r\n"[..], b"GET / HTTP/1.1\r\nHost: a", b"PRI *", b"host: a\r\n"]
        {
            assert_eq!(host_field(&mut Cursor::new(b""), &mut BytesMut::from(head)).await, None);
        }
    }
}
