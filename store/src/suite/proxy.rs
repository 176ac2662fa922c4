//! A way to a server that fails as a seed decides, for tests: refused connections, requests cut off in the
//! middle of an insert, answers that never arrive.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs},
    ops::Range,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What goes wrong on connections from now on. A connection may carry many requests.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    /// Connections are closed, and new ones not served.
    pub refuse: bool,
    /// A connection ends when so many bytes of requests were passed on since the faults were set or it began:
    /// drawn from the range for each connection.
    pub cut_requests: Option<Range<u64>>,
    /// A connection ends when so many bytes of answers were passed on: what the last request asked for was
    /// done, and nobody knows.
    pub cut_answers: Option<Range<u64>>,
}

/// A port of this machine in front of a server. Closed when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    server: SocketAddr,
    state: Mutex<State>,
    seed: u64,
    /// Counts the settings of faults.
    round: AtomicU64,
    connections: AtomicU64,
    cuts: AtomicU64,
    closed: AtomicBool,
}

#[derive(Debug)]
struct State {
    faults: Faults,
    open: Vec<TcpStream>,
}

#[derive(Debug, Clone, Copy)]
enum Direction {
    Requests,
    Answers,
}

impl Proxy {
    /// One in front of the server at `url`, `http://host:port`, without faults. What goes wrong on its first
    /// connection, its second and so on depends on `seed` and on how often faults were set.
    ///
    /// # Errors
    /// When there is no such address or no free port.
    pub fn start(url: &str, seed: u64) -> io::Result<Self> {
        let host = url.trim_start_matches("http://").trim_end_matches('/');
        let server = host.to_socket_addrs()?.next().ok_or_else(|| io::Error::other(format!("no address: {url}")))?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            server,
            state: Mutex::new(State { faults: Faults::default(), open: Vec::new() }),
            seed,
            round: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            cuts: AtomicU64::new(0),
            closed: AtomicBool::new(false),
        });
        thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.serve(&listener)
        });
        Ok(Self { address, shared })
    }

    /// Where it listens, `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sets what goes wrong from now on; the default heals all.
    pub fn set(&self, faults: Faults) {
        let mut state = self.shared.state();
        self.shared.round.fetch_add(1, Ordering::SeqCst);
        if faults.refuse {
            close_all(&mut state.open);
        }
        state.faults = faults;
    }

    /// How many connections were cut off after some bytes so far; refused ones don't count.
    pub fn cuts(&self) -> u64 {
        self.shared.cuts.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        close_all(&mut self.shared.state().open);
        // Wakes the listener, so that it sees that it is closed.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(self: &Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming() {
            if self.closed.load(Ordering::SeqCst) {
                return;
            }
            // A client that is gone already, or a server that is not there: the connection just ends.
            let _ = client.and_then(|client| self.connect(client));
        }
    }

    fn connect(self: &Arc<Self>, client: TcpStream) -> io::Result<()> {
        let server = TcpStream::connect(self.server)?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        {
            let mut state = self.state();
            if state.faults.refuse {
                return client.shutdown(Shutdown::Both);
            }
            state.open.retain(|stream| stream.peer_addr().is_ok());
            state.open.extend([client.try_clone()?, server.try_clone()?]);
        }
        let number = self.connections.fetch_add(1, Ordering::SeqCst);
        let ways = [(client.try_clone()?, server.try_clone()?, Direction::Requests), (server, client, Direction::Answers)];
        for (from, to, direction) in ways {
            let shared = Arc::clone(self);
            thread::spawn(move || shared.pass(&from, &to, number, direction));
        }
        Ok(())
    }

    /// Passes bytes on until one side ends or the limit is reached; then both end.
    fn pass(&self, mut from: &TcpStream, mut to: &TcpStream, number: u64, direction: Direction) {
        let mut buffer = [0; 16 << 10];
        let (mut round, mut left) = self.limit(number, direction);
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            if self.round.load(Ordering::SeqCst) != round {
                (round, left) = self.limit(number, direction);
            }
            let room = left.map_or(count, |left| usize::try_from(left).map_or(count, |left| left.min(count)));
            if to.write_all(&buffer[..room]).is_err() {
                break;
            }
            left = left.map(|left| left.saturating_sub(room as u64));
            if left == Some(0) {
                self.cuts.fetch_add(1, Ordering::SeqCst);
                break;
            }
        }
        let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    }

    /// How many bytes may pass on a connection from now on, and the round in which that holds.
    fn limit(&self, number: u64, direction: Direction) -> (u64, Option<u64>) {
        let state = self.state();
        let round = self.round.load(Ordering::SeqCst);
        let (range, way) = match direction {
            Direction::Requests => (&state.faults.cut_requests, 0),
            Direction::Answers => (&state.faults.cut_answers, 1),
        };
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(number << 32 | round << 1 | way);
        (round, range.clone().map(|range| rng.random_range(range)))
    }
}

fn close_all(open: &mut Vec<TcpStream>) {
    for stream in open.drain(..) {
        // It may have ended by itself.
        let _ = stream.shutdown(Shutdown::Both);
    }
}
