//! A socket between client and service that a test can stall and cut.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Passes bytes both ways between one socket and another.
pub(crate) struct Relay {
    socket: PathBuf,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// Whether answers of the service are held back.
    stalled: AtomicBool,
    open: Mutex<Vec<UnixStream>>,
}

impl Relay {
    /// Listens beside the service's socket.
    pub(crate) fn to(service: &Path) -> Self {
        let socket = service.with_file_name("relay");
        let listener = UnixListener::bind(&socket).unwrap();
        let (state, service) = (Arc::new(State::default()), service.to_owned());
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = UnixStream::connect(&service) else { continue };
                shared.carry(&client, &server);
            }
        });
        Relay { socket, state }
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Holds back every answer from now on.
    pub(crate) fn stall(&self) {
        self.state.stalled.store(true, Ordering::SeqCst);
    }

    /// Lets answers through again.
    pub(crate) fn go_on(&self) {
        self.state.stalled.store(false, Ordering::SeqCst);
    }

    /// Cuts every connection, as the end of the service does.
    pub(crate) fn cut(&self) {
        for stream in self.state.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

impl State {
    fn carry(self: &Arc<Self>, client: &UnixStream, server: &UnixStream) {
        let copy = |stream: &UnixStream| stream.try_clone().unwrap();
        self.open.lock().unwrap().extend([copy(client), copy(server)]);
        let (mut from, mut to) = (copy(client), copy(server));
        thread::spawn(move || pass(&mut from, &mut to, || ()));
        let (state, mut from, mut to) = (Arc::clone(self), copy(server), copy(client));
        thread::spawn(move || {
            pass(&mut from, &mut to, || {
                while state.stalled.load(Ordering::SeqCst) {
                    thread::sleep(Duration::from_millis(1));
                }
            });
        });
    }
}

fn pass(from: &mut UnixStream, to: &mut UnixStream, before_writing: impl Fn()) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        before_writing();
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
    let _ = from.shutdown(std::net::Shutdown::Both);
}
