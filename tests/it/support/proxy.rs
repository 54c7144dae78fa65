//! A TCP proxy that counts protocol messages in both directions and pulls the plug at one of them.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What happens at the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Nothing: count only.
    Never,
    /// Both ends of every connection are reset before the message is passed on.
    ResetBefore,
    /// The same, after it was passed on.
    ResetAfter,
    /// Every connection goes silent in both directions, and stays open.
    Silence,
    /// The client process gets SIGKILL after the message was passed on.
    KillClient,
}

struct Shared {
    cut: Cut,
    at: usize,
    seen: AtomicUsize,
    client: AtomicI32,
    silent: AtomicBool,
    over: AtomicBool,
    sockets: Mutex<Vec<TcpStream>>,
    /// Those of the connections that hold a lock of edu's.
    locks: Mutex<Vec<TcpStream>>,
}

/// A proxy that listens until it is dropped.
pub struct Proxy {
    pub port: u16,
    shared: Arc<Shared>,
}

impl Proxy {
    /// Listens, and passes on to the server's `port`; pulls the plug at message `at`, counted from 1.
    pub fn start(port: u16, cut: Cut, at: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let own = listener.local_addr().expect("its address").port();
        let shared = Arc::new(Shared {
            cut,
            at,
            seen: AtomicUsize::new(0),
            client: AtomicI32::new(0),
            silent: AtomicBool::new(false),
            over: AtomicBool::new(false),
            sockets: Mutex::default(),
            locks: Mutex::default(),
        });
        let inner = Arc::clone(&shared);
        std::thread::spawn(move || accept(&listener, port, &inner));
        Self { port: own, shared }
    }

    /// Whom [`Cut::KillClient`] kills.
    pub fn client(&self, pid: i32) {
        self.shared.client.store(pid, Ordering::SeqCst);
    }

    /// Resets the connections that hold a lock of edu's, and no other.
    pub fn reset_locks(&self) {
        reset(&self.shared.locks);
    }

    /// How many messages have passed.
    pub fn seen(&self) -> usize {
        self.shared.seen.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        self.shared.reset();
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Shared {
    fn reset(&self) {
        reset(&self.sockets);
    }

    /// Passes one message on, or does what is due at it.
    fn pass(&self, message: &[u8], to: &mut TcpStream) -> io::Result<()> {
        if self.silent.load(Ordering::SeqCst) {
            return Ok(());
        }
        let number = self.seen.fetch_add(1, Ordering::SeqCst) + 1;
        let due = self.cut != Cut::Never && number == self.at;
        match self.cut {
            Cut::ResetBefore if due => {
                self.reset();
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            Cut::Silence if due => {
                self.silent.store(true, Ordering::SeqCst);
                return Ok(());
            }
            _ => to.write_all(message)?,
        }
        if due && self.cut == Cut::ResetAfter {
            self.reset();
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        if due && self.cut == Cut::KillClient {
            let pid = rustix::process::Pid::from_raw(self.client.load(Ordering::SeqCst));
            if let Some(pid) = pid {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
        Ok(())
    }
}

fn reset(sockets: &Mutex<Vec<TcpStream>>) {
    for socket in sockets.lock().expect("the sockets").drain(..) {
        let _ = rustix::net::sockopt::set_socket_linger(&socket, Some(Duration::ZERO));
        let _ = socket.shutdown(Shutdown::Both);
    }
}

fn accept(listener: &TcpListener, port: u16, shared: &Arc<Shared>) {
    for client in listener.incoming() {
        let (false, Ok(client)) = (shared.over.load(Ordering::SeqCst), client) else {
            return;
        };
        let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else {
            continue;
        };
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let copy = |socket: &TcpStream| socket.try_clone().expect("a socket");
        {
            let mut sockets = shared.sockets.lock().expect("the sockets");
            sockets.extend([copy(&client), copy(&server)]);
        }
        let (up, down) = (Arc::clone(shared), Arc::clone(shared));
        let (from, to) = (copy(&client), copy(&server));
        std::thread::spawn(move || pump(from, to, true, &up));
        std::thread::spawn(move || pump(server, client, false, &down));
    }
}

/// Passes on message by message until either end closes.
fn pump(mut from: TcpStream, mut to: TcpStream, mut untyped: bool, shared: &Shared) {
    loop {
        let message = read_message(&mut from, untyped);
        if untyped && let Ok(start) = &message {
            let lock = b"application_name\0edu lock\0";
            if start.windows(lock.len()).any(|part| part == lock) {
                let copies = [&from, &to].map(|socket| socket.try_clone().expect("a socket"));
                shared.locks.lock().expect("the sockets").extend(copies);
            }
        }
        let outcome = message.and_then(|m| shared.pass(&m, &mut to));
        untyped = false;
        if outcome.is_err() {
            if !shared.silent.load(Ordering::SeqCst) {
                let _ = to.shutdown(Shutdown::Both);
            }
            return;
        }
    }
}

fn read_message(from: &mut TcpStream, untyped: bool) -> io::Result<Vec<u8>> {
    let mut message = vec![0; if untyped { 4 } else { 5 }];
    from.read_exact(&mut message)?;
    let start = message.len() - 4;
    let length = u32::from_be_bytes(message[start..].try_into().expect("four bytes")) as usize;
    message.resize(start + length, 0);
    from.read_exact(&mut message[start + 4..])?;
    Ok(message)
}
