//! Whom the client of ClickHouse trusts, against a server with a certificate of an authority that the system doesn't know
//! (`tests/tls/`: made by openssl for 100 years; the authority's key was thrown away).
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    io::{Read, Write},
    net::TcpListener,
    path::PathBuf,
    sync::Arc,
    thread,
};

use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use store::{
    StoreError,
    clickhouse::{ClickHouseStore, raw::RawConfig},
};

fn file(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls")).join(name)
}

/// A server that answers every request with an exception of ClickHouse. Its address.
fn server() -> String {
    let certificates = CertificateDer::pem_file_iter(file("server.pem")).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(file("server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let tls = Arc::new(tls.with_no_client_auth().with_single_cert(certificates, key).unwrap());
    let listener = TcpListener::bind("localhost:0").unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&tls)).unwrap(), stream.unwrap());
            // A client that doesn't trust it ends the handshake.
            if stream.read(&mut [0; 4_096]).is_ok() {
                let text = "Code: 516. DB::Exception: hello from behind TLS";
                let _ = write!(stream, "HTTP/1.1 500 no\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}", text.len());
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_a_named_authority_is_talked_to_and_one_of_an_unknown_authority_is_not() {
    let urls = vec![server()];
    let named = RawConfig { urls: urls.clone(), tls_ca_file: Some(file("ca.pem")), ..RawConfig::default() };
    let answered = ClickHouseStore::open(named.check().unwrap()).await.map(drop);
    assert!(matches!(&answered, Err(StoreError::Mismatch(text)) if text.contains("hello from behind TLS")), "{answered:?}");
    let unknown = RawConfig { urls, ..RawConfig::default() };
    let refused = ClickHouseStore::open(unknown.check().unwrap()).await.map(drop);
    assert!(matches!(&refused, Err(StoreError::Unavailable(text)) if text.contains("certificate")), "{refused:?}");
}
