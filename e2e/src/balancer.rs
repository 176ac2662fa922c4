//! One address in front of several intakes: a connection goes to the next one that takes it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A load balancer for tests; closed when it is dropped.
#[derive(Debug)]
pub struct Balancer {
    port: u16,
    serving: JoinHandle<()>,
}

impl Balancer {
    /// One in front of the ports of this machine.
    pub async fn start(ports: Vec<u16>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (ports, turn): (Arc<[u16]>, _) = (ports.into(), Arc::new(AtomicUsize::new(0)));
        let serving = tokio::spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let (ports, turn) = (Arc::clone(&ports), Arc::clone(&turn));
                tokio::spawn(async move {
                    let first = turn.fetch_add(1, Ordering::Relaxed);
                    for offset in 0..ports.len() {
                        let port = ports[(first + offset) % ports.len()];
                        if let Ok(mut intake) = TcpStream::connect(("127.0.0.1", port)).await {
                            // Whoever cut the connection, both ends see it.
                            let _ = copy_bidirectional(&mut client, &mut intake).await;
                            return;
                        }
                    }
                });
            }
        });
        Self { port, serving }
    }

    /// Where it is reached.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
